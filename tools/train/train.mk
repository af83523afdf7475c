# SPDX-License-Identifier: Apache-2.0
#
# The trainer's tests, and the table of accuracy, size and speed by bit width (tools/tradeoff.py).
# MODELS holds Hugging Face folders relevance-NAME and intent-NAME.

MODELS         ?= build/train
RELEVANCE_DATA ?= $(SHARED_DIR)/data/esci/dev.tsv
INTENT_DATA    ?= build/intent
TRADEOFF_FLAGS ?=

.PHONY: check-train tradeoff
check-train: $(BUILD)/relevance
	$(PYTHON) tools/train/test_train.py

$(INTENT_DATA)/test.jsonl: $(wildcard tools/synth/intent.py tools/synth/intent_parts/*)
	$(PYTHON) tools/synth/intent.py --n 6000 --seed 1 --out $(INTENT_DATA)

tradeoff: $(BUILD)/relevance $(INTENT_DATA)/test.jsonl
	$(PYTHON) tools/tradeoff.py --models $(MODELS) --relevance $(BUILD)/relevance \
	  --work $(BUILD)/tradeoff --relevance-data $(RELEVANCE_DATA) \
	  --intent-data $(INTENT_DATA)/test.jsonl --hard-data data/intent/hard.jsonl \
	  --catalog data/intent/catalog.tsv --hard-catalog data/intent/hard_catalog.tsv $(TRADEOFF_FLAGS)
