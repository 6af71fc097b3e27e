//! Order, bounds and counts of the pacer, against a store that is a plain list.

use std::time::Duration;

use super::*;
use proptest::prelude::*;

const ROOM: Room = Room {
    per_conversation: 4,
    total: 6,
};

fn pacer() -> Pacer<u32> {
    Pacer::new(Rate::new(10.0, 2).unwrap(), ROOM)
}

fn offer_all(pacer: &mut Pacer<u32>, name: &str, items: std::ops::Range<u32>, now: Instant) {
    for item in items {
        let _ = pacer.offer(name, item, now);
    }
}

#[test]
fn a_burst_passes_then_waits_then_spills() {
    let now = Instant::now();
    let mut pacer = pacer();
    let offers: Vec<Offer<u32>> = (0..8).map(|item| pacer.offer("a", item, now)).collect();
    use Offer::{Pass, Spill, Waits};
    assert_eq!(
        offers,
        [
            Pass(0),
            Pass(1),
            Waits,
            Waits,
            Waits,
            Waits,
            Spill(6),
            Spill(7)
        ]
    );
    assert_eq!(
        pacer.counts(),
        PaceCounts {
            passed: 2,
            waited: 4,
            spilled: 2
        }
    );
    assert_eq!(pacer.waiting(), 4);
}

#[test]
fn waiting_items_come_in_order_at_the_rate() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "a", 0..5, now);
    assert_eq!(pacer.release(now), None);
    assert_eq!(pacer.next_due(), Some(now + Duration::from_millis(100)));
    assert_eq!(pacer.release(now + Duration::from_millis(100)), Some(2));
    assert_eq!(pacer.release(now + Duration::from_millis(150)), None);
    let later = now + Duration::from_secs(10);
    assert_eq!(
        (pacer.release(later), pacer.release(later), pacer.next_due()),
        (Some(3), Some(4), None)
    );
}

#[test]
fn one_conversation_does_not_slow_another() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "flood", 0..6, now);
    assert_eq!(pacer.offer("calm", 99, now), Offer::Pass(99));
}

#[test]
fn while_some_are_spilled_later_ones_do_not_overtake() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "a", 0..7, now);
    let mut later = now;
    while pacer.waiting() > 0 {
        later += Duration::from_secs(1);
        pacer.release(later);
    }
    let (later, item) = (later + Duration::from_secs(60), 7);
    assert_eq!(
        pacer.offer("a", item, later),
        Offer::Spill(item),
        "6 is still in the store"
    );
    assert_eq!(pacer.wants_back(), Some(("a", 4)));
    pacer.take_back("a", vec![6, 7], 4, later);
    assert_eq!(
        (pacer.release(later), pacer.release(later)),
        (Some(6), Some(7))
    );
    assert_eq!(pacer.wants_back(), None);
    assert_eq!(
        pacer.offer("a", 8, later + Duration::from_secs(60)),
        Offer::Pass(8)
    );
}

#[test]
fn an_earlier_sessions_spill_comes_first() {
    let now = Instant::now();
    let mut pacer = pacer();
    pacer.adopt_spilled("a");
    assert_eq!(pacer.offer("a", 1, now), Offer::Spill(1));
    assert_eq!(pacer.wants_back(), Some(("a", 4)));
}

#[test]
fn lanes_at_rest_cost_nothing() {
    let now = Instant::now();
    let mut pacer = pacer();
    (0..100).for_each(|item| offer_all(&mut pacer, &format!("c{item}"), item..item + 1, now));
    assert_eq!(pacer.lanes(), 100);
    pacer.purge(now);
    assert_eq!(pacer.lanes(), 100, "their tokens are not back yet");
    pacer.purge(now + Duration::from_secs(1));
    assert_eq!(pacer.lanes(), 0);
}

#[test]
fn what_waits_at_the_end_is_given_back_in_order() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "a", 0..6, now);
    assert_eq!(pacer.drain(), [2, 3, 4, 5]);
    assert_eq!((pacer.waiting(), pacer.next_due()), (0, None));
}

proptest! {
    #[test]
    fn every_item_comes_out_once_in_order_within_bounds(
        steps in prop::collection::vec((0u8..3, 0u64..60), 1..400),
    ) {
        let mut now = Instant::now();
        let mut pacer: Pacer<(u8, usize)> = Pacer::new(Rate::new(10.0, 2).unwrap(), ROOM);
        let mut store: HashMap<String, VecDeque<(u8, usize)>> = HashMap::new();
        let mut out: Vec<(u8, usize)> = Vec::new();
        let mut turn = |pacer: &mut Pacer<(u8, usize)>, store: &mut HashMap<String, VecDeque<(u8, usize)>>, now| {
            while let Some(item) = pacer.release(now) {
                out.push(item);
            }
            while let Some((conversation, room)) = pacer.wants_back().map(|(name, room)| (name.to_owned(), room)) {
                let spilled = store.entry(conversation.clone()).or_default();
                let back: Vec<_> = spilled.drain(..room.min(spilled.len())).collect();
                pacer.take_back(&conversation, back, room, now);
            }
            out.len()
        };
        let total = steps.len();
        let mut passed = Vec::new();
        for (number, (conversation, pause)) in steps.into_iter().enumerate() {
            now += Duration::from_millis(pause);
            let before = turn(&mut pacer, &mut store, now);
            match pacer.offer(&conversation.to_string(), (conversation, number), now) {
                Offer::Pass(item) => passed.push((before, item)),
                Offer::Waits => {}
                Offer::Spill(item) => store.entry(conversation.to_string()).or_default().push_back(item),
            }
            prop_assert!(pacer.waiting() <= ROOM.total);
        }
        for _ in 0..total * 2 {
            now += Duration::from_secs(1);
            turn(&mut pacer, &mut store, now);
        }
        for (shift, (before, item)) in passed.into_iter().enumerate() {
            out.insert(before + shift, item);
        }
        prop_assert_eq!(out.len(), total);
        for conversation in 0..3 {
            let numbers: Vec<usize> = out.iter().filter(|item| item.0 == conversation).map(|item| item.1).collect();
            prop_assert!(numbers.is_sorted(), "conversation {} came as {:?}", conversation, numbers);
        }
    }
}
