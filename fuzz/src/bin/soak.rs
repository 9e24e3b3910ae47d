//! Starts, joins and kills processes from many threads at once: `soak SECONDS THREADS`.

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fuzz::{sandbox, soak};

fn main() -> ExitCode {
    let mut numbers = env::args().skip(1).map(|word| word.parse::<u64>());
    let (Some(Ok(seconds)), Some(Ok(threads))) = (numbers.next(), numbers.next()) else {
        eprintln!("usage: soak SECONDS THREADS");
        return ExitCode::FAILURE;
    };
    sandbox::enter_or_exit();
    let start = Instant::now();
    let soak = soak(Duration::from_secs(seconds), threads);
    println!("shown: {:.0} s with {threads} threads: {soak}", start.elapsed().as_secs_f64());
    if soak.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
