//! Recognizes what follows the last layer: classifiers, or one normalized vector.

use super::super::layers::PooledOutput;
use super::graph_walk::{GraphWalk, first_output};
use super::linear::recognize_product;
use crate::kernels::Isa;
use crate::onnx::Graph;

/// Recognizes the mean over the tokens and what the outputs of the graph compute of that mean.
pub(super) fn recognize_pooling<'g>(
    walk: &GraphWalk<'g>,
    value: &'g str,
    graph: &'g Graph,
    isa: Isa,
) -> Option<PooledOutput> {
    let node = walk.consumer(value, "ReduceMean")?;
    let over_tokens = node.attribute("axes")?.ints == [1] && node.int("keepdims", 1) == 0;
    let mean = first_output(node).filter(|_| over_tokens)?;
    if walk.consumer(mean, "DynamicQuantizeLinear").is_some() {
        return recognize_classifier(walk, mean, graph, isa);
    }
    let length = walk.consumer(mean, "ReduceL2")?;
    let clip = walk.consumer(first_output(length)?, "Clip")?;
    let expand = walk.consumer(first_output(clip)?, "Expand")?;
    let divided = walk.consumer(mean, "Div")?;
    let unlimited = clip.inputs.get(2).is_none_or(String::is_empty);
    let fits = length.attribute("axes")?.ints == [-1]
        && length.int("keepdims", 1) == 1
        && unlimited
        && expand.inputs.get(1)? == walk.chain(mean, &["Shape"])?
        && divided.inputs == [mean, first_output(expand)?];
    let floor = walk.scalar(clip.inputs.get(1)?)?;
    let [only] = graph.outputs.as_slice() else {
        return None;
    };
    let ends = first_output(divided)? == only.name;
    (fits && ends).then(|| PooledOutput::Normalized {
        name: only.name.clone(),
        floor,
    })
}

/// Recognizes a linear layer for each output of the graph.
fn recognize_classifier<'g>(
    walk: &GraphWalk<'g>,
    mean: &'g str,
    graph: &'g Graph,
    isa: Isa,
) -> Option<PooledOutput> {
    let quantized = walk.consumer(mean, "DynamicQuantizeLinear")?;
    let mut heads = Vec::new();
    for matmul in walk.consumers(quantized.outputs.first()?, "MatMulInteger") {
        let (matrix, name) = recognize_product(walk, quantized, matmul, isa)?;
        heads.push((name.to_owned(), matrix));
    }
    let place = |name: &str| graph.outputs.iter().position(|o| o.name == name);
    let all = heads.len() == graph.outputs.len() && heads.iter().all(|(n, _)| place(n).is_some());
    heads.sort_by_key(|(name, _)| place(name));
    all.then_some(PooledOutput::Heads(heads))
}
