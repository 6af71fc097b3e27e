//! The outbox against a simulated server, over random schedules of sends, echoes, pings, breaks and crashes.

use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::chat::message::Sender;
use proptest::prelude::*;

/// One event of a schedule.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The agent sends a message in this conversation.
    Send(u8),
    /// The session hands up to this many messages to the connection.
    Flush(usize),
    /// The connection writes up to this many of them.
    Write(usize),
    /// The connection writes a ping.
    Ping,
    /// The server reads up to this many frames; it delivers messages, echoes them, and answers pings.
    Serve(usize),
    /// The session receives up to this many frames of the server.
    Receive(usize),
    /// The session removes the notes of acknowledged messages.
    RemoveNotes,
    /// The connection breaks; frames under way in both directions are lost.
    Break,
    /// The session connects, if it is not connected.
    Connect,
    /// The session has read the transcripts.
    ReadTranscripts,
    /// Time passes, in milliseconds.
    Wait(u64),
    /// The session dies, and the next session restores the stored notes.
    Crash,
    /// A session that has handed over takes a message, delivers it or not, and ends without removing the note.
    LeaveNote(bool),
    /// The session reads the notes, and then the transcripts of the messages that it did not know.
    ReadNotes,
}

/// How the server behaves in a schedule.
#[derive(Debug, Clone, Copy)]
struct Server {
    /// Whether the server echoes messages by stream.
    echoes: bool,
    /// Whether the transcripts show delivered messages.
    shows_transcripts: bool,
    /// Whether the session reads the transcripts right after each connect.
    reads_promptly: bool,
}

enum ToServer {
    Message(Message),
    /// A ping, with the number of messages written to the connection before the ping.
    Ping(usize),
}

enum ToSession {
    Echo(Identity),
    Pong(usize),
}

/// A session, its store and the server, as far as outbound messages concern them.
struct World {
    server: Server,
    now: Instant,
    now_ms: i64,
    outbox: Outbox,
    /// The stored notes, in the order of their keys.
    notes: BTreeMap<(i64, Identity), Message>,
    connected: bool,
    connection: u64,
    connected_at: Instant,
    handed: VecDeque<Message>,
    written: Vec<Identity>,
    to_server: VecDeque<ToServer>,
    to_session: VecDeque<ToSession>,
    /// Everything the server read, repeats included.
    delivered: Vec<Message>,
    sent: Vec<Message>,
    /// The connection to which each message was handed last.
    handed_to: HashMap<Identity, u64>,
    /// Messages that were confirmed as not delivered, or whose hold is over, since they were handed over last.
    cleared: HashSet<Identity>,
    /// Messages whose acknowledgement the running session has processed.
    acknowledged: HashSet<Identity>,
}

impl World {
    fn new(server: Server) -> Self {
        let now = Instant::now();
        Self {
            server,
            now,
            now_ms: 1_700_000_000_000,
            outbox: Outbox::new(rate()),
            notes: BTreeMap::new(),
            connected: false,
            connection: 0,
            connected_at: now,
            handed: VecDeque::new(),
            written: Vec::new(),
            to_server: VecDeque::new(),
            to_session: VecDeque::new(),
            delivered: Vec::new(),
            sent: Vec::new(),
            handed_to: HashMap::new(),
            cleared: HashSet::new(),
            acknowledged: HashSet::new(),
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.step(*step));
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send(conversation) => self.send(conversation),
            Step::Flush(most) => self.flush(most),
            Step::Write(most) => self.write(most),
            Step::Ping => self.to_server.push_back(ToServer::Ping(self.written.len())),
            Step::Serve(most) => self.serve(most),
            Step::Receive(most) => self.receive(most),
            Step::RemoveNotes => self.remove_notes(),
            Step::Break => self.break_connection(),
            Step::Connect => self.connect(),
            Step::ReadTranscripts => self.read_transcripts(),
            Step::Wait(ms) => {
                self.now += Duration::from_millis(ms);
                self.now_ms += i64::try_from(ms).unwrap();
            }
            Step::Crash => self.crash(),
            Step::LeaveNote(is_delivered) => self.leave_note(is_delivered),
            Step::ReadNotes => self.read_notes(),
        }
    }

    fn leave_note(&mut self, is_delivered: bool) {
        let message = Message {
            conversation_id: "c-0".into(),
            from: Sender {
                kind: "agent".into(),
                id: "a".into(),
            },
            text: format!("left {}", self.sent.len()),
            timestamp_ms: self.now_ms,
        };
        self.notes
            .insert((message.timestamp_ms, message.identity()), message.clone());
        self.sent.push(message.clone());
        if is_delivered {
            self.delivered.push(message);
        }
    }

    fn read_notes(&mut self) {
        let noted = self.notes.values().cloned().collect();
        if !self.outbox.adopt(noted, self.now).is_empty() && self.server.reads_promptly {
            self.read_transcripts();
        }
    }

    fn send(&mut self, conversation: u8) {
        let message = Message {
            conversation_id: format!("c-{conversation}"),
            from: Sender {
                kind: "agent".into(),
                id: "a".into(),
            },
            // The same text each time: only the timestamp tells the messages apart.
            text: "hello".into(),
            timestamp_ms: self.outbox.next_timestamp_ms(self.now_ms),
        };
        self.notes
            .insert((message.timestamp_ms, message.identity()), message.clone());
        self.sent.push(message.clone());
        self.outbox.enqueue(message);
    }

    fn flush(&mut self, most: usize) {
        if self.connected && self.now >= self.connected_at + RECONNECT_HOLD {
            self.clear_earlier_connections();
        }
        let room = if self.connected { most } else { 0 };
        for message in self.outbox.take_due(self.now, room) {
            let identity = message.identity();
            if let Some(earlier) = self.handed_to.insert(identity, self.connection) {
                assert!(earlier < self.connection, "sent twice over one connection");
                assert!(
                    !self.acknowledged.contains(&identity),
                    "sent again although it was acknowledged"
                );
                assert!(
                    self.cleared.remove(&identity),
                    "sent again before the transcripts were read or the hold was over"
                );
            }
            self.handed.push_back(message);
        }
    }

    fn write(&mut self, most: usize) {
        for _ in 0..most {
            let Some(message) = self.handed.pop_front() else {
                return;
            };
            self.outbox.on_written(&message.identity());
            self.written.push(message.identity());
            self.to_server.push_back(ToServer::Message(message));
        }
    }

    fn serve(&mut self, most: usize) {
        for _ in 0..most {
            match self.to_server.pop_front() {
                Some(ToServer::Message(message)) => {
                    if self.server.echoes {
                        self.to_session
                            .push_back(ToSession::Echo(message.identity()));
                    }
                    self.delivered.push(message);
                }
                Some(ToServer::Ping(count)) => self.to_session.push_back(ToSession::Pong(count)),
                None => return,
            }
        }
    }

    fn receive(&mut self, most: usize) {
        for _ in 0..most {
            match self.to_session.pop_front() {
                Some(ToSession::Echo(identity)) => self.show(identity),
                Some(ToSession::Pong(count)) => {
                    self.outbox.on_ping_answered(&self.written[..count]);
                    self.acknowledged.extend(&self.written[..count]);
                }
                None => return,
            }
        }
    }

    /// The stream or a transcript shows a message. One whose note the session has not read yet means nothing to the outbox, and is no
    /// acknowledgement.
    fn show(&mut self, identity: Identity) {
        if self.outbox.is_known(&identity) {
            self.acknowledged.insert(identity);
        }
        self.outbox.on_received(&identity);
    }

    fn remove_notes(&mut self) {
        for message in self.outbox.take_acknowledged() {
            self.notes
                .remove(&(message.timestamp_ms, message.identity()));
        }
    }

    fn break_connection(&mut self) {
        self.connected = false;
        self.handed.clear();
        self.written.clear();
        self.to_server.clear();
        self.to_session.clear();
    }

    fn connect(&mut self) {
        if self.connected {
            return;
        }
        self.connected = true;
        self.connection += 1;
        self.connected_at = self.now;
        self.outbox.on_connected(self.connection, self.now);
        if self.server.reads_promptly {
            self.read_transcripts();
        }
    }

    fn read_transcripts(&mut self) {
        if !self.connected {
            return;
        }
        if self.server.shows_transcripts {
            let shown: Vec<Identity> = self.delivered.iter().map(Message::identity).collect();
            shown.into_iter().for_each(|identity| self.show(identity));
        }
        self.outbox.on_transcripts_read(self.connection);
        self.clear_earlier_connections();
    }

    fn clear_earlier_connections(&mut self) {
        let earlier = self
            .handed_to
            .iter()
            .filter(|(_, connection)| **connection < self.connection);
        self.cleared.extend(earlier.map(|(identity, _)| *identity));
    }

    /// The next session knows the stored notes and nothing else. It begins after the last message of the session that died: within
    /// the same millisecond, two messages of one text would be one.
    fn crash(&mut self) {
        self.break_connection();
        let last = self.sent.iter().map(|message| message.timestamp_ms).max();
        self.now_ms = self.now_ms.max(last.map_or(0, |last| last + 1));
        self.outbox = Outbox::new(rate());
        self.outbox.restore(self.notes.values().cloned().collect());
        self.acknowledged
            .retain(|identity| !self.notes.keys().any(|(_, noted)| noted == identity));
    }

    /// Lets everything arrive, and returns whether the outbox has come to rest.
    fn settle(&mut self) -> bool {
        for _ in 0..2000 {
            self.connect();
            self.flush(16);
            self.write(16);
            self.step(Step::Ping);
            self.serve(usize::MAX);
            self.receive(usize::MAX);
            self.remove_notes();
            self.read_notes();
            if self.notes.is_empty() {
                return true;
            }
            if let Some(due) = self.outbox.next_due(self.now, 16) {
                self.now = self.now.max(due);
            }
        }
        false
    }

    /// What the server shows after it has dropped the repeats of the same identity.
    fn unique(&self) -> Vec<&Message> {
        let mut seen = HashSet::new();
        self.delivered
            .iter()
            .filter(|message| seen.insert(message.identity()))
            .collect()
    }
}

fn rate() -> Rate {
    Rate::new(20.0, 3).unwrap()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0u8..3).prop_map(Step::Send),
        6 => (1usize..5).prop_map(Step::Flush),
        6 => (1usize..5).prop_map(Step::Write),
        3 => Just(Step::Ping),
        5 => (1usize..6).prop_map(Step::Serve),
        5 => (1usize..6).prop_map(Step::Receive),
        3 => Just(Step::RemoveNotes),
        2 => Just(Step::Break),
        5 => Just(Step::Connect),
        2 => Just(Step::ReadTranscripts),
        4 => (1u64..4000).prop_map(Step::Wait),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..200)
}

/// Steps in which sessions that have handed over leave notes.
fn steps_with_left_notes() -> impl Strategy<Value = Vec<Step>> {
    let left = prop_oneof![
        any::<bool>().prop_map(Step::LeaveNote),
        Just(Step::ReadNotes)
    ];
    let left = prop::collection::vec(left, 0..20);
    (steps(), left, any::<prop::sample::Index>()).prop_map(|(mut steps, left, at)| {
        let spread = at.index(7) + 1;
        for (number, step) in left.into_iter().enumerate() {
            steps.insert((number * spread).min(steps.len()), step);
        }
        steps
    })
}

fn servers() -> impl Strategy<Value = Server> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(echoes, shows_transcripts, reads_promptly)| Server {
            echoes,
            shows_transcripts,
            reads_promptly,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn each_message_arrives_in_order_and_is_repeated_only_as_documented(steps in steps(), server in servers()) {
        let mut world = World::new(server);
        // The reasons for which a message may be sent again are asserted in `flush`.
        world.steps(&steps);
        prop_assert!(world.settle(), "some messages never arrive");
        for conversation in 0..3 {
            let id = format!("c-{conversation}");
            let of = |message: &&Message| message.conversation_id == id;
            let arrived: Vec<&Message> = world.unique().into_iter().filter(of).collect();
            let sent: Vec<&Message> = world.sent.iter().filter(of).collect();
            prop_assert_eq!(arrived, sent);
        }
    }

    #[test]
    fn with_readable_transcripts_nothing_is_sent_twice(steps in steps(), echoes in any::<bool>()) {
        let mut world = World::new(Server { echoes, shows_transcripts: true, reads_promptly: true });
        world.steps(&steps);
        prop_assert!(world.settle(), "some messages never arrive");
        prop_assert_eq!(world.delivered.len(), world.sent.len());
    }

    #[test]
    fn what_another_session_left_arrives_as_well(steps in steps_with_left_notes(), server in servers()) {
        let mut world = World::new(server);
        world.steps(&steps);
        prop_assert!(world.settle(), "some messages never arrive");
        let arrived: HashSet<Identity> = world.unique().into_iter().map(Message::identity).collect();
        let sent: HashSet<Identity> = world.sent.iter().map(Message::identity).collect();
        prop_assert_eq!(arrived, sent);
    }

    #[test]
    fn with_readable_transcripts_nothing_that_another_session_left_is_sent_twice(steps in steps_with_left_notes(), echoes in any::<bool>()) {
        let mut world = World::new(Server { echoes, shows_transcripts: true, reads_promptly: true });
        world.steps(&steps);
        prop_assert!(world.settle(), "some messages never arrive");
        prop_assert_eq!(world.delivered.len(), world.sent.len());
    }
}

fn world(steps: &[Step]) -> World {
    let mut world = World::new(Server {
        echoes: true,
        shows_transcripts: false,
        reads_promptly: false,
    });
    world.steps(steps);
    world
}

const DELIVERED: [Step; 5] = [
    Step::Connect,
    Step::Send(0),
    Step::Flush(1),
    Step::Write(1),
    Step::Serve(1),
];

#[test]
fn a_message_whose_echo_came_before_the_break_is_not_sent_again() {
    let mut world = world(&DELIVERED);
    world.step(Step::Receive(1));
    world.step(Step::Break);
    assert!(world.settle());
    assert_eq!(world.delivered.len(), 1);
    assert_eq!(world.outbox.sent(), 1);
}

#[test]
fn a_message_whose_echo_was_lost_is_sent_again_after_the_hold() {
    let mut world = world(&DELIVERED);
    world.step(Step::Break);
    world.step(Step::Connect);
    let (now, hold) = (world.now, world.now + RECONNECT_HOLD);
    assert_eq!(world.outbox.next_due(now, 1), Some(hold));
    assert!(world.outbox.take_due(now, 1).is_empty());
    assert!(world.settle());
    assert_eq!((world.delivered.len(), world.unique().len()), (2, 1));
    assert_eq!(world.outbox.sent(), 1, "it is counted once");
}

#[test]
fn a_message_that_the_transcript_shows_is_not_sent_again() {
    let mut world = world(&DELIVERED);
    world.server.shows_transcripts = true;
    world.steps(&[Step::Break, Step::Connect, Step::ReadTranscripts]);
    assert!(world.settle());
    assert_eq!(world.delivered.len(), 1);
}

#[test]
fn transcripts_read_for_an_earlier_connection_do_not_end_the_hold() {
    let mut world = world(&DELIVERED);
    world.steps(&[Step::Break, Step::Connect, Step::Break, Step::Connect]);
    world.outbox.on_transcripts_read(world.connection - 1);
    assert!(world.outbox.take_due(world.now, 1).is_empty());
    world.outbox.on_transcripts_read(world.connection);
    assert_eq!(world.outbox.take_due(world.now, 1).len(), 1);
}

#[test]
fn a_hold_that_is_over_while_the_stream_is_down_starts_again() {
    let mut world = world(&DELIVERED);
    world.steps(&[
        Step::Break,
        Step::Connect,
        Step::Break,
        Step::Wait(6000),
        Step::Flush(1),
        Step::Connect,
    ]);
    let hold = world.now + RECONNECT_HOLD;
    assert_eq!(world.outbox.next_due(world.now, 1), Some(hold));
    assert!(world.outbox.take_due(world.now, 1).is_empty());
}

#[test]
fn echoes_after_the_answer_to_a_ping_are_recognized_once() {
    let mut world = world(&DELIVERED);
    world.steps(&[Step::Send(0), Step::Flush(1), Step::Write(1)]);
    let identities = [world.sent[0].identity(), world.sent[1].identity()];
    world.outbox.on_ping_answered(&identities);
    for identity in &identities {
        assert!(world.outbox.on_received(identity));
        assert!(!world.outbox.on_received(identity), "a repeat");
    }
    assert_eq!(world.outbox.take_acknowledged().len(), 2);
}

#[test]
fn an_archived_conversation_gives_up_its_unacknowledged_messages_only() {
    let mut world = world(&DELIVERED);
    world.send(0);
    world.send(1);
    world.outbox.discard_outbound("c-0");
    assert_eq!(world.outbox.take_acknowledged().len(), 1);
    assert_eq!(world.outbox.take_due(world.now, 9).len(), 2);
}

#[test]
fn queues_are_bounded() {
    let mut outbox = Outbox::new(Rate::new(1e6, 1_000_000).unwrap());
    let mut world = World::new(Server {
        echoes: false,
        shows_transcripts: false,
        reads_promptly: false,
    });
    while !world.outbox.is_full() {
        world.send(0);
    }
    assert_eq!(world.sent.len(), QUEUE_LIMIT);
    world.send(0);
    outbox.restore(world.sent.clone());
    outbox.on_connected(1, world.now);
    outbox.on_transcripts_read(1);
    for message in outbox.take_due(world.now, usize::MAX) {
        outbox.on_written(&message.identity());
    }
    let given_up: Vec<i64> = outbox
        .take_acknowledged()
        .iter()
        .map(|message| message.timestamp_ms)
        .collect();
    assert_eq!(given_up, [world.sent[0].timestamp_ms], "the oldest");
}

#[test]
fn an_adopted_message_waits_for_the_transcripts_and_goes_before_later_ones() {
    let mut world = world(&[Step::Connect, Step::LeaveNote(false), Step::Wait(5)]);
    world.step(Step::Send(0));
    world.step(Step::ReadNotes);
    assert!(world.outbox.take_due(world.now, 2).is_empty(), "held");
    world.step(Step::ReadTranscripts);
    let due = world.outbox.take_due(world.now, 2);
    assert_eq!(due, world.sent);
}

#[test]
fn a_note_of_a_message_that_a_ping_acknowledged_is_removed_again() {
    let mut world = world(&DELIVERED);
    let noted: Vec<Message> = world.sent.clone();
    world.steps(&[Step::Ping, Step::Serve(1)]);
    world.to_session.pop_front();
    world.step(Step::Receive(1));
    assert_eq!(world.outbox.take_acknowledged(), noted);
    assert!(world.outbox.adopt(noted.clone(), world.now).is_empty());
    assert_eq!(world.outbox.take_acknowledged(), noted);
    assert_eq!(world.outbox.next_due(world.now, 1), None);
}

#[test]
fn nothing_is_adopted_while_the_outbox_waits_for_transcripts() {
    let mut world = world(&DELIVERED);
    world.steps(&[Step::Break, Step::Connect, Step::LeaveNote(false)]);
    let noted: Vec<Message> = world.notes.values().cloned().collect();
    assert!(world.outbox.adopt(noted.clone(), world.now).is_empty());
    world.step(Step::ReadTranscripts);
    assert_eq!(world.outbox.adopt(noted, world.now), world.sent[1..]);
}
