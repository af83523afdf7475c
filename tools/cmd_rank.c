/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_rank.c - 'relevance rank': order products by how well they fit one query.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "progress.h"
#include "table.h"
#include "tool.h"

#define CHUNK 256 /* products between two updates of the progress bar */

static const char help[] =
    "relevance rank - order products by how well they fit one query, best first\n"
    "\n"
    "usage: relevance rank [OPTIONS] QUERY FILE       (FILE '-': standard input)\n"
    "\n"
    "FILE holds one product a line; or is a TSV or CSV file with a column 'title' or\n"
    "'product'; or JSON lines with such a field.  The score is the mean gain of the\n"
    "labels (Exact 1, Substitute 0.1, Complement 0.01, Irrelevant 0, unless the\n"
    "model says otherwise) under their probabilities.  Equal scores keep the order of\n"
    "the file.  --json prints one object a product: rank, score, label, probs,\n"
    "tokens, truncated, line, and the file's own fields.\n"
    "\n"
    "Options:\n"
    "  -k, --top K                 print the best K only\n"
    "  -f, --format FORMAT         auto, tsv, csv, jsonl or lines\n"
    "                              (default: by the file's name, or its first bytes)\n"
    "  -o, --output FORMAT         table, jsonl, tsv or csv (default table); tsv and csv\n"
    "                              have the columns rank, score, label, tokens,\n"
    "                              truncated and line, then the file's own\n" PRIOR_HELP COMMON_HELP
    "\n"
    "Examples:\n"
    "  relevance rank \"usb c cable\" products.txt --top 5\n"
    "  relevance rank \"usb c cable\" catalogue.csv --json\n"
    "  grep -i cable titles.txt | relevance rank \"usb c cable\" -\n";

enum output_format { OUTPUT_TABLE, OUTPUT_JSONL, OUTPUT_TSV, OUTPUT_CSV };
static const char *const output_names[] = {"table", "jsonl", "tsv", "csv", NULL};

static const char *const column_own[] = {"rank", "score", "label", "tokens", "truncated", "line", NULL};
static const char *const json_own[] = {"rank",      "score", "label", "probs", "tokens",
                                       "truncated", "line",  "error", NULL};

static int best_first(const void *a, const void *b)
{
    const struct relevance_ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

static void put_json(const struct session *s, const struct rows *rows,
                     const struct relevance_ranked *ranked, size_t n)
{
    struct names names = {0};
    size_t i;
    for (i = 0; i < n; i++) {
        const struct reader_row *row = &rows->rows[ranked[i].index];
        struct json_out json = {.out = &out};
        names_make_row(&names, row, json_own);
        jw_begin(&json, '{');
        jw_put_uint(&json, "rank", i + 1);
        jw_put_real(&json, "score", (double)ranked[i].score, 6);
        tool_json_result(&json, s->model, &ranked[i].result);
        jw_put_uint(&json, "line", row->line);
        tool_json_fields(&json, row, &names);
        jw_end(&json, '}');
        jw_newline(&json);
    }
    names_free(&names);
}

static void put_separated(const struct session *s, const struct reader *reader,
                          const struct rows *rows, const struct relevance_ranked *ranked, size_t n,
                          enum output_format format)
{
    void (*put)(struct output *, const char *, size_t) =
        format == OUTPUT_CSV ? out_csv_field : out_tsv_field;
    const char separator = format == OUTPUT_CSV ? ',' : '\t';
    struct names names = {0};
    const struct relevance_text *columns, line = {"product", 7};
    size_t column_n = reader_header(reader, &columns), i, c;
    if (reader_format(reader) == READER_LINES) {
        columns = &line;
        column_n = 1;
    }
    names_make(&names, columns, column_n, column_own);
    for (i = 0; column_own[i] != NULL; i++)
        out_format(&out, "%s%c", column_own[i], separator);
    for (i = 0; i < names.n; i++) {
        put(&out, names.names[i].data, names.names[i].len);
        out_char(&out, i + 1 < names.n ? separator : '\n');
    }
    for (i = 0; i < n; i++) {
        const struct reader_row *row = &rows->rows[ranked[i].index];
        const struct relevance_result *r = &ranked[i].result;
        const char *label = relevance_label(s->model, r->label);
        out_format(&out, "%llu%c%.6f%c", (unsigned long long)(i + 1), separator,
                   (double)ranked[i].score, separator);
        put(&out, label, strlen(label));
        out_format(&out, "%c%u%c%u%c%llu%c", separator, (unsigned)r->tokens, separator,
                   (unsigned)r->truncated, separator, (unsigned long long)row->line, separator);
        for (c = 0; c < names.n; c++) {
            if (c < row->field_n)
                put(&out, row->fields[c].text.data, row->fields[c].text.len);
            out_char(&out, c + 1 < names.n ? separator : '\n');
        }
    }
    names_free(&names);
}

static void put_table(const struct session *s, const struct rows *rows,
                      const struct relevance_ranked *ranked, size_t n)
{
    struct table t = {.align = "rrll", .header = true};
    unsigned width = out_width(out.fd);
    size_t i;
    /* Rank, score and label take about 30 columns; titles get the rest, or as much as says something. */
    width = width > 46 ? width - 30 : width > 0 ? 16 : 0;
    table_cell(&t, "rank");
    table_cell(&t, "score");
    table_cell(&t, "label");
    table_cell(&t, "product");
    for (i = 0; i < n; i++) {
        struct relevance_text text = rows_text(&rows->rows[ranked[i].index], READER_PRODUCT);
        table_cell(&t, "%llu", (unsigned long long)(i + 1));
        table_cell(&t, "%.4f", (double)ranked[i].score);
        table_cell(&t, "%s", relevance_label(s->model, ranked[i].result.label));
        table_text(&t, text.data, text.len, width);
    }
    table_print(&t, &out, 0);
}

/* Read the products; rows with an error are reported and go to 'bad'.  False: reading failed. */
static bool read_products(struct reader *reader, struct rows *rows, struct rows *bad)
{
    struct reader_row row;
    int got;
    while ((got = reader_next(reader, &row)) == 1) {
        if (row.error != NULL)
            tool_report_row(reader, &row);
        rows_add(row.error != NULL ? bad : rows, &row);
    }
    if (got < 0)
        tool_warn("%s", reader_error(reader));
    if (rows->n > UINT32_MAX)
        tool_warn("more than %lu products", (unsigned long)UINT32_MAX);
    return got == 0 && rows->n <= UINT32_MAX;
}

static bool rank_rows(const struct session *s, const char *query, const struct rows *rows,
                      struct relevance_ranked *ranked)
{
    struct relevance_text products[CHUNK];
    size_t done, i, n;
    progress_begin("rank", rows->n);
    for (done = 0; done < rows->n; done += n) {
        enum relevance_status status;
        n = rows->n - done < CHUNK ? rows->n - done : CHUNK;
        for (i = 0; i < n; i++)
            products[i] = rows_text(&rows->rows[done + i], READER_PRODUCT);
        status = relevance_rank(s->ctx, query, strlen(query), products, n, ranked + done);
        if (status != RELEVANCE_OK) {
            progress_end();
            tool_warn("cannot rank: %s", relevance_status_name(status));
            return false;
        }
        for (i = 0; i < n; i++)
            ranked[done + i].index += (uint32_t)done;
        progress_count(done + n, "products");
        progress_update(done + n);
    }
    progress_end();
    qsort(ranked, rows->n, sizeof *ranked, best_first);
    return true;
}

static int rank_main(int argc, char **argv)
{
    int format = READER_AUTO, output = OUTPUT_TABLE, status = TOOL_ERROR, n;
    uint32_t top = 0;
    struct reader_options reading = {.required = 1u << READER_PRODUCT, .lines = true};
    struct session s;
    struct reader *reader = NULL;
    struct rows rows = {0}, bad = {0};
    struct relevance_ranked *ranked = NULL;
    size_t shown, i;
    const struct option options[] = {
        PRIOR_OPTION,
        {"top", 'k', OPTION_UINT, &top, 1, 4294967295.0, NULL},
        {"format", 'f', OPTION_CHOICE, &format, 0, 0, format_names_lines},
        {"output", 'o', OPTION_CHOICE, &output, 0, 0, output_names},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    n = options_parse(&cmd_rank, options, common_options, argc, argv);
    if (n != 2)
        tool_usage_error(&cmd_rank, "a query and a file expected; got %d arguments", n);
    if (common.json && output != OUTPUT_TABLE && output != OUTPUT_JSONL)
        tool_usage_error(&cmd_rank, "--json and --output %s exclude each other", output_names[output]);
    if (common.json)
        output = OUTPUT_JSONL;
    if (!session_open_classifier(&s))
        return TOOL_ERROR;
    reading.format = (enum reader_format)format;
    reader = tool_reader(argv[1], &reading);
    if (reader == NULL || !read_products(reader, &rows, &bad))
        goto done;
    if (reader_format(reader) == READER_JSONL && (output == OUTPUT_TSV || output == OUTPUT_CSV)) {
        tool_warn("JSON lines have no common columns: their output is --output jsonl or table");
        goto done;
    }
    ranked = must_alloc(rows.n, sizeof *ranked);
    if (!rank_rows(&s, argv[0], &rows, ranked))
        goto done;
    shown = top > 0 && top < rows.n ? top : rows.n;
    if (output == OUTPUT_JSONL)
        put_json(&s, &rows, ranked, shown);
    else if (output == OUTPUT_TABLE)
        put_table(&s, &rows, ranked, shown);
    else
        put_separated(&s, reader, &rows, ranked, shown, (enum output_format)output);
    for (i = 0; i < bad.n && output == OUTPUT_JSONL; i++) {
        struct json_out json = {.out = &out};
        jw_begin(&json, '{');
        tool_json_error(&json, &bad.rows[i]);
        jw_end(&json, '}');
        jw_newline(&json);
    }
    if (bad.n > 0)
        tool_warn("%llu of %llu rows failed", (unsigned long long)bad.n,
                  (unsigned long long)(rows.n + bad.n));
    status = tool_finish(bad.n > 0 ? TOOL_ROWS_FAILED : TOOL_OK);
done:
    free(ranked);
    rows_free(&rows);
    rows_free(&bad);
    reader_close(reader);
    session_close(&s);
    return status;
}

const struct command cmd_rank = {
    .name = "rank",
    .main = rank_main,
    .summary = "order products by how well they fit one query",
    .help = help,
};
