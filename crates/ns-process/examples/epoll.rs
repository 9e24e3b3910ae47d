//! Two processes and their output in one event loop, without a thread and without a runtime: epoll(7).
//!
//! Any event loop works that polls descriptors: a handle is one (`AsFd`), and so is a pipe. Needs no privilege.

use std::io::Read;
use std::process::ChildStdout;

use ns_process::{Container, Namespace, Process, Stdio};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{CreateFlags, EventData, EventFlags, add, create, delete, wait};
use rustix::io::retry_on_intr;

struct Job {
    process: Process,
    stdout: ChildStdout,
    output: Vec<u8>,
}

fn start(script: &str) -> Result<Job, Box<dyn std::error::Error>> {
    let mut container = Container::new("sh");
    container.args(["-c", script]).namespaces([Namespace::User, Namespace::Pid]).map_zero();
    let mut process = container.stdout(Stdio::piped()).kill_on_drop(true).start()?;
    let stdout = process.take_stdout().ok_or("stdout is piped")?;
    Ok(Job { process, stdout, output: Vec::new() })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let epoll = create(CreateFlags::CLOEXEC)?;
    let mut jobs = [start("sleep 0.2; echo slow")?, start("echo fast; exit 2")?];
    for (job, number) in jobs.iter().zip(0..) {
        add(&epoll, &job.process, EventData::new_u64(2 * number), EventFlags::IN)?;
        add(&epoll, &job.stdout, EventData::new_u64(2 * number + 1), EventFlags::IN)?;
    }
    let (mut open, mut events) = (2 * jobs.len(), Vec::with_capacity(8));
    while open > 0 {
        retry_on_intr(|| wait(&epoll, spare_capacity(&mut events), None))?;
        for event in events.drain(..) {
            let number = usize::try_from(event.data.u64())?;
            let Job { process, stdout, output } = &mut jobs[number / 2];
            let mut chunk = [0; 4096];
            if number % 2 == 0 {
                // It does not block: the process has exited.
                println!("process {}: {}", process.pid(), process.join()?);
                delete(&epoll, &*process)?;
                open -= 1;
            } else if let length @ 1.. = stdout.read(&mut chunk)? {
                output.extend_from_slice(&chunk[..length]);
            } else {
                delete(&epoll, &*stdout)?;
                open -= 1;
            }
        }
    }
    for job in &jobs {
        print!("{}", String::from_utf8_lossy(&job.output));
    }
    Ok(())
}
