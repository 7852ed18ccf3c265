//! Warcraft Logs' numbers of the classes (not Blizzard's), by their slug.

/// Slugs in order of their number, which begins with 1.
const CLASSES: [&str; 13] = [
    "DeathKnight",
    "Druid",
    "Hunter",
    "Mage",
    "Monk",
    "Paladin",
    "Priest",
    "Rogue",
    "Shaman",
    "Warlock",
    "Warrior",
    "DemonHunter",
    "Evoker",
];

/// The number of a class.
pub fn class_id(slug: &str) -> Option<u8> {
    (1..).zip(CLASSES).find(|(_, class)| *class == slug).map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_numbers_of_the_api() {
        assert_eq!((class_id("DeathKnight"), class_id("Shaman"), class_id("Evoker")), (Some(1), Some(9), Some(13)));
        assert_eq!(class_id("Bard"), None);
    }
}
