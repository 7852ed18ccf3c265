//! An emulator of AWS that runs compiled Lambdas as processes, fires schedules and drives queue mappings.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Running, free_port, server_variable};
#[cfg(feature = "strict")]
use crate::strict::{Strict, Strictness};

/// Names the program.
pub const VARIABLE: &str = "PARSEBOOK_MINISTACK";

/// A running emulator with an account of its own; gone when dropped.
#[derive(Debug)]
pub struct Ministack {
    port: u16,
    folder: TempDir,
    _running: Running,
}

impl Ministack {
    /// Starts one, or answers `None` (and says so) when [`VARIABLE`] is absent.
    ///
    /// # Errors
    /// When it does not start listening.
    pub fn start() -> Result<Option<Self>> {
        Self::start_for(None)
    }

    /// Starts one behind a proxy that is as strict as a real account; the functions that it runs call the proxy too.
    ///
    /// # Errors
    /// When it does not start listening.
    #[cfg(feature = "strict")]
    pub fn start_behind(strictness: Strictness) -> Result<Option<(Self, Strict)>> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let Some(emulator) = Self::start_for(Some(url))? else { return Ok(None) };
        let strict = Strict::serve(listener, &emulator.url(), strictness)?;
        Ok(Some((emulator, strict)))
    }

    /// `endpoint` is what its functions take for AWS; by default itself.
    fn start_for(endpoint: Option<String>) -> Result<Option<Self>> {
        let Some(program) = server_variable(VARIABLE) else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("parsebook-ministack-").tempdir()?;
        let port = free_port()?;
        let endpoint = endpoint.unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
        let log = std::fs::File::create(folder.path().join("ministack.log"))?;
        let mut running = Running::start(
            Command::new(PathBuf::from(program))
                .env("GATEWAY_PORT", port.to_string())
                // Its default is every interface.
                .env("BIND_HOST", "127.0.0.1")
                .env("MINISTACK_HOST", "127.0.0.1")
                .env("MINISTACK_REGION", "eu-west-1")
                .env("LOG_LEVEL", "WARNING")
                .env("AWS_ENDPOINT_URL", endpoint)
                .env("TMPDIR", folder.path())
                .stdout(Stdio::from(log.try_clone()?))
                .stderr(Stdio::from(log)),
            Some(folder.path()),
        )
        .context(VARIABLE)?;
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Some(Self { port, folder, _running: running }));
            }
            if !running.is_running() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("ministack does not listen: {}", std::fs::read_to_string(folder.path().join("ministack.log"))?)
    }

    /// What `AWS_ENDPOINT_URL` is to be.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The end of what it wrote, for a failed test's message.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("ministack.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}
