//! Process IDs that are not those of the program that is meant.
#[macro_use]
mod common;

use std::io::Read;
use std::process::Stdio;

use common::{command, error_line, space, status};

#[test]
fn inject_warns_if_it_joins_nothing() {
    run_space_as!([Root, User, Nested], {
        let own = std::process::id().to_string();
        for words in [["inject", &own, "true"].as_slice(), &["inject", "-u", &own, "true"]] {
            let line = error_line(words);
            let warning =
                "space: warning: nothing is joined: the target is in the caller's namespaces";
            assert_eq!((line.as_str(), status(words)), (warning, 0));
        }
        let json = space(&["inject", "--json", &own, "true"]).stderr;
        assert!(json.starts_with(b"{") && json.trim_ascii().ends_with(b"}"), "{json:?}");
    });
}

/// `space` itself stays in the caller's namespaces.
#[test]
fn inject_names_the_program_of_a_space() {
    run_space_as!([Root, User, Nested], {
        for options in [["-Uz"].as_slice(), &["-pUz", "--init"]] {
            let words = [&["execute"], options, &["sh", "-c", "echo; exec cat"]].concat();
            let mut command = command(&words);
            let mut outer = command.stdin(Stdio::piped()).spawn().expect("run");
            outer.stdout.as_mut().expect("piped").read_exact(&mut [0]).expect("read");
            let pid = outer.id().to_string();
            // Until the start is over, space may not be inspected.
            while std::fs::read_link(format!("/proc/{pid}/ns/user")).is_err() {
                std::thread::yield_now();
            }
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
            let program = children.expect("read").trim().to_owned();
            let line = error_line(&["inject", &pid, "true"]);
            let advice = format!("; it is space, whose program is process {program}");
            assert!(line.ends_with(&advice), "{line}");
            assert_eq!(status(&["inject", "-U", &program, "true"]), 0);
            drop(outer.stdin.take());
            outer.wait().expect("wait");
        }
    });
}

#[test]
fn a_thread_is_no_target() {
    run_space_as!([Root, User], {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            sender.send(rustix::thread::gettid().as_raw_pid()).expect("send");
            let _ = wait.recv();
        });
        let thread_id = receiver.recv().expect("an ID").to_string();
        let line = error_line(&["inject", &thread_id, "true"]);
        let advice = format!("it is a thread of process {}", std::process::id());
        assert!(line.contains(&thread_id) && line.contains(&advice), "{line}");
        assert_eq!(status(&["inject", &thread_id, "true"]), 125);
        drop(end);
        thread.join().expect("join");
    });
}
