/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_bench.c - 'relevance bench': time, throughput and memory of calls on a model.
 *
 * One call on random token ids measures the network alone, which is what other engines' benches do
 * too.  Batches, mixed lengths and profiles go through text, since that is the library's call for
 * them: the texts are made of vocabulary words that are one token each, so that every pair has
 * exactly the tokens asked for.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "stats.h"
#include "table.h"
#include "tool.h"

static const char help[] =
    "relevance bench - time, throughput and memory\n"
    "\n"
    "usage: relevance bench [OPTIONS] [MODEL]\n"
    "\n"
    "Without options: a table of one sequence of 16, 32, 64 and 128 tokens on 1 and 2\n"
    "threads.  With --tokens or --threads (lists such as 16,32 are allowed): those.\n"
    "--json prints a line for each:\n"
    "  p50_ms p95_ms min_ms mean_ms  one call on random token ids\n"
    "  pairs_per_s                   1000 / mean_ms, times the pairs of a call\n"
    "  gmac_per_s                    10^9 multiply-adds of the network, by p50_ms\n"
    "  open_ms                       median of 9 opens with default flags, with the\n"
    "                                file in the page cache\n"
    "  open_unchecked_ms             the same without the checksum of the weights\n"
    "  private_mb                    resident memory that is this process's own\n"
    "                                (anonymous: not the mapped file), added by model\n"
    "                                and context, after the runs\n"
    "\n"
    "Options:\n"
    "      --tokens LIST           tokens of a sequence, special tokens included\n"
    "  -t, --threads LIST          threads for one call\n"
    "      --batch N               pairs in a call; from 2, texts by the batch call\n"
    "      --mixed                 N pairs (default 256) of 12 to 96 tokens, mean 42,\n"
    "                              in mixed order, in one call\n"
    "      --batch-tokens N        tokens of a batch computed at a time\n"
    "      --profile               the share of each part of a call, on text\n"
    "      --seconds S             time each for S seconds (default 2), and 20 calls\n"
    "  -m, --model FILE            the model, as MODEL\n"
    "      --isa NAME              auto, scalar, avx2, avx512, avx512vnni, amx,\n"
    "                              neon, neondot or neoni8mm\n"
    "      --f32-gemm NAME         auto, own or blas; for f32 and f16 models\n"
    "      --json                  print JSON\n"
    "  -h, --help                  this text\n"
    "\n"
    "Examples:\n"
    "  relevance bench\n"
    "  relevance bench model.rlv --tokens 32 --threads 1 --json\n"
    "  relevance bench --profile --tokens 32,128 --threads 1\n"
    "  relevance bench --mixed --threads 2\n";

#define OPENS 9
#define LEAST_RUNS 20
#define MIXED_MIN 12
#define MIXED_MAX 96
#define MIXED_MEAN 42.0

static const char *const part_names[RELEVANCE_PART_N] = {
    [RELEVANCE_PART_TOKENIZER] = "tokenizer",
    [RELEVANCE_PART_EMBEDDINGS] = "embeddings",
    [RELEVANCE_PART_QKV] = "qkv",
    [RELEVANCE_PART_ATTENTION] = "attention",
    [RELEVANCE_PART_ATTENTION_OUT] = "attention_out",
    [RELEVANCE_PART_FFN1] = "ffn1",
    [RELEVANCE_PART_QUANTIZE] = "quantize",
    [RELEVANCE_PART_FFN2] = "ffn2",
    [RELEVANCE_PART_LAYERNORM] = "layernorm",
    [RELEVANCE_PART_HEAD] = "head",
};

struct plan {
    uint32_t tokens, threads, pairs, batch_tokens;
    bool mixed, profile;
    double seconds;
};

struct measured {
    size_t runs;
    struct time_summary times;
    double gmac; /* 10^9 multiplications and additions of a call */
    double tokens_mean, open_ms, open_unchecked_ms, private_mb;
    double parts[RELEVANCE_PART_N], rest; /* ms a call */
};

/* What a call works on: ids of one sequence, or texts. */
struct work {
    int32_t *ids;
    size_t id_n;
    struct relevance_pair *pairs;
    struct relevance_result *results;
    uint32_t *lengths; /* [pair_n] tokens */
    size_t pair_n;
    char *text;
    bool as_text;
};

/* ---- numbers of chance: the same on every run ---- */

static uint64_t random_next(uint64_t *state) /* xorshift64 (Marsaglia 2003) */
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((random_next(state) >> 32) * n >> 32);
}

/* ---- memory ---- */

/* Anonymous resident memory of the process in MB, or NaN where the system does not tell. */
static double anonymous_mb(void)
{
    static const struct {
        const char *file, *key;
    } sources[] = {{"/proc/self/smaps_rollup", "Anonymous:"}, {"/proc/self/status", "RssAnon:"}};
    size_t i;
    for (i = 0; i < 2; i++) {
        FILE *f = fopen(sources[i].file, "r");
        size_t len = strlen(sources[i].key);
        char line[256];
        double kb = -1;
        if (f == NULL)
            continue;
        while (kb < 0 && fgets(line, sizeof line, f) != NULL)
            if (strncmp(line, sources[i].key, len) == 0)
                kb = strtod(line + len, NULL);
        fclose(f);
        if (kb >= 0)
            return kb * 1024 * 1e-6;
    }
    return NAN;
}

/* ---- work ---- */

/*
 * Multiplications and additions of the network for one sequence: per layer four hidden x hidden
 * products and two hidden x inner ones for each token, and two hidden-long dot products for each
 * pair of tokens; in the last layer keys and values for all tokens, the rest for [CLS] alone.
 */
static double gmac_of(const struct relevance_info *info, uint32_t tokens)
{
    double n = tokens, h = info->hidden_size, inner = info->intermediate_size;
    double layer = n * (4 * h * h + 2 * h * inner) + 2 * n * n * h;
    double last = n * 2 * h * h + 2 * h * h + 2 * h * inner + 2 * n * h;
    double head = info->label_n > 0 ? h * h + h * info->label_n : 0;
    return ((info->layer_n - 1) * layer + last + head) * 1e-9;
}

static bool make_ids(struct work *work, const struct session *s, uint32_t tokens)
{
    int32_t special[2];
    struct relevance_tokens ends = {.ids = special, .cap = 2};
    uint32_t high = s->info.vocab_n < 30000 ? s->info.vocab_n : 30000;
    uint32_t low = high > 1000 ? 1000 : 0; /* below are the unused and the single letters of BERT */
    uint64_t state = 42;
    size_t i;
    if (relevance_tokenize(s->ctx, "", 0, NULL, 0, &ends) != RELEVANCE_OK || ends.n != 2) {
        tool_warn("the model's [CLS] and [SEP] cannot be found");
        return false;
    }
    work->id_n = tokens;
    work->ids = must_alloc(tokens, sizeof *work->ids);
    for (i = 0; i < tokens; i++)
        work->ids[i] = (int32_t)(low + random_below(&state, high - low));
    work->ids[tokens - 1] = special[1];
    work->ids[0] = special[0];
    return true;
}

/*
 * Lengths with the mean and the range wanted: low + (high - low) u^a has the mean
 * low + (high - low) / (a + 1) for u spread evenly over [0, 1).
 */
static void mixed_lengths(uint32_t *lengths, size_t n)
{
    const double range = MIXED_MAX - MIXED_MIN, a = range / (MIXED_MEAN - MIXED_MIN) - 1;
    uint64_t state = 7;
    size_t i;
    for (i = 0; i < n; i++)
        lengths[i] = MIXED_MIN + (uint32_t)lround(range * pow(((double)i + 0.5) / (double)n, a));
    for (i = n; i > 1; i--) { /* shuffle: the order of arrival */
        uint32_t k = random_below(&state, (uint32_t)i), kept = lengths[i - 1];
        lengths[i - 1] = lengths[k];
        lengths[k] = kept;
    }
}

/* Vocabulary words of 3 to 12 small letters that the tokenizer reads as one token: up to 'cap'. */
static size_t find_words(const struct session *s, struct relevance_text *words, size_t cap)
{
    uint64_t state = 11;
    size_t n = 0, tried;
    for (tried = 0; tried < 200000 && n < cap; tried++) {
        int32_t ids[8], id = (int32_t)random_below(&state, s->info.vocab_n);
        struct relevance_tokens tokens = {.ids = ids, .cap = 8};
        struct relevance_text text = relevance_token(s->model, id);
        size_t i;
        for (i = 0; i < text.len && text.data[i] >= 'a' && text.data[i] <= 'z'; i++)
            ;
        if (i == text.len && text.len >= 3 && text.len <= 12 &&
            relevance_tokenize(s->ctx, text.data, text.len, NULL, 0, &tokens) == RELEVANCE_OK &&
            tokens.n == 3 && ids[1] == id)
            words[n++] = text;
    }
    return n;
}

static bool make_texts(struct work *work, const struct session *s, const struct plan *plan)
{
    enum { WORDS = 1000, SPECIALS = 3, QUERY = 4, LONGEST = 13 };
    struct relevance_text words[WORDS];
    size_t word_n = find_words(s, words, WORDS), i, total = 0;
    uint64_t state = 3;
    char *to;
    if (word_n == 0) {
        tool_warn("the vocabulary has no plain words to make texts of");
        return false;
    }
    work->as_text = true;
    work->pair_n = plan->pairs;
    work->pairs = must_alloc(work->pair_n, sizeof *work->pairs);
    work->results = must_alloc(work->pair_n, sizeof *work->results);
    work->lengths = must_alloc(work->pair_n, sizeof *work->lengths);
    if (plan->mixed)
        mixed_lengths(work->lengths, work->pair_n);
    for (i = 0; i < work->pair_n; i++) {
        if (!plan->mixed)
            work->lengths[i] = plan->tokens;
        total += work->lengths[i];
    }
    work->text = to = must_alloc(total * LONGEST, 1);
    for (i = 0; i < work->pair_n; i++) {
        uint32_t n = work->lengths[i] - SPECIALS, query_n = n > 2 * QUERY ? QUERY : n / 2, k;
        struct relevance_pair *pair = &work->pairs[i];
        pair->query.data = to;
        pair->product.data = to;
        for (k = 0; k < n; k++) {
            struct relevance_text word = words[random_below(&state, (uint32_t)word_n)];
            if (k == query_n)
                pair->product.data = to;
            memcpy(to, word.data, word.len);
            to += word.len;
            *to++ = ' ';
            if (k + 1 == query_n)
                pair->query.len = (size_t)(to - pair->query.data);
        }
        if (query_n == 0)
            pair->query.len = 0;
        pair->product.len = (size_t)(to - pair->product.data);
    }
    return true;
}

static void free_work(struct work *work)
{
    free(work->ids);
    free(work->pairs);
    free(work->results);
    free(work->lengths);
    free(work->text);
    memset(work, 0, sizeof *work);
}

static bool call(const struct session *s, struct work *work)
{
    enum relevance_status status;
    if (work->as_text && work->pair_n == 1) {
        const struct relevance_pair *p = work->pairs;
        status = relevance_classify(s->ctx, p->query.data, p->query.len, p->product.data,
                                    p->product.len, work->results);
    } else if (work->as_text) {
        status = relevance_classify_batch(s->ctx, work->pairs, work->pair_n, work->results);
    } else {
        struct relevance_result result;
        status = relevance_classify_tokens(s->ctx, work->ids, work->id_n, &result);
    }
    if (status != RELEVANCE_OK)
        tool_warn("a call failed: %s", relevance_status_name(status));
    return status == RELEVANCE_OK;
}

/* Warm up, then time calls one by one. */
static bool time_calls(const struct session *s, struct work *work, double seconds,
                       struct times *times)
{
    uint64_t start = clock_ns(), now;
    double limit = seconds * 1e9;
    size_t i;
    /* A tenth of the time, but three calls: pages, caches and the clock speed settle. */
    for (i = 0; i < 3 || (double)(clock_ns() - start) < limit * 0.1; i++)
        if (!call(s, work))
            return false;
    for (i = 0; work->as_text && i < work->pair_n; i++)
        if (work->results[i].tokens != work->lengths[i]) {
            tool_warn("a text of %u tokens was read as %u", work->lengths[i],
                      work->results[i].tokens);
            return false;
        }
    relevance_context_profile(s->ctx, (uint64_t[RELEVANCE_PART_N]){0}, 1);
    start = now = clock_ns();
    /* Slow cases get their 20 calls, but not beyond ten times the time asked for. */
    while ((double)(now - start) < limit ||
           (times->n < LEAST_RUNS && (double)(now - start) < limit * 10)) {
        uint64_t before = now;
        if (!call(s, work))
            return false;
        now = clock_ns();
        times_add(times, (double)(now - before) * 1e-6);
    }
    return true;
}

static bool time_opens(const char *path, uint32_t flags, double *median)
{
    struct relevance_open_options options = {.size = sizeof options, .flags = flags};
    struct relevance_error error;
    struct times times = {0};
    int i;
    for (i = 0; i < OPENS; i++) {
        relevance_model *model = NULL;
        uint64_t start = clock_ns();
        if (relevance_open(path, &options, &model, &error) != RELEVANCE_OK) {
            tool_report(path, &error);
            return false;
        }
        times_add(&times, (double)(clock_ns() - start) * 1e-6);
        relevance_close(model);
    }
    *median = times_summary(&times).p50;
    times_free(&times);
    return true;
}

/* 'before' is the process's anonymous memory before anything was opened. */
static bool measure(const char *path, const struct plan *plan, double before, struct measured *m,
                    struct relevance_info *info, const char **isa)
{
    struct relevance_context_options options;
    struct relevance_error error;
    struct session s = {.path = path};
    struct work work = {0};
    struct times times = {0};
    bool ok = false;
    size_t i;
    common.threads = plan->threads;
    common.max_tokens = 0;
    options = tool_context_options();
    options.max_batch_tokens = plan->batch_tokens;
    if (plan->profile)
        options.clock = clock_ns;
    memset(m, 0, sizeof *m);
    if (relevance_open(path, NULL, &s.model, &error) != RELEVANCE_OK ||
        relevance_context_create(s.model, &options, &s.ctx, &error) != RELEVANCE_OK) {
        tool_report(path, &error);
        goto done;
    }
    s.info.size = sizeof s.info;
    relevance_model_info(s.model, &s.info);
    *info = s.info;
    *isa = relevance_isa_name(relevance_context_isa(s.ctx));
    if ((plan->mixed ? MIXED_MAX : plan->tokens) > s.info.max_tokens) {
        tool_warn("%s reads at most %u tokens", path, s.info.max_tokens);
        goto done;
    }
    if (plan->mixed || plan->profile || plan->pairs > 1) {
        if (!make_texts(&work, &s, plan))
            goto done;
    } else if (!make_ids(&work, &s, plan->tokens)) {
        goto done;
    }
    if (!time_calls(&s, &work, plan->seconds, &times))
        goto done;
    m->private_mb = anonymous_mb() - before - (double)(times.n * sizeof *times.ms) * 1e-6;
    m->runs = times.n;
    m->times = times_summary(&times);
    m->tokens_mean = plan->tokens;
    if (!work.as_text) {
        m->gmac = gmac_of(info, plan->tokens);
    } else {
        double sum = 0;
        for (i = 0; i < work.pair_n; i++) {
            m->gmac += gmac_of(info, work.lengths[i]);
            sum += work.lengths[i];
        }
        m->tokens_mean = sum / (double)work.pair_n;
    }
    if (plan->profile) {
        uint64_t ticks[RELEVANCE_PART_N] = {0};
        relevance_context_profile(s.ctx, ticks, 1);
        m->rest = m->times.mean;
        for (i = 0; i < RELEVANCE_PART_N; i++) {
            m->parts[i] = (double)ticks[i] * 1e-6 / (double)times.n;
            m->rest -= m->parts[i];
        }
    }
    ok = time_opens(path, 0, &m->open_ms) &&
         time_opens(path, RELEVANCE_OPEN_SKIP_CHECKSUM, &m->open_unchecked_ms);
done:
    times_free(&times);
    free_work(&work);
    session_close(&s);
    return ok;
}

/* ---- output ---- */

static void put_json(const struct plan *plan, const struct measured *m,
                     const struct relevance_info *info, const char *isa, const char *path)
{
    struct json_out json = {.out = &out};
    size_t i;
    jw_begin(&json, '{');
    jw_put_real(&json, "p50_ms", m->times.p50, 4);
    jw_put_real(&json, "p95_ms", m->times.p95, 4);
    jw_put_real(&json, "min_ms", m->times.min, 4);
    jw_put_real(&json, "mean_ms", m->times.mean, 4);
    jw_put_uint(&json, "runs", m->runs);
    jw_put_real(&json, "pairs_per_s", plan->pairs * 1e3 / m->times.mean, 3);
    jw_put_real(&json, "gmac_per_s", m->gmac * 1e3 / m->times.p50, 3);
    jw_put_real(&json, "open_ms", m->open_ms, 4);
    jw_put_real(&json, "open_unchecked_ms", m->open_unchecked_ms, 4);
    jw_put_real(&json, "private_mb", m->private_mb, 3);
    if (plan->mixed)
        jw_put_real(&json, "tokens_mean", m->tokens_mean, 2);
    else
        jw_put_uint(&json, "tokens", plan->tokens);
    jw_put_uint(&json, "threads", plan->threads);
    jw_put_uint(&json, "batch", plan->pairs);
    jw_put_string(&json, "isa", isa);
    jw_put_string(&json, "weights", info->weights);
    jw_put_string(&json, "model", path);
    if (plan->profile) {
        jw_key(&json, "profile_ms");
        jw_begin(&json, '{');
        for (i = 0; i < RELEVANCE_PART_N; i++)
            jw_put_real(&json, part_names[i], m->parts[i], 4);
        jw_put_real(&json, "rest", m->rest, 4);
        jw_end(&json, '}');
    }
    jw_end(&json, '}');
    jw_newline(&json);
}

static void put_part(struct table *t, const char *name, double ms, double total)
{
    table_cell(t, "%s", name);
    table_cell(t, "%.4f", ms);
    table_cell(t, "%.1f %%", 100 * ms / total);
}

static void put_profile(const struct plan *plan, const struct measured *m)
{
    struct table t = {.align = "lrr", .header = true};
    size_t i;
    out_format(&out, "%s%.0f tokens, %u thread%s:\n", plan->mixed ? "mean " : "", m->tokens_mean,
               plan->threads, plan->threads > 1 ? "s" : "");
    table_cell(&t, "part");
    table_cell(&t, "ms");
    table_cell(&t, "share");
    for (i = 0; i < RELEVANCE_PART_N; i++)
        put_part(&t, part_names[i], m->parts[i], m->times.mean);
    put_part(&t, "rest", m->rest, m->times.mean);
    put_part(&t, "call", m->times.mean, m->times.mean);
    table_print(&t, &out, 2);
}

static void put_table_header(struct table *t)
{
    static const char *const titles[] = {"tokens", "threads", "pairs",   "p50 ms",
                                         "p95 ms", "min ms",  "pairs/s", "GMAC/s"};
    size_t i;
    for (i = 0; i < sizeof titles / sizeof titles[0]; i++)
        table_cell(t, "%s", titles[i]);
}

static void put_table_row(struct table *t, const struct plan *plan, const struct measured *m)
{
    table_cell(t, plan->mixed ? "%.1f" : "%.0f", m->tokens_mean);
    table_cell(t, "%u", plan->threads);
    table_cell(t, "%u", plan->pairs);
    table_cell(t, "%.2f", m->times.p50);
    table_cell(t, "%.2f", m->times.p95);
    table_cell(t, "%.2f", m->times.min);
    table_cell(t, "%.1f", plan->pairs * 1e3 / m->times.mean);
    table_cell(t, "%.1f", m->gmac * 1e3 / m->times.p50);
}

static int bench_main(int argc, char **argv)
{
    struct option_list tokens = {4, {16, 32, 64, 128}}, threads = {2, {1, 2}};
    struct plan plan = {.seconds = 2};
    uint32_t batch = 0, i, k;
    struct relevance_info info = {0};
    const char *path, *isa = NULL;
    struct table t = {.align = "rrrrrrrr", .header = true};
    struct measured m;
    double before;
    const struct option options[] = {
        {"tokens", 0, OPTION_LIST, &tokens, 1, 65536, NULL},
        {"threads", 't', OPTION_LIST, &threads, 1, 64, NULL},
        {"batch", 0, OPTION_UINT, &batch, 1, 1e6, NULL},
        {"mixed", 0, OPTION_FLAG, &plan.mixed, 0, 0, NULL},
        {"batch-tokens", 0, OPTION_UINT, &plan.batch_tokens, 1, 1e6, NULL},
        {"profile", 0, OPTION_FLAG, &plan.profile, 0, 0, NULL},
        {"seconds", 0, OPTION_REAL, &plan.seconds, 0.001, 3600, NULL},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    int n = options_parse(&cmd_bench, options, common_options, argc, argv);
    if (n > 1)
        tool_usage_error(&cmd_bench, "one model expected; got %d arguments", n);
    path = tool_model_path(n == 1 ? argv[0] : common.model);
    if (path == NULL)
        return TOOL_ERROR;
    plan.pairs = batch > 0 ? batch : plan.mixed ? 256 : 1;
    if (plan.mixed)
        tokens.n = 1;
    for (i = 0; i < tokens.n && !plan.mixed && (plan.profile || plan.pairs > 1); i++)
        if (tokens.values[i] < 3)
            tool_usage_error(&cmd_bench, "a pair has 3 special tokens: --tokens must be 3 or more");
    before = anonymous_mb();
    for (k = 0; k < threads.n; k++)
        for (i = 0; i < tokens.n; i++) {
            plan.tokens = plan.mixed ? MIXED_MAX : tokens.values[i];
            plan.threads = threads.values[k];
            if (!measure(path, &plan, before, &m, &info, &isa))
                return TOOL_ERROR;
            if (common.json) {
                put_json(&plan, &m, &info, isa, path);
                out_flush(&out);
                continue;
            }
            if (i == 0 && k == 0) {
                out_format(&out, "%s: %s, %s weights, %s; open %.2f ms (%.2f without the checksum)",
                           path, info.architecture, info.weights, isa, m.open_ms,
                           m.open_unchecked_ms);
                if (isfinite(m.private_mb))
                    out_format(&out, ", %.1f MB private", m.private_mb);
                out_text(&out, "\n\n");
                if (!plan.profile)
                    put_table_header(&t);
            }
            if (plan.profile) {
                put_profile(&plan, &m);
                out_flush(&out);
            } else {
                put_table_row(&t, &plan, &m);
            }
        }
    if (!common.json && !plan.profile)
        table_print(&t, &out, 0);
    return tool_finish(TOOL_OK);
}

const struct command cmd_bench = {
    .name = "bench",
    .main = bench_main,
    .summary = "time, throughput and memory",
    .help = help,
};
