# SPDX-License-Identifier: Apache-2.0
"""Every quantity expression that the shopping-intent data may hold, with its value.

A closed list: whoever parses quantities can be checked against data/intent/quantities.tsv, which
is table_text().  Expressions are lower case; readers must ignore case, and
take a run of spaces for one.  Forms without diacritics stand beside those with them.
"""
import unicodedata

EN_UNITS = ("one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen").split()
EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()

HR_UNITS = ("jedan dva tri četiri pet šest sedam osam devet deset jedanaest dvanaest trinaest "
            "četrnaest petnaest šesnaest sedamnaest osamnaest devetnaest").split()
HR_TENS = ("dvadeset trideset četrdeset pedeset šezdeset sedamdeset osamdeset devedeset").split()
# Declined forms beside the citation form: gender and case of 1 and 2, cases of 3 and 4, and the
# collective numerals that Croatian uses with pluralia tantum (dvoje hlače).
HR_FORMS = {
    1: "jedan jedna jedno jednu jednog jednoga jedne".split(),
    2: "dva dvije dvaju dviju dvoje".split(),
    3: "tri triju troje".split(),
    4: "četiri četiriju četvero četvere".split(),
    5: "pet petero petere".split(),
    6: "šest šestero šestere".split(),
}

ES_UNITS = ("uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
            "dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés "
            "veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve").split()
ES_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()


def plain(text):
    """The text without diacritics (č -> c, đ -> d, ñ -> n), one code point for each."""
    out = []
    for char in text:
        base = {"đ": "d", "Đ": "D"}.get(char, unicodedata.normalize("NFD", char)[0])
        out.append(base if base.isascii() else char)
    return "".join(out)


def english(value):
    """Ways to write 1..100 in English words."""
    if value < 20:
        return [EN_UNITS[value - 1]]
    if value == 100:
        return ["one hundred", "a hundred", "hundred"]
    tens, unit = divmod(value, 10)
    if not unit:
        return [EN_TENS[tens - 2]]
    return [EN_TENS[tens - 2] + sep + EN_UNITS[unit - 1] for sep in "- "]


def croatian(value):
    """Ways to write 1..100 in Croatian words, the citation form first."""
    if value < 20:
        return HR_FORMS.get(value, [HR_UNITS[value - 1]])
    if value == 100:
        return ["sto", "stotinu", "stotina"]
    tens, unit = divmod(value, 10)
    if not unit:
        return [HR_TENS[tens - 2]]
    forms = {1: ["jedan", "jedna", "jedno", "jednu"], 2: ["dva", "dvije"]}
    units = forms.get(unit, [HR_UNITS[unit - 1]])
    return [HR_TENS[tens - 2] + sep + form for form in units for sep in (" ", " i ")]


def spanish(value):
    """Ways to write 1..100 in Spanish words, the citation form first."""
    if value == 1:
        return ["uno", "un", "una"]
    if value == 21:
        return ["veintiuno", "veintiún", "veintiuna"]
    if value < 30:
        return [ES_UNITS[value - 1]]
    if value == 100:
        return ["cien"]
    tens, unit = divmod(value, 10)
    if not unit:
        return [ES_TENS[tens - 3]]
    units = ["uno", "un", "una"] if unit == 1 else [ES_UNITS[unit - 1]]
    return [ES_TENS[tens - 3] + " y " + form for form in units]


def hr_pair(value):
    """Croatian 'pair' after a numeral: 1, 21 par; 2-4, 22 para; else pari."""
    if value % 10 == 1 and value != 11:
        return "par"
    return "para" if value % 10 in (2, 3, 4) and value not in (12, 13, 14) else "pari"


def dozens():
    """(expression, language, value) of the dozen forms."""
    yield from [("a dozen", "en", 12), ("one dozen", "en", 12), ("dozen", "en", 12),
                ("half a dozen", "en", 6), ("a half dozen", "en", 6), ("half dozen", "en", 6),
                ("half-a-dozen", "en", 6), ("a dozen and a half", "en", 18),
                ("tucet", "hr", 12), ("jedan tucet", "hr", 12), ("pola tuceta", "hr", 6),
                ("tucet i pol", "hr", 18), ("docena", "es", 12), ("una docena", "es", 12),
                ("media docena", "es", 6), ("docena y media", "es", 18),
                ("una docena y media", "es", 18)]
    for count in range(1, 9):
        value = 12 * count
        yield f"{count} dozen", "en", value
        yield f"{count} {'tucet' if count == 1 else 'tuceta'}", "hr", value
        yield f"{count} {'docena' if count == 1 else 'docenas'}", "es", value
        if count > 1:
            yield f"{english(count)[0]} dozen", "en", value
            yield f"{croatian(count)[0]} tuceta", "hr", value
            yield f"{spanish(count)[0]} docenas", "es", value


def pairs():
    """(expression, language, value): pairs are counted as pairs, a couple is two pieces."""
    yield from [("a pair", "en", 1), ("pair", "en", 1), ("par", "hr", 1), ("un par", "es", 1),
                ("a couple", "en", 2), ("couple", "en", 2)]
    for count in range(1, 21):
        words = "pair" if count == 1 else "pairs"
        pares = "par" if count == 1 else "pares"
        for number in [str(count), english(count)[0]]:
            yield f"{number} {words}", "en", count
        for number in [str(count), croatian(count)[0]]:
            yield f"{number} {hr_pair(count)}", "hr", count
        for number in [str(count), "un" if count == 1 else spanish(count)[0]]:
            yield f"{number} {pares}", "es", count


DIGITS = ["{n}", "{n}x", "{n} x", "x{n}", "x {n}", "{n}×", "{n} ×", "×{n}", "× {n}"]
PIECES = [("{n} kom", "hr"), ("{n} kom.", "hr"), ("{n}kom", "hr"), ("{n} komada", "hr"),
          ("{n} uds", "es"), ("{n} uds.", "es"), ("{n}uds", "es")]


def table():
    """{(expression, language): value} in the order of the file; language en, hr, es or any."""
    rows = {}

    def put(expression, language, value):
        for form in (expression, plain(expression)):
            if rows.setdefault((form, language), value) != value:
                raise ValueError(f"two values for {form!r}")

    for value in range(1, 101):
        put(str(value), "any", value)
    for value in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 40, 50, 60, 75, 100):
        for form in DIGITS[1:]:
            put(form.format(n=value), "any", value)
        for form, language in PIECES:
            form = form.replace("komada", "komad") if value == 1 else form
            put(form.format(n=value), language, value)
    for value in range(1, 101):
        for language, words in (("en", english), ("hr", croatian), ("es", spanish)):
            for expression in words(value):
                put(expression, language, value)
    for expression, language, value in [*dozens(), *pairs()]:
        put(expression, language, value)
    return rows


def table_text():
    """The text of data/intent/quantities.tsv."""
    rows = "".join(f"{expression}\t{language}\t{value}\n"
                   for (expression, language), value in table().items())
    return "expression\tlanguage\tvalue\n" + rows
