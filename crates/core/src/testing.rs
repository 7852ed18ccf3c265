//! In-memory fakes of the ports, for the tests of the stages.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures::{Stream, stream};

use crate::left_out::LeftOut;
use crate::player::{Identity, Player, PlayerUpdate, Raid, RaidRanks, RankedPart};
use crate::ports::{
    ApiError, Board, Clock, DiscoveredPage, Discoveries, InQueue, KeyPoints, KeyPool, Known, KnownPlayers, Malformed,
    MessageQueue, Players, Raids, RankOutcome, RankSource, Ranked, RankedReports, RankingSite, ReportBacklog,
    ReportLag, ReportLists, ReportRanks, Result, Rules, SeenReport, SeenReports, SourceError, SourcePage, Waiting,
    Wanted, Zone, Zones,
};
use crate::report::{DetailOutcome, ListPage, ListedReport, ReportOutcome, ReportQuestion, Window};
use crate::report_ranks::fold;
use crate::report_state::{ReportState, Settled, StoredReport};
use crate::rule::{Block, Lease, Refusals, Rule, RuleId, RuleState, SourceKind};
use crate::scrap::{Discovered, Message, RaidsToScrap};
use crate::{PlayerId, RaidId, Timestamp};

/// A moment of the tests.
pub fn noon() -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(12)
}

/// One player to rank in one raid and difficulty.
pub fn found(id: PlayerId) -> Discovered {
    Discovered { id, raids_to_scrap: RaidsToScrap::one(31, 4) }
}

/// A clock that moves only when somebody sleeps.
pub struct TestClock(Cell<Timestamp>);

impl TestClock {
    pub fn at(now: Timestamp) -> Self {
        Self(Cell::new(now))
    }

    pub fn advance(&self, by: TimeDelta) {
        self.0.set(self.0.get() + by);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.advance(TimeDelta::from_std(duration).unwrap());
    }
}

/// Tokio's clock, which a test may pause; it was noon when the clock was made.
pub struct TokioClock(tokio::time::Instant);

impl TokioClock {
    pub fn at_noon() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        noon() + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    pub rules: RefCell<Vec<Rule>>,
    pub refusals: RefCell<Refusals>,
    pub discovers: RefCell<BTreeMap<PlayerId, RaidsToScrap>>,
    pub malformed: RefCell<Vec<Malformed>>,
    pub players: RefCell<BTreeMap<PlayerId, Player>>,
    /// When each player was who it is.
    pub seen_at: RefCell<BTreeMap<PlayerId, Timestamp>>,
    pub raids: RefCell<BTreeMap<RaidId, Raid>>,
    pub seen: RefCell<BTreeMap<(RaidId, String), SeenReport>>,
    pub reports: RefCell<BTreeMap<String, StoredReport>>,
    pub waiting: RefCell<BTreeMap<PlayerId, InQueue>>,
    /// Players whose documents cannot be read.
    pub broken_players: RefCell<Vec<PlayerId>>,
    /// Players whose documents take no update.
    pub rejects: RefCell<Vec<PlayerId>>,
    /// Whether removing from `discovers` fails.
    pub removes_nothing: Cell<bool>,
    /// Writing down who waits fails.
    pub marks_nothing: Cell<bool>,
    /// Where the store is away for what aggregator writes: how often it was asked all the same.
    pub is_away: Cell<Option<u32>>,
}

impl Memory {
    /// A store in which players 1 to `count` wait.
    pub fn with_discovered(count: u32) -> Self {
        let store = Self::default();
        store.discovers.borrow_mut().extend((1..=count).map(|id| (id, RaidsToScrap::one(31, 4))));
        store
    }

    /// Counts who asks a store that is away.
    fn answers(&self) -> Result<()> {
        let Some(asked) = self.is_away.get() else { return Ok(()) };
        self.is_away.set(Some(asked + 1));
        Err(anyhow::Error::new(crate::ports::StoreAway("silent".to_owned())))
    }

    fn held<T>(&self, id: &RuleId, owner: &str, change: impl FnOnce(&mut Rule) -> T) -> Option<T> {
        let mut rules = self.rules.borrow_mut();
        let rule = rules.iter_mut().find(|rule| rule.id == *id)?;
        rule.state.lease.as_ref().is_some_and(|lease| lease.owner == owner).then(|| change(rule))
    }
}

impl Rules for Memory {
    async fn rules(&self) -> Result<(Vec<Rule>, Vec<Malformed>)> {
        Ok((self.rules.borrow().clone(), Vec::new()))
    }

    async fn claim(&self, seen: &Rule, lease: &Lease, now: Timestamp) -> Result<Option<Rule>> {
        let mut rules = self.rules.borrow_mut();
        let is_free = |rule: &&mut Rule| {
            rule.id == seen.id
                && rule.enabled
                && rule.last_run == seen.last_run
                && rule.state.lease.as_ref().is_none_or(|lease| lease.expires_at <= now)
        };
        Ok(rules.iter_mut().find(is_free).map(|rule| {
            rule.state.lease = Some(lease.clone());
            rule.clone()
        }))
    }

    async fn renew(&self, id: &RuleId, lease: &Lease) -> Result<bool> {
        Ok(self.held(id, &lease.owner, |rule| rule.state.lease = Some(lease.clone())).is_some())
    }

    async fn save_state(&self, id: &RuleId, owner: &str, state: &RuleState) -> Result<bool> {
        Ok(self.held(id, owner, |rule| rule.state = state.clone()).is_some())
    }

    async fn finish(&self, id: &RuleId, owner: &str, last_run: Timestamp, state: &RuleState) -> Result<bool> {
        let finish = |rule: &mut Rule| {
            rule.state = state.clone();
            rule.last_run = Some(last_run);
        };
        Ok(self.held(id, owner, finish).is_some())
    }

    async fn refusals(&self) -> Result<Refusals> {
        Ok(self.refusals.borrow().clone())
    }

    async fn keep_refusal(&self, source: SourceKind, block: Option<&Block>) -> Result<()> {
        let mut refusals = self.refusals.borrow_mut();
        match block {
            Some(block) => refusals.insert(source, block.clone()),
            None => refusals.remove(&source),
        };
        Ok(())
    }
}

impl Discoveries for Memory {
    async fn merge(&self, found: &[Discovered]) -> Result<()> {
        let mut discovers = self.discovers.borrow_mut();
        found.iter().for_each(|player| discovers.entry(player.id).or_default().merge(&player.raids_to_scrap));
        Ok(())
    }

    async fn discovered_after(&self, after: Option<PlayerId>, limit: usize) -> Result<DiscoveredPage> {
        let discovers = self.discovers.borrow();
        let behind = discovers.iter().filter(|(id, _)| after.is_none_or(|after| **id > after)).take(limit);
        let discovered: Vec<_> = behind.map(|(&id, raids)| Discovered { id, raids_to_scrap: raids.clone() }).collect();
        let next = discovered.last().map(|last| last.id).filter(|_| discovered.len() == limit);
        Ok(DiscoveredPage { discovered, empty: Vec::new(), malformed: self.malformed.take(), next })
    }

    async fn discovered(&self, players: &[PlayerId]) -> Result<Vec<Discovered>> {
        let discovers = self.discovers.borrow();
        let found = |id: &PlayerId| Some(Discovered { id: *id, raids_to_scrap: discovers.get(id)?.clone() });
        Ok(players.iter().filter_map(found).collect())
    }

    async fn remove(&self, sent: &[Discovered]) -> Result<()> {
        self.answers()?;
        anyhow::ensure!(!self.removes_nothing.get(), "not authorised");
        let mut discovers = self.discovers.borrow_mut();
        for player in sent {
            if let Some(waiting) = discovers.get_mut(&player.id) {
                waiting.remove(&player.raids_to_scrap);
            }
        }
        discovers.retain(|_, waiting| !waiting.is_empty());
        Ok(())
    }

    async fn discovered_count(&self) -> Result<u64> {
        Ok(self.discovers.borrow().len() as u64)
    }
}

/// The player as it is stored, or a new one by this name.
fn entry<'p>(players: &'p mut BTreeMap<PlayerId, Player>, id: PlayerId, identity: &Identity) -> &'p mut Player {
    let new = || Player { id, identity: identity.clone(), ranks: Default::default() };
    players.entry(id).or_insert_with(new)
}

impl Waiting for Memory {
    async fn waiting(&self, _: Timestamp) -> Result<BTreeMap<PlayerId, InQueue>> {
        Ok(self.waiting.borrow().clone())
    }

    async fn mark_waiting(&self, sent: &[Discovered], now: Timestamp) -> Result<()> {
        self.answers()?;
        anyhow::ensure!(!self.marks_nothing.get(), "not authorised");
        let mut waiting = self.waiting.borrow_mut();
        for player in sent {
            let in_queue = waiting.entry(player.id).or_default();
            in_queue.raids_to_scrap.merge(&player.raids_to_scrap);
            in_queue.sent_at = Some(now);
        }
        Ok(())
    }

    async fn forget_waiting(&self, ended: &[Discovered]) -> Result<()> {
        let mut waiting = self.waiting.borrow_mut();
        for player in ended {
            if let Some(in_queue) = waiting.get_mut(&player.id) {
                in_queue.raids_to_scrap.remove(&player.raids_to_scrap);
            }
        }
        waiting.retain(|_, in_queue| !in_queue.raids_to_scrap.is_empty());
        Ok(())
    }
}

fn broken_player(id: PlayerId) -> Malformed {
    Malformed { document: format!("players {id}"), reason: "ranks is an array".to_owned() }
}

/// Puts a part in place of the same raid and difficulty; one without ranks takes it away.
fn put(part: &RankedPart, ranks: &mut RaidRanks) {
    let difficulties = ranks.entry(part.raid).or_default();
    difficulties.remove(&part.difficulty);
    if !part.ranks.is_empty() {
        difficulties.insert(part.difficulty, part.ranks.clone());
    }
    ranks.retain(|_, difficulties| !difficulties.is_empty());
}

impl Players for Memory {
    async fn save(&self, updates: &[PlayerUpdate]) -> Result<Vec<std::result::Result<(), String>>> {
        let mut players = self.players.borrow_mut();
        let mut save = |update: &PlayerUpdate| {
            if self.rejects.borrow().contains(&update.id()) {
                return Err("the document is broken".to_owned());
            }
            match update {
                PlayerUpdate::Hidden { id } | PlayerUpdate::Gone { id } => {
                    players.entry(*id).and_modify(|player| player.ranks.clear());
                }
                PlayerUpdate::Ranked { id, identity, parts } => {
                    let player = entry(&mut players, *id, identity);
                    player.identity = identity.clone();
                    parts.iter().for_each(|part| put(part, &mut player.ranks));
                }
                PlayerUpdate::Folded { id, identity, seen_at, kills, folding } => {
                    let player = entry(&mut players, *id, identity);
                    let mut known = self.seen_at.borrow_mut();
                    if known.get(id).is_none_or(|known| known <= seen_at) {
                        known.insert(*id, *seen_at);
                        player.identity = identity.clone();
                    }
                    fold(&mut player.ranks, kills, folding);
                }
            }
            Ok(())
        };
        Ok(updates.iter().map(&mut save).collect())
    }

    async fn known(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        let players = self.players.borrow();
        let mut known = BTreeMap::new();
        for id in ids {
            if self.broken_players.borrow().contains(id) {
                known.insert(*id, Err(broken_player(*id)));
            } else if let Some(player) = players.get(id) {
                known.insert(*id, Ok(Known::of(player.identity.class_id, &player.ranks)));
            }
        }
        Ok(known)
    }

    async fn known_without_ends(&self, ids: &[PlayerId]) -> Result<KnownPlayers> {
        let known = self.known(ids).await?;
        let without = |known: Known| Known { ends: BTreeMap::new(), ..known };
        Ok(known.into_iter().map(|(id, known)| (id, known.map(without))).collect())
    }

    fn players(&self, region: &str) -> impl Stream<Item = Result<std::result::Result<Player, Malformed>>> {
        let players = self.players.borrow();
        let mut players: Vec<_> = players.values().filter(|player| player.identity.region == region).cloned().collect();
        let key =
            |player: &Player| (player.identity.normalized_server.clone(), player.identity.name.clone(), player.id);
        players.sort_by_key(key);
        let broken = self.broken_players.borrow().clone();
        let read =
            move |player: Player| if broken.contains(&player.id) { Err(broken_player(player.id)) } else { Ok(player) };
        stream::iter(players.into_iter().map(move |player| Ok(read(player))))
    }
}

impl Raids for Memory {
    async fn raid(&self, id: RaidId) -> Result<Option<Raid>> {
        Ok(self.raids.borrow().get(&id).cloned())
    }

    async fn raids(&self) -> Result<Vec<Raid>> {
        Ok(self.raids.borrow().values().cloned().collect())
    }

    async fn save_raid(&self, raid: &Raid) -> Result<()> {
        self.raids.borrow_mut().insert(raid.id, raid.clone());
        Ok(())
    }
}

impl SeenReports for Memory {
    async fn seen_reports(&self, raid: RaidId, codes: &[String]) -> Result<BTreeMap<String, SeenReport>> {
        let seen = self.seen.borrow();
        let found = codes.iter().filter_map(|code| Some((code.clone(), seen.get(&(raid, code.clone()))?.clone())));
        Ok(found.collect())
    }

    async fn mark_seen(&self, raid: RaidId, reports: &[SeenReport]) -> Result<()> {
        let mut seen = self.seen.borrow_mut();
        for report in reports {
            let known = seen.entry((raid, report.code.clone())).or_insert_with(|| report.clone());
            if known.revision == report.revision {
                known.difficulties.extend(&report.difficulties);
            } else {
                *known = report.clone();
            }
        }
        Ok(())
    }

    async fn forget_seen(&self, raid: RaidId, ended_before: Timestamp) -> Result<()> {
        self.seen.borrow_mut().retain(|(of, _), report| *of != raid || report.end >= ended_before);
        Ok(())
    }
}

impl ReportBacklog for Memory {
    async fn reports(&self, codes: &[String]) -> Result<BTreeMap<String, StoredReport>> {
        let reports = self.reports.borrow();
        Ok(codes.iter().filter_map(|code| Some((code.clone(), reports.get(code)?.clone()))).collect())
    }

    async fn raise_reports(&self, raised: &[StoredReport]) -> Result<()> {
        let mut reports = self.reports.borrow_mut();
        for report in raised {
            if reports.get(&report.code).is_none_or(|stored| stored.revision <= report.revision) {
                reports.insert(report.code.clone(), report.clone());
            }
        }
        Ok(())
    }

    async fn due_reports(
        &self,
        now: Timestamp,
        sent_before: Timestamp,
        in_part: bool,
        limit: usize,
    ) -> Result<Vec<StoredReport>> {
        let reports = self.reports.borrow();
        let is_due = |report: &&StoredReport| {
            report.state.is_open()
                && report.due_at <= now
                && report.sent_at.is_none_or(|sent| sent <= sent_before)
                && (report.left_out != LeftOut::NOTHING) == in_part
        };
        let mut due: Vec<_> = reports.values().filter(is_due).cloned().collect();
        due.sort_by(|a, b| b.end.cmp(&a.end).then_with(|| a.code.cmp(&b.code)));
        due.truncate(limit);
        Ok(due)
    }

    async fn mark_sent(&self, codes: &[String], at: Timestamp) -> Result<()> {
        self.answers()?;
        let mut reports = self.reports.borrow_mut();
        codes.iter().for_each(|code| {
            reports.entry(code.clone()).and_modify(|report| report.sent_at = Some(at));
        });
        Ok(())
    }

    async fn settle_reports(&self, settled: &[(String, u32, Settled)]) -> Result<()> {
        let mut reports = self.reports.borrow_mut();
        for (code, revision, settled) in settled {
            if let Some(report) = reports.get_mut(code).filter(|report| report.revision == *revision) {
                let Settled { state, due_at, tries, sent_at, difficulties, left_out } = settled.clone();
                *report = StoredReport { state, due_at, tries, sent_at, difficulties, left_out, ..report.clone() };
            }
        }
        Ok(())
    }

    async fn forget_reports(&self, raid: RaidId, ended_before: Timestamp) -> Result<u64> {
        let is_in_part = |report: &StoredReport| {
            let was_found = report.found_at.is_some_and(|found_at| found_at < ended_before);
            report.left_out != LeftOut::NOTHING || (report.state.is_open() && was_found)
        };
        let is_forgotten = |report: &StoredReport| {
            report.raid == raid && report.end < ended_before && (!report.state.is_open() || is_in_part(report))
        };
        let mut reports = self.reports.borrow_mut();
        let in_part = reports.values().filter(|report| is_forgotten(report) && is_in_part(report)).count();
        reports.retain(|_, report| !is_forgotten(report));
        Ok(in_part as u64)
    }

    async fn report_lag(&self, now: Timestamp) -> Result<ReportLag> {
        let reports = self.reports.borrow();
        let due = || reports.values().filter(|report| report.state.is_open() && report.due_at <= now);
        let is_whole = |report: &&StoredReport| report.left_out == LeftOut::NOTHING;
        let again = reports.values().filter(|report| report.state == ReportState::Again && is_whole(report)).count();
        let mut left_out = BTreeMap::new();
        reports
            .values()
            .filter(|report| !is_whole(report))
            .for_each(|report| *left_out.entry(report.left_out).or_default() += 1);
        let oldest_due = due().map(|report| report.due_at).min();
        let (due, again, all) = (due().count() as u64, again as u64, reports.len() as u64);
        Ok(ReportLag { due, oldest_due, again, left_out, all })
    }
}

/// What a queue does on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAnswer {
    Confirm,
    /// Refuse the entries at even places.
    RefuseHalf,
    /// Take all, but the answer never arrives: as a process that is killed sees it.
    TakeAndDie,
}

/// A queue that keeps what it took, and what to do on each call (from 1).
pub struct TestQueue<F> {
    pub taken: RefCell<Vec<Message>>,
    /// How many wait besides those taken.
    pub waits: Cell<u64>,
    pub calls: Cell<usize>,
    pub on_call: F,
}

impl<F: AsyncFn(usize) -> QueueAnswer> TestQueue<F> {
    pub fn new(on_call: F) -> Self {
        Self { taken: RefCell::default(), waits: Cell::new(0), calls: Cell::new(0), on_call }
    }

    /// The players taken, in order.
    pub fn players(&self) -> Vec<PlayerId> {
        let player = |message: &Message| match message {
            Message::Player(player) => Some(player.id),
            Message::Report(_) => None,
        };
        self.taken.borrow().iter().filter_map(player).collect()
    }

    /// How often each player was taken.
    pub fn times(&self) -> BTreeMap<PlayerId, usize> {
        let mut times = BTreeMap::new();
        self.players().into_iter().for_each(|id| *times.entry(id).or_default() += 1);
        times
    }
}

impl<F: AsyncFn(usize) -> QueueAnswer> MessageQueue for TestQueue<F> {
    async fn length(&self) -> Result<u64> {
        Ok(self.waits.get() + self.taken.borrow().len() as u64)
    }

    async fn send(&self, messages: &[Message]) -> Result<Vec<std::result::Result<(), String>>> {
        assert!(messages.len() <= Self::BATCH && !messages.is_empty());
        self.calls.set(self.calls.get() + 1);
        let answer = (self.on_call)(self.calls.get()).await;
        let mut outcomes = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            if answer == QueueAnswer::RefuseHalf && place % 2 == 0 {
                outcomes.push(Err("throttled".to_owned()));
            } else {
                self.taken.borrow_mut().push(message.clone());
                outcomes.push(Ok(()));
            }
        }
        if answer == QueueAnswer::TakeAndDie { Err(anyhow::anyhow!("killed")) } else { Ok(outcomes) }
    }
}

/// Keys and what the API says of each player.
#[derive(Default)]
pub struct TestApi {
    pub keys: Vec<KeyPoints>,
    pub points_error: RefCell<Option<ApiError>>,
    pub outcomes: BTreeMap<PlayerId, RankOutcome>,
    pub stops: RefCell<Option<ApiError>>,
    pub reports: BTreeMap<String, ReportOutcome>,
    pub asked_reports: RefCell<Vec<Vec<ReportQuestion>>>,
    /// Key and players of each question.
    pub asked: RefCell<Vec<(String, Vec<PlayerId>)>>,
}

/// A key with `remaining` of 3,600 points, full again in half an hour.
pub fn key(name: &str, remaining: f64) -> KeyPoints {
    let resets_at = noon() + TimeDelta::minutes(30);
    KeyPoints { key: name.to_owned(), limit_per_hour: 3600.0, remaining, resets_at }
}

/// Who player `id` is.
pub fn identity(id: PlayerId) -> Identity {
    Identity {
        name: format!("Player{id}"),
        region: "EU".to_owned(),
        server: "Temple noir".to_owned(),
        normalized_server: "Templenoir".to_owned(),
        class_id: 9,
    }
}

impl KeyPool for TestApi {
    async fn points(&self) -> std::result::Result<Vec<KeyPoints>, ApiError> {
        match self.points_error.take() {
            Some(error) => Err(error),
            None => Ok(self.keys.clone()),
        }
    }
}

impl RankSource for TestApi {
    async fn rank(&self, key: &str, players: &[Wanted]) -> Ranked {
        let ids = || players.iter().map(|player| player.discovered.id);
        self.asked.borrow_mut().push((key.to_owned(), ids().collect()));
        let outcomes: Vec<_> = ids().filter_map(|id| Some((id, self.outcomes.get(&id)?.clone()))).collect();
        let points_spent = outcomes.len() as f64 * 6.0;
        Ranked { points_spent, outcomes, skipped: Vec::new(), stopped: self.stops.take() }
    }
}

impl ReportRanks for TestApi {
    async fn rank_reports(&self, _: &str, questions: &[ReportQuestion]) -> RankedReports {
        self.asked_reports.borrow_mut().push(questions.to_vec());
        let codes = questions.iter().map(|question| &question.code);
        let outcomes = codes.filter_map(|code| Some((code.clone(), self.reports.get(code)?.clone())));
        RankedReports { outcomes: outcomes.collect(), points_spent: 26.0, stopped: None }
    }
}

/// Knows no raid.
impl Zones for TestApi {
    async fn zone(&self, _: RaidId) -> std::result::Result<Option<Zone>, ApiError> {
        Ok(None)
    }
}

/// A question that discovery asks of WCL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Zone(RaidId),
    List(Window, u32),
    Details(Vec<String>),
    Page(Board, u32),
}

/// What WCL shows to discovery, and what happens when it is asked: it may be refused.
pub struct TestWcl<F> {
    /// The one raid there is.
    pub zone: Option<Zone>,
    /// Every public report, in the order in which lists show them.
    pub reports: Vec<ListedReport>,
    /// Reports on a page of a list.
    pub per_page: usize,
    /// Lines of the next page of a list that cannot be understood.
    pub garbled: RefCell<Vec<String>>,
    /// What is told of each report; those without an entry are left out of the answer.
    pub details: BTreeMap<String, DetailOutcome>,
    /// The players on each page of every board, the first page first.
    pub board: Vec<Vec<PlayerId>>,
    /// Rows of each page that cannot be understood.
    pub odd_rows: u32,
    pub asked: RefCell<Vec<Asked>>,
    pub on_ask: F,
}

impl<F: AsyncFn(&Asked) -> std::result::Result<(), ApiError>> TestWcl<F> {
    pub fn new(on_ask: F) -> Self {
        let raid = Raid { id: 31, name: "Vault".to_owned(), encounters: vec![] };
        Self {
            zone: Some(Zone { raid, partition: Some(2) }),
            reports: Vec::new(),
            per_page: 100,
            garbled: RefCell::default(),
            odd_rows: 0,
            details: BTreeMap::new(),
            board: Vec::new(),
            asked: RefCell::default(),
            on_ask,
        }
    }

    async fn ask(&self, asked: Asked) -> std::result::Result<(), ApiError> {
        self.asked.borrow_mut().push(asked.clone());
        (self.on_ask)(&asked).await
    }
}

impl<F: AsyncFn(&Asked) -> std::result::Result<(), ApiError>> Zones for TestWcl<F> {
    async fn zone(&self, raid: RaidId) -> std::result::Result<Option<Zone>, ApiError> {
        self.ask(Asked::Zone(raid)).await?;
        Ok(self.zone.clone().filter(|zone| zone.raid.id == raid))
    }
}

impl<F: AsyncFn(&Asked) -> std::result::Result<(), ApiError>> ReportLists for TestWcl<F> {
    async fn list(&self, window: &Window, page: u32) -> std::result::Result<ListPage, ApiError> {
        self.ask(Asked::List(*window, page)).await?;
        let is_inside = |report: &&ListedReport| window.from <= report.start && report.start <= window.to;
        let mut behind = self.reports.iter().filter(is_inside).skip((page as usize - 1) * self.per_page);
        let reports = behind.by_ref().take(self.per_page).cloned().collect();
        Ok(ListPage { reports, skipped: self.garbled.take(), has_more: behind.next().is_some() })
    }

    async fn details(&self, codes: &[String]) -> std::result::Result<Vec<(String, DetailOutcome)>, ApiError> {
        self.ask(Asked::Details(codes.to_vec())).await?;
        Ok(codes.iter().filter_map(|code| Some((code.clone(), self.details.get(code)?.clone()))).collect())
    }
}

impl<F: AsyncFn(&Asked) -> std::result::Result<(), ApiError>> RankingSite for TestWcl<F> {
    async fn ranking_page(&self, board: &Board, page: u32) -> std::result::Result<SourcePage, SourceError> {
        self.ask(Asked::Page(board.clone(), page)).await?;
        let players = self.board.get(page as usize - 1).cloned().unwrap_or_default();
        Ok(SourcePage { players, skipped: self.odd_rows, is_last: page as usize >= self.board.len() })
    }
}
