//! The report of a failed step from the child.

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{
    Container, Errno, IoPriority, Mount, Namespace, Personality, Resource, Scheduler, Side, Step,
};
use ns_testbed::{forked, refuse};

/// A step of the child, and the errno with which it fails.
#[derive(Clone, Debug)]
pub struct FailingStep {
    case: Case,
    errno: Errno,
}

#[derive(Clone, Copy, Debug)]
enum Case {
    /// The system call of this step fails.
    Call(Step, i64),
    /// Of this number of mounts, the one with this index has no target.
    Mount(u8, u8),
    /// This descriptor is not open.
    Descriptor(u8),
}

/// Steps with a system call that no earlier step of the child makes.
const CALLS: &[(Step, i64)] = &[
    (Step::Session, libc::SYS_setsid),
    (Step::Hostname, libc::SYS_sethostname),
    (Step::Domainname, libc::SYS_setdomainname),
    (Step::Loopback, libc::SYS_socket),
    (Step::Nice, libc::SYS_setpriority),
    (Step::Affinity, libc::SYS_sched_setaffinity),
    (Step::Scheduler, libc::SYS_sched_setattr),
    (Step::IoPriority, libc::SYS_ioprio_set),
    (Step::Personality, libc::SYS_personality),
    (Step::Propagation, libc::SYS_mount),
    (Step::CloseRest, libc::SYS_close_range),
    (Step::Capabilities, libc::SYS_capset),
    (Step::Seccomp, libc::SYS_seccomp),
    (Step::Exec, libc::SYS_execve),
];

impl<'a> Arbitrary<'a> for FailingStep {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let case = match u.int_in_range(0..=3)? {
            0 => {
                let count = u.int_in_range(1..=20)?;
                Case::Mount(count, u.int_in_range(0..=count - 1)?)
            }
            1 => Case::Descriptor(u.int_in_range(30..=255)?),
            _ => {
                let (step, number) = *u.choose(CALLS)?;
                Case::Call(step, number)
            }
        };
        // The errnos that the kernel can return.
        Ok(Self { case, errno: Errno::from_raw_os_error(u.int_in_range(1..=4095)?) })
    }
}

/// Makes a step fail.
///
/// Oracle: the fault itself. The error has its step, errno and object, for every errno.
///
/// # Panics
/// If one of them differs.
pub fn report(failing: &FailingStep) {
    let FailingStep { case, errno } = failing;
    match *case {
        Case::Call(step, number) => {
            let errno = without_fallback(step, *errno);
            let code = forked(|| {
                refuse(number, errno);
                i32::from(!fails_with(&everything(), step, errno, None))
            });
            assert_eq!(code, 0, "{failing:?}");
        }
        Case::Mount(count, bad) => {
            let target = |n: u8| if n == bad { format!("/no/{n}") } else { "/tmp".to_owned() };
            let mut container = everything();
            for n in 0..count {
                container.mount(Mount::tmpfs(target(n)));
            }
            let object = target(bad);
            assert!(fails_with(&container, Step::MountTarget, Errno::NOENT, Some(&object)));
        }
        Case::Descriptor(number) => {
            let mut container = everything();
            container.rlimit(Resource::Nofile, 20, 20).fd(number.into(), ns_process::Stdio::null());
            check_descriptor(&container, number);
        }
    }
}

/// Returns a container whose start makes every step of the table.
fn everything() -> Container {
    let mut container = Container::new("/bin/true");
    container.all().without(Namespace::Time).map_zero().new_session(true);
    container.hostname("a").domainname("b").loopback().nice(19).no_new_privs();
    container.affinity(0..64).scheduler(Scheduler::batch()).io_priority(IoPriority::idle());
    container.personality(Personality::LINUX);
    container.drop_capabilities(ns_process::CapabilitySet::SYS_BOOT);
    container.seccomp([ns_process::BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }]);
    container
}

/// Checks a descriptor number above RLIMIT_NOFILE, which the child inherits.
fn check_descriptor(container: &Container, number: u8) {
    let code = forked(|| {
        let limit = rustix::process::Rlimit { current: Some(30), maximum: Some(30) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).expect("setrlimit");
        let object = number.to_string();
        i32::from(!fails_with(container, Step::PlaceFd, Errno::BADF, Some(&object)))
    });
    assert_eq!(code, 0, "descriptor {number}");
}

/// Whether the start fails with this error.
fn fails_with(container: &Container, step: Step, errno: Errno, object: Option<&str>) -> bool {
    let error = match container.start() {
        Ok(process) => {
            let _ = process.join();
            eprintln!("the start did not fail");
            return false;
        }
        Err(error) => error,
    };
    let same = (error.step(), error.side(), error.errno()) == (step, Side::Child, Some(errno));
    let named = object.is_none() || error.object() == object;
    if !(same && named) {
        eprintln!("{error}");
    }
    same && named && error.to_string().lines().count() == 1
}

/// Replaces an errno after which the step tries another way.
fn without_fallback(step: Step, errno: Errno) -> Errno {
    let fallback = match step {
        Step::CloseRest | Step::Seccomp => &[Errno::NOSYS, Errno::INVAL][..],
        Step::Exec => &[Errno::NOENT, Errno::ACCESS],
        _ => &[],
    };
    if fallback.contains(&errno) { Errno::PERM } else { errno }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_table_is_reported() {
        ns_testbed::run_as!([Root, Nested], {
            for (step, number) in CALLS {
                report(&FailingStep { case: Case::Call(*step, *number), errno: Errno::XDEV });
            }
            report(&FailingStep { case: Case::Mount(3, 1), errno: Errno::PERM });
            report(&FailingStep { case: Case::Descriptor(200), errno: Errno::PERM });
        });
    }
}
