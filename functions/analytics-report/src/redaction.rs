//! Blacking out personal data in what a report keeps.

use insights_core::analytics::Record;
use insights_core::pii;

/// Replaces the personal data in the text of a record by placeholders. The figures of the record are those of the text as it was
/// said.
pub(crate) fn redact_record(record: &mut Record) {
    record.replace_text(|text| pii::redact(text, &pii::detect(text)).0);
}
