# SPDX-License-Identifier: Apache-2.0
"""Token labels, spans, shopping intents and catalogues."""
from __future__ import annotations

import os
from ctypes import byref, c_void_p
from typing import Any, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

from . import _abi
from ._inputs import Text, to_bytes
from ._library import library, raise_error

Names = Union[Mapping[str, Iterable[str]], Iterable[str]]


class LabelledToken(NamedTuple):
    """One token of label_tokens()."""

    text: Text  #: the stretch of the input that it was made from
    begin: int  #: where that begins in the input
    end: int  #: ... and ends
    id: int  #: in the vocabulary
    label: str  #: the most probable one
    probability: float  #: of that label
    inside: bool  #: not the first token of its word


class Span(NamedTuple):
    """One stretch of find_spans()."""

    name: str  #: "PRODUCT" for the labels B-PRODUCT and I-PRODUCT
    text: Text
    begin: int  #: text == input[begin:end]
    end: int
    words: int  #: a punctuation mark counts as one
    probability: float  #: mean over its words of the probability of all labels of this name


class Match(NamedTuple):
    """What a catalogue has for a few words."""

    name: str  #: the product's name
    alias: str  #: what matched: that name or an alias, as the catalogue spells it
    product: int  #: index in the catalogue
    distance: int  #: edits between the folded texts
    score: float  #: 1: equal after folding; lower with edits and words left out


class Intent(NamedTuple):
    """What extract() reads in a request."""

    action: str  #: most probable label of the sequence head
    action_confidence: float
    product: Optional[str]  #: the catalogue's name, or else the words of the text; None: no product
    product_text: Optional[Text]  #: the words of the text
    product_span: Optional[Tuple[int, int]]  #: product_text == input[begin:end]
    product_confidence: float
    products: int  #: products in the text; the fields describe the first
    match: Optional[Match]  #: in the catalogue
    quantity: int  #: 1 where the text has none, or none that can be used
    quantity_kind: str  #: "absent", "stated", "unreadable" or "out_of_range"
    quantity_text: Optional[Text]
    quantity_span: Optional[Tuple[int, int]]
    quantity_confidence: float
    tokens: int  #: tokens computed, special tokens included
    truncated: int  #: tokens of the text that were cut


def _names(source: Names) -> bytes:
    """The file format of a catalogue: name TAB alias|alias."""
    lines = []
    for name in source:
        aliases = source[name] if isinstance(source, Mapping) else ()
        if isinstance(aliases, (str, bytes)):
            raise TypeError("aliases of %r are one text, not a sequence of texts" % name)
        for text in (name, *aliases):
            if not isinstance(text, str):
                raise TypeError("a catalogue holds str, not %s (%.40r)" % (type(text).__name__, text))
            if not text.strip() or set(text) & set("\t\n\r|"):
                raise ValueError("%.60r is no name for a catalogue: empty, or with a tab, a line "
                                 "break or '|'" % text)
        lines.append(name + ("\t" + "|".join(aliases) if aliases else ""))
    return "\n".join(lines).encode("utf-8", "surrogatepass")


class Catalog:
    """Product names and other words for them, in any languages.

    source  a file (UTF-8, one product a line: its name, and after a TAB aliases separated by '|'); or
            names, as a list; or {name: [alias, ...]}

    Immutable; may be shared by any number of threads.

    >>> shop = Catalog({"Lip balm": ["balzam za usne"], "Eggs, 12": []})
    >>> shop.match("balzama za usne").name
    'Lip balm'
    """

    def __init__(self, source: Union[str, "os.PathLike[str]", Names]) -> None:
        self._handle: Any = None
        handle, error = c_void_p(), _abi.relevance_error()
        if isinstance(source, (str, os.PathLike)):
            self._source: Any = os.fspath(source)
            status = library.relevance_catalog_open(os.fsencode(self._source), None, byref(handle),
                                                    byref(error))
        else:
            data = self._source = _names(source)
            status = library.relevance_catalog_open_memory(data, len(data), None, byref(handle),
                                                           byref(error))
        if status:
            raise_error(error)
        self._handle = handle

    def __del__(self, close: Any = library.relevance_catalog_close) -> None:
        if self._handle:
            close(self._handle)
        self._handle = None

    def __reduce__(self) -> Any:
        return _catalog_again, (type(self), self._source)

    def __len__(self) -> int:
        return int(library.relevance_catalog_size(self._handle))

    def __getitem__(self, product: int) -> str:
        """Name of a product, 0 to len() - 1."""
        if not 0 <= product < len(self):
            raise IndexError("no product %d: the catalogue has %d" % (product, len(self)))
        return str(library.relevance_catalog_name(self._handle, product).decode())

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def match(self, text: Text) -> Optional[Match]:
        """The product that a few words mean; None where nothing is near enough."""
        data = to_bytes(text, "text")
        found = _abi.relevance_match()
        library.relevance_catalog_match(self._handle, data, len(data), byref(found))
        return _match(found)


def _catalog_again(cls: Any, source: Any) -> Any:
    if not isinstance(source, bytes):
        return cls(source)
    lines = [line.partition("\t") for line in source.decode("utf-8", "surrogatepass").split("\n")]
    return cls({name: aliases.split("|") if tab else [] for name, tab, aliases in lines if name})


def _match(m: Any) -> Optional[Match]:
    if m.name is None:
        return None
    return Match(m.name.decode(), m.alias.decode(), m.product, m.distance, m.score)


class _Offsets:
    """From byte offsets to offsets in the caller's text."""

    def __init__(self, text: Text, data: bytes) -> None:
        self.text = text
        self.data = data
        # In ASCII they are the same.
        self.plain = not isinstance(text, str) or len(text) == len(data)

    def __call__(self, begin: int, end: int) -> Tuple[Text, int, int]:
        if not self.plain:
            begin = len(self.data[:begin].decode("utf-8", "surrogatepass"))
            end = len(self.data[:end].decode("utf-8", "surrogatepass"))
        return self.text[begin:end], begin, end


def read_intent(text: Text, data: bytes, c: Any, labels: Tuple[str, ...]) -> Intent:
    """The C structure as an Intent."""
    at = _Offsets(text, data)
    match = _match(c.product)
    product, span, quantity, quantity_span = None, None, None, None
    if c.product_end:
        product, *span_ = at(c.product_begin, c.product_end)
        span = (span_[0], span_[1])
    if c.quantity_end:
        quantity, *span_ = at(c.quantity_begin, c.quantity_end)
        quantity_span = (span_[0], span_[1])
    words = product.decode("utf-8", "replace") if isinstance(product, bytes) else product
    return Intent(labels[c.action], c.action_confidence, match.name if match else words, product,
                  span, c.product_confidence, c.product_n, match, c.quantity,
                  _abi.QuantityKind(c.quantity_kind).name.lower(), quantity, quantity_span,
                  c.quantity_confidence, c.tokens, c.truncated)


def read_spans(text: Text, data: bytes, c_spans: Any, n: int) -> List[Span]:
    at = _Offsets(text, data)
    out = []
    for c in c_spans[:n]:
        words, begin, end = at(c.begin, c.end)
        out.append(Span(c.name.decode(), words, begin, end, c.word_n, c.probability))
    return out


def read_tokens(text: Text, data: bytes, c_tokens: Any, n: int,
                labels: Tuple[str, ...]) -> List[LabelledToken]:
    at = _Offsets(text, data)
    out = []
    for c in c_tokens[:n]:
        words, begin, end = at(c.begin, c.end)
        out.append(LabelledToken(words, begin, end, c.id, labels[c.label], c.probability,
                                 bool(c.inside)))
    return out
