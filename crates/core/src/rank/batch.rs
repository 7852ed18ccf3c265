//! The messages of a batch: what they ask for, and what becomes of each. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::summary::{Delivery, FailedMessage, Fault, RankSummary};
use crate::PlayerId;
use crate::scrap::{Discovered, Message, RaidsToScrap, ReportMessage};

/// Most characters of a failure's reason.
const LONGEST_REASON: usize = 500;

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A player, by id.
    Player(PlayerId),
    /// A report, by code.
    Report(String),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Player(id) => write!(f, "player {id}"),
            Self::Report(code) => write!(f, "report {code}"),
        }
    }
}

/// What became of a subject.
#[derive(Debug)]
pub enum Outcome {
    /// Its ranks are stored.
    Done,
    /// It hides its ranks: none are stored.
    Hidden,
    /// It never succeeds.
    Never(&'static str),
    /// It failed.
    Failed(String),
}

/// A batch on its way.
pub struct Batch {
    messages: Vec<(String, Message)>,
    /// What became of what was reached.
    pub outcomes: HashMap<Subject, Outcome>,
    /// What is told.
    pub summary: RankSummary,
}

impl Batch {
    /// Reads the bodies; those that cannot be read fail at once.
    pub fn parse(deliveries: &[Delivery]) -> Self {
        let mut batch = Self { messages: Vec::new(), outcomes: HashMap::new(), summary: RankSummary::default() };
        for delivery in deliveries {
            match Message::parse(&delivery.body) {
                Ok(message) => batch.messages.push((delivery.message_id.clone(), message)),
                Err(error) => batch.fail(delivery.message_id.clone(), error.to_string(), Fault::Malformed),
            }
        }
        batch
    }

    /// Each player once, with everything that its messages ask for.
    pub fn players(&self) -> Vec<Discovered> {
        let mut wanted: BTreeMap<PlayerId, RaidsToScrap> = BTreeMap::new();
        for (_, message) in &self.messages {
            if let Message::Player(player) = message {
                wanted.entry(player.id).or_default().merge(&player.raids_to_scrap);
            }
        }
        wanted.into_iter().map(|(id, raids_to_scrap)| Discovered { id, raids_to_scrap }).collect()
    }

    /// Each report once.
    pub fn reports(&self) -> Vec<String> {
        let codes = self.messages.iter().filter_map(|(_, message)| match message {
            Message::Report(ReportMessage { report, .. }) => Some(report.clone()),
            Message::Player(_) => None,
        });
        codes.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn fail(&mut self, message_id: String, reason: String, fault: Fault) {
        // It may quote a hostile body, and goes into a log line.
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(LONGEST_REASON).collect();
        tracing::warn!(message = %message_id, %reason, "message goes back to the queue");
        self.summary.failed.push(FailedMessage { message_id, reason, fault });
    }

    /// Tells every message's outcome; answers the players whose messages have ended.
    pub fn settle(&mut self) -> Vec<Discovered> {
        let mut ended = Vec::new();
        for (message_id, message) in std::mem::take(&mut self.messages) {
            let (subject, player) = match message {
                Message::Player(player) => (Subject::Player(player.id), Some(player)),
                Message::Report(report) => (Subject::Report(report.report), None),
            };
            match self.outcomes.get(&subject) {
                Some(outcome @ (Outcome::Done | Outcome::Hidden)) => {
                    self.summary.done += 1;
                    self.summary.hidden += u32::from(matches!(outcome, Outcome::Hidden));
                    ended.extend(player);
                }
                Some(Outcome::Never(reason)) => {
                    self.summary.finished.push(format!("{subject}: {reason}"));
                    ended.extend(player);
                }
                Some(Outcome::Failed(reason)) => {
                    let reason = format!("{subject}: {reason}");
                    self.fail(message_id, reason, Fault::Own);
                }
                None => self.fail(message_id, format!("{subject}: not reached"), Fault::NotReached),
            }
        }
        ended
    }
}
