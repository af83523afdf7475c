/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny_hf.c - see tiny_hf.h.
 */
#include "tiny_hf.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what)
{
    perror(what);
    abort();
}

static char *path_of(const char *dir, const char *file, char *path)
{
    snprintf(path, 512, "%s/%s", dir, file);
    return path;
}

void tiny_hf_folder(char *dir)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, 256, "%.200s/rlv-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(dir) == NULL)
        die(dir);
}

size_t tiny_hf_count(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    size_t n = 0;

    if (d == NULL)
        die(dir);
    while ((e = readdir(d)) != NULL)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

void tiny_hf_remove(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];

    if (d == NULL)
        die(dir);
    while ((e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(path_of(dir, e->d_name, path));
    closedir(d);
    rmdir(dir);
}

/* ---- whole files ---- */

static void write_file(const char *dir, const char *file, const void *bytes, size_t len)
{
    char path[512];
    FILE *f = fopen(path_of(dir, file, path), "wb");

    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
        die(path);
}

/* NUL-terminated, for the caller to free. */
static char *read_file(const char *dir, const char *file, size_t *len)
{
    char path[512], *bytes;
    FILE *f = fopen(path_of(dir, file, path), "rb");

    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        die(path);
    *len = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*len + 1);
    if (bytes == NULL || fread(bytes, 1, *len, f) != *len)
        die(path);
    fclose(f);
    bytes[*len] = '\0';
    return bytes;
}

void tiny_hf_put(const char *dir, const char *file, const char *text)
{
    write_file(dir, file, text, strlen(text));
}

/* [bytes + from_start, + region) searched; returns the new file, *len updated. */
static char *replaced(char *bytes, size_t *len, size_t start, size_t region, const char *from,
                      const char *to)
{
    size_t n = strlen(from), m = strlen(to), at;
    char *out;

    for (at = start; at + n <= start + region; at++)
        if (memcmp(bytes + at, from, n) == 0)
            break;
    if (at + n > start + region) {
        fprintf(stderr, "tiny_hf: nothing to replace: %s\n", from);
        abort();
    }
    out = malloc(*len - n + m + 1);
    if (out == NULL)
        die("malloc");
    memcpy(out, bytes, at);
    memcpy(out + at, to, m);
    memcpy(out + at + m, bytes + at + n, *len - at - n);
    *len = *len - n + m;
    out[*len] = '\0';
    free(bytes);
    return out;
}

void tiny_hf_edit(const char *dir, const char *file, const char *from, const char *to)
{
    size_t len;
    char *bytes = read_file(dir, file, &len);

    bytes = replaced(bytes, &len, 0, len, from, to);
    write_file(dir, file, bytes, len);
    free(bytes);
}

void tiny_hf_edit_header(const char *dir, const char *file, const char *from, const char *to)
{
    size_t len;
    char *bytes = read_file(dir, file, &len);
    uint64_t header;

    memcpy(&header, bytes, 8);
    bytes = replaced(bytes, &len, 8, (size_t)header, from, to);
    header = header - strlen(from) + strlen(to);
    memcpy(bytes, &header, 8);
    write_file(dir, file, bytes, len);
    free(bytes);
}

void tiny_hf_poke(const char *dir, const char *file, long at, const void *bytes, size_t n)
{
    size_t len;
    char *all = read_file(dir, file, &len);

    memcpy(all + (at < 0 ? (long)len + at : at), bytes, n);
    write_file(dir, file, all, len);
    free(all);
}

void tiny_hf_cut(const char *dir, const char *file, size_t len)
{
    size_t old;
    char *all = read_file(dir, file, &old);

    write_file(dir, file, all, len);
    free(all);
}

/* ---- the model ---- */

float tiny_hf_value(const char *name, size_t i)
{
    uint64_t h = 14695981039346656037u;
    int n;

    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    h = (h ^ i) * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    n = (int)(h % 201) - 100;
    return (float)n / 512.0f; /* 8 bits: exact in bfloat16 too */
}

struct tensor {
    char name[120];
    uint32_t rows, cols; /* cols 0: a vector */
};

struct tensors {
    struct tensor list[80];
    size_t n;
    char prefix[64]; /* of the tensors that are added next */
};

static void add(struct tensors *t, uint32_t rows, uint32_t cols, const char *format, ...)
{
    struct tensor *one = &t->list[t->n++];
    size_t at = strlen(t->prefix);
    va_list args;

    if (t->n > sizeof t->list / sizeof t->list[0])
        abort();
    memcpy(one->name, t->prefix, at);
    va_start(args, format);
    vsnprintf(one->name + at, sizeof one->name - at, format, args);
    va_end(args);
    one->rows = rows;
    one->cols = cols;
}

static void add_linear(struct tensors *t, uint32_t n, uint32_t k, uint32_t layer, const char *name)
{
    if (layer == UINT32_MAX) {
        add(t, n, k, "%s.weight", name);
        add(t, n, 0, "%s.bias", name);
    } else {
        add(t, n, k, "layer.%u.%s.weight", (unsigned)layer, name);
        add(t, n, 0, "layer.%u.%s.bias", (unsigned)layer, name);
    }
}

static void add_encoder(struct tensors *t, const struct tiny_hf *o)
{
    static const char *const distilbert[] = {"attention.q_lin",   "attention.k_lin",
                                             "attention.v_lin",   "attention.out_lin",
                                             "sa_layer_norm",     "ffn.lin1",
                                             "ffn.lin2",          "output_layer_norm"};
    static const char *const bert[] = {"attention.self.query",       "attention.self.key",
                                       "attention.self.value",       "attention.output.dense",
                                       "attention.output.LayerNorm", "intermediate.dense",
                                       "output.dense",               "output.LayerNorm"};
    const char *const *names = o->bert ? bert : distilbert;

    add(t, TINY_VOCAB_N, o->hidden, "embeddings.word_embeddings.weight");
    add(t, o->positions, o->hidden, "embeddings.position_embeddings.weight");
    if (o->bert)
        add(t, 2, o->hidden, "embeddings.token_type_embeddings.weight");
    add_linear(t, o->hidden, 0, UINT32_MAX, "embeddings.LayerNorm");
    strcat(t->prefix, o->bert ? "encoder." : "transformer.");
    for (uint32_t i = 0; i < o->layers; i++)
        for (int k = 0; k < 8; k++) {
            int norm = k == 4 || k == 7;
            add_linear(t, k == 5 ? o->inner : o->hidden,
                       norm ? 0 : k == 6 ? o->inner : o->hidden, i, names[k]);
        }
}

/* Name without the model's prefix: what tiny_hf_value() hashes. */
static const char *bare(const char *name)
{
    if (strncmp(name, "distilbert.", 11) == 0)
        return name + 11;
    return strncmp(name, "bert.", 5) == 0 ? name + 5 : name;
}

static size_t put_value(uint8_t *out, const char *dtype, float x)
{
    uint32_t bits, half;

    memcpy(&bits, &x, 4);
    if (strcmp(dtype, "F32") == 0) {
        memcpy(out, &bits, 4);
        return 4;
    }
    if (strcmp(dtype, "BF16") == 0)
        half = bits >> 16;
    else /* our values are 0 or normal in binary16, and exact */
        half = x == 0.0f ? 0 : (bits >> 16 & 0x8000u) | (((bits >> 23 & 255) - 112) << 10) |
                                   (bits >> 13 & 0x3ffu);
    out[0] = (uint8_t)half;
    out[1] = (uint8_t)(half >> 8);
    return 2;
}

/* The tensors list[first .. first + n) as one safetensors file. */
static void write_tensors(const char *dir, const char *file, const struct tensor *list, size_t n,
                          const char *dtype)
{
    static char header[20000];
    static uint8_t data[1 << 20];
    size_t at = 0, len = 8;
    uint64_t header_len;
    uint8_t *all;

    len += (size_t)snprintf(header + len, sizeof header - len,
                            "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < n; i++) {
        size_t elements = (size_t)list[i].rows * (list[i].cols ? list[i].cols : 1), begin = at;
        for (size_t k = 0; k < elements; k++)
            at += put_value(data + at, dtype, tiny_hf_value(bare(list[i].name), k));
        len += (size_t)snprintf(header + len, sizeof header - len,
                                ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%u", list[i].name, dtype,
                                (unsigned)list[i].rows);
        if (list[i].cols != 0)
            len += (size_t)snprintf(header + len, sizeof header - len, ",%u",
                                    (unsigned)list[i].cols);
        len += (size_t)snprintf(header + len, sizeof header - len,
                                "],\"data_offsets\":[%zu,%zu]}", begin, at);
    }
    len += (size_t)snprintf(header + len, sizeof header - len, "}");
    while (len % 8 != 0)
        header[len++] = ' ';
    header_len = len - 8;
    memcpy(header, &header_len, 8);
    all = malloc(len + at);
    if (all == NULL)
        die("malloc");
    memcpy(all, header, len);
    memcpy(all + len, data, at);
    write_file(dir, file, all, len + at);
    free(all);
}

static void write_weights(const char *dir, const struct tiny_hf *o)
{
    static struct tensors t;
    static char index[20000];
    char name[64];
    size_t at = 0, first = 0;

    t.n = 0;
    strcpy(t.prefix, o->no_prefix ? "" : o->bert ? "bert." : "distilbert.");
    add_encoder(&t, o);
    t.prefix[0] = '\0';
    if (o->task == TINY_SEQUENCE)
        add_linear(&t, o->hidden, o->hidden, UINT32_MAX,
                   o->bert ? "bert.pooler.dense" : "pre_classifier");
    if (o->task != TINY_ENCODER)
        add_linear(&t, (uint32_t)o->labels, o->hidden, UINT32_MAX, "classifier");
    if (o->shards == 1) {
        write_tensors(dir, "model.safetensors", t.list, t.n, o->dtype);
        return;
    }
    at += (size_t)snprintf(index, sizeof index, "{\"metadata\":{},\"weight_map\":{");
    for (int s = 0; s < o->shards; s++) {
        size_t end = t.n * (size_t)(s + 1) / (size_t)o->shards;
        snprintf(name, sizeof name, "model-%05d-of-%05d.safetensors", s + 1, o->shards);
        write_tensors(dir, name, t.list + first, end - first, o->dtype);
        for (; first < end; first++)
            at += (size_t)snprintf(index + at, sizeof index - at, "%s\"%s\":\"%s\"",
                                   first > 0 ? "," : "", t.list[first].name, name);
    }
    snprintf(index + at, sizeof index - at, "}}");
    tiny_hf_put(dir, "model.safetensors.index.json", index);
}

static void write_config(const char *dir, const struct tiny_hf *o)
{
    static const char *const tasks[] = {"Model", "ForSequenceClassification",
                                        "ForTokenClassification"};
    static const char *const labels[] = {"Exact", "Substitute", "Complement", "Irrelevant"};
    char text[2000];
    size_t at = (size_t)snprintf(
        text, sizeof text,
        o->bert ? "{\"architectures\": [\"Bert%s\"], \"model_type\": \"bert\", \"vocab_size\": %d, "
                  "\"hidden_size\": %u, \"num_hidden_layers\": %u, \"num_attention_heads\": %u, "
                  "\"intermediate_size\": %u, \"max_position_embeddings\": %u, "
                  "\"hidden_act\": \"gelu\", \"layer_norm_eps\": 1e-12, \"type_vocab_size\": 2"
                : "{\"architectures\": [\"DistilBert%s\"], \"model_type\": \"distilbert\", "
                  "\"vocab_size\": %d, \"dim\": %u, \"n_layers\": %u, \"n_heads\": %u, "
                  "\"hidden_dim\": %u, \"max_position_embeddings\": %u, \"activation\": \"gelu\"",
        tasks[o->task], TINY_VOCAB_N, (unsigned)o->hidden, (unsigned)o->layers, (unsigned)o->heads,
        (unsigned)o->inner, (unsigned)o->positions);

    for (int i = 0; o->task != TINY_ENCODER && o->labels == 4 && i < 4; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\"%d\": \"%s\"",
                               i == 0 ? ", \"id2label\": {" : ", ", i, labels[i]);
    snprintf(text + at, sizeof text - at, "%s}\n",
             o->task != TINY_ENCODER && o->labels == 4 ? "}" : "");
    tiny_hf_put(dir, "config.json", text);
}

static void write_vocab(const char *dir)
{
    static const char *const words[] = {"red",  "running", "shoe", "##s",  "size", "black",
                                        "gown", "caf",     "##e",  "##ing", "."};
    char text[2000];
    size_t at = (size_t)snprintf(text, sizeof text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");

    for (char c = 'a'; c <= 'z'; c++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%c\n", c);
    for (char c = 'a'; c <= 'z'; c++)
        at += (size_t)snprintf(text + at, sizeof text - at, "##%c%s\n", c, c == 's' || c == 'e' ? "_" : "");
    for (char c = '0'; c <= '9'; c++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%c\n", c);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s\n", words[i]);
    for (int n = 5 + 26 + 26 + 10 + 11; n < TINY_VOCAB_N; n++)
        at += (size_t)snprintf(text + at, sizeof text - at, "[unused%d]\n", n);
    tiny_hf_put(dir, "vocab.txt", text);
}

void tiny_hf_write(const char *dir, const struct tiny_hf *o)
{
    write_config(dir, o);
    write_weights(dir, o);
    write_vocab(dir);
    tiny_hf_put(dir, "tokenizer_config.json",
                o->bert ? "{\"do_lower_case\": true, \"tokenizer_class\": \"BertTokenizer\", "
                          "\"model_max_length\": 512}\n"
                        : "{\"do_lower_case\": true, \"tokenizer_class\": \"DistilBertTokenizer\", "
                          "\"model_max_length\": 512}\n");
}
