//! What a signal does to a process that does not handle it.

use ns_process::Signal;

/// The default action of a signal, as signal(7) lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DefaultAction {
    Terminate,
    Stop,
    /// The signal is ignored, or continues a process that has stopped.
    None,
}

impl DefaultAction {
    pub(super) fn of(signal: Signal) -> Self {
        match signal {
            Signal::STOP | Signal::TSTP | Signal::TTIN | Signal::TTOU => Self::Stop,
            Signal::CHILD | Signal::CONT | Signal::URG | Signal::WINCH => Self::None,
            _ => Self::Terminate,
        }
    }

    /// Returns the signal that has this action and that the kernel does not drop.
    pub(super) fn forced(self) -> Option<Signal> {
        match self {
            Self::Terminate => Some(Signal::KILL),
            Self::Stop => Some(Signal::STOP),
            Self::None => None,
        }
    }
}
