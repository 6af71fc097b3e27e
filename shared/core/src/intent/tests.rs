//! Intents decided by vectors, by keywords, and by neither.

use super::*;

fn classifier(vectors: Option<Vec<Vec<f32>>>) -> IntentClassifier {
    let category = |name: &str, prototypes: &[&str], keywords: &[&str]| IntentCategory {
        name: name.to_owned(),
        prototypes: prototypes.iter().map(|text| (*text).to_owned()).collect(),
        keywords: keywords.iter().map(|text| (*text).to_owned()).collect(),
    };
    let categories = IntentCategories {
        default: "other".to_owned(),
        threshold: 0.5,
        categories: vec![
            category("billing", &["refund", "bill"], &["refund*", "money back"]),
            category("support", &["broken"], &["c++", "error"]),
            category("other", &[], &[]),
        ],
    };
    categories.validate().unwrap();
    IntentClassifier::new(categories, vectors).unwrap()
}

fn axes() -> Option<Vec<Vec<f32>>> {
    Some(vec![
        vec![2.0, 0.0, 0.0],
        vec![0.0, 1.0, 0.0],
        vec![0.0, 0.0, 0.5],
    ])
}

#[test]
fn the_nearest_prototype_decides_where_it_is_near_enough() {
    let classifier = classifier(axes());
    let intent = classifier.classify("an error", &[&[0.1, 3.0, 0.2]]);
    assert_eq!(
        (intent.category.as_str(), intent.evidence),
        ("billing", Evidence::Prototype)
    );
    assert!(intent.similarity.unwrap() > 0.99);
    let intent = classifier.classify("a refund", &[&[0.0, 0.1, 1.0]]);
    assert_eq!(
        (intent.category.as_str(), intent.evidence),
        ("support", Evidence::Prototype)
    );
}

#[test]
fn the_best_evidence_of_any_chunk_counts() {
    let intent = classifier(axes()).classify("", &[&[0.8, 0.0, 0.6], &[0.0, 0.1, 1.0]]);
    assert_eq!(intent.category, "support");
}

#[test]
fn keywords_decide_where_no_prototype_is_near() {
    let classifier = classifier(axes());
    let far: &[&[f32]] = &[&[-1.0, -1.0, -1.0]];
    for (text, category, evidence) in [
        ("I want my Money Back!", "billing", Evidence::Keyword),
        ("Refunding, please", "billing", Evidence::Keyword),
        ("an ERROR, and a refund", "billing", Evidence::Keyword),
        ("my c++ build", "support", Evidence::Keyword),
        ("terrors and errors", "other", Evidence::Default),
        ("prerefund", "other", Evidence::Default),
        ("", "other", Evidence::Default),
    ] {
        let intent = classifier.classify(text, far);
        assert_eq!(
            (intent.category.as_str(), intent.evidence),
            (category, evidence),
            "{text}"
        );
        assert!(intent.similarity.unwrap() < 0.0);
    }
}

#[test]
fn vectors_that_cannot_be_compared_leave_it_to_the_keywords() {
    for (classifier, vectors) in [
        (
            classifier(None),
            &[&[1.0_f32, 0.0, 0.0] as &[f32]] as &[&[f32]],
        ),
        (classifier(axes()), &[&[1.0_f32, 0.0] as &[f32]]),
        (classifier(axes()), &[]),
    ] {
        let intent = classifier.classify("an error", vectors);
        assert_eq!(
            (intent.category.as_str(), intent.similarity),
            ("support", None)
        );
    }
    // Without a direction there is no near and far.
    assert_eq!(
        classifier(axes()).classify("x", &[&[0.0; 3]]).evidence,
        Evidence::Default
    );
}

#[test]
fn vectors_that_do_not_fit_the_prototypes_are_refused() {
    let mut categories = IntentCategories::default();
    categories.categories.truncate(0);
    categories.categories.push(IntentCategory {
        name: "a".into(),
        prototypes: vec!["x".into()],
        keywords: vec![],
    });
    assert!(IntentClassifier::new(categories.clone(), Some(vec![])).is_err());
    assert!(IntentClassifier::new(categories.clone(), Some(vec![vec![1.0], vec![1.0]])).is_err());
    assert!(IntentClassifier::new(categories, Some(vec![vec![1.0]])).is_ok());
    assert!(NearestNeighbors::new(vec![vec![1.0], vec![1.0, 2.0]], vec![0, 1]).is_err());
}

#[test]
fn the_default_categories_are_complete_and_their_keywords_work() {
    let categories = IntentCategories::default();
    categories.validate().unwrap();
    let names: Vec<&str> = categories
        .categories
        .iter()
        .map(|category| category.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["billing_dispute", "technical_support", "general_inquiry"]
    );
    let classifier = IntentClassifier::new(categories, None).unwrap();
    for (text, category) in [
        ("I need a full refund", "billing_dispute"),
        ("please CANCEL it", "billing_dispute"),
        ("the app shows an error", "technical_support"),
        ("I need help", "technical_support"),
        ("how can I help you?", "general_inquiry"),
        ("a helpful person", "general_inquiry"),
        ("when do you open", "general_inquiry"),
    ] {
        assert_eq!(classifier.classify(text, &[]).category, category, "{text}");
    }
}

#[test]
fn bad_categories_are_refused_with_the_value_that_is_wrong() {
    let with = |change: fn(&mut IntentCategories)| {
        let mut categories = IntentCategories::default();
        change(&mut categories);
        IntentCategories::from_json(&serde_json::to_string(&categories).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert!(with(|c| c.threshold = 1.5).contains("threshold 1.5"));
    assert!(with(|c| c.default = "nobody".into()).contains("nobody"));
    assert!(with(|c| c.categories[0].name = "Billing Dispute".into()).contains("Billing Dispute"));
    assert!(with(|c| c.categories[1].name = "billing_dispute".into()).contains("named twice"));
    assert!(with(|c| c.categories[0].keywords.push(" ".into())).contains("billing_dispute"));
    assert!(
        IntentCategories::from_json("{\"default\":1}")
            .unwrap_err()
            .to_string()
            .contains("line 1")
    );
    assert!(
        IntentCategories::from_json(r#"{"default":"a","threshold":0,"categories":[],"x":1}"#)
            .is_err()
    );
}

#[test]
fn the_bounds_of_categories_are_allowed_and_what_is_beyond_is_not() {
    let check = |change: &dyn Fn(&mut IntentCategories)| {
        let mut categories = IntentCategories::default();
        change(&mut categories);
        categories.validate().is_ok()
    };
    for (threshold, is_allowed) in [
        (-1.0, true),
        (1.0, true),
        (-1.01, false),
        (1.01, false),
        (f32::NAN, false),
    ] {
        assert_eq!(check(&|c| c.threshold = threshold), is_allowed);
    }
    for (length, is_allowed) in [(0, false), (1, true), (64, true), (65, false)] {
        let name = "a".repeat(length);
        assert_eq!(check(&|c| c.categories[0].name = name.clone()), is_allowed);
    }
    for name in ["a b", "A", "é", "a-b"] {
        assert!(
            !check(&|c| c.categories[0].name = name.to_owned()),
            "{name}"
        );
    }
    assert!(check(&|c| c.categories[0].name = "a_1".to_owned()));
    for (length, is_allowed) in [(1, true), (1000, true), (1001, false), (2000, false)] {
        let text = "a".repeat(length);
        assert_eq!(
            check(&|c| c.categories[0].keywords.push(text.clone())),
            is_allowed
        );
        assert_eq!(
            check(&|c| c.categories[0].prototypes.push(text.clone())),
            is_allowed
        );
    }
    for (count, is_allowed) in [(MAX_PROTOTYPES, true), (MAX_PROTOTYPES + 1, false)] {
        assert_eq!(
            check(&|c| {
                c.categories.iter_mut().for_each(|it| it.prototypes.clear());
                c.categories[0].prototypes = vec!["a".to_owned(); count];
            }),
            is_allowed
        );
    }
}
