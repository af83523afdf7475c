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

/* AddressSanitizer does, for a while: gcc's name for it, and clang's. */
#if defined(__SANITIZE_ADDRESS__)
#define KEEPS_FREED_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEEPS_FREED_MEMORY 1
#endif
#endif
#if !defined(KEEPS_FREED_MEMORY)
#define KEEPS_FREED_MEMORY 0
#endif

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
    struct relevance_intent intent; /* of both texts, by the second model */
    struct relevance_labelled_token labelled[TOKEN_CAP];
    size_t labelled_n;
};

static struct expected cases[CASE_N];
static struct relevance_ranked expected_ranking[CASE_N];
static char texts[2 * CASE_N][200];
static size_t hidden_cap;

/* For what needs a token head: shared by all threads, as the first model is. */
static relevance_model *both_heads;
static relevance_catalog *catalog;

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

/* The longer text of a case: where there is more to find.  Whether the network finds a product that
 * the catalogue has is left to chance; so it is also asked for one. */
static const char *call_extract(relevance_context *ctx, const struct relevance_text *text,
                                struct relevance_intent *intent,
                                struct relevance_labelled_token *labelled, size_t *labelled_n)
{
    struct relevance_labelled_tokens t = {.tokens = labelled, .cap = TOKEN_CAP};
    struct relevance_match m;
    memset(intent, 0, sizeof *intent);
    memset(labelled, 0, TOKEN_CAP * sizeof *labelled);
    intent->size = sizeof *intent;
    if (relevance_extract(ctx, text->data, text->len, catalog, intent) != RELEVANCE_OK)
        return "extract";
    if (relevance_label_tokens(ctx, text->data, text->len, &t) != RELEVANCE_OK)
        return "label_tokens";
    *labelled_n = t.n;
    if (relevance_catalog_match(catalog, "running shoes", 13, &m) != RELEVANCE_OK ||
        m.name != relevance_catalog_name(catalog, 0) || m.distance != 1)
        return "catalog_match";
    return NULL;
}

static void extract_alone(void)
{
    static const char products[] = "Shoe\tblack shoe|running shoe\nPhone case\toil\nSteel\n";
    relevance_context *ctx;
    both_heads = tiny_open("distilbert-both", "q8");
    assert_int_equal(relevance_catalog_open_memory(products, strlen(products), NULL, &catalog, NULL),
                     RELEVANCE_OK);
    ctx = make_context(both_heads, 1);
    for (size_t i = 0; i < CASE_N; i++) {
        struct expected *c = &cases[i];
        assert_null(call_extract(ctx, &c->pair.product, &c->intent, c->labelled, &c->labelled_n));
    }
    relevance_context_destroy(ctx);
}

static void close_all(relevance_model *model)
{
    for (size_t i = 0; i < CASE_N; i++)
        free(cases[i].hidden);
    relevance_catalog_close(catalog);
    relevance_close(both_heads);
    relevance_close(model);
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

/* Field by field: what lies between them is not the library's to set. */
static int same_intent(const struct relevance_intent *a, const struct relevance_intent *b)
{
    const struct relevance_match *p = &a->product, *q = &b->product;
    return a->action == b->action && a->action_confidence == b->action_confidence &&
           a->product_begin == b->product_begin && a->product_end == b->product_end &&
           a->product_confidence == b->product_confidence && a->product_n == b->product_n &&
           p->name == q->name && p->alias == q->alias && p->product == q->product &&
           p->distance == q->distance && p->score == q->score && a->quantity == b->quantity &&
           a->quantity_kind == b->quantity_kind && a->quantity_begin == b->quantity_begin &&
           a->quantity_end == b->quantity_end && a->quantity_confidence == b->quantity_confidence &&
           a->tokens == b->tokens && a->truncated == b->truncated;
}

static const char *call_extract_again(relevance_context *ctx, const struct expected *c)
{
    struct relevance_intent intent;
    struct relevance_labelled_token labelled[TOKEN_CAP];
    size_t n = 0;
    const char *wrong = call_extract(ctx, &c->pair.product, &intent, labelled, &n);
    if (wrong != NULL)
        return wrong;
    if (!same_intent(&intent, &c->intent))
        return "extract";
    return n == c->labelled_n && memcmp(labelled, c->labelled, sizeof labelled) == 0
               ? NULL
               : "label_tokens";
}

/* A thread's two contexts, one for each model. */
struct contexts {
    relevance_context *pairs, *texts;
};

static void renew(struct contexts *ctx, const relevance_model *model, uint32_t threads)
{
    relevance_context_destroy(ctx->pairs);
    relevance_context_destroy(ctx->texts);
    ctx->pairs = model != NULL ? make_context(model, threads) : NULL;
    ctx->texts = model != NULL ? make_context(both_heads, threads) : NULL;
}

static const char *mixed_call(struct contexts *both, struct worker *w)
{
    relevance_context *ctx = both->pairs;
    const struct expected *c = &cases[rng_below(&w->rng, CASE_N)];
    switch (rng_below(&w->rng, 16)) {
    case 0: return call_batch(ctx, rng_below(&w->rng, CASE_N));
    case 1: return call_rank(ctx);
    case 2:
    case 3: return call_encode(ctx, c, w->hidden);
    case 4:
    case 5: return call_extract_again(both->texts, c);
    default: return call_classify(ctx, c);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct contexts ctx = {NULL, NULL};
    for (unsigned long i = 0; i < w->calls && w->wrong == NULL; i++) {
        /* New contexts about every 64 calls, while the others compute. */
        if (ctx.pairs == NULL || rng_below(&w->rng, 64) == 0)
            renew(&ctx, w->model, w->threads);
        w->wrong = mixed_call(&ctx, w);
    }
    renew(&ctx, NULL, 0);
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
    extract_alone();
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
    close_all(model);
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
    struct contexts ctx = {NULL, NULL};
    (void)state;
    rng_seed(&w.rng, "test_threads_soak");
    make_texts(&w.rng);
    run_alone(model);
    extract_alone();
    w.hidden = malloc(hidden_cap * sizeof(float));
    assert_non_null(w.hidden);
    renew(&ctx, model, 1);
    for (unsigned long i = 0; i < calls; i++) {
        const char *wrong;
        if (i == warm)
            before = resident_pages();
        if (i % 100 == 99)
            renew(&ctx, model, 1 + (uint32_t)(i / 100 % 2));
        wrong = mixed_call(&ctx, &w); /* which compares with the first answer */
        if (wrong != NULL)
            fail_msg("call %lu: %s gave other bits than the first time", i, wrong);
    }
    after = resident_pages();
    printf("soak: %lu calls, resident %lu pages after %lu calls, %lu at the end\n", calls, before,
           warm, after);
    if (KEEPS_FREED_MEMORY)
        before = 0;
    if (before != 0 && after > before + 64) /* 256 KB: stacks of threads that came and went */
        fail_msg("resident memory grew from %lu to %lu pages", before, after);
    renew(&ctx, NULL, 0);
    free(w.hidden);
    close_all(model);
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
