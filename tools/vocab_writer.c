/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vocab_writer.c - vocab.txt to the vocabulary section of a model file.
 *
 * The section holds its own hash table, so that opening a model builds nothing.  The table is open
 * addressing with linear probing at a load of at most one half: a miss then reads 2.5 slots on
 * average (D. Knuth, The Art of Computer Programming 3, 6.4), and most probes of the tokenizer
 * miss.
 *
 * What a line of vocab.txt is follows the reference (tokenizers, WordPiece::read_file): lines() and
 * trim_end() of Rust, a later line replacing an earlier one with the same bytes.
 */
#include "vocab_writer.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "../lib/tokenizer.h"

/* Length of the White_Space character (Unicode 15, PropList.txt) that ends at p + len, or 0. */
static uint32_t space_at_end(const uint8_t *p, uint32_t len)
{
    const uint8_t *q = p + len;

    if (len >= 1 && (q[-1] == ' ' || (q[-1] >= 0x09 && q[-1] <= 0x0d)))
        return 1;
    if (len >= 2 && q[-2] == 0xc2 && (q[-1] == 0x85 || q[-1] == 0xa0)) /* U+0085, U+00A0 */
        return 2;
    if (len < 3)
        return 0;
    if (q[-3] == 0xe1 && q[-2] == 0x9a && q[-1] == 0x80) /* U+1680 */
        return 3;
    if (q[-3] == 0xe2 && q[-2] == 0x80) /* U+2000..200A, 2028, 2029, 202F */
        return (q[-1] >= 0x80 && q[-1] <= 0x8a) || q[-1] == 0xa8 || q[-1] == 0xa9 || q[-1] == 0xaf
                   ? 3
                   : 0;
    if (q[-3] == 0xe2 && q[-2] == 0x81 && q[-1] == 0x9f) /* U+205F */
        return 3;
    return q[-3] == 0xe3 && q[-2] == 0x80 && q[-1] == 0x80 ? 3 : 0; /* U+3000 */
}

static uint64_t count_lines(const uint8_t *p, uint64_t len)
{
    uint64_t n = len > 0 && p[len - 1] != '\n';

    for (uint64_t i = 0; i < len; i++)
        n += p[i] == '\n';
    return n;
}

const char *vocab_split(const void *text, uint64_t len, struct vocab_entry **tokens, uint32_t *n)
{
    const uint8_t *p = text, *end;
    struct vocab_entry *list;
    uint64_t line_n;

    if (len == 0)
        return "the vocabulary is empty";
    if (len > UINT32_MAX)
        return "the vocabulary is larger than 4 GB";
    line_n = count_lines(p, len);
    if (line_n > RLV_MAX_VOCAB)
        return "the vocabulary has too many lines";
    list = calloc((size_t)line_n, sizeof *list);
    if (list == NULL)
        return "out of memory";

    end = p + len;
    for (uint64_t i = 0; i < line_n; i++) {
        const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
        const uint8_t *stop = lf != NULL ? lf : end;
        uint32_t token_len = (uint32_t)(stop - p), cut;

        while ((cut = space_at_end(p, token_len)) > 0)
            token_len -= cut;
        list[i] = (struct vocab_entry){p, token_len};
        p = stop + 1;
    }
    *tokens = list;
    *n = (uint32_t)line_n;
    return NULL;
}

static void store_le32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)(v >> 16);
    p[3] = (uint8_t)(v >> 24);
}

static uint32_t token_hash(const struct vocab_entry *t)
{
    uint32_t h = RLV_HASH_START;

    for (uint32_t i = 0; i < t->len; i++)
        h = rlv_hash_byte(h, t->bytes[i]);
    return h;
}

static int same_token(const struct vocab_entry *a, const struct vocab_entry *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

/* Enter all tokens; a later one takes the slot of an earlier one with the same bytes. */
static void fill_slots(const struct vocab_entry *tokens, uint32_t n, struct rlv_vocab_slot *slots,
                       uint32_t slot_n)
{
    for (uint32_t i = 0; i < slot_n; i++)
        slots[i] = (struct rlv_vocab_slot){0, RLV_EMPTY_SLOT};
    for (uint32_t id = 0; id < n; id++) {
        uint32_t h = token_hash(&tokens[id]), at = h & (slot_n - 1);

        while (slots[at].id != RLV_EMPTY_SLOT &&
               (slots[at].hash != h || !same_token(&tokens[slots[at].id], &tokens[id])))
            at = (at + 1) & (slot_n - 1);
        slots[at] = (struct rlv_vocab_slot){h, id};
    }
}

/* The longest stretch of used slots, the end of the table joined to its start. */
static uint32_t longest_run(const struct rlv_vocab_slot *slots, uint32_t slot_n)
{
    uint32_t run = 0, longest = 0;

    for (uint64_t i = 0; i < 2 * (uint64_t)slot_n; i++) {
        run = slots[i & (slot_n - 1)].id == RLV_EMPTY_SLOT ? 0 : run + 1;
        if (run > longest)
            longest = run;
    }
    return longest;
}

static void store_section(const struct vocab_entry *tokens, uint32_t n,
                          const struct rlv_vocab_slot *slots, const struct rlv_vocab_header *h,
                          uint8_t *out)
{
    uint8_t *offset = out + sizeof *h, *slot = offset + ((size_t)n + 1) * 4;
    uint8_t *blob = slot + (size_t)h->slot_n * sizeof *slots;
    uint32_t at = 0;

    store_le32(out, h->token_n);
    store_le32(out + 4, h->max_token_len);
    store_le32(out + 8, h->slot_n);
    store_le32(out + 12, h->blob_len);
    for (uint32_t i = 0; i < n; i++) {
        store_le32(offset + (size_t)i * 4, at);
        if (tokens[i].len > 0)
            memcpy(blob + at, tokens[i].bytes, tokens[i].len);
        at += tokens[i].len;
    }
    store_le32(offset + (size_t)n * 4, at);
    for (uint32_t i = 0; i < h->slot_n; i++) {
        store_le32(slot + (size_t)i * 8, slots[i].hash);
        store_le32(slot + (size_t)i * 8 + 4, slots[i].id);
    }
}

/* Sizes of the section; returns NULL or what is wrong. */
static const char *measure(const struct vocab_entry *tokens, uint32_t n, struct rlv_vocab_header *h)
{
    uint64_t blob_len = 0;

    if (n == 0 || n > RLV_MAX_VOCAB)
        return "the vocabulary is empty or has too many tokens";
    *h = (struct rlv_vocab_header){.token_n = n, .slot_n = 2};
    for (uint32_t i = 0; i < n; i++) {
        if (tokens[i].len > RLV_MAX_TOKEN_LEN)
            return "a token of the vocabulary is too long";
        if (tokens[i].len > h->max_token_len)
            h->max_token_len = tokens[i].len;
        blob_len += tokens[i].len;
    }
    if (blob_len > UINT32_MAX)
        return "the vocabulary is larger than 4 GB";
    h->blob_len = (uint32_t)blob_len;
    while (h->slot_n < 2 * (uint64_t)n)
        h->slot_n *= 2;
    return NULL;
}

const char *vocab_write(const struct vocab_entry *tokens, uint32_t n, uint8_t **section,
                        uint64_t *len)
{
    struct rlv_vocab_header h;
    struct rlv_vocab_slot *slots = NULL;
    uint8_t *out = NULL;
    const char *wrong = measure(tokens, n, &h);
    uint64_t size;

    if (wrong != NULL)
        return wrong;
    size = sizeof h + ((uint64_t)n + 1) * 4 + (uint64_t)h.slot_n * sizeof *slots + h.blob_len;
    slots = malloc((size_t)h.slot_n * sizeof *slots);
    out = malloc((size_t)size);
    wrong = "out of memory";
    if (slots == NULL || out == NULL)
        goto fail;
    fill_slots(tokens, n, slots, h.slot_n);
    wrong = "the tokens collide too often in the hash table";
    if (longest_run(slots, h.slot_n) > RLV_MAX_PROBES)
        goto fail;
    store_section(tokens, n, slots, &h, out);
    free(slots);
    *section = out;
    *len = size;
    return NULL;

fail:
    free(slots);
    free(out);
    return wrong;
}
