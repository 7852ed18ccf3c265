//! A program that is measured from outside.

use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use parsebook_test_support::process::resident_kb;

/// Runs it to its end; answers how it ended, how long it took, and the most memory it ever held, in kB.
pub async fn measured(command: &mut Command) -> anyhow::Result<(ExitStatus, Duration, u32)> {
    let started = Instant::now();
    let mut child = command.spawn()?;
    let mut most_kilobytes = 0;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status, started.elapsed(), most_kilobytes));
        }
        most_kilobytes = most_kilobytes.max(peak_kilobytes(child.id()).unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The most memory the process ever held, in kB, as Linux counts it.
pub fn peak_kilobytes(process: u32) -> anyhow::Result<u32> {
    Ok(resident_kb(process)?.1.try_into()?)
}
