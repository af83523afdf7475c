/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_extract.c - 'relevance extract': action, product and quantity of a shopper's request.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "intent_tool.h"
#include "table.h"

static const char help[] =
    "relevance extract - action, product and quantity of a shopper's request\n"
    "\n"
    "usage: relevance extract [OPTIONS] TEXT...\n"
    "       relevance extract [OPTIONS] -       (standard input, one text a line)\n"
    "\n"
    "Each TEXT is one request.  On a terminal the answer is a table; with --json, and\n"
    "where the output is no terminal, one JSON object a line: \"action\", \"product\" and\n"
    "\"quantity\" first, then how sure the model is and where it read them.  \"product\" is\n"
    "the catalogue's name where the catalogue has it, else the words of the text; null\n"
    "where there is none.  \"quantity\" is 1 where the text has none, or none that can be\n"
    "used (\"quantity_kind\" says which: absent, stated, unreadable, out_of_range).  Of\n"
    "several products the first counts; \"products\" says how many there are.\n"
    "\n"
    "Options:\n"
    "  -c, --catalog FILE          product names: a name a line and, after a TAB, aliases\n"
    "                              separated by '|'\n" COMMON_HELP "\n"
    "The model needs a sequence and a token head.  It is, in this order: --model FILE; the\n"
    "variable RELEVANCE_INTENT_MODEL; ../data/intent.rlv and\n"
    "../share/librelevance/intent.rlv, seen from the program; data/intent.rlv in the current\n"
    "folder.\n"
    "\n"
    "Examples:\n"
    "  relevance extract \"add two dozen eggs, please\"\n"
    "  relevance extract --catalog shop.tsv --json \"Makni 12 balzama za usne, hvala!\"\n"
    "  relevance extract --catalog shop.tsv - < requests.txt | jq .product\n";

/* ---- the model and the catalogue ---- */

bool intent_session_open(struct intent_session *s, const char *catalog_path)
{
    struct relevance_error error = {.message = ""};
    struct relevance_intent probe = {.size = sizeof probe};

    memset(s, 0, sizeof *s);
    common.model = tool_intent_model_path(common.model);
    if (common.model == NULL || !session_open(&s->session))
        return false;
    if (relevance_extract(s->session.ctx, "", 0, NULL, &probe) == RELEVANCE_NO_HEAD) {
        tool_warn("%s cannot extract: that needs a sequence head and a token head with the labels "
                  "B-PRODUCT and B-QUANTITY",
                  s->session.path);
        intent_session_close(s);
        return false;
    }
    if (catalog_path != NULL &&
        relevance_catalog_open(catalog_path, NULL, &s->catalog, &error) != RELEVANCE_OK) {
        tool_warn("%s: %s", catalog_path, error.message);
        intent_session_close(s);
        return false;
    }
    return true;
}

void intent_session_close(struct intent_session *s)
{
    relevance_catalog_close(s->catalog);
    s->catalog = NULL;
    session_close(&s->session);
}

bool intent_extract(struct intent_session *s, struct relevance_text text,
                    struct relevance_intent *intent)
{
    enum relevance_status status;

    intent->size = sizeof *intent;
    status = relevance_extract(s->session.ctx, text.data, text.len, s->catalog, intent);
    if (status != RELEVANCE_OK)
        tool_warn("cannot extract: %s", relevance_status_name(status));
    return status == RELEVANCE_OK;
}

struct relevance_text intent_product(struct relevance_text text,
                                     const struct relevance_intent *intent)
{
    struct relevance_text product = {NULL, 0};

    if (intent->product.name != NULL) {
        product.data = intent->product.name;
        product.len = strlen(intent->product.name);
    } else if (intent->product_n > 0) {
        product.data = text.data + intent->product_begin;
        product.len = intent->product_end - intent->product_begin;
    }
    return product;
}

/* ---- output ---- */

static const char *kind_name(enum relevance_quantity_kind kind)
{
    static const char *const names[] = {"absent", "stated", "unreadable", "out_of_range"};

    return names[kind];
}

static void put_span(struct json_out *json, const char *name, size_t begin, size_t end)
{
    jw_key(json, name);
    if (end == 0) {
        jw_string(json, NULL);
        return;
    }
    jw_begin(json, '[');
    jw_uint(json, begin);
    jw_uint(json, end);
    jw_end(json, ']');
}

static void put_json(struct intent_session *s, struct relevance_text text,
                     const struct relevance_intent *r)
{
    struct relevance_text product = intent_product(text, r);
    struct json_out json = {.out = &out};

    jw_begin(&json, '{');
    jw_put_string(&json, "action", relevance_label(s->session.model, r->action));
    jw_key(&json, "product");
    if (product.data != NULL)
        jw_text(&json, product.data, product.len);
    else
        jw_string(&json, NULL);
    jw_put_uint(&json, "quantity", r->quantity);
    jw_put_real(&json, "action_confidence", (double)r->action_confidence, 6);
    jw_put_real(&json, "product_confidence", (double)r->product_confidence, 6);
    jw_put_real(&json, "quantity_confidence", (double)r->quantity_confidence, 6);
    put_span(&json, "product_span", r->product_begin, r->product_end);
    put_span(&json, "quantity_span", r->quantity_begin, r->quantity_end);
    jw_put_string(&json, "quantity_kind", kind_name(r->quantity_kind));
    jw_put_uint(&json, "products", r->product_n);
    jw_put_string(&json, "match", r->product.alias);
    jw_put_uint(&json, "match_distance", r->product.distance);
    jw_put_real(&json, "match_score", (double)r->product.score, 6);
    jw_put_uint(&json, "truncated", r->truncated);
    jw_end(&json, '}');
    jw_newline(&json);
}

static void put_row(struct table *t, struct intent_session *s, struct relevance_text text,
                    const struct relevance_intent *r)
{
    struct relevance_text product = intent_product(text, r);

    table_cell(t, "%s", relevance_label(s->session.model, r->action));
    table_cell(t, "%.3f", (double)r->action_confidence);
    if (product.data != NULL)
        table_text(t, product.data, product.len, 40);
    else
        table_cell(t, "-");
    table_cell(t, "%.3f", (double)r->product_confidence);
    table_cell(t, "%u", r->quantity);
    table_cell(t, "%.3f", (double)r->quantity_confidence);
    table_text(t, text.data, text.len, 60);
}

static void warn_cut(const struct relevance_intent *r)
{
    if (r->truncated > 0)
        tool_warn("%u tokens of a text were cut", r->truncated);
}

/* ---- input ---- */

static int extract_texts(struct intent_session *s, int n, char **texts, bool table)
{
    struct table t = {.align = "lrlrrrl", .header = true};
    static const char *const columns[] = {"action", "p", "product", "p", "quantity", "p", "text"};

    for (size_t i = 0; table && i < sizeof columns / sizeof columns[0]; i++)
        table_cell(&t, "%s", columns[i]);
    for (int i = 0; i < n; i++) {
        struct relevance_text text = {texts[i], strlen(texts[i])};
        struct relevance_intent r;
        if (!intent_extract(s, text, &r))
            return TOOL_ERROR;
        warn_cut(&r);
        if (table)
            put_row(&t, s, text, &r);
        else
            put_json(s, text, &r);
    }
    if (table)
        table_print(&t, &out, 0);
    return tool_finish(TOOL_OK);
}

static int extract_lines(struct intent_session *s, bool table)
{
    struct reader_options reading = {.format = READER_LINES};
    struct reader *reader = tool_reader("-", &reading);
    struct reader_row row;
    int got, status = TOOL_ERROR;
    uint64_t failed_n = 0;

    if (reader == NULL)
        return TOOL_ERROR;
    while ((got = reader_next(reader, &row)) == 1 && out.error == 0) {
        struct relevance_intent r;
        struct relevance_text text;
        if (row.error != NULL) { /* a line beyond the reader's limit */
            struct json_out json = {.out = &out};
            tool_report_row(reader, &row);
            failed_n++;
            if (!table) {
                jw_begin(&json, '{');
                tool_json_error(&json, &row);
                jw_end(&json, '}');
                jw_newline(&json);
            }
            continue;
        }
        text = row.fields[0].text;
        if (!intent_extract(s, text, &r))
            break;
        warn_cut(&r);
        if (table) {
            struct relevance_text product = intent_product(text, &r);
            out_format(&out, "%s\t%u\t", relevance_label(s->session.model, r.action), r.quantity);
            out_tsv_field(&out, product.data != NULL ? product.data : "-",
                          product.data != NULL ? product.len : 1);
            out_char(&out, '\n');
        } else {
            put_json(s, text, &r);
        }
        if (!reader_ready(reader))
            out_flush(&out);
    }
    if (got < 0)
        tool_warn("%s", reader_error(reader));
    if (got == 0)
        status = failed_n > 0 ? TOOL_ROWS_FAILED : TOOL_OK;
    reader_close(reader);
    return tool_finish(status);
}

static int extract_main(int argc, char **argv)
{
    struct intent_session s;
    const char *catalog = NULL;
    bool table;
    int n, status;
    const struct option options[] = {
        {"catalog", 'c', OPTION_TEXT, &catalog, 0, 0, NULL},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };

    n = options_parse(&cmd_extract, options, common_options, argc, argv);
    if (n == 0)
        tool_usage_error(&cmd_extract, "a text, or '-' for standard input, expected");
    if (!intent_session_open(&s, catalog))
        return TOOL_ERROR;
    table = !common.json && isatty(out.fd);
    status = n == 1 && strcmp(argv[0], "-") == 0 ? extract_lines(&s, table)
                                                 : extract_texts(&s, n, argv, table);
    intent_session_close(&s);
    return status;
}

const struct command cmd_extract = {
    .name = "extract",
    .main = extract_main,
    .summary = "action, product and quantity of a shopper's request",
    .help = help,
};
