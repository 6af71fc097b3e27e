//! The checks of the digital part.

use super::super::calls::Call;
use super::super::client::TenantClient;
use super::super::digital::{DigitalQuery, DigitalWalk, OPEN_STATUSES, read_messages};
use super::super::lists::read_object;
use super::{Finding, deadline};

/// Makes the checks of the digital part.
pub(super) async fn examine(client: &TenantClient, report: &mut impl FnMut(Finding)) {
    const CONTACTS: &str = "digital contacts";
    const MESSAGES: &str = "digital messages";
    let mut walk = DigitalWalk::new(DigitalQuery {
        statuses: OPEN_STATUSES,
        created: None,
    });
    let contacts = match walk.next_page(client, deadline()).await {
        Ok(contacts) => contacts.unwrap_or_default(),
        Err(error) => {
            report(Finding::failed(CONTACTS, &error));
            return;
        }
    };
    let (with_agent, with_counts) = contacts.iter().fold((0, 0), |(agents, counts), contact| {
        (
            agents + usize::from(contact.agent_id.is_some()),
            counts + usize::from(contact.message_counts.is_some()),
        )
    });
    report(Finding::ok(
        CONTACTS,
        format!(
            "{} open ones on the first page, {with_agent} with an agent, {with_counts} with counts of messages",
            contacts.len()
        ),
    ));
    report(match contacts.first() {
        None => Finding::unknown(MESSAGES, "no contact is open to read the messages of")
            .advising("run it again while a customer writes"),
        Some(contact) => match read_messages(client, &contact.id, deadline()).await {
            Ok(Some(found)) => Finding::ok(
                MESSAGES,
                format!(
                    "{} of one contact, {} unreadable",
                    found.messages.len(),
                    found.unreadable
                ),
            ),
            Ok(None) => Finding::unknown(MESSAGES, "404 for a contact of the list"),
            Err(error) => Finding::failed(MESSAGES, &error),
        },
    });
    report(object(client, "digital user", Call::DigitalUser).await);
    report(object(client, "URL of the event hub", Call::EventHubUrl).await);
}

/// Checks that an object can be read.
async fn object(client: &TenantClient, check: &'static str, call: Call) -> Finding {
    match client.read(call, &[], &[], deadline()).await {
        Ok(answer) => match read_object(&answer) {
            Ok(members) => {
                let names = super::evidence::member_names(&members.into());
                Finding::ok(check, format!("members: {names}"))
            }
            Err(error) => Finding::failed(check, &error),
        },
        Err(error) if error.is_not_found() => {
            Finding::unknown(check, "404; the usual host of the area is used instead")
        }
        Err(error) => Finding::failed(check, &error),
    }
}
