/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate.c - see calibrate.h.
 *
 * The built-in texts are data/calibration.tsv (tools/gen_calibration.py makes the header from it)
 * and 64 sequences of random tokens, which reach parts of the vocabulary and of the
 * activations' range that two hundred texts cannot.  On the reference model that mix was as good as
 * real training pairs (docs/decisions/0003-quantisation-recipe.md).
 *
 * Inputs are those of the f32 network.  The library computes them with its own f32 kernels, so they
 * are the same bits on every machine.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../lib/internal.h"
#include "calibrate.h"
#include "calibration_text.h"
#include "memory.h"
#include "reader.h"

#define BATCH_TOKENS 1024u
#define KEPT_BYTES (600u << 20) /* of inputs at a time; at least one layer's */
#define LAYER_INPUTS 4          /* QKV, ATTENTION_OUT, FFN1, FFN2 */

/* A sequence of random tokens looks like a short query and a title, as in the data set. */
#define RANDOM_SEQUENCES 64
#define RANDOM_QUERY 5
#define RANDOM_TITLE 27

/* Rows that a linear layer reads. */
struct inputs {
    float *x; /* [rows, k] with stride linalg_padded(k); NULL: not kept now */
    size_t n, k, stride;
};

struct calibrator {
    const struct workers *workers;
    void *image;
    relevance_model *model;
    relevance_context *ctx;
    int32_t *ids;    /* of all sequences, one after the other */
    size_t id_n, id_cap;
    uint32_t *lengths; /* [sequence_n] */
    size_t sequence_n, sequence_cap;
    uint32_t first, last; /* layers whose inputs are kept: [first, last) */
    struct inputs *inputs; /* [layer_n][LAYER_INPUTS] */
    struct inputs pooler;
};

/* ---- sequences ---- */

static void add_sequence(struct calibrator *c, const int32_t *ids, size_t n)
{
    if (c->id_n + n > c->id_cap) {
        c->id_cap = grown(c->id_cap, c->id_n + n);
        c->ids = must_realloc(c->ids, c->id_cap, sizeof *c->ids);
    }
    if (c->sequence_n == c->sequence_cap) {
        c->sequence_cap = grown(c->sequence_cap, c->sequence_n + 1);
        c->lengths = must_realloc(c->lengths, c->sequence_cap, sizeof *c->lengths);
    }
    memcpy(c->ids + c->id_n, ids, n * sizeof *ids);
    c->id_n += n;
    c->lengths[c->sequence_n++] = (uint32_t)n;
}

/* Cannot fail but by a defect: the buffer holds as many tokens as the context computes. */
static int add_text(struct calibrator *c, int32_t *buffer, struct relevance_text text,
                    struct failure *failure)
{
    struct relevance_tokens t = {.ids = buffer, .cap = c->ctx->max_tokens};

    if (relevance_tokenize(c->ctx, text.data, text.len, NULL, 0, &t) != RELEVANCE_OK)
        return failure_set(failure, "a calibration text cannot be tokenized");
    add_sequence(c, buffer, t.n);
    return 0;
}

static int add_pair(struct calibrator *c, int32_t *buffer, struct relevance_text query,
                    struct relevance_text title, struct failure *failure)
{
    struct relevance_tokens t = {.ids = buffer, .cap = c->ctx->max_tokens};

    if (relevance_tokenize(c->ctx, query.data, query.len, title.data, title.len, &t) !=
        RELEVANCE_OK)
        return failure_set(failure, "a calibration text cannot be tokenized");
    add_sequence(c, buffer, t.n);
    return 0;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Any token but "[PAD]", "[CLS]", "[unused7]" and the like. */
static int32_t random_token(const struct calibrator *c, uint64_t *state)
{
    const struct rlv_config *config = c->model->config;

    for (int tries = 0; tries < 1000; tries++) {
        int32_t id = (int32_t)(next_random(state) % config->vocab_n);
        struct relevance_text text = relevance_token(c->model, id);
        if (text.len > 0 && (text.len == 1 || text.data[0] != '['))
            return id;
    }
    return (int32_t)config->unk_id;
}

static void add_random(struct calibrator *c, int32_t *buffer)
{
    const struct rlv_config *config = c->model->config;
    uint32_t room = c->ctx->max_tokens - 3; /* at least 1 */
    uint32_t query = room > RANDOM_QUERY ? RANDOM_QUERY : 1;
    uint32_t title = room - query > RANDOM_TITLE ? RANDOM_TITLE : room - query;
    uint64_t state = 1;

    for (int i = 0; i < RANDOM_SEQUENCES; i++) {
        uint32_t n = 0;
        buffer[n++] = (int32_t)config->cls_id;
        for (uint32_t k = 0; k < query; k++)
            buffer[n++] = random_token(c, &state);
        buffer[n++] = (int32_t)config->sep_id;
        for (uint32_t k = 0; k < title; k++)
            buffer[n++] = random_token(c, &state);
        buffer[n++] = (int32_t)config->sep_id;
        add_sequence(c, buffer, n);
    }
}

static int add_built_in(struct calibrator *c, int32_t *buffer, struct failure *failure)
{
    for (size_t i = 0; i < sizeof calibration_text / sizeof calibration_text[0]; i++) {
        const char *q = calibration_text[i][0], *t = calibration_text[i][1];
        struct relevance_text query = {q, strlen(q)}, title = {t, strlen(t)};
        if (add_pair(c, buffer, query, title, failure) != 0)
            return -1;
    }
    add_random(c, buffer);
    return 0;
}

/* A column that holds single texts: "text", in any case. */
static const struct reader_field *text_field(const struct reader_row *row)
{
    for (size_t i = 0; i < row->field_n; i++)
        if (row->fields[i].name.len == 4 && strncasecmp(row->fields[i].name.data, "text", 4) == 0)
            return &row->fields[i];
    return NULL;
}

/* A pair, or a single text: a column "text", or a whole line where there are no columns. */
static int add_row(struct calibrator *c, const struct reader *reader, const struct reader_row *row,
                   int32_t *buffer, struct failure *failure)
{
    const struct reader_field *text = text_field(row);

    if (reader_format(reader) == READER_LINES)
        return add_text(c, buffer, row->fields[0].text, failure);
    if (row->role[READER_QUERY] >= 0 && row->role[READER_PRODUCT] >= 0)
        return add_pair(c, buffer, row->fields[row->role[READER_QUERY]].text,
                        row->fields[row->role[READER_PRODUCT]].text, failure);
    if (text != NULL && !text->raw)
        return add_text(c, buffer, text->text, failure);
    return failure_set(failure, "neither 'query' and 'title' nor 'text'");
}

static int add_file(struct calibrator *c, const char *path, int32_t *buffer,
                    struct failure *failure)
{
    struct reader_options options = {.lines = true};
    struct failure why;
    char error[512];
    struct reader *reader = reader_open(path, &options, error, sizeof error);
    struct reader_row row;
    int got, status = -1;

    if (reader == NULL)
        return failure_set(failure, "--calibrate: %s", error);
    while ((got = reader_next(reader, &row)) == 1) {
        if (row.error != NULL)
            failure_set(&why, "%.400s", row.error);
        if (row.error != NULL || add_row(c, reader, &row, buffer, &why) != 0) {
            failure_set(failure, "--calibrate: %s, line %llu: %.400s", path,
                        (unsigned long long)row.line, why.message);
            goto done;
        }
    }
    if (got < 0)
        failure_set(failure, "--calibrate: %s", reader_error(reader));
    else if (c->sequence_n == 0)
        failure_set(failure, "--calibrate: %s: there is no text in it", path);
    else
        status = 0;
done:
    reader_close(reader);
    return status;
}

/* ---- running them ---- */

/* Which inputs 'linear' reads, or NULL where they are not kept. */
static struct inputs *inputs_of(struct calibrator *c, const struct rlv_linear *linear)
{
    for (uint32_t i = c->first; i < c->last; i++) {
        const struct rlv_layer *layer = &c->model->layers[i];
        const struct rlv_linear *linears[LAYER_INPUTS] = {&layer->qkv, &layer->attention_out,
                                                          &layer->ffn1, &layer->ffn2};
        for (size_t k = 0; k < LAYER_INPUTS; k++)
            if (linears[k] == linear)
                return &c->inputs[i * LAYER_INPUTS + k];
    }
    return NULL;
}

static void keep_row(struct inputs *in, const float *x)
{
    memcpy(in->x + in->n++ * in->stride, x, in->k * sizeof *x);
}

static void observe(void *user, const struct rlv_linear *linear, const float *x, size_t x_stride,
                    size_t rows)
{
    struct inputs *in = inputs_of(user, linear);

    for (size_t r = 0; in != NULL && r < rows; r++)
        keep_row(in, x + r * x_stride);
}

static void make_room(struct inputs *in, size_t rows, size_t k)
{
    in->n = 0;
    in->k = k;
    in->stride = linalg_padded(k);
    in->x = must_alloc(rows * in->stride, sizeof *in->x);
}

static void drop(struct inputs *in)
{
    free(in->x);
    in->x = NULL;
}

static void add_rows(struct relevance_context *ctx, const int32_t *ids, uint32_t n)
{
    uint8_t type = 0;

    ctx->sequences[ctx->sequence_n].first = ctx->row_n;
    ctx->sequences[ctx->sequence_n].n = n;
    ctx->truncated[ctx->sequence_n++] = 0;
    for (uint32_t i = 0; i < n; i++, ctx->row_n++) {
        ctx->ids[ctx->row_n] = ids[i];
        ctx->types[ctx->row_n] = type;
        ctx->positions[ctx->row_n] = i;
        if ((uint32_t)ids[i] == ctx->model->config->sep_id)
            type = 1;
    }
}

static void run_batch(struct calibrator *c)
{
    struct relevance_context *ctx = c->ctx;

    rlv_forward(ctx, 0);
    for (uint32_t s = 0; c->pooler.x != NULL && s < ctx->sequence_n; s++)
        keep_row(&c->pooler, ctx->hidden + ctx->sequences[s].first * ctx->narrow_stride);
    rlv_begin_batch(ctx);
}

/* Run all sequences and keep the inputs of the layers from 'first' on. */
static void run(struct calibrator *c, uint32_t first)
{
    const struct rlv_config *config = c->model->config;
    struct relevance_context *ctx = c->ctx;
    size_t widths[LAYER_INPUTS] = {config->hidden_size, config->hidden_size, config->hidden_size,
                                   config->intermediate_size};
    uint64_t bytes = 0, kept = 0;
    size_t at = 0;

    for (size_t k = 0; k < c->last * (size_t)LAYER_INPUTS; k++)
        drop(&c->inputs[k]); /* of layers that were not asked for */
    for (size_t k = 0; k < LAYER_INPUTS; k++)
        bytes += (uint64_t)c->id_n * linalg_padded(widths[k]) * sizeof(float);
    c->first = c->last = first;
    while (c->last < config->layer_n && (c->last == first || kept + bytes <= KEPT_BYTES)) {
        for (size_t k = 0; k < LAYER_INPUTS; k++)
            make_room(&c->inputs[c->last * LAYER_INPUTS + k], c->id_n, widths[k]);
        kept += bytes;
        c->last++;
    }
    if (c->last == config->layer_n)
        make_room(&c->pooler, c->sequence_n, config->hidden_size);
    rlv_begin_batch(ctx);
    for (size_t s = 0; s < c->sequence_n; s++) {
        if (!rlv_batch_has_room(ctx, c->lengths[s]))
            run_batch(c);
        add_rows(ctx, c->ids + at, c->lengths[s]);
        at += c->lengths[s];
    }
    run_batch(c);
}

/* ---- all of it ---- */

int calibrator_open(struct calibrator **calibrator, void *image, size_t len, const char *texts,
                    const struct workers *workers, struct failure *failure)
{
    struct relevance_context_options options = {.size = sizeof options,
                                                .threads = workers->n,
                                                .max_batch_tokens = BATCH_TOKENS,
                                                .f32_gemm = RELEVANCE_F32_GEMM_OWN};
    struct relevance_error error;
    struct calibrator *c = must_alloc(1, sizeof *c);
    int32_t *buffer = NULL;

    memset(c, 0, sizeof *c);
    c->workers = workers;
    c->image = image;
    if (relevance_open_memory(image, len, NULL, &c->model, &error) != RELEVANCE_OK) {
        failure_set(failure, "calibration: %s", error.message);
        goto fail;
    }
    if (options.max_batch_tokens < c->model->config->max_tokens)
        options.max_batch_tokens = c->model->config->max_tokens;
    if (relevance_context_create(c->model, &options, &c->ctx, &error) != RELEVANCE_OK) {
        failure_set(failure, "calibration: %s", error.message);
        goto fail;
    }
    c->ctx->observer = observe;
    c->ctx->observer_user = c;
    c->inputs = must_alloc((size_t)c->model->config->layer_n * LAYER_INPUTS, sizeof *c->inputs);
    memset(c->inputs, 0, c->model->config->layer_n * LAYER_INPUTS * sizeof *c->inputs);
    buffer = must_alloc(c->ctx->max_tokens, sizeof *buffer);
    if ((texts != NULL ? add_file(c, texts, buffer, failure)
                       : add_built_in(c, buffer, failure)) != 0)
        goto fail;
    free(buffer);
    *calibrator = c;
    return 0;

fail:
    free(buffer);
    calibrator_close(c);
    return -1;
}

void calibrator_close(struct calibrator *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->inputs != NULL && i < c->model->config->layer_n * LAYER_INPUTS; i++)
        drop(&c->inputs[i]);
    drop(&c->pooler);
    relevance_context_destroy(c->ctx);
    relevance_close(c->model);
    free(c->image);
    free(c->inputs);
    free(c->ids);
    free(c->lengths);
    free(c);
}

int calibrator_layer(struct calibrator *c, uint32_t layer, unsigned part,
                     const struct linear_f32 *linear, const struct quantize_options *options,
                     struct calibration *out, struct failure *failure)
{
    static const int index[] = {[RLV_PART_QKV] = 0,
                                [RLV_PART_ATTENTION_OUT] = 1,
                                [RLV_PART_FFN1] = 2,
                                [RLV_PART_FFN2] = 3};
    struct inputs *in = &c->pooler;
    int status;

    if (part == RLV_PART_POOLER) {
        if (in->x == NULL)
            run(c, c->model->config->layer_n - 1);
    } else {
        if (layer >= c->last)
            run(c, layer);
        in = &c->inputs[layer * LAYER_INPUTS + (size_t)index[part]];
    }
    status = layer_stats(in->x, in->stride, in->n, linear, options, out, failure);
    drop(in);
    return status;
}
