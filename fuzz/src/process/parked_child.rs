//! A liar in the place of a parked process.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use arbitrary::{Arbitrary, Result, Unstructured};
use ns_process::{Errno, Error, Step, release_at_timeout, release_by_timeout};
use ns_testbed::{LONG, Leftovers};

use super::gate_words::{FIRST, MARK, REPORT};
use super::socket_file::{SocketFile, send_with_file};

/// What a liar answers to a release, and when it leaves.
#[derive(Clone, Debug)]
pub struct Liar {
    way: Way,
    parts: Vec<Part>,
    ending: Ending,
}

/// How the release reaches the liar.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Way {
    Path,
    Gate,
}

#[derive(Clone, Debug, Arbitrary)]
enum Part {
    Mark(Name),
    Report(Report),
    Bytes([u8; 5]),
    /// A byte with a descriptor.
    File,
    /// Gives the other side the CPU.
    Pause,
    /// The last parts, byte by byte.
    Slowly,
}

/// The name of the process in a mark.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Name {
    /// The name that the liar has and keeps.
    Own,
    Empty,
    Other([u8; 16]),
}

#[derive(Clone, Debug)]
struct Report {
    /// The number of entries; `None`: the right one.
    count: Option<u64>,
    /// The length of the objects; `None`: the right one.
    length: Option<u64>,
    entries: Vec<(u64, i64)>,
    objects: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
enum Ending {
    Close,
    /// Leaves before it has read the word.
    CloseUnread,
    /// Stays until the release has given up.
    Stay,
}

impl<'a> Arbitrary<'a> for Liar {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let (way, ending) = (u.arbitrary()?, u.arbitrary()?);
        let count = u.int_in_range(0..=4)?;
        let parts = (0..count).map(|_| u.arbitrary()).collect::<Result<_>>()?;
        Ok(Self { way, parts, ending })
    }
}

impl<'a> Arbitrary<'a> for Report {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        const NUMBERS: [u64; 9] =
            [0, 1, 2, 4096, 4097, 1 << 20, (1 << 20) + 1, u64::MAX / 16 + 1, u64::MAX];
        let number = |u: &mut Unstructured<'a>| {
            Ok(if u.ratio(1, 3)? { Some(*u.choose(&NUMBERS)?) } else { None })
        };
        let (count, length) = (number(u)?, number(u)?);
        let entries = (0..u.int_in_range(0..=3)?).map(|_| entry(u)).collect::<Result<Vec<_>>>()?;
        let names = (0..entries.len()).map(|_| u.choose(&["", "/bin/sh", "\n", "\u{fffd}", "3"]));
        let mut objects = Vec::new();
        for name in names {
            objects.extend_from_slice(name?.as_bytes());
            objects.push(0);
        }
        if u.ratio(1, 8)? {
            // No text, at the largest length.
            objects = vec![0xff; 1 << 20];
        } else if u.ratio(1, 4)? {
            objects.pop();
        }
        Ok(Self { count, length, entries, objects })
    }
}

/// A step and its result; most are numbers that a parked process sends.
fn entry(u: &mut Unstructured<'_>) -> Result<(u64, i64)> {
    let step = match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        1 => u64::from(Step::Exec as u32),
        _ => u.int_in_range(0..=80)?,
    };
    let result = match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        1 => i64::MAX,
        2 => u.int_in_range(0..=20)?,
        _ => -u.int_in_range(1..=140_i64)?,
    };
    Ok((step, result))
}

/// The result of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    /// A reported step.
    Step,
    Ended,
    Late,
    Invalid,
}

/// Releases a process that is no parked process.
///
/// Oracle: the bytes that the liar sends. The release is in time, its error is typed and one line, and a reported step
/// is among those that the liar has sent. `Ok` needs a mark. It does not prove an execution: a process that sends a mark
/// and then leaves, or has another name, has answered as a parked process does.
///
/// # Panics
/// If one of these does not hold.
pub fn parked_child(liar: &Liar) {
    run(liar);
}

pub(super) fn run(liar: &Liar) -> Outcome {
    let before = Leftovers::snapshot();
    let outcome = liar.trial();
    before.assert_unchanged_within(Duration::from_secs(5));
    outcome
}

/// The limit of a release that the liar lets wait.
const SHORT: Duration = Duration::from_millis(20);

impl Liar {
    /// As the target, without a look at what is left, because other threads may start processes.
    pub(crate) fn run(&self) {
        self.trial();
    }

    fn trial(&self) -> Outcome {
        // A process that keeps its name for longer may still execute the program.
        let keeps_name = self.parts.iter().any(|part| matches!(part, Part::Mark(Name::Own)));
        let waits = keeps_name || self.ending == Ending::Stay;
        let limit = if waits { SHORT } else { LONG };
        let (result, time) = self.released(limit);
        assert!(time < limit + Duration::from_secs(5), "{time:?}: {self:?}");
        let bytes = self.bytes();
        let outcome = match &result {
            Ok(()) => Outcome::Ok,
            Err(error) => outcome(error, &bytes),
        };
        let is_possible = match outcome {
            Outcome::Ok => bytes.len() >= FIRST && bytes.starts_with(&MARK),
            Outcome::Late => waits,
            Outcome::Ended => self.ending != Ending::Stay,
            Outcome::Invalid => bytes.len() >= FIRST,
            Outcome::Step => true,
        };
        assert!(is_possible, "{result:?}: {self:?}");
        outcome
    }

    /// The result of the release, and the time that it took.
    fn released(&self, limit: Duration) -> (std::result::Result<(), Error>, Duration) {
        let (finish, finished) = channel::<()>();
        thread::scope(|scope| match self.way {
            Way::Path => {
                let (file, listener) = SocketFile::new();
                scope.spawn(move || self.answer(accept(&listener), &finished));
                let result = timed(|| release_at_timeout(file.path(), limit));
                drop(finish);
                result
            }
            Way::Gate => {
                let (gate, theirs) = UnixStream::pair().expect("socketpair");
                scope.spawn(move || self.answer(Some(theirs), &finished));
                let result = timed(|| release_by_timeout(&gate, limit));
                drop(finish);
                result
            }
        })
    }

    fn answer(&self, stream: Option<UnixStream>, finished: &Receiver<()>) {
        let Some(stream) = stream else { return };
        if self.ending != Ending::CloseUnread {
            let mut word = [0; 8];
            let _ = std::io::Read::read(&mut &stream, &mut word);
        }
        let mut is_slow = false;
        for part in &self.parts {
            match part {
                Part::Pause => thread::yield_now(),
                Part::Slowly => is_slow = true,
                Part::File => {
                    let file = File::open("/dev/null").expect("open");
                    send_with_file(&stream, b"f", file.as_fd());
                }
                part => {
                    let bytes = part.bytes();
                    let size = if is_slow { 1 } else { bytes.len() };
                    send_all(&stream, &bytes, size);
                }
            }
        }
        if self.ending == Ending::Stay {
            let _ = finished.recv();
        }
    }

    /// All bytes that the liar sends.
    fn bytes(&self) -> Vec<u8> {
        self.parts.iter().flat_map(Part::bytes).collect()
    }
}

fn accept(listener: &UnixListener) -> Option<UnixStream> {
    listener.accept().ok().map(|(stream, _)| stream)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// Sends the bytes in messages of this size, for as long as the other side reads them.
fn send_all(mut stream: &UnixStream, bytes: &[u8], size: usize) {
    for part in bytes.chunks(size.max(1)) {
        if std::io::Write::write_all(&mut stream, part).is_err() {
            return;
        }
    }
}

/// The outcome of an error, whose texts are checked.
fn outcome(error: &Error, bytes: &[u8]) -> Outcome {
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    let object = error.object().unwrap_or_default();
    assert!(object.len() <= 3 << 20, "an object of {} bytes", object.len());
    match (error.step(), error.errno()) {
        (step, Some(errno)) if is_reported(step, errno, bytes) => Outcome::Step,
        (Step::StartTimeout, Some(Errno::TIMEDOUT)) => Outcome::Late,
        (Step::Release, Some(Errno::PROTO)) => Outcome::Invalid,
        (Step::Exec, None) | (Step::Release, Some(Errno::PIPE | Errno::CONNRESET)) => {
            Outcome::Ended
        }
        _ => panic!("{error:?}"),
    }
}

/// Whether the bytes have a report with this failure.
fn is_reported(step: Step, errno: Errno, bytes: &[u8]) -> bool {
    let at_mark = bytes.starts_with(&MARK).then(|| bytes.get(FIRST..)).flatten();
    let report = at_mark.unwrap_or(bytes);
    let Some(entries) = report.get(FIRST..).filter(|_| report.starts_with(&REPORT)) else {
        return false;
    };
    entries.chunks_exact(16).any(|entry| {
        let (number, result) = entry.split_at(8);
        let is_errno = result == i64::from(-errno.raw_os_error()).to_le_bytes();
        // A search ends with ENOENT if several files are missing.
        let is_search = step == Step::Exec && errno == Errno::NOENT;
        number == u64::from(step as u32).to_le_bytes() && (is_errno || is_search)
    })
}

impl Part {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Mark(name) => [MARK.to_vec(), name.bytes().to_vec()].concat(),
            Self::Report(report) => report.bytes(),
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::File => b"f".to_vec(),
            Self::Pause | Self::Slowly => Vec::new(),
        }
    }
}

impl Name {
    fn bytes(self) -> [u8; 16] {
        let mut name = [0; 16];
        match self {
            Self::Own => {
                let own = fs::read("/proc/self/comm").expect("read the own name");
                let own = own.strip_suffix(b"\n").expect("a line");
                name[..own.len()].copy_from_slice(own);
            }
            Self::Empty => {}
            Self::Other(bytes) => name = bytes,
        }
        name
    }
}

impl Report {
    fn bytes(&self) -> Vec<u8> {
        let count = self.count.unwrap_or(self.entries.len() as u64);
        let length = self.length.unwrap_or(self.objects.len() as u64);
        let mut bytes = [REPORT, count.to_le_bytes(), length.to_le_bytes()].concat();
        for (step, result) in &self.entries {
            bytes.extend_from_slice(&step.to_le_bytes());
            bytes.extend_from_slice(&result.to_le_bytes());
        }
        bytes.extend_from_slice(&self.objects);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use ns_testbed::forked;
    use rustix::process::{Resource, Rlimit, setrlimit};

    use super::*;

    fn outcomes(parts: &[Part], ending: Ending) -> [Outcome; 2] {
        [Way::Path, Way::Gate].map(|way| run(&Liar { way, parts: parts.to_vec(), ending }))
    }

    fn report(count: Option<u64>, length: Option<u64>, result: i64) -> Part {
        let entries = vec![(u64::from(Step::Exec as u32), result)];
        Part::Report(Report { count, length, entries, objects: b"sh\0".to_vec() })
    }

    #[test]
    fn each_outcome_occurs() {
        ns_testbed::run_as!([Root, User, Nested], {
            let mark = |name| [Part::Mark(name)];
            assert_eq!(outcomes(&mark(Name::Other([b'x'; 16])), Ending::Close), [Outcome::Ok; 2]);
            assert_eq!(outcomes(&mark(Name::Own), Ending::Close), [Outcome::Ok; 2]);
            assert_eq!(outcomes(&mark(Name::Own), Ending::Stay), [Outcome::Late; 2]);
            assert_eq!(outcomes(&[], Ending::Close), [Outcome::Ended; 2]);
            assert_eq!(outcomes(&[], Ending::CloseUnread), [Outcome::Ended; 2]);
            assert_eq!(outcomes(&[], Ending::Stay), [Outcome::Late; 2]);
            let cut = [Part::Bytes([0; 5])];
            assert_eq!(outcomes(&cut, Ending::Close), [Outcome::Ended; 2]);
            for ending in [Ending::Close, Ending::Stay] {
                let honest = [report(None, None, -2)];
                assert_eq!(outcomes(&honest, ending), [Outcome::Step; 2]);
                let after_mark = [Part::Mark(Name::Own), report(None, None, -13)];
                assert_eq!(outcomes(&after_mark, ending), [Outcome::Step; 2]);
                let noise = vec![Part::Bytes([7; 5]); 5];
                assert_eq!(outcomes(&noise, ending), [Outcome::Invalid; 2]);
                for invalid in [report(None, None, 5), report(Some(u64::MAX), None, -2)] {
                    assert_eq!(outcomes(&[invalid], ending), [Outcome::Invalid; 2]);
                }
            }
        });
    }

    /// The liar itself needs the memory of the largest report.
    #[test]
    fn no_report_takes_more_than_some_megabytes() {
        ns_testbed::run_as!([Root, User], {
            let code = forked(|| {
                let limit = Rlimit { current: Some(32 << 20), maximum: Some(32 << 20) };
                setrlimit(Resource::Data, limit).expect("setrlimit");
                let too_large = (1 << 20) + 1;
                for (count, length) in [(u64::MAX, 0), (1 << 60, 0), (0, u64::MAX), (1, too_large)]
                {
                    let parts = [report(Some(count), Some(length), -2)];
                    assert_eq!(outcomes(&parts, Ending::Stay), [Outcome::Invalid; 2]);
                }
                let objects = [vec![0xff; (1 << 20) - 1], vec![0]].concat();
                let entries = vec![(u64::from(Step::Exec as u32), -2)];
                let largest = Report { count: None, length: None, entries, objects };
                let parts = [Part::Report(largest)];
                assert_eq!(outcomes(&parts, Ending::Close), [Outcome::Step; 2]);
                0
            });
            assert_eq!(code, 0);
        });
    }

    #[test]
    fn single_bytes_do_not_delay_a_release_beyond_its_limit() {
        ns_testbed::run_as!([Root, User], {
            let (count, length) = (Some(4096), Some(1 << 20));
            let objects = vec![b'x'; 1 << 20];
            let slow = Report { count, length, entries: vec![(0, 0); 4096], objects };
            let parts = [Part::Slowly, Part::Report(slow)];
            let liar = |way| Liar { way, parts: parts.to_vec(), ending: Ending::Stay };
            for way in [Way::Path, Way::Gate] {
                let (result, time) = liar(way).released(SHORT);
                assert_eq!(result.expect_err("late").step(), Step::StartTimeout);
                println!("shown: {time:?} with a limit of {SHORT:?}");
            }
        });
    }

    #[test]
    fn the_first_inputs_pass() {
        ns_testbed::run_as!([Root, User, Nested], {
            for bytes in crate::noise().iter().take(200) {
                parked_child(&Liar::arbitrary(&mut Unstructured::new(bytes)).unwrap());
            }
        });
    }
}
