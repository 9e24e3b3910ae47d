//! Names of namespaces and flags: printed names are parsed back, and unknown names are rejected.

use bitflags::Flags;
use linux_raw_sys::general as kernel;
use ns_sys::{CloneFlags, Namespace, NamespaceFlags, UnshareFlags};
use proptest::prelude::*;

/// The names of clone flags in pyspaces 1.4.
const PYSPACES: [(&str, CloneFlags); 22] = [
    ("vm", CloneFlags::VM),
    ("fs", CloneFlags::FS),
    ("files", CloneFlags::FILES),
    ("sighand", CloneFlags::SIGHAND),
    ("ptrace", CloneFlags::PTRACE),
    ("vfork", CloneFlags::VFORK),
    ("parent", CloneFlags::PARENT),
    ("thread", CloneFlags::THREAD),
    ("sysvsem", CloneFlags::SYSVSEM),
    ("settls", CloneFlags::SETTLS),
    ("settid", CloneFlags::PARENT_SETTID),
    ("child_cleartid", CloneFlags::CHILD_CLEARTID),
    ("detached", CloneFlags::DETACHED),
    ("untraced", CloneFlags::UNTRACED),
    ("child_settid", CloneFlags::CHILD_SETTID),
    ("io", CloneFlags::IO),
    ("newuts", CloneFlags::NEWUTS),
    ("newipc", CloneFlags::NEWIPC),
    ("newuser", CloneFlags::NEWUSER),
    ("newpid", CloneFlags::NEWPID),
    ("newnet", CloneFlags::NEWNET),
    ("newns", CloneFlags::NEWNS),
];

/// The constants of include/uapi/linux/sched.h, which linux-raw-sys generates from the header.
const KERNEL: [(&str, u64); 27] = [
    ("NEWTIME", kernel::CLONE_NEWTIME as u64),
    ("VM", kernel::CLONE_VM as u64),
    ("FS", kernel::CLONE_FS as u64),
    ("FILES", kernel::CLONE_FILES as u64),
    ("SIGHAND", kernel::CLONE_SIGHAND as u64),
    ("PIDFD", kernel::CLONE_PIDFD as u64),
    ("PTRACE", kernel::CLONE_PTRACE as u64),
    ("VFORK", kernel::CLONE_VFORK as u64),
    ("PARENT", kernel::CLONE_PARENT as u64),
    ("THREAD", kernel::CLONE_THREAD as u64),
    ("NEWNS", kernel::CLONE_NEWNS as u64),
    ("SYSVSEM", kernel::CLONE_SYSVSEM as u64),
    ("SETTLS", kernel::CLONE_SETTLS as u64),
    ("PARENT_SETTID", kernel::CLONE_PARENT_SETTID as u64),
    ("CHILD_CLEARTID", kernel::CLONE_CHILD_CLEARTID as u64),
    ("DETACHED", kernel::CLONE_DETACHED as u64),
    ("UNTRACED", kernel::CLONE_UNTRACED as u64),
    ("CHILD_SETTID", kernel::CLONE_CHILD_SETTID as u64),
    ("NEWCGROUP", kernel::CLONE_NEWCGROUP as u64),
    ("NEWUTS", kernel::CLONE_NEWUTS as u64),
    ("NEWIPC", kernel::CLONE_NEWIPC as u64),
    ("NEWUSER", kernel::CLONE_NEWUSER as u64),
    ("NEWPID", kernel::CLONE_NEWPID as u64),
    ("NEWNET", kernel::CLONE_NEWNET as u64),
    ("IO", kernel::CLONE_IO as u64),
    ("CLEAR_SIGHAND", kernel::CLONE_CLEAR_SIGHAND),
    ("INTO_CGROUP", kernel::CLONE_INTO_CGROUP),
];

#[test]
fn pyspaces_names_are_parsed() {
    for (name, flag) in PYSPACES {
        assert_eq!(name.parse(), Ok(flag), "{name}");
    }
}

#[test]
fn every_flag_has_the_kernels_value_and_both_spellings() {
    for flag in CloneFlags::FLAGS.iter().filter(|flag| flag.is_named()) {
        assert_eq!(flag.name().to_lowercase().parse(), Ok(*flag.value()));
        assert_eq!(format!("CLONE_{}", flag.name()).parse(), Ok(*flag.value()));
    }
    let named = CloneFlags::FLAGS.iter().filter(|flag| flag.is_named());
    assert_eq!(named.clone().count(), KERNEL.len());
    for (flag, (name, value)) in named.zip(KERNEL) {
        assert_eq!((flag.name(), flag.value().bits()), (name, value));
    }
}

#[test]
fn a_namespace_has_the_same_name_in_all_types() {
    for kind in Namespace::ALL {
        let name = kind.to_string();
        assert_eq!(name.parse(), Ok(kind));
        assert_eq!(name.parse(), Ok(kind.clone_flag()));
        assert_eq!(name.parse(), Ok(kind.unshare_flag()));
        assert_eq!(name.parse(), Ok(kind.flag()));
        assert_eq!(kind.clone_flag().to_string().parse(), Ok(kind));
        assert_eq!(CloneFlags::from(kind.flag()), kind.clone_flag());
        assert_eq!(UnshareFlags::from(kind.flag()), kind.unshare_flag());
    }
}

#[test]
fn unknown_names_are_rejected() {
    for text in ["", "ns", "new", "newfs", "mount", " mnt", "CLONE_CLONE_NEWNS", "CLONE_mnt"] {
        assert!(text.parse::<Namespace>().is_err(), "{text:?}");
    }
    for (text, entry) in
        [("", 1), ("vm,", 2), ("vm,,fs", 2), ("vm|nope", 2), ("-1", 1), ("0x+1", 1)]
    {
        assert_eq!(text.parse::<CloneFlags>().map_err(|error| error.entry), Err(entry), "{text:?}");
    }
    assert!("files".parse::<UnshareFlags>().is_err(), "unshare_files is unsafe");
    assert!("0x400".parse::<UnshareFlags>().is_err(), "also by number");
    assert!("fs".parse::<NamespaceFlags>().is_err());
}

proptest! {
    #[test]
    fn clone_flags_round_trip(bits: u64) {
        let flags = CloneFlags::from_bits_retain(bits);
        prop_assert_eq!(flags.to_string().parse(), Ok(flags));
    }

    #[test]
    fn unshare_flags_round_trip(bits: u64) {
        let flags = UnshareFlags::from_bits_truncate(bits);
        prop_assert_eq!(flags.to_string().parse(), Ok(flags));
    }

    #[test]
    fn namespace_flags_round_trip(bits: u64) {
        let flags = NamespaceFlags::from_bits_truncate(bits);
        prop_assert_eq!(flags.kinds().collect::<NamespaceFlags>(), flags);
        prop_assert_eq!(flags.to_string().parse(), Ok(flags));
    }

    #[test]
    fn parsing_never_panics(text: String) {
        let _ = text.parse::<CloneFlags>();
        let _ = text.parse::<Namespace>();
    }
}
