//! The checks of the contact API.

use insights_core::lenient_json;
use insights_http::Error as HttpError;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::calls::Call;
use super::super::client::TenantClient;
use super::super::contacts::{date_text, read_dispositions};
use super::super::lists::read_list;
use super::{Finding, deadline, evidence};
use crate::error::Error;

/// Makes the checks of the contact API.
pub(super) async fn examine(client: &TenantClient, report: &mut impl FnMut(Finding)) {
    report(versions(client).await);
    report(
        list(
            client,
            "contacts going on",
            Call::ActiveContacts,
            "activeContacts",
            &[],
        )
        .await,
    );
    let now = Timestamp::now();
    let day_before = now
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap_or(now);
    let (from, to) = (date_text(day_before), date_text(now));
    let period = [("startDate", from.as_str()), ("endDate", &to), ("top", "1")];
    report(
        list(
            client,
            "contacts that ended",
            Call::CompletedContacts,
            "completedContacts",
            &period,
        )
        .await,
    );
    report(match read_dispositions(client, deadline()).await {
        Ok(names) => Finding::ok("dispositions", format!("{} are defined", names.len()))
            .advising("map them to outcomes in REPORT_OUTCOME_MAP"),
        Err(error) => Finding::failed("dispositions", &error),
    });
    report(
        list(
            client,
            "states of agents",
            Call::AgentStates,
            "agentStates",
            &[("top", "1")],
        )
        .await,
    );
    report(
        list(
            client,
            "activity of skills",
            Call::SkillActivity,
            "skillActivity",
            &[],
        )
        .await,
    );
    report(shape_of_errors(client).await);
}

/// Checks that the version of the contact API is one of those that the tenant has.
async fn versions(client: &TenantClient) -> Finding {
    const CHECK: &str = "contact API";
    let wanted = client.options().contact_api_version;
    match client.read(Call::ApiVersions, &[], &[], deadline()).await {
        Ok(answer) => {
            let known = versions_in(&evidence::body_of(&answer));
            if known.is_empty() || known.contains(&wanted) {
                return Finding::ok(CHECK, format!("version {wanted}, of {}", join(&known)));
            }
            Finding::unknown(
                CHECK,
                format!("the tenant has the versions {}", join(&known)),
            )
            .advising("set CXONE_ACD_VERSION to one of them")
        }
        Err(error) if error.is_not_found() => {
            Finding::unknown(CHECK, format!("404 for version {wanted}"))
                .advising("set CXONE_ACD_VERSION to a version of the tenant, such as 31, 30 or 27")
        }
        Err(error) => Finding::failed(CHECK, &error),
    }
}

/// Returns the numbers of versions anywhere in an answer, whose shape nobody has described.
fn versions_in(value: &Value) -> Vec<u32> {
    fn collect(value: &Value, found: &mut Vec<u32>, depth: usize) {
        let number = match value {
            Value::String(text) => text.trim_start_matches(['v', 'V']).parse::<f64>().ok(),
            Value::Number(number) => number.as_f64(),
            _ => None,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range is checked"
        )]
        if let Some(number) = number.filter(|number| (13.0..=99.0).contains(number)) {
            found.push(number as u32);
        }
        match value {
            Value::Array(list) if depth < 6 => {
                list.iter().for_each(|it| collect(it, found, depth + 1));
            }
            Value::Object(members) if depth < 6 => {
                members
                    .values()
                    .for_each(|it| collect(it, found, depth + 1));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(value, &mut found, 0);
    found.sort_unstable();
    found.dedup();
    found
}

fn join(versions: &[u32]) -> String {
    if versions.is_empty() {
        return "an unknown number".to_owned();
    }
    let versions: Vec<_> = versions.iter().map(u32::to_string).collect();
    versions.join(", ")
}

/// Checks that a list can be read, and returns the names of its rows' members.
async fn list(
    client: &TenantClient,
    check: &'static str,
    call: Call,
    name: &str,
    query: &[(&str, &str)],
) -> Finding {
    let answer = match client.read(call, &[], query, deadline()).await {
        Ok(answer) => answer,
        Err(error) => return Finding::failed(check, &error),
    };
    match read_list(&answer, &[name]) {
        Ok(list) => match list.entries.first() {
            Some(row) => Finding::ok(check, format!("members: {}", evidence::member_names(row))),
            None => Finding::ok(check, "no rows at the moment"),
        },
        Err(error) => Finding::failed(check, &error),
    }
}

/// Finds out how the contact API explains an error, by asking for a contact that cannot be.
async fn shape_of_errors(client: &TenantClient) -> Finding {
    const CHECK: &str = "shape of errors";
    match client.read(Call::Contact, &["0"], &[], deadline()).await {
        Ok(answer) => {
            let body: Value = lenient_json::from_slice(&answer.body).unwrap_or_default();
            let names = evidence::member_names(&body);
            Finding::ok(
                CHECK,
                format!("contact 0: {}, {names}", answer.status.as_u16()),
            )
        }
        Err(Error::Refused {
            status,
            explanation,
            ..
        }) => Finding::ok(
            CHECK,
            format!("contact 0: {status}, explained: {explanation}"),
        ),
        Err(Error::Http(HttpError::NotFound { .. })) => Finding::ok(CHECK, "contact 0: 404"),
        Err(Error::Http(HttpError::Rejected { status, .. })) => Finding::ok(
            CHECK,
            format!("contact 0: {status}, without an explanation"),
        ),
        Err(error) => Finding::failed(CHECK, &error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_found_in_any_shape() {
        for value in [
            json!(["v30.0", "v31.0"]),
            json!({"apiVersions": [{"version": "31.0"}, {"version": 30}]}),
            json!({"version": "30.0", "current": "31.0", "build": "2026.4", "n": 4600001}),
        ] {
            assert_eq!(versions_in(&value), [30, 31], "{value}");
        }
        assert!(versions_in(&json!({"odd": true})).is_empty());
    }
}
