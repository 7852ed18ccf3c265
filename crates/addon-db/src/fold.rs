//! Letter case: one small letter for each capital, in Latin, Greek and Cyrillic. `Fold.lua` holds the same ranges.

/// Capitals from first to last, and what to add to get the small letter.
const SHIFTED: [(u32, u32, i32); 16] = [
    (0x41, 0x5A, 32),
    (0xC0, 0xD6, 32),
    (0xD8, 0xDE, 32),
    (0x178, 0x178, -121),
    (0x386, 0x386, 38),
    (0x388, 0x38A, 37),
    (0x38C, 0x38C, 64),
    (0x38E, 0x38F, 63),
    (0x391, 0x3A1, 32),
    (0x3A3, 0x3AB, 32),
    (0x3C2, 0x3C2, 1),
    (0x3CF, 0x3CF, 8),
    (0x400, 0x40F, 80),
    (0x410, 0x42F, 32),
    (0x4C0, 0x4C0, 15),
    (0x1E9E, 0x1E9E, -7615),
];
/// Ranges in which capital and small letter take turns, capital first.
const PAIRS: [(u32, u32); 17] = [
    (0x100, 0x12F),
    (0x132, 0x137),
    (0x139, 0x148),
    (0x14A, 0x177),
    (0x179, 0x17E),
    (0x1CD, 0x1DC),
    (0x1DE, 0x1EF),
    (0x1F8, 0x21F),
    (0x222, 0x233),
    (0x246, 0x24F),
    (0x3D8, 0x3EF),
    (0x460, 0x481),
    (0x48A, 0x4BF),
    (0x4C1, 0x4CE),
    (0x4D0, 0x52F),
    (0x1E00, 0x1E95),
    (0x1EA0, 0x1EFF),
];

/// The code point without regard to letter case.
pub fn fold(code: u32) -> u32 {
    if code < 0x80 {
        return if (0x41..=0x5A).contains(&code) { code + 32 } else { code };
    }
    if let Some(&(_, _, shift)) = SHIFTED.iter().find(|(first, last, _)| (*first..=*last).contains(&code)) {
        return code.saturating_add_signed(shift);
    }
    match PAIRS.iter().find(|(first, last)| (*first..=*last).contains(&code)) {
        Some((first, _)) if (code - first).is_multiple_of(2) => code + 1,
        _ => code,
    }
}

/// The key by which names are sorted and compared: names that differ in letter case only are equal.
pub fn folded(name: &str) -> impl Iterator<Item = u32> {
    name.chars().map(|c| fold(c.into()))
}

/// Whether realms are told apart by this character: white space, hyphens and apostrophes do not count.
fn counts_in_realms(c: char) -> bool {
    !matches!(c,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200d}' | '\u{2028}' | '\u{2029}'
        | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
        | '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
        | '\'' | '`' | '\u{b4}' | '\u{2b9}' | '\u{2bb}'..='\u{2bd}' | '\u{2c8}' | '\u{2018}'..='\u{201b}' | '\u{2032}'
        | '\u{2035}' | '\u{ff07}')
}

/// What is left of a realm's name when spelling doesn't matter: two realms with one key are one realm.
pub fn realm_key(name: &str) -> String {
    let letters = name.chars().filter(|c| counts_in_realms(*c));
    letters.map(|c| char::from_u32(fold(c.into())).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Unicode says, where it gives one letter for one letter.
    fn unicode(code: u32) -> Option<u32> {
        let mut small = char::from_u32(code)?.to_lowercase();
        let first = small.next()?;
        small.next().is_none().then_some(first.into())
    }

    #[test]
    fn agrees_with_unicode_wherever_it_changes_a_letter() {
        for code in (0..0x3000).filter(|&code| fold(code) != code && code != 0x3C2) {
            assert_eq!(Some(fold(code)), unicode(code), "U+{code:04X}");
            assert_eq!(fold(fold(code)), fold(code), "U+{code:04X}");
        }
    }

    #[test]
    fn knows_every_capital_of_the_scripts_in_use() {
        let scripts = (0x41..0x180).chain(0x386..0x3D0).chain(0x400..0x530).chain(0x1E00..0x1F00);
        for code in scripts.filter(|&code| code != 0x130) {
            assert_eq!(
                Some(fold(code)).filter(|_| code != 0x3C2),
                unicode(code).filter(|_| code != 0x3C2),
                "U+{code:04X}"
            );
        }
    }

    #[test]
    fn realm_keys_ignore_what_callers_spell_differently() {
        for spellings in [
            &["Temple noir", "Templenoir", "temple\u{a0}NOIR"][..],
            &["Azjol-Nerub", "AzjolNerub", "Azjol\u{2011}nerub"],
            &["Ner’zhul", "Ner'zhul", "Nerzhul", "Ner´Zhul", "Nerʼzhul"],
            &["Пиратская Бухта", "пиратскаябухта"],
        ] {
            for spelled in spellings {
                assert_eq!(realm_key(spelled), realm_key(spellings[0]), "{spelled}");
            }
        }
        assert_ne!(realm_key("Aggra (Português)"), realm_key("Aggra (Portugues)"));
    }
}
