/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grid.h - the integers that a quantised weight may be, and rounding to them.
 */
#ifndef RLV_TOOLS_GRID_H
#define RLV_TOOLS_GRID_H

#include <stddef.h>
#include <stdint.h>

struct grid {
    float low, high;
};

/* 127: -127 .. 127; else -w_max .. w_max - 1. */
static inline struct grid grid_of(unsigned w_max)
{
    struct grid g = {-(float)w_max, (float)w_max - 1.0f};
    if (w_max == 127)
        g.high = 127.0f;
    return g;
}

/* To the nearest integer, ties to even, for |x| < 2^22: the sum has no bits below 1. */
static inline float grid_round_even(float x) { return (x + 12582912.0f) - 12582912.0f; }

/* The integer for weight 'w', where 'inverse' is 1 / scale. */
static inline float grid_round(float w, float inverse, struct grid g)
{
    float t = w * inverse;
    t = t < g.low ? g.low : t;
    t = t > g.high ? g.high : t;
    return grid_round_even(t);
}

/*
 * What was rounded so far of a block of 4 * 'chain' input channels: sums of its weights above and below
 * 0, for the channels that share a 16-bit lane (docs/format.md, "chain").
 */
struct lanes {
    unsigned chain; /* 0: no limit */
    float above[2], below[2];
};
#define LANE_LIMIT 128.0f /* 255 * 128 < 2^15 */

/* The integer nearest to 'q' that channel 'k' may still have.  Channels come in ascending order. */
static inline float lanes_take(struct lanes *l, size_t k, float q)
{
    size_t lane = k / 2 % 2;

    if (l->chain == 0)
        return q;
    if (k % (4 * (size_t)l->chain) == 0)
        l->above[0] = l->above[1] = l->below[0] = l->below[1] = 0.0f;
    if (q > 0.0f) {
        q = q < LANE_LIMIT - l->above[lane] ? q : LANE_LIMIT - l->above[lane];
        l->above[lane] += q;
    } else {
        q = q > l->below[lane] - LANE_LIMIT ? q : l->below[lane] - LANE_LIMIT;
        l->below[lane] -= q;
    }
    return q;
}

#endif /* RLV_TOOLS_GRID_H */
