//! Several instances with one shared token cache, and a shared cache that fails.
//!
//! The cache here is a map in memory; the one over the state store is tested where it lives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cxone::oauth::{
    AccessToken, CacheError, Fingerprint, RenewalLease, SharedTokenCache, TokenKey, TokenSource,
};
use cxone_simulator::{Fault, FaultRule, Handle};
use futures::future::{BoxFuture, join_all};
use tokio::time::Instant;

use crate::support::{TOKEN, client_with, list, quick_limits, site, soon, start_simulator, tokens};

/// Until when each key is leased, with the number of its lease.
type Leases = Arc<Mutex<HashMap<String, (u32, Instant)>>>;

/// A lease that is held, as the shared cache gives it out.
struct InMemoryLease {
    leases: Leases,
    key: TokenKey,
    number: u32,
}

impl RenewalLease for InMemoryLease {
    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), CacheError>> {
        drop(self);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Drop for InMemoryLease {
    fn drop(&mut self) {
        let mut leases = self.leases.lock().unwrap();
        leases.retain(|held, (number, _)| held != self.key.as_str() || *number != self.number);
    }
}

#[derive(Default)]
struct InMemory {
    tokens: Mutex<HashMap<String, AccessToken>>,
    leases: Leases,
    broken: AtomicBool,
    hanging: AtomicBool,
    calls: AtomicU32,
}

impl InMemory {
    fn answer<'a, T: Send + 'a>(
        &'a self,
        work: impl FnOnce() -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<T, CacheError>> {
        Box::pin(async move {
            self.calls.fetch_add(1, Ordering::SeqCst);
            if self.hanging.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
            if self.broken.load(Ordering::SeqCst) {
                Err("the table is gone".into())
            } else {
                Ok(work())
            }
        })
    }
}

impl SharedTokenCache for InMemory {
    fn load<'a>(
        &'a self,
        key: &'a TokenKey,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, CacheError>> {
        self.answer(|| self.tokens.lock().unwrap().get(key.as_str()).cloned())
    }

    fn store<'a>(
        &'a self,
        key: &'a TokenKey,
        token: &'a AccessToken,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.answer(|| {
            drop(
                self.tokens
                    .lock()
                    .unwrap()
                    .insert(key.as_str().to_owned(), token.clone()),
            )
        })
    }

    fn invalidate<'a>(
        &'a self,
        key: &'a TokenKey,
        fingerprint: &'a Fingerprint,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        self.answer(|| {
            self.tokens
                .lock()
                .unwrap()
                .retain(|held, token| held != key.as_str() || token.fingerprint() != *fingerprint);
        })
    }

    fn try_lease<'a>(
        &'a self,
        key: &'a TokenKey,
        duration: Duration,
    ) -> BoxFuture<'a, Result<Option<Box<dyn RenewalLease>>, CacheError>> {
        self.answer(move || {
            let mut leases = self.leases.lock().unwrap();
            let held = leases.get(key.as_str());
            if held.is_some_and(|(_, until)| *until > Instant::now()) {
                return None;
            }
            let number = self.calls.load(Ordering::SeqCst);
            let until = Instant::now() + duration;
            leases.insert(key.as_str().to_owned(), (number, until));
            Some(Box::new(InMemoryLease {
                leases: Arc::clone(&self.leases),
                key: key.clone(),
                number,
            }) as Box<dyn RenewalLease>)
        })
    }
}

fn instance(simulator: &Handle, shared: &Arc<InMemory>) -> TokenSource {
    tokens(site(&simulator.url())).with_shared(Arc::clone(shared) as Arc<dyn SharedTokenCache>)
}

fn slow_tokens() -> FaultRule {
    FaultRule::new(TOKEN, Fault::Delay(Duration::from_millis(60)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_callers_on_ten_cold_instances_make_one_token_request() {
    let simulator = start_simulator([slow_tokens()]).await;
    let shared = Arc::new(InMemory::default());
    let instances: Vec<_> = (0..10).map(|_| instance(&simulator, &shared)).collect();
    let given = join_all((0..100).map(|caller| instances[caller % 10].token(soon()))).await;
    let prints: std::collections::HashSet<_> = given
        .into_iter()
        .map(|token| token.unwrap().fingerprint())
        .collect();
    assert_eq!(prints.len(), 1);
    assert_eq!(simulator.requests("POST", TOKEN), 1);
    assert!(
        shared.leases.lock().unwrap().is_empty(),
        "the lease was given back"
    );
}

#[tokio::test]
async fn another_instance_takes_the_stored_token() {
    let simulator = start_simulator([]).await;
    let shared = Arc::new(InMemory::default());
    let first = instance(&simulator, &shared).token(soon()).await.unwrap();
    let second = instance(&simulator, &shared).token(soon()).await.unwrap();
    assert_eq!(first.fingerprint(), second.fingerprint());
    assert_eq!(simulator.requests("POST", TOKEN), 1);
}

#[tokio::test]
async fn a_token_revoked_under_two_instances_costs_one_refresh() {
    let simulator = start_simulator([]).await;
    let shared = Arc::new(InMemory::default());
    let here = site(&simulator.url());
    let http =
        insights_http::client::build_client(insights_http::client::IdleConnections::Close).unwrap();
    let clients = [(); 2].map(|()| {
        cxone::CxoneClient::new(
            http.clone(),
            here.clone(),
            Arc::new(instance(&simulator, &shared)),
            quick_limits(),
        )
    });
    for client in &clients {
        list(client, soon()).await.unwrap();
    }
    simulator.revoke_tokens();
    let answers = join_all((0..40).map(|call| list(&clients[call % 2], soon()))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(simulator.requests("POST", TOKEN), 2);
}

#[tokio::test]
async fn a_newer_token_of_another_instance_survives_an_invalidation() {
    let simulator = start_simulator([]).await;
    let shared = Arc::new(InMemory::default());
    let [one, two] = [(); 2].map(|()| instance(&simulator, &shared));
    let old = one.token(soon()).await.unwrap();
    two.token(soon()).await.unwrap();
    one.invalidate(&old, soon()).await;
    let new = one.token(soon()).await.unwrap();
    two.invalidate(&old, soon()).await;
    assert_eq!(
        two.token(soon()).await.unwrap().fingerprint(),
        new.fingerprint()
    );
    assert_eq!(simulator.requests("POST", TOKEN), 2);
}

#[tokio::test]
async fn a_lease_whose_holder_died_is_taken_over_when_it_ends() {
    let simulator = start_simulator([]).await;
    let shared = Arc::new(InMemory::default());
    let key = TokenKey::new(
        site(&simulator.url()).token_url(),
        "demo-client",
        site(&simulator.url()).scopes(),
    );
    let lease = shared
        .try_lease(&key, Duration::from_millis(150))
        .await
        .unwrap();
    // A process that dies runs no destructor.
    std::mem::forget(lease.expect("nobody holds it"));
    let began = Instant::now();
    instance(&simulator, &shared).token(soon()).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(150));
    assert_eq!(simulator.requests("POST", TOKEN), 1);
}

#[tokio::test]
async fn a_canceled_renewal_gives_its_lease_back() {
    let simulator = start_simulator([slow_tokens()]).await;
    let shared = Arc::new(InMemory::default());
    let [one, two] = [(); 2].map(|()| instance(&simulator, &shared));
    let canceled = tokio::time::timeout(Duration::from_millis(20), one.token(soon())).await;
    assert!(canceled.is_err());
    let began = Instant::now();
    two.token(soon()).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(simulator.requests("POST", TOKEN), 2);
}

#[tokio::test]
async fn without_its_shared_cache_an_instance_goes_on_with_memory() {
    for fault in ["broken", "hanging"] {
        let simulator = start_simulator([]).await;
        let shared = Arc::new(InMemory::default());
        let switch = if fault == "broken" {
            &shared.broken
        } else {
            &shared.hanging
        };
        switch.store(true, Ordering::SeqCst);
        let source = instance(&simulator, &shared);
        let given = join_all((0..10).map(|_| source.token(soon()))).await;
        assert!(given.iter().all(Result::is_ok), "{fault}");
        assert_eq!(simulator.requests("POST", TOKEN), 1, "{fault}");
        let before = shared.calls.load(Ordering::SeqCst);
        source.token(soon()).await.unwrap();
        assert_eq!(
            shared.calls.load(Ordering::SeqCst),
            before,
            "memory comes first"
        );
    }
}

#[tokio::test]
async fn a_refused_token_is_not_taken_from_a_cache_that_could_not_forget_it() {
    let simulator = start_simulator([]).await;
    let shared = Arc::new(InMemory::default());
    let source = instance(&simulator, &shared);
    let old = source.token(soon()).await.unwrap();
    shared.broken.store(true, Ordering::SeqCst);
    source.invalidate(&old, soon()).await;
    shared.broken.store(false, Ordering::SeqCst);
    let new = source.token(soon()).await.unwrap();
    assert_ne!(old.fingerprint(), new.fingerprint());
}

#[tokio::test]
async fn clients_of_other_scopes_do_not_share_a_token() {
    let simulator = start_simulator([]).await;
    let shared = Arc::new(InMemory::default());
    let narrow = tokens(site(&simulator.url()).with_scopes("interactions:read"))
        .with_shared(Arc::clone(&shared) as Arc<dyn SharedTokenCache>);
    narrow.token(soon()).await.unwrap();
    instance(&simulator, &shared).token(soon()).await.unwrap();
    assert_eq!(shared.tokens.lock().unwrap().len(), 2);
    list(&client_with(site(&simulator.url()), quick_limits()), soon())
        .await
        .unwrap();
}
