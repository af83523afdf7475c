/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_model.c - see hf_model.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/relevance.h"
#include "../lib/format.h"
#include "hf_model.h"

#define NAME_CAP 160

/* What the functions below pass around; the first failure ends the search. */
struct search {
    struct hf_model *model;
    struct failure *failure;
    const char *prefix; /* "distilbert.", "bert." or "": what the encoder's names begin with */
    int failed;
};

/* Names of the encoder's tensors, without the prefix; %lu is the layer. */
struct names {
    const char *query, *key, *value, *attention_out, *attention_norm, *ffn1, *ffn2, *ffn_norm;
};
static const struct names distilbert_names = {
    "transformer.layer.%lu.attention.q_lin",   "transformer.layer.%lu.attention.k_lin",
    "transformer.layer.%lu.attention.v_lin",   "transformer.layer.%lu.attention.out_lin",
    "transformer.layer.%lu.sa_layer_norm",     "transformer.layer.%lu.ffn.lin1",
    "transformer.layer.%lu.ffn.lin2",          "transformer.layer.%lu.output_layer_norm"};
static const struct names bert_names = {
    "encoder.layer.%lu.attention.self.query",   "encoder.layer.%lu.attention.self.key",
    "encoder.layer.%lu.attention.self.value",   "encoder.layer.%lu.attention.output.dense",
    "encoder.layer.%lu.attention.output.LayerNorm", "encoder.layer.%lu.intermediate.dense",
    "encoder.layer.%lu.output.dense",           "encoder.layer.%lu.output.LayerNorm"};

static int supported_dtype(const struct st_tensor *t)
{
    return strcmp(t->dtype, "F32") == 0 || strcmp(t->dtype, "F16") == 0 ||
           strcmp(t->dtype, "BF16") == 0;
}

/* Find a tensor of this shape (cols 0: a vector).  'old' is another ending it may have, or NULL. */
static const struct st_tensor *take(struct search *s, const char *name, const char *ending,
                                    const char *old, uint64_t rows, uint64_t cols)
{
    char full[NAME_CAP], found[200], expected[200];
    uint64_t dims[2] = {rows, cols};
    unsigned dim_n = cols == 0 ? 1 : 2;
    struct st_tensor *t;

    if (s->failed)
        return NULL;
    snprintf(full, sizeof full, "%s%s", name, ending);
    t = st_find(&s->model->set, full);
    if (t == NULL && old != NULL) {
        char alias[NAME_CAP];
        snprintf(alias, sizeof alias, "%s%s", name, old);
        t = st_find(&s->model->set, alias);
    }
    st_shape_text(dims, dim_n, expected);
    s->failed = 1;
    if (t == NULL) {
        failure_set(s->failure, "%s: missing tensor '%s' of shape %s, which a %s has",
                    s->model->set.file_n == 1 ? s->model->set.files[0].name
                                              : "model.safetensors.index.json",
                    full, expected, s->model->config.architecture);
        return NULL;
    }
    if (t->dim_n != dim_n || memcmp(t->dims, dims, dim_n * sizeof dims[0]) != 0) {
        failure_set(s->failure, "%s: tensor '%s': shape %s, expected %s", t->file, t->name,
                    st_shape_text(t->dims, t->dim_n, found), expected);
        return NULL;
    }
    if (!supported_dtype(t)) {
        failure_set(s->failure, "%s: tensor '%s': dtype %s, supported: F32, F16, BF16", t->file,
                    t->name, t->dtype);
        return NULL;
    }
    s->failed = 0;
    t->used = 1;
    return t;
}

static const char *encoder_name(const struct search *s, char *text, const char *name, uint32_t layer)
{
    size_t at = strlen(s->prefix);
    const char *hole = strstr(name, "%lu");

    memcpy(text, s->prefix, at);
    if (hole == NULL)
        snprintf(text + at, NAME_CAP - at, "%s", name);
    else
        snprintf(text + at, NAME_CAP - at, "%.*s%lu%s", (int)(hole - name), name,
                 (unsigned long)layer, hole + 3);
    return text;
}

static void take_norm(struct search *s, const char *name, uint32_t layer, struct hf_norm *norm)
{
    char full[NAME_CAP];

    encoder_name(s, full, name, layer);
    norm->weight = take(s, full, ".weight", ".gamma", s->model->config.hidden_size, 0);
    norm->bias = take(s, full, ".bias", ".beta", s->model->config.hidden_size, 0);
}

/* One more piece of n output channels and k input channels. */
static void take_linear(struct search *s, const char *full, uint32_t n, uint32_t k,
                        struct hf_linear *linear)
{
    linear->weight[linear->piece_n] = take(s, full, ".weight", NULL, n, k);
    linear->bias[linear->piece_n] = take(s, full, ".bias", NULL, n, 0);
    linear->piece_n++;
    linear->n += n;
    linear->k = k;
}

static void take_layer(struct search *s, uint32_t i, struct hf_layer *layer)
{
    const struct hf_config *c = &s->model->config;
    const struct names *names = c->arch == RLV_ARCH_BERT ? &bert_names : &distilbert_names;
    uint32_t hidden = c->hidden_size, inner = c->intermediate_size;
    char full[NAME_CAP];

    take_linear(s, encoder_name(s, full, names->query, i), hidden, hidden, &layer->qkv);
    take_linear(s, encoder_name(s, full, names->key, i), hidden, hidden, &layer->qkv);
    take_linear(s, encoder_name(s, full, names->value, i), hidden, hidden, &layer->qkv);
    take_linear(s, encoder_name(s, full, names->attention_out, i), hidden, hidden,
                &layer->attention_out);
    take_norm(s, names->attention_norm, i, &layer->attention_norm);
    take_linear(s, encoder_name(s, full, names->ffn1, i), inner, hidden, &layer->ffn1);
    take_linear(s, encoder_name(s, full, names->ffn2, i), hidden, inner, &layer->ffn2);
    take_norm(s, names->ffn_norm, i, &layer->ffn_norm);
}

/* Labels of a head: as many as config.json names, else as many as its tensor has rows. */
static uint32_t count_labels(struct search *s, const char *tensor, uint32_t named, uint32_t max)
{
    const struct st_tensor *t = st_find(&s->model->set, tensor);
    uint64_t n = named;

    if (n == 0 && t != NULL && t->dim_n == 2)
        n = t->dims[0];
    if (n == 0)
        n = 2; /* the default of transformers; a missing tensor is reported with it */
    if (!s->failed && (n < 2 || n > max)) {
        failure_set(s->failure, "%s: %llu label%s, supported: 2 to %lu",
                    named != 0 ? "config.json" : tensor, (unsigned long long)n,
                    n == 1 ? " (a regression score)" : "s", (unsigned long)max);
        s->failed = 1;
    }
    return (uint32_t)n;
}

static void take_heads(struct search *s)
{
    struct hf_model *m = s->model;
    const struct hf_config *c = &m->config;
    uint32_t hidden = c->hidden_size;
    char full[NAME_CAP];

    if (c->task == HF_TASK_TOKENS) {
        m->token_label_n =
            count_labels(s, "classifier.weight", c->label_n, RLV_MAX_TOKEN_LABELS);
        take_linear(s, "classifier", m->token_label_n, hidden, &m->token_classifier);
    }
    if (c->task == HF_TASK_BOTH) {
        m->token_label_n = count_labels(s, "token_classifier.weight", c->token_label_n,
                                        RLV_MAX_TOKEN_LABELS);
        take_linear(s, "token_classifier", m->token_label_n, hidden, &m->token_classifier);
    }
    if (c->task == HF_TASK_SEQUENCE || c->task == HF_TASK_BOTH) {
        m->label_n = count_labels(s, "classifier.weight", c->label_n, RELEVANCE_MAX_LABELS);
        take_linear(s, "classifier", m->label_n, hidden, &m->classifier);
    }
    if (c->task == HF_TASK_SEQUENCE)
        take_linear(s,
                    c->arch == RLV_ARCH_BERT ? encoder_name(s, full, "pooler.dense", 0)
                                             : "pre_classifier",
                    hidden, hidden, &m->pooler);
}

static int has_prefix(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* A tensor that was not asked for: a buffer, or part of a head that the architecture allows? */
static int can_drop(const struct hf_config *config, const char *name)
{
    static const char *const buffers[] = {"embeddings.position_ids", "embeddings.token_type_ids"};

    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(name), end = strlen(buffers[i]);
        if (len >= end && strcmp(name + len - end, buffers[i]) == 0)
            return 1;
    }
    for (const char *const *p = config->ignorable; *p != NULL; p++)
        if (has_prefix(name, *p))
            return 1;
    return 0;
}

static void check_left_over(struct search *s)
{
    const struct st_tensor *first = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < s->model->set.tensor_n; i++) {
        const struct st_tensor *t = &s->model->set.tensors[i];
        if (t->used)
            continue;
        if (can_drop(&s->model->config, t->name)) {
            s->model->dropped_n++;
            continue;
        }
        if (n++ == 0)
            first = t;
    }
    if (s->failed || n == 0)
        return;
    s->failed = 1;
    if (n == 1)
        failure_set(s->failure, "%s: tensor '%s' does not belong to a %s", first->file, first->name,
                    s->model->config.architecture);
    else
        failure_set(s->failure, "%s: tensor '%s' and %u more do not belong to a %s", first->file,
                    first->name, n - 1, s->model->config.architecture);
}

static int find_tensors(struct hf_model *m, struct failure *failure)
{
    struct search s = {.model = m, .failure = failure};
    int bert = m->config.arch == RLV_ARCH_BERT;
    uint32_t hidden = m->config.hidden_size;
    char full[NAME_CAP];

    /* save_pretrained() leaves the prefix out for a bare encoder only; others do not care */
    s.prefix = bert ? "bert." : "distilbert.";
    encoder_name(&s, full, "embeddings.word_embeddings.weight", 0);
    if (st_find(&m->set, full) == NULL &&
        (m->config.task == HF_TASK_ENCODER || st_find(&m->set, full + strlen(s.prefix)) != NULL))
        s.prefix = "";

    m->layers = calloc(m->config.layer_n, sizeof *m->layers);
    if (m->layers == NULL)
        return failure_set(failure, "out of memory");
    m->word = take(&s, encoder_name(&s, full, "embeddings.word_embeddings", 0), ".weight", NULL,
                   m->config.vocab_n, hidden);
    m->position = take(&s, encoder_name(&s, full, "embeddings.position_embeddings", 0), ".weight",
                       NULL, m->config.position_n, hidden);
    if (bert)
        m->type = take(&s, encoder_name(&s, full, "embeddings.token_type_embeddings", 0), ".weight",
                       NULL, m->config.type_n, hidden);
    take_norm(&s, "embeddings.LayerNorm", 0, &m->embedding_norm);
    for (uint32_t i = 0; i < m->config.layer_n; i++)
        take_layer(&s, i, &m->layers[i]);
    take_heads(&s);
    check_left_over(&s);
    return s.failed ? -1 : 0;
}

int hf_model_open(struct hf_model *model, const char *dir, struct failure *failure)
{
    if (hf_config_load(&model->config, dir, failure) != 0 ||
        hf_vocab_load(&model->vocab, dir, failure) != 0)
        goto fail;
    if (model->vocab.token_n != model->config.vocab_n) {
        failure_set(failure, "%s: %lu tokens, but config.json has vocab_size %lu",
                    model->vocab.file, (unsigned long)model->vocab.token_n,
                    (unsigned long)model->config.vocab_n);
        goto fail;
    }
    model->max_tokens = model->config.position_n < model->vocab.max_tokens
                            ? model->config.position_n
                            : model->vocab.max_tokens;
    if (st_open(&model->set, dir, failure) != 0 || find_tensors(model, failure) != 0)
        goto fail;
    return 0;

fail:
    hf_model_close(model);
    return -1;
}

void hf_model_close(struct hf_model *model)
{
    free(model->layers);
    st_close(&model->set);
    hf_vocab_free(&model->vocab);
    hf_config_free(&model->config);
    memset(model, 0, sizeof *model);
}

int hf_linear_read(const struct hf_linear *linear, float *weight, float *bias,
                   struct failure *failure)
{
    for (unsigned i = 0; i < linear->piece_n; i++) {
        if (st_read_f32(linear->weight[i], 0, linear->weight[i]->element_n, weight, failure) != 0 ||
            st_read_f32(linear->bias[i], 0, linear->bias[i]->element_n, bias, failure) != 0)
            return -1;
        weight += linear->weight[i]->element_n;
        bias += linear->bias[i]->element_n;
    }
    return 0;
}
