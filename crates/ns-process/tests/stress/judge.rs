//! The judge of the examples: every verdict is right, also on a busy machine.

use std::hint;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ns_testbed::Leftovers;

use crate::common::{assert_unchanged, cgroup::OwnCgroup, rounds};

#[expect(dead_code, reason = "its main is not used")]
#[path = "../../examples/parallel_judge.rs"]
mod parallel_judge;

use parallel_judge::{EXAMPLES, Verdict, judge_all};

/// Each job has its verdict, beside other load, and nothing is left.
#[test]
fn a_judge_makes_no_wrong_verdict() {
    ns_testbed::run_as!([Root, User], {
        let (rounds, count) = (rounds(10, 1), rounds(200, 30));
        let before = Leftovers::snapshot();
        let own = OwnCgroup::new();
        let parent = own.as_ref().map(|own| own.0.as_ref());
        let mut cpu_jobs = 0;
        // A job that uses up its CPU time takes long: a tenth of them is enough.
        let is_kept = |example: &&(_, Verdict)| {
            cpu_jobs += u32::from(example.1 == Verdict::CpuLimit);
            example.1 != Verdict::CpuLimit || cpu_jobs % 10 == 1
        };
        let jobs: Vec<_> = EXAMPLES.iter().cycle().filter(is_kept).take(count).collect();
        let submitted: Vec<_> = jobs.iter().map(|(job, _)| *job).collect();
        let at_once = 2 * thread::available_parallelism().map_or(1, NonZero::get);
        let done = AtomicBool::new(false);
        let verdicts = thread::scope(|scope| {
            let busy = || {
                while !done.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            };
            let load = [scope.spawn(busy), scope.spawn(busy)];
            let verdicts: Vec<_> =
                (0..rounds).map(|_| judge_all(&submitted, at_once, parent)).collect();
            done.store(true, Ordering::Relaxed);
            for thread in load {
                thread.join().expect("a busy thread");
            }
            verdicts
        });
        for round in verdicts {
            for (verdict, (job, expected)) in round.expect("a judge").iter().zip(&jobs) {
                assert_eq!(verdict, expected, "{}", job.script);
            }
        }
        drop(own);
        assert_unchanged(&before);
        println!("shown: {rounds} rounds of {count} jobs beside other load: every verdict right");
    });
}
