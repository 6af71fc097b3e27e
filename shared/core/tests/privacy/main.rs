//! Measures the redaction of generated conversations, whose secrets are known.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap")]

mod blind;
mod contacts;
mod dates;
mod development;
mod dialogue;
mod dice;
mod evaluation;
mod fresh;
mod held_out;
mod recorded;
mod scenarios;
mod spoken;
mod streaming;
mod value;
mod values;
mod wordings;
mod written;

use insights_core::pii::PiiKind;

use evaluation::{Evaluation, measure};

const CONVERSATIONS: usize = 4_000;

/// Asserts that of cards, security codes and PINs at least this share is masked whole.
fn assert_recall_of_numbers(evaluation: &Evaluation, recall: f64) {
    for kind in [PiiKind::CreditCard, PiiKind::SecurityCode, PiiKind::Pin] {
        let figures = &evaluation.kinds[&kind];
        assert!(
            figures.recall() >= recall,
            "{kind:?}: recall {:.4}",
            figures.recall()
        );
        assert!(
            figures.recall_in_pieces() >= recall,
            "{kind:?}: recall in pieces {:.4}",
            figures.recall_in_pieces()
        );
    }
}

fn assert_floors(evaluation: &Evaluation, precision: f64, recall: f64) {
    assert_recall_of_numbers(evaluation, 0.99);
    let total = evaluation.total();
    assert!(
        total.precision() >= precision,
        "precision {:.4}",
        total.precision()
    );
    assert!(total.recall() >= recall, "recall {:.4}", total.recall());
}

/// Writes the table of an evaluation, and what went wrong, to the folder of the variable `PRIVACY_REPORT`, if it is set.
fn write_report(name: &str, evaluation: &Evaluation) {
    let Ok(folder) = std::env::var("PRIVACY_REPORT") else {
        return;
    };
    let folder = std::path::Path::new(&folder);
    let wrong = [
        evaluation.misses.join("\n"),
        "FALSE".to_owned(),
        evaluation.false_findings.join("\n"),
    ];
    std::fs::write(folder.join(format!("{name}.md")), evaluation.table()).unwrap();
    std::fs::write(folder.join(format!("{name}_wrong.txt")), wrong.join("\n")).unwrap();
}

#[test]
fn the_redactor_keeps_its_floors_with_the_wordings_it_was_written_with() {
    let evaluation = measure(&development::DEVELOPMENT, CONVERSATIONS, 1);
    write_report("development", &evaluation);
    assert_floors(&evaluation, 0.97, 0.97);
}

#[test]
fn the_redactor_keeps_its_floors_with_wordings_it_was_not_written_with() {
    let evaluation = measure(&held_out::HELD_OUT, CONVERSATIONS, 2);
    write_report("held_out", &evaluation);
    assert_floors(&evaluation, 0.97, 0.9);
}

#[test]
fn the_redactor_keeps_its_floors_with_wordings_that_came_after_it() {
    let evaluation = measure(&fresh::FRESH, CONVERSATIONS, 3);
    write_report("fresh", &evaluation);
    assert_floors(&evaluation, 0.97, 0.98);
}

#[test]
fn the_redactor_keeps_its_floors_with_wordings_of_somebody_who_never_read_it() {
    let evaluation = measure(&blind::BLIND, CONVERSATIONS, 4);
    write_report("blind", &evaluation);
    assert_floors(&evaluation, 0.97, 0.98);
}
