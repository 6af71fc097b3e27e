//! The part of the ONNX file format that is needed to recognize an encoder, read without copying the weights.
//!
//! The field numbers are those of `onnx.proto` (ONNX 1.17). The data of a tensor is a slice of the file's own buffer, so that a
//! model of 23 MB takes no second 23 MB. The rest of the format is skipped; tract reads all of it where needed.

use bytes::Bytes;
use prost::Message;

/// Element types of [`Tensor::data_type`], as numbered by the format.
pub(crate) mod dtype {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const UINT8: i32 = 2;
    pub(crate) const INT8: i32 = 3;
    pub(crate) const INT64: i32 = 7;
}

/// A model file (`ModelProto`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OnnxModel {
    #[prost(message, optional, tag = "7")]
    pub(crate) graph: Option<Graph>,
}

/// A graph of operators (`GraphProto`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(crate) nodes: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initializers: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) inputs: Vec<ValueInfo>,
    #[prost(message, repeated, tag = "12")]
    pub(crate) outputs: Vec<ValueInfo>,
}

/// An input or an output of a graph (`ValueInfoProto`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

/// One operator of a graph (`NodeProto`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(crate) inputs: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) outputs: Vec<String>,
    #[prost(string, tag = "4")]
    pub(crate) op: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attributes: Vec<Attribute>,
    #[prost(string, tag = "7")]
    pub(crate) domain: String,
}

/// A named parameter of an operator (`AttributeProto`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(float, tag = "2")]
    pub(crate) float: f32,
    #[prost(int64, tag = "3")]
    pub(crate) int: i64,
    #[prost(message, optional, tag = "5")]
    pub(crate) tensor: Option<Tensor>,
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub(crate) ints: Vec<i64>,
}

/// A constant array (`TensorProto`).
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub(crate) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(crate) data_type: i32,
    #[prost(float, repeated, tag = "4")]
    pub(crate) float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    pub(crate) int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    pub(crate) int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    pub(crate) name: String,
    #[prost(bytes = "bytes", tag = "9")]
    pub(crate) raw: Bytes,
}

impl Node {
    /// Returns the attribute of this name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }

    /// Returns an integer attribute, or the default of the operator's definition where the attribute is left out.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.int)
    }
}

impl Tensor {
    /// Returns the shape, if no dimension is negative.
    pub(crate) fn shape(&self) -> Option<Vec<usize>> {
        self.dims.iter().map(|&d| usize::try_from(d).ok()).collect()
    }

    fn elements(&self) -> Option<usize> {
        self.shape()?
            .iter()
            .try_fold(1_usize, |n, &d| n.checked_mul(d))
    }

    /// Returns all elements of a float tensor.
    pub(crate) fn floats(&self) -> Option<Vec<f32>> {
        if self.data_type != dtype::FLOAT {
            return None;
        }
        let values = if self.raw.is_empty() {
            self.float_data.clone()
        } else {
            self.raw
                .as_chunks()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect()
        };
        (Some(values.len()) == self.elements()).then_some(values)
    }

    /// Returns all elements of an int64 tensor.
    pub(crate) fn ints(&self) -> Option<Vec<i64>> {
        if self.data_type != dtype::INT64 {
            return None;
        }
        let values = if self.raw.is_empty() {
            self.int64_data.clone()
        } else {
            self.raw
                .as_chunks()
                .0
                .iter()
                .map(|&b| i64::from_le_bytes(b))
                .collect()
        };
        (Some(values.len()) == self.elements()).then_some(values)
    }

    /// Returns the bytes of an int8 or uint8 tensor that keeps its data in the raw field, as quantizers write it.
    pub(crate) fn byte_elements(&self, data_type: i32) -> Option<Bytes> {
        let fits = self.data_type == data_type && Some(self.raw.len()) == self.elements();
        fits.then(|| self.raw.clone())
    }

    /// Returns the only element of an int8 or uint8 tensor, sign-extended.
    pub(crate) fn small_int(&self) -> Option<i32> {
        if self.elements() != Some(1) {
            return None;
        }
        match (self.raw.first(), self.data_type) {
            (Some(&b), dtype::UINT8) => Some(i32::from(b)),
            (Some(&b), dtype::INT8) => Some(i32::from(b.cast_signed())),
            (None, dtype::UINT8 | dtype::INT8) => self.int32_data.first().copied(),
            _ => None,
        }
    }
}
