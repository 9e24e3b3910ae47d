//! The call list that writes the security label of the program.
//!
//! The author of the root chooses its files, so `/proc` there may be any directory. The label is written to a file of a
//! proc(5) only, and across no mount in it: otherwise the program would run without the label, or the text would go to
//! another file.

use std::os::unix::ffi::OsStrExt;

use ns_sys::Errno;
use ns_sys::child::ResolveFlags;

use super::call_list::{Call, CallList, Errnos, Fd};
use super::numbers::{AT_FDCWD, CLOEXEC, O_DIRECTORY, O_PATH, O_WRONLY, PROC_SUPER_MAGIC};
use crate::settings::Label;
use crate::start::gate::COMPARE;
use crate::step::Step;

/// The size of `struct statfs` in words.
const STATFS: usize = 15;
/// The size of `struct open_how`.
const OPEN_HOW: u64 = 24;

/// Writes the label for the next execve(2).
pub(super) fn push_label(list: &mut CallList, label: &Label) {
    let (name, path, text) = label;
    let name = name.as_bytes();
    let below = path.to_bytes().strip_prefix(b"/proc/").unwrap_or_default();
    let below = list.bytes(&[below, b"\0"].concat());
    let root = list.text(c"/proc");
    let how = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
    let how = list.words(&[O_WRONLY | CLOEXEC, 0, how.bits()]);
    let (bytes, length) = (list.bytes(text), text.len() as u64);
    let step = |list: &mut CallList, call| list.push_step(call, Step::ExecLabel, name);
    let flags = O_PATH | O_DIRECTORY | CLOEXEC;
    let proc = Call::on(libc::SYS_openat, Fd::Number(AT_FDCWD), [root, flags]);
    let proc = Fd::Result(step(list, proc));
    let (check, compare) = is_proc(list, proc);
    step(list, check);
    step(list, compare);
    let (old, end) = (list.label(), list.label());
    let open = Call::on(libc::SYS_openat2, proc, [below, how, OPEN_HOW]);
    let opened = step(list, open.otherwise(Errnos::of(&[Errno::NOSYS, Errno::PERM]), old));
    step(list, Call::on(libc::SYS_write, Fd::Result(opened), [bytes, length]));
    list.push_jump(end);
    // Before Linux 5.6, or under a filter that does not know openat2(2), a mount of another proc file is not noticed.
    list.place(old);
    let open = Call::on(libc::SYS_openat, proc, [below, O_WRONLY | CLOEXEC]);
    let opened = Fd::Result(step(list, open));
    let (check, compare) = is_proc(list, opened);
    step(list, check);
    step(list, compare);
    step(list, Call::on(libc::SYS_write, opened, [bytes, length]));
    list.place(end);
}

/// The calls that fail if the file is not on a proc(5).
fn is_proc(list: &mut CallList, file: Fd) -> (Call, Call) {
    // The first word is the type.
    let statfs = list.words(&[0; STATFS]);
    let check = Call::on(libc::SYS_fstatfs, file, [statfs]);
    (check, Call::new(COMPARE, [statfs, PROC_SUPER_MAGIC]))
}
