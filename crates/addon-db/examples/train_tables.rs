//! Writes `addon/Parsebook/Tables.lua` from real data.
//!
//! `train_tables OUT [--tables FILE] [--half] [--rare N] --names FILE… --world REGION=FILE=NAME_WEIGHT,RANK_WEIGHT…`: names files hold a
//! `# Realm` line and then its names; world files are those of the simulator (JSON lines, raids first). `--half` leaves
//! out every second player of TW and CN. Chinese characters met less than N times are not listed; names count by their
//! weight. Which are listed is taken from the tables in use (or `--tables`), so run it twice.
//! `train_tables costs REGION=WORLD…` prints instead what each kind of symbol costs with the tables now in use.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for maintainers: stopping is the right answer")]

#[path = "support/world.rs"]
mod world;

use parsebook_addon_db::Character;
use parsebook_addon_db::training::{Costs, Counter, use_tables};

fn main() {
    let mut counter = Counter::default();
    let mut args = std::env::args().skip(1);
    let out = args.next().unwrap();
    if out == "costs" {
        return args.for_each(|world| print_costs(&world));
    }
    let (mut is_world, mut half, mut rare) = (false, false, 2.0);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--names" => is_world = false,
            "--world" => is_world = true,
            "--half" => half = true,
            "--tables" => use_tables(std::fs::read_to_string(args.next().unwrap()).unwrap()),
            "--rare" => rare = args.next().unwrap().parse().unwrap(),
            file if !is_world => {
                for realm in world::read_names(file) {
                    counter.add("EU", &[], &realm, 1.0, 0.0);
                }
            }
            world => {
                let [region, path, weights] = world.split('=').collect::<Vec<_>>()[..] else { panic!("{world}") };
                let (names, ranks) = weights.split_once(',').unwrap();
                let mut world = world::read(path);
                if half && (region == "TW" || region == "CN") {
                    world.characters = world::half(&world.characters, 0);
                }
                for realm in realms(&world.characters) {
                    counter.add(region, &world.raids, realm, names.parse().unwrap(), ranks.parse().unwrap());
                }
            }
        }
    }
    std::fs::write(out, counter.finish(rare)).unwrap();
}

fn realms(characters: &[Character]) -> impl Iterator<Item = &[Character]> {
    characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm)
}

fn print_costs(world: &str) {
    let (region, path) = world.split_once('=').unwrap();
    let world = world::read(path);
    let mut costs = Costs::default();
    realms(&world.characters).for_each(|realm| costs.add(region, &world.raids, realm));
    println!("bits per character in {path}");
    let costs = costs.finish();
    for (kind, bits) in &costs {
        println!("  {kind:<12} {:8.3}", bits / world.characters.len() as f64);
    }
    let sum: f64 = costs.iter().map(|(_, bits)| bits).sum();
    println!("  {:<12} {:8.3}", "all", sum / world.characters.len() as f64);
}
