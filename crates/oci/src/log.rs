//! Reports of errors: on standard error, and in the file that the engine reads.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use crate::cli::{Global, LogFormat};

/// Where errors are reported.
pub(crate) struct Log {
    file: Option<PathBuf>,
    format: LogFormat,
}

/// A line of the file, as runc writes it: engines parse it.
#[derive(Serialize)]
struct Line<'a> {
    level: &'a str,
    msg: &'a str,
    time: String,
}

impl Log {
    pub(crate) fn new(global: &Global) -> Self {
        Self { file: global.log.clone(), format: global.log_format }
    }

    /// Reports why a command has failed.
    pub(crate) fn error(&self, message: &str) {
        self.write("error", message);
    }

    /// Reports what does not make a command fail.
    pub(crate) fn warning(&self, message: &str) {
        self.write("warning", message);
    }

    /// What cannot be written is lost: there is no other place for it.
    fn write(&self, level: &str, message: &str) {
        let _ = writeln!(std::io::stderr(), "ns-oci: {message}");
        let Some(path) = &self.file else { return };
        let _ = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| file.write_all(self.line(level, message).as_bytes()));
    }

    fn line(&self, level: &str, message: &str) -> String {
        let time = humantime::format_rfc3339_nanos(SystemTime::now()).to_string();
        let line = Line { level, msg: message, time };
        match self.format {
            LogFormat::Json => serde_json::to_string(&line).unwrap_or_default() + "\n",
            LogFormat::Text => format!("time={:?} level={level} msg={message:?}\n", line.time),
        }
    }
}
