//! `--die-with-parent`: the parent of `space` is killed.
#[macro_use]
mod common;
#[path = "common/fifo.rs"]
mod fifo;

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{SPACE, status};
use fifo::Fifo;
use ns_testbed::LONG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A shell that runs `space` as a child; both have the same pipe as their output.
fn parent(options: &[&str]) -> Child {
    let script = "\"$0\" execute --die-with-parent \"$@\" sleep 1000 & wait";
    let mut parent = Command::new("sh");
    parent.args(["-c", script, SPACE]).args(options);
    parent.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("spawn")
}

/// Kills the parent, and waits until all processes that have its output open have exited.
fn kill(mut parent: Child) {
    let mut output = parent.stdout.take().expect("piped");
    parent.kill().expect("kill");
    parent.wait().expect("wait");
    let limit = Timespec::try_from(LONG).expect("a limit");
    let ended = poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&limit)).expect("poll");
    assert_eq!(ended, 1, "a process outlives the parent");
    assert_eq!(output.read(&mut [0]).expect("read"), 0);
}

#[test]
fn the_program_dies_with_the_parent_of_space() {
    run_space_as!([Root, User], {
        for options in [[].as_slice(), &["-Uz"], &["-pUz"], &["-pUz", "--init"]] {
            for step in 0..30 {
                let fifo = Fifo::new("parent");
                let parent = parent(&[&["--env-file", fifo.name()], options].concat());
                // This returns when `space` reads the file, and lets it go on.
                drop(File::options().write(true).open(&fifo.0).expect("open"));
                // At several moments before, during and after the start.
                std::thread::sleep(Duration::from_micros(step * 100));
                kill(parent);
            }
        }
        assert_eq!(status(&["execute", "--die-with-parent", "true"]), 0);
    });
}

/// `space` does not wait for input any more.
#[test]
fn a_wait_for_input_ends_with_the_parent_of_space() {
    run_space_as!([Root, User], {
        let fifo = Fifo::new("input");
        let parent = parent(&["--env-file", fifo.name()]);
        let writer = File::options().write(true).open(&fifo.0).expect("open");
        kill(parent);
        drop(writer);
    });
}
