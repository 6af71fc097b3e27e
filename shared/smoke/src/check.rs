//! The checks by name.

use serde::Serialize;

/// One check of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The Data Action answers that it is healthy.
    Health,
    /// A positive and a negative text are scored, and a wrong key is refused.
    Score,
    /// A conversation that comes by webhook is found by a search.
    Search,
    /// A live call is registered, shown and stopped.
    Call,
}

/// Every check, in the order in which they run.
pub const ALL_CHECKS: [Check; 4] = [Check::Health, Check::Score, Check::Search, Check::Call];

impl Check {
    /// Returns the name by which a check is chosen and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Score => "score",
            Self::Search => "search",
            Self::Call => "call",
        }
    }
}

/// Parses the names of checks, separated by commas, and returns each check once, in the order in which they run.
///
/// # Errors
/// What is allowed, if a name is unknown or there is none.
pub fn parse_checks(names: &str) -> Result<Vec<Check>, String> {
    let named = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let find = |name: &str| {
        let known = ALL_CHECKS.into_iter();
        known.into_iter().find(|check| check.name() == name)
    };
    let found: Option<Vec<Check>> = named.map(find).collect();
    let mut checks = found.filter(|found| !found.is_empty()).ok_or_else(|| {
        let known: Vec<_> = ALL_CHECKS.iter().map(|check| check.name()).collect();
        format!("names of checks separated by commas: {}", known.join(", "))
    })?;
    checks.sort_unstable();
    checks.dedup();
    Ok(checks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_named_in_any_order_and_run_once_in_theirs() {
        assert_eq!(
            parse_checks(" call,score ,call,"),
            Ok(vec![Check::Score, Check::Call])
        );
        assert_eq!(
            parse_checks("health,score,search,call"),
            Ok(ALL_CHECKS.to_vec())
        );
        for wrong in ["", " , ", "health,scores", "HEALTH"] {
            let allowed = parse_checks(wrong).unwrap_err();
            assert!(allowed.ends_with("health, score, search, call"), "{wrong}");
        }
    }
}
