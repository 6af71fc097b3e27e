//! Finds linear layers with dynamic quantization.

use tract_onnx::pb::NodeProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::prelude::*;

use super::super::operator::{Kernel, LinearLayer};
use super::Fusion;
use super::graph_index::{GraphIndex, attribute, floats, other_input};
use crate::kernels::{ALIGN, Isa, PackedMatrix};

/// A linear layer in the graph.
struct FoundLayer {
    layer: LinearLayer,
    output: String,
    replaced: Vec<usize>,
}

/// Finds `(value . weights) * scales + bias` for each value that is quantized, where the weights are constants. All layers that read
/// the same quantized value become one operator, so that the value is quantized once.
pub(super) fn find_linear_layers(index: &GraphIndex<'_>, isa: Isa) -> Vec<Fusion> {
    let mut fusions = Vec::new();
    for (place, quantized) in index.of_type("DynamicQuantizeLinear") {
        let ([input], [bytes, ..]) = (quantized.input.as_slice(), quantized.output.as_slice())
        else {
            continue;
        };
        let mut layers: Vec<FoundLayer> = Vec::new();
        for reader in index.readers(bytes) {
            let Some(found) = find_layer(index, quantized, *reader, isa) else {
                continue;
            };
            let inputs = found.layer.matrix.inputs();
            if layers
                .first()
                .is_none_or(|first| first.layer.matrix.inputs() == inputs)
            {
                layers.push(found);
            }
        }
        if layers.is_empty() {
            continue;
        }
        let replaced = layers.iter().flat_map(|layer| layer.replaced.clone());
        fusions.push(Fusion {
            inputs: vec![input.clone()],
            replaced: replaced.chain([place]).collect(),
            outputs: layers.iter().map(|layer| layer.output.clone()).collect(),
            kernel: Kernel::Linear(layers.into_iter().map(|layer| layer.layer).collect()),
        });
    }
    fusions
}

/// Recognizes the layer that begins with the integer product `place` of a quantized value.
fn find_layer(
    index: &GraphIndex<'_>,
    quantized: &NodeProto,
    place: usize,
    isa: Isa,
) -> Option<FoundLayer> {
    let [bytes, scale, zero_point] = quantized.output.as_slice() else {
        return None;
    };
    let product = index.node(place);
    let is_product = product.op_type == "MatMulInteger"
        && product.input.first()? == bytes
        && product.input.get(2)? == zero_point;
    let weights = index.constant(product.input.get(1)?)?;
    let [inputs, outputs] = *weights.shape() else {
        return None;
    };
    if !is_product || !inputs.is_multiple_of(ALIGN) || inputs == 0 || outputs == 0 {
        return None;
    }

    let (cast_place, cast) = index.only_reader(product.output.first()?, "Cast")?;
    let is_float = attribute(cast, "to")?.i == DataType::Float as i64;
    let (scaled_place, scaled) = index.only_reader(cast.output.first()?, "Mul")?;
    let scales = other_input(scaled, cast.output.first()?)?;
    let (scales_place, scales) = index.producer(scales, "Mul")?;
    let scales = index.row(other_input(scales, scale)?)?;
    let scales = spread(scales, outputs).filter(|_| is_float)?;
    let mut replaced = vec![place, cast_place, scaled_place, scales_place];
    let mut output = scaled.output.first()?;
    let mut bias = vec![0.0; outputs];
    let add = index.only_reader(output, "Add").and_then(|(place, add)| {
        let values = index.row(other_input(add, output)?)?;
        (values.len() == outputs).then_some((place, add, values))
    });
    if let Some((place, add, values)) = add {
        replaced.push(place);
        output = add.output.first()?;
        bias = values;
    }

    let (weights, raised_by) = signed(&weights)?;
    let zero_points = match product.input.get(3).filter(|name| !name.is_empty()) {
        Some(name) => spread(floats(&index.constant(name)?)?, outputs)?,
        None => vec![0.0; outputs],
    };
    let zero_points: Vec<f32> = zero_points.iter().map(|z| z - raised_by).collect();
    let are_zero = zero_points.iter().all(|zero_point| *zero_point == 0.0);
    let steps = zero_points
        .iter()
        .zip(&scales)
        .map(|(zero_point, scale)| zero_point * scale);
    Some(FoundLayer {
        layer: LinearLayer {
            zero_points: if are_zero {
                Vec::new()
            } else {
                steps.collect()
            },
            matrix: PackedMatrix::new(isa, inputs, &weights, &scales, &bias),
        },
        output: output.clone(),
        replaced,
    })
}

/// Returns weights as signed bytes, and by how much the file's bytes are larger.
fn signed(weights: &Tensor) -> Option<(Vec<i8>, f32)> {
    if let Ok(bytes) = weights.to_plain_array_view::<i8>() {
        return Some((bytes.iter().copied().collect(), 0.0));
    }
    let bytes = weights.to_plain_array_view::<u8>().ok()?;
    let signed = |byte: &u8| (byte ^ 1 << 7).cast_signed();
    Some((bytes.iter().map(signed).collect(), 128.0))
}

/// Returns one value for each output, where the file has one for each or one for all.
fn spread(values: Vec<f32>, outputs: usize) -> Option<Vec<f32>> {
    match values.as_slice() {
        [value] => Some(vec![*value; outputs]),
        all if all.len() == outputs => Some(values),
        _ => None,
    }
}
