//! Compares quantized exports of other forms with the outputs of ONNX Runtime, and with tract alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tract_onnx::prelude::*;

use super::attention::{AttentionKernel, Mask};
use super::{TractModel, fuse};
use crate::kernels::Isa;

/// Operators of which nothing may be left in the fixtures once the kernels are placed.
const REPLACED: [&str; 6] = [
    "DynamicQuantizeLinear",
    "MatMulInteger",
    "Erf",
    "Softmax",
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
        // One attention, one GELU, and a normalization of the embeddings, of the attention and of the feed-forward part.
        assert_eq!(
            (products, kernels.len()),
            (expected, expected + 5),
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

/// Returns small numbers that differ from each other.
fn numbers(count: usize, step: f32) -> Vec<f32> {
    (0..count)
        .map(|place| ((place as f32 * step).sin() * 2.0 * 64.0).round() / 64.0)
        .collect()
}

#[test]
fn attention_hides_what_its_mask_hides_and_takes_heads_of_any_width() {
    const HEADS: usize = 2;
    const TOKENS: usize = 3;
    for width in [5, 16] {
        let shape = [1, HEADS, TOKENS, width];
        let size = HEADS * TOKENS * width;
        let (q, k, v) = (numbers(size, 0.7), numbers(size, 1.3), numbers(size, 2.1));
        let tensor = |shape: &[usize], values: &[f32]| -> TValue {
            Tensor::from_shape(shape, values).unwrap().into()
        };
        let inputs = [
            tensor(&shape, &q),
            tensor(&[1, HEADS, width, TOKENS], &k),
            tensor(&shape, &v),
        ];
        let row = [1, 1, 1, TOKENS];
        let seen = Tensor::from_shape(&row, &[true, false, true]).unwrap();
        let hidden = Tensor::from_shape(&row, &[false, true, false]).unwrap();
        let all = Tensor::from_shape(&row, &[false; TOKENS]).unwrap();
        let full: Vec<f32> = (0..HEADS * TOKENS * TOKENS)
            .map(|place| place as f32 / 8.0)
            .collect();
        let biases = |head: usize, query: usize, token: usize| {
            full[(head * TOKENS + query) * TOKENS + token]
        };
        let second = |_: usize, _: usize, token: usize| if token == 1 { -1e5 } else { 0.0 };
        let nothing = |_: usize, _: usize, _: usize| 0.0;
        type Bias<'a> = &'a dyn Fn(usize, usize, usize) -> f32;
        let cases: [(Mask, Option<TValue>, Bias<'_>); 6] = [
            (Mask::None, None, &nothing),
            (Mask::Hides(true), Some(all.into()), &nothing),
            (Mask::Hides(false), Some(seen.into()), &second),
            (Mask::Hides(true), Some(hidden.into()), &second),
            (Mask::Added, Some(tensor(&row, &[0.0, -1e5, 0.0])), &second),
            (
                Mask::Added,
                Some(tensor(&[1, HEADS, TOKENS, TOKENS], &full)),
                &biases,
            ),
        ];
        for (mask, input, bias) in cases {
            let kernel = AttentionKernel { scale: 0.5, mask };
            let all: Vec<TValue> = inputs.iter().cloned().chain(input).collect();
            let found = kernel.run(Isa::detect(), &all).unwrap().remove(0);
            let found = found.to_plain_array_view::<f32>().unwrap();
            for (head, query) in
                (0..HEADS).flat_map(|head| (0..TOKENS).map(move |query| (head, query)))
            {
                let at = |values: &[f32], token: usize, column: usize| {
                    values[(head * TOKENS + token) * width + column]
                };
                let score = |token: usize| -> f32 {
                    let products = (0..width).map(|column| {
                        at(&q, query, column) * k[(head * width + column) * TOKENS + token]
                    });
                    products.sum::<f32>() * 0.5 + bias(head, query, token)
                };
                let shares: Vec<f32> = (0..TOKENS).map(|token| score(token).exp()).collect();
                for column in 0..width {
                    let mixed: f32 = (0..TOKENS)
                        .map(|token| shares[token] * at(&v, token, column))
                        .sum();
                    let expected = mixed / shares.iter().sum::<f32>();
                    let found = found[[0, head, query, column]];
                    assert!(
                        (found - expected).abs() < 1e-4,
                        "{mask:?}, {width}: {found} is not {expected}"
                    );
                }
            }
        }
        let short = [
            inputs[0].clone(),
            inputs[1].clone(),
            tensor(&[1, HEADS, 2, width], &v[..HEADS * 2 * width]),
        ];
        let kernel = AttentionKernel {
            scale: 0.5,
            mask: Mask::None,
        };
        assert!(
            kernel.run(Isa::detect(), &short).is_err(),
            "fewer values than keys"
        );
    }
}
