//! What a parked process shows and keeps of its caller.

use std::fs;

use crate::common::memory::{dumpable, prctl_dumpable};
use crate::common::{eventually, mapped, printed, shell};
use crate::support::{Gate, code_of, descriptors_of, own_binary, parked};
use ns_process::{Chroot, Container, Init, Memory, Namespace, Stdio, set_dumpable};

fn read(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).expect(file)
}

/// A field of a file in kB.
fn kilobytes(text: &str, field: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Its memory has the gate only: no mapping, variable or argument of the caller.
#[test]
fn f46_a_parked_process_has_nothing_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut copied = shell("exit 3");
        copied.namespaces([Namespace::User, Namespace::Pid]).map_zero().memory(Memory::Copied);
        let mut scored = shell("exit 3");
        scored.oom_score_adj(1000);
        let mut in_root = Chroot::new("/", "sh");
        in_root.map_zero();
        let at = |pid: u32| {
            let maps = read(pid, "maps");
            for line in maps.lines() {
                let name = line.split_whitespace().nth(5).unwrap_or_default();
                let known = ["", "/memfd:gate", "[stack]", "[vdso]", "[vvar]", "[vvar_vclock]"];
                assert!(known.contains(&name) || name == "[vsyscall]", "{maps}");
            }
            assert_eq!(read(pid, "environ"), "");
            // The kernel shows the arguments shortly after the exec.
            eventually("the arguments are shown", || read(pid, "cmdline") == "parked\0sh\0");
            let rollup = read(pid, "smaps_rollup");
            let (rss, pss) = (kilobytes(&rollup, "Rss:"), kilobytes(&rollup, "Pss:"));
            println!("shown: a parked process has Rss {rss} kB, Pss {pss} kB");
            assert!(rss <= 40 && pss <= 40, "{rollup}");
            // Its gate, and the streams.
            let own = descriptors_of(std::process::id());
            let files = descriptors_of(pid);
            assert_eq!(files.len(), 4, "{files:?}");
            for (number, target) in &files[..3] {
                assert!(own.contains(&(number.clone(), target.clone())), "{files:?}");
            }
            assert!(files[3].1.starts_with("socket:"), "{files:?}");
        };
        for container in [shell("exit 3"), mapped_shell(), copied, scored] {
            let waiting = parked(&container);
            at(waiting.pid());
            assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
        }
        at(parked(&in_root).pid());
    });
}

fn mapped_shell() -> Container {
    let mut container = shell("exit 3");
    container.namespaces([Namespace::User, Namespace::Pid, Namespace::Net]).map_zero();
    container
}

/// The caller's "dumpable" attribute has its value while processes are parked, and other starts
/// need not wait for it.
#[test]
fn c18_the_dumpable_attribute_is_free_while_processes_are_parked() {
    ns_testbed::run_as!([Root, User, Nested], {
        prctl_dumpable(1);
        let containers = [shell("exit 3"), mapped_shell(), mapped_shell()];
        let waiting: Vec<_> = containers.iter().map(parked).collect();
        assert_eq!(dumpable(), 1);
        // Starts that need each value of the attribute.
        for container in [mapped(), shell("exit 0")] {
            assert!(container.status().expect("start").success());
            assert_eq!(dumpable(), 1);
        }
        set_dumpable(false).expect("set_dumpable");
        assert_eq!(dumpable(), 0);
        for waiting in waiting {
            assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
            assert_eq!(dumpable(), 0);
        }
        set_dumpable(true).expect("set_dumpable");
    });
}

/// The program has no descriptor of the gate, of the listening socket, or of its own file.
#[test]
fn e01_the_program_has_no_descriptor_of_the_gate() {
    ns_testbed::run_as!([Root, User, Nested], {
        let list = "ls -l /proc/self/fd | sed 's/.*:.. //'";
        let script = format!("{list}; exec 9< /dev/null; exit 3");
        let expected = printed(&shell(list));
        for at_path in [false, true] {
            for by_fd in [false, true] {
                for under_init in [false, true] {
                    let mut container = shell(&script);
                    container.stdout(Stdio::piped());
                    if by_fd {
                        container.program_fd(fs::File::open("/bin/sh").expect("open"));
                    }
                    if under_init {
                        container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
                        container.init(Init::builtin());
                    }
                    let gate = at_path.then(|| Gate::of(&mut container));
                    let process = parked(&container).release().expect("release");
                    let output = process.wait_with_output().expect("output");
                    let seen = String::from_utf8(output.stdout).expect("text");
                    assert_eq!(plain(&seen), plain(&expected));
                    assert_eq!(output.status.code(), Some(3));
                    drop(gate);
                }
            }
        }
    });
}

/// The numbers and kinds of descriptors.
fn plain(list: &str) -> Vec<String> {
    let lines = list.lines().filter_map(|line| line.split_once(" -> "));
    lines
        .filter(|(_, target)| !target.contains("/fd"))
        .map(|(number, target)| {
            let kind = target.split(":[").next().unwrap_or_default();
            format!("{number} {kind}")
        })
        .collect()
}

/// The program's own `/proc/self/exe` is the program, whichever file the process executed before.
#[test]
fn f46_the_executed_file_is_the_program() {
    ns_testbed::run_as!([User], {
        let waiting = parked(&shell("readlink /proc/$$/exe | grep -q memfd && exit 1; exit 3"));
        let exe = fs::read_link(format!("/proc/{}/exe", waiting.pid())).expect("the gate");
        assert_eq!(exe.to_str(), Some("/memfd:gate (deleted)"));
        assert_eq!(code_of(&waiting.release().expect("release")), Some(3));
        // So a program is not given as the caller's own one by this path, but by a descriptor.
        let by_path = Container::new("/proc/self/exe");
        assert_eq!(code_of(&parked(&by_path).release().expect("release")), Some(125));
        let mut by_fd = Container::new("test");
        by_fd.program_fd(own_binary()).arg("--list").stdout(Stdio::piped());
        let output = parked(&by_fd).release().expect("release").wait_with_output();
        let names = String::from_utf8(output.expect("output").stdout).expect("text");
        assert!(names.contains("own_memory::f46_the_executed_file"), "{names}");
    });
}
