//! Texts of the library, in the words of the command line.

/// Setters whose option or operand has another name.
const SETTERS: [(&str, &str); 20] = [
    ("affinity", "--cpu-list"),
    ("by_chroot", "--no-mnt"),
    ("capability_sets", "--drop-cap"),
    ("cgroup", "--cgroup-dir"),
    ("close_fds", "--keep-fd"),
    ("drop_capabilities", "--drop-cap"),
    ("env_clear", "--clear-env"),
    ("env_remove", "--unset-env"),
    ("io_priority", "--ionice"),
    ("keep_capabilities", "--keep-cap"),
    ("keep_only", "--keep-cap"),
    ("map_zero", "--id"),
    ("namespace_file", "--KIND"),
    ("namespaces", "--KIND"),
    ("parent_death_signal", "--die-with-parent"),
    ("proc", "--host-proc"),
    ("program", "PROGRAM"),
    ("program_fd", "--exec-fd"),
    ("start_timeout", "--timeout"),
    ("target", "PID"),
];

/// Texts about the interface of the library, and what replaces them.
const TEXTS: [(&str, &str); 22] = [
    (": Mount::devpts or Mount::dev", ": --dev mounts one"),
    (": namespace(Namespace::User)", ""),
    (": they know copied memory, see Builder::memory", ""),
    ("; a caller with CAP_SYS_ADMIN can pass a Tree", ""),
    ("; use write_by, which runs newuidmap or newgidmap", ""),
    (", or let the mount create it with create()", ""),
    (", or let the plan create it with create()", ""),
    (", or let the plan do it", ""),
    ("an Inject uses", "inject uses"),
    ("conflicts with rootdir", "conflicts with another root"),
    ("give an init by Init::path", "leave out --init, or set it to 1"),
    ("make the mount optional", "leave it out"),
    ("make the mount read_only()", "make the mount read-only"),
    ("see Builder::proc", "--host-proc names another /proc"),
    ("split it with split_at", "split it into two"),
    ("use Root::chroot", "--no-mnt uses chroot(2)"),
    ("use Setgroups::Auto", "use --setgroups auto"),
    ("use by_chroot", "--no-mnt uses chroot(2)"),
    ("use the setter ", "use --"),
    ("see the setter ", "use --"),
    ("copy_up needs", "the copy needs"),
    (
        "no process has opened the other end of this FIFO",
        "no process opened the other end of this FIFO before the time limit",
    ),
];

/// Setters that occur within sentences. Other words with the name of a setter are English.
const IN_SENTENCES: [&str; 12] = [
    "die_with_parent",
    "drop_capabilities",
    "follow_root",
    "gid_map",
    "host_root",
    "join_cgroup",
    "keep_capabilities",
    "map_auto",
    "match_privileges",
    "mount_proc",
    "no_new_privs",
    "uid_map",
];

/// Returns the option or operand of a setter.
pub(super) fn option(setter: &str) -> String {
    let named = SETTERS.iter().find(|(name, _)| *name == setter);
    let named = named.map(|(_, option)| (*option).to_owned());
    named.unwrap_or_else(|| format!("--{}", setter.replace('_', "-")))
}

/// Replaces what a text says about the interface of the library.
pub(super) fn reword(text: &str) -> String {
    let text = TEXTS.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new));
    IN_SENTENCES.iter().fold(text, |text, setter| with_option(&text, setter))
}

/// Replaces the name of a setter by that of its option, but not in paths and in longer names.
fn with_option(text: &str, setter: &str) -> String {
    let is_part = |letter: char| letter.is_alphanumeric() || "_/".contains(letter);
    let mut reworded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(setter) {
        let is_word = !before.ends_with(|letter| is_part(letter) || "-.".contains(letter));
        let is_word = is_word && !after.starts_with(is_part);
        reworded.push_str(before);
        reworded.push_str(&if is_word { option(setter) } else { setter.to_owned() });
        rest = after;
    }
    reworded + rest
}
