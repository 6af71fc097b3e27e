//! Compares the recognized encoder with tract on the same file, on every instruction set of this machine.

use bytes::Bytes;
use prost::Message;

use super::{Encoder, Workspace, recognize_encoder};
#[cfg(feature = "tract")]
use crate::engine::Engine;
use crate::kernels::Isa;
use crate::onnx::OnnxModel;

fn file(folder: &str) -> Bytes {
    std::fs::read(format!(
        "{}/models/{folder}/model.onnx",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
    .into()
}

fn encoder(file: &Bytes, isa: Isa) -> Encoder {
    recognize_encoder(&OnnxModel::decode(file.clone()).unwrap(), isa)
        .expect("the shipped form is recognized")
}

/// Returns the token ids (`[CLS] ... [SEP]`) and the sentiment logits of the reference texts.
fn texts(folder: &str) -> Vec<(Vec<u32>, Vec<f32>)> {
    let path = format!(
        "{}/models/{folder}/reference.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let floats = |v: &serde_json::Value| -> Vec<f32> {
        v.as_array()
            .map(|a| a.iter().map(|v| v.as_f64().unwrap() as f32).collect())
            .unwrap_or_default()
    };
    let row = |row: &serde_json::Value| {
        let ids = row
            .get("ids")
            .unwrap_or(&row["token_ids"])
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_u64().unwrap() as u32);
        (ids.collect(), floats(&row["sentiment_logits"]))
    };
    rows.as_array().unwrap().iter().map(row).collect()
}

/// Returns the largest difference between two lists of values.
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn logits_are_within_rounding_of_the_reference() {
    let file = file("sentiment");
    for isa in Isa::available() {
        let encoder = encoder(&file, isa);
        let mut work = Workspace::default();
        let mut exact = 0;
        for (ids, reference) in texts("sentiment") {
            let found = encoder.run(&ids, &mut work);
            // An activation that rounds the other way differs by 1/255 of its range, and all later activations follow. Which ones
            // do depends on the order of the float sums, so that each kind of vector has a few texts of its own.
            let difference = largest_difference(&found[0], &reference);
            assert!(
                difference < 0.1,
                "{isa:?}: {:?}, reference {reference:?}",
                found[0]
            );
            exact += usize::from(difference < 1e-4);
        }
        assert!(
            exact >= 9,
            "{isa:?}: only {exact} of 18 texts have no value that rounds the other way"
        );
    }
}

#[cfg(feature = "tract")]
#[test]
fn logits_are_within_rounding_of_tract() {
    let file = file("sentiment");
    let tract = Engine::on_tract(&file, None).unwrap();
    for isa in Isa::available() {
        let encoder = encoder(&file, isa);
        let mut work = Workspace::default();
        for (ids, _) in texts("sentiment") {
            let found = encoder.run(&ids, &mut work);
            let by_tract = tract.run(&ids).unwrap();
            // How tract rounds depends on how tract was compiled.
            for ((found, by_tract), most) in found.iter().zip(&by_tract).zip([0.1, 0.4]) {
                assert!(
                    largest_difference(found, by_tract) < most,
                    "{isa:?}: {found:?}, tract {by_tract:?}"
                );
            }
        }
    }
}

#[cfg(feature = "tract")]
#[test]
fn tract_with_the_kernels_gives_what_the_encoder_gives() {
    for folder in ["sentiment", "embedding"] {
        let (file, isa) = (file(folder), Isa::detect());
        let encoder = encoder(&file, isa);
        let tract = Engine::on_tract(&file, Some(isa)).unwrap();
        assert!(tract.is_accelerated());
        let texts = texts(folder);
        let mut equal = 0;
        for (ids, _) in &texts {
            let found = tract.run(ids).unwrap();
            let expected = encoder.run(ids, &mut Workspace::default());
            let outputs = found.iter().zip(&expected);
            let largest = outputs
                .map(|(a, b)| largest_difference(a, b))
                .fold(0.0, f32::max);
            assert!(largest < 0.4, "{folder} differs by {largest}");
            equal += usize::from(largest < 1e-3);
        }
        // Where one activation rounds the other way, all later ones follow.
        assert!(
            equal * 2 > texts.len(),
            "{equal} of {} are equal",
            texts.len()
        );
    }
}

#[test]
fn a_workspace_serves_texts_of_any_length_one_after_the_other() {
    let file = file("embedding");
    let encoder = encoder(&file, Isa::detect());
    let mut kept = Workspace::default();
    for (ids, _) in texts("embedding") {
        assert_eq!(
            encoder.run(&ids, &mut kept),
            encoder.run(&ids, &mut Workspace::default())
        );
    }
}

#[cfg(feature = "tract")]
#[test]
fn vectors_are_those_of_tract() {
    let file = file("embedding");
    let tract = Engine::on_tract(&file, None).unwrap();
    for isa in Isa::available() {
        let encoder = encoder(&file, isa);
        let mut cosines: Vec<f32> = texts("embedding")
            .iter()
            .map(|(ids, _)| {
                let found = encoder.run(ids, &mut Workspace::default()).remove(0);
                let expected = tract.run(ids).unwrap().remove(0);
                found.iter().zip(&expected).map(|(a, b)| a * b).sum()
            })
            .collect();
        cosines.sort_by(f32::total_cmp);
        // most texts are equal; where one activation rounds the other way, all later rounding is another draw of the
        // same noise, whose size is the distance of int8 to float32: 0.006 on average, 0.023 for the text with most
        assert!(
            cosines[0] > 0.98 && cosines[5] > 0.9995,
            "{isa:?}: {cosines:?}"
        );
    }
}

#[test]
#[ignore = "does nothing but work: `infra/check-arm64 count` counts its instructions"]
fn inferences_to_count() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let number = |name: &str| variable(name).parse::<u32>().unwrap();
    let isa = Isa::available()
        .into_iter()
        .find(|isa| format!("{isa:?}") == variable("COUNTED_INSTRUCTION_SET"))
        .expect("this processor has that instruction set");
    let encoder = encoder(&file("sentiment"), isa);
    let ids: Vec<u32> = (0..number("COUNTED_TOKENS"))
        .map(|place| 1000 + place * 977 % 19_000)
        .collect();
    let mut workspace = Workspace::default();
    for _ in 0..number("COUNTED_RUNS") {
        let outputs = encoder.run(&ids, &mut workspace);
        assert_eq!(outputs.len(), encoder.outputs().len());
    }
}
