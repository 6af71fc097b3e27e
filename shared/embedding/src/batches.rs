//! Batches of texts: as few requests to a service as its limits of texts and tokens allow.

use std::ops::Range;

/// Splits texts, given by their token counts, into consecutive batches of at most `max_inputs` texts and `max_tokens`
/// tokens.
///
/// A text that is above the limit alone is a batch of its own, which the service refuses.
#[must_use]
pub fn split_into_batches(
    tokens: &[usize],
    max_inputs: usize,
    max_tokens: usize,
) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut sum = 0;
    for (index, count) in tokens.iter().enumerate() {
        match batches.last_mut() {
            Some(last) if last.len() < max_inputs && sum + count <= max_tokens => {
                last.end = index + 1;
                sum += count;
            }
            _ => {
                batches.push(index..index + 1);
                sum = *count;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_the_order_stays() {
        assert_eq!(
            split_into_batches(&[1; 450], 200, 8000),
            [0..200, 200..400, 400..450]
        );
        assert_eq!(
            split_into_batches(&[4000, 4000, 1, 7999, 2], 200, 8000),
            [0..2, 2..4, 4..5]
        );
        assert_eq!(
            split_into_batches(&[1, 9000, 1], 200, 8000),
            [0..1, 1..2, 2..3]
        );
        assert!(split_into_batches(&[], 200, 8000).is_empty());
    }
}
