//! The questions of a calibration, the most telling first.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use parsebook_core::calibrate::{Compare, Observations, RanksSeen, Timeframe};
use parsebook_core::ports::{ApiError, Clock};
use parsebook_core::report::{Kill, LAST_LIST_PAGE, REPORTS_PER_PAGE, is_code};
use parsebook_core::{PlayerId, RaidId, Timestamp};
use serde_json::Value;

use super::super::reports::Skipped;
use super::super::reports::lookup;
use super::{Asking, FreshKill, see};

/// Reports looked at for fitting ones.
const MOST_LOOKS: usize = 5;
/// Most kills asked for at once: they may be 2 points each.
const MOST_KILLS: usize = 7;
/// How ranks are asked for in earnest.
const RANKS: &str = "compare: Rankings, timeframe: Historical, playerMetric: dps";

/// A report that was looked at.
struct Look {
    code: String,
    kills: Vec<Kill>,
    hidden: BTreeSet<PlayerId>,
}

type Result<T> = std::result::Result<T, ApiError>;

pub async fn everything<C: Clock>(
    asking: &mut Asking<'_, C>,
    raid: RaidId,
    now: Timestamp,
) -> Result<(Observations, Option<FreshKill>)> {
    let mut seen = Observations::default();
    let listed = lists(asking, raid, now, &mut seen).await?;
    let looks = looks(asking, &listed).await?;
    let fitting = |look: &&Look| (2..=MOST_KILLS).contains(&look.kills.len());
    let subject = looks.iter().filter(fitting).max_by_key(|look| look.kills.len());
    let Some(subject) = subject.or_else(|| looks.iter().find(|look| look.kills.len() > MOST_KILLS)) else {
        return Err(ApiError::Failed(anyhow::anyhow!("no report of raid {raid} with two kills was found")));
    };
    let one = one_kill(asking, subject, &mut seen).await?;
    // All further questions are of this kind: what it costs is to be known before.
    asking.price_last().await?;
    let whole = whole(asking, subject, &mut seen).await?;
    two_kills(asking, subject).await?;
    healer(asking, raid, subject, &whole, &mut seen).await?;
    arguments(asking, subject, &one, &mut seen).await?;
    batch(asking, &looks).await?;
    let healing =
        format!("compare: Rankings, timeframe: Historical, playerMetric: hps, {}", fights(&subject.kills[..1]));
    seen.healing = ranks(asking, "C7", subject, &healing, 3.0).await?;
    let fresh = fresh_kill(asking, raid, now, &mut seen).await?;
    if let Some(look) = looks.iter().find(|look| !look.hidden.is_empty() && !look.kills.is_empty()) {
        let some = &look.kills[..look.kills.len().min(5)];
        seen.with_hidden = ranks(asking, "C11", look, &format!("{RANKS}, {}", fights(some)), 11.0).await?;
    }
    let in_lfr = |look: &Look| look.kills.iter().find(|kill| kill.difficulty == 1).copied();
    if let Some((look, kill)) = looks.iter().find_map(|look| Some((look, in_lfr(look)?))) {
        let arguments = format!("{RANKS}, difficulty: 1, {}", fights(&[kill]));
        seen.lfr = ranks(asking, "C13", look, &arguments, 3.0).await?;
    }
    old(asking, raid, now, subject, &mut seen).await?;
    character(asking, raid, subject, &whole, &mut seen).await?;
    Ok((seen, fresh))
}

/// Asks for the ranks of a kill that had just happened.
pub async fn fresh<C: Clock>(asking: &mut Asking<'_, C>, code: &str, fight: u32) -> Result<Option<RanksSeen>> {
    let look = Look { code: code.to_owned(), kills: Vec::new(), hidden: BTreeSet::new() };
    ranks(asking, "C10", &look, &format!("{RANKS}, fightIDs: [{fight}]"), 3.0).await
}

/// One list, by the hours before now at which it begins and ends.
async fn list<C: Clock>(
    asking: &mut Asking<'_, C>,
    name: &str,
    raid: RaidId,
    (now, from, to): (Timestamp, i64, i64),
    page: u32,
) -> Result<Option<(Value, Option<String>)>> {
    let at = |hours| (now - TimeDelta::hours(hours)).timestamp_millis();
    let fields = format!(
        "reports(zoneID: {raid}, startTime: {}, endTime: {}, page: {page}, limit: {REPORTS_PER_PAGE}) {{ total last_page \
         has_more_pages data {{ code startTime endTime revision segments exportedSegments visibility \
         region {{ compactName }} archiveStatus {{ isArchived }} }} }}",
        at(from),
        at(to)
    );
    let body = asking.ask(name, "reportData", &fields, 2.0).await?;
    Ok(body.map(|body| (body.part("reportData", "reports").cloned().unwrap_or_default(), body.first_error())))
}

/// C1 and C2: codes of reports of four to ten days ago, the longest first.
async fn lists<C: Clock>(
    asking: &mut Asking<'_, C>,
    raid: RaidId,
    now: Timestamp,
    seen: &mut Observations,
) -> Result<Vec<String>> {
    let mut listed = Vec::new();
    // An hour of a big raid is a hundred reports; a small one has few in days.
    for (name, from, to) in [("C1", 96, 95), ("C1b", 240, 72)] {
        if let Some((page, _)) = list(asking, name, raid, (now, from, to), 1).await? {
            if seen.list.is_none_or(|list| list.reports < 2) {
                seen.list = Some(see::list(&page));
            }
            listed.extend(see::listed(&page));
        }
        if listed.len() >= MOST_LOOKS {
            break;
        }
    }
    if let Some((_, error)) = list(asking, "C2", raid, (now, 120, 96), LAST_LIST_PAGE + 1).await? {
        seen.beyond_last_page = Some(error.unwrap_or_default());
    }
    listed.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(listed.into_iter().map(|(code, _)| code).filter(|code| is_code(code)).collect())
}

/// C3: looks at reports until three have kills.
async fn looks<C: Clock>(asking: &mut Asking<'_, C>, codes: &[String]) -> Result<Vec<Look>> {
    let mut looks: Vec<Look> = Vec::new();
    for (at, code) in codes.iter().take(MOST_LOOKS).enumerate() {
        if looks.len() >= 3 {
            break;
        }
        let name = if at == 0 { "C3".to_owned() } else { format!("C3{}", ["b", "c", "d", "e"][at - 1]) };
        looks.extend(look(asking, &name, code).await?.filter(|look| !look.kills.is_empty()));
    }
    Ok(looks)
}

async fn look<C: Clock>(asking: &mut Asking<'_, C>, name: &str, code: &str) -> Result<Option<Look>> {
    let fields = format!("report(code: \"{code}\") {{ {} }}", lookup::FIELDS);
    let Some(body) = asking.ask(name, "reportData", &fields, 3.0).await? else { return Ok(None) };
    let Some(report) = body.part("reportData", "report") else { return Ok(None) };
    let mut skipped = Skipped::default();
    let (Ok(characters), Ok(kills)) = (lookup::characters(report, &mut skipped), lookup::kills(report, &mut skipped))
    else {
        return Ok(None);
    };
    // Kills of which nobody is ranked tell nothing.
    if characters.is_empty() {
        return Ok(None);
    }
    let hidden = characters.iter().filter(|character| character.hidden).map(|character| character.id).collect();
    Ok(Some(Look { code: code.to_owned(), kills, hidden }))
}

fn fights(kills: &[Kill]) -> String {
    let numbers: Vec<_> = kills.iter().map(|kill| kill.fight.to_string()).collect();
    format!("fightIDs: [{}]", numbers.join(", "))
}

/// `rankings` of a report, by alias and arguments.
async fn rankings<C: Clock>(
    asking: &mut Asking<'_, C>,
    name: &str,
    code: &str,
    aliases: &[(&str, String)],
    most: f64,
) -> Result<Option<Value>> {
    let rankings: String =
        aliases.iter().map(|(alias, arguments)| format!("{alias}: rankings({arguments}) ")).collect();
    let fields = format!("report(code: \"{code}\") {{ {rankings} }}");
    let body = asking.ask(name, "reportData", &fields, most).await?;
    Ok(body.and_then(|body| body.part("reportData", "report").cloned()))
}

async fn ranks<C: Clock>(
    asking: &mut Asking<'_, C>,
    name: &str,
    look: &Look,
    arguments: &str,
    most: f64,
) -> Result<Option<RanksSeen>> {
    let report = rankings(asking, name, &look.code, &[("a", arguments.to_owned())], most).await?;
    Ok(report.map(|report| see::ranks(&report["a"], &look.hidden)))
}

/// C5: the ranks of one kill.
async fn one_kill<C: Clock>(asking: &mut Asking<'_, C>, subject: &Look, seen: &mut Observations) -> Result<Value> {
    let arguments = format!("{RANKS}, {}", fights(&subject.kills[..1]));
    let report = rankings(asking, "C5", &subject.code, &[("a", arguments)], 3.0).await?.unwrap_or_default();
    seen.one_kill = Some(see::ranks(&report["a"], &subject.hidden));
    Ok(report["a"].clone())
}

/// C4: the ranks of all kills of a report, or of as many as the points allow.
async fn whole<C: Clock>(asking: &mut Asking<'_, C>, subject: &Look, seen: &mut Observations) -> Result<Value> {
    let some = &subject.kills[..subject.kills.len().min(MOST_KILLS)];
    let arguments =
        if some.len() < subject.kills.len() { format!("{RANKS}, {}", fights(some)) } else { RANKS.to_owned() };
    let most = 2.0 * some.len() as f64 + 1.0;
    let report = rankings(asking, "C4", &subject.code, &[("a", arguments)], most).await?.unwrap_or_default();
    seen.whole = Some(see::ranks(&report["a"], &subject.hidden));
    Ok(report["a"].clone())
}

/// C6: two kills by two aliases of one question; only the price tells.
async fn two_kills<C: Clock>(asking: &mut Asking<'_, C>, subject: &Look) -> Result<()> {
    let of = |kill: &Kill| format!("{RANKS}, {}", fights(&[*kill]));
    let aliases = [("a", of(&subject.kills[0])), ("b", of(&subject.kills[1]))];
    rankings(asking, "C6", &subject.code, &aliases, 5.0).await?;
    Ok(())
}

/// C8: which metric `zoneRankings` means for a healer when none is named.
async fn healer<C: Clock>(
    asking: &mut Asking<'_, C>,
    raid: RaidId,
    subject: &Look,
    whole: &Value,
    seen: &mut Observations,
) -> Result<()> {
    let Some(id) = see::somebody(whole, true) else { return Ok(()) };
    let pair = format!("zoneID: {raid}, difficulty: {}", subject.kills[0].difficulty);
    let fields = format!(
        "character(id: {id}) {{ bare: zoneRankings({pair}) healer: zoneRankings({pair}, metric: hps, role: Healer) }}"
    );
    let body = asking.ask("C8", "characterData", &fields, 12.0).await?;
    let metric = body.as_ref().and_then(|body| body.part("characterData", "character")?.pointer("/bare/metric"));
    seen.default_metric = metric.and_then(Value::as_str).map(str::to_owned);
    Ok(())
}

/// C12: what `rankings` mean when neither comparison nor time is named.
async fn arguments<C: Clock>(
    asking: &mut Asking<'_, C>,
    subject: &Look,
    one: &Value,
    seen: &mut Observations,
) -> Result<()> {
    let fights = fights(&subject.kills[..1]);
    let aliases = [
        ("today", format!("compare: Rankings, timeframe: Today, playerMetric: dps, {fights}")),
        ("parses", format!("compare: Parses, timeframe: Historical, playerMetric: dps, {fights}")),
        ("bare", fights),
    ];
    let Some(report) = rankings(asking, "C12", &subject.code, &aliases, 7.0).await? else { return Ok(()) };
    let [rankings, today, parses, bare] = [one, &report["today"], &report["parses"], &report["bare"]].map(see::places);
    if bare.is_empty() || rankings == parses || today == parses {
        return Ok(());
    }
    let is_rankings = bare == rankings || bare == today;
    seen.default_compare = Some(if is_rankings { Compare::Rankings } else { Compare::Parses });
    seen.default_timeframe = match is_rankings {
        true if rankings == today => None,
        true => Some(if bare == rankings { Timeframe::Historical } else { Timeframe::Today }),
        false => Some(if bare == parses { Timeframe::Historical } else { Timeframe::Today }),
    };
    Ok(())
}

/// C15: several reports in one question; only the price tells.
async fn batch<C: Clock>(asking: &mut Asking<'_, C>, looks: &[Look]) -> Result<()> {
    let [a, b, c, ..] = looks else { return Ok(()) };
    let report = |look: &Look| {
        let (code, fights) = (&look.code, fights(&look.kills[..1]));
        format!("r{code}: report(code: \"{code}\") {{ rankings({RANKS}, {fights}) }} ")
    };
    asking.ask("C15", "reportData", &[a, b, c].map(report).concat(), 9.0).await?;
    Ok(())
}

/// C10: a kill of the last hours, to see how soon it has ranks.
async fn fresh_kill<C: Clock>(
    asking: &mut Asking<'_, C>,
    raid: RaidId,
    now: Timestamp,
    seen: &mut Observations,
) -> Result<Option<FreshKill>> {
    let Some((page, _)) = list(asking, "C10a", raid, (now, 2, 0), 1).await? else { return Ok(None) };
    let listed = see::listed(&page);
    let Some((code, _)) = listed.iter().find(|(code, _)| is_code(code)) else { return Ok(None) };
    let Some(look) = look(asking, "C10b", code).await? else { return Ok(None) };
    let Some(kill) = look.kills.last() else { return Ok(None) };
    seen.fresh = fresh(asking, code, kill.fight).await?;
    Ok(Some(FreshKill { code: code.clone(), fight: kill.fight }))
}

/// C14: whether an old report still has rankings.
async fn old<C: Clock>(
    asking: &mut Asking<'_, C>,
    raid: RaidId,
    now: Timestamp,
    subject: &Look,
    seen: &mut Observations,
) -> Result<()> {
    let (from, to) = (396 * 24, 395 * 24);
    let Some((page, _)) = list(asking, "C14a", raid, (now, from, to), 1).await? else { return Ok(()) };
    let listed = see::listed(&page);
    let Some((code, _)) = listed.iter().find(|(code, _)| is_code(code)) else { return Ok(()) };
    let fields =
        format!("report(code: \"{code}\") {{ rankings({RANKS}, encounterID: {}) }}", subject.kills[0].encounter);
    let body = asking.ask("C14", "reportData", &fields, 5.0).await?;
    seen.old = body.map(|body| body.first_error().unwrap_or_default());
    Ok(())
}

/// C9: which kill and which time `zoneRankings` shows of a character.
async fn character<C: Clock>(
    asking: &mut Asking<'_, C>,
    raid: RaidId,
    subject: &Look,
    whole: &Value,
    seen: &mut Observations,
) -> Result<()> {
    let Some(id) = see::somebody(whole, false) else { return Ok(()) };
    let difficulty = subject.kills[0].difficulty;
    let bosses: BTreeSet<_> =
        subject.kills.iter().filter(|kill| kill.difficulty == difficulty).map(|kill| kill.encounter).collect();
    let bosses: Vec<_> = bosses.into_iter().take(3).collect();
    let pair = format!("zoneID: {raid}, difficulty: {difficulty}, metric: dps");
    let kills: String = bosses
        .iter()
        .map(|boss| format!("e{boss}: encounterRankings(encounterID: {boss}, difficulty: {difficulty}, metric: dps) "))
        .collect();
    let fields = format!(
        "character(id: {id}) {{ zone: zoneRankings({pair}) today: zoneRankings({pair}, timeframe: Today) {kills} }}"
    );
    let most = 12.0 + bosses.len() as f64;
    let Some(body) = asking.ask("C9", "characterData", &fields, most).await? else { return Ok(()) };
    let Some(character) = body.part("characterData", "character") else { return Ok(()) };
    for boss in bosses {
        let ranks = &character[format!("e{boss}")];
        let (timeframe, shown) = see::compare(&character["zone"], &character["today"], boss, ranks);
        seen.zone_timeframe = seen.zone_timeframe.or(timeframe);
        seen.shown = seen.shown.or(shown);
    }
    Ok(())
}
