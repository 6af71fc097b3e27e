//! Compares quantized exports of other forms with the outputs of ONNX Runtime, and with tract alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tract_onnx::prelude::*;

use super::{TractModel, fuse};
use crate::kernels::Isa;

/// Operators of which nothing may be left in the fixtures once the kernels are placed.
const REPLACED: [&str; 5] = [
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "Erf",
    "Sqrt",
    "LayerNormalization",
];

#[derive(Deserialize)]
struct Reference {
    ids: Vec<u32>,
    values: Vec<f32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quantized")
}

/// Returns the content of each fixture, with what ONNX Runtime computes.
fn fixtures() -> Vec<(String, Vec<u8>, Vec<Reference>)> {
    let references = std::fs::read(folder().join("reference.json")).unwrap();
    let references: BTreeMap<String, Vec<Reference>> = serde_json::from_slice(&references).unwrap();
    let read = |name: &str| std::fs::read(folder().join(format!("{name}.onnx"))).unwrap();
    let fixtures = references.into_iter();
    fixtures
        .map(|(name, rows)| (name.clone(), read(&name), rows))
        .collect()
}

#[test]
fn every_operator_that_a_kernel_can_compute_is_replaced() {
    for (name, file, _) in fixtures() {
        let mut proto = tract_onnx::onnx()
            .proto_model_for_read(&mut file.as_slice())
            .unwrap();
        let graph = proto.graph.as_mut().unwrap();
        let kernels = fuse::fuse(graph, Isa::detect());
        let left: Vec<_> = graph
            .node
            .iter()
            .map(|node| node.op_type.as_str())
            .collect();
        assert!(
            !left.iter().any(|op| REPLACED.contains(op)),
            "{name}: {left:?}"
        );
        // One quantization serves query, key and value; then come the projection, both products of the feed-forward part, and in
        // classifiers two of the head.
        let products = kernels
            .iter()
            .filter(|(_, kernel)| kernel.is_product())
            .count();
        let expected = if name == "distilbert" { 4 } else { 6 };
        // One GELU, and a normalization of the embeddings, of the attention and of the feed-forward part.
        assert_eq!(
            (products, kernels.len()),
            (expected, expected + 4),
            "{name}: {left:?}"
        );
        let weights = graph
            .initializer
            .iter()
            .map(|weights| weights.raw_data.len());
        assert!(
            weights.sum::<usize>() < file.len() / 2,
            "{name}: the weights are kept twice"
        );
    }
}

#[test]
fn outputs_are_those_of_onnx_runtime_and_of_tract_without_kernels() {
    for (name, file, references) in fixtures() {
        let plain = TractModel::load(&file, None).unwrap();
        assert!(!plain.has_kernels());
        for isa in Isa::available() {
            let model = TractModel::load(&file, Some(isa)).unwrap();
            assert!(model.has_kernels() && model.outputs() == plain.outputs());
            for Reference { ids, values } in &references {
                let found = model.run(ids).unwrap().remove(0);
                let alone = plain.run(ids).unwrap().remove(0);
                assert_eq!((found.len(), alone.len()), (values.len(), values.len()));
                for ((found, alone), expected) in found.iter().zip(&alone).zip(values) {
                    let off = (found - expected).abs().max((found - alone).abs());
                    assert!(
                        off < 0.03,
                        "{isa:?}: {name}: {found}, {alone} alone, {expected} expected"
                    );
                }
            }
        }
    }
}

#[test]
fn what_another_operator_reads_stays_in_the_graph() {
    let (_, file, references) = fixtures().remove(0);
    let mut proto = tract_onnx::onnx()
        .proto_model_for_read(&mut file.as_slice())
        .unwrap();
    let graph = proto.graph.as_mut().unwrap();
    // The quantized bytes, the product before its bias and the argument of an error function become outputs.
    let mut shown = Vec::new();
    for op in ["DynamicQuantizeLinear", "MatMulInteger", "Erf"] {
        let node = graph.node.iter().find(|node| node.op_type == op).unwrap();
        let value = if op == "Erf" {
            &node.input[0]
        } else {
            &node.output[0]
        };
        shown.push(value.clone());
    }
    for value in &shown {
        let output = tract_onnx::pb::ValueInfoProto {
            name: value.clone(),
            ..Default::default()
        };
        graph.output.push(output);
    }
    fuse::fuse(graph, Isa::detect());
    for value in &shown {
        assert!(
            graph.node.iter().any(|node| node.output.contains(value)),
            "{value}"
        );
    }
    assert!(!references.is_empty());
}

#[test]
fn weights_that_are_not_constants_stay_with_tract() {
    let (_, file, _) = fixtures().remove(0);
    let mut proto = tract_onnx::onnx()
        .proto_model_for_read(&mut file.as_slice())
        .unwrap();
    let graph = proto.graph.as_mut().unwrap();
    let products = |graph: &tract_onnx::pb::GraphProto| {
        let nodes = graph
            .node
            .iter()
            .filter(|node| node.op_type == "MatMulInteger");
        nodes.map(|node| node.input[1].clone()).collect::<Vec<_>>()
    };
    let weights = products(graph).remove(0);
    graph.initializer.retain(|tensor| tensor.name != weights);
    fuse::fuse(graph, Isa::detect());
    assert_eq!(products(graph), [weights]);
}
