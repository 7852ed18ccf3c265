//! Pages per second: ours and BeautifulSoup's (html.parser), on the same page.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use parsebook_adapters::http::builder;
use parsebook_adapters::ranking_site::parse;
use parsebook_simulator::{Config, PageLayout, Simulator, World};

use crate::figure;

const MEASURED_FOR: Duration = Duration::from_secs(3);

const BEAUTIFUL_SOUP: &str = r#"
import re, sys, time
from bs4 import BeautifulSoup
page = open(sys.argv[1], encoding="utf-8").read()
link = re.compile(r"/character/id/(\d+)")
count, started = 0, time.perf_counter()
while time.perf_counter() - started < 3:
    soup = BeautifulSoup(page, "html.parser")
    ids = [link.search(a["href"]).group(1) for row in soup.select("tr[id]") for a in row.find_all("a", href=link)]
    count += 1
print(len(ids), count / (time.perf_counter() - started))
"#;

pub async fn measure(python: &Path) -> anyhow::Result<()> {
    for (layout, name) in [(PageLayout::Fragment, "fragment"), (PageLayout::Page, "whole page")] {
        let mut config = Config::new(World::generate(2000, 1));
        config.layout = layout;
        let simulator = Simulator::start(config).await?;
        let (raid, difficulty) =
            simulator.world().players().find_map(|player| player.pairs().next()).context("an empty world")?;
        let size = if difficulty == 5 { 20 } else { 10 };
        let partition = simulator.world().raid(raid).context("no raid")?.partition;
        let url = format!(
            "{}/zone/rankings/table/{raid}/playerspeed/-1/{difficulty}/{size}/{partition}/Any/Any/0/0/0/0/0/?search=&page=1",
            simulator.url()
        );
        let page = builder().build()?.get(&url).send().await?.error_for_status()?.text().await?;
        simulator.shutdown().await;

        let started = Instant::now();
        let mut count = 0_u32;
        let mut players = 0;
        while started.elapsed() < MEASURED_FOR {
            players = parse(std::hint::black_box(page.as_bytes()))?.players.len();
            count += 1;
        }
        let ours = f64::from(count) / started.elapsed().as_secs_f64();

        let folder = tempfile::tempdir()?;
        let saved = folder.path().join("page.html");
        std::fs::write(&saved, &page)?;
        let output = Command::new(python).args(["-c", BEAUTIFUL_SOUP]).arg(&saved).output()?;
        ensure!(output.status.success(), "BeautifulSoup: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout)?;
        let (ids, theirs) = text.trim().split_once(' ').context("no figures from BeautifulSoup")?;
        ensure!(ids.parse::<usize>()? == players, "BeautifulSoup found {ids} players, we found {players}");
        let theirs: f64 = theirs.parse()?;
        let on = format!("{name}, {} KB, {players} players", page.len() / 1024);
        let ratio = format!("{:.0} times BeautifulSoup's {theirs:.1}; at least 20", ours / theirs);
        figure("ranking pages read per second", &format!("{ours:.0}"), &on, &ratio);
    }
    Ok(())
}
