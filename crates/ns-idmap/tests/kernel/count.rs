//! How much is tried.

/// `usually` many cases, or all of them when a figure is to be shown (`NS_PROVE`).
pub(crate) fn cases(usually: u32) -> u32 {
    if std::env::var_os("NS_PROVE").is_some() { 100_000 } else { usually }
}
