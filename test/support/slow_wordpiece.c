/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow_wordpiece.c - see slow_wordpiece.h.
 */
#include "slow_wordpiece.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "unicode_tables.h"

#define SPACE 0x20u
#define BARRIER 0xffffffffu /* no character: keeps marks on its two sides apart */

/* ---- growing arrays ---- */

struct list {
    uint32_t *at;
    size_t n, cap;
};

static void push(struct list *l, uint32_t value)
{
    if (l->n == l->cap) {
        l->cap = l->cap * 2 + 64;
        l->at = realloc(l->at, l->cap * sizeof *l->at);
        if (l->at == NULL)
            abort();
    }
    l->at[l->n++] = value;
}

/* The result of a rule takes the place of its input. */
static void replace(struct list *l, struct list *with)
{
    free(l->at);
    *l = *with;
    *with = (struct list){NULL, 0, 0};
}

/* ---- vocabulary ---- */

static int compare_bytes(const void *a, const void *b)
{
    const struct slow_token *x = a, *y = b;
    size_t len = x->len < y->len ? x->len : y->len;
    int order = len != 0 ? memcmp(x->bytes, y->bytes, len) : 0;
    if (order != 0)
        return order;
    return (x->len > y->len) - (x->len < y->len);
}

static int compare_bytes_then_id(const void *a, const void *b)
{
    const struct slow_token *x = a, *y = b;
    int order = compare_bytes(a, b);
    return order != 0 ? order : (x->id > y->id) - (x->id < y->id);
}

static const struct slow_token *find(const struct slow_vocab *v, const uint8_t *bytes, size_t len)
{
    struct slow_token key = {bytes, (uint32_t)len, 0};
    return bsearch(&key, v->sorted, v->token_n, sizeof key, compare_bytes);
}

void slow_open(struct slow_vocab *v, const struct vocab_entry *tokens, uint32_t n, uint32_t flags)
{
    static const char *const controls[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    uint32_t kept = 0;
    v->flags = flags;
    v->sorted = calloc(n, sizeof *v->sorted);
    if (v->sorted == NULL)
        abort();
    for (uint32_t i = 0; i < n; i++)
        v->sorted[i] = (struct slow_token){tokens[i].bytes, tokens[i].len, i};
    qsort(v->sorted, n, sizeof *v->sorted, compare_bytes_then_id);
    for (uint32_t i = 0; i < n; i++)
        if (i + 1 == n || compare_bytes(&v->sorted[i], &v->sorted[i + 1]) != 0)
            v->sorted[kept++] = v->sorted[i];
    v->token_n = kept;
    for (size_t i = 0; i < 5; i++) {
        const struct slow_token *t =
            find(v, (const uint8_t *)controls[i], strlen(controls[i]));
        if (t == NULL)
            abort();
        v->controls[i] = *t;
    }
}

void slow_close(struct slow_vocab *v) { free(v->sorted); }

/* ---- UTF-8 ---- */

/* Unicode 15, table 3-7, line by line: whether byte i (0-based) may follow the bytes before it. */
static int may_follow(const uint8_t *p, size_t i)
{
    uint8_t lead = p[0], b = p[i];
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || i >= len || b < 0x80 || b > 0xbf)
        return 0;
    if (i > 1)
        return 1;
    if (lead == 0xe0)
        return b >= 0xa0;
    if (lead == 0xed)
        return b <= 0x9f;
    if (lead == 0xf0)
        return b >= 0x90;
    if (lead == 0xf4)
        return b <= 0x8f;
    return 1;
}

static void decode(const uint8_t *p, size_t len, struct list *out)
{
    for (size_t at = 0; at < len;) {
        uint8_t lead = p[at];
        size_t got = 1, want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        uint32_t c;
        if (lead < 0x80) {
            push(out, lead);
            at++;
            continue;
        }
        while (at + got < len && got < want && may_follow(p + at, got))
            got++;
        c = lead & (0xffu >> (want + 1));
        for (size_t i = 1; i < got; i++)
            c = c << 6 | (p[at + i] & 0x3fu);
        push(out, got == want ? c : 0xfffd);
        at += got;
    }
}

static size_t encode(uint32_t c, uint8_t *to)
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len; i-- > 1; c >>= 6)
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
    to[0] = (uint8_t)(leads[len] | c);
    return len;
}

/* ---- the rules ---- */

static const struct rlv_unicode *properties(uint32_t c)
{
    return &rlv_unicode_records[rlv_unicode_stage2[rlv_unicode_stage1[c / RLV_U_BLOCK]]
                                                  [c % RLV_U_BLOCK]];
}

static void push_mapped(struct list *l, uint32_t c, int32_t mapping)
{
    if (mapping < RLV_U_POOLED) {
        push(l, (uint32_t)((int32_t)c + mapping));
        return;
    }
    const uint32_t *pool = &rlv_unicode_pool[mapping - RLV_U_POOLED];
    for (uint32_t i = 1; i <= pool[0]; i++)
        push(l, pool[i]);
}

static void clean(struct list *l)
{
    struct list out = {NULL, 0, 0};
    for (size_t i = 0; i < l->n; i++) {
        unsigned flags = properties(l->at[i])->flags;
        if (flags & RLV_U_SPACE)
            push(&out, SPACE);
        else if (!(flags & RLV_U_DROP))
            push(&out, l->at[i]);
    }
    replace(l, &out);
}

static void space_ideographs(struct list *l)
{
    struct list out = {NULL, 0, 0};
    for (size_t i = 0; i < l->n; i++) {
        int alone = properties(l->at[i])->flags & RLV_U_CJK;
        if (alone)
            push(&out, SPACE);
        push(&out, l->at[i]);
        if (alone)
            push(&out, SPACE);
    }
    replace(l, &out);
}

static void decompose(struct list *l)
{
    struct list out = {NULL, 0, 0};
    for (size_t i = 0; i < l->n; i++) {
        uint32_t c = l->at[i];
        const struct rlv_unicode *u = properties(c);
        if (u->flags & RLV_U_MARK) {
            if (u->flags & RLV_U_STARTER_MARK)
                push(&out, BARRIER);
        } else if (u->flags & RLV_U_HANGUL) { /* Unicode 15, section 3.12 */
            uint32_t s = c - 0xac00;
            push(&out, 0x1100 + s / (21 * 28));
            push(&out, 0x1161 + s % (21 * 28) / 28);
            if (s % 28 != 0)
                push(&out, 0x11a7 + s % 28);
        } else {
            push_mapped(&out, c, u->strip);
        }
    }
    replace(l, &out);
}

static uint32_t rank_of(uint32_t c) { return c == BARRIER ? 0 : properties(c)->rank; }

/* Unicode 15, D109: exchange neighbours until none is out of order.  An insertion sort, so that a
 * long run of marks that is in order already costs no more than a look. */
static void reorder(struct list *l)
{
    struct list out = {NULL, 0, 0};
    for (size_t i = 1; i < l->n; i++)
        for (size_t j = i; j > 0 && rank_of(l->at[j]) != 0 &&
                           rank_of(l->at[j - 1]) > rank_of(l->at[j]);
             j--) {
            uint32_t c = l->at[j];
            l->at[j] = l->at[j - 1];
            l->at[j - 1] = c;
        }
    for (size_t i = 0; i < l->n; i++)
        if (l->at[i] != BARRIER)
            push(&out, l->at[i]);
    replace(l, &out);
}

static void lower(struct list *l)
{
    struct list out = {NULL, 0, 0};
    for (size_t i = 0; i < l->n; i++)
        push_mapped(&out, l->at[i], properties(l->at[i])->lower);
    replace(l, &out);
}

/* ---- words to pieces ---- */

static void put_word(const struct slow_vocab *v, const uint32_t *word, size_t n, struct list *ids)
{
    uint8_t piece[2 + 100 * 4] = {'#', '#'};
    size_t first = ids->n, at = 0;
    if (n == 0)
        return;
    while (n <= 100 && at < n) {
        const struct slow_token *best = NULL;
        size_t best_end = at, len = 2;
        for (size_t end = at + 1; end <= n; end++) {
            const struct slow_token *t;
            len += encode(word[end - 1], piece + len);
            t = at > 0 ? find(v, piece, len) : find(v, piece + 2, len - 2);
            if (t != NULL) {
                best = t;
                best_end = end;
            }
        }
        if (best == NULL)
            break;
        push(ids, best->id);
        at = best_end;
    }
    if (at < n) {
        ids->n = first;
        push(ids, v->controls[1].id);
    }
}

static void put_words(const struct slow_vocab *v, const struct list *l, struct list *ids)
{
    size_t start = 0;
    for (size_t i = 0; i < l->n; i++) {
        int punctuation = (properties(l->at[i])->flags & RLV_U_PUNCT) != 0;
        if (l->at[i] != SPACE && !punctuation)
            continue;
        put_word(v, l->at + start, i - start, ids);
        if (punctuation)
            put_word(v, l->at + i, 1, ids);
        start = i + 1;
    }
    put_word(v, l->at + start, l->n - start, ids);
}

static void put_text(const struct slow_vocab *v, const uint8_t *text, size_t len, struct list *ids)
{
    struct list l = {NULL, 0, 0};
    if (len == 0)
        return;
    decode(text, len, &l);
    clean(&l);
    if (v->flags & RLV_CONFIG_SPLIT_CJK)
        space_ideographs(&l);
    if (v->flags & RLV_CONFIG_STRIP_ACCENTS) {
        decompose(&l);
        reorder(&l);
    }
    if (v->flags & RLV_CONFIG_LOWERCASE)
        lower(&l);
    if (l.n != 0)
        put_words(v, &l, ids);
    free(l.at);
}

/* ---- control tokens ---- */

static const struct slow_token *control_at(const struct slow_vocab *v, const uint8_t *text,
                                           size_t len)
{
    const struct slow_token *best = NULL;
    for (size_t i = 0; i < 5; i++) {
        const struct slow_token *t = &v->controls[i];
        if (t->len <= len && memcmp(text, t->bytes, t->len) == 0 &&
            (best == NULL || t->len > best->len))
            best = t;
    }
    return best;
}

size_t slow_wordpiece(const struct slow_vocab *v, const uint8_t *text, size_t len,
                      int parse_special, int32_t **ids)
{
    struct list out = {NULL, 0, 0};
    size_t start = 0;
    for (size_t i = 0; parse_special && i < len;) {
        const struct slow_token *t = control_at(v, text + i, len - i);
        if (t == NULL) {
            i++;
            continue;
        }
        put_text(v, text + start, i - start, &out);
        push(&out, t->id);
        start = i += t->len;
    }
    put_text(v, text + start, len - start, &out);
    *ids = (int32_t *)out.at;
    return out.n;
}
