//! The processors whose system calls a filter tells apart.

use anyhow::{Result, bail};
use oci_spec::runtime::Arch;

/// A set of system call numbers. One kernel serves all processors of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processor {
    X86_64,
    X86,
    X32,
    Aarch64,
    Arm,
    Riscv64,
}

/// The bit in the number of each system call of x32.
pub(super) const X32_BIT: u32 = 0x4000_0000;

const X86_FAMILY: &[Processor] = &[Processor::X86_64, Processor::X86, Processor::X32];
const ARM_FAMILY: &[Processor] = &[Processor::Aarch64, Processor::Arm];
const RISCV_FAMILY: &[Processor] = &[Processor::Riscv64];

impl Processor {
    pub(super) const ALL: [Self; 6] =
        [Self::X86_64, Self::X86, Self::X32, Self::Aarch64, Self::Arm, Self::Riscv64];

    /// The processor that this program was compiled for.
    pub(super) fn native() -> Result<Self> {
        Ok(match std::env::consts::ARCH {
            "x86_64" if cfg!(target_pointer_width = "64") => Self::X86_64,
            "x86" => Self::X86,
            "aarch64" => Self::Aarch64,
            "arm" => Self::Arm,
            "riscv64" => Self::Riscv64,
            other => bail!("linux.seccomp: the system calls of {other} are not known: remove it"),
        })
    }

    pub(super) fn name(self) -> Arch {
        match self {
            Self::X86_64 => Arch::ScmpArchX86_64,
            Self::X86 => Arch::ScmpArchX86,
            Self::X32 => Arch::ScmpArchX32,
            Self::Aarch64 => Arch::ScmpArchAarch64,
            Self::Arm => Arch::ScmpArchArm,
            Self::Riscv64 => Arch::ScmpArchRiscv64,
        }
    }

    /// `AUDIT_ARCH_*` of include/uapi/linux/audit.h. It is the same for x86_64 and x32.
    pub(super) fn audit_number(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
            Self::Riscv64 => 0xc000_00f3,
        }
    }

    /// Whether all 64 bits of an argument are compared. libseccomp compares 32 for x32.
    pub(super) fn has_wide_arguments(self) -> bool {
        matches!(self, Self::X86_64 | Self::Aarch64 | Self::Riscv64)
    }

    fn family(self) -> &'static [Self] {
        match self {
            Self::X86_64 | Self::X86 | Self::X32 => X86_FAMILY,
            Self::Aarch64 | Self::Arm => ARM_FAMILY,
            Self::Riscv64 => RISCV_FAMILY,
        }
    }

    /// The processors of a filter: the native one first, then those named that the same kernel serves.
    pub(super) fn selected(native: Self, names: &[Arch]) -> Result<Vec<Self>> {
        let mut selected = vec![native];
        for &name in names {
            let Some(processor) = Self::named(name)? else { continue };
            if native.family().contains(&processor) && !selected.contains(&processor) {
                selected.push(processor);
            }
        }
        Ok(selected)
    }

    /// The processor of a name, if its system calls are known. The kernel never reports one of another family,
    /// so a filter needs no code for it.
    fn named(name: Arch) -> Result<Option<Self>> {
        Ok(Some(match name {
            Arch::ScmpArchX86_64 => Self::X86_64,
            Arch::ScmpArchX86 => Self::X86,
            Arch::ScmpArchX32 => Self::X32,
            Arch::ScmpArchAarch64 => Self::Aarch64,
            Arch::ScmpArchArm => Self::Arm,
            Arch::ScmpArchRiscv64 => Self::Riscv64,
            Arch::ScmpArchNative
            | Arch::ScmpArchMipsel
            | Arch::ScmpArchMipsel64
            | Arch::ScmpArchMipsel64n32
            | Arch::ScmpArchPpc64le
            | Arch::ScmpArchLoongarch64 => return Ok(None),
            // runc refuses the other byte order, and those that it does not know.
            other => {
                bail!("linux.seccomp.architectures: {other} never runs on this machine: remove it")
            }
        }))
    }
}
