//! The digital API: contacts, messages, and what clients may change, below `/dfo/3.0`.
//!
//! | request | answer |
//! |---|---|
//! | `GET contacts`, `contacts/{n}`, `contacts/{n}/messages`, `contacts/{n}/detail` | contacts, 25 a page with a scroll token, and their messages |
//! | `GET messages?contactNumber=`, `messages/{id}` | messages; the single one has its whole text |
//! | `GET channels`, `tags`, `routing-queues`, `me`, `event-hub-url` | facts about the tenant |
//! | `PUT contacts/{n}`, `/custom-fields`, `/routing-queue`, `/status`; `DELETE /custom-fields/{ident}` | updates within the budget of the contact |
//! | `PUT messages/{id}/sentiment`, `/tags/{tag}`; `POST messages/{id}/notes` | updates of a message within the same budget |
//! | `POST event-hub-subscriptions` | follows a contact at the event hub for five minutes |
//! | `GET /engager/2.0/user-statuses` | presence, which is read and never set |

pub mod case;
mod contacts;
mod facts;
mod messages;
pub mod state;
mod updates;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};

pub(super) use self::contacts::contact;
pub(super) use self::messages::message;
use super::event_hub;
use super::world::TenantWorld;

pub(super) fn router() -> Router<Arc<TenantWorld>> {
    let digital = Router::new()
        .route("/contacts", get(contacts::list))
        .route(
            "/contacts/{number}",
            get(contacts::one).put(updates::priority),
        )
        .route("/contacts/{number}/messages", get(messages::of_contact))
        .route("/contacts/{number}/detail", get(contacts::detail))
        .route(
            "/contacts/{number}/detail/pagination",
            get(contacts::detail_pages),
        )
        .route(
            "/contacts/{number}/custom-fields",
            put(updates::custom_fields),
        )
        .route(
            "/contacts/{number}/custom-fields/{ident}",
            delete(updates::remove_field),
        )
        .route("/contacts/{number}/routing-queue", put(updates::queue))
        .route("/contacts/{number}/status", put(updates::status))
        .route("/messages", get(messages::list))
        .route("/messages/{id}", get(messages::one))
        .route("/messages/{id}/sentiment", put(updates::sentiment))
        .route("/messages/{id}/tags/{tag}", put(updates::tag))
        .route("/messages/{id}/notes", post(updates::note))
        .route("/channels", get(facts::channels))
        .route("/tags", get(facts::tags))
        .route("/routing-queues", get(facts::queues))
        .route("/me", get(facts::me))
        .route("/event-hub-url", get(facts::event_hub_url))
        .route("/event-hub-subscriptions", post(event_hub::subscribe));
    Router::new()
        .nest("/dfo/3.0", digital)
        .route("/engager/2.0/user-statuses", get(facts::presence))
}
