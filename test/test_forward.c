/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole path on the tiny checkpoints of test/golden/tiny, which 'relevance convert' has turned
 * into RLV_TINY_DIR/<name>-<weights>.rlv, against what transformers computed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "internal.h"
#include "support/tiny.h"

static const char *const models[] = {"distilbert-seq", "bert-seq", "bert-token", "distilbert-token",
                                     "bert-bare", "bert-both", "distilbert-both"};
#define MODEL_N (sizeof models / sizeof models[0])

/* Largest |difference| of a logit or hidden state against transformers; they are of order 1. */
static const struct {
    const char *weights;
    double tolerance;
} formats[] = {{"f32", 2e-5}, {"f16", 1e-2}, {"q8", 0.16}, {"q7", 0.35}, {"q6", 0.65},
             {"q5", 0.65}, {"q4", 1.3}};
#define FORMAT_N (sizeof formats / sizeof formats[0])

static json_t *golden_cases(const char *name, json_t **root)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "test/golden/tiny/%s/golden.json", name);
    *root = json_load_file(path, 0, &error);
    if (*root == NULL)
        fail_msg("%s: %s", path, error.text);
    return json_object_get(*root, "cases");
}

static char current[64]; /* "<model>-<weights>", for messages */
static double worst;     /* largest difference seen in the current format */

static double difference(json_t *golden, size_t i, float value)
{
    double d = json_number_value(json_array_get(golden, i)) - (double)value;
    return d < 0 ? -d : d;
}

static void check_values(const char *what, json_t *golden, const float *values, size_t n,
                         double tolerance)
{
    assert_int_equal(json_array_size(golden), n);
    for (size_t i = 0; i < n; i++) {
        double d = difference(golden, i, values[i]);
        worst = d > worst ? d : worst;
        if (!(d <= tolerance))
            fail_msg("%s: %s[%zu]: %.7g, transformers has %.7g", current, what, i,
                     (double)values[i],
                     json_number_value(json_array_get(golden, i)));
    }
}

static void check_rows(const char *what, json_t *golden, const float *values, size_t stride,
                       double tolerance)
{
    for (size_t r = 0; r < json_array_size(golden); r++) {
        json_t *row = json_array_get(golden, r);
        check_values(what, row, values + r * stride, json_array_size(row), tolerance);
    }
}

/* Ids of a case, into ids; returns their number. */
static size_t case_ids(json_t *c, int32_t *ids)
{
    json_t *list = json_object_get(c, "ids");
    for (size_t i = 0; i < json_array_size(list); i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
    return json_array_size(list);
}

static void check_text_case(relevance_context *ctx, json_t *c, double tolerance)
{
    const char *query = json_string_value(json_object_get(c, "query"));
    const char *product = json_string_value(json_object_get(c, "product"));
    size_t product_len = product != NULL ? strlen(product) : 0, n = 0;
    int32_t expected[512], ids[512];
    static float hidden[512 * 512];
    struct relevance_tokens tokens = {.ids = ids, .cap = 512};
    size_t expected_n = case_ids(c, expected);
    assert_int_equal(relevance_tokenize(ctx, query, strlen(query), product, product_len, &tokens),
                     RELEVANCE_OK);
    assert_int_equal(tokens.n, expected_n);
    assert_memory_equal(ids, expected, expected_n * sizeof *ids);
    assert_int_equal(relevance_encode(ctx, query, strlen(query), product, product_len, hidden,
                                      sizeof hidden / sizeof *hidden, &n),
                     RELEVANCE_OK);
    assert_int_equal(n, expected_n);
    if (json_object_get(c, "hidden") != NULL)
        check_rows("hidden", json_object_get(c, "hidden"), hidden,
                   ctx->model->config->hidden_size, tolerance);
    if (json_object_get(c, "token_logits") != NULL) {
        size_t stride;
        const float *logits = rlv_token_head(ctx, &stride);
        check_rows("token logit", json_object_get(c, "token_logits"), logits, stride, tolerance);
    }
    if (json_object_get(c, "logits") != NULL && product != NULL) {
        struct relevance_result r;
        assert_int_equal(
            relevance_classify(ctx, query, strlen(query), product, product_len, &r), RELEVANCE_OK);
        check_values("logit", json_object_get(c, "logits"), r.logits, r.label_n, tolerance);
    }
}

static void check_case(relevance_context *ctx, json_t *c, double tolerance)
{
    int32_t ids[512];
    struct relevance_result r;
    size_t n = case_ids(c, ids);
    if (json_object_get(c, "logits") != NULL) {
        assert_int_equal(relevance_classify_tokens(ctx, ids, n, &r), RELEVANCE_OK);
        check_values("logit", json_object_get(c, "logits"), r.logits, r.label_n, tolerance);
        assert_int_equal(r.tokens, n);
    }
    if (json_object_get(c, "query") != NULL)
        check_text_case(ctx, c, tolerance);
}

static void matches_transformers(void **state)
{
    (void)state;
    for (size_t f = 0; f < FORMAT_N; f++) {
        worst = 0.0;
        for (size_t m = 0; m < MODEL_N; m++) {
            json_t *root, *cases = golden_cases(models[m], &root);
            relevance_model *model = tiny_open(models[m], formats[f].weights);
            relevance_context *ctx = tiny_context(model, NULL);
            snprintf(current, sizeof current, "%s-%s", models[m], formats[f].weights);
            assert_true(json_array_size(cases) >= 4);
            for (size_t i = 0; i < json_array_size(cases); i++)
                check_case(ctx, json_array_get(cases, i), formats[f].tolerance);
            relevance_context_destroy(ctx);
            relevance_close(model);
            json_decref(root);
        }
        print_message("%s: largest difference %.2g, allowed %.2g\n", formats[f].weights, worst,
                      formats[f].tolerance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_transformers),
    };
    return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
