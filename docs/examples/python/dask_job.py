#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Label a table of query-product pairs on a Dask cluster, with map_partitions.

    dask_job.py pairs.tsv labelled.parquet                      two local worker processes
    dask_job.py pairs.tsv labelled.parquet --compare 2000       and one process on 2000 of the pairs
    dask_job.py pairs.tsv labelled.parquet --scheduler tcp://head:8786

Needs dask[dataframe], distributed and pyarrow, and the package relevance on every worker.

A worker process opens the model once and keeps it; processes of a machine share its mapped pages.
"""
import argparse
import csv
import time

import dask.dataframe as dd
import pandas as pd
from dask.distributed import Client, LocalCluster

import relevance

# No quoting: an inch sign in a title is no quotation mark.
READ = {"sep": "\t", "quoting": csv.QUOTE_NONE, "keep_default_na": False, "dtype": str,
        "usecols": ["query", "title"]}


def label_pairs(frame, model, threads):
    opened = relevance.shared(model, threads)  # once a process
    p = opened.predict(frame)
    out = frame.assign(label=[opened.labels[i] for i in p.argmax(axis=1)])
    for i, label in enumerate(opened.labels):
        out[label.lower()] = p[:, i]
    return out


def one_process(path, model, threads, n):
    """Pairs a second of this process alone, on the first n pairs."""
    sample = pd.read_csv(path, nrows=n, **READ)
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
    parser.add_argument("--scheduler", help="address of a running scheduler (default: local)")
    parser.add_argument("--workers", type=int, default=2, help="local processes (default: 2)")
    parser.add_argument("--model", help="model file, at the same place on every worker "
                                        "(default: the package's)")
    parser.add_argument("--threads", type=int, default=1, help="threads of one call (default: 1)")
    parser.add_argument("--block", default="512kB", help="bytes of input a task (default: 512kB)")
    parser.add_argument("--compare", type=int, metavar="N",
                        help="also time one process on N of the pairs")
    a = parser.parse_args()

    if a.compare:
        print("one process: %.1f pairs/s" % one_process(a.input, a.model, a.threads, a.compare),
              flush=True)
    cluster = None if a.scheduler else LocalCluster(
        n_workers=a.workers, threads_per_worker=1, processes=True, dashboard_address=None)
    client = Client(a.scheduler or cluster)
    table = dd.read_csv(a.input, blocksize=a.block, **READ)
    meta = dict({"query": str, "title": str, "label": str},
                **{label.lower(): "f4" for label in relevance.shared(a.model, a.threads).labels})
    start = time.perf_counter()
    table.map_partitions(label_pairs, a.model, a.threads, meta=meta).to_parquet(
        a.output, overwrite=True, write_index=False)
    seconds = time.perf_counter() - start
    done = dd.read_parquet(a.output)
    n = len(done)
    print("dask, %s: %d pairs in %.1f s, %.1f pairs/s"
          % (a.scheduler or "%d processes" % a.workers, n, seconds, n / seconds))
    for label, count in done["label"].value_counts().compute().sort_index().items():
        print("%-12s %d" % (label, count))
    client.close()
    if cluster is not None:
        cluster.close()


if __name__ == "__main__":
    main()
