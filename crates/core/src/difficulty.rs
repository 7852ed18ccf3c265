//! The difficulties of raids.

use crate::Difficulty;

/// Normal; LFR is below it.
pub const NORMAL: Difficulty = 3;
/// Heroic; Mythic is above it.
pub const HEROIC: Difficulty = 4;

/// Every difficulty of a raid and its name.
const ALL: [(Difficulty, &str); 4] = [(1, "LFR"), (NORMAL, "Normal"), (HEROIC, "Heroic"), (5, "Mythic")];

/// All of them in words.
pub const LISTED: &str = "1 (LFR), 3 (Normal), 4 (Heroic), 5 (Mythic)";

/// Whether raids have it.
pub fn is_known(difficulty: Difficulty) -> bool {
    ALL.iter().any(|(known, _)| *known == difficulty)
}

/// Its name; a number for one that no raid has.
pub fn name(difficulty: Difficulty) -> String {
    let known = ALL.iter().find(|(known, _)| *known == difficulty);
    known.map_or_else(|| format!("difficulty {difficulty}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_known() {
        let listed: Vec<String> = ALL.iter().map(|(difficulty, name)| format!("{difficulty} ({name})")).collect();
        assert_eq!(listed.join(", "), LISTED);
        assert!(is_known(4) && !is_known(2));
        assert_eq!((name(4).as_str(), name(2).as_str()), ("Heroic", "difficulty 2"));
    }
}
