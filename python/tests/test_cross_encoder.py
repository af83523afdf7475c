# SPDX-License-Identifier: Apache-2.0
"""CrossEncoder: what sentence-transformers' class does with the same arguments."""
import unittest

import numpy as np

from relevance import CrossEncoder, Relevance

from .support import samples, tiny


class Drop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = CrossEncoder(tiny())
        cls.pairs = samples(30)
        cls.direct = Relevance(tiny())

    def test_predict(self):
        logits = self.model.predict(self.pairs)
        np.testing.assert_array_equal(logits, self.direct.predict(self.pairs, logits=True))
        p = self.model.predict([list(x) for x in self.pairs], batch_size=4, apply_softmax=True)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(p.argmax(axis=1), logits.argmax(axis=1))
        one = self.model.predict(list(self.pairs[0]))
        self.assertEqual(one.shape, (4,))
        np.testing.assert_array_equal(one, logits[0])
        rows = self.model.predict(self.pairs, convert_to_numpy=False)
        self.assertIsInstance(rows, list)
        np.testing.assert_array_equal(np.stack(rows), logits)
        doubled = self.model.predict(self.pairs, activation_fn=lambda z: 2 * z)
        np.testing.assert_array_equal(doubled, 2 * logits)
        z = np.exp(2 * logits.astype(float))
        np.testing.assert_allclose(
            self.model.predict(self.pairs, activation_fn=lambda z: 2 * z, apply_softmax=True),
            z / z.sum(axis=1, keepdims=True), rtol=1e-4)
        self.assertEqual(CrossEncoder(tiny(), activation_fn=np.abs).predict(self.pairs).min() >= 0,
                         True)
        with self.assertRaises(ValueError):
            self.model.predict(self.pairs, batch_size=0)

    def test_tensor(self):
        try:
            import torch
        except ImportError:
            self.skipTest("no torch")
        t = self.model.predict(self.pairs, convert_to_tensor=True)
        self.assertIsInstance(t, torch.Tensor)
        np.testing.assert_array_equal(t.numpy(), self.model.predict(self.pairs))

    def test_rank(self):
        documents = [p for _, p in self.pairs]
        got = self.model.rank("running shoes", documents, top_k=5, return_documents=True)
        want = self.direct.rank("running shoes", documents, 5)
        self.assertEqual([(d["corpus_id"], d["score"], d["text"]) for d in got],
                         [(r.index, r.score, r.product) for r in want])
        self.assertNotIn("text", self.model.rank("a", documents)[0])

    def test_shape(self):
        self.assertEqual(self.model.num_labels, 4)
        self.assertEqual(self.model.max_length, 40)
        self.assertEqual(CrossEncoder(tiny(), max_length=9).max_length, 9)


if __name__ == "__main__":
    unittest.main()
