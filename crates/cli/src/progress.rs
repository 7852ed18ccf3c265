//! Progress of a stage: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{complain, grouped};

/// How often a plain line is printed at most.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// One stage under way.
#[derive(Debug)]
pub struct Progress {
    label: String,
    unit: &'static str,
    done: AtomicU64,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Starts `label`; `total` counts `unit`s, and may be unknown.
    pub fn start(label: impl Into<String>, unit: &'static str, total: Option<u64>) -> Self {
        let label = label.into();
        let bar = std::io::stderr().is_terminal().then(|| bar(&label, unit, total));
        Self { label, unit, done: AtomicU64::new(0), total, bar, last_line: Mutex::new(Instant::now()) }
    }

    /// `count` more are done.
    pub fn add(&self, count: u64) {
        let done = self.done.fetch_add(count, Ordering::Relaxed) + count;
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None => {
                let mut last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
                if last_line.elapsed() >= PLAIN_EVERY {
                    *last_line = Instant::now();
                    let of = self.total.map(|total| format!(" of {}", grouped(total))).unwrap_or_default();
                    complain(&format!("{}: {}{of} {}", self.label, grouped(done), self.unit));
                }
            }
        }
    }

    /// Says something in between: a pause, a refusal.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("{}: {text}", self.label)),
            None => complain(&format!("{}: {text}", self.label)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, unit: &'static str, total: Option<u64>) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::new_spinner(),
    };
    let template = match total {
        Some(_) => format!("{{prefix:<28}} {{bar:30.cyan/blue}} {{human_pos}}/{{human_len}} {unit}  {{eta}} left"),
        None => format!("{{prefix:<28}} {{spinner}} {{human_pos}} {unit}  {{elapsed}}"),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.set_prefix(label.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
