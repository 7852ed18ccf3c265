//! The list of faults: every way in which an answer of the simulator can be wrong, by the name of its switch.

use std::fmt;

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
    ReportCrowded "report-crowded" "a report has ten thousand ranked characters; by report";
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
