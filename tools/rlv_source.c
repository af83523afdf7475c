/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_source.c - see rlv_source.h.
 *
 * Every tensor is unpacked to rows of f32, which hf_model.h reads as one that safetensors holds; so
 * converting and quantising go the same way from there on.  An f16 file gives the rounded weights.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/internal.h"
#include "half.h"
#include "rlv_source.h"

#define TENSORS_A_LAYER 12 /* four linear layers and two norms, with weight and bias */
#define OTHER_TENSORS 11   /* three tables, a norm, three heads */

/* What the functions below pass around; the first failure ends it. */
struct reading {
    struct st_set *set;
    struct failure *failure;
    int failed;
};

/* A new tensor [rows, cols] (cols 0: a vector) of f32 and the room for its elements, or NULL. */
static struct st_tensor *add(struct reading *r, const char *name, uint32_t rows, uint32_t cols,
                             float **elements)
{
    size_t n = (size_t)rows * (cols != 0 ? cols : 1), len = n * sizeof(float);
    struct st_tensor *t = &r->set->tensors[r->set->tensor_n];
    struct st_file *f = &r->set->files[r->set->file_n];
    void *map;

    if (r->failed)
        return NULL;
    map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    t->name = strdup(name);
    if (map != MAP_FAILED) {
        f->map = map;
        f->len = len;
        r->set->file_n++;
    }
    if (t->name != NULL)
        r->set->tensor_n++;
    if (map == MAP_FAILED || t->name == NULL) {
        r->failed = 1;
        failure_set(r->failure, "out of memory");
        return NULL;
    }
    t->file = "the model";
    t->dtype = "F32";
    t->element_len = sizeof(float);
    t->dim_n = cols != 0 ? 2 : 1;
    t->dims[0] = rows;
    t->dims[1] = cols;
    t->element_n = n;
    t->data = map;
    *elements = map;
    return t;
}

static struct st_tensor *add_vector(struct reading *r, const char *name, const float *from,
                                    uint32_t n)
{
    float *to;
    struct st_tensor *t = add(r, name, n, 0, &to);

    if (t != NULL)
        memcpy(to, from, n * sizeof *to);
    return t;
}

static int is_float(struct reading *r, const char *name, unsigned dtype)
{
    if (!r->failed && dtype != RLV_DTYPE_F32 && dtype != RLV_DTYPE_F16) {
        r->failed = 1;
        failure_set(r->failure, "%s is quantised already (q%u): only a model with f32 or f16 "
                                "weights and embeddings can be quantised",
                    name, rlv_dtype_bits(dtype));
    }
    return !r->failed;
}

static float element(unsigned dtype, const uint8_t *data, size_t i)
{
    float f;
    uint16_t h;

    if (dtype == RLV_DTYPE_F32) {
        memcpy(&f, data + i * sizeof f, sizeof f);
        return f;
    }
    memcpy(&h, data + i * sizeof h, sizeof h);
    return float_of_f16(h);
}

static void add_linear(struct reading *r, const char *name, const struct rlv_linear *from,
                       struct hf_linear *to)
{
    float *w;

    if (from->weight == NULL || !is_float(r, name, from->dtype))
        return;
    to->weight[0] = add(r, name, from->n, from->k, &w);
    to->bias[0] = add_vector(r, name, from->bias, from->n);
    to->piece_n = 1;
    to->n = from->n;
    to->k = from->k;
    for (uint32_t i = 0; !r->failed && i < from->n; i++)
        for (uint32_t k = 0; k < from->k; k++)
            w[(size_t)i * from->k + k] =
                element(from->dtype, from->weight,
                        ((size_t)(i / RLV_PANEL) * from->k32 + k) * RLV_PANEL + i % RLV_PANEL);
}

static const struct st_tensor *add_table(struct reading *r, const char *name,
                                         const struct rlv_table *from)
{
    struct st_tensor *t;
    float *w;

    if (from->data == NULL || !is_float(r, name, from->dtype))
        return NULL;
    t = add(r, name, from->rows, from->cols, &w);
    for (uint32_t i = 0; !r->failed && i < from->rows; i++)
        for (uint32_t k = 0; k < from->cols; k++)
            w[(size_t)i * from->cols + k] = element(from->dtype, from->data + i * from->stride, k);
    return t;
}

static void add_norm(struct reading *r, const char *name, const struct rlv_norm *from, uint32_t n,
                     struct hf_norm *to)
{
    to->weight = add_vector(r, name, from->gamma, n);
    to->bias = add_vector(r, name, from->beta, n);
}

static void add_tensors(struct reading *r, const struct relevance_model *from, struct hf_model *to)
{
    uint32_t hidden = from->config->hidden_size;
    char name[60];

    to->word = add_table(r, "embeddings.word", &from->word);
    to->position = add_table(r, "embeddings.position", &from->position);
    to->type = add_table(r, "embeddings.type", &from->type);
    add_norm(r, "embeddings.norm", &from->embedding_norm, hidden, &to->embedding_norm);
    for (uint32_t i = 0; i < from->config->layer_n; i++) {
        const struct rlv_layer *l = &from->layers[i];
        snprintf(name, sizeof name, "layers.%lu", (unsigned long)i);
        add_linear(r, name, &l->qkv, &to->layers[i].qkv);
        add_linear(r, name, &l->attention_out, &to->layers[i].attention_out);
        add_norm(r, name, &l->attention_norm, hidden, &to->layers[i].attention_norm);
        add_linear(r, name, &l->ffn1, &to->layers[i].ffn1);
        add_linear(r, name, &l->ffn2, &to->layers[i].ffn2);
        add_norm(r, name, &l->ffn_norm, hidden, &to->layers[i].ffn_norm);
    }
    add_linear(r, "pooler", &from->pooler, &to->pooler);
    add_linear(r, "classifier", &from->classifier, &to->classifier);
    add_linear(r, "token_classifier", &from->token_classifier, &to->token_classifier);
}

/* ---- configuration, labels, vocabulary ---- */

static int copy_labels(const relevance_model *from, uint32_t n,
                       const char *(*name)(const relevance_model *model, uint32_t label),
                       char ***labels, uint32_t *label_n)
{
    if (n == 0)
        return 0;
    *labels = calloc(n, sizeof **labels);
    for (; *labels != NULL && *label_n < n; ++*label_n) {
        (*labels)[*label_n] = strdup(name(from, *label_n));
        if ((*labels)[*label_n] == NULL)
            return -1;
    }
    return *labels != NULL ? 0 : -1;
}

static int set_config(const struct relevance_model *from, struct hf_config *to)
{
    const struct rlv_config *c = from->config;
    int both = c->label_n != 0 && c->token_label_n != 0, only_tokens = !both && c->label_n == 0;

    to->arch = c->arch;
    to->task = both                      ? HF_TASK_BOTH
               : c->label_n != 0         ? HF_TASK_SEQUENCE
               : c->token_label_n != 0 ? HF_TASK_TOKENS
                                         : HF_TASK_ENCODER;
    to->hidden_size = c->hidden_size;
    to->layer_n = c->layer_n;
    to->head_n = c->head_n;
    to->intermediate_size = c->intermediate_size;
    to->position_n = c->max_tokens;
    to->vocab_n = c->vocab_n;
    to->type_n = c->type_n;
    to->layer_norm_epsilon = c->layer_norm_epsilon;
    if (only_tokens)
        return copy_labels(from, c->token_label_n, relevance_token_label, &to->labels,
                           &to->label_n);
    if (copy_labels(from, c->label_n, relevance_label, &to->labels, &to->label_n) != 0)
        return -1;
    return copy_labels(from, c->token_label_n, relevance_token_label, &to->token_labels,
                       &to->token_label_n);
}

static int set_vocab(const struct relevance_model *from, const char *path, struct hf_vocab *to)
{
    const struct rlv_vocab *v = &from->vocab;

    to->tokens = calloc(v->token_n, sizeof *to->tokens);
    if (to->tokens == NULL)
        return -1;
    to->token_n = v->token_n;
    for (uint32_t i = 0; i < v->token_n; i++) {
        to->tokens[i].bytes = v->blob + v->offsets[i];
        to->tokens[i].len = v->offsets[i + 1] - v->offsets[i];
    }
    to->flags = v->flags;
    to->max_tokens = from->config->max_tokens;
    to->pad_id = v->pad_id;
    to->unk_id = v->unk_id;
    to->cls_id = v->cls_id;
    to->sep_id = v->sep_id;
    to->mask_id = v->mask_id;
    to->file = path;
    return 0;
}

static int fill(struct rlv_source *s, const char *path, struct failure *failure)
{
    const struct relevance_model *from = s->file;
    struct hf_model *to = &s->model;
    size_t most = OTHER_TENSORS + (size_t)from->config->layer_n * TENSORS_A_LAYER;
    struct reading r = {.set = &to->set, .failure = failure};

    if (set_config(from, &to->config) != 0 || set_vocab(from, path, &to->vocab) != 0)
        return failure_set(failure, "out of memory");
    to->config.architecture = rlv_source_metadata(s, "architecture");
    if (to->config.architecture == NULL)
        to->config.architecture = strdup(from->config->arch == RLV_ARCH_BERT ? "bert" : "distilbert");
    to->layers = calloc(to->config.layer_n, sizeof *to->layers);
    to->set.tensors = calloc(most, sizeof *to->set.tensors);
    to->set.files = calloc(most, sizeof *to->set.files);
    if (to->config.architecture == NULL || to->layers == NULL || to->set.tensors == NULL ||
        to->set.files == NULL)
        return failure_set(failure, "out of memory");
    to->max_tokens = from->config->max_tokens;
    to->label_n = from->config->label_n;
    to->token_label_n = from->config->token_label_n;
    add_tensors(&r, from, to);
    return r.failed ? -1 : 0;
}

int rlv_source_open(struct rlv_source *source, const char *path, struct failure *failure)
{
    struct relevance_error error = {.message = ""};
    struct failure why;

    if (relevance_open(path, NULL, &source->file, &error) != RELEVANCE_OK)
        return failure_set(failure, "%s", error.message);
    if (fill(source, path, &why) != 0) {
        rlv_source_close(source);
        return failure_set(failure, "%s: %.400s", path, why.message);
    }
    return 0;
}

void rlv_source_finish(const struct rlv_source *source, struct rlv_writer *writer)
{
    const struct relevance_model *from = source->file;

    writer->config.head_kind = from->config->head_kind;
    writer->config.logit_scale = from->config->logit_scale;
    for (uint32_t i = 0; i < from->config->label_n; i++) {
        const struct rlv_label *l = rlv_label_at(from->labels, i);
        writer->labels[i].gain = l->gain;
        writer->labels[i].logit_bias = l->logit_bias;
        writer->labels[i].prior = from->priors != NULL ? from->priors[i] : 0.0f;
    }
}

char *rlv_source_metadata(const struct rlv_source *source, const char *key)
{
    const char *line = source->file->metadata;
    size_t len = strlen(key);

    while (*line != '\0') {
        size_t n = strcspn(line, "\n");
        if (n > len && line[len] == '=' && strncmp(line, key, len) == 0)
            return strndup(line + len + 1, n - len - 1);
        line += n + (line[n] == '\n');
    }
    return NULL;
}

void rlv_source_close(struct rlv_source *source)
{
    hf_model_close(&source->model);
    relevance_close(source->file);
    source->file = NULL;
}
