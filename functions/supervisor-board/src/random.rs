//! Random values that nobody can guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use runtime::Failure;

/// Returns `BYTES` random bytes as text that a cookie or an address can hold.
///
/// # Errors
/// The failure 500 if the operating system has no random numbers.
pub(crate) fn random_text<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let reason = error.to_string();
        Failure::internal(anyhow::anyhow!(
            "the system gave no random numbers: {reason}"
        ))
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
