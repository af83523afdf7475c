#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The trade-off of bits: accuracy, size, memory, load time and latency of each model at each width.

  tools/tradeoff.py --models DIR --relevance-data dev.tsv --intent-data test.jsonl [...]

Measures every Hugging Face folder DIR/relevance-NAME and DIR/intent-NAME at the widths of --weights:
converts it (kept in --work, as are the results: what has been measured is not measured again, unless
the model, the data or the program changed), labels the data with 'relevance eval', and times it: one
text at a time on one thread.  Then writes the table between the lines '<!-- tradeoff -->' and
'<!-- /tradeoff -->' of --document, and two pictures into --pictures.

Accuracy does not depend on what else the machine does; times do.  --timing-prefix names a command
that gives a quiet machine, or one CPU: 'taskset -c 1'.  --retime measures only the times anew.

Exit status: 0 done; 1 a conversion or a measurement failed; 2 wrong usage, or no model.
"""
import argparse
import hashlib
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIGHTS = ["f32", "f16", "q8", "q6", "q5", "q4", "q3"]
# The word embeddings are the larger part of a small model; below 4 bits they cost more than they save.
EMBEDDINGS = {"f32": "f32", "f16": "f16", "q8": "q8", "q6": "q6", "q5": "q5", "q4": "q4", "q3": "q4"}
TASKS = {"relevance": "accuracy", "intent": "exact"}
# A 1B Llama with QLoRA that writes the three fields as JSON, as reported by its authors: bits, exact
# match, GB, mean and P95 seconds, tokens a second (None: not reported).
LLAMA = [(16, .988, 3.30, 3.55, 5.27, 4.5), (5, .984, 1.14, 1.55, 2.27, None),
         (4, .984, 1.04, .82, 1.16, 19.5), (3, .972, .93, 1.23, 1.79, None)]
BEGIN, END = "<!-- tradeoff -->", "<!-- /tradeoff -->"


class Failed(Exception):
    """A program failed: its command and what it said."""


def run(command, prefix=()):
    """What it printed."""
    command = [*prefix, *map(str, command)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{shlex.join(command)}: status {done.returncode}: {done.stderr.strip()[-400:]}")
    return done.stdout


def run_watched(command):
    """(what it printed, its peak resident bytes).

    The peak is the kernel's VmHWM, read as long as the process lives; getrusage() would count this
    script's own pages, which the child has for a moment before it becomes the program."""
    command = list(map(str, command))
    peak = 0
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors)
        program = os.path.realpath(command[0])
        while process.poll() is None:
            try:
                if os.path.realpath(f"/proc/{process.pid}/exe") == program:
                    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                    peak = max(peak, int(status.split("VmHWM:")[1].split()[0]) * 1024)
            except (OSError, IndexError):  # just ended
                pass
            time.sleep(.01)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            raise Failed(f"{shlex.join(command)}: status {process.returncode}: "
                         f"{errors.read().strip()[-400:]}")
        return out.read(), peak


def digest(path):
    h = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            h.update(file.name.encode() + file.read_bytes())
    return h.hexdigest()[:16]


def cpu_name():
    try:
        for line in open("/proc/cpuinfo"):
            if line.startswith(("model name", "Model")):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.machine()


def head_of(path, rows, folder):
    """A file of the first 'rows' rows: enough for times."""
    out = folder / f"{path.stem}-{rows}{path.suffix}"
    header = path.suffix != ".jsonl"
    with open(path, encoding="utf-8") as f:
        lines = [line for _, line in zip(range(rows + header), f)]
    out.write_text("".join(lines), encoding="utf-8")
    return out


def eval_command(args, task, model, data):
    command = [args.relevance, "eval", "--json", "--threads", 1, "--model", model]
    if task == "intent":
        command += ["--task", "intent"]
        catalog = args.hard_catalog if data == args.hard_data else args.catalog
        if catalog:
            command += ["--catalog", catalog]
    return [*command, data]


def convert(args, folder, weights, out):
    command = [args.relevance, "convert", folder, out, "--weights", weights, "--embeddings",
               EMBEDDINGS[weights], "--quiet"]
    if args.calibrate:
        command += ["--calibrate", args.calibrate]
    run(command)


def measure_times(args, task, model, data):
    """Load and latency, as a service sees them: the file in the page cache, one text at a time."""
    bench = run([args.relevance, "bench", model, "--json", "--tokens", 16, "--threads", 1,
                 "--seconds", .05], args.timing_prefix)
    evaluated = run(eval_command(args, task, model, data), args.timing_prefix)
    latency = json.loads(evaluated)["latency_ms"]
    return {"load_ms": json.loads(bench.splitlines()[0])["open_ms"], "mean_ms": latency["mean"],
            "p95_ms": latency["p95"], "requests_per_s": 1e3 / latency["mean"]}


def measure(args, results):
    folders = sorted(p for p in args.models.iterdir()
                     if p.is_dir() and p.name.partition("-")[0] in TASKS) \
        if args.models.is_dir() else []
    if not folders:
        raise SystemExit(f"tradeoff: no {args.models}/relevance-NAME or intent-NAME: train them "
                         "(tools/train/README.md)")
    program = digest(args.relevance)
    for folder in folders:
        task, _, name = folder.name.partition("-")
        data = {"relevance": args.relevance_data, "intent": args.intent_data}[task]
        if data is None:
            print(f"tradeoff: {folder.name}: skipped, no --{task}-data", file=sys.stderr)
            continue
        few = head_of(data, args.timing_rows, args.work)
        source = digest(folder)
        for weights in args.weights:
            key = f"{folder.name}/{weights}"
            model = args.work / f"{folder.name}-{weights}.rlv"
            made_of = {"folder": source, "embeddings": EMBEDDINGS[weights],
                       "calibrate": args.calibrate if args.calibrate in (None, "none")
                       else digest(pathlib.Path(args.calibrate))}
            row = results.get(key, {})
            if row.get("made_of") != made_of or not model.exists():
                print(f"{key}: convert", file=sys.stderr, flush=True)
                convert(args, folder, weights, model)
                row = {"made_of": made_of}
            judged = {"program": program, "data": digest(data),
                      **{k: getattr(args, k) and digest(getattr(args, k))
                         for k in ("catalog", "hard_data", "hard_catalog")}}
            if row.get("judged") != judged:
                print(f"{key}: evaluate", file=sys.stderr, flush=True)
                out, resident = run_watched(eval_command(args, task, model, data))
                scores = json.loads(out)
                row.update(task=task, name=name, weights=weights, embeddings=EMBEDDINGS[weights],
                           file_mb=model.stat().st_size / 1e6, resident_mb=resident / 1e6,
                           score=scores[TASKS[task]], n=scores["n"])
                if task == "relevance":
                    row["macro_f1"] = scores["macro_f1"]
                elif args.hard_data:
                    hard = json.loads(run(eval_command(args, task, model, args.hard_data)))
                    row["hard"], row["hard_n"] = hard["exact"], hard["n"]
                row["judged"] = judged
                row.pop("times", None)
            if args.retime or "times" not in row:
                print(f"{key}: time", file=sys.stderr, flush=True)
                row["times"] = measure_times(args, task, model, few)
                row["when"], row["cpu"] = time.strftime("%Y-%m-%d"), cpu_name()
            results[key] = row
            save(args, results)
    return [results[f"{f.name}/{w}"] for f in folders for w in args.weights
            if f"{f.name}/{w}" in results]


def save(args, results):
    path = args.work / "results.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(results, indent=1))
    os.replace(temporary, path)


def table(rows):
    out = []
    for task, title in (("relevance", "Relevance"), ("intent", "Shopping intent")):
        mine = [r for r in rows if r["task"] == task]
        if not mine:
            continue
        hard = any("hard" in r for r in mine)
        second = "macro F1" if task == "relevance" else "harder test"
        columns = ["model", "weights / embeddings", {"relevance": "accuracy"}.get(task, "exact match")]
        columns += [second] if task == "relevance" or hard else []
        columns += ["file MB", "resident MB", "load ms", "mean ms", "P95 ms", "requests/s"]
        out += [f"{title}, {mine[0]['n']} texts" + (f" and {mine[0]['hard_n']} harder ones"
                                                   if hard else "") + ":", ""]
        out += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        for r in mine:
            t = r["times"]
            cells = [r["name"], f"{r['weights']} / {r['embeddings']}", f"{r['score']:.4f}"]
            if task == "relevance":
                cells.append(f"{r['macro_f1']:.4f}")
            elif hard:
                cells.append(f"{r['hard']:.4f}" if "hard" in r else "")
            cells += [f"{r['file_mb']:.1f}", f"{r['resident_mb']:.1f}", f"{t['load_ms']:.2f}",
                      f"{t['mean_ms']:.2f}", f"{t['p95_ms']:.2f}", f"{t['requests_per_s']:.0f}"]
            out.append("| " + " | ".join(cells) + " |")
        if task == "intent":
            for bits, exact, gb, mean, p95, speed in LLAMA:
                cells = ["*Llama 1B, QLoRA, reported*", f"*{bits} bit*", f"{exact:.3f}"]
                cells += [""] if hard else []
                cells += [f"{gb * 1000:.0f}", "", "1100 to 17000" if bits == 16 else "",
                          f"{mean * 1000:.0f}", f"{p95 * 1000:.0f}", f"{1 / mean:.1f}"]
                out.append("| " + " | ".join(cells) + " |")
        out.append("")
    dates = sorted({r["when"] for r in rows})
    cpus = sorted({r["cpu"] for r in rows})
    out.append(f"Measured {', '.join(dates)} on {', '.join(cpus)}, one thread, one text at a time, "
               "tokenizer included. Resident MB: the process's peak, the mapped file included.")
    return "\n".join(out)


def insert(document, text):
    old = document.read_text(encoding="utf-8")
    if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
        raise SystemExit(f"tradeoff: {document} needs the lines {BEGIN} and {END}, once each")
    before, rest = old.split(BEGIN)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def pictures(rows, folder):
    import matplotlib
    matplotlib.use("svg")
    # Text stays text: small files, the reader's font, and diffs that can be read.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "tradeoff", "font.size": 9})
    import matplotlib.pyplot as plt
    tasks = [t for t in TASKS if any(r["task"] == t for r in rows)]
    llama = [(gb * 1000, exact, mean * 1000, f"{bits} bit") for bits, exact, gb, mean, _, _ in LLAMA]
    plots = (("tradeoff-accuracy.svg", lambda r: r["score"], 1,
              {"relevance": "accuracy", "intent": "exact match"}, False),
             ("tradeoff-latency.svg", lambda r: r["times"]["mean_ms"], 2,
              {"relevance": "mean latency, ms", "intent": "mean latency, ms"}, True))
    for file, value, reported, label, log in plots:
        figure, axes = plt.subplots(1, len(tasks), figsize=(4.6 * len(tasks), 3.4), squeeze=False)
        for axis, task in zip(axes[0], tasks):
            names = sorted({r["name"] for r in rows if r["task"] == task})
            for name, marker in zip(names, "os^v"):
                mine = [r for r in rows if r["task"] == task and r["name"] == name]
                x, y = [r["file_mb"] for r in mine], [value(r) for r in mine]
                axis.plot(x, y, marker=marker, label=name)
                for r, a, b in zip(mine, x, y):
                    axis.annotate(r["weights"], (a, b), textcoords="offset points", xytext=(3, 4),
                                  fontsize=7)
            if task == "intent":
                axis.plot([p[0] for p in llama], [p[reported] for p in llama], "x--", color="gray",
                          label="Llama 1B, reported")
                for p in llama:
                    axis.annotate(p[3], (p[0], p[reported]), textcoords="offset points",
                                  xytext=(3, 4), fontsize=7, color="gray")
            axis.set_xscale("log")
            if log:
                axis.set_yscale("log")
            axis.set_xlabel("file, MB")
            axis.set_ylabel(label[task])
            axis.set_title({"relevance": "Relevance", "intent": "Shopping intent"}[task])
            axis.grid(alpha=.3)
            axis.legend(fontsize=7)
        figure.tight_layout()
        figure.savefig(folder / file, metadata={"Date": None})
        plt.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    path = pathlib.Path
    parser.add_argument("--models", type=path, required=True, metavar="DIR")
    parser.add_argument("--relevance-data", type=path, metavar="FILE.tsv")
    parser.add_argument("--intent-data", type=path, metavar="FILE.jsonl")
    parser.add_argument("--hard-data", type=path, metavar="FILE.jsonl", help="a second intent test")
    parser.add_argument("--catalog", type=path, metavar="FILE.tsv")
    parser.add_argument("--hard-catalog", type=path, metavar="FILE.tsv")
    parser.add_argument("--calibrate", metavar="FILE", help="for 'relevance convert'; 'none' is quick")
    parser.add_argument("--weights", default=",".join(WEIGHTS), help="(default %(default)s)")
    parser.add_argument("--relevance", type=path, default=ROOT / "build" / "relevance",
                        help="the program")
    parser.add_argument("--work", type=path, default=ROOT / "build" / "tradeoff", metavar="DIR")
    parser.add_argument("--document", type=path, default=ROOT / "docs" / "performance.md")
    parser.add_argument("--pictures", type=path, default=ROOT / "docs", metavar="DIR")
    parser.add_argument("--timing-prefix", default="", metavar="COMMAND")
    parser.add_argument("--timing-rows", type=int, default=200)
    parser.add_argument("--retime", action="store_true")
    args = parser.parse_args()
    args.timing_prefix = shlex.split(args.timing_prefix)
    args.weights = args.weights.split(",")
    unknown = set(args.weights) - set(WEIGHTS)
    if unknown:
        parser.error(f"--weights {', '.join(sorted(unknown))}: known are {', '.join(WEIGHTS)}")
    for file in (args.relevance, args.relevance_data, args.intent_data, args.hard_data, args.catalog,
                 args.hard_catalog, args.calibrate):
        if file not in (None, "none") and not path(file).exists():
            parser.error(f"{file}: no such file")
    args.work.mkdir(parents=True, exist_ok=True)
    stored = args.work / "results.json"
    results = json.loads(stored.read_text()) if stored.exists() else {}
    try:
        rows = measure(args, results)
    except (Failed, OSError) as error:
        print(f"tradeoff: {error}", file=sys.stderr)
        return 1
    text = table(rows)
    insert(args.document, text)
    pictures(rows, args.pictures)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
