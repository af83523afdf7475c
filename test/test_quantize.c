/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_quantize.c - the converter's arithmetic: linear algebra, scales, error-correcting rounding,
 * what is chosen from a layer's inputs.
 *
 * Expected values are computed here in the simplest way, in double precision.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gptq.h"
#include "grid.h"
#include "layer_stats.h"
#include "linalg.h"
#include "quantize.h"
#include "support/random.h"

static struct rng rng;
static struct workers one, three; /* one thread; three, which this machine need not have */

static float *random_matrix(size_t n)
{
    float *m = linalg_alloc(n);

    assert_non_null(m);
    for (size_t i = 0; i < n; i++)
        m[i] = rng_f32(&rng);
    return m;
}

/* Inputs [rows, k] whose channels go together: neighbours are mixed, a common part is added. */
static float *correlated(size_t rows, size_t k)
{
    float *x = random_matrix(rows * k);

    for (size_t r = 0; r < rows; r++) {
        float common = rng_f32(&rng);
        for (size_t i = 1; i < k; i++)
            x[r * k + i] = 0.5f * x[r * k + i] + 0.5f * x[r * k + i - 1] + 0.5f * common;
    }
    return x;
}

/* ---- linear algebra ---- */

static void cholesky_of_a_known_matrix(void **state)
{
    static const float from[3][3] = {{4, 12, -16}, {12, 37, -43}, {-16, -43, 98}};
    static const float want[3][3] = {{2}, {6, 1}, {-8, 5, 3}};
    float *a = linalg_alloc(3 * 16);

    (void)state;
    for (size_t i = 0; i < 3; i++)
        memcpy(a + i * 16, from[i], sizeof from[i]);
    assert_int_equal(linalg_cholesky(&one, a, 3), 0);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j <= i; j++)
            assert_true(a[i * 16 + j] == want[i][j]);
    a[0] = -1.0f;
    assert_int_equal(linalg_cholesky(&one, a, 3), 1);
    a[0] = NAN;
    assert_int_equal(linalg_cholesky(&one, a, 3), 1);
    free(a);
}

static void gram_and_cholesky(void **state)
{
    static const size_t sizes[] = {1, 5, 16, 64, 127, 128, 129, 300};

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t m = sizes[s], rows = 2 * m + 3, stride = linalg_padded(m);
        float *a = random_matrix(rows * m), *h = linalg_alloc(m * stride);
        float *l = linalg_alloc(m * stride);
        assert_int_equal(linalg_add_gram(&three, a, m, rows, m, h), 0);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++) {
                double want = 0.0;
                for (size_t r = 0; r < rows; r++)
                    want += (double)a[r * m + i] * (double)a[r * m + j];
                if (j <= i)
                    assert_true(fabs((double)h[i * stride + j] - want) < 1e-4 * (double)rows);
                else
                    assert_true(h[i * stride + j] == 0.0f);
            }
        memcpy(l, h, m * stride * sizeof *l);
        assert_int_equal(linalg_cholesky(&three, l, m), 0);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j <= i; j++) {
                double got = 0.0;
                for (size_t k = 0; k <= j; k++)
                    got += (double)l[i * stride + k] * (double)l[j * stride + k];
                assert_true(fabs((double)h[i * stride + j] - got) < 1e-5 * (double)rows);
            }
        free(a);
        free(h);
        free(l);
    }
}

static void factor_of_a_known_matrix(void **state)
{
    /* H = M D M^T with M = [1 3 5; 0 1 2; 0 0 1], D = diag(2, 4, 1) */
    static const float h[3][3] = {{63}, {22, 8}, {5, 2, 1}};
    float *a = linalg_alloc(3 * 16);
    struct gptq_factor f = {0};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        memcpy(a + i * 16, h[i], sizeof h[i]);
    assert_int_equal(gptq_factorise(&one, a, 3, 3, 0.0f, &f), 0);
    assert_int_equal(f.m, 3);
    assert_true(fabsf(f.panels[0 * 16 + 1] - 3.0f) < 1e-4f);
    assert_true(fabsf(f.panels[0 * 16 + 2] - 5.0f) < 1e-4f);
    assert_true(fabsf(f.panels[1 * 16 + 2] - 2.0f) < 1e-4f);
    for (size_t j = 0; j < 3; j++)
        for (size_t c = 0; c <= j; c++)
            assert_true(f.panels[j * 16 + c] == 0.0f);
    gptq_factor_free(&f);
    free(a);
}

/* ---- scales ---- */

static double scale_error(const float *w, const float *h, uint32_t n, double scale, unsigned w_max)
{
    struct grid g = grid_of(w_max);
    double sum = 0.0;

    for (uint32_t i = 0; i < n; i++) {
        double q = scale != 0.0 ? nearbyint(w[i] / scale) : 0.0;
        q = q < g.low ? g.low : q > g.high ? g.high : q;
        sum += h[i] * (w[i] - q * scale) * (w[i] - q * scale);
    }
    return sum;
}

/* Against 4000 scales of either sign.  The search looks at 35, so it may be a little worse. */
static void scale_search_is_nearly_optimal(void **state)
{
    static const struct {
        unsigned bits, w_max;
    } widths[] = {{8, 127}, {8, 64}, {6, 32}, {5, 16}, {4, 8}, {3, 4}};
    double ratio_sum = 0.0;
    unsigned trials = 0;

    (void)state;
    for (size_t t = 0; t < 6 * 40; t++) {
        unsigned bits = widths[t % 6].bits, w_max = widths[t % 6].w_max;
        float w[32], h[32], cover = 0.0f;
        double got, best = INFINITY;
        for (size_t i = 0; i < 32; i++) {
            w[i] = rng_f32(&rng) * rng_f32(&rng);
            h[i] = t % 2 == 0 ? 1.0f : 1.0f + rng_f32(&rng);
            cover = fabsf(w[i]) > cover ? fabsf(w[i]) : cover;
        }
        for (int i = -2000; i <= 2000; i++) {
            double e = scale_error(w, h, 32, (double)cover / w_max * i / 2000.0, w_max);
            best = e < best ? e : best;
        }
        got = scale_error(w, h, 32, quantize_search_scale(w, h, 32, bits, w_max, 0), w_max);
        assert_true(got < 3.0 * best); /* 1.93 in 9600 cases */
        ratio_sum += got / best;
        trials++;
    }
    assert_true(ratio_sum / trials < 1.05);
}

static void scale_search_finds_what_is_exact(void **state)
{
    float ones[16], w[16];

    (void)state;
    for (size_t i = 0; i < 16; i++)
        ones[i] = 1.0f;
    for (int sign = -1; sign <= 1; sign += 2) {
        for (int i = 0; i < 16; i++) /* -8 .. 7, or turned over */
            w[i] = (float)(sign * (i - 8)) * 0.37f;
        assert_true(scale_error(w, ones, 16, quantize_search_scale(w, ones, 16, 4, 8, 0), 8) < 1e-9);
    }
    memset(w, 0, sizeof w);
    assert_true(quantize_search_scale(w, ones, 16, 4, 8, 0) == 0.0f);
}

/* ---- error-correcting rounding ---- */

#define K 96
#define N 20

struct problem {
    float *h; /* [K + 2, K + 2] lower triangle: K channels, one that stays in f32, the bias */
    float *w; /* [N, padded] */
    float scale[N];
    int8_t q[N * K];
};
#define M (K + 2)
#define STRIDE ((M + 15) / 16 * 16)

static void make_problem(struct problem *p, int diagonal)
{
    float *x = correlated(400, M), ones[K];

    for (size_t i = 0; i < K; i++)
        ones[i] = 1.0f;
    for (size_t r = 0; r < 400; r++)
        x[r * M + M - 1] = 1.0f;
    p->h = linalg_alloc(M * STRIDE);
    p->w = random_matrix(N * STRIDE);
    assert_int_equal(linalg_add_gram(&one, x, M, 400, M, p->h), 0);
    for (size_t i = 0; diagonal && i < M; i++)
        for (size_t j = 0; j < i; j++)
            p->h[i * STRIDE + j] = 0.0f;
    for (size_t n = 0; n < N; n++)
        p->scale[n] = quantize_search_scale(p->w + n * STRIDE, ones, K, 4, 8, 0);
    free(x);
}

static void free_problem(struct problem *p)
{
    free(p->h);
    free(p->w);
}

static void round_plainly(const struct problem *p, int8_t *q)
{
    for (size_t n = 0; n < N; n++)
        for (size_t k = 0; k < K; k++)
            q[n * K + k] =
                (int8_t)grid_round(p->w[n * STRIDE + k], 1.0f / p->scale[n], grid_of(8));
}

/* Rounds p->w in place with the damping given; 'h' is spoilt. */
static void round_with(struct problem *p, const struct workers *workers, float damping,
                       size_t group, float *scales)
{
    struct gptq_factor factor = {0};
    struct gptq g = {.factor = &factor, .n = N, .k = K, .w = p->w, .q = p->q, .scale = scales,
                     .group = group, .bits = 4, .w_max = 8};

    assert_int_equal(gptq_factorise(workers, p->h, M, K, damping, &factor), 0);
    assert_int_equal(gptq_round(workers, &g), 0);
    gptq_factor_free(&factor);
}

/* (w - v) H (w - v)^T over all rows, v = q * scale and then 'v_free' [N, M - K]. */
static double output_error(const float *h, const float *w, const int8_t *q, const float *scale,
                           const float *v_free)
{
    double sum = 0.0, d[M];

    for (size_t n = 0; n < N; n++) {
        for (size_t i = 0; i < K; i++)
            d[i] = (double)w[n * STRIDE + i] - (double)scale[n] * q[n * K + i];
        for (size_t i = K; i < M; i++)
            d[i] = (double)w[n * STRIDE + i] - (double)v_free[n * STRIDE + i];
        for (size_t i = 0; i < M; i++)
            for (size_t j = 0; j < M; j++)
                sum += d[i] * d[j] * (double)(j <= i ? h[i * STRIDE + j] : h[j * STRIDE + i]);
    }
    return sum;
}

static void without_correlation_it_is_rounding(void **state)
{
    struct problem p;
    int8_t plain[N * K];
    float *before;

    (void)state;
    make_problem(&p, 1);
    round_plainly(&p, plain);
    before = linalg_alloc(N * STRIDE);
    memcpy(before, p.w, N * STRIDE * sizeof *before);
    round_with(&p, &one, 0.03f, 0, p.scale);
    assert_memory_equal(p.q, plain, sizeof plain);
    assert_memory_equal(p.w, before, N * STRIDE * sizeof *before); /* nothing to make good */
    free(before);
    free_problem(&p);
}

static void with_correlation_it_is_better(void **state)
{
    struct problem p;
    int8_t plain[N * K];
    float *h, *before;
    double rounded, corrected;

    (void)state;
    make_problem(&p, 0);
    round_plainly(&p, plain);
    h = linalg_alloc(M * STRIDE);
    before = linalg_alloc(N * STRIDE);
    memcpy(h, p.h, M * STRIDE * sizeof *h);
    memcpy(before, p.w, N * STRIDE * sizeof *before);
    rounded = output_error(h, before, plain, p.scale, before);
    round_with(&p, &one, 0.01f, 0, p.scale);
    corrected = output_error(h, before, p.q, p.scale, p.w);
    assert_true(corrected < 0.4 * rounded);
    free(h);
    free(before);
    free_problem(&p);
}

/* Inverse of the symmetric a [M, M] by Gauss and Jordan, without pivots: a is positive definite. */
static void invert(double *a)
{
    for (size_t k = 0; k < M; k++) {
        double pivot = a[k * M + k];
        a[k * M + k] = 1.0;
        for (size_t j = 0; j < M; j++)
            a[k * M + j] /= pivot;
        for (size_t i = 0; i < M; i++) {
            double f = a[i * M + k];
            if (i == k)
                continue;
            a[i * M + k] = 0.0;
            for (size_t j = 0; j < M; j++)
                a[i * M + j] -= f * a[k * M + j];
        }
    }
}

/*
 * One row as Frantar et al. write it down: round a channel, change all that follow by the inverse
 * of what is left of H, take the channel out of the inverse.
 */
static void as_in_the_paper(double *inverse, double *w, double scale, int8_t *q)
{
    for (size_t i = 0; i < K; i++) {
        double t = nearbyint(w[i] / scale), e;
        t = t < -8.0 ? -8.0 : t > 7.0 ? 7.0 : t;
        q[i] = (int8_t)t;
        e = (w[i] - t * scale) / inverse[i * M + i];
        for (size_t j = i + 1; j < M; j++)
            w[j] -= e * inverse[i * M + j];
        for (size_t r = i + 1; r < M; r++) {
            double f = inverse[r * M + i] / inverse[i * M + i];
            for (size_t j = i + 1; j < M; j++)
                inverse[r * M + j] -= f * inverse[i * M + j];
        }
    }
}

static void it_is_gptq(void **state)
{
    struct problem p;
    double *inverse = malloc(M * M * sizeof *inverse), *left = malloc(M * M * sizeof *left);
    double *w = malloc(N * M * sizeof *w), mean = 0.0;
    int8_t q[K];
    size_t differ = 0;

    (void)state;
    assert_true(inverse != NULL && left != NULL && w != NULL);
    make_problem(&p, 0);
    for (size_t i = 0; i < K; i++)
        mean += (double)p.h[i * STRIDE + i] / K;
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < M; j++)
            inverse[i * M + j] = (double)(j <= i ? p.h[i * STRIDE + j] : p.h[j * STRIDE + i]) +
                                 (i == j ? 0.03 * mean : 0.0);
    invert(inverse);
    for (size_t n = 0; n < N; n++)
        for (size_t i = 0; i < M; i++)
            w[n * M + i] = p.w[n * STRIDE + i];
    round_with(&p, &one, 0.03f, 0, p.scale);
    for (size_t n = 0; n < N; n++) {
        size_t row_differs = 0;
        memcpy(left, inverse, M * M * sizeof *left);
        as_in_the_paper(left, w + n * M, p.scale[n], q);
        for (size_t k = 0; k < K; k++)
            row_differs += q[k] != p.q[n * K + k];
        differ += row_differs != 0; /* a near tie in f32 changes what follows */
        for (size_t i = K; row_differs == 0 && i < K + 1; i++)
            assert_true(fabs(w[n * M + i] - (double)p.w[n * STRIDE + i]) < 1e-3);
    }
    assert_true(differ <= N / 4);
    free(inverse);
    free(left);
    free(w);
    free_problem(&p);
}

static void scales_of_groups(void **state)
{
    static const size_t groups[] = {32, 64, 96};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        size_t group = groups[i], group_n = (K + group - 1) / group;
        struct problem p;
        float scales[N * 3] = {0};
        make_problem(&p, 1);
        round_with(&p, &one, 0.03f, group, scales);
        for (size_t n = 0; n < N; n++)
            for (size_t k = 0; k < K; k++) { /* a diagonal H: each group by itself, nearest */
                float s = scales[n * group_n + k / group], w = p.w[n * STRIDE + k];
                assert_true(s != 0.0f);
                assert_int_equal(p.q[n * K + k], (int8_t)grid_round(w, 1.0f / s, grid_of(8)));
            }
        free_problem(&p);
    }
}

/* ---- a layer ---- */

struct layer_case {
    struct linear_f32 linear;
    float *weight, *bias, *x;
    size_t rows;
};

static void make_layer(struct layer_case *c, uint32_t n, uint32_t k, size_t rows)
{
    c->weight = random_matrix((size_t)n * k);
    c->bias = random_matrix(n);
    c->x = correlated(rows, k);
    c->rows = rows;
    c->linear = (struct linear_f32){n, k, c->weight, c->bias};
}

static void free_layer(struct layer_case *c)
{
    free(c->weight);
    free(c->bias);
    free(c->x);
}

static void quantise_layer(const struct layer_case *c, const struct quantize_options *o,
                           struct calibration *stats, struct linear_q *q)
{
    struct failure failure;

    assert_int_equal(layer_stats(c->x, c->linear.k, c->rows, &c->linear, o, stats, &failure), 0);
    assert_int_equal(quantize_linear(&c->linear, o, stats, q, &failure), 0);
}

/* Mean square of what the layer gives minus what the quantised weights give, with exact inputs. */
static double layer_error(const struct layer_case *c, const struct linear_q *q)
{
    double sum = 0.0;

    for (size_t r = 0; r < c->rows; r++) {
        for (uint32_t n = 0; n < q->n; n++) {
            const float *x = c->x + r * q->k, *w = c->weight + (size_t)n * q->k;
            double d = (double)c->bias[n] - (double)q->bias[n];
            for (uint32_t k = 0; k < q->k; k++) {
                size_t group = q->group != 0 ? k / q->group : 0;
                double s = q->input_scale != NULL ? (double)q->input_scale[k] : 1.0;
                d += (double)x[k] * ((double)w[k] - s * q->w[(size_t)n * q->k + k] *
                                                        (double)q->scale[n * q->group_n + group]);
            }
            for (uint32_t o = 0; o < q->outlier_n; o++)
                d -= (double)x[q->outlier_index[o]] *
                     (double)q->outlier_weight[(size_t)o * q->n + n];
            sum += d * d;
        }
    }
    return sum / (double)(c->rows * q->n);
}

static void outliers_are_found_where_they_are(void **state)
{
    static const uint32_t planted[] = {3, 40, 77};
    struct quantize_options o = {8, 64, 0, 0, 3, &one};
    struct layer_case c;
    struct calibration stats;
    struct linear_q q;

    (void)state;
    make_layer(&c, 24, 96, 200);
    for (size_t r = 0; r < c.rows; r++)
        for (size_t i = 0; i < 3; i++)
            c.x[r * 96 + planted[i]] = 20.0f + 5.0f * rng_f32(&rng);
    quantise_layer(&c, &o, &stats, &q);
    assert_int_equal(q.outlier_n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(q.outlier_index[i], planted[i]);
        assert_true(q.input_scale[planted[i]] == 0.0f);
        for (uint32_t n = 0; n < 24; n++)
            assert_int_equal(q.w[n * 96 + planted[i]], 0);
    }
    for (uint32_t k = 0; k < 96; k++)
        assert_true(k == 3 || k == 40 || k == 77 || q.input_scale[k] > 0.0f);
    linear_q_free(&q);
    calibration_free(&stats);
    o.outlier_n = 32; /* at most a quarter of the channels */
    quantise_layer(&c, &o, &stats, &q);
    assert_int_equal(q.outlier_n, 24);
    linear_q_free(&q);
    calibration_free(&stats);
    free_layer(&c);
}

static const struct {
    unsigned bits, w_max, chain;
    uint32_t group;
} kinds[] = {{8, 127, 0, 0}, {8, 64, 0, 0},  {8, 64, 2, 0}, {6, 32, 0, 0},
             {6, 32, 4, 0},  {5, 16, 0, 0},  {4, 8, 0, 0},  {3, 4, 0, 0},
             {8, 64, 2, 64}, {5, 16, 0, 64}, {4, 8, 0, 32}, {4, 8, 0, 128}, {3, 4, 0, 32}};
#define KIND_N (sizeof kinds / sizeof kinds[0])

/* docs/format.md, "chain": the sum of the weights of each sign, by parity of k / 2, in each block. */
static void check_chain(const struct linear_q *q, size_t chain)
{
    for (size_t n = 0; chain != 0 && n < q->n; n++)
        for (size_t block = 0; block < q->k; block += 4 * chain) {
            int sum[2][2] = {{0}};
            for (size_t k = block; k < block + 4 * chain && k < q->k; k++)
                sum[k / 2 % 2][q->w[n * q->k + k] > 0] += abs(q->w[n * q->k + k]);
            for (size_t i = 0; i < 4; i++)
                assert_in_range(sum[i / 2][i % 2], 0, 128);
        }
}

static void weights_stay_in_range_and_calibration_helps(void **state)
{
    (void)state;
    for (size_t i = 0; i < KIND_N; i++) {
        struct quantize_options o = {kinds[i].bits, kinds[i].w_max, kinds[i].chain,
                                     kinds[i].group, 4, &one};
        int low = kinds[i].w_max == 127 ? -127 : -(int)kinds[i].w_max;
        int high = kinds[i].w_max == 127 ? 127 : (int)kinds[i].w_max - 1, least = 0, most = 0;
        struct layer_case c;
        struct calibration stats;
        struct linear_q q, plain;
        struct failure failure;
        make_layer(&c, 40, 160, 500);
        quantise_layer(&c, &o, &stats, &q);
        assert_int_equal(quantize_linear(&c.linear, &o, NULL, &plain, &failure), 0);
        for (size_t k = 0; k < 40 * 160; k++) {
            assert_in_range(q.w[k] - low, 0, high - low);
            least = q.w[k] < least ? q.w[k] : least;
            most = q.w[k] > most ? q.w[k] : most;
        }
        check_chain(&q, kinds[i].chain);
        check_chain(&plain, kinds[i].chain);
        assert_true(least <= low / 2 && most >= high / 2); /* the range is used */
        assert_true(layer_error(&c, &q) < 0.5 * layer_error(&c, &plain));
        linear_q_free(&q);
        linear_q_free(&plain);
        calibration_free(&stats);
        free_layer(&c);
    }
}

static void same_linear(const struct linear_q *a, const struct linear_q *b)
{
    assert_int_equal(a->outlier_n, b->outlier_n);
    assert_memory_equal(a->w, b->w, (size_t)a->n * a->k);
    assert_memory_equal(a->scale, b->scale, (size_t)a->n * a->group_n * sizeof *a->scale);
    assert_memory_equal(a->bias, b->bias, a->n * sizeof *a->bias);
    assert_memory_equal(a->input_scale, b->input_scale, a->k * sizeof *a->input_scale);
    if (a->outlier_n == 0)
        return;
    assert_memory_equal(a->outlier_index, b->outlier_index, a->outlier_n * sizeof(uint32_t));
    assert_memory_equal(a->outlier_weight, b->outlier_weight,
                        (size_t)a->outlier_n * a->n * sizeof(float));
}

/* One thread or three, and every instruction set. */
static void results_do_not_depend_on_the_machine(void **state)
{
    struct layer_case c;

    (void)state;
    make_layer(&c, 150, 200, 700);
    for (size_t i = 0; i < KIND_N; i++) {
        struct quantize_options o = {kinds[i].bits, kinds[i].w_max, kinds[i].chain,
                                     kinds[i].group, 8, &three};
        struct calibration stats, other_stats;
        struct linear_q q, other;
        quantise_layer(&c, &o, &stats, &q);
        for (int isa = RLV_ISA_SCALAR; isa <= RLV_ISA_AMX; isa++) {
            struct workers single = one;
            single.kernels = rlv_kernels_get(isa);
            if (single.kernels == NULL || (isa == RLV_ISA_SCALAR && i > 1)) /* which is slow */
                continue;
            o.workers = &single;
            quantise_layer(&c, &o, &other_stats, &other);
            same_linear(&q, &other);
            linear_q_free(&other);
            calibration_free(&other_stats);
        }
        linear_q_free(&q);
        calibration_free(&stats);
    }
    free_layer(&c);
}

/* Channels that never move, inputs of one row, layers smaller than a panel. */
static void odd_layers(void **state)
{
    static const struct {
        uint32_t n, k;
        size_t rows;
    } shapes[] = {{1, 1, 1}, {2, 3, 1}, {16, 32, 1}, {17, 33, 2}, {5, 40, 600}, {33, 100, 30}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        for (int zero = 0; zero < 3; zero++) { /* 1: some channels, 2: all */
            struct quantize_options o = {4, 8, 0, i % 2 == 0 ? 0 : 32, 8, &three};
            struct layer_case c;
            struct calibration stats;
            struct linear_q q;
            make_layer(&c, shapes[i].n, shapes[i].k, shapes[i].rows);
            for (size_t k = 0; zero > 0 && k < shapes[i].rows * shapes[i].k; k++)
                if (zero == 2 || k % shapes[i].k % 3 == 0)
                    c.x[k] = 0.0f;
            memset(c.weight, 0, shapes[i].k * sizeof *c.weight); /* an output that is constant */
            quantise_layer(&c, &o, &stats, &q);
            for (size_t k = 0; k < (size_t)q.n * q.group_n; k++)
                assert_true(isfinite(q.scale[k]));
            for (size_t n = 0; n < q.n; n++)
                assert_true(isfinite(q.bias[n]) && fabsf(q.bias[n] - c.bias[n]) < 10.0f);
            assert_true(isfinite(layer_error(&c, &q)) && layer_error(&c, &q) < 1.0);
            linear_q_free(&q);
            calibration_free(&stats);
            free_layer(&c);
        }
    }
}

static void inputs_that_are_not_finite(void **state)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN, 3e30f};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct quantize_options o = {8, 64, 0, 0, 8, &one};
        struct layer_case c;
        struct calibration stats;
        struct failure failure = {""};
        make_layer(&c, 16, 64, 10);
        c.x[5 * 64 + 7] = bad[i];
        assert_int_equal(layer_stats(c.x, 64, c.rows, &c.linear, &o, &stats, &failure), -1);
        assert_true(failure.message[0] != '\0');
        assert_null(stats.input_scale);
        free_layer(&c);
    }
}

static void tables(void **state)
{
    static const unsigned widths[] = {8, 6, 5, 4, 3};
    float *table = random_matrix(130 * 70);

    (void)state;
    memset(table + 7 * 70, 0, 70 * sizeof *table);
    for (size_t i = 0; i < 5; i++) {
        for (uint32_t group = 0; group <= 64; group += 32) {
            struct quantize_options o = {.bits = widths[i], .group = group, .workers = &three};
            struct table_q q;
            struct failure failure;
            double limit = pow(2.0, 1.0 - widths[i]); /* the largest weight is at most 1 */
            assert_int_equal(quantize_table(table, 130, 70, &o, &q, &failure), 0);
            assert_int_equal(q.group_n, group == 0 ? 1 : (96 + group - 1) / group);
            assert_true(q.error < q.norm * limit * limit);
            for (uint32_t k = 0; k < 70; k++)
                assert_int_equal(q.w[7 * 70 + k], 0);
            table_q_free(&q);
        }
    }
    free(table);
}

static int open_workers(void **state)
{
    (void)state;
    rng_seed(&rng, "test_quantize");
    return workers_open(&one, 1) != 0 || workers_open(&three, 3) != 0;
}

static int close_workers(void **state)
{
    (void)state;
    workers_close(&one);
    workers_close(&three);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cholesky_of_a_known_matrix),
        cmocka_unit_test(gram_and_cholesky),
        cmocka_unit_test(factor_of_a_known_matrix),
        cmocka_unit_test(scale_search_is_nearly_optimal),
        cmocka_unit_test(scale_search_finds_what_is_exact),
        cmocka_unit_test(without_correlation_it_is_rounding),
        cmocka_unit_test(with_correlation_it_is_better),
        cmocka_unit_test(it_is_gptq),
        cmocka_unit_test(scales_of_groups),
        cmocka_unit_test(outliers_are_found_where_they_are),
        cmocka_unit_test(weights_stay_in_range_and_calibration_helps),
        cmocka_unit_test(results_do_not_depend_on_the_machine),
        cmocka_unit_test(odd_layers),
        cmocka_unit_test(inputs_that_are_not_finite),
        cmocka_unit_test(tables),
    };

    return cmocka_run_group_tests(tests, open_workers, close_workers);
}
