//! Filters of system calls.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as};

/// A filter with one rule for the calls that make directories.
fn filter(action: &str, more: &Value) -> Value {
    let mut filter = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{ "names": ["mkdir", "mkdirat"], "action": action }],
    });
    for (name, value) in more.as_object().expect("an object") {
        filter[name] = value.clone();
    }
    filter
}

const SCRIPT: &str = "mkdir /tmp/made 2>/dev/null || echo refused";

#[test]
fn a_call_is_refused_also_in_exec() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let flags =
            json!({ "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"] });
        let bundle = Bundle::with("bundle", "exec sleep 1000", |config| {
            config["process"]["noNewPrivileges"] = true.into();
            config["linux"]["seccomp"] = filter("SCMP_ACT_ERRNO", &flags);
        });
        runtime.start_ok(&["create", "--bundle", bundle.path(), "one"]);
        runtime.ok(&["start", "one"]);
        assert_eq!(runtime.ok(&["exec", "one", "sh", "-c", SCRIPT]), "refused\n");
        let pid = runtime.pid("one");
        runtime.ok(&["delete", "--force", "one"]);
        assert_eq!(reap(pid), 128 + 9);
        drop(bundle);
        runtime.finish();
    });
}

/// Receives the message of the runtime, and the listener.
fn receive(listener: &UnixListener) -> (Value, OwnedFd) {
    let (socket, _) = listener.accept().expect("accept");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = vec![0; 65536];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg(&socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC);
    let count = message.expect("recvmsg").bytes;
    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let state = serde_json::from_slice(&bytes[..count]).expect("JSON");
    (state, descriptors.next().expect("a descriptor"))
}

#[test]
fn an_agent_receives_the_listener_of_a_filter() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let path = std::env::temp_dir().join("agent");
        let agent = UnixListener::bind(&path).expect("bind");
        let more = json!({ "listenerPath": path, "listenerMetadata": "some text" });
        let bundle = Bundle::with("bundle", SCRIPT, |config| {
            config["process"]["noNewPrivileges"] = true.into();
            config["linux"]["seccomp"] = filter("SCMP_ACT_NOTIFY", &more);
        });
        let caller = std::thread::spawn(move || receive(&agent));
        let output = std::env::temp_dir().join("output");
        let file = std::fs::File::create(&output).expect("create");
        let mut create = runtime.command(&["create", "--bundle", bundle.path(), "one"]);
        assert!(
            create
                .stdout(file)
                .stderr(std::process::Stdio::null())
                .status()
                .expect("run")
                .success()
        );
        let (message, listener) = caller.join().expect("the agent");
        let pid = runtime.pid("one");
        assert_eq!(message["fds"], json!(["seccompFd"]));
        assert_eq!(message["metadata"], "some text");
        assert_eq!(message["pid"], pid.as_raw_nonzero().get());
        assert_eq!(message["state"]["status"], "creating");
        assert_eq!(message["state"]["id"], "one");
        // A call for which nobody listens fails.
        drop(listener);
        runtime.ok(&["start", "one"]);
        assert_eq!(reap(pid), 0);
        assert_eq!(std::fs::read_to_string(&output).expect("read"), "refused\n");
        runtime.ok(&["delete", "one"]);
        std::fs::remove_file(output).expect("remove");
        std::fs::remove_file(path).expect("remove");
        drop(bundle);
        runtime.finish();
    });
}
