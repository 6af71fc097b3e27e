//! The availability of an agent for routing, computed from the number of active chats.

/// Returns the availability of an agent in `[0, 1]`: `1 - active / maximum`.
///
/// The availability is 0 if the agent may have no chats at all (`maximum` is 0) or has more chats than allowed.
#[must_use]
pub fn availability(active: usize, maximum: usize) -> f64 {
    let free = maximum.saturating_sub(active);
    if maximum == 0 {
        0.0
    } else {
        free as f64 / maximum as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn availability_falls_from_one_to_zero_as_chats_come() {
        let load: Vec<f64> = (0..=5).map(|active| availability(active, 4)).collect();
        assert_eq!(load, [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]);
    }

    #[test]
    fn an_agent_without_chats_allowed_is_never_available() {
        assert_eq!(availability(0, 0), 0.0);
        assert_eq!(availability(3, 0), 0.0);
    }
}
