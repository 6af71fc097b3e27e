//! The result of a clustering.

/// Rows that are assigned to clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Clustering {
    /// The cluster of each row.
    pub labels: Vec<usize>,
    /// The mean of the rows of each cluster, one value per column.
    pub centers: Vec<Vec<f64>>,
    /// The sum of the squared distances of the rows to the centers of their clusters.
    pub inertia: f64,
}
