//! The worker pool: its bounds, and its state after panics and canceled calls.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use inference::{Error, SentimentModel, WorkerPool};

/// A gate at which work waits until a test opens the gate.
#[derive(Default)]
struct WorkBlocker {
    open: Mutex<bool>,
    opened: Condvar,
}

impl WorkBlocker {
    fn wait(&self) {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Occupies the only worker until the gate opens; returns once the worker has begun.
async fn occupy(
    pool: &WorkerPool<()>,
    gate: &Arc<WorkBlocker>,
) -> tokio::task::JoinHandle<Result<(), Error>> {
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let (pool, gate) = (pool.clone(), Arc::clone(gate));
    let handle = tokio::spawn(async move {
        pool.run(move |()| {
            began.send(()).unwrap();
            gate.wait();
        })
        .await
    });
    has_begun.await.unwrap();
    handle
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_says_that_a_retry_may_help() {
    let (pool, gate) = (
        WorkerPool::with_queue((), 1, 2),
        Arc::new(WorkBlocker::default()),
    );
    let busy = occupy(&pool, &gate).await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn({
                let pool = pool.clone();
                async move { pool.run(|()| 7).await }
            })
        })
        .collect();
    while pool.waiting() < 2 {
        tokio::task::yield_now().await;
    }
    let refused = pool.run(|()| 7).await.unwrap_err();
    assert!(
        matches!(refused, Error::Overloaded { capacity: 2 }) && refused.is_retryable(),
        "{refused}"
    );
    gate.open();
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap(), 7);
    }
    busy.await.unwrap().unwrap();
    assert_eq!(pool.run(|()| 8).await.unwrap(), 8);
}

#[tokio::test]
async fn a_canceled_call_that_has_not_begun_never_runs_and_frees_its_place() {
    let (pool, gate) = (
        WorkerPool::with_queue((), 1, 1),
        Arc::new(WorkBlocker::default()),
    );
    let busy = occupy(&pool, &gate).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let count = |runs: &Arc<AtomicUsize>| {
        let runs = Arc::clone(runs);
        move |(): &()| {
            runs.fetch_add(1, Ordering::SeqCst);
        }
    };
    let canceled = tokio::time::timeout(Duration::ZERO, pool.run(count(&runs))).await;
    assert!(canceled.is_err() && pool.waiting() == 1);
    let next = tokio::spawn({
        let (pool, work) = (pool.clone(), count(&runs));
        async move { pool.run(work).await }
    });
    tokio::task::yield_now().await;
    gate.open();
    next.await.unwrap().unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_panic_fails_its_own_call_alone() {
    let pool = WorkerPool::with_queue((), 1, 8);
    let failed = pool.run(|()| panic!("on purpose")).await;
    assert!(matches!(failed, Err(Error::WorkerPanicked)));
    assert_eq!(pool.run(|()| 1).await.unwrap(), 1);
}

#[tokio::test]
async fn workers_end_with_the_pool() {
    let model = Arc::new(());
    let pool = WorkerPool::new(Arc::clone(&model), None);
    assert!(pool.workers() >= 1);
    drop(pool.clone());
    assert_eq!(pool.run(|_| 3).await.unwrap(), 3);
    drop(pool);
    while Arc::strong_count(&model) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_scored_at_once_get_the_answers_they_get_alone() {
    let pool = WorkerPool::new(SentimentModel::embedded().unwrap(), None);
    let texts: Vec<String> = (0..100)
        .map(|n| {
            format!(
                "The agent {} {}",
                ["was rude", "was helpful", "called"][n % 3],
                "again ".repeat(n % 17)
            )
        })
        .collect();
    let calls = texts.iter().map(|text| {
        tokio::spawn({
            let (pool, text) = (pool.clone(), text.clone());
            async move { pool.score(text).await }
        })
    });
    let calls: Vec<_> = calls.collect();
    for (call, text) in calls.into_iter().zip(&texts) {
        assert_eq!(
            call.await.unwrap().unwrap(),
            pool.model().score(text).unwrap()
        );
    }
}
