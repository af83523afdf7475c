/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert_model.c - see convert_model.h.
 */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "calibrate.h"
#include "convert_model.h"
#include "progress.h"
#include "quantize.h"
#include "rlv_pack.h"

/* The groups are what docs/decisions/0003-quantisation-recipe.md measured. */
static const struct convert_format formats[] = {
    {"f32", RLV_DTYPE_F32, 0, 0, 0, 0},  {"f16", RLV_DTYPE_F16, 0, 0, 0, 0},
    {"q8", RLV_DTYPE_Q8, 127, 0, 0, 0},  {"q7", RLV_DTYPE_Q8, 64, 4, 0, 0},
    {"q6", RLV_DTYPE_Q6, 32, 4, 0, 64},  {"q5", RLV_DTYPE_Q5, 16, 0, 64, 32},
    {"q4", RLV_DTYPE_Q4, 8, 0, 384, 32},  {"q3", RLV_DTYPE_Q3, 4, 0, 32, 32},
};
#define FORMAT_F32 (&formats[0])
#define FORMAT_F16 (&formats[1])
#define FORMAT_Q8 (&formats[2])
#define FORMAT_Q7 (&formats[3])

static const char *const part_names[CONVERT_PART_N] = {
    [RLV_PART_WORD_EMBEDDING] = "word embeddings",
    [RLV_PART_POSITION_EMBEDDING] = "position embeddings",
    [RLV_PART_TYPE_EMBEDDING] = "type embeddings",
    [RLV_PART_EMBEDDING_NORM] = "embedding norm",
    [RLV_PART_QKV] = "query, key, value",
    [RLV_PART_ATTENTION_OUT] = "attention output",
    [RLV_PART_ATTENTION_NORM] = "attention norm",
    [RLV_PART_FFN1] = "feed-forward 1",
    [RLV_PART_FFN2] = "feed-forward 2",
    [RLV_PART_FFN_NORM] = "feed-forward norm",
    [RLV_PART_POOLER] = "pooler",
    [RLV_PART_CLASSIFIER] = "classifier",
    [RLV_PART_TOKEN_CLASSIFIER] = "token classifier",
};

const struct convert_format *convert_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(name, formats[i].name) == 0)
            return &formats[i];
    return NULL;
}

const char *convert_tensor_name(char *name, uint32_t layer, unsigned part)
{
    static const char *const names[CONVERT_PART_N] = {
        [RLV_PART_WORD_EMBEDDING] = "embeddings.word", [RLV_PART_QKV] = "qkv",
        [RLV_PART_ATTENTION_OUT] = "attention_out",    [RLV_PART_FFN1] = "ffn1",
        [RLV_PART_FFN2] = "ffn2",                      [RLV_PART_POOLER] = "pooler"};

    if (names[part] == NULL)
        return NULL;
    if (part >= RLV_PART_QKV && part <= RLV_PART_FFN2)
        snprintf(name, CONVERT_NAME_CAP, "layers.%lu.%s", (unsigned long)layer, names[part]);
    else
        snprintf(name, CONVERT_NAME_CAP, "%s", names[part]);
    return name;
}

static int matches(const struct convert_override *o, uint32_t layer, unsigned part)
{
    char name[CONVERT_NAME_CAP];

    return fnmatch(o->pattern, convert_tensor_name(name, layer, part), 0) == 0;
}

/* How one matrix is stored. */
struct choice {
    const struct convert_format *format;
    uint32_t group; /* wanted; CONVERT_DEFAULT_GROUP: the format's */
};

/* The last override that names the matrix, or 'by_default'. */
static struct choice choose(const struct convert_options *options, uint32_t layer, unsigned part,
                            struct choice by_default)
{
    for (size_t i = options->override_n; i-- > 0;)
        if (matches(&options->overrides[i], layer, part))
            return (struct choice){options->overrides[i].format, options->overrides[i].group};
    return by_default;
}

/* What the functions below pass around. */
struct conversion {
    const struct hf_model *model;
    const struct convert_options *options;
    struct rlv_writer *writer;
    struct convert_report *report;
    struct failure *failure;
    const struct workers *workers;
    struct calibrator *calibrator; /* NULL: weights are only rounded */
    uint64_t done;                 /* weights */
    char where[64];                /* for the progress bar */
};

/* Count one tensor of 'part' in the report. */
static void note(struct conversion *c, unsigned part, const struct convert_format *format,
                 uint32_t rows, uint32_t cols, double error, double norm)
{
    struct convert_part *p = &c->report->parts[part];

    p->name = part_names[part];
    if (p->format == NULL)
        p->format = format->name;
    else if (p->format != format->name)
        p->other = format->name;
    p->n++;
    p->rows = rows;
    p->cols = cols;
    p->error += error;
    p->norm += norm;
    c->report->parameter_n += (uint64_t)rows * cols;
    c->done += (uint64_t)rows * cols;
    progress_update(c->done);
}

static int add_vector(struct conversion *c, uint32_t layer, unsigned part, unsigned slot,
                      unsigned dtype, const void *elements, uint32_t n)
{
    return rlv_writer_add_vector(c->writer, layer, part, slot, dtype, elements, n, c->failure);
}

/* Where a problem is, for messages: "layer 3, feed-forward 1". */
static const char *place(char *text, size_t cap, uint32_t layer, unsigned part)
{
    if (part >= RLV_PART_QKV && part <= RLV_PART_FFN_NORM)
        snprintf(text, cap, "layer %lu, %s", (unsigned long)layer, part_names[part]);
    else
        snprintf(text, cap, "%s", part_names[part]);
    return text;
}

/* A matrix as f32 or f16, in PANEL or ROWS layout. */
static int add_float(struct conversion *c, uint32_t layer, unsigned part,
                     const struct convert_format *format, unsigned layout, const float *w,
                     uint32_t rows, uint32_t cols)
{
    struct rlv_tensor shape = {.dtype = (uint16_t)format->dtype,
                               .layout = (uint16_t)layout,
                               .rows = rows,
                               .cols = cols};
    char text[64];

    for (size_t i = 0; format->dtype == RLV_DTYPE_F16 && i < (size_t)rows * cols; i++)
        if (fabsf(w[i]) >= 65520.0f)
            return failure_set(c->failure, "%s: weight %g is too large for f16, use f32",
                               place(text, sizeof text, layer, part), (double)w[i]);
    note(c, part, format, rows, cols, 0.0, 0.0);
    return rlv_writer_add(c->writer, layer, part, RLV_SLOT_WEIGHT, &shape,
                          rlv_pack_float(format->dtype, layout, w, rows, cols), c->failure);
}

/* ---- linear layers ---- */

static int add_scales(struct conversion *c, uint32_t layer, unsigned part, const struct linear_q *q)
{
    uint64_t n16 = rlv_round_up(q->n, RLV_PANEL);
    float *ordered;
    int status;

    if (q->group == 0)
        return add_vector(c, layer, part, RLV_SLOT_SCALE, RLV_DTYPE_F32, q->scale, q->n);
    ordered = rlv_pack_scales(q->scale, q->n, q->group_n);
    if (ordered == NULL)
        return failure_set(c->failure, "out of memory");
    status = add_vector(c, layer, part, RLV_SLOT_SCALE, RLV_DTYPE_F32, ordered,
                        (uint32_t)(n16 * q->group_n));
    free(ordered);
    return status;
}

/* sum_k w[n][k], or with groups sum_k scale w[n][k]: what the zero point of the inputs is worth. */
static int add_sums(struct conversion *c, uint32_t layer, unsigned part, const struct linear_q *q)
{
    int32_t *sums = malloc(q->n * sizeof *sums);
    float *scaled = malloc(q->n * sizeof *scaled);
    int status = -1;

    if (sums == NULL || scaled == NULL) {
        failure_set(c->failure, "out of memory");
        goto done;
    }
    for (uint32_t i = 0; i < q->n; i++) {
        double sum = 0.0;
        sums[i] = 0;
        for (uint32_t j = 0; j < q->k; j++) {
            int w = q->w[(size_t)i * q->k + j];
            sums[i] += w;
            if (q->group != 0)
                sum += (double)q->scale[(size_t)i * q->group_n + j / q->group] * w;
        }
        scaled[i] = (float)sum;
    }
    status = q->group == 0
                 ? add_vector(c, layer, part, RLV_SLOT_SUM, RLV_DTYPE_I32, sums, q->n)
                 : add_vector(c, layer, part, RLV_SLOT_SUM, RLV_DTYPE_F32, scaled, q->n);
done:
    free(sums);
    free(scaled);
    return status;
}

static int add_outliers(struct conversion *c, uint32_t layer, unsigned part,
                        const struct linear_q *q)
{
    struct rlv_tensor shape = {.dtype = RLV_DTYPE_F32,
                               .layout = RLV_LAYOUT_ROWS,
                               .rows = q->outlier_n,
                               .cols = q->n};

    if (q->input_scale != NULL &&
        add_vector(c, layer, part, RLV_SLOT_INPUT_SCALE, RLV_DTYPE_F32, q->input_scale, q->k) != 0)
        return -1;
    if (q->outlier_n == 0)
        return 0;
    if (add_vector(c, layer, part, RLV_SLOT_OUTLIER_INDEX, RLV_DTYPE_U32, q->outlier_index,
                   q->outlier_n) != 0)
        return -1;
    return rlv_writer_add(c->writer, layer, part, RLV_SLOT_OUTLIER_WEIGHT, &shape,
                          rlv_pack_float(RLV_DTYPE_F32, RLV_LAYOUT_ROWS, q->outlier_weight,
                                         q->outlier_n, q->n),
                          c->failure);
}

static uint32_t choose_group(uint32_t wanted, uint32_t by_default, uint32_t k)
{
    if (wanted != CONVERT_DEFAULT_GROUP)
        return wanted;
    return by_default <= rlv_round_up(k, RLV_K_BLOCK) ? by_default : 0;
}

/* Longer chains cost most where outputs go straight to the residual stream: there q7 keeps to 2, unless
 * it is told otherwise. */
static unsigned choose_chain(const struct convert_options *o, const struct convert_format *format,
                             unsigned part)
{
    int inner = part == RLV_PART_QKV || part == RLV_PART_FFN1;
    if (format != FORMAT_Q7)
        return format->chain;
    if (o->chain != 0)
        return o->chain;
    return inner ? format->chain : 2;
}

static int add_quantised(struct conversion *c, uint32_t layer, unsigned part, struct choice choice,
                         const struct linear_f32 *linear)
{
    const struct convert_format *format = choice.format;
    struct quantize_options o = {.bits = rlv_dtype_bits(format->dtype),
                                 .w_max = format->w_max,
                                 .chain = choose_chain(c->options, format, part),
                                 .group = choose_group(choice.group, format->group, linear->k),
                                 .outlier_n = c->options->outlier_n,
                                 .workers = c->workers};
    struct rlv_tensor shape = {.dtype = (uint16_t)format->dtype,
                               .layout = RLV_LAYOUT_PANEL,
                               .w_max = (uint16_t)format->w_max,
                               .chain = o.chain,
                               .rows = linear->n,
                               .cols = linear->k,
                               .group = o.group};
    struct linear_q q = {0};
    struct calibration stats = {0};
    struct failure why;
    char text[64];

    progress_label(place(c->where, sizeof c->where, layer, part));
    if ((c->calibrator != NULL &&
         calibrator_layer(c->calibrator, layer, part, linear, &o, &stats, &why) != 0) ||
        quantize_linear(linear, &o, &stats, &q, &why) != 0) {
        failure_set(c->failure, "%s: %.400s", place(text, sizeof text, layer, part), why.message);
        goto fail;
    }
    note(c, part, format, linear->n, linear->k, q.error, q.norm);
    if (rlv_writer_add(c->writer, layer, part, RLV_SLOT_WEIGHT, &shape,
                       rlv_pack_integer(format->dtype, RLV_LAYOUT_PANEL, q.w, q.n, q.k),
                       c->failure) != 0 ||
        add_vector(c, layer, part, RLV_SLOT_BIAS, RLV_DTYPE_F32, q.bias, q.n) != 0 ||
        add_scales(c, layer, part, &q) != 0 || add_sums(c, layer, part, &q) != 0 ||
        add_outliers(c, layer, part, &q) != 0)
        goto fail;
    linear_q_free(&q);
    calibration_free(&stats);
    return 0;

fail:
    linear_q_free(&q);
    calibration_free(&stats);
    return -1;
}

static int add_linear(struct conversion *c, uint32_t layer, unsigned part, struct choice choice,
                      const struct hf_linear *from)
{
    const struct convert_format *format = choice.format;
    float *weight, *bias;
    struct linear_f32 linear;
    int status = -1;

    if (from->piece_n == 0)
        return 0;
    weight = malloc((size_t)from->n * from->k * sizeof *weight);
    bias = malloc(from->n * sizeof *bias);
    if (weight == NULL || bias == NULL) {
        failure_set(c->failure, "out of memory");
        goto done;
    }
    if (hf_linear_read(from, weight, bias, c->failure) != 0)
        goto done;
    c->report->parameter_n += from->n;
    linear = (struct linear_f32){from->n, from->k, weight, bias};
    if (rlv_dtype_bits(format->dtype) != 0)
        status = add_quantised(c, layer, part, choice, &linear);
    else if (add_float(c, layer, part, format, RLV_LAYOUT_PANEL, weight, from->n, from->k) == 0)
        status = add_vector(c, layer, part, RLV_SLOT_BIAS, RLV_DTYPE_F32, bias, from->n);
done:
    free(weight);
    free(bias);
    return status;
}

/* ---- tables and norms ---- */

/* The first 'rows' rows of an embedding table, or NULL with a message; free with free(). */
static float *read_table(struct conversion *c, const struct st_tensor *from, uint32_t rows)
{
    size_t n = (size_t)rows * c->model->config.hidden_size;
    float *table = malloc(n * sizeof *table);

    if (table == NULL) {
        failure_set(c->failure, "out of memory");
    } else if (st_read_f32(from, 0, n, table, c->failure) != 0) {
        free(table);
        table = NULL;
    }
    return table;
}

/* A table as f32 or f16 after adding 'shift' [hidden] to each row and 'first' [hidden] to row 0. */
static int add_float_table(struct conversion *c, unsigned part, const struct convert_format *format,
                           const struct st_tensor *from, uint32_t rows, const float *shift,
                           const float *first)
{
    uint32_t cols = c->model->config.hidden_size;
    float *table = read_table(c, from, rows);
    int status;

    if (table == NULL)
        return -1;
    for (uint32_t k = 0; first != NULL && k < cols; k++)
        table[k] += first[k];
    for (size_t i = 0; shift != NULL && i < (size_t)rows * cols; i++)
        table[i] += shift[i % cols];
    status = add_float(c, 0, part, format, RLV_LAYOUT_ROWS, table, rows, cols);
    free(table);
    return status;
}

static void remove_mean(float *table, uint32_t rows, uint32_t cols, float *mean)
{
    for (uint32_t k = 0; k < cols; k++) {
        double sum = 0.0;
        for (uint32_t i = 0; i < rows; i++)
            sum += (double)table[(size_t)i * cols + k];
        mean[k] = (float)(sum / rows);
        for (uint32_t i = 0; i < rows; i++)
            table[(size_t)i * cols + k] -= mean[k];
    }
}

static struct choice choose_words(const struct conversion *c)
{
    const struct convert_options *o = c->options;

    return choose(o, 0, RLV_PART_WORD_EMBEDDING, (struct choice){o->embeddings, o->embedding_group});
}

/*
 * The word table, quantised.  Two things are left to the position table, one row of which is added
 * to every word: the table's mean ('shift' [hidden]), without which the numbers are smaller; and at
 * position 0, where [CLS] always stands, what rounding took from the row of [CLS] ('first' [hidden]).
 */
static int add_words(struct conversion *c, float *shift, float *first)
{
    struct choice choice = choose_words(c);
    const struct convert_format *format = choice.format;
    uint32_t rows = c->model->config.vocab_n, cols = c->model->config.hidden_size;
    uint32_t cls = c->model->vocab.cls_id;
    struct quantize_options o = {.bits = rlv_dtype_bits(format->dtype),
                                 .group = choose_group(choice.group, format->embedding_group, cols),
                                 .workers = c->workers};
    struct rlv_tensor shape = {.dtype = (uint16_t)format->dtype,
                               .layout = RLV_LAYOUT_ROWS,
                               .rows = rows,
                               .cols = cols,
                               .group = o.group};
    struct table_q q = {0};
    struct failure why;
    float *table = read_table(c, c->model->word, rows);
    int status = -1;

    if (table == NULL)
        return -1;
    remove_mean(table, rows, cols, shift);
    if (quantize_table(table, rows, cols, &o, &q, &why) != 0) {
        failure_set(c->failure, "%s: %.400s", part_names[RLV_PART_WORD_EMBEDDING], why.message);
        goto done;
    }
    for (uint32_t k = 0; k < cols; k++)
        first[k] = table[(size_t)cls * cols + k] -
                   q.scale[(size_t)cls * q.group_n + (o.group != 0 ? k / o.group : 0)] *
                       (float)q.w[(size_t)cls * cols + k];
    note(c, RLV_PART_WORD_EMBEDDING, format, rows, cols, q.error, q.norm);
    if (rlv_writer_add(c->writer, 0, RLV_PART_WORD_EMBEDDING, RLV_SLOT_WEIGHT, &shape,
                       rlv_pack_integer(format->dtype, RLV_LAYOUT_ROWS, q.w, rows, cols),
                       c->failure) == 0)
        status = add_vector(c, 0, RLV_PART_WORD_EMBEDDING, RLV_SLOT_SCALE, RLV_DTYPE_F32, q.scale,
                            rows * q.group_n);
done:
    table_q_free(&q);
    free(table);
    return status;
}

static int add_norm(struct conversion *c, uint32_t layer, unsigned part,
                    const struct hf_norm *norm)
{
    uint32_t n = c->model->config.hidden_size;
    float *values = malloc(n * sizeof *values);
    int status = -1;

    if (values == NULL)
        return failure_set(c->failure, "out of memory");
    if (st_read_f32(norm->weight, 0, n, values, c->failure) != 0 ||
        add_vector(c, layer, part, RLV_SLOT_WEIGHT, RLV_DTYPE_F32, values, n) != 0 ||
        st_read_f32(norm->bias, 0, n, values, c->failure) != 0 ||
        add_vector(c, layer, part, RLV_SLOT_BIAS, RLV_DTYPE_F32, values, n) != 0)
        goto done;
    note(c, part, FORMAT_F32, 2, n, 0.0, 0.0);
    status = 0;
done:
    free(values);
    return status;
}

static int add_tables(struct conversion *c)
{
    const struct hf_model *m = c->model;
    const struct convert_format *words = choose_words(c).format;
    /* few rows, one of them in every token, and a column or two far larger than the rest: f16 */
    int quantised = rlv_dtype_bits(words->dtype) != 0;
    float *shift = calloc(m->config.hidden_size, sizeof *shift);
    float *first = calloc(m->config.hidden_size, sizeof *first);
    int status = -1;

    if (shift == NULL || first == NULL)
        failure_set(c->failure, "out of memory");
    else if ((quantised ? add_words(c, shift, first)
                        : add_float_table(c, RLV_PART_WORD_EMBEDDING, words, m->word,
                                          m->config.vocab_n, NULL, NULL)) == 0 &&
             add_float_table(c, RLV_PART_POSITION_EMBEDDING, quantised ? FORMAT_F16 : words,
                             m->position, m->max_tokens, shift, first) == 0 &&
             (m->type == NULL || add_float_table(c, RLV_PART_TYPE_EMBEDDING, FORMAT_F32, m->type,
                                                 m->config.type_n, NULL, NULL) == 0))
        status = add_norm(c, 0, RLV_PART_EMBEDDING_NORM, &m->embedding_norm);
    free(shift);
    free(first);
    return status;
}

/*
 * How a matrix of the layers, or the pooler, is stored unless an override names it.  What runs for one
 * row a text - the pooler, and the last layer of a classifier but for its keys and values - has 8 bits
 * without groups, which cost no time.
 */
static struct choice choose_linear(const struct conversion *c, uint32_t layer, unsigned part)
{
    const struct convert_options *o = c->options;
    int one_row = part == RLV_PART_POOLER ||
                  (part != RLV_PART_QKV && layer + 1 == c->model->config.layer_n &&
                   c->model->config.task == HF_TASK_SEQUENCE);
    struct choice by_default = {o->weights, o->group};

    if (one_row && rlv_dtype_bits(o->weights->dtype) != 0)
        by_default = (struct choice){
            FORMAT_Q8, o->weights == FORMAT_Q8 && part != RLV_PART_POOLER ? o->group : 0};
    return choose(o, layer, part, by_default);
}

static int add_chosen(struct conversion *c, uint32_t layer, unsigned part,
                      const struct hf_linear *from)
{
    return add_linear(c, layer, part, choose_linear(c, layer, part), from);
}

static int add_layer(struct conversion *c, uint32_t i, const struct hf_layer *layer)
{
    if (add_chosen(c, i, RLV_PART_QKV, &layer->qkv) != 0 ||
        add_chosen(c, i, RLV_PART_ATTENTION_OUT, &layer->attention_out) != 0 ||
        add_norm(c, i, RLV_PART_ATTENTION_NORM, &layer->attention_norm) != 0 ||
        add_chosen(c, i, RLV_PART_FFN1, &layer->ffn1) != 0 ||
        add_chosen(c, i, RLV_PART_FFN2, &layer->ffn2) != 0)
        return -1;
    return add_norm(c, i, RLV_PART_FFN_NORM, &layer->ffn_norm);
}

/* ---- labels ---- */

/*
 * What a label is worth when products are ranked: the gains of the ESCI shopping queries data set, and
 * 1 for the names that two-way models give to a fitting pair.
 */
static float gain_by_name(const char *name)
{
    static const struct {
        const char *name;
        float gain;
    } known[] = {{"exact", 1.0f},    {"e", 1.0f},     {"substitute", 0.1f}, {"s", 0.1f},
                 {"complement", 0.01f}, {"c", 0.01f}, {"relevant", 1.0f},   {"match", 1.0f},
                 {"positive", 1.0f}, {"yes", 1.0f},   {"true", 1.0f},       {"1", 1.0f}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcasecmp(name, known[i].name) == 0)
            return known[i].gain;
    return 0.0f;
}

/* 'names'  [n], or NULL: none are known */
static int add_labels(struct conversion *c, char *const *names, uint32_t n,
                      struct rlv_writer_label **list, int with_gains)
{
    struct rlv_writer_label *labels = calloc(n, sizeof *labels);
    char text[32];
    float sum = 0.0f;

    if (labels == NULL)
        return failure_set(c->failure, "out of memory");
    *list = labels; /* the writer frees them */
    for (uint32_t i = 0; i < n; i++)
        labels[i].name = NULL;
    for (uint32_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "LABEL_%lu", (unsigned long)i);
        labels[i].name = strdup(names != NULL ? names[i] : text);
        if (labels[i].name == NULL)
            return failure_set(c->failure, "out of memory");
        labels[i].gain = with_gains ? gain_by_name(labels[i].name) : 0.0f;
        sum += labels[i].gain;
    }
    if (with_gains && sum == 0.0f) /* by convention the second of two is the positive one */
        labels[n == 2 ? 1 : 0].gain = 1.0f;
    return 0;
}

static int add_heads(struct conversion *c)
{
    const struct hf_model *m = c->model;
    struct rlv_config *config = &c->writer->config;
    const struct choice f32 = {FORMAT_F32, 0};

    config->head_kind = m->label_n == 0                  ? RLV_HEAD_NONE
                        : m->pooler.piece_n == 0         ? RLV_HEAD_DIRECT
                        : m->config.arch == RLV_ARCH_BERT ? RLV_HEAD_TANH
                                                          : RLV_HEAD_RELU;
    config->label_n = m->label_n;
    config->token_label_n = m->token_label_n;
    if (m->label_n != 0 &&
        add_labels(c, m->config.labels, m->label_n, &c->writer->labels, 1) != 0)
        return -1;
    if (m->token_label_n != 0 &&
        add_labels(c, m->config.task == HF_TASK_BOTH ? m->config.token_labels : m->config.labels,
                   m->token_label_n, &c->writer->token_labels, 0) != 0)
        return -1;
    if (add_chosen(c, 0, RLV_PART_POOLER, &m->pooler) != 0 ||
        add_linear(c, 0, RLV_PART_CLASSIFIER, f32, &m->classifier) != 0)
        return -1;
    return add_linear(c, 0, RLV_PART_TOKEN_CLASSIFIER, f32, &m->token_classifier);
}

/* ---- all of it ---- */

static void set_config(const struct hf_model *m, struct rlv_config *config)
{
    *config = (struct rlv_config){.arch = m->config.arch,
                                  .hidden_size = m->config.hidden_size,
                                  .layer_n = m->config.layer_n,
                                  .head_n = m->config.head_n,
                                  .intermediate_size = m->config.intermediate_size,
                                  .max_tokens = m->max_tokens,
                                  .vocab_n = m->config.vocab_n,
                                  .type_n = m->config.type_n,
                                  .flags = m->vocab.flags,
                                  .pad_id = m->vocab.pad_id,
                                  .unk_id = m->vocab.unk_id,
                                  .cls_id = m->vocab.cls_id,
                                  .sep_id = m->vocab.sep_id,
                                  .mask_id = m->vocab.mask_id,
                                  .layer_norm_epsilon = m->config.layer_norm_epsilon,
                                  .logit_scale = 1.0f};
}

static uint64_t count_weights(const struct hf_model *m)
{
    uint64_t hidden = m->config.hidden_size, layer;

    layer = 4 * hidden * hidden + 2 * hidden * m->config.intermediate_size + 4 * hidden;
    return (m->config.vocab_n + (uint64_t)m->max_tokens + m->config.type_n + 2) * hidden +
           m->config.layer_n * layer + ((uint64_t)m->label_n + m->token_label_n) * hidden +
           (uint64_t)m->pooler.n * m->pooler.k;
}

static int add_everything(struct conversion *c)
{
    if (add_tables(c) != 0)
        return -1;
    for (uint32_t i = 0; i < c->model->config.layer_n; i++)
        if (add_layer(c, i, &c->model->layers[i]) != 0)
            return -1;
    return add_heads(c);
}

static int fill(struct conversion *c)
{
    const struct hf_vocab *vocab = &c->model->vocab;
    const char *wrong;

    set_config(c->model, &c->writer->config);
    wrong = vocab_write(vocab->tokens, vocab->token_n, &c->writer->vocab, &c->writer->vocab_len);
    if (wrong != NULL)
        return failure_set(c->failure, "%s: %s", vocab->file, wrong);
    return add_everything(c);
}

/* Call 'visit' for each matrix whose format may be chosen, until it returns something but 0. */
static int each_choice(const struct conversion *c,
                       int (*visit)(const struct conversion *c, uint32_t layer, unsigned part,
                                    const void *arg),
                       const void *arg)
{
    static const unsigned parts[] = {RLV_PART_QKV, RLV_PART_ATTENTION_OUT, RLV_PART_FFN1,
                                     RLV_PART_FFN2};
    int result = visit(c, 0, RLV_PART_WORD_EMBEDDING, arg);

    for (uint32_t i = 0; result == 0 && i < c->model->config.layer_n; i++)
        for (size_t k = 0; result == 0 && k < sizeof parts / sizeof parts[0]; k++)
            result = visit(c, i, parts[k], arg);
    if (result == 0 && c->model->pooler.piece_n != 0)
        result = visit(c, 0, RLV_PART_POOLER, arg);
    return result;
}

static int is_named(const struct conversion *c, uint32_t layer, unsigned part, const void *override)
{
    (void)c;
    return matches(override, layer, part);
}

static int is_quantised_linear(const struct conversion *c, uint32_t layer, unsigned part,
                               const void *unused)
{
    (void)unused;
    return part != RLV_PART_WORD_EMBEDDING &&
           rlv_dtype_bits(choose_linear(c, layer, part).format->dtype) != 0;
}

/* An override that does nothing is a mistake; so is one that a matrix cannot have. */
static int check_overrides(const struct conversion *c)
{
    for (size_t i = 0; i < c->options->override_n; i++) {
        const struct convert_override *o = &c->options->overrides[i];
        if (!each_choice(c, is_named, o))
            return failure_set(c->failure,
                               "--tensor: no matrix is named '%.60s'; there are embeddings.word, "
                               "layers.N.qkv, .attention_out, .ffn1 and .ffn2 with N from 0 to %lu%s",
                               o->pattern, (unsigned long)c->model->config.layer_n - 1,
                               c->model->pooler.piece_n != 0 ? ", pooler" : "");
    }
    if (choose_words(c).format == FORMAT_Q7)
        return failure_set(c->failure, "--tensor: embeddings.word cannot be q7, it has no sums "
                                       "that 7 bits could make faster; q8 is as large");
    return 0;
}

/* The calibrator runs the network in f32, from a model file that is made in memory. */
static int start_calibration(struct conversion *c)
{
    struct convert_options options = {.weights = FORMAT_F32, .embeddings = FORMAT_F32};
    struct rlv_writer writer = {0};
    struct convert_report report = {0};
    struct conversion f32 = {.model = c->model,
                             .options = &options,
                             .writer = &writer,
                             .report = &report,
                             .failure = c->failure};
    void *image = NULL;
    uint64_t len;
    int status = -1;

    if (fill(&f32) == 0 && rlv_writer_image(&writer, &image, &len, c->failure) == 0) {
        rlv_writer_free(&writer);
        status = calibrator_open(&c->calibrator, image, (size_t)len, c->options->calibration,
                                 c->workers, c->failure);
    }
    rlv_writer_free(&writer);
    return status;
}

int convert_model(const struct hf_model *model, const struct convert_options *options,
                  struct rlv_writer *writer, struct convert_report *report,
                  struct failure *failure)
{
    struct workers workers = {0};
    struct conversion c = {.model = model,
                           .options = options,
                           .writer = writer,
                           .report = report,
                           .failure = failure,
                           .workers = &workers};
    int status = 0, quantised = each_choice(&c, is_quantised_linear, NULL);
    int calibrate = quantised && (options->calibration == NULL ||
                                  strcmp(options->calibration, "none") != 0);

    memset(report, 0, sizeof *report);
    report->quantised = quantised;
    if (check_overrides(&c) != 0)
        return -1;
    if (workers_open(&workers, options->threads) != 0)
        return failure_set(failure, "cannot start %u threads", options->threads);
    progress_begin("reading", count_weights(model));
    if (calibrate)
        status = start_calibration(&c);
    progress_begin("converting", count_weights(model));
    if (status == 0)
        status = fill(&c);
    progress_end();
    for (size_t i = 0; i < writer->tensor_n; i++)
        report->parts[writer->tensors[i].t.part].len += writer->tensors[i].t.len;
    calibrator_close(c.calibrator);
    workers_close(&workers);
    return status;
}
