//! Does a start cost more in a large program? Prints the ratio, and fails above twice.
//!
//! Two copies of this program, one with 1 GB resident, start and join `tiny` in five new namespaces
//! with a map, turn by turn.

use std::env;
use std::hint::black_box;
use std::io;
use std::process::ExitCode;

use benches::helper::{Helper, serve};
use benches::{TINY, median};
use ns_process::{Container, Namespace};

const RESIDENT: usize = 1 << 30;
const PAIRS: usize = 400;
const LIMIT: f64 = 2.0;
const PAGE: usize = 4096;

fn main() -> io::Result<ExitCode> {
    match env::args().nth(1).as_deref() {
        None => compare(),
        Some(bytes) => measure(bytes.parse().map_err(io::Error::other)?),
    }
}

fn compare() -> io::Result<ExitCode> {
    let (mut small, mut large) = (Helper::start("0")?, Helper::start(&RESIDENT.to_string())?);
    for helper in [&mut small, &mut large] {
        (0..20).try_for_each(|_| helper.turn().map(drop))?;
    }
    let ratio = |_| Ok(large.turn()?.as_secs_f64() / small.turn()?.as_secs_f64());
    let ratio = median((0..PAIRS).map(ratio).collect::<io::Result<_>>()?);
    println!("start + join with 1 GB resident, against none: {ratio:.2}x (at most {LIMIT}x)");
    Ok(if ratio <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(resident: usize) -> io::Result<ExitCode> {
    let mut memory = vec![0_u8; resident];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    serve(start_and_join)?;
    black_box(&memory);
    Ok(ExitCode::SUCCESS)
}

fn start_and_join() {
    use Namespace::{Ipc, Mnt, Pid, User, Uts};
    let mut container = Container::new(TINY);
    container.namespaces([User, Mnt, Pid, Uts, Ipc]).map_zero();
    let status = container.start().and_then(|process| process.join());
    assert!(status.expect("tiny runs").success());
}
