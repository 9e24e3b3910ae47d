//! A directory that is removed at the end of the test.

use std::fs;
use std::path::PathBuf;

pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("space-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("make a directory");
        Self(path)
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).expect("write");
        self.path(name)
    }

    pub(crate) fn directory(&self, name: &str) -> String {
        fs::create_dir_all(self.0.join(name)).expect("make a directory");
        self.path(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
