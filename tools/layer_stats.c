/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer_stats.c - see layer_stats.h.
 *
 * Outliers: a few input channels are far larger than the rest, in every text; since one scale
 * serves a whole row of activations, they cost all others their precision.  They stay in f32
 * (Dettmers et al. 2022, LLM.int8(), arXiv:2208.07339).  Chosen are the channels with the largest
 * share in the output, mean x_k^2 * sum_n w_nk^2.
 *
 * Smoothing: the input of channel k is divided, its weights multiplied by s_k = (max |x_k|)^alpha /
 * (max_n |w_nk|)^beta (Xiao et al. 2022, SmoothQuant, arXiv:2211.10438, where beta = 1 - alpha).
 * Of five pairs (alpha, beta) the one that leaves the smallest error of the layer's output on some
 * rows is taken; a power of 1/4 or 1/2 needs no pow(), whose last bit differs between C libraries.
 *
 * docs/decisions/0003-quantisation-recipe.md has what else was measured.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "grid.h"
#include "layer_stats.h"

#define TRIAL_ROWS 512 /* on which smoothing factors are compared */
#define CHUNK 512      /* rows of a Gram matrix's step: their panels stay in the L2 cache */
#define DAMPING 0.03f
#define SMALLEST_INPUT 1e-5f /* channels that are never used get the factor of these */
#define SMALLEST_WEIGHT 1e-8f
#define CLEARLY 0.999 /* smaller than the best an error must be: simpler factors come first */

struct layer {
    const float *x; /* [rows, k] with x_stride */
    size_t x_stride, rows;
    const struct linear_f32 *linear;
    const struct quantize_options *options;
    const struct workers *workers;
    size_t n, k, k32, n16;
    uint32_t *outlier; /* [outlier_n], ascending */
    size_t outlier_n;
    uint8_t *bytes; /* [workers, k32], rows padded to RLV_ALIGN: an input quantised */
};

static const float *input_row(const struct layer *l, size_t r) { return l->x + r * l->x_stride; }

/* ---- outlier channels ---- */

static void score_channels(const struct layer *l, double *score, double *weights)
{
    for (size_t r = 0; r < l->rows; r++)
        for (size_t k = 0; k < l->k; k++)
            score[k] += (double)input_row(l, r)[k] * (double)input_row(l, r)[k];
    for (size_t n = 0; n < l->n; n++)
        for (size_t k = 0; k < l->k; k++)
            weights[k] += (double)l->linear->weight[n * l->k + k] *
                          (double)l->linear->weight[n * l->k + k];
    for (size_t k = 0; k < l->k; k++)
        score[k] *= weights[k];
}

/* The highest scores; of equal ones the lower channel. */
static int find_outliers(struct layer *l)
{
    size_t want = l->options->outlier_n < l->k / 4 ? l->options->outlier_n : l->k / 4;
    double *score = calloc(2 * l->k, sizeof *score);

    l->outlier = calloc(want + 1, sizeof *l->outlier);
    if (score == NULL || l->outlier == NULL) {
        free(score);
        return -1;
    }
    score_channels(l, score, score + l->k);
    while (l->outlier_n < want) {
        size_t best = 0, at = l->outlier_n;
        for (size_t k = 1; k < l->k; k++)
            if (score[k] > score[best])
                best = k;
        if (!(score[best] > 0.0))
            break;
        score[best] = -1.0;
        for (; at > 0 && l->outlier[at - 1] > best; at--)
            l->outlier[at] = l->outlier[at - 1];
        l->outlier[at] = (uint32_t)best;
        l->outlier_n++;
    }
    free(score);
    return 0;
}

static void clear_outliers(const struct layer *l, float *by_channel)
{
    for (size_t o = 0; o < l->outlier_n; o++)
        by_channel[l->outlier[o]] = 0.0f;
}

/* ---- what the library will see of an input ---- */

/* Rows quantised and back, [n, k32 + outlier_n + 1] with 'stride': smoothed channels (0 for an
 * outlier), the outliers, 1.  Row i is row first + i * numerator / denominator of the inputs. */
struct seen {
    const struct layer *l;
    const float *input_scale; /* [k], 0 for an outlier */
    size_t first, numerator, denominator, n, stride;
    float *to;
};

static void seen_task(void *arg, size_t i, unsigned worker)
{
    const struct seen *s = arg;
    const struct layer *l = s->l;
    const float *x = input_row(l, s->first + i * s->numerator / s->denominator);
    float *to = s->to + i * s->stride, scale;
    uint8_t *a = l->bytes + worker * (size_t)rlv_round_up(l->k32, RLV_ALIGN);
    int32_t zero;

    rlv_quantize_row(l->workers->kernels, x, s->input_scale, l->k, l->k32, a, &scale, &zero);
    for (size_t k = 0; k < l->k32; k++)
        to[k] = scale * (float)((int32_t)a[k] - zero);
    for (size_t o = 0; o < l->outlier_n; o++)
        to[l->k32 + o] = x[l->outlier[o]];
    to[l->k32 + l->outlier_n] = 1.0f;
}

/* 'n' rows spread evenly over 'span' rows from 'first' on. */
static void see(const struct layer *l, const float *input_scale, size_t first, size_t span,
                size_t n, float *to, size_t stride)
{
    struct seen s = {l, input_scale, first, span, n, n, stride, to};

    workers_run(l->workers, n, seen_task, &s);
}

/* ---- smoothing ---- */

static float quarter_powers(float x, int quarters)
{
    return quarters == 0 ? 1.0f : quarters == 1 ? sqrtf(sqrtf(x)) : sqrtf(x);
}

/*
 * Divided by a power of two near their geometric mean, which rounds nothing: a common factor has no
 * effect but on the range of the numbers.
 */
static void smoothing_factors(const struct layer *l, const float *x_max, const float *w_max,
                              int alpha, int beta, float *input_scale)
{
    long sum = 0;
    int exponent;

    for (size_t k = 0; k < l->k; k++) {
        float x = x_max[k] > SMALLEST_INPUT ? x_max[k] : SMALLEST_INPUT;
        float w = w_max[k] > SMALLEST_WEIGHT ? w_max[k] : SMALLEST_WEIGHT;
        input_scale[k] = quarter_powers(w, beta) / quarter_powers(x, alpha);
        (void)frexpf(input_scale[k], &exponent);
        sum += exponent;
    }
    for (size_t k = 0; k < l->k; k++)
        input_scale[k] = ldexpf(input_scale[k], -(int)(sum / (long)l->k));
    clear_outliers(l, input_scale);
}

struct trial {
    const struct layer *l;
    float *x_max, *w_max; /* [k] */
    float *input_scale;   /* [k] */
    float *weight;        /* [n16, m]: what a candidate makes of the weights, and the bias */
    float *panels;        /* [n16/16][m][16] */
    float *seen;          /* [rows, stride] */
    float *want, *got;    /* [rows, n16] */
    size_t m, stride, rows;
};

static void largest(const struct layer *l, float *x_max, float *w_max)
{
    for (size_t r = 0; r < l->rows; r++)
        for (size_t k = 0; k < l->k; k++) {
            float x = fabsf(input_row(l, r)[k]);
            x_max[k] = x > x_max[k] ? x : x_max[k];
        }
    for (size_t n = 0; n < l->n; n++)
        for (size_t k = 0; k < l->k; k++) {
            float w = fabsf(l->linear->weight[n * l->k + k]);
            w_max[k] = w > w_max[k] ? w : w_max[k];
        }
}

/* Rounds w[0..n) in place with the best of three scales: enough to compare smoothing factors. */
static void round_roughly(float *w, size_t n, unsigned w_max)
{
    static const float shares[] = {1.0f, 0.9f, 0.8f};
    struct grid g = grid_of(w_max);
    float cover = 0.0f, best_error = INFINITY, best = 0.0f;

    for (size_t k = 0; k < n; k++)
        cover = fabsf(w[k]) > cover ? fabsf(w[k]) : cover;
    if (!(cover > 1e-30f))
        return;
    for (size_t i = 0; i < 3; i++) {
        float scale = cover * shares[i] / (float)w_max, inverse = 1.0f / scale;
        float error[16] = {0}, sum = 0.0f;
        for (size_t k = 0; k < n; k += 16)
            for (size_t e = 0; e < 16; e++) {
                float d = w[k + e] - grid_round(w[k + e], inverse, g) * scale;
                error[e] += d * d;
            }
        for (size_t e = 0; e < 16; e++)
            sum += error[e];
        if (sum < best_error) {
            best_error = sum;
            best = scale;
        }
    }
    for (size_t k = 0; k < n; k++)
        w[k] = grid_round(w[k], 1.0f / best, g) * best;
}

static void weight_task(void *arg, size_t n, unsigned worker)
{
    struct trial *t = arg;
    const struct layer *l = t->l;
    size_t group = l->options->group != 0 ? l->options->group : l->k32;
    const float *from = l->linear->weight + n * l->k;
    float *w = t->weight + n * t->m;

    (void)worker;
    for (size_t k = 0; k < l->k; k++)
        w[k] = t->input_scale[k] != 0.0f ? from[k] / t->input_scale[k] : 0.0f;
    for (size_t k = l->k; k < l->k32; k++)
        w[k] = 0.0f;
    for (size_t k = 0; k < l->k32; k += group)
        round_roughly(w + k, l->k32 - k < group ? l->k32 - k : group, l->options->w_max);
    for (size_t o = 0; o < l->outlier_n; o++)
        w[l->k32 + o] = from[l->outlier[o]];
    w[t->m - 1] = 0.0f;
}

/* Sum of squared errors of the layer's output with the factors in t->input_scale. */
static double trial_error(struct trial *t)
{
    const struct layer *l = t->l;
    double sum = 0.0;

    see(l, t->input_scale, 0, l->rows, t->rows, t->seen, t->stride);
    workers_run(l->workers, l->n, weight_task, t);
    linalg_pack_transposed(t->weight, t->m, l->n, t->m, t->panels);
    linalg_product_parallel(l->workers, t->seen, t->stride, t->rows, t->m, t->panels, l->n16 / 16,
                            t->got, l->n16);
    for (size_t i = 0; i < t->rows * l->n16; i++) {
        double d = (double)t->got[i] - (double)t->want[i];
        sum += d * d;
    }
    return sum;
}

static void wanted_output(struct trial *t)
{
    const struct layer *l = t->l;

    for (size_t r = 0; r < t->rows; r++)
        memcpy(t->seen + r * t->stride, input_row(l, r * l->rows / t->rows), l->k * sizeof(float));
    linalg_pack_transposed(l->linear->weight, l->k, l->n, l->k, t->panels);
    linalg_product_parallel(l->workers, t->seen, t->stride, t->rows, l->k, t->panels, l->n16 / 16,
                            t->want, l->n16);
}

static void choose_factors(struct trial *t, float *best)
{
    static const int quarters[][2] = {{0, 0}, {1, 0}, {1, 1}, {2, 1}, {2, 2}}; /* alpha, beta */
    const struct layer *l = t->l;
    double least = INFINITY;

    largest(l, t->x_max, t->w_max);
    wanted_output(t);
    for (size_t i = 0; i < sizeof quarters / sizeof quarters[0]; i++) {
        double error;
        smoothing_factors(l, t->x_max, t->w_max, quarters[i][0], quarters[i][1], t->input_scale);
        error = trial_error(t);
        if (error < least * CLEARLY) {
            least = error;
            memcpy(best, t->input_scale, l->k * sizeof *best);
        }
    }
}

static int smooth(const struct layer *l, float *input_scale)
{
    struct trial t = {.l = l, .m = l->k32 + l->outlier_n + 1};
    int status = -1;

    t.rows = l->rows < TRIAL_ROWS ? l->rows : TRIAL_ROWS;
    t.stride = linalg_padded(t.m);
    t.x_max = linalg_alloc(l->k);
    t.w_max = linalg_alloc(l->k);
    t.input_scale = linalg_alloc(l->k32);
    t.weight = linalg_alloc(l->n16 * t.m);
    t.panels = linalg_alloc(l->n16 * t.m);
    t.seen = linalg_alloc(t.rows * t.stride);
    t.want = linalg_alloc(t.rows * l->n16);
    t.got = linalg_alloc(t.rows * l->n16);
    if (t.x_max != NULL && t.w_max != NULL && t.input_scale != NULL && t.weight != NULL &&
        t.panels != NULL && t.seen != NULL && t.want != NULL && t.got != NULL) {
        choose_factors(&t, input_scale);
        status = 0;
    }
    free(t.x_max);
    free(t.w_max);
    free(t.input_scale);
    free(t.weight);
    free(t.panels);
    free(t.seen);
    free(t.want);
    free(t.got);
    return status;
}

/* ---- second moments ---- */

static int moments(const struct layer *l, const float *input_scale, struct calibration *out)
{
    size_t m = l->k32 + l->outlier_n + 1, stride = linalg_padded(m);
    float *h = linalg_alloc(m * stride), *seen = linalg_alloc(CHUNK * stride);
    int status = -1;

    out->importance = linalg_alloc(l->k32);
    if (h == NULL || seen == NULL || out->importance == NULL)
        goto done;
    for (size_t first = 0; first < l->rows; first += CHUNK) {
        size_t n = l->rows - first < CHUNK ? l->rows - first : CHUNK;
        see(l, input_scale, first, n, n, seen, stride);
        if (linalg_add_gram(l->workers, seen, stride, n, m, h) != 0)
            goto done;
    }
    for (size_t k = 0; k < l->k32; k++)
        out->importance[k] = h[k * stride + k] / (float)l->rows;
    status = gptq_factorise(l->workers, h, m, l->k32, DAMPING, &out->factor);
done:
    free(h);
    free(seen);
    return status;
}

static int finite_inputs(const struct layer *l)
{
    for (size_t r = 0; r < l->rows; r++)
        for (size_t k = 0; k < l->k; k++)
            if (!(fabsf(input_row(l, r)[k]) < 1e12f)) /* so that no sum of squares overflows */
                return 0;
    return 1;
}

int layer_stats(const float *x, size_t x_stride, size_t rows, const struct linear_f32 *linear,
                const struct quantize_options *options, struct calibration *out,
                struct failure *failure)
{
    struct layer l = {.x = x,
                      .x_stride = x_stride,
                      .rows = rows,
                      .linear = linear,
                      .options = options,
                      .workers = options->workers,
                      .n = linear->n,
                      .k = linear->k,
                      .k32 = (size_t)rlv_round_up(linear->k, RLV_K_BLOCK),
                      .n16 = (size_t)rlv_round_up(linear->n, RLV_PANEL)};

    memset(out, 0, sizeof *out);
    if (!finite_inputs(&l))
        return failure_set(failure, "the calibration texts give inputs beyond 1e12 here");
    out->input_scale = linalg_alloc(l.k32);
    l.bytes = aligned_alloc(RLV_ALIGN, l.workers->n * (size_t)rlv_round_up(l.k32, RLV_ALIGN));
    if (l.bytes == NULL || out->input_scale == NULL || find_outliers(&l) != 0 ||
        smooth(&l, out->input_scale) != 0 || moments(&l, out->input_scale, out) != 0)
        goto fail;
    out->outlier_index = l.outlier;
    out->outlier_n = (uint32_t)l.outlier_n;
    free(l.bytes);
    return 0;

fail:
    failure_set(failure, "out of memory");
    free(l.bytes);
    free(l.outlier);
    calibration_free(out);
    return -1;
}

void calibration_free(struct calibration *calibration)
{
    free(calibration->input_scale);
    free(calibration->outlier_index);
    free(calibration->importance);
    gptq_factor_free(&calibration->factor);
    memset(calibration, 0, sizeof *calibration);
}
