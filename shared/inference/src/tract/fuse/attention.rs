//! Finds the attention of all heads: the scores of queries and keys, their softmax, and the mix of the values.

use tract_onnx::pb::NodeProto;

use super::super::attention::{AttentionKernel, Mask};
use super::super::operator::Kernel;
use super::Fusion;
use super::graph_index::{GraphIndex, attribute};

/// What a hidden token's score is at most; its share is 0 then, whatever its query and key are.
const HIDDEN_SCORE: f32 = -1e4;

/// Finds `softmax(q k * scale + mask) v`, where the mask may be missing, and where it may choose instead of being added.
pub(super) fn find_attentions(index: &GraphIndex<'_>) -> Vec<Fusion> {
    index
        .of_type("Softmax")
        .filter_map(|(place, node)| find_attention(index, place, node))
        .collect()
}

/// Recognizes the attention around a softmax along the last of four dimensions.
fn find_attention(index: &GraphIndex<'_>, place: usize, softmax: &NodeProto) -> Option<Fusion> {
    let over_tokens = matches!(attribute(softmax, "axis")?.i, -1 | 3);
    let shares = softmax.output.first().filter(|_| over_tokens)?;
    let (mix_place, mix) = index.only_reader(shares, "MatMul")?;
    let [weights, values] = mix.input.as_slice() else {
        return None;
    };
    let scores = find_scores(index, softmax.input.first()?)?;
    let mut inputs = vec![scores.queries, scores.keys, values.clone()];
    inputs.extend(scores.mask_input);
    let mut replaced = scores.places;
    replaced.extend([place, mix_place]);
    (weights == shares).then(|| Fusion {
        kernel: Kernel::Attention(AttentionKernel {
            scale: scores.scale,
            mask: scores.mask,
        }),
        inputs,
        outputs: mix.output.clone(),
        replaced,
    })
}

/// The scores that a softmax reads.
struct Scores {
    queries: String,
    keys: String,
    scale: f32,
    mask: Mask,
    /// Name of the value that the mask reads.
    mask_input: Option<String>,
    places: Vec<usize>,
}

/// Recognizes scores with a mask or without.
fn find_scores(index: &GraphIndex<'_>, value: &str) -> Option<Scores> {
    if let Some((place, sum)) = index.producer(value, "Add") {
        let [a, b] = sum.input.as_slice() else {
            return None;
        };
        let (scores, mask) = match find_product(index, a) {
            Some(scores) => (scores, b),
            None => (find_product(index, b)?, a),
        };
        return Some(scores.masked(Mask::Added, mask, place));
    }
    if let Some((place, choice)) = index.producer(value, "Where") {
        let [condition, yes, no] = choice.input.as_slice() else {
            return None;
        };
        let is_hidden = |name: &str| {
            index
                .scalar(name)
                .is_some_and(|score| score <= HIDDEN_SCORE)
        };
        let (product, hides_where) = match (is_hidden(yes), is_hidden(no)) {
            (true, false) => (no, true),
            (false, true) => (yes, false),
            _ => return None,
        };
        let scores = find_product(index, product)?;
        return Some(scores.masked(Mask::Hides(hides_where), condition, place));
    }
    find_product(index, value)
}

/// Recognizes the product of queries and keys, with or without a constant factor.
fn find_product(index: &GraphIndex<'_>, value: &str) -> Option<Scores> {
    let (scale_place, product, scale) =
        if let Some((place, division)) = index.producer(value, "Div") {
            let by = index.scalar(division.input.get(1)?)?;
            (Some(place), division.input.first()?.as_str(), 1.0 / by)
        } else if let Some((place, scaled)) = index.producer(value, "Mul") {
            match scaled.input.as_slice() {
                [a, b] => match (index.scalar(a), index.scalar(b)) {
                    (None, Some(by)) => (Some(place), a.as_str(), by),
                    (Some(by), None) => (Some(place), b.as_str(), by),
                    _ => return None,
                },
                _ => return None,
            }
        } else {
            (None, value, 1.0)
        };
    let (place, product) = index.producer(product, "MatMul")?;
    let [queries, keys] = product.input.as_slice() else {
        return None;
    };
    // The softmax of the kernel subtracts the highest product before it scales.
    (scale.is_finite() && scale > 0.0).then(|| Scores {
        queries: queries.clone(),
        keys: keys.clone(),
        scale,
        mask: Mask::None,
        mask_input: None,
        places: scale_place.into_iter().chain([place]).collect(),
    })
}

impl Scores {
    /// Returns the scores with a mask, which the operator at `place` applies.
    fn masked(mut self, mask: Mask, input: &str, place: usize) -> Self {
        self.mask = mask;
        self.mask_input = Some(input.to_owned());
        self.places.push(place);
        self
    }
}
