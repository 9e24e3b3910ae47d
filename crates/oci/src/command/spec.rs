//! `spec`: writes a config.json.

use std::fs::OpenOptions;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};

use crate::bundle::CONFIG;
use crate::cli;
use crate::default_config::default_config;

/// An existing file is not overwritten.
pub(super) fn run(args: &cli::Spec) -> Result<()> {
    let path = args.bundle.as_deref().unwrap_or(".".as_ref()).join(CONFIG);
    let mut text = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"\t");
    default_config(args.rootless)?
        .serialize(&mut Serializer::with_formatter(&mut text, formatter))?;
    text.push(b'\n');
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .with_context(|| format!("{}: remove it first if it exists", path.display()))?;
    file.write_all(&text).with_context(|| path.display().to_string())
}
