/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - how good probabilities are, measured on pairs whose label is known.
 *
 * Nothing here depends on the order of the pairs, but for the last bits of sums.
 */
#ifndef TOOL_METRICS_H
#define TOOL_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include <relevance.h>

#define METRICS_MAX_BINS 100
#define METRICS_COVERAGES 3

/* Pairs with their probabilities; zeroed at birth but for label_n. */
struct scored {
    uint32_t label_n;
    size_t n, cap;
    float *p;        /* [n, label_n] */
    uint8_t *truth;  /* [n] */
    uint8_t *chosen; /* [n]: the predicted label */
    uint64_t *group; /* [n]: pairs of one query have one number */
};

void scored_add(struct scored *s, const float *p, uint32_t truth, uint32_t chosen, uint64_t group);
void scored_free(struct scored *s);

/* A query's number: FNV-1a, 64 bits.  Two queries that collide count as one, which harms nothing. */
uint64_t query_group(struct relevance_text query);

struct class_score {
    double precision, recall, f1;
    uint64_t support, predicted;
};

/* Pairs whose confidence lies in a bin: [i / bin_n, (i + 1) / bin_n), the last one with its end. */
struct reliability_bin {
    uint64_t n;
    double confidence, accuracy; /* means; 0 in an empty bin */
};

/* The share of the pairs of which the model is surest, and how many of those it gets right. */
struct coverage_point {
    double coverage, accuracy, threshold; /* threshold: the least confidence among them */
};

struct interval {
    double low, high; /* 95 % */
};

struct metrics {
    uint64_t n;
    double accuracy;
    double macro_f1; /* the mean over the labels that occur, as truth or as prediction */
    double log_loss; /* mean of -ln p(truth), p at least 1e-12 */
    double brier;    /* mean of the squared distance between p and the truth, 0 to 2 */
    double ece;      /* expected calibration error: mean of |confidence - accuracy| over the bins */
    uint64_t confusion[RELEVANCE_MAX_LABELS][RELEVANCE_MAX_LABELS]; /* [true][predicted] */
    struct class_score classes[RELEVANCE_MAX_LABELS];
    uint32_t bin_n;
    struct reliability_bin bins[METRICS_MAX_BINS];
    struct coverage_point coverages[METRICS_COVERAGES];
    double risk_coverage_area; /* mean over all coverages of the share of errors (AURC) */
    uint32_t resamples;        /* 0: the intervals were not asked for */
    struct interval accuracy_interval, macro_f1_interval;
};

/*
 * metrics_of() - all of it.
 *
 * 'bin_n'      1 to METRICS_MAX_BINS.
 * 'resamples'  of the bootstrap (Efron 1979); 0: none.  Whole queries are drawn, since pairs of one
 *              query resemble each other; the interval is that of the percentiles.  The generator's
 *              seed is fixed, so the same pairs give the same interval.
 */
void metrics_of(const struct scored *s, uint32_t bin_n, uint32_t resamples, struct metrics *m);

#endif /* TOOL_METRICS_H */
