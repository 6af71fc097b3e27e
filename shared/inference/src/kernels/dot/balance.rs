//! Quantised input as the 8-bit multiply-add of AVX2 can take it without saturating.
//!
//! `vpmaddubsw` multiplies unsigned with signed bytes and adds pairs of products in 16 bits. Weights are the unsigned side
//! here, raised by 128, so that a pair of inputs with `|a| + |b| <= 64` gives at most 64 * 255, and two such pairs fit 16
//! bits whatever the weights are. Inputs are taken from their zero point, where an encoder's activations crowd: a few in a
//! hundred are larger, and what is too large of them is kept apart, to be multiplied in further steps.

/// Inputs that are multiplied in one step: two pairs.
pub(super) const STEP: usize = 4;
/// How far from zero a pair may be in total, if the products of two steps are added in 16 bits.
pub(super) const PAIR_OF_TWO: i16 = 64;
/// The same, if each step's products are widened by themselves; what fits a signed byte.
const PAIR_OF_ONE: i16 = 127;

/// Rows of input less their zero point, no pair of a step further from zero than [`PAIR_OF_TWO`], and the rest.
#[derive(Debug, Default)]
pub(crate) struct Balanced {
    stride: usize,
    values: Vec<i8>,
    /// The sum of a row, rest included.
    sums: Vec<i32>,
    rest: Vec<Rest>,
    /// Where each row's rest ends.
    ends: Vec<usize>,
}

/// What one step of a row has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) step: usize,
    pub(super) values: [i8; STEP],
}

impl Balanced {
    /// Makes room for rows of `stride` values.
    pub(super) fn start(&mut self, rows: usize, stride: usize) {
        self.stride = stride;
        self.values.resize(rows * stride, 0);
        self.sums.clear();
        self.rest.clear();
        self.ends.clear();
    }

    /// The values of a row, to be written, and where what is too large goes.
    pub(super) fn row_mut(&mut self, row: usize) -> (&mut [i8], &mut Vec<Rest>) {
        let values = &mut self.values[row * self.stride..][..self.stride];
        (values, &mut self.rest)
    }

    /// The row that was written has this sum.
    pub(super) fn end_row(&mut self, sum: i32) {
        self.sums.push(sum);
        self.ends.push(self.rest.len());
    }

    /// Values of a row.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The values of so many rows.
    pub(super) fn values(&self, rows: std::ops::Range<usize>) -> &[i8] {
        &self.values[rows.start * self.stride..rows.end * self.stride]
    }

    /// The sum of a row.
    pub(super) fn sum(&self, row: usize) -> i32 {
        self.sums[row]
    }

    /// What was too large in a row.
    pub(super) fn rest(&self, row: usize) -> &[Rest] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.rest[start..self.ends[row]]
    }
}

/// Splits one step: what may be added to another step's products, and the rest.
pub(super) fn split(
    step: usize,
    mut left: [i16; STEP],
    values: &mut [i8; STEP],
    rest: &mut Vec<Rest>,
) {
    *values = take(&mut left, PAIR_OF_TWO);
    while left != [0; STEP] {
        rest.push(Rest {
            step,
            values: take(&mut left, PAIR_OF_ONE),
        });
    }
}

/// Takes from each pair as much as `most` allows.
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
                let (mut values, mut rest) = ([0; STEP], Vec::new());
                split(7, whole, &mut values, &mut rest);
                let mut sum = values.map(i16::from);
                assert!(size(values) <= PAIR_OF_TWO);
                for Rest { step, values } in rest {
                    assert!(step == 7 && size(values) <= PAIR_OF_ONE);
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
        for largest in [most(PAIR_OF_TWO, 2), most(PAIR_OF_ONE, 1)] {
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
