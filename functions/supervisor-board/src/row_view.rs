//! A conversation as the page reads it: readable names, and what is computed from the row.

use backends::board::BoardEntry;
use insights_core::board::{
    AlertHandling, AlertMark, ConversationKind, RowAlert, RowReading, Standing, standing,
    word_of_score,
};
use insights_core::scale::round_share;
use serde::Serialize;
use serde_json::{Value, json};

/// A conversation as the page reads it.
#[derive(Debug, Serialize)]
pub(crate) struct RowView<'a> {
    id: &'a str,
    kind: &'static str,
    severity: &'static str,
    handling: AlertHandling,
    alert: Option<Value>,
    started: i64,
    read: i64,
    heard: Option<i64>,
    #[serde(rename = "unheard")]
    is_unheard: bool,
    customer: Option<Value>,
    agent: Option<Value>,
    /// Scores of the sparkline: seconds before the newest one, and the score.
    points: Vec<(f64, f64)>,
    line: &'a str,
    agent_id: Option<&'a str>,
    agent_name: Option<&'a str>,
    skill: Option<&'a str>,
    team: Option<&'a str>,
    language: Option<&'a str>,
    fired: &'a [String],
    coverage: Option<f64>,
    gaps: u32,
    talk_share: Option<f64>,
}

/// Returns a conversation as the page reads it at `now_ms`, and where it stands.
pub(crate) fn view(entry: &BoardEntry, now_ms: i64) -> (RowView<'_>, Standing) {
    let BoardEntry { id, row, marks } = entry;
    let stands = standing(row, marks, now_ms);
    let spoken = row.spoken.0;
    let mark = match stands.handling {
        AlertHandling::Acknowledged => marks.acknowledged.as_ref(),
        AlertHandling::Snoozed => marks.snoozed.as_ref(),
        AlertHandling::Wrong => marks.wrong.as_ref().filter(|mark| {
            let current = row.current_alert(marks);
            current.is_some_and(|alert| alert.rule == mark.alert.rule)
        }),
        AlertHandling::None | AlertHandling::Open => None,
    };
    let view = RowView {
        id,
        kind: kind_name(row.kind),
        severity: stands.severity.name(),
        handling: stands.handling,
        alert: row
            .current_alert(marks)
            .map(|alert| alert_json(alert, mark)),
        started: row.started_ms,
        read: row.read_ms,
        heard: row.heard_ms,
        is_unheard: stands.is_unheard,
        customer: row.customer.map(reading_json),
        agent: row.agent.map(reading_json),
        points: row
            .points
            .iter()
            .map(|(tenths, score)| (f64::from(*tenths) / 10.0, f64::from(*score) / 1000.0))
            .collect(),
        line: &row.last_line,
        agent_id: row.agent_id.as_deref(),
        agent_name: row.agent_name.as_deref(),
        skill: row.skill.as_deref(),
        team: row.team.as_deref(),
        language: row.language.as_deref(),
        fired: &row.fired,
        coverage: spoken.coverage().map(round_share),
        gaps: spoken.gaps,
        talk_share: spoken.agent_share().map(round_share),
    };
    (view, stands)
}

/// Returns the name of a kind of conversation.
pub(crate) const fn kind_name(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Call => "call",
        ConversationKind::Chat => "chat",
    }
}

fn reading_json(reading: RowReading) -> Value {
    let average = reading.average();
    json!({ "average": average, "word": word_of_score(average), "trend": reading.trend() })
}

fn alert_json(alert: &RowAlert, mark: Option<&AlertMark>) -> Value {
    json!({
        "rule": alert.rule,
        "version": alert.version,
        "at": alert.at_ms,
        "average": f64::from(alert.average) / 1000.0,
        "severity": alert.severity,
        "by": mark.map(|mark| &mark.by),
        "until": mark.and_then(|mark| mark.until_ms),
        "reason": mark.and_then(|mark| mark.reason.as_ref()),
    })
}
