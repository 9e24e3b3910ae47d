//! Clocks of a new time namespace.

mod common;

use common::shell;
use ns_process::{Clock, Container, Errno, Namespace, Step};

fn uptime(container: &Container) -> f64 {
    let output = container.output().expect("start");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split(' ').next().expect("seconds").parse().expect("a number")
}

/// The clock of the program is shifted, and the caller's is not.
#[test]
fn c15_a_shifted_clock() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut container = shell("cat /proc/uptime");
        let own = uptime(&container);
        container.namespaces([Namespace::User, Namespace::Time]).map_zero();
        container.time_offset(Clock::Boottime, 86_400, 0).time_offset(Clock::Monotonic, 60, 5);
        let shift = uptime(&container) - own;
        assert!((86_400.0..86_410.0).contains(&shift), "{shift}");
        let mut plain = shell("cat /proc/uptime");
        assert!(uptime(&plain) - own < 10.0);
        plain.namespaces([Namespace::User, Namespace::Time]);
        assert!(uptime(&plain) - own < 10.0, "nothing is shifted unless asked");
        assert_eq!(container.get_time_offsets().len(), 2);
    });
}

/// What the kernel does not take is named.
#[test]
fn c15_refused_offsets() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.namespaces([Namespace::User, Namespace::Time]).map_zero();
        container.time_offset(Clock::Boottime, i64::MAX, 0);
        let error = container.start().expect_err("out of range");
        assert_eq!((error.step(), error.errno()), (Step::TimeOffsets, Some(Errno::RANGE)));
        assert_eq!(error.object(), Some("boottime 9223372036854775807 0"));
        let told = |container: &Container, said: &str| {
            let error = container.start().expect_err("a mistake");
            assert_eq!((error.step(), error.object()), (Step::Check, Some(said)));
        };
        let said = "time_offset: has a second or more of nanoseconds";
        told(container.time_offset(Clock::Boottime, 0, 1_000_000_000), said);
        let said = "time_offset: needs a new time namespace";
        told(Container::new("true").time_offset(Clock::Boottime, 1, 0), said);
    });
}
