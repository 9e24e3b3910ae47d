//! One flag type per call: clone3(2), unshare(2) and setns(2) accept different flags.

mod clone;
mod namespaces;
mod text;
mod unshare;

pub use clone::CloneFlags;
pub use namespaces::NamespaceFlags;
pub use text::UnknownFlag;
pub use unshare::UnshareFlags;

pub(crate) use text::without_prefix;
