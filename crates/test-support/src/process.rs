//! A child process that ends with its owner.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// A child process; killed when dropped, and also when this process dies in any other way.
#[derive(Debug)]
pub struct Running {
    child: Child,
    watch: Child,
}

impl Running {
    /// Starts `command`. `scratch` is a folder that the child fills: it is removed if this process dies.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, scratch: Option<&Path>) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("starting {:?}", command.get_program()))?;
        // Reads until this process has closed the pipe, which its death does too.
        let watch = Command::new("sh")
            .args(["-c", r#"cat; kill -9 "$1"; if [ -n "$2" ]; then sleep 0.3; rm -rf "$2"; fi"#, "sh"])
            .arg(child.id().to_string())
            .arg(scratch.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the watch over a child process")?;
        Ok(Self { child, watch })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process without warning (`SIGKILL`) and waits for its end.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<()> {
        self.unwatch();
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end (`SIGTERM`) and waits for its end.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn stop(&mut self) -> Result<()> {
        self.unwatch();
        Command::new("kill").arg(self.child.id().to_string()).status()?;
        self.child.wait()?;
        Ok(())
    }

    /// From here on the process id may be another's.
    fn unwatch(&mut self) {
        drop(self.watch.kill());
        drop(self.watch.wait());
    }

    /// The child's standard output, if it was piped and nobody took it.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn exit_status(&mut self) -> Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Its resident memory, in kilobytes: now and at its highest (Linux, `/proc/PID/status`).
    ///
    /// # Errors
    /// When it does not run.
    pub fn resident_kb(&self) -> Result<(u64, u64)> {
        resident_kb(self.id())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.unwatch();
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Processor time of a process so far, in hundredths of a second (Linux, `/proc/PID/stat`).
///
/// # Errors
/// When it does not run.
pub fn processor_time(id: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("a process without a name")?;
    let in_user_and_kernel = fields.split_whitespace().skip(11).take(2);
    in_user_and_kernel.map(|ticks| ticks.parse::<u64>().context("processor time is no number")).sum()
}

/// A loopback port that is free at this moment.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The value of an environment variable that names a test server; says so on standard error when it is absent.
pub fn server_variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        // Not `eprintln!`: that is captured with the test's output and shown to nobody.
        use std::io::Write;
        drop(writeln!(
            std::io::stderr(),
            "passed over: {name} is not set (run: eval \"$(scripts/setup-test-servers test)\")"
        ));
    }
    value
}

/// The resident memory of a process, in kilobytes: now and at its highest (Linux, `/proc/PID/status`).
///
/// # Errors
/// When there is no such process.
pub fn resident_kb(id: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    };
    Ok((field("VmRSS:").context("no VmRSS")?, field("VmHWM:").context("no VmHWM")?))
}
