//! Descriptor moves on paper.

use std::os::fd::RawFd;

use ns_fs::FdPlan;
use ns_fs::apply::{FdRange, FdStep};

use super::descriptors::{Table, Wish};

/// Oracle: the kernel's rules for a table of descriptors, in small: after the planned steps it holds
/// what was wished for.
///
/// # Panics
/// Where it does not.
pub fn fd_plan(wish: &Wish) {
    let plan = FdPlan::new(&wish.descriptors()).expect("nothing is opened");
    assert_eq!(simulate(wish.before(), &plan), wish.wished(), "{plan:?} of {wish:?}");
    let described = plan.describe().lines().count();
    assert_eq!(described, plan.steps().len() + plan.ranges().len());
}

fn simulate(mut table: Table, plan: &FdPlan) -> Table {
    let mut temporary = None;
    plan.steps().iter().for_each(|step| make(*step, &mut table, &mut temporary));
    assert_eq!(temporary, None, "left open");
    table.retain(|number, _| !plan.ranges().iter().any(|range| closes(*range, *number)));
    table
}

fn make(step: FdStep, table: &mut Table, temporary: &mut Option<RawFd>) {
    match step {
        FdStep::Duplicate { from, to } => {
            assert_ne!(from, to, "dup3 refuses it");
            table.insert(to, (table[&from].0, false));
        }
        FdStep::Inherit { fd } => table.get_mut(&fd).expect("open").1 = false,
        FdStep::Save { from } => {
            let free = (3..100).find(|number| !table.contains_key(number)).expect("a free one");
            table.insert(free, (table[&from].0, true));
            assert_eq!(temporary.replace(free), None, "one at a time");
        }
        FdStep::Restore { to } => {
            let saved = temporary.take().expect("saved before");
            let file = table.remove(&saved).expect("nothing has overwritten it").0;
            table.insert(to, (file, false));
        }
    }
}

fn closes(range: FdRange, number: RawFd) -> bool {
    (i64::from(range.first)..=i64::from(range.last)).contains(&i64::from(number))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_circle_and_a_chain() {
        let wish = Wish {
            open: [(0, true), (1, false), (2, true), (7, true)].into(),
            moves: [(0, 1), (1, 0), (2, 7), (9, 2), (7, 7)].into(),
            kept: BTreeSet::new(),
            close_rest: true,
        };
        fd_plan(&wish);
        let wished =
            [(0, (1, false)), (1, (0, false)), (2, (7, false)), (7, (7, false)), (9, (2, false))];
        assert_eq!(wish.wished(), wished.into());
    }
}
