/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.c - the calls on a context: from text to results.
 */
#include <string.h>

#include "internal.h"

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

const char *relevance_version(void)
{
    return STRINGIFY(RELEVANCE_VERSION_MAJOR) "." STRINGIFY(
        RELEVANCE_VERSION_MINOR) "." STRINGIFY(RELEVANCE_VERSION_PATCH);
}

const char *relevance_isa_name(enum relevance_isa isa)
{
    static const char *const names[] = {"auto", "scalar",  "avx2",    "avx512", "avx512vnni",
                                        "neon", "neondot", "neoni8mm", "amx"};
    return (unsigned)isa < sizeof names / sizeof names[0] ? names[isa] : NULL;
}

int relevance_isa_supported(enum relevance_isa isa)
{
    return isa == RELEVANCE_ISA_AUTO || rlv_kernels_get((int)isa) != NULL;
}

/* ---- from texts to the rows of a batch ---- */

static uint64_t now(const struct relevance_context *ctx) { return ctx->clock ? ctx->clock() : 0; }

static size_t tokenize_text(struct relevance_context *ctx, const char *text, size_t len,
                            int32_t *ids, size_t cap)
{
    return rlv_wordpiece(&ctx->model->vocab, text, len, ctx->parse_special, ids, cap);
}

static void add_row(struct relevance_context *ctx, int32_t id, uint8_t type, uint32_t position)
{
    ctx->ids[ctx->row_n] = id;
    ctx->types[ctx->row_n] = type;
    ctx->positions[ctx->row_n] = position;
    ctx->row_n++;
}

/* [CLS] a [SEP] b [SEP], or [CLS] a [SEP] where b is NULL.  The batch must have room. */
static void add_sequence(struct relevance_context *ctx, const int32_t *a, size_t a_n,
                         const int32_t *b, size_t b_n, size_t truncated)
{
    const struct rlv_vocab *v = &ctx->model->vocab;
    uint32_t position = 0;
    ctx->sequences[ctx->sequence_n].first = ctx->row_n;
    add_row(ctx, (int32_t)v->cls_id, 0, position++);
    for (size_t i = 0; i < a_n; i++)
        add_row(ctx, a[i], 0, position++);
    add_row(ctx, (int32_t)v->sep_id, 0, position++);
    if (b != NULL) {
        for (size_t i = 0; i < b_n; i++)
            add_row(ctx, b[i], 1, position++);
        add_row(ctx, (int32_t)v->sep_id, 1, position++);
    }
    ctx->sequences[ctx->sequence_n].n = position;
    ctx->truncated[ctx->sequence_n] = truncated > UINT32_MAX ? UINT32_MAX : (uint32_t)truncated;
    ctx->sequence_n++;
}

/* One text, or a pair: its token counts, and how many of them are kept. */
struct token_counts {
    size_t query_n, product_n;
    size_t kept_query, kept_product;
    size_t rows; /* special tokens included */
};

static void cut(const struct relevance_context *ctx, struct token_counts *t, int pair)
{
    size_t budget = ctx->max_tokens - (pair ? 3u : 2u);
    if (pair) {
        rlv_truncate_pair(t->query_n, t->product_n, budget, &t->kept_query, &t->kept_product);
    } else {
        t->kept_query = t->query_n < budget ? t->query_n : budget;
        t->kept_product = 0;
    }
    t->rows = t->kept_query + t->kept_product + (pair ? 3u : 2u);
}

static size_t truncated_n(const struct token_counts *t)
{
    return t->query_n - t->kept_query + t->product_n - t->kept_product;
}

/* Tokenizes one text (product NULL) or a pair into ctx->query_ids and ctx->product_ids. */
static struct token_counts tokenize_pair(struct relevance_context *ctx, const char *query,
                                         size_t query_len, const char *product,
                                         size_t product_len, int pair)
{
    struct token_counts t = {0};
    t.query_n = tokenize_text(ctx, query, query_len, ctx->query_ids, ctx->max_tokens);
    if (pair)
        t.product_n = tokenize_text(ctx, product, product_len, ctx->product_ids, ctx->max_tokens);
    cut(ctx, &t, pair);
    return t;
}

/* ---- from logits to results ---- */

static void fill_result(const struct relevance_context *ctx, const float *logits, size_t s,
                        struct relevance_result *result)
{
    const struct rlv_config *c = ctx->model->config;
    struct relevance_result r = {.tokens = ctx->sequences[s].n,
                                 .truncated = ctx->truncated[s],
                                 .label_n = c->label_n};
    float z[RELEVANCE_MAX_LABELS], sum = 0.0f;
    for (uint32_t i = 0; i < c->label_n; i++) {
        r.logits[i] = logits[i];
        z[i] = c->logit_scale * logits[i] + ctx->label_bias[i];
        if (z[i] > z[r.label])
            r.label = i;
    }
    for (uint32_t i = 0; i < c->label_n; i++) {
        r.probabilities[i] = rlv_expf(z[i] - z[r.label]);
        sum += r.probabilities[i];
    }
    /* The largest term is 1, unless a crafted model made the logits overflow: then nothing is known. */
    if (!(sum >= 1.0f && sum <= (float)c->label_n)) {
        r.label = 0;
        sum = (float)c->label_n;
        for (uint32_t i = 0; i < c->label_n; i++)
            r.probabilities[i] = 1.0f;
    }
    for (uint32_t i = 0; i < c->label_n; i++)
        r.probabilities[i] /= sum;
    *result = r;
}

void rlv_fill_result(const struct relevance_context *ctx, const float *logits, size_t s,
                     struct relevance_result *result)
{
    fill_result(ctx, logits, s, result);
}

/* Compute the batch; result s goes to first + s * stride bytes. */
static void classify_rows(struct relevance_context *ctx, void *first, size_t stride)
{
    const float *logits;
    size_t logit_stride;
    uint64_t start;
    rlv_forward(ctx, 1);
    logits = rlv_head(ctx, &logit_stride);
    start = now(ctx);
    for (size_t s = 0; s < ctx->sequence_n; s++)
        fill_result(ctx, logits + s * logit_stride, s,
                    (struct relevance_result *)(void *)((uint8_t *)first + s * stride));
    ctx->ticks[RELEVANCE_PART_HEAD] += now(ctx) - start;
}

static int text_ok(const char *data, size_t len) { return data != NULL || len == 0; }

enum relevance_status relevance_classify(relevance_context *ctx, const char *query,
                                         size_t query_len, const char *product,
                                         size_t product_len, struct relevance_result *result)
{
    struct relevance_pair pair = {{query, query_len}, {product, product_len}};
    return relevance_classify_batch(ctx, &pair, 1, result);
}

enum relevance_status relevance_classify_batch(relevance_context *ctx,
                                               const struct relevance_pair *pairs, size_t pair_n,
                                               struct relevance_result *results)
{
    size_t done = 0;
    if (ctx == NULL || (pair_n != 0 && (pairs == NULL || results == NULL)))
        return RELEVANCE_BAD_ARGUMENT;
    if (ctx->model->config->label_n == 0)
        return RELEVANCE_NO_HEAD;
    for (size_t i = 0; i < pair_n; i++)
        if (!text_ok(pairs[i].query.data, pairs[i].query.len) ||
            !text_ok(pairs[i].product.data, pairs[i].product.len))
            return RELEVANCE_BAD_ARGUMENT;
    rlv_begin_batch(ctx);
    for (size_t i = 0; i < pair_n; i++) {
        uint64_t start = now(ctx);
        struct token_counts t =
            tokenize_pair(ctx, pairs[i].query.data, pairs[i].query.len, pairs[i].product.data,
                          pairs[i].product.len, 1);
        ctx->ticks[RELEVANCE_PART_TOKENIZER] += now(ctx) - start;
        if (!rlv_batch_has_room(ctx, t.rows)) {
            classify_rows(ctx, results + done, sizeof *results);
            done = i;
            rlv_begin_batch(ctx);
        }
        add_sequence(ctx, ctx->query_ids, t.kept_query, ctx->product_ids, t.kept_product,
                     truncated_n(&t));
    }
    if (pair_n != 0)
        classify_rows(ctx, results + done, sizeof *results);
    return RELEVANCE_OK;
}

enum relevance_status relevance_classify_tokens(relevance_context *ctx, const int32_t *ids,
                                                size_t id_n, struct relevance_result *result)
{
    uint8_t type = 0;
    if (ctx == NULL || ids == NULL || result == NULL || id_n == 0 || id_n > ctx->max_tokens)
        return RELEVANCE_BAD_ARGUMENT;
    if (ctx->model->config->label_n == 0)
        return RELEVANCE_NO_HEAD;
    for (size_t i = 0; i < id_n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= ctx->model->vocab.token_n)
            return RELEVANCE_BAD_ARGUMENT;
    rlv_begin_batch(ctx);
    for (size_t i = 0; i < id_n; i++) {
        add_row(ctx, ids[i], type, (uint32_t)i);
        if ((uint32_t)ids[i] == ctx->model->vocab.sep_id)
            type = 1;
    }
    ctx->sequences[0].first = 0;
    ctx->sequences[0].n = (uint32_t)id_n;
    ctx->truncated[0] = 0;
    ctx->sequence_n = 1;
    classify_rows(ctx, result, sizeof *result);
    return RELEVANCE_OK;
}

/* ---- ranking ---- */

static float score(const struct relevance_context *ctx, const struct relevance_result *r)
{
    float sum = 0.0f;
    for (uint32_t i = 0; i < r->label_n; i++)
        sum += r->probabilities[i] * rlv_label_at(ctx->model->labels, i)->gain;
    return sum;
}

/* A total order, so that the result does not depend on the sorting method. */
static int ranks_after(const struct relevance_ranked *a, const struct relevance_ranked *b)
{
    return a->score < b->score || (a->score == b->score && a->index > b->index);
}

static void swap_ranked(struct relevance_ranked *a, struct relevance_ranked *b)
{
    struct relevance_ranked t = *a;
    *a = *b;
    *b = t;
}

/* Restores the heap whose first element ranks last, below 'root'. */
static void sift_down(struct relevance_ranked *r, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && ranks_after(&r[child + 1], &r[child]))
            child++;
        if (!ranks_after(&r[child], &r[root]))
            return;
        swap_ranked(&r[root], &r[child]);
    }
}

/* Heapsort (Williams 1964): in place, no allocation, n log n at worst. */
static void sort_ranked(struct relevance_ranked *r, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(r, i, n);
    for (size_t end = n; end-- > 1;) {
        swap_ranked(&r[0], &r[end]);
        sift_down(r, 0, end);
    }
}

enum relevance_status relevance_rank(relevance_context *ctx, const char *query, size_t query_len,
                                     const struct relevance_text *products, size_t product_n,
                                     struct relevance_ranked *ranked)
{
    struct token_counts t = {0};
    size_t done = 0;
    if (ctx == NULL || !text_ok(query, query_len) || product_n > UINT32_MAX ||
        (product_n != 0 && (products == NULL || ranked == NULL)))
        return RELEVANCE_BAD_ARGUMENT;
    if (ctx->model->config->label_n == 0)
        return RELEVANCE_NO_HEAD;
    for (size_t i = 0; i < product_n; i++)
        if (!text_ok(products[i].data, products[i].len))
            return RELEVANCE_BAD_ARGUMENT;
    t.query_n = tokenize_text(ctx, query, query_len, ctx->query_ids, ctx->max_tokens);
    rlv_begin_batch(ctx);
    for (size_t i = 0; i < product_n; i++) {
        uint64_t start = now(ctx);
        t.product_n = tokenize_text(ctx, products[i].data, products[i].len, ctx->product_ids,
                                    ctx->max_tokens);
        cut(ctx, &t, 1);
        ctx->ticks[RELEVANCE_PART_TOKENIZER] += now(ctx) - start;
        if (!rlv_batch_has_room(ctx, t.rows)) {
            classify_rows(ctx, &ranked[done].result, sizeof *ranked);
            done = i;
            rlv_begin_batch(ctx);
        }
        add_sequence(ctx, ctx->query_ids, t.kept_query, ctx->product_ids, t.kept_product,
                     truncated_n(&t));
    }
    if (product_n != 0)
        classify_rows(ctx, &ranked[done].result, sizeof *ranked);
    for (size_t i = 0; i < product_n; i++) {
        ranked[i].index = (uint32_t)i;
        ranked[i].score = score(ctx, &ranked[i].result);
    }
    sort_ranked(ranked, product_n);
    return RELEVANCE_OK;
}

/* ---- tokens and hidden states ---- */

enum relevance_status relevance_tokenize(relevance_context *ctx, const char *query,
                                         size_t query_len, const char *product,
                                         size_t product_len, struct relevance_tokens *tokens)
{
    struct token_counts t;
    if (ctx == NULL || tokens == NULL || !text_ok(query, query_len) ||
        !text_ok(product, product_len) || (tokens->ids == NULL && tokens->cap != 0))
        return RELEVANCE_BAD_ARGUMENT;
    t = tokenize_pair(ctx, query, query_len, product, product_len, product != NULL);
    tokens->n = t.rows;
    if (t.rows > tokens->cap)
        return RELEVANCE_NO_SPACE;
    rlv_begin_batch(ctx);
    add_sequence(ctx, ctx->query_ids, t.kept_query, product != NULL ? ctx->product_ids : NULL,
                 t.kept_product, truncated_n(&t));
    memcpy(tokens->ids, ctx->ids, t.rows * sizeof *tokens->ids);
    tokens->truncated = ctx->truncated[0];
    return RELEVANCE_OK;
}

enum relevance_status relevance_encode(relevance_context *ctx, const char *query,
                                       size_t query_len, const char *product, size_t product_len,
                                       float *hidden, size_t hidden_cap, size_t *token_n)
{
    size_t width;
    struct token_counts t;
    if (ctx == NULL || token_n == NULL || !text_ok(query, query_len) ||
        !text_ok(product, product_len) || (hidden == NULL && hidden_cap != 0))
        return RELEVANCE_BAD_ARGUMENT;
    width = ctx->model->config->hidden_size;
    t = tokenize_pair(ctx, query, query_len, product, product_len, product != NULL);
    *token_n = t.rows;
    if (t.rows * width > hidden_cap)
        return RELEVANCE_NO_SPACE;
    rlv_begin_batch(ctx);
    add_sequence(ctx, ctx->query_ids, t.kept_query, product != NULL ? ctx->product_ids : NULL,
                 t.kept_product, truncated_n(&t));
    rlv_forward(ctx, 0);
    for (size_t r = 0; r < t.rows; r++)
        memcpy(hidden + r * width, ctx->hidden + r * ctx->hidden_stride, width * sizeof *hidden);
    return RELEVANCE_OK;
}
