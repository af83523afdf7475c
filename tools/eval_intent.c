/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_intent.c - 'relevance eval --task intent': how often action, product and quantity are all
 * right, in all and for each language and kind of noise, and how fast.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "intent_tool.h"
#include "memory.h"
#include "progress.h"
#include "stats.h"
#include "table.h"

static const char help[] =
    "relevance eval --task intent - exact match and latency on shoppers' requests\n"
    "\n"
    "usage: relevance eval --task intent [OPTIONS] FILE.jsonl     (FILE '-': standard input)\n"
    "\n"
    "A line is {\"text\": ..., \"action\": ..., \"product\": ..., \"quantity\": N}, and may have\n"
    "\"language\": \"en\" and \"noise\": [\"typo\", ...].  A row counts as exact where all three\n"
    "fields are right: the action's name, the product as 'relevance extract' prints it\n"
    "(without --catalog in any case, and then \"byte_spans\": {\"product\": [begin, end]}, where\n"
    "the row has it, says which words are meant) and the quantity.  A row with several kinds\n"
    "of noise counts for each; one without any counts as 'none'.\n"
    "\n"
    "Texts are extracted one at a time, as a service would; the first is run once before,\n"
    "untimed.  Latency is the time of one call, tokenizer and catalogue included.\n"
    "\n"
    "Options:\n"
    "  -c, --catalog FILE          product names, as for 'relevance extract'\n"
    "  -w, --wrong N               print the first N rows that are not exact, on standard error\n"
    COMMON_HELP "\n"
    "Examples:\n"
    "  relevance eval --task intent --catalog data/intent/catalog.tsv test.jsonl\n"
    "  relevance eval --task intent --json -c shop.tsv test.jsonl | jq .exact\n";

struct counts {
    uint64_t n, exact, action, product, quantity;
};

#define NAME_CAP 40
#define GROUP_MAX 64 /* different languages, or kinds of noise; further ones are counted together */

struct group {
    char name[NAME_CAP];
    struct counts counts;
};

struct groups {
    struct group list[GROUP_MAX];
    size_t n;
};

struct tally {
    struct counts all;
    uint64_t failed, truncated, tokens, matched;
    struct groups languages, noises;
    struct times times;
    uint32_t wrong; /* rows still to be shown */
};

/* What a row says is right. */
struct truth {
    struct relevance_text text;
    const char *action, *product, *language;
    json_int_t quantity;
    const json_t *noise;
    size_t begin, end; /* of the product in the text; end 0: not known */
};

static int compare_groups(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static struct counts *group_of(struct groups *g, const char *name)
{
    size_t i = 0;

    for (; i < g->n; i++)
        if (strncmp(g->list[i].name, name, NAME_CAP - 1) == 0)
            return &g->list[i].counts;
    if (g->n == GROUP_MAX)
        return &g->list[GROUP_MAX - 1].counts;
    memset(&g->list[i], 0, sizeof g->list[i]);
    snprintf(g->list[i].name, NAME_CAP, "%s", g->n == GROUP_MAX - 1 ? "others" : name);
    g->n++;
    return &g->list[i].counts;
}

static void count(struct counts *c, bool action, bool product, bool quantity)
{
    c->n++;
    c->exact += action && product && quantity;
    c->action += action;
    c->product += product;
    c->quantity += quantity;
}

/* ---- a row ---- */

/* NULL, or what is wrong with it. */
static const char *read_truth(const json_t *row, struct truth *t)
{
    const json_t *text = json_object_get(row, "text"), *span;

    memset(t, 0, sizeof *t);
    if (!json_is_string(text))
        return "no \"text\"";
    t->text.data = json_string_value(text);
    t->text.len = json_string_length(text);
    t->action = json_string_value(json_object_get(row, "action"));
    t->product = json_string_value(json_object_get(row, "product"));
    t->language = json_string_value(json_object_get(row, "language"));
    t->noise = json_object_get(row, "noise");
    if (t->action == NULL)
        return "no \"action\"";
    if (t->product == NULL && !json_is_null(json_object_get(row, "product")))
        return "no \"product\" (a string, or null)";
    if (!json_is_integer(json_object_get(row, "quantity")))
        return "no \"quantity\" (an integer)";
    t->quantity = json_integer_value(json_object_get(row, "quantity"));
    if (t->noise != NULL && !json_is_array(t->noise))
        return "\"noise\" is no array";
    span = json_object_get(json_object_get(row, "byte_spans"), "product");
    if (json_array_size(span) == 2) {
        t->begin = (size_t)json_integer_value(json_array_get(span, 0));
        t->end = (size_t)json_integer_value(json_array_get(span, 1));
        if (t->begin >= t->end || t->end > t->text.len)
            return "\"byte_spans\" lies outside the text";
    }
    return NULL;
}

static bool product_is_right(const struct truth *t, const struct relevance_intent *r, bool catalog)
{
    struct relevance_text got = intent_product(t->text, r);

    if (got.data == NULL || t->product == NULL)
        return got.data == NULL && t->product == NULL;
    if (catalog)
        return got.len == strlen(t->product) && memcmp(got.data, t->product, got.len) == 0;
    if (t->end != 0)
        return r->product_begin == t->begin && r->product_end == t->end;
    return got.len == strlen(t->product) && strncasecmp(got.data, t->product, got.len) == 0;
}

static void show_wrong(const struct intent_session *s, const struct truth *t,
                       const struct relevance_intent *r)
{
    struct relevance_text got = intent_product(t->text, r);

    tool_warn("'%.*s': %s, %.*s, %u instead of %s, %s, %lld", (int)t->text.len, t->text.data,
              relevance_label(s->session.model, r->action), got.data != NULL ? (int)got.len : 4,
              got.data != NULL ? got.data : "null", r->quantity, t->action,
              t->product != NULL ? t->product : "null", (long long)t->quantity);
}

static bool one_row(struct intent_session *s, const struct truth *t, struct tally *tally)
{
    struct relevance_intent r;
    bool action, product, quantity;
    uint64_t start;

    if (tally->all.n == 0 && !intent_extract(s, t->text, &r)) /* brings the weights into memory */
        return false;
    start = clock_ns();
    if (!intent_extract(s, t->text, &r))
        return false;
    times_add(&tally->times, (double)(clock_ns() - start) * 1e-6);
    action = strcasecmp(relevance_label(s->session.model, r.action), t->action) == 0;
    product = product_is_right(t, &r, s->catalog != NULL);
    quantity = (json_int_t)r.quantity == t->quantity;
    count(&tally->all, action, product, quantity);
    if (t->language != NULL)
        count(group_of(&tally->languages, t->language), action, product, quantity);
    for (size_t i = 0; i < json_array_size(t->noise); i++) {
        const char *name = json_string_value(json_array_get(t->noise, i));
        count(group_of(&tally->noises, name != NULL ? name : "?"), action, product, quantity);
    }
    if (t->noise != NULL && json_array_size(t->noise) == 0)
        count(group_of(&tally->noises, "none"), action, product, quantity);
    tally->tokens += r.tokens;
    tally->truncated += r.truncated > 0;
    tally->matched += r.product.name != NULL;
    if (!(action && product && quantity) && tally->wrong > 0) {
        tally->wrong--;
        show_wrong(s, t, &r);
    }
    return true;
}

/* The row as JSON again, from the reader's fields: it has checked the line's syntax. */
static json_t *row_object(const struct reader_row *row)
{
    json_t *object = json_object();

    for (size_t i = 0; i < row->field_n; i++) {
        const struct reader_field *f = &row->fields[i];
        char name[64];
        json_t *value = f->raw ? json_loadb(f->text.data, f->text.len, JSON_DECODE_ANY, NULL)
                               : json_stringn(f->text.data, f->text.len);
        snprintf(name, sizeof name, "%.*s", (int)(f->name.len < 63 ? f->name.len : 63), f->name.data);
        json_object_set_new(object, name, value);
    }
    return object;
}

static bool run(struct intent_session *s, struct reader *reader, struct tally *tally)
{
    struct reader_row row;
    uint64_t total;
    int got;

    while ((got = reader_next(reader, &row)) == 1) {
        struct truth truth;
        const char *wrong;
        json_t *object;
        bool ok = true;
        if (row.error != NULL) {
            tool_report_row(reader, &row);
            tally->failed++;
            continue;
        }
        object = row_object(&row);
        wrong = read_truth(object, &truth);
        if (wrong != NULL) {
            tool_warn("%s:%llu: %s", reader_name(reader), (unsigned long long)row.line, wrong);
            tally->failed++;
        } else {
            ok = one_row(s, &truth, tally);
        }
        json_decref(object);
        if (!ok)
            return false;
        progress_update(reader_position(reader, &total));
    }
    if (got < 0)
        tool_warn("%s", reader_error(reader));
    return got == 0;
}

/* ---- the report ---- */

static double ratio(uint64_t a, uint64_t b) { return b > 0 ? (double)a / (double)b : 0; }

static void put_counts(struct json_out *json, const struct counts *c)
{
    jw_put_uint(json, "n", c->n);
    jw_put_real(json, "exact", ratio(c->exact, c->n), 6);
    jw_put_real(json, "action", ratio(c->action, c->n), 6);
    jw_put_real(json, "product", ratio(c->product, c->n), 6);
    jw_put_real(json, "quantity", ratio(c->quantity, c->n), 6);
}

static void put_groups(struct json_out *json, const char *name, const struct groups *g)
{
    jw_key(json, name);
    jw_begin(json, '{');
    for (size_t i = 0; i < g->n; i++) {
        jw_key(json, g->list[i].name);
        jw_begin(json, '{');
        put_counts(json, &g->list[i].counts);
        jw_end(json, '}');
    }
    jw_end(json, '}');
}

static void put_json(const struct intent_session *s, struct tally *t)
{
    struct time_summary times = times_summary(&t->times);
    struct json_out json = {.out = &out};

    jw_begin(&json, '{');
    put_counts(&json, &t->all);
    put_groups(&json, "per_language", &t->languages);
    put_groups(&json, "per_noise", &t->noises);
    times_put_json(&json, "latency_ms", &times);
    jw_put_real(&json, "texts_per_s", times.mean > 0 ? 1e3 / times.mean : 0, 3);
    jw_put_uint(&json, "failed", t->failed);
    jw_put_uint(&json, "matched", t->matched);
    jw_put_uint(&json, "truncated", t->truncated);
    jw_put_real(&json, "tokens_mean", ratio(t->tokens, t->all.n), 3);
    jw_put_uint(&json, "threads", common.threads > 0 ? common.threads : 1);
    jw_put_string(&json, "isa", relevance_isa_name(relevance_context_isa(s->session.ctx)));
    jw_put_string(&json, "weights", s->session.info.weights);
    jw_put_uint(&json, "file_bytes", s->session.info.file_len);
    jw_end(&json, '}');
    jw_newline(&json);
}

static void put_rows(struct table *t, const char *kind, const struct groups *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct counts *c = &g->list[i].counts;
        table_cell(t, "%s %s", kind, g->list[i].name);
        table_cell(t, "%.4f", ratio(c->exact, c->n));
        table_cell(t, "%.4f", ratio(c->action, c->n));
        table_cell(t, "%.4f", ratio(c->product, c->n));
        table_cell(t, "%.4f", ratio(c->quantity, c->n));
        table_cell(t, "%llu", (unsigned long long)c->n);
    }
}

static void put_table(const struct intent_session *s, struct tally *t)
{
    static const char *const columns[] = {"rows", "exact", "action", "product", "quantity", "texts"};
    struct time_summary times = times_summary(&t->times);
    struct groups all = {.n = 1, .list = {{.name = "rows", .counts = t->all}}};
    struct table table = {.align = "lrrrrr", .header = true};

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        table_cell(&table, "%s", columns[i]);
    put_rows(&table, "all", &all);
    put_rows(&table, "language", &t->languages);
    put_rows(&table, "noise", &t->noises);
    table_print(&table, &out, 0);
    out_format(&out,
               "\nlatency ms: mean %.2f, p50 %.2f, p95 %.2f, p99 %.2f; %.1f texts/s, one at a time\n"
               "%s weights, %s, %u thread%s, %.1f tokens a text, %llu texts cut\n",
               times.mean, times.p50, times.p95, times.p99, times.mean > 0 ? 1e3 / times.mean : 0,
               s->session.info.weights,
               relevance_isa_name(relevance_context_isa(s->session.ctx)),
               common.threads > 0 ? common.threads : 1, common.threads > 1 ? "s" : "",
               ratio(t->tokens, t->all.n), (unsigned long long)t->truncated);
}

/* ---- the command ---- */

static const struct command cmd_eval_intent = {
    .name = "eval",
    .main = eval_intent_main,
    .summary = "exact match and latency on shoppers' requests",
    .help = help,
};

bool eval_is_intent(int *argc, char **argv)
{
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        const char *task = NULL;
        int used = 1;
        if (strncmp(argv[i], "--task=", 7) == 0) {
            task = argv[i] + 7;
        } else if (strcmp(argv[i], "--task") == 0) {
            if (i + 1 == *argc)
                tool_usage_error(&cmd_eval, "--task: its value is missing");
            task = argv[i + 1];
            used = 2;
        }
        if (task == NULL)
            continue;
        if (strcmp(task, "intent") == 0)
            return true;
        if (strcmp(task, "relevance") != 0)
            tool_usage_error(&cmd_eval, "--task: '%s' is neither 'relevance' nor 'intent'", task);
        memmove(argv + i, argv + i + used, (size_t)(*argc - i - used) * sizeof *argv);
        *argc -= used;
        return false;
    }
    return false;
}

int eval_intent_main(int argc, char **argv)
{
    static const char *const tasks[] = {"intent", NULL};
    struct reader_options reading = {.format = READER_JSONL};
    const char *catalog = NULL;
    struct intent_session s;
    struct reader *reader;
    struct tally *tally;
    uint32_t wrong = 0;
    int n, task = 0, status = TOOL_ERROR;
    uint64_t total;
    const struct option options[] = {
        {"task", 0, OPTION_CHOICE, &task, 0, 0, tasks},
        {"catalog", 'c', OPTION_TEXT, &catalog, 0, 0, NULL},
        {"wrong", 'w', OPTION_UINT, &wrong, 0, 1e9, NULL},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };

    n = options_parse(&cmd_eval_intent, options, common_options, argc, argv);
    if (n != 1)
        tool_usage_error(&cmd_eval_intent, "one file expected; got %d arguments", n);
    if (!intent_session_open(&s, catalog))
        return TOOL_ERROR;
    tally = must_alloc(1, sizeof *tally);
    memset(tally, 0, sizeof *tally);
    tally->wrong = wrong;
    reader = tool_reader(argv[0], &reading);
    if (reader != NULL) {
        reader_position(reader, &total);
        progress_begin("eval", total);
        if (run(&s, reader, tally))
            status = tally->failed > 0 ? TOOL_ROWS_FAILED : TOOL_OK;
        progress_end();
    }
    if (status != TOOL_ERROR && tally->all.n == 0) {
        tool_warn("%s: there is no row that can be used", argv[0]);
        status = TOOL_ERROR;
    }
    if (status != TOOL_ERROR) {
        qsort(tally->languages.list, tally->languages.n, sizeof(struct group), compare_groups);
        qsort(tally->noises.list, tally->noises.n, sizeof(struct group), compare_groups);
        if (common.json)
            put_json(&s, tally);
        else
            put_table(&s, tally);
        if (tally->failed > 0)
            tool_warn("%llu of %llu rows failed", (unsigned long long)tally->failed,
                      (unsigned long long)(tally->all.n + tally->failed));
    }
    status = tool_finish(status);
    times_free(&tally->times);
    free(tally);
    reader_close(reader);
    intent_session_close(&s);
    return status;
}
