//! Sessions against the simulated contact center over real sockets, with a SQLite state and a folder of archives.

mod archives;
mod board_rows;
mod events;
mod faults;
mod faulty_state;
mod fixture;
mod invocations;
mod matrix;
mod notices;
mod outbound;
mod pacing;
mod recovery;
mod reopening;
mod rules;
mod signals;
mod store_faults;
mod takeover;
