//! The template `infra/sam/template.yaml`, as far as it sets variables.

use std::collections::BTreeMap;

use runtime::settings::{Declaration, Unset};
use serde_json::{Map, Value};
use testkit::FUNCTIONS;
use testkit::events::workspace_root;

/// What `!If` names where a property is left out.
const NO_VALUE: &str = "AWS::NoValue";

/// The template as plain values: `!Ref X` is `"X"`, `!Sub` its text.
pub(crate) struct Template(Value);

impl Template {
    pub(crate) fn read() -> Self {
        let path = workspace_root().join("infra/sam/template.yaml");
        let text = std::fs::read_to_string(path).expect("the template");
        Self(serde_saphyr::from_str(&text).expect("YAML"))
    }

    /// Returns the variables of a function, each with the values that the template may give it: one, or those of both branches of `!If`,
    /// or all that a mapping has, the one of the parameter's default first.
    pub(crate) fn variables(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let function = FUNCTIONS.iter().find(|function| function.name == name);
        let id = function.expect("a function of the list").logical_id();
        let variables = &self.0["Resources"][&id]["Properties"]["Environment"]["Variables"];
        let variables = variables.as_object().expect("variables");
        variables
            .iter()
            .map(|(name, value)| (name.clone(), self.alternatives(value)))
            .collect()
    }

    fn alternatives(&self, value: &Value) -> Vec<String> {
        let Some(parts) = value.as_array() else {
            return vec![value.as_str().expect("a text").to_owned()];
        };
        let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
        let [first, second, third] = parts[..] else {
            panic!("neither !If nor !FindInMap: {value}");
        };
        let mapping = &self.0["Mappings"][first];
        if mapping.is_null() {
            assert!(
                !self.0["Conditions"][first].is_null(),
                "no condition {first}"
            );
            return [third, second]
                .into_iter()
                .filter(|branch| *branch != NO_VALUE)
                .map(str::to_owned)
                .collect();
        }
        let default = self.0["Parameters"][second]["Default"].to_string();
        let allowed = self.0["Parameters"][second]["AllowedValues"].as_array();
        let allowed = allowed.expect("values").iter().map(Value::to_string);
        [default]
            .into_iter()
            .chain(allowed)
            .map(|key| {
                let value = mapping[&key][third].as_str();
                value
                    .unwrap_or_else(|| panic!("{first} has no {key}"))
                    .to_owned()
            })
            .collect()
    }

    fn parameter(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0["Parameters"][name].as_object()
    }

    /// Compares a variable's value with its declaration.
    ///
    /// # Errors
    /// Says what differs.
    pub(crate) fn compare(
        &self,
        declaration: &Declaration,
        values: &[String],
    ) -> Result<(), String> {
        let [value, others @ ..] = values else {
            return Err("has no value".to_owned());
        };
        for other in others {
            if !is_allowed(declaration, other) {
                return Err(format!(
                    "may be {other:?}, but {} in the code",
                    declaration.allowed
                ));
            }
        }
        if others.is_empty() && matches!(declaration.unset, Unset::Otherwise(_)) {
            // Given only where a condition holds, or the name of a resource or parameter.
            if value.starts_with('/') {
                return Ok(());
            }
        }
        let Some(parameter) = self.parameter(value) else {
            return self.compare_fixed(declaration, value);
        };
        compare_range(declaration, parameter)?;
        let default = parameter.get("Default").map(text).unwrap_or_default();
        match &declaration.unset {
            // The parameter has none either, or is empty, which counts as unset.
            _ if default.is_empty() => Ok(()),
            Unset::Default(own) if is_same(own, &default) => Ok(()),
            unset => Err(format!(
                "is {default:?} by the parameter {value}, but {unset:?} in the code"
            )),
        }
    }

    /// Compares a value without a parameter of its own: a resource's name, or a text.
    fn compare_fixed(&self, declaration: &Declaration, value: &str) -> Result<(), String> {
        let resource = value.split('.').next().unwrap_or_default();
        let is_resource = !self.0["Resources"][resource].is_null();
        let resolved = self.substitute(value);
        match &declaration.unset {
            // What the stack is called is known to AWS alone.
            _ if value.starts_with("AWS::") => Ok(()),
            // The alias under which every function is invoked.
            _ if self.0["Globals"]["Function"]["AutoPublishAlias"] == value => Ok(()),
            Unset::Required if is_resource || self.names_resource(value) => Ok(()),
            Unset::Otherwise(_) if is_resource => Ok(()),
            Unset::Default(own) if is_same(own, &resolved) => Ok(()),
            unset => Err(format!("is {resolved:?}, but {unset:?} in the code")),
        }
    }

    /// Returns whether a text is made of the name of a resource, as the address of an API is.
    fn names_resource(&self, value: &str) -> bool {
        let names = value.split("${").skip(1);
        names
            .filter_map(|rest| rest.split('}').next())
            .any(|name| !self.0["Resources"][name].is_null())
    }

    /// Puts the defaults of parameters in the place of `${Parameter}`.
    fn substitute(&self, value: &str) -> String {
        let mut text = value.to_owned();
        for (name, parameter) in self.0["Parameters"].as_object().into_iter().flatten() {
            let default = parameter.get("Default").map(self::text).unwrap_or_default();
            text = text.replace(&format!("${{{name}}}"), &default);
        }
        text
    }
}

/// Returns whether a value is within the range, or one of the choices, of a declaration.
fn is_allowed(declaration: &Declaration, value: &str) -> bool {
    let allowed = &declaration.allowed;
    if let Some(choices) = allowed.strip_prefix("one of ") {
        return choices.split(", ").any(|choice| choice == value);
    }
    let range = allowed.rsplit_once("from ").map(|(_, range)| range);
    let bounds = range.and_then(|range| range.split_once(" to "));
    let Some((least, most)) = bounds else {
        return true;
    };
    match (
        value.parse::<f64>(),
        least.parse::<f64>(),
        most.parse::<f64>(),
    ) {
        (Ok(value), Ok(least), Ok(most)) => (least..=most).contains(&value),
        _ => false,
    }
}

/// The parameter may allow no value that the code refuses.
fn compare_range(declaration: &Declaration, parameter: &Map<String, Value>) -> Result<(), String> {
    let bound = |name: &str| parameter.get(name).map(text);
    if let (Some(least), Some(most)) = (bound("MinValue"), bound("MaxValue")) {
        let range = format!("from {least} to {most}");
        if !declaration.allowed.ends_with(&range) {
            return Err(format!(
                "may be {range} by its parameter, but {} in the code",
                declaration.allowed
            ));
        }
    }
    for value in parameter
        .get("AllowedValues")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let value = text(value);
        if !is_allowed(declaration, &value) {
            return Err(format!(
                "may be {value:?} by its parameter, but {} in the code",
                declaration.allowed
            ));
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_same(own: &str, given: &str) -> bool {
    match (own.parse::<f64>(), given.parse::<f64>()) {
        (Ok(own), Ok(given)) => own == given,
        _ => own == given,
    }
}
