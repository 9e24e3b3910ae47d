//! A FIFO without a peer.

/// A FIFO in the temporary directory, which is removed on drop.
pub(crate) struct Fifo(pub(crate) std::path::PathBuf);

impl Fifo {
    pub(crate) fn new(name: &str) -> Self {
        let file = format!("space-fifo-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(file);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0)
            .expect("mkfifo");
        Self(path)
    }

    pub(crate) fn name(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
