//! The contacts of a simulated tenant, made from the same conversations as those of the other profile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::contact::{Channel, Contact, noise};
use super::people::{AGENTS, SKILLS};
use crate::conversations::{Author, Fixed, Line};
use crate::world::World;

/// Numbers of contacts of one day: the day, the index within the day and the part of a transferred contact.
const NUMBERS_OF_A_DAY: i64 = 10_000_000;
/// First number of the contacts that a scenario names by something else than digits.
const FIRST_NAMED: i64 = 990_000_000_000;
/// Largest number of days that one conversation takes.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// A conversation in Spanish, in place of some of the generated ones.
const SPANISH: [(Author, &str); 6] = [
    (Author::Agent, "Buenos días, ¿en qué puedo ayudarle?"),
    (
        Author::Customer,
        "Me han cobrado dos veces la misma factura.",
    ),
    (Author::Agent, "Lo siento mucho, lo reviso ahora mismo."),
    (
        Author::Customer,
        "Es la segunda vez este año, estoy muy molesto.",
    ),
    (Author::Agent, "Le devolvemos el importe en cinco días."),
    (Author::Customer, "De acuerdo, muchas gracias."),
];

/// The contacts of a tenant, found by time or by number.
#[derive(Debug)]
pub struct History {
    seed: u64,
    world: Arc<World>,
    days: Mutex<HashMap<(i64, bool), Day>>,
}

/// The contacts of a day, in order of their start.
type Day = Arc<Vec<Arc<Contact>>>;

impl History {
    /// Returns the contacts that the conversations of a world are made into.
    #[must_use]
    pub fn new(seed: u64, world: Arc<World>) -> Self {
        Self {
            seed,
            world,
            days: Mutex::default(),
        }
    }

    /// Returns the contacts that started at or after `from` and before `to`, in order of their start.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp, transfers: bool) -> Vec<Arc<Contact>> {
        let (first, last) = (day_of(from), day_of(to));
        (first..=last)
            .flat_map(|day| self.day(day, transfers).iter().cloned().collect::<Vec<_>>())
            .filter(|contact| (from..to).contains(&contact.start))
            .collect()
    }

    /// Returns the contacts that run at a time.
    #[must_use]
    pub fn running(&self, at: Timestamp, transfers: bool) -> Vec<Arc<Contact>> {
        let mut found = self.between(at - LONGEST, at, transfers);
        found.retain(|contact| contact.end > at);
        found
    }

    /// Finds a contact by its number.
    #[must_use]
    pub fn contact(&self, id: i64, transfers: bool) -> Option<Arc<Contact>> {
        let fixed = self.world.conversations.settings.fixed.iter().enumerate();
        let day = fixed
            .filter(|(place, fixed)| number_of(*place, fixed) == id)
            .find_map(|(_, fixed)| fixed.start_time.parse().ok().map(day_of))
            .unwrap_or(id / NUMBERS_OF_A_DAY);
        // The generator has no days beyond the calendar.
        if !(0..80_000).contains(&day) {
            return None;
        }
        let contacts = self.day(day, transfers);
        contacts.iter().find(|contact| contact.id == id).cloned()
    }

    fn day(&self, day: i64, transfers: bool) -> Arc<Vec<Arc<Contact>>> {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            days.entry((day, transfers))
                .or_insert_with(|| Arc::new(self.make_day(day, transfers))),
        )
    }

    fn make_day(&self, day: i64, transfers: bool) -> Vec<Arc<Contact>> {
        let midnight = |day: i64| Timestamp::from_second(day * 86_400).unwrap_or_default();
        let all = self
            .world
            .conversations
            .between(midnight(day), midnight(day + 1));
        let fixed = &self.world.conversations.settings.fixed;
        let mut contacts = Vec::new();
        for conversation in all {
            let id = &conversation.conversation_id;
            match fixed.iter().position(|it| it.conversation_id == *id) {
                Some(place) => contacts.extend(self.of_fixed(place, &conversation)),
                None => contacts.extend(self.of_generated(day, &conversation, transfers)),
            }
        }
        contacts.sort_by_key(|contact| (contact.start, contact.id));
        contacts.into_iter().map(Arc::new).collect()
    }

    /// Makes the contact of a conversation that the scenario describes. The start of its id chooses the channel.
    fn of_fixed(&self, place: usize, fixed: &Fixed) -> Option<Contact> {
        let channel = match fixed.conversation_id.split('-').next().unwrap_or_default() {
            "chat" => Channel::Chat,
            "bot" => Channel::Bot,
            "oldchat" => Channel::OldChat,
            "mail" => Channel::Mail,
            _ => Channel::Call,
        };
        self.contact_of(number_of(place, fixed), channel, fixed)
    }

    /// Makes the contacts of a generated conversation: two for a call that is transferred, otherwise one.
    fn of_generated(&self, day: i64, conversation: &Fixed, transfers: bool) -> Vec<Contact> {
        let index = conversation
            .conversation_id
            .split('-')
            .nth(1)
            .and_then(|index| i64::from_str_radix(index, 16).ok())
            .unwrap_or(0);
        let channel = match index % 50 {
            7 => Channel::Mail,
            11 => Channel::Bot,
            13 => Channel::OldChat,
            _ if index % 4 == 3 => Channel::Chat,
            _ => Channel::Call,
        };
        // The list of conversations has all lines; only the single conversation says whether there is a transcript.
        let found = self.world.conversations.find(&conversation.conversation_id);
        let id = day * NUMBERS_OF_A_DAY + index * 100;
        let Some(mut contact) =
            self.contact_of(id, channel, &found.unwrap_or_else(|| conversation.clone()))
        else {
            return Vec::new();
        };
        if index % 25 == 5 {
            // The customer did not consent to a recording.
            contact.lines = None;
        }
        if index % 20 == 10 && contact.lines.is_some() {
            contact.language = "es-es";
            let line = |(author, text): (Author, &str)| Line {
                author,
                text: text.to_owned(),
                timestamp: None,
            };
            contact.lines = Some(SPANISH.map(line).into());
        }
        contact.has_segment = !contact.channel.is_digital() || index % 8 == 3;
        if transfers && channel == Channel::Call && index % 20 == 9 {
            return transferred(contact, self.seed);
        }
        vec![contact]
    }

    fn contact_of(&self, id: i64, channel: Channel, conversation: &Fixed) -> Option<Contact> {
        let start: Timestamp = conversation.start_time.parse().ok()?;
        let noise = noise(self.seed, id);
        let seconds = i64::try_from(conversation.duration).ok()?;
        Some(Contact {
            id,
            master_id: id,
            channel,
            start,
            end: start + SignedDuration::from_secs(seconds),
            outcome: conversation.disposition.clone(),
            lines: conversation.lines.clone(),
            language: "en-us",
            agent: &AGENTS[noise as usize % AGENTS.len()],
            skill: &SKILLS[(noise >> 8) as usize % SKILLS.len()],
            has_segment: true,
            noise,
        })
    }
}

/// Splits a call in its middle into two contacts with one master.
fn transferred(contact: Contact, seed: u64) -> Vec<Contact> {
    let length = contact.end.duration_since(contact.start);
    let middle = contact.start + length / 2;
    let id = contact.id + 1;
    let noise = noise(seed, id);
    let is_early = |place: usize, line: &Line| contact.time_of(place, line) < middle;
    let parts = contact.lines.as_ref().map(|lines| {
        let marked = lines.iter().enumerate();
        let (early, late): (Vec<_>, Vec<_>) =
            marked.partition(|(place, line)| is_early(*place, line));
        let texts = |part: Vec<(usize, &Line)>| {
            part.into_iter()
                .map(|(_, line)| line.clone())
                .collect::<Vec<_>>()
        };
        (texts(early), texts(late))
    });
    let (early, late) = parts.unzip();
    let second = Contact {
        id,
        start: middle,
        lines: late,
        agent: &AGENTS[noise as usize % AGENTS.len()],
        noise,
        ..contact.clone()
    };
    let first = Contact {
        end: middle,
        outcome: "transferred".to_owned(),
        lines: early,
        ..contact
    };
    vec![first, second]
}

/// Returns the number of a conversation of the scenario: its id, if that is a number, otherwise one by its place.
fn number_of(place: usize, fixed: &Fixed) -> i64 {
    let id = &fixed.conversation_id;
    match id.parse::<i64>() {
        Ok(number) if number > 0 && id.len() <= 15 => number,
        _ => FIRST_NAMED + place as i64 * 100,
    }
}

fn day_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(86_400)
}
