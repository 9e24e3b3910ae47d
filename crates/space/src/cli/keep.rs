//! Namespaces that outlive the program, each bound to a file.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use ns_process::{Builder, Namespace, bind_namespace, namespace_of, unbind_namespace};

use super::namespaces::kind as parse_kind;
use super::quick::{Quick, Words, add};
use crate::failure::Failure;

#[derive(Debug, Default, Args)]
pub(crate) struct Kept {
    /// Bind the new namespace of a kind to FILE, such as net=/run/ns/x, so that it outlives the program
    #[arg(long, value_name = "KIND=FILE", help_heading = "Namespaces",
          value_parser = OsStringValueParser::new().try_map(keep))]
    keep: Vec<Keep>,
    /// The files that are bound.
    #[arg(skip)]
    bound: Arc<Mutex<Vec<PathBuf>>>,
    /// Why the start has failed.
    #[arg(skip)]
    failure: Arc<Mutex<Option<Failure>>>,
}

#[derive(Clone, Debug)]
struct Keep {
    kind: Namespace,
    file: PathBuf,
}

impl Kept {
    /// Binds the namespaces just before the program is executed.
    pub(crate) fn apply<Kind>(&self, builder: &mut Builder<Kind>) -> Result<(), Failure> {
        for Keep { kind, file } in &self.keep {
            if !builder.get_namespaces().contains(kind.flag()) {
                return Err(Failure::Needs("keep", *kind));
            }
            let (kind, file) = (*kind, file.clone());
            let (bound, failure) = (Arc::clone(&self.bound), Arc::clone(&self.failure));
            builder.before_go(move |child| -> Result<(), &'static str> {
                let kept = namespace_of(child.pid(), kind)
                    .and_then(|namespace| bind_namespace(&namespace, &file));
                kept.map_err(|error| {
                    *lock(&failure) = Some(Failure::Keep(kind, file.clone(), error));
                    "a namespace is not kept"
                })?;
                lock(&bound).push(file.clone());
                Ok(())
            });
        }
        Ok(())
    }

    pub(crate) fn is_used(&self) -> bool {
        !self.keep.is_empty()
    }

    /// Removes the files of a start that has failed.
    pub(crate) fn unbind(&self) {
        for file in lock(&self.bound).drain(..) {
            let _ = unbind_namespace(file);
        }
    }

    /// Takes the reason why a namespace is not bound.
    pub(crate) fn failure(&self) -> Option<Failure> {
        lock(&self.failure).take()
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(text: OsString) -> Result<Keep, String> {
    let bytes = text.into_vec();
    let at = bytes.iter().position(|byte| *byte == b'=').ok_or("not of the form KIND=FILE")?;
    let (kind, file) = (&bytes[..at], &bytes[at + 1..]);
    let kind = std::str::from_utf8(kind).unwrap_or_default();
    let kind = parse_kind(kind)?;
    if file.is_empty() {
        return Err("the file is missing".to_owned());
    }
    Ok(Keep { kind, file: OsStr::from_bytes(file).into() })
}

impl Quick for Kept {
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        match name {
            "keep" => add(&mut self.keep, keep(words.value()?.to_owned()).ok()),
            _ => None,
        }
    }
}
