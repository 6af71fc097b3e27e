//! Intent: what a conversation is about, by the nearest example sentence, with keywords as the fallback.
//!
//! Each category has example sentences (prototypes) and keywords. The embedding model places texts of the same meaning
//! close to each other. A text therefore gets
//!
//! 1. the category of the nearest prototype, if the cosine similarity reaches the threshold;
//! 2. else the first category of which a keyword occurs in the text;
//! 3. else the default category.
//!
//! The caller computes the vectors; this module does arithmetic only.
//!
//! ```
//! use insights_core::intent::{Evidence, IntentCategories, IntentClassifier};
//!
//! let classifier = IntentClassifier::new(IntentCategories::default(), None).unwrap();
//! let intent = classifier.classify("I need a full refund", &[]);
//! assert_eq!(intent.category, "billing_dispute");
//! assert_eq!(intent.evidence, Evidence::Keyword);
//! ```

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

mod neighbors;
#[cfg(test)]
mod tests;

pub use neighbors::{MismatchedVectors, NearestNeighbors};

/// The categories that apply unless others are configured, in the form of a configuration file.
pub const DEFAULT_CATEGORIES: &str = include_str!("categories.json");

/// Largest number of prototypes in all categories together; every conversation is compared with each of them.
const MAX_PROTOTYPES: usize = 10_000;

/// The categories, and how similar the nearest prototype must be to decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentCategories {
    /// The category of a text that is near no prototype and contains no keyword.
    pub default: String,
    /// The cosine similarity from which on the nearest prototype decides, -1 to 1.
    pub threshold: f32,
    /// The categories; where keywords decide, the first matching category wins.
    pub categories: Vec<IntentCategory>,
}

/// One category of conversations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentCategory {
    /// The name under which the category is stored and filtered, for example `billing_dispute`.
    pub name: String,
    /// Sentences that customers with this intent say.
    #[serde(default)]
    pub prototypes: Vec<String>,
    /// Words or phrases, found as whole words in any case; a trailing `*` matches any ending.
    #[serde(default)]
    pub keywords: Vec<String>,
}

/// The reason why configured categories were refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidIntentCategories {
    /// The text is not JSON of the expected form.
    #[error("the categories cannot be read: {0}")]
    Syntax(#[from] serde_json::Error),
    /// A value is not allowed.
    #[error("{what}: {allowed}")]
    Value {
        /// The value that is wrong.
        what: String,
        /// What is allowed instead.
        allowed: &'static str,
    },
}

/// The step that decided the category of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The nearest prototype reached the threshold.
    Prototype,
    /// A keyword of the category occurred.
    Keyword,
    /// Neither of them decided, so the default category applies.
    Default,
}

/// The category of a text, with the evidence for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The name of the category.
    pub category: String,
    /// The step that decided the category of a text.
    pub evidence: Evidence,
    /// The cosine similarity to the nearest prototype, if any prototype was compared.
    pub similarity: Option<f32>,
}

/// Decides the categories of texts.
#[derive(Debug, Clone)]
pub struct IntentClassifier {
    categories: IntentCategories,
    keywords: Vec<Option<Regex>>,
    prototypes: Option<NearestNeighbors>,
}

impl Default for IntentCategories {
    fn default() -> Self {
        serde_json::from_str(DEFAULT_CATEGORIES)
            .expect("the shipped categories, which a test reads")
    }
}

impl IntentCategories {
    /// Reads categories from JSON and checks them.
    ///
    /// # Errors
    /// [`InvalidIntentCategories`], naming the line or the value that is wrong.
    pub fn from_json(text: &str) -> Result<Self, InvalidIntentCategories> {
        let categories: Self = serde_json::from_str(text)?;
        categories.validate()?;
        Ok(categories)
    }

    /// Checks what the types cannot express: names, bounds, and that the default category exists.
    ///
    /// # Errors
    /// [`InvalidIntentCategories::Value`], naming the value.
    pub fn validate(&self) -> Result<(), InvalidIntentCategories> {
        let refuse = |what: String, allowed| Err(InvalidIntentCategories::Value { what, allowed });
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
                    "a prototype or keyword has 1 to 1000 bytes and is not blank",
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

    /// Iterates over all prototypes in order, as [`IntentClassifier::new`] expects their vectors.
    pub fn prototypes(&self) -> impl Iterator<Item = &str> {
        self.categories
            .iter()
            .flat_map(|category| category.prototypes.iter().map(String::as_str))
    }
}

impl IntentClassifier {
    /// Builds a classifier from valid categories and the vectors of [`IntentCategories::prototypes`], in that order.
    ///
    /// Without vectors, keywords alone decide.
    ///
    /// # Errors
    /// [`MismatchedVectors`] if there is not exactly one vector per prototype, or the vectors differ in length.
    pub fn new(
        categories: IntentCategories,
        vectors: Option<Vec<Vec<f32>>>,
    ) -> Result<Self, MismatchedVectors> {
        let keywords = keyword_patterns(&categories);
        let labels: Vec<usize> = categories
            .categories
            .iter()
            .enumerate()
            .flat_map(|(index, category)| std::iter::repeat_n(index, category.prototypes.len()))
            .collect();
        let prototypes = vectors
            .map(|vectors| NearestNeighbors::new(vectors, labels))
            .transpose()?;
        Ok(Self {
            categories,
            keywords,
            prototypes,
        })
    }

    /// Decides the category of a text from the vectors of its chunks; the nearest chunk counts.
    ///
    /// Vectors whose length differs from the prototypes' length are not compared.
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

/// Builds the pattern of each category. Those of the shipped categories are built once in a process, since building them takes longer
/// than classifying thousands of texts.
fn keyword_patterns(categories: &IntentCategories) -> Vec<Option<Regex>> {
    static SHIPPED: LazyLock<(IntentCategories, Vec<Option<Regex>>)> = LazyLock::new(|| {
        let shipped = IntentCategories::default();
        let patterns = build_patterns(&shipped);
        (shipped, patterns)
    });
    let (shipped, patterns) = &*SHIPPED;
    if categories == shipped {
        patterns.clone()
    } else {
        build_patterns(categories)
    }
}

fn build_patterns(categories: &IntentCategories) -> Vec<Option<Regex>> {
    let categories = categories.categories.iter();
    categories
        .map(|category| keyword_pattern(&category.keywords))
        .collect()
}

/// Builds one pattern for all keywords of a category, as whole words in any case; `None` without keywords.
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
    // Not `\b`, which never matches beside a keyword that begins or ends with a sign, such as "c++".
    Regex::new(&format!(r"(?i)(?:^|\W)(?:{})(?:\W|$)", words.join("|"))).ok()
}
