//! The directory of all states, with one directory for each container.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::process::geteuid;

use super::{Record, id};
use crate::bundle::{Bundle, CONFIG};
use crate::caller;

const RECORD: &str = "record.json";
/// The socket at which the first process waits.
const GATE: &str = "gate";

/// The directory of all states.
pub(crate) struct Store {
    root: PathBuf,
}

/// The directory of one container. While it is open it is locked against `create`, `start` and
/// `delete` of other processes.
pub(crate) struct Entry {
    path: PathBuf,
    directory: File,
}

impl Store {
    pub(crate) fn new(root: Option<&Path>) -> Self {
        Self { root: root.map_or_else(default_root, ToOwned::to_owned) }
    }

    /// Makes the directory of a new container.
    pub(crate) fn create(&self, id: &str) -> Result<Entry> {
        id::check(id)?;
        let path = self.root.join(id);
        let name = || path.display().to_string();
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder.recursive(true).create(&self.root).with_context(|| self.root_name())?;
        match builder.recursive(false).create(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("container {id} already exists")
            }
            made => made.with_context(name)?,
        }
        Entry::lock(path.clone()).with_context(name)
    }

    /// Opens and locks the directory of a container; `None` if there is none.
    pub(crate) fn open(&self, id: &str) -> Result<Option<Entry>> {
        id::check(id)?;
        let path = self.root.join(id);
        match Entry::lock(path.clone()) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Opens and locks the directory of a container.
    pub(crate) fn entry(&self, id: &str) -> Result<Entry> {
        self.open(id)?.with_context(|| missing(id))
    }

    /// Reads the record of a container, without a lock: it is always whole.
    pub(crate) fn record(&self, id: &str) -> Result<Record> {
        id::check(id)?;
        read_named(&self.root.join(id))?.with_context(|| missing(id))
    }

    /// The records of all containers, sorted by name. Those without a record are left out.
    pub(crate) fn records(&self) -> Result<Vec<Record>> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| self.root_name())?,
        };
        let mut records = Vec::new();
        for entry in entries {
            records.extend(read_named(&entry.with_context(|| self.root_name())?.path())?);
        }
        records.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(records)
    }

    /// The configuration of a container, as it was at its creation.
    pub(crate) fn bundle(&self, record: &Record) -> Result<Bundle> {
        let path = self.root.join(&record.id);
        let directory = open_own(&path).with_context(|| path.display().to_string())?;
        Bundle::from_file(record.bundle.clone(), &in_open(&directory, CONFIG))
    }

    fn root_name(&self) -> String {
        format!("--root {}", self.root.display())
    }
}

fn missing(id: &str) -> String {
    format!("container {id} does not exist")
}

fn default_root() -> PathBuf {
    let of_user = env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
    let base = of_user.filter(|_| caller::is_rootless()).map_or("/run".into(), PathBuf::from);
    base.join("ns-oci")
}

/// Opens the directory of a container, and checks that only the caller can write in it. Files that are opened below
/// this descriptor are the runtime's, even if another user owns a directory above.
fn open_own(path: &Path) -> io::Result<File> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = File::from(openat(CWD, path, flags, Mode::empty())?);
    let metadata = directory.metadata()?;
    if metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0 {
        return Ok(directory);
    }
    let message = "another user owns the directory or may write in it: use another --root";
    Err(io::Error::new(ErrorKind::PermissionDenied, message))
}

/// The path of a file in an open directory.
fn in_open(directory: &File, name: &str) -> PathBuf {
    format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()).into()
}

/// The record in a directory with this name; `None` if there is no such directory, or no record in it.
fn read_named(path: &Path) -> Result<Option<Record>> {
    match open_own(path) {
        Err(error) if is_missing(error.kind()) => Ok(None),
        directory => read_record(path, &directory.with_context(|| path.display().to_string())?),
    }
}

fn read_record(path: &Path, directory: &File) -> Result<Option<Record>> {
    let name = || path.join(RECORD).display().to_string();
    let text = match fs::read(in_open(directory, RECORD)) {
        Err(error) if is_missing(error.kind()) => return Ok(None),
        text => text.with_context(name)?,
    };
    let record: Record = serde_json::from_slice(&text).with_context(name)?;
    // The owner of the directory above may have renamed it.
    let is_its_own = path.file_name().is_some_and(|id| id == record.id.as_str());
    ensure!(is_its_own, "{}: the record of the container {:?}", path.display(), record.id);
    Ok(Some(record))
}

/// A file in the directory of all states may be something else.
fn is_missing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

impl Entry {
    /// Opens and locks a directory that still has its name when the lock is held.
    fn lock(path: PathBuf) -> io::Result<Self> {
        let directory = open_own(&path)?;
        flock(&directory, FlockOperation::LockExclusive)?;
        let is_named = fs::symlink_metadata(&path).is_ok_and(|named| same_file(&named, &directory));
        if is_named { Ok(Self { path, directory }) } else { Err(ErrorKind::NotFound.into()) }
    }

    /// The record; `None` if the runtime was killed before it was stored.
    pub(crate) fn record(&self) -> Result<Option<Record>> {
        read_record(&self.path, &self.directory)
    }

    /// Replaces the record at once: a reader sees the old one or the new one.
    pub(crate) fn store(&self, record: &Record) -> Result<()> {
        let text = serde_json::to_vec(record).context(RECORD)?;
        replace(&in_open(&self.directory, RECORD), &text)
    }

    /// Stores the configuration of the bundle, which may change later.
    pub(crate) fn store_config(&self, bundle: &Bundle) -> Result<()> {
        replace(&in_open(&self.directory, CONFIG), bundle.text.as_bytes())
    }

    /// A new socket at which the first process will wait.
    pub(crate) fn listen(&self) -> Result<UnixListener> {
        UnixListener::bind(self.gate()).context("the socket in the directory of the container")
    }

    /// The path of that socket. It leads through a descriptor, because the address of a socket has
    /// at most 107 bytes.
    pub(crate) fn gate(&self) -> PathBuf {
        in_open(&self.directory, GATE)
    }

    /// Lets other commands change the container.
    pub(crate) fn unlock(&self) -> Result<()> {
        flock(&self.directory, FlockOperation::Unlock).context("flock")
    }

    /// Removes the directory, and what is in it.
    pub(crate) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.path).with_context(|| self.path.display().to_string())
    }
}

fn same_file(named: &fs::Metadata, file: &File) -> bool {
    file.metadata().is_ok_and(|open| (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

/// Differs from that of any other command, also of a killed one that had the same process ID.
fn unique() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{}.{}", std::process::id(), now.as_nanos())
}

/// Writes a file under another name, and renames it.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let name = || path.display().to_string();
    let file_name = path.file_name().with_context(name)?.to_string_lossy();
    let temporary = path.with_file_name(format!(".{file_name}.{}", unique()));
    let mut options = fs::OpenOptions::new();
    // Another user may have put a file or a link there.
    options.write(true).create_new(true).mode(0o644);
    let mut file = options.open(&temporary).with_context(|| temporary.display().to_string())?;
    let written = file.write_all(contents);
    let renamed = written.and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    }
    renamed.with_context(name)
}
