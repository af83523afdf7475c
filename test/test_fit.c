/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_fit.c - calibration: what is fitted, against the numbers that the pairs were made with; the
 * measures of tools/metrics.c, against sums made by hand; and the file that 'calibrate' writes.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <relevance.h>

#include "fit.h"
#include "metrics.h"
#include "rlv_edit.h"
#include "support/micro.h"
#include "support/random.h"
#include "support/rlv_peek.h"
#include "support/tiny.h"

#define LABELS 4

/* ---- pairs whose probabilities are known ---- */

static const struct fit made_with = {.scale = 0.6, .bias = {0.5, 0.1, -0.9, 0.3}};

struct sample {
    float *logits;
    uint8_t *truth;
    struct fit_pairs pairs;
};

/* Logits at random; the true label is drawn from the probabilities that 'made_with' gives them. */
static struct sample make_sample(size_t n, uint64_t seed)
{
    struct sample s = {malloc(n * LABELS * sizeof(float)), malloc(n), {LABELS, n, NULL, NULL}};
    struct rng rng = {seed};
    s.pairs.logits = s.logits;
    s.pairs.truth = s.truth;
    for (size_t i = 0; i < n; i++) {
        float p[LABELS], at = 0.5f + 0.5f * rng_f32(&rng);
        for (uint32_t k = 0; k < LABELS; k++)
            s.logits[i * LABELS + k] = 4.0f * rng_f32(&rng);
        fit_apply(&made_with, LABELS, s.logits + i * LABELS, p);
        for (s.truth[i] = 0; s.truth[i] + 1 < LABELS && at >= p[s.truth[i]]; s.truth[i]++)
            at -= p[s.truth[i]];
    }
    return s;
}

static void free_sample(struct sample *s)
{
    free(s->logits);
    free(s->truth);
}

static void known_numbers_are_found(void **state)
{
    struct sample s = make_sample(60000, 7);
    struct failure failure = {""};
    struct fit f;
    double shift, mean[LABELS] = {0}, slope = 0;
    (void)state;
    assert_int_equal(fit_calibration(&s.pairs, &f, &failure), 0);
    assert_true(fabs(f.scale - made_with.scale) < 0.01);
    shift = f.bias[0] - made_with.bias[0];
    for (uint32_t k = 1; k < LABELS; k++)
        assert_true(fabs(f.bias[k] - made_with.bias[k] - shift) < 0.05);
    /* At the least loss its derivatives are 0: the mean probability of a label is its share, and the
     * logits' mean under the probabilities is their mean over the true labels. */
    for (size_t i = 0; i < s.pairs.n; i++) {
        float p[LABELS];
        fit_apply(&f, LABELS, s.logits + i * LABELS, p);
        for (uint32_t k = 0; k < LABELS; k++) {
            mean[k] += (double)p[k] / (double)s.pairs.n;
            slope += ((double)p[k] - (k == s.truth[i])) * (double)s.logits[i * LABELS + k];
        }
    }
    for (uint32_t k = 0; k < LABELS; k++)
        assert_true(fabs(mean[k] - f.prior[k]) < 1e-6);
    assert_true(fabs(slope / (double)s.pairs.n) < 1e-6);
    free_sample(&s);
}

static void a_temperature_alone_keeps_the_labels(void **state)
{
    struct sample s = make_sample(2000, 11);
    struct failure failure = {""};
    struct fit f, both;
    double slope = 0, mean[LABELS] = {0};
    (void)state;
    assert_int_equal(fit_temperature(&s.pairs, &f, &failure), 0);
    assert_int_equal(fit_calibration(&s.pairs, &both, &failure), 0);
    assert_true(f.scale != both.scale);
    for (uint32_t k = 0; k < LABELS; k++)
        assert_true(f.bias[k] == 0.0);
    for (size_t i = 0; i < s.pairs.n; i++) {
        const float *logits = s.logits + i * LABELS;
        float p[LABELS];
        uint32_t top = 0;
        for (uint32_t k = 1; k < LABELS; k++)
            top = logits[k] > logits[top] ? k : top;
        assert_int_equal(fit_apply(&f, LABELS, logits, p), top);
        for (uint32_t k = 0; k < LABELS; k++)
            slope += ((double)p[k] - (k == s.truth[i])) * (double)logits[k];
        for (uint32_t k = 0; k < LABELS; k++)
            mean[k] += (double)p[k] / (double)s.pairs.n;
    }
    for (uint32_t k = 0; k < LABELS; k++)
        assert_true(fabs(mean[k] - f.prior[k]) < 1e-9);
    assert_true(fabs(slope / (double)s.pairs.n) < 1e-6); /* the least loss that a scale can reach */
    free_sample(&s);
}

static void moving_is_bayes_rule(void **state)
{
    const double q[LABELS] = {0.1, 0.2, 0.3, 0.4}, twice[LABELS] = {0.2, 0.4, 0.6, 0.8};
    struct sample s = make_sample(500, 8);
    struct failure failure = {""};
    struct fit f, moved, same, back;
    (void)state;
    assert_int_equal(fit_calibration(&s.pairs, &f, &failure), 0);
    moved = same = f;
    fit_move(&moved, LABELS, q);
    fit_move(&same, LABELS, twice);
    back = moved;
    fit_move(&back, LABELS, f.prior);
    for (size_t i = 0; i < s.pairs.n; i++) {
        const float *logits = s.logits + i * LABELS;
        float p[LABELS], r[LABELS], t[LABELS];
        double sum = 0;
        fit_apply(&f, LABELS, logits, p);
        fit_apply(&moved, LABELS, logits, r);
        fit_apply(&same, LABELS, logits, t);
        assert_memory_equal(r, t, sizeof r);
        for (uint32_t k = 0; k < LABELS; k++)
            sum += (double)p[k] * q[k] / f.prior[k];
        for (uint32_t k = 0; k < LABELS; k++)
            assert_true(fabs((double)r[k] - (double)p[k] * q[k] / f.prior[k] / sum) < 1e-6);
        fit_apply(&back, LABELS, logits, t);
        for (uint32_t k = 0; k < LABELS; k++)
            assert_true(fabsf(t[k] - p[k]) < 1e-6f);
    }
    free_sample(&s);
}

static double macro_f1_of(const struct fit_pairs *pairs, const struct fit *f)
{
    struct scored s = {.label_n = pairs->label_n};
    struct metrics *m = malloc(sizeof *m);
    double f1;
    for (size_t i = 0; i < pairs->n; i++) {
        float p[RELEVANCE_MAX_LABELS];
        uint32_t chosen = fit_apply(f, pairs->label_n, pairs->logits + i * pairs->label_n, p);
        scored_add(&s, p, pairs->truth[i], chosen, i);
    }
    metrics_of(&s, 10, 0, m);
    f1 = m->macro_f1;
    free(m);
    scored_free(&s);
    return f1;
}

/* No shares of a grid are better than those found by more than the search's last step is worth. */
static void macro_f1_is_near_the_best(void **state)
{
    struct sample s = make_sample(400, 9);
    struct failure failure = {""};
    struct fit f, found;
    double natural, best = 0, f1;
    (void)state;
    assert_int_equal(fit_calibration(&s.pairs, &f, &failure), 0);
    natural = macro_f1_of(&s.pairs, &f);
    found = f;
    fit_macro_f1(&s.pairs, &found);
    f1 = macro_f1_of(&s.pairs, &found);
    for (int a = -6; a <= 6; a++)
        for (int b = -6; b <= 6; b++)
            for (int c = -6; c <= 6; c++) {
                struct fit grid = f;
                const double shares[LABELS] = {1, exp(a * 0.4), exp(b * 0.4), exp(c * 0.4)};
                double at;
                fit_move(&grid, LABELS, shares);
                at = macro_f1_of(&s.pairs, &grid);
                best = at > best ? at : best;
            }
    print_message("macro F1: %.4f at the natural shares, %.4f found, %.4f on the grid\n", natural,
                  f1, best);
    assert_true(f1 > natural && f1 > best - 0.01);
    free_sample(&s);
}

static void what_cannot_be_fitted(void **state)
{
    float logits[4][2] = {{2, 0}, {3, 0}, {0, 2}, {0, 3}};
    uint8_t truth[4] = {0, 0, 1, 1};
    const uint8_t crossed[4] = {1, 1, 0, 0}, mixed[4] = {0, 1, 1, 1};
    struct fit_pairs pairs = {2, 4, &logits[0][0], truth};
    struct failure failure = {""};
    struct fit f;
    (void)state;
#define REFUSED(word)                                                                              \
    do {                                                                                           \
        failure.message[0] = '\0';                                                                 \
        assert_int_equal(fit_calibration(&pairs, &f, &failure), -1);                               \
        if (strstr(failure.message, word) == NULL)                                                 \
            fail_msg("'%s' is not in: %s", word, failure.message);                                 \
    } while (0)
    REFUSED("no error");
    pairs.truth = crossed; /* the wrong way round: the scale would be negative */
    REFUSED("no temperature");
    pairs.truth = mixed;
    assert_int_equal(fit_calibration(&pairs, &f, &failure), 0);
    pairs.n = 1;
    REFUSED("label 1 has no pair");
    pairs.n = 0;
    REFUSED("no labelled pairs");
    pairs.n = 4;
    logits[2][1] = NAN;
    REFUSED("not finite");
    pairs.label_n = 1;
    REFUSED("one label");
#undef REFUSED
}

/* ---- measures ---- */

struct example {
    float p[3];
    uint8_t truth, chosen;
};

static struct scored scored_of(const struct example *rows, size_t n, int reversed)
{
    struct scored s = {.label_n = 3};
    for (size_t i = 0; i < n; i++) {
        const struct example *e = &rows[reversed ? n - 1 - i : i];
        scored_add(&s, e->p, e->truth, e->chosen, (uint64_t)(reversed ? n - 1 - i : i) / 2);
    }
    return s;
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-6)

static void measures_by_hand(void **state)
{
    static const struct example rows[] = {{{.875f, .125f, 0}, 0, 0},
                                          {{.625f, .25f, .125f}, 1, 0},
                                          {{.125f, .75f, .125f}, 1, 1},
                                          {{.125f, .75f, .125f}, 0, 1},
                                          {{1, 0, 0}, 0, 0}};
    struct scored s = scored_of(rows, 5, 0), r = scored_of(rows, 5, 1);
    struct metrics *m = malloc(sizeof *m), *n = malloc(sizeof *n);
    (void)state;
    metrics_of(&s, 8, 200, m);
    NEAR(m->accuracy, 3.0 / 5);
    NEAR(m->classes[0].precision, 2.0 / 3);
    NEAR(m->classes[0].recall, 2.0 / 3);
    NEAR(m->classes[1].f1, 2.0 / 4);
    NEAR(m->macro_f1, (2.0 / 3 + 1.0 / 2) / 2); /* label 2 does not occur */
    NEAR(m->log_loss, -(log(.875) + log(.25) + log(.75) + log(.125)) / 5);
    /* in 64ths: 1 1 0, 25 36 1, 1 4 1, 49 36 1, 0 0 0 */
    NEAR(m->brier, 156.0 / 64 / 5);
    /* bins: .875 and 1 together (both right), .625 alone (wrong), .75 twice (half right) */
    NEAR(m->ece, (fabs(1.875 - 2) + .625 + fabs(1.5 - 1)) / 5);
    assert_int_equal(m->bins[7].n, 2);
    NEAR(m->bins[7].confidence, .9375);
    NEAR(m->bins[7].accuracy, 1);
    assert_int_equal(m->bins[6].n, 2);
    NEAR(m->bins[6].accuracy, .5);
    assert_int_equal(m->bins[5].n, 1);
    /* By confidence: right, right, then .75 twice with one error, which counts half each, then wrong. */
    NEAR(m->coverages[0].accuracy, 1 - .5 / 3);
    NEAR(m->coverages[1].accuracy, 1 - 1.0 / 4);
    NEAR(m->coverages[1].threshold, .75);
    NEAR(m->coverages[2].accuracy, 1 - 2.0 / 5);
    NEAR(m->risk_coverage_area, (0 + 0 + .5 / 3 + 1.0 / 4 + 2.0 / 5) / 5);
    assert_true(m->accuracy_interval.low < m->accuracy && m->accuracy < m->accuracy_interval.high);
    metrics_of(&r, 8, 200, n); /* in another order */
    assert_memory_equal(&m->accuracy_interval, &n->accuracy_interval, sizeof m->accuracy_interval);
    NEAR(m->ece, n->ece);
    NEAR(m->risk_coverage_area, n->risk_coverage_area);
    scored_free(&s);
    scored_free(&r);
    s = (struct scored){.label_n = 3}; /* nothing at all */
    metrics_of(&s, 15, 100, m);
    assert_true(m->n == 0 && m->accuracy == 0 && m->log_loss == 0 && m->ece == 0);
    free(m);
    free(n);
}

/* The bootstrap of a share of independent pairs is the binomial interval; where ten pairs of a query
 * are right or wrong together, it is the square root of ten times as wide. */
static void intervals_see_queries(void **state)
{
    const float p[2] = {.7f, .3f};
    struct scored alone = {.label_n = 2}, together = {.label_n = 2};
    struct metrics *m = malloc(sizeof *m);
    struct rng rng = {5};
    double width[2], want = 2 * 1.96 * sqrt(.7 * .3 / 2000);
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        scored_add(&alone, p, rng_f32(&rng) < .4f ? 0 : 1, 0, i);
        scored_add(&together, p, i % 100 < 70 ? 0 : 1, 0, i / 10);
    }
    metrics_of(&alone, 10, 2000, m);
    width[0] = m->accuracy_interval.high - m->accuracy_interval.low;
    metrics_of(&together, 10, 2000, m);
    width[1] = m->accuracy_interval.high - m->accuracy_interval.low;
    print_message("95 %% intervals: %.4f and %.4f wide, binomial %.4f\n", width[0], width[1], want);
    assert_true(fabs(width[0] / want - 1) < 0.1);
    assert_true(fabs(width[1] / want / sqrt(10) - 1) < 0.1);
    scored_free(&alone);
    scored_free(&together);
    free(m);
}

/* ---- the file ---- */

static void write_bytes(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_true(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)) != NULL; text++)
        n++;
    return n;
}

static void a_calibrated_file(void **state)
{
    static const float bias[LABELS] = {0.25f, -0.5f, 1.0f, 0.0f},
                       prior[LABELS] = {.4f, .3f, .2f, .1f};
    struct rlv_calibration c = {0.5f, bias, prior, "first note"};
    char folder[] = "/tmp/relevance-fit-XXXXXX", in[64], path[64], absent[64];
    struct relevance_info info = {.size = sizeof info};
    struct relevance_result r;
    struct failure failure = {""};
    struct peek old, new;
    relevance_context *ctx;
    relevance_model *model;
    size_t len;
    uint8_t *file = micro_build(micro_find("distilbert-q8"), &len);
    float z[LABELS], sum = 0, shares[LABELS];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(in, sizeof in, "%s/in.rlv", folder);
    snprintf(path, sizeof path, "%s/out.rlv", folder);
    snprintf(absent, sizeof absent, "%s/absent/out.rlv", folder);
    write_bytes(in, file, len);
    assert_int_equal(rlv_edit_calibration(in, path, &c, &failure), 0);
    c.note = "second note";
    assert_int_equal(rlv_edit_calibration(path, path, &c, &failure), 0); /* onto itself */

    assert_int_equal(relevance_open(path, NULL, &model, NULL), RELEVANCE_OK);
    assert_int_equal(relevance_model_info(model, &info), RELEVANCE_OK);
    assert_int_equal(count(info.metadata, "first note"), 0);
    assert_int_equal(count(info.metadata, "probabilities=second note\n"), 1);
    assert_int_equal(count(info.metadata, "name=micro\n"), 1);
    ctx = tiny_context(model, NULL);
    assert_int_equal(relevance_classify(ctx, "red shoe", 8, "a run", 5, &r), RELEVANCE_OK);
    for (uint32_t k = 0; k < LABELS; k++) {
        assert_true(relevance_label_prior(model, k) == prior[k]);
        sum += z[k] = expf(0.5f * r.logits[k] + bias[k]);
    }
    for (uint32_t k = 0; k < LABELS; k++)
        assert_true(fabsf(r.probabilities[k] - z[k] / sum) < 1e-6f);
    relevance_context_destroy(ctx);
    /* Other priors, from the file's. */
    for (uint32_t k = 0; k < LABELS; k++)
        shares[k] = prior[LABELS - 1 - k];
    {
        struct relevance_context_options o = {
            .size = sizeof o, .priors = shares, .prior_n = LABELS};
        ctx = tiny_context(model, &o);
        assert_int_equal(relevance_classify(ctx, "red shoe", 8, "a run", 5, &r), RELEVANCE_OK);
        sum = 0;
        for (uint32_t k = 0; k < LABELS; k++)
            sum += z[k] *= shares[k] / prior[k];
        for (uint32_t k = 0; k < LABELS; k++)
            assert_true(fabsf(r.probabilities[k] - z[k] / sum) < 1e-6f);
        relevance_context_destroy(ctx);
    }
    relevance_close(model);

    peek_open(&old, in);
    peek_open(&new, path);
    assert_int_equal(old.tensor_n, new.tensor_n);
    assert_memory_equal(old.tensors, new.tensors, old.tensor_n * sizeof *old.tensors);
    assert_memory_equal(old.data, new.data, old.sections[RLV_SECTION_DATA]->len);
    peek_close(&old);
    peek_close(&new);

    /* What fails leaves nothing behind, and the file as it was. */
    assert_int_equal(rlv_edit_calibration(in, absent, &c, &failure), -1);
    assert_non_null(strstr(failure.message, "absent/out.rlv"));
    c.logit_scale = 2000.0f; /* out of the format's range: the check before the rename sees it */
    assert_int_equal(rlv_edit_calibration(in, path, &c, &failure), -1);
    assert_int_equal(relevance_open(path, NULL, &model, NULL), RELEVANCE_OK);
    relevance_close(model);
    file[len / 2] ^= 1;
    write_bytes(in, file, len);
    assert_int_equal(rlv_edit_calibration(in, path, &c, &failure), -1);
    assert_non_null(strstr(failure.message, "in.rlv"));
    unlink(in);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left in it */
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_numbers_are_found),   cmocka_unit_test(moving_is_bayes_rule),
        cmocka_unit_test(a_temperature_alone_keeps_the_labels),
        cmocka_unit_test(macro_f1_is_near_the_best), cmocka_unit_test(what_cannot_be_fitted),
        cmocka_unit_test(measures_by_hand),          cmocka_unit_test(intervals_see_queries),
        cmocka_unit_test(a_calibrated_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
