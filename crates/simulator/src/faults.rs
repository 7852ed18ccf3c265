//! When faults show: a switch for each, all off at the start.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::fault::Fault;

/// When a fault shows.
#[derive(Debug, Clone, PartialEq)]
pub enum When {
    /// On every request.
    Always,
    /// On the next so many requests, then never again.
    Next(u64),
    /// Never on the next so many requests, then always.
    After(u64),
    /// With this probability (0..=1), from the seeded generator.
    Probability(f64),
    /// For these character ids (character faults and [`Fault::PoisonedBody`]); site faults: for these page numbers.
    Ids(Vec<i32>),
    /// Site: on this page and all later ones.
    FromPage(i32),
    /// Site: when more than `per_second` requests came within one second or more than `at_once` are being answered.
    /// Stays on once it showed, as a blacklisted address does.
    Rate {
        /// Requests allowed in any one second.
        per_second: usize,
        /// Requests allowed at the same time.
        at_once: usize,
    },
}

/// A `--fault` value that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultParseError {
    /// No fault of this name.
    #[error("unknown fault {0:?}; `parsebook simulate --fault list` lists them")]
    UnknownFault(String),
    /// The part after `=`.
    #[error(
        "cannot read {0:?}: expected nothing, 5%, 0.05, next:N, after:N, page:N, ids:N,N or rate:PER_SECOND/AT_ONCE"
    )]
    UnknownWhen(String),
}

impl FromStr for When {
    type Err = FaultParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || FaultParseError::UnknownWhen(text.to_owned());
        let parsed = match text.split_once(':') {
            None if text.is_empty() || text == "always" => Some(Self::Always),
            None => match text.strip_suffix('%') {
                Some(percent) => percent.parse().ok().map(|value: f64| Self::Probability(value / 100.0)),
                None => text.parse().ok().map(Self::Probability),
            },
            Some(("next", count)) => count.parse().ok().map(Self::Next),
            Some(("after", count)) => count.parse().ok().map(Self::After),
            Some(("page", page)) => page.parse().ok().map(Self::FromPage),
            Some(("ids", ids)) => ids.split(',').map(|id| id.trim().parse().ok()).collect::<Option<_>>().map(Self::Ids),
            Some(("rate", limits)) => limits.split_once('/').and_then(|(per_second, at_once)| {
                Some(Self::Rate { per_second: per_second.parse().ok()?, at_once: at_once.parse().ok()? })
            }),
            Some(_) => None,
        };
        match parsed {
            Some(Self::Probability(value)) if !(0.0..=1.0).contains(&value) => Err(unknown()),
            other => other.ok_or_else(unknown),
        }
    }
}

/// What a request is, as far as a fault may ask.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Occasion {
    /// Character id, or page number on the site.
    pub id: Option<i32>,
    /// Site requests that arrived within the last second, this one included.
    pub in_last_second: usize,
    /// Site requests being answered, this one included.
    pub at_once: usize,
}

/// The switchboard: shared, thread-safe, to be changed while the simulator runs.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    on: HashMap<Fault, When>,
    shown: HashMap<Fault, u64>,
    rng: ChaCha8Rng,
}

impl Default for Faults {
    fn default() -> Self {
        Self::seeded(0)
    }
}

impl Faults {
    /// A switchboard with everything off; probabilities draw from this seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            on: HashMap::new(),
            shown: HashMap::new(),
            rng: ChaCha8Rng::seed_from_u64(seed),
        })))
    }

    /// Switches a fault on, or changes when it shows.
    pub fn set(&self, fault: Fault, when: When) {
        self.lock().on.insert(fault, when);
    }

    /// Switches a fault off.
    pub fn clear(&self, fault: Fault) {
        self.lock().on.remove(&fault);
    }

    /// Switches everything off.
    pub fn clear_all(&self) {
        self.lock().on.clear();
    }

    /// Whether one of these is on.
    pub(crate) fn has_any(&self, faults: &[Fault]) -> bool {
        let state = self.lock();
        faults.iter().any(|fault| state.on.contains_key(fault))
    }

    /// How often a fault has shown.
    pub fn shown(&self, fault: Fault) -> u64 {
        self.lock().shown.get(&fault).copied().unwrap_or(0)
    }

    /// Switches on what a `--fault` argument says: `NAME` or `NAME=WHEN`, where WHEN is nothing (always), a probability
    /// (`5%` or `0.05`), `next:N`, `after:N`, `page:N`, `ids:N,N` or `rate:PER_SECOND/AT_ONCE`.
    ///
    /// # Errors
    /// An unknown name, or a WHEN that cannot be read.
    pub fn set_text(&self, argument: &str) -> Result<(), FaultParseError> {
        let (fault, when) = parse_fault(argument)?;
        self.set(fault, when);
        Ok(())
    }

    /// The names with their descriptions, one line each, for a help text.
    pub fn help() -> String {
        Fault::ALL.iter().map(|fault| format!("{:<20} {}\n", fault.name(), fault.description())).collect()
    }

    /// Whether a fault shows now. Counts down what counts down.
    pub(crate) fn strikes(&self, fault: Fault, occasion: Occasion) -> bool {
        let mut state = self.lock();
        if state.on.is_empty() {
            return false;
        }
        let State { on, shown, rng } = &mut *state;
        let Some(when) = on.get_mut(&fault) else {
            return false;
        };
        let strikes = match when {
            When::Always => true,
            When::Next(0) => false,
            When::Next(left) => {
                *left -= 1;
                true
            }
            When::After(0) => true,
            When::After(left) => {
                *left -= 1;
                false
            }
            When::Probability(probability) => rng.random_bool(*probability),
            When::Ids(ids) => occasion.id.is_some_and(|id| ids.contains(&id)),
            When::FromPage(page) => occasion.id.is_some_and(|id| id >= *page),
            When::Rate { per_second, at_once } => {
                let over = occasion.in_last_second > *per_second || occasion.at_once > *at_once;
                if over {
                    *when = When::Always;
                }
                over
            }
        };
        if strikes {
            *shown.entry(fault).or_default() += 1;
        }
        strikes
    }

    /// The first of these that shows now.
    pub(crate) fn first(&self, faults: &[Fault], occasion: Occasion) -> Option<Fault> {
        faults.iter().copied().find(|&fault| self.strikes(fault, occasion))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `NAME` or `NAME=WHEN`.
///
/// # Errors
/// An unknown name, or a WHEN that cannot be read.
pub fn parse_fault(argument: &str) -> Result<(Fault, When), FaultParseError> {
    let (name, when) = argument.split_once('=').unwrap_or((argument, ""));
    let fault = Fault::ALL.iter().copied().find(|fault| fault.name() == name);
    Ok((fault.ok_or_else(|| FaultParseError::UnknownFault(name.to_owned()))?, when.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_wrong_ones_named() {
        assert_eq!(parse_fault("api-502"), Ok((Fault::Api502, When::Always)));
        assert_eq!(parse_fault("api-502=5%"), Ok((Fault::Api502, When::Probability(0.05))));
        assert_eq!(parse_fault("site-403=page:4"), Ok((Fault::Site403, When::FromPage(4))));
        assert_eq!(
            parse_fault("site-human-check=rate:2/5"),
            Ok((Fault::SiteHumanCheck, When::Rate { per_second: 2, at_once: 5 }))
        );
        assert_eq!(parse_fault("rankings-error=ids:7,8"), Ok((Fault::RankingsError, When::Ids(vec![7, 8]))));
        assert_eq!(parse_fault("nonsense"), Err(FaultParseError::UnknownFault("nonsense".to_owned())));
        assert_eq!(parse_fault("api-502=2"), Err(FaultParseError::UnknownWhen("2".to_owned())));
        assert_eq!(parse_fault("api-502=soon"), Err(FaultParseError::UnknownWhen("soon".to_owned())));
    }

    #[test]
    fn counting_switches_count() {
        let faults = Faults::seeded(1);
        faults.set(Fault::Api502, When::Next(2));
        faults.set(Fault::Api520, When::After(2));
        let strikes = |fault| (0..4).map(|_| faults.strikes(fault, Occasion::default())).collect::<Vec<_>>();
        assert_eq!(strikes(Fault::Api502), [true, true, false, false]);
        assert_eq!(strikes(Fault::Api520), [false, false, true, true]);
        assert_eq!((faults.shown(Fault::Api502), faults.shown(Fault::Api520)), (2, 2));
    }

    #[test]
    fn a_rate_once_broken_stays_broken() {
        let faults = Faults::default();
        faults.set(Fault::SiteHumanCheck, When::Rate { per_second: 2, at_once: 5 });
        let calm = Occasion { in_last_second: 2, at_once: 5, ..Occasion::default() };
        assert!(!faults.strikes(Fault::SiteHumanCheck, calm));
        assert!(faults.strikes(Fault::SiteHumanCheck, Occasion { in_last_second: 3, ..calm }));
        assert!(faults.strikes(Fault::SiteHumanCheck, calm));
    }

    #[test]
    fn every_fault_is_listed_once() {
        let help = Faults::help();
        for fault in Fault::ALL {
            assert_eq!(help.lines().filter(|line| line.starts_with(&format!("{fault} "))).count(), 1, "{fault}");
        }
    }
}
