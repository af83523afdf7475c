/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One set of bits: every instruction set, batch size, thread count and a host's own pool give the
 * same results as the scalar kernels, one pair at a time; and on every machine the same ones, since
 * the hashes stand in test/golden/bits.tsv (columns: model, hash of all results).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "support/micro.h"
#include "support/tiny.h"

static const char *const models[] = {"distilbert-seq", "bert-seq"};
static const char *const weights[] = {"f32", "f16", "q8", "q7", "q6", "q5", "q4", "q3"};

#define PAIR_N 25

/* Texts of many lengths, some empty, some cut: from the words of the tiny vocabulary. */
static char texts[2 * PAIR_N][400];
static struct relevance_pair pairs[PAIR_N];

static void make_pairs(void)
{
    static const char *const words[] = {"shoe", "running", "black", "phone", "case", "non-stick",
                                        "5kg",  "é",       "steel", "oil",   "12",   "cover"};
    uint32_t random = 12345;
    for (size_t i = 0; i < 2 * PAIR_N; i++) {
        size_t used = 0;
        random = random * 1664525u + 1013904223u;
        for (uint32_t n = (random >> 16) % (i % 2 ? 40 : 7); n > 0; n--) {
            random = random * 1664525u + 1013904223u;
            used += (size_t)snprintf(texts[i] + used, sizeof texts[i] - used, "%s ",
                                     words[(random >> 16) % (sizeof words / sizeof words[0])]);
        }
        if (i % 2 == 0)
            pairs[i / 2].query = (struct relevance_text){texts[i], used};
        else
            pairs[i / 2].product = (struct relevance_text){texts[i], used};
    }
}

static void classify_in_batches(relevance_context *ctx, size_t batch,
                                struct relevance_result *results)
{
    for (size_t i = 0; i < PAIR_N; i += batch) {
        size_t n = PAIR_N - i < batch ? PAIR_N - i : batch;
        assert_int_equal(relevance_classify_batch(ctx, pairs + i, n, results + i), RELEVANCE_OK);
    }
}

static void threads_host(void *user, size_t task_n, void (*task)(void *arg, size_t i), void *arg)
{
    (void)user;
    for (size_t i = task_n; i-- > 0;)
        task(arg, i);
}

static void check_same_bits(const relevance_model *model, const char *what,
                            const struct relevance_result *expected)
{
    static struct relevance_result got[PAIR_N];
    static const size_t batches[] = {1, 7, PAIR_N};
    static const uint32_t threads[] = {1, 2, 3, 2};
    for (int isa = RELEVANCE_ISA_SCALAR; isa <= RELEVANCE_ISA_AMX; isa++) {
        if (!relevance_isa_supported((enum relevance_isa)isa))
            continue;
        for (unsigned variant = 0; variant < 4; variant++) {
            struct relevance_context_options o = {
                .size = sizeof o, .isa = (enum relevance_isa)isa, .threads = threads[variant],
                .max_batch_tokens = variant == 1 ? 64 : 0,
                .parallel_for = variant == 2 ? threads_host : NULL};
            relevance_context *ctx = tiny_context(model, &o);
            /* Every batch size with one thread; the last one, all pairs, otherwise too. */
            size_t last = sizeof batches / sizeof batches[0];
            for (size_t b = variant == 0 ? 0 : last - 1; b < last; b++) {
                memset(got, 0xee, sizeof got);
                classify_in_batches(ctx, batches[b], got);
                if (memcmp(got, expected, sizeof got) != 0)
                    fail_msg("%s: %s, %u threads, batches of %zu: other bits than scalar", what,
                             relevance_isa_name(o.isa), o.threads, batches[b]);
            }
            relevance_context_destroy(ctx);
        }
    }
}

/* Compares with the line of test/golden/bits.tsv; prints the new line where it differs. */
static int check_hash(const char *what, uint64_t hash)
{
    FILE *f = fopen("test/golden/bits.tsv", "r");
    char name[64], wanted[32], got[32];
    int found = 0;
    snprintf(got, sizeof got, "%016llx", (unsigned long long)hash);
    if (f == NULL)
        fail_msg("test/golden/bits.tsv cannot be opened; run the tests at the top of the tree");
    while (!found && fscanf(f, "%63s %31s", name, wanted) == 2)
        found = strcmp(name, what) == 0;
    fclose(f);
    if (found && strcmp(wanted, got) == 0)
        return 1;
    print_message("%s\t%s (test/golden/bits.tsv has %s)\n", what, got,
                  found ? wanted : "no such line");
    return 0;
}

static void same_bits_everywhere(void **state)
{
    static struct relevance_result expected[PAIR_N];
    /* RLV_TEST_STEP: not all weight formats, where a sanitizer makes them slow. */
    size_t every = getenv("RLV_TEST_STEP") != NULL ? 3 : 1;
    int same = 1;
    (void)state;
    make_pairs();
    for (size_t m = 0; m < 2; m++) {
        for (size_t w = 0; w < sizeof weights / sizeof weights[0]; w += every) {
            struct relevance_context_options scalar = {.size = sizeof scalar,
                                                       .isa = RELEVANCE_ISA_SCALAR};
            relevance_model *model = tiny_open(models[m], weights[w]);
            relevance_context *ctx = tiny_context(model, &scalar);
            char what[64];
            classify_in_batches(ctx, 1, expected);
            relevance_context_destroy(ctx);
            snprintf(what, sizeof what, "%s-%s", models[m], weights[w]);
            same &= check_hash(what, rlv_checksum(expected, sizeof expected));
            check_same_bits(model, what, expected);
            relevance_close(model);
        }
    }
    assert_true(same);
}

/* All rows of the last layer, of a text long enough for two threads to take rows each. */
static void check_hidden_states(unsigned dtype)
{
    enum { HIDDEN = 32, TOKENS = 160, WIDTH = TOKENS * HIDDEN };
    static float expected[WIDTH], got[WIDTH];
    struct relevance_context_options o = {.size = sizeof o, .isa = RELEVANCE_ISA_SCALAR};
    struct micro m = {.name = "long", .arch = RLV_ARCH_BERT, .dtype = dtype,
                      .table_dtype = RLV_DTYPE_F32,
                      .outlier_n = dtype == RLV_DTYPE_Q8 ? 2 : 0, .hidden = HIDDEN, .heads = 2,
                      .layers = 3, .inner = 96, .positions = TOKENS};
    size_t len;
    uint8_t *file = micro_build(&m, &len);
    relevance_model *model = NULL;
    relevance_context *ctx;
    char text[600];
    size_t rows, got_rows;
    assert_int_equal(relevance_open_memory(file, len, NULL, &model, NULL), RELEVANCE_OK);
    ctx = tiny_context(model, &o);
    for (size_t i = 0; i + 6 <= sizeof text; i += 6)
        memcpy(text + i, "shoe, ", 6);
    assert_int_equal(relevance_encode(ctx, "oil", 3, text, sizeof text, expected, WIDTH, &rows),
                     RELEVANCE_OK);
    relevance_context_destroy(ctx);
    assert_true(rows > 100);
    o.isa = RELEVANCE_ISA_AUTO;
    for (o.threads = 1; o.threads <= 3; o.threads++) {
        ctx = tiny_context(model, &o);
        memset(got, 0xee, sizeof got);
        assert_int_equal(
            relevance_encode(ctx, "oil", 3, text, sizeof text, got, WIDTH, &got_rows),
            RELEVANCE_OK);
        assert_int_equal(got_rows, rows);
        assert_memory_equal(got, expected, rows * HIDDEN * sizeof *got);
        relevance_context_destroy(ctx);
    }
    relevance_close(model);
    free(file);
}

static void same_hidden_states(void **state)
{
    (void)state;
    check_hidden_states(RLV_DTYPE_Q8);
    check_hidden_states(RLV_DTYPE_F32);
}

static void ranks_best_first(void **state)
{
    relevance_model *model = tiny_open("distilbert-seq", "q8");
    relevance_context *ctx = tiny_context(model, NULL);
    struct relevance_text products[PAIR_N];
    struct relevance_ranked ranked[PAIR_N];
    unsigned seen[PAIR_N] = {0};
    (void)state;
    make_pairs();
    for (size_t i = 0; i < PAIR_N; i++)
        products[i] = pairs[i].product;
    assert_int_equal(relevance_rank(ctx, "running shoe", 12, products, PAIR_N, ranked),
                     RELEVANCE_OK);
    for (size_t i = 0; i < PAIR_N; i++) {
        const struct relevance_text *p = &products[ranked[i].index];
        struct relevance_result alone;
        assert_int_equal(seen[ranked[i].index]++, 0);
        assert_int_equal(relevance_classify(ctx, "running shoe", 12, p->data, p->len, &alone),
                         RELEVANCE_OK);
        assert_memory_equal(&alone, &ranked[i].result, sizeof alone);
        if (i > 0)
            assert_true(ranked[i - 1].score > ranked[i].score ||
                        (ranked[i - 1].score == ranked[i].score &&
                         ranked[i - 1].index < ranked[i].index));
    }
    assert_int_equal(relevance_rank(ctx, NULL, 0, NULL, 0, NULL), RELEVANCE_OK);
    relevance_context_destroy(ctx);
    relevance_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_everywhere),
        cmocka_unit_test(same_hidden_states),
        cmocka_unit_test(ranks_best_first),
    };
    return cmocka_run_group_tests_name("bits", tests, NULL, NULL);
}
