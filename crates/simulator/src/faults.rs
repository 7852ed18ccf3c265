//! Every fault the simulator can show, each with its own switch. All are off at the start.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

macro_rules! faults {
    ($($variant:ident $name:literal $text:literal;)*) => {
        /// One kind of fault. The text is the switch's name in `--fault NAME[=WHEN]`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault {
            $(#[doc = $text] $variant,)*
        }

        impl Fault {
            /// Every fault, in the order of the help text.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name of the switch.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// What it does, in one line.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

faults! {
    TokenRefused "token-refused" "token endpoint: 401 invalid_client even for good credentials";
    TokenExhausted "token-exhausted" "token endpoint: 429 for a client without points, as well as the API";
    TokenBlocked "token-blocked" "token endpoint: 403 with a Cloudflare page";
    TokenEmpty "token-empty" "token endpoint: 200 with an empty body";
    TokenFails "token-fails" "token endpoint: 500";
    ApiUnauthenticated "api-unauthenticated" "API: 401 Unauthenticated in spite of a good token";
    ApiBurst "api-burst" "API: 429 of the request limiter, short Retry-After, X-RateLimit-Remaining 0";
    ApiExhausted "api-exhausted" "API: 429 of exhausted points, long and wrong Retry-After";
    ApiExhausted200 "api-exhausted-200" "API: 200 with the JSON of exhausted points";
    ApiBare429 "api-bare-429" "API: 429 with HTML and no Retry-After";
    ApiInternalError "api-internal-error" "API: 200 with errors[] 'Internal server error' and no data";
    Api500 "api-500" "API: 500 with a JSON message";
    Api502 "api-502" "API: 502 with an HTML body";
    Api503 "api-503" "API: 503 with an HTML body";
    Api504 "api-504" "API: 504 with an HTML body";
    Api520 "api-520" "API: 520 with an HTML body";
    Api521 "api-521" "API: 521 with an HTML body";
    Api522 "api-522" "API: 522 with an HTML body";
    Api523 "api-523" "API: 523 with an HTML body";
    Api524 "api-524" "API: 524 with an HTML body";
    Api525 "api-525" "API: 525 with an HTML body";
    Api526 "api-526" "API: 526 with an HTML body";
    Api527 "api-527" "API: 527 with an HTML body";
    ApiBlocked "api-blocked" "API: 403 with a Cloudflare page and cf-mitigated";
    ApiTooLarge "api-too-large" "API: 413 for a query";
    ApiTruncated "api-truncated" "API: 200 with the JSON cut in the middle";
    ApiCutOff "api-cut-off" "API: connection closed in the middle of the body";
    ApiDropped "api-dropped" "API: connection closed without an answer";
    ApiSlowBody "api-slow-body" "API: the body arrives in ten pieces, 100 ms apart";
    ApiNotJson "api-not-json" "API: 200 with an HTML page";
    ApiByteOrderMark "api-byte-order-mark" "API: a UTF-8 byte order mark stands before the JSON";
    ApiHtmlFirst "api-html-first" "API: a notice in HTML stands before the JSON";
    PoisonedBody "poisoned-body" "API: the no-class sentence stands before the JSON; by character, rankings asked for or not";
    PoisonAlone "poison-alone" "API: a poisoned body is the sentence alone, without the JSON";
    RankingsString "rankings-string" "zoneRankings is a JSON string instead of an object; by character";
    RankingsError "rankings-error" "zoneRankings is {\"error\": …}; by character";
    RankingsNull "rankings-null" "zoneRankings is null; by character";
    RankingsRefused "rankings-refused" "zoneRankings is the error of an odd difficulty; by character";
    RankingsFalse "rankings-false" "zoneRankings is false; by character";
    RankingsEmptyText "rankings-empty-text" "zoneRankings is an empty text; by character";
    RankingsEmptyList "rankings-empty-list" "zoneRankings is an empty list; by character";
    RankingsEmptyObject "rankings-empty-object" "zoneRankings is an empty object; by character";
    RankingsNoRows "rankings-no-rows" "zoneRankings has null for its list; by character";
    RankingsOddRow "rankings-odd-row" "one boss of zoneRankings has no encounter; by character";
    RankingsDash "rankings-dash" "one rankPercent of zoneRankings is the text -; by character";
    RankingsText "rankings-text" "all numbers of zoneRankings are texts; by character";
    RankingsNotLocked "rankings-not-locked" "lockedIn is false, allStars have - in place of numbers; by character";
    AliasError "alias-error" "the character is null with an entry in errors[] with path; by character";
    CharacterMissing "character-missing" "the character is null; by character";
    CharacterHidden "character-hidden" "the character is hidden; by character";
    CharacterNoClass "character-no-class" "the character has no class set: poisoned body; by character";
    ReportPrivate "report-private" "a report answers with a permission error; by report";
    ReportMissing "report-missing" "a report does not exist; by report";
    ReportArchived "report-archived" "a report's rankings are refused because it is archived; by report";
    ReportRankingsNull "report-rankings-null" "report.rankings is null; by report";
    ReportRankingsFresh "report-rankings-fresh" "report.rankings has null in place of each percentage; by report";
    ReportRankingsText "report-rankings-text" "report.rankings has texts in place of numbers; by report";
    ReportRankingsHugeId "report-rankings-huge-id" "ids in report.rankings lie beyond 31 bits; by report";
    ReportRankingsOddRow "report-rankings-odd-row" "rows of report.rankings have no server; by report";
    ReportRankingsHuge "report-rankings-huge" "report.rankings has ten thousand rows a role: tens of MB; by report";
    SiteHumanCheck "site-human-check" "site: 302 to /human-challenge";
    SiteHumanPage "site-human-page" "site: 200 with the human check itself";
    SiteUseApi "site-use-api" "site: 200 with the sentence 'Use the API …'";
    SiteCloudflare "site-cloudflare" "site: 'Just a moment' with status 403 and cf-mitigated";
    SiteJustAMoment "site-just-a-moment" "site: 'Just a moment' with status 200 and no header";
    Site403 "site-403" "site: 403";
    Site429 "site-429" "site: 429 with Retry-After 60";
    Site502 "site-502" "site: 502 with an HTML body";
    Site503 "site-503" "site: 503 with an HTML body";
    Site504 "site-504" "site: 504 with an HTML body";
    Site520 "site-520" "site: 520 with an HTML body";
    Site521 "site-521" "site: 521 with an HTML body";
    Site522 "site-522" "site: 522 with an HTML body";
    Site523 "site-523" "site: 523 with an HTML body";
    Site524 "site-524" "site: 524 with an HTML body";
    Site525 "site-525" "site: 525 with an HTML body";
    Site526 "site-526" "site: 526 with an HTML body";
    Site527 "site-527" "site: 527 with an HTML body";
    SiteTiny "site-tiny" "site: 200 with a few bytes";
    SiteEmpty "site-empty" "site: 200 with no byte at all";
    SiteTruncated "site-truncated" "site: the page is cut in the middle of a row";
    SiteGarbage "site-garbage" "site: 200 with bytes that are neither HTML nor UTF-8";
    SiteHostileNames "site-hostile-names" "site: names in the rows hold markup, quotes and entities";
    SiteCutOff "site-cut-off" "site: connection closed in the middle of the body";
    SiteDropped "site-dropped" "site: connection closed without an answer";
    SiteSlowBody "site-slow-body" "site: the body arrives in ten pieces, 100 ms apart";
}

impl Fault {
    /// Failing gateways before the API.
    pub const API_GATEWAY: [Self; 11] = [
        Self::Api502,
        Self::Api503,
        Self::Api504,
        Self::Api520,
        Self::Api521,
        Self::Api522,
        Self::Api523,
        Self::Api524,
        Self::Api525,
        Self::Api526,
        Self::Api527,
    ];

    /// Failing gateways before the site.
    pub const SITE_GATEWAY: [Self; 11] = [
        Self::Site502,
        Self::Site503,
        Self::Site504,
        Self::Site520,
        Self::Site521,
        Self::Site522,
        Self::Site523,
        Self::Site524,
        Self::Site525,
        Self::Site526,
        Self::Site527,
    ];

    /// The HTTP status at the end of the name; 502 where there is none.
    pub fn status(self) -> u16 {
        self.name().rsplit('-').next().and_then(|status| status.parse().ok()).unwrap_or(502)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

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
    #[error("unknown fault {0:?}; `parsebook simulate --help` lists them")]
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

    /// How the part after `=` is written, for a help text.
    pub const SYNTAX: &str = "NAME alone means always; NAME=5% or NAME=0.05 with that probability; next:N the next N \
        times; after:N from the N+1st time on; page:N (site) from that page on; ids:N,N for these characters (site: \
        pages); rate:R/C (site) above R requests in a second or C at once, and ever after";

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
