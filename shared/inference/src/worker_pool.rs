//! Inference outside the threads of the async runtime: a fixed number of workers behind a bounded queue.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::embedder::Embedder;
use crate::error::Error;
use crate::sentiment::{SentimentAnalysis, SentimentModel};

/// Number of texts that may wait for each worker. At 5 ms a text the last one waits a third of a second, which suits a caller
/// with a deadline of seconds; a longer queue would be answered too late.
const MAX_QUEUED_TEXTS_PER_WORKER: usize = 64;

/// A model and the worker threads that run it. Clones share both; the threads end when the last clone is dropped.
pub struct WorkerPool<M> {
    owner: Arc<Owner<M>>,
}

/// The part of a pool whose drop ends the workers.
struct Owner<M> {
    shared: Arc<Shared<M>>,
    workers: usize,
}

/// What the pool and its workers share.
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

/// Work on one text, with the way back to its caller.
trait Job<M>: Send {
    /// Returns whether the caller no longer waits for the answer.
    fn is_abandoned(&self) -> bool;
    /// Does the work and sends the answer to the caller.
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
        // A panic drops the sender, by which the caller learns of the panic; the worker goes on.
        if let Ok(result) = catch_unwind(AssertUnwindSafe(|| work(model))) {
            // The caller may have dropped its future meanwhile.
            let _unsent = answer.send(result);
        }
    }
}

impl<M> std::fmt::Debug for WorkerPool<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkerPool({} workers)", self.owner.workers)
    }
}

impl<M: Send + Sync + 'static> WorkerPool<M> {
    /// Starts `threads` workers, or one for each core, with a queue of 64 texts for each worker.
    ///
    /// # Panics
    /// If the operating system cannot start a thread.
    #[must_use]
    pub fn new(model: M, threads: Option<NonZeroUsize>) -> Self {
        let threads = threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        Self::with_queue(model, threads, threads * MAX_QUEUED_TEXTS_PER_WORKER)
    }

    /// Starts workers with a queue of `capacity` texts, not counting the texts that the workers are busy with.
    ///
    /// # Panics
    /// If the operating system cannot start a thread.
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
                .spawn(move || shared.run_jobs())
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
    /// Dropping the future is safe: work that has not begun is skipped then, and the result of work that has begun is dropped.
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

    /// Returns the model, for whatever needs no inference: names, limits, token counts.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.owner.shared.model
    }

    /// Returns the number of worker threads.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.owner.workers
    }

    /// Returns the number of texts that wait for a worker.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.owner.shared.lock().jobs.len()
    }
}

impl WorkerPool<SentimentModel> {
    /// Scores a text on a worker thread, as [`SentimentModel::score`] does.
    ///
    /// # Errors
    /// Those of [`Self::run`] and of [`SentimentModel::score`].
    pub async fn score(&self, text: impl Into<String>) -> Result<SentimentAnalysis, Error> {
        let text = text.into();
        self.run(move |model| model.score(&text)).await?
    }
}

impl WorkerPool<Embedder> {
    /// Embeds a text on a worker thread, as [`Embedder::embed`] does.
    ///
    /// # Errors
    /// Those of [`Self::run`] and of [`Embedder::embed`].
    pub async fn embed(&self, text: impl Into<String>) -> Result<Vec<f32>, Error> {
        let text = text.into();
        self.run(move |model| model.embed(&text)).await?
    }
}

impl<M> Clone for WorkerPool<M> {
    fn clone(&self) -> Self {
        Self {
            owner: Arc::clone(&self.owner),
        }
    }
}

impl<M> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, Queue<M>> {
        // No code panics while it holds the lock, so that the queue is whole in any case.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job to the queue, in the place of an abandoned job if the queue is full.
    fn submit(&self, job: Box<dyn Job<M>>) -> Result<(), Error> {
        let mut queue = self.lock();
        if queue.jobs.len() >= self.capacity {
            queue.jobs.retain(|job| !job.is_abandoned());
        }
        if queue.jobs.len() >= self.capacity {
            return Err(Error::Overloaded {
                capacity: self.capacity,
            });
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.work.notify_one();
        Ok(())
    }

    /// Runs one job after the other until the pool is dropped and the queue is empty.
    fn run_jobs(&self) {
        while let Some(job) = self.take_job() {
            if !job.is_abandoned() {
                job.run(&self.model);
            }
        }
    }

    /// Waits for the next job; returns `None` when the pool is dropped and the queue is empty.
    fn take_job(&self) -> Option<Box<dyn Job<M>>> {
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
