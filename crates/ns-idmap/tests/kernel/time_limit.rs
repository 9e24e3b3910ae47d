//! Helpers with a time limit.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ns_idmap::{Helper, HelperError, InstallError, SubIds, Uid, UidMap, Writer};
use ns_testbed::{LONG, Leftovers, refuse};
use rustix::io::Errno;

use crate::fixtures::TestDir;
use crate::process::{Target, as_user, in_child, without_pidfd_open};

const LIMIT: Duration = Duration::from_millis(100);

/// The time after the limit in which the call must return.
const TOLERANCE: Duration = Duration::from_millis(10);

fn slow(dir: &TestDir, body: &str) -> Helper<Uid> {
    dir.helper("slow", body).timeout(LIMIT)
}

/// Runs `helper` until a call returns within the tolerance with a reaped helper. Returns its error. On a
/// busy machine, some calls do not.
fn time_out(helper: &Helper<Uid>) -> HelperError {
    let attempt = |_| {
        let (target, start) = (Target::new(), Instant::now());
        let result = UidMap::current().write_by(&target, helper);
        let elapsed = start.elapsed();
        let mut error = result.expect_err("a slow helper");
        assert!(elapsed >= LIMIT, "{elapsed:?}: {error}");
        (!reap(&mut error) && elapsed < LIMIT + TOLERANCE).then_some(error)
    };
    (0..100).find_map(attempt).expect("no call returned in time")
}

/// Waits for the helper in the error. Returns whether there was one.
fn reap(error: &mut HelperError) -> bool {
    let HelperError::TimedOut { helper, .. } = error else { panic!("{error:?}") };
    helper.take().is_some_and(|mut helper| helper.wait().is_ok())
}

/// A helper is killed and reaped at its time limit, whatever it does.
#[test]
fn a17_slow_helper_is_killed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("slow");
        for (body, stderr) in [
            ("exec sleep 60", "no message on stderr"),
            ("echo wait >&2; exec sleep 60", "wait"),
            ("exec 2>&-; exec sleep 60", "no message on stderr"),
            ("sleep 1 & wait", "no message on stderr"),
            ("trap '' TERM INT; while :; do :; done", "no message on stderr"),
            ("while :; do echo; done >&2", "no message on stderr"),
        ] {
            let before = Leftovers::snapshot();
            let error = time_out(&slow(&dir, body));
            before.assert_unchanged_within(LONG);
            let message = format!("/slow: timed out and was killed: {stderr}");
            assert!(error.to_string().ends_with(&message), "{error}");
        }
    });
}

/// A user may kill a set-user-ID program of his own, such as newuidmap.
#[test]
fn a17_set_user_id_helper_is_killed() {
    ns_testbed::run_as!([Root], {
        let dir = TestDir::new("set-user-id");
        let sleep = dir.path("sleep");
        fs::copy("/bin/sleep", &sleep).expect("copy");
        fs::set_permissions(&sleep, Permissions::from_mode(0o4755)).expect("chmod");
        as_user(|| {
            // sleep(1) takes the numbers of the map as seconds.
            let helper = Helper::at(&sleep).expect("an absolute path").timeout(LIMIT);
            let before = Leftovers::snapshot();
            time_out(&helper);
            before.assert_unchanged_within(LONG);
        });
    });
}

/// A helper that cannot be killed is returned in the error, and the call does not wait for it.
#[test]
fn a17_helper_that_cannot_be_killed_is_returned() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("unkillable");
        in_child(|| {
            refuse(libc::SYS_pidfd_send_signal, Errno::PERM);
            let before = Leftovers::snapshot();
            let target = Target::new();
            let helper = slow(&dir, "exec sleep 2");
            let result = UidMap::current().write_by(&target, &helper);
            let Err(HelperError::TimedOut { helper: Some(mut helper), .. }) = result else {
                panic!("{result:?}")
            };
            assert_eq!(helper.try_wait().expect("wait"), None, "the helper still runs");
            assert!(helper.wait().expect("wait").success(), "the helper exits by itself");
            drop((target, helper));
            before.assert_unchanged_within(LONG);
        });
    });
}

/// The limit holds without pidfd_open(2), and without ppoll(2).
#[test]
fn a17_limit_without_pidfd_open() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("slow-no-pidfd");
        without_pidfd_open(|| {
            let before = Leftovers::snapshot();
            time_out(&slow(&dir, "exec sleep 60"));
            before.assert_unchanged_within(LONG);
        });
    });
}

/// A limit does not delay a helper that terminates before it.
#[test]
fn a17_quick_helper_is_not_delayed() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("in-time");
        let quick = dir.helper("quick", "exit 0");
        for limit in [Duration::from_secs(60), Duration::MAX] {
            let (target, start) = (Target::new(), Instant::now());
            let helper = quick.clone().timeout(limit);
            UidMap::current().write_by(&target, &helper).expect("success");
            assert!(start.elapsed() < Duration::from_secs(10));
        }
    });
}

/// The shortest of several limits holds, in `install` too.
#[test]
fn a17_shortest_limit_holds() {
    ns_testbed::run_as!([Root, User, Nested], {
        let dir = TestDir::new("shortest");
        let helper = slow(&dir, "exec sleep 60").timeout(Duration::from_secs(60));
        let mut writer = Writer::unprivileged(1, 1);
        writer.delegation.has_name = Some(true);
        writer.delegation.sub_uids = Some(SubIds::new([(5, 9)]));
        let (target, map) = (Target::new(), "0 5 9".parse::<UidMap>().expect("a valid map"));
        let result = map.install(&target, &writer, &helper);
        let Err(InstallError::Helper(mut error)) = result else { panic!("{result:?}") };
        reap(&mut error);
    });
}
