//! The time that OCI runtimes take to create, start and delete a container, and the memory of what they leave running.
//!
//! Usage: `oci-speed DIRECTORY ROUNDS PATCH RUNTIME...`. The first runtime is compared with the others. DIRECTORY has
//! the root directory of the containers (`rootfs`, with busybox) and gets the bundles. PATCH is a JSON merge patch
//! (RFC 7396) of their configuration. `cargo xtask oci-speed` runs this program in namespaces and cgroups of its own.

mod bundle;
mod left;
mod subject;

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use benches::machine::Machine;
use benches::pairs::median;
use serde_json::Value;

use bundle::Cgroups;
use subject::{Subject, Times};

/// Rounds that are not measured: files come into the page cache.
const WARM_UP: usize = 5;

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let mut next = || args.next().ok_or_else(|| io::Error::other("see the source for the usage"));
    let (directory, rounds, patch) = (PathBuf::from(next()?), next()?, next()?);
    let rounds = rounds.parse().map_err(io::Error::other)?;
    let patch: Value = serde_json::from_str(&patch)?;
    let runtimes: Vec<_> = args.map(PathBuf::from).collect();
    // The first process of a container that was created is a child of this process.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    println!("{}", Machine::current().line());
    for cgroups in [Cgroups::New, Cgroups::None] {
        println!("\n{cgroups}, {rounds} rounds; milliseconds, medians");
        measure(&directory, cgroups, &patch, rounds, &runtimes)?;
    }
    left::print(&directory, &patch, &runtimes)
}

/// Runs each runtime once in each round: the load of the machine changes between rounds, and much less within one.
fn measure(
    directory: &Path,
    cgroups: Cgroups,
    patch: &Value,
    rounds: usize,
    runtimes: &[PathBuf],
) -> io::Result<()> {
    let bundle = bundle::write(directory, cgroups, patch, &["/tiny"])?;
    let subjects: Vec<_> =
        runtimes.iter().map(|path| Subject::new(path, directory, &bundle, cgroups)).collect();
    let mut times = vec![Vec::new(); subjects.len()];
    for round in 0..WARM_UP + rounds {
        for step in 0..subjects.len() {
            let index = (round + step) % subjects.len();
            let measured = subjects[index].measure()?;
            if round >= WARM_UP {
                times[index].push(measured);
            }
        }
    }
    print_table(&subjects, &times);
    Ok(())
}

/// Prints the medians, and the median of the ratios of the first runtime to each one, taken within the rounds.
fn print_table(subjects: &[Subject], times: &[Vec<Times>]) {
    println!("{:12}{:>8}{:>8}{:>8}{:>8}{:>8}", "", "create", "start", "delete", "all", "ratio");
    for (Subject { name, .. }, own) in subjects.iter().zip(times) {
        let part = |of: fn(&Times) -> f64| median(own.iter().map(of).collect()) * 1e3;
        let ratios = times[0].iter().zip(own).map(|(first, own)| first.all() / own.all());
        let (create, start) = (part(|it| it.create), part(|it| it.start));
        print!("{name:12}{create:>8.2}{start:>8.2}{:>8.2}", part(|it| it.delete));
        println!("{:>8.2}{:>8.2}", part(Times::all), median(ratios.collect()));
    }
}
