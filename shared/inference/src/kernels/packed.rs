//! A weight matrix of int8, laid out once for the processor that will multiply with it.

use super::{ALIGN, Isa, padded};

/// One cache line: panels start on one, so that no vector load straddles two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([i8; 64]);

/// `[inputs, outputs]` int8 weights with a scale and a bias for each output.
///
/// Outputs are in panels of [`ALIGN`], the last one filled up with zeros. Inside a panel, [`Isa::group`] inputs of one
/// output lie together, as the processor's dot product instruction reads them.
pub(crate) struct PackedMatrix {
    isa: Isa,
    inputs: usize,
    outputs: usize,
    lines: Vec<Line>,
    sums: Vec<i32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

impl PackedMatrix {
    /// Packs row-major `[inputs, outputs]` weights.
    ///
    /// # Panics
    /// If a length does not fit `inputs` and `outputs`.
    pub(crate) fn new(
        isa: Isa,
        inputs: usize,
        weights: &[i8],
        scales: &[f32],
        bias: &[f32],
    ) -> Self {
        let outputs = scales.len();
        assert_eq!(
            weights.len(),
            inputs * outputs,
            "weights are not [inputs, outputs]"
        );
        assert_eq!(bias.len(), outputs, "one bias an output");
        let panel = padded_inputs(inputs) * ALIGN;
        let panels = outputs.div_ceil(ALIGN);
        let mut lines = vec![Line([isa.stored(0); 64]); panels * panel / 64];
        let mut sums = vec![0; panels * ALIGN];
        for (index, lines) in lines.chunks_exact_mut(panel / 64).enumerate() {
            let first = index * ALIGN;
            let count = ALIGN.min(outputs - first);
            let sums = &mut sums[first..first + count];
            for (input, row) in weights.chunks_exact(outputs).enumerate() {
                let row = &row[first..first + count];
                for (sum, &weight) in sums.iter_mut().zip(row) {
                    *sum += i32::from(weight);
                }
                let group = isa.group();
                let start = input / group * group * ALIGN + input % group;
                let line = &mut lines[start / 64].0;
                for (output, &weight) in row.iter().enumerate() {
                    line[start % 64 + output * group] = isa.stored(weight);
                }
            }
        }
        let fill = |values: &[f32]| {
            let mut values = values.to_vec();
            values.resize(panels * ALIGN, 0.0);
            values
        };
        Self {
            isa,
            inputs,
            outputs,
            lines,
            sums,
            scales: fill(scales),
            bias: fill(bias),
        }
    }

    /// The instruction set that the layout is for.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }
    /// Inputs of the layer.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }
    /// Outputs of the layer.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }
    /// The distance between rows of the product: [`Self::outputs`] filled up to whole panels.
    pub(crate) fn row_stride(&self) -> usize {
        padded(self.outputs)
    }
    /// The distance between rows of the quantised input.
    pub(crate) fn input_stride(&self) -> usize {
        padded_inputs(self.inputs)
    }
    /// The packed weights.
    pub(super) fn bytes(&self) -> &[i8] {
        self.lines.as_flattened_bytes()
    }
    /// For each output, the sum of its weights, which takes the input's zero point out of the product.
    pub(super) fn sums(&self) -> &[i32] {
        &self.sums
    }
    /// For each output, the size of one weight step.
    pub(super) fn scales(&self) -> &[f32] {
        &self.scales
    }
    /// For each output, what is added.
    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// Inputs filled up to whole groups of 4, which every instruction set's layout divides.
pub(super) fn padded_inputs(inputs: usize) -> usize {
    inputs.next_multiple_of(4)
}

trait FlattenedBytes {
    fn as_flattened_bytes(&self) -> &[i8];
}

impl FlattenedBytes for [Line] {
    fn as_flattened_bytes(&self) -> &[i8] {
        // SAFETY: a Line is 64 bytes of i8 without padding, so n of them are 64 n consecutive, initialised i8.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len() * 64) }
    }
}
