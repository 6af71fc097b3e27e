//! A weight matrix of int8, laid out while loading for the processor that will multiply with it.

use super::isa::{ALIGN, Isa, padded};

/// One cache line. Panels start at a cache line, so that no vector load straddles two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([i8; 64]);

/// The int8 weights of a linear layer, `[inputs, outputs]`, with a scale and a bias for each output.
///
/// The outputs form panels of [`ALIGN`]; the last panel is filled up with zeros. Inside a panel, [`Isa::input_group`] inputs of
/// one output lie together, as the processor's dot product instruction reads them.
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
    /// Packs weights that lie in row-major order, `[inputs, outputs]`.
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
        let panel = padded_inputs(isa, inputs) * ALIGN;
        let panels = outputs.div_ceil(ALIGN);
        let mut lines = vec![Line([isa.stored_weight(0); 64]); panels * panel / 64];
        let mut sums = vec![0; panels * ALIGN];
        let group = isa.input_group();
        for (index, panel) in lines
            .as_mut_slice()
            .bytes_mut()
            .chunks_exact_mut(panel)
            .enumerate()
        {
            let first = index * ALIGN;
            let count = ALIGN.min(outputs - first);
            let sums = &mut sums[first..first + count];
            for (input, row) in weights.chunks_exact(outputs).enumerate() {
                let row = &row[first..first + count];
                for (sum, &weight) in sums.iter_mut().zip(row) {
                    *sum += i32::from(weight);
                }
                let places = &mut panel[input / group * group * ALIGN..][..group * ALIGN];
                let places = places.iter_mut().skip(input % group).step_by(group);
                for (place, &weight) in places.zip(row) {
                    *place = isa.stored_weight(weight);
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

    /// Returns the instruction set that the layout is for.
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }
    /// Returns the number of inputs of the layer.
    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }
    /// Returns the number of outputs of the layer.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }
    /// Returns the distance between two rows of the product, in floats: [`Self::outputs`] rounded up to whole panels.
    pub(crate) fn row_stride(&self) -> usize {
        padded(self.outputs)
    }
    /// Returns the distance between two rows of the quantized input, in bytes.
    pub(crate) fn input_stride(&self) -> usize {
        padded_inputs(self.isa, self.inputs)
    }
    /// Returns the packed weights, panel after panel.
    pub(super) fn bytes(&self) -> &[i8] {
        self.lines.as_slice().bytes()
    }
    /// Returns the sum of the weights of each output, which takes the input's zero point out of the product.
    pub(super) fn sums(&self) -> &[i32] {
        &self.sums
    }
    /// Returns the size of one weight step of each output.
    pub(super) fn scales(&self) -> &[f32] {
        &self.scales
    }
    /// Returns the bias of each output.
    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// Rounds the number of inputs up to whole groups, and to whole cache lines of a panel.
fn padded_inputs(isa: Isa, inputs: usize) -> usize {
    inputs.next_multiple_of(isa.input_group().max(4))
}

/// The bytes of a slice of cache lines.
trait FlattenedBytes {
    /// Returns the bytes of all lines as one slice.
    fn bytes(&self) -> &[i8];
    /// Returns the bytes of all lines as one slice that can be written.
    fn bytes_mut(&mut self) -> &mut [i8];
}

impl FlattenedBytes for [Line] {
    fn bytes(&self) -> &[i8] {
        // SAFETY: a Line is 64 bytes of i8 without padding, so n of them are 64 n consecutive, initialized i8.
        unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.len() * 64) }
    }

    fn bytes_mut(&mut self) -> &mut [i8] {
        // SAFETY: as above, and the slice is borrowed for as long as its bytes are.
        unsafe { std::slice::from_raw_parts_mut(self.as_mut_ptr().cast(), self.len() * 64) }
    }
}
