//! The session keyring of the program.
#![allow(unsafe_code, reason = "keyctl(2)")]

use std::fs::File;

use crate::common::program::{helper_test, is_helper_test};
use crate::common::{assert_refused, printed, start_error};
use ns_process::{Container, Errno, Init, Memory, Namespace, Parked, Stdio, Step};
use ns_testbed::{forked, refuse};

/// A system call of keyctl(2) on the session keyring.
fn keyctl(operation: libc::c_long, arguments: [usize; 2]) -> i64 {
    const SESSION: libc::c_long = -3;
    // SAFETY: the operations below take numbers, or a buffer with its length.
    unsafe { libc::syscall(libc::SYS_keyctl, operation, SESSION, arguments[0], arguments[1]) }
}

/// The serial number of the session keyring of this process; −1 without keyrings.
fn serial() -> i64 {
    keyctl(0, [0, 0])
}

/// Not a test: the program of the next tests.
#[test]
fn helper_that_prints_its_keyring() {
    if is_helper_test() {
        let mut buffer = [0_u8; 256];
        let length = keyctl(6, [buffer.as_mut_ptr().expose_provenance(), buffer.len()]);
        let length = usize::try_from(length).expect("KEYCTL_DESCRIBE");
        let text = String::from_utf8_lossy(&buffer[..length]);
        println!("\nkeyring {} {text}", serial());
    }
}

/// The serial number and the description that the program prints.
fn found(output: &str) -> (i64, &str) {
    let line = output.lines().find_map(|line| line.strip_prefix("keyring "));
    let (serial, text) =
        line.and_then(|line| line.split_once(' ')).unwrap_or_else(|| panic!("{output}"));
    (serial.parse().expect("a number"), text.trim_end_matches('\0'))
}

/// A program that prints its keyring, configured by `set`.
fn program(set: impl FnOnce(&mut Container)) -> Container {
    let mut container = helper_test(helper_that_prints_its_keyring);
    set(&mut container);
    container
}

/// The program has a keyring that is not the caller's, in every kind of start.
#[test]
fn the_program_has_a_session_keyring_of_its_own() {
    ns_testbed::run_as!([Root, User, Nested], {
        let own = serial();
        if own == -1 {
            ns_testbed::skip!("the kernel has no keyrings");
        }
        assert_eq!(found(&printed(&program(|_| ()))).0, own, "by default it has the caller's");
        let mut seen = vec![own];
        let mut assert_new = |output: &str| {
            let (new, text) = found(output);
            assert!(!seen.contains(&new), "{new} in {seen:?}");
            assert!(text.ends_with(";ns-process name"), "{text}");
            seen.push(new);
        };
        let named = |c: &mut Container| _ = c.new_session_keyring("ns-process name");
        let namespaces = |c: &mut Container| {
            named(c);
            c.namespaces([Namespace::User, Namespace::Pid]).map_zero();
        };
        assert_new(&printed(&program(named)));
        assert_new(&printed(&program(namespaces)));
        let both = |more: fn(&mut Container)| {
            printed(&program(|c| {
                namespaces(c);
                more(c);
            }))
        };
        assert_new(&both(|c| _ = c.init(Init::builtin())));
        assert_new(&both(|c| _ = c.memory(Memory::Copied)));
        let mut parked = program(named);
        // Its path would be that of the gate.
        parked.program_fd(File::open("/proc/self/exe").expect("open"));
        let parked = parked.stdout(Stdio::piped()).start_parked();
        let process = parked.and_then(Parked::release).expect("start");
        assert_new(&String::from_utf8_lossy(&process.wait_with_output().expect("output").stdout));
    });
}

/// A keyring without a name, of a program that becomes another user.
#[test]
fn a_keyring_belongs_to_the_user_before_the_change_of_ids() {
    ns_testbed::run_as!([Root], {
        if serial() == -1 {
            ns_testbed::skip!("the kernel has no keyrings");
        }
        let output = printed(&program(|c| _ = c.new_session_keyring(None).uid(1000).gid(1000)));
        let (new, text) = found(&output);
        assert!(
            new != serial() && text.starts_with("keyring;0;") && text.ends_with(";_ses"),
            "{text}"
        );
    });
}

/// The settings can be read back, and errors name the step and the keyring.
#[test]
fn errors_of_keyrings_name_them() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        assert!(!container.get_new_session_keyring());
        container.new_session_keyring("a\0b");
        assert!(container.get_new_session_keyring());
        assert_refused(&container, "new_session_keyring: NUL at byte 1");
        container.new_session_keyring("keys");
        assert_eq!(container.get_session_keyring_name(), Some("keys"));
        let text = container.plan().expect("plan").describe().to_string();
        assert!(text.contains("child: keyctl(KEYCTL_JOIN_SESSION_KEYRING, \"keys\")"), "{text}");
        let code = forked(|| {
            refuse(libc::SYS_keyctl, Errno::DQUOT);
            let error = start_error(&container);
            assert_eq!((error.step(), error.errno()), (Step::SessionKeyring, Some(Errno::DQUOT)));
            assert_eq!(error.object(), Some("keys"));
            assert!(error.to_string().contains("kernel.keys.maxkeys"), "{error}");
            0
        });
        assert_eq!(code, 0);
    });
}
