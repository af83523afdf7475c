#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares lib/tokenizer.c with the reference, PyPI `tokenizers`, id by id.

    python tools/parity/tokenizer_parity.py [VOCAB.TXT] [--random N] [--seed S] [--tsv DIR]

Groups of checks, each counted and reported on a line of its own:
  scalars  every Unicode scalar alone and in "a<c>b", with VOCAB.TXT and with a vocabulary of single
           characters, which makes each character of the normalised text visible, under all flags
  tsv      the first two columns of each .tsv of a directory, as pairs, at several lengths
  random   random strings (scripts, combining marks, emoji, ideographs, long words, control tokens,
           damaged UTF-8), with both vocabularies, both readings of control tokens and all flags
  pairs    truncation of random pairs at every max_length from 3 to 40
The C side runs behind a pipe (tokenizer_driver.c, compiled here with $CC or cc).  Exits with 1 and
prints the first differences if there are any.
"""
import argparse
import glob
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("RAYON_NUM_THREADS", "1")

import tokenizers  # noqa: E402  (reads the environment when it is imported)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHARED = os.path.join(ROOT, "../shared")  # not part of the repository
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BATCH = 20000
LOWER, STRIP, CJK, ALL = 1, 2, 4, 7  # enum rlv_config_flags


def build_driver(folder):
    path = os.path.join(folder, "tokenizer_driver")
    sources = [os.path.join(HERE, "tokenizer_driver.c"), os.path.join(ROOT, "tools/vocab_writer.c"),
               os.path.join(ROOT, "lib/tokenizer.c")]
    extra = os.environ.get("CFLAGS", "-O2").split()
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=c11", *extra, *sources, "-o", path], check=True)
    return path


class Ours:
    """The C tokenizer behind a pipe."""

    def __init__(self, driver, vocab, flags):
        self.process = subprocess.Popen([driver, vocab, str(flags)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ids(self, texts, parse, max_length=0):
        """'texts': bytes, or pairs of bytes where max_length is not 0."""
        parts = [struct.pack("<I", len(texts))]
        for t in texts:
            a, b = (t, b"") if max_length == 0 else t
            parts += [struct.pack("<4I", max_length, parse, len(a), len(b)), a, b]
        self.process.stdin.write(b"".join(parts))
        self.process.stdin.flush()
        out = []
        for _ in texts:
            n, = struct.unpack("<I", self.read(4))
            out.append(list(struct.unpack(f"<{n}I", self.read(4 * n))))
        return out

    def read(self, n):
        data = self.process.stdout.read(n)
        if len(data) != n:
            sys.exit(f"the driver ended early, status {self.process.wait()}")
        return data

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            sys.exit("the driver failed")


def reference(vocab, flags, parse):
    """The reference tokenizer; without added special tokens it reads "[SEP]" as text."""
    t = Tokenizer(models.WordPiece(models.WordPiece.read_file(vocab), unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=bool(flags & CJK), strip_accents=bool(flags & STRIP),
        lowercase=bool(flags & LOWER))
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cls, sep = t.token_to_id("[CLS]"), t.token_to_id("[SEP]")
    t.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    if parse:
        t.add_special_tokens(SPECIALS)
    return t


def released_reference(vocab):
    """The tokenizer that a user of the package would make; reads control tokens."""
    return tokenizers.BertWordPieceTokenizer(vocab, lowercase=True)


class Report:
    """Counts comparisons; keeps the first differences."""

    def __init__(self):
        self.failed = 0
        self.shown = 0
        self.reset()

    def reset(self):
        self.compared = self.different = 0

    def compare(self, what, texts, want, got):
        self.compared += len(texts)
        if want == got:
            return
        for t, w, g in zip(texts, want, got):
            if w != g:
                self.different += 1
                if self.shown < 20:
                    self.shown += 1
                    print(f"DIFFERENT {what}: {ascii(t)}\n  reference {w}\n  ours      {g}")

    def end(self, name, seconds):
        print(f"{name}: {self.compared:,} compared, {self.different:,} differences "
              f"({seconds:.0f} s)", flush=True)
        self.failed += self.different
        self.reset()


def progress(items, what):
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm
    return tqdm(items, desc=what, leave=False)


def batches(items):
    return [items[i:i + BATCH] for i in range(0, len(items), BATCH)]


def decode(data):
    return data.decode("utf-8", errors="replace")


def check_texts(report, what, ref, ours, parse, texts):
    """Texts (bytes) one by one, without special tokens around them."""
    for batch in progress(batches(texts), what):
        want = [e.ids for e in ref.encode_batch_fast([decode(t) for t in batch],
                                                     add_special_tokens=False)]
        report.compare(what, batch, want, ours.ids(batch, parse))


def check_pairs(report, what, ref, ours, parse, pairs, max_length):
    ref.enable_truncation(max_length, strategy="longest_first")
    for batch in batches(pairs):
        want = [e.ids for e in ref.encode_batch([(decode(a), decode(b)) for a, b in batch])]
        report.compare(f"{what} max_length {max_length}", batch, want,
                       ours.ids(batch, parse, max_length))
    ref.no_truncation()


def letters_vocabulary(path):
    """A vocabulary of every character of normalised text, at a word's start and inside."""
    flags = [normalizers.BertNormalizer(True, False, strip, lower)
             for strip in (False, True) for lower in (False, True)]
    letters = set()
    for c in range(0x110000):
        if not 0xD800 <= c <= 0xDFFF:
            for n in flags:
                letters.update(n.normalize_str(chr(c)))
    letters = [c for c in sorted(letters) if c == c.strip()]
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write("\n".join(SPECIALS + letters + ["##" + c for c in letters]) + "\n")


def scalars():
    return [chr(c).encode() for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def flag_sets():
    return [f for f in range(8)]


def flags_name(flags):
    names = [n for bit, n in ((LOWER, "lower"), (STRIP, "strip"), (CJK, "cjk")) if flags & bit]
    return "+".join(names) or "cased"


# ---- random text ----

RANGES = [  # first, last, weight
    (0x20, 0x7E, 30), (0x00, 0x1F, 3), (0x7F, 0xFF, 5), (0x100, 0x24F, 8), (0x250, 0x2FF, 2),
    (0x300, 0x36F, 12), (0x370, 0x3FF, 4), (0x400, 0x52F, 4), (0x531, 0x5F4, 3), (0x600, 0x6FF, 3),
    (0x900, 0xDFF, 5), (0xE00, 0xFFF, 5), (0x1000, 0x109F, 1), (0x10A0, 0x10FF, 1),
    (0x1100, 0x11FF, 3), (0x13A0, 0x13FF, 1), (0x1780, 0x18AF, 2), (0x1AB0, 0x1AFF, 2),
    (0x1B00, 0x1CFF, 2), (0x1DC0, 0x1EFF, 6), (0x1F00, 0x1FFF, 4), (0x2000, 0x206F, 5),
    (0x2070, 0x218F, 2), (0x20D0, 0x20FF, 3), (0x2190, 0x2BFF, 2), (0x2C00, 0x2DFF, 2),
    (0x2E80, 0x303F, 3), (0x302A, 0x302F, 4), (0x3040, 0x30FF, 6), (0x3130, 0x33FF, 2),
    (0x3400, 0x9FFF, 6), (0xA640, 0xA7FF, 2), (0xA8E0, 0xAAFF, 2), (0xAC00, 0xD7A3, 5),
    (0xE000, 0xF8FF, 1), (0xF900, 0xFAFF, 2), (0xFB00, 0xFDFF, 2), (0xFE00, 0xFE2F, 3),
    (0xFF00, 0xFFFF, 4), (0x10000, 0x10FFF, 2), (0x11000, 0x11FFF, 3), (0x16A00, 0x16FFF, 1),
    (0x1BC90, 0x1BCAF, 1), (0x1D100, 0x1D24F, 5), (0x1D400, 0x1D7FF, 1), (0x1E000, 0x1E95F, 2),
    (0x1F300, 0x1FAFF, 5), (0x20000, 0x2FA1F, 3), (0xE0000, 0xE01EF, 1), (0x110000, 0x110000, 0),
]
WEIGHTS = [w for _, _, w in RANGES]
CONTROLS = SPECIALS + ["[sep]", "[CLS", "SEP]", "[[SEP]]", "[SEP][SEP]", "[UNUSED0]", "[unused0]"]
SPECIAL_MARKS = [0x302E, 0x302F, 0x16FF0, 0x16FF1, 0x1D165, 0x1D166, 0x1D16D, 0x1D16E, 0x1D160,
                 0x034F, 0x0345, 0x1DFA, 0x0334, 0x20D2, 0x0F71, 0x0F73, 0x0344, 0x1E08F]
ODD_BYTES = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
             b"\xf0\x9f\x98", b"\x80", b"\xe0\x80", b"\xf8\x88", b"\xc3", b"\xed\xb0\x80",
             b"\0"]


class Texts:
    """Random texts; 'words' are taken from the vocabulary so that pieces match."""

    def __init__(self, seed, words):
        self.r = random.Random(seed)
        self.words = words

    def char(self):
        first, last, _ = self.r.choices(RANGES, WEIGHTS)[0]
        c = self.r.randint(first, min(last, 0x10FFFF))
        return chr(c) if not 0xD800 <= c <= 0xDFFF else "\ufffd"

    def run(self):
        """Characters of one range, as in real text."""
        first, last, _ = self.r.choices(RANGES, WEIGHTS)[0]
        cs = (self.r.randint(first, min(last, 0x10FFFF)) for _ in range(self.r.randint(1, 12)))
        return "".join(chr(c) for c in cs if not 0xD800 <= c <= 0xDFFF)

    def word(self):
        w = self.r.choice(self.words)
        w = w[2:] if w.startswith("##") else w
        how = self.r.random()
        return w.upper() if how < .1 else w.title() if how < .2 else w

    def part(self):
        r, kind = self.r, self.r.random()
        if kind < .35:
            return self.word() + r.choice(["", " ", " ", "-", ".", "\t", "\u00a0", "\u200b"])
        if kind < .55:
            return self.run()
        if kind < .65:
            return "".join(self.char() for _ in range(r.randint(1, 6)))
        if kind < .75:
            return r.choice("aeiouAEIOUy\u0131\u00e9\u1100\u3042") + "".join(
                chr(r.choice([r.randint(0x300, 0x36F), r.choice(SPECIAL_MARKS)]))
                for _ in range(r.randint(1, 5)))
        if kind < .82:
            return r.choice(CONTROLS)
        if kind < .86:
            return "".join(self.word() for _ in range(r.randint(2, 20)))
        if kind < .90:
            c = r.choice(["a", "\u0130", "\u00e9", "\ud55c", "\u302e", "\U0001d160", self.char()])
            return c * (r.randint(95, 105) if len(c.encode()) < 3 else r.randint(30, 105))
        if kind < .93:
            return "".join(chr(r.choice(SPECIAL_MARKS)) for _ in range(r.randint(1, 110)))
        return " " * r.randint(1, 3)

    def text(self):
        n = self.r.choice([1, 1, 2, 3, 5, 8])
        data = "".join(self.part() for _ in range(n)).encode()
        if self.r.random() < .15:
            at = self.r.randint(0, len(data))
            data = data[:at] + self.r.choice(ODD_BYTES) + data[at + self.r.randint(0, 1):]
        return data


# ---- groups ----

def run_scalars(report, env):
    single, inside = scalars(), [b"a" + s + b"b" for s in scalars()]
    for vocab, flag_list in ((env.vocab, [ALL]), (env.letters, flag_sets())):
        for flags in flag_list:
            start = time.time()
            ours, ref = Ours(env.driver, vocab, flags), reference(vocab, flags, False)
            name = f"scalars {os.path.basename(vocab)} {flags_name(flags)}"
            check_texts(report, name, ref, ours, 0, single)
            check_texts(report, name, ref, ours, 0, inside)
            ours.close()
            report.end(name, time.time() - start)


def run_tsv(report, env):
    pairs = []
    for path in sorted(glob.glob(os.path.join(env.tsv, "*.tsv"))):
        with open(path, "rb") as f:
            pairs += [tuple(line.rstrip(b"\n").split(b"\t")[:2]) for line in f if b"\t" in line]
    if not pairs:
        print(f"tsv: no texts in {env.tsv}, left out")
        return
    # The released class, and the flags of a cased model, whose vocabulary is the same here.
    for flags, parse in ((ALL, 1), (ALL, 0), (CJK, 0)):
        start = time.time()
        ours = Ours(env.driver, env.vocab, flags)
        ref = released_reference(env.vocab) if parse else reference(env.vocab, flags, False)
        for max_length in (16, 64, 128, 512):
            check_pairs(report, "tsv", ref, ours, parse, pairs, max_length)
        ours.close()
        report.end(f"tsv {flags_name(flags)} {'parsed' if parse else 'as text'}, "
                   f"{len(pairs):,} pairs", time.time() - start)


def run_random(report, env):
    """Half with the vocabulary, half with letters; flags and the reading of controls in turn."""
    with open(env.vocab, encoding="utf-8") as f:
        texts = Texts(env.seed, [w.strip() for w in f if w.strip()])
    plans = [(env.vocab, f, p, 2 if f == ALL else 1)
             for f in (ALL, CJK, LOWER + CJK) for p in (0, 1)]
    plans += [(env.letters, f, p, 1) for f in flag_sets() for p in (0, 1)]
    shares = sum(plan[3] for plan in plans)
    for vocab, flags, parse, share in plans:
        start = time.time()
        ours, ref = Ours(env.driver, vocab, flags), reference(vocab, flags, parse)
        name = (f"random {os.path.basename(vocab)} {flags_name(flags)} "
                f"{'parsed' if parse else 'as text'}")
        left = -(-env.random * share // shares)
        while left > 0:
            batch = [texts.text() for _ in range(min(left, BATCH))]
            check_texts(report, name, ref, ours, parse, batch)
            left -= len(batch)
        if not parse and vocab == env.vocab and flags == ALL:
            check_encode_special(report, env, ours, batch)
        ours.close()
        report.end(name, time.time() - start)


def check_encode_special(report, env, ours, texts):
    """The package's own switch for "as text" says the same as having no special tokens."""
    ref = reference(env.vocab, ALL, True)
    ref.encode_special_tokens = True
    check_texts(report, "encode_special_tokens", ref, ours, 0, texts)


def run_pairs(report, env):
    start = time.time()
    r = random.Random(env.seed)
    pairs = [(b"a " * r.randint(0, 45), b"b " * r.randint(0, 45)) for _ in range(500)]
    ours, ref = Ours(env.driver, env.vocab, ALL), reference(env.vocab, ALL, False)
    for max_length in range(3, 41):
        check_pairs(report, "pairs", ref, ours, 0, pairs, max_length)
    ours.close()
    report.end("pairs", time.time() - start)


GROUPS = {"scalars": run_scalars, "tsv": run_tsv, "random": run_random, "pairs": run_pairs}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vocab", nargs="?", help="vocab.txt of bert-base-uncased (%(default)s)",
                        default=os.path.join(SHARED, "models/esci-distilbert/vocab.txt"))
    parser.add_argument("--random", type=int, default=1_000_000, help="random strings")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--tsv", default=os.path.join(SHARED, "data/esci"))
    parser.add_argument("--only", nargs="*", choices=GROUPS, default=list(GROUPS))
    env = parser.parse_args()
    if env.seed is None:
        env.seed = random.SystemRandom().randrange(2**32)
    print(f"tokenizers {tokenizers.__version__}, seed {env.seed}", flush=True)
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        env.driver = build_driver(folder)
        env.letters = os.path.join(folder, "letters")
        if "scalars" in env.only or "random" in env.only:
            letters_vocabulary(env.letters)
        for name in env.only:
            GROUPS[name](report, env)
    print("parity: " + ("ok" if report.failed == 0 else f"{report.failed:,} differences"))
    return report.failed != 0


if __name__ == "__main__":
    sys.exit(main())
