//! A program that prints the signals that it receives. It is this test binary, executed with [`VARIABLE`] set.

use std::ffi::CStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::IntoRawFd;
use std::process::{Child, ChildStdout, Command};
use std::sync::Once;

/// The path of the program for each role.
pub(crate) const REPORTER: &str = "/proc/self/fd/201";

const VARIABLE: &CStr = c"SPACE_TEST_REPORTER";

/// Opens the program in the test process, so that the processes of all roles inherit the descriptor.
pub(crate) fn open() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if !std::path::Path::new(REPORTER).exists() {
            let file = File::open("/proc/self/exe").expect("open this test");
            let file = ns_testbed::for_all(file).expect("copy this test");
            let kept = rustix::io::fcntl_dupfd_cloexec(&file, 201).expect("duplicate to 201");
            rustix::io::fcntl_setfd(&kept, rustix::io::FdFlags::empty())
                .expect("clear close-on-exec");
            assert_eq!(kept.into_raw_fd(), 201);
        }
    });
}

/// A signal, as the program has received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) signal: i32,
    pub(crate) code: i32,
    pub(crate) value: u64,
}

/// `space` with the program under it.
pub(crate) struct Reporter {
    pub(crate) space: Child,
    lines: BufReader<ChildStdout>,
}

impl Reporter {
    /// Starts `space` with a command line whose program is [`REPORTER`].
    pub(crate) fn start(mut command: Command) -> Self {
        let name = VARIABLE.to_str().expect("UTF-8");
        let mut space = command.env(name, "1").spawn().expect("run space");
        let lines = BufReader::new(space.stdout.take().expect("piped"));
        Self { space, lines }
    }

    /// Waits until the program has blocked all signals.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.line() == "ready\n"
    }

    pub(crate) fn next(&mut self) -> Report {
        let line = self.line();
        let words: Vec<_> = line.split_whitespace().collect();
        let [signal, code, value] = words[..] else { panic!("{line:?}") };
        let number = |text: &str| text.parse().expect("a number");
        Report {
            signal: number(signal),
            code: number(code),
            value: value.parse().expect("a number"),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("read");
        line
    }

    pub(crate) fn pid(&self) -> i32 {
        self.space.id().try_into().expect("a process ID")
    }
}

/// Kills `space`, and with it the program.
impl Drop for Reporter {
    fn drop(&mut self) {
        let _ = self.space.kill();
        let _ = self.space.wait();
        // The program keeps the pipe open until it is killed too.
        let _ = std::io::copy(&mut self.lines, &mut std::io::sink());
    }
}

/// Is called before `main`, because the test harness has threads that do not block signals. libc passes arguments, which
/// the function ignores.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = report_if_requested;

extern "C" fn report_if_requested() {
    // SAFETY: the name ends with a NUL byte, and no other thread exists.
    if !unsafe { libc::getenv(VARIABLE.as_ptr()) }.is_null() {
        report();
    }
}

/// Prints `ready`, and then a line for each signal: number, code, value.
fn report() -> ! {
    let size = size_of::<u64>();
    let all = u64::MAX;
    let no_set = std::ptr::null_mut::<u64>();
    let call = libc::SYS_rt_sigprocmask;
    // SAFETY: the set has the given size and outlives the call.
    unsafe { libc::syscall(call, libc::SIG_BLOCK, &raw const all, no_set, size) };
    print("ready\n");
    loop {
        let mut info = [0_u64; 16];
        let (call, forever) = (libc::SYS_rt_sigtimedwait, std::ptr::null::<libc::timespec>());
        // SAFETY: the set has the given size, the buffer that of the kernel's siginfo_t, and both outlive the call.
        unsafe { libc::syscall(call, &raw const all, info.as_mut_ptr(), forever, size) };
        // Two halves: the signal number and an errno; then the code.
        let (signal, code) = (info[0].to_ne_bytes(), info[1].to_ne_bytes());
        let half = |bytes: [u8; 8]| i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        print(&format!("{} {} {}\n", half(signal), half(code), info[3]));
    }
}

fn print(text: &str) {
    // SAFETY: the pointer and the length are those of the text.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
}
