/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hf_vocab.c - see hf_vocab.h.
 *
 * lib/tokenizer.c computes exactly what a BertTokenizerFast with the five usual special tokens does.
 * A folder that asks for anything else is refused here, because its tokens would differ silently.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "hf_json.h"
#include "hf_vocab.h"

#define VOCAB_TXT "vocab.txt"
#define TOKENIZER_JSON "tokenizer.json"
#define TOKENIZER_CONFIG "tokenizer_config.json"
#define MAX_VOCAB_LEN ((size_t)512 << 20)

static const struct {
    const char *key, *name;
    size_t offset; /* of the id in struct hf_vocab */
} specials[] = {
    {"pad_token", "[PAD]", offsetof(struct hf_vocab, pad_id)},
    {"unk_token", "[UNK]", offsetof(struct hf_vocab, unk_id)},
    {"cls_token", "[CLS]", offsetof(struct hf_vocab, cls_id)},
    {"sep_token", "[SEP]", offsetof(struct hf_vocab, sep_id)},
    {"mask_token", "[MASK]", offsetof(struct hf_vocab, mask_id)},
};
#define SPECIAL_N (sizeof specials / sizeof specials[0])

/* Settings as the files give them: -1 is "not said". */
struct settings {
    int lowercase, strip_accents, split_cjk;
    double max_length;
};

static int is_special(const char *name)
{
    for (size_t i = 0; i < SPECIAL_N; i++)
        if (strcmp(name, specials[i].name) == 0)
            return 1;
    return 0;
}

static int refuse_added(const char *file, const char *name, struct failure *failure)
{
    return failure_set(failure,
                       "%s: added token '%.100s', supported: only [PAD], [UNK], [CLS], [SEP] and "
                       "[MASK]",
                       file, name);
}

/* The text of a token given as "text" or as {"content": "text", ...}; NULL for anything else. */
static const char *token_text(const json_t *value)
{
    return json_string_value(json_is_object(value) ? json_object_get(value, "content") : value);
}

/* unk_token and its like must be the usual ones; further special tokens are refused. */
static int check_specials(const json_t *root, const char *file, struct failure *failure)
{
    static const char *const lists[] = {"additional_special_tokens", "extra_special_tokens"};
    const json_t *value, *item;
    const char *name;
    size_t i;

    for (size_t k = 0; k < SPECIAL_N; k++) {
        value = json_object_get(root, specials[k].key);
        name = token_text(value);
        if (value != NULL && !json_is_null(value) &&
            (name == NULL || strcmp(name, specials[k].name) != 0))
            return failure_set(failure, "%s: %s is '%.100s', supported: '%s'", file, specials[k].key,
                               name == NULL ? "?" : name, specials[k].name);
    }
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        value = json_object_get(root, lists[k]);
        json_array_foreach(value, i, item) {
            name = token_text(item);
            if (name == NULL || !is_special(name))
                return refuse_added(file, name == NULL ? "?" : name, failure);
        }
        if (json_object_size(value) > 0)
            return refuse_added(file, json_object_iter_key(json_object_iter((json_t *)value)),
                                failure);
    }
    return 0;
}

static int check_type(const json_t *parent, const char *key, const char *good, const char *also_good,
                      struct failure *failure)
{
    const json_t *part = json_object_get(parent, key);
    const char *type = json_string_value(json_object_get(part, "type"));

    if (type != NULL && (strcmp(type, good) == 0 || strcmp(type, also_good) == 0))
        return 0;
    return failure_set(failure, TOKENIZER_JSON ": the %s is '%.100s', supported: %s", key,
                       type == NULL ? "missing" : type, good);
}

static int read_tokenizer_json(const json_t *root, struct settings *s, struct failure *failure)
{
    const json_t *normalizer = json_object_get(root, "normalizer"), *item;
    const json_t *model = json_object_get(root, "model");
    const char *name = "##";
    uint32_t word_max = 100;
    int clean = 1;
    size_t i;

    if (check_type(root, "model", "WordPiece", "WordPiece", failure) != 0 ||
        check_type(root, "normalizer", "BertNormalizer", "BertNormalizer", failure) != 0 ||
        check_type(root, "pre_tokenizer", "BertPreTokenizer", "BertPreTokenizer", failure) != 0 ||
        check_type(root, "post_processor", "TemplateProcessing", "BertProcessing", failure) != 0)
        return -1;
    if (hf_json_bool(normalizer, TOKENIZER_JSON, "lowercase", &s->lowercase, failure) != 0 ||
        hf_json_bool(normalizer, TOKENIZER_JSON, "strip_accents", &s->strip_accents, failure) != 0 ||
        hf_json_bool(normalizer, TOKENIZER_JSON, "handle_chinese_chars", &s->split_cjk, failure) != 0 ||
        hf_json_bool(normalizer, TOKENIZER_JSON, "clean_text", &clean, failure) != 0 ||
        hf_json_string(model, TOKENIZER_JSON, "continuing_subword_prefix", &name, failure) != 0 ||
        hf_json_u32(model, TOKENIZER_JSON, "max_input_chars_per_word", 0, UINT32_MAX, &word_max,
                    failure) != 0)
        return -1;
    if (!clean)
        return failure_set(failure, TOKENIZER_JSON ": clean_text is false, supported: true");
    if (strcmp(name, "##") != 0)
        return failure_set(failure,
                           TOKENIZER_JSON ": continuing_subword_prefix is '%.100s', supported: '##'",
                           name);
    if (word_max != 100)
        return failure_set(failure,
                           TOKENIZER_JSON ": max_input_chars_per_word is %lu, supported: 100",
                           (unsigned long)word_max);
    json_array_foreach(json_object_get(root, "added_tokens"), i, item) {
        name = token_text(item);
        if (name == NULL || !is_special(name))
            return refuse_added(TOKENIZER_JSON, name == NULL ? "?" : name, failure);
    }
    return 0;
}

static int read_tokenizer_config(const json_t *root, int has_tokenizer_json, struct settings *s,
                                 struct failure *failure)
{
    static const char *const always[] = {"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer",
                                         "DistilBertTokenizerFast", NULL};
    /* These say nothing by themselves; tokenizer.json, which has been checked, does. */
    static const char *const with_json[] = {"PreTrainedTokenizerFast", "TokenizersBackend", NULL};
    const char *class = NULL, *key, *name;
    json_t *item;
    int basic = 1, known = 0;

    if (hf_json_string(root, TOKENIZER_CONFIG, "tokenizer_class", &class, failure) != 0)
        return -1;
    for (size_t i = 0; class != NULL && always[i] != NULL; i++)
        known |= strcmp(class, always[i]) == 0;
    for (size_t i = 0; class != NULL && with_json[i] != NULL; i++)
        known |= has_tokenizer_json && strcmp(class, with_json[i]) == 0;
    if (class != NULL && !known)
        return failure_set(failure,
                           TOKENIZER_CONFIG ": tokenizer_class is '%.100s', supported: "
                                            "BertTokenizer, DistilBertTokenizer (WordPiece)",
                           class);
    if (hf_json_bool(root, TOKENIZER_CONFIG, "do_lower_case", &s->lowercase, failure) != 0 ||
        hf_json_bool(root, TOKENIZER_CONFIG, "strip_accents", &s->strip_accents, failure) != 0 ||
        hf_json_bool(root, TOKENIZER_CONFIG, "tokenize_chinese_chars", &s->split_cjk, failure) != 0 ||
        hf_json_bool(root, TOKENIZER_CONFIG, "do_basic_tokenize", &basic, failure) != 0 ||
        hf_json_number(root, TOKENIZER_CONFIG, "model_max_length", &s->max_length, failure) != 0)
        return -1;
    if (!basic)
        return failure_set(failure, TOKENIZER_CONFIG ": do_basic_tokenize is false, supported: true");
    if (json_array_size(json_object_get(root, "never_split")) > 0)
        return failure_set(failure, TOKENIZER_CONFIG ": never_split is set, supported: null");
    json_object_foreach(json_object_get(root, "added_tokens_decoder"), key, item) {
        name = token_text(item);
        if (name == NULL || !is_special(name))
            return refuse_added(TOKENIZER_CONFIG, name == NULL ? key : name, failure);
    }
    return check_specials(root, TOKENIZER_CONFIG, failure);
}

/* tokenizer.json's model.vocab -> vocab->tokens, which point into 'root'. */
static int tokens_from_json(struct hf_vocab *vocab, const json_t *root, struct failure *failure)
{
    const json_t *map = json_object_get(json_object_get(root, "model"), "vocab");
    const char *token;
    json_t *id;
    json_int_t i;
    size_t n = json_object_size(map);

    if (n == 0 || n > RLV_MAX_VOCAB)
        return failure_set(failure, TOKENIZER_JSON ": %zu tokens in model.vocab, supported: 1 to %u",
                           n, RLV_MAX_VOCAB);
    vocab->tokens = calloc(n, sizeof *vocab->tokens);
    if (vocab->tokens == NULL)
        return failure_set(failure, "out of memory");
    json_object_foreach((json_t *)map, token, id) {
        i = json_integer_value(id);
        if (!json_is_integer(id) || i < 0 || (size_t)i >= n || vocab->tokens[i].bytes != NULL)
            return failure_set(failure,
                               TOKENIZER_JSON ": the id of token '%.100s' is repeated, or outside "
                                              "0 to %zu",
                               token, n - 1);
        vocab->tokens[i] = (struct vocab_entry){(const uint8_t *)token, (uint32_t)strlen(token)};
    }
    vocab->token_n = (uint32_t)n;
    vocab->file = TOKENIZER_JSON;
    return 0;
}

/* vocab.txt and tokenizer.json, where both exist, must agree: the reference reads either. */
static int compare_vocabs(const struct hf_vocab *vocab, const json_t *root, struct failure *failure)
{
    const json_t *map = json_object_get(json_object_get(root, "model"), "vocab");
    const char *token;
    json_t *value;
    json_int_t id;

    json_object_foreach((json_t *)map, token, value) {
        id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id >= (json_int_t)vocab->token_n ||
            vocab->tokens[id].len != strlen(token) ||
            memcmp(vocab->tokens[id].bytes, token, strlen(token)) != 0)
            return failure_set(failure,
                               TOKENIZER_JSON ": token '%.100s' has id %lld, but in " VOCAB_TXT
                                              " line %lld is another",
                               token, (long long)id, (long long)id + 1);
    }
    return 0;
}

static int find_specials(struct hf_vocab *vocab, struct failure *failure)
{
    for (size_t k = 0; k < SPECIAL_N; k++) {
        uint32_t i = vocab->token_n;
        while (i-- > 0) /* of equal lines the last counts, as in the reference */
            if (vocab->tokens[i].len == strlen(specials[k].name) &&
                memcmp(vocab->tokens[i].bytes, specials[k].name, vocab->tokens[i].len) == 0)
                break;
        if (i == UINT32_MAX)
            return failure_set(failure, "%s: no token '%s'", vocab->file, specials[k].name);
        memcpy((char *)vocab + specials[k].offset, &i, sizeof i);
    }
    return 0;
}

static int load_tokens(struct hf_vocab *vocab, const char *dir, const json_t *tokenizer,
                       struct failure *failure)
{
    const char *wrong;
    size_t len = 0;

    vocab->text = hf_read_file(dir, VOCAB_TXT, MAX_VOCAB_LEN, 1, &len, failure);
    if (vocab->text == NULL && failure->message[0] != '\0')
        return -1;
    if (vocab->text == NULL && tokenizer == NULL)
        return failure_set(failure, "%s: neither " VOCAB_TXT " nor " TOKENIZER_JSON, dir);
    if (vocab->text == NULL)
        return tokens_from_json(vocab, tokenizer, failure);
    wrong = vocab_split(vocab->text, len, &vocab->tokens, &vocab->token_n);
    if (wrong != NULL)
        return failure_set(failure, VOCAB_TXT ": %s", wrong);
    vocab->file = VOCAB_TXT;
    return tokenizer == NULL ? 0 : compare_vocabs(vocab, tokenizer, failure);
}

/* Optional files: 0 with *root NULL where there is none. */
static int load_optional(const char *dir, const char *name, unsigned flags, json_t **root,
                         struct failure *failure)
{
    *root = hf_json_load(dir, name, flags | HF_JSON_OPTIONAL, failure);
    return *root == NULL && failure->message[0] != '\0' ? -1 : 0;
}

static int read_settings(struct hf_vocab *vocab, const char *dir, const json_t *tokenizer,
                         struct failure *failure)
{
    struct settings s = {-1, -1, -1, 1e30};
    json_t *config = NULL, *map = NULL, *added = NULL, *id;
    const char *token;

    if (load_optional(dir, TOKENIZER_CONFIG, HF_JSON_REALS, &config, failure) != 0 ||
        load_optional(dir, "special_tokens_map.json", 0, &map, failure) != 0 ||
        load_optional(dir, "added_tokens.json", 0, &added, failure) != 0)
        goto fail;
    if (tokenizer != NULL && read_tokenizer_json(tokenizer, &s, failure) != 0)
        goto fail;
    if (config != NULL && read_tokenizer_config(config, tokenizer != NULL, &s, failure) != 0)
        goto fail;
    if (map != NULL && check_specials(map, "special_tokens_map.json", failure) != 0)
        goto fail;
    json_object_foreach(added, token, id) {
        if (!is_special(token)) {
            refuse_added("added_tokens.json", token, failure);
            goto fail;
        }
    }
    if (!(s.max_length >= 4)) {
        failure_set(failure, TOKENIZER_CONFIG ": model_max_length is %g, supported: 4 or more",
                    s.max_length);
        goto fail;
    }
    vocab->max_tokens = s.max_length < 4e9 ? (uint32_t)s.max_length : UINT32_MAX;
    if (s.lowercase == -1)
        s.lowercase = 1;
    if (s.strip_accents == -1) /* null: follows lowercase */
        s.strip_accents = s.lowercase;
    vocab->flags = (s.lowercase ? RLV_CONFIG_LOWERCASE : 0u) |
                   (s.strip_accents ? RLV_CONFIG_STRIP_ACCENTS : 0u) |
                   (s.split_cjk ? RLV_CONFIG_SPLIT_CJK : 0u);
    json_decref(config);
    json_decref(map);
    json_decref(added);
    return 0;

fail:
    json_decref(config);
    json_decref(map);
    json_decref(added);
    return -1;
}

int hf_vocab_load(struct hf_vocab *vocab, const char *dir, struct failure *failure)
{
    json_t *tokenizer = NULL;

    if (load_optional(dir, TOKENIZER_JSON, 0, &tokenizer, failure) != 0)
        return -1;
    vocab->json = tokenizer;
    if (read_settings(vocab, dir, tokenizer, failure) != 0 ||
        load_tokens(vocab, dir, tokenizer, failure) != 0 || find_specials(vocab, failure) != 0) {
        hf_vocab_free(vocab);
        return -1;
    }
    return 0;
}

void hf_vocab_free(struct hf_vocab *vocab)
{
    free(vocab->tokens);
    free(vocab->text);
    json_decref(vocab->json);
    memset(vocab, 0, sizeof *vocab);
}
