//! Arbitrary sequences of setters.

use arbitrary::{Arbitrary, Unstructured};
use ns_process::{Builder, Chroot, Container, Error, Inject, Step};

use super::setters::Setter;

/// A kind of builder, whether it starts a closure, and setters in order.
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

/// Calls setters and makes a plan.
///
/// Oracle: a plan is made, and its description is the same each time, or a check fails with a reason. The order of
/// setters matters only if they concern the same setting.
///
/// # Panics
/// If one of these does not hold.
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
    let in_order = outcome(&build(&new, setters.iter()));
    let out_of_order = outcome(&build(&new, reordered(setters).into_iter()));
    assert_eq!(in_order, out_of_order, "{sequence:?}");
}

/// Reorders the setters: those of the setting that was set last come first.
fn reordered(setters: &[Setter]) -> Vec<&Setter> {
    let mut reordered = Vec::new();
    let mut rest: Vec<&Setter> = setters.iter().collect();
    while let Some(last) = rest.last().copied() {
        let (same, others) = rest.iter().partition(|setter| setter.is_ordered_with(last));
        rest = others;
        reordered.extend::<Vec<_>>(same);
    }
    reordered
}

fn build<'a, Kind>(
    new: impl Fn() -> Builder<Kind>,
    setters: impl Iterator<Item = &'a Setter>,
) -> Builder<Kind> {
    let mut builder = new();
    // The default name differs between builders.
    builder.name("fuzz");
    setters.for_each(|setter| setter.call(&mut builder));
    builder
}

/// Returns the description of the plan, or the error.
fn outcome<Kind>(builder: &Builder<Kind>) -> Result<String, String> {
    let describe = || builder.plan().map(|plan| plan.describe().to_string());
    let once = describe();
    let again = describe().map_err(|error| error.to_string());
    if let Ok(text) = &once {
        check_description(builder, text);
    }
    if let Err(error) = &once {
        check_error(error);
    }
    let once = once.map_err(|error| error.to_string());
    assert_eq!(once, again);
    once
}

fn check_description<Kind>(builder: &Builder<Kind>, text: &str) {
    assert!(text.starts_with("memory: "), "{text}");
    let sides = ["memory: ", "parent: ", "intermediate: ", "init: ", "child: "];
    for line in text.lines() {
        assert!(sides.iter().any(|side| line.starts_with(side)), "{line:?} of {text}");
    }
    // Each namespace appears in some step.
    if builder.get_target().is_none() {
        for kind in builder.get_namespaces().kinds() {
            let flag = kind.clone_flag().to_string();
            assert!(text.contains(&flag), "no {flag} in {text}");
        }
    }
}

fn check_error(error: &Error) {
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.starts_with("fuzz: "), "{text:?}");
    let steps = [Step::Check, Step::UidMap, Step::GidMap];
    assert!(steps.contains(&error.step()), "{text:?}");
    assert!(error.object().is_some_and(|object| !object.is_empty()), "{text:?} has no reason");
    assert_eq!(error.errno(), None, "{text:?}: a check makes no system call");
}

#[cfg(test)]
mod tests {
    use ns_process::Namespace;

    use super::*;

    #[test]
    fn a_newline_in_a_path_is_escaped() {
        let mut container = Container::new("true");
        container.name("fuzz").proc("/proc\n/0").namespace(Namespace::User).map_zero();
        let text = outcome(&container).expect("a plan");
        assert!(text.contains("self"), "the path is not described: {text}");
    }

    #[test]
    fn many_sequences_are_valid() {
        let noise = crate::noise();
        let draw = |bytes: &Vec<u8>| Sequence::arbitrary(&mut Unstructured::new(bytes)).unwrap();
        let sequences: Vec<_> = noise.iter().map(draw).collect();
        let planned = |sequence: &&Sequence| {
            let setters = sequence.setters.iter();
            sequence.setters.len() > 1 && build(|| Container::new("true"), setters).plan().is_ok()
        };
        let planned = sequences.iter().filter(planned).count();
        assert!((15..=400).contains(&planned), "{planned} of {}", sequences.len());
    }
}
