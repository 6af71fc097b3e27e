//! The search gives as many hits as the limit says if so many match, whatever else lies in the index.

use super::*;

/// Rows of the model or the category that nobody searches for: more than a scan of the index looks at.
const CROWD: i64 = 24_000;

/// Fills a table fast: `CROWD` rows near the first axis, and 60 rows with another model or category on the second.
async fn crowded(database: &Postgres, model_of_few: &str, intent_of_few: &str) {
    let client = raw_client(&database.0.url).await;
    for (rows, model, intent, vector) in [
        (
            CROWD,
            "first",
            "common",
            "[1, 0, (n % 977) / 9000.0, (n % 31) / 300.0]",
        ),
        (
            60,
            model_of_few,
            intent_of_few,
            "[0, 1, (n % 977) / 9000.0, (n % 31) / 300.0]",
        ),
    ] {
        let vector = vector.replace(['[', ']'], "");
        client
            .batch_execute(&format!(
                "INSERT INTO conversation_embeddings
                     (id, source_system, conversation_id, chunk_index, model, content_hash, event_time, text_content, embedding,
                      semantic_metadata)
                 SELECT gen_random_uuid(), '{SOURCE}', '{model}/{intent}/' || n, 0, '{model}', 'h', now(), 'text', ARRAY[{vector}]::vector,
                        jsonb_build_object('intent_category', '{intent}')
                 FROM generate_series(1, {rows}) AS n"
            ))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_model_gives_its_full_limit_beside_many_rows_of_the_old_one() {
    let (database, old) = postgres(4).await;
    crowded(&database, "second", "common").await;
    let new = database.store(model("second", 4)).await;
    let hits = new
        .search(&query(0.0, 50, json!({})), soon())
        .await
        .unwrap();
    assert_eq!(hits.len(), 50);
    assert!(
        hits.iter()
            .all(|hit| hit.conversation_id.starts_with("second/"))
    );
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    let all = new
        .search(&query(0.0, 100, json!({})), soon())
        .await
        .unwrap();
    assert_eq!(all.len(), 60, "all of the model's rows, and no others");
    let old = old
        .search(&query(0.0, 1000, json!({})), soon())
        .await
        .unwrap();
    assert_eq!(old.len(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_category_far_from_the_question_gives_its_full_limit() {
    let (database, store) = postgres(4).await;
    crowded(&database, "first", "rare").await;
    let rare = |limit| query(0.0, limit, json!({"intent_category": "rare"}));
    assert_eq!(store.search(&rare(50), soon()).await.unwrap().len(), 50);
    assert_eq!(store.search(&rare(1000), soon()).await.unwrap().len(), 60);
    // More rows match than are compared one by one, and all of them are far from the question.
    let common = query(90.0, 1000, json!({"intent_category": "common"}));
    let hits = store.search(&common, soon()).await.unwrap();
    assert_eq!(hits.len(), 1000);
    assert!(
        hits.iter()
            .all(|hit| hit.metadata["intent_category"] == "common")
    );
}

/// Counts the rows that are compared one by one: those whose distance something is added to, which only that statement does.
const COUNT_COMPARED: &str = "
    CREATE SEQUENCE compared;
    CREATE FUNCTION add_and_count(double precision, integer) RETURNS double precision LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('compared'); RETURN $1 + $2::double precision; END$$;
    CREATE OPERATOR + (LEFTARG = double precision, RIGHTARG = integer, FUNCTION = add_and_count)";

/// Ends the statement that compares rows as the database does at the deadline.
const CANCEL_COMPARED: &str = "
    CREATE OR REPLACE FUNCTION add_and_count(double precision, integer) RETURNS double precision LANGUAGE plpgsql AS
        $$BEGIN RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled'; END$$";

/// Returns how many rows were compared one by one since the last call.
async fn compared(client: &tokio_postgres::Client) -> i64 {
    let count = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM compared";
    let count = client.query_one(count, &[]).await.unwrap().get(0);
    client
        .batch_execute("ALTER SEQUENCE compared RESTART")
        .await
        .unwrap();
    count
}

/// Adds rows of the first model at one place, all of one category.
async fn add_rows(client: &tokio_postgres::Client, intent: &str, rows: i64, vector: &str) {
    client
        .batch_execute(&format!(
            "INSERT INTO conversation_embeddings
                 (id, source_system, conversation_id, chunk_index, model, content_hash, event_time, text_content, embedding,
                  semantic_metadata)
             SELECT gen_random_uuid(), '{SOURCE}', '{intent}/' || gen_random_uuid(), 0, 'first', 'h', now(), 'text', ARRAY[{vector}]::vector,
                    jsonb_build_object('intent_category', '{intent}')
             FROM generate_series(1, {rows}) AS n"
        ))
        .await
        .unwrap();
}

/// Has every search go through the index, as in a table of millions of rows, and lets a usual scan give up early.
const AS_IN_A_LARGE_TABLE: &str = "DO $$BEGIN
        EXECUTE format('ALTER DATABASE %I SET enable_sort = off', current_database());
        EXECUTE format('ALTER DATABASE %I SET hnsw.max_scan_tuples = 1000', current_database());
    END$$";

#[tokio::test(flavor = "multi_thread")]
async fn of_a_large_table_only_few_matching_rows_are_compared_one_by_one() {
    let (database, _) = postgres(4).await;
    let client = raw_client(&database.0.url).await;
    for (intent, rows, vector) in [
        ("near", 2_500, "1, 0, (n % 977) / 9000.0, (n % 31) / 300.0"),
        ("far", 20_100, "0, 1, (n % 977) / 9000.0, (n % 31) / 300.0"),
        ("rare", 60, "-1, 0, (n % 977) / 9000.0, (n % 31) / 300.0"),
        ("rare", 1, "1, 0, 0, 0"),
    ] {
        add_rows(&client, intent, rows, vector).await;
    }
    client.batch_execute(COUNT_COMPARED).await.unwrap();
    client.batch_execute(AS_IN_A_LARGE_TABLE).await.unwrap();
    let store = database.reader(model("first", 4));
    let of = |intent: &str| query(0.0, 50, json!({ "intent_category": intent }));

    // The index gives enough by itself.
    let near = store.search(&of("near"), soon()).await.unwrap();
    assert_eq!((near.len(), compared(&client).await), (50, 0));

    // It gives up before the few that match; those are compared, and none of the others.
    let rare = store.search(&of("rare"), soon()).await.unwrap();
    assert_eq!((rare.len(), compared(&client).await), (50, 61));

    // So many match that the index is scanned further instead.
    let far = store.search(&of("far"), soon()).await.unwrap();
    assert_eq!((far.len(), compared(&client).await), (50, 0));

    // Where the time does not suffice for comparing, the answer is what the index gave.
    client.batch_execute(CANCEL_COMPARED).await.unwrap();
    let rare = store.search(&of("rare"), soon()).await.unwrap();
    assert_eq!(rare.len(), 1);
}
