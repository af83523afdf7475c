/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - product names and their aliases, and the one that a few words mean.
 *
 * All keys - names and aliases - are kept folded (rlv_fold()).  A lookup goes through three steps:
 *
 *  1. A hash table answers for text that equals a key: most lookups, in less than a microsecond.
 *  2. Otherwise keys that are near enough share trigrams with the text: of its G trigrams (with two
 *     characters of padding on either side) D edits destroy at most 3 D (Ukkonen 1992), and one swap
 *     of neighbours one more.  So only keys that occur often enough in the posting lists of its
 *     trigrams are looked at.
 *  3. These are compared by an edit distance with swaps (optimal string alignment) in a band, with
 *     half the cost at the ends of words, where languages inflect ("balzam", "balzama"; "bolsa",
 *     "bolsas"), and more for the first letter; word by word too where both have as many words, so
 *     that a long name does not pay for a wrong short word.
 *
 * Symmetric deletion (Garbe 2012) finds single words in one probe for each deletion, but names are
 * phrases of 10 to 30 characters with up to 5 edits: thousands of deletions for each.  Trigrams need
 * 4 bytes a character.  See docs/decisions/0020-catalogue-matching.md.
 *
 * Lookups keep everything on the stack and write nothing shared.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define MAX_LEN 120u          /* characters of a folded key, and of a text that is looked up */
#define MAX_BYTES (64 * (size_t)MAX_LEN) /* of a name or text as typed: accents fold to nothing */
#define LONG_WORD 0xfffdu     /* what rlv_fold() makes of a word of more than 100 characters */
#define MAX_KEYS (1u << 20)
#define MAX_FILE (64u << 20)
#define MAX_EDITS 5u
#define MAX_LEFT_OUT 3u       /* words */
#define MAX_WORDS (MAX_LEN / 2 + 1)
#define GRAM 3u
#define MAX_GRAMS (MAX_LEN + GRAM - 1)
#define SEEN_SLOTS 2048u      /* keys counted at a time, on the stack; a power of two */
#define NO_KEY UINT32_MAX

/* Costs are in half edits. */
#define COST_EDIT 2u
#define COST_ENDING 1u        /* among the last ENDING characters of a word, after STEM of them */
#define COST_FIRST 4u         /* the first character of a word: other words differ there */
#define ENDING 3u
#define STEM 3u
#define WINDOW_COST 2u        /* where words were left out */
#define COST_NONE 0x3fffu   /* more than any sum; with sums added to it still within 32 bits */

struct key {
    uint32_t product;
    uint32_t text, text_len; /* folded: a range of 'folded' */
    uint32_t name;           /* as the file spells it: place in 'names' */
};

struct relevance_catalog {
    struct relevance_allocator allocator;
    void *arena;
    size_t arena_len;
    uint32_t product_n, key_n;
    uint32_t *products; /* [product_n]: key of its name */
    struct key *keys;
    uint32_t *folded; /* scalar values of all keys */
    char *names;      /* each ended by 0 */
    uint32_t *slots;  /* [slot_n]: key by hash of its folded text, or NO_KEY; open addressing */
    uint32_t slot_n;  /* a power of two */
    uint32_t *bucket; /* [bucket_n + 1]: first posting of trigrams with this hash */
    uint32_t bucket_n; /* a power of two */
    uint32_t *postings; /* keys, ascending within a bucket */
};

/* ---- hashes ---- */

static uint32_t hash_text(const uint32_t *text, size_t n)
{
    uint32_t h = RLV_HASH_START;

    for (size_t i = 0; i < n; i++) {
        h = rlv_hash_byte(h, (uint8_t)text[i]);
        h = rlv_hash_byte(h, (uint8_t)(text[i] >> 8));
        if (text[i] > 0xffff)
            h = rlv_hash_byte(h, (uint8_t)(text[i] >> 16));
    }
    return h ^ h >> 15;
}

/* Character i - 2 of a text padded with 0 on both sides. */
static uint32_t padded(const uint32_t *text, size_t n, size_t i)
{
    return i >= GRAM - 1 && i - (GRAM - 1) < n ? text[i - (GRAM - 1)] : 0;
}

static size_t gram_count(size_t n) { return n + GRAM - 1; }

static uint32_t gram_hash(const uint32_t *text, size_t n, size_t i)
{
    uint32_t h = padded(text, n, i) * 0x9e3779b1u;

    h = (h ^ h >> 15) + padded(text, n, i + 1) * 0x85ebca6bu;
    h = (h ^ h >> 13) + padded(text, n, i + 2) * 0xc2b2ae35u;
    h *= 0x27d4eb2fu;
    return h ^ h >> 16;
}

static const uint32_t *key_text(const struct relevance_catalog *c, uint32_t key)
{
    return c->folded + c->keys[key].text;
}

static uint32_t find_key(const struct relevance_catalog *c, const uint32_t *text, size_t n)
{
    uint32_t mask = c->slot_n - 1;

    for (uint32_t at = hash_text(text, n) & mask; c->slots[at] != NO_KEY; at = (at + 1) & mask) {
        const struct key *k = &c->keys[c->slots[at]];
        if (k->text_len == n && memcmp(c->folded + k->text, text, n * sizeof *text) == 0)
            return c->slots[at];
    }
    return NO_KEY;
}

/* ---- distance ---- */

/* What 'n' characters may cost, in half edits, and how many edits that can be. */
static uint32_t allowed_cost(size_t n)
{
    return n <= 2 ? 0 : n == 3 ? 1 : n <= 5 ? 2 : n <= 8 ? 3 : n <= 12 ? 4 : n <= 17 ? 6 : 8;
}

static uint32_t allowed_edits(size_t n)
{
    uint32_t edits = (uint32_t)(n + 2) / 4;

    return n <= 2 ? 0 : edits < MAX_EDITS ? edits : MAX_EDITS;
}

/* A text whose characters know what they cost. */
struct priced {
    const uint32_t *text;
    uint32_t n;
    uint8_t price[MAX_LEN]; /* of losing or changing the character */
    uint32_t word_n;
    uint8_t first[MAX_WORDS + 1]; /* of each word; the last entry is n + 1 */
};

static void price(struct priced *p, const uint32_t *text, uint32_t n)
{
    uint32_t start = 0;

    p->text = text;
    p->n = n;
    p->word_n = 0;
    for (uint32_t i = 0; i <= n; i++) {
        if (i < n && text[i] != ' ')
            continue;
        if (p->word_n < MAX_WORDS)
            p->first[p->word_n++] = (uint8_t)start;
        for (uint32_t k = start; k < i; k++)
            p->price[k] = k == start                                ? COST_FIRST
                          : k - start >= STEM && i - k <= ENDING ? COST_ENDING
                                                                    : COST_EDIT;
        if (i < n)
            p->price[i] = COST_EDIT;
        start = i + 1;
    }
    p->first[p->word_n] = (uint8_t)(n + 1);
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t most(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* Cost and edits go together as one number, so that one minimum serves both. */
#define PACK(cost, edits) ((uint32_t)(cost) << 16 | (uint32_t)(edits))

/*
 * Cost << 16 | edits of turning a[a0, a1) into b[b0, b1): optimal string alignment, cells with more
 * than 'edits' steps from the diagonal left out.  COST_NONE << 16 where it is more than 'limit'.
 */
static uint32_t distance(const struct priced *a, uint32_t a0, uint32_t a1, const struct priced *b,
                         uint32_t b0, uint32_t b1, uint32_t edits, uint32_t limit)
{
    const uint32_t far = PACK(COST_NONE, 0);
    uint32_t rows[3][MAX_LEN + 2], *before = rows[0], *last = rows[1], *now = rows[2];
    uint32_t n = a1 - a0, m = b1 - b0, best_before = 0;

    if ((n > m ? n - m : m - n) > edits)
        return far;
    last[0] = 0;
    for (uint32_t j = 1; j <= m; j++)
        last[j] = j > edits ? far : last[j - 1] + PACK(b->price[b0 + j - 1], 1);
    for (uint32_t i = 1; i <= n; i++) {
        uint32_t from = i > edits ? i - edits : 1, to = least(m, i + edits), best = far;
        uint32_t c = a->text[a0 + i - 1], c_price = a->price[a0 + i - 1], *spare;
        now[from - 1] = from == 1 && i <= edits ? last[0] + PACK(c_price, 1) : far;
        if (to < m)
            now[to + 1] = far;
        for (uint32_t j = from; j <= to; j++) {
            uint32_t d = b->text[b0 + j - 1], d_price = b->price[b0 + j - 1];
            uint32_t cell = last[j - 1] + (c == d ? 0 : PACK(most(c_price, d_price), 1));
            cell = least(cell, last[j] + PACK(c_price, 1));
            cell = least(cell, now[j - 1] + PACK(d_price, 1));
            if (i > 1 && j > 1 && c != d && c == b->text[b0 + j - 2] && d == a->text[a0 + i - 2])
                cell = least(cell, before[j - 2] + PACK(COST_EDIT, 1));
            now[j] = cell;
            best = least(best, cell);
        }
        if (from == 1)
            best = least(best, now[0]);
        if (best >> 16 > limit && best_before >> 16 > limit) /* a swap goes back two rows */
            return far;
        best_before = best;
        spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[m] >> 16 > limit ? far : last[m];
}

/* As many words: none may differ by more than a text of its length may. */
static int words_agree(const struct priced *a, const struct priced *b)
{
    for (uint32_t i = 0; a->word_n == b->word_n && a->word_n > 1 && i < a->word_n; i++) {
        uint32_t a1 = a->first[i + 1] - 1u, b1 = b->first[i + 1] - 1u;
        uint32_t n = most(a1 - a->first[i], b1 - b->first[i]);
        if (distance(a, a->first[i], a1, b, b->first[i], b1, allowed_edits(n) + 1,
                     allowed_cost(n)) >> 16 == COST_NONE)
            return 0;
    }
    return 1;
}

/* ---- candidates ---- */

struct found {
    uint32_t key; /* NO_KEY: none */
    uint32_t cost, edits;
};

static void compare(const struct relevance_catalog *c, const struct priced *text, uint32_t key,
                    struct found *best)
{
    const struct key *k = &c->keys[key];
    uint32_t n = most(text->n, k->text_len), limit = allowed_cost(n), packed;
    struct priced other;

    if (best->key != NO_KEY)
        limit = least(limit, best->cost);
    if ((text->n > k->text_len ? text->n - k->text_len : k->text_len - text->n) >
        allowed_edits(n))
        return;
    price(&other, key_text(c, key), k->text_len);
    packed = distance(text, 0, text->n, &other, 0, other.n, allowed_edits(n), limit);
    if (packed >> 16 > limit || (packed & 0xffff) > allowed_edits(n))
        return;
    if (best->key != NO_KEY &&
        (packed > PACK(best->cost, best->edits) ||
         (packed == PACK(best->cost, best->edits) && key >= best->key)))
        return;
    if (words_agree(text, &other))
        *best = (struct found){key, packed >> 16, packed & 0xffff};
}

/* How often each key was seen in the posting lists. */
struct seen {
    uint32_t n;
    uint32_t key[SEEN_SLOTS]; /* NO_KEY: free */
    uint8_t count[SEEN_SLOTS];
};

/* Times that the key was seen, this one included; 0 where the table is full. */
static uint32_t count_key(struct seen *s, uint32_t key)
{
    uint32_t at = (key * 0x9e3779b1u) >> 21; /* 11 bits: SEEN_SLOTS */

    while (s->key[at] != NO_KEY && s->key[at] != key)
        at = (at + 1) % SEEN_SLOTS;
    if (s->key[at] == NO_KEY) {
        if (s->n >= SEEN_SLOTS * 3 / 4)
            return 0;
        s->key[at] = key;
        s->count[at] = 0;
        s->n++;
    }
    if (s->count[at] < UINT8_MAX)
        s->count[at]++;
    return s->count[at];
}

struct list {
    uint32_t first, n;
};

/* The posting lists of the text's trigrams, shortest first (insertion sort: there are few). */
static size_t gather_lists(const struct relevance_catalog *c, const struct priced *text,
                           struct list *lists)
{
    size_t gram_n = gram_count(text->n);

    for (size_t i = 0; i < gram_n; i++) {
        uint32_t b = gram_hash(text->text, text->n, i) & (c->bucket_n - 1);
        struct list l = {c->bucket[b], c->bucket[b + 1] - c->bucket[b]};
        size_t at = i;
        for (; at > 0 && lists[at - 1].n > l.n; at--)
            lists[at] = lists[at - 1];
        lists[at] = l;
    }
    return gram_n;
}

static struct found search(const struct relevance_catalog *c, const uint32_t *text, uint32_t n)
{
    struct found best = {NO_KEY, 0, 0};
    struct list lists[MAX_GRAMS];
    struct priced priced;
    struct seen seen;
    size_t list_n, shared, skipped;
    uint32_t edits = allowed_edits(n + allowed_edits(n) + 2); /* of the longest key there can be */

    best.key = find_key(c, text, n);
    if (best.key != NO_KEY || edits == 0)
        return best;
    price(&priced, text, n);
    list_n = gather_lists(c, &priced, lists);
    /* so many trigrams the text shares with every key that may be near enough */
    shared = GRAM * edits + 1;
    shared = list_n > shared ? list_n - shared : 1;
    /* the longest lists can be skipped as long as two shared ones are left */
    skipped = shared > 2 ? shared - 2 : 0;
    shared -= skipped;
    seen.n = 0;
    memset(seen.key, 0xff, sizeof seen.key);
    for (size_t i = 0; i < list_n - skipped; i++) {
        for (uint32_t k = 0; k < lists[i].n; k++) {
            uint32_t key = c->postings[lists[i].first + k];
            uint32_t count = count_key(&seen, key);
            if (count == shared || count == 0)
                compare(c, &priced, key, &best);
        }
    }
    return best;
}

/* ---- the call ---- */

static struct relevance_match make_match(const struct relevance_catalog *c, const struct found *f,
                                         uint32_t used, uint32_t whole)
{
    const struct key *k = &c->keys[f->key];
    float longer = (float)most(used, k->text_len), cost = 0.5f * (float)f->cost;
    struct relevance_match m = {.name = c->names + c->keys[c->products[k->product]].name,
                                .alias = c->names + k->name,
                                .product = k->product,
                                .distance = f->edits};

    m.score = (1.0f - cost / longer) * (float)used / (float)whole;
    return m;
}

static size_t fold_text(const char *text, size_t text_len, uint32_t *folded)
{
    return text_len <= MAX_BYTES ? rlv_fold(text, text_len, 0, folded, MAX_LEN) : 0;
}

int rlv_catalog_find(const relevance_catalog *catalog, const char *text, size_t text_len, int equal,
                     struct relevance_match *match)
{
    uint32_t folded[MAX_LEN];
    size_t n = fold_text(text, text_len, folded);
    struct found found = {NO_KEY, 0, 0};

    if (n == 0 || n > MAX_LEN)
        return 0;
    if (equal)
        found.key = find_key(catalog, folded, n);
    else
        found = search(catalog, folded, (uint32_t)n);
    if (found.key == NO_KEY)
        return 0;
    *match = make_match(catalog, &found, (uint32_t)n, (uint32_t)n);
    return 1;
}

/* Words [left, word_n - right) of the text. */
static uint32_t window(const struct priced *p, uint32_t left, uint32_t right, uint32_t *n)
{
    uint32_t first = p->first[left], end = p->first[p->word_n - right] - 1u;

    *n = end - first;
    return first;
}

enum relevance_status relevance_catalog_match(const relevance_catalog *catalog, const char *text,
                                              size_t text_len, struct relevance_match *match)
{
    uint32_t folded[MAX_LEN], n, first;
    struct relevance_match m = {0};
    struct priced words;
    struct found found, best = {NO_KEY, 0, 0};
    size_t all;

    if (catalog == NULL || match == NULL || (text == NULL && text_len != 0))
        return RELEVANCE_BAD_ARGUMENT;
    all = fold_text(text, text_len, folded);
    if (all == 0 || all > MAX_LEN) {
        *match = m;
        return RELEVANCE_OK;
    }
    found = search(catalog, folded, (uint32_t)all);
    if (found.key != NO_KEY) {
        *match = make_match(catalog, &found, (uint32_t)all, (uint32_t)all);
        return RELEVANCE_OK;
    }
    price(&words, folded, (uint32_t)all);
    for (uint32_t out = 1; out <= MAX_LEFT_OUT && out < words.word_n && best.key == NO_KEY; out++) {
        for (uint32_t left = 0; left <= out; left++) {
            first = window(&words, left, out - left, &n);
            if (3 * (size_t)n < all)
                continue; /* most of the text would be left out */
            found = search(catalog, folded + first, n);
            if (found.key == NO_KEY || found.cost > (2 * (size_t)n < all ? 0u : WINDOW_COST) ||
                (best.key != NO_KEY && PACK(found.cost, found.edits) >= PACK(best.cost, best.edits)))
                continue;
            best = found;
            m = make_match(catalog, &found, n, (uint32_t)all);
        }
    }
    *match = m;
    return RELEVANCE_OK;
}

/* ---- reading the file ---- */

struct reading {
    struct relevance_catalog *c;
    struct relevance_error *error;
    const char *data;
    size_t len, line, line_start;
    /* what is needed; while nothing is allocated yet, only these are counted */
    int counting;
    uint32_t product_n, key_n, folded_n, slot_n;
    size_t names_n;
};

static int bad_line(struct reading *r, const char *what)
{
    rlv_fail(r->error, RELEVANCE_BAD_CATALOG, r->line_start, "catalogue, line %llu: %s",
             (unsigned long long)r->line, what);
    return 0;
}

static int is_space(char c) { return c == ' ' || c == '\r' || c == '\t' || c == '\f' || c == '\v'; }

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_space(**text)) {
        ++*text;
        --*len;
    }
    while (*len > 0 && is_space((*text)[*len - 1]))
        --*len;
}

static int has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return 1;
    return 0;
}

static int already_taken(const struct reading *r, const struct relevance_catalog *c, uint32_t key)
{
    const char *name = c->names + c->keys[c->products[c->keys[key].product]].name;

    rlv_fail(r->error, RELEVANCE_BAD_CATALOG, r->line_start,
             "catalogue, line %llu: '%.80s' already stands for '%.80s'",
             (unsigned long long)r->line, c->names + c->keys[key].name, name);
    return 0;
}

static int store_key(struct reading *r, const char *text, size_t len, const uint32_t *folded,
                     uint32_t n)
{
    struct relevance_catalog *c = r->c;
    uint32_t old = find_key(c, folded, n), mask = c->slot_n - 1, at;

    if (old != NO_KEY && c->keys[old].product != c->product_n)
        return already_taken(r, c, old);
    if (old != NO_KEY)
        return 1; /* twice in one line does no harm */
    c->keys[c->key_n] = (struct key){.product = c->product_n,
                                     .text = r->folded_n,
                                     .text_len = n,
                                     .name = (uint32_t)r->names_n};
    memcpy(c->folded + r->folded_n, folded, n * sizeof *folded);
    memcpy(c->names + r->names_n, text, len);
    c->names[r->names_n + len] = '\0';
    for (at = hash_text(folded, n) & mask; c->slots[at] != NO_KEY;)
        at = (at + 1) & mask;
    c->slots[at] = c->key_n++;
    return 1;
}

/* A name or an alias. */
static int read_key(struct reading *r, const char *text, size_t len, const char *what)
{
    uint32_t folded[MAX_LEN];
    size_t n;

    trim(&text, &len);
    if (len == 0)
        return bad_line(r, what[0] == 'n' ? "the product has no name" : "an alias is empty");
    if (!rlv_utf8_valid(text, len))
        return bad_line(r, "it is not UTF-8");
    if (has_control(text, len))
        return bad_line(r, "it holds a control character");
    n = rlv_fold(text, len, 0, folded, MAX_LEN);
    if (n == 0)
        return bad_line(r, what[0] == 'n' ? "the name has no letter or digit"
                                          : "an alias has no letter or digit");
    if (n > MAX_LEN || len > MAX_BYTES)
        return bad_line(r, "a name has more than 120 characters");
    for (size_t i = 0; i < n; i++)
        if (folded[i] == LONG_WORD)
            return bad_line(r, "a name has a word of more than 100 characters");
    if (r->key_n == MAX_KEYS)
        return bad_line(r, "more than 2^20 names and aliases");
    if (!r->counting && !store_key(r, text, len, folded, (uint32_t)n))
        return 0;
    r->key_n++;
    r->folded_n += (uint32_t)n;
    r->names_n += len + 1;
    return 1;
}

static int read_aliases(struct reading *r, const char *text, size_t len)
{
    const char *end = text + len;

    trim(&text, &len);
    if (len == 0)
        return 1;
    if (memchr(text, '\t', len) != NULL)
        return bad_line(r, "more than one TAB: a name, a TAB, aliases separated by '|' expected");
    while (text <= end) {
        const char *bar = (const char *)memchr(text, '|', (size_t)(end - text));
        const char *stop = bar != NULL ? bar : end;
        if (!read_key(r, text, (size_t)(stop - text), "alias"))
            return 0;
        text = stop + 1;
    }
    return 1;
}

static int read_line(struct reading *r, const char *text, size_t len)
{
    const char *tab = (const char *)memchr(text, '\t', len);
    size_t name_len = tab != NULL ? (size_t)(tab - text) : len;
    const char *rest = text;
    size_t rest_len = len;

    trim(&rest, &rest_len);
    if (rest_len == 0)
        return 1; /* a blank line */
    if (!r->counting)
        r->c->products[r->product_n] = r->c->key_n;
    if (!read_key(r, text, name_len, "name"))
        return 0;
    if (tab != NULL && !read_aliases(r, tab + 1, len - name_len - 1))
        return 0;
    r->product_n++;
    if (!r->counting)
        r->c->product_n++;
    return 1;
}

static int read_lines(struct reading *r)
{
    size_t at = 0;

    r->product_n = r->key_n = r->folded_n = 0;
    r->names_n = 0;
    r->line = 0;
    if (r->len >= 3 && memcmp(r->data, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    while (at < r->len) {
        const char *lf = (const char *)memchr(r->data + at, '\n', r->len - at);
        size_t end = lf != NULL ? (size_t)(lf - r->data) : r->len;
        r->line++;
        r->line_start = at;
        if (!read_line(r, r->data + at, end - at))
            return 0;
        at = end + 1;
    }
    if (r->product_n == 0) {
        r->line_start = 0;
        rlv_fail(r->error, RELEVANCE_BAD_CATALOG, 0, "catalogue: there is no product in it");
        return 0;
    }
    return 1;
}

static uint32_t power_of_two(uint64_t at_least)
{
    uint32_t n = 16;

    while (n < at_least)
        n *= 2;
    return n;
}

/* The parts of the arena; with base NULL only its size is found. */
static size_t carve(struct relevance_catalog *c, const struct reading *r, uint8_t *base)
{
    size_t at = 0, gram_n = r->folded_n + (size_t)r->key_n * (GRAM - 1);
    struct {
        void *to;
        size_t bytes;
    } parts[] = {{&c->products, r->product_n * sizeof *c->products},
                 {&c->keys, r->key_n * sizeof *c->keys},
                 {&c->folded, r->folded_n * sizeof *c->folded},
                 {&c->names, r->names_n},
                 {&c->slots, c->slot_n * sizeof *c->slots},
                 {&c->bucket, ((size_t)c->bucket_n + 1) * sizeof *c->bucket},
                 {&c->postings, gram_n * sizeof *c->postings}};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        void *piece = base != NULL ? base + at : NULL;
        memcpy(parts[i].to, &piece, sizeof piece);
        at += (size_t)rlv_round_up(parts[i].bytes, RLV_ALIGN);
    }
    return at;
}

/* Postings by counting: how many, where each bucket begins, then the keys in ascending order. */
static void index_grams(struct relevance_catalog *c)
{
    uint32_t sum = 0, mask = c->bucket_n - 1;

    memset(c->bucket, 0, ((size_t)c->bucket_n + 1) * sizeof *c->bucket);
    for (uint32_t k = 0; k < c->key_n; k++)
        for (size_t i = 0; i < gram_count(c->keys[k].text_len); i++)
            c->bucket[gram_hash(key_text(c, k), c->keys[k].text_len, i) & mask]++;
    for (uint32_t b = 0; b <= c->bucket_n; b++) {
        uint32_t n = c->bucket[b];
        c->bucket[b] = sum;
        sum += n;
    }
    for (uint32_t k = 0; k < c->key_n; k++)
        for (size_t i = 0; i < gram_count(c->keys[k].text_len); i++)
            c->postings[c->bucket[gram_hash(key_text(c, k), c->keys[k].text_len, i) & mask]++] = k;
    memmove(c->bucket + 1, c->bucket, c->bucket_n * sizeof *c->bucket);
    c->bucket[0] = 0;
}

static enum relevance_status build(struct reading *r)
{
    struct relevance_catalog *c = r->c;
    const struct relevance_allocator *a = &c->allocator;

    r->counting = 1;
    if (!read_lines(r))
        return RELEVANCE_BAD_CATALOG;
    c->slot_n = power_of_two(2 * (uint64_t)r->key_n);
    c->bucket_n = power_of_two((r->folded_n + 2 * (uint64_t)r->key_n) / 2);
    c->arena_len = carve(c, r, NULL);
    c->arena = a->alloc(a->user, c->arena_len, RLV_ALIGN);
    if (c->arena == NULL)
        return rlv_fail(r->error, RELEVANCE_NO_MEMORY, 0,
                        "cannot allocate %llu bytes for the catalogue",
                        (unsigned long long)c->arena_len);
    carve(c, r, (uint8_t *)c->arena);
    memset(c->slots, 0xff, c->slot_n * sizeof *c->slots);
    r->counting = 0;
    if (!read_lines(r))
        return RELEVANCE_BAD_CATALOG;
    index_grams(c);
    return RELEVANCE_OK;
}

void relevance_catalog_close(relevance_catalog *catalog)
{
    struct relevance_allocator a;

    if (catalog == NULL)
        return;
    a = catalog->allocator;
    if (catalog->arena != NULL)
        a.free(a.user, catalog->arena, catalog->arena_len);
    a.free(a.user, catalog, sizeof *catalog);
}

static enum relevance_status open_data(const char *data, size_t len,
                                       const struct relevance_allocator *allocator,
                                       relevance_catalog **out, struct relevance_error *error)
{
    struct reading r = {.error = error, .data = data, .len = len};
    enum relevance_status status;

    if (len > MAX_FILE)
        return rlv_fail(error, RELEVANCE_BAD_CATALOG, 0,
                        "catalogue: %llu bytes, at most %u are read", (unsigned long long)len,
                        MAX_FILE);
    r.c = (struct relevance_catalog *)allocator->alloc(allocator->user, sizeof *r.c, 64);
    if (r.c == NULL)
        return rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate the catalogue");
    memset(r.c, 0, sizeof *r.c);
    r.c->allocator = *allocator;
    status = build(&r);
    if (status != RELEVANCE_OK) {
        relevance_catalog_close(r.c);
        return status;
    }
    *out = r.c;
    return RELEVANCE_OK;
}

static enum relevance_status read_options(const struct relevance_catalog_options *options,
                                          struct relevance_allocator *allocator,
                                          struct relevance_error *error)
{
    struct relevance_catalog_options o = {.size = sizeof o};

    if (options != NULL) {
        if (options->size < sizeof options->size)
            return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0,
                            "options.size must be sizeof(struct relevance_catalog_options)");
        memcpy(&o, options, options->size < sizeof o ? options->size : sizeof o);
    }
    if (!rlv_allocator_set(allocator, o.allocator))
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "options.allocator lacks a function");
    return RELEVANCE_OK;
}

/* The whole file into memory of the allocator. */
static enum relevance_status read_file(const char *path, const struct relevance_allocator *a,
                                       char **data, size_t *len, struct relevance_error *error)
{
    enum relevance_status status = RELEVANCE_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    size_t done = 0;

    if (fd < 0)
        return rlv_fail(error, RELEVANCE_IO, 0, "cannot open '%.160s': %s", path, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        status = rlv_fail(error, RELEVANCE_IO, 0, "'%.160s' is not a regular file", path);
    } else if ((uint64_t)st.st_size > MAX_FILE || st.st_size == 0) {
        status = rlv_fail(error, RELEVANCE_BAD_CATALOG, 0,
                          "'%.120s' has %llu bytes; a catalogue has 1 to %u", path,
                          (unsigned long long)st.st_size, MAX_FILE);
    } else {
        *len = (size_t)st.st_size;
        *data = (char *)a->alloc(a->user, *len, 64);
        if (*data == NULL)
            status = rlv_fail(error, RELEVANCE_NO_MEMORY, 0, "cannot allocate %llu bytes",
                              (unsigned long long)*len);
    }
    while (status == RELEVANCE_OK && done < *len) {
        ssize_t n = read(fd, *data + done, *len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            status = rlv_fail(error, RELEVANCE_IO, done, "cannot read '%.120s': %s", path,
                              n == 0 ? "it became shorter" : strerror(errno));
        else
            done += (size_t)n;
    }
    close(fd);
    return status;
}

enum relevance_status relevance_catalog_open(const char *path,
                                             const struct relevance_catalog_options *options,
                                             relevance_catalog **catalog,
                                             struct relevance_error *error)
{
    struct relevance_allocator a;
    enum relevance_status status;
    char *data = NULL;
    size_t len = 0;

    if (path == NULL || catalog == NULL)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "path or catalog is NULL");
    status = read_options(options, &a, error);
    if (status == RELEVANCE_OK)
        status = read_file(path, &a, &data, &len, error);
    if (status == RELEVANCE_OK)
        status = open_data(data, len, &a, catalog, error);
    if (data != NULL)
        a.free(a.user, data, len);
    return status;
}

enum relevance_status relevance_catalog_open_memory(const void *data, size_t data_len,
                                                    const struct relevance_catalog_options *options,
                                                    relevance_catalog **catalog,
                                                    struct relevance_error *error)
{
    struct relevance_allocator a;
    enum relevance_status status;

    if ((data == NULL && data_len != 0) || catalog == NULL)
        return rlv_fail(error, RELEVANCE_BAD_ARGUMENT, 0, "data or catalog is NULL");
    status = read_options(options, &a, error);
    return status == RELEVANCE_OK ? open_data((const char *)data, data_len, &a, catalog, error) : status;
}

uint32_t relevance_catalog_size(const relevance_catalog *catalog)
{
    return catalog == NULL ? 0 : catalog->product_n;
}

const char *relevance_catalog_name(const relevance_catalog *catalog, uint32_t i)
{
    return catalog == NULL || i >= catalog->product_n
               ? NULL
               : catalog->names + catalog->keys[catalog->products[i]].name;
}
