/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - see metrics.h.
 */
#include "metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const double coverages[METRICS_COVERAGES] = {0.5, 0.8, 0.9};

void scored_add(struct scored *s, const float *p, uint32_t truth, uint32_t chosen, uint64_t group)
{
    if (s->n == s->cap) {
        s->cap = grown(s->cap, 1024);
        s->p = must_realloc(s->p, s->cap, s->label_n * sizeof *s->p);
        s->truth = must_realloc(s->truth, s->cap, sizeof *s->truth);
        s->chosen = must_realloc(s->chosen, s->cap, sizeof *s->chosen);
        s->group = must_realloc(s->group, s->cap, sizeof *s->group);
    }
    memcpy(s->p + s->n * s->label_n, p, s->label_n * sizeof *p);
    s->truth[s->n] = (uint8_t)truth;
    s->chosen[s->n] = (uint8_t)chosen;
    s->group[s->n] = group;
    s->n++;
}

void scored_free(struct scored *s)
{
    free(s->p);
    free(s->truth);
    free(s->chosen);
    free(s->group);
    memset(s, 0, sizeof *s);
}

uint64_t query_group(struct relevance_text query)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < query.len; i++)
        h = (h ^ (uint8_t)query.data[i]) * UINT64_C(1099511628211);
    return h;
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

static double confidence(const struct scored *s, size_t i)
{
    return (double)s->p[i * s->label_n + s->chosen[i]];
}

/* ---- from the confusion table ---- */

typedef uint64_t confusion_row[RELEVANCE_MAX_LABELS];

static double macro_f1(const confusion_row *confusion, uint32_t label_n)
{
    double sum = 0;
    uint32_t used = 0;
    for (uint32_t i = 0; i < label_n; i++) {
        uint64_t both = 0;
        for (uint32_t k = 0; k < label_n; k++)
            both += confusion[i][k] + confusion[k][i];
        used += both > 0;
        sum += ratio(2 * (double)confusion[i][i], (double)both);
    }
    return ratio(sum, used);
}

static double right_share(const confusion_row *confusion, uint32_t label_n)
{
    uint64_t right = 0, all = 0;
    for (uint32_t i = 0; i < label_n; i++) {
        right += confusion[i][i];
        for (uint32_t k = 0; k < label_n; k++)
            all += confusion[i][k];
    }
    return ratio((double)right, (double)all);
}

static void class_scores(struct metrics *m, uint32_t label_n)
{
    for (uint32_t i = 0; i < label_n; i++) {
        struct class_score *c = &m->classes[i];
        double right = (double)m->confusion[i][i];
        for (uint32_t k = 0; k < label_n; k++) {
            c->support += m->confusion[i][k];
            c->predicted += m->confusion[k][i];
        }
        c->precision = ratio(right, (double)c->predicted);
        c->recall = ratio(right, (double)c->support);
        c->f1 = ratio(2 * right, (double)(c->predicted + c->support));
    }
}

/* ---- from the probabilities ---- */

static void probability_scores(const struct scored *s, struct metrics *m)
{
    for (size_t i = 0; i < s->n; i++) {
        const float *p = s->p + i * s->label_n;
        double sure = confidence(s, i), position = sure * m->bin_n;
        struct reliability_bin *bin =
            &m->bins[position >= m->bin_n ? m->bin_n - 1 : (uint32_t)position];
        for (uint32_t k = 0; k < s->label_n; k++) {
            double d = (double)p[k] - (k == s->truth[i]);
            m->brier += d * d;
        }
        /* The floor keeps one certain mistake from making the mean infinite. */
        m->log_loss -= log(fmax((double)p[s->truth[i]], 1e-12));
        bin->n++;
        bin->confidence += sure;
        bin->accuracy += s->chosen[i] == s->truth[i];
    }
    m->brier = ratio(m->brier, (double)s->n);
    m->log_loss = ratio(m->log_loss, (double)s->n);
    for (uint32_t i = 0; i < m->bin_n; i++) {
        struct reliability_bin *bin = &m->bins[i];
        m->ece += ratio(fabs(bin->confidence - bin->accuracy), (double)s->n);
        bin->confidence = ratio(bin->confidence, (double)bin->n);
        bin->accuracy = ratio(bin->accuracy, (double)bin->n);
    }
}

/* ---- risk and coverage ---- */

struct sure {
    double confidence;
    int wrong;
};

static int surest_first(const void *a, const void *b)
{
    double x = ((const struct sure *)a)->confidence, y = ((const struct sure *)b)->confidence;
    return (x < y) - (x > y);
}

/* Among pairs of equal confidence, which have no order, errors count as if spread evenly. */
static void risk_coverage(const struct scored *s, struct metrics *m)
{
    struct sure *list = must_alloc(s->n, sizeof *list);
    size_t start, end, point = 0;
    double before = 0; /* errors among the surer ones */
    for (size_t i = 0; i < s->n; i++)
        list[i] = (struct sure){confidence(s, i), s->chosen[i] != s->truth[i]};
    qsort(list, s->n, sizeof *list, surest_first);
    for (start = 0; start < s->n; start = end) {
        double wrong = 0;
        for (end = start; end < s->n && list[end].confidence == list[start].confidence; end++)
            wrong += list[end].wrong;
        for (size_t i = start; i < end; i++) {
            double errors = before + wrong * (double)(i + 1 - start) / (double)(end - start);
            double risk = errors / (double)(i + 1);
            m->risk_coverage_area += risk / (double)s->n;
            while (point < METRICS_COVERAGES &&
                   (double)(i + 1) >= ceil(coverages[point] * (double)s->n - 1e-9)) {
                m->coverages[point].accuracy = 1 - risk;
                m->coverages[point++].threshold = list[i].confidence;
            }
        }
        before += wrong;
    }
    for (point = 0; point < METRICS_COVERAGES; point++)
        m->coverages[point].coverage = coverages[point];
    free(list);
}

/* ---- bootstrap ---- */

/* splitmix64 (Steele, Lea & Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct member {
    uint64_t group;
    uint8_t truth, chosen;
};

static int by_group(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    /* A total order, so that the result does not depend on the order of the pairs. */
    return (x->truth * 256 + x->chosen) - (y->truth * 256 + y->chosen);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct interval percentiles(double *values, uint32_t n)
{
    struct interval in;
    qsort(values, n, sizeof *values, ascending);
    in.low = values[(uint32_t)(0.025 * (n - 1) + 0.5)];
    in.high = values[(uint32_t)(0.975 * (n - 1) + 0.5)];
    return in;
}

static void bootstrap(const struct scored *s, struct metrics *m)
{
    struct member *members = must_alloc(s->n, sizeof *members);
    size_t *starts = must_alloc(s->n + 1, sizeof *starts), group_n = 0;
    double *accuracies = must_alloc(m->resamples, sizeof *accuracies);
    double *f1s = must_alloc(m->resamples, sizeof *f1s);
    uint64_t state = 1;
    for (size_t i = 0; i < s->n; i++)
        members[i] = (struct member){s->group[i], s->truth[i], s->chosen[i]};
    qsort(members, s->n, sizeof *members, by_group);
    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || members[i].group != members[i - 1].group)
            starts[group_n++] = i;
    starts[group_n] = s->n;
    for (uint32_t r = 0; r < m->resamples; r++) {
        confusion_row confusion[RELEVANCE_MAX_LABELS];
        memset(confusion, 0, sizeof confusion);
        for (size_t k = 0; k < group_n; k++) {
            /* The remainder's bias, group_n / 2^64, is far below what anyone can see. */
            size_t g = (size_t)(next_random(&state) % group_n);
            for (size_t i = starts[g]; i < starts[g + 1]; i++)
                confusion[members[i].truth][members[i].chosen]++;
        }
        accuracies[r] = right_share(confusion, s->label_n);
        f1s[r] = macro_f1(confusion, s->label_n);
    }
    m->accuracy_interval = percentiles(accuracies, m->resamples);
    m->macro_f1_interval = percentiles(f1s, m->resamples);
    free(f1s);
    free(accuracies);
    free(starts);
    free(members);
}

void metrics_of(const struct scored *s, uint32_t bin_n, uint32_t resamples, struct metrics *m)
{
    memset(m, 0, sizeof *m);
    m->n = s->n;
    m->bin_n = bin_n;
    m->resamples = resamples;
    for (size_t i = 0; i < s->n; i++)
        m->confusion[s->truth[i]][s->chosen[i]]++;
    m->accuracy = right_share(m->confusion, s->label_n);
    m->macro_f1 = macro_f1(m->confusion, s->label_n);
    class_scores(m, s->label_n);
    probability_scores(s, m);
    risk_coverage(s, m);
    if (resamples > 0 && s->n > 0)
        bootstrap(s, m);
}
