# SPDX-License-Identifier: Apache-2.0
"""RelevanceClassifier with scikit-learn's own checks and tools."""
import pickle
import unittest
import warnings

import numpy as np

try:
    import sklearn
    from sklearn.base import clone
    from sklearn.utils import estimator_checks
    from sklearn.utils.validation import validate_data

    from relevance.sklearn import RelevanceClassifier
except ImportError:
    sklearn = None

from relevance import Relevance

from .support import ROOT, samples, tiny


def labels():
    with open(ROOT / "data" / "samples.tsv", encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t")[2] for line in f][1:]


if sklearn:
    class OfNumbers(RelevanceClassifier):
        """scikit-learn's checks feed tables of numbers: here a row is read as text."""

        def __init__(self, model=str(tiny()), *, threads=1, max_tokens=None, head="logistic",
                     C=1.0):
            super().__init__(model, threads=threads, max_tokens=max_tokens, head=head, C=C)

        def fit(self, X, y=None, sample_weight=None):
            if y is None:
                return super().fit(X, y, sample_weight)
            X, y = validate_data(self, X, y)
            return super().fit(X, y, sample_weight)

        def _pairs(self, X, reset):
            X = validate_data(self, X, reset=reset)
            return [("%.1f" % row[0], " ".join("%.1f" % v for v in row[1:])) for row in X]

        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array = True
            tags.classifier_tags.poor_score = True  # random weights, and numbers as words
            return tags


@unittest.skipIf(sklearn is None, "no scikit-learn")
class Estimator(unittest.TestCase):
    def test_checks_without_data(self):
        """The estimator as it is.  check_estimator() runs these and skips the rest by itself: the
        others feed tables of numbers, and X is a table of texts (input_tags.two_d_array)."""
        for head in ("model", "logistic"):
            estimator = RelevanceClassifier(str(tiny()), head=head)
            for name in ("cloneable", "tags_renamed", "repr"):
                getattr(estimator_checks, "check_estimator_" + name)("", clone(estimator))
            for name in ("valid_tag_types", "no_attributes_set_in_init", "mixin_order",
                         "do_not_raise_errors_in_init_or_set_params", "get_params_invariance",
                         "parameters_default_constructible", "set_params"):
                getattr(estimator_checks, "check_" + name)("", clone(estimator))

    def test_checks_with_numbers_as_text(self):
        """All of scikit-learn's checks, on a subclass that reads a row of numbers as text."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = estimator_checks.check_estimator(OfNumbers(), on_fail=None)
        status = {r["check_name"]: (r["status"], str(r["exception"])) for r in results}
        self.assertEqual({n: s for n, s in status.items() if s[0] not in ("passed", "skipped")}, {})
        self.assertGreater(sum(s[0] == "passed" for s in status.values()), 40)

    def test_own_labels(self):
        pairs, y = samples(40), labels()[:40]
        model = Relevance()
        estimator = RelevanceClassifier()
        p = estimator.predict_proba(pairs)  # no fit() needed
        self.assertEqual(estimator.classes_.tolist(), sorted(model.labels))
        direct = model.predict(pairs)
        for i, label in enumerate(estimator.classes_):
            np.testing.assert_array_equal(p[:, i], direct[:, model.labels.index(label)])
        self.assertEqual(estimator.predict(pairs).tolist(), model.predict_labels(pairs))
        want = np.mean([a == b for a, b in zip(model.predict_labels(pairs), y)])
        self.assertEqual(estimator.score(pairs, y), want)
        self.assertEqual(estimator.fit(pairs, y).score(np.array(pairs), y), want)
        with self.assertRaisesRegex(ValueError, "'Buy', which is no label"):
            estimator.fit(pairs, ["Buy"] * len(pairs))

    def test_logistic(self):
        from sklearn.exceptions import NotFittedError
        from sklearn.model_selection import cross_val_score
        pairs = np.array(samples(), object)
        y = np.array(["buy" if label == "Exact" else "skip" for label in labels()])
        estimator = RelevanceClassifier(head="logistic")
        with self.assertRaises(NotFittedError):
            estimator.predict(pairs)
        estimator.fit(pairs[::2], y[::2])
        self.assertEqual(estimator.classes_.tolist(), ["buy", "skip"])
        base = max(np.mean(y == "buy"), np.mean(y == "skip"))
        self.assertGreater(estimator.score(pairs[1::2], y[1::2]), base + 0.05)
        again = pickle.loads(pickle.dumps(estimator))
        np.testing.assert_array_equal(again.predict_proba(pairs), estimator.predict_proba(pairs))
        scores = cross_val_score(clone(estimator), pairs, y, cv=3)
        self.assertGreater(scores.mean(), base)


if __name__ == "__main__":
    unittest.main()
