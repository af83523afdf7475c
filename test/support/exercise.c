/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise.c - see exercise.h.
 */
#include "exercise.h"

#include <math.h>
#include <string.h>

#include "counting.h"

#define MAX_TOKENS 16
#define MEMORY ((size_t)64 << 20)

static const char *check_texts(const relevance_model *model, const struct relevance_info *info)
{
    size_t total = strlen(info->architecture) + strlen(info->weights) + strlen(info->embeddings) +
                   strlen(info->metadata);
    for (uint32_t i = 0; i < info->label_n; i++)
        total += strlen(relevance_label(model, i));
    for (uint32_t i = 0; i < info->token_label_n; i++)
        total += strlen(relevance_token_label(model, i));
    for (uint32_t i = 0; i < info->vocab_n; i++) {
        struct relevance_text t = relevance_token(model, (int32_t)i);
        if (t.data == NULL)
            return "a token is missing";
        for (size_t j = 0; j < t.len; j++)
            total += (unsigned char)t.data[j];
    }
    if (relevance_label(model, info->label_n) != NULL ||
        relevance_token_label(model, info->token_label_n) != NULL ||
        relevance_token(model, (int32_t)info->vocab_n).data != NULL ||
        relevance_token(model, -1).data != NULL)
        return "a name beyond the last";
    return total > 0 ? NULL : "no text at all";
}

/* Whatever the weights are, the probabilities are probabilities; the logits may be NaN. */
static const char *check_result(const struct relevance_info *info,
                                const struct relevance_result *r)
{
    float sum = 0.0f;
    if (r->label >= info->label_n || r->label_n != info->label_n || r->tokens < 2 ||
        r->tokens > MAX_TOKENS)
        return "a result out of range";
    for (uint32_t i = 0; i < r->label_n; i++) {
        if (!(r->probabilities[i] >= 0.0f && r->probabilities[i] <= 1.0f))
            return "a probability is out of range";
        sum += r->probabilities[i];
    }
    return fabsf(sum - 1.0f) < 1e-4f ? NULL : "probabilities do not sum to 1";
}

static int logits_are_finite(const struct relevance_result *r)
{
    float sum = 0.0f;
    for (uint32_t i = 0; i < r->label_n; i++)
        sum += r->logits[i];
    return isfinite(sum);
}

static const char *run_classify(relevance_context *ctx, const struct relevance_info *info,
                                const struct relevance_pair *pairs, size_t n)
{
    struct relevance_result results[4], r;
    struct relevance_ranked ranked[4];
    struct relevance_text products[4];
    const char *wrong = NULL;
    enum relevance_status expected = info->label_n ? RELEVANCE_OK : RELEVANCE_NO_HEAD;
    for (size_t i = 0; i < n; i++)
        products[i] = pairs[i].product;
    if (relevance_classify_batch(ctx, pairs, n, results) != expected ||
        relevance_rank(ctx, "red", 3, products, n, ranked) != expected)
        return "classify_batch or rank: status";
    for (size_t i = 0; i < n && expected == RELEVANCE_OK && wrong == NULL; i++) {
        if (relevance_classify(ctx, pairs[i].query.data, pairs[i].query.len, pairs[i].product.data,
                               pairs[i].product.len, &r) != RELEVANCE_OK)
            return "classify: status";
        wrong = check_result(info, &r);
        if (wrong == NULL && logits_are_finite(&r) && memcmp(&r, &results[i], sizeof r) != 0)
            wrong = "a pair has other bits alone than in a batch";
    }
    return wrong;
}

static const char *run_rows(relevance_context *ctx, const struct relevance_info *info,
                            const struct relevance_pair *pair, float *hidden, size_t hidden_cap)
{
    int32_t ids[MAX_TOKENS];
    struct relevance_tokens tokens = {.ids = ids, .cap = MAX_TOKENS};
    struct relevance_result r;
    enum relevance_status status;
    size_t n = 0;
    if (relevance_tokenize(ctx, pair->query.data, pair->query.len, pair->product.data,
                           pair->product.len, &tokens) != RELEVANCE_OK)
        return "tokenize: status";
    for (size_t i = 0; i < tokens.n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= info->vocab_n)
            return "tokenize: an id out of range";
    status = relevance_encode(ctx, pair->query.data, pair->query.len, pair->product.data,
                              pair->product.len, hidden, hidden_cap, &n);
    if ((status != RELEVANCE_OK && status != RELEVANCE_NO_SPACE) || n != tokens.n)
        return "encode: status";
    if (relevance_classify_tokens(ctx, ids, tokens.n, &r) !=
        (info->label_n ? RELEVANCE_OK : RELEVANCE_NO_HEAD))
        return "classify_tokens: status";
    return NULL;
}

/* Labels, spans and intents: within the text, with probabilities. */
static const char *run_labels(relevance_context *ctx, const struct relevance_info *info,
                              const char *text, size_t len)
{
    struct relevance_labelled_token t[MAX_TOKENS];
    struct relevance_span s[MAX_TOKENS];
    struct relevance_labelled_tokens tokens = {.tokens = t, .cap = MAX_TOKENS};
    struct relevance_spans spans = {.spans = s, .cap = MAX_TOKENS};
    struct relevance_intent r = {.size = sizeof r};
    enum relevance_status expected = info->token_label_n ? RELEVANCE_OK : RELEVANCE_NO_HEAD, status;
    if (relevance_label_tokens(ctx, text, len, &tokens) != expected ||
        relevance_find_spans(ctx, text, len, &spans) != expected)
        return "label_tokens or find_spans: status";
    for (size_t i = 0; i < tokens.n; i++)
        if (t[i].begin >= t[i].end || t[i].end > len || t[i].label >= info->token_label_n ||
            !(t[i].probability >= 0.0f && t[i].probability <= 1.0f))
            return "label_tokens: out of range";
    for (size_t i = 0; i < spans.n; i++)
        if (s[i].begin >= s[i].end || s[i].end > len || s[i].name[0] == '\0' ||
            !(s[i].probability >= 0.0f && s[i].probability <= 1.0f))
            return "find_spans: out of range";
    status = relevance_extract(ctx, text, len, NULL, &r);
    if (status == RELEVANCE_NO_HEAD)
        return NULL;
    if (status != RELEVANCE_OK || r.action >= info->label_n || r.product_end > len ||
        r.quantity_end > len || r.quantity < 1 || r.quantity > RELEVANCE_MAX_QUANTITY ||
        !(r.action_confidence >= 0.0f && r.action_confidence <= 1.0f) ||
        !(r.product_confidence >= 0.0f && r.product_confidence <= 1.0f) ||
        !(r.quantity_confidence >= 0.0f && r.quantity_confidence <= 1.0f))
        return "extract: out of range";
    return NULL;
}

static const char *run(relevance_context *ctx, const struct relevance_info *info, const char *text,
                       size_t text_len)
{
    static _Thread_local float hidden[MAX_TOKENS * 1024];
    const struct relevance_pair pairs[] = {
        {{"red running shoes", 17}, {text, text_len}},
        {{text, text_len}, {"shoe [SEP] a red shoe, a run", 28}},
        {{"", 0}, {"", 0}},
        {{"a", 1}, {NULL, 0}}};
    const char *wrong = run_classify(ctx, info, pairs, 4);
    for (size_t i = 0; i < 4 && wrong == NULL; i++)
        wrong = run_rows(ctx, info, &pairs[i], hidden, sizeof hidden / sizeof hidden[0]);
    for (size_t i = 0; i < 4 && wrong == NULL; i++)
        wrong = run_labels(ctx, info, pairs[i].query.data, pairs[i].query.len);
    return wrong;
}

const char *exercise(const relevance_model *model, const char *text, size_t text_len)
{
    struct relevance_info info = {.size = sizeof info};
    struct relevance_context_options o = {.size = sizeof o, .max_batch_tokens = 1};
    struct relevance_error error;
    struct counting memory;
    relevance_context *ctx = NULL;
    enum relevance_status status;
    const char *wrong;
    if (relevance_model_info(model, &info) != RELEVANCE_OK)
        return "info: status";
    wrong = check_texts(model, &info);
    if (wrong != NULL)
        return wrong;
    counting_init(&memory);
    memory.limit = MEMORY;
    o.allocator = &memory.allocator;
    o.max_tokens = info.max_tokens < MAX_TOKENS ? info.max_tokens : MAX_TOKENS;
    o.special_tokens = text_len % 2 ? RELEVANCE_SPECIAL_PARSE : RELEVANCE_SPECIAL_AS_TEXT;
    status = relevance_context_create(model, &o, &ctx, &error);
    if (status == RELEVANCE_OK)
        wrong = run(ctx, &info, text, text_len);
    else if (status != RELEVANCE_NO_MEMORY || error.message[0] == '\0')
        wrong = "context: status";
    relevance_context_destroy(ctx);
    if (memory.live != 0 || memory.wrong)
        wrong = "context: memory";
    return wrong;
}
