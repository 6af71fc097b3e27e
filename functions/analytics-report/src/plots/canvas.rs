//! A drawing surface in units of the narrowest screen: text, lines and areas, whatever the backend.

use std::sync::LazyLock;

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::prelude::{Circle, DrawingArea, DrawingBackend, PathElement, Polygon, Rectangle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font,
};

pub(super) const BLACK: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);
pub(super) const GREY: RGBColor = RGBColor(0x5c, 0x5c, 0x5c);
pub(super) const PALE: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
pub(super) const VERMILION: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(super) const SILVER: RGBColor = RGBColor(0x99, 0x99, 0x99);
const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// The size of text; the library counts ascent and descent in, so that this is 12.5 as others count.
const TEXT: f64 = 15.5;
/// The size of a title, likewise 16.
const TITLE: f64 = 19.8;
/// Free space at the sides.
pub(super) const MARGIN: f64 = 14.0;
/// The generic family: the browser's own in an SVG, the bundled one in a PNG.
const FAMILY: &str = "sans-serif";

static FONTS: LazyLock<bool> = LazyLock::new(|| {
    let regular = include_bytes!("../../fonts/report-sans.ttf");
    let bold = include_bytes!("../../fonts/report-sans-bold.ttf");
    register_font(FAMILY, FontStyle::Normal, regular).is_ok()
        && register_font(FAMILY, FontStyle::Bold, bold).is_ok()
});

/// Makes the bundled fonts known, once a process; a Lambda has no others.
pub(super) fn register_fonts() -> anyhow::Result<()> {
    if *FONTS {
        Ok(())
    } else {
        Err(anyhow!("the bundled fonts are unreadable"))
    }
}

/// Where a text's point lies in it.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The surface.
pub(super) struct Canvas<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    /// Its width in units.
    pub(super) width: f64,
    /// Its height in units.
    pub(super) height: f64,
    scale: f64,
}

impl<'a, B: DrawingBackend> Canvas<'a, B> {
    /// A surface of `size` units with `scale` pixels each.
    pub(super) fn new(area: &'a DrawingArea<B, Shift>, size: (u32, u32), scale: u32) -> Self {
        Self {
            area,
            width: f64::from(size.0),
            height: f64::from(size.1),
            scale: f64::from(scale),
        }
    }

    /// A white ground with a title at the top and a line below it.
    pub(super) fn title(&self, title: &str, line: &str) -> anyhow::Result<()> {
        self.area.fill(&WHITE).map_err(|error| anyhow!("{error}"))?;
        self.styled(
            (MARGIN, 20.0),
            title,
            Anchor::Start,
            TITLE,
            BLACK,
            FontStyle::Bold,
        )?;
        self.text(
            (MARGIN, 43.0),
            &self.fitting(line, self.width - 2.0 * MARGIN),
            Anchor::Start,
            GREY,
        )
    }

    /// Says that there is nothing to draw.
    pub(super) fn nothing(&self, text: &str) -> anyhow::Result<()> {
        self.text(
            (self.width / 2.0, self.height / 2.0),
            text,
            Anchor::Middle,
            GREY,
        )
    }

    /// A text of usual size, its middle line at the point.
    pub(super) fn text(
        &self,
        at: (f64, f64),
        text: &str,
        anchor: Anchor,
        color: RGBColor,
    ) -> anyhow::Result<()> {
        self.styled(at, text, anchor, TEXT, color, FontStyle::Normal)
    }

    /// A bold text of usual size.
    pub(super) fn bold(
        &self,
        at: (f64, f64),
        text: &str,
        anchor: Anchor,
        color: RGBColor,
    ) -> anyhow::Result<()> {
        self.styled(at, text, anchor, TEXT, color, FontStyle::Bold)
    }

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
            .map_err(|error| anyhow!("{error}"))
    }

    fn style(&self, size: f64, style: FontStyle) -> TextStyle<'static> {
        TextStyle::from(FontDesc::new(
            FontFamily::Name(FAMILY),
            size * self.scale,
            style,
        ))
    }

    /// How wide a text of usual size is.
    pub(super) fn text_width(&self, text: &str) -> f64 {
        let size = self
            .area
            .estimate_text_size(text, &self.style(TEXT, FontStyle::Normal));
        size.map_or(0.0, |(width, _)| f64::from(width) / self.scale)
    }

    /// The text, cut with an ellipsis to fit into a width.
    pub(super) fn fitting(&self, text: &str, width: f64) -> String {
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

    /// A line through points.
    pub(super) fn line(
        &self,
        points: &[(f64, f64)],
        color: RGBColor,
        width: f64,
    ) -> anyhow::Result<()> {
        let points: Vec<_> = points.iter().map(|point| self.pixel(*point)).collect();
        self.draw(&PathElement::new(points, self.stroke(color, width)))
    }

    /// A filled rectangle.
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

    /// The outline of a rectangle.
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

    /// A filled polygon.
    pub(super) fn polygon(
        &self,
        points: &[(f64, f64)],
        color: RGBColor,
        opacity: f64,
    ) -> anyhow::Result<()> {
        let points: Vec<_> = points.iter().map(|point| self.pixel(*point)).collect();
        self.draw(&Polygon::new(points, color.mix(opacity).filled()))
    }

    /// A dot.
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
        self.area.draw(element).map_err(|error| anyhow!("{error}"))
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
