//! A switch in a TCP line: a server that goes away, or says nothing any more, without being touched itself.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Result;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Bytes go through.
    Open,
    /// Connections are closed, new ones at once.
    Cut,
    /// Connections stay and are taken, and no byte comes through: a server whose process stands still.
    Silent,
}

/// The line before a server. Its threads end with the process, so a test may block.
#[derive(Debug)]
pub struct Switch {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    line: Line,
    open: Vec<TcpStream>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Switch {
    /// A line to the server at `port` of this machine, open.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn before(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { line: Line::Open, open: Vec::new() }));
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut state = lock(&shared);
                let server = TcpStream::connect(("127.0.0.1", port));
                let ends = (client.try_clone(), server.and_then(|server| Ok((server.try_clone()?, server))));
                let (Ok(kept), Ok((kept_server, server))) = ends else { continue };
                if state.line == Line::Cut {
                    continue;
                }
                state.open.extend([kept, kept_server]);
                drop(state);
                for (from, to) in [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))] {
                    let (Ok(from), Ok(to)) = (from, to) else { continue };
                    let shared = shared.clone();
                    thread::spawn(move || pass(from, to, &shared));
                }
            }
        });
        Ok(Self { address, state })
    }

    /// The port on this side of the line.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Turns it. Connections of before end, unless it only falls silent.
    pub fn turn(&self, line: Line) {
        let mut state = lock(&self.state);
        state.line = line;
        if line != Line::Silent {
            for stream in state.open.drain(..) {
                drop(stream.shutdown(Shutdown::Both));
            }
        }
    }
}

/// Passes bytes on while the line is open; what comes while it is silent is lost, as the connection is afterwards.
fn pass(mut from: TcpStream, mut to: TcpStream, state: &Mutex<State>) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if lock(state).line == Line::Open && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}
