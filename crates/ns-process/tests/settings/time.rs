//! Clocks of a new time namespace.

use std::fs;

use crate::common::{assert_refused, rounds, shell};
use ns_process::{Clock, Container, Errno, Init, Namespace, Step};

/// What `/proc/uptime` shows the program, in hundredths of a second.
///
/// A number with a fraction would be rounded: the difference of two equal clocks could be less than the offset.
fn uptime(container: &Container) -> u64 {
    let output = container.output().expect("start");
    let text = String::from_utf8(output.stdout).expect("text");
    let (seconds, hundredths) =
        text.split(' ').next().and_then(|uptime| uptime.split_once('.')).expect("an uptime");
    assert_eq!(hundredths.len(), 2);
    format!("{seconds}{hundredths}").parse().expect("a number")
}

/// The clocks of the program have the requested offsets; those of the caller do not change.
#[test]
fn c15_clock_offsets_apply_to_the_program_only() {
    ns_testbed::run_as!([Root, User, Nested], {
        let mut plain = shell("cat /proc/uptime");
        let mut container = shell("cat /proc/uptime");
        container.namespaces([Namespace::User, Namespace::Time]).map_zero();
        container.time_offset(Clock::Boottime, 86_400, 0).time_offset(Clock::Monotonic, 60, 5);
        let before = uptime(&plain);
        let shifted = uptime(&container) - 8_640_000;
        let after = uptime(&plain);
        assert!((before..=after).contains(&shifted), "{shifted}: not in {before}..={after}");
        plain.namespaces([Namespace::User, Namespace::Time]);
        let without_request = uptime(&plain);
        let last = uptime(&shell("cat /proc/uptime"));
        assert!(
            (after..=last).contains(&without_request),
            "a clock has an offset without a request"
        );
        assert_eq!(container.get_time_offsets().len(), 2);
    });
}

/// The program is in its time namespace when the start returns. The kernel joins it late in exec.
#[test]
fn c15_a_started_program_is_in_its_time_namespace() {
    ns_testbed::run_as!([Root, User, Nested], {
        for init in [false, true] {
            let mut container = Container::new("sleep");
            container.arg("1000").namespaces(["user", "pid", "time"]).map_zero();
            if init {
                container.init(Init::builtin());
            }
            for _ in 0..rounds(2000, 100) {
                let process = container.start().expect("start");
                let link = |kind| fs::read_link(format!("/proc/{}/ns/{kind}", process.pid()));
                let (own, of_children) = (link("time"), link("time_for_children"));
                assert_eq!(own.expect("a link"), of_children.expect("a link"));
                process.kill().and_then(|()| process.join()).expect("kill");
            }
        }
    });
}

/// Invalid offsets are refused, and the error names them.
#[test]
fn c15_invalid_offsets_are_refused() {
    ns_testbed::run_as!([Root, User], {
        let mut container = Container::new("true");
        container.namespaces([Namespace::User, Namespace::Time]).map_zero();
        container.time_offset(Clock::Boottime, i64::MAX, 0);
        let error = container.start().expect_err("out of range");
        assert_eq!((error.step(), error.errno()), (Step::TimeOffsets, Some(Errno::RANGE)));
        assert_eq!(error.object(), Some("boottime 9223372036854775807 0"));
        let message = "time_offset: has a second or more of nanoseconds";
        assert_refused(container.time_offset(Clock::Boottime, 0, 1_000_000_000), message);
        let message = "time_offset: needs a new time namespace";
        assert_refused(Container::new("true").time_offset(Clock::Boottime, 1, 0), message);
    });
}
