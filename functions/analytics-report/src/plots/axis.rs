//! Where values lie on a plot, its ticks, and how numbers are written.

/// Where values lie on the surface.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// The values at the left and the right.
    pub(super) across: (f64, f64),
    /// The values at the bottom and the top.
    pub(super) up: (f64, f64),
}

impl Frame {
    pub(super) fn x(&self, value: f64) -> f64 {
        self.left
            + (value - self.across.0) / (self.across.1 - self.across.0) * (self.right - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - (value - self.up.0) / (self.up.1 - self.up.0) * (self.bottom - self.top)
    }
}

/// A step between ticks such that about `wanted` of them reach `largest`: 1, 2 or 5 times a power of ten, never below 1.
pub(super) fn step(largest: f64, wanted: f64) -> f64 {
    let rough = (largest / wanted).max(1.0);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

/// So many conversations.
pub(super) fn conversations(value: usize) -> String {
    format!(
        "{} conversation{}",
        count(value),
        if value == 1 { "" } else { "s" }
    )
}

/// A count with separated thousands.
pub(crate) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
