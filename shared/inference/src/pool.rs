//! Inference off the async threads: a bounded number of workers behind a bounded queue.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::{Analysis, Embedder, Error, Sentiment};

/// Texts that may wait for each worker. At 5 ms a text the last one waits a third of a second, which a caller with a
/// deadline of seconds can use; more would be answered too late anyway.
const QUEUE_PER_WORKER: usize = 64;

/// A model and the threads that run it. Clones share both; the threads end with the last clone.
pub struct Pool<M> {
    owner: Arc<Owner<M>>,
}

struct Owner<M> {
    shared: Arc<Shared<M>>,
    workers: usize,
}

struct Shared<M> {
    model: M,
    queue: Mutex<Queue<M>>,
    work: Condvar,
    capacity: usize,
}

struct Queue<M> {
    jobs: VecDeque<Box<dyn Job<M>>>,
    closed: bool,
}

/// A text's work, and where its answer goes.
trait Job<M>: Send {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;
    fn run(self: Box<Self>, model: &M);
}

struct Call<F, R> {
    work: F,
    answer: oneshot::Sender<R>,
}

impl<M, F, R> Job<M> for Call<F, R>
where
    F: FnOnce(&M) -> R + Send,
    R: Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(self: Box<Self>, model: &M) {
        let Self { work, answer } = *self;
        // a panic drops the sender, which tells the caller; the worker goes on
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(model))) {
            // the caller may have gone meanwhile, and its answer with it
            let _ = answer.send(result);
        }
    }
}

impl<M> std::fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} workers)", self.owner.workers)
    }
}

impl<M: Send + Sync + 'static> Pool<M> {
    /// Starts `threads` workers, or one for each core.
    ///
    /// # Panics
    /// If the system gives no thread.
    #[must_use]
    pub fn new(model: M, threads: Option<NonZeroUsize>) -> Self {
        let threads = threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        Self::with_queue(model, threads, threads * QUEUE_PER_WORKER)
    }

    /// Starts workers with a queue of so many texts, beside those in work.
    ///
    /// # Panics
    /// If the system gives no thread.
    #[must_use]
    pub fn with_queue(model: M, threads: usize, capacity: usize) -> Self {
        let queue = Mutex::new(Queue {
            jobs: VecDeque::with_capacity(capacity),
            closed: false,
        });
        let shared = Arc::new(Shared {
            model,
            queue,
            work: Condvar::new(),
            capacity,
        });
        for index in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("inference-{index}"))
                .spawn(move || shared.serve())
                .unwrap_or_else(|error| panic!("cannot start an inference thread: {error}"));
        }
        Self {
            owner: Arc::new(Owner {
                shared,
                workers: threads,
            }),
        }
    }

    /// Runs `work` with the model on a worker thread and waits for its result.
    ///
    /// Dropping the future is safe: work that has not begun is then skipped, work that has is finished and thrown away.
    ///
    /// # Errors
    /// [`Error::Overloaded`] at once if the queue is full; [`Error::WorkerPanicked`] if `work` panicked.
    pub async fn run<R, F>(&self, work: F) -> Result<R, Error>
    where
        F: FnOnce(&M) -> R + Send + 'static,
        R: Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        self.owner.shared.submit(Box::new(Call { work, answer }))?;
        result.await.map_err(|_| Error::WorkerPanicked)
    }

    /// The model, for what needs no inference: names, limits, token counts.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.owner.shared.model
    }

    /// Worker threads.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.owner.workers
    }

    /// Texts that wait for a worker now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.owner.shared.lock().jobs.len()
    }
}

impl Pool<Sentiment> {
    /// [`Sentiment::score`] on a worker thread.
    ///
    /// # Errors
    /// Those of [`Self::run`] and of [`Sentiment::score`].
    pub async fn score(&self, text: impl Into<String>) -> Result<Analysis, Error> {
        let text = text.into();
        self.run(move |model| model.score(&text)).await?
    }
}

impl Pool<Embedder> {
    /// [`Embedder::embed`] on a worker thread.
    ///
    /// # Errors
    /// Those of [`Self::run`] and of [`Embedder::embed`].
    pub async fn embed(&self, text: impl Into<String>) -> Result<Vec<f32>, Error> {
        let text = text.into();
        self.run(move |model| model.embed(&text)).await?
    }
}

impl<M> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self {
            owner: Arc::clone(&self.owner),
        }
    }
}

impl<M> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, Queue<M>> {
        // no code panics while it holds the lock, so the queue is whole in any case
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, job: Box<dyn Job<M>>) -> Result<(), Error> {
        let mut queue = self.lock();
        if queue.jobs.len() >= self.capacity {
            queue.jobs.retain(|job| !job.is_abandoned());
        }
        if queue.jobs.len() >= self.capacity {
            return Err(Error::Overloaded {
                waiting: self.capacity,
            });
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.work.notify_one();
        Ok(())
    }

    /// A worker's life: one job after the other until the pool is gone and the queue empty.
    fn serve(&self) {
        while let Some(job) = self.next() {
            if !job.is_abandoned() {
                job.run(&self.model);
            }
        }
    }

    fn next(&self) -> Option<Box<dyn Job<M>>> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self
                .work
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<M> Drop for Owner<M> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}
