//! Replaces, in an ONNX graph of any form, what the kernels of this crate compute by operators of tract.
//!
//! Quantizers write a linear layer as five operators, exporters a layer normalization as nine and a GELU as five. They are
//! recognized by what they compute, wherever they stand and whatever their names are; everything else stays as it is.

mod attention;
mod gelu;
mod graph_index;
mod layer_norm;
mod linear;

use std::collections::HashSet;

use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::{Expansion, expand};

use self::graph_index::GraphIndex;
use super::operator::{Kernel, KernelOperator};
use crate::kernels::Isa;

/// Operators of a graph that one kernel computes together.
struct Fusion {
    kernel: Kernel,
    /// Names of the values that the kernel reads.
    inputs: Vec<String>,
    /// Names of the values that the kernel computes.
    outputs: Vec<String>,
    /// Indices of the operators that are not needed anymore, unless something else reads what they compute.
    replaced: Vec<usize>,
}

/// The kernels that take the place of operators, by the names of their nodes.
pub(super) type FusedKernels = Vec<(String, KernelOperator)>;

/// Replaces all operators of a graph that the kernels compute. The new nodes have no meaning for tract until [`place_kernels`] has
/// put the kernels there.
pub(super) fn fuse(graph: &mut GraphProto, isa: Isa) -> FusedKernels {
    // What a graph inside of an operator reads is not seen here.
    let is_nested = |node: &NodeProto| {
        node.attribute
            .iter()
            .any(|a| a.g.is_some() || !a.graphs.is_empty())
    };
    if graph.node.iter().any(is_nested) {
        return Vec::new();
    }
    let index = GraphIndex::new(graph);
    let mut fusions = linear::find_linear_layers(&index, isa);
    fusions.extend(gelu::find_gelus(&index));
    fusions.extend(layer_norm::find_layer_norms(&index));
    fusions.extend(attention::find_attentions(&index));
    let mut removed = HashSet::new();
    for fusion in &fusions {
        removed.extend(removable(&index, fusion));
    }
    let mut kernels = Vec::new();
    let mut nodes = Vec::new();
    for (number, fusion) in fusions.into_iter().enumerate() {
        let name = format!("kernel.{number}.{}", fusion.outputs[0]);
        nodes.push(NodeProto {
            name: name.clone(),
            op_type: "Kernel".to_owned(),
            domain: "inference.kernels".to_owned(),
            input: fusion.inputs,
            output: fusion.outputs,
            ..NodeProto::default()
        });
        kernels.push((name, KernelOperator::new(isa, fusion.kernel)));
    }
    let mut place = 0;
    graph.node.retain(|_| {
        place += 1;
        !removed.contains(&(place - 1))
    });
    graph.node.extend(nodes);
    drop_unread_constants(graph);
    kernels
}

/// Puts the kernels at the nodes that [`fuse`] has made for them.
pub(super) fn place_kernels(model: &mut InferenceModel, kernels: FusedKernels) -> TractResult<()> {
    for (name, kernel) in kernels {
        let outputs = Expansion::nboutputs(&kernel)?;
        let node = model.node_by_name_mut(&name)?;
        debug_assert_eq!(node.outputs.len(), outputs);
        node.op = expand(kernel);
    }
    Ok(())
}

/// Returns the operators of a fusion that nothing outside of it reads. Those that compute the outputs always are among them.
fn removable(index: &GraphIndex<'_>, fusion: &Fusion) -> HashSet<usize> {
    let mut removed: HashSet<usize> = fusion.replaced.iter().copied().collect();
    loop {
        let is_read = |node: &&usize| {
            index.node(**node).output.iter().any(|value| {
                !fusion.outputs.contains(value)
                    && (index.is_output(value)
                        || index
                            .readers(value)
                            .iter()
                            .any(|reader| !removed.contains(reader)))
            })
        };
        let Some(kept) = removed.iter().find(is_read).copied() else {
            return removed;
        };
        removed.remove(&kept);
    }
}

/// Drops the constants that no operator reads anymore: the weights, which the kernels hold in a form of their own.
fn drop_unread_constants(graph: &mut GraphProto) {
    let nodes = graph.node.iter().flat_map(|node| &node.input);
    let outputs = graph.output.iter().map(|output| &output.name);
    let read: HashSet<String> = nodes.chain(outputs).cloned().collect();
    let unread: HashSet<String> = graph
        .initializer
        .iter()
        .filter(|constant| !read.contains(&constant.name))
        .map(|constant| constant.name.clone())
        .collect();
    graph
        .initializer
        .retain(|constant| !unread.contains(&constant.name));
    // Old files list constants among the inputs as well.
    graph.input.retain(|input| !unread.contains(&input.name));
}
