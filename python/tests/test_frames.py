# SPDX-License-Identifier: Apache-2.0
"""Data frames and columns of pandas and Arrow, as they are."""
import subprocess
import sys
import unittest

import numpy as np

from relevance import Relevance

from .support import samples, tiny

try:
    import pandas as pd
except ImportError:
    pd = None
try:
    import pyarrow as pa
except ImportError:
    pa = None


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Relevance(tiny())
        cls.pairs = samples(30)
        cls.want = cls.model.predict(cls.pairs)

    def same(self, *arguments):
        np.testing.assert_array_equal(self.model.predict(*arguments), self.want)

    @unittest.skipIf(pd is None, "no pandas")
    def test_pandas(self):
        frame = pd.DataFrame(self.pairs, columns=["query", "title"])
        self.same(frame)
        self.same(frame.assign(price=1.0)[["price", "title", "query"]])
        self.same(frame.rename(columns={"title": "product"}))
        self.same(frame.set_axis(["left", "right"], axis=1))
        self.same(frame["query"], frame["title"])
        self.same(frame.to_numpy())
        self.same(frame["query"].astype("category"), frame["title"].astype("string"))
        shuffled = frame.sample(frac=1, random_state=1)
        np.testing.assert_array_equal(self.model.predict(shuffled), self.want[shuffled.index])
        np.testing.assert_array_equal(self.model.predict(frame[5:9]), self.want[5:9])
        self.assertEqual(self.model.rank("shoes", frame["title"]),
                         self.model.rank("shoes", frame["title"].tolist()))
        frame.loc[3, "title"] = None
        with self.assertRaisesRegex(TypeError, "product of pair 3"):
            self.model.predict(frame)
        with self.assertRaisesRegex(ValueError, "column 'query'"):
            self.model.predict(frame.assign(a=1).rename(columns={"query": "q"}))

    @unittest.skipIf(pa is None, "no pyarrow")
    def test_arrow(self):
        table = pa.table({"query": [q for q, _ in self.pairs], "title": [t for _, t in self.pairs]})
        self.same(table)
        self.same(table["query"], table["title"])
        self.same(table["query"].combine_chunks(), table["title"].combine_chunks())

    def test_nothing_is_imported(self):
        """The package imports NumPy alone."""
        code = ("import sys, relevance; bad = {'pandas', 'pyarrow', 'sklearn', 'torch', 'tqdm', "
                "'transformers'} & set(sys.modules); sys.exit(str(bad) if bad else 0)")
        done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE,
                              universal_newlines=True)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
