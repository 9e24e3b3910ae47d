//! Pseudo-terminals.

use std::fs::File;
use std::os::fd::AsFd;

use ns_sys::Errno;
use ns_sys::child::{self, Mode, OFlags};
use ns_testbed::forked;
use rustix::fs::CWD;
use rustix::termios::{isatty, tcgetwinsize, ttyname};

use super::owned;

const FLAGS: OFlags = OFlags::RDWR.union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The other end is locked at first, is opened without a path, and is the file that the number names.
#[test]
fn the_other_end_of_a_pseudo_terminal_is_opened_without_a_path() {
    ns_testbed::run_as!([Root, User, Nested], {
        let master = owned(child::openat(CWD, c"/dev/ptmx", FLAGS, Mode::empty()).expect("open"));
        let master = master.as_fd();
        assert_eq!(child::ioctl_tiocgptpeer(master, FLAGS), Err(Errno::IO));
        child::ioctl_tiocsptlck(master, false).expect("TIOCSPTLCK");
        let other = owned(child::ioctl_tiocgptpeer(master, FLAGS).expect("TIOCGPTPEER"));
        assert!(isatty(&other));
        let number = child::ioctl_tiocgptn(master).expect("TIOCGPTN");
        let name = ttyname(&other, Vec::new()).expect("ttyname");
        assert_eq!(name.to_str(), Ok(&*format!("/dev/pts/{number}")));
        child::ioctl_tiocswinsz(other.as_fd(), 33, 121).expect("TIOCSWINSZ");
        let size = tcgetwinsize(master).expect("TIOCGWINSZ");
        assert_eq!((size.ws_row, size.ws_col), (33, 121));
        // A new session opens the terminal by `/dev/tty` once it is the controlling one.
        let code = forked(|| {
            child::setsid().expect("setsid");
            assert_eq!(File::open("/dev/tty").map_err(|_| ()).map(drop), Err(()));
            child::ioctl_tiocsctty(other.as_fd()).expect("TIOCSCTTY");
            File::open("/dev/tty").expect("the controlling terminal");
            0
        });
        assert_eq!(code, 0);
        child::ioctl_tiocsptlck(master, true).expect("TIOCSPTLCK");
        assert_eq!(child::ioctl_tiocgptpeer(master, FLAGS), Err(Errno::IO));
    });
}

/// A file that is no terminal is refused.
#[test]
fn another_file_is_no_terminal() {
    ns_testbed::run_as!([Root, User], {
        let null = File::open("/dev/null").expect("open");
        let null = null.as_fd();
        assert_eq!(child::ioctl_tiocsctty(null), Err(Errno::NOTTY));
        assert_eq!(child::ioctl_tiocsptlck(null, false), Err(Errno::NOTTY));
        assert_eq!(child::ioctl_tiocgptn(null), Err(Errno::NOTTY));
        assert_eq!(child::ioctl_tiocgptpeer(null, FLAGS), Err(Errno::NOTTY));
        assert_eq!(child::ioctl_tiocswinsz(null, 1, 1), Err(Errno::NOTTY));
    });
}
