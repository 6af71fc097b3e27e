//! Measures VADER per sentence, escalation rules per message, redaction per turn and the topics of a thousand conversations:
//! `cargo bench -p insights-core`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use insights_core::chat::escalation::EscalationDetector;
use insights_core::lexicon;
use insights_core::pii::{ConversationRedactor, ConversationTurn, SpeakerRole};
use insights_core::topics::{ClusterSettings, Corpus, VocabularyLimits, find_topics};
use insights_core::vader::Analyzer;

const SENTENCES: [&str; 4] = [
    "I have been waiting for forty minutes and nobody cares, this is ridiculous!",
    "Thank you so much, you solved it in two minutes, I really appreciate your help.",
    "The refund isn't here yet, but at least the second agent was VERY friendly 😀",
    "Could you please tell me the invoice number on page two?",
];

fn vader(criterion: &mut Criterion) {
    let mut analyzer = Analyzer::default();
    let mut group = criterion.benchmark_group("vader");
    group.throughput(Throughput::Elements(SENTENCES.len() as u64));
    group.bench_function("sentence", |bencher| {
        bencher.iter(|| SENTENCES.map(|text| analyzer.polarity(std::hint::black_box(text))));
    });
    for kilobytes in [64, 1024] {
        // Sixteen times the text must take about sixteen times as long, however often the speaker takes something back.
        let text = "good bad but ".repeat(kilobytes * 1024 / 13);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{kilobytes} KB full of buts"), |bencher| {
            bencher.iter(|| analyzer.polarity(std::hint::black_box(&text)));
        });
        group.bench_function(format!("lexicon, {kilobytes} KB full of buts"), |bencher| {
            bencher.iter(|| lexicon::score(std::hint::black_box(&text)));
        });
    }
    let transcript = SENTENCES.join(" ").repeat(50);
    group.throughput(Throughput::Bytes(transcript.len() as u64));
    group.bench_function("transcript of 15 KB", |bencher| {
        bencher.iter(|| analyzer.polarity(std::hint::black_box(&transcript)));
    });
    group.finish();
}

fn escalation(criterion: &mut Criterion) {
    let detector = EscalationDetector::default();
    let mut group = criterion.benchmark_group("escalation");
    for (name, text) in [
        (
            "message of 20 words without a trigger",
            "hello I ordered a blue jacket last week and the parcel is still not here could you look where it is",
        ),
        (
            "message of 20 words with a denied trigger",
            "hello I do not want to make a complaint but the parcel is still not here could you please look it up",
        ),
        (
            "message of 20 words with a trigger",
            "hello I ordered a jacket last week and if the parcel does not come tomorrow my lawyer will write to you people",
        ),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| detector.find(std::hint::black_box(text)));
        });
    }
    let long = "not a not very not a complaint and ".repeat(1870);
    group.throughput(Throughput::Bytes(long.len() as u64));
    group.bench_function("message of 64 KB full of denials", |bencher| {
        bencher.iter(|| detector.find(std::hint::black_box(&long)));
    });
    group.finish();
}

fn topics(criterion: &mut Criterion) {
    let words = [
        "refund", "invoice", "router", "wifi", "parcel", "courier", "password", "login",
        "contract", "plan",
    ];
    let text = |at: usize| {
        (0..40)
            .map(|turn| words[(at * 7 + turn * turn * (at % 5 + 1)) % 10])
            .collect::<Vec<_>>()
            .join(" ")
    };
    let texts: Vec<String> = (0..1000).map(text).collect();
    criterion.bench_function("topics of 1000 conversations", |bencher| {
        bencher.iter(|| {
            let mut corpus = Corpus::default();
            texts.iter().for_each(|text| corpus.add(text));
            find_topics(
                &corpus,
                VocabularyLimits::default(),
                ClusterSettings::default(),
            )
        });
    });
}

/// Turns of about 20 words: small talk, a question, an answer with a number, an address, and figures that are nobody's secret.
const TURNS: [(SpeakerRole, &str); 6] = [
    (
        SpeakerRole::Customer,
        "I have been waiting for forty minutes and nobody seems to care about it, this is really getting ridiculous you know",
    ),
    (
        SpeakerRole::Agent,
        "I am very sorry to hear that, could you please give me the long number across the front of your card?",
    ),
    (
        SpeakerRole::Customer,
        "sure hold on a moment please it is four one one one one one one one one one one one one one",
    ),
    (
        SpeakerRole::Customer,
        "and my email is jane dot doe at example dot com and you can call me on 07700 900123 any time",
    ),
    (
        SpeakerRole::Customer,
        "the order number is 123456789 and I paid $45.99 for it on 2026-05-12 at 10:30 with a coupon for 15 percent",
    ),
    (
        SpeakerRole::Agent,
        "thank you so much for all of that, I have now sent the replacement to 14 Maple Street as we discussed earlier",
    ),
];

fn redaction(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("redaction");
    group.throughput(Throughput::Elements(TURNS.len() as u64));
    group.bench_function("turn of 20 words", |bencher| {
        let mut redactor = ConversationRedactor::default();
        bencher.iter(|| {
            TURNS.map(|(role, text)| {
                redactor.push(&ConversationTurn {
                    id: 0,
                    role,
                    at_ms: None,
                    text: std::hint::black_box(text),
                })
            })
        });
    });
    group.finish();
}

criterion_group!(benches, vader, escalation, topics, redaction);
criterion_main!(benches);
