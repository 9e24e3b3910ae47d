//! The gates of starts: prints ratio, gate and verdict of each; fails where one misses.
//!
//! Both sides of a row run in turn in this process, each as often first as second; a row is the best
//! of three medians of pairs.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use benches::floor::Floor;
use benches::{TINY, median};
use ns_process::{Container, Namespace};
use ns_sys::CloneFlags;

const PAIRS: usize = 400;
const REPEATS: usize = 3;

fn main() -> ExitCode {
    use Namespace::{Ipc, Mnt, Pid, User, Uts};
    let plain = Container::new(TINY);
    let mut four = Container::new(TINY);
    four.namespaces([User, Mnt, Pid, Uts, Ipc]).map_zero();
    let mut user = Container::new(TINY);
    user.namespaces([User, Pid, Uts, Ipc]).map_zero();
    let all = CloneFlags::NEWUSER
        | CloneFlags::NEWNS
        | CloneFlags::NEWPID
        | CloneFlags::NEWUTS
        | CloneFlags::NEWIPC;
    let (mut floor, mut floor_of_all) = (Floor::new(CloneFlags::empty()), Floor::new(all));
    let rows = [
        row(
            "user,mnt,pid,uts,ipc + root map / raw floor",
            1.06,
            || ours(&four),
            || {
                floor_of_all.start_join();
            },
        ),
        row("plain / raw floor", 1.08, || ours(&plain), || floor.start_join()),
        row("plain / std::process::Command", 0.90, || ours(&plain), std_command),
        row(
            "user,pid,uts,ipc + root map / crate unshare",
            1.0 / 1.6,
            || ours(&user),
            crate_unshare,
        ),
    ];
    if rows.iter().all(|met| *met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(name: &str, gate: f64, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> bool {
    (0..20).for_each(|_| (ours(), theirs()).0);
    let mut pair = |number: usize| {
        if number.is_multiple_of(2) {
            return time(&mut ours) / time(&mut theirs);
        }
        let theirs = time(&mut theirs);
        time(&mut ours) / theirs
    };
    let mut repeat = || median((0..PAIRS).map(&mut pair).collect());
    let ratio = (0..REPEATS).map(|_| repeat()).fold(f64::INFINITY, f64::min);
    let met = ratio <= gate;
    println!("{name}: {ratio:.2}x, at most {gate:.2}x: {}", if met { "met" } else { "MISSED" });
    met
}

fn time(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

fn ours(container: &Container) {
    assert!(container.status().expect("tiny runs").success());
}

fn std_command() {
    assert!(Command::new(TINY).status().expect("tiny runs").success());
}

fn crate_unshare() {
    use unshare::Namespace::{Ipc, Pid, User, Uts};
    let mut command = unshare::Command::new(TINY);
    let map = |id| vec![unshare::UidMap { inside_uid: 0, outside_uid: id, count: 1 }];
    let gids = |id| vec![unshare::GidMap { inside_gid: 0, outside_gid: id, count: 1 }];
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    command.unshare([User, Pid, Uts, Ipc].iter()).set_id_maps(map(uid), gids(gid));
    assert!(command.status().expect("tiny runs").success());
}
