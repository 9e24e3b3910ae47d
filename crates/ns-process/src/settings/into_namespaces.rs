//! The values that select kinds of namespace.

use std::format;
use std::path::Path;
use std::prelude::rust_2024::*;

use ns_sys::{Namespace, NamespaceFlags};

/// Kinds of namespace, for [`namespaces`](crate::Builder::namespaces), [`setns`](crate::setns) and
/// others:
///
/// - one kind: a [`Namespace`], or its name in lower or upper case, such as `"net"`, `"newnet"` or
///   `"CLONE_NEWNET"`;
/// - `"all"`: every kind that the running kernel supports, as `/proc/self/ns` shows them; all eight kinds without it;
/// - a set: [`NamespaceFlags`];
/// - several kinds or names: an array, a slice, a `Vec`, an `Option` or an iterator;
/// - a mix of all these: a tuple with at most eight elements.
///
/// A name that is unknown is an error of the start, or of the function that takes it. The compiler
/// infers `Marker`. Other crates cannot implement this trait.
///
/// # Examples
/// ```
/// use ns_process::{Container, Namespace, NamespaceFlags};
///
/// let mut container = Container::new("true");
/// container.namespaces("user");
/// container.namespaces(["user", "net"]);
/// container.namespaces(vec![Namespace::User, Namespace::Net]);
/// container.namespaces(("user", Namespace::Net));
/// container.namespaces(NamespaceFlags::USER | NamespaceFlags::NET);
/// assert_eq!(container.get_namespaces(), NamespaceFlags::USER | NamespaceFlags::NET);
/// ```
///
/// # References
/// namespaces(7).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not select kinds of namespace",
    label = "not a kind, a name, a set, or several of them",
    note = "see `IntoNamespaces` for the types that do"
)]
pub trait IntoNamespaces<Marker> {
    #[doc(hidden)]
    fn into_flags(self, seal: Seal) -> Result<NamespaceFlags, String>;
}

/// Seals the trait: this type cannot be named outside of the crate.
#[derive(Clone, Copy, Debug)]
pub struct Seal(pub(crate) ());

// Each group of implementations has its own marker, so that no two of them overlap.

/// Marks one kind or one name.
#[derive(Debug)]
pub enum One {}

/// Marks a set of flags.
#[derive(Debug)]
pub enum Set {}

/// Marks values that iterate over kinds or names.
#[derive(Debug)]
pub enum Many {}

impl IntoNamespaces<One> for Namespace {
    fn into_flags(self, _: Seal) -> Result<NamespaceFlags, String> {
        Ok(self.flag())
    }
}

impl IntoNamespaces<One> for &Namespace {
    fn into_flags(self, _: Seal) -> Result<NamespaceFlags, String> {
        Ok(self.flag())
    }
}

impl IntoNamespaces<One> for &str {
    fn into_flags(self, _: Seal) -> Result<NamespaceFlags, String> {
        if self.eq_ignore_ascii_case("all") {
            return Ok(supported());
        }
        let kind: Namespace = self.parse().map_err(|error| format!("{self:?}: {error}"))?;
        Ok(kind.flag())
    }
}

impl IntoNamespaces<One> for &&str {
    fn into_flags(self, seal: Seal) -> Result<NamespaceFlags, String> {
        (*self).into_flags(seal)
    }
}

impl IntoNamespaces<One> for String {
    fn into_flags(self, seal: Seal) -> Result<NamespaceFlags, String> {
        self.as_str().into_flags(seal)
    }
}

impl IntoNamespaces<One> for &String {
    fn into_flags(self, seal: Seal) -> Result<NamespaceFlags, String> {
        self.as_str().into_flags(seal)
    }
}

impl IntoNamespaces<Set> for NamespaceFlags {
    fn into_flags(self, _: Seal) -> Result<NamespaceFlags, String> {
        let unknown = self.difference(Self::all()).bits();
        if unknown == 0 { Ok(self) } else { Err(format!("{unknown:#x}: not a namespace")) }
    }
}

impl<Kinds> IntoNamespaces<Many> for Kinds
where
    Kinds: IntoIterator<Item: IntoNamespaces<One>>,
{
    fn into_flags(self, seal: Seal) -> Result<NamespaceFlags, String> {
        self.into_iter().map(|kind| kind.into_flags(seal)).collect()
    }
}

macro_rules! tuple {
    ($(#[$attribute:meta])? $($kinds:ident $marker:ident),+) => {
        $(#[$attribute])?
        impl<$($kinds, $marker),+> IntoNamespaces<($($marker,)+)> for ($($kinds,)+)
        where
            $($kinds: IntoNamespaces<$marker>),+
        {
            #[expect(non_snake_case, reason = "an element has the name of its type")]
            fn into_flags(self, seal: Seal) -> Result<NamespaceFlags, String> {
                let ($($kinds,)+) = self;
                [$($kinds.into_flags(seal)),+].into_iter().collect()
            }
        }
    };
}

tuple!(A MarkerA, B MarkerB);
// One of them is enough in the documentation.
tuple!(#[doc(hidden)] A MarkerA);
tuple!(#[doc(hidden)] A MarkerA, B MarkerB, C MarkerC);
tuple!(#[doc(hidden)] A MarkerA, B MarkerB, C MarkerC, D MarkerD);
tuple!(#[doc(hidden)] A MarkerA, B MarkerB, C MarkerC, D MarkerD, E MarkerE);
tuple!(#[doc(hidden)] A MarkerA, B MarkerB, C MarkerC, D MarkerD, E MarkerE, F MarkerF);
tuple!(#[doc(hidden)] A MarkerA, B MarkerB, C MarkerC, D MarkerD, E MarkerE, F MarkerF, G MarkerG);
tuple!(#[doc(hidden)] A MarkerA, B MarkerB, C MarkerC, D MarkerD, E MarkerE, F MarkerF, G MarkerG, H MarkerH);

/// The kinds that the running kernel supports. Without proc these are all kinds: clone(2) refuses an unsupported one.
pub(super) fn supported() -> NamespaceFlags {
    let exists = |kind: &Namespace| Path::new("/proc/self/ns").join(kind.name()).exists();
    let found: NamespaceFlags =
        Namespace::ALL.into_iter().filter(exists).map(Namespace::flag).collect();
    if found.is_empty() { NamespaceFlags::all() } else { found }
}
