//! Which outcome a disposition stands for. Contact centers have codes of their own, so the table is a setting.

use std::collections::BTreeMap;

use super::Outcome;

/// The outcomes that the dispositions of a contact center stand for.
///
/// ```
/// use insights_core::outcomes::{Outcome, OutcomeMap};
///
/// let map = OutcomeMap::parse("sale closed=Success, ESC-2=Escalation").unwrap();
/// assert_eq!(map.find("Sale Closed"), Some(Outcome::Success));
/// assert_eq!(map.find("ESC-3"), None);
/// assert_eq!(map.outcome("ESC-3"), Outcome::Other);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeMap(BTreeMap<String, Outcome>);

impl OutcomeMap {
    /// The table that is used unless another one is given.
    pub const DEFAULT: &str = "resolved=Success,escalated=Escalation,callback=Callback,abandoned=Abandoned,unknown=Unknown";

    /// The form of a table, as error messages and documents say it.
    pub const FORM: &str = "pairs such as resolved=Success separated by commas, or a JSON object; an outcome is one of Success, \
                            Escalation, Callback, Abandoned, Unknown, Other";

    /// Parses a table: pairs of a disposition and an outcome, `code=Outcome`, separated by commas. A JSON object with one
    /// member per pair is read too, for dispositions that contain a comma.
    ///
    /// # Errors
    /// [`OutcomeMap::FORM`] if the text has another form, names an outcome that does not exist, or names a disposition twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refused = || Self::FORM.to_owned();
        let pairs: Vec<(String, String)> = if text.trim_start().starts_with('{') {
            let object: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|_| refused())?;
            object.into_iter().collect()
        } else {
            text.split(',')
                .map(str::trim)
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.rsplit_once('=').ok_or_else(refused))
                .map(|pair| pair.map(|(code, outcome)| (code.to_owned(), outcome.to_owned())))
                .collect::<Result<_, _>>()?
        };
        let mut map = BTreeMap::new();
        for (code, outcome) in pairs {
            let outcome = Outcome::from_name(&outcome).ok_or_else(refused)?;
            let code = normal_form(&code);
            if code.is_empty() || map.insert(code, outcome).is_some() {
                return Err(refused());
            }
        }
        if map.is_empty() {
            return Err(refused());
        }
        Ok(Self(map))
    }

    /// Returns the outcome that the table has for a disposition, in upper or lower case; `None` if the table does not decide.
    #[must_use]
    pub fn find(&self, disposition: &str) -> Option<Outcome> {
        let code = normal_form(disposition);
        // The list of conversations says `unknown` where nobody noted a disposition, whatever codes the table has.
        let undecided = (code == "unknown").then_some(Outcome::Unknown);
        self.0.get(&code).copied().or(undecided)
    }

    /// Returns the outcome of a disposition; [`Outcome::Other`] if the table does not decide.
    #[must_use]
    pub fn outcome(&self, disposition: &str) -> Outcome {
        self.find(disposition).unwrap_or(Outcome::Other)
    }
}

impl Default for OutcomeMap {
    /// Returns the table of [`OutcomeMap::DEFAULT`].
    fn default() -> Self {
        Self(
            [
                ("resolved", Outcome::Success),
                ("escalated", Outcome::Escalation),
                ("callback", Outcome::Callback),
                ("abandoned", Outcome::Abandoned),
                ("unknown", Outcome::Unknown),
            ]
            .map(|(code, outcome)| (code.to_owned(), outcome))
            .into(),
        )
    }
}

/// Returns a disposition without its case and the white space around it.
fn normal_form(disposition: &str) -> String {
    disposition.trim().to_lowercase()
}
