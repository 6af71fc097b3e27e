//! The cost of rules: 200 rules over one segment of a live call, and a replay of calls with 50 rules.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use insights_core::live::Speaker;
use insights_core::rules::{Dialogue, LiveRules, RuleFile, Utterance};
use insights_core::scale::Score;

const VERBS: [&str; 10] = [
    "cancel", "refund", "complain", "return", "escalate", "upgrade", "renew", "transfer",
    "dispute", "replace",
];
const NOUNS: [&str; 10] = [
    "account",
    "contract",
    "order",
    "invoice",
    "delivery",
    "policy",
    "router",
    "booking",
    "payment",
    "subscription",
];

/// Builds rules of all kinds: what is said, what is not, sequences, moods and silence.
fn rules(count: usize) -> RuleFile {
    let mut text = String::new();
    for number in 0..count {
        let (verb, noun) = (VERBS[number % 10], NOUNS[number / 10 % 10]);
        let when = match number % 10 {
            0..5 => format!(
                "{{ said = [\"{verb} * ({noun}|service{number})\"], by = \"customer\", near = 4 }}"
            ),
            5 => format!(
                "{{ not_said = [\"thank you for {verb}*\", \"{noun} recorded\"], by = \"agent\", within = \"first {}s\" }}",
                30 + number
            ),
            6 | 7 => format!(
                "{{ sequence = [{{ said = [\"{verb} * {noun}\"], by = \"customer\" }}, {{ not_said = [\"offer{number}\"], by = \"agent\", within = \"90s after\" }}] }}"
            ),
            8 => format!(
                "{{ all = [{{ silence = \"> {}s\" }}, {{ customer_average = \"< 0.3\", over = \"60s\" }}] }}",
                10 + number % 20
            ),
            _ => format!(
                "{{ count = {{ said = [\"{noun}\"] }}, is = \">= {}\" }}",
                2 + number % 4
            ),
        };
        text.push_str(&format!(
            "[[rule]]\nid = \"rule-{number}\"\nseverity = \"warn\"\nwhen = {when}\n"
        ));
    }
    RuleFile::from_toml(&text).expect("the rules of the benchmark")
}

const TEXTS: [&str; 6] = [
    "hello I am calling about my order from last week because it still has not arrived at my house you know",
    "thank you for calling my name is Maria and I can certainly look into that for you right now one moment",
    "well I really want to cancel the whole thing and get my money back it has been three weeks by now",
    "I understand and I am sorry for the trouble let me see what the delivery says about it in our system",
    "this is the third time that I call and every time somebody promises me something else it is quite annoying",
    "I have good news the parcel was found and it will be delivered tomorrow between ten and twelve in the morning",
];

fn call(seed: usize, segments: usize) -> Dialogue {
    let mut dialogue = Dialogue::default();
    for number in 0..segments {
        let start = 1_700_000_000_000 + number as i64 * 6000;
        let speaker = if number % 2 == 0 {
            Speaker::Customer
        } else {
            Speaker::Agent
        };
        let text = format!("{} {}", TEXTS[(seed + number) % TEXTS.len()], seed % 97);
        let score = Score::from_ten_thousandths(((seed * 31 + number * 1777) % 10_000) as u16);
        dialogue
            .utterances
            .push(Utterance::new(speaker, start, start + 5000, text).with_score(score));
    }
    dialogue
}

fn live_segment(criterion: &mut Criterion) {
    let file = rules(200);
    let call = call(1, 40);
    // A call of four minutes, at its last segment.
    let mut before = LiveRules::default();
    for utterance in &call.utterances[..39] {
        before.add(&file, utterance);
        before.advance(&file, utterance.end);
    }
    let last = &call.utterances[39];
    criterion.bench_function("rules: 200 rules, one segment of 20 words", |bencher| {
        bencher.iter_batched_ref(
            || before.clone(),
            |live| {
                live.add(&file, black_box(last));
                live.advance(&file, last.end)
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

/// Measures how long the rules take over so many whole calls.
fn measure_replay(criterion: &mut Criterion, count: usize, warm_up: Duration, name: &str) {
    let file = rules(50);
    let calls: Vec<Dialogue> = (0..count).map(|seed| call(seed, 60)).collect();
    let mut group = criterion.benchmark_group("rules");
    group.throughput(Throughput::Elements(count as u64));
    group.sample_size(10);
    group.warm_up_time(warm_up);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            calls
                .iter()
                .map(|call| file.evaluate(black_box(call)).hits.len())
                .sum::<usize>()
        });
    });
    group.finish();
}

fn replay(criterion: &mut Criterion) {
    let name = "replay of 100 calls of 60 segments with 50 rules";
    measure_replay(criterion, 100, Duration::from_secs(3), name);
}

/// The replay of a week of a large center, measured and not computed from a smaller one.
fn replay_10000(criterion: &mut Criterion) {
    let name = "replay of 10000 calls of 60 segments with 50 rules, one core";
    measure_replay(criterion, 10_000, Duration::from_millis(1), name);
}

criterion_group!(benches, live_segment, replay, replay_10000);
criterion_main!(benches);
