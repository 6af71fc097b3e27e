//! The table of a tenant's calls: the only place that names their paths, hosts, permissions and products.

use super::hosts::Host;
use crate::need::{DIGITAL_EXPERIENCE, INTERACTION_ANALYTICS, Right};

/// What a call of a tenant does. Which host and path that has is the matter of this table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Lists the analyzed segments of finished conversations.
    Segments,
    /// Reads what was said in a segment; takes the segment's id.
    SegmentTranscript,
    /// Lists the contacts that are going on.
    ActiveContacts,
    /// Lists finished contacts with their dispositions.
    CompletedContacts,
    /// Reads one contact; takes the contact's id.
    Contact,
    /// Lists the names of the dispositions.
    Dispositions,
    /// Lists the states of the agents.
    AgentStates,
    /// Lists the activity of the skills.
    SkillActivity,
    /// Lists the versions of the contact API.
    ApiVersions,
    /// Sends a message to agents.
    AgentMessages,
    /// Lists digital contacts, in pages of 25.
    DigitalContacts,
    /// Reads one digital contact; takes the contact's number.
    DigitalContact,
    /// Reads the messages of a digital contact; takes the contact's number.
    DigitalMessages,
    /// Reads one message with its whole content; takes the message's id.
    DigitalMessage,
    /// Changes custom fields of a digital contact; takes the contact's number.
    CustomFields,
    /// Lists the digital channels.
    DigitalChannels,
    /// Reads the digital user of the token.
    DigitalUser,
    /// Lists the presence of the digital users.
    UserStatuses,
    /// Reads the URL of the event hub.
    EventHubUrl,
    /// Follows a contact over the event hub.
    EventHubSubscriptions,
}

/// The host of a call, its path, and what it needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallPath {
    /// The host, which also has a pace of its own.
    pub(super) host: Host,
    /// The path below the host's base, in which `{id}` stands for an id.
    pub(super) path: &'static str,
    /// How logs and errors name the call.
    pub(super) template: &'static str,
    /// What the call needs.
    pub(super) right: Right,
}

const CONTACT_API: &str = "the contact API (real-time data, reporting and administration)";

const ANALYTICS: Right = Right {
    permission: "Analytics Access: View",
    product: INTERACTION_ANALYTICS,
};

const CONTACTS: Right = Right {
    permission: "ACD: View",
    product: CONTACT_API,
};

const EMPLOYEES: Right = Right {
    permission: "Employees: View",
    product: CONTACT_API,
};

const MESSAGES: Right = Right {
    permission: "ACD: Edit, to send agent messages",
    product: CONTACT_API,
};

const DIGITAL: Right = Right {
    permission: "Digital: View, for the channels that are read",
    product: DIGITAL_EXPERIENCE,
};

const DIGITAL_WRITE: Right = Right {
    permission: "Digital: Edit, for the custom fields of contacts",
    product: DIGITAL_EXPERIENCE,
};

impl Call {
    /// Returns the host, the path and the need of the call.
    pub(super) fn path(self) -> CallPath {
        let (host, path, template, right) = match self {
            Self::Segments => (
                Host::Analytics,
                "/segments/analyzed",
                "{analytics}/segments/analyzed",
                ANALYTICS,
            ),
            Self::SegmentTranscript => (
                Host::Analytics,
                "/segments/{id}/analyzed-transcript",
                "{analytics}/segments/{id}/analyzed-transcript",
                ANALYTICS,
            ),
            Self::ActiveContacts => (
                Host::Contacts,
                "/contacts/active",
                "{acd}/contacts/active",
                CONTACTS,
            ),
            Self::CompletedContacts => (
                Host::Contacts,
                "/contacts/completed",
                "{acd}/contacts/completed",
                CONTACTS,
            ),
            Self::Contact => (
                Host::Contacts,
                "/contacts/{id}",
                "{acd}/contacts/{id}",
                CONTACTS,
            ),
            Self::Dispositions => (
                Host::Contacts,
                "/dispositions",
                "{acd}/dispositions",
                CONTACTS,
            ),
            Self::AgentStates => (
                Host::Contacts,
                "/agents/states",
                "{acd}/agents/states",
                EMPLOYEES,
            ),
            Self::SkillActivity => (
                Host::Contacts,
                "/skills/activity",
                "{acd}/skills/activity",
                CONTACTS,
            ),
            Self::ApiVersions => (Host::Contacts, "/apiversion", "{acd}/apiversion", CONTACTS),
            Self::AgentMessages => (
                Host::Contacts,
                "/communications/agent-messages",
                "{acd}/communications/agent-messages",
                MESSAGES,
            ),
            Self::DigitalContacts => (Host::Digital, "/contacts", "{dfo}/contacts", DIGITAL),
            Self::DigitalContact => (
                Host::Digital,
                "/contacts/{id}",
                "{dfo}/contacts/{id}",
                DIGITAL,
            ),
            Self::DigitalMessages => (
                Host::Digital,
                "/contacts/{id}/messages",
                "{dfo}/contacts/{id}/messages",
                DIGITAL,
            ),
            Self::DigitalMessage => (
                Host::Digital,
                "/messages/{id}",
                "{dfo}/messages/{id}",
                DIGITAL,
            ),
            Self::CustomFields => (
                Host::Digital,
                "/contacts/{id}/custom-fields",
                "{dfo}/contacts/{id}/custom-fields",
                DIGITAL_WRITE,
            ),
            Self::DigitalChannels => (Host::Digital, "/channels", "{dfo}/channels", DIGITAL),
            Self::DigitalUser => (Host::Digital, "/me", "{dfo}/me", DIGITAL),
            Self::UserStatuses => (
                Host::Digital,
                "/engager/2.0/user-statuses",
                "{digital}/engager/2.0/user-statuses",
                DIGITAL,
            ),
            Self::EventHubUrl => (
                Host::Digital,
                "/event-hub-url",
                "{dfo}/event-hub-url",
                DIGITAL,
            ),
            Self::EventHubSubscriptions => (
                Host::Digital,
                "/event-hub-subscriptions",
                "{dfo}/event-hub-subscriptions",
                DIGITAL,
            ),
        };
        CallPath {
            host,
            path,
            template,
            right,
        }
    }
}
