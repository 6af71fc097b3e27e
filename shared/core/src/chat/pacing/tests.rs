//! Order, bounds and counts of the pacer, against a store that is a plain list.

use std::time::Duration;

use super::*;
use proptest::prelude::*;

const LIMITS: QueueLimits = QueueLimits {
    per_conversation: 4,
    total: 6,
};

fn pacer() -> Pacer<u32> {
    Pacer::new(Rate::new(10.0, 2).unwrap(), LIMITS)
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
    let offers: Vec<Admission<u32>> = (0..8).map(|item| pacer.offer("a", item, now)).collect();
    use Admission::{Queued, Ready, Spilled};
    assert_eq!(
        offers,
        [
            Ready(0),
            Ready(1),
            Queued,
            Queued,
            Queued,
            Queued,
            Spilled(6),
            Spilled(7)
        ]
    );
    assert_eq!(
        pacer.counts(),
        PacingCounts {
            passed: 2,
            waited: 4,
            spilled: 2
        }
    );
    assert_eq!(pacer.queued(), 4);
}

#[test]
fn waiting_items_come_in_order_at_the_rate() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "a", 0..5, now);
    assert_eq!(pacer.pop_due(now), None);
    assert_eq!(pacer.next_due(), Some(now + Duration::from_millis(100)));
    assert_eq!(pacer.pop_due(now + Duration::from_millis(100)), Some(2));
    assert_eq!(pacer.pop_due(now + Duration::from_millis(150)), None);
    let later = now + Duration::from_secs(10);
    assert_eq!(
        (pacer.pop_due(later), pacer.pop_due(later), pacer.next_due()),
        (Some(3), Some(4), None)
    );
}

#[test]
fn one_conversation_does_not_slow_another() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "flood", 0..6, now);
    assert_eq!(pacer.offer("calm", 99, now), Admission::Ready(99));
}

#[test]
fn while_items_are_spilled_later_items_do_not_overtake_them() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "a", 0..7, now);
    let mut later = now;
    while pacer.queued() > 0 {
        later += Duration::from_secs(1);
        pacer.pop_due(later);
    }
    let (later, item) = (later + Duration::from_secs(60), 7);
    assert_eq!(
        pacer.offer("a", item, later),
        Admission::Spilled(item),
        "6 is still in the store"
    );
    assert_eq!(pacer.next_refill(), Some(("a", 4)));
    pacer.refill("a", vec![6, 7], 4, later);
    assert_eq!(
        (pacer.pop_due(later), pacer.pop_due(later)),
        (Some(6), Some(7))
    );
    assert_eq!(pacer.next_refill(), None);
    assert_eq!(
        pacer.offer("a", 8, later + Duration::from_secs(60)),
        Admission::Ready(8)
    );
}

#[test]
fn items_spilled_by_an_earlier_session_come_first() {
    let now = Instant::now();
    let mut pacer = pacer();
    pacer.mark_spilled("a");
    assert_eq!(pacer.offer("a", 1, now), Admission::Spilled(1));
    assert_eq!(pacer.next_refill(), Some(("a", 4)));
}

#[test]
fn idle_conversations_hold_no_memory() {
    let now = Instant::now();
    let mut pacer = pacer();
    (0..100).for_each(|item| offer_all(&mut pacer, &format!("c{item}"), item..item + 1, now));
    assert_eq!(pacer.conversations(), 100);
    pacer.drop_idle_queues(now);
    assert_eq!(
        pacer.conversations(),
        100,
        "their token buckets are not full yet"
    );
    pacer.drop_idle_queues(now + Duration::from_secs(1));
    assert_eq!(pacer.conversations(), 0);
}

#[test]
fn drained_items_are_in_order() {
    let now = Instant::now();
    let mut pacer = pacer();
    offer_all(&mut pacer, "a", 0..6, now);
    assert_eq!(pacer.drain(), [2, 3, 4, 5]);
    assert_eq!((pacer.queued(), pacer.next_due()), (0, None));
}

proptest! {
    #[test]
    fn every_item_comes_out_once_in_order_within_bounds(
        steps in prop::collection::vec((0u8..3, 0u64..60), 1..400),
    ) {
        let mut now = Instant::now();
        let mut pacer: Pacer<(u8, usize)> = Pacer::new(Rate::new(10.0, 2).unwrap(), LIMITS);
        let mut store: HashMap<String, VecDeque<(u8, usize)>> = HashMap::new();
        let mut out: Vec<(u8, usize)> = Vec::new();
        let mut take_turns = |pacer: &mut Pacer<(u8, usize)>, store: &mut HashMap<String, VecDeque<(u8, usize)>>, now| {
            while let Some(item) = pacer.pop_due(now) {
                out.push(item);
            }
            while let Some((conversation, room)) = pacer.next_refill().map(|(name, room)| (name.to_owned(), room)) {
                let spilled = store.entry(conversation.clone()).or_default();
                let back: Vec<_> = spilled.drain(..room.min(spilled.len())).collect();
                pacer.refill(&conversation, back, room, now);
            }
            out.len()
        };
        let total = steps.len();
        let mut passed = Vec::new();
        for (number, (conversation, pause)) in steps.into_iter().enumerate() {
            now += Duration::from_millis(pause);
            let before = take_turns(&mut pacer, &mut store, now);
            match pacer.offer(&conversation.to_string(), (conversation, number), now) {
                Admission::Ready(item) => passed.push((before, item)),
                Admission::Queued => {}
                Admission::Spilled(item) => store.entry(conversation.to_string()).or_default().push_back(item),
            }
            prop_assert!(pacer.queued() <= LIMITS.total);
        }
        for _ in 0..total * 2 {
            now += Duration::from_secs(1);
            take_turns(&mut pacer, &mut store, now);
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
