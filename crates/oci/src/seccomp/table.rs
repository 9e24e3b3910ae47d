//! The numbers of all system calls by name.

use super::corrections::{
    AARCH64_ABSENT, ABSENT_ON_X32, MISSING, MISSING_ON_ALL, X32_FIRST_OWN, X32_OWN,
};
use super::multiplex::{self, Multiplexed};
use super::processor::{Processor, X32_BIT};

/// A system call, with its number on each processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemCall {
    pub(super) name: &'static str,
    numbers: [u32; Processor::ALL.len()],
    /// How a program of x86 can also make it.
    pub(super) on_x86: Option<Multiplexed>,
}

/// No processor has a system call of this number.
const ABSENT: u32 = u32::MAX;

const ROWS: usize = 640;
/// A power of two. Half of the slots are free, so a search ends soon.
const SLOTS: usize = 1024;

/// A hash table with open addressing. A slot has the index of a row plus one, or zero.
struct Table {
    rows: [SystemCall; ROWS],
    count: u16,
    slots: [u16; SLOTS],
}

static TABLE: Table = Table::new();

impl SystemCall {
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        let mut slot = TABLE.first_slot(name.as_bytes());
        while let Some(row) = TABLE.row(slot) {
            if row.name == name {
                return Some(row);
            }
            slot = (slot + 1) % SLOTS;
        }
        None
    }

    pub(super) fn number(&self, processor: Processor) -> Option<u32> {
        let number = self.numbers[processor as usize];
        (number != ABSENT).then_some(number)
    }
}

/// Inserts the calls of a processor that the crate `syscalls` knows.
macro_rules! insert_all {
    ($table:ident, $module:ident, $insert:expr) => {
        let mut id = 0;
        while id < syscalls::$module::Sysno::table_size() {
            if let Some(call) = syscalls::$module::Sysno::new(id) {
                $insert(&mut $table, call.name(), call.id() as u32);
            }
            id += 1;
        }
    };
}

#[expect(clippy::cast_sign_loss, reason = "no number is negative")]
#[expect(clippy::large_stack_arrays, reason = "it is evaluated by the compiler")]
impl Table {
    const fn new() -> Self {
        let none = SystemCall { name: "", numbers: [ABSENT; Processor::ALL.len()], on_x86: None };
        let mut table = Self { rows: [none; ROWS], count: 0, slots: [0; SLOTS] };
        insert_all!(table, x86_64, Self::insert_x86_64);
        insert_all!(table, x86, Self::insert_x86);
        insert_all!(table, aarch64, Self::insert_aarch64);
        insert_all!(table, arm, Self::insert_arm);
        insert_all!(table, riscv64, Self::insert_riscv64);
        table.insert_missing();
        table.insert_multiplexed();
        table
    }

    const fn insert_x86_64(&mut self, name: &'static str, number: u32) {
        self.insert(name, Processor::X86_64, number);
        if !contains(ABSENT_ON_X32, number) && !contains_name(X32_OWN, name) {
            self.insert(name, Processor::X32, number | X32_BIT);
        }
    }

    const fn insert_x86(&mut self, name: &'static str, number: u32) {
        self.insert(name, Processor::X86, number);
    }

    const fn insert_aarch64(&mut self, name: &'static str, number: u32) {
        if !contains(AARCH64_ABSENT, number) {
            self.insert(name, Processor::Aarch64, number);
        }
    }

    const fn insert_arm(&mut self, name: &'static str, number: u32) {
        self.insert(name, Processor::Arm, number);
    }

    const fn insert_riscv64(&mut self, name: &'static str, number: u32) {
        self.insert(name, Processor::Riscv64, number);
    }

    const fn insert_missing(&mut self) {
        let mut own = 0;
        let mut number = X32_FIRST_OWN | X32_BIT;
        while own < X32_OWN.len() {
            self.insert(X32_OWN[own], Processor::X32, number);
            own += 1;
            number += 1;
        }
        let mut index = 0;
        while index < MISSING.len() {
            let (processor, name, number) = MISSING[index];
            self.insert(name, processor, number);
            index += 1;
        }
        let mut index = 0;
        while index < MISSING_ON_ALL.len() {
            let (name, number) = MISSING_ON_ALL[index];
            self.insert_x86_64(name, number);
            self.insert_x86(name, number);
            self.insert_aarch64(name, number);
            self.insert_arm(name, number);
            self.insert_riscv64(name, number);
            index += 1;
        }
    }

    const fn insert_multiplexed(&mut self) {
        let mut outer = 0;
        while outer < multiplex::ALL.len() {
            let multiplex::Multiplexer { number, calls } = multiplex::ALL[outer];
            let mut inner = 0;
            while inner < calls.len() {
                let (selector, name) = calls[inner];
                self.find_or_insert(name).on_x86 = Some(Multiplexed { number, selector });
                inner += 1;
            }
            outer += 1;
        }
    }

    const fn insert(&mut self, name: &'static str, processor: Processor, number: u32) {
        self.find_or_insert(name).numbers[processor as usize] = number;
    }

    const fn find_or_insert(&mut self, name: &'static str) -> &mut SystemCall {
        let mut slot = self.first_slot(name.as_bytes());
        while let Some(row) = self.row(slot) {
            if is_equal(row.name, name) {
                break;
            }
            slot = (slot + 1) % SLOTS;
        }
        if self.slots[slot] == 0 {
            self.rows[self.count as usize].name = name;
            self.count += 1;
            self.slots[slot] = self.count;
        }
        &mut self.rows[self.slots[slot] as usize - 1]
    }

    const fn row(&self, slot: usize) -> Option<&SystemCall> {
        match self.slots[slot] {
            0 => None,
            row => Some(&self.rows[row as usize - 1]),
        }
    }

    /// The slot in which the search for a name begins: FNV-1a.
    const fn first_slot(&self, name: &[u8]) -> usize {
        let mut hash = 0x811c_9dc5_u32;
        let mut index = 0;
        while index < name.len() {
            hash = (hash ^ name[index] as u32).wrapping_mul(0x0100_0193);
            index += 1;
        }
        (hash ^ (hash >> 16)) as usize % self.slots.len()
    }
}

const fn is_equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

const fn contains_name(names: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < names.len() {
        if is_equal(names[index], name) {
            return true;
        }
        index += 1;
    }
    false
}

const fn contains(numbers: &[u32], number: u32) -> bool {
    let mut index = 0;
    while index < numbers.len() {
        if numbers[index] == number {
            return true;
        }
        index += 1;
    }
    false
}
