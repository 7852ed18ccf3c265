-- The addon's texts in English, which every other language falls back to. A translation is a file beside this one that
-- begins with the test of the client's language and sets the same keys. %s and %d stand for what is filled in; where a
-- language wants another order, %2$s and so on.

local _, ns = ...

-- The client's language.
ns.Locale = ns.Text(ns.Ask(GetLocale)) or "enUS"

local L = {}
ns.L = L

-- Ranks
L.RAID = "Raid %d"
L.BOSS = "Boss %d"
L.DIFFICULTY = "Difficulty %d"
L.LETTER_MYTHIC = "M"
L.LETTER_HEROIC = "H"
L.LETTER_NORMAL = "N"
L.LETTER_LFR = "LFR"
L.RANKS_OF = "Ranks of %s"
L.RANKS_OLD = "Ranks are of %s: %d days old"
L.NO_RANKS = "no ranks of %s: not a raider in the recorded raids, hidden, or newer than the data."
L.NO_DATE = "No ranks."

-- The data
L.NO_REGION = "There is no data for this region."
L.DATA_MISSING = "The data of region %s is not installed or not enabled (%s). Install the addon %s."
L.DATA_DISABLED = "The data of region %s is switched off (%s). Tick %s in the list of addons, then type /reload."
L.DATA_OUTDATED = "The data of region %s is for an older client (%s). Update the addon %s."
L.DATA_CORRUPT = "The data of region %s could not be read (%s). Install the addon %s anew."
L.DATA_BROKE_OFF = "The data of region %s did not load to its end. Type /reload; if that does not help, install %s anew."
L.DATA_STALE = "The ranks are %d days old. Update Parsebook to see newer ones."
L.INFO = "region %s: %d characters of %d realms."
L.INFO_RAID = "%s, %d bosses"

-- Menus, panel, page on Warcraft Logs
L.MENU_PAGE = "Warcraft Logs page"
L.MENU_RANKS = "Show ranks"
L.SEARCH = "Name-Realm"
L.COPY_URL = "Warcraft Logs: %s\nCopy the address with Ctrl-C."

-- Commands
L.HELP_NAME = "/parsebook NAME[-REALM]: ranks of a character; without a name, of your target or yourself"
L.HELP_SEARCH = "/parsebook search: a window with a search box"
L.HELP_URL = "/parsebook url NAME[-REALM]: address of its page on Warcraft Logs"
L.HELP_INFO = "/parsebook info: which data is installed"
L.HELP_OPTIONS = "/parsebook options: the page in the game's settings"
L.HELP_SET = "/parsebook set OPTION VALUE: change an option; without a value, list them"
L.GIVE_A_NAME = "Give a name, or a name and a realm: Name-Realm."
L.IS_NOW = "%s is now %s."
L.AFTER_RELOAD = "The menus are as the game made them after the next /reload."
L.NOT_IN_COMBAT = "The options cannot be opened in combat."
L.NO_PAGE = "This client has no page for options; use /parsebook set."

-- Options: label and sentence
L.OPTION_tooltip = "Tooltips of players"
L.OPTION_tooltip_HELP = "Shows ranks when the mouse is over a player or a unit frame."
L.OPTION_groupFinder = "Group finder"
L.OPTION_groupFinder_HELP = "Shows ranks of leaders and applicants, also when you are not the leader."
L.OPTION_rows = "Rank in the rows"
L.OPTION_rows_HELP = "Writes the rank for the listed raid and difficulty into the rows of the group finder."
L.OPTION_sort = "Sort by rank"
L.OPTION_sort_HELP = "Puts the groups and applicants with the highest rank first."
L.OPTION_lists = "Lists"
L.OPTION_lists_HELP = "Shows ranks in the lists of guild, communities, friends, recent allies, quick join and /who."
L.OPTION_whoChat = "Answers of /who in chat"
L.OPTION_whoChat_HELP = "Adds a line with the rank below each answer of /who in chat."
L.OPTION_menu = "Right-click menus"
L.OPTION_menu_HELP = "Adds the Warcraft Logs page to menus. If menu entries of the game are blocked, switch this off and /reload."
L.OPTION_hideInCombat = "Hidden in combat"
L.OPTION_hideInCombat_HELP = "Shows nothing while you fight."
L.OPTION_modifier = "Key for every boss"
L.OPTION_modifier_HELP = "Hold this key to see every boss and older raids."
L.OPTION_modifierOnly = "Only with the key"
L.OPTION_modifierOnly_HELP = "Shows nothing in tooltips until the key is held."
L.OPTION_newestOnly = "Only the newest raid"
L.OPTION_newestOnly_HELP = "Older raids appear only with the key."
L.OPTION_bestOnly = "Only the hardest difficulty"
L.OPTION_bestOnly_HELP = "Shows the hardest difficulty of each raid and leaves out the easier ones."
L.OPTION_mythic = "Mythic ranks"
L.OPTION_mythic_HELP = "Shows ranks of Mythic difficulty."
L.OPTION_heroic = "Heroic ranks"
L.OPTION_heroic_HELP = "Shows ranks of Heroic difficulty."
L.OPTION_normal = "Normal ranks"
L.OPTION_normal_HELP = "Shows ranks of Normal difficulty."
L.OPTION_lfr = "Raid Finder ranks"
L.OPTION_lfr_HELP = "Shows ranks of the Raid Finder."
L.OPTION_maxLines = "Number of lines"
L.OPTION_maxLines_HELP = "A tooltip gets no more lines than this without the key."
L.OPTION_colours = "Colours"
L.OPTION_colours_HELP = "The colours of Warcraft Logs, colours that differ in brightness alone, or none."
L.OPTION_icons = "Icons"
L.OPTION_icons_HELP = "Shows icons of class, specialization and role."
L.OPTION_englishNames = "English names"
L.OPTION_englishNames_HELP = "Shows raids, bosses and specializations by their English names."
L.OPTION_notices = "Notices at login"
L.OPTION_notices_HELP = "Says at login when data is missing or old."
L.CHOICE_SHIFT = "Shift key"
L.CHOICE_CTRL = "Ctrl key"
L.CHOICE_ALT = "Alt key"
L.CHOICE_WCL = "Warcraft Logs colours"
L.CHOICE_BRIGHTNESS = "Brightness (colour-blind)"
L.CHOICE_NONE = "No colours"
