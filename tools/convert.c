/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.c - the command lines of 'relevance convert' and 'relevance quantize', which differ in their
 * help only; see convert_model.c for the work.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../include/relevance.h"
#include "convert.h"
#include "convert_model.h"
#include "rlv_source.h"

#define DEFAULT_WEIGHTS "q7"
#define DEFAULT_OUTLIERS 8
#define MAX_THREADS 64
#define EXIT_REFUSED 2

static const char convert_help[] =
    "Usage: relevance convert HF_DIR OUT.rlv [options]\n"
    "\n"
    "Turn a Hugging Face folder into a model file for librelevance.  HF_DIR holds config.json,\n"
    "model.safetensors (or its shards and their index) and vocab.txt or tokenizer.json.\n"
    "Read are DistilBERT and BERT: ...ForSequenceClassification, ...ForTokenClassification,\n"
    "...ForSequenceAndTokenClassification (see docs/format.md), bare encoders (...Model,\n"
    "...ForMaskedLM, BertForPreTraining), in F32, F16 or BF16.\n"
    "\n";

static const char quantize_help[] =
    "Usage: relevance quantize IN OUT.rlv [options]\n"
    "\n"
    "Store a model in fewer bits.  IN is a model file with f32 or f16 weights, or a Hugging Face\n"
    "folder as for 'relevance convert', which does the same.  Labels, gains, calibrated probabilities\n"
    "and the name, source and licence of a model file are kept.\n"
    "\n";

static const char options_help[] =
    "  --weights FORMAT     linear layers: f32 f16 q8 q7 q6 q5 q4 q3   (default " DEFAULT_WEIGHTS ")\n"
    "  --embeddings FORMAT  word embeddings: f32 f16 q8 q6 q5 q4 q3\n"
    "                       (default: as the layers for f32 and f16, else q6)\n"
    "  --group N            a scale for every N input channels, a multiple of 32; 0: one for an\n"
    "                       output channel (default; q5: 64, q4: 384, q3: 32).  Better, slower\n"
    "  --embedding-group N  likewise within a row of the word embeddings (default: q6 64, q5 to\n"
    "                       q3 32, others one for a row)\n"
    "  --tensor NAME=FORMAT[:GROUP]\n"
    "                       another format for one matrix, or for all that a pattern names; may be\n"
    "                       repeated, the last one that fits counts.  Names: embeddings.word,\n"
    "                       layers.N.qkv, layers.N.attention_out, layers.N.ffn1, layers.N.ffn2,\n"
    "                       pooler; '*' and '?' stand for any characters\n"
    "  --calibrate FILE     texts to run through the model, to choose scales by: TSV, CSV or JSON\n"
    "                       lines with query and title, or with text, or just a text a line;\n"
    "                       default: built-in shopping texts; none: weights are just rounded, which\n"
    "                       is quick and less faithful\n"
    "  --outliers N         input channels of each layer that stay f32, 0 to 32 (default 8).  Each\n"
    "                       costs time, 1 % of a call with hidden size 384\n"
    "  --chain N            products that q7 weights let AVX2 add up in 16 bits, 1, 2 or 4: more is\n"
    "                       faster and binds the weights more (default: 4 in qkv and ffn1, else 2)\n"
    "  --threads N          threads to use (default: one for each CPU, at most 16); the file does\n"
    "                       not depend on it\n"
    "  --gain LABEL=NUMBER  what a label is worth when products are ranked, 0 to 1; may be repeated.\n"
    "                       Default: Exact 1, Substitute 0.1, Complement 0.01, Relevant 1, others 0;\n"
    "                       of unknown labels the second of two, or the first of more, 1\n"
    "  --name TEXT, --source TEXT, --license TEXT\n"
    "                       lines of the file's metadata; the name is the folder's by default\n"
    "  --json               print the report as JSON\n"
    "  --quiet              print no report\n"
    "  --help               this text\n"
    "\n"
    "What the formats are: q8 and q7 store 8 bits, q7 using only 7 of them and keeping their sums\n"
    "small, which lets a CPU with AVX2 but no VNNI run twice as fast; q6 to q3 store 6 to 3 bits and are unpacked as they are used.\n"
    "f16 is half the size of f32 and computes the same way.\n"
    "\n";

static const char convert_examples[] =
    "Examples:\n"
    "  relevance convert ./esci-distilbert esci.rlv\n"
    "  relevance convert ./esci-distilbert exact.rlv --weights f32\n"
    "  relevance convert ./esci-distilbert small.rlv --weights q4 --embeddings q4\n"
    "  relevance convert ./esci-distilbert mixed.rlv --weights q4 --tensor 'layers.*.ffn2=q6'\n"
    "  relevance convert ./shop-intent intent.rlv --weights q4 --calibrate requests.txt\n";

static const char quantize_examples[] =
    "Examples:\n"
    "  relevance quantize exact.rlv small.rlv --weights q4 --embeddings q4\n"
    "  relevance quantize exact.rlv mixed.rlv --weights q4 --tensor 'layers.*.ffn2=q6'\n"
    "  relevance quantize intent-f32.rlv intent.rlv --weights q5 --calibrate requests.txt\n";

static const char status_help[] =
    "\n"
    "Exit status: 0, or 2 where the input or an option is refused; then OUT.rlv is left as it was.\n";

struct gain {
    const char *label; /* 'len' bytes */
    size_t len;
    double value;
    int used;
};

struct arguments { /* zeroed at birth */
    const char *command; /* "convert" or "quantize" */
    const char *dir, *out;
    const char *name, *source, *license;
    const char *weights, *embeddings, *calibration;
    uint32_t threads, outliers, chain;
    uint32_t group, embedding_group;
    struct gain *gains; /* [argc]: more than enough */
    size_t gain_n;
    struct convert_override *overrides; /* [argc] */
    size_t override_n;
    char *patterns; /* the overrides' patterns, one after the other; as long as all words are */
    size_t patterns_len;
    char *tensors; /* the options as they were given, with spaces between; likewise */
    char *kept[3]; /* texts of the file's metadata, owned */
    int json, quiet, help;
};

static int parse_u32(const char *option, const char *text, uint32_t *value, struct failure *failure)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > RLV_MAX_INTERMEDIATE)
        return failure_set(failure, "%s: '%.60s' is not a number from 0 to %u", option, text,
                           RLV_MAX_INTERMEDIATE);
    *value = (uint32_t)n;
    return 0;
}

static int parse_gain(const char *text, struct arguments *a, struct failure *failure)
{
    const char *equals = strrchr(text, '=');
    struct gain *g = &a->gains[a->gain_n];
    char *end = NULL;

    if (equals != NULL)
        g->value = strtod(equals + 1, &end);
    if (equals == NULL || equals == text || end == equals + 1 || *end != '\0' ||
        !(g->value >= 0.0 && g->value <= 1.0))
        return failure_set(failure, "--gain: '%.60s' is not LABEL=NUMBER with a number from 0 to 1",
                           text);
    g->label = text;
    g->len = (size_t)(equals - text);
    a->gain_n++;
    return 0;
}

static int parse_text(const char *option, const char *text, const char **value,
                      struct failure *failure)
{
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ')
            return failure_set(failure, "%s: control characters are not allowed", option);
    *value = text;
    return 0;
}

static int parse_tensor(const char *text, struct arguments *a, struct failure *failure)
{
    struct convert_override *o = &a->overrides[a->override_n];
    const char *equals = strrchr(text, '='), *colon;
    char format[16];
    size_t format_len;

    if (parse_text("--tensor", text, &text, failure) != 0)
        return -1;
    o->group = CONVERT_DEFAULT_GROUP;
    if (equals == NULL || equals == text || equals[1] == '\0')
        return failure_set(failure, "--tensor: '%.60s' is not NAME=FORMAT or NAME=FORMAT:GROUP",
                           text);
    colon = strchr(equals, ':');
    format_len = colon != NULL ? (size_t)(colon - equals - 1) : strlen(equals + 1);
    format_len = format_len < sizeof format - 1 ? format_len : sizeof format - 1;
    memcpy(format, equals + 1, format_len);
    format[format_len] = '\0';
    o->format = convert_format_find(format);
    if (o->format == NULL)
        return failure_set(failure,
                           "--tensor: '%.60s': unknown format '%s', supported: f32 f16 q8 q7 q6 q5 "
                           "q4 q3",
                           text, format);
    if (colon != NULL && parse_u32("--tensor", colon + 1, &o->group, failure) != 0)
        return -1;
    if (colon != NULL && (o->format->w_max == 0 || o->group % RLV_K_BLOCK != 0))
        return failure_set(failure, "--tensor: '%.60s': %s", text,
                           o->format->w_max == 0 ? "this format has no scales, and so no group"
                                                 : "the group must be a multiple of 32");
    o->pattern = a->patterns + a->patterns_len;
    a->patterns_len +=
        1 + (size_t)sprintf(a->patterns + a->patterns_len, "%.*s", (int)(equals - text), text);
    sprintf(a->tensors + strlen(a->tensors), "%s%s", a->override_n > 0 ? " " : "", text);
    a->override_n++;
    return 0;
}

static int parse_chain(const char *text, struct arguments *a, struct failure *failure)
{
    if (strcmp(text, "1") != 0 && strcmp(text, "2") != 0 && strcmp(text, "4") != 0)
        return failure_set(failure, "--chain: '%.60s' is not 1, 2 or 4", text);
    a->chain = (uint32_t)(text[0] - '0');
    return 0;
}

/* An option that takes a value. */
static int parse_value(const char *option, const char *value, struct arguments *a,
                       struct failure *failure)
{
    if (strcmp(option, "--weights") == 0)
        return parse_text(option, value, &a->weights, failure);
    if (strcmp(option, "--embeddings") == 0)
        return parse_text(option, value, &a->embeddings, failure);
    if (strcmp(option, "--name") == 0)
        return parse_text(option, value, &a->name, failure);
    if (strcmp(option, "--source") == 0)
        return parse_text(option, value, &a->source, failure);
    if (strcmp(option, "--license") == 0)
        return parse_text(option, value, &a->license, failure);
    if (strcmp(option, "--calibrate") == 0)
        return parse_text(option, value, &a->calibration, failure);
    if (strcmp(option, "--threads") == 0)
        return parse_u32(option, value, &a->threads, failure);
    if (strcmp(option, "--outliers") == 0)
        return parse_u32(option, value, &a->outliers, failure);
    if (strcmp(option, "--chain") == 0)
        return parse_chain(value, a, failure);
    if (strcmp(option, "--group") == 0)
        return parse_u32(option, value, &a->group, failure);
    if (strcmp(option, "--embedding-group") == 0)
        return parse_u32(option, value, &a->embedding_group, failure);
    if (strcmp(option, "--tensor") == 0)
        return parse_tensor(value, a, failure);
    return parse_gain(value, a, failure);
}

static int takes_value(const char *option)
{
    static const char *const options[] = {"--weights", "--embeddings", "--name",
                                          "--source",  "--license",    "--group",
                                          "--gain",    "--embedding-group", "--calibrate",
                                          "--threads", "--outliers",
                                          "--chain",   "--tensor"};

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(option, options[i]) == 0)
            return 1;
    return 0;
}

static int parse_option(int argc, char **argv, int *at, struct arguments *a,
                        struct failure *failure)
{
    const char *text = argv[*at], *equals = strchr(text, '=');
    char option[32];

    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)
        return a->help = 1, 0;
    if (strcmp(text, "--json") == 0)
        return a->json = 1, 0;
    if (strcmp(text, "--quiet") == 0)
        return a->quiet = 1, 0;
    snprintf(option, sizeof option, "%.*s", equals != NULL ? (int)(equals - text) : 30, text);
    if (!takes_value(option))
        return failure_set(failure, "unknown option '%.60s'; 'relevance %s --help' lists them", text,
                           a->command);
    if (equals != NULL)
        return parse_value(option, equals + 1, a, failure);
    if (*at + 1 >= argc)
        return failure_set(failure, "%s: its value is missing", option);
    return parse_value(option, argv[++*at], a, failure);
}

static int parse_arguments(int argc, char **argv, struct arguments *a, struct failure *failure)
{
    for (int i = 1; i < argc && !a->help; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (parse_option(argc, argv, &i, a, failure) != 0)
                return -1;
        } else if (a->dir == NULL) {
            a->dir = argv[i];
        } else if (a->out == NULL) {
            a->out = argv[i];
        } else {
            return failure_set(failure, "'%.60s': only one %s and one file are expected", argv[i],
                               strcmp(a->command, "convert") == 0 ? "folder" : "input");
        }
    }
    if (!a->help && a->out == NULL)
        return failure_set(failure, "usage: relevance %s %s OUT.rlv [options]; 'relevance %s --help' "
                                    "tells more",
                           a->command, strcmp(a->command, "convert") == 0 ? "HF_DIR" : "IN",
                           a->command);
    return 0;
}

/* As many as there are CPUs; more than a few have little to do. */
static unsigned default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > 16 ? 16 : (unsigned)n;
}

/* Embeddings that cost about as much fidelity as the layers' format does. */
static const char *default_embeddings(const char *weights)
{
    return strcmp(weights, "f32") == 0 || strcmp(weights, "f16") == 0 ? weights : "q6";
}

static int group_ok(uint32_t group)
{
    return group == CONVERT_DEFAULT_GROUP || group % RLV_K_BLOCK == 0;
}

static int has_q7(const struct convert_options *o)
{
    const struct convert_format *q7 = convert_format_find("q7");
    int found = o->weights == q7;
    for (size_t i = 0; i < o->override_n; i++)
        found = found || o->overrides[i].format == q7;
    return found;
}

static int choose_formats(const struct arguments *a, struct convert_options *o,
                          struct failure *failure)
{
    const char *weights = a->weights != NULL ? a->weights : DEFAULT_WEIGHTS;
    const char *embeddings = a->embeddings != NULL ? a->embeddings : default_embeddings(weights);

    o->weights = convert_format_find(weights);
    o->embeddings = convert_format_find(embeddings);
    o->group = a->group;
    o->embedding_group = a->embedding_group;
    o->calibration = a->calibration;
    o->overrides = a->overrides;
    o->override_n = a->override_n;
    o->outlier_n = a->outliers;
    o->chain = a->chain;
    o->threads = a->threads != 0 ? a->threads : default_threads();
    if (a->threads > MAX_THREADS)
        return failure_set(failure, "--threads: at most %u", MAX_THREADS);
    if (a->outliers > RLV_MAX_OUTLIERS)
        return failure_set(failure, "--outliers: at most %u", RLV_MAX_OUTLIERS);
    if (o->weights == NULL)
        return failure_set(failure,
                           "--weights: unknown format '%.60s', supported: f32 f16 q8 q7 q6 q5 q4 q3",
                           weights);
    if (o->embeddings == NULL || strcmp(embeddings, "q7") == 0)
        return failure_set(failure,
                           "--embeddings: unknown format '%.60s', supported: f32 f16 q8 q6 q5 q4 q3",
                           embeddings);
    if (a->group != CONVERT_DEFAULT_GROUP && a->group != 0 && o->weights->w_max == 0)
        return failure_set(failure, "--group: the weights' format %s has no scales", weights);
    if (a->embedding_group != CONVERT_DEFAULT_GROUP && a->embedding_group != 0 &&
        o->embeddings->w_max == 0)
        return failure_set(failure, "--embedding-group: the format %s has no scales", embeddings);
    if (a->chain != 0 && !has_q7(o))
        return failure_set(failure, "--chain: it is for q7 weights, and here are none");
    if (!group_ok(a->group) || !group_ok(a->embedding_group))
        return failure_set(failure, "%s: it must be a multiple of %u",
                           !group_ok(a->group) ? "--group" : "--embedding-group", RLV_K_BLOCK);
    return 0;
}

/* ---- metadata, gains ---- */

static char *make_metadata(const struct arguments *a, const struct hf_model *model,
                           const struct convert_options *o, int quantised)
{
    const char *calibration = !quantised                ? NULL
                              : a->calibration != NULL ? a->calibration
                                                       : "built-in";
    const char *values[][2] = {{"name", a->name},
                               {"source", a->source},
                               {"license", a->license},
                               {"architecture", model->config.architecture},
                               {"weights", o->weights->name},
                               {"embeddings", o->embeddings->name},
                               {"tensors", a->override_n > 0 ? a->tensors : NULL},
                               {"calibration", calibration},
                               {"converter", "relevance convert "}};
    size_t n = sizeof values / sizeof values[0], len = 128, at = 0, name_len;
    const char *end = a->dir + strlen(a->dir), *start;
    char *text;

    while (end > a->dir + 1 && end[-1] == '/')
        end--;
    for (start = end; start > a->dir && start[-1] != '/';)
        start--;
    name_len = (size_t)(end - start);
    for (size_t i = 0; i < n; i++)
        len += 32 + (values[i][1] != NULL ? strlen(values[i][1]) : name_len);
    text = malloc(len);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (values[i][1] != NULL)
            at += (size_t)snprintf(text + at, len - at, "%s=%s%s\n", values[i][0], values[i][1],
                                   i + 1 == n ? relevance_version() : "");
        else if (i == 0)
            at += (size_t)snprintf(text + at, len - at, "name=%.*s\n", (int)name_len, start);
    }
    return text;
}

static int set_gains(const struct arguments *a, struct rlv_writer *w, struct failure *failure)
{
    for (size_t i = 0; i < a->gain_n; i++) {
        const struct gain *g = &a->gains[i];
        uint32_t found = 0;
        for (uint32_t k = 0; w->labels != NULL && k < w->config.label_n; k++) {
            if (strlen(w->labels[k].name) == g->len &&
                memcmp(w->labels[k].name, g->label, g->len) == 0) {
                w->labels[k].gain = (float)g->value;
                found++;
            }
        }
        if (found == 0)
            return failure_set(failure, "--gain: the model has no label '%.*s'",
                               (int)(g->len < 60 ? g->len : 60), g->label);
    }
    return 0;
}

/* ---- report ---- */

static void print_shape(char *text, size_t cap, const struct convert_part *p)
{
    char times[16] = "";

    if (p->n > 1)
        snprintf(times, sizeof times, "%lu x ", (unsigned long)p->n);
    snprintf(text, cap, "%s[%lu, %lu]", times, (unsigned long)p->rows, (unsigned long)p->cols);
}

static void print_table(const struct convert_report *report, const struct hf_model *model,
                        const struct rlv_writer *writer, const char *out, uint64_t file_len,
                        double seconds)
{
    char shape[64], format[16], error[24];

    printf("%-20s %-6s %-20s %12s %10s\n", "part", "format", "shape", "bytes", "error");
    for (size_t i = 0; i < CONVERT_PART_N; i++) {
        const struct convert_part *p = &report->parts[i];
        if (p->name == NULL)
            continue;
        print_shape(shape, sizeof shape, p);
        error[0] = '\0';
        if (p->norm > 0.0)
            snprintf(error, sizeof error, "%.3f%%", 100.0 * sqrt(p->error / p->norm));
        snprintf(format, sizeof format, "%s%s%s", p->format, p->other != NULL ? "+" : "",
                 p->other != NULL ? p->other : "");
        printf("%-20s %-6s %-20s %12llu %10s\n", p->name, format, shape,
               (unsigned long long)p->len, error);
    }
    printf("%-20s %-6s %-20s %12llu\n", "vocabulary", "", "", (unsigned long long)writer->vocab_len);
    printf("%s: %s, %.1f million parameters, %llu bytes (%.1f MB), %.1f s\n", out,
           model->config.architecture, (double)report->parameter_n / 1e6,
           (unsigned long long)file_len, (double)file_len / 1e6, seconds);
    if (model->dropped_n > 0)
        printf("%u tensors have no use here and were left out (buffers, unused heads)\n",
               model->dropped_n);
    for (uint32_t i = 0; writer->labels != NULL && i < writer->config.label_n; i++) {
        printf("%s%s %g", i == 0 ? "labels and their gains in ranking: " : ", ",
               writer->labels[i].name, (double)writer->labels[i].gain);
    }
    if (writer->labels != NULL)
        printf("\n");
}

static json_t *part_json(const struct convert_part *p)
{
    json_t *part = json_pack("{s:s, s:s, s:i, s:[i, i], s:I}", "part", p->name, "format", p->format,
                             "tensors", (int)p->n, "shape", (int)p->rows, (int)p->cols, "bytes",
                             (json_int_t)p->len);

    if (p->other != NULL)
        json_object_set_new(part, "other_format", json_string(p->other));
    if (p->norm > 0.0)
        json_object_set_new(part, "relative_error", json_real(sqrt(p->error / p->norm)));
    return part;
}

static int print_json(const struct convert_report *report, const struct hf_model *model,
                      const struct rlv_writer *writer, const char *out, uint64_t file_len,
                      double seconds)
{
    json_t *parts = json_array(), *labels = json_array(), *root;
    int status;

    for (size_t i = 0; i < CONVERT_PART_N; i++)
        if (report->parts[i].name != NULL)
            json_array_append_new(parts, part_json(&report->parts[i]));
    for (uint32_t i = 0; writer->labels != NULL && i < writer->config.label_n; i++)
        json_array_append_new(labels, json_pack("{s:s, s:f}", "name", writer->labels[i].name,
                                                "gain", (double)writer->labels[i].gain));
    for (uint32_t i = 0; writer->token_labels != NULL && i < writer->config.token_label_n; i++)
        json_array_append_new(labels, json_pack("{s:s}", "name", writer->token_labels[i].name));
    root = json_pack("{s:s, s:I, s:s, s:I, s:i, s:i, s:f, s:o, s:o}", "file", out, "bytes",
                     (json_int_t)file_len, "architecture", model->config.architecture, "parameters",
                     (json_int_t)report->parameter_n, "max_tokens", (int)model->max_tokens,
                     "tensors_left_out", (int)model->dropped_n, "seconds", seconds, "labels", labels,
                     "parts", parts);
    status = json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(root);
    return status;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A file is taken for a model file, and anything else, missing or not, for a folder. */
static int is_model_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* What the options do not say about the model, its file may have said. */
static void keep_metadata(struct arguments *a, const struct rlv_source *file)
{
    const struct {
        const char *key;
        const char **value;
        char **copy;
    } keys[] = {{"name", &a->name, &a->kept[0]},
                {"source", &a->source, &a->kept[1]},
                {"license", &a->license, &a->kept[2]}};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        *keys[i].copy = *keys[i].value == NULL ? rlv_source_metadata(file, keys[i].key) : NULL;
        if (*keys[i].copy != NULL)
            *keys[i].value = *keys[i].copy;
    }
}

static int convert(struct arguments *a, struct failure *failure)
{
    struct convert_options options = {0};
    struct convert_report report;
    struct hf_model model = {0};
    struct rlv_writer writer = {0};
    struct rlv_source file = {0};
    const struct hf_model *from = is_model_file(a->dir) ? &file.model : &model;
    double start = now();
    uint64_t file_len = 0;

    if (choose_formats(a, &options, failure) != 0)
        return -1;
    if ((from == &model ? hf_model_open(&model, a->dir, failure)
                        : rlv_source_open(&file, a->dir, failure)) != 0 ||
        convert_model(from, &options, &writer, &report, failure) != 0)
        goto fail;
    if (from == &file.model) {
        rlv_source_finish(&file, &writer);
        keep_metadata(a, &file);
    }
    if (set_gains(a, &writer, failure) != 0)
        goto fail;
    writer.metadata = make_metadata(a, from, &options, report.quantised);
    if (rlv_writer_save(&writer, a->out, &file_len, failure) != 0)
        goto fail;
    if (a->json)
        print_json(&report, from, &writer, a->out, file_len, now() - start);
    else if (!a->quiet)
        print_table(&report, from, &writer, a->out, file_len, now() - start);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        failure_set(failure, "standard output: cannot write the report");
        goto fail;
    }
    rlv_writer_free(&writer);
    hf_model_close(&model);
    rlv_source_close(&file);
    return 0;

fail:
    rlv_writer_free(&writer);
    hf_model_close(&model);
    rlv_source_close(&file);
    return -1;
}

static int make_lists(struct arguments *a, int argc, char **argv)
{
    size_t len = 1;

    for (int i = 0; i < argc; i++)
        len += strlen(argv[i]) + 1;
    a->gains = calloc((size_t)argc + 1, sizeof *a->gains);
    a->overrides = calloc((size_t)argc + 1, sizeof *a->overrides);
    a->patterns = calloc(len, 1);
    a->tensors = calloc(len, 1);
    return a->gains != NULL && a->overrides != NULL && a->patterns != NULL && a->tensors != NULL;
}

static void free_lists(struct arguments *a)
{
    free(a->gains);
    free(a->overrides);
    free(a->patterns);
    free(a->tensors);
    for (size_t i = 0; i < sizeof a->kept / sizeof a->kept[0]; i++)
        free(a->kept[i]);
}

int convert_main(int argc, char **argv)
{
    int quantize = strcmp(argv[0], "quantize") == 0;
    struct arguments a = {.command = quantize ? "quantize" : "convert",
                          .outliers = DEFAULT_OUTLIERS,
                          .group = CONVERT_DEFAULT_GROUP,
                          .embedding_group = CONVERT_DEFAULT_GROUP};
    struct failure failure = {""};
    int status = 0;

    if (!make_lists(&a, argc, argv))
        failure_set(&failure, "out of memory");
    else if (parse_arguments(argc, argv, &a, &failure) != 0)
        status = EXIT_REFUSED;
    else if (a.help)
        printf("%s%s%s%s", quantize ? quantize_help : convert_help, options_help,
               quantize ? quantize_examples : convert_examples, status_help);
    else if (convert(&a, &failure) != 0)
        status = EXIT_REFUSED;
    if (failure.message[0] != '\0') {
        for (char *c = failure.message; *c != '\0'; c++) /* names come from the files */
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
        fprintf(stderr, "%s: %s\n", a.command, failure.message);
        status = EXIT_REFUSED;
    }
    free_lists(&a);
    return status;
}
