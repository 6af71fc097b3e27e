//! The quantization of activations: one scale and one zero point for all values of a tensor.

/// Scale and zero point of quantized bytes: a byte stands for the float `(byte - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct QuantizationParams {
    /// Size of one step.
    pub(crate) scale: f32,
    /// Byte that stands for 0, in 0..=255.
    pub(crate) zero_point: i32,
}

impl QuantizationParams {
    /// Returns what ONNX's `DynamicQuantizeLinear` chooses for values in `low..=high`, where `low <= 0 <= high`.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 0..=255")]
    pub(super) fn of_range(low: f32, high: f32) -> Self {
        let scale = if high > low {
            (high - low) / 255.0
        } else {
            1.0
        };
        Self {
            scale,
            zero_point: (-low / scale).clamp(0.0, 255.0).round_ties_even() as i32,
        }
    }

    /// Returns the zero point as a float.
    #[expect(clippy::cast_precision_loss, reason = "0..=255")]
    pub(super) fn zero_point_float(self) -> f32 {
        self.zero_point as f32
    }
}
