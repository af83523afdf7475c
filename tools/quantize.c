/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantize.c - see quantize.h.
 *
 * Weights are symmetric: w is about scale * q, q an integer.  The scale is searched, because the
 * one that just covers the largest weight wastes most of the range: over a grid of fractions of it,
 * then by least squares for the integers found, whichever leaves the smallest sum of squared errors
 * (the idea of MSE clipping, Banner et al. 2019, arXiv:1810.05723).
 *
 * A range of b bits holds one negative number more than positive ones.  With few bits that number
 * matters, so there the sign of the scale is searched too: a negative scale turns the range over.
 *
 * Results do not depend on the machine: sums run over LANES fixed lanes, without contraction.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "grid.h"
#include "quantize.h"

#define LANES 16u
#define TINY 1e-30f /* a row of weights below this is taken as zeros: 1 / scale must be finite */

/* Fractions of the covering scale: from 1, or 2 where the weights' sums are limited, down to 1/2
 * coarsely, then around the best one finely. */
#define COARSE_N 17
#define COARSE_N_CHAIN 49
#define COARSE_STEP (1.0f / 32.0f)
#define FINE_N 7 /* on either side */
#define FINE_STEP (1.0f / 256.0f)
#define REFIT_N 3

/* Sums over 'n' weights (a multiple of LANES), each times its importance: error^2, w q, q q. */
struct fit {
    float error, wq, qq;
};

static float fold(const float *lanes)
{
    double sum = 0.0;
    for (unsigned i = 0; i < LANES; i++)
        sum += (double)lanes[i];
    return (float)sum;
}

static struct fit measure(const float *restrict w, const float *restrict importance, uint32_t n,
                          float scale, struct grid g)
{
    float error[LANES] = {0}, wq[LANES] = {0}, qq[LANES] = {0}, inverse = 1.0f / scale;
    struct fit fit;

    for (uint32_t at = 0; at < n; at += LANES) {
        for (unsigned i = 0; i < LANES; i++) {
            float q = grid_round(w[at + i], inverse, g), d = w[at + i] - q * scale;
            float h = importance[at + i];
            error[i] += h * d * d;
            wq[i] += h * w[at + i] * q;
            qq[i] += h * q * q;
        }
    }
    fit.error = fold(error);
    fit.wq = fold(wq);
    fit.qq = fold(qq);
    return fit;
}

/* The same where what a weight may be depends on those before it. */
static struct fit measure_chain(const float *w, const float *importance, uint32_t n, float scale,
                                struct grid g, unsigned chain)
{
    float error[LANES] = {0}, wq[LANES] = {0}, qq[LANES] = {0}, inverse = 1.0f / scale;
    struct lanes lanes = {.chain = chain};
    struct fit fit;

    if (chain == 0)
        return measure(w, importance, n, scale, g);
    for (uint32_t k = 0; k < n; k++) {
        float q = lanes_take(&lanes, k, grid_round(w[k], inverse, g)), d = w[k] - q * scale;
        float h = importance[k];
        error[k % LANES] += h * d * d;
        wq[k % LANES] += h * w[k] * q;
        qq[k % LANES] += h * q * q;
    }
    fit.error = fold(error);
    fit.wq = fold(wq);
    fit.qq = fold(qq);
    return fit;
}

/* Best scale of one sign for n weights that 'cover' just covers; *error is beaten or kept. */
static float search_one_sign(const float *w, const float *importance, uint32_t n, float cover,
                             struct grid g, unsigned chain, float best, float *error)
{
    float centre = best;
    struct fit fit, best_fit = {*error, 0.0f, 0.0f};

    for (int i = 0; i < (chain == 0 ? COARSE_N : COARSE_N_CHAIN); i++) {
        float scale = cover * ((chain == 0 ? 1.0f : 2.0f) - (float)i * COARSE_STEP);
        fit = measure_chain(w, importance, n, scale, g, chain);
        if (fit.error < best_fit.error) {
            best_fit = fit;
            best = scale;
        }
    }
    if (best == centre) /* nothing of this sign was better */
        return best;
    centre = best;
    for (int i = -FINE_N; i <= FINE_N; i++) {
        float scale = centre + cover * (float)i * FINE_STEP;
        fit = measure_chain(w, importance, n, scale, g, chain);
        if (fit.error < best_fit.error) {
            best_fit = fit;
            best = scale;
        }
    }
    for (int i = 0; i < REFIT_N && best_fit.qq > 0.0f; i++) {
        float scale = best_fit.wq / best_fit.qq;
        fit = measure_chain(w, importance, n, scale, g, chain);
        if (!(fit.error < best_fit.error))
            break;
        best_fit = fit;
        best = scale;
    }
    *error = best_fit.error;
    return best;
}

float quantize_search_scale(const float *w, const float *importance, uint32_t n, unsigned bits,
                            unsigned w_max, unsigned chain)
{
    struct grid g = grid_of(w_max);
    float largest = 0.0f, error = INFINITY, best = 0.0f;

    for (uint32_t i = 0; i < n; i++)
        largest = fabsf(w[i]) > largest ? fabsf(w[i]) : largest;
    if (!(largest > TINY * (float)w_max))
        return 0.0f;
    best = search_one_sign(w, importance, n, largest / (float)w_max, g, chain, best,
                           &error);
    if (bits <= 5)
        best = search_one_sign(w, importance, n, -largest / (float)w_max, g, chain, best,
                               &error);
    return best;
}

/* ---- a matrix, row by row ---- */

struct sums {
    double error, norm;
};

/* Each row of a matrix [n, k] is rounded by itself; a task is ROWS_A_TASK of them. */
#define ROWS_A_TASK 64u
struct rows {
    const struct quantize_options *options;
    const float *from;        /* [n, k] */
    const float *input_scale; /* [k]: what to divide by, 0 for an outlier; NULL: all 1 */
    const float *importance;  /* [k32] */
    uint32_t n, k, k32, group_n;
    int8_t *w;    /* [n, k] */
    float *scale; /* [n, group_n] */
    float *padded; /* [workers, k32] */
    struct sums *sums; /* [n] */
};

static void smooth_row(const float *from, const float *input_scale, uint32_t k, float *to)
{
    for (uint32_t j = 0; j < k; j++) {
        float s = input_scale != NULL ? input_scale[j] : 1.0f;
        to[j] = s == 0.0f ? 0.0f : from[j] / s;
    }
}

/* 'padded' with zeros up to a multiple of 32, to integers and a scale for each group. */
static void quantise_row(const struct rows *r, uint32_t i, const float *padded)
{
    uint32_t group = r->options->group != 0 ? r->options->group : r->k32;
    struct grid g = grid_of(r->options->w_max);
    struct lanes lanes = {.chain = r->options->chain};
    float *scale = r->scale + (size_t)i * r->group_n;
    int8_t *w = r->w + (size_t)i * r->k;

    for (uint32_t at = 0; at < r->k32; at += group, scale++) {
        uint32_t n = r->k32 - at < group ? r->k32 - at : group;
        float inverse;
        *scale = quantize_search_scale(padded + at, r->importance + at, n, r->options->bits,
                                       r->options->w_max, r->options->chain);
        inverse = *scale != 0.0f ? 1.0f / *scale : 0.0f;
        for (uint32_t j = at; j < at + n && j < r->k; j++) {
            float q = lanes_take(&lanes, j, grid_round(padded[j], inverse, g));
            float d = padded[j] - q * *scale;
            w[j] = (int8_t)q;
            r->sums[i].error += (double)(d * d);
            r->sums[i].norm += (double)(padded[j] * padded[j]);
        }
    }
}

static void rows_task(void *arg, size_t task, unsigned worker)
{
    const struct rows *r = arg;
    uint32_t first = (uint32_t)task * ROWS_A_TASK, last = first + ROWS_A_TASK;
    float *padded = r->padded + (size_t)worker * r->k32;

    for (uint32_t i = first; i < last && i < r->n; i++) {
        smooth_row(r->from + (size_t)i * r->k, r->input_scale, r->k, padded);
        quantise_row(r, i, padded);
    }
}

/* Run all tasks; adds to *error and *norm.  Returns 0, or -1 where memory is out. */
static int quantise_rows(struct rows *r, double *error, double *norm)
{
    const struct workers *workers = r->options->workers;
    size_t task_n = ((size_t)r->n + ROWS_A_TASK - 1) / ROWS_A_TASK;
    float *ones = NULL;
    int status = -1;

    r->padded = linalg_alloc((workers != NULL ? workers->n : 1) * (size_t)r->k32);
    r->sums = calloc(r->n, sizeof *r->sums);
    if (r->importance == NULL) {
        ones = linalg_alloc(r->k32);
        for (uint32_t j = 0; ones != NULL && j < r->k32; j++)
            ones[j] = 1.0f;
        r->importance = ones;
    }
    if (r->padded == NULL || r->sums == NULL || r->importance == NULL)
        goto done;
    if (workers != NULL)
        workers_run(workers, task_n, rows_task, r);
    for (size_t i = 0; workers == NULL && i < task_n; i++)
        rows_task(r, i, 0);
    for (uint32_t i = 0; i < r->n; i++) {
        *error += r->sums[i].error;
        *norm += r->sums[i].norm;
    }
    status = 0;
done:
    free(r->padded);
    free(r->sums);
    free(ones);
    return status;
}

static uint32_t group_count(uint32_t k, uint32_t group)
{
    uint32_t k32 = (uint32_t)rlv_round_up(k, RLV_K_BLOCK);
    return group == 0 ? 1 : (k32 + group - 1) / group;
}

static int check_options(uint32_t k, const struct quantize_options *o, struct failure *failure)
{
    if (o->group % RLV_K_BLOCK != 0 || o->group > rlv_round_up(k, RLV_K_BLOCK))
        return failure_set(failure,
                           "scale group %lu: it must be a multiple of %u and at most %lu, the input "
                           "channels of the layer",
                           (unsigned long)o->group, RLV_K_BLOCK,
                           (unsigned long)rlv_round_up(k, RLV_K_BLOCK));
    return 0;
}

/* Copy the smoothing factors and take the outlier channels out. */
static int take_outliers(const struct linear_f32 *in, const struct calibration *stats,
                         struct linear_q *out)
{
    if (stats == NULL || (stats->input_scale == NULL && stats->outlier_n == 0))
        return 0;
    out->input_scale = malloc(in->k * sizeof *out->input_scale);
    if (out->input_scale == NULL)
        return -1;
    for (uint32_t i = 0; i < in->k; i++)
        out->input_scale[i] = stats->input_scale != NULL ? stats->input_scale[i] : 1.0f;
    if (stats->outlier_n == 0)
        return 0;
    out->outlier_index = malloc(stats->outlier_n * sizeof *out->outlier_index);
    out->outlier_weight = malloc((size_t)stats->outlier_n * in->n * sizeof *out->outlier_weight);
    if (out->outlier_index == NULL || out->outlier_weight == NULL)
        return -1;
    out->outlier_n = stats->outlier_n;
    for (uint32_t o = 0; o < stats->outlier_n; o++) {
        uint32_t channel = stats->outlier_index[o];
        out->outlier_index[o] = channel;
        out->input_scale[channel] = 0.0f;
        for (uint32_t i = 0; i < in->n; i++)
            out->outlier_weight[(size_t)o * in->n + i] = in->weight[(size_t)i * in->k + channel];
    }
    return 0;
}

/*
 * Error-correcting rounding of what quantise_rows() left in out->w and, without a group, with the
 * scales that it found.
 */
static int correct_errors(const struct linear_f32 *in, const struct quantize_options *options,
                          const struct calibration *stats, struct linear_q *out)
{
    size_t k32 = (size_t)rlv_round_up(in->k, RLV_K_BLOCK), m = stats->factor.m;
    size_t stride = linalg_padded(m);
    struct gptq g = {.factor = &stats->factor,
                     .n = in->n,
                     .k = k32,
                     .w = linalg_alloc(in->n * stride),
                     .q = malloc(in->n * k32),
                     .scale = out->scale,
                     .group = options->group,
                     .bits = options->bits,
                     .w_max = options->w_max,
                     .chain = options->chain,
                     .importance = stats->importance};
    int status = -1;

    if (g.w == NULL || g.q == NULL)
        goto done;
    for (uint32_t i = 0; i < in->n; i++) {
        float *row = g.w + i * stride;
        smooth_row(in->weight + (size_t)i * in->k, out->input_scale, in->k, row);
        for (uint32_t o = 0; o < out->outlier_n; o++)
            row[k32 + o] = out->outlier_weight[(size_t)o * in->n + i];
        row[m - 1] = in->bias[i];
    }
    if (gptq_round(options->workers, &g) != 0)
        goto done;
    out->error = 0.0;
    for (uint32_t i = 0; i < in->n; i++) {
        const float *row = g.w + i * stride;
        for (uint32_t j = 0; j < in->k; j++) {
            int q = g.q[i * k32 + j];
            size_t group = options->group != 0 ? j / options->group : 0;
            double d = (double)row[j] - (double)out->scale[i * out->group_n + group] * q;
            out->w[(size_t)i * in->k + j] = (int8_t)q;
            out->error += d * d;
        }
        for (uint32_t o = 0; o < out->outlier_n; o++)
            out->outlier_weight[(size_t)o * in->n + i] = row[k32 + o];
        out->bias[i] = row[m - 1];
    }
    status = 0;
done:
    free(g.w);
    free(g.q);
    return status;
}

int quantize_linear(const struct linear_f32 *in, const struct quantize_options *options,
                    const struct calibration *stats, struct linear_q *out, struct failure *failure)
{
    struct rows rows;

    memset(out, 0, sizeof *out);
    if (check_options(in->k, options, failure) != 0)
        return -1;
    out->n = in->n;
    out->k = in->k;
    out->bits = options->bits;
    out->w_max = options->w_max;
    out->group = options->group;
    out->group_n = group_count(in->k, options->group);
    out->w = calloc((size_t)in->n * in->k, sizeof *out->w);
    out->scale = calloc((size_t)in->n * out->group_n, sizeof *out->scale);
    out->bias = malloc(in->n * sizeof *out->bias);
    if (out->w == NULL || out->scale == NULL || out->bias == NULL ||
        take_outliers(in, stats, out) != 0)
        goto fail;
    memcpy(out->bias, in->bias, in->n * sizeof *out->bias);
    rows = (struct rows){.options = options,
                         .from = in->weight,
                         .input_scale = out->input_scale,
                         .importance = stats != NULL ? stats->importance : NULL,
                         .n = in->n,
                         .k = in->k,
                         .k32 = (uint32_t)rlv_round_up(in->k, RLV_K_BLOCK),
                         .group_n = out->group_n,
                         .w = out->w,
                         .scale = out->scale};
    if (quantise_rows(&rows, &out->error, &out->norm) != 0)
        goto fail;
    if (stats != NULL && stats->factor.panels != NULL &&
        correct_errors(in, options, stats, out) != 0)
        goto fail;
    return 0;

fail:
    failure_set(failure, "out of memory");
    linear_q_free(out);
    return -1;
}

void linear_q_free(struct linear_q *q)
{
    free(q->w);
    free(q->scale);
    free(q->bias);
    free(q->input_scale);
    free(q->outlier_index);
    free(q->outlier_weight);
    memset(q, 0, sizeof *q);
}

int quantize_table(const float *table, uint32_t rows, uint32_t cols,
                   const struct quantize_options *options, struct table_q *out,
                   struct failure *failure)
{
    struct quantize_options o = *options;
    struct rows job;

    memset(out, 0, sizeof *out);
    if (check_options(cols, options, failure) != 0)
        return -1;
    o.w_max = o.bits == 8 ? 127 : 1u << (o.bits - 1);
    out->rows = rows;
    out->cols = cols;
    out->bits = o.bits;
    out->group = o.group;
    out->group_n = group_count(cols, o.group);
    out->w = calloc((size_t)rows * cols, sizeof *out->w);
    out->scale = calloc((size_t)rows * out->group_n, sizeof *out->scale);
    if (out->w == NULL || out->scale == NULL)
        goto fail;
    job = (struct rows){.options = &o,
                        .from = table,
                        .n = rows,
                        .k = cols,
                        .k32 = (uint32_t)rlv_round_up(cols, RLV_K_BLOCK),
                        .group_n = out->group_n,
                        .w = out->w,
                        .scale = out->scale};
    if (quantise_rows(&job, &out->error, &out->norm) != 0)
        goto fail;
    return 0;

fail:
    failure_set(failure, "out of memory");
    table_q_free(out);
    return -1;
}

void table_q_free(struct table_q *q)
{
    free(q->w);
    free(q->scale);
    memset(q, 0, sizeof *q);
}
