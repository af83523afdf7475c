/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_wordpiece.c - see compare_wordpiece.h.
 */
#include "compare_wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

static const char small[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nA\nz\n##a\n##b\n##aa\nshoe\n##s\n##e\nsh\nrun\n##ning\n.\n"
    "[\n]\nsep\nSEP\ncls\n\xc3\xa9\ne\n##e\n##\xc3\xa9\n\xe4\xb8\xad\n\xe4\xb8\xad\xe5\x9b\xbd\n\xe5\x9b\xbd\n"
    "\xe3\x80\xae\n##\xe3\x80\xae\n##\xe3\x80\xad\n\xe1\x84\x92\n##\xe1\x85\xa1\n##\xe1\x86\xab\n"
    "\xe3\x82\xab\n##\xe3\x83\x9d\n##\xcc\x87\ni\n\xf0\x9f\x91\x9f\n##9\n9\na\n";

static char *read_golden(size_t *len)
{
    FILE *f = fopen("test/golden/vocab.txt", "rb");
    char *text = malloc(1 << 20);
    if (text == NULL)
        abort();
    *len = f != NULL ? fread(text, 1, 1 << 20, f) : 0;
    if (f != NULL)
        fclose(f);
    return text;
}

static void open_one(struct compare_wordpiece *c, int i, const char *text, size_t len)
{
    uint32_t n = 0;
    uint64_t section_len = 0, position;
    struct rlv_vocab *v = &c->fast[i];
    if (vocab_split(text, len, &c->tokens[i], &n) != NULL ||
        vocab_write(c->tokens[i], n, &c->sections[i], &section_len) != NULL ||
        rlv_vocab_open(v, c->sections[i], section_len, &position) != NULL)
        abort();
    slow_open(&c->slow[i], c->tokens[i], n, 0);
    v->pad_id = c->slow[i].controls[0].id;
    v->unk_id = c->slow[i].controls[1].id;
    v->cls_id = c->slow[i].controls[2].id;
    v->sep_id = c->slow[i].controls[3].id;
    v->mask_id = c->slow[i].controls[4].id;
}

void compare_open(struct compare_wordpiece *c)
{
    size_t len;
    memset(c, 0, sizeof *c);
    c->text = read_golden(&len);
    open_one(c, 0, small, sizeof small - 1);
    open_one(c, 1, len != 0 ? c->text : small, len != 0 ? len : sizeof small - 1);
}

void compare_close(struct compare_wordpiece *c)
{
    for (int i = 0; i < 2; i++) {
        slow_close(&c->slow[i]);
        free(c->sections[i]);
        free(c->tokens[i]);
    }
    free(c->text);
}

/* Most tokens that a text can have: a character of two bytes or more decomposes into at most three
 * that stay, each a token. */
static size_t most_tokens(size_t len) { return 2 * len; }

static const char *check_halves(const struct rlv_vocab *v, const uint8_t *text, size_t len,
                                int parse, size_t at)
{
    size_t cut = len != 0 ? at % (len + 1) : 0;
    uint8_t *joined = malloc(len + 1);
    int32_t *ids = malloc((most_tokens(len) + 1) * sizeof *ids),
            *parts = malloc((most_tokens(len) + 1) * sizeof *parts);
    size_t n, first, second;
    const char *wrong = NULL;
    if (joined == NULL || ids == NULL || parts == NULL)
        abort();
    if (len != 0) {
        memcpy(joined, text, cut);
        memcpy(joined + cut + 1, text + cut, len - cut);
    }
    joined[cut] = ' ';
    n = rlv_wordpiece(v, (const char *)joined, len + 1, parse, ids, most_tokens(len) + 1);
    first = rlv_wordpiece(v, (const char *)joined, cut, parse, parts, most_tokens(len) + 1);
    second = rlv_wordpiece(v, (const char *)joined + cut + 1, len - cut, parse, parts + first,
                           most_tokens(len) + 1 - first);
    if (n != first + second || memcmp(ids, parts, n * sizeof *ids) != 0)
        wrong = "two halves with a space between them give other ids than the whole";
    free(parts);
    free(ids);
    free(joined);
    return wrong;
}

/* The same ids with the places that they come from. */
static const char *check_origins(const struct rlv_vocab *v, const uint8_t *text, size_t len,
                                 int parse, const int32_t *ids, size_t n)
{
    size_t cap = n + 1;
    int32_t *again = malloc(cap * sizeof *again);
    struct rlv_origin *origins = malloc(cap * sizeof *origins);
    const char *wrong = NULL;
    if (again == NULL || origins == NULL)
        abort();
    if (rlv_wordpiece_origins(v, (const char *)text, len, parse, again, origins, cap) != n ||
        memcmp(again, ids, n * sizeof *ids) != 0)
        wrong = "other ids where their origins are asked for";
    for (size_t i = 0; i < n && wrong == NULL; i++)
        if (origins[i].begin >= origins[i].end || origins[i].end > len || origins[i].inside > 1 ||
            (i == 0 && origins[i].inside))
            wrong = "an origin outside of the text";
    free(origins);
    free(again);
    return wrong;
}

const char *compare_wordpiece(struct compare_wordpiece *c, const uint8_t *text, size_t len,
                              unsigned mode, size_t at)
{
    int which = mode >> 4 & 1, parse = mode >> 3 & 1;
    struct rlv_vocab *v = &c->fast[which];
    size_t cap = most_tokens(len) + 1, n, small_cap, slow_n;
    int32_t *ids = malloc(cap * sizeof *ids), *few = malloc(cap * sizeof *few), *slow = NULL;
    const char *wrong = NULL;
    if (ids == NULL || few == NULL)
        abort();
    v->flags = c->slow[which].flags = mode & RLV_CONFIG_ALL;
    n = rlv_wordpiece(v, (const char *)text, len, parse, ids, cap);
    slow_n = slow_wordpiece(&c->slow[which], text, len, parse, &slow);
    if (n > most_tokens(len)) {
        wrong = "more tokens than the text can have";
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= v->token_n)
            wrong = "an id is out of range";
    small_cap = n != 0 ? at % n : 0;
    memset(few, 0x77, cap * sizeof *few);
    if (rlv_wordpiece(v, (const char *)text, len, parse, few, small_cap) != n)
        wrong = "the count depends on the buffer's size";
    if (memcmp(few, ids, small_cap * sizeof *few) != 0)
        wrong = "the ids depend on the buffer's size";
    if (few[small_cap] != 0x77777777)
        wrong = "an id was written beyond the buffer";
    if (slow_n != n || (n != 0 && memcmp(ids, slow, n * sizeof *ids) != 0))
        wrong = "the slow tokenizer gives other ids";
    if (wrong == NULL)
        wrong = check_origins(v, text, len, parse, ids, n);
    if (wrong == NULL)
        wrong = check_halves(v, text, len, parse, at);
done:
    free(slow);
    free(few);
    free(ids);
    return wrong;
}
