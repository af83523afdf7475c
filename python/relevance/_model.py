# SPDX-License-Identifier: Apache-2.0
"""The class Relevance: an opened model, and the calls on it."""
from __future__ import annotations

import ctypes
import os
from collections import deque
from ctypes import byref, sizeof
from pathlib import Path
from typing import (Any, Callable, Deque, Dict, Iterator, List, Mapping, NamedTuple, Optional,
                    Sequence, Tuple, Union)

import numpy as np
import numpy.typing as npt

from . import _abi
from ._inputs import Text, as_list, columns, encode_all, place, to_bytes
from ._intent import (Catalog, Intent, LabelledToken, Span, read_intent, read_spans, read_tokens)
from ._library import bundled, error_for, library, raise_error

_classify = library.relevance_classify
_getpid = os.getpid

# Pairs of one call into the library.  Large enough that the last, partly filled batch of a call
# costs nothing that can be seen; small enough that Ctrl-C and progress are heard every few seconds.
CHUNK = 1024

_RESULT = np.dtype(_abi.relevance_result)
_RANKED = np.dtype(_abi.relevance_ranked)

PathLike = Union[str, "os.PathLike[str]"]
Progress = Union[bool, Callable[[int, int], None]]


class Result(NamedTuple):
    """What classify() says of one pair."""

    label: str  #: the most probable label; the first one on a tie
    probability: float  #: its probability
    probabilities: Dict[str, float]  #: of each label, summing to 1
    logits: Tuple[float, ...]  #: [labels], of the head, before calibration and softmax
    tokens: int  #: tokens computed, special tokens included
    truncated: int  #: tokens cut from the two texts to fit; 0: nothing was lost


class Ranked(NamedTuple):
    """One product in the answer of rank()."""

    index: int  # type: ignore[assignment]  # of the product in the caller's list
    score: float  #: sum over labels of probability times gain, in [0, 1]
    label: str  #: its most probable label
    probabilities: Dict[str, float]  #: of each label
    product: Any  #: the caller's own object: products[index]


class Info(NamedTuple):
    """What a model is."""

    architecture: str  #: "distilbert" or "bert"
    weights: str  #: format of the linear layers: "f32", "f16", "q8" ...
    embeddings: str  #: format of the word embedding table
    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    vocab: int  #: tokens in the vocabulary
    max_tokens: int  #: longest sequence that the model can read
    labels: int  #: of the sequence head; 0: no such head
    token_labels: int  #: of the token head; 0: no such head
    file_bytes: int
    parameters: int
    metadata: Dict[str, str]  #: origin, licence, settings of the converter


class _Model:
    """Owns the C model."""

    def __init__(self, path: str, flags: int) -> None:
        self.handle: Any = None
        handle, error = ctypes.c_void_p(), _abi.relevance_error()
        options = _abi.relevance_open_options(size=sizeof(_abi.relevance_open_options), flags=flags)
        if library.relevance_open(os.fsencode(path), byref(options), byref(handle), byref(error)):
            raise_error(error)
        self.handle = handle

    def __del__(self, close: Any = library.relevance_close) -> None:
        if self.handle:
            close(self.handle)
            self.handle = None


class _Context:
    """Owns a C context, used by one call at a time, and the result that classify() fills."""

    def __init__(self, model: _Model, options: _abi.relevance_context_options) -> None:
        self.handle: Any = None
        self.model = model  # keeps it open
        self.pid = _getpid()
        self.threads = options.threads
        self.result = _abi.relevance_result()
        self.result_ref = byref(self.result)
        handle, error = ctypes.c_void_p(), _abi.relevance_error()
        if library.relevance_context_create(model.handle, byref(options), byref(handle),
                                            byref(error)):
            raise_error(error)
        self.handle = handle

    def __del__(self, destroy: Any = library.relevance_context_destroy,
                getpid: Any = os.getpid) -> None:
        # In a forked child the worker threads do not exist and cannot be joined: the memory (pages
        # shared with the parent) is given up instead.
        if self.handle and (self.threads <= 1 or self.pid == getpid()):
            destroy(self.handle)
        self.handle = None


def _choice(enum: Any, value: Any, what: str) -> int:
    """A member of an enum by name (any case) or value."""
    if isinstance(value, str):
        name = value.upper().replace("-", "_")
        if name in enum.__members__:
            return int(enum[name])
    elif value in [int(m) for m in enum]:
        return int(value)
    raise ValueError("%s is %r; it must be one of %s"
                     % (what, value, ", ".join(repr(m.name.lower()) for m in enum)))


def _count(value: Optional[int], what: str) -> int:
    if value is None:
        return 0
    number = int(value)
    if not 0 <= number < 2 ** 32:
        raise ValueError("%s is %d; it must be from 0 to 2^32 - 1" % (what, number))
    return number


class Relevance:
    """A model, opened.

    >>> model = Relevance()                       # the model that comes with the package
    >>> model.classify("dog leash", "Reflective nylon dog leash, 6 ft").label
    'Exact'

    model           a file (.rlv); None: the one that comes with the package
    threads         threads of one call, 1 to 64.  Any number of Python threads may call at the same
                    time besides: each call has a context (working memory) of its own.
    max_tokens      longest sequence, special tokens included; None: the model's limit
    batch_tokens    tokens of a batch computed at a time; None: the library's choice
    isa             "auto", or one of "scalar", "avx2", "avx512", "avx512vnni", "neon" ...
    special_tokens  "as_text": "[SEP]" typed in a text is ordinary text; "parse": the control token
    f32_gemm        "auto", "own" or "blas"; for f32 and f16 models
    priors          {label: share} or [labels] numbers >= 0 of any sum: how frequent the labels are
                    among your pairs, where that is not as in label_priors; None: as there
    verify          False: skip the checksum of the weights when opening
    copy            True: read the file into memory instead of mapping it

    The file is mapped, so all processes that open it share its pages.  Calls release the GIL.  After
    a fork the child makes contexts of its own; an object may be pickled, and opens its file again.
    """

    def __init__(self, model: Optional[PathLike] = None, threads: int = 1, *,
                 max_tokens: Optional[int] = None, batch_tokens: Optional[int] = None,
                 isa: Union[str, int] = "auto", special_tokens: Union[str, int] = "as_text",
                 f32_gemm: Union[str, int] = "auto",
                 priors: Union[Mapping[str, float], Sequence[float], None] = None,
                 verify: bool = True, copy: bool = False) -> None:
        self._arguments = {"model": None if model is None else os.fspath(model), "threads": threads,
                           "max_tokens": max_tokens, "batch_tokens": batch_tokens, "isa": isa,
                           "special_tokens": special_tokens, "f32_gemm": f32_gemm,
                           "priors": priors, "verify": verify, "copy": copy}
        self._idle: Optional[Deque[_Context]] = None
        path = default_model() if model is None else Path(model)
        flags = (0 if verify else _abi.OpenFlags.SKIP_CHECKSUM) | (
            _abi.OpenFlags.COPY if copy else 0)
        self._options = _abi.relevance_context_options(
            size=sizeof(_abi.relevance_context_options), threads=_count(threads, "threads"),
            max_tokens=_count(max_tokens, "max_tokens"),
            max_batch_tokens=_count(batch_tokens, "batch_tokens"), isa=_choice(_abi.Isa, isa, "isa"),
            special_tokens=_choice(_abi.SpecialTokens, special_tokens, "special_tokens"),
            f32_gemm=_choice(_abi.F32Gemm, f32_gemm, "f32_gemm"))
        self.path = path  #: the opened file
        opened = _Model(str(path), int(flags))
        self._model: Optional[_Model] = opened
        self.info: Info = self._read_info(opened)  #: what the model is
        name = library.relevance_label
        #: names of the labels, in the order of predict()'s columns
        self.labels: Tuple[str, ...] = tuple(
            name(opened.handle, i).decode() for i in range(self.info.labels))
        name = library.relevance_token_label
        #: names of the token head's labels
        self.token_labels: Tuple[str, ...] = tuple(
            name(opened.handle, i).decode() for i in range(self.info.token_labels))
        share = library.relevance_label_prior
        #: share of each label among the pairs that the model is calibrated for; 0: it does not say
        self.label_priors: Tuple[float, ...] = tuple(
            share(opened.handle, i) for i in range(self.info.labels))
        if priors is not None:
            self._set_priors(priors)
        # The first context at once, so that a wrong option is reported here.
        first = _Context(opened, self._options)
        #: the instruction set in use
        self.isa: str = library.relevance_isa_name(
            library.relevance_context_isa(first.handle)).decode()
        self._idle = deque([first])

    def _set_priors(self, priors: Union[Mapping[str, float], Sequence[float]]) -> None:
        if isinstance(priors, Mapping):
            unknown = set(priors) - set(self.labels)
            if unknown or len(priors) != len(self.labels):
                raise ValueError("priors has the labels %s; the model's are %s"
                                 % (", ".join(map(str, priors)), ", ".join(self.labels)))
            priors = [priors[label] for label in self.labels]
        self._priors = np.array(priors, np.float32)  # lives as long as its address in the options
        self._options.priors = self._priors.ctypes.data
        self._options.prior_n = self._priors.size

    # ---- life ----

    def close(self) -> None:
        """Release the model and its contexts; calls under way in other threads end first.

        Later calls raise ValueError.  Closing twice is allowed.
        """
        # The last owner of a context destroys it, and the last context closes the model.
        self._idle = None
        self._model = None

    def __enter__(self) -> "Relevance":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Relevance %s: %s %s, %d labels, %s>" % (
            self.path.name, self.info.architecture, self.info.weights, len(self.labels), self.isa)

    def __reduce__(self) -> Any:
        return _open_again, (type(self), self._arguments)

    def _contexts(self) -> "Deque[_Context]":
        idle = self._idle
        if idle is None:
            raise ValueError("this Relevance is closed")
        return idle

    def _take(self, idle: "Deque[_Context]") -> _Context:
        """A context for one call.  deque's pop and append are atomic, so no lock is needed."""
        try:
            ctx = idle.pop()
            while ctx.pid != _getpid():  # left by the process that forked us
                ctx = idle.pop()
        except IndexError:
            ctx = _Context(self._opened(), self._options)
        return ctx

    def _opened(self) -> _Model:
        model = self._model
        if model is None:
            raise ValueError("this Relevance is closed")
        return model

    def _fail(self, status: int, what: str) -> None:
        name = library.relevance_status_name(status).decode()
        raise error_for(status, "%s: %s (model %s)" % (what, name, self.path))

    # ---- classify ----

    def classify(self, query: Text, product: Text) -> Result:
        """Label one pair.

        query, product  str, or bytes in UTF-8; either may be empty
        """
        q, p = to_bytes(query, "query"), to_bytes(product, "product")
        idle = self._contexts()
        ctx = self._take(idle)
        try:
            status = _classify(ctx.handle, q, len(q), p, len(p), ctx.result_ref)
            if status:
                self._fail(status, "classify")
            return self._result(ctx.result)
        finally:
            idle.append(ctx)

    def _result(self, r: Any) -> Result:
        n, label = r.label_n, r.label
        probabilities = r.probabilities[:n]
        return Result(self.labels[label], probabilities[label],
                      dict(zip(self.labels, probabilities)), tuple(r.logits[:n]), r.tokens,
                      r.truncated)

    def classify_tokens(self, ids: Any) -> Result:
        """Label one sequence of token ids made elsewhere.

        ids  integers [tokens], special tokens included: "[CLS] query [SEP] product [SEP]"
        """
        array = np.ascontiguousarray(ids, np.int32)
        if array.ndim != 1:
            raise ValueError("ids has the shape %s; it must be [tokens]" % (array.shape,))
        idle = self._contexts()
        ctx = self._take(idle)
        try:
            status = library.relevance_classify_tokens(ctx.handle, array.ctypes.data, len(array),
                                                       ctx.result_ref)
            if status == _abi.Status.BAD_ARGUMENT:
                raise error_for(status, "classify_tokens: 1 to %d ids, each from 0 to %d"
                                % (self._limit(), self.info.vocab - 1))
            if status:
                self._fail(status, "classify_tokens")
            return self._result(ctx.result)
        finally:
            idle.append(ctx)

    def _limit(self) -> int:
        return int(self._options.max_tokens or self.info.max_tokens)

    def predict(self, pairs: Any, products: Any = None, *, logits: bool = False,
                progress: Progress = False) -> "npt.NDArray[np.float32]":
        """Probabilities of many pairs: float32 [n, labels], rows in the order of the input.

        pairs     [(query, product), ...]; an array [n, 2]; a table (pandas, Polars, Arrow, dict of
                  columns) with columns 'query' and 'product' or 'title', or with two columns.
        products  where it is given, 'pairs' holds the queries: predict(queries, products), each a
                  list, array or column of n texts; one str as 'pairs' is the query of all.
        logits    True: the head's logits, before calibration and softmax
        progress  True: a bar on standard error (needs tqdm); or a function, called with the number
                  of pairs done and n

        Each row is bit for bit what classify() gives for that pair alone (f32 through OpenBLAS
        excepted).
        """
        field = "logits" if logits else "probabilities"
        left, right = columns(pairs, products)
        out = np.empty((len(left), len(self.labels)), np.float32)
        for first, results in self._batches(left, right, progress):
            out[first:first + len(results)] = results[field][:, :len(self.labels)]
        return out

    def predict_labels(self, pairs: Any, products: Any = None, *,
                       progress: Progress = False) -> List[str]:
        """The most probable label of each pair, [n]; arguments as predict()."""
        left, right = columns(pairs, products)
        out: List[str] = []
        for _, results in self._batches(left, right, progress):
            out += [self.labels[i] for i in results["label"]]
        return out

    def classify_batch(self, pairs: Any, products: Any = None, *,
                       progress: Progress = False) -> List[Result]:
        """A Result for each pair, [n]; arguments as predict()."""
        left, right = columns(pairs, products)
        n, out = len(self.labels), []
        for _, results in self._batches(left, right, progress):
            for r in results.tolist():
                label, tokens, truncated, _, probabilities, values = r
                out.append(Result(self.labels[label], probabilities[label],
                                  dict(zip(self.labels, probabilities)), tuple(values[:n]),
                                  tokens, truncated))
        return out

    def _batches(self, left: Sequence[Any], right: Sequence[Any],
                 progress: Progress) -> Iterator[Tuple[int, "npt.NDArray[Any]"]]:
        """(index of the first pair, results [at most CHUNK]) ..."""
        idle = self._contexts()
        n = len(left)
        tell, end = _progress(progress, n)
        raw = np.empty((min(n, CHUNK), 4), np.uintp)
        results = np.empty(min(n, CHUNK), _RESULT)
        if n == 0 and not self.labels:
            self._fail(_abi.Status.NO_HEAD, "predict")
        try:
            for first in range(0, n, CHUNK):
                last = min(first + CHUNK, n)
                m = last - first
                queries = _encode_slice(left, first, last, "query")
                titles = _encode_slice(right, first, last, "product")
                kept = (place(queries, raw[:m, 0:2]), place(titles, raw[:m, 2:4]))
                ctx = self._take(idle)
                try:
                    status = library.relevance_classify_batch(
                        ctx.handle, raw.ctypes.data, m, results.ctypes.data)
                finally:
                    idle.append(ctx)
                del kept
                if status:
                    self._fail(status, "predict")
                tell(last, n)
                yield first, results[:m]
        finally:
            end()

    # ---- rank ----

    def rank(self, query: Text, products: Any, top_k: Optional[int] = None, *,
             progress: Progress = False) -> List[Ranked]:
        """Order products by how well they fit one query, best first.

        products  list, array or column of texts
        top_k     the best so many alone; None: all

        Equal scores keep the caller's order.
        """
        if top_k is not None and top_k < 0:
            raise ValueError("top_k is %d; it must not be negative" % top_k)
        items = as_list(products, "products")
        q = to_bytes(query, "query")
        n, label_n = len(items), len(self.labels)
        idle = self._contexts()
        scores = np.empty(n, np.float32)
        labels = np.empty(n, np.uint32)
        probabilities = np.empty((n, label_n), np.float32)
        raw = np.empty((min(n, CHUNK), 2), np.uintp)
        ranked = np.empty(min(n, CHUNK), _RANKED)
        tell, end = _progress(progress, n)
        if n == 0 and not self.labels:
            self._fail(_abi.Status.NO_HEAD, "rank")
        try:
            for first in range(0, n, CHUNK):
                last = min(first + CHUNK, n)
                m = last - first
                kept = place(_encode_slice(items, first, last, "products"), raw[:m])
                ctx = self._take(idle)
                try:
                    status = library.relevance_rank(ctx.handle, q, len(q), raw.ctypes.data, m,
                                                    ranked.ctypes.data)
                finally:
                    idle.append(ctx)
                del kept
                if status:
                    self._fail(status, "rank")
                r = ranked[:m]
                where = r["index"].astype(np.intp) + first
                scores[where] = r["score"]
                labels[where] = r["result"]["label"]
                probabilities[where] = r["result"]["probabilities"][:, :label_n]
                tell(last, n)
        finally:
            end()
        order = np.argsort(-scores, kind="stable")
        if top_k is not None:
            order = order[:top_k]
        return [Ranked(int(i), float(scores[i]), self.labels[labels[i]],
                       dict(zip(self.labels, probabilities[i].tolist())), items[i]) for i in order]

    # ---- token labels and intents ----

    def label_tokens(self, text: Text) -> List[LabelledToken]:
        """The label of each token of a text, by the token head, without [CLS] and [SEP]."""
        data = to_bytes(text, "text")
        cap = self._limit()
        found = (_abi.relevance_labelled_token * cap)()
        c = _abi.relevance_labelled_tokens(tokens=ctypes.addressof(found), cap=cap)
        self._call("label_tokens", library.relevance_label_tokens, data, len(data), byref(c))
        return read_tokens(text, data, found, c.n, self.token_labels)

    def find_spans(self, text: Text) -> List[Span]:
        """The stretches of a text that the token head names, in order; they do not overlap."""
        data = to_bytes(text, "text")
        cap = self._limit()
        found = (_abi.relevance_span * cap)()
        c = _abi.relevance_spans(spans=ctypes.addressof(found), cap=cap)
        model = self._opened()  # its names are read below
        self._call("find_spans", library.relevance_find_spans, data, len(data), byref(c))
        spans = read_spans(text, data, found, c.n)
        del model
        return spans

    def extract(self, text: Text, catalog: Optional[Catalog] = None) -> Intent:
        """What a shopper asks for: an action, a product and a quantity.

        text     a request: "add two dozen eggs, please"
        catalog  where the product is looked up; None: it is not

        Needs a model with a sequence head (the actions) and a token head with labels for PRODUCT and
        QUANTITY; HeadError where it has not.
        """
        data = to_bytes(text, "text")
        c = _abi.relevance_intent(size=sizeof(_abi.relevance_intent))
        self._call("extract", library.relevance_extract, data, len(data),
                   None if catalog is None else catalog._handle, byref(c))
        return read_intent(text, data, c, self.labels)

    def extract_batch(self, texts: Any, catalog: Optional[Catalog] = None, *,
                      progress: Progress = False) -> List[Intent]:
        """An Intent for each text, [n]: each what extract() gives for it alone.

        texts  list, array or column of texts
        """
        items = as_list(texts, "texts")
        n, out = len(items), []
        raw = np.empty((min(n, CHUNK), 2), np.uintp)
        tell, end = _progress(progress, n)
        try:
            for first in range(0, n, CHUNK):
                last = min(first + CHUNK, n)
                data = _encode_slice(items, first, last, "texts")
                kept = place(data, raw[:last - first])
                found = (_abi.relevance_intent * (last - first))()
                found[0].size = sizeof(_abi.relevance_intent)
                self._call("extract_batch", library.relevance_extract_batch, raw.ctypes.data,
                           last - first, None if catalog is None else catalog._handle, found)
                del kept
                out += [read_intent(items[first + i], data[i], found[i], self.labels)
                        for i in range(last - first)]
                tell(last, n)
        finally:
            end()
        return out

    def _call(self, what: str, function: Any, *arguments: Any) -> None:
        idle = self._contexts()
        ctx = self._take(idle)
        try:
            status = function(ctx.handle, *arguments)
        finally:
            idle.append(ctx)
        if status:
            self._fail(status, what)

    # ---- tokens and hidden states ----

    def tokenize(self, query: Text, product: Optional[Text] = None) -> "npt.NDArray[np.int32]":
        """Token ids that the model would read, int32 [tokens].

        product  None: "[CLS] query [SEP]"; else "[CLS] query [SEP] product [SEP]"
        """
        q, p, p_n = self._texts(query, product)
        limit = self._limit()
        ids = np.empty(limit, np.int32)
        tokens = _abi.relevance_tokens(ids=ids.ctypes.data, cap=limit)
        idle = self._contexts()
        ctx = self._take(idle)
        try:
            status = library.relevance_tokenize(ctx.handle, q, len(q), p, p_n, byref(tokens))
        finally:
            idle.append(ctx)
        if status:
            self._fail(status, "tokenize")
        return ids[:tokens.n].copy()

    def token(self, token_id: int) -> str:
        """Text of a vocabulary entry.  IndexError where there is none."""
        model = self._opened()
        text = library.relevance_token(model.handle, int(token_id))
        if not text.data:
            raise IndexError("no token %d: the vocabulary has %d" % (token_id, self.info.vocab))
        return ctypes.string_at(text.data, text.len).decode("utf-8", "replace")

    def encode(self, query: Text, product: Optional[Text] = None) -> "npt.NDArray[np.float32]":
        """The encoder's last hidden states, float32 [tokens, hidden_size].

        Row i belongs to token i of tokenize(); row 0 is [CLS].
        """
        q, p, p_n = self._texts(query, product)
        width = self.info.hidden_size
        hidden = np.empty((32, width), np.float32)
        rows = ctypes.c_size_t()
        idle = self._contexts()
        ctx = self._take(idle)
        try:
            while True:
                status = library.relevance_encode(ctx.handle, q, len(q), p, p_n, hidden.ctypes.data,
                                                  hidden.size, byref(rows))
                if status != _abi.Status.NO_SPACE:
                    break
                hidden = np.empty((rows.value, width), np.float32)
        finally:
            idle.append(ctx)
        if status:
            self._fail(status, "encode")
        return hidden[:rows.value].copy()

    @staticmethod
    def _texts(query: Text, product: Optional[Text]) -> Tuple[bytes, Optional[bytes], int]:
        p = None if product is None else to_bytes(product, "product")
        return to_bytes(query, "query"), p, 0 if p is None else len(p)

    def _read_info(self, model: _Model) -> Info:
        c = _abi.relevance_info(size=sizeof(_abi.relevance_info))
        status = library.relevance_model_info(model.handle, byref(c))
        if status:
            self._fail(status, "info")
        metadata = {}
        for line in (c.metadata or b"").decode("utf-8", "replace").splitlines():
            key, _, value = line.partition("=")
            metadata[key] = value
        return Info(c.architecture.decode(), c.weights.decode(), c.embeddings.decode(),
                    c.hidden_size, c.layer_n, c.head_n, c.intermediate_size, c.vocab_n,
                    c.max_tokens, c.label_n, c.token_label_n, c.file_len, c.parameter_n, metadata)


def _encode_slice(texts: Sequence[Any], first: int, last: int, what: str) -> List[bytes]:
    """encode_all() of a slice; an error names the index in the whole."""
    part = texts[first:last]
    try:
        return encode_all(part, what)
    except TypeError:
        for i, text in enumerate(part):
            to_bytes(text, "%s of pair %d" % (what, first + i) if what in ("query", "product")
                     else "%s[%d]" % (what, first + i))
        raise


def _progress(progress: Progress, n: int) -> Tuple[Callable[[int, int], Any], Callable[[], Any]]:
    """(called after each chunk, called at the end)."""
    if callable(progress):
        return progress, lambda: None
    if not progress:
        return lambda done, of: None, lambda: None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True needs the package tqdm; or give a function") from None
    bar = tqdm(total=n, unit="pair")
    return lambda done, of: bar.update(done - bar.n), bar.close


def _open_again(cls: Any, arguments: Dict[str, Any]) -> Any:
    return cls(**arguments)


def default_model() -> Path:
    """The file that Relevance() opens: the one that comes with the package, or RELEVANCE_MODEL's."""
    return bundled("data/default.rlv", "data/default.rlv", "RELEVANCE_MODEL")


def default_intent_model() -> Path:
    """A model for extract() that comes with the package, or RELEVANCE_INTENT_MODEL's."""
    return bundled("data/intent.rlv", "data/intent.rlv", "RELEVANCE_INTENT_MODEL")


_shared: Dict[Any, Relevance] = {}


def shared(model: Optional[PathLike] = None, threads: int = 1, **options: Any) -> Relevance:
    """The process's one Relevance for these arguments, opened by the first call.

    For functions that a cluster runs many times in the same worker process.
    """
    key = (None if model is None else os.fspath(model), threads, tuple(sorted(options.items())))
    found = _shared.get(key)
    if found is None:
        # Two threads may come here at once: both open, the first one's is kept.
        found = _shared.setdefault(key, Relevance(model, threads, **options))
    return found


def isa_supported(isa: Union[str, int]) -> bool:
    """Whether this CPU and this build can run an instruction set, by name."""
    return bool(library.relevance_isa_supported(_choice(_abi.Isa, isa, "isa")))


def version() -> str:
    """Version of the C library in use."""
    return str(library.relevance_version().decode())
