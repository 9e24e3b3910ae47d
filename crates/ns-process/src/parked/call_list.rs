//! The list of system calls that a gate makes. The module documentation of `start::gate` describes
//! how the gate executes it.

use std::ffi::CStr;
use std::os::fd::RawFd;
use std::prelude::rust_2024::*;

use ns_sys::Errno;

use super::report;
use crate::start::gate::{COMPARE, LIST, received};
use crate::step::Step;

/// The size of a call in the list: its number, six arguments, the address of the first argument,
/// the address for the result, the two halves of the errnos, the address of the call after one of
/// them.
const CALL: usize = 12 * 8;

/// The words before the data: the address of the call for failures, and of the first call.
const HEADER: usize = 16;

/// A descriptor of the gate, as the first argument of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fd {
    Number(RawFd),
    /// The descriptor that came with the list as the `index`th.
    Received(usize),
    /// The result of an earlier step.
    Result(StepIndex),
    /// The result of an earlier call, at this address.
    At(u64),
}

/// A step among those that are reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepIndex(usize);

/// The errnos after which the list goes on elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errnos([u64; 2]);

impl Errnos {
    pub(super) const NONE: Self = Self([0; 2]);
    pub(super) const ALL: Self = Self([u64::MAX; 2]);

    pub(super) fn of(errnos: &[Errno]) -> Self {
        let mut mask = [0; 2];
        for errno in errnos.iter().map(|errno| errno.raw_os_error().unsigned_abs()) {
            mask[(errno / 64) as usize] |= 1 << (errno % 64);
        }
        Self(mask)
    }
}

/// A call at which the list goes on after an error; it may be added later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(usize);

/// A system call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    number: i64,
    args: [u64; 6],
    /// The first argument, if it is a descriptor with another number than the caller knows.
    on: Option<Fd>,
    /// Where the result is reported.
    step: Option<StepIndex>,
    /// The address for a result that is not reported.
    to: Option<u64>,
    errnos: Errnos,
    /// Where the list goes on after one of the errnos.
    otherwise: Option<Label>,
}

impl Call {
    pub(super) fn new<const N: usize>(number: i64, args: [u64; N]) -> Self {
        let mut all = [0; 6];
        all[..N].copy_from_slice(&args);
        Self {
            number,
            args: all,
            on: None,
            step: None,
            to: None,
            errnos: Errnos::NONE,
            otherwise: None,
        }
    }

    /// A call with a descriptor as its first argument.
    pub(super) fn on<const N: usize>(number: i64, fd: Fd, args: [u64; N]) -> Self {
        let mut all = [0; 6];
        all[1..=N].copy_from_slice(&args);
        if let Fd::Number(number) = fd {
            all[0] = register(number.into());
        }
        Self { on: Some(fd), ..Self::new(number, all) }
    }

    /// Where the list goes on after one of these errnos.
    pub(super) fn otherwise(self, errnos: Errnos, label: Label) -> Self {
        Self { errnos, otherwise: Some(label), ..self }
    }
}

/// A list in the making. Addresses are those in the gate.
#[derive(Debug, Default)]
pub(super) struct CallList {
    data: Vec<u8>,
    calls: Vec<Call>,
    /// The step and the object of each call whose result is reported.
    steps: Vec<(Step, Vec<u8>)>,
    /// The calls that send the report.
    reports: Vec<usize>,
    /// The index of the call of each label, once it is known.
    labels: Vec<Option<usize>>,
}

impl CallList {
    /// A label for a call that is added later: see [`place`](Self::place).
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Makes the next call that of the label.
    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.calls.len());
    }

    /// A label for the next call.
    pub(super) fn here(&mut self) -> Label {
        self.labels.push(Some(self.calls.len()));
        Label(self.labels.len() - 1)
    }

    /// Adds a call that always goes on at `label`: a comparison that fails. It makes no system call,
    /// whose result a filter could change.
    pub(super) fn push_jump(&mut self, label: Label) {
        let zero = self.words(&[0]);
        self.calls.push(Call::new(COMPARE, [zero, 1]).otherwise(Errnos::ALL, label));
    }

    pub(super) fn push(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Adds a call whose failure the report names by `step` and `object`.
    pub(super) fn push_step(&mut self, call: Call, step: Step, object: &[u8]) -> StepIndex {
        let index = StepIndex(self.steps.len());
        self.steps.push((step, object.to_owned()));
        self.calls.push(Call { step: Some(index), ..call });
        index
    }

    /// Adds a call whose result is stored at the address `to` for later calls, and not reported.
    pub(super) fn push_unreported(&mut self, call: Call, to: u64) {
        self.calls.push(Call { to: Some(to), ..call });
    }

    /// Adds a call that sends the report to a socket; see [`report`].
    pub(super) fn push_report(&mut self, call: Call) {
        self.reports.push(self.calls.len());
        self.calls.push(call);
    }

    /// Adds a string, and returns its address.
    pub(super) fn text(&mut self, text: &CStr) -> u64 {
        self.bytes(text.to_bytes_with_nul())
    }

    /// Adds bytes at a multiple of 8, and returns their address.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> u64 {
        let at = LIST + (HEADER + self.data.len()) as u64;
        self.data.extend_from_slice(bytes);
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        at
    }

    pub(super) fn words(&mut self, words: &[u64]) -> u64 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    /// Adds an array of strings for execve(2).
    pub(super) fn array<'a>(&mut self, strings: impl Iterator<Item = &'a CStr>) -> u64 {
        let mut addresses: Vec<u64> = strings.map(|text| self.text(text)).collect();
        addresses.push(0);
        self.words(&addresses)
    }

    /// The bytes of the list. After a failure that no call expects, it goes on at the call
    /// `failed`.
    pub(super) fn finish(mut self, failed: Label) -> Vec<u8> {
        let nowhere = self.words(&[0]);
        let report = report::encode(&self.steps);
        let report_at = self.bytes(&report);
        let calls_at = LIST + (HEADER + self.data.len()) as u64;
        let at = |index: usize| calls_at + (index * CALL) as u64;
        let labels = self.labels;
        let at_label = |Label(label): Label| at(labels[label].expect("each label is placed"));
        for index in self.reports {
            self.calls[index].args[1..3].copy_from_slice(&[report_at, report.len() as u64]);
        }
        let mut list = Vec::with_capacity(HEADER + self.data.len() + self.calls.len() * CALL);
        list.extend([at_label(failed), at(0)].into_iter().flat_map(u64::to_le_bytes));
        list.extend_from_slice(&self.data);
        for call in self.calls {
            let result_of = |StepIndex(index)| report_at + report::result_at(index);
            let result = call.step.map_or(call.to.unwrap_or(nowhere), result_of);
            let from = match call.on {
                None | Some(Fd::Number(_)) => 0,
                Some(Fd::Received(index)) => received(index),
                Some(Fd::Result(step)) => result_of(step),
                Some(Fd::At(address)) => address,
            };
            let first = [register(call.number)].into_iter().chain(call.args);
            let otherwise = call.otherwise.map_or(0, at_label);
            let last = [from, result, call.errnos.0[0], call.errnos.0[1], otherwise];
            list.extend(first.chain(last).flat_map(u64::to_le_bytes));
        }
        list
    }
}

/// The value of a register with this number.
pub(super) fn register(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}
