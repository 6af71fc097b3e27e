//! The progress of a run, for whoever watches it.

/// A step that a run has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// One more page of the list of conversations was read.
    Listing {
        /// Conversations listed so far.
        conversations: usize,
    },
    /// The list of conversations is complete.
    Listed {
        /// Total number of conversations.
        conversations: usize,
    },
    /// One more transcript was fetched, or was stored already.
    Fetched {
        /// Transcripts fetched so far.
        done: usize,
        /// Total number of transcripts to fetch.
        total: usize,
    },
    /// The contact center is out of reach or asks to wait, and is asked again after a pause.
    Waiting,
    /// All transcripts are fetched; the topics, figures and plots are being computed.
    Reporting,
    /// Everything is computed; the files of the report are being written.
    Writing,
}
