/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api.c - the public calls at the edges of what they promise: every argument that is refused,
 * outputs that stay untouched, and texts of every kind.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <relevance.h>

#include "support/counting.h"
#include "support/damage.h"
#include "support/micro.h"
#include "support/random.h"
#include "support/tiny.h"

/* ---- support ---- */

struct opened {
    uint8_t *file;
    size_t len;
    relevance_model *model;
};

static struct opened open_micro(const char *name)
{
    struct opened o = {NULL, 0, NULL};
    struct relevance_error error;
    o.file = micro_build(micro_find(name), &o.len);
    if (relevance_open_memory(o.file, o.len, NULL, &o.model, &error) != RELEVANCE_OK)
        fail_msg("%s: %s", name, error.message);
    return o;
}

static void close_micro(struct opened *o)
{
    relevance_close(o->model);
    free(o->file);
}

static relevance_context *context(const relevance_model *model, uint32_t max_tokens,
                                  enum relevance_special_tokens special)
{
    struct relevance_context_options o = {
        .size = sizeof o, .max_tokens = max_tokens, .special_tokens = special};
    return tiny_context(model, &o);
}

/* Fill with a pattern before a call that must fail, and look at it afterwards. */
static void paint(void *p, size_t len) { memset(p, 0x5c, len); }

static void expect_paint(const void *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (((const uint8_t *)p)[i] != 0x5c)
            fail_msg("an output was written at byte %zu", i);
}

/* ---- arguments ---- */

static void open_checks_its_arguments(void **state)
{
    struct opened m = open_micro("bert-q3-bare");
    struct counting memory;
    struct relevance_allocator half;
    struct relevance_open_options o = {.size = sizeof o};
    struct relevance_error error = {.message = ""};
    relevance_model *model = NULL, *untouched = (void *)&o;
    (void)state;
    assert_int_equal(relevance_open(NULL, NULL, &model, &error), RELEVANCE_BAD_ARGUMENT);
    assert_true(error.status == RELEVANCE_BAD_ARGUMENT && error.message[0] != '\0');
    assert_int_equal(relevance_open("x", NULL, NULL, &error), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_open("x", NULL, NULL, NULL), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_open_memory(NULL, 100, NULL, &model, &error),
                     RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_open_memory(m.file, m.len, NULL, NULL, &error),
                     RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_open_memory(m.file, 0, NULL, &untouched, &error),
                     RELEVANCE_BAD_MODEL);
    assert_ptr_equal(untouched, &o);
    for (uint32_t bit = 2; bit < 32; bit++) {
        o.flags = 1u << bit;
        assert_int_equal(relevance_open_memory(m.file, m.len, &o, &untouched, &error),
                         RELEVANCE_BAD_ARGUMENT);
    }
    o.flags = 0;
    counting_init(&memory);
    half = memory.allocator;
    o.allocator = &half;
    half.free = NULL;
    assert_int_equal(relevance_open_memory(m.file, m.len, &o, &untouched, &error),
                     RELEVANCE_BAD_ARGUMENT);
    half = memory.allocator;
    half.alloc = NULL;
    assert_int_equal(relevance_open_memory(m.file, m.len, &o, &untouched, &error),
                     RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(memory.calls, 0);
    assert_ptr_equal(untouched, &o);
    relevance_close(NULL);
    close_micro(&m);
}

/* An older caller's options are shorter: what it does not know is the default.  A newer one's are
 * longer: what the library does not know is not read. */
static void options_of_other_sizes(void **state)
{
    struct {
        struct relevance_open_options known;
        uint64_t unknown[4];
    } longer = {.known = {.size = sizeof longer}, .unknown = {~0u, ~0u, ~0u, ~0u}};
    struct {
        struct relevance_context_options known;
        uint64_t unknown[4];
    } longer_context = {.known = {.size = sizeof longer_context, .max_tokens = 5},
                        .unknown = {~0u, ~0u, ~0u, ~0u}};
    struct opened m = open_micro("distilbert-q8");
    struct relevance_context_options o;
    relevance_model *model = NULL;
    relevance_context *ctx = NULL, *untouched = (void *)&o;
    struct relevance_error error;
    struct relevance_result r;
    (void)state;
    for (size_t size = 0; size <= sizeof longer; size++) {
        enum relevance_status status;
        longer.known.size = size;
        status = relevance_open_memory(m.file, m.len, &longer.known, &model, &error);
        assert_int_equal(status == RELEVANCE_OK,
                         size >= offsetof(struct relevance_open_options, allocator));
        if (status == RELEVANCE_OK)
            relevance_close(model);
        else
            assert_int_equal(status, RELEVANCE_BAD_ARGUMENT);
    }
    assert_int_equal(relevance_context_create(m.model, &longer_context.known, &ctx, &error),
                     RELEVANCE_OK);
    assert_int_equal(relevance_classify(ctx, "a a a a", 7, "red red red", 11, &r), RELEVANCE_OK);
    assert_int_equal(r.tokens, 5);
    relevance_context_destroy(ctx);
    /* Cut before 'isa', a pattern that would be refused in every later field is not seen. */
    memset(&o, 0xff, sizeof o);
    o.threads = o.max_tokens = o.max_batch_tokens = 0;
    o.size = offsetof(struct relevance_context_options, isa);
    assert_int_equal(relevance_context_create(m.model, &o, &ctx, &error), RELEVANCE_OK);
    relevance_context_destroy(ctx);
    for (size_t size = 0; size < offsetof(struct relevance_context_options, max_tokens); size++) {
        o.size = size;
        assert_int_equal(relevance_context_create(m.model, &o, &untouched, &error),
                         RELEVANCE_BAD_ARGUMENT);
    }
    assert_ptr_equal(untouched, &o);
    close_micro(&m);
}

static void expect_no_context(const relevance_model *model, struct relevance_context_options o,
                              enum relevance_status wanted)
{
    struct counting memory;
    struct relevance_error error = {.message = ""};
    relevance_context *ctx = (void *)&o;
    counting_init(&memory);
    if (o.allocator == NULL)
        o.allocator = &memory.allocator;
    o.size = sizeof o;
    assert_int_equal(relevance_context_create(model, &o, &ctx, &error), wanted);
    assert_int_equal(error.status, wanted);
    assert_true(error.message[0] != '\0');
    assert_ptr_equal(ctx, &o);
    assert_int_equal(relevance_context_create(model, &o, &ctx, NULL), wanted);
    assert_int_equal(memory.live, 0);
}

static void create_checks_its_options(void **state)
{
    struct opened m = open_micro("distilbert-q8"); /* reads at most 12 tokens */
    const struct relevance_allocator none = {NULL, NULL, NULL};
    relevance_context *ctx = NULL;
    (void)state;
    assert_int_equal(relevance_context_create(NULL, NULL, &ctx, NULL), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_context_create(m.model, NULL, NULL, NULL), RELEVANCE_BAD_ARGUMENT);
    assert_null(ctx);
#define REFUSED(...)                                                                               \
    expect_no_context(m.model, (struct relevance_context_options){__VA_ARGS__},                    \
                      RELEVANCE_BAD_ARGUMENT)
    REFUSED(.threads = 65);
    REFUSED(.threads = UINT32_MAX);
    REFUSED(.max_tokens = 1);
    REFUSED(.max_tokens = 3);
    REFUSED(.max_tokens = 13);
    REFUSED(.max_tokens = UINT32_MAX);
    REFUSED(.max_batch_tokens = (1u << 18) + 1);
    REFUSED(.max_batch_tokens = UINT32_MAX);
    REFUSED(.special_tokens = (enum relevance_special_tokens)2);
    REFUSED(.special_tokens = (enum relevance_special_tokens)-1);
    REFUSED(.f32_gemm = (enum relevance_f32_gemm)3);
    REFUSED(.f32_gemm = (enum relevance_f32_gemm)-1);
    REFUSED(.allocator = &none);
#undef REFUSED
    for (int isa = -1; isa < 20; isa++)
        if (!relevance_isa_supported((enum relevance_isa)isa))
            expect_no_context(
                m.model, (struct relevance_context_options){.isa = (enum relevance_isa)isa},
                RELEVANCE_NO_ISA);
    relevance_context_destroy(NULL);
    close_micro(&m);
}

/* ---- priors ---- */

static struct relevance_result with_priors(const relevance_model *model, const float *priors,
                                           size_t size)
{
    struct relevance_context_options o = {.size = size, .priors = priors, .prior_n = 2};
    struct relevance_result r;
    relevance_context *ctx = tiny_context(model, &o);
    assert_int_equal(relevance_classify(ctx, "red shoe", 8, "a run", 5, &r), RELEVANCE_OK);
    relevance_context_destroy(ctx);
    return r;
}

/* The odds of a label follow its share, whatever the sum of the shares; the logits do not change. */
static void priors_correct_the_odds(void **state)
{
    struct opened m = open_micro("bert-q4-groups"); /* two labels, calibrated for 1/3 and 2/3 */
    const size_t size = sizeof(struct relevance_context_options);
    const struct relevance_result plain = with_priors(m.model, NULL, size);
    const float own[2] = {1.0f, 2.0f}, zero[2] = {0.0f, 3e-30f};
    struct relevance_result r = with_priors(m.model, own, size);
    double odds = exp((double)plain.logits[0] - (double)plain.logits[1]);
    (void)state;
    assert_true(fabsf(r.probabilities[0] - plain.probabilities[0]) < 1e-6f);
    for (int i = -120; i <= 120; i += 7) { /* the share of label 0 from 2^-120 to almost 1 */
        const float priors[2] = {(float)ldexp(1.0, i), 1.0f};
        double want = 1.0 / (1.0 + 1.0 / (odds * ldexp(1.0, i) * 2.0));
        r = with_priors(m.model, priors, size);
        assert_memory_equal(r.logits, plain.logits, sizeof r.logits);
        if (fabs((double)r.probabilities[0] - want) > 3e-6)
            fail_msg("prior 2^%d: probability %g, expected %g", i, (double)r.probabilities[0],
                     want);
        assert_int_equal(r.label, want > 0.5 ? 0 : 1);
    }
    for (int i = -40; i <= 40; i++) { /* finely, where the probability is neither 0 nor 1 */
        const float priors[2] = {(float)exp2(i / 9.0), 1.0f};
        double want = 1.0 / (1.0 + 1.0 / (odds * (double)priors[0] * 2.0));
        r = with_priors(m.model, priors, size);
        if (fabs((double)r.probabilities[0] - want) > 3e-7)
            fail_msg("prior 2^(%d/9): probability %.9f, expected %.9f", i,
                     (double)r.probabilities[0], want);
    }
    r = with_priors(m.model, zero, size);
    assert_true(r.label == 1 && r.probabilities[0] == 0.0f && r.probabilities[1] == 1.0f);
    /* A caller from before there were priors. */
    r = with_priors(m.model, zero, offsetof(struct relevance_context_options, priors));
    assert_memory_equal(&r, &plain, sizeof r);
    close_micro(&m);
}

static void priors_are_checked(void **state)
{
    struct opened m = open_micro("bert-q4-groups"), none = open_micro("distilbert-q8");
    const float good[4] = {1.0f, 1.0f, 1.0f, 1.0f};
    (void)state;
#define REFUSED(n, ...)                                                                                expect_no_context(m.model,                                                                                           (struct relevance_context_options){.priors = (const float[]){__VA_ARGS__},                                                            .prior_n = n},                                                  RELEVANCE_BAD_ARGUMENT)
    REFUSED(0, 0.5f, 0.5f);
    REFUSED(1, 0.5f, 0.5f);
    REFUSED(3, 0.5f, 0.5f, 0.5f);
    REFUSED(2, 0.0f, 0.0f);
    REFUSED(2, -0.5f, 0.5f);
    REFUSED(2, NAN, 0.5f);
    REFUSED(2, INFINITY, 0.5f);
#undef REFUSED
    expect_no_context(none.model,
                      (struct relevance_context_options){.priors = good, .prior_n = 4},
                      RELEVANCE_BAD_ARGUMENT);
    close_micro(&m);
    close_micro(&none);
}

#define INVALID(call) assert_int_equal((call), RELEVANCE_BAD_ARGUMENT)

static void classify_checks_its_arguments(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    struct relevance_result r[2];
    struct relevance_pair pairs[2] = {{{"a", 1}, {"a", 1}}, {{"a", 1}, {NULL, 1}}};
    int32_t ids[13] = {MICRO_CLS, MICRO_SHOE, MICRO_SEP};
    (void)state;
    paint(r, sizeof r);
    INVALID(relevance_classify(NULL, "a", 1, "a", 1, r));
    INVALID(relevance_classify(ctx, NULL, 1, "a", 1, r));
    INVALID(relevance_classify(ctx, "a", 1, NULL, 1, r));
    INVALID(relevance_classify(ctx, "a", 1, "a", 1, NULL));
    INVALID(relevance_classify_batch(NULL, pairs, 1, r));
    INVALID(relevance_classify_batch(ctx, NULL, 1, r));
    INVALID(relevance_classify_batch(ctx, pairs, 1, NULL));
    INVALID(relevance_classify_batch(ctx, pairs, 2, r)); /* the second pair: none is computed */
    pairs[1] = (struct relevance_pair){{NULL, 1}, {"a", 1}};
    INVALID(relevance_classify_batch(ctx, pairs, 2, r));
    INVALID(relevance_classify_tokens(NULL, ids, 3, r));
    INVALID(relevance_classify_tokens(ctx, NULL, 3, r));
    INVALID(relevance_classify_tokens(ctx, ids, 3, NULL));
    INVALID(relevance_classify_tokens(ctx, ids, 0, r));
    INVALID(relevance_classify_tokens(ctx, ids, 13, r));
    ids[1] = -1;
    INVALID(relevance_classify_tokens(ctx, ids, 3, r));
    ids[1] = MICRO_TOKEN_N;
    INVALID(relevance_classify_tokens(ctx, ids, 3, r));
    ids[1] = INT32_MIN;
    INVALID(relevance_classify_tokens(ctx, ids, 3, r));
    expect_paint(r, sizeof r);
    assert_int_equal(relevance_classify_batch(ctx, NULL, 0, NULL), RELEVANCE_OK);
    ids[1] = MICRO_TOKEN_N - 1;
    assert_int_equal(relevance_classify_tokens(ctx, ids, 1, r), RELEVANCE_OK);
    assert_int_equal(relevance_classify_tokens(ctx, ids, 12, r), RELEVANCE_OK);
    assert_int_equal(r[0].tokens, 12);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* A pair may have more tokens than a batch: it is computed by itself, first, last or between others. */
static void sequences_longer_than_a_batch(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    struct relevance_context_options o = {.size = sizeof o, .max_batch_tokens = 6};
    relevance_context *ctx = tiny_context(m.model, &o), *plain = tiny_context(m.model, NULL);
    static const char *const products[] = {"a red shoe a red shoe", "a", "red", "a red shoe a red",
                                           "shoe", "a red shoe run a run"};
    enum { N = sizeof products / sizeof *products };
    struct relevance_pair pairs[N];
    struct relevance_text texts[N];
    struct relevance_result alone[N], batch[N];
    struct relevance_ranked ranked[N];
    uint32_t longest = 0;
    (void)state;
    memset(alone, 0, sizeof alone);
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < N; i++) {
        texts[i] = (struct relevance_text){products[i], strlen(products[i])};
        pairs[i] = (struct relevance_pair){{"run", 3}, texts[i]};
        assert_int_equal(
            relevance_classify(plain, "run", 3, texts[i].data, texts[i].len, &alone[i]),
            RELEVANCE_OK);
        longest = alone[i].tokens > longest ? alone[i].tokens : longest;
    }
    assert_true(longest > o.max_batch_tokens && alone[1].tokens < o.max_batch_tokens);
    assert_int_equal(relevance_classify_batch(ctx, pairs, N, batch), RELEVANCE_OK);
    assert_memory_equal(batch, alone, sizeof alone);
    assert_int_equal(relevance_rank(ctx, "run", 3, texts, N, ranked), RELEVANCE_OK);
    for (int i = 0; i < N; i++)
        assert_memory_equal(ranked[i].result.logits, alone[ranked[i].index].logits,
                            sizeof alone[i].logits);
    relevance_context_destroy(plain);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static void rank_checks_its_arguments(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    const struct relevance_text products[] = {{"a", 1}, {NULL, 0}, {NULL, 2}};
    struct relevance_ranked ranked[3];
    (void)state;
    paint(ranked, sizeof ranked);
    INVALID(relevance_rank(NULL, "a", 1, products, 1, ranked));
    INVALID(relevance_rank(ctx, NULL, 1, products, 1, ranked));
    INVALID(relevance_rank(ctx, "a", 1, NULL, 1, ranked));
    INVALID(relevance_rank(ctx, "a", 1, products, 1, NULL));
    INVALID(relevance_rank(ctx, "a", 1, products, 3, ranked));
    if (sizeof(size_t) > 4)
        INVALID(relevance_rank(ctx, "a", 1, products, (size_t)UINT32_MAX + 1, ranked));
    expect_paint(ranked, sizeof ranked);
    assert_int_equal(relevance_rank(ctx, "a", 1, products, 2, ranked), RELEVANCE_OK);
    assert_int_equal(ranked[0].index + ranked[1].index, 1);
    expect_paint(&ranked[2], sizeof ranked[2]);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static void tokenize_and_encode_check_their_arguments(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    int32_t ids[16];
    float hidden[16 * 8];
    struct relevance_tokens t = {.ids = NULL, .cap = 16, .n = 77, .truncated = 88};
    size_t n = 77;
    (void)state;
    paint(hidden, sizeof hidden);
    INVALID(relevance_tokenize(ctx, "a", 1, NULL, 0, &t));
    t.ids = ids;
    INVALID(relevance_tokenize(NULL, "a", 1, NULL, 0, &t));
    INVALID(relevance_tokenize(ctx, NULL, 1, NULL, 0, &t));
    INVALID(relevance_tokenize(ctx, "a", 1, NULL, 1, &t));
    INVALID(relevance_tokenize(ctx, "a", 1, NULL, 0, NULL));
    assert_true(t.n == 77 && t.truncated == 88);
    INVALID(relevance_encode(NULL, "a", 1, NULL, 0, hidden, 128, &n));
    INVALID(relevance_encode(ctx, NULL, 1, NULL, 0, hidden, 128, &n));
    INVALID(relevance_encode(ctx, "a", 1, NULL, 1, hidden, 128, &n));
    INVALID(relevance_encode(ctx, "a", 1, NULL, 0, NULL, 128, &n));
    INVALID(relevance_encode(ctx, "a", 1, NULL, 0, hidden, 128, NULL));
    assert_int_equal(n, 77);
    expect_paint(hidden, sizeof hidden);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static void names_and_info_check_their_arguments(void **state)
{
    struct opened m = open_micro("bert-q5-both");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    struct relevance_info info, whole = {.size = sizeof whole};
    uint64_t ticks[RELEVANCE_PART_N];
    (void)state;
    INVALID(relevance_model_info(NULL, &info));
    INVALID(relevance_model_info(m.model, NULL));
    assert_int_equal(relevance_model_info(m.model, &whole), RELEVANCE_OK);
    assert_string_equal(whole.architecture, "bert");
    assert_string_equal(whole.weights, "q5");
    assert_ptr_equal(strstr(whole.metadata, "name=micro\nsource="), whole.metadata);
    assert_int_equal(whole.file_len, m.len);
    assert_true(whole.vocab_n == MICRO_TOKEN_N && whole.label_n == 2 && whole.token_label_n == 3);
    assert_true(whole.hidden_size == 8 && whole.layer_n == 1 && whole.head_n == 1 &&
                whole.intermediate_size == 8 && whole.max_tokens == 10);
    /* A caller of any older version gets as much as it knows, and no byte more. */
    for (size_t size = 0; size <= sizeof info + 8; size++) {
        paint(&info, sizeof info);
        info.size = size;
        if (size < sizeof info.size || size > sizeof info) {
            INVALID(relevance_model_info(m.model, &info));
            expect_paint((char *)&info + sizeof info.size, sizeof info - sizeof info.size);
            continue;
        }
        assert_int_equal(relevance_model_info(m.model, &info), RELEVANCE_OK);
        assert_int_equal(info.size, size);
        assert_memory_equal((char *)&info + sizeof info.size, (char *)&whole + sizeof info.size,
                            size - sizeof info.size);
        expect_paint((char *)&info + size, sizeof info - size);
    }
    for (uint32_t i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "label %u", i);
        assert_string_equal(relevance_label(m.model, i), name);
    }
    assert_null(relevance_label(m.model, 2));
    assert_null(relevance_label(m.model, UINT32_MAX));
    assert_null(relevance_label(NULL, 0));
    assert_string_equal(relevance_token_label(m.model, 2), "I-QUANTITY");
    assert_null(relevance_token_label(m.model, 3));
    assert_null(relevance_token_label(NULL, 0));
    assert_null(relevance_token(NULL, 0).data);
    assert_null(relevance_token(m.model, -1).data);
    assert_null(relevance_token(m.model, MICRO_TOKEN_N).data);
    assert_null(relevance_token(m.model, INT32_MAX).data);
    assert_memory_equal(relevance_token(m.model, MICRO_NING).data, "##ning", 6);
    assert_int_equal(relevance_token(m.model, MICRO_NING).len, 6);
    INVALID(relevance_context_profile(NULL, ticks, 0));
    INVALID(relevance_context_profile(ctx, NULL, 0));
    assert_int_equal(relevance_context_profile(ctx, ticks, 0), RELEVANCE_OK);
    for (int i = 0; i < RELEVANCE_PART_N; i++)
        assert_int_equal(ticks[i], 0);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static uint64_t counter_clock(void)
{
    static uint64_t now;
    return ++now;
}

static void names_of_values(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    struct relevance_context_options o = {.size = sizeof o, .clock = counter_clock};
    relevance_context *ctx;
    struct relevance_result r;
    uint64_t ticks[RELEVANCE_PART_N], again[RELEVANCE_PART_N];
    (void)state;
    assert_string_equal(relevance_version(), "0.1.0");
    for (int i = RELEVANCE_OK; i <= RELEVANCE_BAD_CATALOG; i++)
        for (int j = RELEVANCE_OK; j < i; j++)
            assert_string_not_equal(relevance_status_name((enum relevance_status)i),
                                    relevance_status_name((enum relevance_status)j));
    assert_string_equal(relevance_status_name((enum relevance_status)99), "unknown status");
    assert_string_equal(relevance_status_name((enum relevance_status)-1), "unknown status");
    assert_string_equal(relevance_isa_name(RELEVANCE_ISA_SCALAR), "scalar");
    assert_string_equal(relevance_isa_name(RELEVANCE_ISA_NEONI8MM), "neoni8mm");
    assert_string_equal(relevance_isa_name(RELEVANCE_ISA_AMX), "amx");
    assert_null(relevance_isa_name((enum relevance_isa)9));
    assert_null(relevance_isa_name((enum relevance_isa)-1));
    assert_true(relevance_isa_supported(RELEVANCE_ISA_AUTO));
    assert_true(relevance_isa_supported(RELEVANCE_ISA_SCALAR));
    assert_false(relevance_isa_supported((enum relevance_isa)9));
    assert_false(relevance_isa_supported((enum relevance_isa)-1));
    assert_int_equal(relevance_context_isa(NULL), RELEVANCE_ISA_AUTO);
    /* The profile: only where there is a clock, until it is reset. */
    ctx = tiny_context(m.model, &o);
    assert_int_not_equal(relevance_context_isa(ctx), RELEVANCE_ISA_AUTO);
    assert_int_equal(relevance_classify(ctx, "a", 1, "red", 3, &r), RELEVANCE_OK);
    assert_int_equal(relevance_context_profile(ctx, ticks, 1), RELEVANCE_OK);
    assert_int_equal(relevance_context_profile(ctx, again, 0), RELEVANCE_OK);
    for (int i = 0; i < RELEVANCE_PART_N; i++) {
        assert_true(ticks[i] > 0);
        assert_int_equal(again[i], 0);
    }
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* ---- labels ---- */

/* Where all logits are the same, the first label is the most probable one. */
static void ties_go_to_the_first_label(void **state)
{
    struct opened m = {NULL, 0, NULL};
    const struct rlv_section *s;
    struct relevance_result r;
    relevance_context *ctx;
    (void)state;
    m.file = micro_build(micro_find("distilbert-q8"), &m.len);
    s = (const void *)(m.file + sizeof(struct rlv_file_header));
    while (s->kind != RLV_SECTION_TENSORS)
        s++;
    for (uint64_t at = s->offset; at < s->offset + s->len; at += sizeof(struct rlv_tensor)) {
        const struct rlv_tensor *t = (const void *)(m.file + at);
        if (t->part == RLV_PART_CLASSIFIER)
            memset(m.file + s[1].offset + t->offset, 0, (size_t)t->len);
    }
    damage_repair(m.file, m.len);
    assert_int_equal(relevance_open_memory(m.file, m.len, NULL, &m.model, NULL), RELEVANCE_OK);
    ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    assert_int_equal(relevance_classify(ctx, "red", 3, "shoe", 4, &r), RELEVANCE_OK);
    assert_int_equal(r.label, 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(r.probabilities[i] == 0.25f && r.logits[i] == 0.0f);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* The same pair as text and as ids: token types (BERT) change after the first [SEP]. */
static void ids_give_what_text_gives(void **state)
{
    static const char *const names[] = {"distilbert-q8", "bert-q5-both", "bert-q4-groups"};
    const int32_t ids[] = {MICRO_CLS, MICRO_RED, MICRO_SEP, MICRO_SHOE, MICRO_S, MICRO_SEP};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct opened m = open_micro(names[i]);
        relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
        struct relevance_result text, tokens;
        assert_int_equal(relevance_classify(ctx, "red", 3, "shoes", 5, &text), RELEVANCE_OK);
        assert_int_equal(relevance_classify_tokens(ctx, ids, 6, &tokens), RELEVANCE_OK);
        assert_memory_equal(&text, &tokens, sizeof text);
        relevance_context_destroy(ctx);
        close_micro(&m);
    }
}

/* Equal products keep the caller's order. */
static void equal_scores_keep_their_order(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    struct relevance_text products[30];
    struct relevance_ranked ranked[30];
    (void)state;
    for (size_t i = 0; i < 30; i++)
        products[i] = (struct relevance_text){i % 3 ? "red shoe" : "a run", i % 3 ? 8 : 5};
    assert_int_equal(relevance_rank(ctx, "shoes", 5, products, 30, ranked), RELEVANCE_OK);
    for (size_t i = 1; i < 30; i++)
        assert_true(ranked[i - 1].score > ranked[i].score ||
                    (ranked[i - 1].score == ranked[i].score &&
                     ranked[i - 1].index < ranked[i].index));
    assert_true(ranked[0].score > ranked[29].score);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* ---- heads ---- */

static void models_without_a_head(void **state)
{
    static const char *const names[] = {"bert-q3-bare", "distilbert-q6"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct opened m = open_micro(names[i]);
        relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
        const struct relevance_pair pair = {{"a", 1}, {"a", 1}};
        const struct relevance_text product = {"a", 1};
        struct relevance_result r;
        struct relevance_ranked ranked;
        const int32_t id = MICRO_CLS;
        float hidden[10 * 8];
        size_t n = 0;
        paint(&r, sizeof r);
        paint(&ranked, sizeof ranked);
        assert_int_equal(relevance_classify(ctx, "a", 1, "a", 1, &r), RELEVANCE_NO_HEAD);
        assert_int_equal(relevance_classify_batch(ctx, &pair, 1, &r), RELEVANCE_NO_HEAD);
        assert_int_equal(relevance_classify_tokens(ctx, &id, 1, &r), RELEVANCE_NO_HEAD);
        assert_int_equal(relevance_rank(ctx, "a", 1, &product, 1, &ranked), RELEVANCE_NO_HEAD);
        expect_paint(&r, sizeof r);
        expect_paint(&ranked, sizeof ranked);
        assert_null(relevance_label(m.model, 0));
        assert_int_equal(relevance_encode(ctx, "a", 1, NULL, 0, hidden, 80, &n), RELEVANCE_OK);
        assert_int_equal(n, 3);
        relevance_context_destroy(ctx);
        close_micro(&m);
    }
}

/* ---- buffers that are too small ---- */

static void needed_sizes_are_reported(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    float hidden[7 * 8];
    int32_t ids[7];
    (void)state;
    for (size_t cap = 0; cap <= 7; cap++) {
        struct relevance_tokens t = {.ids = cap ? ids : NULL, .cap = cap, .n = 77, .truncated = 88};
        size_t n = 77;
        paint(ids, sizeof ids);
        paint(hidden, sizeof hidden);
        /* [CLS] a shoe ##s [SEP] red [SEP] */
        if (cap < 7) {
            assert_int_equal(relevance_tokenize(ctx, "a shoes", 7, "red", 3, &t),
                             RELEVANCE_NO_SPACE);
            assert_int_equal(t.truncated, 88);
            expect_paint(ids, sizeof ids);
            assert_int_equal(relevance_encode(ctx, "a shoes", 7, "red", 3, cap ? hidden : NULL,
                                              cap * 8, &n),
                             RELEVANCE_NO_SPACE);
            expect_paint(hidden, sizeof hidden);
        } else {
            assert_int_equal(relevance_tokenize(ctx, "a shoes", 7, "red", 3, &t), RELEVANCE_OK);
            assert_int_equal(t.truncated, 0);
            assert_int_equal(
                relevance_encode(ctx, "a shoes", 7, "red", 3, hidden, 7 * 8 - 1, &n),
                RELEVANCE_NO_SPACE);
            expect_paint(hidden, sizeof hidden);
            assert_int_equal(relevance_encode(ctx, "a shoes", 7, "red", 3, hidden, 7 * 8, &n),
                             RELEVANCE_OK);
        }
        assert_int_equal(t.n, 7);
        assert_int_equal(n, 7);
    }
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* ---- texts ---- */

/* The ids of a pair, or of a single text where 'product' is NULL. */
static void expect_ids(relevance_context *ctx, const char *query, const char *product,
                       uint32_t truncated, const int32_t *wanted, size_t wanted_n)
{
    int32_t ids[64];
    struct relevance_tokens t = {.ids = ids, .cap = 64};
    assert_int_equal(relevance_tokenize(ctx, query, strlen(query), product,
                                        product ? strlen(product) : 0, &t),
                     RELEVANCE_OK);
    assert_int_equal(t.truncated, truncated);
    assert_int_equal(t.n, wanted_n);
    assert_memory_equal(ids, wanted, wanted_n * sizeof *ids);
}

#define IDS(...)                                                                                   \
    (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)

static void special_tokens_as_text_or_parsed(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *text = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    relevance_context *parse = context(m.model, 0, RELEVANCE_SPECIAL_PARSE);
    struct relevance_result r;
    (void)state;
    expect_ids(text, "[SEP]", NULL, 0,
               IDS(MICRO_CLS, MICRO_OPEN, MICRO_SEP_WORD, MICRO_CLOSE, MICRO_SEP));
    expect_ids(parse, "[SEP]", NULL, 0, IDS(MICRO_CLS, MICRO_SEP, MICRO_SEP));
    expect_ids(parse, "[CLS][PAD][UNK]", "[MASK]a[SEP]", 0,
               IDS(MICRO_CLS, MICRO_CLS, MICRO_PAD, MICRO_UNK, MICRO_SEP, MICRO_MASK, MICRO_A,
                   MICRO_SEP, MICRO_SEP));
    expect_ids(parse, "[sep]", "[SEP", 0,
               IDS(MICRO_CLS, MICRO_OPEN, MICRO_SEP_WORD, MICRO_CLOSE, MICRO_SEP, MICRO_OPEN,
                   MICRO_SEP_WORD, MICRO_SEP));
    /* Nothing but control tokens, and more of them than fit. */
    expect_ids(parse, "[SEP][SEP][SEP][SEP][SEP][SEP][SEP][SEP][SEP][SEP][SEP][SEP]", NULL, 2,
               IDS(MICRO_CLS, MICRO_SEP, MICRO_SEP, MICRO_SEP, MICRO_SEP, MICRO_SEP, MICRO_SEP,
                   MICRO_SEP, MICRO_SEP, MICRO_SEP, MICRO_SEP, MICRO_SEP));
    assert_int_equal(relevance_classify(parse, "[SEP][SEP]", 10, "[CLS]", 5, &r), RELEVANCE_OK);
    assert_int_equal(relevance_classify(text, "[SEP][SEP]", 10, "[CLS]", 5, &r), RELEVANCE_OK);
    relevance_context_destroy(text);
    relevance_context_destroy(parse);
    close_micro(&m);
}

static void empty_and_unknown_texts(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    struct relevance_result empty, r;
    (void)state;
    expect_ids(ctx, "", NULL, 0, IDS(MICRO_CLS, MICRO_SEP));
    expect_ids(ctx, "", "", 0, IDS(MICRO_CLS, MICRO_SEP, MICRO_SEP));
    expect_ids(ctx, " \t\r\n", "\xe2\x80\x8b", 0, IDS(MICRO_CLS, MICRO_SEP, MICRO_SEP));
    expect_ids(ctx, "xyzzy \xf0\x9f\x91\x9f", "\xe9\x9d\xb4", 0,
               IDS(MICRO_CLS, MICRO_UNK, MICRO_UNK, MICRO_SEP, MICRO_UNK, MICRO_SEP));
    assert_int_equal(relevance_classify(ctx, NULL, 0, NULL, 0, &empty), RELEVANCE_OK);
    assert_int_equal(empty.tokens, 3);
    assert_int_equal(relevance_classify(ctx, "", 0, " ", 1, &r), RELEVANCE_OK);
    assert_memory_equal(&r, &empty, sizeof r);
    assert_int_equal(relevance_classify(ctx, "red", 3, NULL, 0, &r), RELEVANCE_OK);
    assert_true(r.tokens == 4 && memcmp(r.logits, empty.logits, sizeof r.logits) != 0);
    assert_int_equal(relevance_classify(ctx, NULL, 0, "red", 3, &r), RELEVANCE_OK);
    assert_int_equal(r.tokens, 4);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* The counts of a pair add up, for every length of both and every limit. */
static void truncation_is_counted(void **state)
{
    struct opened m = open_micro("bert-f16"); /* 16 tokens */
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "a "[i % 2];
    for (uint32_t limit = 4; limit <= 16; limit++) {
        relevance_context *ctx = context(m.model, limit, RELEVANCE_SPECIAL_AS_TEXT);
        for (size_t a = 0; a <= 20; a++)
            for (size_t b = 0; b <= 20; b++) {
                int32_t ids[16];
                struct relevance_tokens t = {.ids = ids, .cap = 16};
                size_t first = 1, m3 = limit - 3, shorter = a < b ? a : b, kept_a, single;
                assert_int_equal(relevance_tokenize(ctx, text, 2 * a, text, 2 * b, &t),
                                 RELEVANCE_OK);
                assert_int_equal(t.n, a + b <= m3 ? a + b + 3 : limit);
                assert_int_equal(t.truncated, a + b + 3 - t.n);
                while (ids[first] != MICRO_SEP)
                    first++;
                kept_a = first - 1;
                shorter = a + b <= m3 || shorter < m3 / 2 ? shorter : m3 / 2;
                assert_int_equal(a <= b ? kept_a : t.n - 3 - kept_a, shorter);
                assert_true(ids[0] == MICRO_CLS && ids[t.n - 1] == MICRO_SEP);
                assert_int_equal(relevance_tokenize(ctx, text, 2 * a, NULL, 0, &t), RELEVANCE_OK);
                single = a + 2 < limit ? a + 2 : limit;
                assert_true(t.n == single && t.truncated == a + 2 - single);
            }
        relevance_context_destroy(ctx);
    }
    close_micro(&m);
}

/* Each kind of ill-formed UTF-8 counts as U+FFFD, which the tokenizer drops: "a<bad>a" is "aa". */
static void invalid_utf8_of_every_kind(void **state)
{
    static const char *const bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xe1\x80",
        "\xed\xa0\x80" /* surrogates */, "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb1\x9f" /* CESU-8 */,
        "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf1\x80\x80", "\xf4\x90\x80\x80", "\xf5", "\xf8",
        "\xfe", "\xff", "\xff\xfe", "\xef\xbf\xbd", "\xc2\xc2\xc2", "\xe2\x82", "\xf0\x9f\x91"};
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "r%sed %s sh%soe%s", bad[i], bad[i], bad[i], bad[i]);
        expect_ids(ctx, text, bad[i], 0,
                   IDS(MICRO_CLS, MICRO_RED, MICRO_SHOE, MICRO_SEP, MICRO_SEP));
    }
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static void nul_bytes_are_dropped(void **state)
{
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    struct relevance_result with, without;
    (void)state;
    assert_int_equal(relevance_classify(ctx, "\0re\0d", 5, "sh\0oe\0", 6, &with), RELEVANCE_OK);
    assert_int_equal(relevance_classify(ctx, "red", 3, "shoe", 4, &without), RELEVANCE_OK);
    assert_memory_equal(&with, &without, sizeof with);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static void many_combining_marks(void **state)
{
    static const char *const marks[] = {
        "\xcc\x81" /* U+0301: dropped */, "\xe3\x80\xae" /* U+302E: kept, reordered */,
        "\xcc\xa7" /* U+0327 */, "\xf0\x9d\x85\xa5" /* U+1D165 */};
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    char *text = malloc(10000 * 4 + 5);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t len = strlen(marks[i]);
        int kept = len > 2;
        strcpy(text, "red");
        for (size_t j = 0; j < 10000; j++)
            memcpy(text + 3 + j * len, marks[i], len + 1);
        expect_ids(ctx, text, "a", 0,
                   IDS(MICRO_CLS, kept ? MICRO_UNK : MICRO_RED, MICRO_SEP, MICRO_A, MICRO_SEP));
    }
    free(text);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* 1 MB of words, of one word, of marks, of damage: cut where it must be, in linear time. */
static void long_texts(void **state)
{
    static const char *const units[] = {"red shoes ", "a", "\xcc\x81", "\xe3\x80\xae", "\xff",
                                        "[SEP]",      " ", "\xe9\x9d\xb4", "\xc3\x89"};
    enum { LEN = 1 << 20 };
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    char *text = malloc(LEN);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct relevance_result r;
        size_t unit = strlen(units[i]), full = 0;
        double start, half_time, time;
        for (size_t j = 0; j < LEN; j++)
            text[j] = units[i][j % unit];
        full = LEN / unit * unit;
        start = seconds();
        assert_int_equal(relevance_classify(ctx, text, full / 2, "a", 1, &r), RELEVANCE_OK);
        half_time = seconds() - start;
        start = seconds();
        assert_int_equal(relevance_classify(ctx, text, full, "a", 1, &r), RELEVANCE_OK);
        time = seconds() - start;
        /* Twice the text in twice the time; the rest is the noise of a busy machine. */
        if (time > 8 * half_time + 0.2)
            fail_msg("unit %zu: %.3f s for half, %.3f s for all", i, half_time, time);
        assert_int_equal(r.tokens + r.truncated,
                         4 + (i == 0   ? full / unit * 3
                              : i == 5 ? full / unit * 3
                              : i == 7 ? full / unit
                              : i == 2 || i == 4 || i == 6 ? 0
                                                           : 1));
    }
    free(text);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* A product of 100 MB (RLV_TEST_HUGE_MB): the result of its beginning, and the rest is counted. */
static void huge_product(void **state)
{
    static const char unit[] = "red shoes ";
    const char *megabytes = getenv("RLV_TEST_HUGE_MB");
    size_t unit_len = sizeof unit - 1, unit_n;
    size_t len = (megabytes != NULL ? strtoul(megabytes, NULL, 10) : 100) * 1000000;
    struct opened m = open_micro("distilbert-q8");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_AS_TEXT);
    struct relevance_result r, small;
    char *text = malloc(len);
    (void)state;
    assert_non_null(text);
    unit_n = len / unit_len;
    for (size_t i = 0; i < unit_n; i++)
        memcpy(text + i * unit_len, unit, unit_len);
    assert_int_equal(relevance_classify(ctx, "a", 1, text, unit_n * unit_len, &r), RELEVANCE_OK);
    assert_int_equal(relevance_classify(ctx, "a", 1, text, 20 * unit_len, &small), RELEVANCE_OK);
    assert_int_equal(r.tokens, 12); /* the model's limit */
    assert_int_equal(r.truncated, 3 * unit_n - 8);
    assert_int_equal(small.truncated, 3 * 20 - 8);
    assert_memory_equal(r.logits, small.logits, sizeof r.logits);
    free(text);
    relevance_context_destroy(ctx);
    close_micro(&m);
}

/* Whatever the bytes: ids in range, the same twice, and a result that is one. */
static void random_bytes(void **state)
{
    static const char letters[] = "a[]SEPredshoe \xcc\x81\xe9\xff";
    struct opened m = open_micro("bert-q4-groups");
    relevance_context *ctx = context(m.model, 0, RELEVANCE_SPECIAL_PARSE);
    struct rng rng;
    (void)state;
    rng_seed(&rng, "test_api");
    for (int i = 0; i < 3000; i++) {
        char query[40], product[40];
        size_t query_len = rng_below(&rng, sizeof query), product_len = rng_below(&rng, 40);
        struct relevance_result r, again;
        float sum = 0.0f;
        for (size_t j = 0; j < sizeof query; j++) {
            query[j] = (char)rng_u64(&rng);
            product[j] = letters[rng_below(&rng, sizeof letters)];
        }
        assert_int_equal(relevance_classify(ctx, query, query_len, product, product_len, &r),
                         RELEVANCE_OK);
        assert_int_equal(relevance_classify(ctx, query, query_len, product, product_len, &again),
                         RELEVANCE_OK);
        assert_memory_equal(&r, &again, sizeof r);
        assert_true(r.tokens >= 3 && r.tokens <= 8 && r.label < 2);
        for (uint32_t j = 0; j < r.label_n; j++) {
            assert_true(r.probabilities[j] >= 0.0f && r.probabilities[j] <= 1.0f);
            assert_true(r.probabilities[r.label] >= r.probabilities[j]);
            sum += r.probabilities[j];
        }
        assert_true(sum > 0.99999f && sum < 1.00001f);
    }
    relevance_context_destroy(ctx);
    close_micro(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_checks_its_arguments),
        cmocka_unit_test(options_of_other_sizes),
        cmocka_unit_test(create_checks_its_options),
        cmocka_unit_test(priors_correct_the_odds),
        cmocka_unit_test(priors_are_checked),
        cmocka_unit_test(classify_checks_its_arguments),
        cmocka_unit_test(sequences_longer_than_a_batch),
        cmocka_unit_test(rank_checks_its_arguments),
        cmocka_unit_test(tokenize_and_encode_check_their_arguments),
        cmocka_unit_test(names_and_info_check_their_arguments),
        cmocka_unit_test(names_of_values),
        cmocka_unit_test(ties_go_to_the_first_label),
        cmocka_unit_test(ids_give_what_text_gives),
        cmocka_unit_test(equal_scores_keep_their_order),
        cmocka_unit_test(models_without_a_head),
        cmocka_unit_test(needed_sizes_are_reported),
        cmocka_unit_test(special_tokens_as_text_or_parsed),
        cmocka_unit_test(empty_and_unknown_texts),
        cmocka_unit_test(truncation_is_counted),
        cmocka_unit_test(invalid_utf8_of_every_kind),
        cmocka_unit_test(nul_bytes_are_dropped),
        cmocka_unit_test(many_combining_marks),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(huge_product),
        cmocka_unit_test(random_bytes),
    };
    alarm(1200);
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
