#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make test/golden/tiny: small random checkpoints, and what transformers computes with them.

Each folder is what Hugging Face's save_pretrained() would leave (config.json, model.safetensors,
vocab.txt, tokenizer_config.json), with seeded random weights, and golden.json beside it.  The tests
convert the folder in C and compare.  Together they cover both architectures, all heads, no
head, the three stored types, head widths 16 and 32, inner sizes that are no multiple of 16 or 32,
one, two and three layers, and the position_ids buffer that old checkpoints carry.

golden.json: {"versions", "seed", "note", "cases": [case ...]}, where a case has
  "query", "product"   the texts; absent where the ids are random; "product" null for a single text
  "ids"                token ids, special tokens included
  "type_ids"           BERT only: 0 up to and including the first [SEP], 1 after it
  "logits"             [label_n], of a sequence head
  "token_logits"       [token_n][label_n], of a token head
  "hidden"             [token_n][hidden_size], of some cases: the last hidden states
Values are float32, written with 7 significant digits.
"""
import argparse
import json
import pathlib
import sys

SEED = 20240917

WORDS = """
shoe shoes running men women red blue black white dog cat food phone case for with without
size pack of and kitchen knife steel pan non stick cable charger usb oil olive organic free gluten
tool drill bit set inch cm kg oz ml leather water bottle cover screen large small""".split()
PIECES = "##s ##er ##ing ##ed ##less ##proof ##ly ##y ##es".split()
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PUNCTUATION = list(".,-'\"/()&+%:") + ["é", "中", "鞋"]

TEXTS = [
    ("running shoes", "Red running shoe, men, size 10"),
    ("phone case", "Leather phone cover (black) with screen"),
    ("Non-stick pan", "Steel kitchen pan 28 cm, non-stick, without cover"),
    ("dog food 5kg", "Organic dog food, gluten free, pack of 2 (5 kg)"),
    # Longer than the position table: cut, longest first.
    ("waterproof leather shoe covers",
     "Shoe covers, water-proof, non-slip, for men and women, black, large, pack of 2, organic"),
    ("café 中鞋", "Olive oil 500 ml & water-proof bottle ☃"),
    ("", "USB charger"),
    ("drill bits", ""),
    ("knife set", None),
]
RANDOM_LENGTHS = [1, 2, 3, 15, 16, 17, 33, 40]

# name, class, label count (0: bare encoder), stored type, sizes
MODELS = [
    ("distilbert-seq", "DistilBertForSequenceClassification", 4, "float16", dict(
        hidden=64, heads=4, inner=104, layers=2)),
    ("bert-seq", "BertForSequenceClassification", 3, "bfloat16", dict(
        hidden=32, heads=2, inner=48, layers=3)),
    ("bert-token", "BertForTokenClassification", 5, "float16", dict(
        hidden=32, heads=2, inner=64, layers=1)),
    ("distilbert-token", "DistilBertForTokenClassification", 5, "float32", dict(
        hidden=32, heads=2, inner=48, layers=1)),
    ("bert-bare", "BertModel", 0, "float16", dict(
        hidden=96, heads=3, inner=120, layers=1)),
    ("bert-both", "BertForSequenceAndTokenClassification", 2, "float16", dict(
        hidden=32, heads=2, inner=48, layers=2)),
    ("distilbert-both", "DistilBertForSequenceAndTokenClassification", 2, "float32", dict(
        hidden=32, heads=2, inner=40, layers=1)),
]
POSITIONS = 40

# The checkpoint intent-rule is no random one: its labels follow from these words, so that tests can
# say what a text must give.  A word's label is that of its first piece; others are "O".
RULES = {
    "B-PRODUCT": "lip soap socks balzam balzama bálsamo balsamo",
    "I-PRODUCT": "balm za usne labial",
    "B-QUANTITY": "0 1 2 3 4 5 6 7 8 9 two three dvije dos half media many x",
    "I-QUANTITY": "a dozen docena",
    "remove": "remove makni quita",  # the action; without one of these it is "add"
}
RULE_OTHERS = "add please and hvala gracias of pairs for".split()
TOKEN_LABELS = ["O", "B-product", "I-product", "B-size", "I-size"]
SEQUENCE_LABELS = ["Exact", "Substitute", "Complement", "Irrelevant"]


ACTION_LABELS = ["add", "remove"]
INTENT_LABELS = ["O", "B-PRODUCT", "I-PRODUCT", "B-QUANTITY", "I-QUANTITY"]


def vocabulary():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = special + list(CHARACTERS) + ["##" + c for c in CHARACTERS] + PUNCTUATION
    tokens += [w for w in WORDS if w not in tokens] + PIECES
    return list(dict.fromkeys(tokens))


def config_of(transformers, class_name, label_n, sizes, vocab_n):
    both = "SequenceAndToken" in class_name
    labels = ACTION_LABELS if both else TOKEN_LABELS if "Token" in class_name else SEQUENCE_LABELS
    common = dict(vocab_size=vocab_n, max_position_embeddings=POSITIONS, pad_token_id=0)
    if label_n:
        common["id2label"] = dict(enumerate(labels[:label_n]))
        common["label2id"] = {name: i for i, name in enumerate(labels[:label_n])}
    if both:
        common["classifier_head"] = "linear"
        common["token_id2label"] = {str(i): name for i, name in enumerate(INTENT_LABELS)}
    if class_name.startswith("DistilBert"):
        return transformers.DistilBertConfig(dim=sizes["hidden"], n_heads=sizes["heads"],
                                             hidden_dim=sizes["inner"], n_layers=sizes["layers"],
                                             **common)
    return transformers.BertConfig(hidden_size=sizes["hidden"], num_attention_heads=sizes["heads"],
                                   intermediate_size=sizes["inner"],
                                   num_hidden_layers=sizes["layers"], **common)


def two_heads(torch, transformers, class_name, config):
    """An encoder with a linear layer on [CLS] and one on every token: no class of transformers."""
    bert = class_name.startswith("Bert")

    class TwoHeads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            encoder = (transformers.BertModel(config, add_pooling_layer=False) if bert
                       else transformers.DistilBertModel(config))
            setattr(self, "bert" if bert else "distilbert", encoder)
            self.classifier = torch.nn.Linear(encoder.config.hidden_size, len(ACTION_LABELS))
            self.token_classifier = torch.nn.Linear(encoder.config.hidden_size,
                                                    len(INTENT_LABELS))

        def forward(self, **inputs):
            encoder = self.bert if bert else self.distilbert
            out = encoder(**inputs)
            hidden = out.last_hidden_state
            return {"logits": self.classifier(hidden[:, 0]), "hidden_states": out.hidden_states,
                    "token_logits": self.token_classifier(hidden)}

    return TwoHeads()


def randomise(torch, model, generator):
    """Weights large enough that attention is not uniform and that a swapped tensor would show."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "LayerNorm" in name or "layer_norm" in name:
                p.copy_(noise * 0.1 + (1.0 if name.endswith("weight") else 0.0))
            elif name.endswith("bias"):
                p.copy_(noise * 0.1)
            elif "embeddings" in name:
                p.copy_(noise * 0.5)
            else:
                p.copy_(noise * 1.5 / p.shape[-1] ** 0.5)


def first_separator_types(ids, sep):
    first = ids.index(sep) if sep in ids else len(ids)
    return [int(i > first) for i in range(len(ids))]


def rounded(values):
    if isinstance(values, list):
        return [rounded(v) for v in values]
    return float("%.7g" % values)


def one_case(torch, model, ids, is_bert, has_tokens, want_hidden):
    inputs = {"input_ids": torch.tensor([ids])}
    case = {"ids": ids}
    if is_bert:
        case["type_ids"] = first_separator_types(ids, 3)
        inputs["token_type_ids"] = torch.tensor([case["type_ids"]])
    with torch.inference_mode():
        out = model(**inputs, output_hidden_states=True)
    if "token_logits" in out:
        case["logits"] = rounded(out["logits"][0].tolist())
        case["token_logits"] = rounded(out["token_logits"][0].tolist())
    elif "logits" in out:
        case["token_logits" if has_tokens else "logits"] = rounded(out["logits"][0].tolist())
    if want_hidden:
        case["hidden"] = rounded(out["hidden_states"][-1][0].tolist())
    return case


def make(folder, class_name, label_n, stored, sizes, seed):
    import tokenizers
    import torch
    import transformers
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    vocab = vocabulary()
    config = config_of(transformers, class_name, label_n, sizes, len(vocab))
    config._attn_implementation = "eager"
    options = {} if label_n else {"add_pooling_layer": False}
    if "SequenceAndToken" in class_name:
        model = two_heads(torch, transformers, class_name, config).eval()
    else:
        model = getattr(transformers, class_name)(config, **options).eval()
    generator = torch.Generator().manual_seed(seed)
    randomise(torch, model, generator)
    dtype = getattr(torch, stored)
    state = {k: v.to(dtype).contiguous() for k, v in model.state_dict().items()}
    model.load_state_dict({k: v.float() for k, v in state.items()})  # compute with what is stored
    if class_name == "BertForSequenceClassification":
        state["bert.embeddings.position_ids"] = torch.arange(POSITIONS).reshape(1, -1)

    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    settings = {"architectures": [class_name], **config.to_diff_dict(), "torch_dtype": stored}
    # What only tells one release of transformers from another does not belong in a fixture.
    for key in ("transformers_version", "dtype", "_attn_implementation",
                "_attn_implementation_internal"):
        settings.pop(key, None)
    # The sizes that happen to equal the class defaults are written too: readers need them.
    for key in ("vocab_size", "max_position_embeddings", "pad_token_id", "layer_norm_eps",
                "type_vocab_size", "hidden_act", "activation", "sinusoidal_pos_embds"):
        if hasattr(config, key):
            settings[key] = getattr(config, key)
    settings["model_type"] = config.model_type
    (folder / "config.json").write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    is_bert, has_tokens = config.model_type == "bert", "Token" in class_name
    tokenizer_class = "BertTokenizer" if is_bert else "DistilBertTokenizer"
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "model_max_length": POSITIONS,
         "tokenizer_class": tokenizer_class}) + "\n")
    tokenizer = tokenizers.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(POSITIONS, strategy="longest_first")
    cases = []
    for i, (query, product) in enumerate(TEXTS):
        ids = tokenizer.encode(query, product).ids
        # A bare encoder has nothing but its hidden states to compare.
        want_hidden = i in ((2, 6, 7, 8) if label_n == 0 else (0, 8))
        if label_n == 0 and not want_hidden:
            continue
        case = one_case(torch, model, ids, is_bert, has_tokens, want_hidden)
        cases.append({"query": query, "product": product, **case})
    for n in RANDOM_LENGTHS:
        ids = torch.randint(5, len(vocab), (n,), generator=generator).tolist()
        ids[0] = 2
        if n >= 3:
            ids[n // 3] = ids[-1] = 3
        if label_n:
            cases.append(one_case(torch, model, ids, is_bert, has_tokens, False))
    golden = {
        "versions": {"torch": torch.__version__.split("+")[0],
                     "transformers": transformers.__version__,
                     "tokenizers": tokenizers.__version__},
        "seed": seed,
        "note": f"{class_name}, weights stored as {stored}, computed in float32, eager attention",
        "cases": cases,
    }
    lines = ",\n".join("  " + json.dumps(c, ensure_ascii=False) for c in cases)
    head = json.dumps({k: v for k, v in golden.items() if k != "cases"}, indent=1)[:-2]
    text = head + ',\n "cases": [\n' + lines + "\n ]\n}\n"
    (folder / "golden.json").write_text(text, encoding="utf-8")


def rule_state(torch, vocab):
    """One layer in which every token sees the mean of all: [CLS] learns of a "remove" that way."""
    hidden, inner, labels = 32, 32, INTENT_LABELS + ["remove"]
    words, action, seen, spare = {}, labels.index("remove"), 6, 7  # 6: the mean of the action's
    for label, text in RULES.items():
        words.update({word: labels.index(label) for word in text.split()})
    zero, one = torch.zeros, torch.ones
    table = zero(len(vocab), hidden)
    for i, token in enumerate(vocab):
        table[i, words.get(token, 0)] = 4.0
    mean, project = zero(hidden, hidden), zero(hidden, hidden)
    mean[seen, action], mean[seen, spare] = 1.0, -1.0
    project[seen, seen] = 20.0
    classifier, token_classifier = zero(2, hidden), zero(len(INTENT_LABELS), hidden)
    classifier[1, seen], classifier[1, spare] = 10.0, -10.0
    for i in range(len(INTENT_LABELS)):
        token_classifier[i, i] = 5.0
    token_classifier[0, action] = 5.0
    state = {"embeddings.word_embeddings.weight": table,
             "embeddings.position_embeddings.weight": zero(RULE_POSITIONS, hidden),
             "embeddings.token_type_embeddings.weight": zero(2, hidden)}
    layer = "encoder.layer.0."
    for name, matrix in [("attention.self.query", zero(hidden, hidden)),
                         ("attention.self.key", zero(hidden, hidden)),
                         ("attention.self.value", mean), ("attention.output.dense", project),
                         ("intermediate.dense", zero(inner, hidden)),
                         ("output.dense", zero(hidden, inner))]:
        state[layer + name + ".weight"], state[layer + name + ".bias"] = matrix, zero(hidden)
    for name in ("embeddings.LayerNorm", layer + "attention.output.LayerNorm",
                 layer + "output.LayerNorm"):
        state[name + ".weight"], state[name + ".bias"] = one(hidden), zero(hidden)
    state = {"bert." + name: tensor for name, tensor in state.items()}
    state.update({"classifier.weight": classifier, "classifier.bias": torch.tensor([0.0, -1.0]),
                  "token_classifier.weight": token_classifier,
                  "token_classifier.bias": zero(len(INTENT_LABELS))})
    return state


RULE_POSITIONS = 64


def make_rules(folder):
    import torch
    from safetensors.torch import save_file
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS,
             *["##" + c for c in CHARACTERS], *PUNCTUATION]
    for text in [*RULES.values(), " ".join(RULE_OTHERS)]:
        vocab += [w for w in text.split() if w not in vocab]
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.half() for name, tensor in rule_state(torch, vocab).items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["BertForSequenceAndTokenClassification"], "model_type": "bert",
        "classifier_head": "linear", "hidden_size": 32, "intermediate_size": 32,
        "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": len(vocab),
        "max_position_embeddings": RULE_POSITIONS, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "id2label": dict(enumerate(ACTION_LABELS)),
        "token_id2label": dict(enumerate(INTENT_LABELS))}, indent=1) + "\n")
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"do_lower_case": True, "model_max_length": RULE_POSITIONS,
         "tokenizer_class": "BertTokenizer"}) + "\n")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="example: .venv/bin/python tools/gen_golden.py")
    parser.add_argument("--out", type=pathlib.Path, default=root / "test/golden/tiny",
                        help="where to write (default: test/golden/tiny)")
    parser.add_argument("--seed", type=int, default=SEED,
                        help="of the weights (default: %(default)s)")
    parser.add_argument("--only", metavar="NAME", help="make this checkpoint alone")
    args = parser.parse_args()
    for i, (name, class_name, label_n, stored, sizes) in enumerate(MODELS):
        if args.only in (None, name):
            make(args.out / name, class_name, label_n, stored, sizes, args.seed + i)
    if args.only in (None, "intent-rule"):
        make_rules(args.out / "intent-rule")
    total = sum(f.stat().st_size for f in args.out.rglob("*") if f.is_file())
    print(f"{len(MODELS) + 1} checkpoints, {total} bytes in all, in {args.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
