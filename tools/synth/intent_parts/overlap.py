# SPDX-License-Identifier: Apache-2.0
"""What two sentences have in common, product and quantity aside."""
import re

from .quantities import plain


def fold(text):
    """Lower case without diacritics."""
    return plain(text.lower())


def masked(row):
    """The sentence with P and Q for product and quantity, as a tuple of folded words."""
    text, out, at = row["text"], "", 0
    spans = [(span, " \x01 " if key == "product" else " \x02 ")
             for key, span in row["spans"].items() if span]
    for (start, end), slot in sorted(spans):
        out += text[at:start] + slot
        at = end
    words = re.findall(r"[\w']+|\x01|\x02", fold(out + text[at:]))
    return tuple({"\x01": "P", "\x02": "Q"}.get(word, word) for word in words)


def ngrams(words, n):
    return {words[at:at + n] for at in range(len(words) - n + 1)}
