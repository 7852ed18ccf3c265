//! Measures the addon database against its targets and against the predecessor's format, all in one run.
//!
//! Usage: see [`USAGE`]. Worlds are files of the simulator; `--names` is a list of real names (`# Realm`, then its names); the predecessor's
//! files are its published databases; `--half-tables` are tables of `train_tables --half`, for what other players cost. Lua is PUC Lua 5.1. Nothing here is asserted except that answers are exact.
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
use parsebook_addon_db::reader::{Addon, Found, FoundEncounter, FoundRanks};
use parsebook_addon_db::training::use_tables;
use parsebook_addon_db::{Character, EncodeError, File, Raid, RegionEncoder, addon_files, encode};
use report::Report;
use world::World;

const USAGE: &str = "usage: bench_addon_db --eu WORLD --kr WORLD [--tw WORLD] [--cn WORLD] [--half-tables FILE]
    [--names FILE] [--predecessor-eu FILE] [--predecessor-kr FILE] [--only 123456]";
const MEASURE: &str = include_str!("measure.lua");

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let options: HashMap<&str, &str> =
        args.chunks_exact(2).map(|pair| (pair[0].trim_start_matches("--"), pair[1].as_str())).collect();
    if let Some(size) = options.get("stream") {
        return stream(size.parse().unwrap());
    }
    if let (Some(tables), Some(world)) = (options.get("tables"), options.get("odd-half")) {
        return other_half(tables, world);
    }
    let (Some(eu), Some(kr)) = (options.get("eu"), options.get("kr")) else {
        println!("{}", USAGE);
        std::process::exit(2);
    };
    let (eu, kr) = (world::read(eu), world::read(kr));
    let (tw, cn) = (options.get("tw").map(|path| world::read(path)), options.get("cn").map(|path| world::read(path)));
    let mut worlds = vec![("EU", &eu), ("KR", &kr)];
    worlds.extend(tw.as_ref().map(|world| ("TW", world)));
    worlds.extend(cn.as_ref().map(|world| ("CN", world)));
    let six = six_times(&eu);
    let with_six: Vec<_> = worlds.iter().copied().chain([("EU", &six)]).collect();
    let only = options.get("only").copied().unwrap_or("123456");
    let report = Report::begin();
    let sections: [(char, &dyn Fn()); 6] = [
        ('1', &|| sizes(&report, &worlds, &options)),
        ('2', &|| loading(&report, &six)),
        ('3', &|| lookups(&report, &with_six)),
        ('4', &|| generator(&report, &eu, &six)),
        ('5', &|| exactness(&report, &worlds, options.get("names").copied())),
        ('6', &|| git(&report, &worlds[..2])),
    ];
    sections.iter().filter(|(number, _)| only.contains(*number)).for_each(|(_, section)| section());
}

/// Prints the bytes that every second player of a world (`TW=FILE`) takes with other tables, and how many they are.
fn other_half(tables: &str, world: &str) {
    use_tables(std::fs::read_to_string(tables).unwrap());
    let (region, path) = world.split_once('=').unwrap();
    let world = world::read(path);
    let half = world::half(&world.characters, 1);
    let bytes = total(&encode(region, &world.raids, &half).unwrap().0);
    println!("{bytes} {}", half.len());
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

fn sizes(report: &Report, worlds: &[(&str, &World)], options: &HashMap<&str, &str>) {
    report.section("1. Size, all files of the region together, specialisations included");
    for (region, world) in worlds {
        let limit = match *region {
            "EU" => 14.2,
            "KR" => 21.0,
            _ => 22.0,
        };
        let lower = region.to_lowercase();
        let half = options.get("half-tables").filter(|_| limit == 22.0).map(|tables| {
            let half = world::half(&world.characters, 1);
            (*tables, half)
        });
        let bytes = total(&encode(region, &world.raids, &world.characters).unwrap().0);
        size(report, &format!("{region} world"), &world.characters, bytes, half.is_none().then_some(limit));
        if let Some(real) = options.get(&*format!("predecessor-{lower}")).and_then(|path| std::fs::metadata(path).ok())
        {
            let n = world.characters.len() as f64;
            let base = Some(("predecessor's real file", real.len() as f64 / n));
            report.figure("bytes per character", bytes / n, "B", None, false, &format!("{region} world"), base);
        }
        if let Some((tables, half)) = half {
            let itself = std::env::current_exe().unwrap();
            let world = format!("{region}={}", options[&*lower]);
            let output = Command::new(itself).args(["--tables", tables, "--odd-half", &world]).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let bytes: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
            size(report, &format!("{region}, other half"), &half, bytes, Some(limit));
        }
    }
}

/// Bytes for each character beside the predecessor's format and a solid xz of the columns.
fn size(report: &Report, on: &str, characters: &[Character], bytes: f64, limit: Option<f64>) {
    let n = characters.len() as f64;
    let on = format!("{on}, {n} characters");
    let figure = |what: &str, base: f64| {
        report.figure("bytes per character", bytes / n, "B", limit, false, &on, Some((what, base / n)));
    };
    figure("predecessor's format", predecessor::data_file(characters).len() as f64);
    if let Some(size) = xz(&predecessor::columns(characters)) {
        figure("xz of bare columns", size);
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
    let (files, _) = encode("EU", &six.raids, &six.characters).unwrap();
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
        write(dir.path(), &encode(region, &world.raids, &world.characters).unwrap().0);
        write(dir.path(), &addon_files());
        let mut addon = Addon::open(dir.path()).unwrap();
        addon.info(region).unwrap();
        let lua = addon.lua();
        let measure: Table = lua.load(MEASURE).eval().unwrap();
        let lookup: mlua::Function = measure.get("lookup").unwrap();
        let mut order: Vec<&Character> = world.characters.iter().collect();
        let mut dice = made_up::Dice::new(7);
        (1..order.len()).rev().for_each(|i| order.swap(i, dice.below(i as u64 + 1) as usize));
        let on = format!("{region}, {} characters", order.len());
        let same: fn(&str) -> String = str::to_owned;
        let absent: fn(&str) -> String = |name| format!("{name}e");
        for (what, asked, limit) in
            [("", same, 60.0), ("absent: ", absent, 60.0), ("another case: ", another_case, 75.0)]
        {
            // Two passes, the better time of each name: what else runs on the machine is not what is measured.
            let mut best = vec![f64::MAX; order.len()];
            let (mut found, mut again, mut garbage) = (0, f64::MAX, f64::MAX);
            for _ in 0..2 {
                let times = Rc::new(RefCell::new(Vec::with_capacity(order.len())));
                let record = Rc::clone(&times);
                let names: Vec<(String, String)> = order.iter().map(|c| (asked(&c.name), c.realm.clone())).collect();
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
            if what.is_empty() {
                assert_eq!(found, order.len() as u64);
            }
            let figure = |name: &str, value, unit, limit| {
                report.figure(&format!("{what}{name}"), value, unit, Some(limit), false, &on, None);
            };
            figure("first sight, mean", mean, "µs", limit);
            figure("first sight, worst", worst, "µs", 500.0);
            figure("again, mean", again, "µs", 1.0);
            figure("again, garbage", garbage, "B", 0.0);
        }
    }
}

fn generator(report: &Report, eu: &World, six: &World) {
    report.section("4. Generator");
    for world in [eu, six] {
        let n = world.characters.len() as f64;
        let start = Instant::now();
        encode("EU", &world.raids, &world.characters).unwrap();
        let rate = n / start.elapsed().as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        report.figure(
            "characters a second",
            rate,
            "/s",
            Some(300_000.0),
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
        realm.iter().for_each(|c| encoder.push(c));
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

/// The name in another letter case: all capitals, or all small letters where that changes nothing.
fn another_case(name: &str) -> String {
    let one = |c: char, other: &dyn Fn(char) -> String| {
        let changed = other(c);
        // One letter for one letter, there and back: `ß` has no capital of one letter in every font, `ŉ` has two.
        let mut letters = changed.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.to_lowercase().eq(c.to_lowercase()) => letter,
            _ => c,
        }
    };
    let upper: String = name.chars().map(|c| one(c, &|c| c.to_uppercase().to_string())).collect();
    if upper == name { name.chars().map(|c| one(c, &|c| c.to_lowercase().to_string())).collect() } else { upper }
}

/// Compares every answer with the input, in the exact spelling and in another case; returns how many were compared, and
/// how many of them share their name with another in other letter case, so that only the exact spelling finds them.
fn compare(region: &str, raids: &[Raid], characters: &[Character]) -> (usize, usize) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &encode(region, raids, characters).unwrap().0);
    write(dir.path(), &addon_files());
    let mut addon = Addon::open(dir.path()).unwrap();
    let folded = |c: &Character| (c.realm.clone(), c.name.to_lowercase());
    let mut namesakes: HashMap<(String, String), usize> = HashMap::new();
    characters.iter().for_each(|c| *namesakes.entry(folded(c)).or_default() += 1);
    let mut shared = 0;
    for c in characters {
        let found = addon.lookup(&c.name, &c.realm, region).unwrap().unwrap();
        let place = |raid: u32, id: u32| {
            raids.iter().find(|r| r.id == raid).and_then(|r| r.encounters.iter().position(|e| e.id == id))
        };
        let ranks = c.ranks.iter().map(|r| {
            let mut encounters: Vec<FoundEncounter> = r
                .encounters
                .iter()
                .map(|e| FoundEncounter { id: e.id, rank: e.rank, kills: e.kills.min(255) as u8 })
                .collect();
            encounters.sort_by_key(|e| (place(r.raid, e.id).unwrap_or(usize::MAX), e.id));
            let spec = r.spec.as_ref().map(ToString::to_string);
            FoundRanks { raid: r.raid, difficulty: r.difficulty, metric: r.metric.to_string(), spec, encounters }
        });
        let mut ranks: Vec<FoundRanks> = ranks.collect();
        ranks.sort_by_key(|r| (std::cmp::Reverse((r.raid, r.difficulty)), r.metric.clone()));
        let (name, realm, region) = (c.name.clone(), c.realm.clone(), region.to_owned());
        let want = Found { name, realm, region, class_id: c.class_id, ranks };
        assert_eq!(found, want);
        let other = addon.lookup(&another_case(&c.name), &c.realm, &want.region).unwrap();
        if namesakes[&folded(c)] == 1 {
            assert_eq!(other, Some(want), "{}", another_case(&c.name));
        } else {
            shared += 1;
        }
    }
    (characters.len(), shared)
}

fn exactness(report: &Report, worlds: &[(&str, &World)], names: Option<&str>) {
    report.section("5. Exactness: characters whose whole answer equals the input, also in another letter case");
    let figure = |(n, shared): (usize, usize), on: &str| {
        let on = format!("{on} ({shared} share a name)");
        report.figure("exact round trips", n as f64, "", Some(n as f64), true, &on, None);
    };
    for (region, world) in worlds {
        figure(compare(region, &world.raids, &world.characters), &format!("{region} world"));
    }
    if let Some(path) = names {
        let mut dice = made_up::Dice::new(11);
        let raids: Vec<Raid> = worlds.iter().rev().take(2).flat_map(|(_, world)| world.raids.clone()).collect();
        let mut all: Vec<Character> = world::read_names(path).into_iter().flatten().collect();
        for c in &mut all {
            c.class_id = 1 + dice.below(13) as u8;
            c.ranks = made_up::ranks(c.class_id, &raids, &mut dice);
        }
        world::sort(&mut all);
        figure(compare("EU", &raids, &all), "real EU names, made-up ranks");
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
            write(dir.path(), &encode(region, &world.raids, characters).unwrap().0);
            run_git(dir.path(), &["add", "-A"]);
            run_git(dir.path(), &["commit", "-qm", "Data"]);
        };
        write(dir.path(), &addon_files());
        commit(&world.characters);
        let (mut characters, mut dice) = (world.characters.clone(), made_up::Dice::new(5));
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
        report.figure("pack growth / file, mean", growth, "%", Some(1.0), false, &on, None);
        report.figure("pack growth / file, worst", worst, "%", None, false, &on, None);
    }
}
