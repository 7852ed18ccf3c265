//! Work that only one invocation does at a time, for as long as it holds a lease in the store.

use std::time::Duration;

use parsebook_adapters::mongo::{Leased, Leases};
use parsebook_core::Timestamp;
use parsebook_core::ports::Clock;

/// A lease whose holder died is free after this.
const TIME: Duration = Duration::from_secs(60);
/// How often it is renewed: a store that is away for a moment does not end it.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// Work stops so long before the lease would end: what was begun must not reach into another's.
const MARGIN: Duration = Duration::from_secs(15);
/// Giving it back takes no longer.
const END_WITHIN: Duration = Duration::from_secs(2);

/// What became of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held<T> {
    /// It was done.
    Done(T),
    /// Somebody else is at it, until then unless they go on.
    Others {
        /// Who.
        owner: String,
        /// Until when.
        until: Timestamp,
    },
    /// The lease could not be kept, so the work was broken off.
    Lost(String),
}

/// Does `work` as `owner` under the lease `name`, which is renewed meanwhile and given back at the end.
///
/// # Errors
/// When the store does not answer the first question.
pub async fn under_lease<T>(
    leases: &impl Leases,
    clock: &impl Clock,
    name: &str,
    owner: &str,
    work: impl Future<Output = T>,
) -> anyhow::Result<Held<T>> {
    let asked_at = clock.now();
    if let Leased::Others { owner, until } = leases.lease(name, owner, TIME).await? {
        return Ok(Held::Others { owner, until });
    }
    let held = tokio::select! {
        // First whether it still holds: a process that was stopped for long must not go on before it knows.
        biased;
        why = kept(leases, clock, name, owner, asked_at) => Held::Lost(why),
        done = work => Held::Done(done),
    };
    // A store that is away is not waited for: the lease ends by itself.
    let end = tokio::time::timeout(END_WITHIN, leases.end_lease(name, owner)).await;
    if let Some(error) = end.map_or_else(|late| Some(late.into()), Result::err) {
        tracing::warn!(name, error = format!("{error:#}"), "the lease is left to expire");
    }
    Ok(held)
}

/// Renews the lease until that fails; answers why.
async fn kept(leases: &impl Leases, clock: &impl Clock, name: &str, owner: &str, asked_at: Timestamp) -> String {
    let mut asked_at = asked_at;
    let mut failure = String::from("the process stood still");
    loop {
        clock.sleep(RENEW_EVERY).await;
        let now = clock.now();
        let left = (asked_at + TIME - MARGIN - now).to_std().unwrap_or_default();
        if left.is_zero() {
            return failure;
        }
        tokio::select! {
            // An answer that comes too late is none.
            () = clock.sleep(left) => return "the store does not answer".to_owned(),
            renewed = leases.lease(name, owner, TIME) => match renewed {
                Ok(Leased::Own) => asked_at = now,
                Ok(Leased::Others { owner, .. }) => return format!("it is {owner}'s now"),
                Err(error) => failure = format!("{error:#}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use anyhow::anyhow;

    use super::*;

    /// Real time, as far as tokio has paused it.
    struct PausedClock(tokio::time::Instant);

    impl Clock for PausedClock {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH + self.0.elapsed()
        }

        async fn sleep(&self, duration: Duration) {
            tokio::time::sleep(duration).await;
        }
    }

    fn clock() -> PausedClock {
        PausedClock(tokio::time::Instant::now())
    }

    #[derive(Default)]
    struct Memory {
        held: RefCell<BTreeMap<String, (String, Option<tokio::time::Instant>)>>,
        is_away: Cell<bool>,
        is_silent: Cell<bool>,
    }

    impl Leases for Memory {
        async fn lease(&self, name: &str, owner: &str, time: Duration) -> anyhow::Result<Leased> {
            if self.is_silent.get() {
                std::future::pending::<()>().await;
            }
            if self.is_away.get() {
                return Err(anyhow!("away"));
            }
            let now = tokio::time::Instant::now();
            let mut held = self.held.borrow_mut();
            if let Some((other, Some(until))) = held.get(name)
                && other != owner
                && *until > now
            {
                return Ok(Leased::Others { owner: other.clone(), until: Timestamp::UNIX_EPOCH });
            }
            held.insert(name.to_owned(), (owner.to_owned(), Some(now + time)));
            Ok(Leased::Own)
        }

        async fn end_lease(&self, name: &str, owner: &str) -> anyhow::Result<()> {
            self.held.borrow_mut().retain(|held, (other, _)| held != name || other != owner);
            Ok(())
        }
    }

    async fn working(seconds: u64) -> u64 {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        seconds
    }

    #[tokio::test(start_paused = true)]
    async fn one_works_and_the_other_is_told_who() {
        let (leases, clock) = (Memory::default(), clock());
        let first = under_lease(&leases, &clock, "x", "a", working(600));
        let second = async {
            working(300).await;
            under_lease(&leases, &clock, "x", "b", working(1)).await
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first.unwrap(), Held::Done(600), "renewed ten times over");
        assert_eq!(second.unwrap(), Held::Others { owner: "a".into(), until: Timestamp::UNIX_EPOCH });
        assert!(leases.held.borrow().is_empty(), "given back");
        assert_eq!(under_lease(&leases, &clock, "x", "b", working(1)).await.unwrap(), Held::Done(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_holders_lease_is_taken_over_once_it_has_expired() {
        let (leases, clock) = (Memory::default(), clock());
        drop(tokio::time::timeout(Duration::from_secs(5), under_lease(&leases, &clock, "x", "a", working(600))).await);
        let asked = under_lease(&leases, &clock, "x", "b", working(1)).await.unwrap();
        assert!(matches!(asked, Held::Others { .. }), "{asked:?}");
        working(60).await;
        assert_eq!(under_lease(&leases, &clock, "x", "b", working(1)).await.unwrap(), Held::Done(1));
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_broken_off_before_another_could_begin() {
        for is_silent in [true, false] {
            let (leases, clock) = (Memory::default(), clock());
            let breaks = async {
                working(25).await;
                leases.is_silent.set(is_silent);
                leases.is_away.set(!is_silent);
            };
            let begun = tokio::time::Instant::now();
            let work = async { tokio::join!(breaks, working(600)) };
            let held = under_lease(&leases, &clock, "x", "a", work).await.unwrap();
            assert!(matches!(held, Held::Lost(_)), "{held:?}");
            // The last renewal was after 20 s, for a minute.
            let lasted = begun.elapsed().as_secs();
            assert!((60..80).contains(&lasted), "{lasted}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_stood_still_does_nothing_more() {
        let (leases, clock) = (Memory::default(), clock());
        let steps = Cell::new(0);
        let work = async {
            loop {
                working(1).await;
                steps.set(steps.get() + 1);
                if steps.get() == 7 {
                    // All timers of the time that passed are due at once afterwards.
                    tokio::time::advance(Duration::from_secs(120)).await;
                }
            }
        };
        let held: Held<()> = under_lease(&leases, &clock, "x", "a", work).await.unwrap();
        assert_eq!((held, steps.get()), (Held::Lost("the process stood still".into()), 7));
    }
}
