//! Comparison with scikit-learn's answers in `tests/fixtures/topics.json`, and the cases in which scikit-learn raises errors.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    max_features: usize,
    terms: Vec<String>,
    rows: Vec<Vec<(u32, f64)>>,
    inertia: f64,
    labels: Vec<usize>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../tests/fixtures/topics.json")).unwrap()
}

fn corpus<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Corpus {
    let mut corpus = Corpus::default();
    texts.into_iter().for_each(|text| corpus.add(text.as_ref()));
    corpus
}

fn topics(texts: &[&str]) -> Topics {
    find_topics(
        &corpus(texts),
        VocabularyLimits::default(),
        ClusterSettings::default(),
    )
}

#[test]
fn the_matrix_is_that_of_scikit_learn() {
    let Fixture { texts, cases } = fixture();
    for case in cases {
        let matrix = corpus(&texts).tf_idf(VocabularyLimits {
            max_features: case.max_features,
            ..VocabularyLimits::default()
        });
        assert_eq!(matrix.terms, case.terms);
        assert_eq!(matrix.rows.len(), case.rows.len());
        for (row, expected) in matrix.rows.iter().zip(&case.rows) {
            assert_eq!(row.len(), expected.len());
            for (&(column, value), &(other, weight)) in row.iter().zip(expected) {
                assert_eq!(column, other);
                assert!(
                    (value - weight).abs() < 1e-12,
                    "{value} instead of {weight}"
                );
            }
        }
    }
}

#[test]
fn the_clusters_are_those_of_scikit_learn_with_the_same_seed() {
    let Fixture { texts, cases } = fixture();
    for case in cases {
        let matrix = corpus(&texts).tf_idf(VocabularyLimits {
            max_features: case.max_features,
            ..VocabularyLimits::default()
        });
        let found =
            cluster_rows(&matrix.rows, matrix.terms.len(), ClusterSettings::default()).unwrap();
        assert!(
            (found.inertia - case.inertia).abs() < 1e-9,
            "{} instead of {}",
            found.inertia,
            case.inertia
        );
        assert_eq!(found.labels, case.labels);
    }
}

#[test]
fn topics_are_numbered_by_size_and_named_by_their_terms() {
    let Fixture { texts, .. } = fixture();
    let found = find_topics(
        &corpus(&texts),
        VocabularyLimits::default(),
        ClusterSettings::default(),
    );
    assert_eq!(found.topics.len(), 5);
    assert!(
        found
            .topics
            .is_sorted_by_key(|topic| std::cmp::Reverse(topic.size))
    );
    assert_eq!(
        found.topics.iter().map(|topic| topic.size).sum::<usize>(),
        texts.len()
    );
    for topic in &found.topics {
        assert!(topic.name.starts_with(&topic.terms[0]), "{topic:?}");
        assert!(!topic.examples.is_empty());
        assert!(
            topic
                .examples
                .iter()
                .all(|&at| found.labels[at] == Some(topic.id))
        );
    }
}

#[test]
fn the_order_of_terms_in_memory_does_not_matter() {
    let Fixture { texts, .. } = fixture();
    let straight = corpus(&texts).tf_idf(VocabularyLimits::default());
    let mut primed = Corpus::default();
    texts.iter().rev().for_each(|text| primed.add(text));
    let reversed = primed.tf_idf(VocabularyLimits::default());
    assert_eq!(straight.terms, reversed.terms);
    for at in 0..texts.len() {
        assert_eq!(
            straight.rows.row(at),
            reversed.rows.row(texts.len() - 1 - at)
        );
    }
}

#[test]
fn a_corpus_is_empty_until_it_has_a_document() {
    let none: [&str; 0] = [];
    assert!(corpus(none).is_empty());
    let one = corpus([""]);
    assert_eq!((one.is_empty(), one.len()), (false, 1));
}

#[test]
fn no_conversation_has_no_topic() {
    assert_eq!(topics(&[]), Topics::default());
}

#[test]
fn conversations_without_a_word_have_no_topic() {
    let found = topics(&["", "123 !!!", "it is what it is", "😀"]);
    assert!(found.topics.is_empty());
    assert_eq!(found.labels, [None; 4]);
}

#[test]
fn one_conversation_is_one_topic() {
    let found = topics(&["The refund for my invoice, the refund please"]);
    assert!(found.relaxed);
    assert_eq!(found.topics.len(), 1);
    assert_eq!(found.topics[0].name, "refund, invoice");
    assert_eq!(found.labels, [Some(0)]);
}

#[test]
fn fewer_conversations_than_clusters_have_at_most_a_topic_each() {
    let found = topics(&[
        "refund invoice refund",
        "router wifi router",
        "refund router parcel",
    ]);
    assert_eq!(found.topics.len(), 3);
    assert!(found.labels.iter().all(Option::is_some));
}

#[test]
fn equal_conversations_share_one_topic() {
    let found = topics(&["refund my invoice"; 20]);
    assert_eq!(found.topics.len(), 1);
    assert_eq!(found.topics[0].size, 20);
}

#[test]
fn a_conversation_without_any_frequent_term_still_has_a_topic() {
    let found = topics(&[
        "refund invoice",
        "refund invoice",
        "router wifi",
        "router wifi",
        "zebra",
    ]);
    assert!(!found.relaxed);
    assert!(found.labels.iter().all(Option::is_some));
    assert_eq!(
        found
            .topics
            .iter()
            .filter(|topic| topic.name == "no frequent terms")
            .count(),
        1
    );
}
