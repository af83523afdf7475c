#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Label a table of query-product pairs on a Spark cluster, with a pandas_udf.

    spark_job.py pairs.tsv labelled.parquet                     two local worker processes
    spark_job.py pairs.tsv labelled.parquet --compare 2000      and one process on 2000 of the pairs
    spark-submit spark_job.py hdfs:///pairs.tsv hdfs:///out --master yarn

Needs pyspark, pandas and pyarrow, and the package relevance on every worker.

Each Python worker process opens the model once, in its first batch, and keeps it for all later ones
(Spark reuses the processes).  The file is mapped, so the processes of a machine share its pages: the
model is in memory once for each machine, plus some 20 MB for each process.  One thread a process:
Spark already runs a task for each core.
"""
import argparse
import os
import sys
import time
from typing import Iterator, Tuple

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, pandas_udf

import relevance


def labeller(model, threads):
    labels = relevance.shared(model, threads).labels
    schema = "label string, " + ", ".join("%s float" % label.lower() for label in labels)

    @pandas_udf(schema)
    def label_pairs(batches: Iterator[Tuple[pd.Series, pd.Series]]) -> Iterator[pd.DataFrame]:
        opened = relevance.shared(model, threads)  # once a process
        for queries, titles in batches:
            p = opened.predict(queries, titles)
            frame = pd.DataFrame(p, columns=[label.lower() for label in opened.labels])
            frame.insert(0, "label", [opened.labels[i] for i in p.argmax(axis=1)])
            yield frame

    return label_pairs


def one_process(table, model, threads, n):
    """Pairs a second of this process alone, on the first n pairs."""
    sample = table.select("query", "title").limit(n).toPandas()
    opened = relevance.shared(model, threads)
    opened.predict(sample[:100])
    start = time.perf_counter()
    opened.predict(sample)
    return len(sample) / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", help="TSV with the columns query and title (others are left out)")
    parser.add_argument("output", help="Parquet folder; it is overwritten")
    parser.add_argument("--master", default="local[2]", help="Spark master (default: local[2])")
    parser.add_argument("--model", help="model file, at the same place on every worker "
                                        "(default: the package's)")
    parser.add_argument("--threads", type=int, default=1, help="threads of one call (default: 1)")
    parser.add_argument("--batch", type=int, default=2048, help="pairs of one Arrow batch")
    parser.add_argument("--compare", type=int, metavar="N",
                        help="also time one process on N of the pairs")
    a = parser.parse_args()

    if a.master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (SparkSession.builder.master(a.master).appName("relevance")
             .config("spark.sql.execution.arrow.maxRecordsPerBatch", a.batch)
             .config("spark.ui.showConsoleProgress", "false").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    # quote="": an inch sign in a title is no quotation mark.
    table = spark.read.csv(a.input, sep="\t", header=True, quote="")
    cores = spark.sparkContext.defaultParallelism
    # Some tasks for each core, so that the last ones end together.
    table = table.repartition(8 * cores)
    if a.compare:
        print("one process: %.1f pairs/s" % one_process(table, a.model, a.threads, a.compare),
              flush=True)
    label_pairs = labeller(a.model, a.threads)
    start = time.perf_counter()
    (table.select("query", "title", label_pairs(col("query"), col("title")).alias("r"))
     .select("query", "title", "r.*").write.mode("overwrite").parquet(a.output))
    seconds = time.perf_counter() - start
    done = spark.read.parquet(a.output)
    n = done.count()
    print("spark, %s: %d pairs in %.1f s, %.1f pairs/s" % (a.master, n, seconds, n / seconds))
    for row in done.groupBy("label").count().orderBy("label").collect():
        print("%-12s %d" % (row["label"], row["count"]))
    spark.stop()


if __name__ == "__main__":
    main()
