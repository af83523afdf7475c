/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_convert.c - 'relevance convert' from end to end: every architecture and format read back with a
 * second reader (support/rlv_peek.c) and compared with the source; every refusal by its message and
 * exit status, leaving nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <relevance.h>

#include "convert.h"
#include "support/rlv_peek.h"
#include "support/tiny_hf.h"

/* Plain rounding, so that each weight is the nearest one: stands for these options. */
#define PLAIN "(plain)"
static const char *const plain[] = {"--calibrate", "none", NULL};

#define HIDDEN 40u
#define INNER 72u

static char dir[256];        /* the Hugging Face folder */
static char out_dir[256];    /* where the model file goes */
static char out[300], log_file[300];
static char message[4000];   /* what the last run printed on stderr */
static char report[16000];   /* ... and on stdout */

static int make_folders(void **state)
{
    (void)state;
    tiny_hf_folder(dir);
    tiny_hf_folder(out_dir);
    snprintf(out, sizeof out, "%s/out.rlv", out_dir);
    snprintf(log_file, sizeof log_file, "%s/.log", out_dir); /* hidden: not counted */
    return 0;
}

static int drop_folders(void **state)
{
    (void)state;
    tiny_hf_remove(dir);
    tiny_hf_remove(out_dir);
    return 0;
}

/* Point 'stream' at the log file; returns what it was, for restore(). */
static int redirect(FILE *stream)
{
    int old;

    fflush(stream);
    old = dup(fileno(stream));
    if (old < 0 || freopen(log_file, "wb", stream) == NULL)
        abort();
    return old;
}

static void restore(FILE *stream, int old, char *text, size_t cap)
{
    FILE *f;
    size_t n;

    fflush(stream);
    dup2(old, fileno(stream));
    close(old);
    f = fopen(log_file, "rb");
    n = fread(text, 1, cap - 1, f);
    text[n] = '\0';
    fclose(f);
    remove(log_file);
}

/* Run 'convert dir out' with these further words, up to a NULL. */
static int convert(const char *const *words)
{
    char *argv[24] = {(char *)"convert", dir, out};
    int argc = 3, status, old_out, old_err;
    char again[300];

    if (words != NULL && *words != NULL && strcmp(*words, PLAIN) == 0) {
        words++;
        for (const char *const *w = plain; *w != NULL; w++)
            argv[argc++] = (char *)*w;
    }
    for (; words != NULL && *words != NULL; words++)
        argv[argc++] = (char *)*words;
    old_out = redirect(stdout);
    snprintf(again, sizeof again, "%s", log_file);
    strcat(log_file, "2");
    old_err = redirect(stderr);
    status = convert_main(argc, argv);
    restore(stderr, old_err, message, sizeof message);
    strcpy(log_file, again);
    restore(stdout, old_out, report, sizeof report);
    return status;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_converted(const char *const *words)
{
    int status = convert(words);

    if (status != 0 || message[0] != '\0')
        fail_msg("status %d: %s", status, message);
    assert_int_equal(tiny_hf_count(out_dir), 1);
}

/* Status 2, 'expected' in the message, one line, and no file. */
static void assert_refused(const char *const *words, const char *expected)
{
    int status = convert(words);

    if (status != 2 || strstr(message, expected) == NULL)
        fail_msg("status %d, message '%s' lacks '%s'", status, message, expected);
    assert_int_equal(strncmp(message, "convert: ", 9), 0);
    assert_ptr_equal(strchr(message, '\n'), message + strlen(message) - 1);
    assert_string_equal(report, "");
    assert_int_equal(tiny_hf_count(out_dir), 0);
}

static void write_default(void)
{
    struct tiny_hf o = TINY_HF_DEFAULT;

    tiny_hf_write(dir, &o);
}

/* ---- what is written ---- */

/* Source value of element [i][j] of a linear layer of the network, or of its bias (j == UINT32_MAX). */
static float source(int bert, unsigned layer, unsigned part, uint32_t i, uint32_t j)
{
    static const char *const distilbert_qkv[] = {"attention.q_lin", "attention.k_lin",
                                                 "attention.v_lin"};
    static const char *const bert_qkv[] = {"attention.self.query", "attention.self.key",
                                           "attention.self.value"};
    const char *name = NULL;
    char full[100];
    uint32_t k = part == RLV_PART_FFN2 ? INNER : HIDDEN;

    switch (part) {
    case RLV_PART_QKV:
        name = (bert ? bert_qkv : distilbert_qkv)[i / HIDDEN];
        i %= HIDDEN;
        break;
    case RLV_PART_ATTENTION_OUT:
        name = bert ? "attention.output.dense" : "attention.out_lin";
        break;
    case RLV_PART_FFN1: name = bert ? "intermediate.dense" : "ffn.lin1"; break;
    case RLV_PART_FFN2: name = bert ? "output.dense" : "ffn.lin2"; break;
    default: break;
    }
    if (name != NULL)
        snprintf(full, sizeof full, "%s.layer.%u.%s.%s", bert ? "encoder" : "transformer", layer,
                 name, j == UINT32_MAX ? "bias" : "weight");
    else
        snprintf(full, sizeof full, "%s.%s",
                 part != RLV_PART_POOLER ? "classifier" : bert ? "pooler.dense" : "pre_classifier",
                 j == UINT32_MAX ? "bias" : "weight");
    return tiny_hf_value(full, j == UINT32_MAX ? i : (size_t)i * k + j);
}

/* Whether the weights that share a 16-bit lane with [i, j], of its sign, have used all of it. */
static int lane_is_full(const struct peek *p, const struct rlv_tensor *t, uint32_t i, uint32_t j)
{
    uint32_t block = t->chain == 0 ? 1 : 4 * t->chain, first = j / block * block;
    int sign = peek_int(p, t, i, j) < 0 ? -1 : 1, above = 0, below = 0;
    for (uint32_t k = first; t->chain != 0 && k < first + block; k++) {
        int w = k / 2 % 2 == j / 2 % 2 ? peek_int(p, t, i, k) : 0;
        above += w > 0 ? w : 0;
        below -= w < 0 ? w : 0;
    }
    if (peek_int(p, t, i, j) == 0)
        return above == 128 || below == 128;
    return (sign > 0 ? above : below) == 128;
}

/* Each stored weight is the nearest one on its grid, or the end of what it may be; padding is 0. */
static void check_weights(const struct peek *p, int bert, unsigned layer, unsigned part)
{
    const struct rlv_tensor *t = peek_find(p, layer, part, RLV_SLOT_WEIGHT);
    unsigned bits = rlv_dtype_bits(t->dtype);
    int low = t->w_max == 127 ? -127 : -(int)t->w_max;
    int high = t->w_max == 127 ? 127 : (int)t->w_max - 1;

    for (uint32_t i = 0; i < rlv_round_up(t->rows, 16); i++) {
        for (uint32_t j = 0; j < rlv_round_up(t->cols, 32); j++) {
            int padding = i >= t->rows || j >= t->cols;
            float want = padding ? 0.0f : source(bert, layer, part, i, j), got, half;
            if (bits == 0) {
                assert_true(peek_float(p, t, i, j) == want); /* the values are exact in f16 */
                continue;
            }
            assert_in_range(peek_int(p, t, i, j) + 128, low + 128, high + 128);
            if (padding) {
                assert_int_equal(peek_int(p, t, i, j), 0);
                continue;
            }
            got = peek_weight(p, layer, part, i, j);
            half = fabsf(peek_scale(p, layer, part, i, j)) * 0.5001f;
            if (peek_int(p, t, i, j) != low && peek_int(p, t, i, j) != high &&
                !lane_is_full(p, t, i, j))
                assert_true(fabsf(got - want) <= half);
            else /* cut off: never beyond what was wanted by more than half a step */
                assert_true(fabsf(got) <= fabsf(want) + half);
        }
    }
}

/* Bias, and the sums that belong to the stored weights. */
static void check_vectors(const struct peek *p, int bert, unsigned layer, unsigned part)
{
    const struct rlv_tensor *t = peek_find(p, layer, part, RLV_SLOT_WEIGHT);
    const struct rlv_tensor *bias = peek_find(p, layer, part, RLV_SLOT_BIAS);
    const struct rlv_tensor *sum = peek_find(p, layer, part, RLV_SLOT_SUM);

    assert_non_null(bias);
    assert_int_equal(rlv_dtype_bits(t->dtype) != 0, sum != NULL);
    for (uint32_t i = 0; i < rlv_round_up(t->rows, 16); i++) {
        int32_t whole = 0;
        double scaled = 0.0;
        assert_true(peek_float(p, bias, i, 0) ==
                    (i < t->rows ? source(bert, layer, part, i, UINT32_MAX) : 0.0f));
        if (sum == NULL)
            continue;
        for (uint32_t j = 0; j < t->cols; j++) {
            whole += peek_int(p, t, i, j);
            if (i < t->rows)
                scaled += (double)peek_scale(p, layer, part, i, j) * peek_int(p, t, i, j);
        }
        if (t->group == 0)
            assert_int_equal(peek_int(p, sum, i, 0), whole);
        else
            assert_true(fabs((double)peek_float(p, sum, i, 0) - scaled) <= 1e-6);
    }
}

static void check_linear(const struct peek *p, int bert, unsigned layer, unsigned part)
{
    check_weights(p, bert, layer, part);
    check_vectors(p, bert, layer, part);
}

static float source_at(const char *name, uint32_t i, uint32_t j)
{
    return tiny_hf_value(name, (size_t)i * HIDDEN + j);
}

/* A table that is stored as numbers, with 'shift' [HIDDEN] added to each row but, where 'spared', row 0. */
static void check_float_table(const struct peek *p, unsigned part, const char *name,
                              const float *shift, int spared)
{
    const struct rlv_tensor *t = peek_find(p, 0, part, RLV_SLOT_WEIGHT);

    assert_int_equal(t->w_max, 0);
    for (uint32_t i = (uint32_t)spared; i < t->rows; i++) {
        for (uint32_t j = 0; j < rlv_round_up(t->cols, 32); j++) {
            float want = j < HIDDEN ? source_at(name, i, j) : 0.0f;
            if (shift != NULL && j < HIDDEN) /* rounded to f16 once, for its row and for shift's */
                assert_true(fabsf(peek_float(p, t, i, j) - want - shift[j]) <= 0x1p-11f);
            else
                assert_true(peek_float(p, t, i, j) == want);
        }
    }
}

/*
 * Word and position tables.  Of quantised words the mean lies with the positions, and at position 0 what
 * rounding took from [CLS]; every sum of a word's and a position's row must be right all the same.
 */
static void check_words(const struct peek *p)
{
    static const char word[] = "embeddings.word_embeddings.weight";
    static const char position[] = "embeddings.position_embeddings.weight";
    const struct rlv_tensor *w = peek_find(p, 0, RLV_PART_WORD_EMBEDDING, RLV_SLOT_WEIGHT);
    const struct rlv_tensor *t = peek_find(p, 0, RLV_PART_POSITION_EMBEDDING, RLV_SLOT_WEIGHT);
    unsigned bits = rlv_dtype_bits(w->dtype);
    int low = bits == 8 ? -127 : -(1 << bits) / 2, high = bits == 8 ? 127 : (1 << bits) / 2 - 1;
    uint32_t cls = p->config->cls_id;
    float shift[HIDDEN];

    if (bits == 0) {
        check_float_table(p, RLV_PART_WORD_EMBEDDING, word, NULL, 0);
        check_float_table(p, RLV_PART_POSITION_EMBEDDING, position, NULL, 0);
        return;
    }
    assert_int_equal(w->w_max, 0);
    for (uint32_t j = 0; j < HIDDEN; j++)
        shift[j] = peek_float(p, t, 1, j) - source_at(position, 1, j);
    check_float_table(p, RLV_PART_POSITION_EMBEDDING, position, shift, 1);
    for (uint32_t i = 0; i < w->rows; i++) {
        for (uint32_t j = 0; j < rlv_round_up(w->cols, 32); j++) {
            int q = peek_int(p, w, i, j);
            float d;
            if (j >= HIDDEN) {
                assert_int_equal(q, 0);
                continue;
            }
            d = peek_weight(p, 0, RLV_PART_WORD_EMBEDDING, i, j) + shift[j] - source_at(word, i, j);
            if (q != low && q != high)
                assert_true(fabsf(d) <= fabsf(peek_scale(p, 0, RLV_PART_WORD_EMBEDDING, i, j)) *
                                                0.5001f +
                                            0x1p-11f);
        }
    }
    for (uint32_t j = 0; j < HIDDEN; j++)
        assert_true(fabsf(peek_weight(p, 0, RLV_PART_WORD_EMBEDDING, cls, j) +
                          peek_float(p, t, 0, j) - source_at(word, cls, j) -
                          source_at(position, 0, j)) <= 0x1p-11f);
}

static void check_norm(const struct peek *p, unsigned layer, unsigned part, const char *name)
{
    char full[100];

    for (unsigned slot = RLV_SLOT_WEIGHT; slot <= RLV_SLOT_BIAS; slot++) {
        const struct rlv_tensor *t = peek_find(p, layer, part, slot);
        assert_non_null(t);
        snprintf(full, sizeof full, "%s.%s", name, slot == RLV_SLOT_WEIGHT ? "weight" : "bias");
        for (uint32_t i = 0; i < 48; i++)
            assert_true(peek_float(p, t, i, 0) == (i < HIDDEN ? tiny_hf_value(full, i) : 0.0f));
    }
}

static void check_checksums(const struct peek *p)
{
    const struct rlv_file_header *h = (const void *)p->bytes;
    uint64_t end = h->table_offset + h->section_n * sizeof(struct rlv_section);

    assert_memory_equal(h->magic, RLV_MAGIC, 8);
    assert_int_equal(h->file_len, p->len);
    assert_int_equal(h->header_checksum, rlv_checksum(h, 48));
    assert_int_equal(h->table_checksum, rlv_checksum(p->bytes + h->table_offset,
                                                     h->section_n * sizeof(struct rlv_section)));
    for (unsigned kind = RLV_SECTION_CONFIG; kind <= RLV_SECTION_META; kind++) {
        const struct rlv_section *s = p->sections[kind];
        if (s == NULL)
            continue;
        assert_int_equal(s->offset % RLV_ALIGN, 0);
        assert_int_equal(s->checksum, rlv_checksum(p->bytes + s->offset, s->len));
        for (; end < s->offset; end++)
            assert_int_equal(p->bytes[end], 0);
        end = s->offset + s->len;
    }
    assert_int_equal(end, p->len);
}

/* Everything in out[] against the source. */
static void check_file(const struct tiny_hf *o)
{
    struct peek p;
    char name[100];

    peek_open(&p, out);
    check_checksums(&p);
    check_words(&p);
    if (o->bert)
        check_float_table(&p, RLV_PART_TYPE_EMBEDDING, "embeddings.token_type_embeddings.weight",
                          NULL, 0);
    else
        assert_null(peek_find(&p, 0, RLV_PART_TYPE_EMBEDDING, RLV_SLOT_WEIGHT));
    check_norm(&p, 0, RLV_PART_EMBEDDING_NORM, "embeddings.LayerNorm");
    for (unsigned i = 0; i < o->layers; i++) {
        check_linear(&p, o->bert, i, RLV_PART_QKV);
        check_linear(&p, o->bert, i, RLV_PART_ATTENTION_OUT);
        check_linear(&p, o->bert, i, RLV_PART_FFN1);
        check_linear(&p, o->bert, i, RLV_PART_FFN2);
        snprintf(name, sizeof name, o->bert ? "encoder.layer.%u.attention.output.LayerNorm"
                                            : "transformer.layer.%u.sa_layer_norm", i);
        check_norm(&p, i, RLV_PART_ATTENTION_NORM, name);
        snprintf(name, sizeof name, o->bert ? "encoder.layer.%u.output.LayerNorm"
                                            : "transformer.layer.%u.output_layer_norm", i);
        check_norm(&p, i, RLV_PART_FFN_NORM, name);
    }
    if (o->task == TINY_SEQUENCE) {
        check_linear(&p, o->bert, 0, RLV_PART_POOLER);
        check_linear(&p, o->bert, 0, RLV_PART_CLASSIFIER);
    } else {
        assert_null(peek_find(&p, 0, RLV_PART_POOLER, RLV_SLOT_WEIGHT));
    }
    if (o->task == TINY_TOKENS)
        check_linear(&p, o->bert, 0, RLV_PART_TOKEN_CLASSIFIER);
    peek_close(&p);
}

static void converts_every_architecture_and_dtype(void **state)
{
    static const char *const dtypes[] = {"F32", "F16", "BF16"};

    (void)state;
    for (int i = 0; i < 2 * 3 * 3; i++) {
        struct tiny_hf o = TINY_HF_DEFAULT;
        o.bert = i % 2;
        o.task = (enum tiny_task)(i / 2 % 3);
        o.dtype = dtypes[i / 6];
        o.no_prefix = o.task == TINY_ENCODER && i / 6 > 0;
        o.shards = i / 6 == 1 ? 3 : 1;
        tiny_hf_write(dir, &o);
        assert_converted(WORDS(PLAIN, "--weights", "f16", "--embeddings", "f32"));
        check_file(&o);
        assert_converted(WORDS(PLAIN, "--weights", "q8", "--embeddings", "f16"));
        check_file(&o);
        tiny_hf_remove(dir); /* or the shards would be taken for the next model */
        mkdir(dir, 0700);
    }
}

static void converts_to_every_format(void **state)
{
    static const char *const weights[] = {"f32", "f16", "q8", "q7", "q6", "q5", "q4", "q3"};
    static const char *const embeddings[] = {"f32", "f16", "q8", "q8", "q6", "q5", "q4", "q3"};
    struct tiny_hf o = TINY_HF_DEFAULT;

    (void)state;
    tiny_hf_write(dir, &o);
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        assert_converted(WORDS(PLAIN, "--weights", weights[i], "--embeddings", embeddings[i]));
        check_file(&o);
        if (i < 2)
            continue;
        assert_converted(WORDS(PLAIN, "--weights", weights[i], "--embeddings", embeddings[i],
                               "--group", "32", "--embedding-group=32"));
        check_file(&o);
    }
}

/* The linear layers of a transformer layer. */
static const unsigned layer_parts[] = {RLV_PART_QKV, RLV_PART_ATTENTION_OUT, RLV_PART_FFN1,
                                       RLV_PART_FFN2};

static unsigned chain_of(const struct peek *p, unsigned layer, unsigned part)
{
    return peek_find(p, layer, part, RLV_SLOT_WEIGHT)->chain;
}

static void keeps_to_the_chain(void **state)
{
    static const char *const chains[] = {"1", "2", "4"};
    struct tiny_hf o = TINY_HF_DEFAULT;
    struct peek p;

    (void)state;
    tiny_hf_write(dir, &o);
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        assert_converted(WORDS(PLAIN, "--weights", "q4", "--tensor", "layers.0.*=q7", "--embeddings",
                               "q8", "--chain", chains[i]));
        peek_open(&p, out);
        for (unsigned k = 0; k < 4; k++)
            assert_int_equal(chain_of(&p, 0, layer_parts[k]), 1u << i);
        assert_int_equal(chain_of(&p, 1, RLV_PART_QKV), 0); /* q4 */
        peek_close(&p);
        check_file(&o);
    }
    assert_converted(WORDS(PLAIN, "--weights", "q7"));
    peek_open(&p, out);
    assert_int_equal(chain_of(&p, 0, RLV_PART_QKV), 4);
    assert_int_equal(chain_of(&p, 0, RLV_PART_FFN2), 2);
    peek_close(&p);
}

static unsigned dtype_of(const struct peek *p, unsigned layer, unsigned part)
{
    return peek_find(p, layer, part, RLV_SLOT_WEIGHT)->dtype;
}

/* The last pattern that fits a matrix decides; one that none fits is refused. */
static void stores_named_tensors_otherwise(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    struct peek p;

    (void)state;
    tiny_hf_write(dir, &o);
    assert_converted(WORDS(PLAIN, "--weights", "q4", "--tensor", "layers.*.ffn*=q6",
                           "--tensor=*.0.ffn2=q3:32", "--tensor", "embeddings.word=q8", "--tensor",
                           "layers.1.qkv=f16", "--tensor", "pooler=q5:64"));
    check_file(&o);
    peek_open(&p, out);
    assert_int_equal(dtype_of(&p, 0, RLV_PART_QKV), RLV_DTYPE_Q4);
    assert_int_equal(dtype_of(&p, 1, RLV_PART_QKV), RLV_DTYPE_F16);
    assert_int_equal(dtype_of(&p, 0, RLV_PART_FFN1), RLV_DTYPE_Q6);
    assert_int_equal(dtype_of(&p, 0, RLV_PART_FFN2), RLV_DTYPE_Q3);
    assert_int_equal(dtype_of(&p, 1, RLV_PART_FFN2), RLV_DTYPE_Q6);
    assert_int_equal(dtype_of(&p, 1, RLV_PART_ATTENTION_OUT), RLV_DTYPE_Q8); /* one row a text */
    assert_int_equal(dtype_of(&p, 0, RLV_PART_WORD_EMBEDDING), RLV_DTYPE_Q8);
    assert_int_equal(dtype_of(&p, 0, RLV_PART_POOLER), RLV_DTYPE_Q5);
    assert_int_equal(peek_find(&p, 0, RLV_PART_POOLER, RLV_SLOT_WEIGHT)->group, 64);
    assert_int_equal(peek_find(&p, 0, RLV_PART_FFN2, RLV_SLOT_WEIGHT)->group, 32);
    peek_close(&p);
    assert_non_null(strstr(report, "feed-forward 2       q3+q6 "));

    /* float but for one matrix, in the last place that the calibration reaches */
    assert_converted(WORDS("--weights", "f32", "--tensor", "pooler=q8"));
    peek_open(&p, out);
    assert_int_equal(dtype_of(&p, 0, RLV_PART_POOLER), RLV_DTYPE_Q8);
    assert_int_equal(dtype_of(&p, 1, RLV_PART_FFN2), RLV_DTYPE_F32);
    peek_close(&p);
    assert_converted(WORDS("--weights", "f32", "--tensor", "layers.1.ffn2=q8"));
    assert_converted(WORDS(PLAIN, "--weights", "f32", "--tensor", "layers.1.ffn2=q8"));
    check_file(&o);

    assert_int_equal(remove(out), 0);
    assert_refused(WORDS("--tensor", "layers.2.*=q6"), "--tensor: no matrix is named 'layers.2.*'");
    assert_refused(WORDS("--tensor", "layers.*=q9"), "'layers.*=q9': unknown format 'q9'");
    assert_refused(WORDS("--tensor", "layers.*"), "'layers.*' is not NAME=FORMAT");
    assert_refused(WORDS("--tensor", "*=q7"), "embeddings.word cannot be q7");
    assert_refused(WORDS("--tensor", "*=q4:33"), "the group must be a multiple of 32");
    assert_refused(WORDS("--tensor", "*=f32:32"), "this format has no scales");
    assert_refused(WORDS("--tensor", "*=q4:"), "--tensor: '' is not a number");
}

/* What plain rounding stores must not be far from the best that could be: pins the search of scales. */
static void search_beats_covering_scale(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    struct peek p;
    double found = 0.0, covering = 0.0;

    (void)state;
    tiny_hf_write(dir, &o);
    assert_converted(WORDS(PLAIN, "--weights", "q3"));
    peek_open(&p, out);
    for (uint32_t i = 0; i < INNER; i++) {
        float largest = 0.0f;
        for (uint32_t j = 0; j < HIDDEN; j++)
            largest = fmaxf(largest, fabsf(source(0, 0, RLV_PART_FFN1, i, j)));
        for (uint32_t j = 0; j < HIDDEN; j++) {
            float w = source(0, 0, RLV_PART_FFN1, i, j), step = largest / 3.5f;
            float q = fminf(fmaxf(rintf(w / step), -4.0f), 3.0f);
            found += pow((double)(peek_weight(&p, 0, RLV_PART_FFN1, i, j) - w), 2.0);
            covering += pow((double)(q * step - w), 2.0);
        }
    }
    peek_close(&p);
    assert_true(found < 0.95 * covering);
}

/* Calibrated, as by default: outlier channels are whole in f32 and 0 among the integers. */
static void keeps_outliers_apart(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    struct peek p;

    (void)state;
    tiny_hf_write(dir, &o);
    assert_converted(WORDS("--weights", "q7", "--outliers", "3"));
    peek_open(&p, out);
    check_checksums(&p);
    for (unsigned i = 0; i < 8; i++) {
        unsigned part = layer_parts[i / 2], layer = i % 2;
        const struct rlv_tensor *w = peek_find(&p, layer, part, RLV_SLOT_WEIGHT);
        const struct rlv_tensor *in = peek_find(&p, layer, part, RLV_SLOT_INPUT_SCALE);
        const struct rlv_tensor *index = peek_find(&p, layer, part, RLV_SLOT_OUTLIER_INDEX);
        const struct rlv_tensor *outlier = peek_find(&p, layer, part, RLV_SLOT_OUTLIER_WEIGHT);
        const struct rlv_tensor *sum = peek_find(&p, layer, part, RLV_SLOT_SUM);
        assert_true(in != NULL && index != NULL && outlier != NULL && sum != NULL);
        assert_int_equal(index->rows, 3);
        assert_int_equal(outlier->cols, w->rows);
        for (uint32_t k = 0; k < 3; k++) {
            uint32_t channel = (uint32_t)peek_int(&p, index, k, 0);
            assert_true(channel < w->cols);
            assert_true(k == 0 || channel > (uint32_t)peek_int(&p, index, k - 1, 0));
            assert_true(peek_float(&p, in, channel, 0) == 0.0f);
            for (uint32_t n = 0; n < w->rows; n++)
                assert_int_equal(peek_int(&p, w, n, channel), 0);
        }
        for (uint32_t n = 0; n < w->rows; n++) {
            int32_t whole = 0;
            double error = 0.0;
            for (uint32_t k = 0; k < w->cols; k++) {
                float d = peek_weight(&p, layer, part, n, k) - source(0, layer, part, n, k);
                whole += peek_int(&p, w, n, k);
                error += (double)(d * d);
            }
            assert_int_equal(peek_int(&p, sum, n, 0), whole);
            assert_true(error < 0.05 * w->cols * 0.0127); /* 0.0127: mean square of the source */
        }
    }
    peek_close(&p);
}

static void writes_configuration_and_labels(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    struct relevance_info info = {.size = sizeof info};
    relevance_model *model = NULL;
    struct peek p;

    (void)state;
    tiny_hf_write(dir, &o);
    tiny_hf_put(dir, "tokenizer_config.json",
                "{\"do_lower_case\": false, \"strip_accents\": null, \"tokenize_chinese_chars\": true,"
                " \"model_max_length\": 20}");
    assert_converted(WORDS(PLAIN, "--weights", "q7", "--embeddings", "q6", "--name", "tiny",
                           "--source", "a test", "--license=none"));
    peek_open(&p, out);
    assert_int_equal(p.config->arch, RLV_ARCH_DISTILBERT);
    assert_int_equal(p.config->hidden_size, HIDDEN);
    assert_int_equal(p.config->layer_n, 2);
    assert_int_equal(p.config->head_n, 5);
    assert_int_equal(p.config->intermediate_size, INNER);
    assert_int_equal(p.config->max_tokens, 20); /* the tokenizer's, less than the 24 positions */
    assert_int_equal(p.config->vocab_n, TINY_VOCAB_N);
    assert_int_equal(p.config->head_kind, RLV_HEAD_RELU);
    assert_int_equal(p.config->flags, RLV_CONFIG_SPLIT_CJK);
    assert_int_equal(p.config->pad_id, 0);
    assert_int_equal(p.config->unk_id, 1);
    assert_int_equal(p.config->cls_id, 2);
    assert_int_equal(p.config->sep_id, 3);
    assert_int_equal(p.config->mask_id, 4);
    assert_true(p.config->layer_norm_epsilon == 1e-12f);
    assert_true(p.config->logit_scale == 1.0f);
    for (uint32_t i = 0; i < 4; i++) {
        static const float gains[] = {1.0f, 0.1f, 0.01f, 0.0f};
        const struct rlv_label *l =
            (const void *)(p.bytes + p.sections[RLV_SECTION_LABELS]->offset + 8 + 16 * i);
        assert_true(l->gain == gains[i]);
        assert_true(l->logit_bias == 0.0f);
    }
    peek_close(&p);

    assert_int_equal(relevance_open(out, NULL, &model, NULL), RELEVANCE_OK);
    relevance_model_info(model, &info);
    assert_string_equal(relevance_label(model, 0), "Exact");
    assert_string_equal(relevance_label(model, 3), "Irrelevant");
    assert_string_equal(info.weights, "q7");
    assert_string_equal(info.embeddings, "q6");
    assert_non_null(strstr(info.metadata, "name=tiny\nsource=a test\nlicense=none\n"));
    relevance_close(model);
}

static float gain_of(unsigned i)
{
    struct peek p;
    float gain;

    peek_open(&p, out);
    memcpy(&gain, p.bytes + p.sections[RLV_SECTION_LABELS]->offset + 8 + 16 * i + 8, 4);
    peek_close(&p);
    return gain;
}

static void gives_labels_their_gains(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;

    (void)state;
    o.labels = 2; /* config.json names none: LABEL_0, LABEL_1 */
    tiny_hf_write(dir, &o);
    assert_converted(WORDS(PLAIN));
    assert_true(gain_of(0) == 0.0f && gain_of(1) == 1.0f);
    assert_non_null(strstr(report, "LABEL_0 0, LABEL_1 1"));
    assert_converted(WORDS(PLAIN, "--gain", "LABEL_0=0.5", "--gain=LABEL_1=0.25"));
    assert_true(gain_of(0) == 0.5f && gain_of(1) == 0.25f);
    tiny_hf_remove(out_dir);
    mkdir(out_dir, 0700);
    assert_refused(WORDS("--gain", "Exact=1"), "--gain: the model has no label 'Exact'");
    assert_refused(WORDS("--gain", "LABEL_0=2"), "is not LABEL=NUMBER");
    assert_refused(WORDS("--gain", "LABEL_0"), "is not LABEL=NUMBER");
    o.labels = 3;
    tiny_hf_write(dir, &o);
    assert_converted(WORDS(PLAIN));
    assert_true(gain_of(0) == 1.0f && gain_of(1) == 0.0f && gain_of(2) == 0.0f);
}

/* The same source in other clothes gives the same file. */
static void same_bytes_from_vocab_and_tokenizer_json(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    struct peek a, b;
    char json[8000], vocab[4000], path[300], *line, *save = NULL;
    size_t at, n = 0;
    FILE *f;

    (void)state;
    tiny_hf_write(dir, &o);
    assert_converted(WORDS(PLAIN, "--name", "x"));
    peek_open(&a, out);
    snprintf(path, sizeof path, "%s/vocab.txt", dir);
    f = fopen(path, "rb");
    vocab[fread(vocab, 1, sizeof vocab - 1, f)] = '\0';
    fclose(f);
    at = (size_t)snprintf(
        json, sizeof json,
        "{\"added_tokens\": [{\"id\": 0, \"content\": \"[PAD]\"}], \"normalizer\": {\"type\": "
        "\"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, "
        "\"strip_accents\": null, \"lowercase\": true}, \"pre_tokenizer\": {\"type\": "
        "\"BertPreTokenizer\"}, \"post_processor\": {\"type\": \"TemplateProcessing\"}, \"model\": "
        "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\", "
        "\"max_input_chars_per_word\": 100, \"vocab\": {");
    for (line = strtok_r(vocab, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save))
        at += (size_t)snprintf(json + at, sizeof json - at, "%s\"%s\": %zu", n > 0 ? ", " : "",
                               line, n), n++;
    snprintf(json + at, sizeof json - at, "}}}");
    tiny_hf_put(dir, "tokenizer.json", json);
    assert_converted(WORDS(PLAIN, "--name", "x")); /* both: they agree */
    unlink(path);
    tiny_hf_put(dir, "tokenizer_config.json",
                "{\"tokenizer_class\": \"TokenizersBackend\", \"model_max_length\": "
                "1000000000000000019884624838656}");
    assert_converted(WORDS(PLAIN, "--name", "x"));
    peek_open(&b, out);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.bytes, b.bytes, a.len);
    peek_close(&a);
    peek_close(&b);

    unlink(out);
    tiny_hf_edit(dir, "tokenizer.json", "\"red\": ", "\"read\": ");
    tiny_hf_write(dir, &o); /* vocab.txt again */
    assert_refused(NULL, "tokenizer.json: token 'read' has id ");
    unlink(path);
    tiny_hf_edit(dir, "tokenizer.json", "\"[PAD]\": 0", "\"[PAD]\": 1");
    assert_refused(NULL, "tokenizer.json: the id of token '[");
    tiny_hf_edit(dir, "tokenizer.json", "\"WordPiece\"", "\"BPE\"");
    assert_refused(NULL, "tokenizer.json: the model is 'BPE', supported: WordPiece");
}

/* Names that transformers renames, buffers and heads that it drops. */
static void accepts_harmless_differences(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;

    (void)state;
    o.bert = 1;
    tiny_hf_write(dir, &o);
    tiny_hf_edit_header(dir, "model.safetensors", "bert.embeddings.LayerNorm.weight",
                        "bert.embeddings.LayerNorm.gamma");
    tiny_hf_edit_header(dir, "model.safetensors", "bert.embeddings.LayerNorm.bias",
                        "bert.embeddings.LayerNorm.beta");
    assert_converted(WORDS(PLAIN));
    /* a masked language model: encoder as it is, head left out */
    tiny_hf_edit(dir, "config.json", "BertForSequenceClassification", "BertForMaskedLM");
    tiny_hf_edit_header(dir, "model.safetensors", "\"classifier.weight", "\"cls.predictions.weight");
    tiny_hf_edit_header(dir, "model.safetensors", "\"classifier.bias", "\"cls.predictions.bias");
    tiny_hf_edit_header(dir, "model.safetensors", "\"bert.pooler.dense.weight", "\"cls.x.weight");
    tiny_hf_edit_header(dir, "model.safetensors", "\"bert.pooler.dense.bias",
                        "\"bert.embeddings.position_ids");
    assert_converted(WORDS(PLAIN));
    assert_non_null(strstr(report, "4 tensors have no use here"));
}

/* ---- what is refused ---- */

static void refuses_configurations(void **state)
{
    static const char *const distilbert[][3] = {
        {"\"model_type\": \"distilbert\"", "\"model_type\": \"roberta\"",
         "config.json: model_type is 'roberta', supported: distilbert, bert"},
        {"\"model_type\": \"distilbert\"", "\"model_type\": \"bert\"",
         "config.json: model_type is 'bert', but the architecture DistilBertForSequence"},
        {"DistilBertForSequenceClassification", "DistilBertForQuestionAnswering",
         "config.json: architecture is 'DistilBertForQuestionAnswering', supported: DistilBertFor"},
        {"\"architectures\"", "\"architecture\"", "config.json: no 'architectures', supported:"},
        {"\"activation\": \"gelu\"", "\"activation\": \"relu\"",
         "config.json: activation is 'relu', supported: gelu (the erf form)"},
        {"\"activation\": \"gelu\"", "\"activation\": \"gelu_new\"", "'gelu_new', supported: gelu"},
        {"\"activation\": \"gelu\"", "\"activation\": 3", "'activation' is not a string"},
        {"\"n_heads\": 5", "\"n_heads\": 7", "7 attention heads do not divide hidden size 40"},
        {"\"n_heads\": 5", "\"n_heads\": 4", "attention heads of size 10, supported: multiples of 8"},
        {"\"n_heads\": 5", "\"n_heads\": 0", "'n_heads' is 0, supported: 1 to 8192"},
        {"\"n_layers\": 2", "\"n_layers\": 65", "'n_layers' is 65, supported: 1 to 64"},
        {"\"n_layers\": 2", "\"n_layers\": \"2\"", "'n_layers' is not an integer"},
        {"\"vocab_size\": 87", "\"vocab_size\": 88",
         "vocab.txt: 87 tokens, but config.json has vocab_size 88"},
        {"\"3\": \"Irrelevant\"", "\"4\": \"Irrelevant\"", "id2label has 4 labels, but none for \"3\""},
        {"\"3\": \"Irrelevant\"", "\"3\": \"\"", "id2label has 4 labels, but none for \"3\""},
        {", \"3\": \"Irrelevant\"", "",
         "tensor 'classifier.weight': shape [4, 40], expected [3, 40]"},
        {"\"activation\"", "\"is_decoder\": true, \"activation\"", "is_decoder is true, supported: false"},
        {"\"activation\"", "\"pruned_heads\": {\"0\": [1]}, \"activation\"", "pruned_heads is set"},
        {"\"activation\"", "\"quantization_config\": {}, \"activation\"", "quantization_config is set"},
        {"\"activation\"", "\"problem_type\": \"regression\", \"activation\"",
         "problem_type is 'regression', supported: single_label"},
        {"{\"architectures\"", "{{\"architectures\"", "config.json: line 1"},
        {"\"n_layers\"", "\"n_heads\": 5, \"n_layers\"", "config.json: line 1"},
    };
    static const char *const bert[][3] = {
        {"\"hidden_act\": \"gelu\"", "\"hidden_act\": \"silu\"", "hidden_act is 'silu'"},
        {"\"hidden_act\"", "\"position_embedding_type\": \"relative_key\", \"hidden_act\"",
         "position_embedding_type is 'relative_key', supported: absolute"},
        {"\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 0.5", "layer_norm_eps is 0.5, supported"},
        {"\"type_vocab_size\": 2", "\"type_vocab_size\": 17", "'type_vocab_size' is 17"},
        {"\"type_vocab_size\": 2", "\"type_vocab_size\": 3",
         "token_type_embeddings.weight': shape [2, 40], expected [3, 40]"},
    };
    struct tiny_hf o = TINY_HF_DEFAULT;

    (void)state;
    for (size_t i = 0; i < sizeof distilbert / sizeof distilbert[0]; i++) {
        tiny_hf_write(dir, &o);
        tiny_hf_edit(dir, "config.json", distilbert[i][0], distilbert[i][1]);
        assert_refused(NULL, distilbert[i][2]);
    }
    o.bert = 1;
    for (size_t i = 0; i < sizeof bert / sizeof bert[0]; i++) {
        tiny_hf_write(dir, &o);
        tiny_hf_edit(dir, "config.json", bert[i][0], bert[i][1]);
        assert_refused(NULL, bert[i][2]);
    }
    tiny_hf_put(dir, "config.json", "[]");
    assert_refused(NULL, "config.json: not a JSON object");
    o.labels = 1;
    tiny_hf_write(dir, &o);
    assert_refused(NULL, "classifier.weight: 1 label (a regression score), supported: 2 to 32");
    o.labels = 33;
    tiny_hf_write(dir, &o);
    assert_refused(NULL, "classifier.weight: 33 labels, supported: 2 to 32");
}

static void refuses_tokenizers(void **state)
{
    static const char *const configs[][2] = {
        {"{\"tokenizer_class\": \"RobertaTokenizer\"}", "tokenizer_class is 'RobertaTokenizer'"},
        {"{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}", "tokenizer_class is 'PreTrained"},
        {"{\"cls_token\": \"<s>\"}", "cls_token is '<s>', supported: '[CLS]'"},
        {"{\"unk_token\": {\"content\": \"?\"}}", "unk_token is '?', supported: '[UNK]'"},
        {"{\"do_basic_tokenize\": false}", "do_basic_tokenize is false, supported: true"},
        {"{\"never_split\": [\"x\"]}", "never_split is set"},
        {"{\"model_max_length\": 3}", "model_max_length is 3, supported: 4 or more"},
        {"{\"model_max_length\": \"3\"}", "'model_max_length' is not a number"},
        {"{\"do_lower_case\": 1}", "'do_lower_case' is neither true nor false"},
        {"{\"additional_special_tokens\": [\"[E1]\"]}", "added token '[E1]'"},
        {"{\"added_tokens_decoder\": {\"0\": {\"content\": \"[PAD]\"}, \"9\": {\"content\": "
         "\"[E2]\"}}}", "tokenizer_config.json: added token '[E2]', supported: only [PAD]"},
    };
    struct tiny_hf o = TINY_HF_DEFAULT;
    char path[300];

    (void)state;
    tiny_hf_write(dir, &o);
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        tiny_hf_put(dir, "tokenizer_config.json", configs[i][0]);
        assert_refused(NULL, configs[i][1]);
    }
    tiny_hf_put(dir, "tokenizer_config.json", "{\"tokenizer_class\": \"\\u001b[2J\\n\"}");
    assert_refused(NULL, "tokenizer_class is '?[2J?', supported"); /* no escapes to the terminal */
    tiny_hf_put(dir, "tokenizer_config.json", "{}");
    tiny_hf_put(dir, "added_tokens.json", "{\"[E3]\": 87}");
    assert_refused(NULL, "added_tokens.json: added token '[E3]'");
    tiny_hf_put(dir, "added_tokens.json", "{\"[MASK]\": 4}");
    tiny_hf_put(dir, "special_tokens_map.json", "{\"sep_token\": \"</s>\"}");
    assert_refused(NULL, "special_tokens_map.json: sep_token is '</s>', supported: '[SEP]'");
    tiny_hf_put(dir, "special_tokens_map.json", "{\"sep_token\": \"[SEP]\"}");
    assert_converted(WORDS(PLAIN));
    unlink(out);
    tiny_hf_edit(dir, "vocab.txt", "[MASK]", "[MISK]");
    assert_refused(NULL, "vocab.txt: no token '[MASK]'");
    snprintf(path, sizeof path, "%s/vocab.txt", dir);
    unlink(path);
    assert_refused(NULL, "neither vocab.txt nor tokenizer.json");
}

static void refuses_tensors(void **state)
{
    static const char *const cases[][3] = {
        {"\"distilbert.transformer.layer.0.attention.q_lin.weight\":{\"dtype\":\"F32\",\"shape\":[40,40]",
         "\"distilbert.transformer.layer.0.attention.q_lin.weight\":{\"dtype\":\"F32\",\"shape\":[20,80]",
         "convert: model.safetensors: tensor 'distilbert.transformer.layer.0.attention.q_lin.weight': "
         "shape [20, 80], expected [40, 40]"},
        {"\"distilbert.transformer.layer.1.ffn.lin1.bias\":{\"dtype\":\"F32\",\"shape\":[72]",
         "\"distilbert.transformer.layer.1.ffn.lin1.bias\":{\"dtype\":\"F32\",\"shape\":[72,1]",
         "lin1.bias': shape [72, 1], expected [72]"},
        {"\"pre_classifier.weight\":{\"dtype\":\"F32\"", "\"pre_classifier.weight\":{\"dtype\":\"I32\"",
         "tensor 'pre_classifier.weight': dtype I32, supported: F32, F16, BF16"},
        {"\"distilbert.transformer.layer.1.ffn.lin2.weight\"",
         "\"distilbert.transformer.layer.1.ffn.lin9.weight\"",
         "missing tensor 'distilbert.transformer.layer.1.ffn.lin2.weight' of shape [40, 72], which a "
         "DistilBertForSequenceClassification has"},
        {"\"distilbert.embeddings.word_embeddings.weight\"", "\"other.weight\"",
         "missing tensor 'distilbert.embeddings.word_embeddings.weight' of shape [87, 40]"},
        {"\"__metadata__\":{\"format\":\"pt\"}",
         "\"extra.weight\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
         "tensor 'extra.weight' does not belong to a DistilBertForSequenceClassification"},
        {"\"__metadata__\":{\"format\":\"pt\"}",
         "\"cls.b\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"cls.a\":{\"dtype\":"
         "\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
         "tensor 'cls.a' and 1 more do not belong to a DistilBertForSequenceClassification"},
    };
    static const uint8_t inf[4] = {0, 0, 0x80, 0x7f};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_default();
        tiny_hf_edit_header(dir, "model.safetensors", cases[i][0], cases[i][1]);
        assert_refused(NULL, cases[i][2]);
    }
    write_default();
    tiny_hf_poke(dir, "model.safetensors", -4, inf, 4);
    assert_refused(NULL, "tensor 'classifier.bias': element 3 is not a finite number");
}

static void refuses_weights_too_large_for_f16(void **state)
{
    static const uint8_t large[4] = {0, 0xf0, 0x7f, 0x47}; /* 65520 */

    (void)state;
    write_default(); /* before classifier.weight and its bias come the pre-classifier's 40 biases */
    tiny_hf_poke(dir, "model.safetensors", -4 * (4 + 160 + 40 + 1), large, 4);
    assert_refused(WORDS("--weights", "f16"), "pooler: weight 65520 is too large for f16, use f32");
    assert_converted(WORDS("--weights", "f32"));
}

static void refuses_options(void **state)
{
    (void)state;
    write_default();
    assert_refused(WORDS("--chain", "3"), "--chain: '3' is not 1, 2 or 4");
    assert_refused(WORDS("--chain", "4", "--weights", "q4"), "--chain: it is for q7 weights");
    assert_refused(WORDS("--weights", "q2"), "--weights: unknown format 'q2', supported: f32 f16 q8 q7");
    assert_refused(WORDS("--embeddings", "q7"), "--embeddings: unknown format 'q7', supported: f32");
    assert_refused(WORDS("--weights"), "--weights: its value is missing");
    assert_refused(WORDS("--group", "33"), "--group: it must be a multiple of 32");
    assert_refused(WORDS("--group", "-32"), "--group: '-32' is not a number from 0 to 65536");
    assert_refused(WORDS("--group", "32x"), "--group: '32x' is not a number");
    assert_refused(WORDS("--group", "32", "--weights", "f16"), "--group: the weights' format f16");
    assert_refused(WORDS("--group", "96", "--weights", "q4"), "layer 0, query, key, value: scale group 96");
    assert_refused(WORDS("--embedding-group", "96"), "word embeddings: scale group 96");
    assert_refused(WORDS("--name", "a\nb"), "--name: control characters are not allowed");
    assert_refused(WORDS("--wieghts", "q8"), "unknown option '--wieghts'");
    assert_refused(WORDS("another"), "'another': only one folder and one file are expected");
}

static void refuses_folders_that_are_none(void **state)
{
    char keep[256];

    (void)state;
    assert_refused(NULL, "config.json: No such file or directory");
    strcpy(keep, dir);
    strcat(dir, "/none");
    assert_refused(NULL, "config.json: No such file or directory");
    strcpy(dir, keep);
}

/* ---- the file on disk ---- */

static void leaves_the_old_file_on_failure(void **state)
{
    struct stat info;

    (void)state;
    write_default();
    tiny_hf_put(out_dir, "out.rlv", "old");
    tiny_hf_edit(dir, "config.json", "\"n_layers\": 2", "\"n_layers\": 3");
    assert_int_equal(convert(NULL), 2);
    assert_non_null(strstr(message, "missing tensor"));
    assert_int_equal(stat(out, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(tiny_hf_count(out_dir), 1);
}

static void cannot_write(void **state)
{
    struct rlimit limit, small;
    char keep[300], expected[400];
    int status;

    (void)state;
    write_default();
    strcpy(keep, out);
    snprintf(out, sizeof out, "%.256s/none/out.rlv", out_dir);
    assert_int_equal(convert(NULL), 2);
    snprintf(expected, sizeof expected, "convert: %s: cannot create it: No such file or directory\n",
             out);
    assert_string_equal(message, expected);
    strcpy(out, out_dir);
    assert_int_equal(convert(NULL), 2);
    assert_non_null(strstr(message, "exists and is not a regular file"));
    strcpy(out, keep);
    assert_int_equal(tiny_hf_count(out_dir), 0);

    /* a full disk, as far as write() can tell */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit;
    small.rlim_cur = 20000;
    setrlimit(RLIMIT_FSIZE, &small);
    status = convert(NULL);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(status, 2);
    assert_non_null(strstr(message, "File too large"));
    assert_int_equal(tiny_hf_count(out_dir), 0);
}

/* Whether the converter's temporary file is there. */
static int writing(void)
{
    return tiny_hf_count(out_dir) > (access(out, F_OK) == 0 ? 1u : 0u);
}

/* Killed while it writes: the temporary file must go, the old file stay. */
static void cleans_up_when_killed(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    int caught = 0, status;

    (void)state;
    o.inner = 1000; /* a file of 1 MB takes a moment to write */
    tiny_hf_write(dir, &o);
    for (int i = 0; i < 300 && caught < 5; i++) {
        int seen = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            char *argv[] = {(char *)"convert", dir,           out, (char *)"--weights",
                            (char *)"f32",     (char *)"--quiet", NULL};
            _exit(convert_main(6, argv));
        }
        while (!seen && waitpid(child, &status, WNOHANG) == 0)
            seen = writing();
        if (!seen)
            continue; /* it was faster than we looked */
        kill(child, i % 2 ? SIGTERM : SIGINT);
        assert_int_equal(waitpid(child, &status, 0), child);
        caught += WIFSIGNALED(status);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        assert_false(writing());
    }
    assert_true(caught > 0);
}

static void says_what_it_did(void **state)
{
    (void)state;
    write_default();
    assert_converted(WORDS(PLAIN, "--weights", "q4"));
    assert_non_null(strstr(report, "query, key, value    q4     2 x [120, 40]"));
    assert_non_null(strstr(report, "DistilBertForSequenceClassification"));
    assert_converted(WORDS(PLAIN, "--json"));
    assert_non_null(strstr(report, "\"architecture\": \"DistilBertForSequenceClassification\""));
    assert_converted(WORDS(PLAIN, "--quiet"));
    assert_string_equal(report, "");
    assert_int_equal(convert(WORDS("--help")), 0);
    assert_non_null(strstr(report, "Examples:"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folders, drop_folders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(converts_every_architecture_and_dtype),
        TEST(converts_to_every_format),
        TEST(stores_named_tensors_otherwise),
        TEST(search_beats_covering_scale),
        TEST(keeps_to_the_chain),
        TEST(keeps_outliers_apart),
        TEST(writes_configuration_and_labels),
        TEST(gives_labels_their_gains),
        TEST(same_bytes_from_vocab_and_tokenizer_json),
        TEST(accepts_harmless_differences),
        TEST(refuses_configurations),
        TEST(refuses_tokenizers),
        TEST(refuses_tensors),
        TEST(refuses_weights_too_large_for_f16),
        TEST(refuses_options),
        TEST(refuses_folders_that_are_none),
        TEST(leaves_the_old_file_on_failure),
        TEST(cannot_write),
        TEST(cleans_up_when_killed),
        TEST(says_what_it_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
