# SPDX-License-Identifier: Apache-2.0
"""The networks that are trained, and the Hugging Face folders they start from and end in.

Sequence classification is transformers' own.  A sequence head and a token head over one encoder is
not in transformers, so it is defined here, as small as it can be: both heads are one linear layer on
the last hidden states, without BERT's pooler.  Its folder is what 'relevance convert' reads:

    config.json       "architectures": ["BertForSequenceAndTokenClassification"] (or DistilBert...),
                      "id2label" of the sequence head, "token_id2label" of the token head,
                      "classifier_head": "linear"
    model.safetensors bert.* (or distilbert.*), classifier.{weight,bias} on the state of [CLS],
                      token_classifier.{weight,bias} on the state of every token
"""
import json
import pathlib
from dataclasses import dataclass

import torch
from torch import nn
from transformers import (AutoConfig, AutoTokenizer, BertConfig, BertForSequenceClassification,
                          BertModel, BertPreTrainedModel, DistilBertConfig,
                          DistilBertForSequenceClassification, DistilBertModel,
                          DistilBertPreTrainedModel)
from transformers.modeling_outputs import ModelOutput
from transformers.utils import logging

# A new head's "weights were newly initialized" is what is wanted here, each time.
logging.set_verbosity_error()
logging.disable_progress_bar()

RELEVANCE_LABELS = ["Exact", "Substitute", "Complement", "Irrelevant"]
ACTION_LABELS = ["add", "remove"]
TOKEN_LABELS = ["O", "B-PRODUCT", "I-PRODUCT", "B-QUANTITY", "I-QUANTITY"]


@dataclass
class JointOutput(ModelOutput):
    logits: torch.Tensor = None        # [batch, labels]
    token_logits: torch.Tensor = None  # [batch, tokens, token labels]


class _Joint:
    """What the two classes below share: the heads, and the forward pass over self.encoder()."""

    def add_heads(self, config, dropout):
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.token_classifier = nn.Linear(config.hidden_size, len(config.token_id2label))
        self.post_init()

    def forward(self, **inputs):
        states = self.dropout(self.base_model(**inputs).last_hidden_state)
        return JointOutput(logits=self.classifier(states[:, 0]),
                           token_logits=self.token_classifier(states))


class BertForSequenceAndTokenClassification(_Joint, BertPreTrainedModel):
    config_class = BertConfig

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.add_heads(config, config.hidden_dropout_prob)


class DistilBertForSequenceAndTokenClassification(_Joint, DistilBertPreTrainedModel):
    config_class = DistilBertConfig

    def __init__(self, config):
        super().__init__(config)
        self.distilbert = DistilBertModel(config)
        self.add_heads(config, config.dropout)


_SEQUENCE = {"bert": BertForSequenceClassification,
             "distilbert": DistilBertForSequenceClassification}
_JOINT = {"bert": BertForSequenceAndTokenClassification,
          "distilbert": DistilBertForSequenceAndTokenClassification}
_EXPORT = {cls.__name__: cls for cls in (*_SEQUENCE.values(), *_JOINT.values())}


def _names(labels):
    return dict(id2label=dict(enumerate(labels)), label2id={l: i for i, l in enumerate(labels)})


def _config(folder):
    config = AutoConfig.from_pretrained(folder)
    if config.model_type not in _SEQUENCE:
        raise SystemExit(f"{folder}: model_type is '{config.model_type}', supported: "
                         + ", ".join(_SEQUENCE))
    return config


def sequence_model(folder, labels, **settings):
    """An encoder (any head of the folder's that fits is kept) with len(labels) sequence labels."""
    config = _config(folder)
    config.update({**_names(labels), **settings})
    return _SEQUENCE[config.model_type].from_pretrained(folder, config=config, dtype=torch.float32,
                                                        ignore_mismatched_sizes=True)


def joint_model(folder, labels, token_labels, **settings):
    config = _config(folder)
    config.update({**_names(labels), **settings})
    config.token_id2label = dict(enumerate(token_labels))
    config.classifier_head = "linear"
    return _JOINT[config.model_type].from_pretrained(folder, config=config, dtype=torch.float32,
                                                     ignore_mismatched_sizes=True)


def load(folder):
    """A folder that save() wrote, in f32."""
    name = json.loads((pathlib.Path(folder) / "config.json").read_text())["architectures"][0]
    if name not in _EXPORT:
        raise SystemExit(f"{folder}: architecture is {name}, supported: {', '.join(_EXPORT)}")
    return _EXPORT[name].from_pretrained(folder, dtype=torch.float32)


def tokenizer_of(folder):
    """The fast tokenizer: it alone says which characters a word piece comes from."""
    return AutoTokenizer.from_pretrained(folder, use_fast=True)


def save(model, tokenizer, folder):
    """Writes the Hugging Face folder 'folder', in f32."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    # The converter reads either; vocab.txt is what older tools read.
    vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(word + "\n" for word, _ in vocab), encoding="utf-8")
