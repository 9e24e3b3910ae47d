//! The measurement of one value of an axis, in a new process.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs, io, thread};

use benches::memory::{MB, resident};
use benches::pairs::{median, time};
use benches::starters::rate;
use ns_process::{Container, Mount, Namespace};

use crate::axis::Axis;
use crate::subject::Subject;
use crate::table::Figure;

/// The number of rounds, in each of which every subject runs once. Fewer if fork copies gigabytes.
const ROUNDS: usize = 100;
const FEW_ROUNDS: usize = 11;

/// The number of starts from which a rate is computed.
const STARTS: u32 = 400;

/// Measures `value` in a new process that runs this program.
pub(crate) fn measure(axis: &Axis, value: usize) -> io::Result<Vec<Figure>> {
    let mut child = Container::new(env::current_exe()?);
    child.args(["point", axis.name, &value.to_string()]).env_clear();
    if axis.name == "mounts" {
        child.namespaces([Namespace::User, Namespace::Mnt]).map_zero();
        let missing =
            value.saturating_sub(fs::read_to_string("/proc/self/mounts")?.lines().count());
        (0..missing).for_each(|_| _ = child.mount(Mount::bind("/dev/null", "/dev/null")));
    }
    let output = child.output().map_err(io::Error::other)?;
    let figures: Vec<_> =
        String::from_utf8_lossy(&output.stdout).lines().map(Figure::parse).collect();
    if output.status.success() && figures.len() == axis.subjects.len() {
        return Ok(figures);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{} {value}: {}: {errors}", axis.name, output.status)))
}

/// Runs in the new process: prints one figure per line, in the order of the subjects.
pub(crate) fn serve(axis: &str, value: &str) -> io::Result<ExitCode> {
    let (axis, value) = (Axis::named(axis)?, value.parse::<usize>().map_err(io::Error::other)?);
    let figures = match axis.name {
        "memory" => with_memory(axis, value),
        "threads" => with_threads(axis, value),
        "starters" => rates(axis, value),
        "extents" => times(axis, ROUNDS, value),
        _ => times(axis, ROUNDS, 1),
    };
    for figure in figures {
        println!("{}", figure.line());
    }
    Ok(ExitCode::SUCCESS)
}

fn with_memory(axis: &Axis, bytes: usize) -> Vec<Figure> {
    let memory = resident(bytes);
    let figures = times(axis, if bytes > 100 * MB { FEW_ROUNDS } else { ROUNDS }, 1);
    drop(memory);
    figures
}

/// Measures in a process with `threads` threads, of which one starts and the others wait.
fn with_threads(axis: &Axis, threads: usize) -> Vec<Figure> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let wait = || {
            while !stop.load(Ordering::Relaxed) {
                thread::park_timeout(Duration::from_secs(1));
            }
        };
        let waiting: Vec<_> = (1..threads).map(|_| scope.spawn(wait)).collect();
        let figures = times(axis, ROUNDS, 1);
        stop.store(true, Ordering::Relaxed);
        for thread in waiting {
            thread.thread().unpark();
        }
        figures
    })
}

/// Returns the median times in microseconds. Each subject runs once in each round, and successive rounds begin with
/// different subjects.
fn times(axis: &Axis, rounds: usize, extents: usize) -> Vec<Figure> {
    let extents = u32::try_from(extents).unwrap_or(u32::MAX);
    let mut starters: Vec<_> = available(axis).map(|subject| subject.starter(extents)).collect();
    let mut times = vec![Vec::with_capacity(rounds); starters.len()];
    for round in 0..rounds {
        for position in 0..starters.len() {
            let which = (round + position) % starters.len();
            times[which].push(time(&mut starters[which]).as_secs_f64() * 1e6);
        }
    }
    with_skipped(axis, times.into_iter().map(median))
}

/// Returns the starts per second of `threads` threads together.
fn rates(axis: &Axis, threads: usize) -> Vec<Figure> {
    let threads = u32::try_from(threads).unwrap_or(u32::MAX);
    let rates = available(axis).map(|subject| rate(threads, STARTS, || subject.starter(1)));
    with_skipped(axis, rates)
}

fn available(axis: &Axis) -> impl Iterator<Item = Subject> {
    axis.subjects.iter().copied().filter(|subject| subject.is_available())
}

fn with_skipped(axis: &Axis, mut measured: impl Iterator<Item = f64>) -> Vec<Figure> {
    let figure = |subject: &Subject| {
        if subject.is_available() {
            Figure::Value(measured.next().expect("one figure per subject"))
        } else {
            Figure::Skipped("built without the feature peers".to_owned())
        }
    };
    axis.subjects.iter().map(figure).collect()
}
