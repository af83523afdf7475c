#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure a model on the test sets, and write the tables of docs/accuracy.md.

    tools/accuracy.py                          data/default.rlv, tables on the screen
    tools/accuracy.py --write                  into docs/accuracy.md, between its marks
    tools/accuracy.py --model new.rlv --checkpoint CHECKPOINT --write

The sets: the ESCI development pairs (SHARED/data/esci/dev.tsv, not part of the repository), the test
part of data/labelled.tsv, and the in-domain and unseen-category sets that tools/synth/relevance.py
makes (seed 1).  One that is not there is left out, and the table says so.

The development pairs, which are of the kind that the model is calibrated for, are evaluated for the
label shares that they have ('relevance eval --prior'), where the model knows its own, and for --rare,
at which the rarer labels are found; the other sets as the model comes.  With
--checkpoint, the Hugging Face folder that the model was made from, it is also converted to each of
--formats and compared with f32, pair by pair, and with PyTorch.

Latencies are those of this machine as it is: let nothing else run.
"""
import argparse
import csv
import datetime
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "accuracy.md")
BEGIN, END = "<!-- measured: tools/accuracy.py -->\n", "<!-- end of measured -->\n"
LABELS = ["Exact", "Substitute", "Complement", "Irrelevant"]
FORMATS = "q8/q8 q7/q8 q7/q8,--outliers,1,--chain,4 q7/q6 q6/q6 q5/q5 q4/q6 q3/q6"
# What the reference reports, in percent: in-domain, unseen categories; ms for one pair.
REFERENCE = {"": (81.0, 80.5), "Exact": (93.7, 91.1), "Substitute": (59.2, 71.8), "Irrelevant": (65.2, 42.9)}


class Failure(Exception):
    pass


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def read_tsv(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write_tsv(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write("query\ttitle\tlabel\n")
        file.writelines(f"{row['query']}\t{row['title']}\t{row['label']}\n" for row in rows)


def shares(rows):
    """--prior of the labels' shares; a label without a pair gets that of half a pair."""
    counts = {label: 0.5 for label in LABELS}
    for row in rows:
        counts[next(label for label in LABELS if label[0] == row["label"].strip()[0].upper())] += 1
    total = sum(counts.values())
    return ",".join(f"{label}={counts[label] / total:.4f}" for label in LABELS)


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.knows_shares = json.loads(run([args.exe, "info", "--json", "-m", args.model]))["prior"] is not None

    def evaluate(self, path, prior=None, model=None, rows=None):
        command = [self.args.exe, "eval", "--json", "-m", model or self.args.model, "-t", str(self.args.threads),
                   "--core-hour", str(self.args.core_hour), path]
        if prior:
            command += ["--prior", prior]
        if rows:
            command += ["--rows", rows]
        return json.loads(run(command))

    def sets(self):
        """[(key, name, file or None, why not)]"""
        made = []
        dev = os.path.join(self.args.shared, "data", "esci", "dev.tsv")
        made.append(("dev", "ESCI development", dev if os.path.exists(dev) else None))
        labelled = os.path.join(ROOT, "data", "labelled.tsv")
        path = None
        if os.path.exists(labelled):
            path = os.path.join(self.folder, "labelled.tsv")
            write_tsv(path, [row for row in read_tsv(labelled) if row["split"] == "test"])
        made.append(("own", "own labelled, test part", path))
        generator = os.path.join(ROOT, "tools", "synth", "relevance.py")
        synth = {}
        if os.path.exists(generator):
            out = os.path.join(self.folder, "synth")
            run([sys.executable, generator, "--out", out, "--n", "1", "--test-n", str(self.args.synth_n), "--seed", "1"])
            synth = {name: os.path.join(out, name + ".tsv") for name in ("ind", "ood")}
        made.append(("ind", "synthetic, categories of the training set", synth.get("ind")))
        made.append(("ood", "synthetic, unseen categories", synth.get("ood")))
        return made


def percent(x):
    return f"{100 * x:.1f}"


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def machine(result):
    cpu = "unknown CPU"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                cpu = " ".join(line.split(":", 1)[1].split())
                break
    return (f"{datetime.date.today()}, {cpu}, {result['isa']}, {result['threads']} thread"
            f"{'s' if result['threads'] > 1 else ''}; {result['weights']} weights, {result['embeddings']} embeddings, "
            f"{result['file_bytes'] / 1e6:.1f} MB")


def quality(bench):
    """The table of sets, and that beside the reference."""
    rows, results, absent = [], {}, []
    for key, name, path in bench.sets():
        if path is None:
            absent.append(name)
            continue
        pairs = read_tsv(path)
        points = [(name, shares(pairs) if key == "dev" and bench.knows_shares else None)]
        if key == "dev" and bench.knows_shares:
            points.append((name + ", for the rare labels", bench.args.rare))
        for title, prior in points:
            plain = bench.evaluate(path)
            r = bench.evaluate(path, prior) if prior else plain
            results.setdefault(key, r)
            low, high = r["accuracy_interval"]
            most = max(sum(row) for row in r["confusion"]) / r["n"]
            rows.append([title, str(r["n"]), percent(most), percent(plain["accuracy"]), f"**{percent(r['accuracy'])}**", f"{percent(low)} to {percent(high)}",
                         f"{r['macro_f1']:.3f}", " / ".join(percent(r["per_class"][label]["recall"]) for label in LABELS),
                         f"{r['ece']:.3f}", f"{r['log_loss']:.3f}",
                         " / ".join(percent(c["right"]) for c in r["coverage"])])
    if not rows:
        raise Failure("none of the test sets is there")
    text = "Measured: " + machine(next(iter(results.values()))) + ".\n\n"
    text += table(["set", "pairs", "most frequent label %", "as it comes %", "accuracy %", "95 % interval", "macro F1",
                   "right % of Exact / Substitute / Complement / Irrelevant", "ECE", "log loss",
                   "right % of the surest 50 / 80 / 90 %"], rows)
    if bench.knows_shares:
        text += ("\n\"As it comes\" is the accuracy without `--prior`. All else of the development pairs is for the label "
                 f"shares that they have, or \"for the rare labels\" for `--prior {bench.args.rare}`.\n")
    else:
        text += "\nThe model does not say for which label shares it is calibrated, so none were given.\n"
    if absent:
        text += "Not there, and so not measured: " + ", ".join(absent) + ".\n"
    return text, results


def beside_reference(bench, results):
    def ours(key, label):
        if key not in results:
            return "-"
        r = results[key]
        return percent(r["per_class"][label]["recall"] if label else r["accuracy"])
    rows = [["accuracy, %" if not label else label + ", % right", f"{a}", ours("ind", label), f"{b}", ours("ood", label)]
            for label, (a, b) in REFERENCE.items()]
    rows.insert(3, ["Complement, % right", "-", ours("ind", "Complement"), "-", ours("ood", "Complement")])
    timed = results.get("ind") or next(iter(results.values()))
    ms = timed["latency_ms"]
    rows.append(["one pair, ms", "about 35", f"{ms['mean']:.2f} mean, {ms['p50']:.2f} / {ms['p95']:.2f} / {ms['p99']:.2f} "
                 "p50 / p95 / p99", "", ""])
    rows.append([f"1,000 pairs at {bench.args.core_hour:g} a core-hour", "-", f"{timed['core_seconds_per_1000']:.2f} core-seconds, "
                 f"{timed['cost_per_1000']:.6f}", "", ""])
    rows.append(["large language models, as reported", "62 to 72 %, 0.6 to 3.5 s", "", "", ""])
    return table(["", "reference, in-domain", "here, in-domain", "reference, unseen categories", "here, unseen categories"], rows)


# ---- bit widths ----

def row_values(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return ([[row["probs"][label] for label in LABELS] for row in rows], [row["predicted"] for row in rows],
            [row["label"] for row in rows], [[row["logits"][label] for label in LABELS] for row in rows])


def torch_logits(checkpoint, pairs, threads):
    import torch
    import transformers
    torch.set_num_threads(threads)
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
    with torch.inference_mode():
        return [model(**tokenizer(p["query"], p["title"], truncation="longest_first", return_tensors="pt",
                                  max_length=model.config.max_position_embeddings)).logits[0].tolist() for p in pairs]


def bit_widths(bench):
    import numpy as np
    args = bench.args
    pairs = []
    for name in ("dev.tsv", "train.tsv"):
        path = os.path.join(args.shared, "data", "esci", name)
        if not os.path.exists(path):
            raise Failure(f"{path}: the bit widths are compared on it")
        pairs += read_tsv(path)
    pairs = pairs[:args.pairs] if args.pairs else pairs
    path = os.path.join(bench.folder, "pairs.tsv")
    write_tsv(path, pairs)
    rows, base = [], None
    for spec in ["f32/f32"] + args.formats.split():
        formats, *options = spec.split(",")
        weights, embeddings = formats.split("/")
        name = f"{weights} / {embeddings}" + (f" `{' '.join(options)}`" if options else "")
        model, kept = os.path.join(bench.folder, "model.rlv"), os.path.join(bench.folder, "rows.jsonl")
        run([args.exe, "convert", args.checkpoint, model, "--weights", weights, "--embeddings", embeddings,
             "--quiet"] + options)
        bench.evaluate(path, model=model, rows=kept)
        p, predicted, truth, logits = (np.array(x) for x in row_values(kept))
        accuracy = (predicted == truth).mean()
        if base is None:
            base = (p, predicted, logits, truth, accuracy)
            rows.append([name, f"{os.path.getsize(model) / 1e6:.1f}", "", "", "", percent2(accuracy), ""])
        else:
            change = np.abs(p - base[0])
            rows.append([name, f"{os.path.getsize(model) / 1e6:.1f}", f"{change.mean():.5f}", f"{change.max():.3f}",
                         f"{100 * (predicted == base[1]).mean():.2f}", percent2(accuracy), f"{100 * (accuracy - base[4]):+.2f}"])
    reference = np.array(torch_logits(args.checkpoint, pairs, args.threads))
    same = np.array(LABELS)[reference.argmax(axis=1)]
    rows.insert(0, ["PyTorch, f32", "", "", "", f"{100 * (same == base[1]).mean():.2f}", percent2((same == base[3]).mean()), ""])
    return (f"{len(pairs)} pairs (of the ESCI development and training pairs), without calibration; the largest "
            f"difference of a logit between PyTorch and f32 here is {np.abs(reference - base[2]).max():.1e}.\n\n"
            + table(["weights / embeddings", "MB", "mean change of a probability", "largest", "same label %", "accuracy %",
                     "against f32"], rows))


def percent2(x):
    return f"{100 * x:.2f}"


def write_page(text):
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    if BEGIN not in page or END not in page:
        raise Failure(f"{PAGE}: no line '{BEGIN.strip()}'")
    before, rest = page.split(BEGIN, 1)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(PAGE))
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + text + END + rest.split(END, 1)[1])
    os.chmod(temporary, os.stat(PAGE).st_mode & 0o777)
    os.replace(temporary, PAGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=os.path.join(ROOT, "data", "default.rlv"), help="the model file")
    parser.add_argument("--exe", default=os.path.join(ROOT, "build", "relevance"), help="the program (make)")
    parser.add_argument("--shared", default=os.path.join(ROOT, os.pardir, "shared"), help="where data/esci/ lies")
    parser.add_argument("--threads", type=int, default=1, help="threads of one call (1)")
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core for an hour (0.04)")
    parser.add_argument("--rare", default="even", help="label shares for the rarer labels (even)")
    parser.add_argument("--synth-n", type=int, default=1000, help="pairs in each synthetic set (1000)")
    parser.add_argument("--checkpoint", help="Hugging Face folder: compare bit widths too")
    parser.add_argument("--formats", default=FORMATS,
                        help=f"weights/embeddings to compare, with options of the converter after commas ({FORMATS})")
    parser.add_argument("--pairs", type=int, default=0, help="compare bit widths on the first N pairs only")
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(args, folder)
            text, results = quality(bench)
            text = "\n" + text + "\n### Beside the reference\n\n" + beside_reference(bench, results) + "\n"
            if args.checkpoint:
                text += "### By bit width\n\n" + bit_widths(bench) + "\n"
        if args.write:
            write_page(text)
        else:
            print(text)
    except (Failure, OSError, KeyError) as error:
        print(f"accuracy.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
