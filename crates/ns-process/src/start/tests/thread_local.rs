//! No code between clone and exec touches thread-local storage.
#![allow(unsafe_code, reason = "borrows a descriptor by number")]

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::prelude::rust_2024::*;
use std::thread;
use std::time::Duration;

use ns_fs::{Mount, Stdio};
use ns_sys::{CloneFlags, Errno, WaitStatus};
use ns_testbed::{forked, nicer};
use rustix::mm::ProtFlags;

use super::{child_with, current_thread, leak, map, reap};
use crate::in_child::{GO, Report};
use crate::plan::Plan;
use crate::step::Step;
use crate::{
    BpfInstruction, CapabilitySet, Container, Init, IoPriority, Personality, Resource, Scheduler,
};

/// Runs every step, including the wait to be released, in a child whose thread pointer refers to
/// inaccessible memory.
fn without_tls(
    candidates: &'static [&'static CStr],
    init: Option<Init>,
) -> (Option<Report>, WaitStatus) {
    // SAFETY: the testbed opens descriptor 0 for every test, and no code closes it.
    let stdin = unsafe { BorrowedFd::borrow_raw(0) };
    let mut all = Container::new("true");
    all.all().mount_proc().hostname("box").domainname("net").loopback().umask(0o27);
    all.nice(nicer(1))
        .rlimit(Resource::Nofile, 100, 100)
        .rlimit(Resource::Core, 0, 0)
        .no_new_privs();
    all.drop_capabilities(CapabilitySet::SYS_BOOT).keep_capabilities(CapabilitySet::NET_RAW);
    all.seccomp([BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }]).die_with_parent();
    all.fd(90, Stdio::borrowed(stdin)).workdir("/").mount(Mount::tmpfs("/tmp"));
    all.mount(Mount::bind("/usr", "/usr").recursive().read_only()).new_session(true);
    all.affinity(0..64).scheduler(Scheduler::batch()).io_priority(IoPriority::idle());
    all.new_session_keyring("thread-local");
    all.personality(Personality::ADDR_NO_RANDOMIZE);
    all.init = init;
    let full_plan: &'static Plan = leak(all.plan().expect("plan"));
    let kinds = CloneFlags::from(all.get_namespaces());
    let parent = current_thread();
    let tls = Some(map(ProtFlags::empty()));
    let child = child_with(candidates, kinds, Some(&parent), tls, Some(full_plan));
    // Longer than one round of the child's wait, so that its check of this thread is included.
    thread::sleep(Duration::from_millis(150));
    child.handshake().signal(GO);
    child.wait_left_memory(None).expect("no lock");
    (child.handshake().reported(), reap(&child))
}

#[test]
fn no_step_touches_thread_local_storage() {
    ns_testbed::run_as!([Root, User], {
        let (report, status) = without_tls(&[c"/nope", c"/bin/true"], None);
        assert_eq!((report, status.code()), (None, Some(0)), "{status:?}");
        let (report, status) = without_tls(&[c"/nope", c"/neither"], None);
        let failed = Report { step: Step::Exec, errno: Errno::NOENT, index: 0 };
        assert_eq!((report, status.code()), (Some(failed), Some(127)), "{status:?}");
    });
}

/// The same for pid 1 and the program alongside it. They leak memory only in the forked process.
#[test]
fn no_step_of_an_init_touches_thread_local_storage() {
    ns_testbed::run_as!([Root, User], {
        let run = |candidates| {
            forked(|| {
                let (report, status) = without_tls(candidates, Some(Init::builtin()));
                assert_eq!(report, None);
                status.code().unwrap_or(-1)
            })
        };
        assert_eq!(run(&[c"/nope", c"/bin/true"]), 0);
        // The program reports through its own handshake, and pid 1 exits without a report.
        assert_eq!(run(&[c"/nope", c"/neither"]), 126);
    });
}
