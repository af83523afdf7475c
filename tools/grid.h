/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grid.h - the integers that a quantised weight may be, and rounding to them.
 */
#ifndef RLV_TOOLS_GRID_H
#define RLV_TOOLS_GRID_H

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

#endif /* RLV_TOOLS_GRID_H */
