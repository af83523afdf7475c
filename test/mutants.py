#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the suite notice?  Break one thing at a time in a copy of the tree, and run the tests.

    test/mutants.py                 all of them, in a temporary copy
    test/mutants.py --only model    those whose file or name contains a word
    test/mutants.py --work DIR      a copy that is kept, so that a second run builds less

A mutant is a file, a text that must stand there exactly once, what takes its place, and the test
programs that may notice, the likeliest first.  It is killed where it does not compile, or a test
fails, crashes or hangs.  Exit status 0: all were killed.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

MUTANTS = [
    # what, file, text, replacement, tests
    ("magic", "lib/model.c", "memcmp(h->magic, RLV_MAGIC, sizeof h->magic) != 0", "0", "model"),
    ("header checksum", "lib/model.c", "if (h->header_checksum != rlv_checksum(",
     "if (0 && h->header_checksum != rlv_checksum(", "model"),
    ("table checksum", "lib/model.c", "!= h->table_checksum)", "!= h->table_checksum && 0)", "model"),
    ("section checksum", "lib/model.c", "!= s->checksum)", "!= s->checksum && 0)", "model"),
    ("file length", "lib/model.c", "if (h->file_len != o->model->len)", "if (0)", "model"),
    ("section end", "lib/model.c", "s->len > o->model->len - s->offset || ", "", "model"),
    ("tensor end", "lib/model.c", " || t->len > data_len - t->offset)", ")", "model"),
    ("tensor alignment", "lib/model.c", "if (t->offset % RLV_ALIGN != 0 || t->offset > data_len",
     "if (t->offset > data_len", "model"),
    ("tensor length", "lib/model.c",
     "t->len != rlv_tensor_len(t->dtype, t->layout, t->rows, t->cols)", "0", "model"),
    ("finite scales", "lib/model.c", "if (!isfinite(x[i]))", "if (0)", "model"),
    ("outlier bound", "lib/model.c", "if (linear->outlier_index[i] >= linear->k ||", "if (", "model"),
    ("special id", "lib/model.c", "c->sep_id >= c->vocab_n || ", "", "model"),
    ("label name", "lib/model.c", " || l->name_len >= s->len - l->name_offset)", ")", "model"),
    ("copy flag", "lib/model.c", "if ((flags & RELEVANCE_OPEN_COPY) == 0)\n            map",
     "if (1)\n            map", "faults"),
    ("short read", "lib/model.c", "done += (size_t)n;", "done = model->len;", "faults"),
    ("leak on error", "lib/model.c", "        relevance_close(model);\n        return status;",
     "        return status;", "faults"),
    ("checksum lane", "lib/checksum.c", "b[i] += a[i];", "b[i] += 1;", "model api"),
    ("full hash table", "lib/tokenizer.c", "if (used > v->slot_n)", "if (0)", "model"),
    ("slot id", "lib/tokenizer.c", "if (slot->id >= v->token_n)", "if (0)", "tokenizer model"),
    ("word limit", "lib/tokenizer.c", "#define MAX_WORD 100u", "#define MAX_WORD 101u",
     "wordpiece tokenizer"),
    ("mark order", "lib/tokenizer.c", "s->marks[at - 1].rank > rank", "s->marks[at - 1].rank >= rank",
     "wordpiece tokenizer"),
    ("prefix of ids", "lib/tokenizer.c", "if (s->n < s->cap)", "if (s->n <= s->cap)",
     "wordpiece tokenizer"),
    ("surrogates", "lib/tokenizer.c", "*high = 0x9f;", "*high = 0xbf;", "wordpiece tokenizer"),
    ("truncation", "lib/tokenizer.c", "if (shorter > budget / 2)", "if (shorter > (budget + 1) / 2)",
     "api tokenizer"),
    ("cut count", "lib/api.c", "+ t->product_n - t->kept_product;", ";", "api"),
    ("tie", "lib/api.c", "if (z[i] > z[r.label])", "if (z[i] >= z[r.label])", "api"),
    ("NaN logits", "lib/api.c", "if (!(sum >= 1.0f && sum <= (float)c->label_n))", "if (0)", "model"),
    ("no space", "lib/api.c", "if (t.rows > tokens->cap)", "if (t.rows > tokens->cap + 1)", "api"),
    ("ids in range", "lib/api.c", "(uint32_t)ids[i] >= ctx->model->vocab.token_n", "0", "api"),
    ("token type", "lib/api.c", "            type = 1;", "            type = 0;", "api"),
    ("rank order", "lib/api.c", "a->index > b->index)", "a->index < b->index)", "api"),
    ("token limit", "lib/context.c", "o->max_tokens > limit))", "o->max_tokens > limit + 1))", "api"),
    ("own scratch", "lib/context.c", "ctx->threads * ctx->scratch_stride", "ctx->scratch_stride",
     "threads_soak"),
    ("claim", "lib/threads.c", "return claim_next(claim) < claim_end(claim);",
     "return claim_next(claim) <= claim_end(claim);", "threads"),
    ("wait", "lib/threads.c", "while (atomic_load(&pool->done) != pool->done_at)",
     "while (atomic_load(&pool->done) + 1 < pool->done_at)", "threads threads_soak"),
    ("second lot of pieces", "lib/threads.c", "share->first + claim_next(claim)", "claim_next(claim)",
     "threads"),
    ("thread failure", "lib/threads.c", "            rlv_pool_destroy(pool, allocator);\n",
     "", "faults"),
    ("first row's input", "lib/forward.c", "        prepare_row(ctx, reader, h, s);\n", "",
     "threads_soak"),
    ("rows of tiles", "kernels/gemm_common.h", "d->even + (i < d->more)", "d->even", "kernels_gemm"),
    ("outliers", "lib/forward.c", "outlier[i] = x[linear->outlier_index[i]];",
     "outlier[i] = x[i];", "forward"),
    ("tile of scales", "lib/forward.c", ".w_scale = l->scale + column * l->group_n,",
     ".w_scale = l->scale + column,", "low_bits"),
    ("fsync", "tools/temp_file.c", "return fsync(descriptor) == 0 ? 0 :", "return 1 ? 0 :", "disk"),
    ("temporary file", "tools/temp_file.c", "    unlink(temporary);\n    release();", "    release();",
     "disk"),
    ("short write", "tools/temp_file.c", "        at += n;\n", "", "disk"),
    ("alias of two", "lib/catalog.c",
     "if (old != NO_KEY && c->keys[old].product != c->product_n)", "if (0)", "catalog"),
    ("control character", "lib/catalog.c", "if (has_control(text, len))", "if (0)", "catalog"),
    ("quantity range", "lib/quantity.c",
     "if (negative || r.fraction || r.value == 0 ||", "if (negative || r.fraction ||", "extract"),
    ("end of a span", "lib/extract.c", "if (w.end > span->end)", "if (0)", "extract"),
    ("shape and bytes", "tools/safetensors.c", "if (to - from != t->element_n * t->element_len)",
     "if (0)", "safetensors"),
    ("holes", "tools/safetensors.c", "if (tensors[i].data != at)", "if (tensors[i].data < at)",
     "safetensors"),
    ("zero point", "kernels/gemm_q8_scalar.c", "(uint32_t)acc[c] - zero_part",
     "(uint32_t)acc[c] + zero_part", "kernels_gemm"),
    ("lane", "kernels/gemm_q8_scalar.c", "w + 64 * b + 4 * c", "w + 64 * b + 4 * (c ^ 1)",
     "kernels_gemm"),
    ("group scale", "kernels/gemm_q8_scalar.c", "w_scale[i * RLV_KERNEL_PANEL + c]",
     "w_scale[c]", "kernels_gemm"),
    ("bit plane", "kernels/unpack_q_scalar.c", "high, g, j) << low;", "high, g, j) << (low - 1);",
     "kernels"),
    ("rounding", "kernels/kernels.h", "(int32_t)((z + magic) - magic)", "(int32_t)z", "kernels"),
    ("chain of a bound", "kernels/kernels.h", "w_max > 64 ? 0", "w_max > 65 ? 0", "kernels_gemm"),
    ("limit of a chain", "tools/grid.h", "#define LANE_LIMIT 128.0f", "#define LANE_LIMIT 129.0f",
     "quantize"),
    ("tail of a row", "kernels/elementwise_f32.inc",
     "v16_store_n(y + i, d, tail);", "v16_store_n(y + i, d, tail - 1);",
     "kernels"),
]


def copy_tree(work):
    """Files that differ are written anew, so that make sees them change, whatever their age."""
    for name in ("Makefile", "lib", "kernels", "include", "tools", "test", "packaging",
                 "docs/examples", "data/intent"):
        source = ROOT / name
        for path in [source] if source.is_file() else source.rglob("*"):
            target = work / path.relative_to(ROOT)
            if not path.is_file() or "corpus" in path.parts:
                continue
            content = path.read_bytes()
            if not target.exists() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)


# With this cmocka stops at the first assertion that fails.
ENVIRONMENT = {**os.environ, "CMOCKA_TEST_ABORT": "1"}
# A test hangs that computes longer (unmutated, the longest takes 15), or that rests so long: by the
# process's own time, since on a busy machine a good test may wait for its turn.
CPU_SECONDS, REST_SECONDS = 60, 120
MAKE = ["make", "-s", "-j2", "BUILD=build", "TINY_DIR=build/tiny", "KERNEL_OPT=-O1",
        "CFLAGS=-O1 -DRLV_SMALL_TILES=1"]


def cpu_seconds(process):
    with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as f:
        user, system = f.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def run_test(work, test):
    """The program's status; None where it hangs."""
    child = subprocess.Popen([f"build/test_{test}"], cwd=work, env=ENVIRONMENT,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    used, since = 0, time.monotonic()
    while True:
        try:
            return child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            now = cpu_seconds(child.pid)
            if now != used:
                used, since = now, time.monotonic()
            if used > CPU_SECONDS or time.monotonic() - since > REST_SECONDS:
                child.kill()
                child.wait()
                return None


def make(work, tests):
    """The reason why the mutant is dead, or None where all tests passed."""
    for test in tests.split():
        built = subprocess.run([*MAKE, f"build/test_{test}"], cwd=work, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, check=False)
        if built.returncode != 0:
            if b"error:" not in built.stderr:
                sys.exit(built.stderr.decode())
            return "does not compile"
        status = run_test(work, test)
        if status is None:
            return f"test_{test} hangs"
        if status < 0:
            return f"test_{test}: signal {-status}"
        if status > 0:
            return f"test_{test} fails"
    return None


def run_all(work, mutants):
    survivors = []
    for what, name, text, replacement, tests in mutants:
        path = work / name
        original = path.read_text(encoding="utf-8")
        start = time.monotonic()
        if original.count(text) != 1:
            result = f"its text stands there {original.count(text)} times: adapt test/mutants.py"
            survivors.append(what)
        else:
            path.write_text(original.replace(text, replacement), encoding="utf-8")
            result = make(work, tests)
            path.write_text(original, encoding="utf-8")
            if result is None:
                survivors.append(what)
                result = "SURVIVES"
        print(f"{what:20} {name:28} {time.monotonic() - start:6.1f} s  {result}", flush=True)
    return survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a word in the mutant's file or name")
    parser.add_argument("--work", help="the copy's folder, kept; else a temporary one")
    arguments = parser.parse_args()
    mutants = [m for m in MUTANTS if arguments.only in m[0] or arguments.only in m[1]]
    work = pathlib.Path(arguments.work or tempfile.mkdtemp(prefix="rlv-mutants-"))
    work.mkdir(parents=True, exist_ok=True)
    try:
        copy_tree(work)
        every_test = " ".join(sorted({t for m in mutants for t in m[4].split()}))
        good = subprocess.run([*MAKE, f"TESTS={every_test}", "tests"], cwd=work, check=False,
                              env={**ENVIRONMENT, "RLV_TEST_STEP": "101"},  # 'make check' has the rest
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if good.returncode != 0:
            sys.exit("without a mutant:\n" + good.stdout.decode(errors="replace")[-3000:])
        survivors = run_all(work, mutants)
    finally:
        if not arguments.work:
            shutil.rmtree(work)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants killed")
    if survivors:
        sys.exit("not killed: " + ", ".join(survivors))


if __name__ == "__main__":
    main()
