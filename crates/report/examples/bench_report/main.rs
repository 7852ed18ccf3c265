//! Makes a report from a made-up journal of 100,000 runs and prints what it took as JSON.
//!
//! `cargo run --release --example bench_report -- [RUNS] [FILE]`; the page is written to FILE where one is named.

mod made_up;

use std::time::Instant;

use parsebook_core::history::History;
use parsebook_core::status::Status;
use parsebook_report::{Report, page};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let begun = Instant::now();
    let mut history = History::new(made_up::now());
    made_up::runs(count).for_each(|run| history.add(&run));
    let folded = begun.elapsed();
    let (census, raids) = (made_up::census(), made_up::raids());
    let status = Status::of("a made-up store".into(), &census, &(made_up::rules()?, vec![]), &history);
    let html = page(&Report { status: &status, history: &history, bosses: &census.bosses, raids: &raids })?;
    let taken = begun.elapsed();
    if let Some(file) = arguments.next() {
        std::fs::write(file, &html)?;
    }
    let figures = serde_json::json!({
        "runs": count,
        "foldSeconds": folded.as_secs_f64(),
        "seconds": taken.as_secs_f64(),
        "bytes": html.len(),
        "peakKilobytes": peak_kilobytes(),
    });
    use std::io::Write;
    writeln!(std::io::stdout(), "{figures}")?;
    Ok(())
}

/// The most memory this process held (Linux).
fn peak_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
