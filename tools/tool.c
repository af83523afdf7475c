/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.c - what the subcommands share: messages, options, the opened model.
 */
#include "tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "progress.h"

/* ---- messages ---- */

static void print_message(const char *format, va_list args)
{
    char text[1024], *p;
    vsnprintf(text, sizeof text, format, args);
    for (p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    progress_hide();
    fprintf(stderr, "relevance: %s\n", text);
}

void tool_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
}

void tool_usage_error(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
    if (command != NULL)
        fprintf(stderr, "Try 'relevance help %s'.\n", command->name);
    else
        fprintf(stderr, "Try 'relevance help'.\n");
    exit(TOOL_ERROR);
}

/* Edits (insert, delete, replace, swap neighbours) between two words, of at most 31 bytes each. */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[32][32];
    size_t n = strlen(a), m = strlen(b), i, j;
    if (n > 31 || m > 31)
        return 100;
    for (i = 0; i <= n; i++)
        d[i][0] = (unsigned)i;
    for (j = 0; j <= m; j++)
        d[0][j] = (unsigned)j;
    for (i = 1; i <= n; i++)
        for (j = 1; j <= m; j++) {
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *tool_suggest(const char *word, const char *const *candidates)
{
    size_t len = strlen(word);
    unsigned best = len < 3 ? 1 : len < 6 ? 2 : 3; /* more edits than this are another word */
    const char *found = NULL;
    for (; *candidates != NULL; candidates++) {
        unsigned d = distance(word, *candidates);
        if (len >= 3 && strncmp(word, *candidates, len) == 0)
            d = 1; /* the beginning of it */
        if (d <= best && (found == NULL || d < best)) {
            best = d;
            found = *candidates;
        }
    }
    return found;
}

/* ---- options ---- */

#define OPTION_MAX 64

static _Noreturn void print_help(const struct command *command)
{
    out_text(&out, command->help);
    exit(tool_finish(TOOL_OK));
}

static void option_set(const struct command *command, const struct option *o, const char *shown,
                       const char *text)
{
    char *end;
    double number;
    int i;
    if (o->kind == OPTION_TEXT) {
        *(const char **)o->value = text;
        return;
    }
    if (o->kind == OPTION_CHOICE) {
        char all[256];
        size_t n = 0;
        for (i = 0; o->choices[i] != NULL; i++) {
            if (strcmp(text, o->choices[i]) == 0) {
                *(int *)o->value = i;
                return;
            }
            if (n < sizeof all)
                n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i > 0 ? ", " : "",
                                      o->choices[i]);
        }
        tool_usage_error(command, "%s is one of %s, not '%s'", shown, all, text);
    }
    if (o->kind == OPTION_LIST)
        ((struct option_list *)o->value)->n = 0;
    for (;;) {
        errno = 0;
        number = strtod(text, &end);
        if (end == text || isspace((unsigned char)*text) || errno != 0 ||
            (*end != '\0' && !(o->kind == OPTION_LIST && *end == ',')) ||
            !(number >= o->min && number <= o->max) ||
            (o->kind != OPTION_REAL && number != (double)(uint32_t)number))
            tool_usage_error(command, "%s needs a %snumber from %g to %.10g, not '%s'", shown,
                             o->kind == OPTION_REAL ? "" : "whole ", o->min, o->max, text);
        if (o->kind == OPTION_REAL) {
            *(double *)o->value = number;
        } else if (o->kind == OPTION_UINT) {
            *(uint32_t *)o->value = (uint32_t)number;
        } else {
            struct option_list *list = o->value;
            if (list->n == sizeof list->values / sizeof list->values[0])
                tool_usage_error(command, "%s takes at most %u numbers", shown, (unsigned)list->n);
            list->values[list->n++] = (uint32_t)number;
        }
        if (*end == '\0')
            return;
        text = end + 1;
    }
}

static const struct option *option_find(const struct option *a, const struct option *b,
                                        const char *name, size_t len, char letter)
{
    const struct option *lists[2] = {a, b};
    int i;
    for (i = 0; i < 2; i++) {
        const struct option *o = lists[i];
        for (; o != NULL && o->name != NULL; o++)
            if (letter != 0 ? o->letter == letter
                            : strlen(o->name) == len && strncmp(o->name, name, len) == 0)
                return o;
    }
    return NULL;
}

static _Noreturn void option_unknown(const struct command *command, const struct option *a,
                                     const struct option *b, const char *shown, size_t shown_len)
{
    const char *names[OPTION_MAX + 1], *best = NULL;
    const struct option *lists[2] = {a, b};
    char word[64];
    size_t n = 0;
    int i;
    for (i = 0; i < 2; i++) {
        const struct option *o = lists[i];
        for (; o != NULL && o->name != NULL && n < OPTION_MAX; o++)
            names[n++] = o->name;
    }
    names[n] = NULL;
    if (shown_len > 2) {
        snprintf(word, sizeof word, "%.*s", (int)(shown_len - 2), shown + 2);
        best = tool_suggest(word, names);
    }
    if (best != NULL)
        tool_usage_error(command, "unknown option '%.*s': did you mean '--%s'?", (int)shown_len,
                         shown, best);
    tool_usage_error(command, "unknown option '%.*s'%s", (int)shown_len, shown,
                     strchr(shown, ' ') != NULL ? " (a text that begins with '-' goes after '--')"
                                                : "");
}

int options_parse(const struct command *command, const struct option *options,
                  const struct option *more, int argc, char **argv)
{
    int n = 0, i;
    for (i = 1; i < argc; i++) {
        char *arg = argv[i], shown[80];
        const struct option *o;
        const char *value = NULL;
        size_t len;
        if (arg[0] != '-' || arg[1] == '\0') {
            argv[n++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            while (++i < argc)
                argv[n++] = argv[i];
            break;
        }
        if (arg[1] == '-') {
            len = strcspn(arg, "=");
            o = option_find(options, more, arg + 2, len - 2, 0);
            if (arg[len] == '=')
                value = arg + len + 1;
        } else {
            len = 2;
            o = option_find(options, more, NULL, 0, arg[1]);
            if (arg[2] != '\0') /* "-t2"; after a flag it is refused below */
                value = arg + 2;
            if (o == NULL)
                len = strlen(arg);
        }
        if (o == NULL)
            option_unknown(command, options, more, arg, len);
        snprintf(shown, sizeof shown, "%.*s", (int)len, arg);
        if (o->kind == OPTION_FLAG || o->kind == OPTION_HELP) {
            if (value != NULL)
                tool_usage_error(command, "%s takes no value", shown);
            if (o->kind == OPTION_HELP)
                print_help(command);
            *(bool *)o->value = true;
            continue;
        }
        if (value == NULL && i + 1 < argc)
            value = argv[++i];
        if (value == NULL)
            tool_usage_error(command, "%s needs a value", shown);
        option_set(command, o, shown, value);
    }
    return n;
}

struct common common;

/* In the order of the library's enumerations. */
static const char *const isa_names[] = {"auto", "scalar",  "avx2",     "avx512", "avx512vnni",
                                        "neon", "neondot", "neoni8mm", "amx",    NULL};
static const char *const special_names[] = {"text", "parse", NULL};
static const char *const gemm_names[] = {"auto", "own", "blas", NULL};

const struct option common_options[] = {
    {"model", 'm', OPTION_TEXT, &common.model, 0, 0, NULL},
    {"threads", 't', OPTION_UINT, &common.threads, 1, 64, NULL},
    /* Three special tokens and one of text, which is what the library asks for. */
    {"max-length", 0, OPTION_UINT, &common.max_tokens, 4, 1e6, NULL},
    {"isa", 0, OPTION_CHOICE, &common.isa, 0, 0, isa_names},
    {"special-tokens", 0, OPTION_CHOICE, &common.special_tokens, 0, 0, special_names},
    {"f32-gemm", 0, OPTION_CHOICE, &common.f32_gemm, 0, 0, gemm_names},
    {"json", 0, OPTION_FLAG, &common.json, 0, 0, NULL},
    {"help", 'h', OPTION_HELP, NULL, 0, 0, NULL},
    {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
};

/* ---- the model ---- */

/* The folder of the running program, with a slash at the end, or "" where it is not known. */
static const char *program_folder(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    char *slash;
    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash != NULL)
        slash[1] = '\0';
    return path;
}

bool tool_find_data(char path[TOOL_PATH_CAP], const char *name, const char *otherwise)
{
    static const char *const beside[] = {"../data/", "../share/librelevance/"};
    char found[3][TOOL_PATH_CAP];
    const char *folder = program_folder();
    size_t i, n = 0;
    for (i = 0; i < 2 && *folder != '\0'; i++)
        snprintf(found[n++], sizeof found[0], "%s%s%s", folder, beside[i], name);
    snprintf(found[n++], sizeof found[0], "data/%s", name);
    for (i = 0; i < n; i++)
        if (access(found[i], F_OK) == 0) {
            memcpy(path, found[i], sizeof found[i]);
            return true;
        }
    tool_warn("%s, and there is none at", otherwise);
    for (i = 0; i < n; i++)
        fprintf(stderr, "  %s\n", found[i]);
    return false;
}

/* 'wanted', the variable, or the file by tool_find_data(). */
static const char *find_model(const char *wanted, const char *variable, const char *file)
{
    static char path[TOOL_PATH_CAP];
    const char *value = getenv(variable);
    char otherwise[100];
    if (wanted != NULL)
        return wanted;
    if (value != NULL && *value != '\0')
        return value;
    snprintf(otherwise, sizeof otherwise, "no model: --model and %s are not set", variable);
    if (tool_find_data(path, file, otherwise))
        return path;
    fprintf(stderr, "'relevance convert FOLDER OUT.rlv' makes one from a Hugging Face folder.\n");
    return NULL;
}

const char *tool_model_path(const char *wanted)
{
    return find_model(wanted, "RELEVANCE_MODEL", "default.rlv");
}

const char *tool_intent_model_path(const char *wanted)
{
    return find_model(wanted, "RELEVANCE_INTENT_MODEL", "intent.rlv");
}

struct relevance_context_options tool_context_options(void)
{
    struct relevance_context_options o = {
        .size = sizeof o,
        .threads = common.threads,
        .max_tokens = common.max_tokens,
        .isa = (enum relevance_isa)common.isa,
        .special_tokens = (enum relevance_special_tokens)common.special_tokens,
        .f32_gemm = (enum relevance_f32_gemm)common.f32_gemm,
    };
    return o;
}

void tool_report(const char *path, const struct relevance_error *error)
{
    if (strstr(error->message, path) != NULL)
        tool_warn("%s", error->message);
    else
        tool_warn("%s: %s", path, error->message);
}

bool session_open(struct session *s)
{
    struct relevance_context_options options = tool_context_options();
    struct relevance_error error = {.message = ""};
    float priors[RELEVANCE_MAX_LABELS];
    memset(s, 0, sizeof *s);
    s->info.size = sizeof s->info;
    s->path = tool_model_path(common.model);
    if (s->path == NULL)
        return false;
    if (relevance_open(s->path, NULL, &s->model, &error) != RELEVANCE_OK) {
        tool_report(s->path, &error);
        return false;
    }
    relevance_model_info(s->model, &s->info);
    if (common.prior != NULL && s->info.label_n > 0) {
        if (!tool_priors(s->model, s->info.label_n, common.prior, priors)) {
            session_close(s);
            return false;
        }
        options.priors = priors;
        options.prior_n = s->info.label_n;
    }
    if (common.max_tokens > s->info.max_tokens) {
        tool_warn("--max-length is %u, and %s reads at most %u tokens", common.max_tokens, s->path,
                  s->info.max_tokens);
        session_close(s);
        return false;
    }
    if (relevance_context_create(s->model, &options, &s->ctx, &error) != RELEVANCE_OK) {
        tool_report(s->path, &error);
        session_close(s);
        return false;
    }
    return true;
}

bool session_open_classifier(struct session *s)
{
    if (!session_open(s))
        return false;
    if (s->info.label_n > 0)
        return true;
    tool_warn("%s has no head that labels pairs: only 'tokenize' and 'info' can use it", s->path);
    session_close(s);
    return false;
}

void session_close(struct session *s)
{
    relevance_context_destroy(s->ctx);
    relevance_close(s->model);
    s->ctx = NULL;
    s->model = NULL;
}

/* ---- labels ---- */

int tool_label(const relevance_model *model, uint32_t label_n, struct relevance_text text)
{
    int found = -1;
    uint32_t i;
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    while (text.len > 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }
    for (i = 0; i < label_n; i++) {
        const char *name = relevance_label(model, i);
        size_t k = 0;
        while (k < text.len && name[k] != '\0' &&
               tolower((unsigned char)name[k]) == tolower((unsigned char)text.data[k]))
            k++;
        if (k == text.len && name[k] == '\0')
            return (int)i;
        if (k == 1 && text.len == 1)
            found = found == -1 ? (int)i : -2;
    }
    return found < 0 ? -1 : found;
}

bool tool_priors(const relevance_model *model, uint32_t label_n, const char *text, float *priors)
{
    double shares[RELEVANCE_MAX_LABELS], sum = 0;
    uint32_t i;
    for (i = 0; i < label_n; i++)
        shares[i] = -1;
    if (strcmp(text, "even") == 0) {
        for (i = 0; i < label_n; i++)
            priors[i] = 1.0f / (float)label_n;
        return true;
    }
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        const char *equals = memchr(text, '=', len);
        struct relevance_text name = {text, equals != NULL ? (size_t)(equals - text) : len};
        int label = tool_label(model, label_n, name);
        char *end = NULL;
        double share = equals != NULL ? strtod(equals + 1, &end) : -1;
        if (label < 0) {
            tool_warn("--prior: '%.*s' is not a label of the model", (int)(len < 60 ? len : 60),
                      text);
            return false;
        }
        if (equals == NULL || end == equals + 1 || end != text + len ||
            !(share >= 0 && share <= 1e9)) {
            tool_warn("--prior: '%.*s' is not LABEL=SHARE with a number from 0 up",
                      (int)(len < 60 ? len : 60), text);
            return false;
        }
        if (shares[label] >= 0) {
            tool_warn("--prior: '%s' stands there twice", relevance_label(model, (uint32_t)label));
            return false;
        }
        shares[label] = share;
        sum += share;
        text += len;
        text += *text == ',';
    }
    for (i = 0; i < label_n; i++) {
        if (shares[i] < 0) {
            tool_warn("--prior: no share for '%s'; each label needs one",
                      relevance_label(model, i));
            return false;
        }
        if (!(sum > 0)) {
            tool_warn("--prior: the shares are all 0");
            return false;
        }
        priors[i] = (float)(shares[i] / sum);
    }
    return true;
}

/* ---- input ---- */

const char *const format_names[] = {"auto", "tsv", "csv", "jsonl", NULL};
const char *const format_names_lines[] = {"auto", "tsv", "csv", "jsonl", "lines", NULL};

struct reader *tool_reader(const char *path, const struct reader_options *options)
{
    char error[400];
    struct reader *reader = reader_open(path, options, error, sizeof error);
    if (reader == NULL)
        tool_warn("%s", error);
    return reader;
}

void tool_report_row(const struct reader *reader, const struct reader_row *row)
{
    tool_warn("%s:%llu: %s", reader_name(reader), (unsigned long long)row->line, row->error);
}

int tool_reader_label(const struct session *s, const struct reader *reader,
                      const struct reader_row *row)
{
    struct relevance_text wanted;
    int label;
    if (row->error != NULL) {
        tool_report_row(reader, row);
        return -1;
    }
    wanted = rows_text(row, READER_LABEL);
    label = tool_label(s->model, s->info.label_n, wanted);
    if (label < 0)
        tool_warn("%s:%llu: '%.*s' is not a label of the model", reader_name(reader),
                  (unsigned long long)row->line, (int)(wanted.len < 60 ? wanted.len : 60),
                  wanted.len > 0 ? wanted.data : "");
    return label;
}

void tool_json_error(struct json_out *json, const struct reader_row *row)
{
    jw_put_string(json, "error", row->error);
    jw_put_uint(json, "line", row->line);
}

void tool_json_fields(struct json_out *json, const struct reader_row *row,
                      const struct names *names)
{
    size_t i;
    for (i = 0; i < row->field_n; i++) {
        struct relevance_text text = row->fields[i].text;
        jw_key_text(json, names->names[i].data, names->names[i].len);
        if (row->fields[i].raw)
            jw_raw(json, text.data, text.len);
        else
            jw_text(json, text.data, text.len);
    }
}

/* ---- the end ---- */

int tool_finish(int status)
{
    out_flush(&out);
    if (close(out.fd) != 0 && out.error == 0 && errno != EBADF)
        out.error = errno; /* some file systems say only now that the disk is full */
    if (out.error == 0)
        return status;
    if (out.error != EPIPE) /* the reader has gone: nobody is left to tell */
        tool_warn("cannot write the output: %s", strerror(out.error));
    return TOOL_ERROR;
}

void tool_json_result(struct json_out *json, const relevance_model *model,
                      const struct relevance_result *result)
{
    uint32_t i;
    jw_put_string(json, "label", relevance_label(model, result->label));
    jw_key(json, "probs");
    jw_begin(json, '{');
    for (i = 0; i < result->label_n; i++)
        jw_put_real(json, relevance_label(model, i), (double)result->probabilities[i], 6);
    jw_end(json, '}');
    jw_put_uint(json, "tokens", result->tokens);
    jw_put_uint(json, "truncated", result->truncated);
}
