# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/synth/intent.py: quantities, catalogue, templates, noise."""
