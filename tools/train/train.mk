# SPDX-License-Identifier: Apache-2.0
#
# The trainer's tests (tools/bootstrap --python).

.PHONY: check-train
check-train: $(BUILD)/relevance
	$(PYTHON) tools/train/test_train.py
