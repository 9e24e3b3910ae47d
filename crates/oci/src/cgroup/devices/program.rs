//! The rules as a BPF program for version 2.

use ns_sys::BpfInsn;

use super::rules::{Access, Kind, Rule, Rules};

/// Operation codes of include/uapi/linux/bpf.h.
pub(crate) mod code {
    /// `*(u32 *)(source + offset)`
    pub(crate) const LOAD: u8 = 0x61;
    /// 32-bit `destination = source`
    pub(crate) const COPY: u8 = 0xbc;
    /// 32-bit `destination &= immediate`
    pub(crate) const AND: u8 = 0x54;
    /// 32-bit `destination >>= immediate`
    pub(crate) const SHIFT_RIGHT: u8 = 0x74;
    /// `destination = immediate`
    pub(crate) const SET: u8 = 0xb7;
    /// Jump if `destination == immediate`
    pub(crate) const JUMP_IF_EQUAL: u8 = 0x15;
    /// Jump if `destination != immediate`
    pub(crate) const JUMP_IF_NOT: u8 = 0x55;
    pub(crate) const EXIT: u8 = 0x95;
}

/// Registers.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
/// The accesses of the request that no rule has decided yet.
const LEFT: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SCRATCH: u8 = 6;

/// Checks the rules from the last to the first.
///
/// A rule that refuses one of the accesses that are left ends the program. One that allows takes its accesses from
/// those that are left; when none is left, the request is allowed.
pub(crate) fn compile(rules: &Rules) -> Vec<BpfInsn> {
    let mut program = vec![
        BpfInsn::new(code::LOAD, KIND, CONTEXT, 0, 0),
        BpfInsn::new(code::COPY, LEFT, KIND, 0, 0),
        BpfInsn::new(code::AND, KIND, 0, 0, 0xffff),
        BpfInsn::new(code::SHIFT_RIGHT, LEFT, 0, 0, 16),
        BpfInsn::new(code::LOAD, MAJOR, CONTEXT, 4, 0),
        BpfInsn::new(code::LOAD, MINOR, CONTEXT, 8, 0),
    ];
    for rule in rules.rules.iter().rev() {
        program.extend(compile_rule(rule).into_iter().flatten());
    }
    program.extend(answer(rules.allow));
    program
}

/// `None` for a rule that no device has: numbers of devices have 12 and 20 bits.
fn compile_rule(rule: &Rule) -> Option<Vec<BpfInsn>> {
    let decision = decision(rule);
    let kind = if rule.pattern.kind == Kind::Block { 1 } else { 2 };
    let mut compared = vec![(KIND, kind)];
    for (register, number) in [(MAJOR, rule.pattern.major), (MINOR, rule.pattern.minor)] {
        if let Some(number) = number {
            compared.push((register, i32::try_from(number).ok()?));
        }
    }
    let mut block = Vec::new();
    for (index, (register, value)) in compared.iter().enumerate() {
        let behind = compared.len() - index - 1 + decision.len();
        block.push(jump(code::JUMP_IF_NOT, *register, *value, behind));
    }
    block.extend(decision);
    Some(block)
}

fn decision(rule: &Rule) -> Vec<BpfInsn> {
    let access = i32::from(rule.access.0);
    let end = answer(rule.allow);
    let before = if rule.access == Access::ALL {
        Vec::new()
    } else if rule.allow {
        vec![
            BpfInsn::new(code::AND, LEFT, 0, 0, !access),
            jump(code::JUMP_IF_NOT, LEFT, 0, end.len()),
        ]
    } else {
        vec![
            BpfInsn::new(code::COPY, SCRATCH, LEFT, 0, 0),
            BpfInsn::new(code::AND, SCRATCH, 0, 0, access),
            jump(code::JUMP_IF_EQUAL, SCRATCH, 0, end.len()),
        ]
    };
    before.into_iter().chain(end).collect()
}

fn answer(allow: bool) -> [BpfInsn; 2] {
    [BpfInsn::new(code::SET, RESULT, 0, 0, i32::from(allow)), BpfInsn::new(code::EXIT, 0, 0, 0, 0)]
}

/// Jumps over this number of instructions.
fn jump(code: u8, register: u8, value: i32, over: usize) -> BpfInsn {
    let over = i16::try_from(over).expect("a rule has about ten instructions");
    BpfInsn::new(code, register, 0, over, value)
}
