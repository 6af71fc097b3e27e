//! A walk over a graph that marks every operator on its way, so that an operator left over is noticed.

use std::cell::Cell;
use std::collections::HashMap;

use crate::onnx::{Graph, Node, Tensor};

/// A graph, by its values, with a mark for each operator that was recognized.
pub(super) struct GraphWalk<'g> {
    /// Constant tensors by their names.
    constants: HashMap<&'g str, &'g Tensor>,
    /// Operators that read a value, with their indices, by the name of the value.
    consumers: HashMap<&'g str, Vec<(usize, &'g Node)>>,
    /// Whether each operator was recognized.
    seen: Vec<Cell<bool>>,
}

impl<'g> GraphWalk<'g> {
    /// Starts a walk; constants count as recognized.
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut constants: HashMap<_, _> = graph
            .initializers
            .iter()
            .map(|t| (t.name.as_str(), t))
            .collect();
        let mut consumers: HashMap<_, Vec<_>> = HashMap::new();
        let mut seen = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let constant = (node.op == "Constant")
                .then(|| node.attribute("value")?.tensor.as_ref())
                .flatten();
            if let (Some(tensor), [name]) = (constant, node.outputs.as_slice()) {
                constants.insert(name, tensor);
            }
            seen.push(Cell::new(constant.is_some()));
            for input in &node.inputs {
                consumers
                    .entry(input.as_str())
                    .or_default()
                    .push((index, node));
            }
        }
        Self {
            constants,
            consumers,
            seen,
        }
    }

    /// Returns whether every operator of the graph was recognized.
    pub(super) fn is_finished(&self) -> bool {
        self.seen.iter().all(Cell::get)
    }

    /// Returns the only operator of this type that reads the value, and marks the operator as recognized.
    pub(super) fn consumer(&self, value: &str, op: &str) -> Option<&'g Node> {
        let mut found = self
            .consumers
            .get(value)?
            .iter()
            .filter(|(_, n)| n.op == op && n.domain.is_empty());
        let (index, node) = found.next()?;
        // An operator that reads the value twice is listed twice.
        found.all(|(other, _)| other == index).then_some(())?;
        self.seen[*index].set(true);
        Some(node)
    }

    /// Returns all operators of this type that read the value, and marks them as recognized.
    pub(super) fn consumers(&self, value: &str, op: &str) -> Vec<&'g Node> {
        let all = self
            .consumers
            .get(value)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let found: Vec<_> = all
            .iter()
            .filter(|(_, n)| n.op == op && n.domain.is_empty())
            .collect();
        for (index, _) in &found {
            self.seen[*index].set(true);
        }
        found.into_iter().map(|(_, node)| *node).collect()
    }

    /// Follows a chain of operators, each the only one of its type that reads the value before; returns the last output.
    pub(super) fn chain(&self, value: &'g str, ops: &[&str]) -> Option<&'g str> {
        ops.iter()
            .try_fold(value, |value, op| first_output(self.consumer(value, op)?))
    }

    /// Returns a constant tensor.
    pub(super) fn constant(&self, name: &str) -> Option<&'g Tensor> {
        self.constants.get(name).copied()
    }

    /// Returns the elements of a constant float tensor.
    pub(super) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        self.constant(name)?.floats()
    }

    /// Returns the elements of a constant int64 tensor.
    pub(super) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.constant(name)?.ints()
    }

    /// Returns the only element of a constant float tensor.
    pub(super) fn scalar(&self, name: &str) -> Option<f32> {
        match self.floats(name)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }
}

/// Returns the other one of an operator's two inputs.
pub(super) fn other_input<'g>(node: &'g Node, value: &str) -> Option<&'g str> {
    match node.inputs.as_slice() {
        [a, b] if a == value => Some(b),
        [a, b] if b == value => Some(a),
        _ => None,
    }
}

/// Returns the first output of an operator.
pub(super) fn first_output(node: &Node) -> Option<&str> {
    node.outputs.first().map(String::as_str)
}
