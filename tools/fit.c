/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit.c - see fit.h.
 */
#include "fit.h"

#include <math.h>
#include <string.h>

#include "memory.h"

#define MAX_LABELS RELEVANCE_MAX_LABELS
#define SCALE_MAX 1000.0 /* of the model file */

void fit_shares(const struct fit_pairs *pairs, double *shares)
{
    memset(shares, 0, pairs->label_n * sizeof *shares);
    for (size_t i = 0; i < pairs->n; i++)
        shares[pairs->truth[i]] += 1.0;
    for (uint32_t k = 0; k < pairs->label_n; k++)
        shares[k] /= (double)pairs->n;
}

/* ---- temperature and biases ---- */

/* The unknowns are x[0] = scale and x[k] = bias of label k, relative to the bias of label 0. */
struct newton {
    const struct fit_pairs *pairs;
    uint32_t n;       /* labels */
    uint32_t unknown; /* of x, from x[0] on; the others stay 0 */
    double x[MAX_LABELS], gradient[MAX_LABELS], step[MAX_LABELS];
    double hessian[MAX_LABELS][MAX_LABELS];
};

/* softmax of one pair into p; returns -ln p(truth). */
static double softmax_of(const struct newton *s, const double *x, size_t pair, double *p)
{
    const float *logits = s->pairs->logits + pair * s->n;
    double z[MAX_LABELS], top = -INFINITY, sum = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        z[k] = x[0] * (double)logits[k] + (k > 0 ? x[k] : 0.0);
        top = fmax(top, z[k]);
    }
    for (uint32_t k = 0; k < s->n; k++)
        sum += p[k] = exp(z[k] - top);
    for (uint32_t k = 0; k < s->n; k++)
        p[k] /= sum;
    return log(sum) + top - z[s->pairs->truth[pair]];
}

static double loss_at(const struct newton *s, const double *x)
{
    double p[MAX_LABELS], sum = 0;
    for (size_t i = 0; i < s->pairs->n; i++)
        sum += softmax_of(s, x, i, p);
    return sum / (double)s->pairs->n;
}

/* Gradient and Hessian at s->x.  With f[k] = dz/dx of label k: sum_k (p[k] - y[k]) f[k], and
 * sum_k p[k] f[k] f[k]' - (sum_k p[k] f[k]) (...)'. */
static void derivatives(struct newton *s)
{
    double p[MAX_LABELS], weight = 1.0 / (double)s->pairs->n;
    memset(s->gradient, 0, sizeof s->gradient);
    memset(s->hessian, 0, sizeof s->hessian);
    for (size_t i = 0; i < s->pairs->n; i++) {
        const float *logits = s->pairs->logits + i * s->n;
        double mean = 0; /* of the logits under p */
        softmax_of(s, s->x, i, p);
        for (uint32_t k = 0; k < s->n; k++)
            mean += p[k] * (double)logits[k];
        s->gradient[0] += weight * (mean - (double)logits[s->pairs->truth[i]]);
        for (uint32_t k = 0; k < s->n; k++)
            s->hessian[0][0] +=
                weight * p[k] * ((double)logits[k] - mean) * ((double)logits[k] - mean);
        for (uint32_t k = 1; k < s->n; k++) {
            s->gradient[k] += weight * (p[k] - (k == s->pairs->truth[i]));
            s->hessian[k][0] += weight * p[k] * ((double)logits[k] - mean);
            for (uint32_t j = 1; j <= k; j++)
                s->hessian[k][j] += weight * p[k] * ((j == k) - p[j]);
        }
    }
}

/* s->step = Hessian^-1 gradient, by Cholesky's method.  The damping keeps a direction in which the
 * function is flat (logits that are all alike) from dividing by 0.  Returns 0 where that fails. */
static int solve(struct newton *s)
{
    double(*h)[MAX_LABELS] = s->hessian, *x = s->step;
    for (uint32_t k = 0; k < s->unknown; k++) {
        for (uint32_t j = 0; j <= k; j++) {
            double sum = h[k][j] + (j == k ? 1e-12 : 0.0);
            for (uint32_t i = 0; i < j; i++)
                sum -= h[k][i] * h[j][i];
            if (j == k && !(sum > 0))
                return 0;
            h[k][j] = j == k ? sqrt(sum) : sum / h[j][j];
        }
    }
    for (uint32_t k = 0; k < s->unknown; k++) {
        x[k] = s->gradient[k];
        for (uint32_t j = 0; j < k; j++)
            x[k] -= h[k][j] * x[j];
        x[k] /= h[k][k];
    }
    for (uint32_t k = s->unknown; k-- > 0;) {
        for (uint32_t j = k + 1; j < s->unknown; j++)
            x[k] -= h[j][k] * x[j];
        x[k] /= h[k][k];
    }
    return 1;
}

static int check_pairs(const struct fit_pairs *pairs, const double *shares, struct failure *failure)
{
    if (pairs->label_n < 2)
        return failure_set(failure, "a model with one label has nothing to calibrate");
    if (pairs->n == 0)
        return failure_set(failure, "no labelled pairs");
    for (size_t i = 0; i < pairs->n * pairs->label_n; i++)
        if (!isfinite(pairs->logits[i]))
            return failure_set(failure, "the model's logits are not finite");
    for (uint32_t k = 0; k < pairs->label_n; k++)
        if (!(shares[k] > 0))
            return failure_set(failure, "label %u has no pair; each needs some to be fitted",
                               (unsigned)k);
    return 0;
}

static int minimise(const struct fit_pairs *pairs, uint32_t unknown, struct fit *fit,
                    struct failure *failure)
{
    struct newton s = {.pairs = pairs, .n = pairs->label_n, .unknown = unknown, .x = {1.0}};
    double loss, mean = 0, shares[MAX_LABELS] = {0};
    int converged = 0;
    if (pairs->n > 0)
        fit_shares(pairs, shares);
    if (check_pairs(pairs, shares, failure) != 0)
        return -1;
    loss = loss_at(&s, s.x);
    for (int round = 0; round < 100 && !converged; round++) {
        double next[MAX_LABELS] = {0}, decrease = 0, size = 1.0, lower = loss;
        derivatives(&s);
        if (!solve(&s))
            break;
        for (uint32_t k = 0; k < s.unknown; k++)
            decrease += s.gradient[k] * s.step[k];
        converged = decrease < 1e-14; /* of the loss, twice: far below what pairs can tell */
        for (; size > 1e-9; size *= 0.5) {
            for (uint32_t k = 0; k < s.unknown; k++)
                next[k] = s.x[k] - size * s.step[k];
            lower = loss_at(&s, next);
            if (lower <= loss - 1e-4 * size * decrease) /* Armijo's rule */
                break;
        }
        if (size <= 1e-9) { /* rounding: no step is better */
            converged = 1;
            break;
        }
        memcpy(s.x, next, sizeof next);
        loss = lower;
    }
    /* Where no scale and biases give every pair its label, one pair at least has a probability of 1/2 or
     * less, always; where some do, larger and larger ones bring the loss to 0. */
    if (loss * (double)pairs->n < log(2.0))
        return failure_set(failure,
                           "no temperature fits: the model makes no error on these %zu pairs, "
                           "so that they cannot say how sure it may be; give it more, or "
                           "harder ones",
                           pairs->n);
    if (!converged || s.x[0] > SCALE_MAX)
        return failure_set(failure,
                           "no temperature fits: the search came to a scale of %g after 100 steps",
                           s.x[0]);
    if (!(s.x[0] > 1e-3))
        return failure_set(failure,
                           "no temperature fits: the logits tell nothing about the labels of "
                           "these pairs (is the label column in the right order?)");
    fit->scale = s.x[0];
    s.x[0] = 0; /* the bias of label 0 */
    for (uint32_t k = 0; k < s.n; k++)
        mean += s.x[k] / s.n;
    for (uint32_t k = 0; k < s.n; k++) {
        fit->bias[k] = s.x[k] - mean;
        fit->prior[k] = shares[k];
    }
    return 0;
}

int fit_calibration(const struct fit_pairs *pairs, struct fit *fit, struct failure *failure)
{
    return minimise(pairs, pairs->label_n, fit, failure);
}

int fit_temperature(const struct fit_pairs *pairs, struct fit *fit, struct failure *failure)
{
    float p[RELEVANCE_MAX_LABELS];

    if (minimise(pairs, 1, fit, failure) != 0)
        return -1;
    memset(fit->prior, 0, sizeof fit->prior);
    for (size_t i = 0; i < pairs->n; i++) {
        fit_apply(fit, pairs->label_n, pairs->logits + i * pairs->label_n, p);
        for (uint32_t k = 0; k < pairs->label_n; k++)
            fit->prior[k] += (double)p[k] / (double)pairs->n;
    }
    return 0;
}

/* ---- other label shares ---- */

void fit_move(struct fit *fit, uint32_t label_n, const double *prior)
{
    double sum = 0, mean = 0;
    for (uint32_t k = 0; k < label_n; k++)
        sum += prior[k];
    for (uint32_t k = 0; k < label_n; k++) {
        fit->bias[k] += log(prior[k] / sum / fit->prior[k]);
        fit->prior[k] = prior[k] / sum;
        mean += fit->bias[k] / label_n;
    }
    for (uint32_t k = 0; k < label_n; k++)
        fit->bias[k] -= mean;
}

uint32_t fit_apply(const struct fit *fit, uint32_t label_n, const float *logits, float *p)
{
    double z[MAX_LABELS], sum = 0;
    uint32_t best = 0;
    for (uint32_t k = 0; k < label_n; k++) {
        z[k] = fit->scale * (double)logits[k] + fit->bias[k];
        if (z[k] > z[best])
            best = k;
    }
    for (uint32_t k = 0; k < label_n; k++)
        sum += exp(z[k] - z[best]);
    for (uint32_t k = 0; k < label_n; k++)
        p[k] = (float)(exp(z[k] - z[best]) / sum);
    return best;
}

/* ---- macro F1 ---- */

struct search {
    const struct fit_pairs *pairs;
    double *z;                 /* [n, label_n]: scaled logits with biases */
    double weight[MAX_LABELS]; /* of a pair of this true label */
    double shift[MAX_LABELS];  /* of the logarithms of the shares */
    double f1;
};

static double f1_at(const struct search *s, const double *shift)
{
    uint32_t n = s->pairs->label_n;
    double right[MAX_LABELS] = {0}, both[MAX_LABELS] = {0}, sum = 0;
    for (size_t i = 0; i < s->pairs->n; i++) {
        const double *z = s->z + i * n;
        uint32_t best = 0, truth = s->pairs->truth[i];
        for (uint32_t k = 1; k < n; k++)
            if (z[k] + shift[k] > z[best] + shift[best])
                best = k;
        both[truth] += s->weight[truth];
        both[best] += s->weight[truth];
        if (best == truth)
            right[truth] += s->weight[truth];
    }
    for (uint32_t k = 0; k < n; k++)
        sum += both[k] > 0 ? 2 * right[k] / both[k] : 0;
    return sum / n;
}

/* Climb from s->shift; label 0 stays, since only differences count. */
static void climb(struct search *s)
{
    static const double steps[] = {1.0, 0.5, 0.25, 0.1, 0.05};
    s->f1 = f1_at(s, s->shift);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int better = 1;
        while (better) {
            better = 0;
            for (uint32_t k = 1; k < s->pairs->label_n; k++)
                for (int sign = 1; sign >= -1; sign -= 2) {
                    double old = s->shift[k], f1;
                    s->shift[k] = old + sign * steps[i];
                    f1 = f1_at(s, s->shift);
                    if (f1 > s->f1 + 1e-9) {
                        s->f1 = f1;
                        better = 1;
                    } else {
                        s->shift[k] = old;
                    }
                }
        }
    }
}

void fit_macro_f1(const struct fit_pairs *pairs, struct fit *fit)
{
    uint32_t n = pairs->label_n;
    double shares[MAX_LABELS], prior[MAX_LABELS];
    struct search natural = {.pairs = pairs}, even;
    const struct search *best;
    natural.z = must_alloc(pairs->n, n * sizeof *natural.z);
    fit_shares(pairs, shares);
    for (size_t i = 0; i < pairs->n * n; i++)
        natural.z[i] = fit->scale * (double)pairs->logits[i] + fit->bias[i % n];
    for (uint32_t k = 0; k < n; k++)
        natural.weight[k] = fit->prior[k] / shares[k];
    even = natural;
    for (uint32_t k = 0; k < n; k++)
        even.shift[k] = log(fit->prior[0] / fit->prior[k]);
    climb(&natural);
    climb(&even);
    best = even.f1 > natural.f1 + 1e-9 ? &even : &natural;
    for (uint32_t k = 0; k < n; k++)
        prior[k] = fit->prior[k] * exp(best->shift[k]);
    fit_move(fit, n, prior);
    free(natural.z);
}
