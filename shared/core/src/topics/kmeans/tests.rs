//! Cases with a known answer; the comparison with scikit-learn is in `topics/tests.rs`.

use proptest::prelude::*;

use super::*;

fn rows(points: &[[f64; 2]]) -> SparseRows {
    let mut rows = SparseRows::default();
    for point in points {
        let row: Vec<_> = (0_u32..)
            .zip(*point)
            .filter(|(_, value)| *value != 0.0)
            .collect();
        rows.push(&row);
    }
    rows
}

fn settings(clusters: usize) -> ClusterSettings {
    ClusterSettings {
        clusters,
        ..ClusterSettings::default()
    }
}

#[test]
fn two_groups_are_separated() {
    let rows = rows(&[[0.0, 0.0], [0.0, 2.0], [10.0, 0.0], [10.0, 2.0]]);
    let found = cluster_rows(&rows, 2, settings(2)).unwrap();
    assert_eq!(found.labels[0], found.labels[1]);
    assert_eq!(found.labels[2], found.labels[3]);
    assert_ne!(found.labels[0], found.labels[2]);
    assert_eq!(found.inertia, 4.0);
    assert_eq!(found.centers[found.labels[2]], [10.0, 1.0]);
}

#[test]
fn there_are_never_more_clusters_than_distinct_rows() {
    let found = cluster_rows(&rows(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), 2, settings(5)).unwrap();
    assert_eq!(found.centers.len(), 2);
    assert_eq!(found.inertia, 0.0);
}

#[test]
fn nothing_to_cluster_is_no_clustering() {
    assert_eq!(cluster_rows(&SparseRows::default(), 3, settings(5)), None);
    assert_eq!(cluster_rows(&rows(&[[1.0, 0.0]]), 2, settings(0)), None);
    let mut empty = SparseRows::default();
    empty.push(&[]);
    assert_eq!(cluster_rows(&empty, 0, settings(5)), None);
}

#[test]
fn rows_are_assigned_once_more_where_the_centers_moved_at_last() {
    let rows = rows(&[[0.0, 1.0], [3.0, 1.0], [4.0, 1.0], [20.0, 1.0]]);
    let norms = [1.0, 10.0, 17.0, 401.0];
    // Whatever the centers move counts as none, so that the iterations end with the first. The second center is at 3 before it and
    // at 9 afterwards.
    let found = lloyd::iterate(&rows, &norms, 2, &[0, 1], f64::INFINITY);
    assert_eq!(found.centers, [[0.0, 1.0], [9.0, 1.0]]);
    assert_eq!(found.labels, [0, 0, 0, 1]);
    assert_eq!(found.inertia, 9.0 + 16.0 + 121.0);
}

#[test]
fn the_tolerance_is_a_share_of_the_mean_variance_of_a_column() {
    // The columns have the variances 4 and 0.25.
    let rows = rows(&[[1.0, 2.0], [5.0, 2.0], [1.0, 3.0], [5.0, 3.0]]);
    let tolerance = lloyd::tolerance(&rows, 2);
    assert!((tolerance - 1e-4 * (4.0 + 0.25) / 2.0).abs() < 1e-12);
}

proptest! {
    #[test]
    fn every_row_is_with_its_nearest_center(
        points in prop::collection::vec([0.0..9.0_f64, 0.0..9.0], 1..40), clusters in 1..6_usize
    ) {
        let rows = rows(&points);
        let found = cluster_rows(&rows, 2, settings(clusters)).unwrap();
        prop_assert!(found.centers.len() <= clusters);
        prop_assert_eq!(&cluster_rows(&rows, 2, settings(clusters)).unwrap(), &found);
        let distance = |point: &[f64; 2], center: &[f64]| {
            (point[0] - center[0]).powi(2) + (point[1] - center[1]).powi(2)
        };
        let mut inertia = 0.0;
        for (point, &label) in points.iter().zip(&found.labels) {
            let own = distance(point, &found.centers[label]);
            inertia += own;
            for center in &found.centers {
                prop_assert!(own <= distance(point, center) + 1e-9);
            }
        }
        prop_assert!((inertia - found.inertia).abs() < 1e-6 * (1.0 + inertia));
    }
}
