/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenizer_driver.c - lib/tokenizer.c behind a pipe, for tools/parity/tokenizer_parity.py.
 *
 * Usage: tokenizer_driver VOCAB.TXT FLAGS        FLAGS of enum rlv_config_flags, decimal
 *        tokenizer_driver VOCAB.TXT FLAGS time FILE   (lines "query TAB product": us per pair)
 *
 * Numbers on the pipe are 32-bit little-endian.  A batch: its size, then for each text
 *     max_length  parse_special  a_len  b_len  a  b
 * with max_length 0 for text a alone, without special tokens; else "[CLS] a [SEP] b [SEP]" cut to
 * max_length.  All of a batch is read before the answer is written: for each text the number of ids
 * and the ids.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../lib/tokenizer.h"
#include "../vocab_writer.h"

struct buffer {
    uint8_t *bytes;
    size_t len, cap;
};

static void die(const char *why)
{
    fprintf(stderr, "tokenizer_driver: %s\n", why);
    exit(2);
}

static uint8_t *grow(struct buffer *b, size_t more)
{
    if (b->bytes == NULL || b->len + more > b->cap) {
        b->cap = (b->len + more) * 2 + 64;
        b->bytes = realloc(b->bytes, b->cap);
        if (b->bytes == NULL)
            die("out of memory");
    }
    b->len += more;
    return b->bytes + b->len - more;
}

static void read_file(const char *path, struct buffer *b)
{
    FILE *f = fopen(path, "rb");
    size_t got;

    if (f == NULL)
        die("cannot open a file");
    do {
        uint8_t *to = grow(b, 65536);
        got = fread(to, 1, 65536, f);
        b->len -= 65536 - got;
    } while (got > 0);
    fclose(f);
}

static uint32_t special(const struct rlv_vocab *v, const char *name)
{
    int32_t id = rlv_vocab_find(v, (const uint8_t *)name, strlen(name));

    if (id < 0)
        die("the vocabulary lacks a special token");
    return (uint32_t)id;
}

static void open_vocab(const char *path, uint32_t flags, struct rlv_vocab *v)
{
    struct buffer text = {0};
    struct vocab_entry *tokens;
    uint8_t *section;
    uint32_t n;
    uint64_t len, position;
    const char *wrong;

    read_file(path, &text);
    if ((wrong = vocab_split(text.bytes, text.len, &tokens, &n)) != NULL ||
        (wrong = vocab_write(tokens, n, &section, &len)) != NULL ||
        (wrong = rlv_vocab_open(v, section, len, &position)) != NULL)
        die(wrong);
    free(tokens);
    free(text.bytes);
    v->flags = flags;
    v->pad_id = special(v, "[PAD]");
    v->unk_id = special(v, "[UNK]");
    v->cls_id = special(v, "[CLS]");
    v->sep_id = special(v, "[SEP]");
    v->mask_id = special(v, "[MASK]");
}

static void put_ids(struct buffer *out, const int32_t *ids, size_t n)
{
    memcpy(grow(out, n * 4), ids, n * 4);
}

/* Texts of up to 'cap' tokens are asked for; all ids of a text are wanted. */
static void answer(const struct rlv_vocab *v, const uint32_t *head, const char *a,
                   struct buffer *out)
{
    const char *b = a + head[2];
    size_t cap_a = head[2] + 1, cap_b = (size_t)head[3] + 1, a_n, b_n, kept_a, kept_b;
    int32_t *ids_a = malloc(cap_a * 4 * 3), *ids_b = malloc(cap_b * 4 * 3);
    int32_t cls = (int32_t)v->cls_id, sep = (int32_t)v->sep_id, total;

    if (ids_a == NULL || ids_b == NULL)
        die("out of memory");
    a_n = kept_a = rlv_wordpiece(v, a, head[2], (int)head[1], ids_a, cap_a * 3);
    b_n = kept_b = rlv_wordpiece(v, b, head[3], (int)head[1], ids_b, cap_b * 3);
    if (a_n > cap_a * 3 || b_n > cap_b * 3)
        die("more tokens than three a byte");
    if (head[0] == 0) {
        total = (int32_t)a_n;
        put_ids(out, &total, 1);
        put_ids(out, ids_a, a_n);
    } else {
        rlv_truncate_pair(a_n, b_n, head[0] - 3, &kept_a, &kept_b);
        total = (int32_t)(kept_a + kept_b + 3);
        put_ids(out, &total, 1);
        put_ids(out, &cls, 1);
        put_ids(out, ids_a, kept_a);
        put_ids(out, &sep, 1);
        put_ids(out, ids_b, kept_b);
        put_ids(out, &sep, 1);
    }
    free(ids_a);
    free(ids_b);
}

static void serve(const struct rlv_vocab *v)
{
    struct buffer in = {0}, out = {0};
    uint32_t text_n, head[4];

    while (fread(&text_n, 4, 1, stdin) == 1) {
        in.len = out.len = 0;
        for (uint32_t i = 0; i < text_n; i++) {
            if (fread(head, 4, 4, stdin) != 4)
                die("short batch");
            memcpy(grow(&in, sizeof head), head, sizeof head);
            size_t len = (size_t)head[2] + head[3];
            if (fread(grow(&in, len), 1, len, stdin) != len)
                die("short batch");
        }
        const uint8_t *p = in.bytes;
        for (uint32_t i = 0; i < text_n; i++) {
            memcpy(head, p, sizeof head);
            p += sizeof head;
            answer(v, head, (const char *)p, &out);
            p += (size_t)head[2] + head[3];
        }
        if (fwrite(out.bytes, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
            die("cannot write");
    }
    free(in.bytes);
    free(out.bytes);
}

static double now(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* Best of 20 passes over all lines; the first two columns are the pair. */
static void time_pairs(const struct rlv_vocab *v, const char *path)
{
    struct buffer text = {0};
    double best = 1e30;
    size_t pair_n = 0, token_n = 0;

    read_file(path, &text);
    for (int pass = 0; pass < 20; pass++) {
        const char *p = (const char *)text.bytes, *end = p + text.len;
        double start = now();

        pair_n = token_n = 0;
        while (p < end) {
            int32_t ids[1024];
            const char *stop = memchr(p, '\n', (size_t)(end - p));
            const char *line_end = stop != NULL ? stop : end;
            const char *tab = memchr(p, '\t', (size_t)(line_end - p));
            if (tab == NULL)
                die("a line without TAB");
            const char *second = memchr(tab + 1, '\t', (size_t)(line_end - tab - 1));
            if (second == NULL)
                second = line_end;
            token_n += rlv_wordpiece(v, p, (size_t)(tab - p), 0, ids, 1024);
            token_n += rlv_wordpiece(v, tab + 1, (size_t)(second - tab - 1), 0, ids, 1024);
            pair_n++;
            p = line_end + 1;
        }
        if (now() - start < best)
            best = now() - start;
    }
    printf("%zu pairs, %.1f tokens a pair, %.2f us a pair, %.0f ns a token, %.1f MB/s\n", pair_n,
           (double)token_n / (double)pair_n, best / (double)pair_n, best * 1e3 / (double)token_n,
           (double)text.len / best);
    free(text.bytes);
}

int main(int argc, char **argv)
{
    struct rlv_vocab vocab;

    if (argc != 3 && !(argc == 5 && strcmp(argv[3], "time") == 0))
        die("usage: tokenizer_driver VOCAB.TXT FLAGS [time FILE]");
    open_vocab(argv[1], (uint32_t)strtoul(argv[2], NULL, 10), &vocab);
    if (argc == 5)
        time_pairs(&vocab, argv[4]);
    else
        serve(&vocab);
    return 0;
}
