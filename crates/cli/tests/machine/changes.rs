//! Characters that hide, leave, are renamed or move: what the next published database says of them, read by Lua.

use std::time::Duration;

use parsebook_addon_db::reader::Addon;
use parsebook_core::ports::Discoveries;
use parsebook_core::rule::SourceKind;
use parsebook_core::scrap::{Discovered, RaidsToScrap};
use parsebook_simulator::{CharacterEdit, Edit, Player, Realm, World};

use crate::common::{Bench, regions};

const DAY: Duration = Duration::from_secs(24 * 3600 + 60);

fn found(addon: &mut Addon, player: &Player<'_>, name: &str, realm: &Realm) -> bool {
    addon.lookup(name, &realm.name, player.realm().region.compact_name()).unwrap().is_some()
}

#[tokio::test]
async fn the_next_database_follows_what_happened_to_characters() {
    let bench = Bench::start(World::generate(400, 51), |_| {}).await;
    let machine = bench.machine(&[]);
    bench.add_rules(&machine, SourceKind::Reports);
    let first = machine.run_once(&regions()).await.unwrap();
    assert!(first.errors.is_empty(), "{:?}", first.errors);
    let world = bench.world();
    let mut addon = Addon::open(bench.addon()).unwrap();
    let published: Vec<Player<'_>> = world
        .players()
        .filter(|player| player.is_rankable() && found(&mut addon, player, player.name(), player.realm()))
        .collect();
    let [hidden, gone, renamed, moved, unchanged] = [0, 10, 20, 30, 40].map(|at| published[at]);
    let of_moved = |realm: &&Realm| realm.region == moved.realm().region && realm.name != moved.realm().name;
    let other_realm = world.realms().iter().find(of_moved).unwrap().clone();

    bench.simulator.edit_character(hidden.id(), CharacterEdit { is_hidden: true, ..CharacterEdit::default() });
    bench.simulator.edit_character(gone.id(), CharacterEdit { is_gone: true, ..CharacterEdit::default() });
    let new_name = Some("Umbenannt".to_owned());
    bench.simulator.edit_character(renamed.id(), CharacterEdit { name: new_name, ..CharacterEdit::default() });
    let realm = Some(other_realm.clone());
    bench.simulator.edit_character(moved.id(), CharacterEdit { realm, ..CharacterEdit::default() });
    // They raid again: their reports grow.
    for code in bench.simulator.reports().codes() {
        bench.simulator.edit_report(&code, Edit { revisions: 1, ..Edit::default() });
    }
    bench.clock.advance(DAY);
    // Who was deleted stands in no report any more. It waited to be asked for when that happened; who is never asked for
    // again is left out after KEEP_RANKS_DAYS.
    let (raid, difficulty) = gone.pairs().next().unwrap();
    let waits = Discovered { id: gone.id() as u32, raids_to_scrap: RaidsToScrap::one(raid as u32, difficulty) };
    machine.store().merge(&[waits]).await.unwrap();
    let second = machine.run_once(&regions()).await.unwrap();
    assert!(second.errors.is_empty(), "{:?}", second.errors);

    let mut addon = Addon::open(bench.addon()).unwrap();
    let mut is_found = |player: &Player<'_>, name: &str, realm: &Realm| found(&mut addon, player, name, realm);
    assert!(!is_found(&hidden, hidden.name(), hidden.realm()), "who hides its ranks is gone");
    assert!(!is_found(&gone, gone.name(), gone.realm()), "who was deleted is gone");
    assert!(!is_found(&renamed, renamed.name(), renamed.realm()) && is_found(&renamed, "Umbenannt", renamed.realm()));
    assert!(!is_found(&moved, moved.name(), moved.realm()) && is_found(&moved, moved.name(), &other_realm));
    assert!(is_found(&unchanged, unchanged.name(), unchanged.realm()));
}
