//! One value of an axis, in a process of its own.

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

/// Rounds in which each subject has one turn; where forks copy gigabytes, fewer.
const ROUNDS: usize = 100;
const FEW_ROUNDS: usize = 11;

/// By which a rate is told.
const STARTS: u32 = 400;

/// Asks a copy of this program for the figures of `value`.
pub(crate) fn measure(axis: &Axis, value: usize) -> io::Result<Vec<Figure>> {
    let mut copy = Container::new(env::current_exe()?);
    copy.args(["point", axis.name, &value.to_string()]).env_clear();
    if axis.name == "mounts" {
        copy.namespaces([Namespace::User, Namespace::Mnt]).map_zero();
        let missing =
            value.saturating_sub(fs::read_to_string("/proc/self/mounts")?.lines().count());
        (0..missing).for_each(|_| _ = copy.mount(Mount::bind("/dev/null", "/dev/null")));
    }
    let output = copy.output().map_err(io::Error::other)?;
    let figures: Vec<_> =
        String::from_utf8_lossy(&output.stdout).lines().map(Figure::parse).collect();
    if output.status.success() && figures.len() == axis.subjects.len() {
        return Ok(figures);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{} {value}: {}: {said}", axis.name, output.status)))
}

/// The copy's side: a line of figures, each subject's.
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

/// Besides the one that starts, they wait.
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

/// Medians in microseconds: each subject has a turn in each round, and no round begins with the same
/// one as the round before.
fn times(axis: &Axis, rounds: usize, extents: usize) -> Vec<Figure> {
    let extents = u32::try_from(extents).unwrap_or(u32::MAX);
    let mut starters: Vec<_> = here(axis).map(|subject| subject.starter(extents)).collect();
    let mut times = vec![Vec::with_capacity(rounds); starters.len()];
    for round in 0..rounds {
        for turn in 0..starters.len() {
            let which = (round + turn) % starters.len();
            times[which].push(time(&mut starters[which]).as_secs_f64() * 1e6);
        }
    }
    with_absent(axis, times.into_iter().map(median))
}

/// Starts a second of so many threads together.
fn rates(axis: &Axis, threads: usize) -> Vec<Figure> {
    let threads = u32::try_from(threads).unwrap_or(u32::MAX);
    with_absent(axis, here(axis).map(|subject| rate(threads, STARTS, || subject.starter(1))))
}

fn here(axis: &Axis) -> impl Iterator<Item = Subject> {
    axis.subjects.iter().copied().filter(|subject| subject.is_here())
}

fn with_absent(axis: &Axis, mut measured: impl Iterator<Item = f64>) -> Vec<Figure> {
    let figure = |subject: &Subject| {
        if subject.is_here() {
            Figure::Value(measured.next().expect("one of each"))
        } else {
            Figure::Skipped("built without the feature peers".to_owned())
        }
    };
    axis.subjects.iter().map(figure).collect()
}
