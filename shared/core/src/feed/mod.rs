//! Feeds of finished conversations: reading a list that grows at its end and sometimes behind it, so that every conversation is
//! taken once and none is missed.
//!
//! - A [`FeedCursor`] walks over a list in the order of a date. The cursor of the list is inclusive, several rows may have the
//!   same date, and pages may repeat rows.
//! - A [`KnownConversation`] is what was seen of one conversation. It tells a part that is new, or that was published again, from
//!   one that was seen before, and it says when the conversation's transcript should be asked for.
//!
//! ```
//! use insights_core::feed::{FeedCursor, FeedRow};
//! use jiff::Timestamp;
//!
//! struct Row(&'static str);
//!
//! impl FeedRow for Row {
//!     fn id(&self) -> &str {
//!         self.0
//!     }
//! }
//!
//! let at = |second| Timestamp::from_second(second).expect("a moment");
//! let mut cursor = FeedCursor::starting_at(at(0));
//! let page = cursor.take_page(vec![(at(1), Row("a")), (at(2), Row("b"))], 2, 2);
//! assert_eq!((page.new_rows.len(), page.may_have_more), (2, true));
//!
//! // The next page begins with the last row again, and brings one of the same moment.
//! let page = cursor.take_page(vec![(at(2), Row("b")), (at(2), Row("c"))], 2, 2);
//! assert_eq!(page.new_rows.len(), 1);
//! ```

mod conversation;
mod cursor;

pub use self::conversation::{DeliveryVersion, KnownConversation, NOT_YET_DELAYS};
pub use self::cursor::{FeedCursor, FeedRow, TakenPage};
