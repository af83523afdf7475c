/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward.c - the encoder: embeddings, transformer layers, heads.
 *
 * Source: Devlin et al. 2018 (BERT) and Sanh et al. 2019 (DistilBERT), post-norm layers as in the
 * Hugging Face implementation; quantised linear layers as docs/numerics.md defines them.
 *
 * All sequences of a batch lie one after the other in one matrix of rows, without padding: the
 * linear layers and norms see only rows, attention alone knows where a sequence begins.  Each
 * step below is one stage of the worker pool.  A stage that produces a row also quantises it for
 * the linear layer that reads it next, while it is in the L1 cache.
 *
 * In a classifier only the [CLS] row of the last layer is needed, so there K and V are computed for
 * all rows and everything else for one row of each sequence: exact, and 14 % of the work saved.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

/* Panels unpacked at a time: a tile of the GEMM, small enough for L2 (K = 3072: 192 and 384 KB). */
#define UNPACK_PANELS_Q8 4
#define UNPACK_PANELS_F32 2

/* ---- quantising a row for the linear layer that reads it ---- */

static int is_quantised(const struct rlv_linear *linear)
{
    return linear != NULL && rlv_dtype_bits(linear->dtype) != 0;
}

/* Row 'r' of the next layer's input, from x [linear->k]. */
static void prepare_row(struct relevance_context *ctx, const struct rlv_linear *linear,
                        const float *x, size_t r)
{
    float *outlier = ctx->x_outlier + r * RLV_KERNEL_OUTLIER_STRIDE;
    if (!is_quantised(linear))
        return;
    ctx->kernels->quantize_u8(x, linear->input_scale, linear->k, linear->k32,
                              ctx->a + r * ctx->a_stride, &ctx->a_scale[r], &ctx->a_zero[r]);
    for (uint32_t i = 0; i < linear->outlier_n; i++)
        outlier[i] = x[linear->outlier_index[i]];
}

/* ---- stages over rows ---- */

struct row_stage {
    struct relevance_context *ctx;
    size_t rows, rows_per_task;
    const float *x; /* [rows, x_stride] */
    size_t x_stride;
    const struct rlv_norm *norm;
    const struct rlv_linear *next; /* reads the result; NULL: nothing to quantise */
    void (*row)(const struct row_stage *stage, size_t r);
};

static void row_task(void *arg, size_t i, unsigned worker)
{
    const struct row_stage *stage = arg;
    size_t first = i * stage->rows_per_task, last = first + stage->rows_per_task;
    (void)worker;
    for (size_t r = first; r < last && r < stage->rows; r++)
        stage->row(stage, r);
}

static void run_rows(struct row_stage *stage, enum relevance_part part)
{
    struct relevance_context *ctx = stage->ctx;
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    /* Four tasks a thread: enough to balance, few enough that claiming them costs nothing. */
    size_t tasks = ctx->threads == 1 ? 1 : 4 * (size_t)ctx->threads;
    stage->rows_per_task = (stage->rows + tasks - 1) / tasks;
    rlv_pool_run(ctx->pool, (stage->rows + stage->rows_per_task - 1) / stage->rows_per_task,
                 row_task, stage);
    if (ctx->clock)
        ctx->ticks[part] += ctx->clock() - start;
}

static void table_row(const struct relevance_context *ctx, const struct rlv_table *table,
                      uint32_t i, float *y)
{
    const uint8_t *row = table->data + (size_t)i * table->stride;
    size_t k32 = (size_t)rlv_round_up(table->cols, RLV_K_BLOCK);
    if (table->dtype == RLV_DTYPE_F32)
        memcpy(y, row, table->cols * sizeof *y);
    else if (table->dtype == RLV_DTYPE_F16)
        ctx->kernels->row_f16((const uint16_t *)(const void *)row, k32, y);
    else
        ctx->kernels->unpack_row(row, rlv_dtype_bits(table->dtype),
                                 table->scale + (size_t)i * table->group_n, table->group, k32, y);
}

/* hidden = norm(word + type + position) */
static void embed_row(const struct row_stage *stage, size_t r)
{
    struct relevance_context *ctx = stage->ctx;
    const struct relevance_model *m = ctx->model;
    float *h = ctx->hidden + r * ctx->narrow_stride, *t = ctx->narrow + r * ctx->narrow_stride;
    size_t n = m->config->hidden_size;
    table_row(ctx, &m->word, (uint32_t)ctx->ids[r], h);
    if (m->type.data != NULL) {
        uint32_t type = ctx->types[r] < m->type.rows ? ctx->types[r] : m->type.rows - 1;
        table_row(ctx, &m->type, type, t);
        ctx->kernels->add_f32(t, h, n);
    }
    table_row(ctx, &m->position, ctx->positions[r], t);
    ctx->kernels->layernorm_f32(h, t, m->embedding_norm.gamma, m->embedding_norm.beta,
                                m->config->layer_norm_epsilon, n, h);
    prepare_row(ctx, stage->next, h, r);
}

/* hidden = norm(x + hidden) */
static void norm_row(const struct row_stage *stage, size_t r)
{
    struct relevance_context *ctx = stage->ctx;
    float *h = ctx->hidden + r * ctx->narrow_stride;
    ctx->kernels->layernorm_f32(stage->x + r * stage->x_stride, h, stage->norm->gamma,
                                stage->norm->beta, ctx->model->config->layer_norm_epsilon,
                                ctx->model->config->hidden_size, h);
    prepare_row(ctx, stage->next, h, r);
}

static void gelu_row(const struct row_stage *stage, size_t r)
{
    struct relevance_context *ctx = stage->ctx;
    float *x = ctx->wide + r * ctx->wide_stride;
    ctx->kernels->gelu_f32(x, ctx->model->config->intermediate_size);
    prepare_row(ctx, stage->next, x, r);
}

static void quantise_row(const struct row_stage *stage, size_t r)
{
    prepare_row(stage->ctx, stage->next, stage->x + r * stage->x_stride, r);
}

/* ---- linear layers ---- */

struct linear_stage {
    struct relevance_context *ctx;
    const struct rlv_linear *linear;
    const float *x; /* [rows, k] for f32 and f16; quantised layers read ctx->a */
    size_t x_stride;
    float *y; /* [rows, panels * 16] */
    size_t y_stride;
    size_t rows;
    size_t panel_first, panel_n, panels_per_task;
};

static struct rlv_gemm_q8g gemm_q8_arguments(const struct linear_stage *stage)
{
    const struct relevance_context *ctx = stage->ctx;
    const struct rlv_linear *l = stage->linear;
    struct rlv_gemm_q8g g = {
        .base = {.a = ctx->a,
                 .a_stride = ctx->a_stride,
                 .a_scale = ctx->a_scale,
                 .a_zero = ctx->a_zero,
                 .w = (const int8_t *)l->weight,
                 .w_max = l->w_max,
                 .w_scale = l->scale,
                 .w_sum = l->sum,
                 .bias = l->bias,
                 .x_outlier = ctx->x_outlier,
                 .w_outlier = l->outlier_weight,
                 .outlier_n = l->outlier_n,
                 .outlier_stride = l->outlier_stride,
                 .y = stage->y,
                 .y_stride = stage->y_stride,
                 .rows = stage->rows,
                 .k = l->k32},
        .w_fsum = l->fsum,
        .group = l->group};
    return g;
}

static void gemm_q8_panels(const struct relevance_context *ctx, const struct rlv_gemm_q8g *g,
                           size_t first, size_t n)
{
    if (g->group != 0)
        ctx->kernels->gemm_q8g(g, first, n);
    else
        ctx->kernels->gemm_q8(&g->base, first, n);
}

/* The same view with panel 'first' as its panel 0, and unpacked weights. */
static struct rlv_gemm_q8g from_panel(const struct rlv_gemm_q8g *g, const struct rlv_linear *l,
                                      size_t first, const int8_t *weights)
{
    struct rlv_gemm_q8g t = *g;
    size_t column = first * RLV_PANEL;
    t.base.w = weights;
    t.base.w_scale += column * l->group_n;
    if (t.base.w_sum != NULL)
        t.base.w_sum += column;
    if (t.w_fsum != NULL)
        t.w_fsum += column;
    t.base.bias += column;
    if (t.base.w_outlier != NULL)
        t.base.w_outlier += column;
    t.base.y += column;
    return t;
}

static void unpack_panel(const struct rlv_kernels *kernels, const struct rlv_linear *l,
                         size_t panel, int8_t *to)
{
    const uint8_t *from = l->weight + panel * l->panel_len;
    switch (l->dtype) {
    case RLV_DTYPE_Q6: kernels->unpack_q6(from, l->k32, to); break;
    case RLV_DTYPE_Q5: kernels->unpack_q5(from, l->k32, to); break;
    case RLV_DTYPE_Q4: kernels->unpack_q4(from, l->k32, to); break;
    default: kernels->unpack_q3(from, l->k32, to); break;
    }
}

/* Low-bit weights: a tile of panels is unpacked once for all rows. */
static void low_bit_panels(const struct linear_stage *stage, size_t first, size_t n, float *scratch)
{
    const struct rlv_linear *l = stage->linear;
    struct rlv_gemm_q8g g = gemm_q8_arguments(stage);
    int8_t *weights = (int8_t *)scratch;
    while (n != 0) {
        size_t tile = n < UNPACK_PANELS_Q8 ? n : UNPACK_PANELS_Q8;
        for (size_t i = 0; i < tile; i++)
            unpack_panel(stage->ctx->kernels, l, first + i,
                         weights + i * l->k32 * RLV_PANEL);
        struct rlv_gemm_q8g t = from_panel(&g, l, first, weights);
        gemm_q8_panels(stage->ctx, &t, 0, tile);
        first += tile;
        n -= tile;
    }
}

static struct rlv_gemm_f32 gemm_f32_arguments(const struct linear_stage *stage)
{
    const struct rlv_linear *l = stage->linear;
    struct rlv_gemm_f32 g = {.a = stage->x,
                             .a_stride = stage->x_stride,
                             .w = (const float *)(const void *)l->weight,
                             .w_stride = (size_t)l->k32 * RLV_PANEL,
                             .bias = l->bias,
                             .y = stage->y,
                             .y_stride = stage->y_stride,
                             .rows = stage->rows,
                             .k = l->k};
    return g;
}

/* The own kernels were faster at every size (docs/performance.md), so AUTO means them: the one line to
 * change where that is not so. */
static int use_blas(const struct relevance_context *ctx)
{
    return ctx->f32_gemm == RELEVANCE_F32_GEMM_BLAS;
}

static void f32_panels(const struct linear_stage *stage, size_t first, size_t n, float *scratch)
{
    struct rlv_gemm_f32 g = gemm_f32_arguments(stage);
    if (use_blas(stage->ctx))
        rlv_blas_gemm_f32(&g, first, n, scratch);
    else
        stage->ctx->kernels->gemm_f32(&g, first, n);
}

static void f16_panels(const struct linear_stage *stage, size_t first, size_t n, float *scratch)
{
    const struct rlv_linear *l = stage->linear;
    size_t panel = (size_t)l->k32 * RLV_PANEL;
    while (n != 0) {
        size_t tile = n < UNPACK_PANELS_F32 ? n : UNPACK_PANELS_F32;
        struct rlv_gemm_f32 g = gemm_f32_arguments(stage);
        const void *from = l->weight + first * l->panel_len;
        stage->ctx->kernels->row_f16(from, tile * panel, scratch);
        g.w = scratch;
        g.bias += first * RLV_PANEL;
        g.y += first * RLV_PANEL;
        stage->ctx->kernels->gemm_f32(&g, 0, tile);
        first += tile;
        n -= tile;
    }
}

static void linear_task(void *arg, size_t i, unsigned worker)
{
    const struct linear_stage *stage = arg;
    float *scratch = stage->ctx->scratch + worker * stage->ctx->scratch_stride;
    size_t first = i * stage->panels_per_task, n = stage->panel_n - first;
    if (n > stage->panels_per_task)
        n = stage->panels_per_task;
    first += stage->panel_first;
    switch (stage->linear->dtype) {
    case RLV_DTYPE_Q8: {
        struct rlv_gemm_q8g g = gemm_q8_arguments(stage);
        gemm_q8_panels(stage->ctx, &g, first, n);
        break;
    }
    case RLV_DTYPE_F32: f32_panels(stage, first, n, scratch); break;
    case RLV_DTYPE_F16: f16_panels(stage, first, n, scratch); break;
    default: low_bit_panels(stage, first, n, scratch); break;
    }
}

static void run_linear(struct linear_stage *stage, enum relevance_part part)
{
    struct relevance_context *ctx = stage->ctx;
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    size_t per_task = stage->panel_n;
    if (ctx->observer != NULL)
        ctx->observer(ctx->observer_user, stage->linear, stage->x, stage->x_stride, stage->rows);
    if (ctx->threads > 1) {
        /* About four tasks a thread, in whole tiles of the GEMM kernels (4 panels). */
        per_task = (stage->panel_n + 4 * ctx->threads - 1) / (4 * ctx->threads);
        per_task = (per_task + 3) / 4 * 4;
    }
    stage->panels_per_task = per_task;
    rlv_pool_run(ctx->pool, (stage->panel_n + per_task - 1) / per_task, linear_task, stage);
    if (ctx->clock)
        ctx->ticks[part] += ctx->clock() - start;
}

/* y = x W^T + b over all output channels. */
static void run_whole_linear(struct relevance_context *ctx, const struct rlv_linear *linear,
                             const float *x, size_t x_stride, float *y, size_t y_stride,
                             size_t rows, enum relevance_part part)
{
    struct linear_stage stage = {.ctx = ctx, .linear = linear, .x = x, .x_stride = x_stride,
                                 .y = y, .y_stride = y_stride, .rows = rows,
                                 .panel_first = 0, .panel_n = linear->n16 / RLV_PANEL};
    run_linear(&stage, part);
}

/* ---- attention ---- */

struct attention_stage {
    struct relevance_context *ctx;
    const float *q; /* first row of query s: row 's' with one_row, else the sequence's first row */
    size_t q_stride;
    float *out;
    size_t out_stride;
    int one_row;
};

static void attention_task(void *arg, size_t i, unsigned worker)
{
    const struct attention_stage *stage = arg;
    struct relevance_context *ctx = stage->ctx;
    const struct rlv_config *c = ctx->model->config;
    size_t s = i / c->head_n, head = i % c->head_n, dim = c->hidden_size / c->head_n;
    const struct rlv_sequence *sequence = &ctx->sequences[s];
    size_t row = stage->one_row ? s : sequence->first;
    const float *kv = ctx->wide + sequence->first * ctx->wide_stride + head * dim;
    struct rlv_attention_f32 a = {.q = stage->q + row * stage->q_stride + head * dim,
                                  .q_stride = stage->q_stride,
                                  .k = kv + c->hidden_size,
                                  .v = kv + 2 * (size_t)c->hidden_size,
                                  .kv_stride = ctx->wide_stride,
                                  .out = stage->out + row * stage->out_stride + head * dim,
                                  .out_stride = stage->out_stride,
                                  .row_n = stage->one_row ? 1 : sequence->n,
                                  .key_n = sequence->n,
                                  .head_dim = dim,
                                  .scratch = ctx->scratch + worker * ctx->scratch_stride};
    a.scale = 1.0f / sqrtf((float)dim);
    ctx->kernels->attention_f32(&a);
}

static void run_attention(struct attention_stage *stage)
{
    struct relevance_context *ctx = stage->ctx;
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    rlv_pool_run(ctx->pool, (size_t)ctx->sequence_n * ctx->model->config->head_n, attention_task,
                 stage);
    if (ctx->clock)
        ctx->ticks[RELEVANCE_PART_ATTENTION] += ctx->clock() - start;
}

/* ---- layers ---- */

static void run_norm(struct relevance_context *ctx, const float *x, size_t x_stride, size_t rows,
                     const struct rlv_norm *norm, const struct rlv_linear *next)
{
    struct row_stage stage = {.ctx = ctx, .rows = rows, .x = x, .x_stride = x_stride,
                              .norm = norm, .next = next, .row = norm_row};
    run_rows(&stage, RELEVANCE_PART_LAYERNORM);
}

static void run_quantise(struct relevance_context *ctx, const float *x, size_t x_stride,
                         size_t rows, const struct rlv_linear *next, enum relevance_part part)
{
    struct row_stage stage = {.ctx = ctx, .rows = rows, .x = x, .x_stride = x_stride,
                              .next = next, .row = quantise_row};
    if (is_quantised(next))
        run_rows(&stage, part);
}

/* The half of a layer after attention, for 'rows' rows; 'sum' holds the attention's projection. */
static void feed_forward(struct relevance_context *ctx, const struct rlv_layer *layer,
                         const float *sum, size_t sum_stride, size_t rows,
                         const struct rlv_linear *next)
{
    struct row_stage gelu = {.ctx = ctx, .rows = rows, .next = &layer->ffn2, .row = gelu_row};
    run_norm(ctx, sum, sum_stride, rows, &layer->attention_norm, &layer->ffn1);
    run_whole_linear(ctx, &layer->ffn1, ctx->hidden, ctx->narrow_stride, ctx->wide,
                     ctx->wide_stride, rows, RELEVANCE_PART_FFN1);
    run_rows(&gelu, RELEVANCE_PART_GELU);
    run_whole_linear(ctx, &layer->ffn2, ctx->wide, ctx->wide_stride, ctx->narrow,
                     ctx->narrow_stride, rows, RELEVANCE_PART_FFN2);
    run_norm(ctx, ctx->narrow, ctx->narrow_stride, rows, &layer->ffn_norm, next);
}

static void layer_all_rows(struct relevance_context *ctx, const struct rlv_layer *layer,
                           const struct rlv_linear *next)
{
    size_t rows = ctx->row_n;
    struct attention_stage attention = {.ctx = ctx, .q = ctx->wide, .q_stride = ctx->wide_stride,
                                        .out = ctx->narrow, .out_stride = ctx->narrow_stride};
    run_whole_linear(ctx, &layer->qkv, ctx->hidden, ctx->narrow_stride, ctx->wide,
                     ctx->wide_stride, rows, RELEVANCE_PART_QKV);
    run_attention(&attention);
    run_quantise(ctx, ctx->narrow, ctx->narrow_stride, rows, &layer->attention_out,
                 RELEVANCE_PART_ATTENTION);
    run_whole_linear(ctx, &layer->attention_out, ctx->narrow, ctx->narrow_stride, ctx->wide,
                     ctx->wide_stride, rows, RELEVANCE_PART_ATTENTION_OUT);
    feed_forward(ctx, layer, ctx->wide, ctx->wide_stride, rows, next);
}

/* Bring the first row of every sequence to the front: row s of the residual and the quantised input. */
static void gather_first_rows(struct relevance_context *ctx)
{
    for (size_t s = 1; s < ctx->sequence_n; s++) {
        size_t r = ctx->sequences[s].first; /* >= s, so nothing still needed is overwritten */
        memmove(ctx->hidden + s * ctx->narrow_stride, ctx->hidden + r * ctx->narrow_stride,
                ctx->narrow_stride * sizeof *ctx->hidden);
        memmove(ctx->a + s * ctx->a_stride, ctx->a + r * ctx->a_stride, ctx->a_stride);
        memmove(ctx->x_outlier + s * RLV_KERNEL_OUTLIER_STRIDE,
                ctx->x_outlier + r * RLV_KERNEL_OUTLIER_STRIDE,
                RLV_KERNEL_OUTLIER_STRIDE * sizeof *ctx->x_outlier);
        ctx->a_scale[s] = ctx->a_scale[r];
        ctx->a_zero[s] = ctx->a_zero[r];
    }
}

static void layer_first_rows(struct relevance_context *ctx, const struct rlv_layer *layer,
                             const struct rlv_linear *next)
{
    size_t hidden = ctx->model->config->hidden_size, rows = ctx->sequence_n;
    size_t kv_first = hidden / RLV_PANEL, panel_n = layer->qkv.n16 / RLV_PANEL;
    struct linear_stage kv = {.ctx = ctx, .linear = &layer->qkv, .x = ctx->hidden,
                              .x_stride = ctx->narrow_stride, .y = ctx->wide,
                              .y_stride = ctx->wide_stride, .rows = ctx->row_n,
                              .panel_first = kv_first, .panel_n = panel_n - kv_first};
    struct linear_stage q = {.ctx = ctx, .linear = &layer->qkv, .x = ctx->hidden,
                             .x_stride = ctx->narrow_stride, .y = ctx->narrow,
                             .y_stride = ctx->narrow_stride, .rows = rows, .panel_first = 0,
                             .panel_n = (hidden + RLV_PANEL - 1) / RLV_PANEL};
    /* The result goes to the columns of 'wide' that would hold Q: nothing else is read from them. */
    struct attention_stage attention = {.ctx = ctx, .q = ctx->narrow,
                                        .q_stride = ctx->narrow_stride, .out = ctx->wide,
                                        .out_stride = ctx->wide_stride, .one_row = 1};
    run_linear(&kv, RELEVANCE_PART_QKV);
    gather_first_rows(ctx);
    run_linear(&q, RELEVANCE_PART_QKV);
    run_attention(&attention);
    run_quantise(ctx, ctx->wide, ctx->wide_stride, rows, &layer->attention_out,
                 RELEVANCE_PART_ATTENTION);
    run_whole_linear(ctx, &layer->attention_out, ctx->wide, ctx->wide_stride, ctx->narrow,
                     ctx->narrow_stride, rows, RELEVANCE_PART_ATTENTION_OUT);
    feed_forward(ctx, layer, ctx->narrow, ctx->narrow_stride, rows, next);
}

void rlv_forward(struct relevance_context *ctx, int cls_only)
{
    const struct relevance_model *m = ctx->model;
    uint32_t layer_n = m->config->layer_n;
    struct row_stage embed = {.ctx = ctx, .rows = ctx->row_n, .next = &m->layers[0].qkv,
                              .row = embed_row};
    run_rows(&embed, RELEVANCE_PART_EMBEDDINGS);
    for (uint32_t i = 0; i + 1 < layer_n; i++)
        layer_all_rows(ctx, &m->layers[i], &m->layers[i + 1].qkv);
    if (cls_only)
        layer_first_rows(ctx, &m->layers[layer_n - 1], m->pooler.weight ? &m->pooler : NULL);
    else
        layer_all_rows(ctx, &m->layers[layer_n - 1], NULL);
}

/* ---- heads ---- */


static void activate_row(const struct row_stage *stage, size_t r)
{
    struct relevance_context *ctx = stage->ctx;
    float *x = ctx->wide + r * ctx->wide_stride;
    size_t n = ctx->model->config->hidden_size;
    if (ctx->model->config->head_kind == RLV_HEAD_TANH) {
        ctx->kernels->tanh_f32(x, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

const float *rlv_head(struct relevance_context *ctx, size_t *stride)
{
    const struct relevance_model *m = ctx->model;
    const float *x = ctx->hidden;
    size_t x_stride = ctx->narrow_stride, rows = ctx->sequence_n;
    if (m->pooler.weight != NULL) {
        struct row_stage activate = {.ctx = ctx, .rows = rows, .row = activate_row};
        run_whole_linear(ctx, &m->pooler, x, x_stride, ctx->wide, ctx->wide_stride, rows,
                         RELEVANCE_PART_HEAD);
        run_rows(&activate, RELEVANCE_PART_HEAD);
        x = ctx->wide;
        x_stride = ctx->wide_stride;
    }
    run_whole_linear(ctx, &m->classifier, x, x_stride, ctx->narrow, ctx->narrow_stride, rows,
                     RELEVANCE_PART_HEAD);
    *stride = ctx->narrow_stride;
    return ctx->narrow;
}

const float *rlv_token_head(struct relevance_context *ctx, size_t *stride)
{
    run_whole_linear(ctx, &ctx->model->token_classifier, ctx->hidden, ctx->narrow_stride,
                     ctx->wide, ctx->wide_stride, ctx->row_n, RELEVANCE_PART_HEAD);
    *stride = ctx->wide_stride;
    return ctx->wide;
}

/* ---- scratch ---- */

static size_t linear_scratch(const struct rlv_linear *l, enum relevance_f32_gemm f32_gemm)
{
    size_t panel = (size_t)l->k32 * RLV_PANEL;
    switch (l->dtype) {
    case RLV_DTYPE_Q8: return 0;
    case RLV_DTYPE_F32: return f32_gemm == RELEVANCE_F32_GEMM_BLAS ? panel * RLV_BLAS_PANELS : 0;
    case RLV_DTYPE_F16: return panel * UNPACK_PANELS_F32;
    default: return panel * UNPACK_PANELS_Q8 / sizeof(float);
    }
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

size_t rlv_forward_scratch(const relevance_model *model, uint32_t max_tokens,
                           enum relevance_f32_gemm f32_gemm)
{
    const struct rlv_config *c = model->config;
    size_t need = rlv_attention_scratch(max_tokens, c->hidden_size / c->head_n);
    for (uint32_t i = 0; i < c->layer_n; i++) {
        const struct rlv_layer *l = &model->layers[i];
        need = larger(need, linear_scratch(&l->qkv, f32_gemm));
        need = larger(need, linear_scratch(&l->attention_out, f32_gemm));
        need = larger(need, linear_scratch(&l->ffn1, f32_gemm));
        need = larger(need, linear_scratch(&l->ffn2, f32_gemm));
    }
    if (model->pooler.weight != NULL)
        need = larger(need, linear_scratch(&model->pooler, f32_gemm));
    if (model->classifier.weight != NULL)
        need = larger(need, linear_scratch(&model->classifier, f32_gemm));
    if (model->token_classifier.weight != NULL)
        need = larger(need, linear_scratch(&model->token_classifier, f32_gemm));
    return need;
}
