//! One signal, by its number.

use core::fmt;
use core::num::NonZeroU8;

use linux_raw_sys::general as kernel;

/// The largest signal number (`_NSIG`).
const MAX: i32 = 64;

/// A signal: a number from 1 to 64, real-time signals included; see signal(7).
///
/// The constants have the names of rustix's, and its type is converted by `From`. A real-time signal has
/// no constant, because libc reserves the first ones: `SIGRTMIN` is 32 in the kernel, 34 in glibc and 35
/// in musl. Use [`Signal::from_raw`] for it, with the number that libc's `SIGRTMIN()` returns.
///
/// ```
/// use ns_sys::Signal;
///
/// assert_eq!(Signal::from_raw(15), Some(Signal::TERM));
/// assert_eq!(Signal::TERM.to_string(), "SIGTERM");
/// assert_eq!(Signal::from_raw(40).map(Signal::as_raw), Some(40));
/// assert_eq!(Signal::from_raw(0).or(Signal::from_raw(65)), None);
/// ```
///
/// # Async-signal-safety
/// All methods may be called between clone and exec.
///
/// # References
/// signal(7); include/uapi/asm-generic/signal.h.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(NonZeroU8);

impl Signal {
    /// The signal with this number; `None` outside 1 to 64.
    pub const fn from_raw(number: i32) -> Option<Self> {
        match NonZeroU8::new(number as u8) {
            Some(in_range) if number >= 1 && number <= MAX => Some(Self(in_range)),
            _ => None,
        }
    }

    /// The number, for libc, nix and std's `ExitStatusExt`.
    pub const fn as_raw(self) -> i32 {
        self.0.get() as i32
    }

    /// The name in signal(7); `None` for a real-time signal.
    fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(signal, _)| *signal == self).map(|(_, name)| *name)
    }
}

/// Defines the constants and the table of their names.
macro_rules! named {
    ($($name:ident = $kernel:ident,)*) => {
        impl Signal {
            $(
                #[doc = concat!("`", stringify!($kernel), "`")]
                pub const $name: Self = Self::from_kernel(kernel::$kernel);
            )*
        }

        const NAMES: &[(Signal, &str)] = &[$((Signal::$name, stringify!($kernel)),)*];
    };
}

named! {
    HUP = SIGHUP,
    INT = SIGINT,
    QUIT = SIGQUIT,
    ILL = SIGILL,
    TRAP = SIGTRAP,
    ABORT = SIGABRT,
    BUS = SIGBUS,
    FPE = SIGFPE,
    KILL = SIGKILL,
    USR1 = SIGUSR1,
    SEGV = SIGSEGV,
    USR2 = SIGUSR2,
    PIPE = SIGPIPE,
    ALARM = SIGALRM,
    TERM = SIGTERM,
    STKFLT = SIGSTKFLT,
    CHILD = SIGCHLD,
    CONT = SIGCONT,
    STOP = SIGSTOP,
    TSTP = SIGTSTP,
    TTIN = SIGTTIN,
    TTOU = SIGTTOU,
    URG = SIGURG,
    XCPU = SIGXCPU,
    XFSZ = SIGXFSZ,
    VTALARM = SIGVTALRM,
    PROF = SIGPROF,
    WINCH = SIGWINCH,
    IO = SIGIO,
    POWER = SIGPWR,
    SYS = SIGSYS,
}

impl Signal {
    const fn from_kernel(number: u32) -> Self {
        Self::from_raw(number as i32).expect("the kernel's constants are in range")
    }
}

impl From<rustix::process::Signal> for Signal {
    fn from(signal: rustix::process::Signal) -> Self {
        Self::from_raw(signal.as_raw()).expect("rustix's type has only valid numbers")
    }
}

/// `SIGTERM`, or `signal 40` for a real-time signal.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "signal {}", self.as_raw()),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "Signal({name})"),
            None => write!(f, "Signal({})", self.as_raw()),
        }
    }
}
