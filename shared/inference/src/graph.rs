//! Any other ONNX graph of a text model, on tract: one plan with a symbolic length serves every text.

use std::sync::Arc;

use tract_onnx::prelude::*;

use crate::Error;
use crate::engine::Output;

/// What an input of the graph is given for a text.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Feed {
    Ids,
    /// 1 for each token: a text is never padded.
    Mask,
    /// 0 for each token: a text is one segment.
    Types,
}

/// An optimised plan and what goes in and out of it.
pub(crate) struct TractModel {
    plan: Arc<TypedRunnableModel>,
    feeds: Vec<Feed>,
    outputs: Vec<Output>,
}

impl TractModel {
    /// Parses and optimises the graph, and runs it once to see that it fits.
    pub(crate) fn load(mut file: &[u8]) -> Result<Self, Error> {
        let refuse = |error: TractError| Error::Model(format!("tract cannot run it: {error:#}"));
        let mut model = tract_onnx::onnx()
            .model_for_read(&mut file)
            .map_err(refuse)?;
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
        let inputs = names(&model, &model.inputs);
        let output_names = names(&model, &model.outputs);
        let feeds = inputs
            .iter()
            .map(|name| feed(name))
            .collect::<Result<Vec<_>, _>>()?;
        if !feeds.contains(&Feed::Ids) {
            return Err(Error::Model(format!(
                "it has no input named input_ids, only {inputs:?}"
            )));
        }
        let length: TDim = model.symbols.sym("S").into();
        for (input, name) in inputs.iter().enumerate() {
            let fact = InferenceFact::dt_shape(i64::datum_type(), [1.to_dim(), length.clone()]);
            model = model.with_input_fact(input, fact).map_err(|error| {
                Error::Model(format!(
                    "input {name} is not int64 of shape [1, length]: {error:#}"
                ))
            })?;
        }
        let plan = model
            .into_optimized()
            .and_then(IntoRunnable::into_runnable)
            .map_err(refuse)?;
        let mut model = Self {
            plan,
            feeds,
            outputs: Vec::new(),
        };
        model.outputs = model.probe(output_names)?;
        Ok(model)
    }

    /// The outputs in the order of [`Self::run`].
    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Runs one text; the rows of each output.
    pub(crate) fn run(&self, ids: &[u32]) -> Result<Vec<Vec<f32>>, Error> {
        let failed = |e: TractError| Error::Inference {
            tokens: ids.len(),
            reason: format!("{e:#}"),
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
        let row = |feed: &Feed| -> TractResult<TValue> {
            let values: Vec<i64> = match feed {
                Feed::Ids => ids.iter().map(|&id| i64::from(id)).collect(),
                Feed::Mask => vec![1; ids.len()],
                Feed::Types => vec![0; ids.len()],
            };
            Ok(Tensor::from_shape(&[1, ids.len()], &values)?.into())
        };
        let inputs = self.feeds.iter().map(row).collect::<TractResult<_>>()?;
        self.plan.run(inputs)
    }

    /// Shapes of the outputs for two texts: what does not change is the width, what grows is one row a token.
    fn probe(&self, names: Vec<String>) -> Result<Vec<Output>, Error> {
        let shapes = |tokens: usize| -> Result<Vec<Vec<usize>>, Error> {
            let values = self.execute(&vec![0; tokens]).map_err(|error| {
                Error::Model(format!("it fails on a text of {tokens} tokens: {error:#}"))
            })?;
            Ok(values.iter().map(|v| v.shape().to_vec()).collect())
        };
        let (short, long) = (shapes(3)?, shapes(5)?);
        let outputs = names.into_iter().zip(short.into_iter().zip(long));
        Ok(outputs
            .filter_map(|(name, (short, long))| shape_of(name, &short, &long))
            .collect())
    }
}

/// The output of these shapes at 3 and at 5 tokens, if it is a row for the text or for each token.
fn shape_of(name: String, short: &[usize], long: &[usize]) -> Option<Output> {
    match (short, long) {
        (&[1, a], &[1, b]) if a == b => Some(Output {
            name,
            width: a,
            per_token: false,
        }),
        (&[1, 3, a], &[1, 5, b]) if a == b => Some(Output {
            name,
            width: a,
            per_token: true,
        }),
        _ => None,
    }
}

fn feed(input: &str) -> Result<Feed, Error> {
    match input {
        "input_ids" => Ok(Feed::Ids),
        "attention_mask" => Ok(Feed::Mask),
        "token_type_ids" => Ok(Feed::Types),
        other => Err(Error::Model(format!(
            "it has the input {other:?}; allowed are input_ids, attention_mask and token_type_ids"
        ))),
    }
}
