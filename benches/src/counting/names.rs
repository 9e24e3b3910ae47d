//! Names of system calls.

macro_rules! names {
    ($($constant:ident)*) => {
        [$((libc::$constant, stringify!($constant))),*]
    };
}

/// Returns the name of a system call, or its number if it is not in the list.
pub(super) fn of(number: i32) -> String {
    let known = names![
        SYS_brk SYS_capget SYS_capset SYS_chdir SYS_chroot SYS_clone SYS_clone3 SYS_close SYS_close_range
        SYS_dup3 SYS_execve SYS_exit SYS_exit_group SYS_fchdir SYS_fcntl SYS_fstatfs SYS_futex
        SYS_getcwd SYS_getegid SYS_geteuid SYS_getgid SYS_getpid SYS_gettid SYS_getuid SYS_ioctl
        SYS_madvise SYS_mmap SYS_mount SYS_mount_setattr SYS_move_mount SYS_mprotect SYS_munmap
        SYS_open_tree SYS_openat SYS_openat2 SYS_pidfd_open SYS_pipe2 SYS_pivot_root SYS_ppoll
        SYS_prctl SYS_prlimit64 SYS_read SYS_readlinkat SYS_rt_sigaction SYS_rt_sigprocmask
        SYS_set_robust_list SYS_setgroups SYS_setns SYS_setresgid SYS_setresuid SYS_setsid SYS_statx
        SYS_umount2 SYS_unshare SYS_wait4 SYS_waitid SYS_write
    ];
    let name = known.iter().find(|(known, _)| *known == i64::from(number)).map(|(_, name)| name);
    name.and_then(|name| name.strip_prefix("SYS_")).map_or(number.to_string(), ToOwned::to_owned)
}
