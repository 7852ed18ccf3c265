//! Measures the addon database against its targets and against the predecessor's format, all in one run.
//!
//! `bench_addon_db --eu WORLD --kr WORLD [--names FILE] [--predecessor-eu FILE] [--predecessor-kr FILE] [--only 123]`
//! Worlds are files of the simulator; `--names` is a list of real names (`# Realm`, then its names); the predecessor's
//! files are its published databases. Lua is PUC Lua 5.1. Nothing here is asserted except that answers are exact.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for maintainers: stopping is the right answer")]

mod made_up;
mod predecessor;
mod report;
#[path = "../support/world.rs"]
mod world;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Instant;

use mlua::{Lua, Table};
use parsebook_addon_db::reader::Addon;
use parsebook_addon_db::{Character, EncodeError, File, Raid, RegionEncoder, addon_files, encode};
use report::Report;
use world::World;

const MEASURE: &str = include_str!("measure.lua");

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let options: HashMap<&str, &str> =
        args.chunks_exact(2).map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str())).collect();
    if let Some(size) = options.get("stream") {
        return stream(size.parse().unwrap());
    }
    let (Some(eu), Some(kr)) = (options.get("eu"), options.get("kr")) else {
        println!(
            "usage: bench_addon_db --eu WORLD --kr WORLD [--names FILE] [--predecessor-eu FILE] [--predecessor-kr FILE]"
        );
        std::process::exit(2);
    };
    let (eu, kr) = (world::read(eu), world::read(kr));
    let six = six_times(&eu);
    let only = options.get("only").copied().unwrap_or("123456");
    let report = Report::begin();
    let sections: [(char, &dyn Fn()); 6] = [
        ('1', &|| sizes(&report, &eu, &kr, &options)),
        ('2', &|| loading(&report, &six)),
        ('3', &|| lookups(&report, &[("EU", &eu), ("KR", &kr), ("EU", &six)])),
        ('4', &|| generator(&report, &eu, &six)),
        ('5', &|| exactness(&report, &eu, &kr, options.get("names").copied())),
        ('6', &|| git(&report, &[("EU", &eu), ("KR", &kr)])),
    ];
    sections.iter().filter(|(number, _)| only.contains(*number)).for_each(|(_, section)| section());
}

/// The world six times over, names varied.
fn six_times(world: &World) -> World {
    let realms = world.characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm);
    World { raids: world.raids.clone(), characters: realms.flat_map(|r| made_up::multiplied(r, 6)).collect() }
}

fn total(files: &[File]) -> f64 {
    files.iter().map(|f| f.bytes.len()).sum::<usize>() as f64
}

fn write(dir: &Path, files: &[File]) {
    for file in files {
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.bytes).unwrap();
    }
}

/// Size after the best solid compression the machine has, if it has it.
fn xz(bytes: &[u8]) -> Option<f64> {
    let mut child = Command::new("xz").args(["-9e", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    Some(output.stdout.len() as f64)
}

fn sizes(report: &Report, eu: &World, kr: &World, options: &HashMap<&str, &str>) {
    report.section("1. Size, all files of the region together");
    for (region, world, limit, real) in [("EU", eu, 18.0, "predecessor-eu"), ("KR", kr, 29.0, "predecessor-kr")] {
        let n = world.characters.len() as f64;
        let (files, _) = encode(region, &world.raids, world.characters.clone()).unwrap();
        let bytes = total(&files) / n;
        let on = format!("{region} world, {n} characters");
        let figure = |what: &str, base: f64| {
            report.figure("bytes per character", bytes, "B", Some(limit), false, &on, Some((what, base)));
        };
        figure("predecessor's format", predecessor::data_file(&world.characters).len() as f64 / n);
        if let Some(size) = options.get(real).and_then(|path| std::fs::metadata(path).ok()) {
            figure("predecessor's real file", size.len() as f64 / n);
        }
        if let Some(size) = xz(&predecessor::columns(&world.characters)) {
            figure("xz of bare columns", size / n);
        }
    }
}

/// The Lua files of an addon folder in load order.
fn toc_files(dir: &Path, addon: &str) -> Vec<String> {
    let toc = std::fs::read_to_string(dir.join(addon).join(format!("{addon}.toc"))).unwrap();
    let files = toc.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    files.map(|f| dir.join(addon).join(f).to_str().unwrap().to_owned()).collect()
}

fn load(before: &[String], files: &[String]) -> (f64, f64, f64, f64) {
    let lua = Lua::new();
    let measure: Table = lua.load(MEASURE).eval().unwrap();
    measure.get::<mlua::Function>("load").unwrap().call((before.to_vec(), files.to_vec())).unwrap()
}

fn loading(report: &Report, six: &World) {
    report.section("2. Loading");
    let dir = tempfile::tempdir().unwrap();
    let (files, _) = encode("EU", &six.raids, six.characters.clone()).unwrap();
    write(dir.path(), &files);
    write(dir.path(), &addon_files());
    let old = dir.path().join("old.lua");
    std::fs::write(&old, predecessor::data_file(&six.characters)).unwrap();
    let old = [old.to_str().unwrap().to_owned()];
    let on = format!("{} characters", six.characters.len());
    let size = total(&files) / 1024.0;
    let (seconds, kept, peak, gc) =
        load(&toc_files(dir.path(), "Parsebook"), &toc_files(dir.path(), "Parsebook_DB_EU"));
    let (old_seconds, old_kept, old_peak, old_gc) = load(&[], &old);
    let base = |v| Some(("predecessor's format", v));
    report.figure(
        "compile and run",
        seconds,
        "s",
        Some(0.05_f64.max(old_seconds / 10.0)),
        false,
        &on,
        base(old_seconds),
    );
    report.figure("heap kept", kept, "KB", Some(1.1 * size), false, &on, base(old_kept));
    report.figure("heap kept / file size", kept / size, "", Some(1.1), false, &on, Some(("", old_kept / size)));
    report.figure("peak heap", peak, "KB", None, false, &on, base(old_peak));
    report.figure("full collection, in addition", gc, "ms", Some(0.2), false, &on, base(old_gc));
}

fn lookups(report: &Report, worlds: &[(&str, &World)]) {
    report.section("3. Lookup");
    for (region, world) in worlds {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &encode(region, &world.raids, world.characters.clone()).unwrap().0);
        write(dir.path(), &addon_files());
        let mut addon = Addon::open(dir.path()).unwrap();
        addon.info(region).unwrap();
        let lua = addon.lua();
        let measure: Table = lua.load(MEASURE).eval().unwrap();
        let lookup: mlua::Function = measure.get("lookup").unwrap();
        let mut order: Vec<&Character> = world.characters.iter().collect();
        let mut dice = made_up::Dice(7);
        (1..order.len()).rev().for_each(|i| order.swap(i, dice.below(i as u64 + 1) as usize));
        let on = format!("{region}, {} characters", order.len());
        for (what, suffix) in [("", ""), ("absent: ", "e")] {
            // Two passes, the better time of each name: what else runs on the machine is not what is measured.
            let mut best = vec![f64::MAX; order.len()];
            let (mut found, mut again, mut garbage) = (0, f64::MAX, f64::MAX);
            for _ in 0..2 {
                let times = Rc::new(RefCell::new(Vec::with_capacity(order.len())));
                let record = Rc::clone(&times);
                let names: Vec<(String, String)> =
                    order.iter().map(|c| (format!("{}{suffix}", c.name), c.realm.clone())).collect();
                let mut names = names.into_iter();
                let next = lua.create_function_mut(move |_, time: Option<f64>| {
                    record.borrow_mut().extend(time);
                    Ok(names.next().unzip())
                });
                let answer: (u64, f64, f64) = lookup.call((next.unwrap(), *region)).unwrap();
                (found, again, garbage) = (answer.0, answer.1.min(again), answer.2.min(garbage));
                best.iter_mut().zip(times.borrow().iter()).for_each(|(b, t)| *b = b.min(*t));
            }
            let mean = best.iter().sum::<f64>() / best.len() as f64;
            let worst = best.iter().copied().fold(0.0, f64::max);
            if suffix.is_empty() {
                assert_eq!(found, order.len() as u64);
            }
            let figure = |name: &str, value, unit, limit| {
                report.figure(&format!("{what}{name}"), value, unit, Some(limit), false, &on, None);
            };
            figure("first sight, mean", mean, "µs", 60.0);
            figure("first sight, worst", worst, "µs", 500.0);
            figure("again, mean", again, "µs", 1.0);
            figure("again, garbage", garbage, "B", 0.0);
        }
    }
}

fn generator(report: &Report, eu: &World, six: &World) {
    report.section("4. Generator");
    for world in [eu, six] {
        let characters = world.characters.clone();
        let n = characters.len() as f64;
        let start = Instant::now();
        encode("EU", &world.raids, characters).unwrap();
        let rate = n / start.elapsed().as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        report.figure(
            "characters a second",
            rate,
            "/s",
            Some(150_000.0),
            true,
            &format!("{n} in memory, {cores} cores"),
            None,
        );
    }
    let itself = std::env::current_exe().unwrap();
    let output = Command::new(itself).args(["--stream", "1000000"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    report.figure("resident, whole process", numbers[0], "MB", Some(200.0), false, "1000000 streamed", None);
    report.figure("characters a second, streamed", numbers[1], "/s", None, true, "the same, with making them", None);
}

/// Encodes a made-up region of `size` characters in a process of its own; prints its peak memory in MB and its rate.
fn stream(size: u32) {
    let encounter = |id| parsebook_addon_db::Encounter { id, name: format!("Boss {id}") };
    let raid =
        |id, first| Raid { id, name: format!("Raid {id}"), encounters: (first..first + 9).map(encounter).collect() };
    let raids = [raid(44, 3100), raid(42, 3000)];
    let start = Instant::now();
    let mut encoder = RegionEncoder::new("EU", &raids).unwrap();
    let (mut made, mut number) = (0, 0);
    while made < size {
        let realm = made_up::realm(number, if number == 0 { 40_000 } else { 3_000 }.min(size - made), &raids);
        (made, number) = (made + realm.len() as u32, number + 1);
        realm.into_iter().for_each(|c| encoder.push(c).unwrap());
    }
    let mut bytes = 0;
    let summary = encoder.finish::<EncodeError>(|file| {
        bytes += file.bytes.len();
        Ok(())
    });
    assert_eq!(summary.unwrap().characters, u64::from(size));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.split_whitespace().next());
    let megabytes = peak.and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0;
    println!("{megabytes} {} {bytes}", f64::from(size) / start.elapsed().as_secs_f64());
}

/// Compares every answer with the input; returns how many characters were compared.
fn compare(region: &str, raids: &[Raid], characters: &[Character]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &encode(region, raids, characters.to_vec()).unwrap().0);
    write(dir.path(), &addon_files());
    let mut addon = Addon::open(dir.path()).unwrap();
    for c in characters {
        let found = addon.lookup(&c.name, &c.realm, region).unwrap().unwrap();
        assert_eq!((&found.name, &found.realm, found.class_id), (&c.name, &c.realm, c.class_id));
        let place = |raid: u32, id: u32| {
            raids.iter().find(|r| r.id == raid).and_then(|r| r.encounters.iter().position(|e| e.id == id))
        };
        let mut want: Vec<_> = c
            .ranks
            .iter()
            .flat_map(|r| r.encounters.iter().map(move |e| (r, e)))
            .map(|(r, e)| {
                let order = (std::cmp::Reverse(r.raid), std::cmp::Reverse(r.difficulty), r.metric.to_string());
                (order, place(r.raid, e.id), e.id, e.rank, e.kills.min(255) as u8)
            })
            .collect();
        want.sort();
        let got = found.ranks.iter().flat_map(|r| r.encounters.iter().map(move |e| (r, e)));
        let got = got.map(|(r, e)| {
            let order = (std::cmp::Reverse(r.raid), std::cmp::Reverse(r.difficulty), r.metric.clone());
            (order, place(r.raid, e.id), e.id, e.rank, e.kills)
        });
        assert!(want.into_iter().eq(got), "{c:?}\n{found:?}");
    }
    characters.len()
}

fn exactness(report: &Report, eu: &World, kr: &World, names: Option<&str>) {
    report.section("5. Exactness: characters whose whole answer equals the input");
    for (region, world) in [("EU", eu), ("KR", kr)] {
        let n = compare(region, &world.raids, &world.characters) as f64;
        report.figure("exact round trips", n, "", Some(n), true, &format!("{region} world"), None);
    }
    if let Some(path) = names {
        let mut dice = made_up::Dice(11);
        let raids: Vec<Raid> = kr.raids.iter().chain(&eu.raids).cloned().collect();
        let mut all: Vec<Character> = world::read_names(path).into_iter().flatten().collect();
        for c in &mut all {
            (c.class_id, c.ranks) = (1 + dice.below(13) as u8, made_up::ranks(&raids, &mut dice));
        }
        world::sort(&mut all);
        let n = compare("EU", &raids, &all) as f64;
        report.figure("exact round trips", n, "", Some(n), true, "real EU names, made-up ranks", None);
    }
}

fn run_git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"];
    let output = Command::new("git").current_dir(dir).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Bytes of everything packed into one pack.
fn packed(dir: &Path) -> f64 {
    run_git(dir, &["repack", "-adfq"]);
    let packs = std::fs::read_dir(dir.join(".git/objects/pack")).unwrap().flatten();
    let sizes =
        packs.filter(|e| e.path().extension().is_some_and(|x| x == "pack")).map(|e| e.metadata().unwrap().len());
    sizes.sum::<u64>() as f64
}

fn git(report: &Report, worlds: &[(&str, &World)]) {
    report.section("6. One changed character");
    for (region, world) in worlds {
        let dir = tempfile::tempdir().unwrap();
        run_git(dir.path(), &["init", "-q"]);
        let commit = |characters: &[Character]| {
            write(dir.path(), &encode(region, &world.raids, characters.to_vec()).unwrap().0);
            run_git(dir.path(), &["add", "-A"]);
            run_git(dir.path(), &["commit", "-qm", "Data"]);
        };
        write(dir.path(), &addon_files());
        commit(&world.characters);
        let (mut characters, mut dice) = (world.characters.clone(), made_up::Dice(5));
        let (mut most_files, mut growth, mut worst, rounds) = (0, 0.0, 0.0_f64, 10);
        let mut size = packed(dir.path());
        for _ in 0..rounds {
            let c = &mut characters[dice.below(world.characters.len() as u64) as usize];
            let rank = &mut c.ranks[0].encounters[0];
            (rank.rank, rank.kills, c.ranked_at) =
                ((rank.rank + 17) % 101, rank.kills + 1, 1_800_000_000 + dice.below(999) as i64);
            commit(&characters);
            let changed = run_git(dir.path(), &["diff", "--name-only", "HEAD~1"]);
            let file = changed.lines().next().unwrap();
            let after = packed(dir.path());
            let share = (after - size) / std::fs::metadata(dir.path().join(file)).unwrap().len() as f64 * 100.0;
            (growth, worst, size) = (growth + share / f64::from(rounds), worst.max(share), after);
            most_files = most_files.max(changed.lines().count());
        }
        let on = format!("{region} world, {rounds} changes");
        report.figure("files touched, most", most_files as f64, "", Some(1.0), false, &on, None);
        report.figure("pack growth / file, mean", growth, "%", Some(3.0), false, &on, None);
        report.figure("pack growth / file, worst", worst, "%", Some(3.0), false, &on, None);
    }
}
