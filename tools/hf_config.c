/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_config.c - see hf_config.h.
 *
 * Missing keys have the defaults of transformers' DistilBertConfig and BertConfig; whatever would
 * make the network compute something else than lib/forward.c does is refused by name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "hf_config.h"
#include "hf_json.h"

#define FILE_NAME "config.json"

static const char *const no_prefix[] = {NULL};
static const char *const distilbert_mlm[] = {"vocab_transform.", "vocab_layer_norm.",
                                             "vocab_projector.", NULL};
static const char *const bert_mlm[] = {"cls.", NULL};
/* A BertModel's pooler has no use without a classifier; old token classifiers carry an unused one. */
static const char *const bert_pooler[] = {"pooler.", "bert.pooler.", NULL};
static const char *const bert_pretraining[] = {"cls.", "bert.pooler.", NULL};

static const struct architecture {
    const char *name;
    unsigned arch;
    enum hf_task task;
    const char *const *ignorable;
} architectures[] = {
    {"DistilBertForSequenceClassification", RLV_ARCH_DISTILBERT, HF_TASK_SEQUENCE, no_prefix},
    {"DistilBertForTokenClassification", RLV_ARCH_DISTILBERT, HF_TASK_TOKENS, no_prefix},
    {"DistilBertModel", RLV_ARCH_DISTILBERT, HF_TASK_ENCODER, no_prefix},
    {"DistilBertForMaskedLM", RLV_ARCH_DISTILBERT, HF_TASK_ENCODER, distilbert_mlm},
    {"BertForSequenceClassification", RLV_ARCH_BERT, HF_TASK_SEQUENCE, no_prefix},
    {"BertForTokenClassification", RLV_ARCH_BERT, HF_TASK_TOKENS, bert_pooler},
    {"DistilBertForSequenceAndTokenClassification", RLV_ARCH_DISTILBERT, HF_TASK_BOTH, no_prefix},
    {"BertForSequenceAndTokenClassification", RLV_ARCH_BERT, HF_TASK_BOTH, bert_pooler},
    {"BertModel", RLV_ARCH_BERT, HF_TASK_ENCODER, bert_pooler},
    {"BertForMaskedLM", RLV_ARCH_BERT, HF_TASK_ENCODER, bert_mlm},
    {"BertForPreTraining", RLV_ARCH_BERT, HF_TASK_ENCODER, bert_pretraining},
};
#define ARCHITECTURE_N (sizeof architectures / sizeof architectures[0])

static int find_architecture(struct hf_config *config, const json_t *root, struct failure *failure)
{
    const char *name =
        json_string_value(json_array_get(json_object_get(root, "architectures"), 0));
    const char *type = json_string_value(json_object_get(root, "model_type"));
    const char *expected;
    char list[640] = "";

    if (type != NULL && strcmp(type, "distilbert") != 0 && strcmp(type, "bert") != 0)
        return failure_set(failure, FILE_NAME ": model_type is '%s', supported: distilbert, bert",
                           type);
    for (size_t i = 0; i < ARCHITECTURE_N; i++) {
        if (name == NULL || strcmp(name, architectures[i].name) != 0) {
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i > 0 ? ", " : "",
                     architectures[i].name);
            continue;
        }
        expected = architectures[i].arch == RLV_ARCH_BERT ? "bert" : "distilbert";
        if (type == NULL || strcmp(type, expected) != 0)
            return failure_set(failure,
                               FILE_NAME ": model_type is '%s', but the architecture %s has '%s'",
                               type == NULL ? "missing" : type, name, expected);
        config->arch = architectures[i].arch;
        config->task = architectures[i].task;
        config->ignorable = architectures[i].ignorable;
        config->architecture = strdup(name);
        return config->architecture != NULL ? 0 : failure_set(failure, "out of memory");
    }
    if (name == NULL)
        return failure_set(failure, FILE_NAME ": no 'architectures', supported: %s", list);
    return failure_set(failure, FILE_NAME ": architecture is '%.100s', supported: %s", name, list);
}

/* The keys that must have one of two values for lib/forward.c to compute the same. */
static int check_string(const json_t *root, const char *key, const char *fallback, const char *good,
                        const char *also_good, const char *supported, struct failure *failure)
{
    const char *value = fallback;

    if (hf_json_string(root, FILE_NAME, key, &value, failure) != 0)
        return -1;
    if (strcmp(value, good) == 0 || strcmp(value, also_good) == 0)
        return 0;
    return failure_set(failure, FILE_NAME ": %s is '%.100s', supported: %s", key, value, supported);
}

static int check_false(const json_t *root, const char *key, struct failure *failure)
{
    int value = 0;

    if (hf_json_bool(root, FILE_NAME, key, &value, failure) != 0)
        return -1;
    return value == 0 ? 0
                      : failure_set(failure, FILE_NAME ": %s is true, supported: false", key);
}

static int check_variant(const struct hf_config *config, const json_t *root,
                         struct failure *failure)
{
    const json_t *pruned = json_object_get(root, "pruned_heads");
    const json_t *quantised = json_object_get(root, "quantization_config");

    if (check_string(root, config->arch == RLV_ARCH_BERT ? "hidden_act" : "activation", "gelu",
                     "gelu", "gelu_python", "gelu (the erf form)", failure) != 0 ||
        check_string(root, "position_embedding_type", "absolute", "absolute", "absolute",
                     "absolute", failure) != 0 ||
        check_false(root, "is_decoder", failure) != 0 ||
        check_false(root, "add_cross_attention", failure) != 0)
        return -1;
    if (config->task == HF_TASK_BOTH &&
        check_string(root, "classifier_head", "linear", "linear", "linear",
                     "linear (one layer on [CLS])", failure) != 0)
        return -1;
    if ((config->task == HF_TASK_SEQUENCE || config->task == HF_TASK_BOTH) &&
        check_string(root, "problem_type", "single_label_classification",
                     "single_label_classification", "single_label_classification",
                     "single_label_classification (probabilities are a softmax)", failure) != 0)
        return -1;
    if (json_object_size(pruned) > 0)
        return failure_set(failure, FILE_NAME ": pruned_heads is set, supported: none pruned");
    if (quantised != NULL && !json_is_null(quantised))
        return failure_set(failure, FILE_NAME ": quantization_config is set, supported: the F32, "
                                              "F16 or BF16 checkpoint it was made from");
    return 0;
}

static int read_sizes(struct hf_config *c, const json_t *root, struct failure *failure)
{
    int bert = c->arch == RLV_ARCH_BERT;
    double epsilon = 1e-12; /* DistilBERT's is fixed */

    c->vocab_n = 30522;
    c->hidden_size = 768;
    c->layer_n = bert ? 12 : 6;
    c->head_n = 12;
    c->intermediate_size = 3072;
    c->position_n = 512;
    c->type_n = bert ? 2 : 0;
    if (hf_json_u32(root, FILE_NAME, "vocab_size", 1, RLV_MAX_VOCAB, &c->vocab_n, failure) != 0 ||
        hf_json_u32(root, FILE_NAME, bert ? "hidden_size" : "dim", 8, RLV_MAX_HIDDEN,
                    &c->hidden_size, failure) != 0 ||
        hf_json_u32(root, FILE_NAME, bert ? "num_hidden_layers" : "n_layers", 1, RLV_MAX_LAYERS,
                    &c->layer_n, failure) != 0 ||
        hf_json_u32(root, FILE_NAME, bert ? "num_attention_heads" : "n_heads", 1, RLV_MAX_HIDDEN,
                    &c->head_n, failure) != 0 ||
        hf_json_u32(root, FILE_NAME, bert ? "intermediate_size" : "hidden_dim", 1,
                    RLV_MAX_INTERMEDIATE, &c->intermediate_size, failure) != 0 ||
        hf_json_u32(root, FILE_NAME, "max_position_embeddings", 4, RLV_MAX_POSITIONS,
                    &c->position_n, failure) != 0)
        return -1;
    if (bert && (hf_json_u32(root, FILE_NAME, "type_vocab_size", 1, RLV_MAX_TYPES, &c->type_n,
                             failure) != 0 ||
                 hf_json_number(root, FILE_NAME, "layer_norm_eps", &epsilon, failure) != 0))
        return -1;
    c->layer_norm_epsilon = (float)epsilon;
    if (!(c->layer_norm_epsilon > 0.0f && c->layer_norm_epsilon <= 1e-3f))
        return failure_set(failure, FILE_NAME ": layer_norm_eps is %g, supported: above 0, at most 0.001",
                           epsilon);
    if (c->hidden_size % c->head_n != 0)
        return failure_set(failure, FILE_NAME ": %lu attention heads do not divide hidden size %lu",
                           (unsigned long)c->head_n, (unsigned long)c->hidden_size);
    if (c->hidden_size / c->head_n % 8 != 0 || c->hidden_size / c->head_n > RLV_MAX_HEAD_DIM)
        return failure_set(failure,
                           FILE_NAME ": attention heads of size %lu, supported: multiples of 8 up to %u",
                           (unsigned long)(c->hidden_size / c->head_n), RLV_MAX_HEAD_DIM);
    return 0;
}

/* The names of "id2label" or "token_id2label"; absent: none. */
static int read_labels(const json_t *root, const char *key, char ***labels, uint32_t *label_n,
                       struct failure *failure)
{
    const json_t *map = json_object_get(root, key);
    const char *name;
    char index[16];
    size_t n = json_object_size(map);

    if (n == 0)
        return 0;
    if (n > RLV_MAX_TOKEN_LABELS)
        return failure_set(failure, FILE_NAME ": %zu labels, supported: at most %u", n,
                           RLV_MAX_TOKEN_LABELS);
    *labels = calloc(n, sizeof **labels);
    if (*labels == NULL)
        return failure_set(failure, "out of memory");
    for (; *label_n < n; ++*label_n) {
        snprintf(index, sizeof index, "%lu", (unsigned long)*label_n);
        name = json_string_value(json_object_get(map, index));
        if (name == NULL || name[0] == '\0')
            return failure_set(failure, FILE_NAME ": %s has %zu labels, but none for \"%s\"", key, n,
                               index);
        (*labels)[*label_n] = strdup(name);
        if ((*labels)[*label_n] == NULL)
            return failure_set(failure, "out of memory");
    }
    return 0;
}

int hf_config_load(struct hf_config *config, const char *dir, struct failure *failure)
{
    json_t *root = hf_json_load(dir, FILE_NAME, 0, failure);

    if (root == NULL)
        return -1;
    if (find_architecture(config, root, failure) != 0 ||
        check_variant(config, root, failure) != 0 || read_sizes(config, root, failure) != 0 ||
        read_labels(root, "id2label", &config->labels, &config->label_n, failure) != 0 ||
        (config->task == HF_TASK_BOTH &&
         read_labels(root, "token_id2label", &config->token_labels, &config->token_label_n,
                     failure) != 0))
        goto fail;
    json_decref(root);
    return 0;

fail:
    json_decref(root);
    hf_config_free(config);
    return -1;
}

void hf_config_free(struct hf_config *config)
{
    for (uint32_t i = 0; i < config->label_n; i++)
        free(config->labels[i]);
    for (uint32_t i = 0; i < config->token_label_n; i++)
        free(config->token_labels[i]);
    free(config->labels);
    free(config->token_labels);
    free(config->architecture);
    memset(config, 0, sizeof *config);
}
