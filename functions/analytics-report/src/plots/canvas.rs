//! The surface that plots are drawn on: text, lines and areas in units of the narrowest screen, for any backend.

use std::sync::LazyLock;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::{Circle, DrawingArea, DrawingBackend, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font,
};

/// The color of headings and labels.
pub(super) const BLACK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
/// The color of axes and captions.
pub(super) const GRAY: RGBColor = RGBColor(0x5c, 0x5c, 0x5c);
/// The color of grid lines.
pub(super) const PALE: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
/// Blue of Okabe & Ito: the color of positive sentiment.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// Sky blue of Okabe & Ito: the color of boxes.
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
/// Vermilion of Okabe & Ito: the color of negative sentiment and of means.
pub(super) const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// The color of neutral sentiment.
pub(super) const SILVER: RGBColor = RGBColor(0x99, 0x99, 0x99);
const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// Size of usual text. The plotting library counts ascent and descent in, so that this is 12.5 in other programs.
const TEXT_SIZE: f64 = 15.5;
/// Size of a title; 16 in other programs.
const TITLE_SIZE: f64 = 19.8;
/// Free space at each side, in units of the surface.
pub(super) const MARGIN: f64 = 14.0;
/// Name of the font family: the browser's own in an SVG, the bundled font in a PNG.
const FAMILY: &str = "sans-serif";

static FONTS: LazyLock<bool> = LazyLock::new(|| {
    let regular = include_bytes!("../../fonts/report-sans.ttf");
    let bold = include_bytes!("../../fonts/report-sans-bold.ttf");
    register_font(FAMILY, FontStyle::Normal, regular).is_ok()
        && register_font(FAMILY, FontStyle::Bold, bold).is_ok()
});

/// Registers the bundled fonts, once per process, because a Lambda function has no other fonts.
pub(super) fn register_fonts() -> anyhow::Result<()> {
    if *FONTS {
        Ok(())
    } else {
        Err(anyhow!("the bundled fonts are unreadable"))
    }
}

/// Turns an error of the drawing backend into an error that keeps the whole message.
///
/// The error itself cannot be kept as a source, because its type is not known to live long enough (`'static`).
pub(super) fn drawing_error(error: &impl std::fmt::Display) -> anyhow::Error {
    anyhow!("drawing failed: {error}")
}

/// The part of a text that lies at the given point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A surface to draw on.
pub(super) struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    /// The width in units.
    pub(super) width: f64,
    /// The height in units.
    pub(super) height: f64,
    /// The number of pixels per unit.
    scale: f64,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    /// Builds a surface of `size` units with `scale` pixels each.
    pub(super) fn new(area: &'a DrawingArea<B, Shift>, size: (u32, u32), scale: u32) -> Self {
        Self {
            area,
            width: f64::from(size.0),
            height: f64::from(size.1),
            scale: f64::from(scale),
        }
    }

    /// Fills the surface with white and writes a title at the top and a line below the title.
    pub(super) fn draw_title(&self, title: &str, line: &str) -> anyhow::Result<()> {
        self.area
            .fill(&WHITE)
            .map_err(|error| drawing_error(&error))?;
        self.styled(
            (MARGIN, 20.0),
            title,
            Anchor::Start,
            TITLE_SIZE,
            BLACK,
            FontStyle::Bold,
        )?;
        self.text(
            (MARGIN, 43.0),
            &self.fit_text(line, self.width - 2.0 * MARGIN),
            Anchor::Start,
            GRAY,
        )
    }

    /// Writes a text instead of a plot, because there is nothing to draw.
    pub(super) fn draw_placeholder(&self, text: &str) -> anyhow::Result<()> {
        self.text(
            (self.width / 2.0, self.height / 2.0),
            text,
            Anchor::Middle,
            GRAY,
        )
    }

    /// Writes a text of usual size with its middle line at the point.
    pub(super) fn text(
        &self,
        at: (f64, f64),
        text: &str,
        anchor: Anchor,
        color: RGBColor,
    ) -> anyhow::Result<()> {
        self.styled(at, text, anchor, TEXT_SIZE, color, FontStyle::Normal)
    }

    /// Writes a bold text of usual size.
    pub(super) fn bold(
        &self,
        at: (f64, f64),
        text: &str,
        anchor: Anchor,
        color: RGBColor,
    ) -> anyhow::Result<()> {
        self.styled(at, text, anchor, TEXT_SIZE, color, FontStyle::Bold)
    }

    /// Writes a text of any size and style.
    fn styled(
        &self,
        at: (f64, f64),
        text: &str,
        anchor: Anchor,
        size: f64,
        color: RGBColor,
        style: FontStyle,
    ) -> anyhow::Result<()> {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = self
            .style(size, style)
            .color(&color)
            .pos(Pos::new(horizontal, VPos::Center));
        self.area
            .draw_text(text, &style, self.pixel(at))
            .map_err(|error| drawing_error(&error))
    }

    fn style(&self, size: f64, style: FontStyle) -> TextStyle<'static> {
        TextStyle::from(FontDesc::new(
            FontFamily::Name(FAMILY),
            size * self.scale,
            style,
        ))
    }

    /// Returns the width of a text of usual size.
    pub(super) fn text_width(&self, text: &str) -> f64 {
        let size = self
            .area
            .estimate_text_size(text, &self.style(TEXT_SIZE, FontStyle::Normal));
        size.map_or(0.0, |(width, _)| f64::from(width) / self.scale)
    }

    /// Returns the text, cut with an ellipsis if it does not fit into a width.
    pub(super) fn fit_text(&self, text: &str, width: f64) -> String {
        if self.text_width(text) <= width {
            return text.to_owned();
        }
        let mut cut: String = text.to_owned();
        while cut.pop().is_some() {
            let shown = format!("{}…", cut.trim_end_matches([' ', ',']));
            if self.text_width(&shown) <= width {
                return shown;
            }
        }
        String::new()
    }

    /// Draws a line through points.
    pub(super) fn line(
        &self,
        points: &[(f64, f64)],
        color: RGBColor,
        width: f64,
    ) -> anyhow::Result<()> {
        let points: Vec<_> = points.iter().map(|point| self.pixel(*point)).collect();
        self.draw(&PathElement::new(points, self.stroke(color, width)))
    }

    /// Draws a filled rectangle.
    pub(super) fn rectangle(
        &self,
        corners: [(f64, f64); 2],
        color: RGBColor,
        opacity: f64,
    ) -> anyhow::Result<()> {
        let style = color.mix(opacity).filled();
        self.draw(&Rectangle::new(
            corners.map(|corner| self.pixel(corner)),
            style,
        ))
    }

    /// Draws the outline of a rectangle.
    pub(super) fn outline(
        &self,
        corners: [(f64, f64); 2],
        color: RGBColor,
        width: f64,
    ) -> anyhow::Result<()> {
        self.draw(&Rectangle::new(
            corners.map(|corner| self.pixel(corner)),
            self.stroke(color, width),
        ))
    }

    /// Draws a filled polygon.
    pub(super) fn polygon(
        &self,
        points: &[(f64, f64)],
        color: RGBColor,
        opacity: f64,
    ) -> anyhow::Result<()> {
        let points: Vec<_> = points.iter().map(|point| self.pixel(*point)).collect();
        self.draw(&Polygon::new(points, color.mix(opacity).filled()))
    }

    /// Draws a filled circle.
    pub(super) fn dot(
        &self,
        at: (f64, f64),
        radius: f64,
        color: RGBColor,
        opacity: f64,
    ) -> anyhow::Result<()> {
        let radius = (radius * self.scale).round() as i32;
        self.draw(&Circle::new(
            self.pixel(at),
            radius,
            color.mix(opacity).filled(),
        ))
    }

    fn draw<'b, E>(&self, element: &'b E) -> anyhow::Result<()>
    where
        B: 'b,
        &'b E: plotters::element::PointCollection<'b, (i32, i32)>,
        E: plotters::element::Drawable<B>,
    {
        self.area
            .draw(element)
            .map_err(|error| drawing_error(&error))
    }

    fn stroke(&self, color: RGBColor, width: f64) -> ShapeStyle {
        color.stroke_width((width * self.scale).round().max(1.0) as u32)
    }

    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (
            (x * self.scale).round() as i32,
            (y * self.scale).round() as i32,
        )
    }
}
