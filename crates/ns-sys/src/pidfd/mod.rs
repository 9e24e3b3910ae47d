//! Processes by pidfd, a descriptor that never refers to another process.

mod info;
mod namespaces;
mod open;
mod signal;
mod usage;
mod wait;
mod wait_timeout;

pub use info::{PidfdInfo, pidfd_get_info};
pub use open::{pidfd_getfd, pidfd_open, pidfd_open_thread};
pub use signal::pidfd_send_signal;
pub use usage::{Usage, waitid_pidfd_usage};
pub use wait::{WaitFlags, WaitStatus, waitid_pidfd};
pub use wait_timeout::waitid_pidfd_timeout;

/// `PIDFS_IOCTL_MAGIC` of include/uapi/linux/pidfd.h.
const PIDFS_IOCTL_MAGIC: u32 = 0xff00;
