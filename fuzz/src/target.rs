//! Every target, for those who run them without libFuzzer.

use arbitrary::{Arbitrary, Unstructured};

use crate::{fs, idmap, noise, process, space, sys};

/// A target, as bytes run it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// `layer_operation`.
    pub name: &'static str,
    /// Whether [`enter`](crate::sandbox::enter) comes first, because the body asks the kernel.
    pub asks_kernel: bool,
    /// Makes an input from the bytes, as libFuzzer does, and runs the body on it.
    pub run: fn(&[u8]),
    /// What a new corpus begins with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them, in the order of the layers.
pub const TARGETS: &[Target] = &[
    Target::asking("sys_clone_args", |bytes| with(bytes, |wish| sys::clone_args(&wish))),
    Target::pure("sys_namespace_text", |bytes| with(bytes, sys::namespace_text))
        .with_seeds(|| texts(sys::TEXTS)),
    Target::pure("idmap_parse", |bytes| with(bytes, |text: idmap::Text| idmap::parse(&text.0)))
        .with_seeds(|| [texts(idmap::TEXTS), noise()].concat()),
    Target::pure("idmap_validate", |bytes| with(bytes, |extents| idmap::validate(&extents))),
    Target::asking("idmap_kernel", |bytes| with(bytes, |input| idmap::kernel(&input))),
    Target::pure("idmap_subid", |bytes| with(bytes, |input| idmap::subid(&input))),
    Target::pure("idmap_compose", |bytes| with(bytes, |maps| idmap::compose(&maps))),
    Target::pure("fs_fd_plan", |bytes| with(bytes, |wish| fs::fd_plan(&wish))),
    Target::asking("fs_fd_real", |bytes| with(bytes, |wish| fs::fd_real(&wish))),
    Target::asking("fs_root_path", |bytes| with(bytes, |tree| fs::root_path(&tree))),
    Target::pure("process_builder", |bytes| with(bytes, |calls| process::builder(&calls))),
    Target::asking("process_start", |bytes| with(bytes, |wish| process::start(&wish))),
    Target::asking("process_report", |bytes| with(bytes, |step| process::report(&step))),
    Target::pure("space_cli", |bytes| with(bytes, |line| space::cli(&line))),
];

/// The target of that name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

impl Target {
    const fn pure(name: &'static str, run: fn(&[u8])) -> Self {
        Self { name, asks_kernel: false, run, seeds: noise }
    }

    const fn asking(name: &'static str, run: fn(&[u8])) -> Self {
        Self { asks_kernel: true, ..Self::pure(name, run) }
    }

    const fn with_seeds(self, seeds: fn() -> Vec<Vec<u8>>) -> Self {
        Self { seeds, ..self }
    }
}

/// Too few bytes, and bytes that make no input, are passed over, as by libFuzzer.
fn with<'a, Input: Arbitrary<'a>>(bytes: &'a [u8], body: impl FnOnce(Input)) {
    let enough = bytes.len() >= Input::size_hint(0).0;
    let input = enough.then(|| Input::arbitrary_take_rest(Unstructured::new(bytes)));
    if let Some(Ok(input)) = input {
        body(input);
    }
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn names_are_found() {
        assert!(TARGETS.iter().all(|target| named(target.name).is_some()));
        assert!(named("no_such").is_none());
    }

    #[test]
    fn bytes_become_the_input_that_libfuzzer_makes() {
        let seen = Cell::new(None);
        with(b"0 1000 1", |text: &str| seen.set(Some(text.len())));
        assert_eq!(seen.get(), Some(8));
        with(b"", |_: u64| seen.set(None));
        assert_eq!(seen.get(), Some(8), "too short");
    }
}
