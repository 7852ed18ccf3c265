//! Ranks of players, each asked for by its number: `zoneRankings` by raid, difficulty and metric.
//!
//! What a player does counts as `dps`, what a healing spec heals as `hps`. A class that can heal is asked for both, in
//! one question where the class is known before, else in two.

mod answer;
mod part;
mod question;

use std::collections::BTreeMap;

use parsebook_core::PlayerId;
use parsebook_core::ports::{ApiError, Clock, RankOutcome, RankSource, Ranked, Wanted};
use parsebook_core::report::Metric;

use self::answer::{Character, Said};
use self::part::Dates;
use self::question::Ask;
use super::WclApi;
use super::keys::KeyState;
use super::pieces::{Pieces, Problem, odd_as_a_whole};
use super::points::Receipt;
use super::question::Question;
use super::reply::Body;

const DPS: &[Metric] = &[Metric::Dps];
const HPS: &[Metric] = &[Metric::Hps];
const BOTH: &[Metric] = &[Metric::Dps, Metric::Hps];

impl<C: Clock> RankSource for WclApi<C> {
    async fn rank(&self, key: &str, players: &[Wanted]) -> Ranked {
        let mut round = Round { api: self, characters: BTreeMap::new(), ranked: Ranked::default() };
        round.ranked.stopped = match self.key(key) {
            Ok(key) => self.rank_in_rounds(key, players, &mut round).await.err(),
            Err(error) => Some(error),
        };
        let Ranked { outcomes, skipped, .. } = &mut round.ranked;
        let failures = outcomes.iter_mut().filter_map(|(_, outcome)| match outcome {
            RankOutcome::Failed(reason) => Some(reason),
            RankOutcome::Update(_) | RankOutcome::Moved(_) | RankOutcome::Never(_) => None,
        });
        self.guard.withhold_from(failures.chain(skipped));
        round.ranked
    }
}

impl<C: Clock> WclApi<C> {
    async fn rank_in_rounds(
        &self,
        key: &KeyState,
        players: &[Wanted],
        round: &mut Round<'_, C>,
    ) -> Result<(), ApiError> {
        let asks: Vec<_> = players
            .iter()
            .map(|player| Ask {
                id: player.discovered.id,
                raids: &player.discovered.raids_to_scrap,
                metrics: if player.class_id.is_some_and(Metric::can_heal) { BOTH } else { DPS },
            })
            .collect();
        let first = self.ask_round(key, &asks, round).await;
        let healers: Vec<_> = asks
            .into_iter()
            .filter(|ask| ask.metrics == DPS && round.is_healer(ask.id))
            .map(|ask| Ask { metrics: HPS, ..ask })
            .collect();
        round.finish_all_but(&healers);
        first?;
        let second = self.ask_round(key, &healers, round).await;
        // Whoever was not reached would be stored without what it healed.
        round.characters.retain(|_, begun| begun.is_complete);
        round.finish_all_but(&[]);
        second
    }

    async fn ask_round(&self, key: &KeyState, asks: &[Ask<'_>], round: &mut Round<'_, C>) -> Result<(), ApiError> {
        let mut rest = asks;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(question::fitting(rest));
            self.ask_in_pieces(key, now, round).await?;
            rest = later;
        }
        Ok(())
    }
}

/// A character on its way.
struct Begun {
    character: Character,
    /// Whether both questions were answered, of two.
    is_complete: bool,
}

/// What was read so far.
struct Round<'a, C> {
    api: &'a WclApi<C>,
    characters: BTreeMap<PlayerId, Begun>,
    ranked: Ranked,
}

impl<C> Round<'_, C> {
    fn is_healer(&self, id: PlayerId) -> bool {
        self.characters.get(&id).is_some_and(|begun| Metric::can_heal(begun.character.identity.class_id))
    }

    fn finish_all_but(&mut self, waiting: &[Ask<'_>]) {
        let waits = |id: PlayerId| waiting.iter().any(|ask| ask.id == id);
        for (id, begun) in std::mem::take(&mut self.characters) {
            if waits(id) {
                self.characters.insert(id, begun);
            } else {
                let (outcome, skipped) = begun.character.finish(id);
                self.ranked.outcomes.push((id, outcome));
                self.ranked.skipped.extend(skipped);
            }
        }
    }

    fn settle(&mut self, id: PlayerId, outcome: RankOutcome) {
        self.characters.remove(&id);
        self.ranked.outcomes.push((id, outcome));
    }
}

impl<C: Clock> Pieces<Ask<'_>> for Round<'_, C> {
    fn question(&self, asks: &[Ask<'_>]) -> Question {
        question::question(asks)
    }

    fn read(&mut self, asks: &[Ask<'_>], body: &Body) -> Result<Vec<usize>, String> {
        let read_at = self.api.clock.now();
        let dates = Dates { read_at, ranked_at: self.api.stamp.unwrap_or(read_at) };
        let said: Vec<_> = asks.iter().map(|ask| answer::read(ask, body, asks.len() == 1, dates)).collect();
        let odd: Vec<_> = said.iter().filter_map(Said::why_odd).collect();
        if let Some(first) = odd_as_a_whole(&odd, said.len()) {
            return Err(format!("no ranks of {} players can be understood: {first}", said.len()));
        }
        let mut alone = Vec::new();
        for (at, (ask, said)) in asks.iter().zip(said).enumerate() {
            match said {
                Said::AskAlone => alone.push(at),
                Said::Outcome(outcome) => self.settle(ask.id, outcome),
                Said::Character(character) => match self.characters.get_mut(&ask.id) {
                    Some(begun) => {
                        begun.character.merge(*character);
                        begun.is_complete = true;
                    }
                    None => {
                        self.characters.insert(ask.id, Begun { character: *character, is_complete: false });
                    }
                },
            }
        }
        Ok(alone)
    }

    fn fail(&mut self, ask: &Ask<'_>, problem: Problem) {
        let outcome = match problem {
            Problem::NoClass => RankOutcome::Never("no class set"),
            problem => RankOutcome::Failed(problem.text()),
        };
        self.settle(ask.id, outcome);
    }

    fn pay(&mut self, cost: f64, _: Option<Receipt>) {
        self.ranked.points_spent += cost;
    }
}
