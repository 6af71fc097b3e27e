//! Figures checked against NumPy, SciPy and counting by hand.

use proptest::prelude::*;

use super::*;

#[test]
fn dispositions_map_to_outcomes_in_any_case() {
    for (disposition, outcome) in [
        ("resolved", Outcome::Success),
        ("Escalated", Outcome::Escalation),
        (" CALLBACK ", Outcome::Callback),
        ("abandoned", Outcome::Abandoned),
        ("unknown", Outcome::Unknown),
        ("", Outcome::Other),
        ("transferred", Outcome::Other),
    ] {
        assert_eq!(
            OutcomeMap::default().outcome(disposition),
            outcome,
            "{disposition}"
        );
    }
}

#[test]
fn the_default_table_is_the_documented_one() {
    assert_eq!(
        OutcomeMap::parse(OutcomeMap::DEFAULT).unwrap(),
        OutcomeMap::default()
    );
}

#[test]
fn a_table_of_own_codes_replaces_the_default_one() {
    let map = OutcomeMap::parse(" Sale=success , a=b=Escalation,7042=Other,").unwrap();
    for (disposition, outcome) in [
        ("SALE", Some(Outcome::Success)),
        ("a=b", Some(Outcome::Escalation)),
        ("7042", Some(Outcome::Other)),
        ("resolved", None),
        // Nobody noted a disposition.
        ("unknown", Some(Outcome::Unknown)),
    ] {
        assert_eq!(map.find(disposition), outcome, "{disposition}");
    }
    let json = OutcomeMap::parse(r#"{"Sold, paid": "Success"}"#).unwrap();
    assert_eq!(json.outcome("sold, paid"), Outcome::Success);
}

#[test]
fn a_table_that_cannot_be_read_is_refused_with_what_is_allowed() {
    for text in [
        "",
        " , ",
        "resolved",
        "resolved=",
        "=Success",
        "a=Fine",
        "a=Success,A=Other",
        "{}",
        "{\"a\": 1}",
    ] {
        assert_eq!(
            OutcomeMap::parse(text).unwrap_err(),
            OutcomeMap::FORM,
            "{text}"
        );
    }
}

#[test]
fn the_neutral_band_includes_its_bounds() {
    assert_eq!(SentimentLabel::from_compound(0.05), SentimentLabel::Neutral);
    assert_eq!(
        SentimentLabel::from_compound(-0.05),
        SentimentLabel::Neutral
    );
    assert_eq!(
        SentimentLabel::from_compound(0.0501),
        SentimentLabel::Positive
    );
    assert_eq!(
        SentimentLabel::from_compound(-0.0501),
        SentimentLabel::Negative
    );
}

#[test]
fn quartiles_are_those_of_numpy() {
    // numpy.percentile([-0.5, 0.1, 0.3, 0.9], [25, 50, 75]) = [-0.05, 0.2, 0.45]
    let stats = Stats::from_values(&[0.9, -0.5, 0.3, 0.1]);
    assert_eq!((stats.n, stats.mean), (4, Some(0.2)));
    assert_eq!(
        [stats.min, stats.q1, stats.median, stats.q3, stats.max],
        [-0.5, -0.05, 0.2, 0.45, 0.9].map(Some)
    );
}

#[test]
fn a_sample_of_none_or_one_has_figures_too() {
    assert_eq!(Stats::from_values(&[]), Stats::default());
    let one = Stats::from_values(&[0.25]);
    assert_eq!(
        [one.mean, one.min, one.q1, one.median, one.q3, one.max],
        [Some(0.25); 6]
    );
}

#[test]
fn the_kruskal_wallis_statistic_is_that_of_scipy() {
    // scipy.stats.kruskal([1, 2, 2, 5], [2, 6, 7], [8, 9]).statistic = 5.632183908045976
    let found = kruskal_wallis(&[
        vec![1.0, 2.0, 2.0, 5.0],
        vec![2.0, 6.0, 7.0],
        vec![],
        vec![8.0, 9.0],
    ])
    .unwrap();
    assert_eq!(
        found,
        KruskalWallis {
            h: 5.6322,
            degrees_of_freedom: 2,
            epsilon_squared: 0.704
        }
    );
}

#[test]
fn equal_values_or_a_single_group_have_no_overall_effect() {
    assert_eq!(kruskal_wallis(&[vec![0.0, 0.0], vec![0.0]]), None);
    assert_eq!(kruskal_wallis(&[vec![0.1, 0.2]]), None);
}

#[test]
fn the_table_has_a_row_for_each_outcome_that_occurs() {
    let table = tabulate(&[
        (Outcome::Success, Some(0.9)),
        (Outcome::Success, Some(0.8)),
        (Outcome::Success, None),
        (Outcome::Escalation, Some(-0.5)),
        (Outcome::Other, None),
    ]);
    let outcomes: Vec<_> = table
        .rows
        .iter()
        .map(|row| (row.outcome, row.conversations, row.sentiment.n))
        .collect();
    assert_eq!(
        outcomes,
        [
            (Outcome::Success, 3, 2),
            (Outcome::Escalation, 1, 1),
            (Outcome::Other, 1, 0)
        ]
    );
    assert_eq!(table.rows[0].cliffs_delta, Some(1.0));
    assert_eq!(table.rows[1].effect, Some(EffectSize::Large));
    assert_eq!(table.rows[2].cliffs_delta, None);
}

#[test]
fn no_conversation_makes_an_empty_table() {
    let table = tabulate(&[]);
    assert!(table.rows.is_empty() && table.overall.is_none());
}

proptest! {
    #[test]
    fn cliffs_delta_is_the_count_of_pairs(
        own in prop::collection::vec(-3..4_i32, 1..20), rest in prop::collection::vec(-3..4_i32, 1..20)
    ) {
        let pairs = own.iter().flat_map(|a| rest.iter().map(move |b| (a - b).signum())).sum::<i32>();
        let expected = f64::from(pairs) / (own.len() * rest.len()) as f64;
        let float = |values: &[i32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let found = cliffs_delta(&float(&own), &float(&rest)).unwrap();
        prop_assert!((found - expected).abs() <= 5.1e-5, "{} instead of {}", found, expected);
    }
}
