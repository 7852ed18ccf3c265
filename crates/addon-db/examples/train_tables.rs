//! Writes `addon/Parsebook/Tables.lua` from real data.
//!
//! `train_tables OUT --names FILE… --world FILE=NAME_WEIGHT,RANK_WEIGHT…`: names files hold a `# Realm` line and then
//! its names; world files are those of the simulator (JSON lines, raids first).
//! `train_tables costs WORLD…` prints instead what each kind of symbol costs with the tables now in use.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for maintainers: stopping is the right answer")]

#[path = "support/world.rs"]
mod world;

use parsebook_addon_db::training::{Costs, Counter};

fn main() {
    let mut counter = Counter::default();
    let mut args = std::env::args().skip(1);
    let out = args.next().unwrap();
    if out == "costs" {
        return args.for_each(|path| print_costs(&path));
    }
    let mut is_world = false;
    for arg in args {
        match arg.as_str() {
            "--names" => is_world = false,
            "--world" => is_world = true,
            file if !is_world => {
                for realm in world::read_names(file) {
                    counter.add(&[], &realm, 1.0, 0.0);
                }
            }
            file => {
                let (path, weights) = file.split_once('=').unwrap();
                let (names, ranks) = weights.split_once(',').unwrap();
                let world = world::read(path);
                for realm in world.characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm) {
                    counter.add(&world.raids, realm, names.parse().unwrap(), ranks.parse().unwrap());
                }
            }
        }
    }
    std::fs::write(out, counter.finish()).unwrap();
}

fn print_costs(path: &str) {
    let world = world::read(path);
    let mut costs = Costs::default();
    for realm in world.characters.chunk_by(|a, b| a.normalized_realm == b.normalized_realm) {
        costs.add(&world.raids, realm);
    }
    println!("bits per character in {path}");
    for (kind, bits) in costs.finish() {
        println!("  {kind:<12} {:8.3}", bits / world.characters.len() as f64);
    }
}
