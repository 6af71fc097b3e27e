//! What every plot of the report provides.

use plotters::prelude::DrawingBackend;

use super::canvas::Canvas;

/// A plot that can be drawn at any width.
pub(super) trait Plot {
    /// The name of the plot's files, without the extension.
    const NAME: &'static str;
    /// The title of the plot.
    const TITLE: &'static str;

    /// Describes in words and numbers what the plot shows.
    fn description(&self) -> String;

    /// Returns the height that the plot needs, in units of the surface.
    fn height(&self) -> u32;

    /// Draws the plot on a surface.
    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()>;
}
