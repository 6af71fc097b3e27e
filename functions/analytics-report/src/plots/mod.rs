//! The report's plots, drawn alike as PNG and SVG, wide for a screen and paper, narrow for a phone.
//!
//! Colours are those of Okabe & Ito (2008), "Color Universal Design", which people with any common colour blindness can
//! tell apart; nothing is said by colour alone.

mod axis;
mod canvas;
mod distribution;
mod outcomes;
mod quarters;
mod topics;

use anyhow::{Context, anyhow};
use insights_core::analytics::ReportData;
use plotters::prelude::{BitMapBackend, DrawingBackend, IntoDrawingArea, SVGBackend};

pub(crate) use axis::count;
use canvas::Canvas;

/// Pixels of the PNG per unit of the drawing: sharp on paper and on fine screens.
const PNG_SCALE: u32 = 2;
/// The width of the wide form.
const WIDE: u32 = 760;
/// The width of the narrow form, about that of a phone.
const NARROW: u32 = 380;

/// A plot in all its forms.
pub(crate) struct Figure {
    /// Its file's name without the ending.
    pub(crate) name: &'static str,
    /// Its title.
    pub(crate) title: &'static str,
    /// What it shows, for those who do not see it.
    pub(crate) description: String,
    /// As SVG.
    pub(crate) svg: String,
    /// As SVG for a phone.
    pub(crate) narrow: String,
    /// As PNG.
    pub(crate) png: Vec<u8>,
}

/// Something that can be drawn at any width.
trait Plot {
    const NAME: &'static str;
    const TITLE: &'static str;

    /// What it shows, in words and numbers.
    fn description(&self) -> String;

    /// The height it needs.
    fn height(&self) -> u32;

    fn draw<B: DrawingBackend>(&self, canvas: &Canvas<'_, B>) -> anyhow::Result<()>;
}

/// All plots of a report.
///
/// # Errors
/// If one cannot be drawn.
pub(crate) fn all(reduced: &ReportData) -> anyhow::Result<Vec<Figure>> {
    canvas::register_fonts()?;
    Ok(vec![
        figure(&distribution::Distribution::of(reduced))?,
        figure(&outcomes::Outcomes::of(reduced))?,
        figure(&topics::Topics::of(reduced))?,
        figure(&quarters::Quarters::of(reduced))?,
    ])
}

fn figure<P: Plot>(plot: &P) -> anyhow::Result<Figure> {
    Ok(Figure {
        name: P::NAME,
        title: P::TITLE,
        description: plot.description(),
        svg: svg(plot, WIDE).with_context(|| P::NAME)?,
        narrow: svg(plot, NARROW).with_context(|| P::NAME)?,
        png: png(plot).with_context(|| P::NAME)?,
    })
}

fn svg<P: Plot>(plot: &P, width: u32) -> anyhow::Result<String> {
    let size = (width, plot.height());
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        plot.draw(&Canvas::new(&area, size, 1))?;
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(svg)
}

fn png<P: Plot>(plot: &P) -> anyhow::Result<Vec<u8>> {
    let size = (WIDE, plot.height());
    let (width, height) = (size.0 * PNG_SCALE, size.1 * PNG_SCALE);
    let mut pixels = vec![u8::MAX; width as usize * height as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        plot.draw(&Canvas::new(&area, size, PNG_SCALE))?;
        area.present().map_err(|error| anyhow!("{error}"))?;
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
