//! Random payloads of a release.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Container, Errno, Parked, Payload, Process, Resource, Stdio, Step, reap};
use ns_testbed::{LONG, Leftovers};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::getrlimit;

/// The plan of a parked process, and the changes of its release.
#[derive(Clone, Debug)]
pub struct Release {
    /// The number of a planned descriptor.
    planned_fd: u8,
    has_planned_file: bool,
    program: Program,
    args: Option<Vec<Vec<u8>>>,
    env: Vec<Change>,
    /// In the order of the calls; a later file replaces an earlier one.
    files: Vec<(i32, Source)>,
    limits: Vec<(Limit, u64, u64)>,
    workdir: Option<Workdir>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
enum Program {
    Planned,
    Name,
    Path,
    File,
    MissingName,
    MissingPath,
    Directory,
    Empty,
    Nul,
}

#[derive(Clone, Debug)]
enum Change {
    Set(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Clear,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Source {
    /// A memory file with this name.
    Memory(u8),
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
enum Limit {
    Nofile,
    Fsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
enum Workdir {
    Usr,
    Parent,
    Missing,
    File,
    Nul,
}

impl<'a> Arbitrary<'a> for Release {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let program = if u.ratio(1, 2)? { Program::Planned } else { u.arbitrary()? };
        let args = if u.arbitrary()? { Some(list(u, 6, text)?) } else { None };
        let workdir = if u.ratio(1, 3)? { Some(u.arbitrary()?) } else { None };
        let largest = if u.ratio(1, 8)? { 18 } else { 6 };
        Ok(Self {
            planned_fd: u.int_in_range(3..=12)?,
            has_planned_file: u.arbitrary()?,
            program,
            args,
            env: list(u, 5, change)?,
            files: list(u, largest, |u| Ok((number(u)?, u.arbitrary()?)))?,
            limits: list(u, 2, limit)?,
            workdir,
        })
    }
}

fn list<'a, T>(
    u: &mut Unstructured<'a>,
    longest: usize,
    mut item: impl FnMut(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..u.int_in_range(0..=longest)?).map(|_| item(u)).collect()
}

/// Any bytes; few texts have a NUL byte.
fn text(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if u.ratio(1, 16)? {
        return Ok(vec![b'x'; u.int_in_range(0..=100_000)?]);
    }
    let mut text = list(u, 8, Arbitrary::arbitrary)?;
    if u.ratio(31, 32)? {
        text.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'0');
    }
    Ok(text)
}

fn change(u: &mut Unstructured<'_>) -> Result<Change> {
    const NAMES: [&[u8]; 5] = [b"A", b"B", b"LONG_NAME", b"PATH", b"\xff"];
    const INVALID: [&[u8]; 3] = [b"", b"A=B", b"A\0"];
    const PATHS: [&[u8]; 6] =
        [b"/bin", b"/no:/usr/bin:/bin", b"", b"/no", b":/bin/", b"/etc/passwd:/bin"];
    let names: &[&[u8]] = if u.ratio(1, 32)? { &INVALID } else { &NAMES };
    let name = u.choose(names)?.to_vec();
    Ok(match u.int_in_range(0..=5)? {
        0 => Change::Clear,
        1 => Change::Remove(name),
        _ if name == b"PATH" => Change::Set(name, u.choose(&PATHS)?.to_vec()),
        _ => Change::Set(name, text(u)?),
    })
}

/// A number of a descriptor; most may be that of the gate.
fn number(u: &mut Unstructured<'_>) -> Result<i32> {
    const RARE: [i32; 6] = [-1, i32::MIN, 200, 1 << 21, i32::MAX - 1, i32::MAX];
    if u.ratio(1, 24)? { Ok(*u.choose(&RARE)?) } else { u.int_in_range(0..=20) }
}

fn limit(u: &mut Unstructured<'_>) -> Result<(Limit, u64, u64)> {
    let hard = u.int_in_range(64..=100)?;
    let soft = if u.ratio(1, 8)? { hard + 1 } else { u.int_in_range(64..=hard)? };
    Ok((u.arbitrary()?, soft, hard))
}

/// What the release must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Runs,
    /// The step, the errno, and the beginning of the object.
    Fails(Step, Option<Errno>, &'static str),
}

/// Releases a parked process with a payload.
///
/// Oracle: `/proc` shows the arguments, variables, descriptors, limits and the working directory that the plan and the
/// payload ask for, and no others; or the error names the setter. Nothing is left.
///
/// # Panics
/// If one of these does not hold.
pub fn payload(release: &Release) {
    run(release);
}

pub(super) fn run(release: &Release) -> Outcome {
    let before = Leftovers::snapshot();
    let outcome = release.trial();
    while reap() > 0 {
        std::thread::yield_now();
    }
    before.assert_unchanged_within(Duration::from_secs(5));
    outcome
}

/// The program stops itself, so that it can be looked at.
const STOPS: &str = "kill -STOP $$";
const PLANNED_PATH: &str = "/usr/bin:/bin";

impl Release {
    /// As the target, without a look at what is left, because other threads may start processes.
    pub(crate) fn run(&self) {
        self.trial();
    }

    fn trial(&self) -> Outcome {
        let parked = self.parked();
        let mut payload = Payload::new();
        self.fill(&mut payload);
        let expected = self.expected();
        match parked.release_with(&payload) {
            Ok(process) => {
                assert_eq!(expected, Outcome::Runs, "{self:?}");
                self.check(&process);
                process.kill().expect("kill");
                process.join().expect("join");
            }
            Err(error) => {
                let Outcome::Fails(step, errno, object) = &expected else {
                    panic!("{error}: {self:?}")
                };
                assert_eq!((error.step(), error.errno()), (*step, *errno), "{error}: {self:?}");
                let shown = error.object().unwrap_or_default();
                assert!(shown.starts_with(object), "{error}: {self:?}");
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
            }
        }
        expected
    }

    fn parked(&self) -> Parked {
        let mut container = Container::new("sh");
        container.args(["-c", STOPS, "planned"]).workdir("/").env_clear();
        container.envs([("PATH", PLANNED_PATH), ("A", "planned")]);
        container.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        container.fd(self.planned_fd.into(), memory("planned"));
        if self.has_planned_file {
            container.program_fd(File::open("/bin/sh").expect("open"));
        }
        container.start_parked().expect("park")
    }

    fn fill(&self, payload: &mut Payload) {
        match self.program {
            Program::Planned => &mut *payload,
            Program::Name => payload.program("sh"),
            Program::Path => payload.program("/bin/sh"),
            Program::File => payload.program_fd(File::open("/bin/sh").expect("open")),
            Program::MissingName => payload.program("no-such"),
            Program::MissingPath => payload.program("/no/such"),
            Program::Directory => payload.program("/etc"),
            Program::Empty => payload.program(""),
            Program::Nul => payload.program("s\0h"),
        };
        if let Some(args) = &self.args {
            payload.args(["-c", STOPS]).args(args.iter().map(|arg| OsStr::from_bytes(arg)));
        }
        for change in &self.env {
            match change {
                Change::Set(name, value) => {
                    payload.env(OsStr::from_bytes(name), OsStr::from_bytes(value))
                }
                Change::Remove(name) => payload.env_remove(OsStr::from_bytes(name)),
                Change::Clear => payload.env_clear(),
            };
        }
        for (number, source) in &self.files {
            payload.fd(*number, source.file());
        }
        for (limit, soft, hard) in &self.limits {
            payload.rlimit(limit.resource(), *soft, *hard);
        }
        if let Some(workdir) = self.workdir {
            payload.workdir(OsStr::new(workdir.path()));
        }
    }

    /// The first failure in the order of a release.
    fn expected(&self) -> Outcome {
        let checked = self.check_failure().or_else(|| self.file_failure());
        checked.or_else(|| self.step_failure()).unwrap_or(Outcome::Runs)
    }

    fn check_failure(&self) -> Option<Outcome> {
        let invalid = |object| Some(Outcome::Fails(Step::Check, None, object));
        let has_nul = |text: &[u8]| text.contains(&0);
        match self.program {
            Program::Empty => return invalid("program: "),
            Program::Nul => return invalid("program: NUL"),
            _ => {}
        }
        if self.args.iter().flatten().any(|arg| has_nul(arg)) {
            return invalid("arg ");
        }
        // What env_clear discards is not checked.
        let kept = self.env.rsplit(|change| matches!(change, Change::Clear)).next();
        let mut changes: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
        for change in kept.into_iter().flatten() {
            match change {
                Change::Set(name, value) => changes.insert(name, value),
                Change::Remove(name) => changes.insert(name, b""),
                Change::Clear => None,
            };
        }
        let is_invalid = |(name, value): (&&[u8], &&[u8])| {
            name.is_empty() || name.contains(&b'=') || has_nul(name) || has_nul(value)
        };
        if changes.iter().any(is_invalid) {
            return invalid("env ");
        }
        None
    }

    fn file_failure(&self) -> Option<Outcome> {
        let files = self.files();
        let failed = |step, object| Some(Outcome::Fails(step, None, object));
        if files.keys().any(|number| *number < 0) {
            return failed(Step::Prepare, "descriptor ");
        }
        if files.len() > 15 {
            return failed(Step::Check, "fd: ");
        }
        if self.workdir == Some(Workdir::Nul) {
            return failed(Step::Check, "workdir: NUL");
        }
        None
    }

    fn step_failure(&self) -> Option<Outcome> {
        let failed = |step, errno, object| Some(Outcome::Fails(step, Some(errno), object));
        let open_files = getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        let largest = self.files().into_keys().max().map(|number| u64::from(number.unsigned_abs()));
        if largest.is_some_and(|largest| largest >= open_files) {
            return failed(Step::PlaceFd, Errno::INVAL, "");
        }
        if self.limits().iter().any(|(_, (soft, hard))| soft > hard) {
            return failed(Step::Rlimit, Errno::INVAL, "");
        }
        match self.workdir {
            Some(Workdir::Missing) => return failed(Step::Workdir, Errno::NOENT, "no/such"),
            Some(Workdir::File) => return failed(Step::Workdir, Errno::NOTDIR, "/etc/passwd"),
            _ => {}
        }
        let is_found = match self.program {
            Program::MissingPath => return failed(Step::Exec, Errno::NOENT, "/no/such"),
            Program::Directory => return failed(Step::Exec, Errno::ACCESS, "/etc"),
            Program::MissingName => return failed(Step::Exec, Errno::NOENT, "no-such"),
            Program::Planned => self.has_planned_file || self.path_has_sh(),
            Program::Name => self.path_has_sh(),
            _ => true,
        };
        if is_found { None } else { failed(Step::Exec, Errno::NOENT, "sh") }
    }

    fn path_has_sh(&self) -> bool {
        let env = self.variables();
        let path = env.get(&b"PATH"[..]).map_or(&b"/bin:/usr/bin"[..], Vec::as_slice);
        path.split(|byte| *byte == b':').any(|dir| dir.ends_with(b"/bin") || dir == b"/bin/")
    }

    /// The files by number.
    fn files(&self) -> BTreeMap<i32, Source> {
        self.files.iter().copied().collect()
    }

    fn limits(&self) -> Vec<(Limit, (u64, u64))> {
        let last = |limit: Limit| {
            let of_limit = |(known, soft, hard): &(Limit, u64, u64)| {
                (*known == limit).then_some((limit, (*soft, *hard)))
            };
            self.limits.iter().rev().find_map(of_limit)
        };
        [Limit::Nofile, Limit::Fsize].into_iter().filter_map(last).collect()
    }

    fn variables(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut env: BTreeMap<Vec<u8>, Vec<u8>> =
            [("PATH", PLANNED_PATH), ("A", "planned")].map(|(k, v)| (k.into(), v.into())).into();
        for change in &self.env {
            match change {
                Change::Set(name, value) => env.insert(name.clone(), value.clone()),
                Change::Remove(name) => env.remove(name),
                Change::Clear => {
                    env.clear();
                    None
                }
            };
        }
        env
    }

    /// Compares the stopped program with the plan and the payload.
    fn check(&self, process: &Process) {
        let directory = PathBuf::from(format!("/proc/{}", process.pid()));
        wait_until_stopped(&directory);
        let read = |file| fs::read(directory.join(file)).expect("read a file of the process");
        let program = if self.program == Program::Path { "/bin/sh" } else { "sh" };
        let mut argv = vec![program.as_bytes(), b"-c", STOPS.as_bytes()];
        match &self.args {
            Some(args) => argv.extend(args.iter().map(Vec::as_slice)),
            None => argv.push(b"planned"),
        }
        assert_eq!(strings(&read("cmdline")), argv, "{self:?}");
        let env: Vec<_> =
            self.variables().into_iter().map(|(k, v)| [k, b"=".into(), v].concat()).collect();
        let environ = read("environ");
        let mut shown = strings(&environ);
        shown.sort_by_key(|text| text.split(|byte| *byte == b'=').next().map(<[u8]>::to_vec));
        assert_eq!(shown, env, "{self:?}");
        let link = |path: PathBuf| fs::read_link(path).expect("read a link").display().to_string();
        let null = |number| (number, "/dev/null".to_owned());
        let mut files: BTreeMap<i32, String> = (0..3).map(null).collect();
        files.insert(self.planned_fd.into(), Source::shown("planned"));
        files.extend(self.files().iter().map(|(number, source)| (*number, source.link())));
        let listed = fs::read_dir(directory.join("fd")).expect("list the descriptors");
        let listed = listed.map(|entry| entry.expect("read an entry"));
        let number = |name: &OsStr| name.to_string_lossy().parse().expect("a number");
        let listed: BTreeMap<i32, String> =
            listed.map(|entry| (number(&entry.file_name()), link(entry.path()))).collect();
        assert_eq!(listed, files, "{self:?}");
        let workdir = if self.workdir == Some(Workdir::Usr) { "/usr" } else { "/" };
        assert_eq!(link(directory.join("cwd")), workdir, "{self:?}");
        let limits = String::from_utf8(read("limits")).expect("text");
        for (limit, (soft, hard)) in self.limits() {
            let line = limits.lines().find_map(|line| line.strip_prefix(limit.words()));
            let shown: Vec<_> = line.expect("the line").split_whitespace().take(2).collect();
            assert_eq!(shown, [soft.to_string(), hard.to_string()], "{self:?}");
        }
    }
}

fn wait_until_stopped(directory: &std::path::Path) {
    let deadline = Instant::now() + LONG;
    let state = || {
        let text = fs::read_to_string(directory.join("stat")).expect("read stat");
        text.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())
    };
    while state() != Some('T') {
        assert!(Instant::now() < deadline && state() != Some('Z'), "it does not stop");
        std::thread::yield_now();
    }
}

/// The C strings of a file in proc.
fn strings(bytes: &[u8]) -> Vec<&[u8]> {
    let Some(bytes) = bytes.strip_suffix(b"\0") else { return Vec::new() };
    bytes.split(|byte| *byte == 0).collect()
}

fn memory(name: &str) -> Stdio {
    Stdio::fd(memfd_create(name, MemfdFlags::CLOEXEC).expect("memfd_create"))
}

impl Source {
    fn file(self) -> Stdio {
        match self {
            Self::Memory(name) => memory(&format!("file-{name}")),
            Self::Null => Stdio::null(),
        }
    }

    fn link(self) -> String {
        match self {
            Self::Memory(name) => Self::shown(&format!("file-{name}")),
            Self::Null => "/dev/null".to_owned(),
        }
    }

    fn shown(name: &str) -> String {
        format!("/memfd:{name} (deleted)")
    }
}

impl Limit {
    fn resource(self) -> Resource {
        match self {
            Self::Nofile => Resource::Nofile,
            Self::Fsize => Resource::Fsize,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Nofile => "Max open files",
            Self::Fsize => "Max file size",
        }
    }
}

impl Workdir {
    /// Relative to the planned one, which is the root.
    fn path(self) -> &'static str {
        match self {
            Self::Usr => "usr",
            Self::Parent => "usr/..",
            Self::Missing => "no/such",
            Self::File => "/etc/passwd",
            Self::Nul => "u\0sr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned() -> Release {
        Release {
            planned_fd: 3,
            has_planned_file: false,
            program: Program::Planned,
            args: None,
            env: Vec::new(),
            files: Vec::new(),
            limits: Vec::new(),
            workdir: None,
        }
    }

    #[test]
    fn each_outcome_occurs() {
        ns_testbed::run_as!([Root, User, Nested], {
            assert_eq!(run(&planned()), Outcome::Runs);
            // One of them is the number of the gate, and one that of the planned file.
            let files = (0..15).rev().map(|number| (number, Source::Memory(1))).collect();
            assert_eq!(run(&Release { has_planned_file: true, files, ..planned() }), Outcome::Runs);
            // And here, one may be the number at which the program is received.
            let files = (0..15).map(|number| (number, Source::Memory(1))).collect();
            assert_eq!(run(&Release { program: Program::File, files, ..planned() }), Outcome::Runs);
            // The program does not count as one of the 15.
            let files: Vec<_> = (0..16).map(|number| (number, Source::Memory(1))).collect();
            let steps = [
                (Release { files, ..planned() }, Step::Check),
                (Release { args: Some(vec![vec![0]]), ..planned() }, Step::Check),
                (Release { program: Program::Empty, ..planned() }, Step::Check),
                (Release { env: vec![Change::Remove(Vec::new())], ..planned() }, Step::Check),
                (Release { workdir: Some(Workdir::Nul), ..planned() }, Step::Check),
                (Release { files: vec![(-1, Source::Null)], ..planned() }, Step::Prepare),
                (Release { files: vec![(1 << 21, Source::Null)], ..planned() }, Step::PlaceFd),
                (Release { limits: vec![(Limit::Fsize, 1, 0)], ..planned() }, Step::Rlimit),
                (Release { workdir: Some(Workdir::Missing), ..planned() }, Step::Workdir),
                (Release { program: Program::Directory, ..planned() }, Step::Exec),
            ];
            for (release, step) in steps {
                assert!(matches!(run(&release), Outcome::Fails(failed, ..) if failed == step));
            }
        });
    }

    #[test]
    fn the_first_inputs_pass() {
        ns_testbed::run_as!([Root, User, Nested], {
            for bytes in crate::noise().iter().take(200) {
                payload(&Release::arbitrary(&mut Unstructured::new(bytes)).unwrap());
            }
        });
    }
}
