//! What an addon repository needs besides the addon and its data: written once by `parsebook addon-repo init`, and from
//! then on kept by its owner.

use crate::addon::addon_files;
use crate::file::File;
use crate::meta::AddonMeta;

const README: &str = include_str!("../repository/README.md");
const LICENSE: &str = include_str!("../../../LICENSE");
const RELEASE: &str = include_str!("../repository/workflows/release.yml");
const INTERFACE: &str = include_str!("../repository/workflows/interface.yml");
/// What the packager leaves behind on the owner's machine.
const GITIGNORE: &str = ".release/\n";

/// Stands in the release workflow for the name of the branch that releases come from.
const BRANCH: &str = "BRANCH";

/// Every file of a new addon repository: README, licence, workflows, and the addon without data. db-generator replaces
/// the addon with every run and leaves the rest alone.
pub fn repository_files(branch: &str, meta: &AddonMeta) -> Vec<File> {
    // In a list of YAML in brackets, a quoted name may hold anything that git allows in one.
    let release = RELEASE.replace(&format!("[{BRANCH}]"), &format!("[{branch:?}]"));
    let file = |path: &str, text: &str| File { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let own = [
        file("README.md", README),
        file("LICENSE", LICENSE),
        file(".gitignore", GITIGNORE),
        file(".github/workflows/release.yml", &release),
        file(".github/workflows/interface.yml", INTERFACE),
    ];
    let mut addon = addon_files();
    meta.apply(&mut addon, None, None);
    own.into_iter().chain(addon).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(branch: &str, path: &str) -> String {
        let file = repository_files(branch, &AddonMeta::default()).into_iter().find(|file| file.path == path).unwrap();
        String::from_utf8(file.bytes).unwrap()
    }

    #[test]
    fn releases_wait_for_the_permission_and_need_no_personal_token() {
        let release = text("main", ".github/workflows/release.yml");
        assert!(release.contains("branches: [\"main\"]"), "{release}");
        for job in ["if: vars.WCL_DISTRIBUTION_APPROVED == 'true'", "if: vars.WCL_DISTRIBUTION_APPROVED != 'true'"] {
            assert!(release.contains(job), "{job}");
        }
        let (tag, packager) =
            (release.find("git tag \"$day").unwrap(), release.find("BigWigsMods/packager@v2").unwrap());
        assert!(tag < packager && !release[tag..packager].contains("runs-on"), "tag and packager are one job");
        let secrets: Vec<_> = release.split("secrets.").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
        assert_eq!(secrets, ["CF_API_KEY", "WAGO_API_TOKEN", "WOWI_API_TOKEN", "GITHUB_TOKEN"]);
    }

    #[test]
    fn a_branch_cannot_break_out_of_its_place() {
        let release = text("a\"]\n#", ".github/workflows/release.yml");
        assert!(release.contains("branches: [\"a\\\"]\\n#\"]"), "{release}");
    }

    #[test]
    fn everything_but_the_data_is_there() {
        let paths: Vec<_> = repository_files("main", &AddonMeta::default()).into_iter().map(|file| file.path).collect();
        for path in ["README.md", "LICENSE", ".pkgmeta", "Parsebook/Parsebook.toc", ".github/workflows/interface.yml"] {
            assert!(paths.iter().any(|there| there == path), "{path}");
        }
        assert!(!paths.iter().any(|path| path.starts_with("Parsebook_DB")));
    }
}
