//! Programs that every role may execute.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use rustix::fs::{MemfdFlags, memfd_create};

/// `program`, or a copy of it where a mask has kept it from others. It is executed by its descriptor,
/// because its path may be out of their reach.
///
/// # Errors
/// Of the copy.
pub fn for_all(mut program: File) -> io::Result<File> {
    if program.metadata()?.permissions().mode() & 0o001 != 0 {
        return Ok(program);
    }
    // Its mode is 0777.
    let mut copy = File::from(memfd_create("program", MemfdFlags::CLOEXEC)?);
    io::copy(&mut program, &mut copy)?;
    // What is open for writing is not executed.
    File::open(format!("/proc/self/fd/{}", copy.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn what_a_mask_has_closed_is_copied() {
        let scratch = crate::scratch::Scratch::new();
        let path = scratch.path().join("program");
        fs::write(&path, "some text").expect("write");
        let with_mode = |mode| {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("chmod");
            let program = for_all(File::open(&path).expect("open")).expect("a copy");
            assert_eq!(io::read_to_string(&program).expect("read"), "some text");
            program.metadata().expect("stat")
        };
        let (closed, open) = (with_mode(0o700), with_mode(0o755));
        assert_eq!(closed.permissions().mode() & 0o001, 1);
        assert_ne!(closed.ino(), open.ino());
        assert_eq!(open.ino(), fs::metadata(&path).expect("stat").ino());
        fs::remove_file(path).expect("remove");
        scratch.finish();
    }
}
