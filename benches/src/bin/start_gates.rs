//! The gates of starts: prints ratio and gate of each row; fails where one misses.
//!
//! Runs in a small environment: a start copies the caller's by std's means, which the raw floor has
//! done before it is timed; a row of its own tells what forty variables cost.

use std::hint::black_box;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use benches::floor::{Floor, Root};
use benches::gates::Gate::{AtLeast, AtMost, Informs};
use benches::gates::{Gates, PAIRS};
use benches::helper::{Helper, serve};
use benches::{TINY, TINY_ROOT, peers};
use ns_process::Namespace::{self, Ipc, Mnt, Net, Pid, User, Uts};
use ns_process::{Builder, Container};
use ns_sys::NamespaceFlags;

const FIVE: [Namespace; 5] = [User, Mnt, Pid, Uts, Ipc];
const FOUR: [Namespace; 4] = [User, Pid, Uts, Ipc];

/// Pairs of a row where the other side takes milliseconds.
const SLOW_PAIRS: usize = 60;

const GB: usize = 1 << 30;
const PAGE: usize = 4096;

fn main() -> io::Result<ExitCode> {
    match env::args().nth(1).as_deref() {
        None => Err(Command::new(env::current_exe()?).arg("rows").env_clear().exec()),
        Some("rows") => rows(),
        Some(bytes) => measure(bytes.parse().map_err(io::Error::other)?),
    }
}

fn rows() -> io::Result<ExitCode> {
    let mut gates = Gates::default();
    against_the_floor(&mut gates);
    roots(&mut gates);
    under_load(&mut gates);
    against_peers(&mut gates);
    large(&mut gates)?;
    starters(&mut gates);
    Ok(gates.verdict())
}

fn against_the_floor(gates: &mut Gates) {
    let (mut floor, mut floor_of_five) = (floor(&[]), floor(&FIVE));
    let (plain, five) = (Container::new(TINY), new(&FIVE));
    let sides = (|| run(&five), || floor_of_five.start_join());
    gates.row("the five (user,mnt,pid,uts,ipc, root map) / raw floor", AtMost(1.06), PAIRS, sides);
    let sides = (|| run(&plain), || floor.start_join());
    gates.row("plain / raw floor", AtMost(1.08), PAIRS, sides);
    let mut many = Container::new(TINY);
    many.envs((0..40).map(|number| (format!("VARIABLE_{number}"), "some 20 bytes of text")));
    gates.row("plain, 40 variables set / plain", Informs, PAIRS, (|| run(&many), || run(&plain)));
    let mut like_std = Container::new(TINY);
    like_std.new_session(false).inherit_ignored().close_fds(false);
    let name = "plain, session, ignored signals and descriptors inherited / std::process::Command";
    gates.row(name, AtMost(0.90), PAIRS, (|| run(&like_std), peers::std_command));
    let name = "plain / std::process::Command, which inherits those";
    gates.row(name, Informs, PAIRS, (|| run(&plain), peers::std_command));
}

fn roots(gates: &mut Gates) {
    let mut floor_of_chroot = floor(&FIVE).with_root(Root::Chroot);
    let mut chroot = Container::new("/tiny");
    chroot.namespaces(FIVE).map_zero().rootdir(TINY_ROOT).by_chroot();
    let sides = (|| run(&chroot), || floor_of_chroot.start_join());
    gates.row("the five, chroot / raw floor", AtMost(1.06), PAIRS, sides);
    let mut floor_of_pivot = floor(&FIVE).with_root(Root::ReadOnlyPivot);
    let mut pivot = Container::new("/tiny");
    pivot.namespaces(FIVE).map_zero().rootdir(TINY_ROOT).read_only_root();
    let sides = (|| run(&pivot), || floor_of_pivot.start_join());
    gates.row("the five, pivot_root, read-only / raw floor", AtMost(1.06), PAIRS, sides);
}

/// Beside 64 threads that allocate without pause.
fn under_load(gates: &mut Gates) {
    let (mut floor_of_five, five) = (floor(&FIVE), new(&FIVE));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    black_box(vec![1_u8; 100]);
                }
            });
        }
        let sides = (|| run(&five), || floor_of_five.start_join());
        gates.row("beside 64 busy threads / raw floor there", AtMost(1.15), PAIRS, sides);
        stop.store(true, Ordering::Relaxed);
    });
}

fn against_peers(gates: &mut Gates) {
    peer_rows(gates, "", (1.6, 2.8), PAIRS);
    let six = [User, Mnt, Pid, Uts, Ipc, Net];
    let (with_network, mut rooted) = (new(&six), rooted());
    rooted.namespaces([Net]);
    let sides = (|| peers::unshare(&six), || run(&with_network));
    gates.row("crate unshare + net / the same", AtLeast(1.25), SLOW_PAIRS, sides);
    let sides = (|| peers::hakoniwa(true), || run(&rooted));
    gates.row("crate hakoniwa + net / the same", AtLeast(1.8), SLOW_PAIRS, sides);
    let memory = resident(GB);
    peer_rows(gates, ", 1 GB resident", (90.0, 120.0), SLOW_PAIRS);
    drop(memory);
}

fn peer_rows(gates: &mut Gates, where_: &str, (unshare, hakoniwa): (f64, f64), pairs: usize) {
    let (four, rooted) = (new(&FOUR), rooted());
    let name = format!("crate unshare, user,pid,uts,ipc{where_} / the same");
    gates.row(&name, AtLeast(unshare), pairs, (|| peers::unshare(&FOUR), || run(&four)));
    let name = format!("crate hakoniwa, own root and proc{where_} / the same");
    let pairs = pairs.min(SLOW_PAIRS * 2);
    gates.row(&name, AtLeast(hakoniwa), pairs, (|| peers::hakoniwa(false), || run(&rooted)));
}

/// What hakoniwa does by default.
fn rooted() -> Container {
    let mut rooted = Container::new("/tiny");
    rooted.namespaces(FIVE).map_zero().rootdir(TINY_ROOT).mount_proc().read_only_root();
    rooted
}

/// A process with 4 GB resident and one with none, turn by turn.
fn large(gates: &mut Gates) -> io::Result<()> {
    let (mut large, mut small) = (Helper::start(&(4 * GB).to_string())?, Helper::start("0")?);
    let sides = (|| turn(&mut large), || turn(&mut small));
    gates.row_of("4 GB resident / none", AtMost(1.15), PAIRS, sides);
    Ok(())
}

fn turn(helper: &mut Helper) -> Duration {
    helper.turn().expect("the helper lives")
}

fn measure(bytes: usize) -> io::Result<ExitCode> {
    let memory = resident(bytes);
    let five = new(&FIVE);
    serve(|| run(&five))?;
    drop(memory);
    Ok(ExitCode::SUCCESS)
}

fn resident(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    memory.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    black_box(memory)
}

/// How much more 8 threads start than one, against how much more the floor starts.
fn starters(gates: &mut Gates) {
    let ours = |count| {
        rate(count, || {
            let five = new(&FIVE);
            move || run(&five)
        })
    };
    let theirs = |count| {
        rate(count, || {
            let mut floor = floor(&FIVE);
            move || floor.start_join()
        })
    };
    let scaling = |_| (ours(8) / ours(1)) / (theirs(8) / theirs(1));
    let ratios = (0..3).map(scaling).collect();
    gates.told("8 starters instead of 1: gain / the floor's gain", AtLeast(0.9), ratios);
}

/// Starts a second by so many threads.
fn rate<Start: FnMut()>(threads: u32, starter: impl Fn() -> Start + Sync) -> f64 {
    const STARTS: u32 = 1000;
    let next = AtomicU32::new(0);
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut start = starter();
                while next.fetch_add(1, Ordering::Relaxed) < STARTS {
                    start();
                }
            });
        }
    });
    f64::from(STARTS) / begin.elapsed().as_secs_f64()
}

fn new(namespaces: &[Namespace]) -> Container {
    let mut container = Container::new(TINY);
    container.namespaces(namespaces.iter().copied()).map_zero();
    container
}

fn floor(namespaces: &[Namespace]) -> Floor {
    let kinds: NamespaceFlags = namespaces.iter().map(|kind| NamespaceFlags::from(*kind)).collect();
    Floor::new(kinds.into())
}

fn run<Kind>(container: &Builder<Kind>) {
    assert!(container.status().expect("tiny runs").success());
}
