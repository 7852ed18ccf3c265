//! Commands that the server carries out even if this process is killed.
//!
//! The driver has no unacknowledged writes. But it announces a command to its event handler right before it writes it to
//! the socket, without waiting in between: when the poll that announced it is over, the bytes have left this process.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;

use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, unconstrained};

tokio::task_local! {
    static ANNOUNCED: Cell<bool>;
}

/// The event handler of a client whose commands are handed over.
pub fn handler() -> EventHandler<CommandEvent> {
    EventHandler::callback(|event| {
        if matches!(event, CommandEvent::Started(_)) {
            // Commands outside `hand_over` have nobody to tell.
            let _ = ANNOUNCED.try_with(|announced| announced.set(true));
        }
    })
}

/// Runs `work` in a task of its own, and answers when its first command has left this process or all of it is done.
pub async fn hand_over<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (told, left) = oneshot::channel();
    let mut told = Some(told);
    let watched = async move {
        let mut work = pin!(work);
        poll_fn(|context| {
            let polled = work.as_mut().poll(context);
            if (polled.is_ready() || ANNOUNCED.with(Cell::get))
                && let Some(told) = told.take()
            {
                let _ = told.send(());
            }
            polled
        })
        .await
    };
    // Unconstrained: tokio would otherwise put off the write itself where a task has done much already.
    let task = tokio::spawn(unconstrained(ANNOUNCED.scope(Cell::new(false), watched)));
    let _ = left.await;
    task
}
