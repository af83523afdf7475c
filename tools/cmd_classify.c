/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_classify.c - 'relevance classify': label one pair, or each row of a file.
 *
 * A file is read, labelled and written in batches, in constant memory, in the order of the input.
 * The output has the form of the input unless asked otherwise, so that it can be read with the same
 * tools: in particular a field with a tab or a line end, which CSV and JSON can hold, survives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "progress.h"
#include "table.h"
#include "tool.h"

#define BATCH_ROWS 64 /* a few hundred ms of work: enough to fill the library's own batches */
#define BATCH_BYTES (1u << 20) /* of text: bounds the memory where rows are long */

static const char help[] =
    "relevance classify - label query-product pairs\n"
    "\n"
    "usage: relevance classify [OPTIONS] QUERY PRODUCT\n"
    "       relevance classify [OPTIONS] FILE       (FILE '-': standard input)\n"
    "\n"
    "Two arguments are the texts of one pair.  One argument is a file of pairs: TSV\n"
    "or CSV with a header line, or one JSON object a line.  The columns 'query' and\n"
    "'title' (or 'product') are read; the others pass through.  Rows come out in the\n"
    "order of the input, as soon as the input pauses, in the form of the input or in\n"
    "the one that --output names:\n"
    "  tsv, csv  the input's columns, then label, p_<label> for each label, tokens,\n"
    "            truncated (tokens that were cut) and error\n"
    "  jsonl     one object a line: label, probs, tokens, truncated, then the input's\n"
    "            columns; or error, line and what could be read\n"
    "  table     label, its probability and the start of the two texts, to look at\n"
    "An input column with one of these names is called 'input_<name>' in the output.\n"
    "A row that cannot be read is reported and keeps its place in the output.\n"
    "\n"
    "Options:\n"
    "  -f, --format FORMAT         of the input: auto, tsv, csv or jsonl\n"
    "                              (default: by the file's name, or its first bytes)\n"
    "  -o, --output FORMAT         tsv, csv, jsonl (or json) or table\n"
    "                              (default: as the input)\n"
    "      --max-line BYTES        longest row (default 268435456)\n" PRIOR_HELP COMMON_HELP "\n"
    "Examples:\n"
    "  relevance classify \"running shoes\" \"Trailblazer running shoe, size 10\"\n"
    "  relevance classify --json -- \"-18c cooler\" \"Camping cool box, 30 l\"\n"
    "  relevance classify pairs.tsv > labelled.tsv\n"
    "  relevance classify --json pairs.csv | jq -r .label | sort | uniq -c\n"
    "  zcat pairs.jsonl.gz | relevance classify --threads 2 - > labelled.jsonl\n";

enum output_format { OUTPUT_AUTO, OUTPUT_TSV, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_TABLE, OUTPUT_JSONL };
static const char *const output_names[] = {"auto", "tsv", "csv", "json", "table", "jsonl", NULL};

/* Keys of a JSON object; the columns of the other formats are made from the labels. */
static const char *const json_own[] = {"label", "probs", "tokens", "truncated",
                                       "error", "line",  NULL};

static int classify_pair(const char *query, const char *product)
{
    struct session s;
    struct relevance_result result;
    struct json_out json = {.out = &out};
    enum relevance_status status;
    if (!session_open_classifier(&s))
        return TOOL_ERROR;
    status = relevance_classify(s.ctx, query, strlen(query), product, strlen(product), &result);
    if (status != RELEVANCE_OK) {
        tool_warn("cannot classify: %s", relevance_status_name(status));
        session_close(&s);
        return TOOL_ERROR;
    }
    if (common.json) {
        jw_begin(&json, '{');
        tool_json_result(&json, s.model, &result);
        jw_end(&json, '}');
        jw_newline(&json);
    } else {
        struct table t = {.align = "lr"};
        uint32_t i;
        for (i = 0; i < result.label_n; i++) {
            table_cell(&t, "%s", relevance_label(s.model, i));
            if (i == result.label)
                table_bold(&t);
            table_cell(&t, "%.4f", (double)result.probabilities[i]);
            if (i == result.label)
                table_bold(&t);
        }
        out_format(&out, "%s\n", relevance_label(s.model, result.label));
        table_print(&t, &out, 2);
        if (result.truncated > 0)
            tool_warn("the texts were too long: %u tokens were cut, %u remain", result.truncated,
                      result.tokens);
    }
    session_close(&s);
    return tool_finish(TOOL_OK);
}

/* What a file is being turned into. */
struct job {
    struct session session;
    struct reader *reader;
    enum output_format format;
    struct names names; /* of the input's columns in the output */
    struct rows rows;
    struct relevance_pair *pairs;
    struct relevance_result *results;
    uint64_t row_n, failed_n;
};

static void put_field(struct job *job, struct relevance_text text)
{
    if (job->format == OUTPUT_CSV)
        out_csv_field(&out, text.data, text.len);
    else
        out_tsv_field(&out, text.data, text.len);
}

/* Columns of the two texts: 99 in all with the others, or what the window has. */
static unsigned query_width = 28, product_width = 48;

static void fit_table(void)
{
    enum { OTHERS = 12 + 5 + 2 + 2, LEAST = 8 }; /* label, p, two gaps */
    unsigned window = out_width(out.fd), room;
    if (window == 0)
        return;
    room = window > OTHERS + 2 * LEAST ? window - OTHERS : 2 * LEAST;
    query_width = room * 3 / 8 > 60 ? 60 : room * 3 / 8;
    product_width = room - query_width;
}

/* The first 'width' characters of a text, padded; bytes that would break the line become spaces. */
static void put_cell(struct relevance_text text, unsigned width)
{
    unsigned used = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if ((byte & 0xc0) != 0x80 && used++ == width)
            return;
        out_char(&out, byte < 32 || byte == 127 ? ' ' : (char)byte);
    }
    while (used++ < width)
        out_char(&out, ' ');
}

static void put_table_row(struct job *job, const struct reader_row *row,
                          const struct relevance_result *result)
{
    if (result == NULL) {
        out_format(&out, "%-12s%5s  %s\n", "error", "", row->error);
        return;
    }
    out_format(&out, "%-12s%5.3f  ", relevance_label(job->session.model, result->label),
               (double)result->probabilities[result->label]);
    put_cell(rows_text(row, READER_QUERY), query_width);
    out_text(&out, "  ");
    put_cell(rows_text(row, READER_PRODUCT), product_width);
    out_char(&out, '\n');
}

static char separator(const struct job *job) { return job->format == OUTPUT_CSV ? ',' : '\t'; }

static void put_header(struct job *job)
{
    const struct relevance_text *columns;
    size_t column_n = reader_header(job->reader, &columns), own_n = 0, i;
    uint32_t label_n = job->session.info.label_n, k;
    char(*labels)[80] = must_alloc(label_n, sizeof *labels);
    const char **own = must_alloc(label_n + 5, sizeof *own);
    own[own_n++] = "label";
    for (k = 0; k < label_n; k++) {
        snprintf(labels[k], sizeof labels[k], "p_%.77s", relevance_label(job->session.model, k));
        own[own_n++] = labels[k];
    }
    own[own_n++] = "tokens";
    own[own_n++] = "truncated";
    own[own_n++] = "error";
    own[own_n] = NULL;
    if (job->format == OUTPUT_TABLE) {
        fit_table();
        out_format(&out, "%-12s%5s  %-*s  %s\n", "label", "p", (int)query_width, "query", "product");
    } else if (job->format == OUTPUT_JSON) {
        names_make(&job->names, columns, column_n, json_own);
    } else {
        names_make(&job->names, columns, column_n, own);
        for (i = 0; i < column_n; i++) {
            put_field(job, job->names.names[i]);
            out_char(&out, separator(job));
        }
        for (i = 0; i < own_n; i++) {
            struct relevance_text name = {own[i], strlen(own[i])};
            put_field(job, name);
            out_char(&out, i + 1 < own_n ? separator(job) : '\n');
        }
    }
    free(own);
    free(labels);
}

/* 'result' is NULL for a row that could not be used. */
static void put_row(struct job *job, const struct reader_row *row,
                    const struct relevance_result *result)
{
    uint32_t label_n = job->session.info.label_n, k;
    char sep = separator(job);
    size_t i;
    if (job->format == OUTPUT_TABLE) {
        put_table_row(job, row, result);
        return;
    }
    if (job->format == OUTPUT_JSON) {
        struct json_out json = {.out = &out};
        if (reader_format(job->reader) == READER_JSONL)
            names_make_row(&job->names, row, json_own);
        jw_begin(&json, '{');
        if (result != NULL)
            tool_json_result(&json, job->session.model, result);
        else
            tool_json_error(&json, row);
        tool_json_fields(&json, row, &job->names);
        jw_end(&json, '}');
        jw_newline(&json);
        return;
    }
    for (i = 0; i < job->names.n; i++) {
        if (i < row->field_n)
            put_field(job, row->fields[i].text);
        out_char(&out, sep);
    }
    if (result != NULL)
        out_text(&out, relevance_label(job->session.model, result->label));
    for (k = 0; k < label_n; k++) {
        out_char(&out, sep);
        if (result != NULL)
            out_format(&out, "%.6f", (double)result->probabilities[k]);
    }
    out_char(&out, sep);
    if (result != NULL)
        out_uint(&out, result->tokens);
    out_char(&out, sep);
    if (result != NULL)
        out_uint(&out, result->truncated);
    out_char(&out, sep);
    if (result == NULL) {
        struct relevance_text why = {row->error, strlen(row->error)};
        put_field(job, why);
    }
    out_char(&out, '\n');
}

/* Label the rows at hand and write them.  False where the output or the model failed. */
static bool flush(struct job *job)
{
    size_t i, n = 0;
    enum relevance_status status;
    uint64_t total;
    for (i = 0; i < job->rows.n; i++) {
        const struct reader_row *row = &job->rows.rows[i];
        if (row->error != NULL)
            continue;
        job->pairs[n].query = rows_text(row, READER_QUERY);
        job->pairs[n++].product = rows_text(row, READER_PRODUCT);
    }
    status = relevance_classify_batch(job->session.ctx, job->pairs, n, job->results);
    if (status != RELEVANCE_OK) {
        tool_warn("cannot classify: %s", relevance_status_name(status));
        return false;
    }
    for (i = n = 0; i < job->rows.n; i++) {
        const struct reader_row *row = &job->rows.rows[i];
        job->row_n++;
        if (row->error != NULL) {
            job->failed_n++;
            tool_report_row(job->reader, row);
        }
        put_row(job, row, row->error != NULL ? NULL : &job->results[n++]);
    }
    rows_reset(&job->rows);
    progress_count(job->row_n, "pairs");
    progress_update(reader_position(job->reader, &total));
    return out.error == 0;
}

static bool classify_rows(struct job *job)
{
    struct reader_row row;
    bool watched = isatty(out.fd);
    int got = 1;
    while (got == 1) {
        bool paused = job->rows.n > 0 && !reader_ready(job->reader);
        if (paused || job->rows.n == BATCH_ROWS || job->rows.bytes >= BATCH_BYTES) {
            if (!flush(job))
                return false;
            if (paused || watched)
                out_flush(&out);
        }
        got = reader_next(job->reader, &row);
        if (got == 1)
            rows_add(&job->rows, &row);
    }
    if (!flush(job))
        return false;
    if (got < 0)
        tool_warn("%s", reader_error(job->reader));
    return got == 0;
}

static int classify_file(const char *path, enum output_format format,
                         const struct reader_options *options)
{
    struct job job = {.format = format};
    int status = TOOL_ERROR;
    uint64_t total;
    if (!session_open_classifier(&job.session))
        return TOOL_ERROR;
    job.reader = tool_reader(path, options);
    if (job.reader == NULL)
        goto done;
    if (format == OUTPUT_AUTO)
        job.format = reader_format(job.reader) == READER_CSV     ? OUTPUT_CSV
                     : reader_format(job.reader) == READER_JSONL ? OUTPUT_JSON
                                                                 : OUTPUT_TSV;
    if (reader_format(job.reader) == READER_JSONL && job.format != OUTPUT_JSON &&
        job.format != OUTPUT_TABLE) {
        tool_warn("JSON lines have no common columns: their output is --output json or table");
        goto done;
    }
    job.pairs = must_alloc(BATCH_ROWS, sizeof *job.pairs);
    job.results = must_alloc(BATCH_ROWS, sizeof *job.results);
    put_header(&job);
    reader_position(job.reader, &total);
    if (!isatty(out.fd)) /* rows on the screen show the progress themselves */
        progress_begin("classify", total);
    if (classify_rows(&job))
        status = job.failed_n > 0 ? TOOL_ROWS_FAILED : TOOL_OK;
    progress_end();
    if (job.failed_n > 0)
        tool_warn("%llu of %llu rows failed", (unsigned long long)job.failed_n,
                  (unsigned long long)job.row_n);
    status = tool_finish(status);
done:
    free(job.results);
    free(job.pairs);
    rows_free(&job.rows);
    names_free(&job.names);
    reader_close(job.reader);
    session_close(&job.session);
    return status;
}

static int classify_main(int argc, char **argv)
{
    int format = READER_AUTO, output = OUTPUT_AUTO, n;
    uint32_t line_max = 0;
    struct reader_options reading = {.required = 1u << READER_QUERY | 1u << READER_PRODUCT};
    const struct option options[] = {
        {"format", 'f', OPTION_CHOICE, &format, 0, 0, format_names},
        {"output", 'o', OPTION_CHOICE, &output, 0, 0, output_names},
        PRIOR_OPTION,
        {"max-line", 0, OPTION_UINT, &line_max, 16, 4294967295.0, NULL},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    n = options_parse(&cmd_classify, options, common_options, argc, argv);
    if (output == OUTPUT_JSONL)
        output = OUTPUT_JSON;
    if (common.json && output != OUTPUT_AUTO && output != OUTPUT_JSON)
        tool_usage_error(&cmd_classify, "--json and --output %s exclude each other",
                         output_names[output]);
    if (output == OUTPUT_JSON)
        common.json = true;
    if (n == 2) {
        if (format != READER_AUTO)
            tool_usage_error(&cmd_classify, "--format is for one file, and here are two texts");
        return classify_pair(argv[0], argv[1]);
    }
    if (n != 1)
        tool_usage_error(&cmd_classify,
                         "a query and a product, or one file, expected; got %d arguments", n);
    reading.format = (enum reader_format)format;
    reading.line_max = line_max;
    return classify_file(argv[0], common.json ? OUTPUT_JSON : (enum output_format)output, &reading);
}

const struct command cmd_classify = {
    .name = "classify",
    .main = classify_main,
    .summary = "label one pair, or each row of a file",
    .help = help,
};
