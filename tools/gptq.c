/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gptq.c - see gptq.h.
 *
 * Output channels are independent, so a worker takes some of them through all input channels.
 * Those go by blocks: what the channels left of a block contribute is one matrix product, and only
 * within a block the work goes from channel to channel.
 */
#include <stdlib.h>
#include <string.h>

#include "gptq.h"
#include "grid.h"
#include "quantize.h"

#define PANEL ((size_t)RLV_KERNEL_PANEL)
#define BLOCK 128 /* channels at least, where a group is not larger */
#define ROWS_A_TASK 32

/* ---- factor ---- */

/* Mirror the lower triangle on the other diagonal: channel i becomes channel m - 1 - i. */
static void turn_round(float *h, size_t m, size_t stride)
{
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j <= i; j++) {
            size_t r = m - 1 - j, c = m - 1 - i; /* lower triangle too */
            if (i * m + j < r * m + c) {
                float t = h[i * stride + j];
                h[i * stride + j] = h[r * stride + c];
                h[r * stride + c] = t;
            }
        }
    }
}

static void damp(float *h, size_t m, size_t stride, size_t k, float damping)
{
    double sum = 0.0;
    size_t n = 0;
    float extra;

    for (size_t i = 0; i < k; i++) {
        sum += (double)h[i * stride + i];
        n += h[i * stride + i] != 0.0f;
    }
    extra = n > 0 ? (float)((double)damping * sum / (double)n) : 0.0f;
    for (size_t i = 0; i < m; i++)
        h[i * stride + i] = h[i * stride + i] != 0.0f ? h[i * stride + i] + extra : 1.0f;
}

int gptq_factorise(const struct workers *workers, float *h, size_t m, size_t k, float damping,
                   struct gptq_factor *factor)
{
    size_t stride = linalg_padded(m);

    damp(h, m, stride, k, damping);
    turn_round(h, m, stride); /* the lower factor of what is turned round is R, turned round */
    if (linalg_cholesky(workers, h, m) != 0)
        return -1;
    factor->m = m;
    factor->panels = linalg_alloc(stride * m);
    if (factor->panels == NULL)
        return -1;
    for (size_t j = 0; j < m; j++) {
        const float *row = h + (m - 1 - j) * stride;
        for (size_t c = j + 1; c < m; c++) {
            const float *pivot = h + (m - 1 - c) * stride + (m - 1 - c);
            factor->panels[(c / PANEL * m + j) * PANEL + c % PANEL] = row[m - 1 - c] / *pivot;
        }
    }
    return 0;
}

void gptq_factor_free(struct gptq_factor *factor)
{
    free(factor->panels);
    memset(factor, 0, sizeof *factor);
}

/* ---- rounding ---- */

struct rounding {
    struct gptq *g;
    const struct rlv_kernels *kernels;
    size_t stride, block, group_n;
    float *differences; /* [workers][ROWS_A_TASK, stride]: w - v */
    float *owed;        /* [workers][ROWS_A_TASK + 1, block]: sum_j (w_j - v_j) M_jk; a spare row */
    float *ones;        /* [block]: importance where all are alike */
};

/* Add d M[j][k] for the channels k of j's block. */
static void pass_on(const struct rounding *r, size_t j, size_t first, size_t last, float d,
                    float *owed)
{
    size_t m = r->g->factor->m;

    for (size_t p = j / PANEL; p * PANEL < last; p++) {
        const float *row = r->g->factor->panels + (p * m + j) * PANEL;
        float *to = owed + p * PANEL - first;
        for (size_t e = 0; e < PANEL; e++)
            to[e] += d * row[e];
    }
}

/* The scale of the group that begins at channel 'j', for the weights as they now have to be. */
static float group_scale(const struct rounding *r, size_t j, const float *w, const float *owed,
                         float *wanted)
{
    const struct gptq *g = r->g;
    size_t n = g->k - j < g->group ? g->k - j : g->group;

    for (size_t i = 0; i < n; i++)
        wanted[i] = w[j + i] + owed[i];
    return quantize_search_scale(wanted, g->importance != NULL ? g->importance + j : r->ones,
                                 (uint32_t)n, g->bits, g->w_max, g->chain);
}

/* Channels [first, last) of output channel 'n', all to be rounded. */
static void round_block(const struct rounding *r, size_t n, size_t first, size_t last,
                        float *differences, float *owed, float *wanted)
{
    const struct gptq *g = r->g;
    struct grid grid = grid_of(g->w_max);
    struct lanes lanes = {.chain = g->chain};
    float *w = g->w + n * r->stride, *scales = g->scale + n * r->group_n;
    float scale = scales[0], inverse = scale != 0.0f ? 1.0f / scale : 0.0f;

    for (size_t j = first; j < last; j++) {
        float q, d;
        if (g->group != 0 && j % g->group == 0) {
            scale = scales[j / g->group] = group_scale(r, j, w, owed + (j - first), wanted);
            inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
        }
        q = lanes_take(&lanes, j, grid_round(w[j] + owed[j - first], inverse, grid));
        d = w[j] - q * scale;
        g->q[n * g->k + j] = (int8_t)q;
        differences[j] = d;
        pass_on(r, j, first, last, d, owed);
    }
}

/* Channels that need no rounding become what makes good all errors before them. */
static void absorb_block(const struct rounding *r, size_t n, size_t first, size_t last,
                         float *differences, float *owed)
{
    float *w = r->g->w + n * r->stride;

    for (size_t j = first; j < last; j++) {
        float d = -owed[j - first];
        w[j] -= d;
        differences[j] = d;
        pass_on(r, j, first, last, d, owed);
    }
}

static void round_task(void *arg, size_t i, unsigned worker)
{
    const struct rounding *r = arg;
    const struct gptq *g = r->g;
    size_t row = i * ROWS_A_TASK, rows = g->n - row < ROWS_A_TASK ? g->n - row : ROWS_A_TASK;
    size_t m = g->factor->m, last;
    float *differences = r->differences + worker * ROWS_A_TASK * r->stride;
    float *owed = r->owed + worker * (ROWS_A_TASK + 1) * r->block;
    float *wanted = owed + ROWS_A_TASK * r->block;

    for (size_t first = 0; first < m; first = last) {
        size_t end = first < g->k ? g->k : m;
        last = end - first < r->block ? end : first + r->block;
        if (first == 0)
            memset(owed, 0, rows * r->block * sizeof *owed);
        else
            linalg_product(r->kernels, differences, r->stride, rows, first,
                           g->factor->panels + first * m, m * PANEL,
                           (last - first + PANEL - 1) / PANEL, owed, r->block);
        for (size_t n = 0; n < rows; n++) {
            float *d = differences + n * r->stride, *t = owed + n * r->block;
            if (first < g->k)
                round_block(r, row + n, first, last, d, t, wanted);
            else
                absorb_block(r, row + n, first, last, d, t);
        }
    }
}

int gptq_round(const struct workers *workers, struct gptq *g)
{
    struct rounding r = {.g = g,
                         .kernels = workers->kernels,
                         .stride = linalg_padded(g->factor->m)};
    int status = -1;

    r.block = g->group == 0 ? BLOCK : g->group > BLOCK ? g->group : BLOCK / g->group * g->group;
    r.group_n = g->group == 0 ? 1 : (g->k + g->group - 1) / g->group;
    r.differences = linalg_alloc(workers->n * ROWS_A_TASK * r.stride);
    r.owed = linalg_alloc(workers->n * (ROWS_A_TASK + 1) * r.block);
    r.ones = linalg_alloc(r.block);
    if (r.differences == NULL || r.owed == NULL || r.ones == NULL)
        goto done;
    for (size_t i = 0; i < r.block; i++)
        r.ones[i] = 1.0f;
    workers_run(workers, (g->n + ROWS_A_TASK - 1) / ROWS_A_TASK, round_task, &r);
    status = 0;
done:
    free(r.differences);
    free(r.owed);
    free(r.ones);
    return status;
}
