//! A call to the queue that is made ready while the one before it is under way.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{MaybeDone, maybe_done};

use crate::ports::Go;
use crate::scrap::Discovered;

/// One batch and the call that sends it, which waits for the word.
pub struct Prepared<'a, F: Future> {
    /// What is sent.
    pub batch: &'a [Discovered],
    let_go: oneshot::Sender<()>,
    call: Pin<Box<MaybeDone<F>>>,
}

impl<'a, F: Future> Prepared<'a, F> {
    /// The call that `send` makes. It does nothing before it is polled.
    pub fn new(batch: &'a [Discovered], send: impl FnOnce(Go) -> F) -> Self {
        let (let_go, told) = oneshot::channel();
        let go = async move {
            if told.await.is_err() {
                // Nobody is left to tell it to go.
                std::future::pending::<()>().await;
            }
        };
        Self { batch, let_go, call: Box::pin(maybe_done(send(go.boxed().shared()))) }
    }

    /// Whether the call has ended, without having been let go if [`Self::go`] was not called.
    pub fn has_ended(&self) -> bool {
        matches!(*self.call, MaybeDone::Done(_))
    }

    /// Lets it go and answers what came of it. Meanwhile `next` makes itself ready.
    pub async fn go(mut self, mut next: Option<&mut Self>) -> F::Output {
        let _ = self.let_go.send(());
        let mut has_left = false;
        poll_fn(|context| {
            if self.call.as_mut().poll(context).is_ready()
                && let Some(output) = self.call.as_mut().take_output()
            {
                return Poll::Ready(output);
            }
            if !has_left {
                // Its bytes are written by another task: that one first.
                has_left = true;
                context.waker().wake_by_ref();
            } else if let Some(next) = &mut next {
                let _ = next.call.as_mut().poll(context);
            }
            Poll::Pending
        })
        .await
    }
}
