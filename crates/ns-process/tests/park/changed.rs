//! Releases with a changed plan.

use ns_process::{Container, Error, Payload, Process, Stdio};
use ns_testbed::Leftovers;

use crate::common::assert_unchanged;
use crate::support::parked;

/// The output of a program that was planned by `container` and changed by `change`.
pub(crate) fn released(
    container: &mut Container,
    change: impl FnOnce(&mut Payload) -> &mut Payload,
) -> String {
    container.stdout(Stdio::piped());
    let mut payload = Payload::new();
    change(&mut payload);
    printed(parked(container).release_with(&payload).expect("release"))
}

fn printed(process: Process) -> String {
    let output = process.wait_with_output().expect("output");
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

/// The error of a release with a payload, after which the process is gone.
pub(crate) fn refused(
    container: &Container,
    change: impl FnOnce(&mut Payload) -> &mut Payload,
) -> Error {
    let before = Leftovers::snapshot();
    let mut payload = Payload::new();
    change(&mut payload);
    let error = parked(container).release_with(&payload).expect_err("it must fail");
    drop(payload);
    assert_unchanged(&before);
    error
}
