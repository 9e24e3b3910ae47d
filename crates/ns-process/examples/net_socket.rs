//! A listening socket of another network namespace, served by the host.
//!
//! Needs no privilege, not even for port 80. The network namespace has no interface but its loopback device, so only
//! processes in it can connect.

use std::io::Write;
use std::net::{TcpListener, TcpStream};

use ns_process::{Container, Inject, setns_process};

const ADDRESS: &str = "127.0.0.1:80";

/// A client inside; a program would do as well.
fn say_hello() -> std::io::Result<()> {
    TcpStream::connect(ADDRESS)?.write_all(b"hello")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut container = Container::new("sleep");
    container.arg("1000").namespaces(["user", "net"]).map_zero().loopback().kill_on_drop(true);
    let container = container.start()?;

    // The socket belongs to the network namespace in which it is made.
    let network = setns_process(&container, ["user", "net"])?;
    let sockets = network.run_fds(|| vec![TcpListener::bind(ADDRESS).expect("bind").into()])?;
    let listener = TcpListener::from(sockets.into_iter().next().ok_or("no socket")?);

    let client = Inject::from_fn(&container, say_hello).start()?;
    let (stream, peer) = listener.accept()?;
    let text = std::io::read_to_string(stream)?;
    println!("a client inside says: {text} (from {})", peer.ip());
    assert!(client.join()?.success());
    Ok(())
}
