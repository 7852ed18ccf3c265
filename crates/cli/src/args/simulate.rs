//! The switches of `parsebook simulate`: its time, and how its API behaves.

use std::time::Duration;

use chrono::{DateTime, Utc};
use parsebook_simulator::{Behaviour, Best, Compare, DefaultMetric, HpsRows, Price, Shown, Timeframe};

/// When things happen in the simulated world.
#[derive(Debug, clap::Args)]
pub struct SimulatedTimeArgs {
    /// Let every kill of the world happen in a season of reports that begins now, by the simulator's clock.
    #[arg(long)]
    pub season: bool,
    /// How long the season lasts.
    #[arg(long, value_name = "N", default_value_t = 84, value_parser = clap::value_parser!(u64).range(1..=400), requires = "season")]
    pub season_days: u64,
    /// A clock that begins there instead of the real one. `POST /simulator/clock?advance=SECONDS` moves it.
    #[arg(long, value_name = "2026-09-01T18:00:00Z")]
    pub clock: Option<DateTime<Utc>>,
    /// Simulated seconds in each real one.
    #[arg(long, value_name = "N", default_value_t = 1.0, requires = "clock")]
    pub clock_speed: f64,
}

/// How the simulated API behaves where the live one is not known for sure.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is not known of the live API")]
pub struct BehaviourArgs {
    /// What a report's rankings cost: 2 points, or 2 for each kill.
    #[arg(long, value_name = "flat|per-kill", default_value = "per-kill")]
    pub price: Price,
    /// Points for a page of the list of reports.
    #[arg(long, value_name = "N", default_value_t = 1.0)]
    pub list_price: f64,
    /// Each further rankings field of a request costs a point less.
    #[arg(long)]
    pub alias_discount: bool,
    /// The last page of reports that is given.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(i32).range(1..))]
    pub page_cap: i32,
    /// The metric of a character's rankings when none is named.
    #[arg(long, value_name = "character|dps", default_value = "character")]
    pub default_metric: DefaultMetric,
    /// Which kill a character's rankings show.
    #[arg(long, value_name = "best-percent|best-amount", default_value = "best-percent")]
    pub shown_kill: Shown,
    /// What ranks are compared with when the query does not say.
    #[arg(long, value_name = "rankings|parses", default_value = "rankings")]
    pub default_compare: Compare,
    /// Which time's ranks are meant when the query does not say.
    #[arg(long, value_name = "today|historical", default_value = "historical")]
    pub default_timeframe: Timeframe,
    /// Hours after its end until a kill has ranks.
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub ranked_after_hours: u32,
    /// Who stands in a report's rankings under hps.
    #[arg(long, value_name = "everybody|healers", default_value = "everybody")]
    pub hps_rows: HpsRows,
    /// Hidden characters stand in a report's rankings.
    #[arg(long)]
    pub hidden_rows: bool,
    /// Kills in LFR have no rankings in a report.
    #[arg(long)]
    pub lfr_unranked: bool,
    /// Where `best` is filled when several kills are asked.
    #[arg(long, value_name = "best-kill|always", default_value = "best-kill")]
    pub best: Best,
    /// Reports so old have no rankings any more.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(0..))]
    pub archived_after_days: Option<i64>,
    /// A raid and difficulty that is refused; may be given several times.
    #[arg(long, value_name = "RAID:DIFFICULTY", value_parser = odd_pair)]
    pub odd_pair: Vec<(i32, u8)>,
    /// A raid that has no ranks; may be given several times.
    #[arg(long, value_name = "RAID")]
    pub unranked_raid: Vec<i32>,
    /// A raid without partitions; may be given several times.
    #[arg(long, value_name = "RAID")]
    pub raid_without_partitions: Vec<i32>,
}

impl BehaviourArgs {
    /// As the simulator takes it.
    pub fn behaviour(&self) -> Behaviour {
        Behaviour {
            price: self.price,
            list_price: self.list_price,
            alias_discount: self.alias_discount,
            page_cap: self.page_cap,
            default_metric: self.default_metric,
            shown: self.shown_kill,
            default_compare: self.default_compare,
            default_timeframe: self.default_timeframe,
            ranked_after: Duration::from_secs(u64::from(self.ranked_after_hours) * 3600),
            hps_rows: self.hps_rows,
            hidden_rows: self.hidden_rows,
            lfr_ranked: !self.lfr_unranked,
            best: self.best,
            archived_after_days: self.archived_after_days,
            odd_pairs: self.odd_pair.clone(),
            unranked_raids: self.unranked_raid.clone(),
            raids_without_partitions: self.raid_without_partitions.clone(),
        }
    }
}

fn odd_pair(text: &str) -> Result<(i32, u8), String> {
    let read = || {
        let (raid, difficulty) = text.split_once(':')?;
        Some((raid.parse().ok()?, difficulty.parse().ok()?))
    };
    read().ok_or_else(|| "a pair is written RAID:DIFFICULTY, as 40:5".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command, SimulateArgs};

    fn simulate(flags: &str) -> Result<SimulateArgs, clap::Error> {
        let words = ["parsebook", "simulate"].into_iter().chain(flags.split_whitespace());
        match Args::try_parse_from(words)?.command {
            Command::Simulate(args) => Ok(*args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_the_api_behaves_as_the_simulator_does_by_default() {
        assert_eq!(simulate("").unwrap().behaviour.behaviour(), Behaviour::default());
    }

    #[test]
    fn each_switch_is_read() {
        let flags = "--price flat --list-price 1.5 --alias-discount --page-cap 3 --default-metric dps --shown-kill best-amount \
            --default-compare parses --default-timeframe today --ranked-after-hours 6 --hps-rows healers --hidden-rows \
            --lfr-unranked --best always --archived-after-days 365 --odd-pair 40:5 --unranked-raid 40 \
            --raid-without-partitions 41";
        let expected = Behaviour {
            price: Price::Flat,
            list_price: 1.5,
            alias_discount: true,
            page_cap: 3,
            default_metric: DefaultMetric::Dps,
            shown: Shown::BestAmount,
            default_compare: Compare::Parses,
            default_timeframe: Timeframe::Today,
            ranked_after: Duration::from_secs(6 * 3600),
            hps_rows: HpsRows::Healers,
            hidden_rows: true,
            lfr_ranked: false,
            best: Best::Always,
            archived_after_days: Some(365),
            odd_pairs: vec![(40, 5)],
            unranked_raids: vec![40],
            raids_without_partitions: vec![41],
        };
        assert_eq!(simulate(flags).unwrap().behaviour.behaviour(), expected);
        for wrong in ["--price cheap", "--odd-pair 40", "--page-cap 0", "--clock-speed 2", "--season-days 7"] {
            assert!(simulate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_season_runs_by_a_clock_of_its_own() {
        let time = simulate("--season --season-days 14 --clock 2026-09-01T18:00:00Z --clock-speed 3600").unwrap().time;
        assert!(time.season && time.season_days == 14 && time.clock_speed == 3600.0);
        assert_eq!(time.clock.unwrap().timestamp(), 1_788_285_600);
    }
}
