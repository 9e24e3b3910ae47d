//! Parked starts, releases and starts from a pool that do not block the runtime.

use std::borrow::ToOwned;
use std::future::Future;
use std::prelude::rust_2024::*;
use std::sync::Arc;

use super::Process;
use super::start::{needs_polling_thread, on_pool, register, start_by};
use crate::error::Error;
use crate::parked::{Parked, Pool, park};
use crate::settings::{Builder, Payload};

/// # Parked start with tokio
///
/// A parked start as a future; needs the feature `tokio`.
impl<Kind> Builder<Kind> {
    /// Parks the program; see [`start_parked`](Self::start_parked).
    ///
    /// It runs on a thread of the runtime for blocking calls, as [`start_async`](Self::start_async), with the same
    /// exceptions. If the future is dropped, the process is killed and reaped, or never started.
    ///
    /// # Errors
    /// As [`start_parked`](Self::start_parked) and [`start_async`](Self::start_async).
    ///
    /// # Panics
    /// The future is polled outside a runtime of tokio; a [`before_go`](Self::before_go) hook panics.
    pub fn start_parked_async(
        &self,
    ) -> impl Future<Output = Result<Parked, Error>> + Send + use<Kind> {
        let plan = self.shared_plan();
        async move {
            let plan = plan?;
            if needs_polling_thread(&plan) {
                return park(plan);
            }
            let name = Arc::clone(&plan.name);
            on_pool(&name, move || park(plan)).await
        }
    }
}

/// # With tokio
impl Parked {
    /// Executes the planned program; see [`release`](Self::release).
    ///
    /// The release runs on a thread of the runtime for blocking calls. If the future is dropped, the process is killed
    /// and reaped.
    ///
    /// # Errors
    /// As [`release`](Self::release) and [`start_async`](Builder::start_async).
    ///
    /// # Panics
    /// The future is polled outside a runtime of tokio with I/O enabled.
    ///
    /// # Examples
    /// ```
    /// use ns_process::{Container, Namespace};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ns_process::Error> {
    /// let mut container = Container::new("true");
    /// container.namespaces([Namespace::User, Namespace::Pid]).map_zero();
    /// let parked = container.start_parked_async().await?;
    /// assert!(parked.release_async().await?.join().await?.success());
    /// # Ok(())
    /// # }
    /// ```
    pub fn release_async(self) -> impl Future<Output = Result<Process, Error>> + Send {
        let name = self.name().to_owned();
        async move { register(start_by(&name, move || self.release()).await?) }
    }

    /// Executes the program with the changes of `payload`; see [`release_with`](Self::release_with) and
    /// [`release_async`](Self::release_async).
    ///
    /// # Errors
    /// As [`release_with`](Self::release_with) and [`start_async`](Builder::start_async).
    ///
    /// # Panics
    /// As [`release_async`](Self::release_async).
    pub fn release_with_async(
        self,
        payload: &Payload,
    ) -> impl Future<Output = Result<Process, Error>> + Send + use<> {
        let (name, payload) = (self.name().to_owned(), payload.clone());
        async move { register(start_by(&name, move || self.release_with(&payload)).await?) }
    }
}

/// # With tokio
impl Pool {
    /// Executes the program of `payload` in a parked process; see [`start`](Self::start).
    ///
    /// The start runs on a thread of the runtime for blocking calls. If the future is dropped, the program is killed
    /// and reaped, or never executed. The pool lives until all of its futures are completed or dropped.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`start_async`](Builder::start_async).
    ///
    /// # Panics
    /// As [`Parked::release_async`].
    pub fn start_async(
        self: &Arc<Self>,
        payload: &Payload,
    ) -> impl Future<Output = Result<Process, Error>> + Send + use<> {
        let (pool, payload) = (Arc::clone(self), payload.clone());
        async move {
            let name = pool.name().to_owned();
            register(start_by(&name, move || pool.start(&payload)).await?)
        }
    }
}
