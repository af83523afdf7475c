# SPDX-License-Identifier: Apache-2.0
"""Quantity and product as a phrase that agrees in number, gender and case.

A text is a list of [string, tag] pieces; tag 'Q' is the quantity, 'P' the product, 'O' the rest.
"""
from . import quantities
from .templates import UNITS
from .catalogue import parse_alias


def hr_number(value):
    """Which form a Croatian numeral asks for: 'one', 'few' (2-4) or 'many'."""
    if value % 10 == 1 and value % 100 != 11:
        return "one"
    return "few" if value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14) else "many"


def hr_form(alias, number, case):
    """A Croatian alias after a numeral ('one', 'few', 'many') in the case acc, nom or gen."""
    forms = alias.forms
    if alias.gender == "p":
        return forms[1] if case == "gen" or number != "one" else forms[0]
    if number == "many":
        return forms[-1]
    if case == "gen":
        return forms[-2]
    if number == "few":
        return forms[2 if alias.gender == "f" else 1]
    return forms[1] if alias.gender == "f" and case == "acc" else forms[0]


def hr_words(rng, value, gender, case):
    """The numeral in Croatian words, in the gender of what is counted."""
    sex = {"p": "f"}.get(gender, gender)
    ones = {("m", "acc"): "jedan", ("m", "nom"): "jedan", ("m", "gen"): "jednog",
            ("f", "acc"): "jednu", ("f", "nom"): "jedna", ("f", "gen"): "jedne",
            ("n", "acc"): "jedno", ("n", "nom"): "jedno", ("n", "gen"): "jednog"}
    if value == 1:
        return "jedne" if gender == "p" else ones[sex, case]
    if value == 2:
        return "dvije" if sex == "f" else "dva"
    words = quantities.croatian(value)[0]
    if 20 < value < 100 and value % 10:
        tens = words.split(" ")[0]
        units = {1: ones[sex, "acc" if case == "gen" else case],
                 2: "dvije" if sex == "f" else "dva"}
        unit = units.get(value % 10, words.split(" ")[-1])
        return tens + rng.pick([" ", " i "]) + unit
    return words


HR_COLLECTIVE = {2: "dvoje", 3: "troje", 4: "četvere", 5: "petere", 6: "šestere"}


def es_words(value, gender):
    """The numeral in Spanish words before a noun."""
    _, male, female = (quantities.spanish(value) + ["", ""])[:3]
    if value % 10 == 1 and value != 11:
        return female if gender in "fa" else male
    return quantities.spanish(value)[0]


def es_gender(alias):
    """m, f or a of a Spanish alias; one that is plural only shows it by its ending."""
    if alias.gender != "p":
        return alias.gender
    return "f" if alias.forms[0].split(" ")[0].endswith("as") else "m"


def en_article(word):
    """'a' or 'an' by sound, as far as the catalogue needs it."""
    word = word.lower()
    if word.startswith(("usb", "hd ", "eu")):
        return "a"
    return "an" if word[0] in "aeiou" or word.startswith(("hdmi", "led", "sd ", "sim ")) else "a"


def dozen(rng, language, value, digits):
    """A dozen form for the value, or None."""
    rows = [expression for expression, lang, count in quantities.dozens()
            if lang == language and count == value and expression[0].isdigit() == digits]
    return rng.pick(rows) if rows else None


def standalone(rng, language, value, style):
    """A number that stands after the product: {n}."""
    if style == "words":
        return {"en": quantities.english(value)[0], "hr": quantities.croatian(value)[0],
                "es": quantities.spanish(value)[0]}[language]
    if style == "times":
        return rng.pick(quantities.DIGITS[1:]).format(n=value)
    if style == "pieces":
        forms = [form for form, lang in quantities.PIECES if lang == language]
        if forms and (language, value) != ("es", 1):
            form = rng.pick(forms).format(n=value)
            return form.replace("komada", "komad") if value == 1 else form
    return str(value)


def noun(alias, language, number, case):
    """The alias after a number: its form for 'one', 'few' or 'many'."""
    if language == "hr":
        return hr_form(alias, number, case)
    return alias.forms[0 if number == "one" else -1]


def absent(rng, product, alias, language, case, action):
    """The product alone: one piece, or a pair of what comes in pairs."""
    number = "many" if product.in_pairs and language != "hr" else "one"
    text = noun(alias, language, number, case)
    if language == "hr" and product.in_pairs and alias.gender != "p":
        # 'dodaj čarape': the 2-4 form of a feminine is its plural nominative and accusative.
        text = alias.forms[-1] if case == "gen" else alias.forms[2] if alias.gender == "f" else text
    lead = ""
    if language == "en":
        plural = number == "many" or alias.forms[0] == alias.forms[-1]
        lead = rng.weighted({"": 5, "the": 4, "some" if plural else en_article(text): 5, "my": 1,
                             "those" if plural else "that": 1})
        if action == "remove" and lead in ("a", "an", "some"):
            lead = "the"
    elif language == "es":
        plural = number == "many" or alias.gender == "p"
        article = {"m": "los", "f": "las", "a": "las"} if plural else {"m": "el", "f": "la", "a": "el"}
        article = article[es_gender(alias)]
        lead = rng.weighted({"": 5, article: 5})
    return ([[lead + " ", "O"]] if lead else []) + [[text, "P"]]


def counted(rng, product, alias, language, case, value, style, units=UNITS):
    """Pieces of quantity and product, and the style that came out; style is a wish."""
    few = hr_number(value) if language == "hr" else ("one" if value == 1 else "many")
    join = {"en": " of ", "hr": " ", "es": " de "}[language]

    if value == 1 and product.in_pairs and language != "hr" and alias.forms[0] == alias.forms[-1]:
        style = "pair"  # "a pair of jeans", for want of a singular
    if style == "dozen":
        head = dozen(rng, language, value, rng.random() < 0.3)
        if head:
            text = noun(alias, language, "many", "gen")
            gap = " " if language == "en" and rng.random() < 0.85 else join
            return [[head, "Q"], [gap, "O"], [text, "P"]], "dozen"
    if style == "pair" and product.in_pairs and value <= 20:
        rows = [expression for expression, lang, count in quantities.pairs()
                if lang == language and count == value and "couple" not in expression and
                expression != "pair"]
        text = noun(alias, language, "many", "gen")
        return [[rng.pick(rows), "Q"], [join, "O"], [text, "P"]], "pair"
    if style == "couple" and language == "en" and value == 2:
        text = noun(alias, language, "many", case)
        return [["a couple", "Q"], [" of ", "O"], [text, "P"]], "pair"
    if style == "unit":
        kinds = [kind for kind in product.units if kind in units]
        if kinds:
            unit = parse_alias(rng.pick(units[rng.pick(kinds)][language].split(";")), language)
            number, kind = number_before(rng, language, unit, case, value, "digits")
            text = noun(alias, language, "many" if product.many_in_unit else "one", "gen")
            head = noun(unit, language, few, case)
            if not text.startswith(unit.forms[0]):
                return [[number, "Q"], [" " + head + join, "O"], [text, "P"]], kind
    if style == "pieces" and language != "en" and (language, value) != ("es", 1):
        text = noun(alias, language, "many", "gen")
        gap = " " if language == "hr" else rng.pick([" ", " de "])
        number = standalone(rng, language, value, "pieces")
        return [[number, "Q"], [gap, "O"], [text, "P"]], "pieces"
    if style == "times":
        text = noun(alias, language, rng.pick(["one", few]), case)
        return [[rng.pick(["{n}x", "{n} x", "{n}×", "x{n}"]).format(n=value), "Q"], [" ", "O"],
                [text, "P"]], "times"
    if style == "after":
        text = noun(alias, language, "one", case)
        if product.in_pairs and language != "hr":
            text = noun(alias, language, "many", case)
        form = rng.pick(["x{n}", "x {n}", "×{n}", "{n}x", "{n}"]).format(n=value)
        if language != "en" and rng.random() < 0.3:
            form = standalone(rng, language, value, "pieces")
        return [[text, "P"], [" ", "O"], [form, "Q"]], "times"

    number, kind = number_before(rng, language, alias, case, value,
                                 "words" if style == "words" else "digits")
    if language == "hr" and alias.gender == "p":
        collective = kind == "words" and (value == 1 or value in HR_COLLECTIVE)
        text = alias.forms[0] if collective or value == 1 else alias.forms[1]
        return [[number, "Q"], [" ", "O"], [text, "P"]], kind
    return [[number, "Q"], [" ", "O"], [noun(alias, language, few, case), "P"]], kind


def number_before(rng, language, alias, case, value, style):
    """The numeral that stands before a noun, in digits or words."""
    if style != "words":
        return str(value), "digits"
    if language == "en":
        return rng.pick(quantities.english(value)), "words"
    if language == "es":
        return es_words(value, es_gender(alias)), "words"
    if alias.gender == "p" and value in HR_COLLECTIVE:
        return HR_COLLECTIVE[value], "words"
    return hr_words(rng, value, alias.gender, case), "words"
