//! Kernel parameters of namespaces.

use std::fs;

use crate::common::{assert_refused, in_child, printed, shell, start_error};
use ns_process::{Chroot, Container, Errno, Init, Inject, Namespace, Step};

/// A shell in new user, network and IPC namespaces.
fn inside(script: &str) -> Container {
    let mut container = shell(script);
    container.namespaces([Namespace::User, Namespace::Net, Namespace::Ipc]).map_zero();
    container
}

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

/// Parameters of the new namespaces are set, and those of the caller stay.
#[test]
fn parameters_are_set_in_the_new_namespaces_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = || fs::read_to_string(FORWARD).expect("read");
        let before = own();
        for (name, value) in [("net.ipv4.ip_forward", "0"), ("net/ipv4/ip_forward", "1")] {
            let mut container = inside(&format!("cat {FORWARD}"));
            container.sysctl("net.ipv4.ip_forward", "7").sysctl(name, value);
            assert_eq!(printed(&container), format!("{value}\n"));
            container.mount_proc().namespaces([Namespace::Mnt, Namespace::Pid]);
            assert_eq!(printed(&container), format!("{value}\n"));
            assert_eq!(printed(container.init(Init::builtin())), format!("{value}\n"));
            assert_eq!(container.get_sysctls().len(), 2);
        }
        // With dots first, a slash stands for a dot in a name.
        let mut container = inside("cat /proc/sys/net/ipv4/conf/lo/forwarding");
        container.sysctl("net.ipv4.conf.lo.forwarding", "1");
        assert_eq!(printed(&container), "1\n");
        assert_eq!(own(), before);
    });
}

/// The files are found although the new root has no proc, or the joined mount namespace another one.
#[test]
fn parameters_are_set_by_the_proc_of_the_caller() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut chroot = Chroot::new("/", "cat");
        chroot.map_zero().namespace(Namespace::Net).arg(FORWARD);
        assert_eq!(printed(chroot.sysctl("net.ipv4.ip_forward", "1")), "1\n");
        let mut target = Container::new("sleep");
        target.arg("1000").namespaces(["user", "mnt", "net"]).map_zero();
        target.mount(ns_process::Mount::tmpfs("/proc/sys"));
        let target = target.start().expect("start");
        let mut inject = Inject::new(&target, "true");
        assert!(inject.sysctl("net.ipv4.ip_forward", "1").status().expect("start").success());
        let mut read = Inject::new(&target, "cat");
        read.namespaces([Namespace::User, Namespace::Net]).arg(FORWARD);
        assert_eq!(printed(&read), "1\n");
        target.kill().expect("kill");
        target.join().expect("join");
    });
}

/// A limit of the new user namespace keeps the program from making namespaces.
#[test]
fn a_limit_of_the_user_namespace_is_set() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = inside("unshare -U true");
        if !container.status().expect("start").success() {
            ns_testbed::skip!("unshare(1) cannot make a user namespace here");
        }
        container.sysctl("user.max_user_namespaces", "0");
        assert!(!container.status().expect("start").success());
    });
}

/// Parameters of System V IPC, as root of the machine.
#[test]
fn parameters_of_ipc_are_set() {
    ns_testbed::run_as!([Root], {
        let mut container = shell("cat /proc/sys/kernel/shmmax /proc/sys/kernel/sem");
        container.namespace(Namespace::Ipc);
        container.sysctl("kernel.shmmax", "12345").sysctl("kernel.sem", "250 32000 32 128");
        assert_eq!(printed(&container), "12345\n250\t32000\t32\t128\n");
    });
}

/// A refused parameter is named. So is a namespace of the caller.
#[test]
fn f12_refused_parameters_are_named() {
    ns_testbed::run_as!([Root, User, Nested], {
        let fails = |name: &str, value: &str, errno| {
            let error =
                start_error(inside("true").sysctl("net.ipv4.ip_forward", "1").sysctl(name, value));
            assert_eq!((error.step(), error.errno()), (Step::Sysctl, Some(errno)), "{error}");
            assert_eq!(error.object(), Some(&*name.replace('.', "/")));
            assert!(error.hint().is_some(), "{error}");
        };
        fails("net.ipv4.no_such_name", "1", Errno::NOENT);
        fails("net.ipv4.ip_default_ttl", "text", Errno::INVAL);
        let mut target = Container::new("sleep");
        let target = target.arg("1000").namespace(Namespace::User).map_zero().start();
        let target = target.expect("start");
        let mut inject = Inject::new(&target, "true");
        let error = start_error(inject.sysctl("net.ipv4.ip_forward", "1"));
        let message = "sysctl: the net namespace to join is the caller's own";
        assert_eq!((error.step(), error.object()), (Step::Check, Some(message)));
        target.kill().expect("kill");
        target.join().expect("join");
    });
}

/// A closure cannot use the directory of the parameters.
#[test]
fn a_closure_has_no_other_descriptor() {
    ns_testbed::run_as!([Root, User, Nested], {
        in_child(|| {
            let open = || fs::read_dir("/proc/self/fd").expect("read").count();
            let links = || {
                let all = fs::read_dir("/proc/self/fd").expect("read").flatten();
                let mut links = all.filter_map(|entry| fs::read_link(entry.path()).ok());
                links.any(|link| link.ends_with("proc/sys"))
            };
            let mut closure = Container::from_fn(move || i32::from(links() || open() == 0));
            closure.namespaces([Namespace::User, Namespace::Net]).map_zero();
            closure.sysctl("net.ipv4.ip_forward", "1");
            assert_eq!(closure.status().expect("start").code(), Some(0));
        });
    });
}

/// Parameters of no namespace, and names of no parameter, are refused.
#[test]
fn invalid_parameters_are_refused() {
    let refused = |name: &str, reason: &str| {
        let message = format!("sysctl: {name:?}: {reason}");
        assert_refused(inside("true").sysctl(name, "1"), &message);
    };
    let machine = "belongs to no namespace; it would change the machine";
    for name in ["kernel.panic", "vm.swappiness", "fs.file-max", "net", "net.x", "fs.mqueue"] {
        refused(name, machine);
    }
    for name in ["", ".", "/net/ipv4/ip_forward", "net..x", "net/../kernel/panic", "net.ipv4."] {
        refused(name, "not the name of a parameter");
    }
    refused("net.ipv4.x\0y", "NUL");
    refused("kernel.hostname", "use the setter hostname");
    refused("kernel.pid_max", "is not supported");
    refused("vm.memfd_noexec", "is not supported");
    refused("kernel/domainname", "use the setter domainname");
    let needs = |kind| format!("sysctl: needs a {kind} namespace that is new or joined");
    assert_refused(Container::new("true").sysctl("net.ipv4.ip_forward", "1"), &needs("net"));
    assert_refused(Container::new("true").sysctl("kernel.shmmax", "1"), &needs("ipc"));
    assert_refused(Container::new("true").sysctl("fs.mqueue.msg_max", "1"), &needs("ipc"));
    let mut user = Container::new("true");
    assert_refused(user.sysctl("user.max_user_namespaces", "1"), &needs("user"));
}
