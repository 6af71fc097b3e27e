//! The plots of no conversation, of one, and of many.

use insights_core::analytics::{
    Conversation, Line, Record, ReportData, ReportRange, ReportReducer, Speaker,
};
use insights_core::topics::{ClusterSettings, VocabularyLimits};
use insights_core::vader::Analyzer;

use super::*;
use crate::numbers::format_count;

const DISPOSITIONS: [&str; 7] = [
    "resolved",
    "escalated",
    "callback",
    "abandoned",
    "unknown",
    "other",
    "resolved",
];
const TEXTS: [&str; 4] = [
    "The refund is late and I am angry!",
    "Thank you, great help with the router",
    "The parcel",
    "My password is wrong, bad",
];

fn report_of(count: usize) -> ReportData {
    let mut reducer = ReportReducer::default();
    for at in 0..count {
        let conversation = Conversation {
            conversation_id: format!("c-{at}"),
            start_time: "2026-11-02T09:00:00Z".to_owned(),
            duration_seconds: Some(60.0),
            disposition: DISPOSITIONS[at % 7].to_owned(),
            ..Conversation::default()
        };
        let line = |text: &str| Line {
            speaker: Speaker::Customer,
            text: text.to_owned(),
            at: None,
        };
        let lines = (0..4)
            .map(|turn| line(TEXTS[(at * 3 + turn * turn) % 4]))
            .collect();
        reducer.add(&Record::from_lines(
            conversation,
            lines,
            &mut Analyzer::default(),
        ));
    }
    let range = ReportRange {
        from: String::new(),
        to: String::new(),
    };
    reducer.finish(
        range,
        VocabularyLimits::default(),
        ClusterSettings::default(),
    )
}

#[test]
fn every_plot_is_drawn_in_all_its_forms_for_any_number_of_conversations() {
    for count in [0, 1, 2, 500] {
        let figures = draw_all(&report_of(count)).unwrap();
        let names: Vec<_> = figures.iter().map(|figure| figure.name).collect();
        let wanted = [
            "sentiment_distribution",
            "outcome_vs_sentiment",
            "topic_clusters",
            "sentiment_by_quarter",
        ];
        assert_eq!(names, wanted);
        for figure in figures {
            let decoder = png::Decoder::new(std::io::Cursor::new(&figure.png));
            let reader = decoder.read_info().unwrap();
            assert_eq!(reader.info().width, WIDE_WIDTH * PNG_SCALE);
            for (svg, width) in [(&figure.svg, WIDE_WIDTH), (&figure.narrow, NARROW_WIDTH)] {
                assert!(
                    svg.starts_with(&format!("<svg width=\"{width}\"")),
                    "{count} {}",
                    figure.name
                );
                assert!(svg.contains(figure.title), "{count} {}", figure.name);
                assert!(!svg.contains("NaN"), "{count} {}", figure.name);
            }
        }
    }
}

#[test]
fn without_conversations_each_plot_says_so() {
    for figure in draw_all(&report_of(0)).unwrap() {
        assert!(
            figure.svg.contains("No conversation has a transcript")
                || figure.svg.contains("No topic was found")
        );
    }
}

#[test]
fn text_stays_inside_the_picture() {
    for figure in draw_all(&report_of(500)).unwrap() {
        for (svg, width) in [(&figure.svg, WIDE_WIDTH), (&figure.narrow, NARROW_WIDTH)] {
            for text in svg.split("<text ").skip(1) {
                let x: f64 = text
                    .split("x=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                assert!(
                    (0.0..=f64::from(width)).contains(&x),
                    "{} {text}",
                    figure.name
                );
            }
        }
    }
}

#[test]
fn the_fonts_draw_letters_and_signs() {
    // A missing glyph would leave its place white: the picture of a text has ink.
    let width = |text: &str| {
        canvas::register_fonts().unwrap();
        let mut pixels = vec![u8::MAX; 400 * 40 * 3];
        {
            let area = BitMapBackend::with_buffer(&mut pixels, (400, 40)).into_drawing_area();
            let canvas = Canvas::new(&area, (400, 40), 1);
            canvas
                .text((10.0, 20.0), text, canvas::Anchor::Start, canvas::BLACK)
                .unwrap();
        }
        pixels.iter().filter(|byte| **byte < 200).count()
    };
    for text in ["a", "ß", "й", "Ω", "\u{2212}", "…", "–"] {
        assert!(width(text) > 3, "{text}");
    }
    assert_eq!(width(" "), 0);
}

#[test]
fn counts_and_steps_are_easy_to_read() {
    assert_eq!(
        [0, 999, 1000, 1_234_567].map(format_count),
        ["0", "999", "1,000", "1,234,567"]
    );
    assert_eq!(
        [0.0, 4.0, 23.0, 1100.0].map(|largest| axis::tick_step(largest, 5.0)),
        [1.0, 1.0, 5.0, 500.0]
    );
    assert_eq!(
        [0.0, 0.5, -1.0].map(|value| insights_core::scale::format_signed(value, 1)),
        ["0", "+0.5", "\u{2212}1.0"]
    );
}
