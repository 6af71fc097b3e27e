//! An object store in memory, whose answers can be late or lost.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rand::Rng;

use crate::faults::{Fault, Target};
use crate::processes::Process;
use crate::seeded_os;
use crate::world::SharedWorld;

/// How long a request waits for an answer before it fails, as the client of S3 does.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The object store as one process sees it.
#[derive(Debug, Clone)]
pub struct SimulatedObjects {
    world: SharedWorld,
    process: Process,
    objects: Arc<InMemory>,
}

impl SimulatedObjects {
    /// Connects a process to the store.
    #[must_use]
    pub fn new(world: SharedWorld, process: Process) -> Self {
        let objects = Arc::clone(&world.lock().objects);
        Self {
            world,
            process,
            objects,
        }
    }

    /// Carries out one request: it travels, meets the fault of the moment, and its answer travels back.
    async fn carry<'a, T>(
        &'a self,
        what: String,
        carry_out: impl Fn(Arc<InMemory>) -> BoxFuture<'a, Result<T>> + Send,
    ) -> Result<T> {
        let met = self.world.lock().meet(Target::Objects);
        self.carry_on(met, what, carry_out).await
    }

    /// Carries out one request that meets a fault, or none, and whose way takes some milliseconds.
    async fn carry_on<'a, T>(
        &'a self,
        (fault, latency_ms): (Option<Fault>, u64),
        what: String,
        carry_out: impl Fn(Arc<InMemory>) -> BoxFuture<'a, Result<T>> + Send,
    ) -> Result<T> {
        let latency = Duration::from_millis(latency_ms);
        tokio::time::sleep(latency).await;
        self.process.turn().await;
        let line = |end: &str| format!("{} object {what} {end}", self.process.name());
        match fault {
            None => {
                let answer = carry_out(Arc::clone(&self.objects)).await;
                let end = if answer.is_ok() {
                    "succeeds"
                } else {
                    "is refused"
                };
                self.world.lock().trace.add(|| line(end));
                tokio::time::sleep(latency).await;
                answer
            }
            Some(Fault::Slow(ms)) => {
                let answer = carry_out(Arc::clone(&self.objects)).await;
                self.world.lock().trace.add(|| line("succeeds late"));
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
                answer
            }
            Some(Fault::LostAnswer) => {
                let _ = carry_out(Arc::clone(&self.objects)).await;
                self.world
                    .lock()
                    .trace
                    .add(|| line("is carried out, but its answer is lost"));
                tokio::time::sleep(REQUEST_TIMEOUT).await;
                Err(no_answer())
            }
            Some(fault) => {
                self.world.lock().trace.add(|| line("fails"));
                tokio::time::sleep(match fault {
                    Fault::Hang => REQUEST_TIMEOUT,
                    _ => Duration::from_millis(900),
                })
                .await;
                Err(no_answer())
            }
        }
    }
}

impl SimulatedObjects {
    /// Lets a write be carried out after its writer has given up, as a packet that was delayed on its way.
    async fn put_later(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        tokio::time::sleep(REQUEST_TIMEOUT / 10).await;
        self.process.turn().await;
        {
            let (objects, location) = (Arc::clone(&self.objects), location.clone());
            let mut world = self.world.lock();
            let name = self.process.name();
            world
                .trace
                .add(|| format!("{name} object put {location} fails, and is carried out later"));
            let at_ms = seeded_os::elapsed_ms() + world.random.random_range(1000..25_000);
            world.happen_at(
                at_ms,
                Box::new(move |world| {
                    let written = block_on(objects.put_opts(&location, payload, opts));
                    let is_written = written.is_ok();
                    world
                        .trace
                        .add(|| format!("late object put {location} succeeds: {is_written}"));
                }),
            );
        }
        Err(no_answer())
    }
}

fn no_answer() -> object_store::Error {
    object_store::Error::Generic {
        store: "the simulated store",
        source: "no answer came".into(),
    }
}

impl std::fmt::Display for SimulatedObjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the simulated store")
    }
}

#[async_trait::async_trait]
impl ObjectStore for SimulatedObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let met = self.world.lock().meet(Target::Objects);
        let is_lost = met.0 == Some(Fault::LostAnswer);
        if is_lost && self.world.lock().random.random_bool(0.3) {
            return self.put_later(location, payload, opts).await;
        }
        self.carry_on(met, format!("put {location}"), |objects| {
            let (location, payload, opts) = (location.clone(), payload.clone(), opts.clone());
            Box::pin(async move { objects.put_opts(&location, payload, opts).await })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.process.turn().await;
        self.objects.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.carry(format!("get {location}"), |objects| {
            let (location, options) = (location.clone(), options.clone());
            Box::pin(async move { objects.get_opts(&location, options).await })
        })
        .await
    }

    async fn get_ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<bytes::Bytes>> {
        self.process.turn().await;
        self.objects.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.process.turn().await;
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.process.turn().await;
        self.objects.copy_opts(from, to, options).await
    }
}
