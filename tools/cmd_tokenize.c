/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_tokenize.c - 'relevance tokenize': the token ids that the model reads.
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "progress.h"
#include "table.h"
#include "tool.h"

static const char help[] =
    "relevance tokenize - the token ids that the model reads\n"
    "\n"
    "usage: relevance tokenize [OPTIONS] QUERY PRODUCT\n"
    "       relevance tokenize [OPTIONS] --single TEXT\n"
    "       relevance tokenize [OPTIONS] FILE       (FILE '-': standard input)\n"
    "\n"
    "A pair becomes '[CLS] query [SEP] product [SEP]', a single text '[CLS] text\n"
    "[SEP]', cut \"longest first\" to --max-length.  FILE has the columns of 'relevance\n"
    "classify'.\n"
    "--json prints {\"ids\":[...]} for each row; with --text also \"tokens\" and\n"
    "\"truncated\".\n"
    "\n"
    "Options:\n"
    "      --single                one text, not a pair\n"
    "      --text                  print the tokens' text too\n"
    "  -f, --format FORMAT         of the file: auto, tsv, csv or jsonl\n" COMMON_HELP "\n"
    "Examples:\n"
    "  relevance tokenize \"running shoes\" \"Trail running shoe, size 10\"\n"
    "  relevance tokenize --single --json --text \"unbelievable\"\n"
    "  relevance tokenize --json --max-length 64 pairs.tsv\n";

struct job {
    struct session session;
    struct relevance_tokens tokens;
    bool single, text;
};

static void put_json(const struct job *job)
{
    struct json_out json = {.out = &out};
    size_t i;
    jw_begin(&json, '{');
    jw_key(&json, "ids");
    jw_begin(&json, '[');
    for (i = 0; i < job->tokens.n; i++)
        jw_uint(&json, (uint64_t)job->tokens.ids[i]);
    jw_end(&json, ']');
    if (job->text) {
        jw_key(&json, "tokens");
        jw_begin(&json, '[');
        for (i = 0; i < job->tokens.n; i++) {
            struct relevance_text text = relevance_token(job->session.model, job->tokens.ids[i]);
            jw_text(&json, text.data, text.len);
        }
        jw_end(&json, ']');
        jw_put_uint(&json, "truncated", job->tokens.truncated);
    }
    jw_end(&json, '}');
    jw_newline(&json);
}

/* Ids on one line; with --text each as "id:token". */
static void put_line(const struct job *job)
{
    size_t i;
    for (i = 0; i < job->tokens.n; i++) {
        struct relevance_text text = relevance_token(job->session.model, job->tokens.ids[i]);
        if (i > 0)
            out_char(&out, ' ');
        out_uint(&out, (uint64_t)job->tokens.ids[i]);
        if (job->text) {
            out_char(&out, ':');
            out_bytes(&out, text.data, text.len);
        }
    }
    out_char(&out, '\n');
}

static bool tokenize(struct job *job, struct relevance_text query, struct relevance_text product)
{
    /* A NULL product stands for "no second text": an empty one needs an address. */
    const char *data = job->single ? NULL : product.data != NULL ? product.data : "";
    enum relevance_status status = relevance_tokenize(job->session.ctx, query.data, query.len, data,
                                                      product.len, &job->tokens);
    if (status != RELEVANCE_OK)
        tool_warn("cannot tokenize: %s", relevance_status_name(status));
    return status == RELEVANCE_OK;
}

static int tokenize_file(struct job *job, const char *path, const struct reader_options *options)
{
    struct reader *reader = tool_reader(path, options);
    struct reader_row row;
    uint64_t row_n = 0, failed_n = 0, total;
    int got, status = TOOL_ERROR;
    if (reader == NULL)
        return TOOL_ERROR;
    reader_position(reader, &total);
    if (out_width(out.fd) == 0)
        progress_begin("tokenize", total);
    while ((got = reader_next(reader, &row)) == 1 && out.error == 0) {
        row_n++;
        if (row.error != NULL) {
            failed_n++;
            tool_report_row(reader, &row);
            if (common.json) {
                struct json_out json = {.out = &out};
                jw_begin(&json, '{');
                tool_json_error(&json, &row);
                jw_end(&json, '}');
                jw_newline(&json);
            } else {
                out_format(&out, "error: %s\n", row.error);
            }
        } else {
            if (!tokenize(job, rows_text(&row, READER_QUERY), rows_text(&row, READER_PRODUCT)))
                break;
            if (common.json)
                put_json(job);
            else
                put_line(job);
        }
        progress_count(row_n, "rows");
        progress_update(reader_position(reader, &total));
        if (!reader_ready(reader))
            out_flush(&out);
    }
    progress_end();
    if (got < 0)
        tool_warn("%s", reader_error(reader));
    if (got == 0)
        status = failed_n > 0 ? TOOL_ROWS_FAILED : TOOL_OK;
    if (failed_n > 0)
        tool_warn("%llu of %llu rows failed", (unsigned long long)failed_n,
                  (unsigned long long)row_n);
    reader_close(reader);
    return tool_finish(status);
}

static int tokenize_texts(struct job *job, const char *query, const char *product)
{
    struct relevance_text a = {query, strlen(query)}, b = {product, strlen(product)};
    if (!tokenize(job, a, b))
        return TOOL_ERROR;
    if (common.json) {
        put_json(job);
    } else {
        struct table t = {.align = "rl"};
        size_t i;
        for (i = 0; i < job->tokens.n; i++) {
            struct relevance_text text = relevance_token(job->session.model, job->tokens.ids[i]);
            table_cell(&t, "%ld", (long)job->tokens.ids[i]);
            table_text(&t, text.data, text.len, 0);
        }
        table_print(&t, &out, 0);
        if (job->tokens.truncated > 0)
            tool_warn("%u tokens were cut", job->tokens.truncated);
    }
    return tool_finish(TOOL_OK);
}

static int tokenize_main(int argc, char **argv)
{
    struct job job = {.single = false};
    int format = READER_AUTO, n, status;
    struct reader_options reading = {.required = 1u << READER_QUERY | 1u << READER_PRODUCT};
    const struct option options[] = {
        {"single", 0, OPTION_FLAG, &job.single, 0, 0, NULL},
        {"text", 0, OPTION_FLAG, &job.text, 0, 0, NULL},
        {"format", 'f', OPTION_CHOICE, &format, 0, 0, format_names},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    n = options_parse(&cmd_tokenize, options, common_options, argc, argv);
    if (job.single && n != 1)
        tool_usage_error(&cmd_tokenize, "--single needs one text; got %d arguments", n);
    if (n != 1 && n != 2)
        tool_usage_error(&cmd_tokenize,
                         "a query and a product, or one file, expected; got %d arguments", n);
    if (format != READER_AUTO && (n == 2 || job.single))
        tool_usage_error(&cmd_tokenize, "--format is for a file");
    reading.format = (enum reader_format)format;
    if (!session_open(&job.session))
        return TOOL_ERROR;
    job.tokens.cap = job.session.info.max_tokens;
    job.tokens.ids = must_alloc(job.tokens.cap, sizeof *job.tokens.ids);
    if (job.single || n == 2)
        status = tokenize_texts(&job, argv[0], n == 2 ? argv[1] : "");
    else
        status = tokenize_file(&job, argv[0], &reading);
    free(job.tokens.ids);
    session_close(&job.session);
    return status;
}

const struct command cmd_tokenize = {
    .name = "tokenize",
    .main = tokenize_main,
    .summary = "show the token ids that the model reads",
    .help = help,
};
