//! What an operator decides about the `.toc` files, and what of it the repository knows better.

use chrono::{DateTime, NaiveDate};

use crate::file::File;

/// Interface numbers of the game versions for which the addon is made (see warcraft.wiki.gg/wiki/TOC_format).
pub const INTERFACE: &str = "120100, 120007, 120005";
/// Where the addon's own `.toc` stands in the addon repository.
pub const ADDON_TOC: &str = "Parsebook/Parsebook.toc";
/// Tells wow-interface-updater, which `addon-repo init` sets up, which clients a list of interface numbers is for.
const UPDATER_MARK: &str = "# WOW_INTERFACE_TARGETS: mainline-test, mainline";
/// What the source has in place of a version.
const NO_VERSION: &str = "@project-version@";

/// The `ADDON_*` settings. The default is today's built-in list of interface numbers, and no ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddonMeta {
    interface: Option<Vec<u32>>,
    curse_id: Option<String>,
    wago_id: Option<String>,
    wowi_id: Option<String>,
}

/// A setting that no `.toc` can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct MetaError {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong with it; does not repeat the name.
    pub problem: String,
}

impl AddonMeta {
    /// Checks the four settings; `variable` answers the value of a variable, `None` where it is not set.
    ///
    /// # Errors
    /// Names the first variable that is malformed: `ADDON_INTERFACE` is a list of numbers such as `120100, 120007`,
    /// `ADDON_CURSE_ID` and `ADDON_WOWI_ID` are numbers, `ADDON_WAGO_ID` is letters and digits.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MetaError> {
        let variable = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let id = |name: &'static str, what: &str, is_good: fn(&char) -> bool| match variable(name) {
            Some(text) if text.len() > 32 || !text.chars().all(|c| is_good(&c)) => {
                Err(MetaError { variable: name, problem: format!("is {text:?}: {what}") })
            }
            id => Ok(id),
        };
        let interface = variable("ADDON_INTERFACE").map(|text| {
            parse_interface(&text).ok_or_else(|| MetaError {
                variable: "ADDON_INTERFACE",
                problem: format!("is {text:?}, not a list of interface numbers such as {INTERFACE}"),
            })
        });
        Ok(Self {
            interface: interface.transpose()?,
            curse_id: id("ADDON_CURSE_ID", "a project's number at CurseForge", char::is_ascii_digit)?,
            wago_id: id("ADDON_WAGO_ID", "a project's id at Wago, of letters and digits", char::is_ascii_alphanumeric)?,
            wowi_id: id("ADDON_WOWI_ID", "a project's number at WoWInterface", char::is_ascii_digit)?,
        })
    }

    /// Writes the settings into the `.toc` files among `files`; all others stay as they are.
    ///
    /// `published` is [`ADDON_TOC`] as it stands in the repository: its list of interface numbers wins if its highest
    /// is higher than ours (somebody, or the interface updater, was faster), and the addon's version never goes back.
    /// `newest` is the newest rank's time in seconds since 1970, which the addon's version names.
    pub fn apply(&self, files: &mut [File], published: Option<&str>, newest: Option<i64>) {
        let interface = self.interface(published);
        for file in files.iter_mut().filter(|file| has_extension(&file.path, "toc")) {
            let text = String::from_utf8_lossy(&file.bytes);
            let lines = text.lines().flat_map(|line| match line.split_once(": ") {
                Some(("## Interface", _)) => vec![format!("## Interface: {interface}"), UPDATER_MARK.to_owned()],
                Some(("## Version", NO_VERSION)) => self.version_and_ids(published, newest),
                _ => vec![line.to_owned()],
            });
            file.bytes = lines.flat_map(|line| [line, "\n".to_owned()]).collect::<String>().into_bytes();
        }
    }

    fn interface(&self, published: Option<&str>) -> String {
        let built_in = || parse_interface(INTERFACE).unwrap_or_default();
        let ours = self.interface.clone().unwrap_or_else(built_in);
        let theirs = published.and_then(|toc| tag(toc, "Interface")).map(interfaces_in).unwrap_or_default();
        let chosen = if theirs.iter().max() > ours.iter().max() { theirs } else { ours };
        chosen.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    }

    fn version_and_ids(&self, published: Option<&str>, newest: Option<i64>) -> Vec<String> {
        let before =
            published.and_then(|toc| tag(toc, "Version")).filter(|version| is_date(version)).map(str::to_owned);
        let version = newest.and_then(version_of).max(before).unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
        let ids = [("Curse-Project-ID", &self.curse_id), ("Wago-ID", &self.wago_id), ("WoWI-ID", &self.wowi_id)];
        let ids = ids.iter().filter_map(|(name, id)| id.as_ref().map(|id| format!("## X-{name}: {id}")));
        std::iter::once(format!("## Version: {version}")).chain(ids).collect()
    }
}

/// The value of a tag of a `.toc`.
fn tag<'a>(toc: &'a str, name: &str) -> Option<&'a str> {
    let value = |line: &'a str| {
        let (key, value) = line.trim_start_matches('\u{feff}').strip_prefix("##")?.split_once(':')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    };
    toc.lines().find_map(value)
}

/// The interface numbers in a list that somebody may have written by hand, whatever stands between and behind them.
fn interfaces_in(text: &str) -> Vec<u32> {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| (5..=6).contains(&digits.len()));
    numbers.filter_map(|digits| digits.parse().ok()).take(20).collect()
}

/// "120100, 120007" as numbers; `None` for anything that is no list of five or six digits each.
fn parse_interface(text: &str) -> Option<Vec<u32>> {
    let number = |part: &str| {
        let part = part.trim();
        let is_good = (5..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_good.then(|| part.parse().ok()).flatten()
    };
    let numbers: Option<Vec<u32>> = text.split(',').map(number).collect();
    numbers.filter(|numbers| numbers.len() <= 20)
}

/// The version that a moment stands for: its day (UTC), `2026.11.28`. `None` for moments that no calendar has.
pub(crate) fn version_of(seconds: i64) -> Option<String> {
    DateTime::from_timestamp(seconds, 0).map(|at| at.format("%Y.%m.%d").to_string())
}

fn is_date(version: &str) -> bool {
    NaiveDate::parse_from_str(version, "%Y.%m.%d").is_ok()
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addon_files;

    fn meta(variables: &[(&str, &str)]) -> Result<AddonMeta, MetaError> {
        AddonMeta::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn toc(meta: &AddonMeta, published: Option<&str>, newest: Option<i64>) -> String {
        let mut files = addon_files();
        meta.apply(&mut files, published, newest);
        String::from_utf8(files.into_iter().find(|file| file.path == ADDON_TOC).unwrap().bytes).unwrap()
    }

    #[test]
    fn settings_stand_in_the_toc() {
        let set = [
            ("ADDON_INTERFACE", " 120105,120100\n"),
            ("ADDON_CURSE_ID", "279257"),
            ("ADDON_WAGO_ID", "b6mb0XKP"),
            ("ADDON_WOWI_ID", "24987"),
        ];
        let toc = toc(&meta(&set).unwrap(), None, Some(1_700_000_000));
        for line in [
            "## Interface: 120105, 120100\n# WOW_INTERFACE_TARGETS: ",
            "\n## Version: 2023.11.14\n",
            "\n## X-Curse-Project-ID: 279257\n",
            "\n## X-Wago-ID: b6mb0XKP\n",
            "\n## X-WoWI-ID: 24987\n",
        ] {
            assert!(toc.contains(line), "{line:?} in {toc}");
        }
    }

    #[test]
    fn unset_is_the_built_in_list_and_no_ids() {
        let meta = meta(&[("ADDON_CURSE_ID", "  "), ("ADDON_INTERFACE", "")]).unwrap();
        assert_eq!(meta, AddonMeta::default());
        let toc = toc(&meta, None, None);
        assert!(toc.contains(&format!("## Interface: {INTERFACE}\n")) && !toc.contains("X-Curse"), "{toc}");
        assert!(toc.contains(&format!("## Version: {}\n", env!("CARGO_PKG_VERSION"))), "{toc}");
    }

    #[test]
    fn a_list_in_the_repository_with_a_higher_number_wins() {
        let ours = meta(&[("ADDON_INTERFACE", "120100, 120007")]).unwrap();
        for (published, expected) in [
            ("## Interface: 120105, 120100\n", "120105, 120100"),
            ("## Title: x\r\n## Interface:120200\r\n", "120200"),
            ("## Interface: 120100\n", "120100, 120007"),
            ("## Interface: 110207, 50500\n", "120100, 120007"),
            ("## Interface: nonsense\n", "120100, 120007"),
            ("## Interface: 999999999\n", "120100, 120007"),
            ("", "120100, 120007"),
        ] {
            let toc = toc(&ours, Some(published), None);
            assert!(toc.contains(&format!("## Interface: {expected}\n")), "{published:?}: {toc}");
        }
    }

    #[test]
    fn the_version_never_goes_back_and_publishing_again_changes_nothing() {
        let meta = AddonMeta::default();
        let first = toc(&meta, None, Some(1_700_000_000));
        assert_eq!(toc(&meta, Some(&first), Some(1_700_000_000)), first);
        assert_eq!(toc(&meta, Some(&first), Some(1_600_000_000)), first);
        assert_eq!(toc(&meta, Some(&first), None), first);
        assert!(toc(&meta, Some(&first), Some(1_800_000_000)).contains("## Version: 2027.01.15\n"));
    }

    #[test]
    fn only_toc_files_are_written_and_nothing_breaks_out_of_a_line() {
        let mut files = addon_files();
        meta(&[("ADDON_INTERFACE", "120105")]).unwrap().apply(&mut files, None, None);
        for (before, after) in addon_files().iter().zip(&files) {
            assert_eq!(before == after, before.path != ADDON_TOC, "{}", before.path);
        }
        for (name, value) in [
            ("ADDON_INTERFACE", "120105\n## X: 1"),
            ("ADDON_INTERFACE", "12.1"),
            ("ADDON_INTERFACE", ","),
            ("ADDON_INTERFACE", "-12010"),
            ("ADDON_CURSE_ID", "12a"),
            ("ADDON_CURSE_ID", "1\n2"),
            ("ADDON_WAGO_ID", "a b"),
            ("ADDON_WAGO_ID", "é"),
            ("ADDON_WOWI_ID", "-1"),
        ] {
            let error = meta(&[(name, value)]).unwrap_err();
            assert_eq!(error.variable, name, "{value:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}
