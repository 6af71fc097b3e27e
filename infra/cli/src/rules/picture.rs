//! The picture of `rules tune`: alerts per supervisor-hour over the limit of a comparison, one panel per comparison, as SVG.

use super::tune::Curve;

const WIDTH: f64 = 640.0;
const PANEL: f64 = 240.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;

/// Draws the curves below each other.
pub(super) fn draw_curves(curves: &[Curve], budget: f64) -> String {
    let height = PANEL * curves.len() as f64;
    let panels: String = curves
        .iter()
        .enumerate()
        .map(|(number, curve)| draw_panel(curve, budget, PANEL * number as f64))
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Alerts per supervisor-hour by limit</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{panels}</svg>\n"
    )
}

fn draw_panel(curve: &Curve, budget: f64, offset: f64) -> String {
    let limits = || curve.points.iter().map(|(limit, _)| *limit);
    let (least, most) = (
        limits().fold(f64::INFINITY, f64::min),
        limits().fold(f64::NEG_INFINITY, f64::max),
    );
    let highest = curve
        .points
        .iter()
        .map(|(_, rate)| *rate)
        .fold(budget.max(0.001), f64::max);
    let x = |limit: f64| {
        let share = if most > least {
            (limit - least) / (most - least)
        } else {
            0.5
        };
        LEFT + share * (WIDTH - LEFT - RIGHT)
    };
    let y = |rate: f64| offset + PANEL - BOTTOM - rate / highest * (PANEL - TOP - BOTTOM);
    let line: Vec<String> = curve
        .points
        .iter()
        .map(|(limit, rate)| format!("{:.1},{:.1}", x(*limit), y(*rate)))
        .collect();
    let dots: String = curve
        .points
        .iter()
        .map(|(limit, rate)| {
            format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"#1f5fa8\"><title>{limit}: {rate} per hour</title></circle>\n",
                x(*limit),
                y(*rate)
            )
        })
        .collect();
    let title = html_escape::encode_text(&curve.rule);
    let current = html_escape::encode_text(&curve.current);
    let (base, top) = (offset + PANEL - BOTTOM, offset + TOP);
    format!(
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{title}: {current}</text>\n\
         <line x1=\"{LEFT}\" y1=\"{base}\" x2=\"{}\" y2=\"{base}\" stroke=\"#555\"/>\n\
         <line x1=\"{LEFT}\" y1=\"{top}\" x2=\"{LEFT}\" y2=\"{base}\" stroke=\"#555\"/>\n\
         <line x1=\"{LEFT}\" y1=\"{:.1}\" x2=\"{}\" y2=\"{:.1}\" stroke=\"#b3261e\" stroke-dasharray=\"6 4\"/>\n\
         <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#b3261e\">budget {budget}/h</text>\n\
         <line x1=\"{:.1}\" y1=\"{top}\" x2=\"{:.1}\" y2=\"{base}\" stroke=\"#888\" stroke-dasharray=\"2 3\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\n{dots}\
         <text x=\"{LEFT}\" y=\"{:.1}\">{least}</text>\n\
         <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{most}</text>\n\
         <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{highest:.1}/h</text>\n",
        offset + 24.0,
        WIDTH - RIGHT,
        y(budget),
        WIDTH - RIGHT,
        y(budget),
        WIDTH - RIGHT,
        y(budget) - 4.0,
        x(curve.current_limit),
        x(curve.current_limit),
        line.join(" "),
        base + 18.0,
        WIDTH - RIGHT,
        base + 18.0,
        LEFT - 8.0,
        top + 8.0,
    )
}
