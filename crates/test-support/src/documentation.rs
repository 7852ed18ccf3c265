//! What the documentation tells people to type, for tests that type it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use parsebook_simulator::World;

/// A command of the documentation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Documented {
    /// The page, from the root of the repository.
    pub page: String,
    /// The command as it stands there.
    pub command: String,
    /// Whether it is a line of a block, which people copy whole.
    pub is_block: bool,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every command of the README and of `docs/` that begins with `prefix`, in the order of the pages, each once.
///
/// # Errors
/// When a page cannot be read.
pub fn commands(prefix: &str) -> Result<Vec<Documented>> {
    let mut pages = vec!["README.md".to_owned()];
    let entries = std::fs::read_dir(root().join("docs"))?.collect::<std::io::Result<Vec<_>>>()?;
    let names = entries.iter().map(|entry| format!("docs/{}", entry.file_name().to_string_lossy()));
    pages.extend(names.filter(|name| name.ends_with(".md")));
    pages[1..].sort();
    let mut found: Vec<Documented> = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(root().join(&page)).with_context(|| page.clone())?;
        for (command, is_block) in code(&text).into_iter().filter(|(code, _)| code.starts_with(prefix)) {
            if found.iter().all(|known| known.command != command) {
                found.push(Documented { page: page.clone(), command, is_block });
            }
        }
    }
    Ok(found)
}

/// Lines of fenced blocks, without their comments, and what stands between backticks elsewhere.
fn code(text: &str) -> Vec<(String, bool)> {
    let mut code = Vec::new();
    let mut is_fenced = false;
    let mut begun = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            code.extend(line.split('`').skip(1).step_by(2).map(|code| (code.to_owned(), false)));
        } else if let Some(more) = line.strip_suffix('\\') {
            begun.push_str(more);
        } else {
            begun.push_str(line.split("  #").next().unwrap_or_default());
            code.push((std::mem::take(&mut begun).trim().to_owned(), true));
        }
    }
    code
}

/// A made-up world in which the examples of the documentation find something: its raids, 31 and 44, in every difficulty,
/// and the player 57147396.
///
/// # Errors
/// When the world cannot be written or read.
pub fn world(players: u32) -> Result<World> {
    let encounters =
        |first: u32| (first..first + 4).map(|id| serde_json::json!({ "id": id, "name": format!("Boss {id}") }));
    let raid = |id: u32, name: &str, first: u32| serde_json::json!({ "id": id, "name": name, "partition": 1, "encounters": encounters(first).collect::<Vec<_>>() });
    let zones = [raid(31, "Vault of the Incarnates", 2587), raid(44, "Manaforge Omega", 3129)];
    let mut lines = vec![serde_json::json!({ "zones": zones })];
    let realm = |region: &str| {
        serde_json::json!({ "id": if region == "EU" { 1 } else { 2 }, "name": format!("Temple {region}"),
                            "normalizedName": format!("Temple{region}"), "slug": format!("temple-{region}").to_lowercase() })
    };
    for index in 0..players {
        let region = if index % 4 == 3 { "US" } else { "EU" };
        let ranks: Vec<_> = [(31, 2587), (44, 3129)]
            .into_iter()
            .flat_map(|(raid, first)| [3, 4, 5].map(|difficulty| (raid, first, difficulty)))
            .flat_map(|(raid, first, difficulty)| {
                (first..first + 4)
                    .map(move |boss| (raid, difficulty, boss, "dps", (index * 7 + boss) % 100, 1 + index % 5))
            })
            .collect();
        lines.push(serde_json::json!({ "id": 57_147_396 + index, "name": name(index), "region": region,
                                       "server": realm(region), "classId": 4, "ranks": ranks }));
    }
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(World::load(&[file.path()])?.world)
}

/// A name of letters alone.
fn name(mut index: u32) -> String {
    let mut name = "Raider".to_owned();
    for _ in 0..4 {
        name.push(char::from(b'a' + u8::try_from(index % 26).unwrap_or_default()));
        index /= 26;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_blocks_and_in_sentences() {
        let text = "Run `a b` or\n```\na c   # why\na d \\\n    --e\n```\n| f | `a g '{\"h\":1}'` |\n";
        let found = [("a b", false), ("a c", true), ("a d     --e", true), ("a g '{\"h\":1}'", false)];
        assert_eq!(code(text), found.map(|(code, is_block)| (code.to_owned(), is_block)));
    }
}
