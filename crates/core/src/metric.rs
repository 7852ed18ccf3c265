//! What ranks measure, and by which metric a spec counts.

use crate::words::words;

words! {
    "metric",
    /// What a rank measures.
    pub enum Metric {
        /// Damage per second: counts for every spec that does not heal.
        Dps = "dps",
        /// Healing per second: counts for the specs that heal.
        Hps = "hps",
    }
}

impl Metric {
    /// The metric by which a spec is measured, `spec` as WCL writes it: `Restoration`, `BeastMastery`.
    pub fn counts(class_id: u8, spec: &str) -> Self {
        // Class numbers as in WCL's gameData: 2 Druid, 5 Monk, 6 Paladin, 7 Priest, 9 Shaman, 13 Evoker.
        match (class_id, spec) {
            (2 | 9, "Restoration") | (5, "Mistweaver") | (6 | 7, "Holy") | (7, "Discipline") | (13, "Preservation") => {
                Self::Hps
            }
            _ => Self::Dps,
        }
    }

    /// Whether a class has a spec that heals.
    pub fn can_heal(class_id: u8) -> bool {
        matches!(class_id, 2 | 5 | 6 | 7 | 9 | 13)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_healing_spec_counts_by_healing_and_every_other_by_damage() {
        let counts = |specs: &[(u8, &str)]| specs.iter().map(|(class, spec)| Metric::counts(*class, spec)).collect();
        let healers =
            [(2, "Restoration"), (5, "Mistweaver"), (6, "Holy"), (7, "Holy"), (7, "Discipline"), (9, "Restoration")];
        let hps: Vec<_> = counts(&healers);
        assert_eq!(hps, [Metric::Hps; 6]);
        let dps: Vec<_> = counts(&[(9, "Elemental"), (6, "Protection"), (1, "Holy"), (13, "Augmentation")]);
        assert_eq!(dps, [Metric::Dps; 4]);
        assert_eq!(Metric::counts(13, "Preservation"), Metric::Hps);
        let heal: Vec<u8> = (1..=13).filter(|&class| Metric::can_heal(class)).collect();
        assert_eq!(heal, [2, 5, 6, 7, 9, 13]);
    }
}
