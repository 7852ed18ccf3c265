//! What is not known for sure of the live API, each as a switch: `parsebook calibrate` finds out, and must find here
//! exactly what was set. `docs/wcl.md` has what is known.

use std::str::FromStr;
use std::time::Duration;

/// How the API behaves where nobody has measured it twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// What the rankings of a report cost. Default: by kill.
    pub price: Price,
    /// Points for a page of `reports` with codes and times alone. Default 1.
    pub list_price: f64,
    /// Whether each further `rankings` field of a request costs a point less. Default: no.
    pub alias_discount: bool,
    /// The last page of `reports` that is given. Default 25.
    pub page_cap: i32,
    /// The metric of `zoneRankings` and `encounterRankings` when none is named. Default: the character's own.
    pub default_metric: DefaultMetric,
    /// Which kill of a boss `zoneRankings` shows. Default: the one with the best percentage.
    pub shown: Shown,
    /// What ranks are compared with when the query does not say. Default: everyone's best of the tier.
    pub default_compare: Compare,
    /// Which time's ranks are meant when the query does not say. Default: the kill's.
    pub default_timeframe: Timeframe,
    /// How long after its end a kill has ranks. Default 24 h.
    pub ranked_after: Duration,
    /// Who stands in a report's rankings under `hps`. Default: everybody.
    pub hps_rows: HpsRows,
    /// Whether hidden characters stand in a report's rankings. Default: no.
    pub hidden_rows: bool,
    /// Whether kills in LFR have rankings in a report. Default: yes.
    pub lfr_ranked: bool,
    /// Where `best` is filled when several kills are asked. Default: on the best kill alone.
    pub best: Best,
    /// From which age in days a report is archived and has no rankings. Default: never.
    pub archived_after_days: Option<i64>,
    /// Raid and difficulty pairs that `zoneRankings` refuses. Default: none.
    pub odd_pairs: Vec<(i32, u8)>,
    /// Raids without ranks: `rank`, `best` and `rankPercent` are the text "-". Default: none.
    pub unranked_raids: Vec<i32>,
    /// Raids whose list of partitions is empty. Default: none.
    pub raids_without_partitions: Vec<i32>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            price: Price::PerKill,
            list_price: 1.0,
            alias_discount: false,
            page_cap: 25,
            default_metric: DefaultMetric::Character,
            shown: Shown::BestPercent,
            default_compare: Compare::Rankings,
            default_timeframe: Timeframe::Historical,
            ranked_after: Duration::from_secs(24 * 3600),
            hps_rows: HpsRows::Everybody,
            hidden_rows: false,
            lfr_ranked: true,
            best: Best::OfTheBestKill,
            archived_after_days: None,
            odd_pairs: Vec::new(),
            unranked_raids: Vec::new(),
            raids_without_partitions: Vec::new(),
        }
    }
}

macro_rules! choices {
    ($($(#[$meta:meta])* $name:ident { $($(#[$of:meta])* $variant:ident $text:literal),* $(,)? })*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $name { $($(#[$of])* $variant,)* }

            impl FromStr for $name {
                type Err = String;

                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    match text {
                        $($text => Ok(Self::$variant),)*
                        other => Err(format!("{other:?} is none of {}", [$($text),*].join(", "))),
                    }
                }
            }
        )*
    };
}

choices! {
    /// What `report.rankings` costs.
    Price {
        /// 2 points a field, whatever the number of kills.
        Flat "flat",
        /// 2 points for each ranked kill asked for.
        PerKill "per-kill",
    }
    /// The metric when none is named.
    DefaultMetric {
        /// What the character does in that raid and difficulty: `hps` for healers.
        Character "character",
        /// `dps` for everybody.
        Dps "dps",
    }
    /// Which of several kills counts.
    Shown {
        /// The highest percentage.
        BestPercent "best-percent",
        /// The highest amount, which now and then has a lower percentage.
        BestAmount "best-amount",
    }
    /// What a rank is compared with.
    Compare {
        /// Everyone's best of the tier.
        Rankings "rankings",
        /// All kills of two weeks.
        Parses "parses",
    }
    /// Ranks as of when.
    Timeframe {
        /// Now.
        Today "today",
        /// The time of the kill.
        Historical "historical",
    }
    /// Who stands in a report's rankings under `hps`.
    HpsRows {
        /// Everybody.
        Everybody "everybody",
        /// Healers alone.
        Healers "healers",
    }
    /// Where `best` is filled when several kills are asked.
    Best {
        /// On the character's best kill alone; "-" elsewhere.
        OfTheBestKill "best-kill",
        /// On every row, as when one kill is asked.
        Always "always",
    }
}
