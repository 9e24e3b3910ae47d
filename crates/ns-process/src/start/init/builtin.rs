//! The built-in init as a file.

use std::prelude::rust_2024::*;

use super::executable;
use crate::settings::Init;

impl Init {
    /// The built-in one as a file to be written where the kernel executes none from memory.
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
