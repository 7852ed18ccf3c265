//! Made-up names of players and realms in the scripts the game is played in. Syllables, not lists: no real name is meant.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Region;

/// What a realm's people write in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Accented,
    Cyrillic,
    Hangul,
    Chinese,
}

const HEADS: [&str; 24] = [
    "Bra", "Kel", "Mor", "Tha", "Zu", "El", "Dro", "Fi", "Gor", "Ha", "Is", "Ju", "Ky", "Lo", "Ny", "Or", "Pra", "Qui",
    "Ri", "Sha", "Ty", "Ul", "Vex", "Wil",
];
const MIDDLES: [&str; 16] =
    ["ra", "li", "do", "me", "nu", "ta", "vi", "so", "ga", "ren", "mil", "dar", "the", "ko", "ba", "lu"];
const TAILS: [&str; 20] = [
    "n", "th", "rion", "s", "dor", "lia", "x", "ric", "mon", "ne", "ss", "vak", "wen", "zar", "gul", "", "ka", "ly",
    "tus", "mir",
];
const ACCENTS: [(char, [char; 4]); 7] = [
    ('a', ['á', 'â', 'ä', 'å']),
    ('e', ['é', 'è', 'ê', 'ë']),
    ('i', ['í', 'ï', 'î', 'ì']),
    ('o', ['ó', 'ô', 'ö', 'ø']),
    ('u', ['ú', 'û', 'ü', 'ù']),
    ('n', ['ñ', 'ñ', 'ñ', 'n']),
    ('s', ['š', 'ß', 's', 'š']),
];
const CYRILLIC: [&str; 24] = [
    "бо", "ви", "гра", "до", "жи", "зо", "ка", "лю", "ми", "но", "пе", "ро", "све", "та", "ус", "фе", "хо", "чу", "ша",
    "щи", "эл", "юн", "яр", "ёж",
];
const HANGUL: [char; 32] = [
    '가', '나', '다', '라', '마', '바', '사', '아', '자', '차', '카', '타', '파', '하', '검', '달', '빛', '별', '숲',
    '불', '얼', '음', '돌', '풍', '운', '희', '령', '궁', '쌍', '뜻', '꿈', '뱀',
];
const CHINESE: [char; 32] = [
    '风', '云', '雷', '火', '山', '林', '月', '星', '剑', '影', '龙', '虎', '雪', '夜', '白', '青', '紫', '墨', '霜',
    '灵', '战', '歌', '寒', '霸', '清', '秋', '梦', '灬', '丶', '丨', '乄', '醉',
];

/// A player's name: 2 to 12 characters, the first one a capital where the script has them.
pub(super) fn player(rng: &mut ChaCha8Rng, script: Script) -> String {
    match script {
        Script::Latin => latin(rng),
        Script::Accented => accented(rng),
        Script::Cyrillic => {
            let count = 2 + rng.random_range(0..3);
            capital(&(0..count).map(|_| pick(rng, &CYRILLIC)).collect::<String>())
        }
        Script::Hangul => (0..2 + rng.random_range(0..4)).map(|_| pick(rng, &HANGUL)).collect(),
        Script::Chinese => (0..2 + rng.random_range(0..4)).map(|_| pick(rng, &CHINESE)).collect(),
    }
}

fn pick<T: Copy>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())]
}

fn latin(rng: &mut ChaCha8Rng) -> String {
    let mut name = pick(rng, &HEADS).to_owned();
    for _ in 0..rng.random_range(0..3) {
        name.push_str(pick(rng, &MIDDLES));
    }
    name.push_str(pick(rng, &TAILS));
    name.truncate(12);
    if name.len() < 3 { name + "io" } else { name }
}

/// A Latin name with an accent on one or two letters.
fn accented(rng: &mut ChaCha8Rng) -> String {
    let name = latin(rng);
    let mut left = 1 + rng.random_range(0..2);
    let change = |c: char| match ACCENTS.iter().find(|(plain, _)| *plain == c) {
        Some((_, accents)) if left > 0 => {
            left -= 1;
            pick(rng, accents)
        }
        _ => c,
    };
    name.chars().map(change).collect()
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A realm's display name. `number` makes sure that every shape of name occurs: spaces, hyphens, both apostrophes,
/// parentheses.
pub(super) fn realm(rng: &mut ChaCha8Rng, region: Region, script: Script, number: usize) -> String {
    let word = |rng: &mut ChaCha8Rng| player(rng, script);
    match (script, region) {
        (Script::Hangul | Script::Chinese, _) if number % 4 == 1 => format!("{} {}", word(rng), word(rng)),
        (Script::Hangul | Script::Chinese, _) => word(rng),
        (Script::Cyrillic, _) if number % 3 == 1 => format!("{}-{}", word(rng), word(rng).to_lowercase()),
        (Script::Cyrillic, _) => format!("{} {}", word(rng), word(rng)),
        _ => match number % 8 {
            0 => word(rng),
            1 => format!("{} {}", word(rng), word(rng)),
            2 => format!("{}-{}", word(rng), word(rng).to_lowercase()),
            3 => format!("{}'{}", word(rng), word(rng)),
            4 => format!("{}\u{2019}{}", word(rng), word(rng)),
            5 => format!("{} ({})", word(rng), accented(rng)),
            6 => format!("The {} {}", word(rng), word(rng)),
            _ => format!("{} d'{}", word(rng), accented(rng)),
        },
    }
}

/// The name as combat logs show it: without white space and hyphens.
pub(super) fn normalized(display: &str) -> String {
    display.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

/// The name in addresses: lower case, words joined by hyphens, without other punctuation.
pub(super) fn slug(display: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || c.is_whitespace();
    display.to_lowercase().chars().filter(kept).map(|c| if c.is_whitespace() { '-' } else { c }).collect()
}
