//! Reading world files: JSON lines, a header naming the raids, then one player per line. A bad player line is set
//! aside with its cause; only a file without a usable header fails.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::classes::can_heal;

use super::builder::Builder;
use super::{Encounter, Kill, Metric, Raid, Realm, Region, World};

/// A line longer than this is skipped unread: no real player needs a tenth of it.
const LONGEST_LINE: u64 = 1 << 20;
/// Raids have a handful of partitions; each one is listed by the API.
const MOST_PARTITIONS: i32 = 1000;
/// How many set-aside lines keep their cause; all are counted.
const KEPT_CAUSES: usize = 20;

/// A world file that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The world file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The first line is not a header.
    #[error("{0}")]
    Header(LineError),
}

/// One line that was skipped, printed as `file:line: cause`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// The world file.
    pub file: PathBuf,
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong with it, in one line.
    pub cause: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.cause)
    }
}

/// A world and what was left out of it.
#[derive(Debug)]
pub struct Loaded {
    /// The world made of all files.
    pub world: World,
    /// Number of malformed lines that were skipped.
    pub skipped: usize,
    /// The first twenty of them with their cause.
    pub causes: Vec<LineError>,
    /// Number of players left out because an earlier line had the same id.
    pub repeated: usize,
}

#[derive(Deserialize)]
struct Header {
    zones: Vec<ZoneLine>,
}

#[derive(Deserialize)]
struct ZoneLine {
    id: i32,
    name: String,
    partition: i32,
    #[serde(default)]
    frozen: bool,
    encounters: Vec<EncounterLine>,
}

#[derive(Deserialize)]
struct EncounterLine {
    id: i32,
    name: String,
}

#[derive(Deserialize)]
struct PlayerLine<'a> {
    id: i32,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    region: Cow<'a, str>,
    #[serde(borrow)]
    server: ServerLine<'a>,
    #[serde(rename = "classId")]
    class_id: u8,
    #[serde(default)]
    hidden: bool,
    #[serde(borrow)]
    ranks: Vec<(i32, u8, i32, Cow<'a, str>, u8, u16)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerLine<'a> {
    id: i32,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    normalized_name: Cow<'a, str>,
    #[serde(borrow)]
    slug: Cow<'a, str>,
}

impl World {
    /// Reads and merges world files.
    ///
    /// The first line of each is `{"zones":[{"id","name","partition","encounters":[{"id","name"}]}]}`, every other one
    /// a player: `{"id","name","region","server":{"id","name","normalizedName","slug"},"classId","ranks":[[raid,
    /// difficulty, encounter, metric, rank 0..100, kills]]}`. Two additions of ours: `"hidden":true`, and `classId` 0
    /// for a character without a class. Raids known from several files are merged.
    ///
    /// # Errors
    /// A file that cannot be read, or whose first line is not a header. Malformed player lines are no error.
    pub fn load<P: AsRef<Path>>(files: &[P]) -> Result<Loaded, WorldError> {
        let mut builder = Builder::default();
        let (mut skipped, mut causes) = (0, Vec::new());
        for file in files {
            read_file(file.as_ref(), &mut builder, &mut |cause| {
                skipped += 1;
                if causes.len() < KEPT_CAUSES {
                    causes.push(cause);
                }
            })?;
        }
        let (world, repeated) = builder.finish();
        Ok(Loaded { world, skipped, causes, repeated })
    }
}

fn read_file(file: &Path, builder: &mut Builder, skipped: &mut impl FnMut(LineError)) -> Result<(), WorldError> {
    let unreadable = |source| WorldError::Read { file: file.to_path_buf(), source };
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file).map_err(unreadable)?);
    let problem = |line, cause: String| LineError { file: file.to_path_buf(), line, cause: one_line(&cause) };
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        let length = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(unreadable)?;
        if length == 0 {
            break;
        }
        number += 1;
        if length as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
            reader.skip_until(b'\n').map_err(unreadable)?;
            let cause = problem(number, "longer than 1 MiB".to_owned());
            if number == 1 {
                return Err(WorldError::Header(cause));
            }
            skipped(cause);
        } else if number == 1 {
            read_header(&line, builder).map_err(|cause| WorldError::Header(problem(number, cause)))?;
        } else if !line.trim_ascii().is_empty()
            && let Err(cause) = read_player(&line, builder)
        {
            skipped(problem(number, cause));
        }
    }
    if number == 0 {
        return Err(WorldError::Header(problem(1, "the file is empty; a header with zones is missing".to_owned())));
    }
    Ok(())
}

fn read_header(line: &[u8], builder: &mut Builder) -> Result<(), String> {
    let header: Header = serde_json::from_slice(line).map_err(|error| format!("not a world header: {error}"))?;
    for zone in header.zones {
        let ids = zone.encounters.iter().map(|line| line.id).chain([zone.id, zone.partition]);
        if ids.min().is_none_or(|least| least < 1) || zone.partition > MOST_PARTITIONS {
            return Err(format!("zone {}: ids must be positive and the partition within 1..=1000", zone.id));
        }
        let encounters = zone.encounters.into_iter().map(|line| Encounter { id: line.id, name: line.name }).collect();
        let raid = Raid { id: zone.id, name: zone.name, partition: zone.partition, frozen: zone.frozen, encounters };
        if !builder.add_raid(raid) {
            return Err("more than 255 raids, or bosses in one raid".to_owned());
        }
    }
    Ok(())
}

fn read_player(line: &[u8], builder: &mut Builder) -> Result<(), String> {
    let player: PlayerLine<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let id = u32::try_from(player.id).ok().filter(|&id| id > 0).ok_or("the id is not positive")?;
    let region = Region::parse(&player.region).ok_or_else(|| format!("unknown region {:?}", player.region))?;
    if player.class_id > 13 {
        return Err(format!("unknown class {}", player.class_id));
    }
    let mut kills = Vec::with_capacity(player.ranks.len());
    for (raid_id, difficulty, encounter_id, metric, rank, count) in &player.ranks {
        let unknown = || format!("unknown boss {encounter_id} of raid {raid_id}");
        let raid = builder.raids().iter().position(|raid| raid.id == *raid_id).ok_or_else(unknown)?;
        let encounters = &builder.raids()[raid].encounters;
        let encounter = encounters.iter().position(|boss| boss.id == *encounter_id).ok_or_else(unknown)?;
        if !matches!(difficulty, 1 | 3 | 4 | 5) {
            return Err(format!("unknown difficulty {difficulty}"));
        }
        let told = Metric::parse(metric).ok_or_else(|| format!("unknown metric {metric:?}"))?;
        // World files deal classes and metrics independently: what a class cannot heal is damage.
        let metric = if can_heal(player.class_id) { told } else { Metric::Dps };
        if *rank > 100 || *count == 0 {
            return Err(format!("rank {rank} with {count} kills is impossible"));
        }
        kills.push(Kill {
            raid: raid as u8,
            difficulty: *difficulty,
            encounter: encounter as u8,
            metric,
            rank: *rank,
            kills: *count,
        });
    }
    let realm = Realm {
        id: player.server.id,
        name: player.server.name.into_owned(),
        normalized_name: player.server.normalized_name.into_owned(),
        slug: player.server.slug.into_owned(),
        region,
    };
    let realm = builder.add_realm(realm).map_err(|rejected| rejected.to_string())?;
    builder
        .add_player(id, &player.name, realm, player.class_id, player.hidden, kills)
        .map_err(|rejected| rejected.to_string())
}

/// Keeps a cause on one line and printable, whatever the file holds.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}
