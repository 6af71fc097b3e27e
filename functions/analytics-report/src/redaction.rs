//! Masking of personal data in what a report keeps.

use insights_core::analytics::{Line, join_lines, mask_spoken_lines};
use insights_core::pii::RedactionPolicy;
use runtime::redaction::mask_or_refuse;

/// Returns the text of a transcript with its personal data masked, line by line in the order of time. The text is empty if it could
/// not be masked, so that nothing of it is kept.
pub(crate) fn masked_text(lines: &[Line], policy: &RedactionPolicy) -> String {
    let masked = mask_or_refuse(|| {
        let (lines, masks) = mask_spoken_lines(lines.to_vec(), policy);
        (join_lines(&lines), masks)
    });
    masked.unwrap_or_default()
}
