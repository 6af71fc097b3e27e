//! Settings declared once: the variable, its type, unit, allowed range and default, and a sentence that says what it controls.
//!
//! [`settings!`](crate::settings!) turns a list of declarations into a struct, its constructor `from_env`, and the entries from
//! which `docs/settings.md` is generated. A function's `Config` is such a struct; groups that several functions read
//! ([`group`]) are declared in the shared crate that uses them.
//!
//! ```
//! use std::time::Duration;
//! use runtime::config::Env;
//! use runtime::settings::{millis, number};
//!
//! runtime::settings! {
//!     /// The configuration of a function.
//!     #[derive(Debug)]
//!     pub struct Config {
//!         /// Score below which the alert is raised.
//!         pub alert_threshold: f64 = number("ALERT_THRESHOLD", 0.30, 0.0..=1.0, "score"),
//!         /// Delay between two polls of one call.
//!         pub idle: Duration = millis("POLL_IDLE_MS", 1000, 100..=60_000),
//!     }
//! }
//!
//! let config = Config::from_env(&Env::from_pairs([("POLL_IDLE_MS", "250")]))?;
//! assert_eq!((config.alert_threshold, config.idle), (0.30, Duration::from_millis(250)));
//!
//! let declared = &Config::declarations()[1];
//! assert_eq!((declared.name, declared.unit, declared.allowed.as_str()), ("POLL_IDLE_MS", "ms", "a whole number from 100 to 60000"));
//! assert_eq!(declared.description, "Delay between two polls of one call.");
//! # Ok::<(), runtime::config::ConfigError>(())
//! ```

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use crate::config::{ConfigError, Env, number_range};

/// What a function does where a variable is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unset {
    /// The function uses this value.
    Default(String),
    /// The function behaves as this phrase says, such as "the shipped model".
    Otherwise(String),
    /// A deployed function does not start.
    Required,
    /// Lambda sets the variable, an operator never does.
    SetByLambda,
}

/// One variable as the documentation and the template see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The name of the variable.
    pub name: &'static str,
    /// What the variable controls: full sentences.
    pub description: String,
    /// The unit of its number; empty where the value is no number.
    pub unit: &'static str,
    /// What the value may be, in the words of the error message that refuses another value.
    pub allowed: String,
    /// What holds where the variable is not set.
    pub unset: Unset,
}

/// A group of settings: what [`settings!`](crate::settings!) generates, or a type that checks several settings together.
pub trait SettingsGroup: Sized {
    /// Reads the settings of a group.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    fn from_env(env: &Env) -> Result<Self, ConfigError>;

    /// Returns the declaration of every variable of the group.
    fn declarations() -> Vec<Declaration>;
}

/// Something that reads a value of type `T` from the environment and declares the variables that it reads.
pub trait Source<T> {
    /// Reads the value of the variable.
    ///
    /// # Errors
    /// [`ConfigError`], naming the variable, its value and what is allowed.
    fn read(&self, env: &Env) -> Result<T, ConfigError>;

    /// Adds the declarations of the variables, described by `doc`.
    fn declare(&self, doc: &str, declarations: &mut Vec<Declaration>);
}

type Read<T> = Box<dyn Fn(&Env) -> Result<T, ConfigError>>;

/// One variable: its name, what it may be, its default, and how it is read.
pub struct Setting<T> {
    name: &'static str,
    unit: &'static str,
    allowed: String,
    unset: Unset,
    read: Read<T>,
}

impl<T> std::fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<T: 'static> Setting<T> {
    /// Converts the value that was read.
    #[must_use]
    pub fn map<U: 'static>(self, convert: impl Fn(T) -> U + 'static) -> Setting<U> {
        let read = self.read;
        Setting {
            name: self.name,
            unit: self.unit,
            allowed: self.allowed,
            unset: self.unset,
            read: Box::new(move |env| read(env).map(&convert)),
        }
    }
}

impl<T: 'static> Setting<Option<T>> {
    /// Documents what the function does where the variable is not set, such as "the shipped model".
    #[must_use]
    pub fn otherwise(mut self, phrase: &str) -> Self {
        self.unset = Unset::Otherwise(phrase.to_owned());
        self
    }
}

impl Setting<Option<String>> {
    /// Parses the text of the variable. `parse` returns what is allowed where the text cannot be used.
    #[must_use]
    pub fn parse<U: 'static>(
        self,
        parse: impl Fn(&str) -> Result<U, String> + 'static,
    ) -> Setting<Option<U>> {
        let (read, name) = (self.read, self.name);
        Setting {
            name,
            unit: self.unit,
            allowed: self.allowed,
            unset: self.unset,
            read: Box::new(move |env| {
                let Some(text) = read(env)? else {
                    return Ok(None);
                };
                parse(&text)
                    .map(Some)
                    .map_err(|allowed| ConfigError::invalid(name, &text, allowed))
            }),
        }
    }

    /// Uses this text where the variable is not set.
    #[must_use]
    pub fn or(mut self, default: &'static str) -> Setting<String> {
        self.unset = Unset::Default(default.to_owned());
        self.map(move |text| text.unwrap_or_else(|| default.to_owned()))
    }
}

impl Setting<Option<String>> {
    /// Checks the text of the variable, and uses the default where the variable is not set. `check` returns what is allowed
    /// where the text cannot be used.
    #[must_use]
    pub fn checked_or(
        self,
        default: &'static str,
        check: impl Fn(&str) -> Result<(), String> + 'static,
    ) -> Setting<String> {
        let mut setting = self
            .parse(move |text| check(text).map(|()| text.to_owned()))
            .map(move |text| text.unwrap_or_else(|| default.to_owned()));
        setting.unset = Unset::Default(default.to_owned());
        setting
    }
}

impl<T> Source<T> for Setting<T> {
    fn read(&self, env: &Env) -> Result<T, ConfigError> {
        (self.read)(env)
    }

    fn declare(&self, doc: &str, declarations: &mut Vec<Declaration>) {
        let lines = doc.lines().map(str::trim).filter(|line| !line.is_empty());
        declarations.push(Declaration {
            name: self.name,
            description: lines.collect::<Vec<_>>().join(" "),
            unit: self.unit,
            allowed: self.allowed.clone(),
            unset: self.unset.clone(),
        });
    }
}

/// Declares a number in a range, with its unit ("calls", "messages a second", "score").
pub fn number<T>(
    name: &'static str,
    default: T,
    range: RangeInclusive<T>,
    unit: &'static str,
) -> Setting<T>
where
    T: FromStr + PartialOrd + Display + Clone + 'static,
{
    Setting {
        name,
        unit,
        allowed: number_range(&range),
        unset: Unset::Default(default.to_string()),
        read: Box::new(move |env| env.number(name, default.clone(), range.clone())),
    }
}

/// Declares a number in a range that may be left out.
pub fn optional_number<T>(
    name: &'static str,
    range: RangeInclusive<T>,
    unit: &'static str,
) -> Setting<Option<T>>
where
    T: FromStr + PartialOrd + Display + Clone + 'static,
{
    Setting {
        name,
        unit,
        allowed: number_range(&range),
        unset: Unset::Otherwise("none".to_owned()),
        read: Box::new(move |env| {
            env.text(name)
                .map(|_| env.number(name, range.start().clone(), range.clone()))
                .transpose()
        }),
    }
}

/// Declares a duration in whole milliseconds; the names of such variables end in `_MS`.
pub fn millis(name: &'static str, default: u64, range: RangeInclusive<u64>) -> Setting<Duration> {
    number(name, default, range, "ms").map(Duration::from_millis)
}

/// Declares a duration in whole seconds; the names of such variables end in `_SECONDS`.
pub fn seconds(name: &'static str, default: u64, range: RangeInclusive<u64>) -> Setting<Duration> {
    number(name, default, range, "s").map(Duration::from_secs)
}

/// Declares one of several named choices; the first is the default. Case does not matter.
///
/// # Panics
/// If there is no choice.
pub fn choice<T: Copy + 'static>(name: &'static str, choices: &[(&'static str, T)]) -> Setting<T> {
    let choices = choices.to_vec();
    let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
    Setting {
        name,
        unit: "",
        allowed: format!("one of {}", names.join(", ")),
        unset: Unset::Default(choices[0].0.to_owned()),
        read: Box::new(move |env| env.choice(name, &choices)),
    }
}

/// Declares a text that may be left out. `allowed` says what the text is, such as "agent ids separated by commas".
pub fn text(name: &'static str, allowed: &str) -> Setting<Option<String>> {
    Setting {
        name,
        unit: "",
        allowed: allowed.to_owned(),
        unset: Unset::Otherwise("none".to_owned()),
        read: Box::new(move |env| Ok(env.text(name).map(str::to_owned))),
    }
}

/// Declares a variable that Lambda sets in every process that it starts.
pub fn set_by_lambda(name: &'static str, allowed: &str) -> Setting<Option<String>> {
    Setting {
        unset: Unset::SetByLambda,
        ..text(name, allowed)
    }
}

/// Declares an `http` or `https` URL that may be left out.
pub fn url(name: &'static str) -> Setting<Option<Url>> {
    Setting {
        name,
        unit: "",
        allowed: "an http or https URL".to_owned(),
        unset: Unset::Otherwise("none".to_owned()),
        read: Box::new(move |env| env.url(name)),
    }
}

/// Declares a folder that must exist where the variable is set.
pub fn folder(name: &'static str) -> Setting<Option<PathBuf>> {
    Setting {
        name,
        unit: "",
        allowed: "a folder that exists".to_owned(),
        unset: Unset::Otherwise("none".to_owned()),
        read: Box::new(move |env| env.folder(name)),
    }
}

/// A value without a default. Whether it is missing shows when it is used: a laptop keeps its state in a file, and needs no
/// name of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required<T> {
    name: &'static str,
    allowed: &'static str,
    value: Option<T>,
}

impl<T> Required<T> {
    /// Returns the value of the setting.
    ///
    /// # Errors
    /// [`ConfigError::Missing`], saying what the variable must be.
    pub fn get(&self) -> Result<&T, ConfigError> {
        self.value
            .as_ref()
            .ok_or_else(|| ConfigError::missing(self.name, self.allowed))
    }

    /// Returns the value of the setting, or else the value of the setting that takes its place.
    ///
    /// # Errors
    /// [`ConfigError::Missing`], saying what the variable must be, if neither is set.
    pub fn get_or<'a>(&'a self, other: Option<&'a T>) -> Result<&'a T, ConfigError> {
        self.get().or_else(|error| other.ok_or(error))
    }
}

impl<T: 'static> Setting<Required<T>> {
    /// Documents that another setting, named by the phrase, takes the place of this one where this one is not set. The reader
    /// asks for the value with [`Required::get_or`].
    #[must_use]
    pub fn otherwise(mut self, phrase: &str) -> Self {
        self.unset = Unset::Otherwise(phrase.to_owned());
        self
    }
}

/// Declares a text without which a deployed function does not start.
pub fn required_text(name: &'static str, allowed: &'static str) -> Setting<Required<String>> {
    required(text(name, allowed), allowed)
}

/// Declares an `http` or `https` URL without which a deployed function does not start.
pub fn required_url(name: &'static str) -> Setting<Required<Url>> {
    required(url(name), "an http or https URL")
}

fn required<T: 'static>(
    mut setting: Setting<Option<T>>,
    allowed: &'static str,
) -> Setting<Required<T>> {
    setting.unset = Unset::Required;
    let name = setting.name;
    setting.map(move |value| Required {
        name,
        allowed,
        value,
    })
}

/// A group of settings as one field, see [`group`].
#[derive(Debug)]
pub struct Group<G>(std::marker::PhantomData<fn() -> G>);

/// Reads a whole group of settings into one field. The variables are described where the group declares them.
#[must_use]
pub fn group<G: SettingsGroup>() -> Group<G> {
    Group(std::marker::PhantomData)
}

impl<G: SettingsGroup> Source<G> for Group<G> {
    fn read(&self, env: &Env) -> Result<G, ConfigError> {
        G::from_env(env)
    }

    fn declare(&self, _doc: &str, declarations: &mut Vec<Declaration>) {
        declarations.extend(G::declarations());
    }
}

impl<G: SettingsGroup> Group<G> {
    /// Converts the group into another type, and refuses settings that contradict each other.
    pub fn try_map<T>(
        self,
        convert: impl Fn(G) -> Result<T, ConfigError> + 'static,
    ) -> ConvertedGroup<G, T> {
        ConvertedGroup(self, Box::new(convert))
    }
}

type Convert<G, T> = Box<dyn Fn(G) -> Result<T, ConfigError>>;

/// A group of settings that is converted into another type, see [`Group::try_map`].
pub struct ConvertedGroup<G, T>(Group<G>, Convert<G, T>);

impl<G, T> std::fmt::Debug for ConvertedGroup<G, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConvertedGroup")
    }
}

impl<G: SettingsGroup, T> Source<T> for ConvertedGroup<G, T> {
    fn read(&self, env: &Env) -> Result<T, ConfigError> {
        self.1(self.0.read(env)?)
    }

    fn declare(&self, doc: &str, declarations: &mut Vec<Declaration>) {
        self.0.declare(doc, declarations);
    }
}

/// A field that no variable sets, see [`from_caller`].
#[derive(Debug)]
pub struct FromCaller;

/// Leaves a field at its type's default: whoever builds the function in a process with others may set it, for example to a
/// model that is loaded already.
#[must_use]
pub fn from_caller() -> FromCaller {
    FromCaller
}

impl<T: Default> Source<T> for FromCaller {
    fn read(&self, _env: &Env) -> Result<T, ConfigError> {
        Ok(T::default())
    }

    fn declare(&self, _doc: &str, _declarations: &mut Vec<Declaration>) {}
}

/// Declares a struct of settings: each field with its documentation, its type, and the variable that it is read from.
///
/// The struct gets `from_env(&Env)`, `declarations()`, and an implementation of
/// [`SettingsGroup`](crate::settings::SettingsGroup). See [`settings`](mod@crate::settings) for an example.
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field_visibility:vis $field:ident : $type:ty = $source:expr
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        $visibility struct $name {
            $(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = concat!("Declared as `", stringify!($source), "`.")]
                $field_visibility $field: $type,
            )*
        }

        impl $name {
            /// Reads the settings of a group.
            ///
            /// # Errors
            /// [`ConfigError`]($crate::config::ConfigError), naming the variable, its value and what is allowed.
            $visibility fn from_env(env: &$crate::config::Env) -> Result<Self, $crate::config::ConfigError> {
                Ok(Self {
                    $($field: $crate::settings::Source::<$type>::read(&$source, env)?,)*
                })
            }

            /// Returns the declaration of every variable.
            #[must_use]
            $visibility fn declarations() -> Vec<$crate::settings::Declaration> {
                let mut declarations = Vec::new();
                $(
                    $crate::settings::Source::<$type>::declare(
                        &$source,
                        concat!($($doc, "\n"),+),
                        &mut declarations,
                    );
                )*
                declarations
            }
        }

        impl $crate::settings::SettingsGroup for $name {
            fn from_env(env: &$crate::config::Env) -> Result<Self, $crate::config::ConfigError> {
                Self::from_env(env)
            }

            fn declarations() -> Vec<$crate::settings::Declaration> {
                Self::declarations()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Color {
        Red,
        Green,
    }

    crate::settings! {
        /// Settings that every function reads.
        #[derive(Debug)]
        struct Shared {
            /// Name of the table.
            table: Required<String> = required_text("TABLE", "the name of a table"),
        }
    }

    crate::settings! {
        /// Settings of one function.
        #[derive(Debug)]
        struct Config {
            /// The group.
            shared: Shared = group::<Shared>(),
            /// How many calls
            /// are followed.
            calls: usize = number("CALLS", 10, 1..=20, "calls"),
            /// How long a pause is.
            pause: Duration = seconds("PAUSE_SECONDS", 5, 0..=60),
            /// Which color is shown.
            color: Color = choice("COLOR", &[("red", Color::Red), ("green", Color::Green)]),
            /// Words to look for.
            words: Option<Vec<String>> = text("WORDS", "words separated by commas")
                .otherwise("built in")
                .parse(|text| match text {
                    "," => Err("at least one word".to_owned()),
                    _ => Ok(text.split(',').map(str::to_owned).collect()),
                }),
            /// Share of all calls.
            share: Option<f64> = optional_number("SHARE", 0.0..=1.0, "share"),
            /// A part of the caller's.
            part: Option<u8> = from_caller(),
        }
    }

    #[test]
    fn unset_variables_take_their_defaults() {
        let config = Config::from_env(&Env::default()).unwrap();
        assert_eq!((config.calls, config.pause), (10, Duration::from_secs(5)));
        assert_eq!((config.color, config.words), (Color::Red, None));
        assert_eq!((config.share, config.part), (None, None));
    }

    #[test]
    fn set_variables_are_read_and_parsed() {
        let env = Env::from_pairs([("WORDS", "a,b"), ("COLOR", "GREEN"), ("SHARE", "0.5")]);
        let config = Config::from_env(&env.with("TABLE", "t")).unwrap();
        assert_eq!(config.words, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!((config.color, config.share), (Color::Green, Some(0.5)));
        assert_eq!(config.shared.table.get().unwrap(), "t");
    }

    #[test]
    fn errors_name_the_variable_the_value_and_what_is_allowed() {
        let message = |name: &str, value: &str| {
            Config::from_env(&Env::from_pairs([(name, value)]))
                .unwrap_err()
                .to_string()
        };
        let messages = [
            message("CALLS", "21"),
            message("SHARE", "2"),
            message("WORDS", ","),
            message("COLOR", "blue"),
            Config::from_env(&Env::default())
                .unwrap()
                .shared
                .table
                .get()
                .unwrap_err()
                .to_string(),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r#"
        CALLS is "21", but must be a whole number from 1 to 20
        SHARE is "2", but must be a number from 0 to 1
        WORDS is ",", but must be at least one word
        COLOR is "blue", but must be one of red, green
        TABLE is not set; it must be the name of a table
        "#);
    }

    #[test]
    fn declarations_list_every_variable_with_its_group_in_order() {
        let declarations = Config::declarations();
        let names: Vec<_> = declarations.iter().map(|one| one.name).collect();
        assert_eq!(
            names,
            ["TABLE", "CALLS", "PAUSE_SECONDS", "COLOR", "WORDS", "SHARE"]
        );
        assert_eq!(
            declarations[1],
            Declaration {
                name: "CALLS",
                description: "How many calls are followed.".to_owned(),
                unit: "calls",
                allowed: "a whole number from 1 to 20".to_owned(),
                unset: Unset::Default("10".to_owned()),
            }
        );
        assert_eq!(declarations[0].unset, Unset::Required);
        assert_eq!(declarations[2].unit, "s");
        assert_eq!(
            declarations[4].unset,
            Unset::Otherwise("built in".to_owned())
        );
    }
}
