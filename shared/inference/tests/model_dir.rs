//! Models from a folder: exports of other forms, and how a model that does not fit is refused.
#![cfg(feature = "tract")]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use inference::{Embedder, Error, SentimentModel};
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// Returns a copy of a fixture in which one file is changed.
fn changed(name: &str, file: &str, change: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in ["model.onnx", "tokenizer.json", "config.json"] {
        fs::copy(fixture(name).join(entry), folder.path().join(entry)).unwrap();
    }
    let path = folder.path().join(file);
    match change(fs::read(&path).unwrap()) {
        Some(content) => fs::write(path, content).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
    folder
}

fn replaced(name: &str, file: &str, from: &str, to: &str) -> TempDir {
    changed(name, file, |content| {
        let text = String::from_utf8(content).unwrap();
        assert!(text.contains(from));
        Some(text.replace(from, to).into_bytes())
    })
}

fn refusal(folder: &TempDir) -> String {
    let error = SentimentModel::from_dir(folder.path())
        .err()
        .expect("refused");
    assert!(error.is_refusal() && !error.is_retryable());
    error.to_string()
}

#[test]
fn a_roberta_export_with_byte_level_bpe_and_a_mask_scores() {
    let model = SentimentModel::from_dir(&fixture("roberta")).unwrap();
    assert_eq!(
        (model.name(), model.max_tokens(), model.is_accelerated()),
        ("example/roberta", 32, false)
    );
    assert_eq!(model.digest().len(), 64);
    let (good, bad) = (
        model.score("so good").unwrap(),
        model.score("so bad").unwrap(),
    );
    assert!(good.score > 0.9 && bad.score < 0.1, "{good:?} {bad:?}");
    // s, o, " good" and two special tokens; no padding, though tokenizer.json asks for it
    assert_eq!((good.tokens, good.truncated), (5, false));
    assert!(good.emotions.is_empty());
    let mixed = model.score("good bad").unwrap();
    assert!((mixed.score - 0.5).abs() < 1e-6);
}

#[test]
fn a_roberta_text_past_the_limit_is_cut_by_tokens() {
    let model = SentimentModel::from_dir(&fixture("roberta")).unwrap();
    let text = format!("{}{}", "x ".repeat(15), "good");
    let whole = model.score(&text[2..]).unwrap();
    assert!(whole.score > 0.9 && !whole.truncated, "{whole:?}");
    let cut = model.score(&format!("{}{text}", "x ".repeat(100))).unwrap();
    assert_eq!((cut.tokens, cut.truncated), (32, true));
    assert!(
        (cut.probabilities[0] - 1.0 / 3.0).abs() < 1e-6,
        "its only word with a meaning is cut off"
    );
}

#[test]
fn a_bert_export_with_token_types_embeds_by_the_mean_of_its_tokens() {
    let model = Embedder::from_dir(&fixture("bert")).unwrap();
    assert_eq!(
        (
            model.dimension(),
            model.max_tokens(),
            model.max_content_tokens()
        ),
        (4, 8, 6)
    );
    assert_eq!(model.name(), "bert");
    let vector = model.embed("My bill.").unwrap();
    assert!((vector.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-6);
    let other_order = model.embed("bill my.").unwrap();
    assert!(
        vector
            .iter()
            .zip(&other_order)
            .all(|(a, b)| (a - b).abs() < 1e-6)
    );
    assert_ne!(vector, model.embed("router.").unwrap());
    assert_eq!(
        model.tokens("my bill wrongly").unwrap(),
        [0..2, 3..7, 8..13, 13..15]
    );
}

#[test]
fn the_shipped_model_is_the_same_from_a_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/sentiment");
    let (file, embedded) = (
        SentimentModel::from_dir(&folder).unwrap(),
        SentimentModel::embedded().unwrap(),
    );
    assert_eq!(file.digest(), embedded.digest());
    assert!(file.is_accelerated() && embedded.is_accelerated());
    assert_eq!(
        file.score("my bill is wrong").unwrap(),
        embedded.score("my bill is wrong").unwrap()
    );
}

#[test]
fn a_missing_file_is_named() {
    for file in ["model.onnx", "tokenizer.json", "config.json"] {
        let folder = changed("roberta", file, |_| None);
        let error = SentimentModel::from_dir(folder.path()).err().unwrap();
        assert!(
            matches!(&error, Error::Unreadable { path, .. } if path.ends_with(file)),
            "{error}"
        );
    }
}

#[test]
fn damaged_files_are_refused_by_name() {
    for (file, part) in [
        ("model.onnx", "model.onnx: "),
        ("tokenizer.json", "tokenizer.json: "),
        ("config.json", "config.json: "),
    ] {
        for length in [0, 1, 100] {
            let folder = changed("roberta", file, |mut content| {
                content.truncate(length);
                Some(content)
            });
            let error = refusal(&folder);
            assert!(error.starts_with(part), "{file} of {length} bytes: {error}");
        }
    }
}

#[test]
fn labels_that_are_no_sentiments_are_refused_with_those_allowed() {
    let error = refusal(&replaced("roberta", "config.json", "NEUTRAL", "LABEL_1"));
    assert!(
        error.contains("\"LABEL_1\"") && error.contains("neutral/neu"),
        "{error}"
    );
    let lower = replaced("roberta", "config.json", "NEGATIVE", "neg");
    assert!(
        SentimentModel::from_dir(lower.path())
            .unwrap()
            .score("bad")
            .unwrap()
            .score
            < 0.1
    );
}

#[test]
fn a_graph_of_another_width_is_refused_with_both_widths() {
    let error = refusal(&replaced(
        "roberta",
        "config.json",
        ",\n    \"1\": \"NEUTRAL\",\n    \"2\": \"POSITIVE\"",
        ",\n    \"1\": \"POSITIVE\"",
    ));
    assert!(
        error.contains("logits has shape [1, 3]") && error.contains("[1, 2]"),
        "{error}"
    );
    let error = refusal(&changed("bert", "config.json", |_| {
        Some(br#"{"max_length": 8, "id2label": {"0": "neg", "1": "pos"}}"#.to_vec())
    }));
    assert!(
        error.contains("last_hidden_state") && error.contains("[1, 2]"),
        "{error}"
    );
}

#[test]
fn an_input_that_no_text_has_is_refused_with_those_allowed() {
    let error = refusal(&changed("roberta", "model.onnx", |content| {
        // names of the same length keep the file whole
        let (from, to) = (b"attention_mask", b"pixel_values_x");
        let mut content = content;
        for at in 0..content.len() - from.len() {
            if content[at..].starts_with(from) {
                content[at..at + from.len()].copy_from_slice(to);
            }
        }
        Some(content)
    }));
    assert!(
        error.contains("\"pixel_values_x\"; allowed are input_ids"),
        "{error}"
    );
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/sentiment/tokenizer.json");
    let error = refusal(&changed("roberta", "tokenizer.json", |_| {
        Some(fs::read(shipped).unwrap())
    }));
    assert!(
        error.contains("30522 tokens") && error.contains("different models"),
        "{error}"
    );
}

#[test]
fn a_limit_without_room_for_text_or_unstated_is_refused() {
    let error = refusal(&replaced(
        "roberta",
        "config.json",
        "\"max_position_embeddings\": 34",
        "\"max_length\": 2",
    ));
    assert!(error.contains("none is left for text"), "{error}");
    let error = refusal(&replaced(
        "roberta",
        "config.json",
        "\"max_position_embeddings\": 34,",
        "",
    ));
    assert!(error.contains("longest text is not stated"), "{error}");
}

#[test]
fn a_classifier_is_refused_as_an_embedding_model() {
    let error = Embedder::from_dir(&fixture("roberta"))
        .err()
        .expect("refused");
    assert!(error.to_string().contains("classifier"), "{error}");
}

/// Returns a copy of the embedding fixture with a way to pool its tokens.
fn pooled(mode: &str) -> TempDir {
    let folder = changed("bert", "config.json", Some);
    fs::create_dir(folder.path().join("1_Pooling")).unwrap();
    let config = format!("{{\"pooling_mode_{mode}\": true}}");
    fs::write(folder.path().join("1_Pooling/config.json"), config).unwrap();
    folder
}

#[test]
fn an_embedding_model_pools_its_tokens_as_its_folder_says() {
    let load = |mode: &str| Embedder::from_dir(pooled(mode).path());
    let (mean, cls) = (load("mean_tokens").unwrap(), load("cls_token").unwrap());
    let unstated = Embedder::from_dir(&fixture("bert")).unwrap();
    assert_eq!(
        (mean.pooling(), cls.pooling(), unstated.pooling()),
        ("mean", "cls", "mean")
    );
    let text = "my bill is wrong";
    assert_eq!(mean.embed(text).unwrap(), unstated.embed(text).unwrap());
    assert_ne!(mean.embed(text).unwrap(), cls.embed(text).unwrap());
    // The first token is the same for every text here, since this model gives each token a vector of its own.
    assert_eq!(cls.embed(text).unwrap(), cls.embed("router").unwrap());
    let error = load("lasttoken").err().expect("refused");
    assert!(error.to_string().contains("lasttoken"), "{error}");
}
