//! `CHANGELOG.md` of the addon repository: what each day's publication brought. Kept by db-generator.

use std::collections::BTreeMap;

/// Where it stands in the repository.
pub const CHANGELOG: &str = "CHANGELOG.md";
const TITLE: &str = "# Changelog";
/// Older days are left out: the packager shows the whole file with every release.
const DAYS: usize = 30;

/// The changelog after a publication. `published` is the one in the repository; `day` (`2026.11.28`) is that of the
/// newest rank, `characters` the number of each region that was published now.
///
/// The same publication again gives the same text, and a day that is there already gets its lines renewed: what people
/// wrote in between stays. A publication of older data than the newest day is noted under that day.
pub fn updated(published: Option<&str>, day: &str, characters: &BTreeMap<String, u64>) -> String {
    let mut days = published.map(read).unwrap_or_default();
    if days.first().is_none_or(|newest| newest.day.as_str() < day) {
        days.insert(0, Day { day: day.to_owned(), lines: vec![] });
    }
    days[0].renew(characters);
    days.truncate(DAYS);
    let days: String = days.iter().map(|day| format!("\n## {}\n\n{}\n", day.day, day.lines.join("\n"))).collect();
    format!("{TITLE}\n{days}")
}

struct Day {
    day: String,
    lines: Vec<String>,
}

impl Day {
    /// One line for each region, in the order of their names, before what people wrote.
    fn renew(&mut self, characters: &BTreeMap<String, u64>) {
        let mut regions: BTreeMap<String, String> = BTreeMap::new();
        let mut others = Vec::new();
        for line in self.lines.drain(..) {
            match region_of(&line) {
                Some(region) => _ = regions.insert(region.to_owned(), line),
                None => others.push(line),
            }
        }
        for (region, count) in characters {
            regions.insert(region.clone(), format!("- {region}: {count} characters"));
        }
        self.lines = regions.into_values().chain(others).collect();
    }
}

/// "EU" of "- EU: 55693 characters".
fn region_of(line: &str) -> Option<&str> {
    let (region, rest) = line.strip_prefix("- ")?.split_once(": ")?;
    rest.ends_with(" characters").then_some(region)
}

fn read(text: &str) -> Vec<Day> {
    let mut days: Vec<Day> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        match (line.strip_prefix("## "), days.last_mut()) {
            (Some(day), _) => days.push(Day { day: day.to_owned(), lines: vec![] }),
            (None, Some(day)) => day.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts.iter().map(|(region, count)| ((*region).to_owned(), *count)).collect()
    }

    #[test]
    fn a_day_is_added_on_top_and_the_same_day_is_renewed() {
        let first = updated(None, "2026.11.27", &characters(&[("US", 5), ("EU", 7)]));
        assert_eq!(first, "# Changelog\n\n## 2026.11.27\n\n- EU: 7 characters\n- US: 5 characters\n");
        assert_eq!(updated(Some(&first), "2026.11.27", &characters(&[("US", 5), ("EU", 7)])), first);
        let later = updated(Some(&first), "2026.11.27", &characters(&[("EU", 8)]));
        assert_eq!(later, "# Changelog\n\n## 2026.11.27\n\n- EU: 8 characters\n- US: 5 characters\n");
        let next = updated(Some(&later), "2026.11.28", &characters(&[("EU", 9)]));
        assert_eq!(next.matches("## ").count(), 2);
        assert!(next.starts_with("# Changelog\n\n## 2026.11.28\n\n- EU: 9 characters\n\n## 2026.11.27\n"), "{next}");
        assert_eq!(updated(Some(&next), "2026.11.01", &characters(&[("EU", 9)])), next, "older data: no new day");
    }

    #[test]
    fn what_people_wrote_stays_and_old_days_go() {
        let written = "# Our changes\n\nHello.\n\n## 2026.11.28\n- Colours are nicer.\n- EU: 1 characters\n\n## 2026.11.27\n- x\n";
        let text = updated(Some(written), "2026.11.28", &characters(&[("EU", 2)]));
        assert!(text.contains("## 2026.11.28\n\n- EU: 2 characters\n- Colours are nicer.\n"), "{text}");
        assert_eq!(updated(Some(&text), "2026.11.28", &characters(&[("EU", 2)])), text);
        let mut long = String::new();
        for day in 0..100 {
            long = updated(Some(&long), &format!("2026.{day:03}"), &characters(&[("EU", day)]));
        }
        assert_eq!(long.matches("\n## ").count(), DAYS);
        assert!(long.contains("## 2026.099"));
    }

    #[test]
    fn anything_may_stand_in_the_repository() {
        for text in ["", "##", "## ", "\r\n## 2026\r\n- EU: 5 characters\r\n", "- EU: 1 characters", "\u{feff}# x"] {
            let once = updated(Some(text), "2026.11.28", &characters(&[("EU", 2)]));
            assert_eq!(updated(Some(&once), "2026.11.28", &characters(&[("EU", 2)])), once, "{text:?}");
        }
    }
}
