# SPDX-License-Identifier: Apache-2.0
"""Products with their inflected names: reads products.tsv, writes a catalogue file.

products.tsv has a header line and the columns name, en, hr, es, units, detail.  Aliases are
separated by ';', forms of one alias by '/':

    en  singular/plural (the same form for what is not counted)
    hr  m: or n: nominative/form after 2-4/genitive plural, or with an adjective, where they differ,
        nominative/form after 2-4/genitive singular/genitive plural;
        f: nominative/accusative/form after 2-4 and genitive singular/genitive plural;
        p: (plural only) nominative/genitive
    es  m:, f: or a: (feminine with 'el') singular/plural;  p: plural only
    units   letters of templates.UNITS; P: sold in pairs; N: plural after a unit (bags of lemons)
    detail  a key of templates.DETAILS, or nothing
"""
import os
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
LANGUAGES = ("en", "hr", "es")
FORMS = {"en": {"": (2,)}, "hr": {"m": (3, 4), "n": (3, 4), "f": (4,), "p": (2,)},
         "es": {"m": (2,), "f": (2,), "a": (2,), "p": (1,)}}


@dataclass(frozen=True)
class Alias:
    """One name of a product in one language: its gender ('' in English) and its forms."""
    gender: str
    forms: tuple


@dataclass(frozen=True)
class Product:
    name: str
    aliases: dict = field(hash=False)
    units: str
    detail: str

    @property
    def in_pairs(self):
        return "P" in self.units

    @property
    def many_in_unit(self):
        return "N" in self.units or self.detail == "pack"

    def every_form(self):
        """Each written form of each alias, without repetition, in a fixed order."""
        return list(dict.fromkeys(form for language in LANGUAGES
                                  for alias in self.aliases[language] for form in alias.forms))


def parse_alias(text, language):
    """'f:krema/kremu/kreme/krema' as an Alias; ValueError says what is wrong."""
    gender = ""
    if language != "en":
        gender, colon, text = text.partition(":")
        if not colon or gender not in FORMS[language]:
            raise ValueError(f"no gender in {gender!r}")
    forms = tuple(text.split("/"))
    wanted = FORMS[language][gender]
    if len(forms) not in wanted or not all(form == form.strip() and form for form in forms):
        raise ValueError(f"{wanted[0]} forms expected: {text!r}")
    return Alias(gender, forms)


def read_products(path=os.path.join(HERE, "products.tsv")):
    """The products of a file, in its order."""
    products = []
    with open(path, encoding="utf-8") as lines:
        header = next(lines).rstrip("\n").split("\t")
        if header != ["name", "en", "hr", "es", "units", "detail"]:
            raise ValueError(f"{path}: line 1: unexpected header {header}")
        for number, line in enumerate(lines, 2):
            try:
                name, en, hr, es, units, detail = line.rstrip("\n").split("\t")
                aliases = {language: [parse_alias(part, language) for part in cell.split(";")]
                           for language, cell in (("en", en), ("hr", hr), ("es", es))}
            except ValueError as error:
                raise ValueError(f"{path}: line {number}: {error}") from error
            products.append(Product(name, aliases, units, detail))
    return products


def catalogue_text(products):
    """A catalogue file: canonical name, TAB, every form of every alias, separated by '|'."""
    return "".join(f"{product.name}\t{'|'.join(product.every_form())}\n" for product in products)
