//! How a sender proves itself: by a signature, or by an API key with the scope of webhooks.

use backends::caller_keys::Scope;
use jiff::Timestamp;
use runtime::{Failure, Request, RequestExt};

use crate::deps::Deps;
use crate::signature::{BodySignature, Malformed, Signature};

/// Proves the sender of a request. A signature that is wrong is not excused by a key that is right.
///
/// # Errors
/// A [`Failure`] with status 401, or 403 for a key without the scope.
pub(crate) async fn prove(deps: &Deps, request: &Request, now: Timestamp) -> Result<(), Failure> {
    if request.headers().contains_key("x-signature") {
        prove_by_time_and_body(deps, request, now).await
    } else if request.headers().contains_key("x-request-signature") {
        prove_by_body(deps, request).await
    } else {
        prove_by_key(deps, request).await
    }
}

async fn prove_by_time_and_body(
    deps: &Deps,
    request: &Request,
    now: Timestamp,
) -> Result<(), Failure> {
    let header = request
        .header_text("x-signature")
        .ok_or_else(|| Failure::invalid_credentials(Malformed::Signature.to_string()))?;
    let signature = Signature::read(
        header,
        request.header_text("x-timestamp"),
        now,
        deps.config.tolerance,
    )
    .map_err(|malformed| Failure::invalid_credentials(malformed.to_string()))?;
    let sender = deps
        .callers
        .find_sender(|sender| signature.proves(&sender.secret, request.body()))
        .await?;
    let name = sender
        .ok_or_else(|| Failure::invalid_credentials("x-signature is not of this body and time"))?;
    request.name_caller(&name);
    Ok(())
}

/// Proves a sender that signs the raw body alone, as the contact center's digital automations may do.
async fn prove_by_body(deps: &Deps, request: &Request) -> Result<(), Failure> {
    let signature = BodySignature::read(
        request.header_text("x-request-signature"),
        request.headers().contains_key("x-signature-algorithm"),
        request.header_text("x-signature-algorithm"),
    )
    .map_err(|malformed| Failure::invalid_credentials(malformed.to_string()))?;
    let sender = deps
        .callers
        .find_sender(|sender| signature.proves(&sender.secret, request.body()))
        .await?;
    let name = sender
        .ok_or_else(|| Failure::invalid_credentials("x-request-signature is not of this body"))?;
    request.name_caller(&name);
    Ok(())
}

async fn prove_by_key(deps: &Deps, request: &Request) -> Result<(), Failure> {
    match deps.callers.require(request, Scope::Webhook).await {
        Ok(_caller) => Ok(()),
        Err(failure) if failure.status() == http::StatusCode::UNAUTHORIZED => {
            Err(Failure::invalid_credentials(
                "sign the body as 'x-signature: sha256=HEX' with 'x-timestamp', or send the API key as 'x-api-key: KEY'",
            ))
        }
        Err(failure) => Err(failure),
    }
}
