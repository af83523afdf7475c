/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gptq.h - rounding weights so that the errors of one input channel are made good by the next ones.
 *
 * Source: Frantar, Ashkboos, Hoefler, Alistarh 2022, "GPTQ", arXiv:2210.17323, in the equivalent
 * form of Chee, Cai, Kuleshov, De Sa 2023, "QuIP", arXiv:2307.13304, section 3.
 *
 * For one output channel with weights w and rounded ones v the layer's squared error is (w - v) H
 * (w - v)^T, H = sum over the calibration rows of x^T x.  With H = M D M^T, M unit upper triangular
 * and D diagonal, that is sum_k D_k (w_k - v_k + sum_{j<k} (w_j - v_j) M_jk)^2.  So going through
 * the channels in order, v_k is the nearest representable number to w_k + sum_{j<k} (w_j - v_j)
 * M_jk.  No inverse is needed.
 */
#ifndef RLV_TOOLS_GPTQ_H
#define RLV_TOOLS_GPTQ_H

#include <stddef.h>
#include <stdint.h>

#include "linalg.h"

struct gptq_factor { /* zeroed at birth */
    size_t m;
    float *panels; /* M - I as [m16/16][m][16], 0 below the diagonal */
};

/*
 * gptq_factorise() - M of 'h' after damping.
 *
 * 'h'        [m, m] with stride linalg_padded(m); the lower triangle is read, all of it is spoilt.
 * 'k'        the channels that will be rounded; the others follow them.
 * 'damping'  this share of the mean of the first k diagonal entries that are not 0 is added to all:
 *            what the calibration rows do not tell counts as noise of that power.
 * A channel with 0 on the diagonal is taken as independent of the others.
 * Returns 0, or -1 where memory is out or h is not finite.
 */
int gptq_factorise(const struct workers *workers, float *h, size_t m, size_t k, float damping,
                   struct gptq_factor *factor);
void gptq_factor_free(struct gptq_factor *factor);

struct gptq {
    const struct gptq_factor *factor;
    size_t n;         /* output channels */
    size_t k;         /* channels to round, a multiple of 16; the others absorb errors */
    float *w;         /* [n, m] with stride linalg_padded(m); the others receive what they became */
    int8_t *q;        /* [n, k]: receives the integers */
    float *scale;     /* [n, group_n]; without a group as given, with one received */
    size_t group;     /* channels that share a scale, a multiple of 16; 0: all */
    unsigned bits, w_max, chain;
    const float *importance; /* [k], for the search of scales; NULL: all alike */
};

/* gptq_round() - round all output channels.  Returns 0, or -1 where memory is out. */
int gptq_round(const struct workers *workers, struct gptq *gptq);

#endif /* RLV_TOOLS_GPTQ_H */
