//! Late findings: personal data that only a later turn showed to be some.

use std::ops::Range;

use super::finding::{Finding, PiiKind};

/// A finding in an earlier turn, which only a later turn showed to be personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateFinding {
    /// The caller's name of the turn.
    pub turn_id: u64,
    /// The kind of the data.
    pub kind: PiiKind,
    /// The place of the data in the text of that turn, in bytes.
    pub range: Range<usize>,
}

/// Adds a late finding to the findings of its turn: in their order, and in place of those that it overlaps.
pub fn add_late(findings: &mut Vec<Finding>, late: &LateFinding) {
    let mut range = late.range.clone();
    findings.retain(|finding| {
        let overlaps = finding.range.start < range.end && range.start < finding.range.end;
        if overlaps {
            range = range.start.min(finding.range.start)..range.end.max(finding.range.end);
        }
        !overlaps
    });
    let place = findings.partition_point(|finding| finding.range.start < range.start);
    findings.insert(
        place,
        Finding {
            kind: late.kind,
            range,
        },
    );
}
