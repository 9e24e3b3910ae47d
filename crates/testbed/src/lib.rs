//! How the tests of this workspace run.
//!
//! The body of a test that touches the kernel is [`run_as!`], which names the roles it runs in.
//! For each role the test binary starts itself again for that one test, in a process, a process
//! group and a private mount namespace of its own, as that role. So a test may change ids, limits,
//! handlers and mounts freely, a hang ends at a deadline, and a [`Leftovers`] guard around the body
//! proves that no descriptor, child or mount was left behind.
//!
//! ```
//! /// The answer does not depend on who asks.
//! // With `#[test]`, as everywhere:
//! fn the_answer_holds() {
//!     ns_testbed::run_as!([Root, User], {
//!         assert_eq!(6 * 7, 42);
//!     });
//! }
//! ```

mod become_role;
mod clone3;
mod descriptors;
mod ended;
mod fault;
mod forked;
mod leftovers;
mod niceness;
mod observe;
mod program;
mod role;
mod run;
mod scratch;
mod seccomp;
mod shared_mount;
mod skip;
mod watched_heap;

pub use clone3::{await_left, clone3_leave};
pub use descriptors::{DescriptorTable, DescriptorWish, PaperTable};
pub use fault::{Fault, FaultSide, with_fault};
pub use forked::{forked, forked_by_reaper};
pub use leftovers::Leftovers;
pub use niceness::nicer;
pub use observe::observed;
pub use program::for_all;
pub use role::{Role, USER, role};
pub use run::run;
pub use scratch::own_name;
pub use seccomp::{ask_about, refuse};
pub use shared_mount::SharedMount;
pub use skip::skipped;
pub use watched_heap::WatchedHeap;

/// Longer than anything takes that ends at all, on a busy machine too.
pub const LONG: std::time::Duration = std::time::Duration::from_mins(1);

/// Runs the block once in each of the named [`Role`]s; the whole body of a `#[test]` function.
#[macro_export]
macro_rules! run_as {
    ([$($role:ident),+ $(,)?], $body:block) => {{
        // A function knows its path, and with it the test around it.
        fn body() $body
        $crate::run(std::any::type_name_of_val(&body), &[$($crate::Role::$role),+], body);
    }};
}

/// Leaves a test that the machine does not allow, saying why.
///
/// Outside strict mode the test passes; in strict mode (`NS_STRICT` set, as CI does) it fails
/// unless `allowed-skips.txt` lists it.
#[macro_export]
macro_rules! skip {
    ($($reason:tt)+) => {{
        $crate::skipped(&format!($($reason)+));
        return;
    }};
}
