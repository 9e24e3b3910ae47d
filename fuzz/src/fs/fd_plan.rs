//! Descriptor plans, applied to a model of the descriptor table.

use ns_fs::FdPlan;
use ns_fs::apply::FdStep;
use ns_testbed::SimulatedTable;

use super::descriptors::DescriptorCase;

/// Plans descriptors and applies the steps to the model.
///
/// Oracle: a model of the kernel's descriptor table. After the planned steps it has the requested descriptors.
///
/// # Panics
/// If it does not.
pub fn fd_plan(case: &DescriptorCase) {
    let plan = case.plan();
    let mut table = case.0.simulated();
    apply(&plan, &mut table);
    assert_eq!(table.finish(), case.0.requested(), "{plan:?} of {case:?}");
    let described = plan.describe().lines().count();
    assert_eq!(described, plan.steps().len() + plan.ranges().len());
}

fn apply(plan: &FdPlan, table: &mut SimulatedTable) {
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
    use ns_testbed::DescriptorRequest;

    use super::*;

    #[test]
    fn a_cycle_and_a_chain_are_resolved() {
        fd_plan(&DescriptorCase(DescriptorRequest {
            open: [(0, true), (1, false), (2, true), (7, true)].into(),
            moves: [(0, 1), (1, 0), (2, 7), (9, 2), (7, 7)].into(),
            close_rest: true,
            ..DescriptorRequest::default()
        }));
    }
}
