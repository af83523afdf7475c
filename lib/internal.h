/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what the files of lib/ share: the opened model, the context, the worker pool.
 */
#ifndef RLV_INTERNAL_H
#define RLV_INTERNAL_H

#if defined(RLV_DEBUG)
#include <stdatomic.h>
#endif
#include <stdint.h>

#include "../include/relevance.h"
#include "../kernels/kernels.h"
#include "format.h"
#include "tokenizer.h"

/* ---- alloc.c ---- */

extern const struct relevance_allocator rlv_libc_allocator;

/* NULL stands for the C library; an allocator without both functions is refused by returning 0. */
int rlv_allocator_set(struct relevance_allocator *to, const struct relevance_allocator *from);

/* ---- error.c ---- */

/* Fill 'error' (may be NULL) and return 'status'.  'format' as printf, ASCII, without floats. */
enum relevance_status rlv_fail(struct relevance_error *error, enum relevance_status status,
                               uint64_t position, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- model.c: views of the tensors in an opened file ---- */

/* A linear layer, y = x W^T + b; how its weights are coded says 'dtype'. */
struct rlv_linear {
    uint32_t n, k;     /* output and input channels */
    uint32_t n16, k32; /* the same, padded */
    unsigned dtype;    /* enum rlv_dtype */
    uint32_t w_max, chain;
    uint32_t group;   /* 0: one scale a channel */
    uint32_t group_n; /* scales a channel */
    const uint8_t *weight;
    size_t panel_len;  /* bytes of one panel as stored */
    const float *bias; /* [n16] */
    const float *scale;
    const int32_t *sum;       /* [n16]; without a group */
    const float *fsum;        /* [n16]; with a group */
    const float *input_scale; /* [k], or NULL */
    uint32_t outlier_n;
    const uint32_t *outlier_index;
    const float *outlier_weight; /* [outlier_n][outlier_stride] */
    size_t outlier_stride;
};

struct rlv_norm {
    const float *gamma, *beta; /* [hidden] */
};

/* An embedding table [rows, cols]. */
struct rlv_table {
    unsigned dtype;
    uint32_t rows, cols;
    uint32_t group, group_n;
    size_t stride; /* bytes a row */
    const uint8_t *data;
    const float *scale;
};

struct rlv_layer {
    struct rlv_linear qkv, attention_out, ffn1, ffn2;
    struct rlv_norm attention_norm, ffn_norm;
};

enum rlv_storage { RLV_BORROWED, RLV_MAPPED, RLV_ALLOCATED };

struct relevance_model {
    struct relevance_allocator allocator;
    const uint8_t *base; /* the whole file */
    size_t len;
    enum rlv_storage storage;
    const struct rlv_config *config;
    struct rlv_vocab vocab;
    const uint8_t *labels, *token_labels; /* sections, or NULL */
    const float *priors;                  /* [config->label_n], or NULL */
    const char *metadata;
    uint64_t parameter_n;
    struct rlv_table word, position, type; /* type.data is NULL where there are no token types */
    struct rlv_norm embedding_norm;
    struct rlv_layer *layers; /* [config->layer_n] */
    struct rlv_linear pooler, classifier, token_classifier; /* weight is NULL where absent */
#if defined(RLV_DEBUG)
    atomic_uint context_n; /* contexts that exist */
#endif
};

/*
 * What callers promised, checked in debug builds alone (make DEBUG=1): the library itself never
 * prints or stops.
 */
#if defined(RLV_DEBUG)
void rlv_promise_broken(const char *what) __attribute__((noreturn));
#endif

static inline const struct rlv_label *rlv_label_at(const uint8_t *section, uint32_t i)
{
    const uint8_t *first = section + sizeof(struct rlv_labels_header);
    return (const struct rlv_label *)(const void *)first + i;
}

/* ---- threads.c ---- */

/* One piece of a stage: 'i' says which, 'worker' (0 .. threads - 1) whose scratch memory to use. */
typedef void (*rlv_task)(void *arg, size_t i, unsigned worker);

struct rlv_pool;

/* 'threads' >= 1, the caller's included.  With 'host' no thread is started. */
enum relevance_status rlv_pool_create(struct rlv_pool **pool, unsigned threads,
                                      relevance_parallel_for host, void *host_user,
                                      const struct relevance_allocator *allocator);
void rlv_pool_destroy(struct rlv_pool *pool, const struct relevance_allocator *allocator);

/* Run task(arg, i, worker) for i in [0, task_n); returns when all are done.  NULL: one thread's pool. */
void rlv_pool_run(struct rlv_pool *pool, size_t task_n, rlv_task task, void *arg);
unsigned rlv_pool_threads(const struct rlv_pool *pool);

/* ---- context.c / forward.c ---- */

struct rlv_sequence {
    uint32_t first; /* row of its [CLS] */
    uint32_t n;     /* tokens */
};

/* Sees the f32 input [rows, linear->k] of every linear layer just before it is computed: how the
 * converter gathers the statistics that it quantises by. */
typedef void (*rlv_observer)(void *user, const struct rlv_linear *linear, const float *x,
                             size_t x_stride, size_t rows);

struct relevance_context {
    const relevance_model *model;
    struct relevance_allocator allocator;
    const struct rlv_kernels *kernels;
    enum relevance_isa isa;
    struct rlv_pool *pool;
    unsigned threads;
    uint32_t max_tokens, max_rows, max_sequences;
    uint32_t batch_rows; /* <= max_rows; a sequence with more is a batch of its own */
    int parse_special;
    enum relevance_f32_gemm f32_gemm;
    float label_bias[RELEVANCE_MAX_LABELS]; /* the model's, and what the caller's priors add */
    uint64_t (*clock)(void);
    uint64_t ticks[RELEVANCE_PART_N];
    rlv_observer observer; /* NULL but in the converter */
    void *observer_user;

    void *arena;
    size_t arena_len;

    /* the batch at hand: token ids and types of all rows, and where each sequence lies */
    int32_t *ids;   /* [max_rows] */
    uint8_t *types; /* [max_rows] */
    uint32_t *positions; /* [max_rows] */
    struct rlv_sequence *sequences; /* [max_sequences] */
    uint32_t *truncated;            /* [max_sequences] */
    uint32_t row_n, sequence_n;
    int32_t *query_ids; /* [max_tokens]: the query of a ranking, or one text */
    int32_t *product_ids;
    struct rlv_origin *origins;       /* [max_rows]: of the rows' tokens; only with a token head */
    struct rlv_origin *query_origins; /* [max_tokens] */

    /* activations; strides in elements, see forward.c */
    float *hidden;  /* [max_rows, hidden_stride]: the residual stream */
    float *narrow;  /* [max_rows, narrow_stride], or the threads' shares of its columns */
    float *wide;    /* [max_rows, wide_stride], likewise: QKV, then the feed-forward's inner state */
    size_t hidden_stride, narrow_stride, wide_stride;
    size_t share_n;    /* threads that have columns of their own; 1: columns lie side by side */
    size_t share_unit; /* panels that stay with one of them */
    uint8_t *a;       /* [max_rows]: the quantised input of the next linear layer */
    size_t a_stride;  /* bytes of the widest layer's row; those of one layer: rlv_row_bytes() */
    float *a_scale;   /* [max_rows] */
    int32_t *a_zero;  /* [max_rows] */
    float *x_outlier; /* [max_rows, RLV_KERNEL_OUTLIER_STRIDE] */
    struct rlv_range *ranges; /* [threads][max_rows]: of the columns that a thread computed */
    float *scratch; /* [threads][scratch_stride] floats: unpacked panels, or one head's attention */
    size_t scratch_stride;
};

static inline void rlv_begin_batch(struct relevance_context *ctx)
{
    ctx->row_n = ctx->sequence_n = 0;
}

/* Whether a sequence of 'row_n' rows goes to the batch begun. */
static inline int rlv_batch_has_room(const struct relevance_context *ctx, size_t row_n)
{
    return ctx->sequence_n == 0 ||
           (ctx->row_n + row_n <= ctx->batch_rows && ctx->sequence_n < ctx->max_sequences);
}

/*
 * rlv_forward() - run the encoder on the context's batch.
 *
 * 'cls_only'  1: the last layer computes only each sequence's first row; row s of ctx->hidden is then
 *             sequence s.  0: all rows, in the order of the batch.
 */
void rlv_forward(struct relevance_context *ctx, int cls_only);

/* Sequence head on rows [0, sequence_n) of ctx->hidden; returns logits with *stride floats a row. */
const float *rlv_head(struct relevance_context *ctx, size_t *stride);

/* Token head on all rows of ctx->hidden. */
const float *rlv_token_head(struct relevance_context *ctx, size_t *stride);

/* Panels of the widest of 'share_n' shares of 'panel_n' panels in units of 'unit'. */
size_t rlv_share_width(size_t panel_n, size_t unit, size_t share_n);

/* From row to row of a matrix of 'n' columns: floats, or bytes of quantised ones. */
size_t rlv_row_floats(size_t n);
size_t rlv_row_bytes(size_t n);

/*
 * rlv_take_first_rows() - after rlv_forward(ctx, 0), what rlv_forward(ctx, 1) leaves: row s of
 * ctx->hidden is the first row of sequence s.  What the token head computed stays.
 */
void rlv_take_first_rows(struct relevance_context *ctx);

/* Scratch floats a thread needs for this model. */
size_t rlv_forward_scratch(const relevance_model *model, uint32_t max_tokens,
                           enum relevance_f32_gemm f32_gemm);

/* ---- quantity.c ---- */

/* The number that the words mean; *quantity is 1 where there is none, or none that can be used. */
enum relevance_quantity_kind rlv_parse_quantity(const char *text, size_t len, uint32_t *quantity);

/* ---- catalog.c ---- */

/* Whether the whole text, no words left out, means a product; 'equal' 1: after folding it must be a
 * name or alias.  Fills *match, else leaves it alone. */
int rlv_catalog_find(const relevance_catalog *catalog, const char *text, size_t text_len, int equal,
                     struct relevance_match *match);

/* ---- api.c ---- */

/* Probabilities of sequence s from its logits [label_n], and its tokens. */
void rlv_fill_result(const struct relevance_context *ctx, const float *logits, size_t s,
                     struct relevance_result *result);

/* ---- blas.c ---- */

/* 1 where OpenBLAS is built in and runs serially (a threaded one would multiply our threads). */
int rlv_blas_usable(void);

/* y[rows, panels] = a w + bias as gemm_f32, through OpenBLAS; 'scratch' k * 16 * RLV_BLAS_PANELS floats. */
void rlv_blas_gemm_f32(const struct rlv_gemm_f32 *g, size_t panel_first, size_t panel_n,
                       float *scratch);
#define RLV_BLAS_PANELS 8

#endif /* RLV_INTERNAL_H */
