//! What is made of the last layer: classifiers, or one normalised vector.

use super::super::Pooled;
use super::walk::{Walk, output};
use crate::kernels::Isa;
use crate::onnx::Graph;

impl<'g> Walk<'g> {
    /// The mean over the tokens, and the graph's outputs that are made of it.
    pub(super) fn pooled(&self, value: &'g str, graph: &'g Graph, isa: Isa) -> Option<Pooled> {
        let node = self.consumer(value, "ReduceMean")?;
        let over_tokens = node.attribute("axes")?.ints == [1] && node.int("keepdims", 1) == 0;
        let mean = output(node).filter(|_| over_tokens)?;
        if self.consumer(mean, "DynamicQuantizeLinear").is_some() {
            return self.classifier(mean, graph, isa);
        }
        let length = self.consumer(mean, "ReduceL2")?;
        let clip = self.consumer(output(length)?, "Clip")?;
        let expand = self.consumer(output(clip)?, "Expand")?;
        let divided = self.consumer(mean, "Div")?;
        let unlimited = clip.inputs.get(2).is_none_or(String::is_empty);
        let fits = length.attribute("axes")?.ints == [-1]
            && length.int("keepdims", 1) == 1
            && unlimited
            && expand.inputs.get(1)? == self.chain(mean, &["Shape"])?
            && divided.inputs == [mean, output(expand)?];
        let floor = self.scalar(clip.inputs.get(1)?)?;
        let [only] = graph.outputs.as_slice() else {
            return None;
        };
        let ends = output(divided)? == only.name;
        (fits && ends).then(|| Pooled::Normalised {
            name: only.name.clone(),
            floor,
        })
    }

    /// A linear layer for each of the graph's outputs.
    fn classifier(&self, mean: &'g str, graph: &'g Graph, isa: Isa) -> Option<Pooled> {
        let quantised = self.consumer(mean, "DynamicQuantizeLinear")?;
        let mut heads = Vec::new();
        for matmul in self.consumers(quantised.outputs.first()?, "MatMulInteger") {
            let (matrix, name) = self.product(quantised, matmul, isa)?;
            heads.push((name.to_owned(), matrix));
        }
        let place = |name: &str| graph.outputs.iter().position(|o| o.name == name);
        let all =
            heads.len() == graph.outputs.len() && heads.iter().all(|(n, _)| place(n).is_some());
        heads.sort_by_key(|(name, _)| place(name));
        all.then_some(Pooled::Heads(heads))
    }
}
