//! ONNX graphs of any form, run by tract with this crate's kernels as operators wherever they fit. One plan with a symbolic length
//! serves every text.

mod attention;
mod fuse;
mod operator;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tract_onnx::prelude::*;

use crate::error::Error;
use crate::kernels::Isa;
use crate::model_output::ModelOutput;

/// What an input of the graph receives for a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum InputKind {
    /// The token ids of the text.
    Ids,
    /// The attention mask: 1 for each token, since a text is never padded.
    Mask,
    /// The token types: 0 for each token, since a text is one segment.
    Types,
}

/// An optimized plan, with the kinds of its inputs and the shapes of its outputs.
pub(crate) struct TractModel {
    plan: Arc<TypedRunnableModel>,
    inputs: Vec<InputKind>,
    outputs: Vec<ModelOutput>,
    has_kernels: bool,
}

impl TractModel {
    /// Parses and optimizes the graph, and runs it on two short texts to learn the shapes of its outputs. With an instruction set,
    /// what the kernels for that set compute is replaced by them.
    pub(crate) fn load(mut file: &[u8], kernels: Option<Isa>) -> Result<Self, Error> {
        let refuse = |error: TractError| Error::model("tract cannot run it").with_source(error);
        // Exports state the shapes of values with names for batch and length, which contradict the shape of one text. tract infers
        // all shapes itself.
        let framework = tract_onnx::onnx()
            .with_ignore_value_info(true)
            .with_ignore_output_shapes(true);
        let mut proto = framework.proto_model_for_read(&mut file).map_err(refuse)?;
        let kernels = match (&mut proto.graph, kernels) {
            (Some(graph), Some(isa)) => fuse::fuse(graph, isa),
            _ => fuse::FusedKernels::default(),
        };
        let has_kernels = kernels.iter().any(|(_, kernel)| kernel.is_product());
        let mut model = framework.model_for_proto_model(&proto).map_err(refuse)?;
        drop(proto);
        fuse::place_kernels(&mut model, kernels).map_err(refuse)?;
        let names = |model: &InferenceModel, outlets: &[OutletId]| -> Vec<String> {
            outlets
                .iter()
                .map(|o| {
                    model
                        .outlet_label(*o)
                        .map_or_else(|| model.node(o.node).name.clone(), Into::into)
                })
                .collect()
        };
        let input_names = names(&model, &model.inputs);
        let output_names = names(&model, &model.outputs);
        let inputs = input_names
            .iter()
            .map(|name| input_kind(name))
            .collect::<Result<Vec<_>, _>>()?;
        if !inputs.contains(&InputKind::Ids) {
            return Err(Error::model(format!(
                "it has no input named input_ids, only {input_names:?}"
            )));
        }
        let length: TDim = model.symbols.sym("S").into();
        for (input, name) in input_names.iter().enumerate() {
            let fact = InferenceFact::dt_shape(i64::datum_type(), [1.to_dim(), length.clone()]);
            model = model.with_input_fact(input, fact).map_err(|error| {
                Error::model(format!("input {name} is not int64 of shape [1, length]"))
                    .with_source(error)
            })?;
        }
        let plan = model
            .into_optimized()
            .and_then(IntoRunnable::into_runnable)
            .map_err(refuse)?;
        let mut model = Self {
            plan,
            inputs,
            outputs: Vec::new(),
            has_kernels,
        };
        model.outputs = model.probe_outputs(output_names)?;
        Ok(model)
    }

    /// Returns the outputs, in the order of the rows that [`Self::run`] returns.
    pub(crate) fn outputs(&self) -> &[ModelOutput] {
        &self.outputs
    }

    /// Returns whether this crate's kernels compute the integer products, or at least some of them.
    pub(crate) fn has_kernels(&self) -> bool {
        self.has_kernels
    }

    /// Runs one text and returns the rows of each output, one after the other.
    pub(crate) fn run(&self, ids: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let failed = |error: TractError| {
            Error::inference(ids.len(), "tract failed on the graph").with_source(error)
        };
        let values = self.execute(ids).map_err(failed)?;
        let flat = |value: &TValue| -> TractResult<Vec<f32>> {
            Ok(value
                .cast_to::<f32>()?
                .to_plain_array_view::<f32>()?
                .iter()
                .copied()
                .collect())
        };
        values
            .iter()
            .map(|value| flat(value).map_err(failed))
            .collect()
    }

    fn execute(&self, ids: &[u32]) -> TractResult<TVec<TValue>> {
        let row = |input: &InputKind| -> TractResult<TValue> {
            let values: Vec<i64> = match input {
                InputKind::Ids => ids.iter().map(|&id| i64::from(id)).collect(),
                InputKind::Mask => vec![1; ids.len()],
                InputKind::Types => vec![0; ids.len()],
            };
            Ok(Tensor::from_shape(&[1, ids.len()], &values)?.into())
        };
        let inputs = self.inputs.iter().map(row).collect::<TractResult<_>>()?;
        self.plan.run(inputs)
    }

    /// Runs a short and a long text and compares the shapes of the outputs: the dimension that stays is the width, the dimension
    /// that grows counts the tokens. Outputs of any other shape are left out.
    fn probe_outputs(&self, names: Vec<String>) -> Result<Vec<ModelOutput>, Error> {
        let shapes = |tokens: usize| -> Result<Vec<Vec<usize>>, Error> {
            let values = self.execute(&vec![0; tokens]).map_err(|error| {
                Error::model(format!("it fails on a text of {tokens} tokens")).with_source(error)
            })?;
            Ok(values.iter().map(|v| v.shape().to_vec()).collect())
        };
        let (short, long) = (shapes(3)?, shapes(5)?);
        let outputs = names.into_iter().zip(short.into_iter().zip(long));
        Ok(outputs
            .filter_map(|(name, (short, long))| output_of_shapes(name, &short, &long))
            .collect())
    }
}

/// Returns the output that has these shapes at 3 and at 5 tokens, if it has a row for the text or a row for each token.
fn output_of_shapes(name: String, short: &[usize], long: &[usize]) -> Option<ModelOutput> {
    match (short, long) {
        (&[1, a], &[1, b]) if a == b => Some(ModelOutput {
            name,
            width: a,
            is_per_token: false,
        }),
        (&[1, 3, a], &[1, 5, b]) if a == b => Some(ModelOutput {
            name,
            width: a,
            is_per_token: true,
        }),
        _ => None,
    }
}

fn input_kind(name: &str) -> Result<InputKind, Error> {
    match name {
        "input_ids" => Ok(InputKind::Ids),
        "attention_mask" => Ok(InputKind::Mask),
        "token_type_ids" => Ok(InputKind::Types),
        other => Err(Error::model(format!(
            "it has the input {other:?}; allowed are input_ids, attention_mask and token_type_ids"
        ))),
    }
}
