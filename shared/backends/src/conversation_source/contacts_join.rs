//! Reads the ended contacts that segments and digital contacts belong to, in short windows of time and small pages.

use std::collections::VecDeque;

use cxone::Error;
use cxone::tenant::TenantClient;
use cxone::tenant::contacts::{CompletedContact, LARGEST_PAGE, read_completed};
use insights_http::{AttemptFailure, Deadline, Error as HttpError};
use jiff::{SignedDuration, Timestamp};

/// The longest window of one request: the contact center takes longer the more rows there are.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(6);

/// The smallest page that a list which takes too long is asked for.
const SMALLEST_PAGE: usize = 50;

/// A window of time, of which the contacts are read page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: Timestamp,
    to: Timestamp,
    skip: usize,
}

/// The windows that are to be read.
#[derive(Debug)]
pub(super) struct ContactWindows {
    windows: VecDeque<Window>,
    page_size: usize,
}

impl ContactWindows {
    /// Plans the reading of a period.
    pub(super) fn of_period(from: Timestamp, to: Timestamp) -> Self {
        Self::of_periods(vec![(from, to)])
    }

    /// Plans the reading of several periods; those that overlap are read once.
    pub(super) fn of_periods(mut periods: Vec<(Timestamp, Timestamp)>) -> Self {
        periods.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (from, to) in periods {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        let mut windows = VecDeque::new();
        for (mut from, end) in merged {
            while from < end {
                let to = from.saturating_add(LONGEST_WINDOW).unwrap_or(end).min(end);
                windows.push_back(Window { from, to, skip: 0 });
                from = to;
            }
        }
        Self {
            windows,
            page_size: LARGEST_PAGE,
        }
    }

    /// Returns whether everything is read.
    pub(super) fn is_done(&self) -> bool {
        self.windows.is_empty()
    }

    /// Reads the next page. A page that takes too long is asked for again with half as many rows.
    ///
    /// # Errors
    /// What the request fails with; the same page is asked for again then.
    pub(super) async fn read_next(
        &mut self,
        client: &TenantClient,
        deadline: Deadline,
    ) -> Result<Vec<CompletedContact>, Error> {
        let Some(window) = self.windows.front().copied() else {
            return Ok(Vec::new());
        };
        let top = self.page_size;
        let page = read_completed(client, window.from, window.to, window.skip, top, deadline).await;
        match page {
            Ok(page) => {
                if page.listed < top {
                    self.windows.pop_front();
                } else if let Some(window) = self.windows.front_mut() {
                    window.skip += page.listed;
                }
                Ok(page.contacts)
            }
            Err(error) if took_too_long(&error) && top > SMALLEST_PAGE => {
                self.page_size = (top / 2).max(SMALLEST_PAGE);
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns whether an answer came too late or broke off, as the contact center does with lists that are too long.
fn took_too_long(error: &Error) -> bool {
    matches!(
        error,
        Error::Http(
            HttpError::DeadlineExceeded { .. }
                | HttpError::Unavailable {
                    failure: AttemptFailure::Timeout
                        | AttemptFailure::Connection(_)
                        | AttemptFailure::Status(503 | 504),
                    ..
                }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + hour * 3600).expect("a moment")
    }

    fn hours(windows: &ContactWindows) -> Vec<(i64, i64)> {
        let hour = |moment: Timestamp| (moment.as_second() - 1_795_000_000) / 3600;
        windows
            .windows
            .iter()
            .map(|it| (hour(it.from), hour(it.to)))
            .collect()
    }

    #[test]
    fn a_day_is_read_in_quarters_and_overlapping_periods_once() {
        assert_eq!(
            hours(&ContactWindows::of_period(at(0), at(20))),
            [(0, 6), (6, 12), (12, 18), (18, 20)]
        );
        let several = ContactWindows::of_periods(vec![
            (at(9), at(10)),
            (at(0), at(2)),
            (at(1), at(4)),
            (at(10), at(11)),
        ]);
        assert_eq!(hours(&several), [(0, 4), (9, 11)]);
        assert!(ContactWindows::of_periods(Vec::new()).is_done());
    }
}
