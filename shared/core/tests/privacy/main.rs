//! Measures the redaction of generated conversations, whose secrets are known.

mod dialogue;
mod dice;
mod evaluation;
mod held_out;
mod scenarios;
mod values;
mod wordings;

use insights_core::pii::PiiKind;

use evaluation::{Evaluation, measure};

const CONVERSATIONS: usize = 4_000;

fn assert_floors(evaluation: &Evaluation, precision: f64, recall: f64) {
    for kind in [PiiKind::CreditCard, PiiKind::SecurityCode, PiiKind::Pin] {
        let figures = &evaluation.kinds[&kind];
        assert!(
            figures.recall() >= 0.99,
            "{kind:?}: recall {:.4}",
            figures.recall()
        );
        assert!(
            figures.recall_in_pieces() >= 0.99,
            "{kind:?}: recall in pieces {:.4}",
            figures.recall_in_pieces()
        );
    }
    let total = evaluation.total();
    assert!(
        total.precision() >= precision,
        "precision {:.4}",
        total.precision()
    );
    assert!(total.recall() >= recall, "recall {:.4}", total.recall());
}

#[test]
fn the_redactor_keeps_its_floors_with_the_wordings_it_was_written_with() {
    let evaluation = measure(&wordings::DEVELOPMENT, CONVERSATIONS, 1);
    if let Ok(folder) = std::env::var("PRIVACY_REPORT") {
        let lines = [
            evaluation.table(),
            evaluation.misses.join("\n"),
            "FALSE".to_owned(),
            evaluation.false_findings.join("\n"),
        ];
        std::fs::write(
            std::path::Path::new(&folder).join("development.txt"),
            lines.join("\n"),
        )
        .unwrap();
    }
    assert_floors(&evaluation, 0.97, 0.97);
}

#[test]
fn the_redactor_keeps_its_floors_with_wordings_it_was_not_written_with() {
    let evaluation = measure(&held_out::HELD_OUT, CONVERSATIONS, 2);
    if let Ok(folder) = std::env::var("PRIVACY_REPORT") {
        std::fs::write(
            std::path::Path::new(&folder).join("held_out.txt"),
            evaluation.table(),
        )
        .unwrap();
        std::fs::write(
            std::path::Path::new(&folder).join("misses.txt"),
            [
                evaluation.misses.join("\n"),
                "FALSE".to_owned(),
                evaluation.false_findings.join("\n"),
            ]
            .join("\n"),
        )
        .unwrap();
    }
    assert_floors(&evaluation, 0.97, 0.9);
}
