//! Signal masks and dispositions.

use std::time::Duration;

use ns_sys::child::{self, SignalSet};
use ns_sys::{Errno, Signal};
use ns_testbed::forked;

use super::status_mask;

/// All signals, including those that libc reserves, are blocked and unblocked, and dispositions are reset.
#[test]
fn f01_all_signals_are_blocked_and_reset() {
    ns_testbed::run_as!([Root, User], {
        let code = forked(|| {
            let before = child::rt_sigprocmask(SignalSet::ALL).expect("block");
            // SIGKILL and SIGSTOP cannot be blocked.
            assert_eq!(status_mask("SigBlk:"), !(1 << 8 | 1 << 18));
            let [signal_63, last] =
                [63, 64].map(|number| Signal::from_raw(number).expect("a signal"));
            let some = SignalSet::EMPTY.with(Signal::USR1).with(last);
            child::rt_sigprocmask(some).expect("some");
            assert_eq!(status_mask("SigBlk:"), 1 << 9 | 1 << 63);
            assert!(some.contains(last) && !some.contains(signal_63));
            assert_eq!(child::rt_sigprocmask(before), Ok(some));

            // std ignores SIGPIPE, and handles SIGSEGV to report a stack overflow.
            assert_ne!(status_mask("SigIgn:") & 1 << 12, 0);
            let handled = status_mask("SigCgt:");
            assert_ne!(handled & 1 << 10, 0);
            for signal in SignalSet::ALL.iter() {
                let is_handled = child::rt_sigaction_is_handled(signal);
                assert_eq!(is_handled, Ok(handled & 1 << (signal.as_raw() - 1) != 0), "{signal}");
            }
            child::rt_sigaction_default(Signal::PIPE).expect("default");
            assert_eq!(status_mask("SigIgn:") & 1 << 12, 0);
            for signal in [Signal::KILL, Signal::STOP] {
                assert_eq!(child::rt_sigaction_default(signal), Err(Errno::INVAL));
            }
            0
        });
        assert_eq!(code, 0);
    });
}

/// A pending signal of the set is returned once, and a handler or the default action does not see it.
#[test]
fn a_pending_signal_is_taken() {
    ns_testbed::run_as!([Root, User], {
        // The test has another thread, which would get the signal.
        let code = forked(|| {
            let set: SignalSet = [Signal::USR1, Signal::PIPE].into_iter().collect();
            let previous = child::rt_sigprocmask(set).expect("block");
            assert_eq!(child::rt_sigtimedwait(set, Duration::ZERO), Err(Errno::AGAIN));
            let own = ns_sys::pidfd_open(std::process::id()).expect("pidfd_open");
            ns_sys::pidfd_send_signal(&own, Signal::USR1).expect("signal");
            let other = SignalSet::EMPTY.with(Signal::PIPE);
            assert_eq!(child::rt_sigtimedwait(other, Duration::from_millis(5)), Err(Errno::AGAIN));
            assert_eq!(child::rt_sigtimedwait(set, Duration::MAX), Ok(Signal::USR1));
            assert_eq!(child::rt_sigtimedwait(set, Duration::ZERO), Err(Errno::AGAIN));
            child::rt_sigprocmask(previous).expect("unblock");
            0
        });
        assert_eq!(code, 0);
    });
}
