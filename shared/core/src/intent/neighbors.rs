//! Finds the nearest of labeled vectors by cosine similarity.

/// Labeled vectors, normalized once so that a cosine similarity is one inner product.
#[derive(Debug, Clone)]
pub struct NearestNeighbors {
    /// All vectors one after the other, each of unit length.
    values: Vec<f32>,
    labels: Vec<usize>,
    dimension: usize,
}

/// The vectors and labels do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{vectors} vectors for {labels} labels, or vectors of different lengths (the first has {dimension})"
)]
pub struct MismatchedVectors {
    /// The number of vectors.
    pub vectors: usize,
    /// The number of labels.
    pub labels: usize,
    /// The length of the first vector.
    pub dimension: usize,
}

impl NearestNeighbors {
    /// Stores vectors with a label each.
    ///
    /// # Errors
    /// [`MismatchedVectors`] if the numbers of vectors and labels differ, or the lengths of the vectors.
    pub fn new(vectors: Vec<Vec<f32>>, labels: Vec<usize>) -> Result<Self, MismatchedVectors> {
        let dimension = vectors.first().map_or(0, Vec::len);
        if vectors.len() != labels.len() || vectors.iter().any(|vector| vector.len() != dimension) {
            return Err(MismatchedVectors {
                vectors: vectors.len(),
                labels: labels.len(),
                dimension,
            });
        }
        let mut values = Vec::with_capacity(vectors.len() * dimension);
        for vector in &vectors {
            let length = dot(vector, vector).sqrt();
            values.extend(
                vector
                    .iter()
                    .map(|value| if length > 0.0 { value / length } else { 0.0 }),
            );
        }
        Ok(Self {
            values,
            labels,
            dimension,
        })
    }

    /// Returns the label of the nearest stored vector and the cosine similarity to it; the first of equally near vectors.
    ///
    /// Returns `None` if no vector is stored or the given vector has another length.
    #[must_use]
    pub fn nearest(&self, vector: &[f32]) -> Option<(usize, f32)> {
        if self.dimension == 0 || vector.len() != self.dimension {
            return None;
        }
        let length = dot(vector, vector).sqrt();
        let scale = if length > 0.0 { length.recip() } else { 0.0 };
        let mut best = (0, f32::NEG_INFINITY);
        for (label, other) in self
            .labels
            .iter()
            .zip(self.values.chunks_exact(self.dimension))
        {
            let cosine = dot(vector, other) * scale;
            if cosine > best.1 {
                best = (*label, cosine);
            }
        }
        Some(best)
    }
}

/// Returns the inner product, summed in eight lanes because the compiler keeps those in one register.
fn dot(one: &[f32], two: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let (ones, twos) = (one.chunks_exact(8), two.chunks_exact(8));
    let rest: f32 = ones
        .remainder()
        .iter()
        .zip(twos.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in ones.zip(twos) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + rest
}
