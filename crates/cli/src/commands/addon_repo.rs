//! `addon-repo init`: the files of a new addon repository, written once.

use std::path::Path;

use anyhow::Context;
use parsebook_adapters::settings::{AddonSettings, Environment};
use parsebook_addon_db::{File, repository_files};

use crate::args::{AddonRepoCommand, Common};
use crate::output::say;

/// Does what the command line says.
///
/// # Errors
/// When a setting is malformed or the folder cannot be written.
pub fn addon_repo(common: &Common, command: AddonRepoCommand) -> anyhow::Result<()> {
    let AddonRepoCommand::Init { branch } = command;
    let environment = Environment::of_process();
    let AddonSettings { meta, .. } = AddonSettings::read(&environment)?;
    let branch = match branch {
        Some(branch) => branch,
        None => environment.text("GIT_BRANCH", "main")?,
    };
    let (mut written, mut kept) = (0, 0);
    for file in repository_files(&branch, &meta) {
        if write_once(&common.out, &file)? {
            written += 1;
        } else {
            // The addon itself is db-generator's and needs no word.
            if !file.path.starts_with("Parsebook/") {
                say(&format!("kept     {}", file.path));
            }
            kept += 1;
        }
    }
    say(&format!("{written} files written to {}, {kept} kept as they were.", common.out.display()));
    say(
        "Next: read README.md there, commit and push it yourself once (pushing .github/workflows needs a login that may",
    );
    say("write workflows), then let db-generator or `parsebook run` bring the data.");
    Ok(())
}

/// Writes a file unless there is one; whether it was written.
fn write_once(out: &Path, file: &File) -> anyhow::Result<bool> {
    let path = out.join(&file.path);
    if path.symlink_metadata().is_ok() {
        return Ok(false);
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    std::fs::write(&path, &file.bytes).with_context(|| format!("writing {}", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays() {
        let out = tempfile::tempdir().unwrap();
        std::fs::write(out.path().join("README.md"), "mine").unwrap();
        let common = Common {
            data: "data".into(),
            out: out.path().to_owned(),
            wcl_url: None,
            store: crate::args::StoreKind::Sqlite,
        };
        let init = || AddonRepoCommand::Init { branch: Some("main".into()) };
        addon_repo(&common, init()).unwrap();
        assert_eq!(std::fs::read_to_string(out.path().join("README.md")).unwrap(), "mine");
        let release = out.path().join(".github/workflows/release.yml");
        assert!(release.is_file() && out.path().join("LICENSE").is_file());
        std::fs::write(&release, "changed by its owner").unwrap();
        addon_repo(&common, init()).unwrap();
        assert_eq!(std::fs::read_to_string(release).unwrap(), "changed by its owner");
    }
}
