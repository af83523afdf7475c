# SPDX-License-Identifier: Apache-2.0
"""The Python programs of docs/examples/python run and do what they say (on few pairs)."""
import importlib.util
import os
import subprocess
import sys
import unittest
from pathlib import Path

import relevance

from .support import ROOT, scratch, tiny

EXAMPLES = ROOT / "docs" / "examples" / "python"


def have(*modules):
    """Whether they are installed, without importing them."""
    return all(importlib.util.find_spec(m.split(".")[0]) is not None for m in modules)


def run(name, *arguments):
    parent = str(Path(relevance.__file__).resolve().parent.parent)
    # Worker processes start elsewhere, so a relative PYTHONPATH would not do.
    env = dict(os.environ, PYTHONPATH=parent)
    done = subprocess.run([sys.executable, str(EXAMPLES / name), *map(str, arguments)], env=env,
                          cwd=scratch(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
    if done.returncode:
        raise AssertionError("%s: status %d\n%s" % (name, done.returncode, done.stderr[-3000:]))
    return done.stdout


class Examples(unittest.TestCase):
    def pairs(self, n):
        path = scratch() / ("%d.tsv" % n)
        run("make_pairs.py", n, path)
        lines = path.read_text("utf-8").splitlines()
        self.assertEqual(lines[0], "query\ttitle")
        self.assertEqual(len(set(lines)), n + 1)  # no pair twice
        return path

    def test_make_pairs(self):
        self.pairs(20000)

    @unittest.skipUnless(have("pandas", "matplotlib", "sklearn"), "needs pandas, matplotlib, sklearn")
    def test_explore(self):
        out = run("explore.py", "--out", scratch() / "plots")
        self.assertIn("145 pairs, 50 queries", out)
        self.assertRegex(out, r"accuracy 0\.[3-9]")
        for name in ("confusion", "calibration", "latency", "ranking"):
            self.assertGreater((scratch() / "plots" / (name + ".png")).stat().st_size, 5000)

    def labelled(self, folder, path):
        """The output of a cluster job is what one process computes."""
        import pandas as pd
        got = pd.read_parquet(folder).sort_values(["query", "title"]).reset_index(drop=True)
        want = pd.read_csv(path, sep="\t", quoting=3).sort_values(["query", "title"])
        self.assertEqual(got["query"].tolist(), want["query"].tolist())
        self.assertEqual(got["title"].tolist(), want["title"].tolist())
        model = relevance.Relevance(tiny())
        p = model.predict(want)
        for i, label in enumerate(model.labels):
            self.assertEqual(got[label.lower()].astype("f4").tolist(), p[:, i].tolist())
        self.assertEqual(got["label"].tolist(), model.predict_labels(want))

    @unittest.skipUnless(have("dask", "distributed", "pyarrow"), "needs dask, pyarrow")
    def test_dask(self):
        path = self.pairs(300)
        out = run("dask_job.py", path, scratch() / "dask", "--model", tiny(), "--compare", 50,
                  "--block", "8kB")
        self.assertIn("300 pairs in", out)
        self.labelled(scratch() / "dask", path)

    @unittest.skipUnless(have("pyspark", "pandas", "pyarrow"), "needs pyspark, pandas, pyarrow")
    def test_spark(self):
        path = self.pairs(301)
        out = run("spark_job.py", path, scratch() / "spark", "--model", tiny(), "--compare", 50,
                  "--batch", 20)
        self.assertIn("301 pairs in", out)
        self.labelled(scratch() / "spark", path)


if __name__ == "__main__":
    unittest.main()
