//! What a child reports of the step that failed.

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Container, Errno, Mount, Namespace, Resource, Side, Step};
use ns_testbed::{forked, refuse};

/// A step of the child's, and how it fails.
#[derive(Clone, Debug)]
pub struct Failing {
    case: Case,
    errno: Errno,
}

#[derive(Clone, Copy, Debug)]
enum Case {
    /// The step whose system call fails.
    Call(Step, i64),
    /// Of so many mounts, that one has no target.
    Mount(u8, u8),
    /// That descriptor is not open.
    Descriptor(u8),
}

/// Each is the first in the child to make its call.
const CALLS: &[(Step, i64)] = &[
    (Step::Session, libc::SYS_setsid),
    (Step::Hostname, libc::SYS_sethostname),
    (Step::Domainname, libc::SYS_setdomainname),
    (Step::Loopback, libc::SYS_socket),
    (Step::Nice, libc::SYS_setpriority),
    (Step::Propagation, libc::SYS_mount),
    (Step::CloseRest, libc::SYS_close_range),
    (Step::Capabilities, libc::SYS_capset),
    (Step::Seccomp, libc::SYS_seccomp),
    (Step::Exec, libc::SYS_execve),
];

impl<'a> Arbitrary<'a> for Failing {
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
        // As many as the kernel has room for in a return value.
        Ok(Self { case, errno: Errno::from_raw_os_error(u.int_in_range(1..=4095)?) })
    }
}

/// Oracle: the failure that was made: step, errno and object come out of the record as they went in,
/// whatever the errno.
///
/// # Panics
/// Where they do not.
pub fn report(failing: &Failing) {
    let Failing { case, errno } = failing;
    match *case {
        Case::Call(step, number) => {
            let errno = reported(step, *errno);
            let code = forked(|| {
                refuse(number, errno);
                i32::from(!is_told(&everything(), step, errno, None))
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
            assert!(is_told(&container, Step::MountTarget, Errno::NOENT, Some(&object)));
        }
        Case::Descriptor(number) => {
            let mut container = everything();
            container.rlimit(Resource::Nofile, 20, 20).fd(number.into(), ns_process::Stdio::null());
            limited(&container, number);
        }
    }
}

/// A start that makes every step of the table, and the mounts after the first of them.
fn everything() -> Container {
    let mut container = Container::new("/bin/true");
    container.all().without(Namespace::Time).map_zero().new_session(true);
    container.hostname("a").domainname("b").loopback().nice(19).no_new_privs();
    container.drop_capabilities(ns_process::CapabilitySet::SYS_BOOT);
    container.seccomp([ns_process::BpfInstruction { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 }]);
    container
}

/// A place above the limit of descriptors, which the child has from its parent.
fn limited(container: &Container, number: u8) {
    let code = forked(|| {
        let limit = rustix::process::Rlimit { current: Some(30), maximum: Some(30) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).expect("setrlimit");
        let object = number.to_string();
        i32::from(!is_told(container, Step::PlaceFd, Errno::BADF, Some(&object)))
    });
    assert_eq!(code, 0, "descriptor {number}");
}

fn is_told(container: &Container, step: Step, errno: Errno, object: Option<&str>) -> bool {
    let error = match container.start() {
        Ok(process) => {
            let _ = process.join();
            eprintln!("started");
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

/// On some errnos a step tries something else.
fn reported(step: Step, errno: Errno) -> Errno {
    let tries = match step {
        Step::CloseRest | Step::Seccomp => &[Errno::NOSYS, Errno::INVAL][..],
        Step::Exec => &[Errno::NOENT, Errno::ACCESS],
        _ => &[],
    };
    if tries.contains(&errno) { Errno::PERM } else { errno }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_the_table_is_reported() {
        ns_testbed::run_as!([Root, Nested], {
            for (step, number) in CALLS {
                report(&Failing { case: Case::Call(*step, *number), errno: Errno::XDEV });
            }
            report(&Failing { case: Case::Mount(3, 1), errno: Errno::PERM });
            report(&Failing { case: Case::Descriptor(200), errno: Errno::PERM });
        });
    }
}
