/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_calibrate.c - 'relevance calibrate': fit a model's probabilities to labelled pairs, and choose the
 * label shares that it assumes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "memory.h"
#include "metrics.h"
#include "progress.h"
#include "rlv_edit.h"
#include "table.h"
#include "tool.h"

#define FOLDS 5
#define BATCH 64
#define BINS 15

static const char help[] =
    "relevance calibrate - fit a model's probabilities to labelled pairs\n"
    "\n"
    "usage: relevance calibrate [OPTIONS] IN.rlv FILE OUT.rlv\n"
    "\n"
    "FILE has the columns of 'relevance eval': query, title or product, and label.  A\n"
    "temperature and a bias for each label are fitted so that the probabilities of the\n"
    "true labels are as large as they can be (least log loss), and OUT.rlv is IN.rlv\n"
    "with them; the network stays as it is.  OUT.rlv also says for which label shares\n"
    "its probabilities hold, so that --prior works with it.  Take pairs that the model\n"
    "was not trained on, some hundreds at least.\n"
    "\n"
    "Options:\n"
    "  -p, --prior LABEL=SHARE,...  the label shares where the model will be used, or\n"
    "                              'even' (default: those of FILE)\n"
    "      --target accuracy       the most probable label at those shares, which is\n"
    "                              right most often (default)\n"
    "      --target temperature    no biases: no pair changes its label, unless --prior\n"
    "                              moves it; for few pairs, or few of a label\n"
    "      --target macro-f1       shares for which the rarer labels are found best:\n"
    "                              the model then gives them more often than is so\n"
    "  -f, --format FORMAT         of the input: auto, tsv, csv or jsonl\n" COMMON_HELP "\n"
    "Printed are the figures before and after, on FILE itself and held out: fitted to\n"
    "four fifths of the queries and measured on the fifth that is left, five times.\n"
    "The held-out column is the one to believe.\n"
    "\n"
    "Examples:\n"
    "  relevance calibrate model.rlv labelled.tsv calibrated.rlv\n"
    "  relevance calibrate --target macro-f1 model.rlv labelled.tsv rare.rlv\n"
    "  relevance calibrate --prior E=.8,S=.1,C=.02,I=.08 model.rlv labelled.tsv shop.rlv\n";

enum target { TARGET_ACCURACY, TARGET_TEMPERATURE, TARGET_MACRO_F1 };
static const char *const target_names[] = {"accuracy", "temperature", "macro-f1", NULL};

struct job {
    struct session session;
    struct reader *reader;
    struct fit_pairs pairs;
    float *logits;
    struct scored before; /* truth and groups are used for the rest too */
    uint64_t failed;
    const double *prior; /* [label_n], or NULL */
    enum target target;
};

/* ---- the pairs ---- */

struct batch {
    struct relevance_pair pairs[BATCH];
    struct relevance_result results[BATCH];
    int truths[BATCH];
    size_t n;
    struct rows rows;
};

static bool flush(struct job *job, struct batch *b)
{
    uint32_t label_n = job->session.info.label_n;
    enum relevance_status status;
    for (size_t i = 0; i < b->n; i++) {
        b->pairs[i].query = rows_text(&b->rows.rows[i], READER_QUERY);
        b->pairs[i].product = rows_text(&b->rows.rows[i], READER_PRODUCT);
    }
    status = relevance_classify_batch(job->session.ctx, b->pairs, b->n, b->results);
    if (status != RELEVANCE_OK) {
        tool_warn("cannot classify: %s", relevance_status_name(status));
        return false;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct relevance_result *r = &b->results[i];
        scored_add(&job->before, r->probabilities, (uint32_t)b->truths[i], r->label,
                   query_group(b->pairs[i].query));
        job->logits = must_realloc(job->logits, job->before.cap, label_n * sizeof *job->logits);
        memcpy(job->logits + (job->before.n - 1) * label_n, r->logits, label_n * sizeof(float));
    }
    rows_reset(&b->rows);
    b->n = 0;
    return true;
}

static bool read_pairs(struct job *job)
{
    struct batch *b = must_alloc(1, sizeof *b);
    struct reader_row row;
    uint64_t total;
    int got;
    bool good = true;
    memset(b, 0, sizeof *b);
    while (good && (got = reader_next(job->reader, &row)) == 1) {
        int truth = tool_reader_label(&job->session, job->reader, &row);
        if (truth < 0) {
            job->failed++;
            continue;
        }
        rows_add(&b->rows, &row);
        b->truths[b->n++] = truth;
        if (b->n == BATCH) {
            good = flush(job, b);
            progress_update(reader_position(job->reader, &total));
        }
    }
    if (good && got < 0) {
        tool_warn("%s", reader_error(job->reader));
        good = false;
    }
    good = good && flush(job, b);
    rows_free(&b->rows);
    free(b);
    job->pairs = (struct fit_pairs){.label_n = job->session.info.label_n,
                                    .n = job->before.n,
                                    .logits = job->logits,
                                    .truth = job->before.truth};
    return good;
}

static bool check_labels(const struct job *job)
{
    uint32_t label_n = job->session.info.label_n;
    uint64_t count[RELEVANCE_MAX_LABELS] = {0};
    for (size_t i = 0; i < job->pairs.n; i++)
        count[job->pairs.truth[i]]++;
    for (uint32_t k = 0; k < label_n; k++) {
        if (count[k] == 0) {
            tool_warn("%s has no pair with the label '%s'; each label needs some to be fitted",
                      reader_name(job->reader), relevance_label(job->session.model, k));
            return false;
        }
        if (count[k] < 20 && job->target != TARGET_TEMPERATURE)
            tool_warn("only %llu pairs have the label '%s': its bias is a rough one",
                      (unsigned long long)count[k], relevance_label(job->session.model, k));
    }
    return true;
}

/* ---- fitting ---- */

static int fit(const struct job *job, const struct fit_pairs *pairs, struct fit *f,
               struct failure *failure)
{
    if ((job->target == TARGET_TEMPERATURE ? fit_temperature : fit_calibration)(pairs, f, failure) != 0)
        return -1;
    if (job->prior != NULL)
        fit_move(f, pairs->label_n, job->prior);
    if (job->target == TARGET_MACRO_F1)
        fit_macro_f1(pairs, f);
    return 0;
}

/* Probabilities of pair i into 'to'. */
static void score_pair(const struct job *job, const struct fit *f, size_t i, struct scored *to)
{
    float p[RELEVANCE_MAX_LABELS];
    uint32_t n = job->pairs.label_n;
    uint32_t chosen = fit_apply(f, n, job->logits + i * n, p);
    scored_add(to, p, job->pairs.truth[i], chosen, job->before.group[i]);
}

/* FNV-1a leaves the low bits of similar queries alike: the high ones of a product are better mixed. */
static unsigned fold_of(uint64_t group)
{
    return (unsigned)((group * UINT64_C(0x9e3779b97f4a7c15) >> 40) % FOLDS);
}

/* False where a part of the pairs cannot be fitted, because it is too small. */
static bool cross_validate(const struct job *job, struct scored *held_out)
{
    uint32_t n = job->pairs.label_n;
    float *logits = must_alloc(job->pairs.n, n * sizeof *logits);
    uint8_t *truth = must_alloc(job->pairs.n, 1);
    bool good = true;
    for (unsigned fold = 0; fold < FOLDS && good; fold++) {
        struct fit_pairs part = {.label_n = n, .logits = logits, .truth = truth};
        struct failure failure;
        struct fit f;
        for (size_t i = 0; i < job->pairs.n; i++)
            if (fold_of(job->before.group[i]) != fold) {
                memcpy(logits + part.n * n, job->logits + i * n, n * sizeof *logits);
                truth[part.n++] = job->pairs.truth[i];
            }
        good = fit(job, &part, &f, &failure) == 0;
        for (size_t i = 0; i < job->pairs.n && good; i++)
            if (fold_of(job->before.group[i]) == fold)
                score_pair(job, &f, i, held_out);
    }
    free(truth);
    free(logits);
    return good;
}

/* ---- the report ---- */

struct stage {
    const char *name, *key;
    struct metrics m;
    bool known;
};

static void put_table(const struct job *job, const struct fit *f, const struct stage *stages)
{
    struct table figures = {.align = "lrrrrr", .header = true};
    struct table labels = {.align = "lrrr", .header = true};
    double shares[RELEVANCE_MAX_LABELS];
    static const char *const columns[] = {"", "accuracy", "macro F1", "log loss", "Brier", "ECE"};
    for (size_t i = 0; i < 6; i++)
        table_cell(&figures, "%s", columns[i]);
    for (int i = 0; i < 3; i++) {
        if (!stages[i].known)
            continue;
        table_cell(&figures, "%s", stages[i].name);
        table_cell(&figures, "%.4f", stages[i].m.accuracy);
        table_cell(&figures, "%.4f", stages[i].m.macro_f1);
        table_cell(&figures, "%.4f", stages[i].m.log_loss);
        table_cell(&figures, "%.4f", stages[i].m.brier);
        table_cell(&figures, "%.4f", stages[i].m.ece);
    }
    fit_shares(&job->pairs, shares);
    out_format(&out, "%zu pairs, temperature %.4f\n\n", job->pairs.n, 1 / f->scale);
    table_cell(&labels, "label");
    table_cell(&labels, "share");
    table_cell(&labels, "assumed");
    table_cell(&labels, "bias");
    for (uint32_t k = 0; k < job->pairs.label_n; k++) {
        table_cell(&labels, "%s", relevance_label(job->session.model, k));
        table_cell(&labels, "%.4f", shares[k]);
        table_cell(&labels, "%.4f", f->prior[k]);
        table_cell(&labels, "%+.4f", f->bias[k]);
    }
    table_print(&labels, &out, 0);
    out_char(&out, '\n');
    table_print(&figures, &out, 0);
}

static void put_labels(struct json_out *json, const struct job *job, const char *name,
                       const double *values)
{
    jw_key(json, name);
    jw_begin(json, '{');
    for (uint32_t k = 0; k < job->pairs.label_n; k++)
        jw_put_real(json, relevance_label(job->session.model, k), values[k], 6);
    jw_end(json, '}');
}

static void put_json(const struct job *job, const struct fit *f, const struct stage *stages)
{
    struct json_out json = {.out = &out};
    double shares[RELEVANCE_MAX_LABELS];
    fit_shares(&job->pairs, shares);
    jw_begin(&json, '{');
    jw_put_uint(&json, "n", job->pairs.n);
    jw_put_uint(&json, "failed", job->failed);
    jw_put_string(&json, "target", target_names[job->target]);
    jw_put_real(&json, "temperature", 1 / f->scale, 6);
    put_labels(&json, job, "share", shares);
    put_labels(&json, job, "prior", f->prior);
    put_labels(&json, job, "bias", f->bias);
    for (int i = 0; i < 3; i++) {
        if (!stages[i].known)
            continue;
        jw_key(&json, stages[i].key);
        jw_begin(&json, '{');
        jw_put_real(&json, "accuracy", stages[i].m.accuracy, 6);
        jw_put_real(&json, "macro_f1", stages[i].m.macro_f1, 6);
        jw_put_real(&json, "log_loss", stages[i].m.log_loss, 6);
        jw_put_real(&json, "brier", stages[i].m.brier, 6);
        jw_put_real(&json, "ece", stages[i].m.ece, 6);
        jw_end(&json, '}');
    }
    jw_end(&json, '}');
    jw_newline(&json);
}

static void report(const struct job *job, const struct fit *f)
{
    struct scored after = {.label_n = job->pairs.label_n};
    struct scored held_out = {.label_n = job->pairs.label_n};
    struct stage *stages = must_alloc(3, sizeof *stages);
    memset(stages, 0, 3 * sizeof *stages);
    stages[0] = (struct stage){.name = "before", .key = "before", .known = true};
    stages[1] = (struct stage){.name = "after", .key = "after", .known = true};
    stages[2] = (struct stage){.name = "after, held out", .key = "held_out"};
    for (size_t i = 0; i < job->pairs.n; i++)
        score_pair(job, f, i, &after);
    metrics_of(&job->before, BINS, 0, &stages[0].m);
    metrics_of(&after, BINS, 0, &stages[1].m);
    stages[2].known = cross_validate(job, &held_out);
    if (stages[2].known)
        metrics_of(&held_out, BINS, 0, &stages[2].m);
    else
        tool_warn("too few pairs to hold some out");
    if (common.json)
        put_json(job, f, stages);
    else
        put_table(job, f, stages);
    free(stages);
    scored_free(&after);
    scored_free(&held_out);
}

static bool save(const struct job *job, const struct fit *f, const char *out_path,
                 struct failure *failure)
{
    float bias[RELEVANCE_MAX_LABELS], prior[RELEVANCE_MAX_LABELS];
    struct rlv_calibration c = {.logit_scale = (float)f->scale, .logit_bias = bias, .prior = prior};
    char note[200];
    for (uint32_t k = 0; k < job->pairs.label_n; k++) {
        bias[k] = (float)f->bias[k];
        prior[k] = (float)f->prior[k];
    }
    snprintf(note, sizeof note, "temperature %.4f%s fitted to %zu pairs, target %s",
             1 / f->scale, job->target == TARGET_TEMPERATURE ? "" : " and label biases", job->pairs.n, target_names[job->target]);
    c.note = note;
    return rlv_edit_calibration(job->session.path, out_path, &c, failure) == 0;
}

static int calibrate_main(int argc, char **argv)
{
    int format = READER_AUTO, target = TARGET_ACCURACY, status = TOOL_ERROR, n;
    const char *prior_text = NULL;
    float shares[RELEVANCE_MAX_LABELS];
    double prior[RELEVANCE_MAX_LABELS];
    struct reader_options reading = {.required = 1u << READER_QUERY | 1u << READER_PRODUCT |
                                                 1u << READER_LABEL};
    struct failure failure;
    struct fit f;
    struct job job = {.reader = NULL};
    uint64_t total;
    const struct option options[] = {
        {"prior", 'p', OPTION_TEXT, &prior_text, 0, 0, NULL},
        {"target", 0, OPTION_CHOICE, &target, 0, 0, target_names},
        {"format", 'f', OPTION_CHOICE, &format, 0, 0, format_names},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    n = options_parse(&cmd_calibrate, options, common_options, argc, argv);
    if (n != 3)
        tool_usage_error(&cmd_calibrate,
                         "a model, a file of labelled pairs and a name for the new model expected; "
                         "got %d arguments",
                         n);
    if (common.model != NULL)
        tool_usage_error(&cmd_calibrate, "the model is the first argument here, not --model");
    common.model = argv[0];
    job.target = (enum target)target;
    if (!session_open_classifier(&job.session))
        return TOOL_ERROR;
    job.before.label_n = job.session.info.label_n;
    if (prior_text != NULL) {
        if (!tool_priors(job.session.model, job.before.label_n, prior_text, shares))
            goto done;
        for (uint32_t k = 0; k < job.before.label_n; k++) {
            prior[k] = (double)shares[k];
            if (!(prior[k] > 0)) {
                tool_warn("--prior: the share of '%s' must be above 0 here",
                          relevance_label(job.session.model, k));
                goto done;
            }
        }
        job.prior = prior;
    }
    reading.format = (enum reader_format)format;
    job.reader = tool_reader(argv[1], &reading);
    if (job.reader == NULL)
        goto done;
    reader_position(job.reader, &total);
    progress_begin("calibrate", total);
    if (!read_pairs(&job)) {
        progress_end();
        goto done;
    }
    progress_end();
    if (!check_labels(&job))
        goto done;
    if (fit(&job, &job.pairs, &f, &failure) != 0 || !save(&job, &f, argv[2], &failure)) {
        tool_warn("%s", failure.message);
        goto done;
    }
    report(&job, &f);
    if (job.failed > 0)
        tool_warn("%llu of %llu rows failed", (unsigned long long)job.failed,
                  (unsigned long long)(job.pairs.n + job.failed));
    status = tool_finish(job.failed > 0 ? TOOL_ROWS_FAILED : TOOL_OK);
done:
    scored_free(&job.before);
    free(job.logits);
    reader_close(job.reader);
    session_close(&job.session);
    return status;
}

const struct command cmd_calibrate = {
    .name = "calibrate",
    .main = calibrate_main,
    .summary = "fit a model's probabilities to labelled pairs",
    .help = help,
};
