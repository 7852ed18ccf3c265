//! The addon itself: hand-written files that never depend on data.

use crate::files::File;

macro_rules! addon_file {
    ($path:literal) => {
        ($path, include_str!(concat!("../addon/", $path)))
    };
}

const FILES: [(&str, &str); 17] = [
    addon_file!(".pkgmeta"),
    addon_file!("Parsebook/Parsebook.toc"),
    addon_file!("Parsebook/Fold.lua"),
    addon_file!("Parsebook/Tables.lua"),
    addon_file!("Parsebook/Decoder.lua"),
    addon_file!("Parsebook/Tables1.lua"),
    addon_file!("Parsebook/Decoder1.lua"),
    addon_file!("Parsebook/Database.lua"),
    addon_file!("Parsebook/Guard.lua"),
    addon_file!("Parsebook/Options.lua"),
    addon_file!("Parsebook/Region.lua"),
    addon_file!("Parsebook/Lines.lua"),
    addon_file!("Parsebook/Tooltip.lua"),
    addon_file!("Parsebook/GroupFinder.lua"),
    addon_file!("Parsebook/Link.lua"),
    addon_file!("Parsebook/Command.lua"),
    addon_file!("Parsebook/API.md"),
];

/// The files of `Parsebook/` and `.pkgmeta`, as they stand in the addon repository.
pub fn addon_files() -> Vec<File> {
    FILES.iter().map(|(path, text)| File { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() }).collect()
}
