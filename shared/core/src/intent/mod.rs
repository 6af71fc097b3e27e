//! Intent: what a conversation is about, by the nearest example sentence, with key words as the fallback.
//!
//! Each category has example sentences (prototypes) and key words. The embedding model places texts of one meaning
//! close to each other, so the category of the nearest prototype is the text's, if it is near enough; else the first
//! category of which a key word occurs; else the default. The vectors come from outside: this is arithmetic.

use std::collections::HashSet;

use regex::Regex;
use serde::{Deserialize, Serialize};

mod neighbours;
#[cfg(test)]
mod tests;

pub use neighbours::{Neighbours, Ragged};

/// The categories that are used unless others are configured, in the form of a configuration file.
pub const DEFAULT_CATEGORIES: &str = include_str!("categories.json");

/// The most prototypes in all: each is compared with every conversation.
const MAX_PROTOTYPES: usize = 10_000;

/// The categories and how sure the nearest prototype must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Categories {
    /// The category of a text that is near no prototype and has no key word.
    pub default: String,
    /// The cosine from which the nearest prototype decides, -1 to 1.
    pub threshold: f32,
    /// The categories; where key words decide, the first one wins.
    pub categories: Vec<Category>,
}

/// One category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its name, as it is stored and filtered by, e.g. `billing_dispute`.
    pub name: String,
    /// Sentences that customers with this intent say.
    #[serde(default)]
    pub prototypes: Vec<String>,
    /// Words or phrases, found as whole words in any case. A trailing `*` takes any ending.
    #[serde(default)]
    pub keywords: Vec<String>,
}

/// What is wrong with configured categories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCategories {
    /// The text is not of the form.
    #[error("the categories cannot be read: {0}")]
    Syntax(String),
    /// A value is not allowed.
    #[error("{what}: {allowed}")]
    Value {
        /// Which value.
        what: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The nearest prototype was near enough.
    Prototype,
    /// A key word occurred.
    Keyword,
    /// Neither did: the default.
    Default,
}

/// A text's category.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// Its name.
    pub category: String,
    /// What decided.
    pub evidence: Evidence,
    /// The cosine to the nearest prototype, where one was compared.
    pub similarity: Option<f32>,
}

/// Decides categories.
#[derive(Debug, Clone)]
pub struct Classifier {
    categories: Categories,
    keywords: Vec<Option<Regex>>,
    prototypes: Option<Neighbours>,
}

impl Default for Categories {
    fn default() -> Self {
        serde_json::from_str(DEFAULT_CATEGORIES)
            .expect("the shipped categories, which a test reads")
    }
}

impl Categories {
    /// Reads categories from JSON and checks them.
    ///
    /// # Errors
    /// [`InvalidCategories`] with the line or the value that is wrong.
    pub fn from_json(text: &str) -> Result<Self, InvalidCategories> {
        let categories: Self = serde_json::from_str(text)
            .map_err(|error| InvalidCategories::Syntax(error.to_string()))?;
        categories.check()?;
        Ok(categories)
    }

    /// Checks what a type cannot say: names, bounds, an existing default.
    ///
    /// # Errors
    /// [`InvalidCategories::Value`], naming the value.
    pub fn check(&self) -> Result<(), InvalidCategories> {
        let refuse = |what: String, allowed| Err(InvalidCategories::Value { what, allowed });
        if !(-1.0..=1.0).contains(&self.threshold) {
            return refuse(
                format!("threshold {}", self.threshold),
                "must be from -1 to 1",
            );
        }
        let mut names = HashSet::new();
        for category in &self.categories {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if category.name.is_empty()
                || category.name.len() > 64
                || !category.name.chars().all(plain)
            {
                return refuse(
                    format!("category {:?}", category.name),
                    "a name has 1 to 64 lower-case letters, digits or underscores",
                );
            }
            if !names.insert(category.name.as_str()) {
                return refuse(format!("category {:?}", category.name), "is named twice");
            }
            let texts = category.prototypes.iter().chain(&category.keywords);
            if let Some(text) = texts
                .into_iter()
                .find(|text| text.trim().is_empty() || text.len() > 1000)
            {
                return refuse(
                    format!(
                        "category {:?}, {:?}",
                        category.name,
                        text.chars().take(40).collect::<String>()
                    ),
                    "a prototype or key word has 1 to 1000 bytes and is not blank",
                );
            }
        }
        if !names.contains(self.default.as_str()) {
            return refuse(
                format!("default {:?}", self.default),
                "must be the name of one of the categories",
            );
        }
        if self.prototypes().count() > MAX_PROTOTYPES {
            return refuse(
                format!("{} prototypes", self.prototypes().count()),
                "at most 10000 are allowed",
            );
        }
        Ok(())
    }

    /// All prototypes in order, as they are embedded for [`Classifier::new`].
    pub fn prototypes(&self) -> impl Iterator<Item = &str> {
        self.categories
            .iter()
            .flat_map(|category| category.prototypes.iter().map(String::as_str))
    }
}

impl Classifier {
    /// A classifier of checked categories and the vectors of [`Categories::prototypes`], in that order; none if key
    /// words alone shall decide.
    ///
    /// # Errors
    /// [`Ragged`] if there is not one vector a prototype or they differ in length.
    pub fn new(categories: Categories, vectors: Option<Vec<Vec<f32>>>) -> Result<Self, Ragged> {
        let keywords = categories
            .categories
            .iter()
            .map(|category| keyword_pattern(&category.keywords))
            .collect();
        let labels: Vec<usize> = categories
            .categories
            .iter()
            .enumerate()
            .flat_map(|(index, category)| std::iter::repeat_n(index, category.prototypes.len()))
            .collect();
        let prototypes = vectors
            .map(|vectors| Neighbours::new(vectors, labels))
            .transpose()?;
        Ok(Self {
            categories,
            keywords,
            prototypes,
        })
    }

    /// The category of a text, given the vectors of its chunks: the best evidence of any chunk counts.
    ///
    /// Vectors of another length than the prototypes' are not compared.
    #[must_use]
    pub fn classify(&self, text: &str, vectors: &[&[f32]]) -> Intent {
        let nearest = self.prototypes.as_ref().and_then(|prototypes| {
            vectors
                .iter()
                .filter_map(|vector| prototypes.nearest(vector))
                .max_by(|a, b| a.1.total_cmp(&b.1))
        });
        let similarity = nearest.map(|(_, similarity)| similarity);
        let name = |index: usize| self.categories.categories[index].name.clone();
        if let Some((index, similarity)) = nearest
            && similarity >= self.categories.threshold
        {
            return Intent {
                category: name(index),
                evidence: Evidence::Prototype,
                similarity: Some(similarity),
            };
        }
        let found = |pattern: &Option<Regex>| {
            pattern
                .as_ref()
                .is_some_and(|pattern| pattern.is_match(text))
        };
        match self.keywords.iter().position(found) {
            Some(index) => Intent {
                category: name(index),
                evidence: Evidence::Keyword,
                similarity,
            },
            None => Intent {
                category: self.categories.default.clone(),
                evidence: Evidence::Default,
                similarity,
            },
        }
    }
}

/// One pattern for all key words of a category, as whole words in any case; `None` without key words.
fn keyword_pattern(keywords: &[String]) -> Option<Regex> {
    let words: Vec<String> = keywords
        .iter()
        .map(|word| match word.trim().strip_suffix('*') {
            Some(stem) => format!(r"{}\w*", regex::escape(stem)),
            None => regex::escape(word.trim()),
        })
        .collect();
    if words.is_empty() {
        return None;
    }
    // Not `\b`, which is never beside a key word that begins or ends with a sign, as "c++".
    Regex::new(&format!(r"(?i)(?:^|\W)(?:{})(?:\W|$)", words.join("|"))).ok()
}
