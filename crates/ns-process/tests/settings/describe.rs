//! The description of a plan: one line for each step, with the names of the kernel's numbers.

use ns_process::{
    CapabilitySet, Container, IoPriority, Namespace, Personality, Resource, Signal, Stdio,
};

/// The plan lists the steps in order, and does not print the environment.
#[test]
fn a_plan_lists_the_steps() {
    ns_testbed::run_as!([Root], {
        // A core limit other than 0 adds two lines.
        ns_sys::child::prlimit(Resource::Core as u32, 0, 0).expect("prlimit");
        let mut container = Container::new("/bin/true");
        let kinds = [Namespace::User, Namespace::Pid, Namespace::Mnt];
        container.namespaces(kinds).map_zero().mount_proc().env("TOKEN", "secret");
        let plan = container.plan().expect("plan");
        let flags = "CLONE_VM | CLONE_PIDFD | CLONE_NEWNS | CLONE_CHILD_CLEARTID | CLONE_UNTRACED \
                     | CLONE_NEWUSER | CLONE_NEWPID | CLONE_CLEAR_SIGHAND";
        let expected = [
            "memory: shared with the caller until the program is executed",
            "memory: copied instead, if another start has cleared the dumpable attribute",
            "parent: pidfd_open(own thread, PIDFD_THREAD); prctl(PR_GET_TID_ADDRESS)  \
             # the child detects with it that the caller has exited",
            "parent: fstat(file of the record locks)  # the lock that the child will hold",
            "parent: prctl(PR_GET_DUMPABLE); prctl(PR_SET_DUMPABLE, 0)  \
             # other processes may not inspect the child, which shares the memory",
            "parent: rt_sigprocmask(SIG_SETMASK, all)  # no handler runs in the child",
            &format!("parent: clone3({flags})  # create the child"),
            "parent: rt_sigprocmask(SIG_SETMASK, former mask)",
            "parent: readlinkat(\"/proc/self\")  # it is the proc of the caller's pid namespace",
            "parent: open(\"/proc/PID/comm\")  # the name of the child",
            "parent: open(\"/proc/PID\")  # the directory with the files of the child",
            "parent: write(uid_map, \"0 0 1\\n\")",
            "parent: write(gid_map, \"0 0 1\\n\")",
            "parent: futex(go, wake)  # release the child",
            "child: fcntl(F_SETFD); fcntl(F_SETLK)  # held until the program is executed",
            "child: rt_sigaction(1 to 64, SIG_DFL)  \
             # the program starts with the default action of each signal",
            "child: futex(go, wait)  # wait until the parent has done its part",
            "child: mount(NULL, \"/\", NULL, MS_REC | MS_PRIVATE, NULL)  \
             # mounts of the child do not appear in the caller's mount namespace",
            "child: mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)  \
             # mount proc",
            "child: setsid() unless 0, 1 or 2 is a terminal  # leave the terminal",
            "child: close_range(3, UINT_MAX, 0)  # close all other descriptors",
            "child: prctl(PR_SET_NAME)  # a name that exec replaces, so that the caller sees the exec",
            "child: rt_sigprocmask(SIG_SETMASK, none)  # the signals that the process blocks",
            "child: execve(\"/bin/true\")",
            "parent: futex(child_tid, wait)  # the child has left the memory",
            "parent: fcntl(F_GETLK)",
            "parent: pread(comm)",
            "parent: prctl(PR_SET_DUMPABLE, 1)",
            "parent: waitid(pidfd, WNOHANG | WNOWAIT)  # the program was executed",
        ];
        assert_eq!(plan.describe().to_string(), expected.join("\n"));
        assert!(!format!("{plan:?}").contains("secret"));
    });
}

/// No line of a plan has a number whose name the kernel's manual pages know.
#[test]
fn a_plan_names_numbers() {
    let mut container = Container::new("true");
    container.namespaces([Namespace::User, Namespace::Net]).map_zero();
    container.rlimit(Resource::Nofile, 64, u64::MAX).nice(5).umask(0o77).oom_score_adj(7);
    container.parent_death_signal(Signal::TERM).no_new_privs();
    container.drop_capabilities(CapabilitySet::NET_RAW | CapabilitySet::SYS_ADMIN);
    container.keep_capabilities(CapabilitySet::CHOWN);
    container.io_priority(IoPriority::best_effort(3));
    container.personality(Personality::LINUX32 | Personality::ADDR_NO_RANDOMIZE);
    let text = container.plan().expect("plan").describe().to_string();
    for line in [
        "prlimit(RLIMIT_NOFILE, soft 64, hard unlimited)  # set a resource limit",
        "setpriority(PRIO_PROCESS, 5)  # set the nice value",
        "umask(0077)  # set the umask",
        "write(oom_score_adj, \"7\")",
        "prctl(PR_SET_PDEATHSIG, SIGTERM)  # the child does not outlive the caller",
        "prctl(PR_CAPBSET_DROP, CAP_NET_RAW | CAP_SYS_ADMIN)  # set the bounding set",
        "capset(permitted and effective: all but CAP_NET_RAW | CAP_SYS_ADMIN, inheritable: CAP_CHOWN)  \
         # set the capabilities",
        "prctl(PR_CAP_AMBIENT_RAISE, CAP_CHOWN)  # set the ambient set",
        "ioprio_set(IOPRIO_CLASS_BE, level 3)  # set the I/O priority",
        "personality(PER_LINUX32 | ADDR_NO_RANDOMIZE)  # set the personality",
    ] {
        let is_there = text.lines().any(|found| found.ends_with(&format!(": {line}")));
        assert!(is_there, "{line} in\n{text}");
    }
    assert!(!text.contains("0x") && !text.contains("4294967295") && !text.contains("0o"), "{text}");
    assert_eq!(text.matches("execve(").count(), 1, "{text}");
}

/// Each line of a plan is a step, also if a path contains a newline.
#[test]
fn a_newline_in_a_path_does_not_end_the_line_of_a_plan() {
    let mut container = Container::new("true");
    container.namespace_file(Namespace::Uts, "a\nb").stdin(Stdio::path("c\nd"));
    let text = container.plan().expect("plan").describe().to_string();
    let sides = ["memory: ", "parent: ", "intermediate: ", "child: "];
    assert!(text.lines().all(|line| sides.iter().any(|side| line.starts_with(side))), "{text}");
}
