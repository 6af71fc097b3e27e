//! What watches a function while it works: progress and events, for a terminal or a test.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

/// Receives the events of a function while it works. There may be none; then no event is made.
///
/// An observer only watches: what it does with an event, and whether it takes the event at all, changes nothing in the function.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use runtime::Observer;
///
/// let seen = Arc::new(Mutex::new(Vec::new()));
/// let log = Arc::clone(&seen);
/// let observer = Observer::new(move |percent: u8| log.lock().unwrap().push(percent));
/// assert!(observer.notify(|| 50));
/// assert_eq!(*seen.lock().unwrap(), [50]);
///
/// let nobody = Observer::<u8>::none();
/// assert!(nobody.notify(|| unreachable!("nobody watches")));
/// ```
pub struct Observer<E>(Option<Take<E>>);

type Take<E> = Arc<dyn Fn(E) -> bool + Send + Sync>;

impl<E: 'static> Observer<E> {
    /// Returns an observer that watches nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Returns an observer that calls `take` with each event.
    pub fn new(take: impl Fn(E) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(move |event| {
            take(event);
            true
        })))
    }

    /// Returns an observer that sends each event to a channel. An event that finds the channel full or closed is dropped.
    #[must_use]
    pub fn sending(sender: mpsc::Sender<E>) -> Self
    where
        E: Send,
    {
        Self(Some(Arc::new(move |event| sender.try_send(event).is_ok())))
    }

    /// Returns an observer that shows each event to `look` before this one takes it. Events are made although nobody else watches.
    #[must_use]
    pub fn preceded_by(self, look: impl Fn(&E) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(move |event| {
            look(&event);
            self.0.as_ref().is_none_or(|take| take(event))
        })))
    }

    /// Passes on an event, which is made only if somebody watches. Returns false if the event was dropped.
    pub fn notify(&self, event: impl FnOnce() -> E) -> bool {
        self.0.as_ref().is_none_or(|take| take(event()))
    }
}

impl<E> Clone for Observer<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> Default for Observer<E> {
    fn default() -> Self {
        Self(None)
    }
}

impl<E> fmt::Debug for Observer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_some() { "some" } else { "none" };
        f.debug_tuple("Observer").field(&state).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_finds_a_full_or_closed_channel_is_dropped() {
        let (sender, mut events) = mpsc::channel(1);
        let observer = Observer::sending(sender);
        assert!(observer.notify(|| 1));
        assert!(!observer.notify(|| 2));
        assert_eq!(events.try_recv(), Ok(1));
        drop(events);
        assert!(!observer.notify(|| 3));
    }

    #[test]
    fn a_channel_ends_with_its_last_observer() {
        let (sender, mut events) = mpsc::channel::<u8>(1);
        let observer = Observer::sending(sender);
        let clone = observer.clone();
        drop(observer);
        assert_eq!(events.try_recv(), Err(mpsc::error::TryRecvError::Empty));
        drop(clone);
        assert_eq!(
            events.try_recv(),
            Err(mpsc::error::TryRecvError::Disconnected)
        );
    }
}
