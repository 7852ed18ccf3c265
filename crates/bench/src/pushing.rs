//! What a refresh pushes to a real git server over https.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use crate::figure;
use anyhow::{Context, ensure};
use parsebook_adapters::addon_repo::{History, RemoteConfig, RemoteRepo};
use parsebook_addon_db::{addon_files, encode};
use parsebook_core::ports::AddonRepo;
use parsebook_test_support::certificate::{Certificate, Kind};
use parsebook_test_support::git::GitServer;
use parsebook_test_support::process::resident_kb;

#[expect(dead_code, reason = "lists of names are read elsewhere")]
#[path = "../../addon-db/examples/support/world.rs"]
mod world;

/// One player in so many gets another rank.
const ONE_IN: usize = 100;

pub async fn measure(file: &Path, region: &str) -> anyhow::Result<()> {
    let world = world::read(file.to_str().context("the file's name")?);
    let folder = tempfile::tempdir()?;
    let (before, after) = (folder.path().join("before"), folder.path().join("after"));
    lay_out(&before, &world, region)?;
    let changed = change(world);
    lay_out(&after, &changed, region)?;
    let certificate = Certificate::self_signed(Kind::Server)?;
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, &certificate.pem)?;
    for history in ["append", "replace"] {
        let server = GitServer::start(|_| None).await?;
        let (url, received) = server.serve_https(&certificate).await?;
        let on = format!(
            "{region}, {} of {} players, {history}",
            changed.characters.len() / ONE_IN,
            changed.characters.len()
        );
        publish_in_a_process(&url, history, &before, &trusted).await?;
        let old = server.git(&["rev-parse", "main"])?;
        let size = size_after_gc(&server)?;
        let begun = received.load(Ordering::Relaxed);
        let kilobytes = publish_in_a_process(&url, history, &after, &trusted).await?;
        let pushed = received.load(Ordering::Relaxed) - begun;
        let new = server.git(&["rev-parse", "main"])?;
        server.git(&["fsck", "--strict"])?;
        let whole = pack(&server, &[], &old, &new)?;
        let thin = pack(&server, &["--thin"], &old, &new)?;
        let baselines = format!("{whole} whole files, {thin} git's own thin pack; at most 40,000");
        figure("bytes sent over https", &pushed.to_string(), &on, &baselines);
        figure("peak memory of the publisher", &format!("{:.1} MB", kilobytes / 1024.0), &on, "");
        let growth = size_after_gc(&server)? - size;
        figure("growth of the repository after gc", &growth.to_string(), &on, "at most 25,000");
    }
    Ok(())
}

/// The same world with a new rank for one player in [`ONE_IN`], spread over all.
fn change(mut world: world::World) -> world::World {
    let size = world.characters.len();
    let mut chosen = BTreeSet::new();
    let mut dice = 5_u64;
    while chosen.len() < size / ONE_IN {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        chosen.insert((dice % size as u64) as usize);
    }
    for index in chosen {
        let character = &mut world.characters[index];
        character.ranked_at = 1_800_000_000 + (index % 999) as i64;
        if let Some(rank) = character.ranks.first_mut().and_then(|ranks| ranks.encounters.first_mut()) {
            (rank.rank, rank.kills) = ((rank.rank + 17) % 101, rank.kills + 1);
        }
    }
    world
}

fn lay_out(folder: &Path, world: &world::World, region: &str) -> anyhow::Result<()> {
    let (files, _) = encode(region, &world.raids, world.characters.clone())?;
    for file in files.into_iter().chain(addon_files()) {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().context("a file without a folder")?)?;
        std::fs::write(path, file.bytes)?;
    }
    Ok(())
}

/// The most memory that it took, in kB. A process of its own, as in a Lambda: nothing is fetched yet.
async fn publish_in_a_process(url: &str, history: &str, folder: &Path, trusted: &Path) -> anyhow::Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["publish", "--url", url, "--history", history, "--folder"]).arg(folder);
    command.env("SSL_CERT_FILE", trusted).stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "publishing failed");
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Publishes everything in `folder`.
#[expect(clippy::print_stdout, reason = "the figure is the result")]
pub async fn publish(url: String, history: History, folder: &Path) -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let config = RemoteConfig { url, branch: "main".to_owned(), token: None, history };
    let mut repo = RemoteRepo::open(scratch.path(), config)?;
    for addon in std::fs::read_dir(folder)? {
        let addon = addon?;
        let name = addon.file_name().into_string().map_err(|_| anyhow::anyhow!("a name that is no text"))?;
        let mut files = Vec::new();
        read_below(&addon.path(), &name, &mut files)?;
        repo.stage(&name, files).await?;
    }
    repo.publish("Ranks").await?;
    let (_, most) = resident_kb(std::process::id())?;
    println!("{most}");
    Ok(())
}

/// The file at `path`, or every file in the folder there and below, under `name`.
fn read_below(path: &Path, name: &str, files: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    if !path.is_dir() {
        files.push((name.to_owned(), std::fs::read(path)?));
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        read_below(&entry.path(), &format!("{name}/{}", entry.file_name().to_string_lossy()), files)?;
    }
    Ok(())
}

/// Bytes of the pack that git itself makes of what is new.
fn pack(server: &GitServer, options: &[&str], old: &str, new: &str) -> anyhow::Result<usize> {
    let script =
        format!("printf '%s\\n' {new} ^{old} | git pack-objects --revs --quiet --stdout {} | wc -c", options.join(" "));
    let output = Command::new("sh").args(["-c", &script]).current_dir(server.repository()).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Bytes of the objects once git has tidied up.
fn size_after_gc(server: &GitServer) -> anyhow::Result<i64> {
    server.git(&["gc", "--quiet", "--prune=now"])?;
    let output = Command::new("du").args(["-sb", "objects"]).current_dir(server.repository()).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split_whitespace().next().context("no size")?.parse()?)
}
