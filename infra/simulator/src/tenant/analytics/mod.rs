//! Interaction Analytics: the feed of analyzed segments, and the transcript of each.
//!
//! | request | answer |
//! |---|---|
//! | `GET /interaction-analytics-gateway/v2/segments/analyzed` | segments in the order of `dateField`, from a cursor |
//! | `GET /interaction-analytics-gateway/v2/segments/{id}/analyzed-transcript` | the text of a segment; 404 while there is none |
//!
//! The path without `-gateway` is the old one: 404, unless the quirk `old-paths-gone` is off.

mod feed;
mod transcript;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::params::Params;
use super::quirks::Quirk;
use super::refusal::Refusal;
use super::world::TenantWorld;

const FEED: &str = "/interaction-analytics-gateway/v2/segments/analyzed";

pub(super) fn router() -> Router<Arc<TenantWorld>> {
    Router::new()
        .route(FEED, get(feed::list))
        .route(
            "/interaction-analytics-gateway/v2/segments/{id}/analyzed-transcript",
            get(transcript::of_segment),
        )
        .route("/interaction-analytics/v2/segments/analyzed", get(old_list))
}

async fn old_list(State(world): State<Arc<TenantWorld>>, params: Params) -> Response {
    if world.has(Quirk::OldPathsGone) {
        return Refusal::not_found("there is no such path").into_response();
    }
    feed::list(State(world), params).await
}
