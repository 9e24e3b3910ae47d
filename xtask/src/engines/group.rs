//! The groups of cases, and how the cases of one run.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use super::case::{Case, parse};
use super::driver::{self, Ended};
use super::inside::UID;
use super::table::Verdict;

/// A case that has not ended by then has failed. The machine may be busy.
const LIMIT: Duration = Duration::from_secs(20);

/// Before a group, an image is imported and daemons are started.
const SETUP_LIMIT: Duration = Duration::from_secs(100);

/// Processes of an engine exit a little later than its command.
const SETTLE: Duration = Duration::from_secs(3);

/// By what the runtime is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// By podman as root
    Podman,
    /// By podman as an ordinary user
    Rootless,
    /// By containerd
    Ctr,
    /// By its command line
    Direct,
}

/// A group with one runtime.
#[derive(Debug)]
pub(super) struct Run<'a> {
    group: Group,
    runtime: &'a Path,
    /// The directory of the sandbox.
    base: &'a Path,
    /// The directory of this group with this runtime.
    work: PathBuf,
}

impl Group {
    pub(super) const ALL: [Self; 4] = [Self::Direct, Self::Podman, Self::Rootless, Self::Ctr];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Rootless => "rootless",
            Self::Ctr => "ctr",
            Self::Direct => "direct",
        }
    }

    pub(super) fn cases(self) -> Result<Vec<Case>> {
        parse(match self {
            Self::Podman => include_str!("podman.txt"),
            Self::Rootless => include_str!("rootless.txt"),
            Self::Ctr => include_str!("ctr.txt"),
            Self::Direct => include_str!("direct.txt"),
        })
    }

    /// Functions of sh(1) for all cases: at least `setup` and `cleanup`, which prints what a case left.
    fn functions(self) -> String {
        let own = match self {
            Self::Podman | Self::Rootless => include_str!("podman.sh"),
            Self::Ctr => include_str!("ctr.sh"),
            Self::Direct => include_str!("direct.sh"),
        };
        format!("{}{own}", include_str!("common.sh"))
    }
}

impl<'a> Run<'a> {
    /// Runs the `setup` of the group.
    pub(super) fn prepare(group: Group, runtime: &'a Path, base: &'a Path) -> Result<Self> {
        let run = Self { group, runtime, base, work: base.join("work") };
        fs::create_dir(&run.work)?;
        run.give_to_user(&run.work)?;
        fs::write(run.work.join("functions.sh"), group.functions())?;
        let ended = run.script("setup", &run.work, SETUP_LIMIT)?;
        ensure!(ended.status == Some(0), "setup of {}: {}", group.name(), ended.first_line());
        Ok(run)
    }

    /// Runs a case in a directory of its own, and looks for what it left.
    pub(super) fn case(&self, case: &Case) -> Result<Verdict> {
        if let Some(condition) = self.unmet(case)? {
            return Ok(Verdict::Skipped(condition));
        }
        let ended = self.script(&case.script, &self.directory()?, LIMIT)?;
        let verdict = judge(case, &ended);
        if ended.status.is_none() {
            self.renew()?;
            return Ok(verdict);
        }
        match self.clean_up()? {
            Some(left) if verdict == Verdict::Passed => {
                Ok(Verdict::Failed(format!("left behind: {left}")))
            }
            _ => Ok(verdict),
        }
    }

    /// The condition of the case if it does not hold here.
    fn unmet(&self, case: &Case) -> Result<Option<String>> {
        let Some(condition) = &case.condition else { return Ok(None) };
        let ended = self.script(condition, &self.directory()?, LIMIT)?;
        Ok((ended.status != Some(0)).then(|| condition.clone()))
    }

    /// Removes what the case left, and returns its first line.
    fn clean_up(&self) -> Result<Option<String>> {
        let mounts = unmount_below(&self.work.join("case"))?;
        let cleanup = self.script("cleanup", &self.directory()?, LIMIT)?;
        if cleanup.status != Some(0) {
            self.renew()?;
            return Ok(Some(format!("cleanup failed: {}", cleanup.first_line())));
        }
        let processes = driver::settle(&self.daemons()?, SETTLE)?;
        let lines = cleanup.output.lines().map(ToOwned::to_owned);
        Ok(mounts.into_iter().chain(lines).chain(processes).next())
    }

    /// Starts again from nothing. An engine does not recover from everything that a killed case leaves.
    fn renew(&self) -> Result<()> {
        self.remove()?;
        Self::prepare(self.group, self.runtime, self.base).map(drop)
    }

    /// Ends the daemons of the group and removes its directory.
    pub(super) fn remove(&self) -> Result<()> {
        driver::kill_all(&BTreeSet::new())?;
        unmount_below(&self.work)?;
        fs::remove_dir_all(&self.work).with_context(|| self.work.display().to_string())
    }

    /// The directory of a case, empty.
    fn directory(&self) -> Result<PathBuf> {
        let directory = self.work.join("case");
        if directory.exists() {
            fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
        }
        fs::create_dir(&directory)?;
        self.give_to_user(&directory)?;
        Ok(directory)
    }

    fn give_to_user(&self, directory: &Path) -> Result<()> {
        if self.group == Group::Rootless {
            std::os::unix::fs::chown(directory, Some(UID), Some(UID))?;
        }
        Ok(())
    }

    /// The processes that stay between cases: `setup` and the cases write their IDs to a file.
    fn daemons(&self) -> Result<BTreeSet<i32>> {
        let text = fs::read_to_string(self.work.join("daemons")).unwrap_or_default();
        text.split_whitespace().map(|pid| pid.parse().context(pid.to_owned())).collect()
    }

    fn script(&self, script: &str, directory: &Path, limit: Duration) -> Result<Ended> {
        let script = format!(". \"$WORK/functions.sh\"\n{script}");
        let mut command = Command::new("setpriv");
        if self.group == Group::Rootless {
            command.args(["--reuid=4242", "--regid=4242", "--clear-groups"]);
        }
        command.args(["sh", "-euc", &script]).current_dir(directory).env_clear();
        let (base, work) = (self.base.display(), self.work.display());
        for (name, value) in [
            ("RUNTIME", self.runtime.display().to_string()),
            ("ROOTFS", format!("{base}/rootfs")),
            ("WORK", work.to_string()),
            // This program is of no use without it.
            ("CARGO_MANIFEST_DIR", env::var("CARGO_MANIFEST_DIR")?),
            ("XTASK", env::current_exe()?.display().to_string()),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ] {
            command.env(name, value);
        }
        driver::run(command, &self.work, limit)
    }
}

/// Unmounts what is mounted below a directory, the last mount first, and returns the mount points.
fn unmount_below(directory: &Path) -> Result<Vec<String>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    let mut points: Vec<_> =
        points.filter(|point| Path::new(point).starts_with(directory)).collect();
    points.reverse();
    for point in &points {
        Command::new("umount").args(["--lazy", point]).status()?;
    }
    Ok(points.into_iter().map(|point| format!("mount {point}")).collect())
}

/// Compares how a case ended with what it expects.
fn judge(case: &Case, ended: &Ended) -> Verdict {
    let reason = match ended.status {
        None => format!("killed after {} s at the latest", LIMIT.as_secs()),
        Some(status) if status != case.status => {
            format!("exit status {status}, not {}: {}", case.status, ended.first_line())
        }
        Some(_) if ended.output.trim_end() != case.output.trim_end() => {
            let (expected, found) = (case.output.trim_end(), ended.output.trim_end());
            let found: String = found.chars().take(200).collect();
            format!("printed {found:?}, not {expected:?}")
        }
        Some(_) => return Verdict::Passed,
    };
    Verdict::Failed(reason)
}

impl Ended {
    /// The first line of the errors, or of the output if there are none.
    fn first_line(&self) -> String {
        let mut lines = self.errors.lines().chain(self.output.lines());
        lines.find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(status: Option<i32>, output: &str, errors: &str) -> Ended {
        Ended { status, output: output.to_owned(), errors: errors.to_owned() }
    }

    #[test]
    fn a_case_passes_by_status_and_output() {
        let case = Case { output: "a\n".to_owned(), status: 3, ..Case::default() };
        assert_eq!(judge(&case, &ended(Some(3), "a\n\n", "a warning")), Verdict::Passed);
        for (other, part) in [
            (ended(Some(0), "a\n", "\nno such file\n"), "status 0, not 3: no such file"),
            (ended(Some(3), "b\n", ""), r#"printed "b", not "a""#),
            (ended(None, "a\n", ""), "killed"),
        ] {
            let Verdict::Failed(reason) = judge(&case, &other) else { panic!("{other:?}") };
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn every_group_has_as_many_cases_as_promised() {
        for (group, least) in
            [(Group::Podman, 75), (Group::Rootless, 20), (Group::Ctr, 18), (Group::Direct, 40)]
        {
            let count = group.cases().unwrap().len();
            assert!(count >= least, "{}: {count}", group.name());
        }
    }
}
