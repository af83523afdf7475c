/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.h - random numbers for tests: a seed that is printed and can be given again.
 */
#ifndef RLV_TEST_RANDOM_H
#define RLV_TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* SplitMix64 (Steele, Lea & Flood 2014). */
struct rng {
    uint64_t state;
};

/* RLV_TEST_SEED, or the clock; printed so that a failure can be had again. */
static inline void rng_seed(struct rng *r, const char *test)
{
    const char *text = getenv("RLV_TEST_SEED");
    struct timespec now;

    timespec_get(&now, TIME_UTC);
    r->state =
        text ? strtoull(text, NULL, 0) : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
    printf("%s: RLV_TEST_SEED=%llu\n", test, (unsigned long long)r->state);
    fflush(stdout);
}

static inline uint64_t rng_u64(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* in [0, n) */
static inline size_t rng_below(struct rng *r, size_t n) { return (size_t)(rng_u64(r) >> 16) % n; }

/* in [-1, 1) */
static inline float rng_f32(struct rng *r)
{
    return (float)(int32_t)(rng_u64(r) >> 40) * 0x1p-23f - 1.0f;
}

/* About normal (a sum of four), with one value in 64 sixteen times as large: like activations. */
static inline float rng_activation(struct rng *r)
{
    float x = rng_f32(r) + rng_f32(r) + rng_f32(r) + rng_f32(r);
    return rng_u64(r) >> 58 ? x : 16 * x;
}

#endif /* RLV_TEST_RANDOM_H */
