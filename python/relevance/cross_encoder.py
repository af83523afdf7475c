# SPDX-License-Identifier: Apache-2.0
"""The interface of sentence-transformers' CrossEncoder over a Relevance."""
from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence

import numpy as np

from ._inputs import as_list
from ._model import PathLike, Relevance


class CrossEncoder:
    """For code written for sentence_transformers.CrossEncoder: the same calls, no torch.

    model_name_or_path  a model file (.rlv; convert() makes one), or None for the package's own
    max_length          longest sequence in tokens; None: the model's limit
    threads             threads of one call

    Like the original, predict() returns logits (the sigmoid of the one logit, where the model has
    one label only) unless an activation is asked for.
    """

    def __init__(self, model_name_or_path: Optional[PathLike] = None, *,
                 max_length: Optional[int] = None, threads: int = 1,
                 activation_fn: Optional[Callable[[Any], Any]] = None, **options: Any) -> None:
        self.model = Relevance(model_name_or_path, threads, max_tokens=max_length, **options)
        self.activation_fn = activation_fn

    @property
    def num_labels(self) -> int:
        return len(self.model.labels)

    @property
    def max_length(self) -> int:
        return self.model._limit()

    def predict(self, sentences: Any, batch_size: int = 32,
                show_progress_bar: Optional[bool] = None,
                activation_fn: Optional[Callable[[Any], Any]] = None, apply_softmax: bool = False,
                convert_to_numpy: bool = True, convert_to_tensor: bool = False) -> Any:
        """Scores of pairs: float32 [n, labels], or [n] for a model of one label.

        sentences          [(text, text), ...]; or one pair of str, which gives [labels] or a number
        batch_size         accepted, not used: pairs are packed without padding, and the result does
                           not depend on it
        show_progress_bar  True: a bar (needs tqdm)
        activation_fn      applied to the logits [n, labels] (NumPy)
        apply_softmax      the probabilities, calibrated where the model file says how
        convert_to_numpy   False: a list of rows instead of an array
        convert_to_tensor  a torch tensor (needs torch)
        """
        if batch_size < 1:
            raise ValueError("batch_size is %d; it must be positive" % batch_size)
        one = (isinstance(sentences, (list, tuple)) and len(sentences) == 2
               and all(isinstance(s, (str, bytes)) for s in sentences))
        pairs = [sentences] if one else sentences
        activation = activation_fn or self.activation_fn
        softmax = apply_softmax and self.num_labels > 1
        scores: Any = self.model.predict(pairs, logits=not softmax or activation is not None,
                                         progress=bool(show_progress_bar))
        if activation is not None:
            scores = np.asarray(activation(scores))
            if softmax:
                scores = np.exp(scores - scores.max(axis=1, keepdims=True))
                scores /= scores.sum(axis=1, keepdims=True)
        elif self.num_labels == 1:
            scores = 1 / (1 + np.exp(-scores))
        if self.num_labels == 1:
            scores = scores[:, 0]
        if convert_to_tensor:
            import torch
            scores = torch.from_numpy(scores)
        elif not convert_to_numpy:
            scores = list(scores)
        return scores[0] if one else scores

    def rank(self, query: str, documents: Sequence[str], top_k: Optional[int] = None,
             return_documents: bool = False, batch_size: int = 32,
             show_progress_bar: Optional[bool] = None) -> List[Dict[str, Any]]:
        """[{"corpus_id", "score"}, ...], best first; with "text" where return_documents is True.

        The original ranks with models of one label only; here a model of several ranks by
        Relevance.rank()'s score, the mean gain of the labels.
        """
        items = as_list(documents, "documents")
        if self.num_labels == 1:
            scores = self.predict([(query, d) for d in items], batch_size, show_progress_bar)
            order = np.argsort(-scores, kind="stable")[:top_k]
            found = [(int(i), float(scores[i])) for i in order]
        else:
            found = [(r.index, r.score) for r in self.model.rank(
                query, items, top_k, progress=bool(show_progress_bar))]
        return [dict({"corpus_id": i, "score": s}, **({"text": items[i]} if return_documents else {}))
                for i, s in found]
