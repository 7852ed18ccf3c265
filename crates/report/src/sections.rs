//! What stands on the page: the state of things in a few numbers, the figures, the rules, the stages, the incidents.

use anyhow::Result;
use maud::{Markup, PreEscaped, html};
use parsebook_core::journal::Fate;
use parsebook_core::status::Status;

use crate::Report;
use crate::figures::{self, Figure, Table};
use crate::format::{days, decimals, difficulty, grouped, minute, span, whole};

/// Everything, in order.
pub fn all(report: &Report<'_>) -> Result<Markup> {
    let figures = figures::all(report)?;
    Ok(html! {
        (head(report))
        (tiles(report.status))
        (rules(report))
        section.figures id="figures" { @for figure in &figures { (self::figure(figure)) } }
        (stages(report))
        (incidents(report))
        (foot(report))
    })
}

fn head(report: &Report<'_>) -> Markup {
    let status = report.status;
    let troubles = troubles(report);
    html! {
        header id="head" {
            h1 { "parsebook" }
            p.sub { (status.store) " · " time datetime=(status.as_of.to_rfc3339()) { (minute(status.as_of)) " UTC" } }
            @if troubles.is_empty() {
                p.health.good { "All is well." }
            } @else {
                ul.health.bad { @for trouble in &troubles { li { (trouble) } } }
            }
        }
    }
}

/// What a person should look at.
fn troubles(report: &Report<'_>) -> Vec<String> {
    let status = report.status;
    let mut troubles: Vec<String> = Vec::new();
    let failing = status.discovery.iter().filter(|rule| rule.is_failing).count();
    if failing > 0 {
        troubles.push(format!("{failing} of {} rules fail or are refused.", status.rules));
    }
    if let Some(set_aside @ 1..) = status.set_aside {
        troubles.push(format!("{} messages failed too often and are dead letters.", grouped(set_aside)));
    }
    if !status.malformed.is_empty() {
        troubles.push(format!("{} documents cannot be read.", status.malformed.len()));
    }
    for (stage, history) in &report.history.stages {
        let newest = report.history.incidents.iter().find(|incident| incident.stage == *stage);
        let is_last = newest.filter(|incident| {
            incident.fate != Fate::Running && history.last_ok.is_none_or(|ok| ok < incident.ended_at)
        });
        if let Some(incident) = is_last {
            troubles.push(format!("The last run of {stage} {}.", verb(incident.fate)));
        }
    }
    troubles
}

fn verb(fate: Fate) -> &'static str {
    match fate {
        Fate::Ok => "ended well",
        Fate::Failed => "failed",
        Fate::Running => "is at work",
        Fate::Hung => "hung",
        Fate::Killed => "was killed",
    }
}

fn tiles(status: &Status) -> Markup {
    let points = &status.points;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let tile = |id: &str, name: &str, value: String, note: String| {
        html! { div.tile { dt { (name) } dd data-value=(id) { (value) } p { (note) } } }
    };
    html! {
        dl.tiles id="tiles" {
            (tile("players", "Players ranked", grouped(status.players), or_dash(
                status.players_a_day.map(|pace| format!("{} a day", whole(pace))))))
            (tile("due", "Wait for ranks", grouped(status.due), match status.queued {
                Some(queued) => format!("{} in the queue, {} before it", grouped(queued), grouped(status.discovered)),
                None => "before the queue; the queue is elsewhere".to_owned(),
            }))
            (tile("daysUntilAllRanked", if status.due == 0 { "All ranked" } else { "All ranked in" },
                or_dash(status.days_until_all_ranked.map(days)), match (status.due, status.all_ranked_by) {
                    (0, _) => "nothing waits".to_owned(),
                    (_, Some(by)) => format!("by {}, at the pace of the last week", by.format("%-d %B")),
                    (_, None) => "no pace in the last week".to_owned(),
                }))
            (tile("pointsUsed", "Points this hour", whole(points.used_this_hour), match points.an_hour {
                Some(limit) => format!("of {}", whole(limit)),
                None => "the keys tell of no limit".to_owned(),
            }))
            (tile("pointsAPlayer", "A player costs", or_dash(points.a_player.map(|cost| decimals(cost, 1))),
                "points, measured".to_owned()))
            (tile("oldestRank", "Oldest rank", or_dash(status.oldest_rank.map(|at| span(status.as_of - at))),
                or_dash(status.oldest_rank.map(minute))))
            (tile("reportsDue", "Reports due", grouped(status.reports.census.due), lag(status)))
            (tile("setAside", "Dead letters", or_dash(status.set_aside.map(grouped)),
                "messages that failed too often".to_owned()))
        }
    }
}

/// How far reading reports lags behind.
fn lag(status: &Status) -> String {
    let census = &status.reports.census;
    let Some(share) = status.reports.share_not_yet_ranked else { return "no reports are listed".to_owned() };
    let waiting =
        census.oldest_due.map(|at| format!(", the oldest for {}", span(status.as_of - at))).unwrap_or_default();
    format!("of {}{waiting}; {} % not yet ranked by WCL", grouped(census.total), decimals(100.0 * share, 1))
}

fn rules(report: &Report<'_>) -> Markup {
    let raid = |id: u32| {
        let known = report.raids.iter().find(|raid| raid.id == id);
        known.map_or_else(|| format!("raid {id}"), |raid| raid.name.clone())
    };
    html! {
        section id="rules" {
            h2 { "What does each rule do now?" }
            @if report.status.discovery.is_empty() {
                p { "There are no rules. Add one: " code { "parsebook rules add --raid 44 --difficulty 4" } }
            } @else {
                div.scroll { table {
                    thead { tr { th { "Rule" } th { "Source" } th { "Last finished (UTC)" } th { "State" } } }
                    tbody { @for rule in &report.status.discovery {
                        tr {
                            th scope="row" { (raid(rule.raid)) " " (difficulty(rule.difficulty)) }
                            td { (rule.source) }
                            td.time { (rule.last_run.map_or_else(|| "never".to_owned(), minute)) }
                            td.bad[rule.is_failing] { (rule.state) }
                        }
                    } }
                } }
            }
            @for malformed in &report.status.malformed { p.bad { (malformed) } }
        }
    }
}

fn figure(figure: &Figure) -> Markup {
    html! {
        figure id=(figure.id) {
            figcaption {
                h2 { (figure.title) }
                p { (figure.answer) }
            }
            @if figure.legend.len() > 1 {
                ul.legend { @for (ink, text) in &figure.legend {
                    li { span style={ "background:" (ink.css()) } {} (text) }
                } }
            }
            (PreEscaped(&figure.svg))
            (numbers(figure.id, &figure.table))
        }
    }
}

fn numbers(key: &str, table: &Table) -> Markup {
    html! {
        details data-key=(key) {
            summary { "The numbers" }
            div.scroll { table {
                thead { tr { @for name in &table.head { th scope="col" { (name) } } } }
                tbody { @for row in &table.rows {
                    tr { @for (index, cell) in row.iter().enumerate() {
                        @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                    } }
                } }
            } }
        }
    }
}

fn stages(report: &Report<'_>) -> Markup {
    const FATES: [Fate; 5] = [Fate::Ok, Fate::Failed, Fate::Killed, Fate::Hung, Fate::Running];
    html! {
        section id="stages" {
            h2 { "How did each stage’s runs end?" }
            div.scroll { table {
                thead { tr {
                    th { "Stage" }
                    @for fate in FATES { th.number { (fate.name()) } }
                    th.number { "Seconds each" }
                    th { "Last good end (UTC)" }
                } }
                tbody { @for (name, stage) in &report.history.stages {
                    @let ended: u64 = [Fate::Ok, Fate::Failed].iter().filter_map(|fate| stage.fates.get(fate)).sum();
                    tr {
                        th scope="row" { (name) }
                        @for fate in FATES {
                            @let count = stage.fates.get(&fate).copied().unwrap_or_default();
                            @let is_bad = count > 0 && matches!(fate, Fate::Failed | Fate::Killed | Fate::Hung);
                            td.number.bad[is_bad] { (grouped(count)) }
                        }
                        td.number { (decimals(stage.seconds / ended.max(1) as f64, 1)) }
                        td { (stage.last_ok.map_or_else(|| "never".to_owned(), minute)) }
                    }
                } }
            } }
        }
    }
}

fn incidents(report: &Report<'_>) -> Markup {
    html! {
        section id="incidents" {
            h2 { "Which runs failed, or have not ended?" }
            @if report.history.incidents.is_empty() {
                p { "None." }
            } @else {
                div.scroll { table {
                    thead { tr { th { "Began (UTC)" } th { "Stage" } th { "Fate" } th { "After" } th { "Why" } } }
                    tbody { @for incident in &report.history.incidents {
                        tr {
                            th scope="row" { (minute(incident.started_at)) }
                            td { (incident.stage) }
                            td { span.fate.{ (incident.fate.name()) } { (incident.fate.name()) } }
                            td { (span(incident.ended_at - incident.started_at)) }
                            td.why { (incident.reason) }
                        }
                    } }
                } }
            }
        }
    }
}

fn foot(report: &Report<'_>) -> Markup {
    let history = report.history;
    html! {
        footer id="foot" {
            p {
                "From " (grouped(history.runs)) " runs in the journal"
                @if let Some(first) = history.first { " since " (minute(first)) " UTC" }
                ". All times are UTC."
            }
        }
    }
}
