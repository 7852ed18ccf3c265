//! The addon itself: hand-written files that never depend on data.

use crate::file::File;

/// Name and text of files below `addon/`, in the order of the `.toc`.
macro_rules! addon_files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../addon/", $path)))),*]
    };
}

const FILES: &[(&str, &str)] = &addon_files![
    ".pkgmeta",
    "Parsebook/Parsebook.toc",
    "Parsebook/Guard.lua",
    "Parsebook/Locales/enUS.lua",
    "Parsebook/Locales/deDE.lua",
    "Parsebook/Locales/esES.lua",
    "Parsebook/Locales/esMX.lua",
    "Parsebook/Locales/frFR.lua",
    "Parsebook/Locales/itIT.lua",
    "Parsebook/Locales/koKR.lua",
    "Parsebook/Locales/ptBR.lua",
    "Parsebook/Locales/ruRU.lua",
    "Parsebook/Locales/zhCN.lua",
    "Parsebook/Locales/zhTW.lua",
    "Parsebook/Fold.lua",
    "Parsebook/Tables.lua",
    "Parsebook/Decoder.lua",
    "Parsebook/Tables1.lua",
    "Parsebook/Decoder1.lua",
    "Parsebook/Database.lua",
    "Parsebook/Options.lua",
    "Parsebook/OptionsPage.lua",
    "Parsebook/Colours.lua",
    "Parsebook/Specs.lua",
    "Parsebook/Best.lua",
    "Parsebook/Regions.lua",
    "Parsebook/Who.lua",
    "Parsebook/Data.lua",
    "Parsebook/Journal.lua",
    "Parsebook/Lines.lua",
    "Parsebook/Shown.lua",
    "Parsebook/Tooltip.lua",
    "Parsebook/Activity.lua",
    "Parsebook/GroupFinder.lua",
    "Parsebook/GroupFinderRows.lua",
    "Parsebook/OwnTooltip.lua",
    "Parsebook/Lists.lua",
    "Parsebook/Link.lua",
    "Parsebook/Menus.lua",
    "Parsebook/Panel.lua",
    "Parsebook/Compartment.lua",
    "Parsebook/Command.lua",
    "Parsebook/Api.lua",
    "Parsebook/API.md",
];

/// The files of `Parsebook/` and `.pkgmeta`, as they stand in the addon repository where nothing is set
/// (see [`crate::AddonMeta`]).
pub fn addon_files() -> Vec<File> {
    FILES.iter().map(|(path, text)| File { path: (*path).to_owned(), bytes: text.as_bytes().to_vec() }).collect()
}
