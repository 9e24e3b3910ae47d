//! The table of targets, for runs without libFuzzer.

use arbitrary::{Arbitrary, Unstructured};

use crate::{fs, idmap, noise, process, space, sys};

/// A fuzz target: a name, and the function that takes the input bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// `layer_operation`.
    pub name: &'static str,
    /// Whether the body makes system calls, so that [`enter`](crate::sandbox::enter) must be called first.
    pub uses_kernel: bool,
    /// Makes an input from the bytes as libFuzzer does, and runs the body on it.
    pub run: fn(&[u8]),
    /// Returns the inputs of a new corpus.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets, in the order of the layers.
pub const TARGETS: &[Target] = &[
    Target::with_kernel("sys_clone_args", |bytes| {
        with_input(bytes, |request| sys::clone_args(&request));
    }),
    Target::pure("sys_namespace_text", |bytes| with_input(bytes, sys::namespace_text))
        .with_seeds(|| texts(sys::TEXTS)),
    Target::pure("idmap_parse", |bytes| {
        with_input(bytes, |text: idmap::Text| idmap::parse(&text.0));
    })
    .with_seeds(|| [texts(idmap::TEXTS), noise()].concat()),
    Target::pure("idmap_validate", |bytes| with_input(bytes, |extents| idmap::validate(&extents))),
    Target::with_kernel("idmap_kernel", |bytes| with_input(bytes, |input| idmap::kernel(&input))),
    Target::pure("idmap_subid", |bytes| with_input(bytes, |input| idmap::subid(&input))),
    Target::pure("idmap_compose", |bytes| with_input(bytes, |maps| idmap::compose(&maps))),
    Target::pure("fs_fd_plan", |bytes| with_input(bytes, |case| fs::fd_plan(&case))),
    Target::with_kernel("fs_fd_real", |bytes| with_input(bytes, |case| fs::fd_real(&case))),
    Target::with_kernel("fs_root_path", |bytes| with_input(bytes, |case| fs::root_path(&case))),
    Target::with_kernel("fs_mounts", |bytes| with_input(bytes, |case| fs::mounts(&case))),
    Target::pure("process_builder", |bytes| with_input(bytes, |calls| process::builder(&calls))),
    Target::with_kernel("process_start", |bytes| with_input(bytes, |start| process::start(&start))),
    Target::with_kernel("process_report", |bytes| with_input(bytes, |case| process::report(&case))),
    Target::with_kernel("process_releaser", |bytes| {
        with_input(bytes, |peers| process::releaser(&peers));
    }),
    Target::with_kernel("process_parked_child", |bytes| {
        with_input(bytes, |liar| process::parked_child(&liar));
    }),
    Target::with_kernel("process_payload", |bytes| {
        with_input(bytes, |release| process::payload(&release));
    }),
    Target::pure("space_cli", |bytes| with_input(bytes, |line| space::cli(&line))),
];

/// Returns the target with this name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

impl Target {
    const fn pure(name: &'static str, run: fn(&[u8])) -> Self {
        Self { name, uses_kernel: false, run, seeds: noise }
    }

    const fn with_kernel(name: &'static str, run: fn(&[u8])) -> Self {
        Self { uses_kernel: true, ..Self::pure(name, run) }
    }

    const fn with_seeds(self, seeds: fn() -> Vec<Vec<u8>>) -> Self {
        Self { seeds, ..self }
    }
}

/// Runs the body, unless the bytes are too few or make no input, as libFuzzer does.
fn with_input<'a, Input: Arbitrary<'a>>(bytes: &'a [u8], body: impl FnOnce(Input)) {
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
    fn targets_are_found_by_name() {
        assert!(TARGETS.iter().all(|target| named(target.name).is_some()));
        assert!(named("no_such").is_none());
    }

    #[test]
    fn bytes_make_the_same_input_as_in_libfuzzer() {
        let seen = Cell::new(None);
        with_input(b"0 1000 1", |text: &str| seen.set(Some(text.len())));
        assert_eq!(seen.get(), Some(8));
        with_input(b"", |_: u64| seen.set(None));
        assert_eq!(seen.get(), Some(8), "an input that is too short is skipped");
    }
}
