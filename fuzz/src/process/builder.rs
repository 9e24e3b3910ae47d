//! Any sequence of setters.

use arbitrary::{Arbitrary, Unstructured};
use ns_process::{Builder, Chroot, Container, Error, Inject, Step};

use super::setters::Setter;

/// A kind of builder, what it starts, and the setters in order.
#[derive(Clone, Debug)]
pub struct Sequence {
    kind: Kind,
    closure: bool,
    setters: Vec<Setter>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Kind {
    Container,
    Chroot,
    Inject,
}

impl<'a> Arbitrary<'a> for Sequence {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let (kind, closure) = (u.arbitrary()?, u.ratio(1, 3)?);
        let setters = (0..u.int_in_range(0..=20)?).map(|_| u.arbitrary());
        Ok(Self { kind, closure, setters: setters.collect::<arbitrary::Result<_>>()? })
    }
}

/// Oracle: a plan is described, the same each time, or refused by a check that says why; setters of
/// different things keep no order.
///
/// # Panics
/// Where that does not hold.
pub fn builder(sequence: &Sequence) {
    match (sequence.kind, sequence.closure) {
        (Kind::Container, false) => compare(sequence, || Container::new("true")),
        (Kind::Container, true) => compare(sequence, || Container::from_fn(|| ())),
        (Kind::Chroot, false) => compare(sequence, || Chroot::new("/", "true")),
        (Kind::Chroot, true) => compare(sequence, || Chroot::from_fn("/", || ())),
        (Kind::Inject, false) => compare(sequence, || Inject::new(1, "true")),
        (Kind::Inject, true) => compare(sequence, || Inject::from_fn(1, || ())),
    }
}

fn compare<Kind>(sequence: &Sequence, new: impl Fn() -> Builder<Kind>) {
    let setters = &sequence.setters;
    let in_order = outcome(&made(&new, setters.iter()));
    let out_of_order = outcome(&made(&new, reordered(setters).into_iter()));
    assert_eq!(in_order, out_of_order, "{sequence:?}");
}

/// The last thing that is spoken of first.
fn reordered(setters: &[Setter]) -> Vec<&Setter> {
    let mut reordered = Vec::new();
    let mut rest: Vec<&Setter> = setters.iter().collect();
    while let Some(last) = rest.last().copied() {
        let (same, others) = rest.iter().partition(|setter| setter.is_about_the_same(last));
        rest = others;
        reordered.extend::<Vec<_>>(same);
    }
    reordered
}

fn made<'a, Kind>(
    new: impl Fn() -> Builder<Kind>,
    setters: impl Iterator<Item = &'a Setter>,
) -> Builder<Kind> {
    let mut builder = new();
    // Else each has another.
    builder.name("fuzz");
    setters.for_each(|setter| setter.call(&mut builder));
    builder
}

/// What is planned, in words, or why nothing is.
fn outcome<Kind>(builder: &Builder<Kind>) -> Result<String, String> {
    let told = || builder.plan().map(|plan| plan.describe().to_string());
    let once = told();
    let again = told().map_err(|error| error.to_string());
    if let Ok(text) = &once {
        described(builder, text);
    }
    if let Err(error) = &once {
        refused(error);
    }
    let once = once.map_err(|error| error.to_string());
    assert_eq!(once, again);
    once
}

fn described<Kind>(builder: &Builder<Kind>, text: &str) {
    assert!(text.starts_with("memory: "), "{text}");
    let sides = ["memory: ", "parent: ", "middle: ", "init: ", "child: "];
    for line in text.lines() {
        assert!(sides.iter().any(|side| line.starts_with(side)), "{line:?} of {text}");
    }
    // Each namespace is made by one side or the other.
    if builder.get_target().is_none() {
        for kind in builder.get_namespaces().kinds() {
            let flag = kind.clone_flag().to_string();
            assert!(text.contains(&flag), "no {flag} in {text}");
        }
    }
}

fn refused(error: &Error) {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.starts_with("fuzz: "), "{text:?}");
    let steps = [Step::Check, Step::UidMap, Step::GidMap];
    assert!(steps.contains(&error.step()), "{text:?}");
    assert!(error.object().is_some_and(|said| !said.is_empty()), "{text:?} says nothing");
    assert_eq!(error.errno(), None, "{text:?}: nobody was asked");
}

#[cfg(test)]
mod tests {
    use ns_process::Namespace;

    use super::*;

    #[test]
    fn a_line_end_in_a_path_ends_no_line() {
        let mut container = Container::new("true");
        container.name("fuzz").proc("/proc\n/0").namespace(Namespace::User).map_zero();
        let text = outcome(&container).expect("a plan");
        assert!(text.contains("self"), "the path is told: {text}");
    }

    #[test]
    fn many_sequences_make_a_plan() {
        let noise = crate::noise();
        let draw = |bytes: &Vec<u8>| Sequence::arbitrary(&mut Unstructured::new(bytes)).unwrap();
        let sequences: Vec<_> = noise.iter().map(draw).collect();
        let planned = |sequence: &&Sequence| {
            let setters = sequence.setters.iter();
            sequence.setters.len() > 1 && made(|| Container::new("true"), setters).plan().is_ok()
        };
        let planned = sequences.iter().filter(planned).count();
        assert!((30..=400).contains(&planned), "{planned} of {}", sequences.len());
    }
}
