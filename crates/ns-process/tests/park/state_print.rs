//! The state of a program, as a shell script prints it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::fd::RawFd;

use ns_process::{Builder, Parked};
use rustix::fs::{MemfdFlags, memfd_create};

/// The descriptor to which the script prints.
const OUT: RawFd = 9;

/// Prints files of the shell itself: its process ID in proc(5) is another one in a new pid
/// namespace. The last program keeps the parent-death signal.
pub(crate) const SCRIPT: &str = r#"
read own rest < /proc/self/stat
{
  # While it waits for a program, the shell blocks signals.
  echo '== status'; while read -r line; do printf '%s\n' "$line"; done < /proc/self/status
  (cd /proc/$own && exec tail -v -n +1 limits stat personality oom_score_adj cgroup uid_map gid_map \
    setgroups mountinfo timens_offsets environ cmdline timerslack_ns attr/current attr/exec)
  echo '== fds'; echo /proc/$own/fd/*; readlink /proc/$own/fd/*
  echo '== namespaces'; readlink /proc/$own/ns/*
  echo '== umask'; umask
  echo '== ulimit'; ulimit -a
  echo '== workdir'; pwd -P; readlink /proc/$own/cwd /proc/$own/root; ls -id /
  echo '== args'; printf '%s|' "$0" "$@"
  echo '== names'; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
  echo '== network'; cat /proc/sys/net/ipv4/ip_forward; cat /proc/net/if_inet6
  echo '== process'; echo $$
  echo '== priority'; ionice
} >&9 2>&9
exec >&9 2>&9
echo '== privileges'
exec setpriv --dump
"#;

/// Fields of `status` that differ between two runs of the same program.
const PASSING: [&str; 11] =
    ["Name", "State", "Pid", "Tgid", "PPid", "NS", "Vm", "Rss", "FDSize", "TracerPid", "SigQ"];

/// Fields of `stat` that show something else than `status`, counted after the name from 0: the
/// terminal, the exit signal, the priority, the niceness, the realtime priority and the policy.
const STAT: [usize; 6] = [4, 35, 15, 16, 37, 38];

/// The printed sections, with what differs in each run removed.
pub(crate) type State = BTreeMap<String, String>;

/// The file to which programs print their state.
pub(crate) struct Printed(File);

impl Printed {
    pub(crate) fn new() -> Self {
        Self(memfd_create("state", MemfdFlags::CLOEXEC).expect("memfd").into())
    }

    /// Gives the program the file.
    pub(crate) fn give<Kind>(&self, builder: &mut Builder<Kind>) {
        builder.fd(OUT, self.0.try_clone().expect("dup"));
    }

    /// The state of the program of `builder`, or the error of the start.
    pub(crate) fn by<Kind>(
        &mut self,
        builder: &Builder<Kind>,
        parks: bool,
    ) -> Result<State, String> {
        self.0.set_len(0).expect("truncate");
        self.0.rewind().expect("seek");
        let process =
            if parks { builder.start_parked().and_then(Parked::release) } else { builder.start() };
        process.map_err(|error| error.to_string())?.join().expect("join");
        let mut text = Vec::new();
        self.0.rewind().expect("seek");
        self.0.read_to_end(&mut text).expect("read");
        let state = sections(&String::from_utf8_lossy(&text));
        assert!(state.len() > 20, "the script has run: {state:?}");
        Ok(state)
    }
}

fn sections(text: &str) -> State {
    let own = text.split("==> stat <==\n").nth(1).and_then(|stat| stat.split(' ').next());
    let text = text.replace(&format!("/proc/{}/", own.unwrap_or_default()), "/proc/own/");
    let text = text.replace("\n==> ", "== ").replace(" <==\n", "\n");
    let sections = text.split("== ").filter_map(|section| section.split_once('\n'));
    sections.map(|(name, text)| (name.to_owned(), stable(name, text))).collect()
}

fn stable(section: &str, text: &str) -> String {
    match section {
        "status" => lines(text, |line| {
            let passes = PASSING.iter().any(|field| line.starts_with(field));
            (!passes && !line.contains("ctxt_switches")).then(|| line.to_owned())
        }),
        "stat" => {
            let fields: Vec<_> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
            let own = text.split(' ').next().unwrap_or_default();
            let leads = |index: usize| fields[index] == own;
            format!("{} {} {:?}", leads(2), leads(3), STAT.map(|index| fields[index]))
        }
        // Numbers of mounts and peer groups differ.
        "mountinfo" => lines(text, |line| {
            let fields = line.split(' ').enumerate();
            let kept = fields.filter(|(index, field)| *index > 2 && !field.contains(':'));
            Some(kept.map(|(_, field)| field).collect::<Vec<_>>().join(" "))
        }),
        "namespaces" => lines(text, |line| {
            let kind = line.split(':').next()?;
            let own = fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
            Some(format!("{kind} {}", own.to_str() == Some(line)))
        }),
        // Pipes and sockets are new ones. The script has its own directory open.
        "fds" => lines(text, |line| {
            let target = line.split_once(":[").map_or(line, |(kind, _)| kind);
            Some(target.to_owned())
        }),
        // The parent of a daemon changes after the exec.
        "process" => (text == "1\n").to_string(),
        _ => text.to_owned(),
    }
}

fn lines(text: &str, stable: impl FnMut(&str) -> Option<String>) -> String {
    text.lines().filter_map(stable).collect::<Vec<_>>().join("\n")
}
