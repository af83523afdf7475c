/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokenizer: ids that the reference computed (test/golden/tokenizer.tsv), each rule by itself,
 * truncation, long and hostile texts, hostile vocabulary sections.  Run in the repository's root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"
#include "support/random.h"
#include "tokenizer.h"
#include "vocab_writer.h"

#define GOLDEN_VOCAB "test/golden/vocab.txt"
#define GOLDEN_IDS "test/golden/tokenizer.tsv"

/* A vocabulary with what it lies in. */
struct opened {
    struct rlv_vocab vocab;
    uint8_t *section;
    uint64_t len;
};

/* ---- support ---- */

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *bytes;
    long size;

    if (f == NULL)
        fail_msg("cannot open %s: run the tests in the repository's root", path);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size = ftell(f);
    rewind(f);
    bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
    fclose(f);
    bytes[size] = 0;
    *len = (size_t)size;
    return bytes;
}

static uint32_t id_of(const struct rlv_vocab *v, const char *token)
{
    int32_t id = rlv_vocab_find(v, (const uint8_t *)token, strlen(token));

    if (id < 0)
        fail_msg("no token %s", token);
    return (uint32_t)id;
}

static void name_specials(struct rlv_vocab *v, uint32_t flags)
{
    v->flags = flags;
    v->pad_id = id_of(v, "[PAD]");
    v->unk_id = id_of(v, "[UNK]");
    v->cls_id = id_of(v, "[CLS]");
    v->sep_id = id_of(v, "[SEP]");
    v->mask_id = id_of(v, "[MASK]");
}

/* From the text of a vocab.txt. */
static void open_text(struct opened *o, const char *text, size_t len)
{
    struct vocab_entry *tokens = NULL;
    uint32_t n = 0;
    uint64_t position;

    assert_null(vocab_split(text, len, &tokens, &n));
    assert_null(vocab_write(tokens, n, &o->section, &o->len));
    free(tokens);
    assert_null(rlv_vocab_open(&o->vocab, o->section, o->len, &position));
    assert_int_equal(o->vocab.token_n, n);
}

static const char small_text[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
    "a\nb\nun\n##aff\n##able\n##a\n##b\ncafe\nCafe\ncaf\xc3\xa9\n[\n]\n.\nsep\nSEP\n"
    "\xe4\xb8\xad\n\xe4\xb8\xad\xe5\x9b\xbd\n\xe5\x9b\xbd\nshoe\n##s\n#\n\xc3\xa9\n##\xc3\xa9\n";

static void open_small(struct opened *o, uint32_t flags)
{
    open_text(o, small_text, sizeof small_text - 1);
    name_specials(&o->vocab, flags);
}

/* The tokens of 'text', joined by spaces, are 'want'. */
static void expect_bytes(const struct rlv_vocab *v, int parse, const char *text, size_t len,
                         const char *want)
{
    int32_t ids[64];
    size_t n = rlv_wordpiece(v, text, len, parse, ids, 64), at = 0;
    char got[1024];

    assert_true(n <= 64);
    for (size_t i = 0; i < n; i++) {
        uint32_t from = v->offsets[ids[i]], token_len = v->offsets[ids[i] + 1] - from;
        if (i > 0)
            got[at++] = ' ';
        memcpy(got + at, v->blob + from, token_len);
        at += token_len;
    }
    got[at] = 0;
    assert_string_equal(got, want);
}

static void expect(const struct rlv_vocab *v, const char *text, const char *want)
{
    expect_bytes(v, 0, text, strlen(text), want);
}

/* ---- golden ids ---- */

static int hex(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Undo the generator's escapes, in place; returns the length. */
static size_t unescape(char *s)
{
    char *to = s;
    const char *from = s;

    while (*from != 0) {
        if (*from != '\\') {
            *to++ = *from++;
        } else if (from[1] == '\\') {
            *to++ = '\\';
            from += 2;
        } else {
            *to++ = (char)(hex(from[2]) << 4 | hex(from[3]));
            from += 4;
        }
    }
    return (size_t)(to - s);
}

static char *cut(char **rest, char at)
{
    char *field = *rest, *end = strchr(field, at);

    if (end != NULL)
        *end++ = 0;
    *rest = end != NULL ? end : field + strlen(field);
    return field;
}

static size_t encode_pair(const struct rlv_vocab *v, int parse, size_t max_length, const char *a,
                          size_t a_len, const char *b, size_t b_len, int32_t *out)
{
    int32_t ids_a[1024], ids_b[1024];
    size_t a_n = rlv_wordpiece(v, a, a_len, parse, ids_a, 1024), kept_a;
    size_t b_n = rlv_wordpiece(v, b, b_len, parse, ids_b, 1024), kept_b, n = 0;

    rlv_truncate_pair(a_n, b_n, max_length - 3, &kept_a, &kept_b);
    out[n++] = (int32_t)v->cls_id;
    for (size_t i = 0; i < kept_a; i++)
        out[n++] = ids_a[i];
    out[n++] = (int32_t)v->sep_id;
    for (size_t i = 0; i < kept_b; i++)
        out[n++] = ids_b[i];
    out[n++] = (int32_t)v->sep_id;
    return n;
}

static void check_golden_line(struct rlv_vocab *v, char *line, int number)
{
    uint32_t flags = (uint32_t)atoi(cut(&line, '\t'));
    int parse = atoi(cut(&line, '\t')), max_length = atoi(cut(&line, '\t'));
    char *a = cut(&line, '\t'), *b = cut(&line, '\t');
    size_t a_len = unescape(a), b_len = unescape(b), n, at = 0;
    int32_t ids[2048];

    v->flags = flags;
    if (max_length == 0)
        n = rlv_wordpiece(v, a, a_len, parse, ids, 2048);
    else
        n = encode_pair(v, parse, (size_t)max_length, a, a_len, b, b_len, ids);
    while (*line != 0) {
        int32_t want = atoi(cut(&line, ' '));
        if (at >= n || ids[at] != want)
            fail_msg("%s line %d: token %zu is %d, not %d", GOLDEN_IDS, number, at,
                     at < n ? ids[at] : -1, want);
        at++;
    }
    if (at != n)
        fail_msg("%s line %d: %zu tokens, not %zu", GOLDEN_IDS, number, n, at);
}

static void golden_ids(void **state)
{
    struct opened o;
    size_t len;
    char *text = read_file(GOLDEN_VOCAB, &len), *rest;
    int number = 0, checked = 0;

    (void)state;
    open_text(&o, text, len);
    free(text);
    name_specials(&o.vocab, 0);
    text = rest = read_file(GOLDEN_IDS, &len);
    while (*rest != 0) {
        char *line = cut(&rest, '\n');
        number++;
        if (line[0] == '#')
            continue;
        check_golden_line(&o.vocab, line, number);
        checked++;
    }
    assert_true(checked > 1000);
    free(text);
    free(o.section);
}

/* ---- rules ---- */

static void pieces_are_matched_longest_first(void **state)
{
    struct opened o;

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    expect(&o.vocab, "unaffable", "un ##aff ##able");
    expect(&o.vocab, "UNAFFABLE a", "un ##aff ##able a");
    expect(&o.vocab, "ab ba aab", "a ##b b ##a a ##a ##b");
    expect(&o.vocab, "unaffablex a", "[UNK] a"); /* an unmatched rest spoils the whole word */
    expect(&o.vocab, "xun", "[UNK]");
    expect(&o.vocab, "##s", "# # [UNK]"); /* typed "##" is punctuation, no piece mark */
    expect(&o.vocab, "", "");
    expect(&o.vocab, " \t\r\n", "");
    assert_int_equal(rlv_wordpiece(&o.vocab, NULL, 0, 0, NULL, 0), 0);
    assert_int_equal(rlv_wordpiece(&o.vocab, NULL, 0, 1, NULL, 0), 0);
    free(o.section);
}

static void text_is_normalised(void **state)
{
    struct opened o;

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    expect(&o.vocab, "Caf\xc3\xa9", "cafe");
    expect(&o.vocab, "CAFE\xcc\x81", "cafe");
    expect(&o.vocab,
           "a\xe2\x80\x8b"
           "b",
           "a ##b"); /* ZERO WIDTH SPACE vanishes */
    expect(&o.vocab,
           "a\xc2\xad"
           "b",
           "a ##b"); /* SOFT HYPHEN too */
    expect(&o.vocab,
           "a\xc2\xa0"
           "b",
           "a b"); /* NO-BREAK SPACE is a space */
    expect(&o.vocab,
           "a\xe3\x80\x80"
           "b",
           "a b"); /* IDEOGRAPHIC SPACE */
    expect(&o.vocab, "a.b", "a . b");
    expect(&o.vocab, "a\xe4\xb8\xad\xe5\x9b\xbd", "a \xe4\xb8\xad \xe5\x9b\xbd");
    expect_bytes(&o.vocab, 0, "a\0b", 3, "a ##b"); /* NUL vanishes */
    free(o.section);
}

static void flags_of_a_cased_vocabulary(void **state)
{
    struct opened o;

    (void)state;
    open_small(&o, RLV_CONFIG_SPLIT_CJK);
    expect(&o.vocab, "Cafe cafe CAFE", "Cafe cafe [UNK]");
    expect(&o.vocab, "caf\xc3\xa9", "caf\xc3\xa9");
    o.vocab.flags = RLV_CONFIG_LOWERCASE;
    expect(&o.vocab, "CAF\xc3\x89", "caf\xc3\xa9");
    expect(&o.vocab, "\xe4\xb8\xad\xe5\x9b\xbd", "\xe4\xb8\xad\xe5\x9b\xbd");
    o.vocab.flags = RLV_CONFIG_STRIP_ACCENTS;
    expect(&o.vocab, "Caf\xc3\xa9 A", "Cafe [UNK]");
    o.vocab.flags = 0;
    expect(&o.vocab, "e\xcc\x81", "[UNK]"); /* nothing is composed */
    free(o.section);
}

static void invalid_bytes_vanish(void **state)
{
    static const char *const odd[] = {
        "\xff",     "\xc0\x80",     "\xed\xa0\x80",     "\xf4\x90\x80\x80", "\xe2\x82",
        "\x80",     "\xe0\x80\x80", "\xf0\x9f\x98",     "\xf8\x88\x80\x80", "\xc3",
        "\xf0\x80", "\xef\xbf\xbd", "\xf4\x9f\xbf\xbf", /* and the letter a, too long: */
        "\xc1\xa1", "\xe0\x81\xa1", "\xf0\x80\x81\xa1"};
    struct opened o;

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        char text[16];
        snprintf(text, sizeof text, "a%sb", odd[i]);
        expect(&o.vocab, text, "a ##b");
        snprintf(text, sizeof text, "a%s", odd[i]);
        expect(&o.vocab, text, "a");
    }
    free(o.section);
}

static void control_tokens(void **state)
{
    struct opened o;

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    expect_bytes(&o.vocab, 0, "a[SEP]b", 7, "a [ sep ] b");
    expect_bytes(&o.vocab, 1, "a[SEP]b", 7, "a [SEP] b");
    expect_bytes(&o.vocab, 1, "[sep]", 5, "[ sep ]");
    expect_bytes(&o.vocab, 1, "[[CLS]]", 7, "[ [CLS] ]");
    expect_bytes(&o.vocab, 1, "[SEP", 4, "[ sep");
    expect_bytes(&o.vocab, 1, "[PAD][UNK][MASK]", 16, "[PAD] [UNK] [MASK]");
    expect_bytes(&o.vocab, 1, "un[SEP]affable", 14, "un [SEP] [UNK]");
    o.vocab.flags = RLV_CONFIG_SPLIT_CJK;
    expect_bytes(&o.vocab, 0, "[SEP]", 5, "[ SEP ]");
    /* Of two that begin alike the longer counts, in whatever order they are. */
    o.vocab.pad_id = id_of(&o.vocab, "\xe4\xb8\xad");
    o.vocab.mask_id = id_of(&o.vocab, "\xe4\xb8\xad\xe5\x9b\xbd");
    for (int i = 0; i < 2; i++) {
        uint32_t pad = o.vocab.pad_id;

        expect_bytes(&o.vocab, 1, "\xe4\xb8\xad\xe5\x9b\xbd\xe4\xb8\xad", 9,
                     "\xe4\xb8\xad\xe5\x9b\xbd \xe4\xb8\xad");
        o.vocab.pad_id = o.vocab.mask_id;
        o.vocab.mask_id = pad;
    }
    free(o.section);
}

static void words_of_a_hundred_characters(void **state)
{
    struct opened o;
    char text[512] = "";
    int32_t ids[256];

    (void)state;
    open_small(&o, 0);
    memset(text, 'a', 101);
    assert_int_equal(rlv_wordpiece(&o.vocab, text, 100, 0, ids, 256), 100);
    assert_int_equal(rlv_wordpiece(&o.vocab, text, 101, 0, ids, 256), 1);
    assert_int_equal(ids[0], o.vocab.unk_id);
    for (int i = 0; i < 101; i++)
        memcpy(text + 2 * i, "\xc3\xa9", 2); /* characters count, not bytes */
    assert_int_equal(rlv_wordpiece(&o.vocab, text, 200, 0, ids, 256), 100);
    assert_int_equal(rlv_wordpiece(&o.vocab, text, 202, 0, ids, 256), 1);
    free(o.section);
}

static void ids_beyond_the_capacity_are_counted(void **state)
{
    struct opened o;
    int32_t ids[4] = {-7, -7, -7, -7};

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    assert_int_equal(rlv_wordpiece(&o.vocab, "a b a b a", 9, 0, ids, 3), 5);
    assert_int_equal(ids[2], id_of(&o.vocab, "a"));
    assert_int_equal(ids[3], -7);
    assert_int_equal(rlv_wordpiece(&o.vocab, "abab abx", 8, 0, NULL, 0), 5);
    /* pieces that are given back for an [UNK] */
    assert_int_equal(rlv_wordpiece(&o.vocab, "abx a", 5, 0, ids, 2), 2);
    assert_int_equal(ids[0], o.vocab.unk_id);
    assert_int_equal(ids[1], id_of(&o.vocab, "a"));
    free(o.section);
}

/* ---- truncation ---- */

static void truncation_examples(void **state)
{
    static const size_t cases[][5] = {{3, 30, 13, 3, 10}, {20, 4, 13, 9, 4},  {10, 10, 13, 6, 7},
                                      {13, 30, 13, 6, 7}, {40, 1, 13, 12, 1}, {7, 8, 13, 6, 7},
                                      {30, 13, 13, 7, 6}, {0, 0, 13, 0, 0},   {5, 8, 13, 5, 8},
                                      {9, 9, 0, 0, 0},    {1, 1, 1, 0, 1},    {0, 9, 1, 0, 1},
                                      {9, 0, 1, 1, 0},    {2, 1, 1, 1, 0}};
    const size_t huge = SIZE_MAX;
    size_t a, b;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rlv_truncate_pair(cases[i][0], cases[i][1], cases[i][2], &a, &b);
        assert_int_equal(a, cases[i][3]);
        assert_int_equal(b, cases[i][4]);
    }
    rlv_truncate_pair(huge, huge, 13, &a, &b);
    assert_true(a == 6 && b == 7);
    rlv_truncate_pair(huge, 3, huge, &a, &b);
    assert_true(a == huge - 3 && b == 3);
}

/* "Longest first" as it was first defined: take one token at a time from the longer text. */
static void truncation_equals_one_at_a_time(void **state)
{
    (void)state;
    for (size_t a_n = 0; a_n <= 40; a_n++)
        for (size_t b_n = 0; b_n <= 40; b_n++)
            for (size_t budget = 0; budget <= 85; budget++) {
                size_t a, b, want_a = a_n, want_b = b_n;

                while (want_a + want_b > budget) {
                    /* On a tie the text that was the shorter one gives way; the first, if equal. */
                    if (want_a > want_b || (want_a == want_b && a_n <= b_n))
                        want_a--;
                    else
                        want_b--;
                }
                rlv_truncate_pair(a_n, b_n, budget, &a, &b);
                assert_int_equal(a, want_a);
                assert_int_equal(b, want_b);
            }
}

/* ---- long and hostile texts ---- */

static void long_texts(void **state)
{
    const size_t len = 19999998; /* a multiple of 2 and of 6 */
    char *text = malloc(len);
    struct opened o;
    int32_t ids[8];

    (void)state;
    assert_non_null(text);
    open_small(&o, RLV_CONFIG_ALL);
    memset(text, 'a', len); /* one word */
    assert_int_equal(rlv_wordpiece(&o.vocab, text, len, 0, ids, 8), 1);
    for (size_t i = 1; i < len; i += 2)
        text[i] = '.';
    assert_int_equal(rlv_wordpiece(&o.vocab, text, len, 0, ids, 8), len);
    for (size_t i = 0; i < len; i += 2)
        memcpy(text + i, "\xcc\x81", 2); /* marks that vanish */
    assert_int_equal(rlv_wordpiece(&o.vocab, text, len, 0, ids, 8), 0);
    for (size_t i = 0; i < len; i += 6)
        memcpy(text + i, "\xe3\x80\xaf\xe3\x80\xae", 6); /* marks that stay, out of order */
    assert_int_equal(rlv_wordpiece(&o.vocab, text, len, 0, ids, 8), 1);
    memset(text, '[', len);
    assert_int_equal(rlv_wordpiece(&o.vocab, text, len, 1, ids, 8), len);
    free(text);
    free(o.section);
}

static size_t random_text(struct rng *r, char *text, size_t cap)
{
    static const char *const parts[] = {"a",
                                        "b",
                                        " ",
                                        "[SEP]",
                                        "\xcc\x81",
                                        "\xe3\x80\xae",
                                        "\xe4\xb8\xad",
                                        "\xf0\x9d\x85\xa0",
                                        ".",
                                        "unaff",
                                        "\xed\x95\x9c"};
    size_t len = 0;

    while (len + 8 < cap) {
        if (rng_below(r, 4) == 0) {
            text[len++] = (char)rng_u64(r);
        } else {
            const char *part = parts[rng_below(r, sizeof parts / sizeof parts[0])];
            memcpy(text + len, part, strlen(part));
            len += strlen(part);
        }
    }
    return len;
}

/* No byte beyond the text is read, and a space divides a text into two independent ones. */
static void random_texts(void **state)
{
    struct rng r;
    struct opened o;

    (void)state;
    rng_seed(&r, "test_tokenizer");
    open_small(&o, 0);
    for (int i = 0; i < 20000; i++) {
        char a[128], b[128];
        size_t a_len = random_text(&r, a, 16 + rng_below(&r, 100));
        size_t b_len = random_text(&r, b, 16 + rng_below(&r, 100)), n, n_a, n_b;
        int32_t whole[1024], parts[1024];
        char *exact = malloc(a_len + 1 + b_len);
        int parse = (int)(rng_u64(&r) >> 63);

        assert_non_null(exact);
        o.vocab.flags = (uint32_t)rng_below(&r, 8);
        memcpy(exact, a, a_len);
        exact[a_len] = ' ';
        memcpy(exact + a_len + 1, b, b_len);
        n = rlv_wordpiece(&o.vocab, exact, a_len + 1 + b_len, parse, whole, 1024);
        n_a = rlv_wordpiece(&o.vocab, a, a_len, parse, parts, 1024);
        n_b = rlv_wordpiece(&o.vocab, b, b_len, parse, parts + n_a, 1024 - n_a);
        assert_int_equal(n, n_a + n_b);
        assert_memory_equal(whole, parts, n * sizeof whole[0]);
        free(exact);
    }
    free(o.section);
}

/* ---- vocabulary ---- */

static void vocabulary_lines(void **state)
{
    static const char text[] = "[UNK]\na \nb\xe3\x80\x80\t\n\na\r\nc\xc2\xa0\xe2\x80\xa8\n a\nlast";
    static const char *const want[] = {"[UNK]", "a", "b", "", "a", "c", " a", "last"};
    struct vocab_entry *tokens;
    uint32_t n;

    (void)state;
    assert_null(vocab_split(text, sizeof text - 1, &tokens, &n));
    assert_int_equal(n, 8);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(tokens[i].len, strlen(want[i]));
        assert_memory_equal(tokens[i].bytes, want[i], tokens[i].len);
    }
    free(tokens);
    assert_null(vocab_split("a\nb\n", 4, &tokens, &n)); /* no empty token at the end */
    assert_int_equal(n, 2);
    free(tokens);
    assert_non_null(vocab_split("", 0, &tokens, &n));
}

static void tokens_are_found(void **state)
{
    struct opened o;
    size_t len;
    char *text = read_file(GOLDEN_VOCAB, &len);

    (void)state;
    open_text(&o, text, len);
    for (uint32_t id = 0; id < o.vocab.token_n; id++)
        assert_int_equal(rlv_vocab_find(&o.vocab, o.vocab.blob + o.vocab.offsets[id],
                                        o.vocab.offsets[id + 1] - o.vocab.offsets[id]),
                         id);
    assert_int_equal(rlv_vocab_find(&o.vocab, (const uint8_t *)"nosuchtoken", 11), -1);
    assert_int_equal(rlv_vocab_find(&o.vocab, NULL, 0), -1);
    assert_int_equal(rlv_vocab_find(&o.vocab, (const uint8_t *)text, len), -1);
    free(text);
    free(o.section);
    open_text(&o, "x\ny\nx\n", 6); /* of equal tokens the last is found */
    assert_int_equal(rlv_vocab_find(&o.vocab, (const uint8_t *)"x", 1), 2);
    free(o.section);
}

static void writer_refuses(void **state)
{
    static const uint8_t bytes[RLV_MAX_TOKEN_LEN + 1];
    struct vocab_entry entry = {bytes, RLV_MAX_TOKEN_LEN + 1};
    uint8_t *section = NULL;
    uint64_t len;

    (void)state;
    assert_non_null(vocab_write(&entry, 1, &section, &len));
    assert_non_null(vocab_write(&entry, 0, &section, &len));
    assert_null(section);
    entry.len = RLV_MAX_TOKEN_LEN;
    assert_null(vocab_write(&entry, 1, &section, &len));
    free(section);
}

/* Whatever rlv_vocab_open() lets through must be safe to use; run under sanitizers. */
static int try_section(const void *bytes, uint64_t len)
{
    static const char text[] = "unaffable Caf\xc3\xa9 a.b \xe4\xb8\xad\xe5\x9b\xbd [SEP] shoes xyz";
    struct rlv_vocab v;
    uint64_t position = UINT64_MAX;
    int32_t ids[32];
    size_t n;

    if (rlv_vocab_open(&v, bytes, len, &position) != NULL) {
        assert_true(position <= len);
        return 0;
    }
    v.flags = RLV_CONFIG_ALL;
    v.pad_id = v.unk_id = v.cls_id = v.sep_id = v.mask_id = v.token_n - 1;
    for (int parse = 0; parse < 2; parse++) {
        n = rlv_wordpiece(&v, text, sizeof text - 1, parse, ids, 32);
        for (size_t i = 0; i < n && i < 32; i++)
            assert_in_range(ids[i], 0, v.token_n - 1);
    }
    (void)rlv_vocab_find(&v, (const uint8_t *)"", 0);
    return 1;
}

static void damaged_sections(void **state)
{
    struct opened o;
    unsigned opened_n = 0, tried = 0;

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    for (uint64_t i = 0; i < o.len; i++) {
        uint8_t *copy = malloc(o.len);
        const uint8_t was = o.section[i],
                      values[3] = {0xff, (uint8_t)(was + 1), (uint8_t)(was ^ 0x80)};

        assert_non_null(copy);
        memcpy(copy, o.section, o.len);
        for (int k = 0; k < 3; k++, tried++) {
            copy[i] = values[k];
            opened_n += (unsigned)try_section(copy, o.len);
        }
        free(copy);
    }
    assert_true(opened_n > 0 && opened_n < tried); /* both outcomes were seen */
    free(o.section);
}

static void truncated_sections(void **state)
{
    struct opened o;

    (void)state;
    open_small(&o, RLV_CONFIG_ALL);
    for (uint64_t len = 0; len < o.len; len++) {
        uint8_t *copy = malloc(len + (len == 0));

        assert_non_null(copy);
        memcpy(copy, o.section, len);
        assert_int_equal(try_section(copy, len), 0);
        free(copy);
    }
    free(o.section);
}

/* A table whose slots are all used in a row would make each look-up slow, or endless. */
static void crowded_tables_are_refused(void **state)
{
    enum { TOKENS = 2048, SLOTS = 2 * TOKENS };
    const size_t len = 16 + (TOKENS + 1) * 4 + SLOTS * 8;
    uint32_t *words = calloc(len / 4, 4);
    uint64_t position;
    struct rlv_vocab v;

    (void)state;
    assert_non_null(words);
    words[0] = TOKENS;
    words[2] = SLOTS;
    for (uint32_t used = 0; used <= SLOTS; used += RLV_MAX_PROBES / 4) {
        uint32_t *slot = words + 4 + TOKENS + 1;
        for (uint32_t i = 0; i < SLOTS; i++) /* the run goes over the table's end */
            slot[2 * ((i + SLOTS - 64) % SLOTS) + 1] = i < used ? i % TOKENS : RLV_EMPTY_SLOT;
        if (used <= RLV_MAX_PROBES)
            assert_null(rlv_vocab_open(&v, words, len, &position));
        else
            assert_non_null(rlv_vocab_open(&v, words, len, &position));
    }
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_ids),
        cmocka_unit_test(pieces_are_matched_longest_first),
        cmocka_unit_test(text_is_normalised),
        cmocka_unit_test(flags_of_a_cased_vocabulary),
        cmocka_unit_test(invalid_bytes_vanish),
        cmocka_unit_test(control_tokens),
        cmocka_unit_test(words_of_a_hundred_characters),
        cmocka_unit_test(ids_beyond_the_capacity_are_counted),
        cmocka_unit_test(truncation_examples),
        cmocka_unit_test(truncation_equals_one_at_a_time),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(random_texts),
        cmocka_unit_test(vocabulary_lines),
        cmocka_unit_test(tokens_are_found),
        cmocka_unit_test(writer_refuses),
        cmocka_unit_test(damaged_sections),
        cmocka_unit_test(truncated_sections),
        cmocka_unit_test(crowded_tables_are_refused),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
