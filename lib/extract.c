/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract.c - calls of the token head: labels of tokens, spans, and shopping intents.
 *
 * One forward pass serves both heads: the token head reads the hidden states of all rows, and then
 * the sequence head those of each sequence's first row.
 *
 * The unit is the word, and its label that of its first token, because that is what token classifiers
 * are trained on; where a word's later tokens were labelled too, theirs say the same.
 */
#include <string.h>

#include "internal.h"

static uint64_t now(const struct relevance_context *ctx) { return ctx->clock ? ctx->clock() : 0; }

/* ---- labels ---- */

static const char *token_label(const struct relevance_model *m, uint32_t label)
{
    return (const char *)m->token_labels + rlv_label_at(m->token_labels, label)->name_offset;
}

/* "PRODUCT" of "B-PRODUCT"; NULL for "O".  *begins: 1 for a label that cannot continue a span. */
static const char *entity_name(const char *label, int *begins)
{
    *begins = 0;
    if ((label[0] == 'O' || label[0] == 'o') && label[1] == '\0')
        return NULL;
    if (label[1] != '-' || label[2] == '\0')
        return label;
    *begins = label[0] == 'B' || label[0] == 'b';
    return *begins || label[0] == 'I' || label[0] == 'i' ? label + 2 : label;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

static int same_name(const char *a, const char *b)
{
    for (; *a != '\0' && lower(*a) == lower(*b); a++)
        b++;
    return lower(*a) == lower(*b);
}

/* Softmax of one row of logits over 'n' labels: p[n], and the most probable one. */
static uint32_t probabilities(const float *logits, uint32_t n, float *p)
{
    uint32_t best = 0;
    float sum = 0.0f;

    for (uint32_t i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    for (uint32_t i = 0; i < n; i++) {
        p[i] = rlv_expf(logits[i] - logits[best]);
        sum += p[i];
    }
    /* the largest term is 1, unless a crafted model made the logits overflow */
    if (!(sum >= 1.0f && sum <= (float)n)) {
        best = 0;
        sum = (float)n;
        for (uint32_t i = 0; i < n; i++)
            p[i] = 1.0f;
    }
    for (uint32_t i = 0; i < n; i++)
        p[i] /= sum;
    return best;
}

/* ---- one sequence ---- */

/* The tokens of a text without [CLS] and [SEP], with the token head's logits. */
struct labelled {
    const struct relevance_model *model;
    const int32_t *ids;                /* [n] */
    const struct rlv_origin *origins;  /* [n] */
    const float *logits;               /* [n, stride] */
    size_t stride, n;
};

static struct labelled sequence_tokens(const struct relevance_context *ctx, size_t s,
                                       const float *logits, size_t stride)
{
    size_t first = ctx->sequences[s].first + 1;
    struct labelled l = {.model = ctx->model,
                         .ids = ctx->ids + first,
                         .origins = ctx->origins + first,
                         .logits = logits + first * stride,
                         .stride = stride,
                         .n = ctx->sequences[s].n - 2};

    return l;
}

/* The word that begins with token i. */
struct word {
    size_t begin, end, next; /* bytes; the token after it */
    uint32_t label;
    const char *name; /* of its entity, or NULL */
    int begins;
    float p[RLV_MAX_TOKEN_LABELS];
};

static void read_word(const struct labelled *l, size_t i, struct word *w)
{
    w->begin = l->origins[i].begin;
    w->end = l->origins[i].end;
    for (w->next = i + 1; w->next < l->n && l->origins[w->next].inside; w->next++) {
        if (l->origins[w->next].begin < w->begin)
            w->begin = l->origins[w->next].begin;
        if (l->origins[w->next].end > w->end)
            w->end = l->origins[w->next].end;
    }
    w->label = probabilities(l->logits + i * l->stride, l->model->config->token_label_n, w->p);
    w->name = entity_name(token_label(l->model, w->label), &w->begins);
}

/* Sum of the probabilities of the labels of this name. */
static float entity_probability(const struct relevance_model *m, const float *p, const char *name)
{
    float sum = 0.0f;

    for (uint32_t i = 0; i < m->config->token_label_n; i++) {
        int begins;
        const char *other = entity_name(token_label(m, i), &begins);
        if (other != NULL && same_name(other, name))
            sum += p[i];
    }
    return sum < 1.0f ? sum : 1.0f;
}

/*
 * The next span from token *at on; *at moves behind it.  Returns 0 where there is none left.
 * 'watch'  NULL, or a name: *watched becomes the largest probability that a word has of it.
 */
static int next_span(const struct labelled *l, size_t *at, struct relevance_span *span,
                     const char *watch, float *watched)
{
    struct word w;
    int open = 0;

    for (; *at < l->n; *at = w.next) {
        read_word(l, *at, &w);
        if (open && (w.name == NULL || w.begins || !same_name(w.name, span->name)))
            break;
        if (watch != NULL) {
            float p = entity_probability(l->model, w.p, watch);
            *watched = p > *watched ? p : *watched;
        }
        if (w.name == NULL)
            continue;
        if (!open)
            *span = (struct relevance_span){.begin = w.begin,
                                            .end = w.end,
                                            .name = w.name,
                                            .label = w.label};
        open = 1;
        if (w.end > span->end)
            span->end = w.end;
        span->word_n++;
        span->probability += entity_probability(l->model, w.p, w.name);
    }
    if (open)
        span->probability /= (float)span->word_n;
    return open;
}

/* ---- from text to rows ---- */

static int text_ok(const char *data, size_t len) { return data != NULL || len == 0; }

/* Tokens that are kept of a text of which query_ids has the first ones. */
static size_t kept_n(const struct relevance_context *ctx, size_t token_n)
{
    return token_n < ctx->max_tokens - 2u ? token_n : ctx->max_tokens - 2u;
}

static size_t tokenize(struct relevance_context *ctx, struct relevance_text text)
{
    uint64_t start = now(ctx);
    size_t n = rlv_wordpiece_origins(&ctx->model->vocab, text.data, text.len, ctx->parse_special,
                                     ctx->query_ids, ctx->query_origins, ctx->max_tokens);

    ctx->ticks[RELEVANCE_PART_TOKENIZER] += now(ctx) - start;
    return n;
}

/* "[CLS] text [SEP]" of the text that was just tokenized. */
static void add_text(struct relevance_context *ctx, size_t token_n)
{
    const struct rlv_vocab *v = &ctx->model->vocab;
    size_t kept = kept_n(ctx, token_n), cut = token_n - kept, row = ctx->row_n;

    ctx->sequences[ctx->sequence_n].first = (uint32_t)row;
    ctx->sequences[ctx->sequence_n].n = (uint32_t)kept + 2;
    ctx->truncated[ctx->sequence_n++] = cut > UINT32_MAX ? UINT32_MAX : (uint32_t)cut;
    ctx->ids[row] = (int32_t)v->cls_id;
    memcpy(ctx->ids + row + 1, ctx->query_ids, kept * sizeof *ctx->ids);
    ctx->ids[row + kept + 1] = (int32_t)v->sep_id;
    memcpy(ctx->origins + row + 1, ctx->query_origins, kept * sizeof *ctx->origins);
    memset(ctx->types + row, 0, kept + 2);
    for (size_t i = 0; i < kept + 2; i++)
        ctx->positions[row + i] = (uint32_t)i;
    ctx->row_n += (uint32_t)kept + 2;
}

/* One text through the encoder and the token head. */
static struct labelled label_text(struct relevance_context *ctx, size_t token_n)
{
    const float *logits;
    size_t stride;

    rlv_begin_batch(ctx);
    add_text(ctx, token_n);
    rlv_forward(ctx, 0);
    logits = rlv_token_head(ctx, &stride);
    return sequence_tokens(ctx, 0, logits, stride);
}

enum relevance_status relevance_label_tokens(relevance_context *ctx, const char *text,
                                             size_t text_len,
                                             struct relevance_labelled_tokens *tokens)
{
    struct labelled l;
    size_t token_n;

    if (ctx == NULL || tokens == NULL || !text_ok(text, text_len) ||
        (tokens->tokens == NULL && tokens->cap != 0))
        return RELEVANCE_BAD_ARGUMENT;
    if (ctx->model->config->token_label_n == 0)
        return RELEVANCE_NO_HEAD;
    token_n = tokenize(ctx, (struct relevance_text){text, text_len});
    tokens->n = kept_n(ctx, token_n);
    if (tokens->n > tokens->cap)
        return RELEVANCE_NO_SPACE;
    l = label_text(ctx, token_n);
    for (size_t i = 0; i < l.n; i++) {
        float p[RLV_MAX_TOKEN_LABELS];
        uint32_t label = probabilities(l.logits + i * l.stride, ctx->model->config->token_label_n, p);
        tokens->tokens[i] = (struct relevance_labelled_token){.begin = l.origins[i].begin,
                                                              .end = l.origins[i].end,
                                                              .id = l.ids[i],
                                                              .label = label,
                                                              .probability = p[label],
                                                              .inside = l.origins[i].inside};
    }
    tokens->truncated = ctx->truncated[0];
    return RELEVANCE_OK;
}

enum relevance_status relevance_find_spans(relevance_context *ctx, const char *text,
                                           size_t text_len, struct relevance_spans *spans)
{
    struct relevance_span span;
    struct labelled l;
    size_t at = 0, n = 0;

    if (ctx == NULL || spans == NULL || !text_ok(text, text_len) ||
        (spans->spans == NULL && spans->cap != 0))
        return RELEVANCE_BAD_ARGUMENT;
    if (ctx->model->config->token_label_n == 0)
        return RELEVANCE_NO_HEAD;
    l = label_text(ctx, tokenize(ctx, (struct relevance_text){text, text_len}));
    while (next_span(&l, &at, &span, NULL, NULL))
        n++;
    spans->n = n;
    if (n > spans->cap)
        return RELEVANCE_NO_SPACE;
    for (at = n = 0; next_span(&l, &at, &span, NULL, NULL); n++)
        spans->spans[n] = span;
    spans->truncated = ctx->truncated[0];
    return RELEVANCE_OK;
}

/* ---- intents ---- */

#define PRODUCT "PRODUCT"
#define QUANTITY "QUANTITY"

/* A dash right before the number, after space or nothing: "remove -3". */
static int has_minus(const char *text, size_t begin)
{
    size_t dash = begin >= 1 && text[begin - 1] == '-'                           ? 1
                  : begin >= 3 && memcmp(text + begin - 3, "\xe2\x88\x92", 3) == 0 ? 3
                                                                                   : 0;

    return dash != 0 && (begin == dash || text[begin - dash - 1] == ' ');
}

/* The products of a text. */
struct products {
    struct relevance_span first;
    uint32_t n;
    float largest; /* probability that any word is part of a quantity */
};

static struct products find_products(const struct labelled *l)
{
    struct products p = {.n = 0};
    struct relevance_span span;
    size_t at = 0;

    while (next_span(l, &at, &span, QUANTITY, &p.largest))
        if (same_name(span.name, PRODUCT) && p.n++ == 0)
            p.first = span;
    return p;
}

/*
 * The quantity of a product: the last one before it, unless another product is nearer to that; else
 * likewise the first one after it.  A product right before it ("2 sacks of rice", where the sacks
 * were taken for one) leaves it its quantity.  A span is {0, 0} where there is none.
 */
#define BESIDE 4 /* bytes, as of " de " */

struct choice {
    struct relevance_span before, earlier, previous, after, next;
};

static void consider(struct choice *c, const struct relevance_span *span,
                     const struct relevance_span *product)
{
    if (same_name(span->name, PRODUCT)) {
        if (span->end <= product->begin) {
            c->previous = *span;
            c->earlier = c->before;
            memset(&c->before, 0, sizeof c->before);
        } else if (span->begin >= product->end && c->next.end == 0) {
            c->next = *span;
        }
    } else if (same_name(span->name, QUANTITY)) {
        if (span->end <= product->begin)
            c->before = *span;
        else if (span->begin >= product->end && c->after.end == 0 && c->next.end == 0)
            c->after = *span;
    }
}

/* Returns 0 where there is none. */
static int choose_quantity(const struct labelled *l, const struct relevance_span *product,
                           struct relevance_span *quantity)
{
    struct relevance_span span;
    struct choice c;
    size_t at = 0;

    memset(&c, 0, sizeof c);
    while (next_span(l, &at, &span, NULL, NULL))
        consider(&c, &span, product);
    if (c.before.end != 0 && (c.previous.end == 0 || c.before.begin - c.previous.end >=
                                                         product->begin - c.before.end)) {
        *quantity = c.before;
        return 1;
    }
    if (c.after.end != 0 &&
        (c.next.end == 0 || c.next.begin - c.after.end >= c.after.begin - product->end)) {
        *quantity = c.after;
        return 1;
    }
    *quantity = c.earlier;
    return c.earlier.end != 0 && c.before.end == 0 && product->begin - c.previous.end <= BESIDE;
}

/* 'largest'  probability that any word is part of a quantity. */
static void set_quantity(struct relevance_text text, const struct relevance_span *span,
                         float largest, struct relevance_intent *intent)
{
    intent->quantity = 1;
    if (span == NULL) {
        intent->quantity_kind = RELEVANCE_QUANTITY_ABSENT;
        intent->quantity_confidence = 1.0f - largest;
        return;
    }
    intent->quantity_begin = span->begin;
    intent->quantity_end = span->end;
    intent->quantity_confidence = span->probability;
    intent->quantity_kind =
        rlv_parse_quantity(text.data + span->begin, span->end - span->begin, &intent->quantity);
    if (intent->quantity_kind == RELEVANCE_QUANTITY_STATED && has_minus(text.data, span->begin)) {
        intent->quantity = 1;
        intent->quantity_kind = RELEVANCE_QUANTITY_OUT_OF_RANGE;
    }
}

/*
 * The product in the catalogue.  Where the model's span is too short for a name of several words
 * ("esmalte de" of "esmalte de uñas"), the words around it are tried too: the longest stretch that
 * equals a name counts, also instead of a shorter name; and where the span alone means nothing,
 * the shortest one that is near a name.  Quantities and punctuation are not crossed.
 */
#define MAX_ADDED 3 /* words on either side */
#define MAX_TRIED 8 /* products, where the first ones are not in the catalogue */

struct around {
    size_t begin[MAX_ADDED + 1], end[MAX_ADDED + 1]; /* with 0, 1 ... words more */
    size_t before_n, after_n;
};

/* Whether a span may grow over the word. */
static int joins(const struct word *w, const char *text)
{
    unsigned char c = (unsigned char)text[w->begin];

    return (w->name == NULL || same_name(w->name, PRODUCT)) &&
           (w->end - w->begin > 1 || c >= 0x80 || (c >= '0' && c <= '9') ||
            ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '\'' || c == '&');
}

static void look_around(const struct labelled *l, const char *text,
                        const struct relevance_span *span, struct around *a)
{
    struct word w;

    a->before_n = a->after_n = 0;
    a->begin[0] = span->begin;
    a->end[0] = span->end;
    for (size_t i = 0; i < l->n && a->after_n < MAX_ADDED; i = w.next) {
        read_word(l, i, &w);
        if (w.end <= span->begin && !joins(&w, text)) {
            a->before_n = 0;
        } else if (w.end <= span->begin) {
            a->before_n += a->before_n < MAX_ADDED;
            for (size_t k = a->before_n; k > 1; k--)
                a->begin[k] = a->begin[k - 1];
            a->begin[1] = w.begin;
        } else if (w.begin >= span->end) {
            if (!joins(&w, text))
                break;
            a->end[++a->after_n] = w.end;
        }
    }
}

static void match_product(const struct labelled *l, const char *text,
                          const struct relevance_span *span, const relevance_catalog *catalog,
                          struct relevance_intent *intent)
{
    struct around a;
    size_t most, found = 0;
    int known;

    relevance_catalog_match(catalog, text + span->begin, span->end - span->begin, &intent->product);
    look_around(l, text, span, &a);
    most = a.before_n + a.after_n;
    for (size_t added = most; added > 0 && found == 0; added--)
        for (size_t b = added < a.before_n ? added : a.before_n, i = 0; i <= b && found == 0; i++)
            if (added - i <= a.after_n &&
                rlv_catalog_find(catalog, text + a.begin[i], a.end[added - i] - a.begin[i], 1,
                                 &intent->product)) {
                intent->product_begin = a.begin[i];
                intent->product_end = a.end[added - i];
                found = added;
            }
    known = intent->product.name != NULL;
    for (size_t added = 1; added <= most && !known; added++)
        for (size_t b = added < a.before_n ? added : a.before_n, i = 0; i <= b && !known; i++)
            if (added - i <= a.after_n &&
                rlv_catalog_find(catalog, text + a.begin[i], a.end[added - i] - a.begin[i], 0,
                                 &intent->product)) {
                intent->product_begin = a.begin[i];
                intent->product_end = a.end[added - i];
                known = 1;
            }
}

/* The first product but number 0 that the catalogue has becomes *product. */
static void try_others(const struct labelled *l, const char *text,
                       const relevance_catalog *catalog, struct relevance_span *product,
                       struct relevance_intent *intent)
{
    struct relevance_span span;
    size_t at = 0;

    for (uint32_t n = 0; n < MAX_TRIED && next_span(l, &at, &span, NULL, NULL);) {
        if (!same_name(span.name, PRODUCT) || n++ == 0)
            continue;
        relevance_catalog_match(catalog, text + span.begin, span.end - span.begin,
                                &intent->product);
        if (intent->product.name != NULL) {
            *product = span;
            return;
        }
    }
}

/*
 * Where no product is in the catalogue: a stretch of words that equals a name of it and of which the
 * model held at least possible that it is a product.  The most probable one counts, of equals the
 * first and longest.
 */
#define MAX_SCANNED 64 /* words */
#define MAX_NAME 6
#define POSSIBLE 0.05f

static void look_everywhere(const struct labelled *l, const char *text,
                            const relevance_catalog *catalog, struct relevance_span *product,
                            struct relevance_intent *intent)
{
    struct relevance_span span = *product;
    size_t begin[MAX_SCANNED], end[MAX_SCANNED], n = 0;
    float p[MAX_SCANNED], best = POSSIBLE;

    for (size_t i = 0; i < l->n && n < MAX_SCANNED; n++) {
        struct word w;
        read_word(l, i, &w);
        begin[n] = w.begin;
        end[n] = w.end;
        p[n] = entity_probability(l->model, w.p, PRODUCT);
        i = w.next;
    }
    for (size_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (size_t k = i; k < n && k - i < MAX_NAME; k++) {
            float mean = (sum += p[k]) / (float)(k - i + 1);
            if (mean < best || (mean == best && begin[i] != span.begin) ||
                !rlv_catalog_find(catalog, text + begin[i], end[k] - begin[i], 1, &intent->product))
                continue;
            best = mean;
            span.begin = begin[i];
            span.end = end[k];
            span.probability = mean;
        }
    }
    if (intent->product.name != NULL)
        *product = span;
}

static void set_product(const struct relevance_span *span, struct relevance_intent *intent)
{
    intent->product_begin = span->begin;
    intent->product_end = span->end;
    intent->product_confidence = span->probability;
}

static void read_intent(const struct labelled *l, struct relevance_text text,
                        const relevance_catalog *catalog, struct relevance_intent *intent)
{
    struct products p = find_products(l);
    struct relevance_span product = p.first, quantity;
    int stated;

    intent->product_n = p.n;
    if (p.n != 0) {
        set_product(&product, intent);
        if (catalog != NULL)
            match_product(l, text.data, &product, catalog, intent);
        if (catalog != NULL && intent->product.name == NULL && p.n > 1) {
            try_others(l, text.data, catalog, &product, intent);
            set_product(&product, intent);
        }
    }
    if (catalog != NULL && intent->product.name == NULL) {
        look_everywhere(l, text.data, catalog, &product, intent);
        set_product(&product, intent);
        if (p.n == 0 && product.end != 0)
            intent->product_n = 1;
    }
    stated = choose_quantity(l, &product, &quantity);
    set_quantity(text, stated ? &quantity : NULL, p.largest, intent);
}

static struct relevance_intent *intent_at(struct relevance_intent *intents, size_t i)
{
    return (struct relevance_intent *)(void *)((uint8_t *)intents + i * intents->size);
}

/* Compute the batch, which holds texts [done, done + sequence_n). */
static void extract_rows(struct relevance_context *ctx, const struct relevance_text *texts,
                         size_t done, const relevance_catalog *catalog,
                         struct relevance_intent *intents)
{
    const float *logits;
    size_t stride, size = intents->size;
    uint64_t start;

    rlv_forward(ctx, 0);
    logits = rlv_token_head(ctx, &stride);
    start = now(ctx);
    for (size_t s = 0; s < ctx->sequence_n; s++) {
        struct labelled l = sequence_tokens(ctx, s, logits, stride);
        struct relevance_intent intent = {.size = size};
        read_intent(&l, texts[done + s], catalog, &intent);
        memcpy(intent_at(intents, done + s), &intent, size);
    }
    ctx->ticks[RELEVANCE_PART_HEAD] += now(ctx) - start;
    rlv_take_first_rows(ctx);
    logits = rlv_head(ctx, &stride);
    for (size_t s = 0; s < ctx->sequence_n; s++) {
        struct relevance_intent *intent = intent_at(intents, done + s);
        struct relevance_result result;
        rlv_fill_result(ctx, logits + s * stride, s, &result);
        intent->action = result.label;
        intent->action_confidence = result.probabilities[result.label];
        intent->tokens = result.tokens;
        intent->truncated = result.truncated;
    }
}

static int has_label(const struct relevance_model *m, const char *name)
{
    for (uint32_t i = 0; i < m->config->token_label_n; i++) {
        int begins;
        const char *other = entity_name(token_label(m, i), &begins);
        if (other != NULL && same_name(other, name))
            return 1;
    }
    return 0;
}

enum relevance_status relevance_extract_batch(relevance_context *ctx,
                                              const struct relevance_text *texts, size_t text_n,
                                              const relevance_catalog *catalog,
                                              struct relevance_intent *intents)
{
    size_t done = 0;

    if (ctx == NULL || (text_n != 0 && (texts == NULL || intents == NULL)))
        return RELEVANCE_BAD_ARGUMENT;
    if (text_n != 0 && intents->size != sizeof *intents)
        return RELEVANCE_BAD_ARGUMENT;
    for (size_t i = 0; i < text_n; i++)
        if (!text_ok(texts[i].data, texts[i].len))
            return RELEVANCE_BAD_ARGUMENT;
    if (ctx->model->config->label_n == 0 || !has_label(ctx->model, PRODUCT) ||
        !has_label(ctx->model, QUANTITY))
        return RELEVANCE_NO_HEAD;
    rlv_begin_batch(ctx);
    for (size_t i = 0; i < text_n; i++) {
        size_t token_n = tokenize(ctx, texts[i]);
        if (!rlv_batch_has_room(ctx, kept_n(ctx, token_n) + 2)) {
            extract_rows(ctx, texts, done, catalog, intents);
            done = i;
            rlv_begin_batch(ctx);
        }
        add_text(ctx, token_n);
    }
    if (text_n != 0)
        extract_rows(ctx, texts, done, catalog, intents);
    return RELEVANCE_OK;
}

enum relevance_status relevance_extract(relevance_context *ctx, const char *text, size_t text_len,
                                        const relevance_catalog *catalog,
                                        struct relevance_intent *intent)
{
    struct relevance_text one = {text, text_len};

    if (intent == NULL)
        return RELEVANCE_BAD_ARGUMENT;
    return relevance_extract_batch(ctx, &one, 1, catalog, intent);
}
