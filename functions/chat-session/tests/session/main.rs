//! Sessions against the simulated contact centre over real sockets, with a SQLite state and a folder of archives.

mod archives;
mod events;
mod faults;
mod outbound;
mod pace;
mod rig;
mod takeover;
