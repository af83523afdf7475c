/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_alloc.c - memory: nothing is allocated once a context exists, everything is given back, and
 * an allocation that fails is reported.
 *
 *     build/test_alloc [MODEL.rlv ...]          (default: some of the tiny models)
 *
 * Two nets.  A user allocator counts what the library asks for by its own interface; and the linker
 * (-Wl,--wrap, see the Makefile) routes every call of the C library's allocator, and of mmap, that
 * the library's objects make through the functions below.  What libc itself allocates inside a call
 * is not seen here; test/symbols.sh therefore lists the libc functions that the library may use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

#include <cmocka.h>

#include <relevance.h>

/* ---- the linker's net ---- */

static atomic_ulong wrapped_n; /* calls since the program's start */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
int __real_posix_memalign(void **memory, size_t align, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__real_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
int __wrap_posix_memalign(void **memory, size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
    atomic_fetch_add(&wrapped_n, 1);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    atomic_fetch_add(&wrapped_n, 1);
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    atomic_fetch_add(&wrapped_n, 1);
    return __real_realloc(memory, size);
}

void __wrap_free(void *memory)
{
    atomic_fetch_add(&wrapped_n, 1);
    __real_free(memory);
}

int __wrap_posix_memalign(void **memory, size_t align, size_t size)
{
    atomic_fetch_add(&wrapped_n, 1);
    return __real_posix_memalign(memory, align, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    atomic_fetch_add(&wrapped_n, 1);
    return __real_aligned_alloc(align, size);
}

void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
    atomic_fetch_add(&wrapped_n, 1);
    return __real_mmap(address, len, protection, flags, fd, offset);
}

/* ---- the user allocator's net ---- */

struct counter {
    unsigned long calls;   /* of alloc and free */
    unsigned long live;    /* blocks */
    size_t live_len;       /* bytes */
    unsigned long fail_at; /* the alloc call, from 1, that returns NULL; 0: none */
    unsigned long allocs;
    int bad_align;
};

static void *counting_alloc(void *user, size_t size, size_t align)
{
    struct counter *c = user;
    void *memory = NULL;
    c->calls++;
    if (align == 0 || (align & (align - 1)) != 0 || align > 4096)
        c->bad_align = 1;
    if (++c->allocs == c->fail_at)
        return NULL;
    if (posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, size) != 0)
        return NULL;
    memset(memory, 0xa5, size); /* so that a result that leans on zeros shows */
    c->live++;
    c->live_len += size;
    return memory;
}

static void counting_free(void *user, void *memory, size_t size)
{
    struct counter *c = user;
    c->calls++;
    if (memory == NULL)
        return;
    c->live--;
    c->live_len -= size;
    free(memory);
}

#ifndef RLV_TINY_DIR
#define RLV_TINY_DIR "build/tiny" /* the Makefile's, for a native build */
#endif

static char *default_models[] = {RLV_TINY_DIR "/distilbert-seq-q8.rlv",
                                 RLV_TINY_DIR "/distilbert-seq-f32.rlv",
                                 RLV_TINY_DIR "/bert-seq-f16.rlv", RLV_TINY_DIR "/bert-seq-q4.rlv",
                                 RLV_TINY_DIR "/bert-bare-q8.rlv",
                                 RLV_TINY_DIR "/intent-rule-f32.rlv", RLV_TINY_DIR "/bert-both-q8.rlv"};
static char **models = default_models;
static int model_n = sizeof default_models / sizeof default_models[0];

static enum relevance_status open_with(const char *path, uint32_t flags,
                                       const struct relevance_allocator *allocator,
                                       relevance_model **model, struct relevance_error *error)
{
    struct relevance_open_options options = {sizeof options, flags, allocator};
    return relevance_open(path, &options, model, error);
}

static enum relevance_status context_with(const relevance_model *model, uint32_t threads,
                                          const struct relevance_allocator *allocator,
                                          relevance_context **ctx, struct relevance_error *error)
{
    struct relevance_context_options options = {.size = sizeof options,
                                                .threads = threads,
                                                .allocator = allocator};
    struct relevance_info info = {.size = sizeof info};
    assert_int_equal(relevance_model_info(model, &info), RELEVANCE_OK);
    options.max_batch_tokens = info.max_tokens;
    return relevance_context_create(model, &options, ctx, error);
}

/* ---- tests ---- */

#define LONG_LEN ((size_t)1 << 20)

/* The calls of a token head; with both heads, intents too. */
static void use_labels(const struct relevance_info *info, relevance_context *ctx,
                       const relevance_catalog *catalog, const struct relevance_text *texts, size_t n)
{
    static struct relevance_labelled_token t[64];
    static struct relevance_span s[64];
    static struct relevance_intent intents[9];
    struct relevance_match match;
    for (size_t i = 0; i < n; i++) {
        struct relevance_labelled_tokens tokens = {.tokens = t, .cap = 64};
        struct relevance_spans spans = {.spans = s, .cap = 64};
        assert_int_equal(relevance_label_tokens(ctx, texts[i].data, texts[i].len, &tokens),
                         RELEVANCE_OK);
        assert_int_equal(relevance_find_spans(ctx, texts[i].data, texts[i].len, &spans),
                         RELEVANCE_OK);
        assert_int_equal(relevance_catalog_match(catalog, texts[i].data, texts[i].len, &match),
                         RELEVANCE_OK);
    }
    intents[0].size = sizeof intents[0];
    if (info->label_n != 0)
        assert_int_equal(relevance_extract_batch(ctx, texts, n, catalog, intents), RELEVANCE_OK);
}

/* Every call of the header that works on a context, on short, empty, invalid and very long text. */
static void use_everything(const relevance_model *model, relevance_context *ctx,
                           const relevance_catalog *catalog, const char *long_text, float *hidden, size_t hidden_cap, int32_t *ids,
                           size_t id_cap)
{
    static const char *texts[] = {"running shoes", "", "caf\xc3\xa9 \xff\xfe [SEP]",
                                  "Trail shoe, waterproof, men's, size 10 (pack of 2)"};
    struct relevance_info info = {.size = sizeof info};
    struct relevance_pair pairs[9];
    struct relevance_text products[9];
    struct relevance_result results[9];
    struct relevance_ranked ranked[9];
    struct relevance_tokens tokens = {.ids = ids, .cap = id_cap};
    uint64_t ticks[RELEVANCE_PART_N];
    size_t token_n = 0;

    assert_int_equal(relevance_model_info(model, &info), RELEVANCE_OK);
    for (size_t i = 0; i < 9; i++) {
        const char *query = texts[i % 4],
                   *product = i == 8 ? long_text : texts[(i + 1 + i / 4) % 4];
        pairs[i].query.data = query;
        pairs[i].query.len = strlen(query);
        pairs[i].product.data = product;
        pairs[i].product.len = i == 8 ? LONG_LEN : strlen(product);
        products[i] = pairs[i].product;
        assert_int_equal(
            relevance_tokenize(ctx, query, strlen(query), product, products[i].len, &tokens),
            RELEVANCE_OK);
        assert_int_equal(relevance_encode(ctx, query, strlen(query), i % 2 ? product : NULL,
                                          i % 2 ? products[i].len : 0, hidden, hidden_cap,
                                          &token_n),
                         RELEVANCE_OK);
        if (info.label_n == 0)
            continue;
        assert_int_equal(
            relevance_classify(ctx, query, strlen(query), product, products[i].len, &results[0]),
            RELEVANCE_OK);
        assert_int_equal(relevance_classify_tokens(ctx, tokens.ids, tokens.n, &results[0]),
                         RELEVANCE_OK);
    }
    if (info.label_n > 0) {
        assert_int_equal(relevance_classify_batch(ctx, pairs, 9, results), RELEVANCE_OK);
        assert_int_equal(relevance_rank(ctx, texts[0], strlen(texts[0]), products, 9, ranked),
                         RELEVANCE_OK);
    }
    if (info.token_label_n > 0)
        use_labels(&info, ctx, catalog, products, 9);
    assert_int_equal(relevance_context_profile(ctx, ticks, 1), RELEVANCE_OK);
}

static void test_wrapper_counts(void **state)
{
    (void)state;
    unsigned long before = atomic_load(&wrapped_n);
    void *volatile memory = malloc(1);
    free(memory);
    assert_int_equal(atomic_load(&wrapped_n), before + 2);
}

static void test_calls_allocate_nothing(void **state)
{
    (void)state;
    static const char shop[] = "Running Shoe\tshoes|zapatilla\nLip Balm\n";
    relevance_catalog *catalog = NULL;
    char *long_text = malloc(LONG_LEN);
    assert_non_null(long_text);
    assert_int_equal(relevance_catalog_open_memory(shop, sizeof shop - 1, NULL, &catalog, NULL),
                     RELEVANCE_OK);
    for (size_t i = 0; i < LONG_LEN; i++)
        long_text[i] = "shoe, rojo 42 "[i % 14];

    for (int m = 0; m < model_n; m++)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            struct counter counter = {0};
            struct relevance_allocator allocator = {counting_alloc, counting_free, &counter};
            struct relevance_info info = {.size = sizeof info};
            struct relevance_error error;
            relevance_model *model = NULL;
            relevance_context *ctx = NULL;

            assert_int_equal(open_with(models[m], 0, &allocator, &model, &error), RELEVANCE_OK);
            assert_int_equal(context_with(model, threads, &allocator, &ctx, &error), RELEVANCE_OK);
            assert_true(counter.live > 0);
            assert_int_equal(relevance_model_info(model, &info), RELEVANCE_OK);
            size_t hidden_cap = (size_t)info.max_tokens * info.hidden_size;
            float *hidden = malloc(hidden_cap * sizeof *hidden);
            int32_t *ids = malloc(info.max_tokens * sizeof *ids);
            assert_non_null(hidden);
            assert_non_null(ids);

            unsigned long wrapped = atomic_load(&wrapped_n), calls = counter.calls;
            use_everything(model, ctx, catalog, long_text, hidden, hidden_cap, ids, info.max_tokens);
            assert_int_equal(atomic_load(&wrapped_n), wrapped);
            assert_int_equal(counter.calls, calls);

            free(hidden);
            free(ids);
            relevance_context_destroy(ctx);
            relevance_close(model);
            assert_int_equal(counter.live, 0);
            assert_int_equal(counter.live_len, 0);
            assert_false(counter.bad_align);
        }
    relevance_catalog_close(catalog);
    free(long_text);
}

/* Each allocation of open and of create fails in turn: the right status, a message, nothing kept,
 * and outputs as they were. */
static void test_failing_allocations(void **state)
{
    (void)state;
    for (int m = 0; m < model_n; m++)
        for (uint32_t flags = 0; flags <= RELEVANCE_OPEN_COPY; flags += RELEVANCE_OPEN_COPY) {
            unsigned failures = 0;
            for (unsigned long fail_at = 1;; fail_at++) {
                struct counter counter = {.fail_at = fail_at};
                struct relevance_allocator allocator = {counting_alloc, counting_free, &counter};
                struct relevance_error error = {RELEVANCE_OK, 0, ""};
                relevance_model *model = NULL;
                relevance_context *ctx = NULL;
                enum relevance_status status;

                status = open_with(models[m], flags | RELEVANCE_OPEN_SKIP_CHECKSUM, &allocator,
                                   &model, &error);
                if (status != RELEVANCE_OK)
                    assert_null(model);
                else
                    status = context_with(model, 2, &allocator, &ctx, &error);
                if (status != RELEVANCE_OK) {
                    failures++;
                    assert_int_equal(status, RELEVANCE_NO_MEMORY);
                    assert_int_equal(error.status, RELEVANCE_NO_MEMORY);
                    assert_true(error.message[0] != '\0');
                    assert_null(ctx);
                }
                relevance_context_destroy(ctx);
                relevance_close(model);
                assert_int_equal(counter.live, 0);
                assert_int_equal(counter.live_len, 0);
                if (status == RELEVANCE_OK)
                    break;
            }
            assert_true(failures >= 2); /* at the very least the model and the context */
        }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrapper_counts),
        cmocka_unit_test(test_calls_allocate_nothing),
        cmocka_unit_test(test_failing_allocations),
    };
    if (argc > 1) {
        models = argv + 1;
        model_n = argc - 1;
    }
    return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
