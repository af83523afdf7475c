/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenizer.c - BERT's WordPiece tokenizer in one pass, without memory of its own.
 *
 * The reference (Hugging Face tokenizers: BertNormalizer, BertPreTokenizer, WordPiece) runs each
 * rule over the whole text: clean, put spaces around ideographs, decompose and drop accents,
 * lowercase, split at white space and punctuation, match pieces.  Here each scalar value runs
 * through all the rules at once and ends in the buffer of the word at hand.  A word needs no more
 * than 100 characters of buffer, since a longer one is a single [UNK]; the one rule that looks
 * back, canonical reordering of combining characters, never looks beyond a word.  So the memory is
 * fixed and the time linear.
 *
 * Pieces are matched longest first through the hash table of the vocabulary.  FNV-1a is extended
 * byte by byte, so one pass over a word gives the hash of each of its prefixes; most probes end at
 * an empty slot.  A trie with failure links (Song et al. 2021, arXiv 2012.15524) would save probes,
 * but it is several times the vocabulary's size and must be built or stored; a pair takes less than
 * 2 us so.
 *
 * Where a token comes from is kept only when asked for: for each character of the word, the bytes of
 * the scalar it was made from.  That costs the plain path a branch for each word, run of letters and
 * token.
 *
 * What each scalar does is in unicode_tables.h, derived from the reference.  docs/tokenizer.md has
 * the rules in prose.
 */
#include "tokenizer.h"

#include <string.h>

#include "unicode_tables.h"

#define MAX_WORD 100u /* characters; from the reference (max_input_chars_per_word) */
#define TOO_LONG (MAX_WORD + 1)
#define REPLACEMENT 0xfffdu

/* ---- vocabulary ---- */

static const char *check_slots(const struct rlv_vocab *v, uint64_t *at)
{
    uint32_t run = 0;
    uint64_t used = 0;

    /* Twice round, so that a run over the end of the table is seen in full. */
    for (uint64_t i = 0; i < 2 * (uint64_t)v->slot_n; i++) {
        const struct rlv_vocab_slot *slot = &v->slots[i & (v->slot_n - 1)];

        *at = (uint64_t)((const uint8_t *)slot - (const uint8_t *)v->slots);
        if (slot->id == RLV_EMPTY_SLOT) {
            run = 0;
            continue;
        }
        if (slot->id >= v->token_n)
            return "vocabulary: a slot's token is out of range";
        if (++run > RLV_MAX_PROBES)
            return "vocabulary: too many slots in a row are used";
        used++; /* each counts twice; a small table with none empty has no run that is too long */
        if (used > v->slot_n)
            return "vocabulary: less than half of the slots are empty";
    }
    return NULL;
}

static const char *check_offsets(const struct rlv_vocab *v, uint32_t blob_len, uint32_t *at)
{
    uint32_t longest = 0;

    *at = 0;
    if (v->offsets[0] != 0)
        return "vocabulary: the first offset is not 0";
    for (uint32_t i = 0; i < v->token_n; i++) {
        *at = i + 1;
        if (v->offsets[i + 1] < v->offsets[i] || v->offsets[i + 1] > blob_len)
            return "vocabulary: offsets do not ascend";
        if (v->offsets[i + 1] - v->offsets[i] > longest)
            longest = v->offsets[i + 1] - v->offsets[i];
    }
    if (v->offsets[v->token_n] != blob_len)
        return "vocabulary: the offsets do not end where the text ends";
    return longest == v->max_token_len ? NULL : "vocabulary: the longest token is not as stated";
}

/* Whether the sizes are allowed and fill the section exactly; nothing here can overflow. */
static const char *check_sizes(const struct rlv_vocab_header *h, uint64_t len, uint64_t *position)
{
    *position = offsetof(struct rlv_vocab_header, token_n);
    if (h->token_n == 0 || h->token_n > RLV_MAX_VOCAB)
        return "vocabulary: number of tokens out of range";
    *position = offsetof(struct rlv_vocab_header, max_token_len);
    if (h->max_token_len > RLV_MAX_TOKEN_LEN)
        return "vocabulary: a token is too long";
    *position = offsetof(struct rlv_vocab_header, slot_n);
    if ((h->slot_n & (h->slot_n - 1)) != 0 || h->slot_n < 2 * (uint64_t)h->token_n)
        return "vocabulary: number of slots is not a power of two, or too small";
    *position = offsetof(struct rlv_vocab_header, blob_len);
    if (len != sizeof *h + ((uint64_t)h->token_n + 1) * sizeof(uint32_t) +
                   (uint64_t)h->slot_n * sizeof(struct rlv_vocab_slot) + h->blob_len)
        return "vocabulary: its parts do not fill the section";
    return NULL;
}

const char *rlv_vocab_open(struct rlv_vocab *vocab, const void *section, uint64_t len,
                           uint64_t *position)
{
    const struct rlv_vocab_header *h = (const struct rlv_vocab_header *)section;
    const char *wrong;
    uint64_t slot_at;
    uint32_t token_at;

    *position = 0;
    if (len < sizeof *h)
        return "vocabulary: shorter than its header";
    if ((wrong = check_sizes(h, len, position)) != NULL)
        return wrong;

    vocab->token_n = h->token_n;
    vocab->max_token_len = h->max_token_len;
    vocab->slot_n = h->slot_n;
    vocab->offsets = (const uint32_t *)(h + 1);
    vocab->slots = (const struct rlv_vocab_slot *)(vocab->offsets + h->token_n + 1);
    vocab->blob = (const uint8_t *)(vocab->slots + h->slot_n);
    if ((wrong = check_offsets(vocab, h->blob_len, &token_at)) != NULL) {
        *position = (uint64_t)((const uint8_t *)(vocab->offsets + token_at) - (const uint8_t *)h);
        return wrong;
    }
    if ((wrong = check_slots(vocab, &slot_at)) != NULL) {
        *position = (uint64_t)((const uint8_t *)vocab->slots - (const uint8_t *)h) + slot_at;
        return wrong;
    }
    return NULL;
}

/* Whether token 'id' is 'bytes', after "##" where 'inside' is 1. */
static int token_is(const struct rlv_vocab *v, uint32_t id, const uint8_t *bytes, size_t len,
                    int inside)
{
    const uint8_t *token = v->blob + v->offsets[id];
    size_t token_len = v->offsets[id + 1] - v->offsets[id];

    if (inside) {
        if (token_len < 2 || token[0] != '#' || token[1] != '#')
            return 0;
        token += 2;
        token_len -= 2;
    }
    return token_len == len && memcmp(token, bytes, len) == 0;
}

static int32_t find(const struct rlv_vocab *v, uint32_t hash, const uint8_t *bytes, size_t len,
                    int inside)
{
    uint32_t mask = v->slot_n - 1;

    for (uint32_t at = hash & mask; v->slots[at].id != RLV_EMPTY_SLOT; at = (at + 1) & mask)
        if (v->slots[at].hash == hash && token_is(v, v->slots[at].id, bytes, len, inside))
            return (int32_t)v->slots[at].id;
    return -1;
}

int32_t rlv_vocab_find(const struct rlv_vocab *vocab, const uint8_t *bytes, size_t len)
{
    uint32_t hash = RLV_HASH_START;

    if (len > vocab->max_token_len)
        return -1;
    for (size_t i = 0; i < len; i++)
        hash = rlv_hash_byte(hash, bytes[i]);
    return find(vocab, hash, bytes, len, 0);
}

/* ---- words to pieces ---- */

/* Bytes [begin, end) of the text. */
struct range {
    size_t begin, end;
};

/* A combining character that waits for its place in the canonical order. */
struct mark {
    uint32_t scalar;
    uint32_t rank;
    struct range from;
};

/* Instead of tokens: see rlv_fold(). */
struct fold {
    uint32_t *out;
    size_t cap, n;
    int marks;
};

struct scan {
    const struct rlv_vocab *vocab;
    int32_t *ids;
    size_t cap, n;   /* n counts on beyond cap */
    uint32_t len;    /* bytes of the word */
    uint32_t char_n; /* characters of the word; TOO_LONG: more than fit */
    uint32_t mark_n;
    int more;                   /* origins or fold is not NULL */
    struct rlv_origin *origins; /* [cap], or NULL: nobody asks, and text to from are not kept */
    struct fold *fold;          /* NULL: make tokens */
    uint8_t word[MAX_WORD * 4];
    struct mark marks[MAX_WORD];
    const uint8_t *text;
    struct range now;            /* of the scalar at hand */
    struct range whole;          /* of the word, also where it is too long */
    struct range from[MAX_WORD]; /* of each character of the word */
};

static inline void put_id(struct scan *s, uint32_t id)
{
    if (s->n < s->cap)
        s->ids[s->n] = (int32_t)id;
    s->n++;
}

/* Of the last token. */
static void put_origin(struct scan *s, struct range range, uint32_t inside)
{
    if (s->n <= s->cap)
        s->origins[s->n - 1] = (struct rlv_origin){range.begin, range.end, inside};
}

static void widen(struct range *range, struct range by)
{
    if (by.begin < range->begin)
        range->begin = by.begin;
    if (by.end > range->end)
        range->end = by.end;
}

/* The last token is the bytes [at, at + n) of the word, which begin with its character 'first'.
 * Returns the first character after it.  Combining characters may have changed places, so that the
 * ranges of characters need not ascend. */
static uint32_t put_piece_origin(struct scan *s, uint32_t at, uint32_t n, uint32_t first)
{
    struct range range = s->from[first];
    uint32_t next = first;

    for (uint32_t i = at; i < at + n; i++)
        if ((s->word[i] & 0xc0) != 0x80)
            widen(&range, s->from[next++]);
    put_origin(s, range, at > 0);
    return next;
}

/*
 * The longest token that the 'len' >= 1 bytes at 'p' begin with; 'inside' a word, one that starts
 * with "##".  Returns its length in the word, 0 if there is none.
 */
static uint32_t longest_piece(const struct rlv_vocab *v, const uint8_t *p, uint32_t len, int inside,
                              int32_t *id)
{
    uint32_t hashes[RLV_MAX_TOKEN_LEN], hash = RLV_HASH_START, limit = v->max_token_len;

    if (inside) {
        hash = rlv_hash_byte(rlv_hash_byte(hash, '#'), '#');
        limit = limit > 2 ? limit - 2 : 0;
    }
    if (limit > len)
        limit = len;
    for (uint32_t i = 0; i < limit; i++)
        hashes[i] = hash = rlv_hash_byte(hash, p[i]);
    for (uint32_t n = limit; n > 0; n--) {
        if (n < len && (p[n] & 0xc0) == 0x80)
            continue; /* not between two characters */
        *id = find(v, hashes[n - 1], p, n, inside);
        if (*id >= 0)
            return n;
    }
    return 0;
}

/* Greedy longest match: the pieces of the word.  Returns 0 if some part of it is no token. */
static inline int put_pieces(struct scan *s, int with_origins)
{
    uint32_t first = 0;

    for (uint32_t at = 0, n; at < s->len; at += n) {
        int32_t id;

        n = longest_piece(s->vocab, s->word + at, s->len - at, at > 0, &id);
        if (n == 0)
            return 0;
        put_id(s, (uint32_t)id);
        if (with_origins)
            first = put_piece_origin(s, at, n, first);
    }
    return 1;
}

static void fold_word(struct scan *s);

/* The end of a word where more than ids is wanted, or something else. */
static void end_word_with_more(struct scan *s)
{
    size_t first = s->n;

    if (s->fold != NULL) {
        fold_word(s);
    } else if (s->char_n == TOO_LONG || !put_pieces(s, 1)) {
        s->n = first;
        put_id(s, s->vocab->unk_id);
        put_origin(s, s->whole, 0);
    }
}

static void end_word(struct scan *s)
{
    size_t first = s->n;

    if (s->char_n == 0)
        return;
    if (s->more) {
        end_word_with_more(s);
    } else if (s->char_n == TOO_LONG || !put_pieces(s, 0)) {
        s->n = first;
        put_id(s, s->vocab->unk_id);
    }
    s->len = s->char_n = 0;
}

/* A character joins the word, also one that no longer fits. */
static void keep_range(struct scan *s, struct range range)
{
    if (s->char_n == 0)
        s->whole = range;
    widen(&s->whole, range);
    if (s->char_n < MAX_WORD)
        s->from[s->char_n] = range;
}

/* ---- scalars to words ---- */

static inline const struct rlv_unicode *properties(uint32_t c)
{
    uint32_t block = rlv_unicode_stage1[c / RLV_U_BLOCK];

    return &rlv_unicode_records[rlv_unicode_stage2[block][c % RLV_U_BLOCK]];
}

static uint32_t encode_utf8(uint32_t c, uint8_t *to)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (uint8_t)(0xc0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | c >> 18);
    to[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    to[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    to[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

static void append(struct scan *s, uint32_t c)
{
    if (s->origins != NULL)
        keep_range(s, s->now);
    if (s->char_n >= MAX_WORD) {
        s->char_n = TOO_LONG;
        return;
    }
    s->len += encode_utf8(c, s->word + s->len);
    s->char_n++;
}

/* A scalar of the normalised text. */
static void put_normalised(struct scan *s, uint32_t c, const struct rlv_unicode *u)
{
    if (!(u->flags & RLV_U_PUNCT)) {
        append(s, c);
        return;
    }
    end_word(s);
    append(s, c);
    end_word(s);
}

/* The last step of the normalizer: lower case. */
static void put_lower(struct scan *s, uint32_t c, const struct rlv_unicode *u)
{
    if (!(s->vocab->flags & RLV_CONFIG_LOWERCASE) || u->lower == 0) {
        put_normalised(s, c, u);
    } else if (u->lower < RLV_U_POOLED) {
        c = (uint32_t)((int32_t)c + u->lower);
        put_normalised(s, c, properties(c));
    } else {
        const uint32_t *to = &rlv_unicode_pool[u->lower - RLV_U_POOLED];

        for (uint32_t i = 1; i <= to[0]; i++)
            put_normalised(s, to[i], properties(to[i]));
    }
}

/* The run of combining characters is over: they are in order now. */
static void put_marks(struct scan *s)
{
    struct range now = s->now;

    for (uint32_t i = 0; i < s->mark_n; i++) {
        s->now = s->marks[i].from;
        put_lower(s, s->marks[i].scalar, properties(s->marks[i].scalar));
    }
    s->mark_n = 0;
    s->now = now;
}

static inline void end_marks(struct scan *s)
{
    if (s->mark_n != 0)
        put_marks(s);
}

/* Canonical ordering (Unicode 15, section 3.11): a stable sort by class within a run of marks. */
static void put_mark(struct scan *s, uint32_t c, uint32_t rank)
{
    uint32_t at = s->mark_n;

    if (s->mark_n == MAX_WORD) {
        /* With a run this long the word is an [UNK] whatever the order. */
        if (s->origins != NULL)
            keep_range(s, s->now);
        s->char_n = TOO_LONG;
        return;
    }
    for (; at > 0 && s->marks[at - 1].rank > rank; at--)
        s->marks[at] = s->marks[at - 1];
    s->marks[at] = (struct mark){c, rank, s->now};
    s->mark_n++;
}

/* A scalar that decomposes no further. */
static void put_decomposed(struct scan *s, uint32_t c)
{
    const struct rlv_unicode *u = properties(c);

    if (u->rank != 0) {
        put_mark(s, c, u->rank);
        return;
    }
    end_marks(s);
    put_lower(s, c, u);
}

/* A Hangul syllable as its two or three jamo (Unicode 15, section 3.12). */
static void put_hangul(struct scan *s, uint32_t c)
{
    uint32_t i = c - 0xac00, tail = i % 28;

    put_decomposed(s, 0x1100 + i / 588);
    put_decomposed(s, 0x1161 + i % 588 / 28);
    if (tail != 0)
        put_decomposed(s, 0x11a7 + tail);
}

/* Decompose, drop accents. */
static void put_stripped(struct scan *s, uint32_t c, const struct rlv_unicode *u)
{
    if (u->flags & RLV_U_MARK) {
        if (u->flags & RLV_U_STARTER_MARK)
            end_marks(s);
        if (s->origins != NULL && s->char_n > 0) { /* it belongs to the character before it */
            widen(&s->whole, s->now);
            if (s->char_n <= MAX_WORD)
                widen(&s->from[s->char_n - 1], s->now);
        }
    } else if (u->flags & RLV_U_HANGUL) {
        put_hangul(s, c);
    } else if (u->strip < RLV_U_POOLED) {
        put_decomposed(s, (uint32_t)((int32_t)c + u->strip));
    } else {
        const uint32_t *to = &rlv_unicode_pool[u->strip - RLV_U_POOLED];

        for (uint32_t i = 1; i <= to[0]; i++)
            put_decomposed(s, to[i]);
    }
}

static void put_space(struct scan *s)
{
    end_marks(s);
    end_word(s);
}

/* A scalar of the text. */
static void put_scalar(struct scan *s, uint32_t c)
{
    const struct rlv_unicode *u = properties(c);
    int alone;

    if (u->flags & RLV_U_DROP)
        return;
    if (u->flags & RLV_U_SPACE) {
        put_space(s);
        return;
    }
    alone = (u->flags & RLV_U_CJK) && (s->vocab->flags & RLV_CONFIG_SPLIT_CJK);
    if (alone)
        put_space(s);
    if (s->vocab->flags & RLV_CONFIG_STRIP_ACCENTS)
        put_stripped(s, c, u);
    else
        put_lower(s, c, u);
    if (alone)
        put_space(s);
}

/* ---- bytes to scalars ---- */

/*
 * The second byte that may follow 'lead', and how many follow in all; 0 for a byte that starts
 * nothing (Unicode 15, table 3-7).
 */
static unsigned sequence_shape(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0)
            *low = 0xa0; /* shorter forms exist below */
        if (lead == 0xed)
            *high = 0x9f; /* surrogates lie above */
        return 2;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0)
            *low = 0x90;
        if (lead == 0xf4)
            *high = 0x8f; /* U+10FFFF is the last */
        return 3;
    }
    return 0;
}

/* The scalar at 'p' < 'end', or U+FFFD for a maximal subpart of an ill-formed sequence. */
static const uint8_t *decode_utf8(const uint8_t *p, const uint8_t *end, uint32_t *c)
{
    uint8_t lead = *p++, low, high;
    uint32_t bits;
    unsigned more;

    if (lead < 0x80) {
        *c = lead;
        return p;
    }
    more = sequence_shape(lead, &low, &high);
    *c = REPLACEMENT;
    if (more == 0)
        return p;
    bits = lead & (0x3fu >> more);
    for (; more > 0; more--, p++, low = 0x80, high = 0xbf) {
        if (p == end || *p < low || *p > high)
            return p;
        bits = bits << 6 | (*p & 0x3fu);
    }
    *c = bits;
    return p;
}

static void keep_ascii_ranges(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    struct range range = {(size_t)(p - s->text), (size_t)(p - s->text) + 1};
    uint32_t n = s->char_n;

    if (n == 0)
        s->whole = range;
    for (; p < end && *p < 0x80 && rlv_unicode_ascii[*p] == 'L'; p++) {
        if (n < MAX_WORD)
            s->from[n++] = range;
        s->whole.end = range.end;
        range.begin++;
        range.end++;
    }
}

int rlv_utf8_valid(const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text, *end = p + len, *start;
    uint32_t c;

    while (p < end) {
        start = p;
        p = decode_utf8(p, end, &c);
        if (c == REPLACEMENT && !(p - start == 3 && start[0] == 0xef && start[1] == 0xbf))
            return 0;
    }
    return 1;
}

/*
 * The letters and digits of ASCII at 'p', appended to the word; returns the first other byte.  This
 * is most of the text: nothing but lower case happens to them.
 */
static const uint8_t *put_ascii(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    uint32_t n = s->char_n, len = s->len;
    int lower = (s->vocab->flags & RLV_CONFIG_LOWERCASE) != 0;

    if (s->origins != NULL)
        keep_ascii_ranges(s, p, end);
    for (; p < end && *p < 0x80 && rlv_unicode_ascii[*p] == 'L'; p++) {
        if (n >= MAX_WORD) {
            n = TOO_LONG;
            continue;
        }
        s->word[len++] = (uint8_t)(*p | (lower && *p >= 'A' && *p <= 'Z' ? 0x20 : 0));
        n++;
    }
    s->char_n = n;
    s->len = len;
    return p;
}

/* A stretch of text without control tokens. */
static void put_text(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        uint32_t c;

        if (*p < 0x80 && rlv_unicode_ascii[*p] == 'L') {
            end_marks(s);
            p = put_ascii(s, p, end);
        } else {
            const uint8_t *start = p;
            p = decode_utf8(p, end, &c);
            if (s->origins != NULL)
                s->now = (struct range){(size_t)(start - s->text), (size_t)(p - s->text)};
            put_scalar(s, c);
        }
    }
    put_space(s);
}

/* ---- control tokens ---- */

struct control {
    const uint8_t *bytes;
    uint32_t len;
    uint32_t id;
};

#define CONTROL_N 5

static void list_controls(const struct rlv_vocab *v, struct control *list)
{
    const uint32_t ids[CONTROL_N] = {v->pad_id, v->unk_id, v->cls_id, v->sep_id, v->mask_id};

    for (int i = 0; i < CONTROL_N; i++)
        list[i] = (struct control){v->blob + v->offsets[ids[i]],
                                   v->offsets[ids[i] + 1] - v->offsets[ids[i]], ids[i]};
}

/* The longest control token that stands at 'p' < 'end', or NULL. */
static const struct control *control_at(const struct control *list, const uint8_t *p,
                                        const uint8_t *end)
{
    const struct control *best = NULL;

    for (int i = 0; i < CONTROL_N; i++) {
        const struct control *t = &list[i];

        if (t->len == 0 || t->bytes[0] != *p || (best != NULL && best->len >= t->len))
            continue;
        if (t->len <= (size_t)(end - p) && memcmp(t->bytes, p, t->len) == 0)
            best = t;
    }
    return best;
}

/* As the reference, control tokens are cut out of the raw text before anything else is done. */
static void put_text_with_controls(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    struct control list[CONTROL_N];
    const uint8_t *start = p;

    list_controls(s->vocab, list);
    while (p < end) {
        const struct control *t = control_at(list, p, end);

        if (t == NULL) {
            p++;
            continue;
        }
        put_text(s, start, p);
        put_id(s, t->id);
        if (s->origins != NULL)
            put_origin(s, (struct range){(size_t)(p - s->text), (size_t)(p - s->text) + t->len}, 0);
        start = p += t->len;
    }
    put_text(s, start, end);
}

size_t rlv_wordpiece_origins(const struct rlv_vocab *vocab, const char *text, size_t len,
                             int parse_special, int32_t *ids, struct rlv_origin *origins, size_t cap)
{
    const uint8_t *p = (const uint8_t *)text;
    struct scan s; /* buffers are written before they are read: clearing them would cost time */

    if (len == 0)
        return 0;
    s.vocab = vocab;
    s.ids = ids;
    s.cap = cap;
    s.n = 0;
    s.len = s.char_n = s.mark_n = 0;
    s.origins = origins;
    s.more = origins != NULL;
    s.text = p;
    s.now = (struct range){0, 0};
    s.fold = NULL;
    if (parse_special)
        put_text_with_controls(&s, p, p + len);
    else
        put_text(&s, p, p + len);
    return s.n;
}

size_t rlv_wordpiece(const struct rlv_vocab *vocab, const char *text, size_t len, int parse_special,
                     int32_t *ids, size_t cap)
{
    return rlv_wordpiece_origins(vocab, text, len, parse_special, ids, NULL, cap);
}

/* ---- folding ---- */

/* What is left when accents are gone, in up to two characters; Unicode does not decompose these. */
static const struct {
    uint32_t scalar;
    char to[3];
} spelt_out[] = {{0xdf, "ss"},  {0xe6, "ae"},  {0xf0, "d"},  {0xf8, "o"},  {0xfe, "th"}, {0x111, "d"},
                 {0x127, "h"},  {0x131, "i"},  {0x142, "l"}, {0x153, "oe"}, {0x167, "t"}};

static void fold_put(struct fold *f, uint32_t c)
{
    if (f->n < f->cap)
        f->out[f->n] = c;
    f->n++;
}

static void fold_scalar(struct fold *f, uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e) /* wide ASCII */
        c -= 0xff01 - '!';
    for (size_t i = 0; c >= 0x80 && i < sizeof spelt_out / sizeof spelt_out[0]; i++) {
        if (spelt_out[i].scalar != c)
            continue;
        for (const char *t = spelt_out[i].to; *t != '\0'; t++)
            fold_put(f, (uint8_t)*t);
        return;
    }
    fold_put(f, c);
}

/* The word that just ended; a punctuation mark is one of a single character. */
static void fold_word(struct scan *s)
{
    struct fold *f = s->fold;
    const uint8_t *p = s->word, *end = s->word + s->len;
    uint32_t c;

    if (s->char_n == 1 && !f->marks) {
        decode_utf8(p, end, &c);
        if (properties(c)->flags & RLV_U_PUNCT)
            return;
    }
    if (f->n > 0)
        fold_put(f, ' ');
    if (s->char_n == TOO_LONG) {
        fold_put(f, REPLACEMENT);
        return;
    }
    while (p < end) {
        p = decode_utf8(p, end, &c);
        fold_scalar(f, c);
    }
}

size_t rlv_fold(const char *text, size_t len, int marks, uint32_t *out, size_t cap)
{
    static const struct rlv_vocab fold_all = {.flags = RLV_CONFIG_ALL};
    struct fold f = {.out = out, .cap = cap, .n = 0, .marks = marks};
    const uint8_t *p = (const uint8_t *)text;
    struct scan s;

    if (len == 0)
        return 0;
    s.vocab = &fold_all;
    s.ids = NULL;
    s.cap = 0;
    s.n = 0;
    s.len = s.char_n = s.mark_n = 0;
    s.origins = NULL;
    s.more = 1;
    s.text = p;
    s.now = (struct range){0, 0};
    s.fold = &f;
    put_text(&s, p, p + len);
    return f.n;
}

/* ---- truncation ---- */

void rlv_truncate_pair(size_t a_n, size_t b_n, size_t budget, size_t *kept_a, size_t *kept_b)
{
    size_t shorter = a_n <= b_n ? a_n : b_n, longer = a_n <= b_n ? b_n : a_n;

    if (longer > budget || shorter > budget - longer) {
        /* Up to half of the budget the shorter text stays whole; the longer one has the rest. */
        if (shorter > budget / 2)
            shorter = budget / 2;
        longer = budget - shorter;
    }
    *kept_a = a_n <= b_n ? shorter : longer;
    *kept_b = a_n <= b_n ? longer : shorter;
}
