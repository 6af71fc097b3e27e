"""Third stage: several teachers learn everything, and one student of the shipped size learns from their mean.

    python distill.py prepare --data DIR --emoji TSV --tokenizer FILE --utterances TSV [TSV ...] --out rows.npz
    python distill.py teach   --rows rows.npz --init model.onnx --out teacher.pt [--seed N] [--seconds N]
    python distill.py study   --rows rows.npz --init model.onnx --teachers teacher.pt [...] --out student.pt [--layers N] [--seconds N]
    python distill.py mean    --weights one.pt [...] --out mean.pt
    python distill.py mend    --rows rows.npz --init mean.onnx --utterances TSV --emoji TSV --tokenizer FILE --out mended.pt [--steps N]
    python distill.py graph   --init model.onnx --weights student.pt --out new.onnx

`prepare` normalizes and tokenizes the training sets that train.py and finetune.py name, and sets a tenth of the utterances aside. `--init` is a
graph that export.py wrote (of either task), from whose int8 weights the training starts. A training lasts `--seconds`, whatever the machine; with a
graphics card of the year 2023 the minutes below suffice, without one they do not. `mean` averages weights of runs that began with the same weights.
`mend` teaches the last layers a few utterances, while everything else keeps the outputs that it had; it takes minutes without a graphics card. `graph` writes
int8 weights into a copy of `--init`.

The last third of a student's training runs with weights and activations rounded as the int8 graph rounds them, so that the rounding costs nothing later.
"""

import argparse
import functools
import random
import time

import numpy as np

EMOTION_COUNT, SIGNAL_COUNT, LONGEST = 28, 5, 112
SETS = ["goemotions", "semeval", "rated", "templates", "utterances"]
CALIBRATION_SHARE = 10  # every tenth utterance is kept for the validation


def prepare(args):
    """Writes token ids and labels of every training row, and of the validation and test rows."""
    from tokenizers import Tokenizer

    import domain
    from finetune import SIGNALS, as_recognized, one_hot, utterances
    from normalize import Normalizer
    from train import EMOTIONS, goemotions, rated, semeval, tweeteval

    normal = Normalizer(args.emoji)
    tokenizer = Tokenizer.from_file(args.tokenizer)
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    rows = []  # text, classes or None, emotions or None, signals or None, name of the set, split

    def add(name, split, found):
        rows.extend((*row, name, split) for row in found)

    for split in ("train", "dev", "test"):
        add("goemotions", split, [(t, one_hot(y), e, None) for t, y, e in goemotions(f"{args.data}/goemo_{split}.tsv")])
    add("semeval", "train", [(t, one_hot(y), None, None) for t, y, _ in semeval(args.data)])
    for split, ours in (("val", "dev"), ("test", "test")):
        add("semeval", ours, [(t, one_hot(y), None, None) for t, y, _ in tweeteval(args.data, split)])
    add("rated", "train", [(t, one_hot(y), None, None) for t, y, _ in rated(args.data)[800:]])
    add("templates", "train", [(t, one_hot(y), [EMOTIONS.index(e) for e in tags], None) for t, y, tags in domain.gen()])
    written = [row for path in args.utterances for row in utterances(path)]
    random.Random(1).shuffle(written)
    for at, row in enumerate(written):
        if at % CALIBRATION_SHARE == 0:
            add("utterances", "dev", [row])
            continue
        add("utterances", "train", [row, row])
        add("utterances", "train", [(as_recognized(normal(row[0])), *row[1:])])
    if args.contact_center:
        add("utterances", "test", utterances(args.contact_center))

    ids = [tokenizer.encode(normal(row[0]) or ".").ids for row in rows]
    n = len(rows)
    classes, emotions, signals = np.zeros((n, 3), "f4"), np.zeros((n, EMOTION_COUNT), "u1"), np.zeros((n, SIGNAL_COUNT), "u1")
    known = np.zeros((n, 3), "u1")
    for at, (_, label, tags, flags, _, _) in enumerate(rows):
        if label is not None:
            classes[at], known[at, 0] = label, 1
        if tags is not None:
            emotions[at, tags], known[at, 1] = 1, 1
        if flags is not None:
            signals[at], known[at, 2] = flags, 1
    np.savez_compressed(
        args.out,
        tokens=np.concatenate([np.array(one, "u2") for one in ids]),
        lengths=np.array([len(one) for one in ids], "u1"),
        classes=classes, emotions=emotions, signals=signals, known=known,
        set=np.array([SETS.index(row[4]) for row in rows], "u1"),
        split=np.array([("train", "dev", "test").index(row[5]) for row in rows], "u1"),
    )
    print({(name, split): sum(row[4:] == (name, split) for row in rows) for name in SETS for split in ("train", "dev", "test")})


@functools.cache
def build():
    """Returns the class of the encoder; torch is imported here so that `prepare` does without it."""
    import torch
    from torch import nn
    from torch.nn import functional as f

    def rounded(x, low, high, scale, zero):
        """x as the integer graph sees it; the gradient passes as if nothing had been rounded."""
        near = ((x / scale + zero).round().clamp(low, high) - zero) * scale
        return x + (near - x).detach()

    class Product(nn.Linear):
        """A linear layer that can round weights (per output channel) and activations (per text) to 8 bits."""

        is_rounding = False

        def forward(self, x):
            if not Product.is_rounding:
                return super().forward(x)
            scale = self.weight.detach().abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
            weight = rounded(self.weight, -127, 127, scale, 0)
            around = tuple(range(1, x.ndim))
            low, high = x.detach().amin(around, keepdim=True).clamp(max=0), x.detach().amax(around, keepdim=True).clamp(min=0)
            step = ((high - low) / 255).clamp(min=1e-8)
            return f.linear(rounded(x, 0, 255, step, (-low / step).round()), weight, self.bias)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = Product(384, 1152), Product(384, 384)
            self.inner, self.outer = Product(384, 1536), Product(1536, 384)
            self.norm1, self.norm2 = nn.LayerNorm(384, eps=1e-12), nn.LayerNorm(384, eps=1e-12)

        def forward(self, x, mask, drop):
            b, s, _ = x.shape
            q, k, v = (t.view(b, s, 12, 32).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
            c = f.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=drop)
            x = self.norm1(f.dropout(self.out(c.transpose(1, 2).reshape(b, s, 384)), drop) + x)
            return self.norm2(f.dropout(self.outer(f.gelu(self.inner(x))), drop) + x)

    class Encoder(nn.Module):
        def __init__(self, layers):
            super().__init__()
            self.word = nn.Embedding(30522, 384)
            self.position = nn.Parameter(torch.zeros(512, 384))
            self.norm = nn.LayerNorm(384, eps=1e-12)
            self.layers = nn.ModuleList(Layer() for _ in range(layers))
            self.heads = nn.ModuleList(Product(384, width) for width in (3, EMOTION_COUNT, SIGNAL_COUNT))
            nn.init.constant_(self.heads[2].bias, -3.0)

        def forward(self, ids, lengths):
            drop = 0.1 if self.training else 0.0
            at = torch.arange(ids.shape[1], device=ids.device)
            mask = at[None, :] < lengths[:, None]
            x = f.dropout(self.norm(self.word(ids) + self.position[: ids.shape[1]]), drop)
            for layer in self.layers:
                x = layer(x, mask[:, None, None, :], drop)
            weight = mask.unsqueeze(-1).to(x.dtype)
            pooled = f.dropout((x * weight).sum(1) / weight.sum(1), drop)
            return [head(pooled) for head in self.heads]

    return Encoder, Product


def matrices(graph):
    """Names of the int8 matrices of a graph of export.py: per layer the four products, and the heads that it has."""
    names = {i.name for i in graph.initializer}
    numbered = sorted((n for n in names if n.startswith("onnx::MatMul") and n.endswith("_quantized")), key=lambda n: int(n.split("_")[1]))
    layers = [[f"qkv_weight.{at}_quantized", *numbered[3 * at : 3 * at + 3]] for at in range(len(numbered) // 3)]
    return layers, [f"heads.{at}.weight_Transposed_quantized" for at in range(3) if f"heads.{at}.bias" in names]


def from_graph(path, layers):
    """An encoder of so many layers with the weights of a graph; fewer layers than the graph has are spread over it."""
    import onnx
    import torch
    from onnx import numpy_helper

    Encoder, _ = build()
    graph = onnx.load(path).graph
    values = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()).float() for i in graph.initializer}
    products, heads = matrices(graph)
    model = Encoder(layers)

    def put(layer, quantized, bias):
        layer.weight.data = (values[quantized] * values[quantized.replace("_quantized", "_scale")]).t().contiguous()
        layer.bias.data = values[bias].clone()

    model.word.weight.data = (values["word_quantized"] - values["word_zero_point"]) * values["word_scale"]
    model.position.data = values["position"]
    model.norm.weight.data, model.norm.bias.data = values["norm.weight"], values["norm.bias"]
    chosen = [round(at * (len(products) - 1) / max(1, layers - 1)) for at in range(layers)]
    for layer, at in zip(model.layers, chosen):
        name = f"layers.{at}"
        put(layer.qkv, products[at][0], f"qkv_bias.{at}")
        put(layer.out, products[at][1], f"{name}.attention.output.dense.bias")
        put(layer.inner, products[at][2], f"{name}.intermediate.dense.bias")
        put(layer.outer, products[at][3], f"{name}.output.dense.bias")
        for norm, part in ((layer.norm1, "attention.output"), (layer.norm2, "output")):
            norm.weight.data, norm.bias.data = values[f"{name}.{part}.LayerNorm.weight"], values[f"{name}.{part}.LayerNorm.bias"]
    for at, head in enumerate(heads):
        put(model.heads[at], head, f"heads.{at}.bias")
    return model


class Rows:
    """The rows of `prepare` on the device: padded token ids, lengths and labels."""

    def __init__(self, path, device):
        import torch

        found = np.load(path)
        self.lengths = found["lengths"].astype(np.int64)
        ids = np.zeros((len(self.lengths), int(self.lengths.max())), np.int32)
        ids[np.arange(ids.shape[1])[None, :] < self.lengths[:, None]] = found["tokens"]
        put = lambda x: torch.from_numpy(x).to(device)
        self.ids, self.length = put(ids), put(self.lengths)
        self.classes, self.known = put(found["classes"]), put(found["known"].astype(np.float32))
        self.emotions, self.signals = put(found["emotions"].astype(np.float32)), put(found["signals"].astype(np.float32))
        self.set, self.split = found["set"], found["split"]

    def of(self, name, split):
        return np.flatnonzero((self.set == SETS.index(name)) & (self.split == ("train", "dev", "test").index(split)))

    def batches(self, chosen, size):
        """Shuffled batches of rows of like length."""
        chosen = np.random.permutation(chosen)
        for start in range(0, len(chosen), size * 50):
            chunk = chosen[start : start + size * 50]
            chunk = chunk[np.argsort(self.lengths[chunk], kind="stable")]
            parts = [chunk[at : at + size] for at in range(0, len(chunk), size)]
            random.shuffle(parts)
            yield from parts


def outputs(model, rows, chosen, rounding=False):
    """Probabilities of the three heads for the chosen rows, batches of one length each."""
    import torch

    _, Product = build()
    model.eval()
    results = [torch.zeros(len(chosen), width, device=rows.ids.device) for width in (3, EMOTION_COUNT, SIGNAL_COUNT)]
    Product.is_rounding = rounding
    with torch.no_grad():
        for length in np.unique(rows.lengths[chosen]):
            places = np.flatnonzero(rows.lengths[chosen] == length)
            for start in range(0, len(places), 512):
                at = torch.from_numpy(places[start : start + 512]).to(rows.ids.device)
                batch = torch.from_numpy(chosen[places[start : start + 512]]).to(rows.ids.device)
                s, e, g = model(rows.ids[batch, : int(length)].long(), rows.length[batch])
                results[0][at], results[1][at], results[2][at] = s.float().softmax(-1), e.float().sigmoid(), g.float().sigmoid()
    Product.is_rounding = False
    model.train()
    return results


def f1(predicted, true):
    return 2 * (predicted & true).sum() / max(1, predicted.sum() + true.sum())


def figures(name, found, rows):
    """Prints the figures of both validation and test sets; thresholds come from the validation sets alone."""

    def sentiment(chosen, classes):
        known = rows.known[chosen][:, 0].cpu().numpy() > 0
        truth = rows.classes[chosen].cpu().numpy()
        leaning = truth[:, 2] - truth[:, 0]
        truth = np.where(leaning < 0, 0, np.where(leaning > 0, 2, 1))[known]
        p = classes.cpu().numpy()[known]
        recall = np.mean([(p.argmax(1)[truth == c] == c).mean() for c in range(3)])
        alert, negative = p[:, 2] + p[:, 1] / 2 < 0.3, truth == 0
        both = (alert & negative).sum()
        return f"accuracy {(p.argmax(1) == truth).mean():.3f} macro {recall:.3f} alert {both / max(1, alert.sum()):.3f}/{both / negative.sum():.3f}"

    thresholds = {}
    for which in ("dev", "test"):
        for kind in ("semeval", "goemotions", "utterances"):
            chosen = rows.of(kind, which)
            if len(chosen) == 0:
                continue
            classes, emotions, signals = found(chosen)
            text = sentiment(chosen, classes)
            for head, label, values in (("emotions", rows.emotions, emotions), ("signals", rows.signals, signals)):
                if (kind, head) not in (("goemotions", "emotions"), ("utterances", "signals")):
                    continue
                true, p = label[chosen].cpu().numpy() > 0, values.cpu().numpy()
                if which == "dev":
                    grid = np.arange(0.08, 0.8, 0.02)
                    thresholds[head] = [round(float(max((f1(p[:, k] > t, true[:, k]), t) for t in grid)[1]), 2) for k in range(true.shape[1])]
                each = [f1(p[:, k] > thresholds[head][k], true[:, k]) for k in range(true.shape[1])]
                text += f" | {head} F1 {np.mean(each):.3f}, at 0.3 {np.mean([f1(p[:, k] > 0.3, true[:, k]) for k in range(true.shape[1])]):.3f}"
                if head == "signals":
                    text += " " + str([round(float(x), 2) for x in each])
            print(f"{name} {kind} {which}: {text}", flush=True)
    print(name, "thresholds", thresholds, flush=True)


def learn(args, model, rows, loss_of, batch_size, rate, rounding_from):
    """Trains for `args.seconds`; the rate rises over the first twentieth and falls to nothing at the end."""
    import torch

    _, Product = build()
    device = rows.ids.device
    model.to(device).train()
    heads = list(model.heads.parameters())
    words = [model.word.weight, model.position]
    rest = [p for p in model.parameters() if all(p is not q for q in heads + words)]
    groups = [
        {"params": [p for p in rest if p.ndim > 1], "lr": rate, "weight_decay": 0.01},
        {"params": [p for p in rest if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
        {"params": words, "lr": rate / 2, "weight_decay": 0.0},
        {"params": heads, "lr": 5 * rate, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, fused=device.type == "cuda")
    peak = [g["lr"] for g in optimizer.param_groups]
    everything = np.flatnonzero(rows.split == 0)
    started, step, told = time.time(), 0, 0.0
    while True:
        for chosen in rows.batches(everything, batch_size):
            progress = (time.time() - started) / args.seconds
            if progress >= 1:
                return
            scale = min(1, progress / 0.05) * (1 - progress)
            for group, top in zip(optimizer.param_groups, peak):
                group["lr"] = max(top * scale, top * 1e-3)
            batch = torch.from_numpy(chosen).to(device)
            longest = int(rows.lengths[chosen].max())
            Product.is_rounding = progress > rounding_from
            with torch.autocast(device.type, torch.bfloat16):
                results = model(rows.ids[batch, :longest].long(), rows.length[batch])
            loss = loss_of([one.float() for one in results], batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            if progress - told > 0.1:
                told = progress
                print(f"{args.out} {progress:.0%} step {step} loss {loss.item():.3f}", flush=True)


def losses(results, classes, weight, emotions, has_emotions, signals, has_signals, rare):
    """The sum of the three heads' losses; weight is one number per row, zero where the sentiment is not known."""
    import torch

    bce = torch.nn.functional.binary_cross_entropy_with_logits
    s, e, g = results
    loss = (-(classes * torch.log_softmax(s, -1)).sum(-1) * weight).sum() / weight.sum().clamp(min=1)
    loss = loss + 8 * (bce(e, emotions, reduction="none") * has_emotions).sum() / (has_emotions.sum() * EMOTION_COUNT).clamp(min=1)
    return loss + 3 * (bce(g, signals, reduction="none", pos_weight=rare) * has_signals).sum() / (has_signals.sum() * SIGNAL_COUNT).clamp(min=1)


def weights_of_rows(rows):
    """How much each row counts for the sentiment: negative tweets are rare in the training set, so that they count more."""
    import torch

    tweets = torch.from_numpy(rows.set == SETS.index("semeval")).to(rows.ids.device)
    return rows.known[:, 0] * (1 + 1.0 * (tweets & (rows.classes[:, 0] == 1)).float())


def start(args):
    import torch

    torch.manual_seed(args.seed)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.set_float32_matmul_precision("high")
    torch.set_num_threads(2)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return device, Rows(args.rows, device), from_graph(args.init, args.layers)


def teach(args):
    """Trains one teacher on the labels alone."""
    import torch

    device, rows, model = start(args)
    weight = weights_of_rows(rows)
    rare = torch.tensor([4.0, 3.0, 3.0, 3.0, 4.0], device=device)

    def loss_of(results, batch):
        known = rows.known[batch]
        return losses(results, rows.classes[batch], weight[batch], rows.emotions[batch], known[:, 1:2], rows.signals[batch], known[:, 2:3], rare)

    learn(args, model, rows, loss_of, 128, args.rate or 1.5e-4, 2.0)
    torch.save({k: v.half() for k, v in model.state_dict().items()}, args.out)
    everything = np.arange(len(rows.lengths))
    torch.save([one.half().cpu() for one in outputs(model, rows, everything)], args.out + ".outputs")
    figures(args.out, lambda chosen: outputs(model, rows, chosen), rows)


def study(args):
    """Trains the student on the mean of the teachers, a part of each target being the label itself."""
    import torch

    device, rows, model = start(args)
    found = [torch.load(f"{path}.outputs") for path in args.teachers]
    mean = [sum(one[head].float() for one in found).to(device) / len(found) for head in range(3)]
    figures("mean of the teachers", lambda chosen: [one[torch.from_numpy(chosen).to(device)] for one in mean], rows)
    share = args.labels
    weight = weights_of_rows(rows) * share
    weight = torch.where(rows.known[:, 0] > 0, weight + (1 - share), torch.full_like(weight, 0.5))
    mix = lambda label, taught, has: torch.where(has > 0, share * label + (1 - share) * taught, taught)
    classes = mix(rows.classes, mean[0], rows.known[:, 0:1])
    emotions, signals = mix(rows.emotions, mean[1], rows.known[:, 1:2]), mix(rows.signals, mean[2], rows.known[:, 2:3])
    everywhere, plain = torch.ones(len(rows.lengths), 1, device=device), torch.ones(SIGNAL_COUNT, device=device)

    def loss_of(results, batch):
        every = everywhere[batch]
        own = torch.where(rows.known[batch][:, 2:3] > 0, every, 0.2 * every)
        return losses(results, classes[batch], weight[batch], emotions[batch], every, signals[batch], own, plain)

    learn(args, model, rows, loss_of, 192, args.rate or 2.5e-4, 0.67)
    torch.save({k: v.half() for k, v in model.state_dict().items()}, args.out)
    figures(args.out, lambda chosen: outputs(model, rows, chosen), rows)
    figures(args.out + " rounded", lambda chosen: outputs(model, rows, chosen, rounding=True), rows)


def mean(args):
    """Averages the weights of several runs."""
    import torch

    found = [torch.load(path, map_location="cpu") for path in args.weights]
    torch.save({k: sum(one[k].float() for one in found) / len(found) for k in found[0]}, args.out)


def mend(args):
    """Teaches the last two layers and the heads the utterances of a file; random other rows hold the model where it was."""
    import copy

    import torch
    from tokenizers import Tokenizer

    from finetune import utterances
    from normalize import Normalizer

    device, rows, model = start(args)
    normal, tokenizer = Normalizer(args.emoji), Tokenizer.from_file(args.tokenizer)
    tokenizer.no_padding()
    written = [row for path in args.utterances for row in utterances(path)]
    ids = [tokenizer.encode(normal(row[0]) or ".").ids[:LONGEST] for row in written]
    before = copy.deepcopy(model).eval()
    model.eval()  # without dropout: the steps are few
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    learning = [p for part in (*model.layers[-2:], model.heads) for p in part.parameters()]
    for parameter in learning:
        parameter.requires_grad_(True)
    optimizer = torch.optim.AdamW(learning, lr=args.rate or 4e-5, weight_decay=0.0)
    ordinary = np.flatnonzero((rows.split == 0) & (rows.lengths < 40))
    plain = torch.ones(SIGNAL_COUNT)
    for step in range(args.steps):
        chosen = random.sample(range(len(ids)), 16)
        longest = max(len(ids[at]) for at in chosen)
        new, lengths = torch.zeros(16, longest, dtype=torch.long), torch.tensor([len(ids[at]) for at in chosen])
        for row, at in enumerate(chosen):
            new[row, : len(ids[at])] = torch.tensor(ids[at])
        classes, signals = torch.tensor([written[at][1] for at in chosen]), torch.tensor([written[at][3] for at in chosen])
        emotions = torch.zeros(16, EMOTION_COUNT)
        for row, at in enumerate(chosen):
            emotions[row, written[at][2]] = 1
        one, none = torch.ones(16, 1), torch.zeros(16, 1)
        loss = losses(model(new, lengths), classes, one[:, 0], emotions, none, signals, one, plain)
        old = np.random.choice(ordinary, 24)
        batch, width = torch.from_numpy(old), int(rows.lengths[old].max())
        with torch.no_grad():
            kept = before(rows.ids[batch, :width].long(), rows.length[batch])
        found = model(rows.ids[batch, :width].long(), rows.length[batch])
        loss = loss + 2 * sum(((a - b) ** 2).mean() for a, b in zip(found, kept))
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = (args.rate or 4e-5) * (1 - step / args.steps)
        optimizer.step()
        if step % 20 == 0:
            print(f"step {step} loss {loss.item():.3f}", flush=True)
    torch.save(model.state_dict(), args.out)


def graph(args):
    """Writes the weights, rounded to int8, into a copy of the graph of `--init`."""
    import onnx
    import torch
    from onnx import numpy_helper

    model = onnx.load(args.init)
    weights = {k: v.float().numpy() for k, v in torch.load(args.weights[0], map_location="cpu").items()}
    products, heads = matrices(model.graph)
    new = {"position": weights["position"], "norm.weight": weights["norm.weight"], "norm.bias": weights["norm.bias"]}

    def put(name, bias, key):
        weight = weights[f"{key}.weight"].T
        scale = np.maximum(np.abs(weight).max(0), 1e-8) / 127
        new[name], new[name.replace("_quantized", "_scale")] = np.clip(np.round(weight / scale), -127, 127), scale
        new[bias] = weights[f"{key}.bias"]

    word = weights["word.weight"]
    scale = (word.max() - word.min()) / 255
    zero = round(float(-word.min() / scale))
    new["word_scale"], new["word_zero_point"] = np.array(scale), np.array(zero)
    new["word_quantized"] = np.clip(np.round(word / scale) + zero, 0, 255)
    for at, names in enumerate(products):
        parts = {"qkv": f"qkv_bias.{at}", "out": f"layers.{at}.attention.output.dense.bias"}
        parts |= {"inner": f"layers.{at}.intermediate.dense.bias", "outer": f"layers.{at}.output.dense.bias"}
        for name, (key, bias) in zip(names, parts.items()):
            put(name, bias, f"layers.{at}.{key}")
        for key, part in (("norm1", "attention.output"), ("norm2", "output")):
            for kind in ("weight", "bias"):
                new[f"layers.{at}.{part}.LayerNorm.{kind}"] = weights[f"layers.{at}.{key}.{kind}"]
    for at, name in enumerate(heads):
        put(name, f"heads.{at}.bias", f"heads.{at}")
    for value in model.graph.initializer:
        if value.name in new:
            old = numpy_helper.to_array(value)
            value.CopyFrom(numpy_helper.from_array(np.asarray(new.pop(value.name)).astype(old.dtype).reshape(old.shape), value.name))
    assert not new, f"the graph has no place for {sorted(new)}"
    onnx.checker.check_model(model)
    onnx.save(model, args.out)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("step", choices=["prepare", "teach", "study", "mean", "mend", "graph"])
    for name in ("data", "emoji", "tokenizer", "contact-center", "rows", "init", "out"):
        args.add_argument(f"--{name}")
    args.add_argument("--utterances", nargs="+")
    args.add_argument("--teachers", nargs="+")
    args.add_argument("--weights", nargs="+")
    for name, default in dict(seed=0, layers=6, seconds=180.0, rate=0.0, labels=0.3, steps=200).items():
        args.add_argument(f"--{name}", default=default, type=type(default))
    args = args.parse_args()
    {"prepare": prepare, "teach": teach, "study": study, "mean": mean, "mend": mend, "graph": graph}[args.step](args)


if __name__ == "__main__":
    main()
