//! The axes of a plot: where values lie on the surface, and the steps between ticks.

/// The frame of a plot: the area of the surface and the values at its edges.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// The left edge in units of the surface.
    pub(super) left: f64,
    /// The right edge in units of the surface.
    pub(super) right: f64,
    /// The upper edge in units of the surface.
    pub(super) top: f64,
    /// The lower edge in units of the surface.
    pub(super) bottom: f64,
    /// The values at the left and at the right edge.
    pub(super) across: (f64, f64),
    /// The values at the lower and at the upper edge.
    pub(super) up: (f64, f64),
}

impl Frame {
    /// Returns the horizontal place of a value.
    pub(super) fn x(&self, value: f64) -> f64 {
        self.left
            + (value - self.across.0) / (self.across.1 - self.across.0) * (self.right - self.left)
    }

    /// Returns the vertical place of a value.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - (value - self.up.0) / (self.up.1 - self.up.0) * (self.bottom - self.top)
    }
}

/// Returns a step between ticks such that about `wanted` ticks reach `largest`: 1, 2 or 5 times a power of ten, at least 1.
pub(super) fn tick_step(largest: f64, wanted: f64) -> f64 {
    let rough = (largest / wanted).max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}
