//! `parsebook rules`.

use anyhow::ensure;
use chrono::Utc;
use parsebook_core::rule::{RanksKind, Rule, RuleId};
use parsebook_core::status::RuleStatus;

use crate::args::{Common, RulesCommand};
use crate::output::{complain, difficulty, rule_state, say, say_json};
use crate::store::Store;

pub async fn rules(common: &Common, command: RulesCommand) -> anyhow::Result<()> {
    let store = Store::open(common).await?;
    match command {
        RulesCommand::List { json } => {
            let (rules, malformed) = store.rules().await?;
            for rule in &malformed {
                complain(&format!("skipped: {rule}"));
            }
            if json {
                return rules.iter().try_for_each(say_json);
            }
            if rules.is_empty() {
                say(&format!(
                    "no rules; add one with: parsebook rules add --raid 44 --difficulty 4{}",
                    common.store_flags()
                ));
            }
            rules.iter().for_each(|rule| say(&line(rule, &rules)));
        }
        RulesCommand::Add(target) => {
            let target = target.target()?;
            let (rules, _) = store.rules().await?;
            if let Some(same) = rules.iter().find(|rule| rule.target == target) {
                let flags = common.store_flags();
                complain(&format!(
                    "rule {} asks for the same: one of the two can go (parsebook rules remove ID{flags})",
                    same.id
                ));
            }
            say(&store.add_rule(&target).await?.0);
        }
        RulesCommand::Remove { id } => {
            found(common, store.remove_rule(&RuleId(id.clone())).await?, &id)?;
        }
        RulesCommand::Pause { id } => found(common, store.enable_rule(&RuleId(id.clone()), false).await?, &id)?,
        RulesCommand::Resume { id } => found(common, store.enable_rule(&RuleId(id.clone()), true).await?, &id)?,
    }
    Ok(())
}

fn found(common: &Common, was_there: bool, id: &str) -> anyhow::Result<()> {
    ensure!(was_there, "no rule {id}; see: parsebook rules list{}", common.store_flags());
    Ok(())
}

fn line(rule: &Rule, rules: &[Rule]) -> String {
    let target = &rule.target;
    let partition = target.partition.map(|partition| format!(", partition {partition}")).unwrap_or_default();
    let since = target.since.map(|since| format!(", since {}", since.format("%Y-%m-%d"))).unwrap_or_default();
    let ranks = if target.ranks == RanksKind::Reports { ", ranks by reports" } else { "" };
    format!(
        "{}  raid {} {:<6}  {:<7}  pages {}-{}{partition}{since}{ranks}  {}",
        rule.id,
        target.raid,
        difficulty(target.difficulty),
        target.source,
        target.start_page,
        target.end_page,
        rule_state(&RuleStatus::of(rule, rules, Utc::now()))
    )
}
