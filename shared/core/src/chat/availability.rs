//! An agent's availability for routing, from live load.

/// The share of an agent's chats that is free: `1 - active / maximum`, in `[0, 1]`.
///
/// Nobody may chat (`maximum` 0) or more chats than allowed: 0.
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
