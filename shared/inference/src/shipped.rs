//! The models that come with this crate; a feature each embeds them in the binary.

use bytes::Bytes;

use crate::model::{ModelFiles, ShippedModel};

macro_rules! files {
    ($folder:literal, $shipped:expr) => {
        ModelFiles {
            onnx: Bytes::from_static(include_bytes!(concat!(
                "../models/",
                $folder,
                "/model.onnx"
            ))),
            tokenizer: Bytes::from_static(include_bytes!(concat!(
                "../models/",
                $folder,
                "/tokenizer.json"
            ))),
            pooling: None,
            config: Bytes::from_static(include_bytes!(concat!(
                "../models/",
                $folder,
                "/config.json"
            ))),
            shipped: Some($shipped),
            folder: $folder.to_owned(),
        }
    };
}

/// Returns the files of the sentiment model: three classes of sentiment, 28 emotions and five signals.
#[cfg(feature = "sentiment-model")]
pub(crate) fn sentiment() -> ModelFiles {
    files!(
        "sentiment",
        ShippedModel {
            name: "contact-center-sentiment-minilm-l6-int8-v3",
            digest: "4f2e052a341202de6017809fdf8bc66f1d40a8cb295654d578c4d6576c216efd",
        }
    )
}

/// Returns the files of the embedding model: sentence vectors of 384 dimensions.
#[cfg(feature = "embedding-model")]
pub(crate) fn embedding() -> ModelFiles {
    files!(
        "embedding",
        ShippedModel {
            name: "all-minilm-l6-v2-int8",
            digest: "118ceb01bf89403bc793e495a35999f1a0f262dded59baa00f08e15b80e19575",
        }
    )
}

#[cfg(all(test, feature = "sentiment-model", feature = "embedding-model"))]
mod tests {
    #[test]
    fn stated_digests_are_those_of_the_files() {
        for files in [super::sentiment(), super::embedding()] {
            assert_eq!(
                crate::model::digest(&files.onnx),
                files.shipped.unwrap().digest
            );
        }
    }
}
