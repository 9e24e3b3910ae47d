//! Every row. Which namespaces "five" and "seven" are, `benches::subjects` says.

use crate::must::Must::{AtLeast, AtMost, Equal, Informs};
use crate::row::{Row, robust, timed};
use crate::{
    against_floor, against_peers, against_std, allocations, closures, counts, flat, inits, injects,
    layers, load, setns, starters,
};

pub(crate) const ROWS: &[Row] = &[
    robust("calls: plain start and join, raw floor", Equal, counts::plain),
    robust("calls: five namespaces, raw floor", Equal, counts::five),
    robust("calls: five and chroot, raw floor", Equal, counts::chroot),
    robust("calls: five and read-only pivot_root, raw floor", Equal, counts::pivot),
    robust("calls: into seven, raw floor", Informs, counts::seven),
    robust("calls: into six, not pid, raw floor", Informs, counts::six),
    robust("calls: closure in five, bare fork, clone3 and maps", Informs, counts::closure),
    robust("allocations: parse a map of two extents", AtMost(0.0), allocations::small_map),
    robust("allocations: parse and format 340 extents", AtMost(2.0), allocations::large_map),
    robust("allocations: plain start and join", Informs, allocations::plain),
    robust("flat: 1 GB resident / none", AtMost(1.5), flat::one_gigabyte),
    timed("floor: five namespaces / raw floor", AtMost(1.06), against_floor::five),
    timed("floor: plain / raw floor", AtMost(1.08), against_floor::plain),
    timed("floor: five and chroot / raw floor", AtMost(1.06), against_floor::chroot),
    timed("floor: five and read-only pivot_root / raw floor", AtMost(1.06), against_floor::pivot),
    timed(
        "std: plain, inheriting what std's does / std::process::Command",
        AtMost(0.9),
        against_std::alike,
    ),
    timed("std: plain / std::process::Command", Informs, against_std::plain),
    timed("environment: plain with 40 variables set / plain", Informs, against_std::many_variables),
    timed("load: beside 63 busy threads / raw floor there", AtMost(1.15), load::busy),
    timed("flat: 4 GB resident / none", AtMost(1.15), flat::four_gigabytes),
    timed("peer: crate unshare, four namespaces / ours", AtLeast(1.6), against_peers::unshare),
    timed("peer: crate hakoniwa, own root and proc / ours", AtLeast(2.8), against_peers::hakoniwa),
    timed("peer: crate unshare, five and net / ours", AtLeast(1.25), against_peers::unshare_net),
    timed(
        "peer: crate hakoniwa, own root, proc and net / ours",
        AtLeast(1.8),
        against_peers::hakoniwa_net,
    ),
    timed("peer: crate unshare, 1 GB resident / ours", AtLeast(90.0), against_peers::unshare_large),
    timed(
        "peer: crate hakoniwa, 1 GB resident / ours",
        AtLeast(120.0),
        against_peers::hakoniwa_large,
    ),
    timed("inject: into seven / seven new", AtMost(0.35), injects::against_new),
    timed("inject: into seven / plain", AtMost(1.35), injects::against_plain),
    timed("inject: into six, not pid / plain", AtMost(1.1), injects::without_pid),
    timed("inject: into seven / raw floor", Informs, injects::seven_against_floor),
    timed("inject: into six, not pid / raw floor", Informs, injects::six_against_floor),
    timed("inject: raw floor into seven / raw floor of plain", Informs, injects::floor_of_seven),
    timed("inject: raw floor into six / raw floor of plain", Informs, injects::floor_of_six),
    timed("init: five, beside the built-in one / without", AtMost(1.4), inits::against_none),
    timed("closure: in five / bare fork, clone3 and maps", AtMost(1.1), closures::against_bare),
    timed("hook: in the child / shared memory", Informs, closures::hook),
    timed("hook: in the child / shared memory, 100 MB resident", Informs, closures::hook_large),
    timed(
        "starters: gain of 8 starters instead of 1 / the floor's gain",
        AtLeast(0.9),
        starters::gain,
    ),
    timed(
        "setns: seven files, opened and entered / setns by one pidfd",
        AtLeast(4.0),
        setns::by_pidfd,
    ),
    timed("map: parse two extents / byte loop", AtMost(1.5), layers::small_map),
    timed("map: parse, validate and format 340 extents / loops", AtMost(1.5), layers::large_map),
    timed("descriptors: place 3 / bare dup3", AtMost(1.2), layers::descriptors),
];
