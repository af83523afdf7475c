#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the official ESCI files into a table of labelled pairs.

    python3 tools/data/from_esci.py shopping_queries_dataset_examples.parquet \\
        shopping_queries_dataset_products.parquet esci_us_train.tsv --locale us --split train

ESCI, the Shopping Queries Dataset (Reddy et al. 2022, arXiv 2206.06588), is (c) Amazon.com,
Apache-2.0: https://github.com/amazon-science/esci-data.  The examples hold query, product_id,
product_locale, esci_label (E, S, C, I), small_version, large_version (0 or 1) and split (train or
test); the products hold product_id, product_locale and product_title.  A product is found by its
id and its locale: one id may be sold in several.

Writes query, title, label, source ("esci_us" ...), in the order of example_id.  Dropped, and
counted: rows without a product or without a title, and further copies of a pair.  A pair that
people labelled twice and differently is dropped altogether: neither label can be trusted.

Needs pandas and pyarrow (tools/requirements.txt).  The whole large version needs about 3 GB of
memory.  Exit status 2 when an input is not as described.
"""
import argparse

import pairs

EXAMPLE_COLUMNS = ["example_id", "query", "product_id", "product_locale", "esci_label", "split"]
PRODUCT_COLUMNS = ["product_id", "product_locale", "product_title"]
LOCALES = ("us", "es", "jp")


def read(path, columns):
    import pandas  # here, so that --help works without it
    try:
        return pandas.read_parquet(path, columns=columns)
    except (ValueError, KeyError) as error:
        raise pairs.DataError(f"{path}: not a Parquet file with {', '.join(columns)}: "
                              f"{str(error).splitlines()[0]}") from error


def convert(examples_path, products_path, locales, version, split):
    """The rows, and how many were dropped for what."""
    flag = f"{version}_version"
    examples = read(examples_path, EXAMPLE_COLUMNS + [flag])
    examples = examples[examples["product_locale"].isin(locales) & (examples[flag] == 1)]
    if split != "all":
        examples = examples[examples["split"] == split]
    examples = examples.sort_values("example_id")
    unknown = set(examples["esci_label"]) - set(pairs.LABELS)
    if unknown:
        raise pairs.DataError(f"{examples_path}: esci_label {sorted(map(str, unknown))[0]!r}")
    products = read(products_path, PRODUCT_COLUMNS)
    products = products[products["product_locale"].isin(locales)]
    if products.duplicated(["product_id", "product_locale"]).any():
        raise pairs.DataError(f"{products_path}: a product_id twice in one locale")
    merged = examples.merge(products, how="left", on=["product_id", "product_locale"])

    dropped = {"no title": 0, "copy": 0, "two labels": 0}

    def found():
        for query, title, label, locale in zip(merged["query"], merged["product_title"],
                                               merged["esci_label"], merged["product_locale"]):
            query = pairs.clean(query) if isinstance(query, str) else ""
            title = pairs.clean(title) if isinstance(title, str) else ""
            if query and title:
                yield query, title, label, f"esci_{locale}"
            else:
                dropped["no title"] += 1

    return pairs.collect(found(), dropped), dropped


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", help="shopping_queries_dataset_examples.parquet")
    parser.add_argument("products", help="shopping_queries_dataset_products.parquet")
    parser.add_argument("out", help="table to write")
    parser.add_argument("--locale", nargs="+", choices=LOCALES, default=["us"], help="(us)")
    parser.add_argument("--version", choices=("small", "large"), default="large",
                        help="small: the harder queries, for ranking; large: all (large)")
    parser.add_argument("--split", choices=("train", "test", "all"), default="train",
                        help="(train)")
    args = parser.parse_args()
    pairs.write_converted(
        "from_esci.py", args.out,
        lambda: convert(args.examples, args.products, args.locale, args.version, args.split),
        f"{args.examples}: no pair of locale {' '.join(args.locale)}, {args.version} version, "
        f"split {args.split}")


if __name__ == "__main__":
    main()
