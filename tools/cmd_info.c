/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_info.c - 'relevance info': what a model is, and what this machine runs it with.
 */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "tool.h"

static const char help[] =
    "relevance info - what a model is\n"
    "\n"
    "usage: relevance info [OPTIONS] [MODEL]\n"
    "\n"
    "Checks the whole file, and prints its architecture, sizes, weight format,\n"
    "labels, origin and licence, and the instruction sets that this machine and this\n"
    "build can run it with.\n" COMMON_HELP "\n"
    "Examples:\n"
    "  relevance info\n"
    "  relevance info model.rlv --json\n";

/* Call 'put' for each "key=value" line of the metadata. */
static void each_metadata(const char *metadata, void *arg,
                          void (*put)(void *arg, const char *key, size_t key_len, const char *value,
                                      size_t value_len))
{
    while (metadata != NULL && *metadata != '\0') {
        size_t line = strcspn(metadata, "\n"), key = strcspn(metadata, "=\n");
        if (key < line)
            put(arg, metadata, key, metadata + key + 1, line - key - 1);
        metadata += line + (metadata[line] == '\n');
    }
}

static void put_json_line(void *arg, const char *key, size_t key_len, const char *value,
                          size_t value_len)
{
    jw_key_text(arg, key, key_len);
    jw_text(arg, value, value_len);
}

static void put_table_line(void *arg, const char *key, size_t key_len, const char *value,
                           size_t value_len)
{
    static const char *const shown[] = {"architecture", "weights", "embeddings"};
    size_t i;
    for (i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (strlen(shown[i]) == key_len && memcmp(shown[i], key, key_len) == 0)
            return; /* the table has it already, from the tensors themselves */
    table_text(arg, key, key_len, 0);
    table_text(arg, value, value_len, 0);
}

typedef const char *(*label_function)(const relevance_model *model, uint32_t label);

static void put_json(const struct session *s)
{
    const struct relevance_info *info = &s->info;
    const struct {
        const char *name;
        label_function label;
        uint32_t n;
    } heads[2] = {{"labels", relevance_label, info->label_n},
                  {"token_labels", relevance_token_label, info->token_label_n}};
    struct json_out json = {.out = &out};
    uint32_t i;
    int k;
    jw_begin(&json, '{');
    jw_put_string(&json, "model", s->path);
    jw_put_string(&json, "architecture", info->architecture);
    jw_put_string(&json, "weights", info->weights);
    jw_put_string(&json, "embeddings", info->embeddings);
    jw_put_uint(&json, "hidden_size", info->hidden_size);
    jw_put_uint(&json, "layers", info->layer_n);
    jw_put_uint(&json, "heads", info->head_n);
    jw_put_uint(&json, "intermediate_size", info->intermediate_size);
    jw_put_uint(&json, "vocabulary", info->vocab_n);
    jw_put_uint(&json, "max_tokens", info->max_tokens);
    jw_put_uint(&json, "parameters", info->parameter_n);
    jw_put_uint(&json, "file_bytes", info->file_len);
    for (k = 0; k < 2; k++) {
        jw_key(&json, heads[k].name);
        jw_begin(&json, '[');
        for (i = 0; i < heads[k].n; i++)
            jw_string(&json, heads[k].label(s->model, i));
        jw_end(&json, ']');
    }
    jw_key(&json, "prior");
    if (relevance_label_prior(s->model, 0) > 0.0f) {
        jw_begin(&json, '{');
        for (i = 0; i < info->label_n; i++)
            jw_put_real(&json, relevance_label(s->model, i),
                        (double)relevance_label_prior(s->model, i), 6);
        jw_end(&json, '}');
    } else {
        jw_string(&json, NULL);
    }
    jw_key(&json, "metadata");
    jw_begin(&json, '{');
    each_metadata(info->metadata, &json, put_json_line);
    jw_end(&json, '}');
    jw_put_string(&json, "isa", relevance_isa_name(relevance_context_isa(s->ctx)));
    jw_key(&json, "isas");
    jw_begin(&json, '[');
    for (k = RELEVANCE_ISA_SCALAR; k <= RELEVANCE_ISA_AMX; k++)
        if (relevance_isa_supported((enum relevance_isa)k))
            jw_string(&json, relevance_isa_name((enum relevance_isa)k));
    jw_end(&json, ']');
    jw_put_string(&json, "library", relevance_version());
    jw_end(&json, '}');
    jw_newline(&json);
}

static void put_labels(struct table *t, const struct session *s, const char *name,
                       label_function label, uint32_t n)
{
    char all[1024] = "none";
    size_t used = 0;
    uint32_t i;
    for (i = 0; i < n && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > 0 ? ", " : "",
                                 label(s->model, i));
    table_cell(t, "%s", name);
    table_cell(t, "%s", all);
}

static void put_priors(struct table *t, const struct session *s)
{
    char all[1024] = "";
    size_t used = 0;
    uint32_t i;
    for (i = 0; i < s->info.label_n && used < sizeof all; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%s %.3f", i > 0 ? ", " : "",
                                 relevance_label(s->model, i),
                                 (double)relevance_label_prior(s->model, i));
    table_cell(t, "calibrated for");
    table_cell(t, "%s", all);
}

static void put_table(const struct session *s)
{
    const struct relevance_info *info = &s->info;
    struct table t = {.align = "ll"};
    char isas[256] = "";
    size_t used = 0;
    int k;
    table_cell(&t, "model");
    table_cell(&t, "%s", s->path);
    table_cell(&t, "architecture");
    table_cell(&t, "%s, %u layers, %u heads, hidden size %u, inner size %u", info->architecture,
               info->layer_n, info->head_n, info->hidden_size, info->intermediate_size);
    table_cell(&t, "weights");
    table_cell(&t, "%s, embeddings %s, %.1f million parameters, %.1f MB", info->weights,
               info->embeddings, (double)info->parameter_n * 1e-6, (double)info->file_len * 1e-6);
    table_cell(&t, "vocabulary");
    table_cell(&t, "%u tokens", info->vocab_n);
    table_cell(&t, "longest text");
    table_cell(&t, "%u tokens", info->max_tokens);
    put_labels(&t, s, "labels", relevance_label, info->label_n);
    if (relevance_label_prior(s->model, 0) > 0.0f)
        put_priors(&t, s);
    if (info->token_label_n > 0)
        put_labels(&t, s, "token labels", relevance_token_label, info->token_label_n);
    each_metadata(info->metadata, &t, put_table_line);
    for (k = RELEVANCE_ISA_SCALAR; k <= RELEVANCE_ISA_AMX; k++)
        if (relevance_isa_supported((enum relevance_isa)k))
            used += (size_t)snprintf(isas + used, sizeof isas - used, "%s%s", used > 0 ? ", " : "",
                                     relevance_isa_name((enum relevance_isa)k));
    table_cell(&t, "this machine");
    table_cell(&t, "runs %s; uses %s", isas, relevance_isa_name(relevance_context_isa(s->ctx)));
    table_cell(&t, "library");
    table_cell(&t, "%s", relevance_version());
    table_print(&t, &out, 0);
}

static int info_main(int argc, char **argv)
{
    struct session s;
    int n = options_parse(&cmd_info, common_options, NULL, argc, argv);
    if (n > 1)
        tool_usage_error(&cmd_info, "one model expected; got %d arguments", n);
    if (n == 1)
        common.model = argv[0];
    if (!session_open(&s))
        return TOOL_ERROR;
    if (common.json)
        put_json(&s);
    else
        put_table(&s);
    session_close(&s);
    return tool_finish(TOOL_OK);
}

const struct command cmd_info = {
    .name = "info",
    .main = info_main,
    .summary = "what a model is, and what this machine runs it with",
    .help = help,
};
