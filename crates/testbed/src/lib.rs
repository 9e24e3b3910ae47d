//! The environment in which the tests of this workspace run.
//!
//! The body of a test that uses the kernel is in [`run_as!`], with the roles that it runs in. For each role
//! the test binary executes itself again for that one test: in a new process, process group and private mount
//! namespace. Therefore a test may change IDs, limits, signal handlers and mounts. A test that hangs is killed,
//! and [`Leftovers`] are compared before and after the body.
//!
//! ```
//! /// The answer is the same in each role.
//! // With `#[test]`, as everywhere:
//! fn the_answer_is_42() {
//!     ns_testbed::run_as!([Root, User], {
//!         assert_eq!(6 * 7, 42);
//!     });
//! }
//! ```

pub mod argv;
mod become_role;
mod clone3;
mod counting_heap;
mod descriptors;
mod ended;
mod fault;
mod forked;
mod leftovers;
mod niceness;
mod notification;
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
pub use counting_heap::CountingHeap;
pub use descriptors::{DescriptorRequest, DescriptorTable, SimulatedTable};
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

/// The limit for operations that end unless they hang, also on a busy machine.
pub const LONG: std::time::Duration = std::time::Duration::from_mins(1);

/// Runs the block once in each of the [`Role`]s; it is the whole body of a `#[test]` function.
#[macro_export]
macro_rules! run_as {
    ([$($role:ident),+ $(,)?], $body:block) => {{
        // The path of this function contains the path of the test.
        fn body() $body
        $crate::run(std::any::type_name_of_val(&body), &[$($crate::Role::$role),+], body);
    }};
}

/// Skips a test that the machine does not allow, with the reason.
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
