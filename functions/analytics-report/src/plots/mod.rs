//! The report's plots: each is drawn as PNG and SVG, wide for a screen and for paper, narrow for a phone.
//!
//! The colors are those of Okabe & Ito (2008), "Color Universal Design", which people with any common color blindness can
//! distinguish. No plot says anything by color alone.

mod axis;
mod canvas;
mod distribution;
mod outcomes;
mod plot;
mod quarters;
mod topics;

use anyhow::Context;
use insights_core::analytics::ReportData;
use plotters::prelude::{BitMapBackend, IntoDrawingArea, SVGBackend};

use canvas::{Canvas, drawing_error};
use plot::Plot;

/// Number of pixels of the PNG per unit of the surface, so that the PNG is sharp on paper and on fine screens.
const PNG_SCALE: u32 = 2;
/// Width of the wide form in units of the surface.
const WIDE_WIDTH: u32 = 760;
/// Width of the narrow form in units of the surface, about the width of a phone.
const NARROW_WIDTH: u32 = 380;

/// A drawn plot in all its forms.
pub(crate) struct Figure {
    /// The name of the plot's files, without the extension.
    pub(crate) name: &'static str,
    /// The title of the plot.
    pub(crate) title: &'static str,
    /// The description of the plot for readers who cannot see it.
    pub(crate) description: String,
    /// The wide form as SVG.
    pub(crate) svg: String,
    /// The narrow form as SVG, for a phone.
    pub(crate) narrow: String,
    /// The wide form as PNG.
    pub(crate) png: Vec<u8>,
}

/// Draws all plots of a report.
///
/// # Errors
/// If a plot cannot be drawn.
pub(crate) fn draw_all(report: &ReportData) -> anyhow::Result<Vec<Figure>> {
    canvas::register_fonts()?;
    Ok(vec![
        draw_figure(&distribution::Distribution::from_report(report))?,
        draw_figure(&outcomes::Outcomes::from_report(report))?,
        draw_figure(&topics::Topics::from_report(report))?,
        draw_figure(&quarters::Quarters::from_report(report))?,
    ])
}

/// Draws a plot in all its forms.
fn draw_figure<P: Plot>(plot: &P) -> anyhow::Result<Figure> {
    Ok(Figure {
        name: P::NAME,
        title: P::TITLE,
        description: plot.description(),
        svg: draw_svg(plot, WIDE_WIDTH)
            .with_context(|| format!("plot {} was not drawn", P::NAME))?,
        narrow: draw_svg(plot, NARROW_WIDTH)
            .with_context(|| format!("plot {} was not drawn", P::NAME))?,
        png: draw_png(plot).with_context(|| format!("plot {} was not drawn", P::NAME))?,
    })
}

/// Draws a plot as SVG of a width.
fn draw_svg<P: Plot>(plot: &P, width: u32) -> anyhow::Result<String> {
    let size = (width, plot.height());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        plot.draw(&Canvas::new(&area, size, 1))?;
        area.present().map_err(|error| drawing_error(&error))?;
    }
    Ok(svg)
}

/// Draws the wide form of a plot as PNG.
fn draw_png<P: Plot>(plot: &P) -> anyhow::Result<Vec<u8>> {
    let size = (WIDE_WIDTH, plot.height());
    let (width, height) = (size.0 * PNG_SCALE, size.1 * PNG_SCALE);
    let mut pixels = vec![u8::MAX; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        plot.draw(&Canvas::new(&area, size, PNG_SCALE))?;
        area.present().map_err(|error| drawing_error(&error))?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
