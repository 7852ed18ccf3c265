//! The addon repository as players get it: packaged by the rules of its `.pkgmeta`, and then tested.
//!
//! Where `PARSEBOOK_PACKAGER` names the real packager (`release.sh` of BigWigsMods/packager), it does the packaging;
//! else the rules that concern this repository are applied here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use parsebook_addon_db::{AddonMeta, File, repository_files};

use crate::addon::{files, run_suite};
use crate::support::write;

/// The lists and maps of a `.pkgmeta`, by name: "a: b" and "a" of every line below it.
fn rules(pkgmeta: &str) -> BTreeMap<String, Vec<String>> {
    let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in pkgmeta.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(entry) => rules.get_mut(&name).unwrap().push(entry.trim_start_matches("- ").to_owned()),
            None => {
                let (key, value) = line.split_once(':').unwrap();
                name = key.to_owned();
                rules.entry(name.clone()).or_default().extend(Some(value.trim().to_owned()).filter(|v| !v.is_empty()));
            }
        }
    }
    rules
}

/// A repository with data, as db-generator leaves it.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let changelog = File { path: "CHANGELOG.md".into(), bytes: b"# Changelog\n".to_vec() };
    for file in repository_files("main", &AddonMeta::default()).iter().chain(&files()).chain(&[changelog]) {
        write(&dir, &file.path, &file.bytes);
    }
    dir
}

fn git(folder: &Path, args: &[&str]) {
    let identity = ["-c", "user.name=owner", "-c", "user.email=owner@example.org", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").current_dir(folder).args(identity).args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Through a bare repository, as it reaches the release workflow.
fn cloned(repository: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(repository, &["init", "--quiet"]);
    git(repository, &["add", "--all"]);
    git(repository, &["commit", "--quiet", "--message", "Ranks"]);
    git(dir.path(), &["init", "--bare", "--quiet", "server.git"]);
    git(repository, &["push", "--quiet", dir.path().join("server.git").to_str().unwrap(), "HEAD:main"]);
    git(dir.path(), &["clone", "--quiet", "--branch", "main", "server.git", "clone"]);
    git(&dir.path().join("clone"), &["tag", "v2026.11.28.1"]);
    dir
}

/// Every file below a folder, as paths inside it.
fn walk(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Packages by the rules: dot files and what is ignored stay behind, the rest goes below the package's name, keywords
/// are replaced where it is not plain-copied, folders are moved, `.toc` files get the line ends of Windows.
fn packaged_by_rules(clone: &Path) -> PathBuf {
    let rules = rules(&std::fs::read_to_string(clone.join(".pkgmeta")).unwrap());
    let release = clone.join(".release");
    let package = &rules["package-as"][0];
    let is_plain = |path: &str| {
        rules["plain-copy"].iter().any(|rule| match rule.strip_suffix("*.lua") {
            Some(folder) => path.starts_with(folder) && path.ends_with(".lua"),
            None => rule == path,
        })
    };
    for path in walk(clone) {
        if path.split('/').any(|part| part.starts_with('.')) || rules["ignore"].contains(&path) {
            continue;
        }
        let mut bytes = std::fs::read(clone.join(&path)).unwrap();
        if !is_plain(&path) {
            let text = String::from_utf8(bytes).unwrap().replace("@project-version@", "v2026.11.28.1");
            bytes = if path.ends_with(".toc") { text.replace('\n', "\r\n") } else { text }.into_bytes();
        }
        let moved = rules["move-folders"].iter().find_map(|rule| {
            let (from, to) = rule.split_once(": ").unwrap();
            let rest = format!("{package}/{path}").strip_prefix(&format!("{from}/"))?.to_owned();
            Some(format!("{to}/{rest}"))
        });
        let target = release.join(moved.unwrap_or_else(|| format!("{package}/{path}")));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, bytes).unwrap();
    }
    release
}

fn packaged_for_real(packager: &str, clone: &Path) -> PathBuf {
    // -d: upload nothing. -z: make no zip. -g: the game type that the release workflow names.
    let output = Command::new("bash").arg(packager).args(["-d", "-z", "-g", "retail"]).current_dir(clone).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    clone.join(".release")
}

#[test]
fn a_generated_repository_packages_cleanly_and_works() {
    let source = repository();
    let dir = cloned(source.path());
    let clone = dir.path().join("clone");
    let release = match std::env::var("PARSEBOOK_PACKAGER") {
        Ok(packager) if !packager.is_empty() => packaged_for_real(&packager, &clone),
        _ => packaged_by_rules(&clone),
    };
    let files = walk(&release);
    for wanted in ["Parsebook/Parsebook.toc", "Parsebook/Locales/koKR.lua", "Parsebook_DB_EU/Realms1.lua"] {
        assert!(files.iter().any(|path| path == wanted), "{wanted} in {files:?}");
    }
    for path in &files {
        let folder = path.split('/').next().unwrap();
        assert!(folder == "Parsebook" || folder.starts_with("Parsebook_DB_"), "{path}");
        assert!(!path.contains("README") && !path.contains("API.md") && !path.contains("/Parsebook/"), "{path}");
    }
    // The suite reads API.md, which players do not get.
    std::fs::copy(clone.join("Parsebook/API.md"), release.join("Parsebook/API.md")).unwrap();
    assert!(run_suite(&release) >= 250);
}
