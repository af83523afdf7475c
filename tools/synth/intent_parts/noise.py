# SPDX-License-Identifier: Apache-2.0
"""What people do to a sentence: typos, chat, capitals, missing diacritics, punctuation.

Works on lists of [string, tag] pieces (see phrases.py).  A quantity may change its case and lose
its diacritics, never a letter, so that it stays a row of quantities.tsv.
"""
from . import templates
from .quantities import plain

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def keyboard_near():
    """{letter: letters beside it} of a QWERTY keyboard."""
    near = {}
    for y, row in enumerate(ROWS):
        for x, char in enumerate(row):
            beside = {(y, x - 1), (y, x + 1), (y - 1, x), (y - 1, x + 1), (y + 1, x),
                      (y + 1, x - 1)}
            near[char] = "".join(sorted(ROWS[b][a] for b, a in beside
                                        if 0 <= b < 3 and 0 <= a < len(ROWS[b])))
    return near


NEAR = keyboard_near()


def typo(rng, word):
    """One slip inside a word, first letter kept; None if the word is too short for it."""
    if len(word) < 4 or not word.isalpha():
        return None
    at = 1 + rng.below(len(word) - 2)
    kind = rng.weighted({"near": 3, "swap": 3, "drop": 3, "double": 2})
    if kind == "near":
        near = NEAR.get(plain(word[at]).lower())
        return word[:at] + rng.pick(near) + word[at + 1:] if near else None
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2:]
    if kind == "drop":
        return word[:at] + word[at + 1:]
    return word[:at] + word[at] * 2 + word[at + 1:]


def add_typos(rng, pieces, count):
    """Up to 'count' slips, at most one a word and none in a quantity; says whether there is one."""
    words = []
    for index, (text, tag) in enumerate(pieces):
        if tag != "Q":
            words += [(index, n) for n, word in enumerate(text.split(" ")) if len(word) >= 4]
    done = False
    for index, n in rng.sample(words, count):
        parts = pieces[index][0].split(" ")
        changed = typo(rng, parts[n])
        if changed and changed != parts[n]:
            parts[n] = changed
            pieces[index][0] = " ".join(parts)
            done = True
    return done


def chat_words(rng, pieces, language):
    """Replaces words of the sentence by what chat makes of them; says whether one was found."""
    done = False
    for piece in pieces:
        if piece[1] != "O":
            continue
        for word, short in templates.SLANG_WORDS[language].items():
            padded = f" {piece[0]} "
            if f" {word} " in padded and rng.random() < 0.7:
                piece[0] = padded.replace(f" {word} ", f" {short} ", 1)[1:-1]
                done = True
    return done


def map_case(pieces, function):
    """Applies str.lower or str.upper where it keeps the length; says whether anything changed."""
    before = [piece[0] for piece in pieces]
    for piece in pieces:
        piece[0] = "".join(new if len(new := function(char)) == 1 else char for char in piece[0])
    return before != [piece[0] for piece in pieces]


def capitalise(pieces):
    """A capital for the first letter of the text."""
    for piece in pieces:
        for at, char in enumerate(piece[0]):
            if char.isalnum():
                piece[0] = piece[0][:at] + char.upper() + piece[0][at + 1:]
                return
            if char not in "¿¡ ":
                return


def remove_diacritics(pieces):
    before = [piece[0] for piece in pieces]
    for piece in pieces:
        piece[0] = plain(piece[0])
    return before != [piece[0] for piece in pieces]


def clean_spaces(pieces):
    """Drops empty pieces and leading, trailing and doubled spaces between pieces."""
    out = []
    for text, tag in pieces:
        if not out or out[-1][0].endswith(" "):
            text = text.lstrip(" ")
        if text:
            out.append([text, tag])
    if out:
        out[-1][0] = out[-1][0].rstrip(" ")
    return [piece for piece in out if piece[0]]
