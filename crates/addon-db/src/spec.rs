//! Specialisations by class, as Warcraft Logs spells them (its slugs). Order and spelling are part of the format;
//! `Decoder.lua` holds the same list. Others are spelled out.

/// By class id, from 1. Healing ones are marked for the assumptions of `training.rs`.
pub const SPECS: [&[(&str, bool)]; 13] = [
    &[("Blood", false), ("Frost", false), ("Unholy", false)],
    &[("Balance", false), ("Feral", false), ("Guardian", false), ("Restoration", true)],
    &[("BeastMastery", false), ("Marksmanship", false), ("Survival", false)],
    &[("Arcane", false), ("Fire", false), ("Frost", false)],
    &[("Brewmaster", false), ("Mistweaver", true), ("Windwalker", false)],
    &[("Holy", true), ("Protection", false), ("Retribution", false)],
    &[("Discipline", true), ("Holy", true), ("Shadow", false)],
    &[("Assassination", false), ("Subtlety", false), ("Outlaw", false)],
    &[("Elemental", false), ("Enhancement", false), ("Restoration", true)],
    &[("Affliction", false), ("Demonology", false), ("Destruction", false)],
    &[("Arms", false), ("Fury", false), ("Protection", false)],
    &[("Havoc", false), ("Vengeance", false), ("Devourer", false)],
    &[("Devastation", false), ("Preservation", true), ("Augmentation", false)],
];
/// Longest name that is carried, in bytes.
pub const MAX_SPEC_BYTES: usize = 63;
/// Symbol of a specialisation that is unknown; 1 to 4 are those of the class.
pub const NO_SPEC: usize = 0;
/// Symbol of one that is spelled out.
pub const OTHER_SPEC: usize = 5;

/// The symbol of a class's specialisation.
pub fn symbol(class_id: u8, spec: Option<&str>) -> usize {
    let Some(spec) = spec else { return NO_SPEC };
    let of_class = usize::from(class_id).checked_sub(1).and_then(|i| SPECS.get(i));
    of_class.and_then(|all| all.iter().position(|(name, _)| *name == spec)).map_or(OTHER_SPEC, |i| i + 1)
}

/// The row in which a specialisation is chosen: by the class, the metric, and whether the one before in the block,
/// also another character's, was unknown.
pub fn row(class_id: u8, metric: &str, unknown_before: bool) -> usize {
    let class = if (1..=13).contains(&class_id) { usize::from(class_id) } else { 0 };
    let metric = ["dps", "hps"].iter().position(|m| *m == metric).unwrap_or(2);
    (usize::from(unknown_before) * 14 + class) * 3 + metric
}
