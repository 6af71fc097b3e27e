//! Masking of personal data in what a report keeps.

use insights_core::analytics::{Line, mask_spoken_lines};
use insights_core::pii::RedactionPolicy;
use runtime::redaction::mask_or_refuse;

/// Returns the lines of a transcript with their personal data masked, in the order of time. There are none if they could not be
/// masked, so that nothing of them is kept.
pub(crate) fn mask_lines(lines: &[Line], policy: &RedactionPolicy) -> Vec<Line> {
    let masked = mask_or_refuse(|| mask_spoken_lines(lines.to_vec(), policy));
    masked.unwrap_or_default()
}
