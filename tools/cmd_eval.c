/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_eval.c - 'relevance eval': how well, and how fast, a model labels pairs whose label is known.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent_tool.h"
#include "memory.h"
#include "metrics.h"
#include "progress.h"
#include "stats.h"
#include "table.h"
#include "temp_file.h"
#include "tool.h"

static const char help[] =
    "relevance eval - accuracy, calibration and latency on pairs whose label is known\n"
    "\n"
    "usage: relevance eval [OPTIONS] FILE       (FILE '-': standard input)\n"
    "\n"
    "FILE has the columns of 'relevance classify' and a column 'label': a label's\n"
    "name or its first letter, in any case.  Pairs are labelled one at a time, as a\n"
    "service would; the first is run once before, untimed.  Latency is the time of\n"
    "one call, tokenizer included.\n"
    "\n"
    "Macro F1 is the mean over the labels that occur, as truth or as prediction.  In\n"
    "the confusion table a row is a true label and a column a predicted one.  The\n"
    "intervals are 95 % ones of a bootstrap that draws whole queries, with a fixed\n"
    "seed.  Calibration: pairs by the probability of their label, how many of them\n"
    "are right; ECE is the mean distance of the two, Brier and log loss measure all\n"
    "probabilities.  Coverage: the share of the pairs of which the model is surest,\n"
    "and how many of those are right; the area is the mean error over all shares.\n"
    "\n"
    "With --task intent it is about shoppers' requests: see 'relevance eval --task intent\n"
    "--help'.\n"
    "\n"
    "Options:\n"
    "      --task relevance        the pairs of this help (default)\n"
    "  -f, --format FORMAT         of the input: auto, tsv, csv or jsonl\n"
    "      --bins N                of the calibration table, 2 to 100 (default 15)\n"
    "      --bootstrap N           resamples (default 1000; 0: no intervals)\n"
    "      --core-hour PRICE       what a core costs an hour, in any currency: tells\n"
    "                              what 1,000 pairs cost\n"
    "      --rows FILE             write a line of JSON for each pair: line, label,\n"
    "                              predicted, probs, logits, latency_ms, tokens,\n"
    "                              truncated; 'python -m relevance.report' reads it\n" PRIOR_HELP
        COMMON_HELP "\n"
    "Examples:\n"
    "  relevance eval labelled.tsv\n"
    "  relevance eval --json --model other.rlv labelled.tsv | jq .macro_f1\n"
    "  relevance eval --core-hour 0.04 --prior E=.8,S=.1,C=.02,I=.08 labelled.tsv\n"
    "  relevance eval --json --rows rows.jsonl labelled.tsv > eval.json\n";

struct job {
    struct session session;
    struct reader *reader;
    struct scored scored;
    struct times times;
    uint64_t failed, truncated, tokens;
    const char *rows_path; /* NULL: none */
    struct output *rows;
    double core_hour; /* its price; below 0: not told */
};

static void put_probabilities(struct json_out *json, const struct session *s, const char *name,
                              const float *values, int decimals)
{
    jw_key(json, name);
    jw_begin(json, '{');
    for (uint32_t i = 0; i < s->info.label_n; i++)
        jw_put_real(json, relevance_label(s->model, i), (double)values[i], decimals);
    jw_end(json, '}');
}

static void put_row(struct job *job, const struct reader_row *row, int truth,
                    const struct relevance_result *r, double ms)
{
    struct json_out json = {.out = job->rows};
    const relevance_model *model = job->session.model;
    jw_begin(&json, '{');
    jw_put_uint(&json, "line", row->line);
    jw_put_string(&json, "label", relevance_label(model, (uint32_t)truth));
    jw_put_string(&json, "predicted", relevance_label(model, r->label));
    put_probabilities(&json, &job->session, "probs", r->probabilities, 7);
    put_probabilities(&json, &job->session, "logits", r->logits, 6);
    jw_put_real(&json, "latency_ms", ms, 4);
    jw_put_uint(&json, "tokens", r->tokens);
    jw_put_uint(&json, "truncated", r->truncated);
    jw_end(&json, '}');
    jw_newline(&json);
}

/* Label the rows of the file.  False where it, or the model, failed. */
static bool run(struct job *job)
{
    const struct session *s = &job->session;
    struct reader_row row;
    struct relevance_result r;
    uint64_t total;
    int got;
    while ((got = reader_next(job->reader, &row)) == 1) {
        struct relevance_text query, product;
        enum relevance_status status;
        uint64_t start;
        double ms;
        int truth = tool_reader_label(s, job->reader, &row);
        if (truth < 0) {
            job->failed++;
            continue;
        }
        query = rows_text(&row, READER_QUERY);
        product = rows_text(&row, READER_PRODUCT);
        if (job->scored.n == 0) /* brings the weights into memory and the caches */
            relevance_classify(s->ctx, query.data, query.len, product.data, product.len, &r);
        start = clock_ns();
        status = relevance_classify(s->ctx, query.data, query.len, product.data, product.len, &r);
        ms = (double)(clock_ns() - start) * 1e-6;
        if (status != RELEVANCE_OK) {
            tool_warn("cannot classify: %s", relevance_status_name(status));
            return false;
        }
        times_add(&job->times, ms);
        job->truncated += r.truncated > 0;
        job->tokens += r.tokens;
        scored_add(&job->scored, r.probabilities, (uint32_t)truth, r.label, query_group(query));
        if (job->rows != NULL)
            put_row(job, &row, truth, &r, ms);
        progress_count(job->scored.n, "pairs");
        progress_update(reader_position(job->reader, &total));
    }
    if (got < 0)
        tool_warn("%s", reader_error(job->reader));
    return got == 0;
}

/* ---- the report ---- */

static unsigned thread_n(void) { return common.threads > 0 ? common.threads : 1; }

static double tokens_mean(const struct job *job)
{
    return job->scored.n > 0 ? (double)job->tokens / (double)job->scored.n : 0;
}

/* Seconds of a core that 1,000 pairs take, one at a time: all threads are busy or wait. */
static double core_seconds(const struct time_summary *t) { return t->mean * thread_n(); }

static double cost(const struct job *job, const struct time_summary *t)
{
    return core_seconds(t) / 3600 * job->core_hour;
}

static void put_interval(struct json_out *json, const char *name, const struct metrics *m,
                         struct interval in)
{
    jw_key(json, name);
    if (m->resamples == 0 || m->n == 0) {
        jw_string(json, NULL);
        return;
    }
    jw_begin(json, '[');
    jw_real(json, in.low, 6);
    jw_real(json, in.high, 6);
    jw_end(json, ']');
}

static void put_json_classes(struct json_out *json, const struct session *s,
                             const struct metrics *m)
{
    uint32_t label_n = s->info.label_n, i, k;
    jw_key(json, "per_class");
    jw_begin(json, '{');
    for (i = 0; i < label_n; i++) {
        jw_key(json, relevance_label(s->model, i));
        jw_begin(json, '{');
        jw_put_real(json, "precision", m->classes[i].precision, 6);
        jw_put_real(json, "recall", m->classes[i].recall, 6);
        jw_put_real(json, "f1", m->classes[i].f1, 6);
        jw_put_uint(json, "support", m->classes[i].support);
        jw_end(json, '}');
    }
    jw_end(json, '}');
    jw_key(json, "confusion");
    jw_begin(json, '[');
    for (i = 0; i < label_n; i++) {
        jw_begin(json, '[');
        for (k = 0; k < label_n; k++)
            jw_uint(json, m->confusion[i][k]);
        jw_end(json, ']');
    }
    jw_end(json, ']');
}

static void put_json_calibration(struct json_out *json, const struct metrics *m)
{
    jw_put_real(json, "brier", m->brier, 6);
    jw_put_real(json, "ece", m->ece, 6);
    jw_key(json, "reliability");
    jw_begin(json, '[');
    for (uint32_t i = 0; i < m->bin_n; i++) {
        jw_begin(json, '{');
        jw_put_real(json, "low", (double)i / m->bin_n, 6);
        jw_put_real(json, "high", (double)(i + 1) / m->bin_n, 6);
        jw_put_uint(json, "pairs", m->bins[i].n);
        jw_put_real(json, "mean", m->bins[i].confidence, 6);
        jw_put_real(json, "right", m->bins[i].accuracy, 6);
        jw_end(json, '}');
    }
    jw_end(json, ']');
    jw_key(json, "coverage");
    jw_begin(json, '[');
    for (int i = 0; i < METRICS_COVERAGES; i++) {
        jw_begin(json, '{');
        jw_put_real(json, "coverage", m->coverages[i].coverage, 2);
        jw_put_real(json, "right", m->coverages[i].accuracy, 6);
        jw_put_real(json, "threshold", m->coverages[i].threshold, 6);
        jw_end(json, '}');
    }
    jw_end(json, ']');
    jw_put_real(json, "risk_coverage_area", m->risk_coverage_area, 6);
}

/* The label shares in force: those of --prior, or the model's, or null. */
static void put_json_prior(struct json_out *json, const struct session *s)
{
    float shares[RELEVANCE_MAX_LABELS];
    uint32_t label_n = s->info.label_n;
    if (common.prior == NULL)
        for (uint32_t i = 0; i < label_n; i++)
            shares[i] = relevance_label_prior(s->model, i);
    else if (!tool_priors(s->model, label_n, common.prior, shares))
        return; /* cannot be: the session was opened with them */
    if (shares[0] > 0.0f || common.prior != NULL) {
        put_probabilities(json, s, "prior", shares, 6);
    } else {
        jw_key(json, "prior");
        jw_string(json, NULL);
    }
}

static void put_json(struct job *job, const struct metrics *m)
{
    const struct session *s = &job->session;
    struct time_summary times = times_summary(&job->times);
    struct json_out json = {.out = &out};
    jw_begin(&json, '{');
    jw_put_uint(&json, "n", m->n);
    jw_put_real(&json, "accuracy", m->accuracy, 6);
    put_interval(&json, "accuracy_interval", m, m->accuracy_interval);
    jw_put_real(&json, "macro_f1", m->macro_f1, 6);
    put_interval(&json, "macro_f1_interval", m, m->macro_f1_interval);
    jw_put_uint(&json, "bootstrap", m->resamples);
    put_json_classes(&json, s, m);
    jw_put_real(&json, "log_loss", m->log_loss, 6);
    put_json_calibration(&json, m);
    times_put_json(&json, "latency_ms", &times);
    jw_put_real(&json, "pairs_per_s", times.mean > 0 ? 1e3 / times.mean : 0, 3);
    jw_put_real(&json, "core_seconds_per_1000", core_seconds(&times), 4);
    if (job->core_hour >= 0) {
        jw_put_real(&json, "core_hour_price", job->core_hour, 6);
        jw_put_real(&json, "cost_per_1000", cost(job, &times), 8);
    }
    jw_key(&json, "labels");
    jw_begin(&json, '[');
    for (uint32_t i = 0; i < s->info.label_n; i++)
        jw_string(&json, relevance_label(s->model, i));
    jw_end(&json, ']');
    put_json_prior(&json, s);
    jw_put_uint(&json, "failed", job->failed);
    jw_put_uint(&json, "truncated", job->truncated);
    jw_put_real(&json, "tokens_mean", tokens_mean(job), 3);
    jw_put_uint(&json, "threads", thread_n());
    jw_put_string(&json, "isa", relevance_isa_name(relevance_context_isa(s->ctx)));
    jw_put_string(&json, "weights", s->info.weights);
    jw_put_string(&json, "embeddings", s->info.embeddings);
    jw_put_uint(&json, "file_bytes", s->info.file_len);
    jw_put_string(&json, "model", s->path);
    jw_put_string(&json, "input", reader_name(job->reader));
    jw_put_string(&json, "rows", job->rows_path);
    jw_end(&json, '}');
    jw_newline(&json);
}

static void put_classes(const struct session *s, const struct metrics *m)
{
    struct table classes = {.align = "lrrrr", .header = true};
    char align[RELEVANCE_MAX_LABELS + 2];
    struct table confusion = {.align = align, .header = true};
    uint32_t label_n = s->info.label_n, i, k;
    table_cell(&classes, "label");
    table_cell(&classes, "precision");
    table_cell(&classes, "recall");
    table_cell(&classes, "F1");
    table_cell(&classes, "pairs");
    for (i = 0; i < label_n; i++) {
        table_cell(&classes, "%s", relevance_label(s->model, i));
        table_cell(&classes, "%.4f", m->classes[i].precision);
        table_cell(&classes, "%.4f", m->classes[i].recall);
        table_cell(&classes, "%.4f", m->classes[i].f1);
        table_cell(&classes, "%llu", (unsigned long long)m->classes[i].support);
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
            table_cell(&confusion, "%llu", (unsigned long long)m->confusion[i][k]);
            if (i == k)
                table_bold(&confusion);
        }
    }
    table_print(&confusion, &out, 0);
}

static void put_calibration(const struct metrics *m)
{
    struct table bins = {.align = "lrrr", .header = true};
    struct table coverage = {.align = "rrr", .header = true};
    out_format(&out, "\ncalibration: ECE %.4f, Brier %.4f, log loss %.4f\n", m->ece, m->brier,
               m->log_loss);
    table_cell(&bins, "probability");
    table_cell(&bins, "pairs");
    table_cell(&bins, "mean");
    table_cell(&bins, "right");
    for (uint32_t i = 0; i < m->bin_n; i++) {
        if (m->bins[i].n == 0)
            continue;
        table_cell(&bins, "%.3f to %.3f", (double)i / m->bin_n, (double)(i + 1) / m->bin_n);
        table_cell(&bins, "%llu", (unsigned long long)m->bins[i].n);
        table_cell(&bins, "%.4f", m->bins[i].confidence);
        table_cell(&bins, "%.4f", m->bins[i].accuracy);
    }
    table_print(&bins, &out, 0);
    out_format(&out, "\nthe surest pairs alone: area under risk and coverage %.4f\n",
               m->risk_coverage_area);
    table_cell(&coverage, "coverage");
    table_cell(&coverage, "right");
    table_cell(&coverage, "probability from");
    for (int i = 0; i < METRICS_COVERAGES; i++) {
        table_cell(&coverage, "%.0f %%", 100 * m->coverages[i].coverage);
        table_cell(&coverage, "%.4f", m->coverages[i].accuracy);
        table_cell(&coverage, "%.4f", m->coverages[i].threshold);
    }
    table_print(&coverage, &out, 0);
}

static void put_table(struct job *job, const struct metrics *m)
{
    const struct session *s = &job->session;
    struct time_summary times = times_summary(&job->times);
    out_format(&out, "%llu pairs, accuracy %.4f, macro F1 %.4f, log loss %.4f\n",
               (unsigned long long)m->n, m->accuracy, m->macro_f1, m->log_loss);
    if (m->resamples > 0 && m->n > 0)
        out_format(&out, "95 %% intervals: accuracy %.4f to %.4f, macro F1 %.4f to %.4f\n",
                   m->accuracy_interval.low, m->accuracy_interval.high, m->macro_f1_interval.low,
                   m->macro_f1_interval.high);
    out_char(&out, '\n');
    put_classes(s, m);
    put_calibration(m);
    out_format(
        &out,
        "\nlatency ms: mean %.2f, p50 %.2f, p95 %.2f, p99 %.2f; %.1f pairs/s, one at a time\n",
        times.mean, times.p50, times.p95, times.p99, times.mean > 0 ? 1e3 / times.mean : 0);
    if (job->core_hour >= 0)
        out_format(&out, "1,000 pairs: %.2f core-seconds, cost %.6f at %g a core-hour\n",
                   core_seconds(&times), cost(job, &times), job->core_hour);
    out_format(&out, "%s weights, %s, %u thread%s, %.1f tokens a pair, %llu pairs cut\n",
               s->info.weights, relevance_isa_name(relevance_context_isa(s->ctx)), thread_n(),
               thread_n() > 1 ? "s" : "", tokens_mean(job), (unsigned long long)job->truncated);
}

/* ---- the command ---- */

static bool open_rows(struct job *job)
{
    struct failure failure;
    int fd;
    if (job->rows_path == NULL)
        return true;
    fd = temp_file_open(job->rows_path, &failure);
    if (fd < 0) {
        tool_warn("%s", failure.message);
        return false;
    }
    job->rows = must_alloc(1, sizeof *job->rows);
    memset(job->rows, 0, sizeof *job->rows);
    job->rows->fd = fd;
    return true;
}

static bool close_rows(struct job *job)
{
    struct failure failure;
    if (job->rows == NULL)
        return true;
    out_flush(job->rows);
    if (job->rows->error != 0) {
        tool_warn("cannot write '%s': %s", job->rows_path, strerror(job->rows->error));
    } else if (temp_file_sync(&failure) == 0 && temp_file_commit(&failure) == 0) {
        return true;
    } else {
        tool_warn("%s", failure.message);
    }
    temp_file_discard();
    return false;
}

static int eval_main(int argc, char **argv)
{
    int format = READER_AUTO, status = TOOL_ERROR, n;
    uint32_t bins = 15, resamples = 1000;
    struct reader_options reading = {.required = 1u << READER_QUERY | 1u << READER_PRODUCT |
                                                 1u << READER_LABEL};
    struct job job = {.core_hour = -1};
    struct metrics *metrics = NULL;
    uint64_t total;
    const struct option options[] = {
        PRIOR_OPTION,
        {"format", 'f', OPTION_CHOICE, &format, 0, 0, format_names},
        {"bins", 0, OPTION_UINT, &bins, 2, METRICS_MAX_BINS, NULL},
        {"bootstrap", 0, OPTION_UINT, &resamples, 0, 1e6, NULL},
        {"core-hour", 0, OPTION_REAL, &job.core_hour, 0, 1e6, NULL},
        {"rows", 0, OPTION_TEXT, &job.rows_path, 0, 0, NULL},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    if (eval_is_intent(&argc, argv))
        return eval_intent_main(argc, argv);
    n = options_parse(&cmd_eval, options, common_options, argc, argv);
    if (n != 1)
        tool_usage_error(&cmd_eval, "one file expected; got %d arguments", n);
    if (!session_open_classifier(&job.session))
        return TOOL_ERROR;
    job.scored.label_n = job.session.info.label_n;
    reading.format = (enum reader_format)format;
    job.reader = tool_reader(argv[0], &reading);
    if (job.reader == NULL || !open_rows(&job))
        goto done;
    reader_position(job.reader, &total);
    progress_begin("eval", total);
    if (run(&job))
        status = job.failed > 0 ? TOOL_ROWS_FAILED : TOOL_OK;
    progress_end();
    if (status != TOOL_ERROR && !close_rows(&job))
        status = TOOL_ERROR;
    if (status != TOOL_ERROR) {
        metrics = must_alloc(1, sizeof *metrics);
        metrics_of(&job.scored, bins, resamples, metrics);
        if (common.json)
            put_json(&job, metrics);
        else
            put_table(&job, metrics);
        if (job.failed > 0)
            tool_warn("%llu of %llu rows failed", (unsigned long long)job.failed,
                      (unsigned long long)(metrics->n + job.failed));
    }
    status = tool_finish(status);
done:
    temp_file_discard();
    free(metrics);
    free(job.rows);
    times_free(&job.times);
    scored_free(&job.scored);
    reader_close(job.reader);
    session_close(&job.session);
    return status;
}

const struct command cmd_eval = {
    .name = "eval",
    .main = eval_main,
    .summary = "accuracy, calibration and latency on labelled pairs",
    .help = help,
};
