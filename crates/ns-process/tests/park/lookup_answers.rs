//! Lookups from several threads, and lookups that are not answered in time.

use std::time::Duration;

use ns_process::{Signal, Step};
use ns_testbed::Leftovers;

use crate::common::{assert_unchanged, shell};
use crate::support::{code_of, parked};

#[test]
fn lookups_of_several_threads_do_not_take_each_others_answers() {
    ns_testbed::run_as!([Root, User], {
        let parked = parked(&shell("exit 5"));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..200).for_each(|_| parked.lookup().expect("it is there")));
            }
        });
        assert_eq!(code_of(&parked.release().expect("release")), Some(5));
    });
}

/// The answer may still come, and would be taken for that of the release.
#[test]
fn a_lookup_that_is_not_answered_in_time_spoils_the_handle() {
    ns_testbed::run_as!([Root, User], {
        let before = Leftovers::snapshot();
        let mut container = shell("exit 5");
        container.start_timeout(Duration::from_millis(300));
        let parked = parked(&container);
        parked.process().signal(Signal::STOP).expect("stop");
        assert_eq!(parked.lookup().expect_err("it is stopped").step(), Step::StartTimeout);
        parked.process().signal(Signal::CONT).expect("continue");
        assert_eq!(parked.lookup().expect_err("not answered").step(), Step::Release);
        let error = parked.release().expect_err("not answered");
        assert_eq!(error.step(), Step::Release, "{error}");
        assert!(error.to_string().contains("an earlier lookup"), "{error}");
        assert_unchanged(&before);
    });
}

#[test]
fn a_lookup_of_a_dead_process_does_not_hide_its_death() {
    ns_testbed::run_as!([Root, User], {
        let parked = parked(&shell("exit 5"));
        parked.process().kill().expect("kill");
        for error in [parked.lookup().expect_err("dead"), parked.release().expect_err("dead")] {
            assert_eq!((error.step(), error.errno()), (Step::Exec, None), "{error}");
            assert!(error.to_string().contains("signal 9"), "{error}");
        }
    });
}
