//! Asks for several things by one request, and finds the one that spoils the answer to all.
//!
//! A request whose answer cannot be used is cut: its first and its last thing are asked for alone, the others in halves.
//! Before that a question for nothing but points shows whether the API answers at all. Two things whose answers cannot
//! be used, with no usable answer yet, show that it is not one thing's fault: then the whole question fails, and no more
//! is paid.

use anyhow::anyhow;
use parsebook_core::ports::{ApiError, Clock};

use super::WclApi;
use super::failure::{Failure, OnTimeout};
use super::keys::KeyState;
use super::points::Receipt;
use super::question::Question;
use super::reply::{Body, NO_CLASS};

/// Why there is no usable answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The whole answer is the sentence about a character without a class.
    NoClass,
    /// The answer is larger than is read.
    TooLarge,
    /// Anything else; what it is.
    Unusable(String),
}

impl Problem {
    pub fn text(&self) -> String {
        match self {
            Self::NoClass => NO_CLASS.to_owned(),
            Self::TooLarge => "too large".to_owned(),
            Self::Unusable(text) => text.clone(),
        }
    }
}

/// The first odd answer where those of all things that were asked for are, and they are several: one is its thing's own
/// fault, but then it is the API that is not understood.
pub fn odd_as_a_whole(odd: &[impl AsRef<str>], asked: usize) -> Option<&str> {
    odd.first().filter(|_| asked > 1 && odd.len() == asked).map(AsRef::as_ref)
}

/// Asks for things of one kind and reads what is said of them.
pub trait Pieces<T> {
    /// The question for `things`.
    fn question(&self, things: &[T]) -> Question;
    /// Reads an answer that holds the question's root. Returns the places of the things that have to be asked about one by
    /// one; an error if none of several can be understood.
    fn read(&mut self, things: &[T], body: &Body) -> Result<Vec<usize>, String>;
    /// Notes why the question for one thing alone has no usable answer.
    fn fail(&mut self, thing: &T, problem: Problem);
    /// Notes what a question cost.
    fn pay(&mut self, cost: f64, receipt: Option<Receipt>);
}

impl<C: Clock> WclApi<C> {
    /// Asks for `things`, by one request where that can be answered. An error is one of all, not of one thing; things
    /// that were neither read nor noted as failed were not reached.
    pub(super) async fn ask_in_pieces<T>(
        &self,
        key: &KeyState,
        things: &[T],
        pieces: &mut impl Pieces<T>,
    ) -> Result<(), ApiError> {
        let mut waiting = vec![things];
        let mut is_first = true;
        let mut is_any_usable = false;
        let mut failed: Vec<(&T, Problem)> = Vec::new();
        while let Some(things) = waiting.pop() {
            let problem = match self.ask_for(key, things, pieces).await? {
                Ok(alone) => {
                    is_any_usable = true;
                    waiting.extend(alone.into_iter().map(|at| &things[at..=at]));
                    continue;
                }
                Err(problem) => problem,
            };
            let is_suspect = matches!(problem, Problem::Unusable(_)) && !is_any_usable;
            if is_suspect && is_first {
                self.probe(key).await?;
            }
            match things {
                [_] if is_suspect && failed.iter().any(|(_, earlier)| matches!(earlier, Problem::Unusable(_))) => {
                    return Err(ApiError::Failed(anyhow!("no answer of the API can be used: {}", problem.text())));
                }
                [only] => failed.push((only, problem)),
                [first, others @ .., last] if is_first => {
                    waiting.extend(halves(others));
                    waiting.extend([std::slice::from_ref(last), std::slice::from_ref(first)]);
                }
                several => waiting.extend(halves(several)),
            }
            is_first = false;
        }
        for (thing, problem) in failed {
            pieces.fail(thing, problem);
        }
        Ok(())
    }

    /// Asks for `things` by one request: which of them are to be asked for alone, or why there is no usable answer.
    async fn ask_for<T>(
        &self,
        key: &KeyState,
        things: &[T],
        pieces: &mut impl Pieces<T>,
    ) -> Result<Result<Vec<usize>, Problem>, ApiError> {
        let question = pieces.question(things);
        Ok(Err(match self.ask(key, &question, OnTimeout::Split).await {
            Ok((body, receipt)) => {
                pieces.pay(question.cost, receipt);
                match body.whole_failure(question.root) {
                    None => {
                        let alone = pieces.read(things, &body);
                        return alone.map(Ok).map_err(|error| ApiError::Failed(anyhow!(self.guard.withhold(error))));
                    }
                    Some(_) if body.says_no_class => Problem::NoClass,
                    Some(error) => Problem::Unusable(self.guard.quote(&error)),
                }
            }
            Err(Failure::TooLarge) => Problem::TooLarge,
            Err(Failure::Unusable { says_no_class: true, .. }) => Problem::NoClass,
            Err(Failure::Unusable { said, .. }) => Problem::Unusable(format!("the answer is not JSON: {said}")),
            Err(Failure::Unanswered(error)) => Problem::Unusable(format!("{error:#}")),
            Err(Failure::Api(error)) => return Err(error),
        }))
    }

    /// Whether the API answers a question that nothing can spoil.
    async fn probe(&self, key: &KeyState) -> Result<(), ApiError> {
        let question = Question::points();
        let (body, _) = self.ask(key, &question, OnTimeout::Retry).await.map_err(Failure::into_api_error)?;
        match body.whole_failure(question.root) {
            None => Ok(()),
            Some(error) => {
                let said = self.guard.quote(&error);
                Err(ApiError::Failed(anyhow!("no answer of the API can be used: {said}")))
            }
        }
    }
}

/// Both halves that hold something, the first of them last: it is asked for first.
fn halves<T>(things: &[T]) -> impl Iterator<Item = &[T]> {
    let (left, right) = things.split_at(things.len() / 2);
    [right, left].into_iter().filter(|half| !half.is_empty())
}
