# SPDX-License-Identifier: Apache-2.0
"""The public C header through ctypes, for the parity scripts: as thin as it can be.

The package in python/ is for users; this is for comparing numbers, so it returns raw logits as
numpy arrays and takes every option of the context.
"""
import ctypes as c
import os
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = ROOT.parent / "shared"
MAX_LABELS = 32
ISAS = ["auto", "scalar", "avx2", "avx512", "avx512vnni", "neon", "neondot", "neoni8mm",
        "amx"]
F32_GEMMS = ["auto", "own", "blas"]


class _Error(c.Structure):
    _fields_ = [("status", c.c_int), ("position", c.c_uint64), ("message", c.c_char * 240)]


class _Text(c.Structure):
    _fields_ = [("data", c.c_char_p), ("len", c.c_size_t)]


class _Pair(c.Structure):
    _fields_ = [("query", _Text), ("product", _Text)]


class _Result(c.Structure):
    _fields_ = [("label", c.c_uint32), ("tokens", c.c_uint32), ("truncated", c.c_uint32),
                ("label_n", c.c_uint32), ("probabilities", c.c_float * MAX_LABELS),
                ("logits", c.c_float * MAX_LABELS)]


class _Tokens(c.Structure):
    _fields_ = [("ids", c.POINTER(c.c_int32)), ("cap", c.c_size_t), ("n", c.c_size_t),
                ("truncated", c.c_uint32)]


class _ContextOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("threads", c.c_uint32), ("max_tokens", c.c_uint32),
                ("max_batch_tokens", c.c_uint32), ("isa", c.c_int), ("special_tokens", c.c_int),
                ("f32_gemm", c.c_int), ("allocator", c.c_void_p), ("parallel_for", c.c_void_p),
                ("parallel_user", c.c_void_p), ("clock", c.c_void_p)]


class _Info(c.Structure):
    _fields_ = [("size", c.c_size_t), ("architecture", c.c_char_p), ("weights", c.c_char_p),
                ("embeddings", c.c_char_p), ("hidden_size", c.c_uint32), ("layer_n", c.c_uint32),
                ("head_n", c.c_uint32), ("intermediate_size", c.c_uint32), ("vocab_n", c.c_uint32),
                ("max_tokens", c.c_uint32), ("label_n", c.c_uint32), ("token_label_n", c.c_uint32),
                ("file_len", c.c_uint64), ("parameter_n", c.c_uint64), ("metadata", c.c_char_p)]


class Failure(Exception):
    """A call returned a status other than RELEVANCE_OK."""


# Result type and argument types of the calls used here, as in include/relevance.h.
_P, _S, _Z = c.c_void_p, c.c_char_p, c.c_size_t
_CALLS = {
    "open": (c.c_int, [_S, _P, c.POINTER(_P), c.POINTER(_Error)]),
    "close": (None, [_P]),
    "context_create": (c.c_int, [_P, c.POINTER(_ContextOptions), c.POINTER(_P), c.POINTER(_Error)]),
    "context_destroy": (None, [_P]),
    "classify": (c.c_int, [_P, _S, _Z, _S, _Z, c.POINTER(_Result)]),
    "classify_batch": (c.c_int, [_P, c.POINTER(_Pair), _Z, c.POINTER(_Result)]),
    "classify_tokens": (c.c_int, [_P, c.POINTER(c.c_int32), _Z, c.POINTER(_Result)]),
    "tokenize": (c.c_int, [_P, _S, _Z, _S, _Z, c.POINTER(_Tokens)]),
    "encode": (c.c_int, [_P, _S, _Z, _S, _Z, c.POINTER(c.c_float), _Z, c.POINTER(_Z)]),
    "model_info": (c.c_int, [_P, c.POINTER(_Info)]),
    "label": (_S, [_P, c.c_uint32]),
    "context_isa": (c.c_int, [_P]),
    "isa_supported": (c.c_int, [c.c_int]),
    "status_name": (_S, [c.c_int]),
    "version": (_S, []),
}


class Library:
    def __init__(self, path=None):
        path = pathlib.Path(path or default_library())
        if not path.exists():
            raise Failure(f"{path}: no such library; run 'make lib' or give --lib")
        self._so = c.CDLL(str(path.resolve()))
        for name, (result, arguments) in _CALLS.items():
            function = getattr(self._so, "relevance_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def check(self, status, what, error=None):
        if status:
            message = error.message.decode() if error else ""
            raise Failure(f"{what}: {message or self.status_name(status).decode()}")

    def isas(self):
        """Names of the instruction sets that this CPU and this build can run."""
        return [name for i, name in enumerate(ISAS) if i and self.isa_supported(i)]


class Model:
    def __init__(self, library, path):
        self.library, self._handle, error = library, _P(), _Error()
        status = library.open(os.fsencode(path), None, c.byref(self._handle), c.byref(error))
        library.check(status, str(path), error)
        self.info = _Info(size=c.sizeof(_Info))
        library.check(library.model_info(self._handle, c.byref(self.info)), "relevance_model_info")
        self.labels = [library.label(self._handle, i).decode() for i in range(self.info.label_n)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.close(self._handle)


class Context:
    def __init__(self, model, isa="auto", threads=1, max_tokens=0, max_batch_tokens=0,
                 parse_special=False, f32_gemm="auto"):
        self.library, self.model, self._handle = model.library, model, _P()
        error = _Error()
        options = _ContextOptions(
            size=c.sizeof(_ContextOptions), threads=threads, max_tokens=max_tokens,
            max_batch_tokens=max_batch_tokens, isa=ISAS.index(isa),
            special_tokens=int(parse_special), f32_gemm=F32_GEMMS.index(f32_gemm))
        status = self.library.context_create(model._handle, c.byref(options),
                                             c.byref(self._handle), c.byref(error))
        self.library.check(status, "relevance_context_create", error)
        self.isa = ISAS[self.library.context_isa(self._handle)]
        self.max_tokens = max_tokens or model.info.max_tokens

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.library.context_destroy(self._handle)

    def classify_batch(self, pairs):
        """Logits [pair_n, label_n] of (query, product) pairs of str."""
        texts = [(q.encode(), p.encode()) for q, p in pairs]
        packed = (_Pair * len(texts))(*[_Pair(_Text(q, len(q)), _Text(p, len(p)))
                                        for q, p in texts])
        results = (_Result * len(texts))()
        status = self.library.classify_batch(self._handle, packed, len(texts), results)
        self.library.check(status, "relevance_classify_batch")
        return np.stack([self._logits(r) for r in results])

    def classify(self, query, product):
        """Logits [label_n] of one pair of str."""
        q, p, result = query.encode(), product.encode(), _Result()
        status = self.library.classify(self._handle, q, len(q), p, len(p), c.byref(result))
        self.library.check(status, "relevance_classify")
        return self._logits(result)

    def classify_tokens(self, ids):
        """Logits [label_n] of one sequence of token ids."""
        array, result = (c.c_int32 * len(ids))(*ids), _Result()
        status = self.library.classify_tokens(self._handle, array, len(ids), c.byref(result))
        self.library.check(status, "relevance_classify_tokens")
        return self._logits(result)

    def tokenize(self, query, product=None):
        """Token ids of a text, or of a pair."""
        array = (c.c_int32 * self.max_tokens)()
        tokens = _Tokens(ids=array, cap=self.max_tokens)
        q, p = query.encode(), None if product is None else product.encode()
        status = self.library.tokenize(self._handle, q, len(q), p, len(p or b""), c.byref(tokens))
        self.library.check(status, "relevance_tokenize")
        return list(array[:tokens.n])

    def encode(self, query, product=None):
        """The last hidden states [token_n, hidden_size] of a text, or of a pair."""
        hidden = np.empty((self.max_tokens, self.model.info.hidden_size), np.float32)
        n, q, p = _Z(), query.encode(), None if product is None else product.encode()
        status = self.library.encode(self._handle, q, len(q), p, len(p or b""),
                                     hidden.ctypes.data_as(c.POINTER(c.c_float)), hidden.size,
                                     c.byref(n))
        self.library.check(status, "relevance_encode")
        return hidden[:n.value].copy()

    def _logits(self, result):
        return np.frombuffer(result.logits, np.float32, self.model.info.label_n).copy()


def default_library():
    return ROOT / "build" / "librelevance.so"


def softmax(logits):
    e = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def read_tsv(path):
    """Rows of a tab-separated file with a header line, as dicts."""
    with open(path, encoding="utf-8", newline="") as f:
        lines = f.read().split("\n")
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"))) for line in lines[1:] if line]


def pairs_of(rows):
    return [(r["query"], r.get("title", r.get("product"))) for r in rows]


def add_common_options(parser):
    parser.add_argument("--lib", help="the shared library (default: build/librelevance.so)")
    parser.add_argument("--threads", type=int, default=1, help="of the context (default: 1)")
    parser.add_argument("--isa", choices=ISAS, default="auto", help="kernels (default: auto)")
    parser.add_argument("--f32-gemm", choices=F32_GEMMS, default="auto",
                        help="matrix products of f32 and f16 models (default: auto)")


class Checks:
    """Prints a figure a line, with its limit where one was given, and remembers what failed."""

    def __init__(self):
        self.failed = 0

    def show(self, name, value, form="%.3g", limit=None, at_least=False):
        text = form % value
        if limit is not None:
            # 'not (good)', so that NaN fails too.
            bad = not (value >= limit if at_least else value <= limit)
            self.failed += bad
            text += f"   {'FAILED' if bad else 'ok'}: limit {'>=' if at_least else '<='} {limit:g}"
        print(f"{name:<34} {text}")


def run(main):
    """main(), with the failures that a user can act on as one line on standard error."""
    try:
        sys.exit(main())
    except (Failure, OSError) as e:
        print(f"{pathlib.Path(sys.argv[0]).name}: {e}", file=sys.stderr)
        sys.exit(2)
