//! Three flag types for three calls: what clone3, unshare and setns take differs.

mod clone;
mod namespaces;
mod text;
mod unshare;

pub use clone::CloneFlags;
pub use namespaces::NamespaceFlags;
pub use text::UnknownFlag;
pub use unshare::UnshareFlags;

pub(crate) use text::without_prefix;
