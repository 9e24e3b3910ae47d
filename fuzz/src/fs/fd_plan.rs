//! Descriptor moves on paper.

use ns_fs::FdPlan;
use ns_fs::apply::FdStep;
use ns_testbed::PaperTable;

use super::descriptors::Wish;

/// Oracle: the kernel's rules for a table of descriptors, in small: after the planned steps it holds
/// what was wished for.
///
/// # Panics
/// Where it does not.
pub fn fd_plan(wish: &Wish) {
    let plan = wish.plan();
    let mut table = wish.0.on_paper();
    make(&plan, &mut table);
    assert_eq!(table.finish(), wish.0.wished(), "{plan:?} of {wish:?}");
    let described = plan.describe().lines().count();
    assert_eq!(described, plan.steps().len() + plan.ranges().len());
}

fn make(plan: &FdPlan, table: &mut PaperTable) {
    for step in plan.steps() {
        match *step {
            FdStep::Duplicate { from, to } => table.duplicate(from, to),
            FdStep::Inherit { fd } => table.inherit(fd),
            FdStep::Save { from } => table.save(from),
            FdStep::Restore { to } => table.restore(to),
        }
    }
    plan.ranges().iter().for_each(|range| table.close(range.first..=range.last));
}

#[cfg(test)]
mod tests {
    use ns_testbed::DescriptorWish;

    use super::*;

    #[test]
    fn a_circle_and_a_chain() {
        fd_plan(&Wish(DescriptorWish {
            open: [(0, true), (1, false), (2, true), (7, true)].into(),
            moves: [(0, 1), (1, 0), (2, 7), (9, 2), (7, 7)].into(),
            close_rest: true,
            ..DescriptorWish::default()
        }));
    }
}
