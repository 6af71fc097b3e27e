//! Rules of faults: matching, counting, and what a bad rule says.

use serde_json::json;

use super::*;

#[test]
fn patterns_match_whole_segments() {
    let matches = |pattern: &str, path: &str| Pattern(pattern.to_owned()).matches(path);
    assert!(matches("/oauth/token", "/oauth/token"));
    assert!(matches("/api/*/data-actions", "/api/v2/data-actions"));
    assert!(matches("/api/**", "/api/v2/data-actions"));
    assert!(matches("/**", "/anything/at/all"));
    assert!(!matches("/oauth/token", "/oauth/token/"));
    assert!(!matches("/api/*", "/api/v2/data-actions"));
    assert!(!matches("/api/*/x", "/api//x"));
    assert!(!matches("/oauth", "/oauth2"));
}

#[test]
fn a_rule_hits_after_so_many_and_so_many_times() {
    let faults = Faults::new(
        1,
        vec![
            FaultRule::new("/a", Fault::Drop)
                .method("GET")
                .after(1)
                .times(2),
        ],
    );
    let hits: Vec<usize> = (0..5).map(|_| faults.hit("GET", "/a").len()).collect();
    assert_eq!(hits, [0, 1, 1, 0, 0]);
    assert!(faults.hit("POST", "/a").is_empty());
    assert!(faults.rules().is_empty());
}

#[test]
fn delays_add_to_the_first_other_fault() {
    let late = Fault::Delay(Duration::from_millis(5));
    let rules =
        [late.clone(), Fault::Drop, Fault::Truncate].map(|fault| FaultRule::new("/a", fault));
    let faults = Faults::new(1, rules.to_vec());
    assert_eq!(faults.hit("GET", "/a"), [late, Fault::Drop]);
}

#[test]
fn the_same_seed_hits_the_same_requests() {
    let run = |seed| {
        let faults = Faults::new(
            seed,
            vec![FaultRule::new("/a", Fault::Drop).probability(0.5)],
        );
        (0..64)
            .map(|_| faults.hit("GET", "/a").len())
            .collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    let hits: usize = run(7).iter().sum();
    assert!((16..48).contains(&hits), "{hits}");
}

#[test]
fn rules_survive_being_written_and_read() {
    let faults = [
        Fault::Status(429, RetryAfter::Seconds(3)),
        Fault::Status(429, RetryAfter::DateIn(-3)),
        Fault::Status(503, RetryAfter::Absent),
        Fault::Delay(Duration::from_millis(20)),
        Fault::Answer(200, json!({"score": "high"})),
        Fault::LoseAnswer,
        Fault::RevokeTokens,
    ];
    for fault in faults {
        let rule = FaultRule::new("/a/*", fault)
            .method("PATCH")
            .times(2)
            .after(1);
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(
            serde_json::from_str::<FaultRule>(&text).unwrap(),
            rule,
            "{text}"
        );
    }
}

#[test]
fn a_bad_rule_says_what_is_wrong() {
    let cases = [
        (json!({"path": "/a", "kind": "status"}), "needs status"),
        (
            json!({"path": "/a", "kind": "status", "status": 42}),
            "200 to 599",
        ),
        (json!({"path": "a", "kind": "drop"}), "begin with /"),
        (
            json!({"path": "/a", "kind": "drop", "delay_ms": 3}),
            "delay_ms does not belong",
        ),
        (
            json!({"path": "/a", "kind": "delay", "delay_ms": 3, "probability": 2.0}),
            "0 to 1",
        ),
        (
            json!({"path": "/a", "kind": "explode"}),
            "unknown variant `explode`, expected one of",
        ),
        (
            json!({"path": "/a", "kind": "drop", "tims": 3}),
            "unknown field `tims`, expected one of",
        ),
        (
            json!({"path": "/a", "kind": "status", "status": 429, "retry_after": 1, "retry_after_date_in": 1}),
            "not both",
        ),
    ];
    for (rule, wanted) in cases {
        let error = serde_json::from_value::<FaultRule>(rule)
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
