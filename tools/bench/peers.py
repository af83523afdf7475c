#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The race: librelevance against ONNX Runtime, and OpenVINO and CTranslate2 where they are installed.

Each point is timed in turn (peer, ours, peer, ours ...), one sequence at a time, and quoted as the
median of the ratios peer / ours: above 1 means that librelevance is faster.  Beside the times stands
how far each engine's probabilities are from f32 on the development pairs, since speed that changes
the answers is another thing.  "mixed" is 256 pairs of 12 to 96 tokens, mean 42: ours in the order of
arrival in one call, ONNX Runtime in its best way, sorted by length in batches of 8.

Graphs for ONNX Runtime are built once, by ort_graphs.py, into the folder ONNX; OpenVINO reads
ONNX/ov-fp32.xml and CTranslate2 the folder ONNX/ct2, made by their own converters from the same
checkpoint.  On an AVX-512 machine LD_PRELOAD=build/hide_avx512.so repeats the race with AVX2 for all.

Needs numpy and onnxruntime (tools/bootstrap --python), matplotlib for --plot.  Exit status: 0, or 2
where something is missing.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MIXED_N, MIXED_BATCH = 256, 8


# ---- the peers, each in a process of its own ----

def open_ort(args, graph, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(args.onnx / graph), options,
                                           providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


def open_openvino(args, graph, threads):
    import openvino
    model = openvino.Core().compile_model(
        str(args.onnx / graph), "CPU",
        {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
         "INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    return lambda ids, mask: request.infer([ids, mask])


def open_ctranslate2(args, compute_type, threads):
    import ctranslate2
    encoder = ctranslate2.Encoder(str(args.onnx / "ct2"), compute_type=compute_type,
                                  intra_threads=threads, inter_threads=1)
    return lambda ids, mask: encoder.forward_batch(ids.tolist())


PEERS = {  # name: (opener, its argument, what of ours runs against it)
    "onnxruntime int8": (open_ort, "int8_7bit.onnx", "q7"),
    "onnxruntime f32": (open_ort, "fp32.onnx", "f32"),
    "onnxruntime 4-bit": (open_ort, "int4.onnx", "q4"),
    "openvino f32": (open_openvino, "ov-fp32.xml", "f32"),
    "ctranslate2 int8": (open_ctranslate2, "int8_float32", "q7"),
    "ctranslate2 f32": (open_ctranslate2, "float32", "f32"),
}


def mixed_lengths():
    """Tokens of 256 pairs: 12 to 96, mean 42, as 'relevance bench --mixed' has them."""
    rng = np.random.default_rng(1)
    return np.clip(np.round(12 + rng.gamma(1.6, 20.55, MIXED_N)), 12, 96).astype(int)


def padded(lengths):
    ids = np.zeros((len(lengths), max(lengths)), np.int64)
    mask = np.zeros_like(ids)
    rng = np.random.default_rng(2)
    for i, n in enumerate(lengths):
        ids[i, :n] = rng.integers(1000, 30000, n)
        mask[i, :n] = 1
    return ids, mask


def child(args):
    """Prints one JSON line for the peer named by --child."""
    opener, argument, _ = PEERS[args.child]
    start = time.perf_counter()
    run = opener(args, argument, args.thread_list[0])
    load = time.perf_counter() - start
    if args.fidelity:
        with open(args.reference, encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        logits = np.stack([run(np.array([r["ids"]]), np.ones((1, len(r["ids"])), np.int64))[0]
                           for r in rows])
        print(json.dumps(distance(logits, np.array([r["logits"] for r in rows]))))
        return
    if args.mixed:
        lengths = np.sort(mixed_lengths())
        batches = [padded(lengths[i:i + MIXED_BATCH]) for i in range(0, MIXED_N, MIXED_BATCH)]
    else:
        batches = [padded([args.token_list[0]])]
    times, begin = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < args.seconds:
        start = time.perf_counter()
        for ids, mask in batches:
            run(ids, mask)
        times.append(time.perf_counter() - start)
    print(json.dumps({"p50_ms": statistics.median(times[1:]) * 1e3, "load_ms": load * 1e3}))


def ask_child(args, name, threads, tokens, *options):
    command = [sys.executable, __file__, "--child", name, "--onnx", args.onnx, "--threads", threads,
               "--tokens", tokens, "--seconds", args.seconds, "--reference", args.reference, *options]
    return ask(command)


def ask(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return json.loads([x for x in done.stdout.splitlines() if x.startswith("{")][-1])


# ---- ours ----

def ask_ours(args, weights, threads, tokens, *options):
    return ask([args.relevance, "bench", args.model[weights], "--threads", threads, "--tokens", tokens,
                "--seconds", args.seconds, "--json", *options])


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def distance(logits, wanted):
    p, q = softmax(logits), softmax(wanted)
    return {"same": float(np.mean(p.argmax(1) == q.argmax(1))), "mean": float(np.abs(p - q).mean()),
            "largest": float(np.abs(p - q).max())}


def our_distance(args, weights):
    sys.path.insert(0, str(ROOT / "tools/parity"))
    import rlv
    with open(args.reference, encoding="utf-8") as f:
        wanted = np.array([json.loads(line)["logits"] for line in f])
    pairs = rlv.pairs_of(rlv.read_tsv(args.pairs))
    with rlv.Model(rlv.Library(args.library), args.model[weights]) as model:
        with rlv.Context(model, isa="auto", threads=1, parse_special=True) as ctx:
            return distance(ctx.classify_batch(pairs), wanted)


# ---- the tables ----

def installed(args, name):
    try:
        ask_child(args, name, 1, 16, "--seconds", 0.05)
        return True
    except RuntimeError as error:
        print(f"{name}: left out ({error})")
        return False


def race(args, names):
    print(f"{'peer':20}{'threads':>8}{'tokens':>8}{'peer ms':>9}{'ours':>9}{'ms':>7}{'ratio':>7}")
    worst = {}
    for name in names:
        ours = PEERS[name][2]
        for threads in args.thread_list:
            for tokens in args.token_list:
                turns = [(ask_child(args, name, threads, tokens)["p50_ms"],
                          ask_ours(args, ours, threads, tokens)["p50_ms"])
                         for _ in range(args.rounds)]
                ratio = statistics.median(a / b for a, b in turns)
                worst[name] = min(worst.get(name, ratio), ratio)
                print(f"{name:20}{threads:8}{tokens:8}{statistics.median(a for a, _ in turns):9.2f}"
                      f"{ours:>9}{statistics.median(b for _, b in turns):7.2f}{ratio:7.2f}", flush=True)
    print("smallest ratio: " + ", ".join(f"{k} {v:.2f}" for k, v in worst.items()))


def race_mixed(args):
    name = "onnxruntime int8"
    print(f"\n{'mixed lengths':20}{'threads':>8}{'peer/s':>9}{'ours/s':>9}{'ratio':>7}")
    for threads in args.thread_list:
        turns = [(MIXED_N * 1e3 / ask_child(args, name, threads, 16, "--mixed")["p50_ms"],
                  ask_ours(args, "q7", threads, 16, "--mixed")["pairs_per_s"])
                 for _ in range(args.rounds)]
        print(f"{name:20}{threads:8}{statistics.median(a for a, _ in turns):9.1f}"
              f"{statistics.median(b for _, b in turns):9.1f}"
              f"{statistics.median(b / a for a, b in turns):7.2f}", flush=True)


def fidelity(args, names):
    for path in args.pairs, args.reference:
        if not path.exists():
            print(f"fidelity: left out ({path} is not there)")
            return
    print(f"\n{'against f32':20}{'same label':>11}{'mean change':>13}{'largest':>9}")
    rows = [(n, ask_child(args, n, 2, 16, "--fidelity")) for n in names if n.startswith("onnx")]
    rows += [("ours " + w, our_distance(args, w)) for w in args.model]
    for name, d in rows:
        print(f"{name:20}{d['same']:11.2%}{d['mean']:13.5f}{d['largest']:9.4f}")


def plot(args, names):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "librelevance"
    import matplotlib.pyplot as plt
    lengths = (8, 16, 32, 64, 128, 256, 512)
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for weights in args.model:
        axes.plot(lengths, [ask_ours(args, weights, 1, n)["p50_ms"] for n in lengths], marker="o",
                  label="librelevance " + weights)
    for name in names:
        axes.plot(lengths, [ask_child(args, name, 1, n)["p50_ms"] for n in lengths], marker="x",
                  linestyle="--", label=name)
    axes.set(xscale="log", yscale="log", xlabel="tokens", ylabel="ms for one sequence, one thread",
             xticks=lengths, xticklabels=lengths, title=args.title)
    axes.grid(True, which="both", alpha=.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(args.plot, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--onnx", type=pathlib.Path, default=ROOT / "build/peers/esci-distilbert")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FILE",
                        help="ours: q7, f32 and q4, of the checkpoint that the graphs are of "
                             "(default: NAME.rlv beside the graphs)")
    parser.add_argument("--relevance", default="build/relevance", help="the program")
    parser.add_argument("--library", default="build/librelevance.so")
    parser.add_argument("--peer", action="append", help=f"of: {', '.join(PEERS)} (default: all)")
    parser.add_argument("--tokens", default="16,32,64,128")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", choices=["race", "mixed", "fidelity", "plot"])
    parser.add_argument("--plot", type=pathlib.Path, help="write latency against tokens to this SVG")
    parser.add_argument("--title", default="One sequence, one thread")
    parser.add_argument("--pairs", type=pathlib.Path, default=ROOT.parent / "shared/data/esci/dev.tsv")
    parser.add_argument("--reference", type=pathlib.Path,
                        default=ROOT.parent / "shared/models/esci-distilbert.dev.jsonl")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    for hidden in ("--mixed", "--fidelity"):
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.token_list = [int(x) for x in args.tokens.split(",")]
    args.thread_list = [int(x) for x in args.threads.split(",")]
    if args.child:
        child(args)
        return
    args.model = dict(m.split("=", 1) for m in args.model) or {
        path.stem: path for path in sorted(args.onnx.glob("*.rlv"))}
    if not (args.onnx / "int8_7bit.onnx").exists():
        sys.exit(f"peers.py: no graphs in {args.onnx}: run 'make bench-peers', or tools/bench/ort_graphs.py")
    names = [n for n in args.peer or PEERS if PEERS[n][2] in args.model and installed(args, n)]
    steps = {"race": lambda: race(args, names), "mixed": lambda: race_mixed(args),
             "fidelity": lambda: fidelity(args, names),
             "plot": lambda: plot(args, names) if args.plot else None}
    for step in [args.only] if args.only else steps:
        steps[step]()


if __name__ == "__main__":
    main()
