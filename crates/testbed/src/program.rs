//! Programs that every role may execute.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{MemfdFlags, memfd_create};

/// Returns `program`, or a copy of it if other users may not execute it. It is to be executed through the
/// descriptor, because other users may have no access to its path.
///
/// # Errors
/// The copy cannot be made.
pub fn for_all(mut program: File) -> io::Result<File> {
    if program.metadata()?.permissions().mode() & 0o001 != 0 {
        return Ok(program);
    }
    // The mode of a memfd is 0777.
    let mut copy = File::from(memfd_create("program", MemfdFlags::CLOEXEC)?);
    io::copy(&mut program, &mut copy)?;
    // A file that is open for writing cannot be executed.
    File::open(format!("/proc/self/fd/{}", copy.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_program_without_permission_for_others_is_copied() {
        let scratch = crate::scratch::Scratch::new();
        let path = scratch.path().join("program");
        fs::write(&path, "some text").expect("write");
        let with_mode = |mode| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            let program = for_all(File::open(&path).expect("open")).expect("a copy");
            assert_eq!(io::read_to_string(&program).expect("read"), "some text");
            program.metadata().expect("stat")
        };
        let (private, public) = (with_mode(0o700), with_mode(0o755));
        assert_eq!(private.permissions().mode() & 0o001, 1);
        assert_ne!(private.ino(), public.ino());
        assert_eq!(public.ino(), fs::metadata(&path).expect("stat").ino());
        fs::remove_file(path).expect("remove");
        scratch.finish();
    }
}
