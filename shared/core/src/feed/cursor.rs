//! The cursor of a list in the order of a date, of which each page begins at a date, inclusive.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Number of full pages in a row without anything new after which the list counts as broken.
const MAX_IDLE_PAGES: u32 = 50;

/// A row of a list that is ordered by a date.
pub trait FeedRow {
    /// Returns what tells the row from others of the same date.
    fn id(&self) -> &str;
}

/// Where a walk over a list stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCursor {
    /// The date that the next page begins at, in whole milliseconds.
    at: Timestamp,
    /// The ids of the rows of that date that were taken.
    taken: BTreeSet<String>,
    /// The number of full pages in a row that brought nothing new.
    #[serde(default)]
    idle_pages: u32,
}

/// What a page brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenPage<R> {
    /// The rows that were not taken before, in the order of their dates.
    pub new_rows: Vec<R>,
    /// Whether another page should be asked for now.
    pub may_have_more: bool,
    /// Whether the list gives full pages without anything new, however far the cursor goes.
    pub is_stuck: bool,
}

impl FeedCursor {
    /// Begins a walk at a date, inclusive.
    #[must_use]
    pub fn starting_at(at: Timestamp) -> Self {
        Self {
            at: whole_milliseconds(at),
            taken: BTreeSet::new(),
            idle_pages: 0,
        }
    }

    /// Returns the date that the next page begins at, inclusive.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Takes a page that was asked for at [`FeedCursor::at`]. `listed` is the number of rows in the answer, those among them that
    /// could not be read, and `page_size` the number that was asked for.
    ///
    /// The walk ends with a page that is not full and brings nothing new. A short page that brings something may be short because
    /// the server gives fewer rows than it is asked for. Only where a full page brings nothing new, the cursor goes on by a
    /// millisecond: all rows of that moment are taken, or more than a page holds have the same moment.
    pub fn take_page<R: FeedRow>(
        &mut self,
        mut rows: Vec<(Timestamp, R)>,
        listed: usize,
        page_size: usize,
    ) -> TakenPage<R> {
        for (date, _) in &mut rows {
            *date = whole_milliseconds(*date);
        }
        rows.sort_by_key(|(date, _)| *date);
        let mut new_rows = Vec::new();
        for (date, row) in rows {
            if date < self.at {
                continue;
            }
            if date > self.at {
                self.at = date;
                self.taken.clear();
            }
            if self.taken.insert(row.id().to_owned()) {
                new_rows.push(row);
            }
        }
        let is_full = listed >= page_size.max(1);
        if !new_rows.is_empty() {
            self.idle_pages = 0;
        } else if is_full {
            self.idle_pages += 1;
            self.at = self
                .at
                .saturating_add(SignedDuration::from_millis(1))
                .unwrap_or(self.at);
            self.taken.clear();
        }
        let is_stuck = self.idle_pages >= MAX_IDLE_PAGES;
        TakenPage {
            may_have_more: (is_full || !new_rows.is_empty()) && !is_stuck,
            new_rows,
            is_stuck,
        }
    }
}

/// Returns a moment without what is finer than a millisecond, which no cursor can carry.
fn whole_milliseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Row(String);

    impl FeedRow for Row {
        fn id(&self) -> &str {
            &self.0
        }
    }

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).expect("a moment")
    }

    /// Walks to the end of a list as a server with these rows gives it, and returns the ids in the order in which they came.
    fn walk(rows: &[(i64, Row)], page_size: usize, server_max: usize) -> Vec<String> {
        let mut cursor = FeedCursor::starting_at(at(0));
        let mut ids = Vec::new();
        for _ in 0..10_000 {
            let from = cursor.at().as_millisecond();
            let page: Vec<_> = rows
                .iter()
                .filter(|(date, _)| *date >= from)
                .take(page_size.min(server_max))
                .map(|(date, row)| (at(*date), row.clone()))
                .collect();
            let listed = page.len();
            let taken = cursor.take_page(page, listed, page_size);
            ids.extend(taken.new_rows.into_iter().map(|row| row.0));
            if !taken.may_have_more {
                assert!(!taken.is_stuck);
                return ids;
            }
        }
        panic!("the walk has no end")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn each_row_is_taken_once_where_no_moment_has_more_rows_than_a_page(
            gaps in prop::collection::vec(0_i64..3, 0..80),
            page_size in 6_usize..20,
            server_max in 6_usize..30,
        ) {
            let (mut date, mut ties, mut rows) = (1, 0, Vec::new());
            for (number, gap) in gaps.into_iter().enumerate() {
                // Five rows of a moment fit into the smallest page.
                ties = if gap == 0 { ties + 1 } else { 0 };
                date += if ties > 4 { 1 } else { gap };
                ties = if ties > 4 { 0 } else { ties };
                rows.push((date, Row(format!("r{number}"))));
            }
            let expected: Vec<_> = rows.iter().map(|(_, row)| row.0.clone()).collect();
            prop_assert_eq!(walk(&rows, page_size, server_max), expected);
        }
    }

    #[test]
    fn a_server_that_ignores_the_cursor_is_noticed() {
        let mut cursor = FeedCursor::starting_at(at(10));
        let page = || (0..5).map(|id| (at(5), Row(id.to_string()))).collect();
        let mut pages = 0;
        loop {
            let taken = cursor.take_page(page(), 5, 5);
            pages += 1;
            assert!(taken.new_rows.is_empty());
            if taken.is_stuck {
                assert!(!taken.may_have_more);
                break;
            }
        }
        assert_eq!(pages, MAX_IDLE_PAGES);
    }

    #[test]
    fn more_rows_of_a_moment_than_a_page_holds_do_not_hold_up_the_walk() {
        let mut rows: Vec<_> = (0..7).map(|id| (1, Row(format!("tie{id}")))).collect();
        rows.push((2, Row("later".to_owned())));
        assert!(walk(&rows, 4, 4).contains(&"later".to_owned()));
    }

    #[test]
    fn a_cursor_that_was_stored_goes_on_where_it_was() {
        let mut cursor = FeedCursor::starting_at(at(0));
        cursor.take_page(vec![(at(3), Row("a".to_owned()))], 1, 5);
        let stored = serde_json::to_string(&cursor).expect("JSON");
        let mut read: FeedCursor = serde_json::from_str(&stored).expect("a cursor");
        assert_eq!(read, cursor);
        let taken = read.take_page(
            vec![(at(3), Row("a".to_owned())), (at(3), Row("b".to_owned()))],
            2,
            5,
        );
        assert_eq!(taken.new_rows, [Row("b".to_owned())]);
    }
}
