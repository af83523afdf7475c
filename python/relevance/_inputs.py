# SPDX-License-Identifier: Apache-2.0
"""From what people hold (lists, arrays, data frames) to UTF-8 and the C structures.

Nothing is imported for it: a data frame is known by its 'columns', a column by its 'tolist'.
"""
from __future__ import annotations

from typing import Any, List, Sequence, Tuple, Union

import numpy as np

Text = Union[str, bytes]

QUERY_NAMES = ("query",)
PRODUCT_NAMES = ("product", "title", "product_title")


def to_bytes(text: Any, what: str) -> bytes:
    """UTF-8; a lone surrogate becomes invalid bytes, which the library reads as U+FFFD."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, bytes):
        return text
    raise TypeError("%s is %s (%.40r), not str or bytes" % (what, type(text).__name__, text))


def encode_all(texts: Sequence[Any], what: str) -> List[bytes]:
    """Each text as UTF-8.  TypeError names the first that is no text, as 'what[i]'."""
    try:
        return [t.encode("utf-8", "surrogatepass") for t in texts]
    except AttributeError:
        return [to_bytes(t, "%s[%d]" % (what, i)) for i, t in enumerate(texts)]


def as_list(column: Any, what: str) -> List[Any]:
    """A column (list, tuple, array, pandas, Polars or Arrow column, iterator) as a list."""
    if isinstance(column, list):
        return column
    if isinstance(column, (str, bytes)):
        raise TypeError("%s is one text (%.40r), not a sequence of texts" % (what, column))
    for name in ("tolist", "to_list", "to_pylist"):
        convert = getattr(column, name, None)
        if convert is not None:
            values = convert()
            if not isinstance(values, list):
                break
            return values
    try:
        return list(column)
    except TypeError:
        raise TypeError("%s is %s, not a sequence of texts"
                        % (what, type(column).__name__)) from None


def _frame_columns(frame: Any, names: List[Any]) -> Tuple[List[Any], List[Any]]:
    found = []
    for wanted in (QUERY_NAMES, PRODUCT_NAMES):
        found.append(next((n for n in wanted if n in names), None))
    if found[0] is None and found[1] is None and len(names) == 2:
        found = list(names)
    if found[0] is None or found[1] is None:
        raise ValueError("a table of pairs has a column 'query' and a column 'product' or 'title' "
                         "(or two columns in all); this one has %s" % ", ".join(map(repr, names)))
    return (as_list(frame[found[0]], "column %r" % found[0]),
            as_list(frame[found[1]], "column %r" % found[1]))


def columns(pairs: Any, products: Any = None) -> Tuple[List[Any], List[Any]]:
    """Queries and products, of equal length, from any accepted form (see Relevance.predict)."""
    if products is not None:
        right = as_list(products, "products")
        if isinstance(pairs, (str, bytes)):
            left = [pairs] * len(right)
        else:
            left = as_list(pairs, "queries")
        if len(left) != len(right):
            raise ValueError("%d queries, but %d products" % (len(left), len(right)))
        return left, right
    names = getattr(pairs, "column_names", None)  # Arrow
    if names is None:
        names = getattr(pairs, "columns", None)  # pandas, Polars
    if names is None and isinstance(pairs, dict):
        names = pairs.keys()
    if names is not None:
        left, right = _frame_columns(pairs, list(names))
        if len(left) != len(right):
            raise ValueError("%d queries, but %d products" % (len(left), len(right)))
        return left, right
    shape = getattr(pairs, "shape", None)
    if shape is not None and len(shape) == 2 and shape[1] != 2:
        raise ValueError("an array of pairs has the shape [n, 2], not [%d, %d]" % tuple(shape))
    if isinstance(pairs, (str, bytes)):
        raise TypeError("pairs is one text: give [(query, product), ...], or queries and products")
    rows = as_list(pairs, "pairs")
    left, right = [], []
    for i, row in enumerate(rows):
        if isinstance(row, (str, bytes)):
            raise TypeError("pairs[%d] is one text (%.40r), not (query, product)" % (i, row))
        try:
            query, product = row
        except (TypeError, ValueError):
            raise ValueError("pairs[%d] is %.60r, not (query, product)" % (i, row)) from None
        left.append(query)
        right.append(product)
    return left, right


def place(texts: List[bytes], out: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Lay texts side by side; out[:, 0] gets their addresses, out[:, 1] their lengths.

    Returns the buffer that they lie in, which must live as long as 'out' is used.
    """
    buffer = np.frombuffer(b"".join(texts) or b"\0", np.uint8)
    lengths = np.fromiter(map(len, texts), np.uintp, len(texts))
    out[:, 1] = lengths
    out[:, 0] = np.cumsum(lengths, dtype=np.uintp) - lengths + np.uintp(buffer.ctypes.data)
    return buffer
