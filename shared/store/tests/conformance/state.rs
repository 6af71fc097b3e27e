//! The state store.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use store::Error;
use store::state::lease::Lease;
use store::state::{
    BODY_MAX_BYTES, DynamoState, Expect, KEY_MAX_BYTES, Key, Put, SqliteState, StateStore,
};

use crate::proxy::{Fault, Proxy};

/// A whole second.
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn put(key: &Key, body: &str) -> Put {
    Put {
        key: key.clone(),
        body: body.to_owned(),
        expires_at: None,
    }
}

async fn dynamo(endpoint: &str) -> DynamoState {
    let config = store::aws::load_config(Some(endpoint)).await;
    let state = DynamoState::new(&config, dev_stack::unique("state"));
    state.create_table().await.expect("a table");
    state
}

async fn bodies(
    store: &impl StateStore,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
    at: Timestamp,
) -> Vec<String> {
    let items = store
        .list("p", prefix, after, limit, at)
        .await
        .expect("a list");
    items.into_iter().map(|item| item.body).collect()
}

async fn an_item_is_read_back_as_written(store: &impl StateStore) {
    let key = Key::new("interaction#ключ 日本 😀 '\"; DROP", "état/%_\\#");
    assert_eq!(store.get(&key, now()).await.expect("an answer"), None);
    let body = "{\"text\":\"zażółć 😀 \\u0000\"}";
    let exact = later(60);
    let write = Put {
        expires_at: Some(exact),
        ..put(&key, body)
    };
    let version = store.put(write, Expect::Any, now()).await.expect("written");
    let item = store
        .get(&key, now())
        .await
        .expect("an answer")
        .expect("the item");
    assert_eq!(
        (item.key, item.body.as_str(), item.version),
        (key.clone(), body, version)
    );
    assert_eq!(item.expires_at, Some(exact));
    let overwritten = store
        .put(put(&key, "{}"), Expect::Any, now())
        .await
        .expect("written");
    let item = store
        .get(&key, now())
        .await
        .expect("an answer")
        .expect("the item");
    assert_eq!(
        (item.body.as_str(), item.version, item.expires_at),
        ("{}", overwritten, None)
    );
    assert_ne!(version, overwritten);
}

async fn an_expired_item_does_not_exist_though_it_is_still_stored(store: &impl StateStore) {
    let key = Key::new("p", "mark");
    let half_past = later(10) + SignedDuration::from_millis(500);
    let write = Put {
        expires_at: Some(half_past),
        ..put(&key, "1")
    };
    let version = store
        .put(write, Expect::Absent, now())
        .await
        .expect("written");
    // Rounded up to a whole second: never gone before its time.
    let just_before = later(11) - SignedDuration::from_nanos(1);
    let item = store
        .get(&key, just_before)
        .await
        .expect("an answer")
        .expect("still there");
    assert_eq!(item.expires_at, Some(later(11)));
    assert!(matches!(
        store.put(put(&key, "2"), Expect::Absent, just_before).await,
        Err(Error::Conflict { .. })
    ));
    assert!(matches!(
        store.delete(&key, Expect::Absent, just_before).await,
        Err(Error::Conflict { .. })
    ));

    assert_eq!(store.get(&key, later(11)).await.expect("an answer"), None);
    assert!(bodies(store, "", None, 10, later(11)).await.is_empty());
    let stale = store
        .put(put(&key, "2"), Expect::Version(version), later(11))
        .await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let stale = store
        .delete(&key, Expect::Version(version), later(11))
        .await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    store
        .delete(&key, Expect::Absent, later(11))
        .await
        .expect("nothing to delete");
    store
        .put(put(&key, "3"), Expect::Absent, later(11))
        .await
        .expect("the place is free");
    assert_eq!(bodies(store, "", None, 10, later(11)).await, ["3"]);
}

async fn a_conflict_names_the_item_and_changes_nothing(store: &impl StateStore) {
    let key = Key::new("token#1", "value");
    let conflict = store
        .put(put(&key, "secret"), Expect::Version(7), now())
        .await
        .expect_err("no such item");
    assert!(
        matches!(&conflict, Error::Conflict { key } if key == "token#1/value"),
        "{conflict:?}"
    );
    assert!(!conflict.to_string().contains("secret") && !conflict.is_retryable());
    assert_eq!(store.get(&key, now()).await.expect("an answer"), None);
    let version = store
        .put(put(&key, "1"), Expect::Absent, now())
        .await
        .expect("written");
    let other = version.wrapping_add(1);
    let conflict = store
        .put(put(&key, "2"), Expect::Version(other), now())
        .await;
    assert!(matches!(conflict, Err(Error::Conflict { .. })));
    assert!(matches!(
        store.delete(&key, Expect::Version(other), now()).await,
        Err(Error::Conflict { .. })
    ));
    store
        .put(put(&key, "3"), Expect::Version(version), now())
        .await
        .expect("the version holds");
    assert_eq!(
        store
            .get(&key, now())
            .await
            .expect("an answer")
            .expect("the item")
            .body,
        "3"
    );
}

async fn of_a_hundred_writers_exactly_one_wins(store: &(impl StateStore + Clone + 'static)) {
    let key = Key::new("lease", "one");
    let mut expect = Expect::Absent;
    for round in 0..2 {
        let writers = (0..100).map(|writer| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move {
                store
                    .put(put(&key, &format!("{round}.{writer}")), expect, now())
                    .await
                    .map(|v| (writer, v))
            })
        });
        let mut won = Vec::new();
        for outcome in join_all(writers).await {
            match outcome.expect("no panic") {
                Ok(winner) => won.push(winner),
                Err(Error::Conflict { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        assert_eq!(won.len(), 1, "{won:?}");
        let item = store
            .get(&key, now())
            .await
            .expect("an answer")
            .expect("the item");
        assert_eq!(
            (item.body, item.version),
            (format!("{round}.{}", won[0].0), won[0].1)
        );
        expect = Expect::Version(item.version);
    }
}

async fn an_item_deleted_and_written_again_does_not_look_unchanged(store: &impl StateStore) {
    let key = Key::new("p", "aba");
    let first = store
        .put(put(&key, "same"), Expect::Absent, now())
        .await
        .expect("written");
    store
        .delete(&key, Expect::Version(first), now())
        .await
        .expect("deleted");
    store
        .delete(&key, Expect::Any, now())
        .await
        .expect("gone already is success");
    assert!(matches!(
        store.delete(&key, Expect::Version(first), now()).await,
        Err(Error::Conflict { .. })
    ));
    let second = store
        .put(put(&key, "same"), Expect::Absent, now())
        .await
        .expect("written again");
    assert_ne!(first, second);
    let stale = store
        .put(put(&key, "new"), Expect::Version(first), now())
        .await;
    assert!(matches!(stale, Err(Error::Conflict { .. })));
}

async fn a_partition_is_listed_in_byte_order_by_prefix_and_page(store: &impl StateStore) {
    let sorts = [
        "a",
        "a!",
        "a#1",
        "a#10",
        "a#2",
        "ab",
        "b",
        "z",
        "é",
        "日本",
        "日本語",
        "\u{ffff}",
        "😀",
        "\u{10ffff}",
        "a\u{10ffff}",
        "a#\u{10ffff}x",
    ];
    let puts = sorts.map(|sort| put(&Key::new("p", sort), sort)).to_vec();
    store.put_many(puts, now()).await.expect("written");
    store
        .put(put(&Key::new("p2", "a"), "other"), Expect::Any, now())
        .await
        .expect("written");
    let all: BTreeMap<&str, ()> = sorts.map(|sort| (sort, ())).into();
    let afters = [
        None,
        Some("0"),
        Some("a"),
        Some("a#1"),
        Some("a#9"),
        Some("b"),
        Some("日"),
        Some("\u{10ffff}"),
    ];
    for prefix in ["", "a", "a#", "日本", "x", "\u{10ffff}"] {
        for after in afters {
            for limit in [0, 1, 3, 100] {
                let expected: Vec<&str> = all
                    .keys()
                    .copied()
                    .filter(|sort| {
                        sort.starts_with(prefix) && after.is_none_or(|after| *sort > after)
                    })
                    .take(limit)
                    .collect();
                let found = bodies(store, prefix, after, limit, now()).await;
                assert_eq!(
                    found, expected,
                    "prefix {prefix:?} after {after:?} limit {limit}"
                );
            }
        }
    }
}

async fn a_page_is_full_although_expired_items_lie_between(store: &impl StateStore) {
    let puts = (0..60).map(|n| {
        let expires_at = (n % 3 != 0).then(|| later(5));
        Put {
            expires_at,
            ..put(&Key::new("p", format!("{n:03}")), &n.to_string())
        }
    });
    store
        .put_many(puts.collect(), now())
        .await
        .expect("written");
    let mut after: Option<String> = None;
    let mut seen = Vec::new();
    loop {
        let page = store
            .list("p", "", after.as_deref(), 7, later(5))
            .await
            .expect("a page");
        let full = page.len() == 7;
        after = page.last().map(|item| item.key.sort.clone());
        seen.extend(page.into_iter().map(|item| item.body));
        if !full {
            break;
        }
    }
    assert_eq!(
        seen,
        (0..60)
            .step_by(3)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
    );
}

async fn a_list_goes_on_past_a_megabyte(store: &impl StateStore) {
    let body = "x".repeat(300 * 1024);
    let puts: Vec<_> = (0..6)
        .map(|n| put(&Key::new("p", format!("{n}")), &body))
        .collect();
    store.put_many(puts, now()).await.expect("written");
    let found = bodies(store, "", None, 100, now()).await;
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(|it| it.len() == body.len()));
}

async fn limits_are_the_same_everywhere(store: &impl StateStore) {
    let largest = "é".repeat(BODY_MAX_BYTES / 2);
    let longest = "é".repeat(KEY_MAX_BYTES / 2);
    let key = Key::new(longest.clone(), longest.clone());
    store
        .put(put(&key, &largest), Expect::Absent, now())
        .await
        .expect("within the limits");
    assert_eq!(
        store
            .get(&key, now())
            .await
            .expect("an answer")
            .expect("the item")
            .body,
        largest
    );
    let too_large = store
        .put(put(&key, &format!("{largest}x")), Expect::Any, now())
        .await
        .expect_err("too large");
    assert!(
        matches!(&too_large, Error::Limit { .. }) && !too_large.is_retryable(),
        "{too_large:?}"
    );
    let too_long = format!("{longest}x");
    for key in [
        Key::new("", "s"),
        Key::new("p", ""),
        Key::new(&*too_long, "s"),
        Key::new("p", &*too_long),
    ] {
        let limited = |error| matches!(error, Error::Limit { .. });
        assert!(limited(
            store
                .put(put(&key, "{}"), Expect::Any, now())
                .await
                .expect_err("refused")
        ));
        assert!(limited(store.get(&key, now()).await.expect_err("refused")));
        assert!(limited(
            store
                .delete(&key, Expect::Any, now())
                .await
                .expect_err("refused")
        ));
        assert!(limited(
            store
                .put_many(vec![put(&key, "{}")], now())
                .await
                .expect_err("refused")
        ));
    }
}

async fn many_items_are_written_at_once_and_the_last_of_a_key_stays(store: &impl StateStore) {
    store
        .put_many(Vec::new(), now())
        .await
        .expect("nothing to do");
    let mut puts: Vec<_> = (0..60)
        .map(|n| put(&Key::new("p", format!("{n:02}")), "first"))
        .collect();
    puts.extend(
        (0..60)
            .step_by(2)
            .map(|n| put(&Key::new("p", format!("{n:02}")), "second")),
    );
    store.put_many(puts, now()).await.expect("written");
    let found = bodies(store, "", None, 100, now()).await;
    let expected: Vec<_> = (0..60)
        .map(|n| if n % 2 == 0 { "second" } else { "first" })
        .collect();
    assert_eq!(found, expected);
    let versions = store.list("p", "", None, 100, now()).await.expect("a list");
    let versions: std::collections::BTreeSet<_> =
        versions.iter().map(|item| item.version).collect();
    assert_eq!(versions.len(), 60);
}

async fn a_lease_has_one_holder_and_passes_on_when_it_is_not_renewed(
    store: &(impl StateStore + Clone + 'static),
) {
    let key = Key::new("lease#agent", "1");
    let minute = SignedDuration::from_mins(1);
    let takers = (0..20).map(|n| {
        let (store, key) = (store.clone(), key.clone());
        tokio::spawn(
            async move { Lease::acquire(&store, key, &format!("h{n}"), minute, now()).await },
        )
    });
    let taken = join_all(takers).await.into_iter();
    let mut held: Vec<Lease> = taken
        .filter_map(|outcome| outcome.expect("no panic").expect("an answer"))
        .collect();
    assert_eq!(held.len(), 1);
    let first = held.remove(0);
    let first = first
        .renew(store, minute, later(30))
        .await
        .expect("an answer")
        .expect("still held");
    assert_eq!(first.until, later(90));
    let acquire = |at| Lease::acquire(store, key.clone(), "second", minute, at);
    assert_eq!(acquire(later(89)).await.expect("an answer"), None);
    let second = acquire(later(90))
        .await
        .expect("an answer")
        .expect("the first one's is over");
    // The first holder wakes up: it can neither renew nor take it from the second.
    assert_eq!(
        first
            .clone()
            .renew(store, minute, later(91))
            .await
            .expect("an answer"),
        None
    );
    first.release(store, later(91)).await.expect("lost already");
    let third = Lease::acquire(store, key.clone(), "third", minute, later(92))
        .await
        .expect("an answer");
    assert_eq!(third, None);
    second.release(store, later(93)).await.expect("released");
    let third = Lease::acquire(store, key.clone(), "third", minute, later(93))
        .await
        .expect("an answer");
    assert!(third.is_some());
}

async fn a_renewal_whose_answer_was_lost_is_recognized_as_the_holders_own(store: &impl StateStore) {
    let key = Key::new("lease#agent", "2");
    let minute = SignedDuration::from_mins(1);
    let held = Lease::acquire(store, key.clone(), "first", minute, now())
        .await
        .expect("an answer")
        .expect("nobody holds it");
    for at in [10, 20] {
        // The holder goes on from the lease that it knew before, as if no answer had come.
        let renewed = held.clone().renew(store, minute, later(at)).await;
        let renewed = renewed.expect("an answer").expect("still held");
        assert_eq!(renewed.until, later(at + 60));
    }
    held.release(store, later(30)).await.expect("an answer");
    assert!(
        store
            .get(&key, later(30))
            .await
            .expect("an answer")
            .is_none()
    );
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod dynamo_conforms {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(&super::dynamo(&dev_stack::aws().endpoint_url).await).await;
                }
            )*
        }
        mod sqlite_conforms {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let folder = tempfile::tempdir().expect("a folder");
                    let store = store::state::SqliteState::open(folder.path().join("state.db")).expect("a store");
                    super::$test(&store).await;
                }
            )*
        }
    };
}

conformance! {
    an_item_is_read_back_as_written
    an_expired_item_does_not_exist_though_it_is_still_stored
    a_conflict_names_the_item_and_changes_nothing
    of_a_hundred_writers_exactly_one_wins
    an_item_deleted_and_written_again_does_not_look_unchanged
    a_partition_is_listed_in_byte_order_by_prefix_and_page
    a_page_is_full_although_expired_items_lie_between
    a_list_goes_on_past_a_megabyte
    limits_are_the_same_everywhere
    many_items_are_written_at_once_and_the_last_of_a_key_stays
    a_lease_has_one_holder_and_passes_on_when_it_is_not_renewed
    a_renewal_whose_answer_was_lost_is_recognized_as_the_holders_own
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognized_as_its_own() {
    let proxy = Proxy::start().await;
    let store = dynamo(&proxy.url).await;
    let key = Key::new("p", "s");
    proxy.inject("PutItem", &[Fault::LostAnswer]);
    let version = store
        .put(put(&key, "1"), Expect::Absent, now())
        .await
        .expect("our own write");
    assert_eq!(proxy.seen("PutItem"), 2);
    assert_eq!(
        store
            .get(&key, now())
            .await
            .expect("an answer")
            .expect("the item")
            .version,
        version
    );
    proxy.inject("PutItem", &[Fault::LostAnswer, Fault::LostAnswer]);
    let second = store
        .put(put(&key, "2"), Expect::Version(version), now())
        .await
        .expect("our own write");
    assert_eq!(proxy.seen("PutItem"), 5);
    assert_eq!(
        store
            .get(&key, now())
            .await
            .expect("an answer")
            .expect("the item")
            .version,
        second
    );
    let conflict = store
        .put(put(&key, "3"), Expect::Version(version), now())
        .await;
    assert!(
        matches!(conflict, Err(Error::Conflict { .. })),
        "{conflict:?}"
    );
    assert!(proxy.is_exhausted());
}

#[tokio::test]
async fn what_a_batch_left_unprocessed_is_sent_again() {
    let proxy = Proxy::start().await;
    let store = dynamo(&proxy.url).await;
    proxy.inject("BatchWriteItem", &[Fault::Unprocessed; 3]);
    let puts = (0..60)
        .map(|n| put(&Key::new("p", format!("{n:02}")), "x"))
        .collect();
    store
        .put_many(puts, now())
        .await
        .expect("written in the end");
    assert_eq!(proxy.seen("BatchWriteItem"), 3 + 3);
    assert_eq!(
        store
            .list("p", "", None, 100, now())
            .await
            .expect("a list")
            .len(),
        60
    );
}

#[tokio::test]
async fn throttling_is_waited_out_and_an_outage_is_worth_a_retry() {
    let proxy = Proxy::start().await;
    let store = dynamo(&proxy.url).await;
    let key = Key::new("p", "s");
    proxy.inject(
        "GetItem",
        &[Fault::Refused(
            400,
            "ProvisionedThroughputExceededException",
        )],
    );
    assert_eq!(
        store
            .get(&key, now())
            .await
            .expect("an answer at the second try"),
        None
    );
    proxy.inject("GetItem", &[Fault::Refused(503, "ServiceUnavailable"); 3]);
    let error = store
        .get(&key, now())
        .await
        .expect_err("three tries failed");
    assert!(error.is_retryable(), "{error:?}");
    proxy.inject("GetItem", &[Fault::Refused(400, "AccessDeniedException")]);
    let error = store.get(&key, now()).await.expect_err("no right");
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
    assert!(proxy.is_exhausted());
}

#[tokio::test]
async fn a_table_that_is_not_there_is_no_matter_of_retries() {
    let config = store::aws::load_config(Some(&dev_stack::aws().endpoint_url)).await;
    let store = DynamoState::new(&config, "no-such-table");
    let error = store
        .get(&Key::new("p", "s"), now())
        .await
        .expect_err("no table");
    assert!(
        matches!(&error, Error::Missing { what, .. } if what.contains("no-such-table")),
        "{error:?}"
    );
    let unreachable = store::aws::load_config(Some("http://127.0.0.1:9")).await;
    let error = DynamoState::new(&unreachable, "t")
        .get(&Key::new("p", "s"), now())
        .await
        .expect_err("nobody");
    assert!(error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_table_is_created_once() {
    let store = dynamo(&dev_stack::aws().endpoint_url).await;
    store.create_table().await.expect("it is there already");
}

#[tokio::test]
async fn the_units_of_an_operation_follow_the_sizes() {
    let store = dynamo(&dev_stack::aws().endpoint_url).await;
    let key = Key::new("p", "s");
    store
        .put(put(&key, &"x".repeat(1500)), Expect::Any, now())
        .await
        .expect("written");
    assert_eq!(
        (
            store.capacity().read_units(),
            store.capacity().write_units()
        ),
        (0, 2)
    );
    store.get(&key, now()).await.expect("an answer");
    store
        .get(&Key::new("p", "none"), now())
        .await
        .expect("an answer");
    assert_eq!(store.capacity().read_units(), 2);
    let puts = (0..8)
        .map(|n| put(&Key::new("q", format!("{n}")), &"x".repeat(1000)))
        .collect();
    store.put_many(puts, now()).await.expect("written");
    assert_eq!(store.capacity().write_units(), 2 + 8 * 2);
    store.list("q", "", None, 8, now()).await.expect("a list");
    assert_eq!(store.capacity().read_units(), 2 + 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_openings_of_one_file_agree_on_one_winner() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.db");
    let stores = [
        SqliteState::open(&path).expect("a store"),
        SqliteState::open(&path).expect("another"),
    ];
    let mut expect = Expect::Absent;
    for round in 0..20 {
        let key = Key::new("p", "s");
        let writers = (0..10).map(|writer| {
            let (store, key) = (stores[writer % 2].clone(), key.clone());
            tokio::spawn(async move {
                store
                    .put(put(&key, &writer.to_string()), expect, now())
                    .await
            })
        });
        let won: Vec<u64> = join_all(writers)
            .await
            .into_iter()
            .filter_map(|it| it.expect("no panic").ok())
            .collect();
        assert_eq!(won.len(), 1, "round {round}");
        expect = Expect::Version(won[0]);
        assert_eq!(
            stores[round % 2]
                .get(&key, now())
                .await
                .expect("an answer")
                .expect("it")
                .version,
            won[0]
        );
    }
}

#[tokio::test]
async fn ten_thousand_items_are_stored_in_seconds() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteState::open(folder.path().join("state.db")).expect("a store");
    let start = std::time::Instant::now();
    for batch in 0..100 {
        let puts = (0..100).map(|n| {
            put(
                &Key::new(format!("c{n}"), format!("{batch:05}")),
                &"x".repeat(300),
            )
        });
        store
            .put_many(puts.collect(), now())
            .await
            .expect("written");
    }
    let batched = start.elapsed();
    for n in 0..2000 {
        store
            .put(
                put(&Key::new("one", n.to_string()), "x"),
                Expect::Absent,
                now(),
            )
            .await
            .expect("written");
    }
    println!(
        "10,000 in batches of 100: {batched:?}; 2,000 conditional: {:?}",
        start.elapsed() - batched
    );
    assert!(batched.as_secs() < 10, "{batched:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_folder_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data").join("state.db");
    let store = SqliteState::open(&path).expect("a store");
    store
        .put(put(&Key::new("p", "s"), "x"), Expect::Any, now())
        .await
        .expect("written");
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path)
            .expect("its metadata")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(path.parent().expect("a parent")), 0o700);
    for file in std::fs::read_dir(path.parent().expect("a parent")).expect("its files") {
        let file = file.expect("a file").path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state.db");
    std::fs::write(
        &path,
        "not a database, but long enough to be looked at as one".repeat(100),
    )
    .expect("a file");
    let error = SqliteState::open(&path).expect_err("no database");
    assert!(
        matches!(&error, Error::Corrupt { what, .. } if what.contains("state.db")),
        "{error:?}"
    );
    let error = SqliteState::open(folder.path()).expect_err("a folder");
    assert!(matches!(error, Error::Missing { .. }), "{error:?}");
}
