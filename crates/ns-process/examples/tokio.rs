//! A supervisor: runs a service with limits, restarts it after growing delays when it exits, and stops it when the
//! supervisor is stopped by a signal.
//!
//! The arguments are the service and its arguments. Needs no privilege.

use std::error::Error;
use std::time::Duration;

use ns_process::{Container, Init, Namespace, Resource, Stdio};
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// How often the service is started.
const STARTS: u32 = 3;

/// The delay before the first restart.
const DELAY: Duration = Duration::from_millis(50);

/// How long the service may take to stop.
const GRACE: Duration = Duration::from_secs(5);

fn service() -> Container {
    let mut args = std::env::args_os().skip(1);
    let mut service = Container::new(args.next().unwrap_or("false".into()));
    service.args(args).namespaces([Namespace::User, Namespace::Pid]).map_zero();
    // The init forwards SIGTERM; as process 1, the service would ignore it.
    service.init(Init::builtin()).no_new_privs().kill_on_drop(true);
    service.rlimit(Resource::Nofile, 1024, 1024).rlimit(Resource::Core, 0, 0);
    service.stdin(Stdio::null());
    service
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut stop = signal(SignalKind::terminate())?;
    let service = service();
    let mut delay = DELAY;
    for number in 1..=STARTS {
        let process = service.start_async().await?;
        println!("start {number}: process {}", process.pid());
        select! {
            status = process.join() => println!("ended: {}", status?),
            _ = stop.recv() => {
                println!("stopped: {}", process.terminate_timeout(GRACE).await?);
                return Ok(());
            }
        }
        select! {
            () = sleep(delay) => delay *= 2,
            _ = stop.recv() => return Ok(()),
        }
    }
    println!("gave up after {STARTS} starts");
    Ok(())
}
