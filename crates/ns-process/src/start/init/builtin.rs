//! Public access to the executable of the built-in init.

use std::prelude::rust_2024::*;

use super::executable;
use crate::settings::Init;

impl Init {
    /// The bytes of the built-in init as an executable file. Write it to a file if the kernel
    /// refuses to execute files in memory.
    ///
    /// ```no_run
    /// use std::{fs, os::unix::fs::PermissionsExt};
    ///
    /// use ns_process::Init;
    ///
    /// fs::write("/usr/lib/init", Init::executable())?;
    /// fs::set_permissions("/usr/lib/init", fs::Permissions::from_mode(0o755))?;
    /// let init = Init::path("/usr/lib/init");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn executable() -> Vec<u8> {
        executable()
    }
}
