/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_host_pool.c - what lending a host's thread pool costs: the context's own two threads and an
 * OpenMP team of two, in turn on the same model, a block of calls each.
 *
 *     make build/bench_host_pool && build/bench_host_pool data/default.rlv
 *
 * One line a number of tokens: p50 of a call in ms with either pool, and host / own.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <relevance.h>

#define THREADS 2
#define BLOCKS 10
#define CALLS 50 /* of a block */

static void host_for(void *user, size_t task_n, void (*task)(void *arg, size_t i), void *arg)
{
    (void)user;
#pragma omp parallel for num_threads(THREADS) schedule(static, 1)
    for (size_t i = 0; i < task_n; i++) {
        task(arg, i);
    }
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static double ms[2][BLOCKS * CALLS];
    struct relevance_error error;
    relevance_model *model = NULL;
    relevance_context *ctx[2] = {NULL, NULL}; /* own, host's */
    int32_t ids[128];
    struct relevance_result result;

    if (argc != 2 || relevance_open(argv[1], NULL, &model, &error)) {
        fprintf(stderr, "bench_host_pool: %s\n", argc != 2 ? "usage: bench_host_pool MODEL" : error.message);
        return 2;
    }
    for (int pool = 0; pool < 2; pool++) {
        struct relevance_context_options options = {.size = sizeof options,
                                                    .threads = THREADS,
                                                    .max_tokens = 128,
                                                    .parallel_for = pool ? host_for : NULL};
        if (relevance_context_create(model, &options, &ctx[pool], &error)) {
            fprintf(stderr, "bench_host_pool: %s\n", error.message);
            return 2;
        }
    }
    srand(1);
    for (size_t i = 0; i < 128; i++) {
        ids[i] = 1000 + rand() % 28000;
    }
    printf("tokens   own ms  host ms  host / own\n");
    for (size_t tokens = 16; tokens <= 128; tokens *= 2) {
        for (int i = 0; i < 2 * BLOCKS * CALLS; i++) {
            int pool = i / CALLS % 2;
            double start = now_ms();
            if (relevance_classify_tokens(ctx[pool], ids, tokens, &result)) {
                return 2;
            }
            ms[pool][i / (2 * CALLS) * CALLS + i % CALLS] = now_ms() - start;
        }
        qsort(ms[0], BLOCKS * CALLS, sizeof(double), by_value);
        qsort(ms[1], BLOCKS * CALLS, sizeof(double), by_value);
        printf("%6zu %8.3f %8.3f %11.3f\n", tokens, ms[0][BLOCKS * CALLS / 2], ms[1][BLOCKS * CALLS / 2],
               ms[1][BLOCKS * CALLS / 2] / ms[0][BLOCKS * CALLS / 2]);
    }
    relevance_context_destroy(ctx[0]);
    relevance_context_destroy(ctx[1]);
    relevance_close(model);
    return 0;
}
