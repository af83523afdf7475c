/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward.c - the encoder: embeddings, transformer layers, heads.
 *
 * Source: Devlin et al. 2018 (BERT) and Sanh et al. 2019 (DistilBERT), post-norm layers as in the
 * Hugging Face implementation; quantised linear layers as docs/numerics.md defines them.
 *
 * All sequences of a batch lie one after the other in one matrix of rows, without padding: the
 * linear layers and norms see only rows, attention alone knows where a sequence begins.  Each
 * step below is one stage of the worker pool.
 *
 * Norms go by rows, and a stage that produces a row also quantises it for the linear layer that reads
 * it next, while it is in the L1 cache.  Linear layers and attention go by columns (heads), of which
 * each thread gets the same ones in every stage, so that what it writes it also reads, and the
 * columns of different threads lie apart.  A row's quantisation needs the range of the whole row:
 * there each thread notes the range of its columns, and the next stage quantises, by columns again.
 * With many rows for each thread all but attention goes by rows ("layers by rows", below).
 *
 * In a classifier only the [CLS] row of the last layer is needed, so there K and V are computed for
 * all rows and everything else for one row of each sequence: exact, and 14 % of the work saved.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

/* A unit of columns where heads need none: a cache line of quantised ones. */
#define SLICE_PANELS 4
/* Floats of a piece of a linear layer's output, to be in L2 when GELU revisits them. */
#define SLICE_FLOATS (64u * 1024)

/* Panels unpacked at a time: a tile of the GEMM.  Of int8 two stay in L1 up to K = 768 (24 KB): 3 to
 * 5 % faster at 16 tokens than four, with AVX2.  The rest stays in L2 (K = 3072: 96 and 384 KB).
 * AMX takes four where it has one tile of rows: 6 % faster at 16 tokens, 5 % slower at 64. */
#define UNPACK_PANELS_Q8 2
#define UNPACK_PANELS_AMX 4
#define UNPACK_ROWS_AMX 16
#define UNPACK_PANELS_F32 2

/* ---- quantising a row for the linear layer that reads it ---- */

static int is_quantised(const struct rlv_linear *linear)
{
    return linear != NULL && rlv_dtype_bits(linear->dtype) != 0;
}

/* Row 'r' of a layer's input in ctx->a.  Rows are as close as the layer lets them: a GEMM of K = 384 is
 * 2 % slower with those of K = 1536, on Zen 3. */
static uint8_t *input_row(const struct relevance_context *ctx, const struct rlv_linear *linear,
                          size_t r)
{
    return ctx->a + r * rlv_row_bytes(linear->k32);
}

/* Row 'r' of the next layer's input, from x [linear->k]. */
static void prepare_row(struct relevance_context *ctx, const struct rlv_linear *linear,
                        const float *x, size_t r)
{
    float *outlier = ctx->x_outlier + r * RLV_KERNEL_OUTLIER_STRIDE;
    if (!is_quantised(linear))
        return;
    rlv_quantize_row(ctx->kernels, x, linear->input_scale, linear->k, linear->k32,
                     input_row(ctx, linear, r), &ctx->a_scale[r], &ctx->a_zero[r]);
    for (uint32_t i = 0; i < linear->outlier_n; i++)
        outlier[i] = x[linear->outlier_index[i]];
}

/* ---- stages over columns ---- */

/*
 * What a stage by columns writes: a matrix of 'block_n' blocks of equal width side by side (3 for Q, K
 * and V), whose columns are dealt to the threads by shares: share t has the t-th part of each block,
 * cut between units.
 *
 * Where shares lie apart, each is a matrix of its own, its parts of the blocks side by side.  In one
 * matrix the prefetchers, which run ahead along a row, would pull the neighbour's columns out of the
 * neighbour's cache again and again: five times slower, on a Xeon of 2023.  Rows that a float kernel
 * reads have to be whole.
 */
struct columns {
    float *data;
    size_t panel_n, block_n; /* panels of one block */
    size_t unit;             /* panels that stay together: whole heads, whole cache lines */
    size_t share_n;
    int apart;
    size_t stride; /* floats from one row to the next */
    size_t pitch;  /* floats from one share to the next, where they lie apart */
    size_t width;  /* panels between a share's blocks, likewise */
};

static size_t unit_count(const struct columns *c) { return (c->panel_n + c->unit - 1) / c->unit; }

/* First panel in each block of a share; of share 'share_n': the end. */
static size_t share_begin(const struct columns *c, size_t share)
{
    size_t panel = unit_count(c) * share / c->share_n * c->unit;
    return panel < c->panel_n ? panel : c->panel_n;
}

size_t rlv_share_width(size_t panel_n, size_t unit, size_t share_n)
{
    size_t units = (panel_n + unit - 1) / unit;
    return (units + share_n - 1) / share_n * unit;
}

/* Columns in a buffer of 'rows' rows of 'buffer_stride' floats; apart where it pays and may be. */
static struct columns lay_out(const struct relevance_context *ctx, float *buffer,
                              size_t buffer_stride, size_t rows, size_t panel_n, size_t block_n,
                              int whole_rows)
{
    struct columns c = {.data = buffer, .panel_n = panel_n, .block_n = 1, .unit = SLICE_PANELS,
                        .share_n = ctx->threads, .stride = buffer_stride};
    if (block_n > 1 && panel_n % block_n == 0) {
        c.panel_n = panel_n / block_n;
        c.block_n = block_n;
    }
    if (ctx->share_n > 1 && !whole_rows &&
        c.panel_n * RLV_PANEL == ctx->model->config->hidden_size) {
        size_t width = rlv_share_width(c.panel_n, ctx->share_unit, ctx->share_n);
        size_t stride = rlv_row_floats(c.block_n * width * RLV_PANEL);
        if (stride * ctx->share_n <= buffer_stride) {
            c.unit = ctx->share_unit;
            c.share_n = ctx->share_n;
            c.apart = 1;
            c.stride = stride;
            c.pitch = stride * rows;
            c.width = width;
        }
    }
    return c;
}

/* Where column 'column' (of all blocks) of row 0 lies. */
static float *column_at(const struct columns *c, size_t column)
{
    size_t block = column / (c->panel_n * RLV_PANEL), rest = column % (c->panel_n * RLV_PANEL);
    size_t unit, share;
    if (!c->apart)
        return c->data + column;
    unit = rest / (c->unit * RLV_PANEL);
    share = ((unit + 1) * c->share_n - 1) / unit_count(c);
    return c->data + share * c->pitch + block * c->width * RLV_PANEL + rest -
           share_begin(c, share) * RLV_PANEL;
}

/* Row r of 'n' columns; copied to 'whole' [n] where it is in parts. */
static const float *whole_row(const struct columns *c, size_t r, size_t n, float *whole)
{
    if (!c->apart)
        return c->data + r * c->stride;
    for (size_t share = 0; share < c->share_n; share++) {
        size_t first = share_begin(c, share) * RLV_PANEL;
        size_t last = share_begin(c, share + 1) * RLV_PANEL;
        if (first < last && first < n)
            memcpy(whole + first, c->data + share * c->pitch + r * c->stride,
                   ((last < n ? last : n) - first) * sizeof *whole);
    }
    return whole;
}

static void clear_ranges(struct relevance_context *ctx, size_t rows)
{
    for (unsigned t = 0; t < ctx->threads; t++)
        memset(ctx->ranges + t * ctx->max_rows, 0, rows * sizeof *ctx->ranges);
}

/* Widen the ranges of rows [0, rows) by columns [column, column + n) of a reader's input 'x'. */
static void note_ranges(struct relevance_context *ctx, const struct rlv_linear *reader,
                        size_t column, size_t n, const float *x, size_t stride, size_t rows,
                        struct rlv_range *ranges)
{
    const float *input_scale = reader->input_scale;
    for (size_t r = 0; r < rows; r++)
        ctx->kernels->range_f32(x + r * stride, input_scale != NULL ? input_scale + column : NULL,
                                n, &ranges[r]);
}

struct quantise_stage {
    struct relevance_context *ctx;
    const struct rlv_linear *linear; /* the reader */
    const struct columns *x;
    size_t rows;
};

static struct rlv_range whole_range(const struct relevance_context *ctx, size_t r)
{
    struct rlv_range range = ctx->ranges[r];
    for (unsigned t = 1; t < ctx->threads; t++) {
        const struct rlv_range *other = &ctx->ranges[t * ctx->max_rows + r];
        range.lo = other->lo < range.lo ? other->lo : range.lo;
        range.hi = other->hi > range.hi ? other->hi : range.hi;
    }
    return range;
}

/* A share of all rows, whose ranges are known. */
static void quantise_task(void *arg, size_t share, unsigned worker)
{
    const struct quantise_stage *stage = (const struct quantise_stage *)arg;
    struct relevance_context *ctx = stage->ctx;
    const struct rlv_linear *l = stage->linear;
    const struct columns *c = stage->x;
    size_t begin = share_begin(c, share) * RLV_PANEL, end = share_begin(c, share + 1) * RLV_PANEL;
    (void)worker;
    for (size_t r = 0; begin < end && r < stage->rows; r++) {
        struct rlv_range range = whole_range(ctx, r);
        uint8_t *a = input_row(ctx, l, r);
        float scale;
        int32_t zero;
        rlv_range_step(&range, &scale, &zero);
        if (begin == 0) {
            ctx->a_scale[r] = scale;
            ctx->a_zero[r] = zero;
        }
        for (size_t block = 0; block < c->block_n; block++) {
            size_t first = block * c->panel_n * RLV_PANEL + begin;
            size_t n = end - begin < l->k - first ? end - begin : l->k - first; /* of the last panel */
            const float *x = column_at(c, first) + r * c->stride;
            ctx->kernels->quantize_u8(
                x, l->input_scale != NULL ? l->input_scale + first : NULL, n, scale, zero, a + first);
            for (uint32_t o = 0; o < l->outlier_n; o++)
                if (l->outlier_index[o] - first < n)
                    ctx->x_outlier[r * RLV_KERNEL_OUTLIER_STRIDE + o] =
                        x[l->outlier_index[o] - first];
            if (first + n == l->k)
                memset(a + l->k, zero, l->k32 - l->k);
        }
    }
}

/* Quantise x, whose ranges the stage before has noted, for the linear layer that reads it. */
static void run_quantise(struct relevance_context *ctx, const struct columns *x, size_t rows,
                         const struct rlv_linear *reader)
{
    struct quantise_stage stage = {.ctx = ctx, .linear = reader, .x = x, .rows = rows};
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    if (!is_quantised(reader))
        return;
    rlv_pool_run(ctx->pool, x->share_n, quantise_task, &stage);
    if (ctx->clock)
        ctx->ticks[RELEVANCE_PART_QUANTIZE] += ctx->clock() - start;
}

/* ---- stages over rows ---- */

struct row_stage {
    struct relevance_context *ctx;
    size_t rows, rows_per_task;
    const struct columns *x;
    const struct rlv_norm *norm;
    const struct rlv_linear *next; /* reads the result; NULL: nothing to quantise */
    void (*row)(const struct row_stage *stage, size_t r, float *scratch);
};

static void row_task(void *arg, size_t i, unsigned worker)
{
    const struct row_stage *stage = (const struct row_stage *)arg;
    size_t first = i * stage->rows_per_task, last = first + stage->rows_per_task;
    float *scratch = stage->ctx->scratch + worker * stage->ctx->scratch_stride;
    for (size_t r = first; r < last && r < stage->rows; r++)
        stage->row(stage, r, scratch);
}

static void run_rows(struct row_stage *stage, enum relevance_part part)
{
    struct relevance_context *ctx = stage->ctx;
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    /* Two tasks a thread: enough to balance, few enough that claiming them costs nothing. */
    size_t tasks = ctx->threads == 1 ? 1 : 2 * (size_t)ctx->threads;
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
static void embed_row(const struct row_stage *stage, size_t r, float *t)
{
    struct relevance_context *ctx = stage->ctx;
    const struct relevance_model *m = ctx->model;
    float *h = ctx->hidden + r * ctx->hidden_stride;
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
static void norm_row(const struct row_stage *stage, size_t r, float *scratch)
{
    struct relevance_context *ctx = stage->ctx;
    size_t n = ctx->model->config->hidden_size;
    float *h = ctx->hidden + r * ctx->hidden_stride;
    ctx->kernels->layernorm_f32(whole_row(stage->x, r, n, scratch), h, stage->norm->gamma,
                                stage->norm->beta, ctx->model->config->layer_norm_epsilon, n, h);
    prepare_row(ctx, stage->next, h, r);
}

/* ---- linear layers ---- */

struct linear_stage {
    struct relevance_context *ctx;
    const struct rlv_linear *linear;
    const float *x; /* [rows, k] for f32 and f16; quantised layers read ctx->a */
    size_t x_stride;
    size_t rows;
    struct columns y;
    size_t block_first;            /* blocks before it are left out */
    size_t slice_n;                /* pieces of a share's part of a block */
    const struct rlv_linear *gelu; /* apply GELU, for this reader; NULL: none */
    const struct rlv_linear *next; /* the linear layer of the stage after; NULL: none */
};

/* Panels from 'first' on as a product whose panel 0 they are: weights at 'w', results to 'y'. */
static struct rlv_gemm_q8g gemm_q8_view(const struct linear_stage *stage, size_t first,
                                        const void *w, float *y)
{
    const struct relevance_context *ctx = stage->ctx;
    const struct rlv_linear *l = stage->linear;
    size_t column = first * RLV_PANEL;
    struct rlv_gemm_q8g g = {
        .base = {.a = ctx->a,
                 .a_stride = rlv_row_bytes(l->k32),
                 .a_scale = ctx->a_scale,
                 .a_zero = ctx->a_zero,
                 .w = (const int8_t *)w,
                 .w_max = l->w_max,
                 .chain = l->chain,
                 .w_scale = l->scale + column * l->group_n,
                 .w_sum = l->sum != NULL ? l->sum + column : NULL,
                 .bias = l->bias + column,
                 .x_outlier = ctx->x_outlier,
                 .w_outlier = l->outlier_weight != NULL ? l->outlier_weight + column : NULL,
                 .outlier_n = l->outlier_n,
                 .outlier_stride = l->outlier_stride,
                 .y = y,
                 .y_stride = stage->y.stride,
                 .rows = stage->rows,
                 .k = l->k32},
        .w_fsum = l->fsum != NULL ? l->fsum + column : NULL,
        .group = l->group};
    return g;
}

static void gemm_q8_panels(const struct relevance_context *ctx, const struct rlv_gemm_q8g *g,
                           size_t n)
{
    if (g->group != 0)
        ctx->kernels->gemm_q8g(g, 0, n);
    else
        ctx->kernels->gemm_q8(&g->base, 0, n);
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
static void low_bit_panels(const struct linear_stage *stage, size_t first, size_t n, float *y,
                           const void *after, float *scratch)
{
    const struct rlv_linear *l = stage->linear;
    int8_t *weights = (int8_t *)scratch;
    int few = stage->ctx->isa == RELEVANCE_ISA_AMX && stage->rows <= UNPACK_ROWS_AMX;
    size_t most = few ? UNPACK_PANELS_AMX : UNPACK_PANELS_Q8;
    while (n != 0) {
        size_t tile = n < most ? n : most;
        struct rlv_gemm_q8g g = gemm_q8_view(stage, first, weights, y);
        for (size_t i = 0; i < tile; i++)
            unpack_panel(stage->ctx->kernels, l, first + i, weights + i * l->k32 * RLV_PANEL);
        g.base.w_next = n == tile ? after : l->weight + (first + tile) * l->panel_len;
        gemm_q8_panels(stage->ctx, &g, tile);
        first += tile;
        y += tile * RLV_PANEL;
        n -= tile;
    }
}

static struct rlv_gemm_f32 gemm_f32_view(const struct linear_stage *stage, size_t first,
                                         const float *w, float *y)
{
    const struct rlv_linear *l = stage->linear;
    struct rlv_gemm_f32 g = {.a = stage->x,
                             .a_stride = stage->x_stride,
                             .w = w,
                             .w_stride = (size_t)l->k32 * RLV_PANEL,
                             .bias = l->bias + first * RLV_PANEL,
                             .y = y,
                             .y_stride = stage->y.stride,
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

static void f32_panels(const struct linear_stage *stage, size_t first, size_t n, float *y,
                       const void *after, float *scratch)
{
    const float *weights = (const float *)(const void *)stage->linear->weight;
    struct rlv_gemm_f32 g =
        gemm_f32_view(stage, first, weights + first * stage->linear->k32 * RLV_PANEL, y);
    g.w_next = after;
    if (use_blas(stage->ctx))
        rlv_blas_gemm_f32(&g, 0, n, scratch);
    else
        stage->ctx->kernels->gemm_f32(&g, 0, n);
}

static void f16_panels(const struct linear_stage *stage, size_t first, size_t n, float *y,
                       const void *after, float *scratch)
{
    const struct rlv_linear *l = stage->linear;
    size_t panel = (size_t)l->k32 * RLV_PANEL;
    while (n != 0) {
        size_t tile = n < UNPACK_PANELS_F32 ? n : UNPACK_PANELS_F32;
        struct rlv_gemm_f32 g = gemm_f32_view(stage, first, scratch, y);
        const void *from = l->weight + first * l->panel_len;
        g.w_next = n == tile ? after : l->weight + (first + tile) * l->panel_len;
        stage->ctx->kernels->row_f16((const uint16_t *)from, tile * panel, scratch);
        stage->ctx->kernels->gemm_f32(&g, 0, tile);
        first += tile;
        y += tile * RLV_PANEL;
        n -= tile;
    }
}

/* Pieces go through a share's part of one block, then of the next. */
static size_t pieces_a_share(const struct linear_stage *stage)
{
    return (stage->y.block_n - stage->block_first) * stage->slice_n;
}

/* Panels [*first, *first + result), of all blocks, of piece i; may be none. */
static size_t piece_panels(const struct linear_stage *stage, size_t i, size_t *first)
{
    const struct columns *c = &stage->y;
    size_t share = i / pieces_a_share(stage), rest = i % pieces_a_share(stage);
    size_t block = stage->block_first + rest / stage->slice_n, slice = rest % stage->slice_n;
    size_t begin = share_begin(c, share), units = (share_begin(c, share + 1) - begin) / c->unit;
    size_t from = begin + units * slice / stage->slice_n * c->unit;
    size_t to = slice + 1 == stage->slice_n ? share_begin(c, share + 1)
                                            : begin + units * (slice + 1) / stage->slice_n * c->unit;
    *first = block * c->panel_n + from;
    return to - from;
}

/* The weights that the thread will read after piece i: its next piece's, or after the last one what
 * lies at the same share of the next layer. */
static const void *weights_after(const struct linear_stage *stage, size_t i)
{
    size_t share = i / pieces_a_share(stage), first;
    if ((i + 1) % pieces_a_share(stage) != 0 && piece_panels(stage, i + 1, &first) != 0)
        return stage->linear->weight + first * stage->linear->panel_len;
    if (stage->next == NULL)
        return NULL;
    return stage->next->weight + stage->next->n16 / RLV_PANEL * share / stage->y.share_n *
                                     stage->next->panel_len;
}

/* GELU of 'n' panels from 'first' on, which lie at 'y', and the ranges that their reader quantises by. */
static void gelu_panels(const struct linear_stage *stage, size_t first, size_t n, float *y,
                        unsigned worker)
{
    struct relevance_context *ctx = stage->ctx;
    size_t column = first * RLV_PANEL, columns = n * RLV_PANEL;
    if (columns > stage->linear->n - column)
        columns = stage->linear->n - column;
    for (size_t r = 0; r < stage->rows; r++) {
        ctx->kernels->gelu_f32(y + r * stage->y.stride, columns);
        if (is_quantised(stage->gelu))
            note_ranges(ctx, stage->gelu, column, columns, y + r * stage->y.stride, 0, 1,
                        ctx->ranges + worker * ctx->max_rows + r);
    }
}

static void linear_task(void *arg, size_t i, unsigned worker)
{
    const struct linear_stage *stage = (const struct linear_stage *)arg;
    float *scratch = stage->ctx->scratch + worker * stage->ctx->scratch_stride, *y;
    size_t first, n = piece_panels(stage, i, &first);
    const void *after;
    if (n == 0)
        return;
    y = column_at(&stage->y, first * RLV_PANEL);
    after = weights_after(stage, i);
    switch (stage->linear->dtype) {
    case RLV_DTYPE_Q8: {
        const uint8_t *w = stage->linear->weight + first * stage->linear->panel_len;
        struct rlv_gemm_q8g g = gemm_q8_view(stage, first, w, y);
        g.base.w_next = after;
        gemm_q8_panels(stage->ctx, &g, n);
        break;
    }
    case RLV_DTYPE_F32: f32_panels(stage, first, n, y, after, scratch); break;
    case RLV_DTYPE_F16: f16_panels(stage, first, n, y, after, scratch); break;
    default: low_bit_panels(stage, first, n, y, after, scratch); break;
    }
    if (stage->gelu != NULL)
        gelu_panels(stage, first, n, y, worker);
}

/* The columns of 'y', but for the blocks before 'block_first', from x [rows, k]. */
static void run_linear(struct linear_stage *stage, enum relevance_part part)
{
    struct relevance_context *ctx = stage->ctx;
    const struct columns *c = &stage->y;
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    size_t floats = stage->rows * c->panel_n * RLV_PANEL / c->share_n;
    if (ctx->observer != NULL)
        ctx->observer(ctx->observer_user, stage->linear, stage->x, stage->x_stride, stage->rows);
    stage->slice_n = (floats + SLICE_FLOATS - 1) / SLICE_FLOATS;
    /* Some pieces more than threads, so that one that comes late finds less to do. */
    if (ctx->threads > 1 && pieces_a_share(stage) < 2)
        stage->slice_n = 2;
    rlv_pool_run(ctx->pool, c->share_n * pieces_a_share(stage), linear_task, stage);
    if (ctx->clock)
        ctx->ticks[part] += ctx->clock() - start;
}

/* All output channels of 'linear', for each row of 'x', to 'y'; 'next' is the linear layer after it. */
static void run_whole_linear(struct relevance_context *ctx, const struct rlv_linear *linear,
                             const float *x, size_t x_stride, size_t rows, struct columns y,
                             const struct rlv_linear *next, enum relevance_part part)
{
    struct linear_stage stage = {.ctx = ctx, .linear = linear, .x = x, .x_stride = x_stride,
                                 .rows = rows, .y = y, .next = next};
    run_linear(&stage, part);
}

/* ---- attention ---- */

struct attention_stage {
    struct relevance_context *ctx;
    const struct columns *q, *kv; /* kv: Q (not read, where q is another), K and V */
    const struct columns *out;
    int one_row; /* row s of q and out is sequence s; else rows are as in kv */
    int by_rows; /* a thread's heads are of the same sequences, not the same of all sequences */
    const struct rlv_linear *next; /* reads the result */
};

static void attention_task(void *arg, size_t i, unsigned worker)
{
    const struct attention_stage *stage = (const struct attention_stage *)arg;
    struct relevance_context *ctx = stage->ctx;
    const struct rlv_config *c = ctx->model->config;
    size_t s = stage->by_rows ? i / c->head_n : i % ctx->sequence_n;
    size_t head = stage->by_rows ? i % c->head_n : i / ctx->sequence_n;
    size_t dim = c->hidden_size / c->head_n;
    const struct rlv_sequence *sequence = &ctx->sequences[s];
    size_t row = stage->one_row ? s : sequence->first, kv_row = sequence->first * stage->kv->stride;
    size_t column = head * dim;
    struct rlv_attention_f32 a = {.q = column_at(stage->q, column) + row * stage->q->stride,
                                  .q_stride = stage->q->stride,
                                  .k = column_at(stage->kv, c->hidden_size + column) + kv_row,
                                  .v = column_at(stage->kv, 2 * c->hidden_size + column) + kv_row,
                                  .kv_stride = stage->kv->stride,
                                  .out = column_at(stage->out, column) + row * stage->out->stride,
                                  .out_stride = stage->out->stride,
                                  .row_n = stage->one_row ? 1 : sequence->n,
                                  .key_n = sequence->n,
                                  .head_dim = dim,
                                  .scratch = ctx->scratch + worker * ctx->scratch_stride};
    a.scale = 1.0f / sqrtf((float)dim);
    ctx->kernels->attention_f32(&a);
    if (is_quantised(stage->next))
        note_ranges(ctx, stage->next, column, dim, a.out, a.out_stride, a.row_n,
                    ctx->ranges + worker * ctx->max_rows + row);
}

static void run_attention(struct attention_stage *stage, size_t rows)
{
    struct relevance_context *ctx = stage->ctx;
    uint64_t start = ctx->clock ? ctx->clock() : 0;
    clear_ranges(ctx, rows);
    rlv_pool_run(ctx->pool, (size_t)ctx->sequence_n * ctx->model->config->head_n, attention_task,
                 stage);
    if (ctx->clock)
        ctx->ticks[RELEVANCE_PART_ATTENTION] += ctx->clock() - start;
}

/* ---- layers ---- */

static void run_norm(struct relevance_context *ctx, const struct columns *x, size_t rows,
                     const struct rlv_norm *norm, const struct rlv_linear *next)
{
    struct row_stage stage = {.ctx = ctx, .rows = rows, .x = x, .norm = norm, .next = next,
                              .row = norm_row};
    run_rows(&stage, RELEVANCE_PART_LAYERNORM);
}

static struct columns in_narrow(const struct relevance_context *ctx, size_t rows,
                                const struct rlv_linear *l, int whole_rows)
{
    return lay_out(ctx, ctx->narrow, ctx->narrow_stride, rows, l->n16 / RLV_PANEL, 1, whole_rows);
}

static struct columns in_wide(const struct relevance_context *ctx, size_t rows,
                              const struct rlv_linear *l, size_t block_n, int whole_rows)
{
    return lay_out(ctx, ctx->wide, ctx->wide_stride, rows, l->n16 / RLV_PANEL, block_n, whole_rows);
}

/* The half of a layer after attention, whose result is 'attended', quantised or not. */
static void after_attention(struct relevance_context *ctx, const struct rlv_layer *layer,
                            const struct columns *attended, size_t rows,
                            const struct rlv_linear *next)
{
    const struct rlv_config *c = ctx->model->config;
    /* As many blocks as the layer is wider than the others: then a thread's columns of 'wide' are those
     * that it had of Q, K and V. */
    struct columns inner = in_wide(ctx, rows, &layer->ffn1, c->intermediate_size / c->hidden_size,
                                   !is_quantised(&layer->ffn2));
    struct columns down = in_narrow(ctx, rows, &layer->ffn2, 0);
    struct columns sum = attended->data == ctx->narrow
                             ? in_wide(ctx, rows, &layer->attention_out, 1, 0)
                             : in_narrow(ctx, rows, &layer->attention_out, 0);
    struct linear_stage ffn1 = {.ctx = ctx, .linear = &layer->ffn1, .x = ctx->hidden,
                                .x_stride = ctx->hidden_stride, .rows = rows, .y = inner,
                                .gelu = &layer->ffn2, .next = &layer->ffn2};
    run_quantise(ctx, attended, rows, &layer->attention_out);
    run_whole_linear(ctx, &layer->attention_out, attended->data, attended->stride, rows, sum,
                     &layer->ffn1, RELEVANCE_PART_ATTENTION_OUT);
    run_norm(ctx, &sum, rows, &layer->attention_norm, &layer->ffn1);
    clear_ranges(ctx, rows);
    run_linear(&ffn1, RELEVANCE_PART_FFN1);
    run_quantise(ctx, &inner, rows, &layer->ffn2);
    run_whole_linear(ctx, &layer->ffn2, inner.data, inner.stride, rows, down, next,
                     RELEVANCE_PART_FFN2);
    run_norm(ctx, &down, rows, &layer->ffn_norm, next);
}

static void layer_all_rows(struct relevance_context *ctx, const struct rlv_layer *layer,
                           const struct rlv_linear *next)
{
    size_t rows = ctx->row_n;
    struct columns qkv = in_wide(ctx, rows, &layer->qkv, 3, 0);
    struct columns attended = in_narrow(ctx, rows, &layer->attention_out,
                                        !is_quantised(&layer->attention_out));
    struct attention_stage attention = {.ctx = ctx, .q = &qkv, .kv = &qkv, .out = &attended,
                                        .next = &layer->attention_out};
    run_whole_linear(ctx, &layer->qkv, ctx->hidden, ctx->hidden_stride, rows, qkv,
                     &layer->attention_out, RELEVANCE_PART_QKV);
    run_attention(&attention, rows);
    after_attention(ctx, layer, &attended, rows, next);
}

/* Bring the first row of every sequence to the front of the residual: row s becomes sequence s, and is
 * quantised for its reader. */
static void gather_first_rows(struct relevance_context *ctx, const struct rlv_linear *reader)
{
    for (size_t s = 0; s < ctx->sequence_n; s++) {
        float *h = ctx->hidden + s * ctx->hidden_stride;
        /* From row s or behind it, so nothing still needed is overwritten. */
        memmove(h, ctx->hidden + ctx->sequences[s].first * ctx->hidden_stride,
                ctx->hidden_stride * sizeof *h);
        prepare_row(ctx, reader, h, s);
    }
}

/* K and V are there already where the layers before went by rows. */
static void layer_first_rows(struct relevance_context *ctx, const struct rlv_layer *layer,
                             const struct rlv_linear *next, int by_rows)
{
    size_t rows = ctx->sequence_n;
    /* Q of all rows is not computed, and its place takes the result. */
    struct columns kv = in_wide(ctx, ctx->row_n, &layer->qkv, 3,
                                by_rows || !is_quantised(&layer->attention_out));
    struct columns attended = kv;
    struct columns q = in_narrow(ctx, rows, &layer->attention_out, 0);
    struct linear_stage kv_stage = {.ctx = ctx, .linear = &layer->qkv, .x = ctx->hidden,
                                    .x_stride = ctx->hidden_stride, .rows = ctx->row_n, .y = kv,
                                    .block_first = kv.block_n == 3};
    struct attention_stage attention = {.ctx = ctx, .q = &q, .kv = &kv, .out = &attended,
                                        .one_row = 1, .next = &layer->attention_out};
    if (!by_rows)
        run_linear(&kv_stage, RELEVANCE_PART_QKV);
    gather_first_rows(ctx, &layer->qkv);
    run_whole_linear(ctx, &layer->qkv, ctx->hidden, ctx->hidden_stride, rows, q,
                     &layer->attention_out, RELEVANCE_PART_QKV);
    run_attention(&attention, rows);
    attended.block_n = 1;
    attended.panel_n = q.panel_n;
    after_attention(ctx, layer, &attended, rows, next);
}

/* ---- layers by rows ---- */

/*
 * A thread takes a block of rows from one attention to the next, as one thread does in a context of its
 * own, and of what others write reads only the attended columns.  Two meetings a layer take the place
 * of nine.  Each thread reads all weights, and would unpack those of few bits and f16, or copy those for
 * BLAS: so only q8, q7 and f32 by the own kernels go this way.
 */

/* Rows a thread must have: with fewer, reading all weights takes longer than computing. */
#define BLOCK_ROWS 32

struct block_stage {
    struct relevance_context *ctx;
    const struct rlv_layer *layer; /* attention is done; NULL: begin with the embeddings */
    const struct rlv_layer *next;  /* up to its Q, K and V; NULL: to the end of 'layer' */
    int kv_only;                   /* without Q */
    size_t block_n;
    uint64_t *ticks; /* [RELEVANCE_PART_N]: of worker 0, which is the caller, in this stage */
};

static int goes_by_rows(const struct relevance_context *ctx)
{
    uint32_t dtype = ctx->model->layers[0].ffn1.dtype;
    return ctx->threads > 1 && ctx->row_n >= BLOCK_ROWS * ctx->threads && ctx->observer == NULL &&
           (dtype == RLV_DTYPE_Q8 || (dtype == RLV_DTYPE_F32 && !use_blas(ctx)));
}

/* Rows from 'first' on, as the batch of a context of one thread; attention's ranges are put together. */
static struct relevance_context rows_of(struct relevance_context *ctx, size_t first, size_t n,
                                        unsigned worker)
{
    struct relevance_context part = *ctx;
    for (size_t r = first; r < first + n; r++)
        ctx->ranges[r] = whole_range(ctx, r);
    part.pool = NULL;
    part.threads = 1;
    part.share_n = 1;
    part.clock = worker == 0 ? ctx->clock : NULL;
    memset(part.ticks, 0, sizeof part.ticks);
    part.ids += first;
    part.types += first;
    part.positions += first;
    part.row_n = (uint32_t)n;
    part.hidden += first * part.hidden_stride;
    part.narrow += first * part.narrow_stride;
    part.wide += first * part.wide_stride;
    part.a += first * part.a_stride;
    part.a_scale += first;
    part.a_zero += first;
    part.x_outlier += first * RLV_KERNEL_OUTLIER_STRIDE;
    part.ranges += first;
    part.scratch += worker * part.scratch_stride;
    return part;
}

static void block_task(void *arg, size_t i, unsigned worker)
{
    const struct block_stage *stage = (const struct block_stage *)arg;
    size_t first = stage->ctx->row_n * i / stage->block_n;
    size_t rows = stage->ctx->row_n * (i + 1) / stage->block_n - first;
    struct relevance_context part = rows_of(stage->ctx, first, rows, worker);
    const struct rlv_linear *next = stage->next != NULL ? &stage->next->qkv : NULL;
    if (stage->layer == NULL) {
        struct row_stage embed = {.ctx = &part, .rows = rows, .next = next, .row = embed_row};
        run_rows(&embed, RELEVANCE_PART_EMBEDDINGS);
    } else {
        struct columns attended = in_narrow(&part, rows, &stage->layer->attention_out, 1);
        after_attention(&part, stage->layer, &attended, rows, next);
    }
    if (stage->next != NULL) {
        struct linear_stage qkv = {.ctx = &part, .linear = next, .x = part.hidden,
                                   .x_stride = part.hidden_stride, .rows = rows,
                                   .y = in_wide(&part, rows, next, 3, 1),
                                   .next = &stage->next->attention_out};
        qkv.block_first = stage->kv_only && qkv.y.block_n == 3;
        run_linear(&qkv, RELEVANCE_PART_QKV);
    }
    for (int t = 0; worker == 0 && t < RELEVANCE_PART_N; t++)
        stage->ticks[t] += part.ticks[t];
}

/* Not to the context's own ticks meanwhile, which the others copy with the rest of it. */
static void run_blocks(struct block_stage *stage)
{
    uint64_t ticks[RELEVANCE_PART_N] = {0};
    stage->ticks = ticks;
    rlv_pool_run(stage->ctx->pool, stage->block_n, block_task, stage);
    for (int t = 0; t < RELEVANCE_PART_N; t++)
        stage->ctx->ticks[t] += ticks[t];
}

static void forward_by_rows(struct relevance_context *ctx, int cls_only)
{
    const struct relevance_model *m = ctx->model;
    uint32_t layer_n = m->config->layer_n;
    struct block_stage stage = {.ctx = ctx, .block_n = ctx->threads};
    for (uint32_t i = 0; i < layer_n; i++) {
        const struct rlv_layer *layer = &m->layers[i];
        struct columns qkv = in_wide(ctx, ctx->row_n, &layer->qkv, 3, 1);
        struct columns attended = in_narrow(ctx, ctx->row_n, &layer->attention_out, 1);
        struct attention_stage attention = {.ctx = ctx, .q = &qkv, .kv = &qkv, .out = &attended,
                                            .by_rows = 1, .next = &layer->attention_out};
        stage.next = layer;
        stage.kv_only = cls_only && i + 1 == layer_n;
        run_blocks(&stage);
        if (stage.kv_only)
            break;
        run_attention(&attention, ctx->row_n);
        stage.layer = layer;
    }
    if (cls_only) {
        layer_first_rows(ctx, &m->layers[layer_n - 1], m->pooler.weight ? &m->pooler : NULL, 1);
    } else {
        stage.next = NULL;
        run_blocks(&stage);
    }
}

void rlv_forward(struct relevance_context *ctx, int cls_only)
{
    const struct relevance_model *m = ctx->model;
    uint32_t layer_n = m->config->layer_n;
    struct row_stage embed = {.ctx = ctx, .rows = ctx->row_n, .next = &m->layers[0].qkv,
                              .row = embed_row};
    if (goes_by_rows(ctx)) {
        forward_by_rows(ctx, cls_only);
        return;
    }
    run_rows(&embed, RELEVANCE_PART_EMBEDDINGS);
    for (uint32_t i = 0; i + 1 < layer_n; i++)
        layer_all_rows(ctx, &m->layers[i], &m->layers[i + 1].qkv);
    if (cls_only)
        layer_first_rows(ctx, &m->layers[layer_n - 1], m->pooler.weight ? &m->pooler : NULL, 0);
    else
        layer_all_rows(ctx, &m->layers[layer_n - 1], NULL);
}

/* ---- heads ---- */

static void activate_row(const struct row_stage *stage, size_t r, float *scratch)
{
    struct relevance_context *ctx = stage->ctx;
    float *x = ctx->wide + r * ctx->wide_stride;
    size_t n = ctx->model->config->hidden_size;
    (void)scratch;
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
    size_t x_stride = ctx->hidden_stride, rows = ctx->sequence_n;
    if (m->pooler.weight != NULL) {
        struct row_stage activate = {.ctx = ctx, .rows = rows, .row = activate_row};
        run_whole_linear(ctx, &m->pooler, x, x_stride, rows, in_wide(ctx, rows, &m->pooler, 1, 1),
                         NULL, RELEVANCE_PART_HEAD);
        run_rows(&activate, RELEVANCE_PART_HEAD);
        x = ctx->wide;
        x_stride = ctx->wide_stride;
    }
    run_whole_linear(ctx, &m->classifier, x, x_stride, rows,
                     in_narrow(ctx, rows, &m->classifier, 1), NULL, RELEVANCE_PART_HEAD);
    *stride = ctx->narrow_stride;
    return ctx->narrow;
}

void rlv_take_first_rows(struct relevance_context *ctx)
{
    gather_first_rows(ctx, &ctx->model->pooler);
}

const float *rlv_token_head(struct relevance_context *ctx, size_t *stride)
{
    const struct rlv_linear *l = &ctx->model->token_classifier;
    run_whole_linear(ctx, l, ctx->hidden, ctx->hidden_stride, ctx->row_n,
                     in_wide(ctx, ctx->row_n, l, 1, 1), NULL, RELEVANCE_PART_HEAD);
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
    default: return panel * UNPACK_PANELS_AMX / sizeof(float);
    }
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

size_t rlv_forward_scratch(const relevance_model *model, uint32_t max_tokens,
                           enum relevance_f32_gemm f32_gemm)
{
    const struct rlv_config *c = model->config;
    size_t need = larger(rlv_attention_scratch(max_tokens, c->hidden_size / c->head_n),
                         rlv_round_up(c->hidden_size, RLV_K_BLOCK)); /* a row */
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
