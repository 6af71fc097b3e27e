//! A graph by its values: what computes each of them, and what reads it.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};
use tract_onnx::prelude::*;
use tract_onnx::tensor::load_tensor;

/// A graph, with its constants and its operators by the names of values.
pub(super) struct GraphIndex<'g> {
    nodes: &'g [NodeProto],
    constants: HashMap<&'g str, &'g TensorProto>,
    producers: HashMap<&'g str, usize>,
    readers: HashMap<&'g str, Vec<usize>>,
    outputs: HashSet<&'g str>,
}

impl<'g> GraphIndex<'g> {
    /// Lists the values of a graph.
    pub(super) fn new(graph: &'g GraphProto) -> Self {
        let initializers = graph.initializer.iter();
        let mut index = Self {
            nodes: &graph.node,
            constants: initializers.map(|t| (t.name.as_str(), t)).collect(),
            producers: HashMap::new(),
            readers: HashMap::new(),
            outputs: graph.output.iter().map(|o| o.name.as_str()).collect(),
        };
        for (place, node) in graph.node.iter().enumerate() {
            for value in &node.output {
                index.producers.insert(value, place);
            }
            for value in &node.input {
                index.readers.entry(value).or_default().push(place);
            }
            let tensor = attribute(node, "value").and_then(|value| value.t.as_ref());
            if let ("Constant", Some(tensor), [name]) =
                (node.op_type.as_str(), tensor, node.output.as_slice())
            {
                index.constants.insert(name, tensor);
            }
        }
        index
    }

    /// Returns an operator by its index.
    pub(super) fn node(&self, place: usize) -> &'g NodeProto {
        &self.nodes[place]
    }

    /// Returns all operators of a type of ONNX itself, with their indices.
    pub(super) fn of_type(&self, op: &'static str) -> impl Iterator<Item = (usize, &'g NodeProto)> {
        let all = self.nodes.iter().enumerate();
        all.filter(move |(_, node)| is_type(node, op))
    }

    /// Returns whether a value is an output of the graph.
    pub(super) fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }

    /// Returns the indices of the operators that read a value.
    pub(super) fn readers(&self, value: &str) -> &[usize] {
        self.readers
            .get(value)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Returns the operator that computes a value, if it is of this type.
    pub(super) fn producer(&self, value: &str, op: &str) -> Option<(usize, &'g NodeProto)> {
        let place = *self.producers.get(value)?;
        is_type(&self.nodes[place], op).then(|| (place, &self.nodes[place]))
    }

    /// Returns the only operator that reads a value, if it is of this type and the value is no output of the graph.
    pub(super) fn only_reader(&self, value: &str, op: &str) -> Option<(usize, &'g NodeProto)> {
        let readers = self.readers(value);
        let place = *readers.first()?;
        let alone = readers.iter().all(|reader| *reader == place) && !self.is_output(value);
        (alone && is_type(&self.nodes[place], op)).then(|| (place, &self.nodes[place]))
    }

    /// Returns the constant of this name, if the graph has one.
    pub(super) fn constant(&self, name: &str) -> Option<Tensor> {
        let provider = tract_onnx::data_resolver::default();
        load_tensor(&*provider, self.constants.get(name)?, None).ok()
    }

    /// Returns the elements of a constant of floats that is a row: no dimension but the last is larger than 1.
    pub(super) fn row(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.constant(name)?;
        let is_row = tensor
            .shape()
            .split_last()
            .is_none_or(|(_, others)| others.iter().all(|d| *d == 1));
        let is_float = tensor.datum_type() == f32::datum_type();
        (is_row && is_float).then(|| floats(&tensor)).flatten()
    }

    /// Returns the only element of a constant of floats.
    pub(super) fn scalar(&self, name: &str) -> Option<f32> {
        match self.row(name)?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// Returns whether a value is a constant close to a number.
    pub(super) fn is_number(&self, name: &str, number: f32) -> bool {
        self.scalar(name)
            .is_some_and(|value| (value - number).abs() < 1e-5)
    }

    /// Returns, of a commutative operator with a constant and another input, the other input, if the constant is this number.
    pub(super) fn other_than_number<'n>(
        &self,
        node: &'n NodeProto,
        number: f32,
    ) -> Option<&'n str> {
        match node.input.as_slice() {
            [a, b] if self.is_number(b, number) => Some(a),
            [a, b] if self.is_number(a, number) => Some(b),
            _ => None,
        }
    }
}

/// Returns whether an operator is of a type of ONNX itself.
fn is_type(node: &NodeProto, op: &str) -> bool {
    node.op_type == op && (node.domain.is_empty() || node.domain == "ai.onnx")
}

/// Returns the elements of a tensor of any number type as floats.
pub(super) fn floats(tensor: &Tensor) -> Option<Vec<f32>> {
    let tensor = tensor.cast_to::<f32>().ok()?;
    let view = tensor.to_plain_array_view::<f32>().ok()?;
    Some(view.iter().copied().collect())
}

/// Returns an attribute of an operator.
pub(super) fn attribute<'g>(node: &'g NodeProto, name: &str) -> Option<&'g AttributeProto> {
    node.attribute
        .iter()
        .find(|attribute| attribute.name == name)
}

/// Returns the other one of an operator's two inputs.
pub(super) fn other_input<'g>(node: &'g NodeProto, value: &str) -> Option<&'g str> {
    match node.input.as_slice() {
        [a, b] if a == value => Some(b),
        [a, b] if b == value => Some(a),
        _ => None,
    }
}
