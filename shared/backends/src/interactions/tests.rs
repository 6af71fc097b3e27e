//! Registers, lists and stops interactions in a SQLite file.

use insights_core::live::EndReason;

use super::*;
use store::state::SqliteState;

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn calls(folder: &tempfile::TempDir) -> Interactions<SqliteState> {
    Interactions::new(
        SqliteState::open(folder.path().join("state.db")).unwrap(),
        4,
    )
}

async fn listed(calls: &Interactions<SqliteState>) -> Vec<ListedInteraction> {
    let mut all = Vec::new();
    for shard in 0..calls.shards() {
        all.extend(calls.list(shard, now()).await.unwrap());
    }
    all
}

#[tokio::test]
async fn registering_and_removing_are_idempotent() {
    let folder = tempfile::tempdir().unwrap();
    let calls = calls(&folder);
    assert!(!calls.stop("a", now()).await.unwrap());
    assert!(calls.view("a", now()).await.unwrap().is_none());
    assert!(calls.register("a", now()).await.unwrap());
    let entries = listed(&calls).await;
    assert!(!calls.register("a", now()).await.unwrap());
    // A live call that is registered again is listened to anew, and was scored before all the same.
    let later = now() + jiff::SignedDuration::from_mins(9);
    assert!(!calls.register("a", later).await.unwrap());
    assert_eq!(
        listed(&calls).await,
        entries,
        "a second registration changes nothing"
    );
    assert_eq!(
        calls.view("a", now()).await.unwrap().unwrap().status,
        "live"
    );
    assert!(calls.stop("a", now()).await.unwrap());
    assert!(!calls.stop("a", now()).await.unwrap());
    assert_eq!(
        calls.view("a", now()).await.unwrap().unwrap().status,
        "stopped"
    );
    assert!(calls.register("a", now()).await.unwrap());
    assert_eq!(
        calls.view("a", now()).await.unwrap().unwrap().status,
        "live"
    );
}

#[tokio::test]
async fn a_registration_that_died_half_way_is_completed_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let calls = calls(&folder);
    let mut held = calls.load_or_new("a", now()).await.unwrap();
    calls.save(&mut held, now()).await.unwrap();
    assert!(listed(&calls).await.is_empty());
    calls.register("a", now()).await.unwrap();
    assert_eq!(listed(&calls).await.len(), 1);
}

#[tokio::test]
async fn a_poller_sees_a_removal_by_the_entrys_version() {
    let folder = tempfile::tempdir().unwrap();
    let calls = calls(&folder);
    calls.register("a", now()).await.unwrap();
    let before = listed(&calls).await;
    calls.stop("a", now()).await.unwrap();
    let after = listed(&calls).await;
    assert_eq!((after.len(), &after[0].id), (1, &before[0].id));
    assert_ne!(after[0].version, before[0].version);
}

#[tokio::test]
async fn an_ended_call_leaves_the_list_unless_it_was_registered_again() {
    let folder = tempfile::tempdir().unwrap();
    let calls = calls(&folder);
    calls.register("a", now()).await.unwrap();
    calls.stop("a", now()).await.unwrap();
    let old = listed(&calls).await.remove(0);
    calls.register("a", now()).await.unwrap();
    let shard = shard_of("a", 4);
    calls.unlist(shard, &old, now()).await.unwrap();
    let new = listed(&calls).await;
    assert_eq!(new.len(), 1, "the newer registration stays");
    calls.unlist(shard, &new[0], now()).await.unwrap();
    assert!(listed(&calls).await.is_empty());
}

#[tokio::test]
async fn two_writers_never_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let calls = calls(&folder);
    calls.register("a", now()).await.unwrap();
    let mut one = calls.load("a", now()).await.unwrap().unwrap();
    let mut two = one.clone();
    calls.save(&mut one, now()).await.unwrap();
    assert!(matches!(
        calls.save(&mut two, now()).await,
        Err(Error::Conflict { .. })
    ));
    calls.save(&mut one, now()).await.unwrap();
    let mut stranger = LoadedInteraction {
        call: CallState::new("a", now()),
        version: None,
    };
    assert!(matches!(
        calls.save(&mut stranger, now()).await,
        Err(Error::Conflict { .. })
    ));
}

#[tokio::test]
async fn a_poller_that_works_on_a_call_loses_it_to_a_removal() {
    let folder = tempfile::tempdir().unwrap();
    let calls = calls(&folder);
    calls.register("a", now()).await.unwrap();
    let mut held = calls.load("a", now()).await.unwrap().unwrap();
    let claim = CallEvent::ClaimRequested {
        holder: "poller".into(),
    };
    let effects;
    (held.call, effects) = apply_event(held.call, claim, &LiveSettings::default(), now());
    assert_eq!(effects, [CallAction::SaveState]);
    calls.save(&mut held, now()).await.unwrap();
    calls.stop("a", now()).await.unwrap();
    assert!(matches!(
        calls.save(&mut held, now()).await,
        Err(Error::Conflict { .. })
    ));
    let ended = calls
        .load("a", now())
        .await
        .unwrap()
        .unwrap()
        .call
        .ended()
        .unwrap();
    assert_eq!(ended.reason, EndReason::Stopped);
}

#[tokio::test]
async fn a_long_list_is_read_in_pages() {
    let folder = tempfile::tempdir().unwrap();
    let calls = Interactions::new(
        SqliteState::open(folder.path().join("state.db")).unwrap(),
        1,
    );
    let puts = (0..PAGE_SIZE + 1)
        .map(|n| Put::encode(Key::new("live#0", format!("{n:05}")), &EntryBody {}, None).unwrap());
    calls.store.put_many(puts.collect(), now()).await.unwrap();
    let ids: std::collections::BTreeSet<String> = calls
        .list(0, now())
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids.len(), PAGE_SIZE + 1);
}

#[test]
fn shards_are_evenly_filled_and_never_move() {
    let mut sizes = [0; 8];
    for n in 0..8000 {
        sizes[shard_of(&format!("interaction-{n}"), 8) as usize] += 1;
    }
    assert!(
        sizes.iter().all(|size| (850..1150).contains(size)),
        "{sizes:?}"
    );
    assert_eq!(shard_of("a", u32::MAX), 0xe40c_292c);
}
