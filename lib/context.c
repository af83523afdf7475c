/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.c - the working memory of one thread's calls: one arena, sized from the model and the
 * limits, and the worker pool.
 */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define MAX_THREADS 64
#define MAX_BATCH_TOKENS (1u << 18)
/* Rows of a batch where the caller does not say. */
#define MOST_BATCH_ROWS 512
#define FEWEST_BATCH_ROWS 64

/* Hands out 64-byte aligned pieces; with base NULL it only counts. */
struct bump {
    uint8_t *base;
    size_t used;
};

static void *take(struct bump *bump, size_t n, size_t element)
{
    uint8_t *piece = bump->base == NULL ? NULL : bump->base + bump->used;
    bump->used += (size_t)rlv_round_up((uint64_t)n * element, RLV_ALIGN);
    return piece;
}

static void carve(struct relevance_context *ctx, struct bump *b)
{
    size_t rows = ctx->max_rows;
    ctx->hidden = (float *)take(b, rows * ctx->hidden_stride, sizeof *ctx->hidden);
    ctx->narrow = (float *)take(b, rows * ctx->narrow_stride, sizeof *ctx->narrow);
    ctx->wide = (float *)take(b, rows * ctx->wide_stride, sizeof *ctx->wide);
    ctx->a = (uint8_t *)take(b, rows * ctx->a_stride, 1);
    ctx->a_scale = (float *)take(b, rows, sizeof *ctx->a_scale);
    ctx->a_zero = (int32_t *)take(b, rows, sizeof *ctx->a_zero);
    ctx->x_outlier = (float *)take(b, rows * RLV_KERNEL_OUTLIER_STRIDE, sizeof *ctx->x_outlier);
    ctx->ranges = (struct rlv_range *)take(b, ctx->threads * rows, sizeof *ctx->ranges);
    ctx->scratch = (float *)take(b, ctx->threads * ctx->scratch_stride, sizeof *ctx->scratch);
    ctx->ids = (int32_t *)take(b, rows, sizeof *ctx->ids);
    ctx->types = (uint8_t *)take(b, rows, sizeof *ctx->types);
    ctx->positions = (uint32_t *)take(b, rows, sizeof *ctx->positions);
    ctx->sequences = (struct rlv_sequence *)take(b, ctx->max_sequences, sizeof *ctx->sequences);
    ctx->truncated = (uint32_t *)take(b, ctx->max_sequences, sizeof *ctx->truncated);
    ctx->query_ids = (int32_t *)take(b, ctx->max_tokens, sizeof *ctx->query_ids);
    ctx->product_ids = (int32_t *)take(b, ctx->max_tokens, sizeof *ctx->product_ids);
    if (ctx->model->config->token_label_n != 0) {
        ctx->origins = (struct rlv_origin *)take(b, rows, sizeof *ctx->origins);
        ctx->query_origins =
            (struct rlv_origin *)take(b, ctx->max_tokens, sizeof *ctx->query_origins);
    }
}

/* A row stride in elements: whole cache lines, and not a multiple of 512 bytes, so that the same
 * column of many rows does not fall into the same few sets of the L1 cache. */
static size_t row_stride(size_t n, size_t element)
{
    size_t bytes = (size_t)rlv_round_up((uint64_t)n * element, RLV_ALIGN);
    if (bytes % 512 == 0)
        bytes += RLV_ALIGN;
    return bytes / element;
}

size_t rlv_row_floats(size_t n) { return row_stride(n, sizeof(float)); }
size_t rlv_row_bytes(size_t n) { return row_stride(n, 1); }

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t common_multiple(size_t a, size_t b)
{
    size_t n = a;
    while (n % b != 0)
        n += a;
    return n;
}

/* Threads get whole heads, and whole cache lines of quantised columns where the model is wide. */
static void set_shares(struct relevance_context *ctx)
{
    const struct rlv_config *c = ctx->model->config;
    size_t head = c->hidden_size / c->head_n, unit = common_multiple(head, RLV_ALIGN), unit_n;
    if (c->hidden_size < 2 * unit)
        unit = common_multiple(head, RLV_PANEL);
    unit_n = (c->hidden_size + unit - 1) / unit;
    ctx->share_unit = unit / RLV_PANEL;
    ctx->share_n = ctx->threads < unit_n ? ctx->threads : unit_n;
}

/* Floats a row of 'block_n' blocks of hidden_size, dealt to the threads. */
static size_t shared_floats(const struct relevance_context *ctx, size_t block_n)
{
    size_t panel_n = (ctx->model->config->hidden_size + RLV_PANEL - 1) / RLV_PANEL;
    size_t width = rlv_share_width(panel_n, ctx->share_unit, ctx->share_n);
    return ctx->share_n * rlv_row_floats(block_n * width * RLV_PANEL);
}

static void set_strides(struct relevance_context *ctx)
{
    const struct relevance_model *m = ctx->model;
    const struct rlv_config *c = m->config;
    size_t hidden = (size_t)rlv_round_up(c->hidden_size, RLV_K_BLOCK);
    size_t inner = (size_t)rlv_round_up(c->intermediate_size, RLV_K_BLOCK);
    size_t narrow = larger(hidden, rlv_round_up(c->label_n, RLV_PANEL));
    size_t wide = larger(larger(rlv_round_up(3 * (uint64_t)c->hidden_size, RLV_PANEL), inner),
                         rlv_round_up(c->token_label_n, RLV_PANEL));
    size_t block_n = larger(3, c->intermediate_size / c->hidden_size);
    set_shares(ctx);
    ctx->hidden_stride = rlv_row_floats(hidden);
    ctx->narrow_stride = larger(rlv_row_floats(narrow), shared_floats(ctx, 1));
    ctx->wide_stride = larger(rlv_row_floats(larger(wide, hidden)), shared_floats(ctx, block_n));
    ctx->a_stride = rlv_row_bytes(larger(hidden, inner));
    ctx->scratch_stride = (size_t)rlv_round_up(
        rlv_forward_scratch(m, ctx->max_tokens, ctx->f32_gemm), RLV_ALIGN / sizeof(float));
}

static enum relevance_status check_options(const relevance_model *model,
                                           const struct relevance_context_options *o,
                                           struct relevance_error *error)
{
    uint32_t limit = model->config->max_tokens;
    if (o->threads > MAX_THREADS)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "options.threads is %u; the most is %u",
                        (unsigned)o->threads, MAX_THREADS);
    if (o->max_tokens != 0 && (o->max_tokens < 4 || o->max_tokens > limit))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.max_tokens is %u; this model reads 4 to %u",
                        (unsigned)o->max_tokens, (unsigned)limit);
    if (o->max_batch_tokens > MAX_BATCH_TOKENS)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.max_batch_tokens is %u; the most is %u",
                        (unsigned)o->max_batch_tokens, MAX_BATCH_TOKENS);
    if ((unsigned)o->special_tokens > RELEVANCE_SPECIAL_PARSE)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "options.special_tokens is unknown");
    if ((unsigned)o->f32_gemm > RELEVANCE_F32_GEMM_BLAS)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "options.f32_gemm is unknown");
    if (o->f32_gemm == RELEVANCE_F32_GEMM_BLAS && !rlv_blas_usable())
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.f32_gemm asks for OpenBLAS, which is not built in (make "
                        "BLAS=openblas) or is a threaded variant (the serial one is needed)");
    return RELEVANCE_OK;
}

/*
 * ln x for a finite x > 0, in double and in these operations alone, so that it has the same bits
 * everywhere, which the C libraries' log has not.  x = m 2^e with m in [sqrt 1/2, sqrt 2];
 * ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| <= 0.172: the series to s^21 leaves 4e-18.
 */
static double log_of(float x)
{
    double m = (double)x, s, square, sum = 0.0;
    int e = 0;
    for (; m < 0x1.6a09e667f3bcdp-1; m *= 2.0) /* sqrt 1/2 */
        e--;
    for (; m > 0x1.6a09e667f3bcdp+0; m *= 0.5)
        e++;
    s = (m - 1.0) / (m + 1.0);
    square = s * s;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * square + 1.0 / k;
    return e * 0x1.62e42fefa39efp-1 + 2.0 * s * sum; /* ln 2 */
}

/* Bayes: where labels come in other shares than those of the calibration, and the pairs of a label are
 * as they were, the odds of a label change by the ratio of the shares.  A common factor of the
 * caller's priors cancels in the softmax; it is divided out so that it costs no precision. */
static enum relevance_status set_label_bias(struct relevance_context *ctx,
                                            const struct relevance_context_options *o,
                                            struct relevance_error *error)
{
    const struct relevance_model *m = ctx->model;
    uint32_t n = m->config->label_n;
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++)
        ctx->label_bias[i] = rlv_label_at(m->labels, i)->logit_bias;
    if (o->priors == NULL)
        return RELEVANCE_OK;
    if (o->prior_n != n)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.prior_n is %llu; this model has %u labels",
                        (unsigned long long)o->prior_n, (unsigned)n);
    if (m->priors == NULL)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.priors: the model does not say for which label shares it is "
                        "calibrated; 'relevance calibrate' makes one that does");
    for (uint32_t i = 0; i < n; i++) {
        if (!(o->priors[i] >= 0.0f && isfinite(o->priors[i])))
            return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                            "options.priors[%u] is negative or not finite", (unsigned)i);
        sum += (double)o->priors[i];
    }
    if (!(sum > 0.0))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "options.priors are all 0");
    for (uint32_t i = 0; i < n; i++) {
        float share = (float)((double)o->priors[i] / sum);
        ctx->label_bias[i] += share > 0.0f ? (float)(log_of(share) - log_of(m->priors[i]))
                                           : -INFINITY; /* its probability is 0 */
    }
    return RELEVANCE_OK;
}

static enum relevance_status choose_kernels(struct relevance_context *ctx, enum relevance_isa isa,
                                            struct relevance_error *error)
{
    const char *name;
    ctx->isa = isa == RELEVANCE_ISA_AUTO ? (enum relevance_isa)rlv_kernels_best() : isa;
    ctx->kernels = rlv_kernels_get((int)ctx->isa);
    if (ctx->kernels != NULL)
        return RELEVANCE_OK;
    name = relevance_isa_name(isa);
    return rlv_fail(error, RELEVANCE_NO_ISA, 0,
                    "instruction set '%s' is not in this CPU or this build; the best here is '%s'",
                    name != NULL ? name : "?",
                    relevance_isa_name((enum relevance_isa)rlv_kernels_best()));
}

/*
 * As many rows as fill the threads' second-level caches twice with their widest floats.  With more, each
 * stage finds less of what the one before wrote: on Zen 3 (512 KB) batches of 512 rows take 5 to 8 %
 * longer than of 170; with fewer, the weights are read more often, which costs as much with 2 MB.
 */
static uint32_t usual_batch_rows(const struct relevance_context *ctx)
{
    size_t rows = MOST_BATCH_ROWS;
#ifdef _SC_LEVEL2_CACHE_SIZE
    long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (l2 > 0)
        rows = 2 * ctx->threads * (size_t)l2 / (ctx->model->config->intermediate_size * sizeof(float));
#endif
    if (rows < FEWEST_BATCH_ROWS)
        return FEWEST_BATCH_ROWS;
    return rows < MOST_BATCH_ROWS ? (uint32_t)rows : MOST_BATCH_ROWS;
}

static void set_limits(struct relevance_context *ctx, const struct relevance_context_options *o)
{
    ctx->threads = o->threads ? o->threads : 1;
    ctx->max_tokens = o->max_tokens ? o->max_tokens : ctx->model->config->max_tokens;
    ctx->batch_rows = o->max_batch_tokens ? o->max_batch_tokens : usual_batch_rows(ctx);
    ctx->max_rows = ctx->batch_rows > ctx->max_tokens ? ctx->batch_rows : ctx->max_tokens;
    ctx->max_sequences = ctx->max_rows / 2 + 1; /* "[CLS] [SEP]" is the shortest */
    ctx->parse_special = o->special_tokens == RELEVANCE_SPECIAL_PARSE;
    ctx->f32_gemm = o->f32_gemm;
    ctx->clock = o->clock;
    set_strides(ctx);
}

void relevance_context_destroy(relevance_context *ctx)
{
    struct relevance_allocator a;
    if (ctx == NULL)
        return;
    a = ctx->allocator;
#if defined(RLV_DEBUG)
    atomic_fetch_sub(&((relevance_model *)(uintptr_t)ctx->model)->context_n, 1);
#endif
    rlv_pool_destroy(ctx->pool, &a);
    if (ctx->arena != NULL)
        a.free(a.user, ctx->arena, ctx->arena_len);
    a.free(a.user, ctx, sizeof *ctx);
}

enum relevance_status relevance_context_create(const relevance_model *model,
                                               const struct relevance_context_options *options,
                                               relevance_context **out,
                                               struct relevance_error *error)
{
    struct relevance_context_options o = {.size = sizeof o};
    struct relevance_allocator allocator;
    struct relevance_context *ctx;
    struct bump bump = {NULL, 0};
    enum relevance_status status;
    if (model == NULL || out == NULL)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "model or ctx is NULL");
    if (options != NULL) {
        if (options->size < offsetof(struct relevance_context_options, max_tokens))
            return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                            "options.size must be sizeof(struct relevance_context_options)");
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    }
    status = check_options(model, &o, error);
    if (status != RELEVANCE_OK)
        return status;
    if (!rlv_allocator_set(&allocator, o.allocator))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                        "options.allocator lacks a function");
    ctx = (struct relevance_context *)allocator.alloc(allocator.user, sizeof *ctx, 64);
    if (ctx == NULL)
        return rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate the context");
    memset(ctx, 0, sizeof *ctx);
    ctx->allocator = allocator;
    ctx->model = model;
#if defined(RLV_DEBUG)
    atomic_fetch_add(&((relevance_model *)(uintptr_t)model)->context_n, 1);
#endif
    status = choose_kernels(ctx, o.isa, error);
    if (status != RELEVANCE_OK)
        goto fail;
    status = set_label_bias(ctx, &o, error);
    if (status != RELEVANCE_OK)
        goto fail;
    set_limits(ctx, &o);
    carve(ctx, &bump);
    bump.base = (uint8_t *)allocator.alloc(allocator.user, bump.used, RLV_ALIGN);
    if (bump.base == NULL) {
        status = rlv_fail(error, RELEVANCE_NO_MEMORY, 0,
                          "cannot allocate %llu bytes for the context; smaller max_tokens or "
                          "max_batch_tokens need less",
                          (unsigned long long)bump.used);
        goto fail;
    }
    ctx->arena = bump.base;
    ctx->arena_len = bump.used;
    bump.used = 0;
    carve(ctx, &bump);
    status = rlv_pool_create(&ctx->pool, ctx->threads, o.parallel_for, o.parallel_user, &allocator);
    if (status != RELEVANCE_OK) {
        rlv_fail(error, status, 0, "cannot start the context's %u threads", ctx->threads);
        goto fail;
    }
    *out = ctx;
    return RELEVANCE_OK;
fail:
    relevance_context_destroy(ctx);
    return status;
}

enum relevance_isa relevance_context_isa(const relevance_context *ctx)
{
    return ctx == NULL ? RELEVANCE_ISA_AUTO : ctx->isa;
}

enum relevance_status relevance_context_profile(relevance_context *ctx, uint64_t *ticks, int reset)
{
    if (ctx == NULL || ticks == NULL)
        return RELEVANCE_BAD_ARGUMENT;
    memcpy(ticks, ctx->ticks, sizeof ctx->ticks);
    if (reset)
        memset(ctx->ticks, 0, sizeof ctx->ticks);
    return RELEVANCE_OK;
}
