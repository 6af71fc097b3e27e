//! Sessions against the simulated contact center over real sockets, with a SQLite state and a folder of archives.

mod archives;
mod events;
mod faults;
mod fixture;
mod outbound;
mod pacing;
mod takeover;
