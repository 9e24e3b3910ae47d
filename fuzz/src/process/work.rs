//! What is started: a program, or a closure that does the same.

use std::thread::sleep;
use std::time::Duration;

use ns_process::Container;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// How it goes on after the start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    Exits(u8),
    Sleeps,
    /// There is no such program.
    Missing,
}

/// Where nothing is.
pub(super) const NOWHERE: &str = "/no/such/place";

/// Longer than anybody looks at it, and not for ever where a look finds something wrong.
const LONG: Duration = Duration::from_secs(30);

impl Work {
    pub(super) fn program(self) -> Container {
        let script = |code| format!("exit {code}");
        let mut container = Container::new(match self {
            Self::Exits(_) => "sh",
            Self::Sleeps => "sleep",
            Self::Missing => NOWHERE,
        });
        match self {
            Self::Exits(code) => container.arg("-c").arg(script(code)),
            Self::Sleeps => container.arg(LONG.as_secs().to_string()),
            Self::Missing => &mut container,
        };
        container
    }

    /// No closure is missing.
    pub(super) fn closure(self) -> Container {
        match self {
            Self::Exits(code) => Container::from_fn(move || code),
            Self::Sleeps | Self::Missing => Container::from_fn(|| {
                // Else nobody in a user namespace may look at it.
                let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
                sleep(LONG);
            }),
        }
    }
}
