//! The contact center's rules for Data Actions, each broken once.

use super::*;

/// The sentiment action with its input schema replaced.
fn with_input(schema: Value) -> DataActionDefinition {
    DataActionDefinition {
        input_schema: schema,
        ..sentiment_action()
    }
}

#[test]
fn the_sentiment_action_is_valid_and_as_documented() {
    let action = sentiment_action();
    validate(&action).unwrap();
    let wire = serde_json::to_value(&action).unwrap();
    assert_eq!(wire["name"], "sentiment-analysis-action");
    assert_eq!(wire["executionTimeoutMs"], 5000);
    assert_eq!(wire["inputSchema"]["required"], json!(["interaction_text"]));
    let outputs = wire["outputSchema"]["properties"].as_object().unwrap();
    let types: Vec<_> = outputs
        .iter()
        .map(|(name, schema)| (name.as_str(), schema["type"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("sentiment_score", "number"),
        ("emotion_tags", "array"),
        ("alert_triggered", "boolean"),
        ("processing_latency_ms", "number"),
    ];
    assert_eq!(types, wanted);
}

#[test]
fn every_broken_rule_names_the_place_and_what_is_allowed() {
    let property =
        |schema: Value| with_input(json!({"type": "object", "properties": {"a/b": schema}}));
    let at = "/inputSchema/properties/a~1b";
    let cases = [
        (
            DataActionDefinition {
                name: " ".into(),
                ..sentiment_action()
            },
            "/name".to_owned(),
            "not be empty",
        ),
        (
            DataActionDefinition {
                execution_timeout_ms: 0,
                ..sentiment_action()
            },
            "/executionTimeoutMs".into(),
            "1 to 90000",
        ),
        (
            with_input(json!({"type": "objekt", "properties": {}})),
            "/inputSchema/type".into(),
            "draft-07",
        ),
        (
            with_input(json!("object")),
            "/inputSchema".into(),
            "draft-07",
        ),
        (
            with_input(json!(true)),
            "/inputSchema".into(),
            "one schema object",
        ),
        (
            with_input(json!({"type": "array"})),
            "/inputSchema/type".into(),
            "`object`",
        ),
        (
            with_input(json!({"type": "object"})),
            "/inputSchema/properties".into(),
            "at least one",
        ),
        (
            property(json!({"type": "string", "minLength": -1})),
            format!("{at}/minLength"),
            "draft-07",
        ),
        (
            property(json!({"type": "integer"})),
            format!("{at}/type"),
            "`number`, `string`, `boolean` or `array`",
        ),
        (
            property(json!({"type": "object"})),
            format!("{at}/type"),
            "`number`",
        ),
        (
            property(json!({"type": ["string", "null"]})),
            format!("{at}/type"),
            "`string`",
        ),
        (
            property(json!({"anyOf": [{"type": "string"}]})),
            format!("{at}/anyOf"),
            "remove it",
        ),
        (
            property(json!({"$ref": "#/x"})),
            format!("{at}/$ref"),
            "remove it",
        ),
        (
            property(json!({"type": "array"})),
            format!("{at}/items"),
            "type of its items",
        ),
        (
            property(json!({"type": "array", "items": {"type": "array"}})),
            format!("{at}/items/type"),
            "`number`",
        ),
        (
            property(json!({"type": "array", "items": [{"type": "string"}]})),
            format!("{at}/items"),
            "one schema",
        ),
        (
            with_input(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]}),
            ),
            "/inputSchema/required/1".into(),
            "names no property",
        ),
        (
            with_input(
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "allOf": [true]}),
            ),
            "/inputSchema/allOf".into(),
            "remove it",
        ),
    ];
    for (definition, place, allowed) in cases {
        let error = validate(&definition).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{place} is not usable")),
            "{place}: {error}"
        );
        assert!(error.contains(allowed), "{place}: {error}");
    }
}
