//! `parsebook calibrate`: asks the live API how it prices and behaves today, with at most 100 points of one key.
//!
//! Every question carries a reading of points; the next reading prices it. A question that could take the sum too far is
//! left out, and so is one for which no fitting report was found. What the answers mean is judged in
//! [`parsebook_core::calibrate`].

mod asks;
mod see;

use parsebook_core::RaidId;
use parsebook_core::calibrate::{Observations, STOP_AT};
use parsebook_core::ports::{ApiError, Clock};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::WclApi;
use super::failure::{Failure, OnTimeout};
use super::keys::KeyState;
use super::points::Reading;
use super::question::Question;
use super::reply::Body;

/// A question and its answer as they were.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// Such as `C4`; what only prepares another question has a letter behind.
    pub question: String,
    /// GraphQL.
    pub asked: String,
    /// What it cost; `None` where an hour ended in between.
    pub points: Option<f64>,
    /// `data` and `errors`, or `failure`.
    pub said: Value,
}

/// A kill of which the ranks are to be asked for again later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FreshKill {
    code: String,
    fight: u32,
}

/// A calibration: what is written into its file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Calibrated {
    /// The raid that was asked about.
    pub raid: RaidId,
    /// A kill that had just happened.
    pub fresh: Option<FreshKill>,
    /// What was seen.
    pub observations: Observations,
    /// Every question with its answer.
    pub calls: Vec<Call>,
}

impl Calibrated {
    /// Points that were spent, as far as they could be read.
    pub fn points(&self) -> f64 {
        self.calls.iter().filter_map(|call| call.points).sum()
    }
}

impl<C: Clock> WclApi<C> {
    /// Asks everything about `raid` with the first key that has the points.
    ///
    /// # Errors
    /// When the API refuses, has no points, or gives no answer to the first questions.
    pub async fn calibrate(&self, raid: RaidId) -> Result<Calibrated, ApiError> {
        let mut asking = self.asking().await?;
        let (observations, fresh) = asks::everything(&mut asking, raid, self.clock.now()).await?;
        asking.finish(Calibrated { raid, fresh, observations, calls: Vec::new() }).await
    }

    /// Asks once more what needs time: whether the fresh kill of an `earlier` calibration has its ranks now.
    ///
    /// # Errors
    /// When the earlier one had no fresh kill; else like [`Self::calibrate`].
    pub async fn calibrate_again(&self, earlier: &Calibrated) -> Result<Calibrated, ApiError> {
        let Some(fresh) = earlier.fresh.clone() else {
            return Err(ApiError::Failed(anyhow::anyhow!(
                "the earlier calibration found no fresh kill to ask for again"
            )));
        };
        let mut asking = self.asking().await?;
        let observations = Observations {
            fresh: asks::fresh(&mut asking, &fresh.code, fresh.fight).await?,
            ..Observations::default()
        };
        let raid = earlier.raid;
        asking.finish(Calibrated { raid, fresh: Some(fresh), observations, calls: Vec::new() }).await
    }

    async fn asking(&self) -> Result<Asking<'_, C>, ApiError> {
        let key = self.key_for(STOP_AT).await?;
        Ok(Asking { api: self, key, calls: Vec::new(), open: None, spent: 0.0, dearer: 1.0 })
    }
}

/// A calibration on its way.
struct Asking<'a, C> {
    api: &'a WclApi<C>,
    key: &'a KeyState,
    calls: Vec<Call>,
    /// The reading of the last question, and the most it may have cost.
    open: Option<(Reading, f64)>,
    /// What the questions before it cost.
    spent: f64,
    /// How many times dearer a question was than it was taken to be at most.
    dearer: f64,
}

impl<C: Clock> Asking<'_, C> {
    /// Asks for `fields` of `root`, which cost no more than `most`. `None` if that could be too much, or there is no usable
    /// answer.
    async fn ask(&mut self, name: &str, root: &'static str, fields: &str, most: f64) -> Result<Option<Body>, ApiError> {
        let most = most * self.dearer;
        let open = self.open.map_or(0.0, |(_, most)| most);
        // The reading at the end costs a point, too.
        if self.spent + open + most + 1.0 > STOP_AT {
            tracing::warn!(question = name, "left out: it could take too many points");
            return Ok(None);
        }
        let question = Question::new(root, fields, most);
        let answer = self.api.ask(self.key, &question, OnTimeout::Retry).await;
        let (mut said, body) = match answer {
            Ok((body, receipt)) => {
                self.settle(receipt.map(|receipt| receipt.reading()), most);
                (json!({ "data": body.data, "errors": body.errors }), Some(body))
            }
            Err(Failure::Api(
                error @ (ApiError::Refused(_) | ApiError::PointsExhausted { .. } | ApiError::BadKey { .. }),
            )) => {
                return Err(error);
            }
            Err(failure) => {
                self.settle(None, most);
                (json!({ "failure": failure.into_api_error().to_string() }), None)
            }
        };
        self.api.guard.withhold_in(&mut said);
        let asked = question.query;
        self.calls.push(Call { question: name.to_owned(), asked, points: None, said });
        Ok(body)
    }

    /// Prices the question before by the reading that came with this one.
    fn settle(&mut self, reading: Option<Reading>, most: f64) {
        if let Some((before, most_before)) = self.open.take() {
            let cost =
                reading.filter(|reading| reading.is_of_the_hour(&before)).map(|reading| reading.spent - before.spent);
            self.spent += cost.unwrap_or(most_before);
            self.dearer = self.dearer.max(cost.unwrap_or_default() / most_before.max(1.0));
            // A call that was priced by itself keeps its price.
            if let Some(call) = self.calls.last_mut().filter(|call| call.points.is_none()) {
                call.points = cost;
            }
        }
        match reading {
            Some(reading) => self.open = Some((reading, most)),
            None => self.spent += most,
        }
    }

    /// Prices the last question, for a point.
    async fn price_last(&mut self) -> Result<(), ApiError> {
        let answer = self.api.ask(self.key, &Question::points(), OnTimeout::Retry).await;
        let (_, receipt) = answer.map_err(Failure::into_api_error)?;
        self.settle(receipt.map(|receipt| receipt.reading()), 1.0);
        Ok(())
    }

    async fn finish(mut self, mut calibrated: Calibrated) -> Result<Calibrated, ApiError> {
        self.price_last().await?;
        let points = self.calls.iter().filter_map(|call| Some((call.question.clone(), call.points?)));
        calibrated.observations.points = points.collect();
        let Observations { beyond_last_page, default_metric, old, .. } = &mut calibrated.observations;
        self.api.guard.withhold_from([beyond_last_page, default_metric, old].into_iter().flatten());
        calibrated.calls = self.calls;
        Ok(calibrated)
    }
}
