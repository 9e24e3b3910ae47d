//! Helpers that do not end in time.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ns_idmap::{Delegation, Helper, HelperError, InstallError, SubIds, UidMap, Writer};
use ns_testbed::{LONG, Leftovers, forked, refuse};
use rustix::io::Errno;

use crate::fixture::Folder;
use crate::process::{Target, as_user, without_pidfd_open};

const LIMIT: Duration = Duration::from_millis(100);

/// How long after its limit a call may return.
const LATE: Duration = Duration::from_millis(10);

fn slow(folder: &Folder, body: &str) -> Helper {
    Helper::at(folder.script("slow", body)).expect("absolute").timeout(LIMIT)
}

/// The error of a call that returned in time. On a busy machine not every call does, nor is every
/// helper gone by then.
fn time_out(helper: &Helper) -> HelperError {
    let turn = |_| {
        let (target, begin) = (Target::new(), Instant::now());
        let done = UidMap::current().write_by(&target, target.pid(), helper);
        let elapsed = begin.elapsed();
        let mut error = done.expect_err("slow");
        assert!(elapsed >= LIMIT, "{elapsed:?}: {error}");
        (!reap(&mut error) && elapsed < LIMIT + LATE).then_some(error)
    };
    (0..100).find_map(turn).expect("no call returned in time")
}

/// Waits for a helper that was handed back; returns whether one was.
fn reap(error: &mut HelperError) -> bool {
    let HelperError::TimedOut { helper, .. } = error else { panic!("{error:?}") };
    helper.take().is_some_and(|mut helper| helper.wait().is_ok())
}

/// Whatever a helper does, its time is over at the limit, and it is gone.
#[test]
fn a17_a_slow_helper_is_killed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("slow");
        for (body, words) in [
            ("exec sleep 60", "no message on stderr"),
            ("echo wait >&2; exec sleep 60", "wait"),
            ("exec 2>&-; exec sleep 60", "no message on stderr"),
            ("sleep 1 & wait", "no message on stderr"),
            ("trap '' TERM INT; while :; do :; done", "no message on stderr"),
            ("while :; do echo; done >&2", "no message on stderr"),
        ] {
            let before = Leftovers::snapshot();
            let error = time_out(&slow(&folder, body));
            before.assert_unchanged_within(LONG);
            let said = "/slow: timed out and was killed: ";
            assert!(error.to_string().ends_with(&format!("{said}{words}")), "{error}");
        }
    });
}

/// A user may kill a set-user-ID program that he has started, as newuidmap is one.
#[test]
fn a17_a_set_user_id_helper_is_killed() {
    ns_testbed::run_as!([Root], {
        let folder = Folder::new("set-user-id");
        let sleep = folder.path("sleep");
        fs::copy("/bin/sleep", &sleep).expect("copy");
        fs::set_permissions(&sleep, Permissions::from_mode(0o4755)).expect("chmod");
        as_user(|| {
            // The numbers of the map are seconds.
            let helper = Helper::at(&sleep).expect("absolute").timeout(LIMIT);
            let before = Leftovers::snapshot();
            time_out(&helper);
            before.assert_unchanged_within(LONG);
        });
    });
}

/// A helper that may not be killed is handed back, and the call does not wait for it.
#[test]
fn a17_a_helper_beyond_sigkill_is_handed_back() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("unkillable");
        let code = forked(|| {
            refuse(libc::SYS_pidfd_send_signal, Errno::PERM);
            let before = Leftovers::snapshot();
            let target = Target::new();
            let helper = slow(&folder, "exec sleep 2");
            let done = UidMap::current().write_by(&target, target.pid(), &helper);
            let Err(HelperError::TimedOut { helper: Some(mut helper), .. }) = done else {
                panic!("{done:?}")
            };
            assert_eq!(helper.try_wait().expect("a child"), None, "it was waited for");
            assert!(helper.wait().expect("a child").success(), "it ended by itself");
            drop((target, helper));
            before.assert_unchanged_within(LONG);
            0
        });
        assert_eq!(code, 0);
    });
}

/// The limit holds without pidfds, and without poll(2).
#[test]
fn a17_a_limit_without_pidfd_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("slow-no-pidfd");
        without_pidfd_open(|| {
            let before = Leftovers::snapshot();
            time_out(&slow(&folder, "exec sleep 60"));
            before.assert_unchanged_within(LONG);
        });
    });
}

/// A helper that ends in time is not delayed.
#[test]
fn a17_a_limit_that_is_kept() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("in-time");
        let quick = Helper::at(folder.script("quick", "exit 0")).expect("absolute");
        for limit in [Duration::from_secs(60), Duration::MAX] {
            let (target, begin) = (Target::new(), Instant::now());
            let helper = quick.clone().timeout(limit);
            UidMap::current().write_by(&target, target.pid(), &helper).expect("ended");
            assert!(begin.elapsed() < Duration::from_secs(10));
        }
    });
}

/// The shortest of several limits holds, in `install` too.
#[test]
fn a17_the_shortest_limit_holds() {
    ns_testbed::run_as!([Root, User, Nested], {
        let folder = Folder::new("shortest");
        let helper = slow(&folder, "exec sleep 60").timeout(Duration::from_secs(60));
        let mut writer = Writer::unprivileged(1, 1);
        writer.delegation = Delegation::default();
        (writer.delegation.has_name, writer.delegation.sub_uids) = (true, SubIds::new([(5, 9)]));
        let (target, map) = (Target::new(), "0 5 9".parse::<UidMap>().expect("a map"));
        let done = map.install(&target, target.pid(), &writer, &helper);
        let Err(InstallError::Helper(mut error)) = done else { panic!("{done:?}") };
        reap(&mut error);
    });
}
