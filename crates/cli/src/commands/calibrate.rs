//! `parsebook calibrate`.

use std::path::Path;

use anyhow::Context;
use parsebook_adapters::clock::SystemClock;
use parsebook_adapters::settings::Environment;
use parsebook_adapters::wcl_api::{Calibrated, WclApi};
use parsebook_core::calibrate::{Calibration, judge};
use serde::Serialize;

use crate::args::{CalibrateArgs, Common};
use crate::output::{say, say_json};
use crate::settings::Settings;

/// Everything, as `--json` prints it and `--again` reads it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    calibrated: &'a Calibrated,
    #[serde(flatten)]
    judged: &'a Calibration,
}

pub async fn calibrate(common: &Common, args: &CalibrateArgs) -> anyhow::Result<()> {
    let settings = Settings::read(&Environment::of_process())?;
    let wcl_url = common.wcl_url.as_ref().unwrap_or(&settings.wcl_url).clone();
    let api = WclApi::new(&wcl_url, &settings.user_agent, settings.keys, SystemClock)?;
    let calibrated = match (&args.again, args.raid) {
        (Some(file), _) => api.calibrate_again(&earlier(file)?).await?,
        (None, Some(raid)) => api.calibrate(raid).await?,
        (None, None) => anyhow::bail!("--raid or --again is needed"),
    };
    let judged = judge(&calibrated.observations);
    if args.json {
        return say_json(&Told { calibrated: &calibrated, judged: &judged });
    }
    for finding in &judged.findings {
        say(&format!("{:<4} {:<24} {:<12} {}", finding.question, finding.name, finding.value, finding.because));
    }
    for setting in &judged.settings {
        say(&format!("set  {}={}", setting.name, setting.value));
    }
    say(&format!("{} points for {} questions", calibrated.points(), calibrated.calls.len()));
    Ok(())
}

fn earlier(file: &Path) -> anyhow::Result<Calibrated> {
    let text = std::fs::read_to_string(file).with_context(|| format!("--again {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("--again {}: not a file of calibrate --json", file.display()))
}
