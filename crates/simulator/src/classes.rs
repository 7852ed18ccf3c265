//! Classes and specialisations as Warcraft Logs numbers and spells them (recorded `gameData.classes`; slugs without
//! spaces are what rankings carry).

/// What a specialisation does in a raid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Tank,
    Healer,
    Damage,
}

/// A specialisation: its slug, its number inside the class, its role.
pub(crate) type Spec = (&'static str, u8, Role);

/// Class slug, by WCL class id; `Unknown` for a character without a class.
pub(crate) fn class_slug(class_id: u8) -> &'static str {
    CLASSES.get(usize::from(class_id).wrapping_sub(1)).map_or("Unknown", |class| class.0)
}

/// Whether the class has a healing specialisation.
pub(crate) fn can_heal(class_id: u8) -> bool {
    specs(class_id).iter().any(|spec| spec.2 == Role::Healer)
}

/// The specialisation a player of this class heals or, else, does anything else with; `pick` chooses among several.
pub(crate) fn spec_for(class_id: u8, heals: bool, pick: u64) -> Spec {
    let all = specs(class_id);
    let fits = |spec: &&Spec| (spec.2 == Role::Healer) == heals;
    let count = all.iter().filter(fits).count();
    let chosen = if count > 0 {
        all.iter().filter(fits).nth((pick % count as u64) as usize)
    } else {
        all.get((pick % all.len().max(1) as u64) as usize)
    };
    chosen.copied().unwrap_or(("Unknown", 0, Role::Damage))
}

fn specs(class_id: u8) -> &'static [Spec] {
    CLASSES.get(usize::from(class_id).wrapping_sub(1)).map_or(&[], |class| class.1)
}

use Role::{Damage, Healer, Tank};

const CLASSES: [(&str, &[Spec]); 13] = [
    ("DeathKnight", &[("Blood", 1, Tank), ("Frost", 2, Damage), ("Unholy", 3, Damage)]),
    ("Druid", &[("Balance", 1, Damage), ("Feral", 2, Damage), ("Guardian", 3, Tank), ("Restoration", 4, Healer)]),
    ("Hunter", &[("BeastMastery", 1, Damage), ("Marksmanship", 2, Damage), ("Survival", 3, Damage)]),
    ("Mage", &[("Arcane", 1, Damage), ("Fire", 2, Damage), ("Frost", 3, Damage)]),
    ("Monk", &[("Brewmaster", 1, Tank), ("Mistweaver", 2, Healer), ("Windwalker", 3, Damage)]),
    ("Paladin", &[("Holy", 1, Healer), ("Protection", 2, Tank), ("Retribution", 3, Damage)]),
    ("Priest", &[("Discipline", 1, Healer), ("Holy", 2, Healer), ("Shadow", 3, Damage)]),
    ("Rogue", &[("Assassination", 1, Damage), ("Subtlety", 3, Damage), ("Outlaw", 4, Damage)]),
    ("Shaman", &[("Elemental", 1, Damage), ("Enhancement", 2, Damage), ("Restoration", 3, Healer)]),
    ("Warlock", &[("Affliction", 1, Damage), ("Demonology", 2, Damage), ("Destruction", 3, Damage)]),
    ("Warrior", &[("Arms", 1, Damage), ("Fury", 2, Damage), ("Protection", 3, Tank)]),
    ("DemonHunter", &[("Havoc", 1, Damage), ("Vengeance", 2, Tank)]),
    ("Evoker", &[("Devastation", 1, Damage), ("Preservation", 2, Healer), ("Augmentation", 3, Damage)]),
];
