//! One machine: the five stages over the embedded store, the queue in it, and an addon repository in a folder.

mod consumer;
mod journaled;
mod watched;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use parsebook_adapters::addon_repo::LocalRepo;
use parsebook_adapters::embedded::{EmbeddedStore, StageLock};
use parsebook_adapters::ranking_site::WclSite;
use parsebook_adapters::wcl_api::WclApi;
use parsebook_core::Timestamp;
use parsebook_core::aggregate::{self, AggregateConfig, AggregateSummary};
use parsebook_core::discover::{DiscoverPorts, DiscoverSummary, Invocation, RuleSummary, StopReason, discover};
use parsebook_core::generate::{GenerateConfig, GenerateSummary, confirmed_since, generate};
use parsebook_core::ports::{Clock, Discoveries, Rules};
use parsebook_core::rule::{Rule, RuleId, Target, schedule};
use serde::Serialize;

pub use self::consumer::RankTotals;
pub use self::journaled::{WithFailures, journaled};
use self::watched::Watched;
use crate::output::difficulty;
use crate::progress::Progress;
use crate::settings::Settings;

/// Players read from `discovers` at a time.
const AGGREGATE_PAGE: usize = 1000;

/// One machine with everything on it.
#[derive(Debug)]
pub struct Machine<C> {
    store: EmbeddedStore,
    site: WclSite,
    api: WclApi<C>,
    clock: C,
    settings: Settings,
    out: PathBuf,
    /// Until when nothing is asked of the API, after a refusal. A process that dies meanwhile starts without.
    cooldown: Mutex<Option<Timestamp>>,
    _lock: StageLock,
}

/// What `run --once` did.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Every rule that was worked.
    pub discover: Vec<RuleSummary>,
    /// The hand-over to the queue.
    pub aggregator: Option<AggregateSummary>,
    /// The queue, worked to its end.
    pub player_rank: RankTotals,
    /// What was published.
    pub db_generator: Option<GenerateSummary>,
    /// What failed, each in one line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl<C: Clock + Clone> Machine<C> {
    /// Opens the store in `data` with the sole right to run stages on it.
    ///
    /// # Errors
    /// When the store cannot be opened, another process works on it, or a setting is malformed.
    pub fn open(data: &Path, out: &Path, wcl_url: &str, settings: Settings, clock: C) -> anyhow::Result<Self> {
        let store = EmbeddedStore::open(data)?;
        let lock = store.lock_for_stages()?;
        Ok(Self {
            site: WclSite::new(wcl_url, &settings.user_agent)?,
            api: WclApi::new(wcl_url, &settings.user_agent, settings.keys.clone(), clock.clone())?
                .stamping(settings.stamp),
            store,
            clock,
            settings,
            out: out.to_owned(),
            cooldown: Mutex::new(None),
            _lock: lock,
        })
    }

    /// The store.
    pub fn store(&self) -> &EmbeddedStore {
        &self.store
    }

    /// The site.
    pub fn site(&self) -> &WclSite {
        &self.site
    }

    /// The API.
    pub fn api(&self) -> &WclApi<C> {
        &self.api
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The clock.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    fn cooldown(&self) -> Option<Timestamp> {
        *self.cooldown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_cooldown(&self, until: Timestamp) {
        *self.cooldown.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Works exactly `backfill`, or those of the rules `only` that are due.
    ///
    /// # Errors
    /// As [`discover`].
    pub async fn discover(
        &self,
        backfill: Option<Target>,
        only: Option<BTreeSet<RuleId>>,
    ) -> anyhow::Result<DiscoverSummary> {
        let label =
            backfill.as_ref().map_or_else(|| "discover".to_owned(), |target| format!("discover {}", describe(target)));
        let has_work = backfill.is_some() || only.as_ref().is_none_or(|only| !only.is_empty());
        let progress = has_work.then(|| Progress::start(label, "pages", None));
        let site = Watched { inner: &self.site, progress: progress.as_ref() };
        let api = Watched { inner: &self.api, progress: progress.as_ref() };
        let ports = DiscoverPorts { store: &self.store, api: &api, site: &site, clock: &self.clock };
        // The lock on the data folder makes this process the only one that works rules.
        let owner = format!("parsebook {}", std::process::id());
        let invocation = Invocation { owner, deadline: None, renew_every: None, only };
        let working = discover(&ports, &self.settings.discover, backfill, &invocation);
        Ok(self.journaled("discover", async { working.await.map(WithFailures) }).await?.0)
    }

    /// Works every rule that is due at the start, each to its end and at most once. A source without points is waited
    /// for; one that refuses is not asked again; a rule that fails is noted in `errors` and leaves the others to be
    /// worked.
    ///
    /// # Errors
    /// When the rules cannot be read.
    pub async fn discover_due(&self, errors: &mut Vec<String>) -> anyhow::Result<Vec<RuleSummary>> {
        let (rules, _) = self.store.rules().await?;
        let is_due = |rule: &&Rule| schedule::is_overdue(rule, self.clock.now(), self.settings.discover.delay);
        let mut left: BTreeSet<RuleId> =
            rules.iter().filter(|rule| rule.enabled).filter(is_due).map(|rule| rule.id.clone()).collect();
        let mut summaries = Vec::new();
        while !left.is_empty() {
            let summary = self.discover(None, Some(left.clone())).await?;
            errors.extend(summary.failures.into_iter().map(|failure| format!("discover: {:#}", failure.into_anyhow())));
            let mut waits_until = None;
            for rule in summary.rules {
                if rule.stopped == StopReason::Blocked && !rule.refused {
                    waits_until = waits_until.max(rule.blocked_until);
                } else if let Some(id) = &rule.rule {
                    left.remove(id);
                }
                if rule.target.is_some() || rule.refused {
                    summaries.push(rule);
                }
            }
            let Some(until) = waits_until else { break };
            self.clock.sleep((until - self.clock.now()).to_std().unwrap_or_default()).await;
        }
        Ok(summaries)
    }

    /// Hands what was discovered to the queue.
    ///
    /// # Errors
    /// As [`aggregate::aggregate`].
    pub async fn aggregate(&self, force: bool) -> anyhow::Result<AggregateSummary> {
        let config = AggregateConfig {
            delay: self.settings.discover.delay,
            rerank_after: self.settings.queue.rerank_after,
            queue_limit: self.settings.queue.limit,
            page_size: AGGREGATE_PAGE,
        };
        let total = self.store.discovered_count().await?;
        let progress = (total > 0).then(|| Progress::start("queue players", "players", Some(total)));
        let queue = Watched { inner: &self.store, progress: progress.as_ref() };
        let handing_over = aggregate::aggregate(&self.store, &queue, &self.clock, &config, force, None);
        self.journaled("aggregator", handing_over).await
    }

    /// Publishes the regions.
    ///
    /// # Errors
    /// When the store or the addon folder fails.
    pub async fn generate(&self, regions: &[String]) -> anyhow::Result<GenerateSummary> {
        let mut repo = LocalRepo::open(&self.out)?;
        let progress = Progress::start("write the database", "players", Some(self.store.player_count()?));
        let players = Watched { inner: &self.store, progress: Some(&progress) };
        let now = self.clock.now();
        let config = GenerateConfig {
            regions: regions.to_vec(),
            dry_run: false,
            addon: self.settings.addon.meta.clone(),
            confirmed_since: confirmed_since(self.settings.stamp.unwrap_or(now), self.settings.addon.keep_ranks_days),
            now: self.settings.stamp.map_or(now, |stamp| stamp.max(now)),
        };
        let generating = async {
            generate(&players, &self.store, &self.api, &mut repo, &config).await.context("writing the database")
        };
        self.journaled("db-generator", generating).await
    }

    /// Everything that is due, to its end. A stage that fails does not keep the later ones from what is there.
    ///
    /// # Errors
    /// When the store or the addon folder fails. Failures of single rules and of ranking are in the summary.
    pub async fn run_once(&self, regions: &[String]) -> anyhow::Result<RunSummary> {
        let mut summary = RunSummary::default();
        summary.discover = self.discover_due(&mut summary.errors).await?;
        let queued = self.aggregate(false).await?;
        let is_open = queued.stopped != aggregate::StopReason::NotFresh;
        summary.aggregator = Some(queued);
        self.finish_run(summary, is_open, regions).await
    }

    /// One range: found, ranked and published.
    ///
    /// # Errors
    /// As [`Self::run_once`].
    pub async fn backfill(&self, target: Target, regions: &[String]) -> anyhow::Result<RunSummary> {
        let mut summary = RunSummary::default();
        match self.discover(Some(target), None).await {
            Ok(discovered) => summary.discover.extend(discovered.rules),
            Err(error) => summary.errors.push(format!("discover: {error:#}")),
        }
        summary.aggregator = Some(self.aggregate(true).await?);
        self.finish_run(summary, true, regions).await
    }

    /// Ranks what was queued, then what had no room in the queue and, where the gate `is_open`, what was found by that,
    /// until nothing more is sent.
    async fn finish_run(
        &self,
        mut summary: RunSummary,
        is_open: bool,
        regions: &[String],
    ) -> anyhow::Result<RunSummary> {
        loop {
            match self.rank_all().await {
                Ok(totals) => summary.player_rank.add(totals),
                Err(error) => {
                    summary.errors.push(format!("rank: {error:#}"));
                    break;
                }
            }
            let queued = summary.aggregator.as_ref();
            let reports_wait = queued.is_some_and(|queued| match queued.stopped {
                aggregate::StopReason::QueueFull => true,
                aggregate::StopReason::Complete => false,
                _ => queued.reports > 0,
            });
            if !reports_wait && (!is_open || self.store.discovered_count().await? == 0) {
                break;
            }
            let queued = self.aggregate(is_open).await?;
            if queued.sent == 0 {
                break;
            }
            summary.aggregator = Some(match summary.aggregator.take() {
                Some(before) => before.and(queued),
                None => queued,
            });
        }
        summary.db_generator = Some(self.generate(regions).await?);
        Ok(summary)
    }
}

/// A target in words.
pub fn describe(target: &Target) -> String {
    format!("raid {} {} by {}", target.raid, difficulty(target.difficulty), target.source)
}
