//! A script of CXone Studio that calls an HTTP endpoint, as help pages and integrators describe it.
//!
//! [`Studio::call`] is the REST API action: it sends a form unless its headers say otherwise, repeats what fails, and takes replies of JSON
//! up to 32 KB alone. [`Dynamic`] is what a script sees of a reply: lists start at 1, a list with one element looks like
//! a plain variable, and a member that is missing ends the script. [`script`] plays the steps of a whole script.

mod action;
mod dynamic;
pub mod script;

pub use action::{CallFailure, Reply, RestAction, Studio};
pub use dynamic::{Dynamic, ScriptException, as_json};
