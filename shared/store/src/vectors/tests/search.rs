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
