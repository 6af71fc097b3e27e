//! Quantized input in a form that the 8-bit multiply-add of AVX2 takes without saturating.
//!
//! The instruction `vpmaddubsw` multiplies unsigned bytes with signed bytes and adds pairs of products in 16 bits. The weights,
//! raised by 128, are the unsigned side, so that a pair of inputs with `|a| + |b| <= 64` gives at most 64 * 255, and two such
//! pairs fit 16 bits whatever the weights are. The inputs are taken relative to their zero point, near which most activations
//! of an encoder lie. A few in a hundred are larger; their excess is kept apart and multiplied in further steps.

/// Number of inputs that are multiplied in one step: two pairs.
pub(super) const STEP: usize = 4;
/// Largest `|a| + |b|` of a pair, if the products of two steps are added in 16 bits.
pub(super) const MAX_PAIR_OF_TWO_STEPS: i16 = 64;
/// Largest `|a| + |b|` of a pair, if the products of each step are widened alone: the largest signed byte.
const MAX_PAIR_OF_ONE_STEP: i16 = 127;

/// Rows of input less their zero point. No pair of a step is further from zero than [`MAX_PAIR_OF_TWO_STEPS`]; the excess is kept
/// beside the rows.
#[derive(Debug, Default)]
pub(crate) struct BalancedInput {
    stride: usize,
    values: Vec<i8>,
    /// Sum of each row with its excess.
    sums: Vec<i32>,
    excess: Vec<Excess>,
    /// End of each row's part of `excess`.
    ends: Vec<usize>,
}

/// The excess of one step of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Excess {
    pub(super) step: usize,
    pub(super) values: [i8; STEP],
}

impl BalancedInput {
    /// Makes room for `rows` rows of `stride` values.
    pub(super) fn start(&mut self, rows: usize, stride: usize) {
        self.stride = stride;
        self.values.resize(rows * stride, 0);
        self.sums.clear();
        self.excess.clear();
        self.ends.clear();
    }

    /// Returns the values of a row, to be written, and the list to which the excess is added.
    pub(super) fn row_mut(&mut self, row: usize) -> (&mut [i8], &mut Vec<Excess>) {
        let values = &mut self.values[row * self.stride..][..self.stride];
        (values, &mut self.excess)
    }

    /// Ends the row that was written, which has this sum.
    pub(super) fn end_row(&mut self, sum: i32) {
        self.sums.push(sum);
        self.ends.push(self.excess.len());
    }

    /// Returns the number of values of a row.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Returns the values of a range of rows.
    pub(super) fn values(&self, rows: std::ops::Range<usize>) -> &[i8] {
        &self.values[rows.start * self.stride..rows.end * self.stride]
    }

    /// Returns the sum of a row with its excess.
    pub(super) fn sum(&self, row: usize) -> i32 {
        self.sums[row]
    }

    /// Returns the excess of a row.
    pub(super) fn excess(&self, row: usize) -> &[Excess] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.excess[start..self.ends[row]]
    }
}

/// Splits the inputs of one step into values whose products may be added to those of another step, and the excess.
pub(super) fn split(
    step: usize,
    mut left: [i16; STEP],
    values: &mut [i8; STEP],
    excess: &mut Vec<Excess>,
) {
    *values = take(&mut left, MAX_PAIR_OF_TWO_STEPS);
    while left != [0; STEP] {
        excess.push(Excess {
            step,
            values: take(&mut left, MAX_PAIR_OF_ONE_STEP),
        });
    }
}

/// Takes from each pair as much as `most` allows, and leaves the rest in `left`.
fn take(left: &mut [i16; STEP], most: i16) -> [i8; STEP] {
    let mut taken = [0; STEP];
    for (left, taken) in left
        .as_chunks_mut::<2>()
        .0
        .iter_mut()
        .zip(taken.as_chunks_mut::<2>().0)
    {
        let mut room = most;
        for (left, taken) in left.iter_mut().zip(taken) {
            let part = (*left).clamp(-room, room);
            room -= part.abs();
            *left -= part;
            *taken = i8::try_from(part).unwrap_or_default();
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_split_adds_up_and_stays_in_its_bounds() {
        let sizes = [
            -255, -200, -128, -65, -64, -33, -1, 0, 1, 32, 64, 65, 127, 128, 255,
        ];
        for a in sizes {
            for b in sizes {
                let whole = [a, b, b, a];
                let (mut values, mut excess) = ([0; STEP], Vec::new());
                split(7, whole, &mut values, &mut excess);
                let mut sum = values.map(i16::from);
                assert!(size(values) <= MAX_PAIR_OF_TWO_STEPS);
                for Excess { step, values } in excess {
                    assert!(step == 7 && size(values) <= MAX_PAIR_OF_ONE_STEP);
                    for (sum, value) in sum.iter_mut().zip(values) {
                        *sum += i16::from(value);
                    }
                }
                assert_eq!(sum, whole);
            }
        }
    }

    #[test]
    fn the_bounds_fit_16_bits_with_every_weight() {
        let most = |pair: i16, steps: i32| steps * i32::from(pair) * 255;
        for largest in [
            most(MAX_PAIR_OF_TWO_STEPS, 2),
            most(MAX_PAIR_OF_ONE_STEP, 1),
        ] {
            assert!(i16::try_from(largest).is_ok(), "{largest}");
        }
    }

    fn size(values: [i8; STEP]) -> i16 {
        let pair = |values: &[i8; 2]| values.iter().map(|v| i16::from(*v).abs()).sum::<i16>();
        values
            .as_chunks::<2>()
            .0
            .iter()
            .map(pair)
            .max()
            .unwrap_or_default()
    }
}
