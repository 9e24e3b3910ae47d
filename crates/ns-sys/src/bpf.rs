//! bpf(2), for programs that filter the access of a cgroup to devices.
#![allow(unsafe_code, reason = "system calls")]

use core::ffi::CStr;
use core::mem::size_of;

use linux_raw_sys::general::__NR_bpf;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use crate::arch::syscall;
use crate::{Errno, Result};

/// The commands and constants of include/uapi/linux/bpf.h.
const BPF_PROG_LOAD: usize = 5;
const BPF_PROG_ATTACH: usize = 8;
const BPF_PROG_GET_FD_BY_ID: usize = 13;
const BPF_PROG_QUERY: usize = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 1 << 1;
const BPF_F_REPLACE: u32 = 1 << 2;

/// The programs call no helper, so the kernel accepts every license.
const LICENSE: &CStr = c"MIT";

/// An instruction of a BPF program (`struct bpf_insn`).
///
/// # Examples
/// ```
/// use ns_sys::BpfInsn;
///
/// // r0 = 1 (BPF_ALU64 | BPF_MOV | BPF_K)
/// let allow = BpfInsn::new(0xb7, 0, 0, 0, 1);
/// assert_eq!((allow.code(), allow.immediate()), (0xb7, 1));
/// ```
///
/// # References
/// bpf(2); Documentation/bpf/standardization/instruction-set.rst of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct BpfInsn {
    code: u8,
    /// Two fields of four bits, of which the kernel's compiler places the first at the low end of little-endian
    /// machines and at the high end of others.
    registers: u8,
    offset: i16,
    immediate: i32,
}

impl BpfInsn {
    /// An instruction with this operation code, these registers (0 to 10), jump or memory offset, and constant.
    pub const fn new(code: u8, destination: u8, source: u8, offset: i16, immediate: i32) -> Self {
        let (first, second) = (destination & 0xf, source & 0xf);
        let registers =
            if cfg!(target_endian = "little") { first | second << 4 } else { first << 4 | second };
        Self { code, registers, offset, immediate }
    }

    /// The operation code.
    pub const fn code(self) -> u8 {
        self.code
    }

    /// The register that is changed or compared.
    pub const fn destination(self) -> u8 {
        if cfg!(target_endian = "little") { self.registers & 0xf } else { self.registers >> 4 }
    }

    /// The register that is read.
    pub const fn source(self) -> u8 {
        if cfg!(target_endian = "little") { self.registers >> 4 } else { self.registers & 0xf }
    }

    /// The offset of a jump, in instructions after the next one, or of a memory access, in bytes.
    pub const fn offset(self) -> i16 {
        self.offset
    }

    /// The constant.
    pub const fn immediate(self) -> i32 {
        self.immediate
    }
}

/// The part of `union bpf_attr` for `BPF_PROG_LOAD`.
#[repr(C)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

/// The part for `BPF_PROG_ATTACH`.
#[expect(clippy::struct_field_names, reason = "the kernel's names")]
#[repr(C)]
struct Attach {
    target_fd: u32,
    attach_bpf_fd: u32,
    attach_type: u32,
    attach_flags: u32,
    replace_bpf_fd: u32,
}

/// The part for `BPF_PROG_QUERY`.
#[expect(clippy::struct_field_names, reason = "the kernel's names")]
#[repr(C)]
struct Query {
    target_fd: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
    padding: u32,
    /// Newer kernels write here whatever size the caller passes.
    later: [u64; 12],
}

/// `bpf(BPF_PROG_LOAD)` of type `BPF_PROG_TYPE_CGROUP_DEVICE` — load a program that filters access to devices;
/// close-on-exec.
///
/// The kernel calls the program with a pointer in register 1 to three words: the kind of device (1 block, 2 character)
/// in the lower half of the first and the access (1 mknod, 2 read, 4 write) in its upper half, then the major number,
/// then the minor number. The program returns 1 in register 0 to allow the access, and 0 to refuse it with `EPERM`.
///
/// # Errors
/// - `EINVAL`: the kernel's verifier rejects the program, or the kernel was built without `CONFIG_CGROUP_BPF`.
/// - `E2BIG`: more instructions than the kernel allows: 4096 before Linux 5.2.
/// - `EPERM`: the caller has neither `CAP_SYS_ADMIN` nor `CAP_BPF` and `CAP_NET_ADMIN` in the initial user namespace,
///   or, before Linux 5.11, the program exceeds `RLIMIT_MEMLOCK`.
/// - `ENOSYS`: the kernel was built without `CONFIG_BPF_SYSCALL`.
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
///
/// # Kernel support
/// Linux 4.15.
///
/// # Examples
/// ```
/// use ns_sys::{BpfInsn, Errno, load_cgroup_device};
///
/// let refuse_all = [BpfInsn::new(0xb7, 0, 0, 0, 0), BpfInsn::new(0x95, 0, 0, 0, 0)];
/// match load_cgroup_device(&refuse_all) {
///     Ok(_program) => {}
///     // Without privilege, or on a kernel without these programs.
///     Err(errno) => assert!([Errno::PERM, Errno::NOSYS, Errno::INVAL].contains(&errno)),
/// }
/// ```
///
/// # References
/// bpf(2); include/uapi/linux/bpf.h `bpf_cgroup_dev_ctx`, kernel/bpf/cgroup.c `__cgroup_bpf_check_dev_permission`.
pub fn load_cgroup_device(program: &[BpfInsn]) -> Result<OwnedFd> {
    let mut load = Load {
        prog_type: BPF_PROG_TYPE_CGROUP_DEVICE,
        insn_cnt: u32::try_from(program.len()).unwrap_or(u32::MAX),
        insns: program.as_ptr().expose_provenance() as u64,
        license: LICENSE.as_ptr().expose_provenance() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
    };
    // SAFETY: `load` is the structure of this command; its addresses are those of `program` and of a static string.
    let fd = unsafe { bpf(BPF_PROG_LOAD, &mut load, size_of::<Load>()) }?;
    // SAFETY: this command returns a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// `bpf(BPF_PROG_ATTACH)` — attach a program of [`load_cgroup_device`] to the cgroup (version 2) of an open directory.
///
/// An access by a process of the cgroup, or of one below, needs the permission of every program attached to the
/// cgroup and to those above. The new program replaces `replaced`, without a moment in which neither is attached; if
/// that is `None`, it is one more. It stays attached until the cgroup is removed.
///
/// # Errors
/// - `EPERM`: the caller has neither `CAP_SYS_ADMIN` nor `CAP_NET_ADMIN` in the initial user namespace, or a cgroup
///   above has a program that excludes others.
/// - `EBADF`: one of the descriptors is none, or `cgroup` is no directory of a cgroup of version 2.
/// - `ENOENT`: `replaced` is not attached.
/// - `E2BIG`: 64 programs are attached.
/// - `EINVAL`: `program` is attached already or has another type, or the kernel was built without `CONFIG_CGROUP_BPF`.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.15; with `replaced` Linux 5.6, before which it is `EINVAL` or `E2BIG`.
///
/// # Examples
/// ```no_run
/// use std::fs::File;
///
/// use ns_sys::{BpfInsn, attach_cgroup_device, load_cgroup_device};
///
/// let refuse_all = [BpfInsn::new(0xb7, 0, 0, 0, 0), BpfInsn::new(0x95, 0, 0, 0, 0)];
/// let program = load_cgroup_device(&refuse_all)?;
/// let cgroup = File::open("/sys/fs/cgroup/jobs/1").expect("made by its owner");
/// attach_cgroup_device(&cgroup, &program, None)?;
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// bpf(2); kernel/bpf/cgroup.c `__cgroup_bpf_attach`.
pub fn attach_cgroup_device(
    cgroup: impl AsFd,
    program: impl AsFd,
    replaced: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let mut attach = Attach {
        target_fd: number(cgroup.as_fd()),
        attach_bpf_fd: number(program.as_fd()),
        attach_type: BPF_CGROUP_DEVICE,
        attach_flags: BPF_F_ALLOW_MULTI | if replaced.is_some() { BPF_F_REPLACE } else { 0 },
        replace_bpf_fd: replaced.map_or(0, number),
    };
    // SAFETY: `attach` is the structure of this command and contains numbers only.
    unsafe { bpf(BPF_PROG_ATTACH, &mut attach, size_of::<Attach>()) }.map(drop)
}

/// `bpf(BPF_PROG_QUERY)` — the IDs of the programs for devices that are attached to the cgroup (version 2) of an open
/// directory, in `ids`; those of the cgroups above are not among them.
///
/// Returns the filled part of `ids`.
///
/// # Errors
/// - `ENOSPC`: more programs are attached than `ids` has places. 64 is the kernel's limit.
/// - `EPERM`: the caller has neither `CAP_SYS_ADMIN` nor `CAP_NET_ADMIN` in the initial user namespace.
/// - `EBADF`: `cgroup` is no directory of a cgroup of version 2.
///
/// # Async-signal-safety
/// May be called between clone and exec.
///
/// # Kernel support
/// Linux 4.15.
///
/// # Examples
/// ```no_run
/// let cgroup = std::fs::File::open("/sys/fs/cgroup/jobs/1").expect("made by its owner");
/// let mut ids = [0; 64];
/// let attached = ns_sys::cgroup_device_programs(&cgroup, &mut ids)?;
/// println!("{} programs", attached.len());
/// # Ok::<(), ns_sys::Errno>(())
/// ```
///
/// # References
/// bpf(2); kernel/bpf/cgroup.c `__cgroup_bpf_query`.
pub fn cgroup_device_programs(cgroup: impl AsFd, ids: &mut [u32]) -> Result<&mut [u32]> {
    let mut query = Query {
        target_fd: number(cgroup.as_fd()),
        attach_type: BPF_CGROUP_DEVICE,
        query_flags: 0,
        attach_flags: 0,
        prog_ids: ids.as_mut_ptr().expose_provenance() as u64,
        prog_cnt: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        padding: 0,
        later: [0; 12],
    };
    let size = size_of::<Query>() - size_of_val(&query.later);
    // SAFETY: `query` is the structure of this command; its address and count are those of `ids`.
    unsafe { bpf(BPF_PROG_QUERY, &mut query, size) }?;
    // Without any place the kernel returns the count only.
    ids.get_mut(..query.prog_cnt as usize).ok_or(Errno::NOSPC)
}

/// `bpf(BPF_PROG_GET_FD_BY_ID)` — a descriptor of a loaded program; close-on-exec.
///
/// # Errors
/// - `ENOENT`: no program has this ID.
/// - `EPERM`: the caller has no `CAP_SYS_ADMIN` in the initial user namespace.
///
/// # Async-signal-safety
/// Not between clone and exec: it returns an owned descriptor.
///
/// # Kernel support
/// Linux 4.13.
///
/// # Examples
/// ```
/// use ns_sys::{Errno, bpf_program_by_id};
///
/// // The kernel counts from 1.
/// let errno = bpf_program_by_id(0).unwrap_err();
/// assert!([Errno::NOENT, Errno::PERM, Errno::NOSYS].contains(&errno));
/// ```
///
/// # References
/// bpf(2); kernel/bpf/syscall.c `bpf_prog_get_fd_by_id`.
pub fn bpf_program_by_id(id: u32) -> Result<OwnedFd> {
    let mut id = id;
    // SAFETY: this command reads one number.
    let fd = unsafe { bpf(BPF_PROG_GET_FD_BY_ID, &mut id, size_of::<u32>()) }?;
    // SAFETY: this command returns a new descriptor.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// # Safety
/// `attr` must be the structure of `command`, and the memory at its addresses must be what the command expects.
unsafe fn bpf<T>(command: usize, attr: &mut T, size: usize) -> Result<usize> {
    let attr = core::ptr::from_mut(attr).expose_provenance();
    // SAFETY: the caller upholds the contract of the command; `attr` points to `size` bytes.
    unsafe { syscall(__NR_bpf, [command, attr, size]) }
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}
