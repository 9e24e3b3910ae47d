//! A parser for most command lines, which only reads the words that are there.
//!
//! clap builds each option of a verb, with its texts, before it reads the first word. That takes as long as half of the
//! start of a program, and longer with each new option. This parser has no texts. It returns `None` for whatever it does
//! not know or finds invalid, and clap parses the line again. If it returns something, clap returns the same.

mod verbs;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::slice::Iter;

use super::{Chroot, Cli, Deferred, Execute, Inject, Verb, option_of_letter};

/// A group of options, without any of them at first.
pub(super) trait Quick: Default {
    /// Takes `--name` and its values.
    ///
    /// Returns `None` if this is no option of the group, or if clap must decide.
    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()>;
}

/// A verb that starts a program.
pub(super) trait QuickVerb: Quick {
    /// Takes a word that is no option. Returns false if the verb has all its operands, so that this is the program.
    fn operand(&mut self, word: &OsStr) -> bool;

    /// Takes the program and its arguments.
    fn program(&mut self, words: &[OsString]);

    /// Whether options exclude each other, or operands are missing.
    fn has_conflict(&self) -> bool;
}

/// The words after an option, and the value that follows `=` in the option itself.
pub(super) struct Words<'a> {
    attached: Option<&'a OsStr>,
    rest: Iter<'a, OsString>,
}

impl<'a> Words<'a> {
    /// Takes the value of the option.
    pub(super) fn value(&mut self) -> Option<&'a OsStr> {
        let value = match self.attached.take() {
            Some(attached) => attached,
            None => self.rest.next().filter(|word| !word.as_bytes().starts_with(b"-"))?,
        };
        (!value.is_empty()).then_some(value)
    }

    /// Takes `count` values.
    pub(super) fn values(&mut self, count: usize) -> Option<Vec<OsString>> {
        let is_possible = self.attached.is_none() || count == 1;
        let mut values = Vec::with_capacity(count);
        while is_possible && values.len() < count {
            values.push(self.value()?.to_owned());
        }
        is_possible.then_some(values)
    }

    pub(super) fn path(&mut self) -> Option<PathBuf> {
        self.value().map(PathBuf::from)
    }

    /// Takes a value that is parsed from text.
    pub(super) fn parsed<T, Error>(
        &mut self,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Option<T> {
        parse(self.value()?.to_str()?).ok()
    }
}

/// Sets an option. clap decides what it means if it is given twice.
pub(super) fn once<T>(option: &mut Option<T>, value: Option<T>) -> Option<()> {
    let is_first = option.is_none();
    *option = Some(value?);
    is_first.then_some(())
}

/// Adds a value of an option that may be repeated.
pub(super) fn add<T>(values: &mut Vec<T>, value: Option<T>) -> Option<()> {
    value.map(|value| values.push(value))
}

/// Sets an option without value.
#[expect(clippy::unnecessary_wraps, reason = "as the other ways to set an option")]
pub(super) fn flag(option: &mut bool) -> Option<()> {
    *option = true;
    Some(())
}

/// Parses a command line. The first word is the name of the command.
pub(super) fn parse(words: &[OsString]) -> Option<Cli> {
    let (verb, rest) = words.get(1..)?.split_first()?;
    let (verbose, verb) = match verb.to_str()? {
        "execute" | "run" => with_verb::<Execute>(rest, |it| Verb::Execute(Deferred(it))),
        "chroot" => with_verb::<Chroot>(rest, |it| Verb::Chroot(Deferred(it))),
        "inject" | "enter" => with_verb::<Inject>(rest, |it| Verb::Inject(Deferred(it))),
        _ => None,
    }?;
    Some(Cli { verbose, verb })
}

// Not inlined, so that the stack has the options of one verb only.
#[inline(never)]
fn with_verb<Options: QuickVerb>(
    words: &[OsString],
    verb: impl FnOnce(Options) -> Verb,
) -> Option<(bool, Verb)> {
    let mut line = Line { verbose: false, options: Options::default() };
    let mut words = Words { attached: None, rest: words.iter() };
    loop {
        let rest = words.rest.as_slice();
        let word = words.rest.next()?;
        match word.as_bytes() {
            // A program after it may look like an option.
            b"--" => {
                line.options.program(plain(words.rest.as_slice())?);
                break;
            }
            [b'-', b'-', ..] => line.long(word, &mut words)?,
            [b'-', ..] => line.short(word, &mut words)?,
            [] => return None,
            _ if line.options.operand(word) => {}
            _ => {
                line.options.program(plain(rest)?);
                break;
            }
        }
    }
    (!line.options.has_conflict()).then(|| (line.verbose, verb(line.options)))
}

/// Returns the program and its arguments, unless its name looks like an option.
fn plain(program: &[OsString]) -> Option<&[OsString]> {
    let name = program.first()?.as_bytes();
    (!name.is_empty() && !name.starts_with(b"-")).then_some(program)
}

struct Line<Options> {
    verbose: bool,
    options: Options,
}

impl<Options: QuickVerb> Line<Options> {
    /// Takes `--name`, or `--name=value`.
    fn long<'a>(&mut self, word: &'a OsStr, words: &mut Words<'a>) -> Option<()> {
        let bytes = &word.as_bytes()[2..];
        let (name, attached) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]))),
            None => (bytes, None),
        };
        words.attached = attached;
        self.option(std::str::from_utf8(name).ok()?, words)?;
        // An option without value has left it.
        words.attached.is_none().then_some(())
    }

    /// Takes `-abc`. The last letter may have a value, which is the next word.
    fn short(&mut self, word: &OsStr, words: &mut Words<'_>) -> Option<()> {
        let letters = &word.as_bytes()[1..];
        for (at, letter) in (1..).zip(letters) {
            let name = match letter {
                b'v' => "verbose",
                b'z' => "id",
                b'M' if at == letters.len() => "uid-map",
                b'G' if at == letters.len() => "gid-map",
                letter => option_of_letter(char::from(*letter))?,
            };
            self.option(name, words)?;
        }
        (!letters.is_empty()).then_some(())
    }

    fn option(&mut self, name: &str, words: &mut Words<'_>) -> Option<()> {
        if name == "verbose" { flag(&mut self.verbose) } else { self.options.option(name, words) }
    }
}
