"""Write the golden files: reference.json (texts, normalized texts, token ids, outputs by ONNX Runtime) and normalize_reference.json.

Usage: python reference.py --model DIR --emoji TSV

Run it on a processor with VNNI instructions: without them the int8 sums of ONNX Runtime may saturate, and its outputs are not those of the graph.
"""

import argparse
import json

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from normalize import Normalizer

TEXTS = [
    "I am extremely frustrated with this service and want a refund immediately.",
    "The support agent was very helpful and resolved my issue quickly.",
    "my account number is four five seven two",
    "no that's all thanks",
    "I lost my credit card, can you send me a new one?",
    "I don\u2019t like this \U0001F621",
    "great service \U0001F644 thanks for nothing",
    "[noise] uh it's still [inaudible] not working <unk>",
    "\uff55\uff52\uff47\uff45\uff4e\uff54 please",
    "You have no legal right to keep my deposit.",
    "my wife Sue will pick it up tomorrow",
    "I want to speak to whoever is in charge there",
    "my husband passed away in March and I need to close his line",
    "thanks \u2764\ufe0f\U0001F44D\U0001F3FD",
    "ok",
    "Thank you for calling, how can I help you today?",
    "i've been on hold for forty five minutes and nobody can tell me where my parcel is i'm honestly thinking of leaving you",
    "word " * 300,
]
MORE = ["[noise]", "\u201cquoted\u201d \u2018text\u2019", "a\u200bb  c\u00a0d", "\U0001F468\u200d\U0001F469\u200d\U0001F467 family", "1\ufe0f\u20e3 2\ufe0f\u20e3", "(laughs) fine <UNK> [PII] stays", "\ufb01nally \u2460", ":) :-( <3", ""]


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--model", required=True)
    args.add_argument("--emoji", required=True)
    args = args.parse_args()
    normal = Normalizer(args.emoji)
    tokenizer = Tokenizer.from_file(f"{args.model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(f"{args.model}/model.onnx", options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    rows = []
    for text in TEXTS:
        ids = tokenizer.encode(normal(text)).ids
        outputs = session.run(None, {"input_ids": np.array([ids], dtype=np.int64)})
        rows.append({"text": text, "normalized": normal(text), "ids": ids, **{n: [round(float(v), 5) for v in o[0]] for n, o in zip(names, outputs)}})
    json.dump(rows, open(f"{args.model}/reference.json", "w"), indent=1)
    json.dump([{"text": t, "normalized": normal(t)} for t in TEXTS + MORE], open(f"{args.model}/normalize_reference.json", "w"), indent=1)


if __name__ == "__main__":
    main()
