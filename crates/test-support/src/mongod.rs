//! A real `mongod`, one for all tests of a process, with a database for each test.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Running, free_port, server_variable};

/// Names the program.
pub const VARIABLE: &str = "PARSEBOOK_MONGOD";

/// A server with its own data folder; both go when it is dropped.
#[derive(Debug)]
pub struct Mongod {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    running: Running,
}

impl Mongod {
    /// Starts a server, or answers `None` (and says so) when [`VARIABLE`] is absent.
    ///
    /// # Errors
    /// When the program does not start listening.
    pub fn start() -> Result<Option<Self>> {
        let Some(program) = server_variable(VARIABLE) else { return Ok(None) };
        let program = PathBuf::from(program);
        let folder = tempfile::Builder::new().prefix("parsebook-mongod-").tempdir()?;
        let mut failure = None;
        // Between finding a free port and using it, somebody else may take it.
        for _ in 0..5 {
            let port = free_port()?;
            match launch(&program, &folder, port) {
                Ok(running) => return Ok(Some(Self { program, folder, port, running })),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow::anyhow!("mongod was not tried")))
    }

    /// Where to connect.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id, for measurements.
    pub fn id(&self) -> u32 {
        self.running.id()
    }

    /// Stops the server (`SIGTERM`); the data stays.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub fn stop(&mut self) -> Result<()> {
        self.running.stop()
    }

    /// Kills the server (`SIGKILL`); what it had in its journal stays.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.running.kill()
    }

    /// Starts it again on the same port and data.
    ///
    /// # Errors
    /// When it does not start listening.
    pub fn restart(&mut self) -> Result<()> {
        self.running = launch(&self.program, &self.folder, self.port)?;
        Ok(())
    }
}

fn launch(program: &PathBuf, folder: &TempDir, port: u16) -> Result<Running> {
    let log = folder.path().join("mongod.log");
    let mut running = Running::start(
        Command::new(program)
            .arg("--dbpath")
            .arg(folder.path())
            .args(["--port", &port.to_string(), "--bind_ip", "127.0.0.1", "--nounixsocket"])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"])
            .arg("--logpath")
            .arg(&log)
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
        Some(folder.path()),
    )
    .with_context(|| format!("{VARIABLE} {}", program.display()))?;
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(running);
        }
        if !running.is_running() {
            bail!("mongod ended at once: {}", std::fs::read_to_string(&log).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!("mongod does not listen on port {port} after 30 s")
}

static SHARED: Mutex<Option<Mongod>> = Mutex::new(None);
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The URI of the server that all tests of this process share, and a database name of the caller's own; `None` (said
/// on standard error) when [`VARIABLE`] is absent. The server ends with the process.
///
/// # Errors
/// When it does not start.
pub fn shared() -> Result<Option<(String, String)>> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.is_none() {
        *shared = Mongod::start()?;
    }
    let database = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    Ok(shared.as_ref().map(|server| (server.uri(), database)))
}
