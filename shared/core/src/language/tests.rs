//! Lines of chats and calls with the languages that they are in.

use super::*;

/// Chat lines with their languages: `code`, a tab, the line.
const LINES: &str = include_str!("lines.tsv");

fn code(text: &str) -> Option<&'static str> {
    find_other_language(text).map(Language::code)
}

#[test]
fn nearly_all_short_lines_in_other_languages_are_found() {
    let lines: Vec<(&str, &str)> = LINES.lines().filter_map(|l| l.split_once('\t')).collect();
    assert!(lines.len() > 130);
    let missed: Vec<_> = lines
        .iter()
        .filter(|(_, text)| code(text).is_none())
        .collect();
    assert!(missed.len() <= 5, "{missed:?}");
}

#[test]
fn languages_with_words_of_their_own_are_named() {
    for (text, expected) in [
        ("quiero cancelar mi cuenta", "es"),
        ("je voudrais parler à un responsable", "fr"),
        ("ich möchte mit einem Vorgesetzten sprechen", "de"),
        ("quero falar com o gerente", "pt"),
        ("vorrei parlare con un responsabile", "it"),
        (
            "здравствуйте, у меня не работает интернет, помогите пожалуйста",
            "ru",
        ),
        ("ありがとうございます", "ja"),
        ("मेरा इंटरनेट काम नहीं कर रहा है", "hi"),
        ("mera internet kaam nahi kar raha hai", "hi"),
        ("GRACIAS!!! \u{1f60a}", "es"),
        ("no funciona, quiero cancelar", "es"),
    ] {
        assert_eq!(code(text), Some(expected), "{text}");
    }
}

#[test]
fn english_stays_english_however_short_misspelled_or_full_of_names() {
    for text in [
        "",
        "ok",
        "no",
        "nope",
        "k",
        "8",
        "\u{1f621}",
        "??",
        "lol",
        "thx",
        "pls halp",
        "laywer",
        "urgnet",
        "this sux",
        "I am N O T happy",
        "merci, that fixed it",
        "my name is Maria Gonzalez",
        "Schneider",
        "Rodriguez",
        "it's for Mr. Müller in Köln",
        "my café order never came",
        "hola, I need to speak to a manager",
        "Say gracias to your colleague for me",
        "I can't log in to my account",
        "manana works for me",
        "did not receive the pkg",
        "wtf is this",
        "ya na true",
        "\u{ff55}\u{ff52}\u{ff47}\u{ff45}\u{ff4e}\u{ff54} please",
        "see https://example.com/die/der/das #gracias @hola",
    ] {
        assert_eq!(code(text), None, "{text}");
    }
}

#[test]
fn a_long_text_costs_no_more_than_its_first_words() {
    let english = "please fix my internet ".repeat(50_000);
    assert_eq!(code(&english), None);
    assert_eq!(
        code(&format!(
            "{}{english}",
            "quiero cancelar mi cuenta ".repeat(100)
        )),
        Some("es")
    );
}
