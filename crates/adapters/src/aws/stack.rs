//! A deployed stack, looked at from outside: what doctor asks. Nothing is changed.

use anyhow::{Context, anyhow};
use aws_config::SdkConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::QueueAttributeName;

use super::{described, is_of_queue};

/// The clients that look at a stack.
#[derive(Debug)]
pub struct Stack {
    lambda: aws_sdk_lambda::Client,
    scheduler: aws_sdk_scheduler::Client,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
    prefix: String,
}

type Result<T> = anyhow::Result<T>;

/// What AWS says of an error, in short; where it says nothing, all that stands in it.
fn brief<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> anyhow::Error
where
    SdkError<E, R>: std::error::Error + Send + Sync + 'static,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => anyhow!("{code}: {message}"),
        (Some(code), None) => anyhow!("{code}"),
        _ => described(&error),
    }
}

impl Stack {
    /// The stack whose names begin with `prefix` (its parameter `NamePrefix`).
    pub fn new(config: &SdkConfig, prefix: &str) -> Self {
        Self {
            lambda: aws_sdk_lambda::Client::new(config),
            scheduler: aws_sdk_scheduler::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            prefix: prefix.to_owned(),
        }
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Invocations at a time that the account allows.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn account_concurrency(&self) -> Result<i64> {
        let settings = self.lambda.get_account_settings().send().await.map_err(brief)?;
        Ok(settings.account_limit().context("AWS told no limit")?.concurrent_executions().into())
    }

    /// The reserved concurrency of a function; `None` where none is reserved.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn reserved_concurrency(&self, function: &str) -> Result<Option<i64>> {
        let get = self.lambda.get_function_concurrency().function_name(self.named(function));
        Ok(get.send().await.map_err(brief)?.reserved_concurrent_executions().map(i64::from))
    }

    /// The state of a function's queue mapping, as Lambda names it.
    ///
    /// # Errors
    /// When AWS does not tell, or there is no mapping.
    pub async fn mapping_state(&self, function: &str) -> Result<String> {
        let list = self.lambda.list_event_source_mappings().function_name(self.named(function));
        let mappings = list.send().await.map_err(brief)?;
        let of_queue = mappings.event_source_mappings().iter().find(|mapping| is_of_queue(mapping));
        let mapping = of_queue.with_context(|| format!("function {} has no queue mapping", self.named(function)))?;
        Ok(mapping.state().context("AWS told no state")?.to_owned())
    }

    /// Whether a schedule is enabled; `None` where there is none of that name.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn schedule(&self, name: &str) -> Result<Option<bool>> {
        match self.scheduler.get_schedule().name(self.named(name)).send().await {
            Ok(schedule) => Ok(Some(schedule.state().is_none_or(|state| state.as_str() == "ENABLED"))),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(brief(error)),
        }
    }

    /// Messages that wait in a queue.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn messages(&self, queue: &str) -> Result<i64> {
        let count = self.queue_attribute(queue, QueueAttributeName::ApproximateNumberOfMessages).await?;
        count.parse().with_context(|| format!("AWS told {count:?} messages"))
    }

    async fn queue_attribute(&self, queue: &str, name: QueueAttributeName) -> Result<String> {
        let url = self.sqs.get_queue_url().queue_name(self.named(queue)).send().await.map_err(brief)?;
        let get = self.sqs.get_queue_attributes().set_queue_url(url.queue_url).attribute_names(name.clone());
        let attributes = get.send().await.map_err(brief)?.attributes.unwrap_or_default();
        attributes.get(&name).cloned().with_context(|| format!("AWS told no {name}"))
    }

    /// How many addresses a topic goes to, and how many of them have not confirmed. The topic lies in the account and
    /// region of `queue`.
    ///
    /// # Errors
    /// When AWS does not tell.
    pub async fn subscriptions(&self, topic: &str, queue: &str) -> Result<(usize, usize)> {
        let queue = self.queue_attribute(queue, QueueAttributeName::QueueArn).await?;
        let parts: Vec<_> = queue.split(':').collect();
        let [arn, partition, _, region, account, _] = parts.as_slice() else {
            anyhow::bail!("{queue} is no queue's ARN");
        };
        let topic = format!("{arn}:{partition}:sns:{region}:{account}:{}", self.named(topic));
        let list = self.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.map_err(brief)?;
        let all = list.subscriptions();
        let waiting = all.iter().filter(|one| one.subscription_arn() == Some("PendingConfirmation")).count();
        Ok((all.len(), waiting))
    }
}
