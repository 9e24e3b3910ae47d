//! The personality of a process.

use core::ops::BitOr;
use std::format;
use std::prelude::rust_2024::*;

/// The personality of a process, for [`Builder::personality`](super::Builder::personality): an
/// execution domain, and flags that are combined with it by `|`.
///
/// # Examples
/// ```
/// use ns_process::Personality;
///
/// let fixed = Personality::LINUX32 | Personality::ADDR_NO_RANDOMIZE;
/// assert_eq!(fixed.bits(), 0x4_0008);
/// ```
///
/// # References
/// personality(2); include/uapi/linux/personality.h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Personality(u32);

impl Personality {
    /// Linux without any flag.
    pub const LINUX: Self = Self(0);
    /// uname(2) reports a 32-bit machine, as with setarch(8).
    pub const LINUX32: Self = Self(8);
    /// uname(2) reports a version 2.6.
    pub const UNAME26: Self = Self(0x002_0000);
    /// The address layout is not randomized.
    pub const ADDR_NO_RANDOMIZE: Self = Self(0x004_0000);
    /// Page 0 is mapped, if `vm.mmap_min_addr` allows it.
    pub const MMAP_PAGE_ZERO: Self = Self(0x010_0000);
    /// The legacy address layout.
    pub const ADDR_COMPAT_LAYOUT: Self = Self(0x020_0000);
    /// Readable memory is executable.
    pub const READ_IMPLIES_EXEC: Self = Self(0x040_0000);
    /// Addresses of 32 bits.
    pub const ADDR_LIMIT_32BIT: Self = Self(0x080_0000);
    /// select(2), pselect(2) and ppoll(2) do not change their timeout.
    pub const STICKY_TIMEOUTS: Self = Self(0x400_0000);
    /// Addresses below 3 GiB.
    pub const ADDR_LIMIT_3GB: Self = Self(0x800_0000);

    /// The personality with these bits of personality(2).
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits of personality(2).
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The names of the execution domain and the flags, with the bits that have none.
    pub(crate) fn names(self) -> String {
        let (domain, flags) = (self.0 & 0xff, self.0 & !0xff);
        let domain = match Self(domain) {
            Self::LINUX => "PER_LINUX".to_owned(),
            Self::LINUX32 => "PER_LINUX32".to_owned(),
            _ => format!("{domain:#x}"),
        };
        let named = FLAGS.iter().filter(|(flag, _)| flags & flag.0 != 0);
        let unnamed = FLAGS.iter().fold(flags, |rest, (flag, _)| rest & !flag.0);
        let unnamed = (unnamed != 0).then(|| format!("{unnamed:#x}"));
        let flags = named.map(|(_, name)| (*name).to_owned()).chain(unnamed);
        [domain].into_iter().chain(flags).collect::<Vec<_>>().join(" | ")
    }
}

const FLAGS: [(Personality, &str); 8] = [
    (Personality::UNAME26, "UNAME26"),
    (Personality::ADDR_NO_RANDOMIZE, "ADDR_NO_RANDOMIZE"),
    (Personality::MMAP_PAGE_ZERO, "MMAP_PAGE_ZERO"),
    (Personality::ADDR_COMPAT_LAYOUT, "ADDR_COMPAT_LAYOUT"),
    (Personality::READ_IMPLIES_EXEC, "READ_IMPLIES_EXEC"),
    (Personality::ADDR_LIMIT_32BIT, "ADDR_LIMIT_32BIT"),
    (Personality::STICKY_TIMEOUTS, "STICKY_TIMEOUTS"),
    (Personality::ADDR_LIMIT_3GB, "ADDR_LIMIT_3GB"),
];

impl BitOr for Personality {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_flags_have_names() {
        let names = |bits| Personality::from_bits(bits).names();
        assert_eq!(names(0), "PER_LINUX");
        assert_eq!(names(0x4_0008), "PER_LINUX32 | ADDR_NO_RANDOMIZE");
        assert_eq!(names(0x1000_0003), "0x3 | 0x10000000");
    }
}
