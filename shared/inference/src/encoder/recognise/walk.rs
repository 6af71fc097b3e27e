//! A walk over a graph that accounts for every operator.

use std::cell::Cell;
use std::collections::HashMap;

use crate::onnx::{Graph, Node, Tensor};

/// The graph, and how many of its operators have been accounted for.
pub(super) struct Walk<'g> {
    constants: HashMap<&'g str, &'g Tensor>,
    consumers: HashMap<&'g str, Vec<(usize, &'g Node)>>,
    seen: Vec<Cell<bool>>,
}

impl<'g> Walk<'g> {
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

    pub(super) fn is_finished(&self) -> bool {
        self.seen.iter().all(Cell::get)
    }

    /// The one operator of this type that reads the value.
    pub(super) fn consumer(&self, value: &str, op: &str) -> Option<&'g Node> {
        let mut found = self
            .consumers
            .get(value)?
            .iter()
            .filter(|(_, n)| n.op == op && n.domain.is_empty());
        let (index, node) = found.next()?;
        // a node that reads the value twice is listed twice
        found.all(|(other, _)| other == index).then_some(())?;
        self.seen[*index].set(true);
        Some(node)
    }

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

    /// Follows a chain of operators, each the only one of its type to read the one before; the last output.
    pub(super) fn chain(&self, value: &'g str, ops: &[&str]) -> Option<&'g str> {
        ops.iter()
            .try_fold(value, |value, op| output(self.consumer(value, op)?))
    }

    pub(super) fn constant(&self, name: &str) -> Option<&'g Tensor> {
        self.constants.get(name).copied()
    }

    pub(super) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        self.constant(name)?.floats()
    }

    pub(super) fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.constant(name)?.ints()
    }

    pub(super) fn scalar(&self, name: &str) -> Option<f32> {
        match self.floats(name)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// The other of a node's two inputs.
    pub(super) fn other(node: &'g Node, value: &str) -> Option<&'g str> {
        match node.inputs.as_slice() {
            [a, b] if a == value => Some(b),
            [a, b] if b == value => Some(a),
            _ => None,
        }
    }
}

/// A node's first output.
pub(super) fn output(node: &Node) -> Option<&str> {
    node.outputs.first().map(String::as_str)
}
