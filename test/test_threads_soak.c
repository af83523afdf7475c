/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_threads_soak.c - one model, many threads, many calls: each result has the bits of the
 * single-threaded run, while contexts come and go.
 *
 * RLV_TEST_CALLS says how many calls each thread makes (default 300); 'make check-all' asks for
 * 10,000.  With RLV_TEST_SOAK set, that many calls are made by one thread instead, and the resident
 * memory must not grow ('make soak': 1,000,000).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <relevance.h>

#include "support/random.h"
#include "support/tiny.h"

#define THREAD_N 8
#define CASE_N 24
#define TOKEN_CAP 64

/* ---- the calls, and what each gave when nothing else ran ---- */

struct expected {
    struct relevance_pair pair;
    struct relevance_result result;
    int32_t ids[TOKEN_CAP];
    size_t id_n;
    float *hidden;
    size_t hidden_n; /* floats */
};

static struct expected cases[CASE_N];
static struct relevance_ranked expected_ranking[CASE_N];
static char texts[2 * CASE_N][200];
static size_t hidden_cap;

static unsigned long call_count(unsigned long fallback)
{
    const char *text = getenv("RLV_TEST_CALLS");
    return text != NULL ? strtoul(text, NULL, 10) : fallback;
}

static void make_texts(struct rng *rng)
{
    static const char *const words[] = {"shoe", "running", "black", "phone", "case", "non-stick",
                                        "5kg",  "\xc3\xa9", "steel", "oil",   "12",   "[SEP]"};
    for (size_t i = 0; i < 2 * CASE_N; i++) {
        size_t used = 0;
        for (size_t n = rng_below(rng, i % 2 ? 16 : 5); n > 0; n--)
            used += (size_t)snprintf(texts[i] + used, sizeof texts[i] - used, "%s ",
                                     words[rng_below(rng, sizeof words / sizeof words[0])]);
        if (i % 2 == 0)
            cases[i / 2].pair.query = (struct relevance_text){texts[i], used};
        else
            cases[i / 2].pair.product = (struct relevance_text){texts[i], used};
    }
}

static relevance_context *make_context(const relevance_model *model, uint32_t threads)
{
    struct relevance_context_options o = {.size = sizeof o,
                                          .threads = threads,
                                          .max_tokens = 24,
                                          .max_batch_tokens = threads == 1 ? 0 : 100};
    return tiny_context(model, &o);
}

static void list_products(struct relevance_text *products, struct relevance_pair *pairs)
{
    for (size_t i = 0; i < CASE_N; i++) {
        products[i] = cases[i].pair.product;
        pairs[i] = cases[i].pair;
    }
}

static void run_alone(const relevance_model *model)
{
    relevance_context *ctx = make_context(model, 1);
    struct relevance_info info = {.size = sizeof info};
    struct relevance_text products[CASE_N];
    struct relevance_pair pairs[CASE_N];
    assert_int_equal(relevance_model_info(model, &info), RELEVANCE_OK);
    hidden_cap = 24 * (size_t)info.hidden_size;
    list_products(products, pairs);
    for (size_t i = 0; i < CASE_N; i++) {
        struct expected *c = &cases[i];
        struct relevance_tokens t = {.ids = c->ids, .cap = TOKEN_CAP};
        const struct relevance_pair *p = &c->pair;
        size_t rows = 0;
        c->hidden = malloc(hidden_cap * sizeof *c->hidden);
        assert_non_null(c->hidden);
        assert_int_equal(relevance_classify(ctx, p->query.data, p->query.len, p->product.data,
                                            p->product.len, &c->result),
                         RELEVANCE_OK);
        assert_int_equal(relevance_tokenize(ctx, p->query.data, p->query.len, p->product.data,
                                            p->product.len, &t),
                         RELEVANCE_OK);
        c->id_n = t.n;
        assert_int_equal(relevance_encode(ctx, p->query.data, p->query.len, p->product.data,
                                          p->product.len, c->hidden, hidden_cap, &rows),
                         RELEVANCE_OK);
        c->hidden_n = rows * info.hidden_size;
    }
    assert_int_equal(relevance_rank(ctx, pairs[0].query.data, pairs[0].query.len, products, CASE_N,
                                    expected_ranking),
                     RELEVANCE_OK);
    relevance_context_destroy(ctx);
}

/* ---- one call among many ---- */

struct worker {
    const relevance_model *model;
    uint32_t threads; /* of its context */
    unsigned long calls;
    struct rng rng;
    float *hidden;
    const char *wrong;
};

static const char *call_classify(relevance_context *ctx, const struct expected *c)
{
    struct relevance_result r;
    const struct relevance_pair *p = &c->pair;
    if (relevance_classify(ctx, p->query.data, p->query.len, p->product.data, p->product.len,
                           &r) != RELEVANCE_OK ||
        memcmp(&r, &c->result, sizeof r) != 0)
        return "classify";
    if (relevance_classify_tokens(ctx, c->ids, c->id_n, &r) != RELEVANCE_OK ||
        memcmp(r.logits, c->result.logits, sizeof r.logits) != 0)
        return "classify_tokens";
    return NULL;
}

static const char *call_batch(relevance_context *ctx, size_t first)
{
    struct relevance_text products[CASE_N];
    struct relevance_pair pairs[CASE_N];
    struct relevance_result results[CASE_N];
    list_products(products, pairs);
    if (relevance_classify_batch(ctx, pairs + first, CASE_N - first, results) != RELEVANCE_OK)
        return "classify_batch";
    for (size_t i = first; i < CASE_N; i++)
        if (memcmp(&results[i - first], &cases[i].result, sizeof results[0]) != 0)
            return "classify_batch";
    return NULL;
}

static const char *call_rank(relevance_context *ctx)
{
    struct relevance_text products[CASE_N];
    struct relevance_pair pairs[CASE_N];
    struct relevance_ranked ranked[CASE_N];
    list_products(products, pairs);
    if (relevance_rank(ctx, pairs[0].query.data, pairs[0].query.len, products, CASE_N, ranked) !=
            RELEVANCE_OK ||
        memcmp(ranked, expected_ranking, sizeof ranked) != 0)
        return "rank";
    return NULL;
}

static const char *call_encode(relevance_context *ctx, const struct expected *c, float *hidden)
{
    const struct relevance_pair *p = &c->pair;
    size_t rows = 0;
    if (relevance_encode(ctx, p->query.data, p->query.len, p->product.data, p->product.len, hidden,
                         hidden_cap, &rows) != RELEVANCE_OK ||
        memcmp(hidden, c->hidden, c->hidden_n * sizeof *hidden) != 0)
        return "encode";
    return NULL;
}

static const char *mixed_call(relevance_context *ctx, struct worker *w)
{
    const struct expected *c = &cases[rng_below(&w->rng, CASE_N)];
    switch (rng_below(&w->rng, 16)) {
    case 0: return call_batch(ctx, rng_below(&w->rng, CASE_N));
    case 1: return call_rank(ctx);
    case 2:
    case 3: return call_encode(ctx, c, w->hidden);
    default: return call_classify(ctx, c);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    relevance_context *ctx = NULL;
    for (unsigned long i = 0; i < w->calls && w->wrong == NULL; i++) {
        /* A new context about every 64 calls, while the others compute. */
        if (ctx == NULL || rng_below(&w->rng, 64) == 0) {
            relevance_context_destroy(ctx);
            ctx = make_context(w->model, w->threads);
        }
        w->wrong = mixed_call(ctx, w);
    }
    relevance_context_destroy(ctx);
    return NULL;
}

static void many_threads_same_bits(void **state)
{
    struct worker workers[THREAD_N];
    pthread_t threads[THREAD_N];
    relevance_model *model = tiny_open("distilbert-seq", "q8");
    struct rng rng;
    (void)state;
    rng_seed(&rng, "test_threads_soak");
    make_texts(&rng);
    run_alone(model);
    for (size_t i = 0; i < THREAD_N; i++) {
        workers[i] = (struct worker){.model = model,
                                     .threads = i % 4 == 3 ? 2 : 1,
                                     .calls = call_count(300),
                                     .rng = {rng_u64(&rng)},
                                     .hidden = malloc(hidden_cap * sizeof(float))};
        assert_non_null(workers[i].hidden);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREAD_N; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREAD_N; i++) {
        free(workers[i].hidden);
        if (workers[i].wrong != NULL)
            fail_msg("thread %zu: %s gave other bits than alone", i, workers[i].wrong);
    }
    for (size_t i = 0; i < CASE_N; i++)
        free(cases[i].hidden);
    relevance_close(model);
}

/* ---- one thread, very many calls ---- */

/* Resident pages (proc(5): the second number of statm); 0 where there is no such file. */
static unsigned long resident_pages(void)
{
    unsigned long size = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident;
}

static void soak(void **state)
{
    unsigned long calls = call_count(4000), warm = calls / 10 + 1000, before = 0, after;
    relevance_model *model = tiny_open("distilbert-seq", "q8");
    struct worker w = {.model = model};
    relevance_context *ctx;
    (void)state;
    rng_seed(&w.rng, "test_threads_soak");
    make_texts(&w.rng);
    run_alone(model);
    w.hidden = malloc(hidden_cap * sizeof(float));
    assert_non_null(w.hidden);
    ctx = make_context(model, 1);
    for (unsigned long i = 0; i < calls; i++) {
        const char *wrong;
        if (i == warm)
            before = resident_pages();
        if (i % 100 == 99) {
            relevance_context_destroy(ctx);
            ctx = make_context(model, 1 + (uint32_t)(i / 100 % 2));
        }
        wrong = mixed_call(ctx, &w); /* which compares with the first answer */
        if (wrong != NULL)
            fail_msg("call %lu: %s gave other bits than the first time", i, wrong);
    }
    after = resident_pages();
    printf("soak: %lu calls, resident %lu pages after %lu calls, %lu at the end\n", calls, before,
           warm, after);
#if defined(__SANITIZE_ADDRESS__) /* which keeps freed memory back for a while */
    before = 0;
#endif
    if (before != 0 && after > before + 64) /* 256 KB: stacks of threads that came and went */
        fail_msg("resident memory grew from %lu to %lu pages", before, after);
    relevance_context_destroy(ctx);
    for (size_t i = 0; i < CASE_N; i++)
        free(cases[i].hidden);
    free(w.hidden);
    relevance_close(model);
}

int main(void)
{
    const struct CMUnitTest both[] = {cmocka_unit_test(many_threads_same_bits),
                                      cmocka_unit_test(soak)};
    const struct CMUnitTest alone[] = {cmocka_unit_test(soak)};
    if (getenv("RLV_TEST_SOAK") != NULL)
        return cmocka_run_group_tests_name("soak", alone, NULL, NULL);
    return cmocka_run_group_tests_name("threads_soak", both, NULL, NULL);
}
