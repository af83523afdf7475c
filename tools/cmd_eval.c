/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_eval.c - 'relevance eval': how well, and how fast, a model labels pairs whose label is known.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "progress.h"
#include "stats.h"
#include "table.h"
#include "tool.h"

static const char help[] =
    "relevance eval - accuracy and latency on pairs whose label is known\n"
    "\n"
    "usage: relevance eval [OPTIONS] FILE       (FILE '-': standard input)\n"
    "\n"
    "FILE has the columns of 'relevance classify' and a column 'label': a label's\n"
    "name or its first letter, in any case.  Pairs are labelled one at a time, as a\n"
    "service would; the first is run once before, untimed.  Latency is the time of\n"
    "one call, tokenizer included.\n"
    "\n"
    "Macro F1 is the mean over the labels that occur, as truth or as prediction.  In\n"
    "the confusion table a row is a true label and a column a predicted one.\n"
    "\n"
    "Options:\n"
    "  -f, --format FORMAT         of the input: auto, tsv, csv or jsonl\n" PRIOR_HELP COMMON_HELP "\n"
    "Examples:\n"
    "  relevance eval labelled.tsv\n"
    "  relevance eval --json --model other.rlv labelled.tsv | jq .macro_f1\n";

struct tally {
    uint64_t n, failed, truncated, tokens;
    uint64_t confusion[RELEVANCE_MAX_LABELS][RELEVANCE_MAX_LABELS]; /* [true][predicted] */
    double log_loss;                                                /* sum */
    struct times times;
};

struct score {
    double precision, recall, f1;
    uint64_t support, predicted;
};

/* Label the rows of the file.  False where it, or the model, failed. */
static bool run(const struct session *s, struct reader *reader, struct tally *tally)
{
    struct reader_row row;
    struct relevance_result r;
    uint64_t total;
    int got;
    while ((got = reader_next(reader, &row)) == 1) {
        struct relevance_text query, product, wanted;
        enum relevance_status status;
        uint64_t start;
        int truth;
        if (row.error != NULL) {
            tool_report_row(reader, &row);
            tally->failed++;
            continue;
        }
        query = rows_text(&row, READER_QUERY);
        product = rows_text(&row, READER_PRODUCT);
        wanted = rows_text(&row, READER_LABEL);
        truth = tool_label(s->model, s->info.label_n, wanted);
        if (truth < 0) {
            tool_warn("%s:%llu: '%.*s' is not a label of the model", reader_name(reader),
                      (unsigned long long)row.line, (int)(wanted.len < 60 ? wanted.len : 60),
                      wanted.len > 0 ? wanted.data : "");
            tally->failed++;
            continue;
        }
        if (tally->n == 0) /* brings the weights into memory and the caches */
            relevance_classify(s->ctx, query.data, query.len, product.data, product.len, &r);
        start = clock_ns();
        status = relevance_classify(s->ctx, query.data, query.len, product.data, product.len, &r);
        times_add(&tally->times, (double)(clock_ns() - start) * 1e-6);
        if (status != RELEVANCE_OK) {
            tool_warn("cannot classify: %s", relevance_status_name(status));
            return false;
        }
        tally->n++;
        tally->truncated += r.truncated > 0;
        tally->tokens += r.tokens;
        tally->confusion[truth][r.label]++;
        /* The floor keeps one certain mistake from making the mean infinite. */
        tally->log_loss -= log(fmax((double)r.probabilities[truth], 1e-12));
        progress_count(tally->n, "pairs");
        progress_update(reader_position(reader, &total));
    }
    if (got < 0)
        tool_warn("%s", reader_error(reader));
    return got == 0;
}

static double ratio(uint64_t a, uint64_t b) { return b > 0 ? (double)a / (double)b : 0; }

/* Returns the macro F1. */
static double score(const struct tally *t, uint32_t label_n, struct score *scores)
{
    double sum = 0;
    uint32_t i, k, used = 0;
    for (i = 0; i < label_n; i++) {
        struct score *s = &scores[i];
        memset(s, 0, sizeof *s);
        for (k = 0; k < label_n; k++) {
            s->support += t->confusion[i][k];
            s->predicted += t->confusion[k][i];
        }
        s->precision = ratio(t->confusion[i][i], s->predicted);
        s->recall = ratio(t->confusion[i][i], s->support);
        s->f1 = ratio(2 * t->confusion[i][i], s->predicted + s->support);
        used += s->support + s->predicted > 0;
        sum += s->f1;
    }
    return used > 0 ? sum / used : 0;
}

static double accuracy(const struct tally *t, uint32_t label_n)
{
    uint64_t right = 0;
    uint32_t i;
    for (i = 0; i < label_n; i++)
        right += t->confusion[i][i];
    return ratio(right, t->n);
}

static void put_json(const struct session *s, struct tally *t)
{
    struct score scores[RELEVANCE_MAX_LABELS];
    uint32_t label_n = s->info.label_n, i, k;
    double macro_f1 = score(t, label_n, scores);
    struct time_summary times = times_summary(&t->times);
    struct json_out json = {.out = &out};
    jw_begin(&json, '{');
    jw_put_uint(&json, "n", t->n);
    jw_put_real(&json, "accuracy", accuracy(t, label_n), 6);
    jw_put_real(&json, "macro_f1", macro_f1, 6);
    jw_key(&json, "per_class");
    jw_begin(&json, '{');
    for (i = 0; i < label_n; i++) {
        jw_key(&json, relevance_label(s->model, i));
        jw_begin(&json, '{');
        jw_put_real(&json, "precision", scores[i].precision, 6);
        jw_put_real(&json, "recall", scores[i].recall, 6);
        jw_put_real(&json, "f1", scores[i].f1, 6);
        jw_put_uint(&json, "support", scores[i].support);
        jw_end(&json, '}');
    }
    jw_end(&json, '}');
    jw_key(&json, "confusion");
    jw_begin(&json, '[');
    for (i = 0; i < label_n; i++) {
        jw_begin(&json, '[');
        for (k = 0; k < label_n; k++)
            jw_uint(&json, t->confusion[i][k]);
        jw_end(&json, ']');
    }
    jw_end(&json, ']');
    jw_key(&json, "latency_ms");
    jw_begin(&json, '{');
    jw_put_real(&json, "mean", times.mean, 4);
    jw_put_real(&json, "p50", times.p50, 4);
    jw_put_real(&json, "p95", times.p95, 4);
    jw_put_real(&json, "p99", times.p99, 4);
    jw_end(&json, '}');
    jw_put_real(&json, "pairs_per_s", times.mean > 0 ? 1e3 / times.mean : 0, 3);
    jw_put_real(&json, "log_loss", t->n > 0 ? t->log_loss / (double)t->n : 0, 6);
    jw_key(&json, "labels");
    jw_begin(&json, '[');
    for (i = 0; i < label_n; i++)
        jw_string(&json, relevance_label(s->model, i));
    jw_end(&json, ']');
    jw_put_uint(&json, "failed", t->failed);
    jw_put_uint(&json, "truncated", t->truncated);
    jw_put_real(&json, "tokens_mean", ratio(t->tokens, t->n), 3);
    jw_put_uint(&json, "threads", common.threads > 0 ? common.threads : 1);
    jw_put_string(&json, "isa", relevance_isa_name(relevance_context_isa(s->ctx)));
    jw_put_string(&json, "weights", s->info.weights);
    jw_end(&json, '}');
    jw_newline(&json);
}

static void put_table(const struct session *s, struct tally *t)
{
    struct score scores[RELEVANCE_MAX_LABELS];
    uint32_t label_n = s->info.label_n, i, k;
    double macro_f1 = score(t, label_n, scores);
    struct time_summary times = times_summary(&t->times);
    struct table classes = {.align = "lrrrr", .header = true};
    char align[RELEVANCE_MAX_LABELS + 2];
    struct table confusion = {.align = align, .header = true};
    out_format(&out, "%llu pairs, accuracy %.4f, macro F1 %.4f, log loss %.4f\n\n",
               (unsigned long long)t->n, accuracy(t, label_n), macro_f1,
               t->n > 0 ? t->log_loss / (double)t->n : 0);
    table_cell(&classes, "label");
    table_cell(&classes, "precision");
    table_cell(&classes, "recall");
    table_cell(&classes, "F1");
    table_cell(&classes, "pairs");
    for (i = 0; i < label_n; i++) {
        table_cell(&classes, "%s", relevance_label(s->model, i));
        table_cell(&classes, "%.4f", scores[i].precision);
        table_cell(&classes, "%.4f", scores[i].recall);
        table_cell(&classes, "%.4f", scores[i].f1);
        table_cell(&classes, "%llu", (unsigned long long)scores[i].support);
    }
    table_print(&classes, &out, 0);
    memset(align, 'r', sizeof align);
    align[0] = 'l';
    align[label_n + 1] = '\0';
    out_char(&out, '\n');
    table_cell(&confusion, "true \\ predicted");
    for (k = 0; k < label_n; k++)
        table_cell(&confusion, "%s", relevance_label(s->model, k));
    for (i = 0; i < label_n; i++) {
        table_cell(&confusion, "%s", relevance_label(s->model, i));
        for (k = 0; k < label_n; k++) {
            table_cell(&confusion, "%llu", (unsigned long long)t->confusion[i][k]);
            if (i == k)
                table_bold(&confusion);
        }
    }
    table_print(&confusion, &out, 0);
    out_format(
        &out,
        "\nlatency ms: mean %.2f, p50 %.2f, p95 %.2f, p99 %.2f; %.1f pairs/s, one at a time\n"
        "%s weights, %s, %u thread%s, %.1f tokens a pair, %llu pairs cut\n",
        times.mean, times.p50, times.p95, times.p99, times.mean > 0 ? 1e3 / times.mean : 0,
        s->info.weights, relevance_isa_name(relevance_context_isa(s->ctx)),
        common.threads > 0 ? common.threads : 1, common.threads > 1 ? "s" : "",
        ratio(t->tokens, t->n), (unsigned long long)t->truncated);
}

static int eval_main(int argc, char **argv)
{
    int format = READER_AUTO, status = TOOL_ERROR, n;
    struct reader_options reading = {.required = 1u << READER_QUERY | 1u << READER_PRODUCT |
                                                 1u << READER_LABEL};
    struct tally *tally = NULL;
    struct reader *reader;
    struct session s;
    uint64_t total;
    const struct option options[] = {
        PRIOR_OPTION,
        {"format", 'f', OPTION_CHOICE, &format, 0, 0, format_names},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    n = options_parse(&cmd_eval, options, common_options, argc, argv);
    if (n != 1)
        tool_usage_error(&cmd_eval, "one file expected; got %d arguments", n);
    if (!session_open_classifier(&s))
        return TOOL_ERROR;
    reading.format = (enum reader_format)format;
    reader = tool_reader(argv[0], &reading);
    if (reader == NULL)
        goto done;
    tally = must_alloc(1, sizeof *tally);
    memset(tally, 0, sizeof *tally);
    reader_position(reader, &total);
    progress_begin("eval", total);
    if (run(&s, reader, tally))
        status = tally->failed > 0 ? TOOL_ROWS_FAILED : TOOL_OK;
    progress_end();
    if (status != TOOL_ERROR) {
        if (common.json)
            put_json(&s, tally);
        else
            put_table(&s, tally);
        if (tally->failed > 0)
            tool_warn("%llu of %llu rows failed", (unsigned long long)tally->failed,
                      (unsigned long long)(tally->n + tally->failed));
    }
    status = tool_finish(status);
    times_free(&tally->times);
done:
    free(tally);
    reader_close(reader);
    session_close(&s);
    return status;
}

const struct command cmd_eval = {
    .name = "eval",
    .main = eval_main,
    .summary = "accuracy and latency on labelled pairs",
    .help = help,
};
