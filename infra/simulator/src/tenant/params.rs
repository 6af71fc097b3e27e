//! The query of a request, whose names may come several times.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::refusal::Refusal;

/// The parameters of a query in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Parses the query of a URL.
    pub(super) fn of(query: Option<&str>) -> Self {
        let query = query.unwrap_or_default().as_bytes();
        Self(url::form_urlencoded::parse(query).into_owned().collect())
    }

    /// Returns the first value of a parameter that is not empty, whatever the case of its name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut named = self
            .0
            .iter()
            .filter(|(it, _)| it.eq_ignore_ascii_case(name));
        named.find_map(|(_, value)| (!value.is_empty()).then_some(value.as_str()))
    }

    /// Returns every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self
            .0
            .iter()
            .filter(move |(it, _)| it.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// Returns every parameter as an object of texts.
    pub(super) fn to_json(&self) -> serde_json::Value {
        self.0
            .iter()
            .cloned()
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_iter()
            .map(|(name, value)| (name, serde_json::Value::from(value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Returns the number of a parameter.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Refusal::invalid(format!("{name} must be a number")))
        };
        self.get(name).map(parse).transpose()
    }

    /// Returns the truth value of a parameter.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::invalid(format!("{name} must be true or false"))),
        }
    }

    /// Returns the time of a parameter, which must end in `Z`.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let parse = |text: &str| {
            let time = text.ends_with('Z').then(|| text.parse().ok()).flatten();
            time.ok_or_else(|| Refusal::invalid(format!("{name} must be a time that ends in Z")))
        };
        self.get(name).map(parse).transpose()
    }

    /// Returns the query with one parameter replaced, without those of other names in `without`.
    pub(super) fn with(&self, name: &str, value: &str, without: &[&str]) -> String {
        let mut written = url::form_urlencoded::Serializer::new(String::new());
        for (it, kept) in &self.0 {
            if it != name && !without.contains(&it.as_str()) {
                written.append_pair(it, kept);
            }
        }
        written.append_pair(name, value).finish()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query()))
    }
}
