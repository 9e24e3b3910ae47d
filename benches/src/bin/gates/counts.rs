//! Numbers of system calls of a start and a join, compared with the raw floor.
#![allow(unsafe_code, reason = "a closure in a process that has a second thread, which counts")]

use std::io;
use std::process::ExitCode;

use benches::counting::{calls_of, count_calls};
use benches::floor::Root;
use benches::subjects::{self, FIVE, SEVEN, SIX, run};
use ns_process::Container;

use crate::against_floor::{flags, floor};
use crate::closures::{bare_fork, closure_in_five};
use crate::measured::Measured;

pub(crate) fn plain() -> Measured {
    both("plain")
}

pub(crate) fn five() -> Measured {
    both("five")
}

pub(crate) fn chroot() -> Measured {
    both("chroot")
}

pub(crate) fn pivot() -> Measured {
    both("pivot")
}

pub(crate) fn seven() -> Measured {
    both("into seven")
}

pub(crate) fn six() -> Measured {
    both("into six")
}

pub(crate) fn closure() -> Measured {
    both("closure")
}

fn both(subject: &str) -> Measured {
    let sides = calls_of(&["count", subject])
        .and_then(|ours| Ok((ours, calls_of(&["count", &format!("floor of {subject}")])?)));
    match sides {
        Ok((ours, floor)) => Measured::Calls {
            ours: ours.total(),
            floor: floor.total(),
            difference: ours.difference(&floor),
        },
        Err(error) => Measured::Skipped(format!("cannot count system calls: {error}")),
    }
}

/// Runs in the helper process: counts the system calls of a subject.
pub(crate) fn serve(subject: &str) -> io::Result<ExitCode> {
    let (mut plain, mut five, bare) = (floor(&[]), floor(&FIVE), bare_fork());
    match subject {
        "plain" => count_calls(|| run(&subjects::plain())),
        "five" => count_calls(|| run(&subjects::new(&FIVE))),
        "chroot" => count_calls(|| run(&subjects::by_chroot())),
        "pivot" => count_calls(|| run(&subjects::by_pivot())),
        "floor of plain" => count_calls(|| plain.start_join()),
        "floor of five" => count_calls(|| five.start_join()),
        "floor of chroot" => {
            let mut floor = five.with_root(Root::Chroot);
            count_calls(|| floor.start_join())
        }
        "floor of pivot" => {
            let mut floor = five.with_root(Root::ReadOnlyPivot);
            count_calls(|| floor.start_join())
        }
        "into seven" => {
            let target = subjects::target();
            count_calls(|| run(&subjects::inject(&target, &SEVEN)))
        }
        "floor of into seven" => {
            let target = subjects::target();
            let mut floor = plain.joining(&target, flags(&SEVEN));
            count_calls(|| floor.start_join())
        }
        "into six" => {
            let target = subjects::target();
            count_calls(|| run(&subjects::inject(&target, &SIX)))
        }
        "floor of into six" => {
            let target = subjects::target();
            let mut floor = plain.joining(&target, flags(&SIX));
            count_calls(|| floor.start_join())
        }
        "closure" => count_calls(|| run_with_threads(&closure_in_five())),
        "floor of closure" => count_calls(|| bare.start_join()),
        unknown => Err(io::Error::other(format!("unknown subject: {unknown}"))),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn run_with_threads(closure: &Container) {
    // SAFETY: the closure returns at once, and takes no lock.
    let process = unsafe { closure.start_unchecked() }.expect("start");
    assert!(process.join().expect("join").success());
}
