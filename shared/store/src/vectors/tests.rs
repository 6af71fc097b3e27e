//! One suite for both vector stores, and what only PostgreSQL can get wrong.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::Error;

mod faults;
mod removal;
mod search;

use self::removal::{
    a_conversation_of_many_rows_is_stored_whole, a_forgotten_conversation_is_gone_and_stays_away,
    a_removed_conversation_does_not_come_back_by_an_earlier_event,
    of_two_events_of_one_moment_the_same_wins_in_any_order,
    rows_of_before_a_moment_are_deleted_in_parts,
};

const SOURCE: &str = "nice_cxone";

fn model(name: &str, dimension: usize) -> EmbeddingModel {
    EmbeddingModel {
        name: name.to_owned(),
        dimension,
    }
}

/// A deadline that no test reaches.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

/// A unit vector of four dimensions at an angle in the first plane.
fn angle(degrees: f32) -> Vec<f32> {
    let radians = degrees.to_radians();
    vec![radians.cos(), radians.sin(), 0.0, 0.0]
}

fn row(id: &str, index: u32, degrees: f32, intent: &str) -> ChunkRow {
    ChunkRow {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{id}/{index}").as_bytes()),
        chunk_index: index,
        text: format!("text {index} of {id} at {degrees}"),
        embedding: angle(degrees),
        metadata: json!({"intent_category": intent, "contains_pii": index % 2 == 1, "n": 7})
            .as_object()
            .unwrap()
            .clone(),
    }
}

fn conversation(
    id: &str,
    second: i64,
    hash: &str,
    angles: &[f32],
    intent: &str,
) -> EmbeddedConversation {
    EmbeddedConversation {
        conversation_id: id.to_owned(),
        event_time: at(second),
        event_digest: hash.to_owned(),
        content_hash: hash.to_owned(),
        rows: angles
            .iter()
            .zip(0..)
            .map(|(degrees, index)| row(id, index, *degrees, intent))
            .collect(),
    }
}

fn query(degrees: f32, limit: usize, filter: Value) -> VectorQuery {
    VectorQuery {
        embedding: angle(degrees),
        limit,
        filter: serde_json::from_value(filter).unwrap(),
    }
}

async fn found(store: &impl VectorStore, query: &VectorQuery) -> Vec<(String, u32)> {
    let hits = store.search(query, soon()).await.unwrap();
    assert!(
        hits.windows(2).all(|pair| pair[0].score >= pair[1].score),
        "scores rise: {hits:?}"
    );
    hits.into_iter()
        .map(|hit| (hit.conversation_id, hit.chunk_index))
        .collect()
}

async fn a_conversation_is_found_with_its_text_score_and_metadata(store: &impl VectorStore) {
    let stored = store
        .replace(
            &[conversation("a", 0, "h", &[0.0, 60.0], "billing")],
            soon(),
        )
        .await
        .unwrap();
    assert_eq!(stored, [ReplaceOutcome::Stored]);
    let hits = store
        .search(&query(0.0, 10, json!({})), soon())
        .await
        .unwrap();
    assert_eq!(hits.len(), 2);
    assert_eq!(
        (hits[0].conversation_id.as_str(), hits[0].chunk_index),
        ("a", 0)
    );
    assert_eq!(hits[0].text, "text 0 of a at 0");
    assert!((hits[0].score - 1.0).abs() < 1e-6 && (hits[1].score - 0.5).abs() < 1e-6);
    assert_eq!(hits[1].metadata["intent_category"], "billing");
    assert_eq!(hits[1].metadata["contains_pii"], true);
    assert_eq!(store.count(soon()).await.unwrap(), 2);
}

async fn a_redelivery_and_an_edit_leave_neither_double_nor_stale_rows(store: &impl VectorStore) {
    let long = conversation("a", 0, "long", &[0.0, 10.0, 20.0], "x");
    for _ in 0..3 {
        assert_eq!(
            store
                .replace(std::slice::from_ref(&long), soon())
                .await
                .unwrap(),
            [ReplaceOutcome::Stored]
        );
        assert_eq!(store.count(soon()).await.unwrap(), 3);
    }
    // An edit of the same moment with a greater digest replaces, and so does a later one.
    for (second, hash, angles) in [(0, "short", &[5.0][..]), (1, "longer", &[5.0, 6.0])] {
        let edit = conversation("a", second, hash, angles, "x");
        assert_eq!(
            store.replace(&[edit], soon()).await.unwrap(),
            [ReplaceOutcome::Stored]
        );
        assert_eq!(store.count(soon()).await.unwrap(), angles.len() as u64);
    }
    let versions = store.versions(&["a", "b"], soon()).await.unwrap();
    assert_eq!(versions.len(), 1);
    assert_eq!(
        versions["a"],
        StoredVersion {
            event_time: at(1),
            event_digest: "longer".to_owned(),
            content_hash: "longer".to_owned()
        }
    );
}

async fn an_older_version_that_comes_late_is_outdated(store: &impl VectorStore) {
    store
        .replace(&[conversation("a", 5, "new", &[0.0], "x")], soon())
        .await
        .unwrap();
    let late = [
        conversation("a", 4, "old", &[1.0, 2.0], "x"),
        conversation("b", 4, "b", &[3.0], "x"),
    ];
    assert_eq!(
        store.replace(&late, soon()).await.unwrap(),
        [ReplaceOutcome::Outdated, ReplaceOutcome::Stored]
    );
    assert_eq!(
        store.versions(&["a"], soon()).await.unwrap()["a"].content_hash,
        "new"
    );
    assert_eq!(store.count(soon()).await.unwrap(), 2);
}

async fn of_two_versions_in_one_call_the_later_holds(store: &impl VectorStore) {
    let batch = [
        conversation("a", 2, "latest", &[0.0], "x"),
        conversation("a", 1, "early", &[1.0, 2.0], "x"),
        conversation("b", 1, "first", &[3.0, 4.0], "x"),
        conversation("b", 1, "second", &[3.0], "x"),
    ];
    assert_eq!(
        store.replace(&batch, soon()).await.unwrap(),
        [
            ReplaceOutcome::Stored,
            ReplaceOutcome::Outdated,
            ReplaceOutcome::Outdated,
            ReplaceOutcome::Stored
        ]
    );
    let versions = store.versions(&["a", "b"], soon()).await.unwrap();
    assert_eq!(
        (
            versions["a"].content_hash.as_str(),
            versions["b"].content_hash.as_str()
        ),
        ("latest", "second")
    );
    assert_eq!(store.count(soon()).await.unwrap(), 2);
}

async fn a_conversation_without_rows_is_removed(store: &impl VectorStore) {
    store
        .replace(&[conversation("a", 0, "h", &[0.0, 1.0], "x")], soon())
        .await
        .unwrap();
    store
        .replace(&[conversation("a", 1, "h", &[], "x")], soon())
        .await
        .unwrap();
    assert_eq!(store.count(soon()).await.unwrap(), 0);
    assert_eq!(store.replace(&[], soon()).await.unwrap(), []);
}

async fn filters_are_exact_and_combine(store: &impl VectorStore) {
    let batch = [
        conversation("a", 0, "h", &[0.0, 1.0], "billing"),
        conversation("b", 0, "h", &[2.0, 3.0], "support"),
        conversation("c", 0, "h", &[4.0], "billing dispute"),
    ];
    store.replace(&batch, soon()).await.unwrap();
    let of = |id: &str, index| (id.to_owned(), index);
    for (filter, expected) in [
        (
            json!({"intent_category": "billing"}),
            vec![of("a", 0), of("a", 1)],
        ),
        (
            json!({"intent_category": "support", "contains_pii": true}),
            vec![of("b", 1)],
        ),
        (
            json!({"contains_pii": false}),
            vec![of("a", 0), of("b", 0), of("c", 0)],
        ),
        (
            json!({"n": 7, "intent_category": "billing dispute"}),
            vec![of("c", 0)],
        ),
        (json!({"n": "7"}), vec![]),
        (json!({"absent": null}), vec![]),
        (json!({"a\"b'c": 1}), vec![]),
    ] {
        assert_eq!(
            found(store, &query(0.0, 10, filter.clone())).await,
            expected,
            "{filter}"
        );
    }
}

async fn the_limit_holds_and_what_is_out_of_bounds_is_refused(store: &impl VectorStore) {
    let batch: Vec<EmbeddedConversation> = (0..30)
        .map(|n| conversation(&format!("c{n:02}"), 0, "h", &[n as f32], "x"))
        .collect();
    store.replace(&batch, soon()).await.unwrap();
    let nearest = found(store, &query(0.0, 3, json!({}))).await;
    assert_eq!(
        nearest.iter().map(|hit| hit.0.as_str()).collect::<Vec<_>>(),
        ["c00", "c01", "c02"]
    );
    for bad in [
        query(0.0, 0, json!({})),
        query(0.0, MAX_HITS + 1, json!({})),
        query(0.0, 1, json!({"x": []})),
        VectorQuery {
            embedding: vec![1.0; 3],
            ..query(0.0, 1, json!({}))
        },
        VectorQuery {
            embedding: vec![f32::NAN; 4],
            ..query(0.0, 1, json!({}))
        },
    ] {
        assert!(
            matches!(store.search(&bad, soon()).await, Err(Error::Limit { .. })),
            "{bad:?}"
        );
    }
}

async fn one_bad_vector_stores_nothing(store: &impl VectorStore) {
    let mut bad = conversation("b", 0, "h", &[1.0], "x");
    bad.rows[0].embedding.push(0.0);
    let error = store
        .replace(&[conversation("a", 0, "h", &[0.0], "x"), bad], soon())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "a vector of conversation b: has 5 dimensions where the table holds 4"
    );
    assert_eq!(store.count(soon()).await.unwrap(), 0);
}

async fn writers_at_once_leave_one_whole_version(store: &(impl VectorStore + Clone + 'static)) {
    let versions: Vec<EmbeddedConversation> = (0..24)
        .map(|n| {
            conversation(
                "a",
                n,
                &format!("h{n}"),
                &vec![n as f32; 1 + (n as usize * 7) % 5],
                "x",
            )
        })
        .collect();
    let others: Vec<EmbeddedConversation> = (0..4)
        .map(|n| conversation(&format!("o{n}"), 0, "h", &[1.0], "x"))
        .collect();
    let writers = versions.iter().enumerate().map(|(n, version)| {
        // Each with the others in another order, which would deadlock if the order mattered.
        let mut batch = others.clone();
        batch.rotate_left(n % 4);
        batch.insert(n % 5, version.clone());
        let store = store.clone();
        tokio::spawn(async move { store.replace(&batch, soon()).await })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap().unwrap();
    }
    assert_eq!(
        store.versions(&["a"], soon()).await.unwrap()["a"].content_hash,
        "h23"
    );
    assert_eq!(
        store.count(soon()).await.unwrap(),
        versions[23].rows.len() as u64 + 4
    );
}

async fn another_model_takes_the_place_and_is_not_compared(
    one: &impl VectorStore,
    two: &impl VectorStore,
) {
    one.replace(
        &[
            conversation("a", 0, "h", &[0.0, 1.0], "x"),
            conversation("b", 0, "h", &[2.0], "x"),
        ],
        soon(),
    )
    .await
    .unwrap();
    let mut again = conversation("a", 0, "h2", &[5.0], "x");
    again.rows[0].id = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"another model");
    two.replace(&[again], soon()).await.unwrap();
    assert_eq!(
        found(one, &query(0.0, 10, json!({}))).await,
        [("b".to_owned(), 0)]
    );
    assert_eq!(
        found(two, &query(0.0, 10, json!({}))).await,
        [("a".to_owned(), 0)]
    );
    assert!(
        one.versions(&["a"], soon()).await.unwrap().is_empty(),
        "another model's version is none of this one's"
    );
}

macro_rules! suite {
    ($open:path: $($rule:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $rule() {
            let (_guard, store) = $open(4).await;
            super::$rule(&store).await;
        })+
        #[tokio::test(flavor = "multi_thread")]
        async fn another_model_takes_the_place_and_is_not_compared() {
            let (guard, one) = $open(4).await;
            let two = guard.store(super::model("second", 4)).await;
            super::another_model_takes_the_place_and_is_not_compared(&one, &two).await;
        }
        #[tokio::test(flavor = "multi_thread")]
        async fn rows_of_other_models_are_counted_and_deleted_in_parts() {
            let (guard, one) = $open(4).await;
            let two = guard.store(super::model("second", 4)).await;
            super::removal::rows_of_other_models_are_counted_and_deleted_in_parts(&one, &two).await;
        }
        #[tokio::test(flavor = "multi_thread")]
        async fn a_removal_holds_for_every_model() {
            let (guard, one) = $open(4).await;
            let two = guard.store(super::model("second", 4)).await;
            super::removal::a_removal_holds_for_every_model(&one, &two).await;
        }
    };
    ($name:ident, $open:path) => {
        mod $name {
            suite! { $open:
                a_conversation_is_found_with_its_text_score_and_metadata,
                a_redelivery_and_an_edit_leave_neither_double_nor_stale_rows,
                an_older_version_that_comes_late_is_outdated,
                of_two_versions_in_one_call_the_later_holds,
                a_conversation_without_rows_is_removed,
                filters_are_exact_and_combine,
                the_limit_holds_and_what_is_out_of_bounds_is_refused,
                one_bad_vector_stores_nothing,
                writers_at_once_leave_one_whole_version,
                a_removed_conversation_does_not_come_back_by_an_earlier_event,
                a_forgotten_conversation_is_gone_and_stays_away,
                of_two_events_of_one_moment_the_same_wins_in_any_order,
                rows_of_before_a_moment_are_deleted_in_parts,
                a_conversation_of_many_rows_is_stored_whole,
            }
        }
    };
}

struct Postgres(dev_stack::Database);

/// Connects to a database without a pool.
async fn raw_client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

/// The source of a URL that does not change.
fn url_source(url: &str) -> ReadUrl {
    let url = SecretString::from(url.to_owned());
    std::sync::Arc::new(move |_| {
        let url = url.clone();
        Box::pin(async move { Ok(url) })
    })
}

impl Postgres {
    fn unmigrated(&self, model: EmbeddingModel) -> PgVectors {
        PgVectors::new(&SecretString::from(self.0.url.clone()), SOURCE, model, 8).unwrap()
    }

    /// A store that only reads.
    fn reader(&self, model: EmbeddingModel) -> PgVectors {
        PgVectors::with_url_source(url_source(&self.0.url), SOURCE, model, 8, Access::ReadOnly)
            .unwrap()
    }

    async fn store(&self, model: EmbeddingModel) -> PgVectors {
        let store = self.unmigrated(model);
        store.prepare(soon()).await.unwrap();
        store
    }
}

async fn postgres(dimension: usize) -> (Postgres, PgVectors) {
    let database = Postgres(dev_stack::create_database());
    let store = database.store(model("first", dimension)).await;
    (database, store)
}

suite!(on_postgres, super::postgres);

#[cfg(feature = "embedded-vectors")]
mod embedded {
    use super::*;

    pub(super) struct Folder(tempfile::TempDir);

    impl Folder {
        pub(super) async fn store(&self, model: EmbeddingModel) -> SqliteVectors {
            SqliteVectors::open(self.0.path().join("vectors.db"), SOURCE, model)
                .await
                .unwrap()
        }
    }

    pub(super) async fn sqlite(dimension: usize) -> (Folder, SqliteVectors) {
        let folder = Folder(tempfile::tempdir().unwrap());
        let store = folder.store(model("first", dimension)).await;
        (folder, store)
    }

    #[tokio::test]
    async fn a_file_of_another_dimension_is_refused_by_name() {
        let (folder, store) = sqlite(4).await;
        store
            .replace(&[conversation("a", 0, "h", &[0.0], "x")], soon())
            .await
            .unwrap();
        let error = SqliteVectors::open(
            folder.0.path().join("vectors.db"),
            SOURCE,
            model("large", 1536),
        )
        .await
        .unwrap_err();
        assert!(
            error.to_string().contains("large with 1536") && error.to_string().contains("of 4"),
            "{error}"
        );
    }
}

#[cfg(feature = "embedded-vectors")]
suite!(on_sqlite, super::embedded::sqlite);

#[tokio::test]
async fn a_table_of_another_dimension_is_named_and_nothing_is_written() {
    let (database, store) = postgres(4).await;
    let other = database.unmigrated(model("text-embedding-3-small", 1536));
    let reader = database.reader(model("text-embedding-3-small", 1536));
    for checked in [other.prepare(soon()).await, reader.prepare(soon()).await] {
        let error = checked.unwrap_err();
        assert!(
            matches!(error, Error::Missing { .. }),
            "no text is to blame"
        );
        let error = error.to_string();
        assert!(
            error.contains("text-embedding-3-small with 1536") && error.contains("of 4 dimensions"),
            "{error}"
        );
    }
    assert_eq!(store.count(soon()).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_run_once_however_many_start_them() {
    let database = Postgres(dev_stack::create_database());
    assert!(matches!(
        database.reader(model("m", 4)).prepare(soon()).await,
        Err(Error::Missing { .. })
    ));
    let starts = (0..6).map(|_| {
        let store = database.unmigrated(model("m", 4));
        tokio::spawn(async move { store.prepare(soon()).await })
    });
    for start in futures::future::join_all(starts).await {
        start.unwrap().unwrap();
    }
    database
        .reader(model("m", 4))
        .prepare(soon())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_is_told_from_one_that_does_not_answer() {
    let (database, _store) = postgres(4).await;
    let at =
        |url: String| PgVectors::new(&SecretString::from(url), SOURCE, model("m", 4), 1).unwrap();
    let nowhere = database.0.url.rsplit_once('/').unwrap().0.to_owned() + "/no_such_database";
    assert!(matches!(
        at(nowhere).prepare(soon()).await,
        Err(Error::Missing { .. })
    ));
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("postgres://u:canary@{}/x", unused.local_addr().unwrap());
    drop(unused);
    let error = at(dead).prepare(soon()).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn the_url_is_read_again_when_the_user_is_refused() {
    let (database, _store) = postgres(4).await;
    let good = database.0.url.clone();
    let (scheme, rest) = good.split_once("://").unwrap();
    let stale = format!(
        "{scheme}://nobody_by_this_name@{}",
        rest.split_once('@').unwrap().1
    );
    let refused = PgVectors::new(
        &SecretString::from(stale.clone()),
        SOURCE,
        model("first", 4),
        1,
    )
    .unwrap();
    assert!(matches!(
        refused.prepare(soon()).await,
        Err(Error::Missing { .. })
    ));
    let read_url: ReadUrl = std::sync::Arc::new(move |freshness| {
        let url = match freshness {
            UrlFreshness::Cached => stale.clone(),
            UrlFreshness::Renewed => good.clone(),
        };
        Box::pin(async move { Ok(SecretString::from(url)) })
    });
    let renewed =
        PgVectors::with_url_source(read_url, SOURCE, model("first", 4), 1, Access::ReadWrite)
            .unwrap();
    renewed.prepare(soon()).await.unwrap();
}

#[test]
fn a_model_too_long_for_an_index_is_refused() {
    let url = SecretString::from("postgres://u:p@localhost/x".to_owned());
    let error = PgVectors::new(&url, SOURCE, model("text-embedding-3-large", 3072), 1).unwrap_err();
    assert!(
        error.to_string().contains("3072") && error.to_string().contains("2000"),
        "{error}"
    );
}

/// Pseudo-random vectors around a few centers, as embeddings lie.
fn clustered(count: usize, dimension: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut next = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    let centers: Vec<Vec<f32>> = (0..20)
        .map(|_| (0..dimension).map(|_| next()).collect())
        .collect();
    (0..count)
        .map(|n| {
            centers[n % 20]
                .iter()
                .map(|value| value + 0.5 * next())
                .collect()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_filter_returns_its_full_limit_from_the_index_and_recall_is_high() {
    const DIMENSION: usize = 16;
    let (database, store) = postgres(DIMENSION).await;
    let vectors = clustered(4000, DIMENSION, 7);
    let conversations: Vec<EmbeddedConversation> = vectors
        .iter()
        .enumerate()
        .map(|(n, vector)| {
            let mut conversation = conversation(&format!("c{n}"), 0, "h", &[0.0], "common");
            conversation.rows[0].embedding.clone_from(vector);
            let rare = if n % 100 == 3 { "rare" } else { "common" };
            conversation.rows[0]
                .metadata
                .insert("intent_category".to_owned(), json!(rare));
            conversation
        })
        .collect();
    for batch in conversations.chunks(500) {
        store.replace(batch, soon()).await.unwrap();
    }
    let exact = |wanted: &[f32], limit: usize, every: usize, offset: usize| {
        let cosine = |other: &[f32]| {
            let dot: f32 = wanted.iter().zip(other).map(|(a, b)| a * b).sum();
            dot / other.iter().map(|value| value * value).sum::<f32>().sqrt()
        };
        let mut order: Vec<usize> = (0..vectors.len()).filter(|n| n % every == offset).collect();
        order.sort_by(|a, b| cosine(&vectors[*b]).total_cmp(&cosine(&vectors[*a])));
        order
            .into_iter()
            .take(limit)
            .map(|n| format!("c{n}"))
            .collect::<BTreeSet<_>>()
    };
    let mut recalled = 0;
    for wanted in clustered(40, DIMENSION, 11).into_iter().take(20) {
        let query = |filter: Value, limit| VectorQuery {
            embedding: wanted.clone(),
            limit,
            filter: serde_json::from_value(filter).unwrap(),
        };
        let ids =
            |hits: Vec<(String, u32)>| hits.into_iter().map(|hit| hit.0).collect::<BTreeSet<_>>();
        let near = ids(found(&store, &query(json!({}), 10)).await);
        recalled += near.intersection(&exact(&wanted, 10, 1, 0)).count();
        // 40 of 4,000 rows match: all of them come, whichever way the database chose.
        let rare = found(&store, &query(json!({"intent_category": "rare"}), 40)).await;
        assert_eq!(ids(rare), exact(&wanted, 40, 100, 3));
    }
    assert!(recalled >= 190, "recall@10 {}", recalled as f64 / 200.0);
    drop(database);
}
