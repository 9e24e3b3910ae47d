//! Hostile and careless peers of a parked process that listens.

use std::fs::File;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Container, Parked, Stdio, Step, reap, release_at_timeout};
use ns_testbed::{LONG, Leftovers};
use rustix::fs::{MemfdFlags, memfd_create};

use super::gate_words::RELEASE;
use super::socket_file::{SocketFile, send, send_with_file};

/// What several peers do with the socket of one parked process.
#[derive(Clone, Debug)]
pub struct Peers {
    actions: Vec<Action>,
    /// The number of actions before the release, which is the last if this is too large.
    release_after: u8,
    /// Whether one silent connection stays open at the release, which then takes a second.
    is_patient: bool,
}

#[derive(Clone, Debug, Arbitrary)]
enum Action {
    Connect,
    Send(u8, Text),
    /// Sends the text and a descriptor.
    SendFile(u8, Text),
    ShutdownRead(u8),
    ShutdownWrite(u8),
    Close(u8),
}

#[derive(Clone, Debug, Arbitrary)]
enum Text {
    Word,
    /// The first bytes of the word.
    Part(u8),
    /// The bytes of the word that the connection has not sent yet.
    Rest,
    /// The word with one bit changed.
    Damaged(u8),
    Noise([u8; 3]),
    Long(u8),
}

impl<'a> Arbitrary<'a> for Peers {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let release_after = u.int_in_range(0..=12)?;
        let is_patient = u.ratio(1, 32)?;
        let count = u.int_in_range(0..=16)?;
        let actions = (0..count).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        Ok(Self { actions, release_after, is_patient })
    }
}

/// How the program of the parked process may have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A peer sent the word, and the program ran.
    RanByPeer,
    /// The release executed the program.
    Ran,
    /// A peer sent the word and left before the answer.
    NeverRan,
}

/// Lets peers do something with the socket of a parked process, and releases it in between.
///
/// Oracle: the bytes that each peer has sent. Without the exact word among them, the release executes the program. With
/// it, the program is executed once, or never if that peer has left. No later release finds the socket. Nothing is left.
///
/// # Panics
/// If one of these does not hold.
pub fn releaser(peers: &Peers) {
    run(peers);
}

pub(super) fn run(peers: &Peers) -> Outcome {
    let before = Leftovers::snapshot();
    let outcome = peers.trial();
    while reap() > 0 {
        std::thread::yield_now();
    }
    before.assert_unchanged_within(Duration::from_secs(5));
    outcome
}

/// The exit code of the program.
const RAN: i32 = 7;
/// The exit code of a process that is not released.
const NOT_RELEASED: i32 = 125;

impl Peers {
    /// As the target, without a look at what is left, because other threads may start processes.
    pub(crate) fn run(&self) {
        self.trial();
    }

    fn trial(&self) -> Outcome {
        let (socket, listener) = SocketFile::new();
        let output = File::from(memfd_create("output", MemfdFlags::CLOEXEC).expect("memfd_create"));
        let mut container = Container::new("sh");
        container.args(["-c", &format!("echo ran; exit {RAN}")]).park_at(listener);
        container.stdout(Stdio::fd(OwnedFd::from(output.try_clone().expect("duplicate"))));
        let parked = container.start_parked().expect("park");
        drop(container);
        let mut connections = Connections { path: socket.path(), all: Vec::new() };
        let before = self.actions.len().min(self.release_after.into());
        let (first, last) = self.actions.split_at(before);
        connections.perform(first);
        let sent_before = connections.word();
        connections.close_silent(usize::from(self.is_patient));
        let released = release_at_timeout(socket.path(), LONG);
        connections.perform(last);
        let sent_word = sent_before.max(connections.word());
        let code = code(&parked);
        let expected: &[u8] = if code == RAN { b"ran\n" } else { b"" };
        let mut text = [0; 16];
        let length = output.read_at(&mut text, 0).expect("read the output");
        assert_eq!(&text[..length], expected, "{self:?}");
        let again = release_at_timeout(socket.path(), LONG).expect_err("it was released before");
        assert_eq!(again.step(), Step::Release, "{again}: {self:?}");
        match (&released, sent_word, code) {
            (Ok(()), _, RAN) if sent_before != Word::Sent => Outcome::Ran,
            (Err(_), Word::Sent | Word::SentByLeaver, RAN) => Outcome::RanByPeer,
            (Err(_), Word::SentByLeaver, NOT_RELEASED) => Outcome::NeverRan,
            _ => panic!("{released:?}, {sent_word:?}, exit code {code}: {self:?}"),
        }
    }
}

fn code(parked: &Parked) -> i32 {
    let status = parked.process().join_timeout(LONG).expect("join").expect("the process ends");
    status.code().expect("an exit code")
}

struct Connections<'a> {
    path: &'a Path,
    all: Vec<Connection>,
}

struct Connection {
    stream: Option<UnixStream>,
    /// The bytes that were sent; only the first ones count.
    sent: Vec<u8>,
    /// Whether the process may get an error when it sends its answer, or may have stopped reading
    /// before the word was complete.
    may_fail: bool,
    /// Whether a descriptor was sent, at which a receive ends early.
    is_cut: bool,
}

/// Whether a connection has sent the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    NotSent,
    Sent,
    /// Sent, but the answer may not have arrived.
    SentByLeaver,
}

impl Connections<'_> {
    fn perform(&mut self, actions: &[Action]) {
        for action in actions {
            self.perform_one(action);
        }
    }

    fn perform_one(&mut self, action: &Action) {
        match action {
            Action::Connect => {
                // Fails if the process was released.
                let Ok(stream) = UnixStream::connect(self.path) else { return };
                let stream = Some(stream);
                self.all.push(Connection { stream, sent: vec![], may_fail: false, is_cut: false });
            }
            Action::Send(index, text) => self.with(*index, |connection| {
                let text = text.bytes(&connection.sent);
                connection.send(&text, |stream| send(stream, &text));
            }),
            Action::SendFile(index, text) => self.with(*index, |connection| {
                let text = text.bytes(&connection.sent);
                let file = File::open("/dev/null").expect("open");
                connection.send(&text, |stream| send_with_file(stream, &text, file.as_fd()));
                // Without bytes, no message is sent.
                connection.is_cut |= !text.is_empty();
            }),
            Action::ShutdownRead(index) => self.with(*index, |connection| {
                connection.may_fail = true;
                let _ = connection.stream.as_ref().map(|stream| stream.shutdown(Shutdown::Read));
            }),
            Action::ShutdownWrite(index) => self.with(*index, |connection| {
                connection.is_cut = true;
                let _ = connection.stream.as_ref().map(|stream| stream.shutdown(Shutdown::Write));
            }),
            Action::Close(index) => self.with(*index, |connection| {
                connection.may_fail = true;
                connection.stream = None;
            }),
        }
    }

    /// Calls `act` with one of the open connections, if there is one.
    fn with(&mut self, index: u8, act: impl FnOnce(&mut Connection)) {
        let mut open: Vec<_> = self.all.iter_mut().filter(|one| one.stream.is_some()).collect();
        let count = open.len();
        if let Some(connection) = open.get_mut(usize::from(index) % count.max(1)) {
            act(connection);
        }
    }

    /// Closes the connections for which the process waits, except this number.
    fn close_silent(&mut self, kept: usize) {
        let is_silent = |one: &&mut Connection| one.sent.len() < RELEASE.len() && !one.is_cut;
        for connection in self.all.iter_mut().filter(is_silent).skip(kept) {
            connection.stream = None;
        }
    }

    fn word(&self) -> Word {
        self.all.iter().map(Connection::word).max().unwrap_or(Word::NotSent)
    }
}

impl Connection {
    /// A receive ends at a descriptor, so bytes after one do not count.
    fn send(&mut self, text: &[u8], send: impl FnOnce(&UnixStream)) {
        if let Some(stream) = &self.stream {
            send(stream);
        }
        if !self.is_cut {
            // The process may have closed the connection between two parts.
            self.may_fail |= !self.sent.is_empty();
            self.sent.extend_from_slice(text);
        }
    }

    fn word(&self) -> Word {
        match self.sent.starts_with(&RELEASE) {
            false => Word::NotSent,
            true if self.may_fail => Word::SentByLeaver,
            true => Word::Sent,
        }
    }
}

impl Text {
    fn bytes(&self, sent: &[u8]) -> Vec<u8> {
        match self {
            Self::Word => RELEASE.to_vec(),
            Self::Part(length) => RELEASE[..usize::from(length % 8)].to_vec(),
            Self::Rest => RELEASE.get(sent.len()..).unwrap_or_default().to_vec(),
            Self::Damaged(bit) => {
                let mut word = RELEASE;
                word[usize::from(bit / 8 % 8)] ^= 1 << (bit % 8);
                word.to_vec()
            }
            Self::Noise(bytes) => bytes.to_vec(),
            Self::Long(byte) => vec![*byte; 40_000],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(actions: Vec<Action>, is_patient: bool) -> Outcome {
        run(&Peers { release_after: 255, actions, is_patient })
    }

    #[test]
    fn each_outcome_occurs() {
        ns_testbed::run_as!([Root, User, Nested], {
            let word = || Action::Send(0, Text::Word);
            assert_eq!(outcome(vec![], false), Outcome::Ran);
            assert_eq!(outcome(vec![Action::Connect], true), Outcome::Ran, "after a second");
            let noise = [Action::Connect, Action::Send(0, Text::Damaged(63))];
            assert_eq!(outcome(noise.to_vec(), false), Outcome::Ran);
            let cut = [Action::Connect, Action::SendFile(0, Text::Part(4)), word()];
            assert_eq!(outcome(cut.to_vec(), false), Outcome::Ran);
            assert_eq!(outcome(vec![Action::Connect, word()], false), Outcome::RanByPeer);
            // The process receives the word after its sender has left.
            let waits = [Action::Connect, Action::Connect, Action::Send(1, Text::Word)];
            let leaves = [&waits[..], &[Action::Close(1)]].concat();
            assert_eq!(outcome(leaves, true), Outcome::NeverRan);
        });
    }

    #[test]
    fn the_first_inputs_pass() {
        ns_testbed::run_as!([Root, User, Nested], {
            for bytes in crate::noise().iter().take(60) {
                releaser(&Peers::arbitrary(&mut Unstructured::new(bytes)).unwrap());
            }
        });
    }
}
