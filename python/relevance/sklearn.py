# SPDX-License-Identifier: Apache-2.0
"""A scikit-learn classifier of query-product pairs.

Needs scikit-learn 1.6 or later, which the package itself does not.
"""
from __future__ import annotations

from typing import Any, Optional

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ._model import PathLike, Relevance, shared


class RelevanceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The model as a scikit-learn estimator, for pipelines, metrics and cross-validation.

    X is what Relevance.predict() takes as 'pairs': [(query, product), ...], an array [n, 2] of
    texts, or a data frame with the columns 'query' and 'product' or 'title'.

    model       a model file; None: the package's own
    threads     threads of one call
    max_tokens  longest sequence in tokens; None: the model's limit
    head        "model": the model's own labels; nothing is learnt, and fit() may be left out.
                "logistic": fit() learns a logistic regression from the model's logits to the labels
                of y, so that any labels may be used ("buy" and "skip", grades 0 to 3 ...), or the
                model's own be fitted to one's data.
    C           inverse strength of the logistic head's regularisation

    classes_    [classes] the labels, sorted: the order of predict_proba()'s columns

    The opened model belongs to the process (relevance.shared()), so estimators are light to clone,
    pickle and send to workers.
    """

    def __init__(self, model: Optional[PathLike] = None, *, threads: int = 1,
                 max_tokens: Optional[int] = None, head: str = "model", C: float = 1.0) -> None:
        self.model = model
        self.threads = threads
        self.max_tokens = max_tokens
        self.head = head
        self.C = C

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> "RelevanceClassifier":
        """Check the labels of y [n] (head "model"), or learn from them (head "logistic")."""
        pairs = self._pairs(X, True)
        if self.head == "model":
            if y is not None:
                foreign = set(np.unique(np.asarray(y)).tolist()) - set(self._opened().labels)
                if foreign:
                    raise ValueError("y holds %r, which is no label of the model (%s); head="
                                     "'logistic' learns other labels"
                                     % (sorted(foreign, key=str)[0], ", ".join(self._opened().labels)))
            self.n_features_in_ = getattr(self, "n_features_in_", 2)
            return self
        if self.head != "logistic":
            raise ValueError("head is %r; it must be 'model' or 'logistic'" % (self.head,))
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        # LogisticRegression refuses one class, which is a fair answer to one class.
        self._only = np.unique(y) if len(np.unique(y)) == 1 else None
        self.n_features_in_ = getattr(self, "n_features_in_", 2)
        self.logistic_ = LogisticRegression(C=self.C, max_iter=1000)
        features = self._opened().predict(pairs, logits=True).astype(np.float64)
        if self._only is None:
            self.logistic_.fit(features, y, sample_weight)
        elif len(y) != len(features):
            raise ValueError("%d pairs, but %d labels" % (len(features), len(y)))
        self.n_iter_ = 1 if self._only is not None else int(self.logistic_.n_iter_.max())
        return self

    @property
    def classes_(self) -> "npt.NDArray[Any]":
        if self.head == "model":
            return np.unique(np.array(self._opened().labels))
        if getattr(self, "_only", None) is not None:
            return np.asarray(self._only)
        return np.asarray(self.logistic_.classes_)  # AttributeError before fit(), as is usual

    def predict_proba(self, X: Any) -> "npt.NDArray[Any]":
        """Probabilities [n, classes], columns in the order of classes_."""
        if self.head == "model":
            pairs, model = self._pairs(X, False), self._opened()
            return model.predict(pairs)[:, np.argsort(model.labels)]
        check_is_fitted(self, "logistic_")
        features = self._opened().predict(self._pairs(X, False), logits=True).astype(np.float64)
        if self._only is not None:
            return np.ones((len(features), 1))
        return np.asarray(self.logistic_.predict_proba(features))

    def predict(self, X: Any) -> "npt.NDArray[Any]":
        """The most probable label of each pair, [n]."""
        p = self.predict_proba(X)
        return np.asarray(self.classes_[p.argmax(axis=1)])

    def _opened(self) -> Relevance:
        return shared(self.model, self.threads, max_tokens=self.max_tokens)

    def _pairs(self, X: Any, reset: bool) -> Any:
        """Where a subclass turns another X into pairs; 'reset' in fit()."""
        return X

    def __sklearn_is_fitted__(self) -> bool:
        return self.head == "model" or hasattr(self, "logistic_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False  # of numbers
        tags.target_tags.required = self.head == "logistic"
        tags.requires_fit = self.head == "logistic"
        return tags
