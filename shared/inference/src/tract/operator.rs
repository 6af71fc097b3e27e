//! The kernels of this crate as operators of tract.

use std::cell::RefCell;
use std::sync::Arc;

use tract_onnx::tract_hir::internal::*;

use super::attention::AttentionKernel;
use crate::kernels::{self, ALIGN, BalancedInput, Isa, PackedMatrix};

/// An operator that a kernel of this crate computes. Its inputs are tensors of floats, but for a mask that chooses.
#[derive(Debug, Clone)]
pub(super) struct KernelOperator {
    isa: Isa,
    kernel: Arc<Kernel>,
}

/// What a [`KernelOperator`] computes.
pub(super) enum Kernel {
    /// Quantizes the input as `DynamicQuantizeLinear` does, and multiplies it with the weights of each layer. Each layer has an output.
    Linear(Vec<LinearLayer>),
    /// Replaces each value with its Gaussian error linear unit.
    Gelu,
    /// Normalizes each row along the last dimension.
    LayerNorm {
        gamma: Vec<f32>,
        beta: Vec<f32>,
        epsilon: f32,
    },
    /// Mixes the values of each head by the softmax of its scores.
    Attention(AttentionKernel),
}

/// The weights of a linear layer.
pub(super) struct LinearLayer {
    /// Weights as signed bytes, their scales and the bias.
    pub(super) matrix: PackedMatrix,
    /// For each output, what the zero point of the signed weights is off from 0, times the scale of the weights; empty if all are 0.
    pub(super) zero_points: Vec<f32>,
}

/// The buffers of [`Kernel::Linear`], kept from call to call.
#[derive(Default)]
struct Scratch {
    bytes: Vec<u8>,
    balanced: BalancedInput,
    rows: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl KernelOperator {
    /// Returns the operator of a kernel.
    pub(super) fn new(isa: Isa, kernel: Kernel) -> Self {
        let kernel = Arc::new(kernel);
        Self { isa, kernel }
    }

    /// Returns whether the kernel multiplies integers, which takes most of a model's time.
    pub(super) fn is_product(&self) -> bool {
        matches!(&*self.kernel, Kernel::Linear(_))
    }

    /// Returns the number of inputs.
    fn input_count(&self) -> usize {
        match &*self.kernel {
            Kernel::Linear(_) | Kernel::Gelu | Kernel::LayerNorm { .. } => 1,
            Kernel::Attention(attention) => attention.input_count(),
        }
    }

    /// Returns the number of values in the last dimension of each output; `None` where it is that of the input.
    fn output_widths(&self) -> Vec<Option<usize>> {
        match &*self.kernel {
            Kernel::Linear(layers) => layers.iter().map(|l| Some(l.matrix.outputs())).collect(),
            Kernel::Gelu | Kernel::LayerNorm { .. } | Kernel::Attention(_) => vec![None],
        }
    }

    fn label(&self) -> &'static str {
        match &*self.kernel {
            Kernel::Linear(_) => "KernelLinear",
            Kernel::Gelu => "KernelGelu",
            Kernel::LayerNorm { .. } => "KernelLayerNorm",
            Kernel::Attention(_) => "KernelAttention",
        }
    }

    fn run(&self, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        ensure!(
            inputs.len() == self.input_count(),
            "{} inputs",
            inputs.len()
        );
        match &*self.kernel {
            Kernel::Attention(attention) => attention.run(self.isa, &inputs),
            Kernel::Linear(layers) => self.multiply(layers, &inputs[0]),
            Kernel::Gelu => in_place(inputs, |values| {
                let (whole, rest) = values.split_at_mut(values.len() / ALIGN * ALIGN);
                kernels::gelu(self.isa, whole);
                let mut padded = [0.0; ALIGN];
                padded[..rest.len()].copy_from_slice(rest);
                kernels::gelu(self.isa, &mut padded);
                rest.copy_from_slice(&padded[..rest.len()]);
            }),
            Kernel::LayerNorm {
                gamma,
                beta,
                epsilon,
            } => {
                ensure!(
                    inputs[0].shape().last() == Some(&gamma.len()),
                    "rows of another length are normalized"
                );
                in_place(inputs, |values| {
                    kernels::add_and_normalize(self.isa, values, None, gamma, beta, *epsilon);
                })
            }
        }
    }

    fn multiply(&self, layers: &[LinearLayer], input: &TValue) -> TractResult<TVec<TValue>> {
        let values = input.try_as_plain_ram()?.as_slice::<f32>()?;
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.bytes.resize(values.len(), 0);
            let params = kernels::quantize(self.isa, values, &mut scratch.bytes);
            let layer = |layer: &LinearLayer| {
                let matrix = &layer.matrix;
                ensure!(
                    input.shape().last() == Some(&matrix.inputs()),
                    "rows of another length are multiplied"
                );
                let rows = values.len() / matrix.inputs();
                let (width, stride) = (matrix.outputs(), matrix.row_stride());
                scratch.rows.resize(rows * stride, 0.0);
                let mut shape: TVec<usize> = input.shape().into();
                shape.pop();
                shape.push(width);
                let mut output = Tensor::zero::<f32>(&shape)?;
                let mut view = output.try_as_plain_ram_mut()?;
                let out = view.as_slice_mut::<f32>()?;
                let products = if width == stride {
                    &mut *out
                } else {
                    &mut scratch.rows
                };
                let (bytes, balanced) = (&scratch.bytes, &mut scratch.balanced);
                kernels::multiply(matrix, rows, bytes, params, balanced, products);
                if width != stride {
                    let products = scratch.rows.chunks_exact(stride);
                    for (row, products) in out.chunks_exact_mut(width).zip(products) {
                        row.copy_from_slice(&products[..width]);
                    }
                }
                if !layer.zero_points.is_empty() {
                    let inputs = bytes.chunks_exact(matrix.inputs());
                    for (row, inputs) in out.chunks_exact_mut(width).zip(inputs) {
                        let sum: i32 = inputs.iter().map(|byte| i32::from(*byte)).sum();
                        let sum = sum - params.zero_point * length_of(inputs);
                        #[expect(clippy::cast_precision_loss, reason = "as the graph casts it")]
                        let sum = sum as f32 * params.scale;
                        for (out, zero_point) in row.iter_mut().zip(&layer.zero_points) {
                            *out -= sum * zero_point;
                        }
                    }
                }
                Ok(output.into_tvalue())
            };
            layers.iter().map(layer).collect()
        })
    }
}

/// Returns the length of a row, which the kernels' sums of 32 bits limit anyway.
fn length_of(row: &[u8]) -> i32 {
    i32::try_from(row.len()).unwrap_or(i32::MAX)
}

/// Changes the floats of the only input in place.
fn in_place(inputs: TVec<TValue>, change: impl FnOnce(&mut [f32])) -> TractResult<TVec<TValue>> {
    let input = inputs.into_iter().next().context("the input is missing")?;
    let mut tensor = input.into_tensor();
    change(tensor.try_as_plain_ram_mut()?.as_slice_mut::<f32>()?);
    Ok(tvec![tensor.into_tvalue()])
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Linear(layers) => write!(f, "Linear({} layers)", layers.len()),
            Self::Gelu => write!(f, "Gelu"),
            Self::LayerNorm { gamma, .. } => write!(f, "LayerNorm({} values)", gamma.len()),
            Self::Attention(attention) => write!(f, "{attention:?}"),
        }
    }
}

impl PartialEq for KernelOperator {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kernel, &other.kernel)
    }
}

impl Eq for KernelOperator {}

impl Op for KernelOperator {
    fn name(&self) -> StaticName {
        self.label().into()
    }

    op_as_typed_op!();
}

impl EvalOp for KernelOperator {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        self.run(inputs)
    }
}

impl TypedOp for KernelOperator {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        ensure!(
            inputs.len() == self.input_count(),
            "{} inputs",
            inputs.len()
        );
        let input = inputs[0];
        let fact = |width: Option<usize>| {
            let mut shape = input.shape.to_tvec();
            if let (Some(last), Some(width)) = (shape.last_mut(), width) {
                *last = width.to_dim();
            }
            f32::fact(&shape)
        };
        Ok(self.output_widths().into_iter().map(fact).collect())
    }
}

impl Expansion for KernelOperator {
    fn name(&self) -> StaticName {
        self.label().into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.output_widths().len())
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, self.input_count())?;
        check_output_arity(outputs, self.output_widths().len())?;
        solver.equals(&inputs[0].datum_type, f32::datum_type())?;
        for (output, width) in outputs.iter().zip(self.output_widths()) {
            solver.equals(&output.datum_type, f32::datum_type())?;
            solver.given(&inputs[0].shape, move |solver, mut shape| {
                if let (Some(last), Some(width)) = (shape.last_mut(), width) {
                    *last = width.to_dim();
                }
                solver.equals(&output.shape, shape)
            })?;
        }
        Ok(())
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        model.wire_node(prefix, self.clone(), inputs)
    }
}
