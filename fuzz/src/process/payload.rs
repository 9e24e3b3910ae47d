//! The started code: a program, or a closure that does the same.

use std::thread::sleep;
use std::time::Duration;

use ns_process::Container;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// What the program or the closure does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload {
    Exits(u8),
    Sleeps,
    /// The program does not exist.
    Missing,
}

/// A path that does not exist.
pub(super) const MISSING_PATH: &str = "/no/such/place";

/// Longer than the checks take, but finite, in case a check panics.
const LONG: Duration = Duration::from_secs(30);

impl Payload {
    pub(super) fn program(self) -> Container {
        let script = |code| format!("exit {code}");
        let mut container = Container::new(match self {
            Self::Exits(_) => "sh",
            Self::Sleeps => "sleep",
            Self::Missing => MISSING_PATH,
        });
        match self {
            Self::Exits(code) => container.arg("-c").arg(script(code)),
            Self::Sleeps => container.arg(LONG.as_secs().to_string()),
            Self::Missing => &mut container,
        };
        container
    }

    /// Returns a closure. A closure cannot be missing, so it sleeps instead.
    pub(super) fn closure(self) -> Container {
        match self {
            Self::Exits(code) => Container::from_fn(move || code),
            Self::Sleeps | Self::Missing => Container::from_fn(|| {
                // Otherwise an unprivileged caller cannot read its files in /proc.
                let _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
                sleep(LONG);
            }),
        }
    }
}
