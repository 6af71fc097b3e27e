//! What is removed stays away, and what is old or of another model is deleted in parts.

use super::*;

pub(super) async fn a_removed_conversation_does_not_come_back_by_an_earlier_event(
    store: &impl VectorStore,
) {
    let text = conversation("a", 1, "text", &[0.0, 1.0], "x");
    let removed = conversation("a", 2, "removed", &[], "x");
    store
        .replace(std::slice::from_ref(&text), soon())
        .await
        .unwrap();
    for _ in 0..2 {
        let stored = store.replace(std::slice::from_ref(&removed), soon()).await;
        assert_eq!(stored.unwrap(), [ReplaceOutcome::Stored]);
        assert_eq!(store.count(soon()).await.unwrap(), 0);
    }
    let versions = store.versions(&["a"], soon()).await.unwrap();
    assert_eq!(
        (
            versions["a"].event_time,
            versions["a"].content_hash.as_str()
        ),
        (at(2), "removed")
    );
    // The text comes once more, and so does a conversation that was removed before its text came.
    let early = conversation("b", 2, "removed", &[], "x");
    store.replace(&[early], soon()).await.unwrap();
    let late = [text, conversation("b", 1, "text", &[2.0], "x")];
    assert_eq!(
        store.replace(&late, soon()).await.unwrap(),
        [ReplaceOutcome::Outdated, ReplaceOutcome::Outdated]
    );
    assert_eq!(store.count(soon()).await.unwrap(), 0);
    // A later event has text again.
    let again = conversation("a", 3, "again", &[4.0], "x");
    store.replace(&[again], soon()).await.unwrap();
    assert_eq!(store.count(soon()).await.unwrap(), 1);
    let versions = store.versions(&["a"], soon()).await.unwrap();
    assert_eq!(versions["a"].content_hash, "again");
}

pub(super) async fn a_forgotten_conversation_is_gone_and_stays_away(store: &impl VectorStore) {
    let batch = [
        conversation("a", 5, "h", &[0.0, 1.0], "x"),
        conversation("b", 5, "h", &[2.0], "x"),
    ];
    store.replace(&batch, soon()).await.unwrap();
    assert_eq!(store.forget("a", at(9), soon()).await.unwrap(), 2);
    assert_eq!(store.forget("a", at(8), soon()).await.unwrap(), 0);
    assert_eq!(store.forget("never seen", at(9), soon()).await.unwrap(), 0);
    let late = [
        conversation("a", 9, "zz", &[0.0], "x"),
        conversation("never seen", 1, "h", &[0.0], "x"),
    ];
    assert_eq!(
        store.replace(&late, soon()).await.unwrap(),
        [ReplaceOutcome::Outdated, ReplaceOutcome::Outdated]
    );
    assert_eq!(
        found(store, &query(0.0, 10, json!({}))).await,
        [("b".to_owned(), 0)]
    );
    assert_eq!(
        store.versions(&["a"], soon()).await.unwrap()["a"].event_time,
        at(9)
    );
}

pub(super) async fn of_two_events_of_one_moment_the_same_wins_in_any_order(
    store: &impl VectorStore,
) {
    let lesser = |id: &str| conversation(id, 1, "Z", &[0.0, 1.0], "x");
    let greater = |id: &str| conversation(id, 1, "a", &[2.0], "x");
    // Digests are compared by their bytes, in which capital letters come first.
    let orders = [
        ("a", [lesser("a"), greater("a")]),
        ("b", [greater("b"), lesser("b")]),
    ];
    for (id, events) in orders {
        for event in &events {
            store
                .replace(std::slice::from_ref(event), soon())
                .await
                .unwrap();
        }
        let versions = store.versions(&[id], soon()).await.unwrap();
        assert_eq!(versions[id].event_digest, "a");
    }
    store
        .replace(&[greater("c"), lesser("c")], soon())
        .await
        .unwrap();
    assert_eq!(store.count(soon()).await.unwrap(), 3);
    // The same event, prepared by other settings, replaces itself.
    let mut prepared_anew = greater("a");
    prepared_anew.content_hash = "other settings".to_owned();
    assert_eq!(
        store.replace(&[prepared_anew], soon()).await.unwrap(),
        [ReplaceOutcome::Stored]
    );
}

pub(super) async fn rows_of_before_a_moment_are_deleted_in_parts(store: &impl VectorStore) {
    let batch = [
        conversation("old", 1, "h", &[0.0, 1.0, 2.0], "x"),
        conversation("older", 0, "h", &[3.0, 4.0], "x"),
        conversation("new", 2, "h", &[5.0], "x"),
    ];
    store.replace(&batch, soon()).await.unwrap();
    let mut deleted = Vec::new();
    loop {
        match store.delete_before(at(2), 2, soon()).await.unwrap() {
            0 => break,
            part => deleted.push(part),
        }
    }
    assert_eq!(deleted, [2, 2, 1]);
    assert_eq!(
        found(store, &query(0.0, 10, json!({}))).await,
        [("new".to_owned(), 0)]
    );
}

pub(super) async fn a_conversation_of_many_rows_is_stored_whole(store: &impl VectorStore) {
    let angles: Vec<f32> = (0..130).map(|n| n as f32).collect();
    let long = conversation("long", 1, "h1", &angles, "x");
    let short = conversation("short", 1, "h", &[0.0], "x");
    let outcomes = store.replace(&[long, short], soon()).await.unwrap();
    assert_eq!(outcomes, [ReplaceOutcome::Stored, ReplaceOutcome::Stored]);
    assert_eq!(store.count(soon()).await.unwrap(), 131);
    let longer = conversation("long", 2, "h2", &[angles.as_slice(), &[7.0]].concat(), "y");
    let older = conversation("short", 0, "h", &angles, "y");
    let outcomes = store.replace(&[longer, older], soon()).await.unwrap();
    assert_eq!(outcomes, [ReplaceOutcome::Stored, ReplaceOutcome::Outdated]);
    assert_eq!(store.count(soon()).await.unwrap(), 132);
    let of_new = found(store, &query(0.0, 1000, json!({"intent_category": "y"}))).await;
    let chunks: BTreeSet<u32> = of_new.iter().map(|(_, chunk)| *chunk).collect();
    assert_eq!((of_new.len(), chunks.len()), (131, 131));
}

pub(super) async fn rows_of_other_models_are_counted_and_deleted_in_parts(
    one: &impl VectorStore,
    two: &impl VectorStore,
) {
    one.replace(&[conversation("a", 0, "h", &[0.0, 1.0, 2.0], "x")], soon())
        .await
        .unwrap();
    let mut other = conversation("b", 0, "h", &[3.0], "x");
    other.rows[0].id = Uuid::new_v5(&Uuid::NAMESPACE_OID, b"another model");
    two.replace(&[other], soon()).await.unwrap();
    let others = two.other_models(soon()).await.unwrap();
    assert_eq!(
        others.into_iter().collect::<Vec<_>>(),
        [("first".to_owned(), 3)]
    );
    assert_eq!(two.delete_other_models(2, soon()).await.unwrap(), 2);
    assert_eq!(two.delete_other_models(2, soon()).await.unwrap(), 1);
    assert!(two.other_models(soon()).await.unwrap().is_empty());
    assert_eq!(two.count(soon()).await.unwrap(), 1);
}

pub(super) async fn a_removal_holds_for_every_model(
    one: &impl VectorStore,
    two: &impl VectorStore,
) {
    one.replace(&[conversation("a", 1, "h", &[0.0], "x")], soon())
        .await
        .unwrap();
    two.replace(&[conversation("a", 2, "removed", &[], "x")], soon())
        .await
        .unwrap();
    assert_eq!(one.count(soon()).await.unwrap(), 0);
    let versions = one.versions(&["a"], soon()).await.unwrap();
    assert_eq!(versions["a"].event_time, at(2));
}
