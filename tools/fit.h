/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit.h - probabilities from logits: temperature and biases that fit labelled pairs, and the label
 * shares that serve a purpose.  docs/numerics.md says what is minimised; docs/decisions/0040 why.
 *
 * Deterministic: no random numbers, no threads; the same pairs in the same order give the same bits.
 */
#ifndef TOOL_FIT_H
#define TOOL_FIT_H

#include <stddef.h>
#include <stdint.h>

#include <relevance.h>

#include "failure.h"

struct fit_pairs {
    uint32_t label_n; /* 2 to RELEVANCE_MAX_LABELS */
    size_t n;
    const float *logits;  /* [n, label_n] */
    const uint8_t *truth; /* [n] */
};

struct fit {
    double scale; /* probabilities = softmax(scale * logits + bias) */
    double bias[RELEVANCE_MAX_LABELS];
    double prior[RELEVANCE_MAX_LABELS]; /* the label shares that they hold for; the sum is 1 */
};

/*
 * fit_shares() - the share of each label among the pairs, into 'shares' [label_n].
 */
void fit_shares(const struct fit_pairs *pairs, double *shares);

/*
 * fit_calibration() - scale and biases that minimise the mean of -ln p(truth), for the label shares of
 * the pairs themselves.  Newton's method with halved steps on a convex function of label_n unknowns.
 *
 * Returns 0, or -1 and a message: fewer than 2 labels, a label without a pair, pairs that some scale
 * separates without an error (then every larger scale is better), logits that say nothing.
 */
int fit_calibration(const struct fit_pairs *pairs, struct fit *fit, struct failure *failure);

/* fit_temperature() - likewise, but the scale alone, all biases being 0: no pair changes its label, and
 * there is nothing that few pairs of a label could spoil.  Its label shares are those that the model
 * assumes of these pairs, the means of the probabilities. */
int fit_temperature(const struct fit_pairs *pairs, struct fit *fit, struct failure *failure);

/* fit_move() - the same probabilities for other label shares, each above 0: Bayes' rule. */
void fit_move(struct fit *fit, uint32_t label_n, const double *prior);

/* fit_apply() - probabilities [label_n] of one pair; returns the label, the first one on a tie. */
uint32_t fit_apply(const struct fit *fit, uint32_t label_n, const float *logits, float *p);

/*
 * fit_macro_f1() - move 'fit' to the label shares at which the most probable label has the best macro
 * F1 over the pairs, if labels come in the shares of fit->prior.
 *
 * The F1 counts right and wrong labels, so it is a step function without a gradient: coordinate
 * search over the logarithms of the shares with steps of 1, 1/2, 1/4, 1/10 and 1/20, from the shares of
 * fit->prior and from even ones; the better of the two ends, the first on a tie.
 */
void fit_macro_f1(const struct fit_pairs *pairs, struct fit *fit);

#endif /* TOOL_FIT_H */
