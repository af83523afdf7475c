/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kernels_gemm.c - the matrix products: each instruction set against the scalar bits, the
 * scalar kernels against double precision and 64-bit integers, all between guard pages.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernels.h"
#include "support/guard.h"
#include "support/random.h"

static struct rng rng;

#define ISA_MAX RLV_ISA_AMX
#define SENTINEL 12345.0f
#define ROW_CAP 67u
#define PANEL_CAP 5u
#define K_CAP 3072u

enum fill { FILL_RANDOM, FILL_MAX, FILL_MIN, FILL_ALTERNATE, FILL_PAIRS, FILL_N };

struct gemm {
    struct guard a, w, y, w_scale, bias, x_outlier, w_outlier;
    float a_scale[ROW_CAP];
    int32_t a_zero[ROW_CAP];
    int32_t w_sum[PANEL_CAP * 16];
    float w_fsum[PANEL_CAP * 16];
    float expect[ROW_CAP * (PANEL_CAP * 16 + 32)];
    struct rlv_gemm_q8g g;
    size_t panels;
};

static void *aligned_tail(const struct guard *g, size_t len)
{
    return guard_tail(g, (len + 63) / 64 * 64);
}

static void open_gemm(struct gemm *t)
{
    memset(t, 0, sizeof(*t));
    guard_open(&t->a, ROW_CAP * (K_CAP + 64) * 4);
    guard_open(&t->w, PANEL_CAP * 16 * K_CAP * 4);
    guard_open(&t->y, sizeof(t->expect));
    guard_open(&t->w_scale, PANEL_CAP * 16 * K_CAP / 32 * 4);
    guard_open(&t->bias, PANEL_CAP * 16 * 4);
    guard_open(&t->x_outlier, ROW_CAP * RLV_KERNEL_OUTLIER_STRIDE * 4);
    guard_open(&t->w_outlier, RLV_KERNEL_OUTLIER_STRIDE * (PANEL_CAP + 1) * 16 * 4);
}

static void close_gemm(struct gemm *t)
{
    guard_close(&t->a);
    guard_close(&t->w);
    guard_close(&t->y);
    guard_close(&t->w_scale);
    guard_close(&t->bias);
    guard_close(&t->x_outlier);
    guard_close(&t->w_outlier);
}

static int weight(enum fill fill, int w_max, size_t k)
{
    int top = w_max == 128 ? 127 : w_max, bottom = -w_max;

    switch (fill) {
    case FILL_MAX: return top;
    case FILL_MIN: return bottom;
    case FILL_ALTERNATE: return k % 2 ? top : bottom;
    case FILL_PAIRS: return k / 2 % 2 ? top : bottom;
    default: return (int)rng_below(&rng, (size_t)(top - bottom + 1)) + bottom;
    }
}

/* 'v', or what of it a chain of 'chain' sums leaves for input channel 'i', given in 'sum' what its block
 * has had [parity of i / 2][below 0, above 0]: kernels.h, rlv_chain(). */
static int chained(int v, size_t i, size_t chain, int sum[2][2])
{
    int *used = &sum[i / 2 % 2][v > 0], left;

    if (i % (4 * chain) == 0)
        memset(sum, 0, 4 * sizeof(int));
    left = 128 - *used;
    v = v > left ? left : v < -left ? -left : v;
    *used += abs(v);
    return v;
}

/* A random case of this shape.  group 0: gemm_q8.  chain 0: what w_max allows. */
static void make_case(struct gemm *t, size_t rows, size_t panels, size_t k, int w_max,
                      size_t chain, enum fill fill, size_t outlier_n, size_t group)
{
    const size_t n = panels * 16, groups = group ? (k + group - 1) / group : 1;
    struct rlv_gemm_q8 *g = &t->g.base;
    uint8_t *a;
    int8_t *w;
    float *f;

    t->panels = panels;
    t->g.group = group;
    g->rows = rows;
    g->k = k;
    g->w_max = (uint32_t)w_max;
    g->chain = chain ? (uint32_t)chain : rlv_chain(g->w_max);
    g->a_stride = (k + 63) / 64 * 64 + 64 * rng_below(&rng, 2);
    g->y_stride = n + 16 * rng_below(&rng, 3);
    g->outlier_n = outlier_n;
    g->outlier_stride = n + 16 * rng_below(&rng, 2);

    a = aligned_tail(&t->a, (rows - 1) * g->a_stride + k);
    for (size_t m = 0; m < rows; m++)
        for (size_t i = 0; i < k; i++)
            a[m * g->a_stride + i] = fill == FILL_RANDOM ? (uint8_t)rng_u64(&rng) : 255;
    g->a = a;

    w = aligned_tail(&t->w, n * k);
    g->w = w;
    f = aligned_tail(&t->w_scale, n * groups * sizeof(float));
    g->w_scale = f;
    for (size_t i = 0; i < n * groups; i++)
        f[i] = fabsf(rng_f32(&rng)) * 0.01f + 0x1p-20f;
    memset(t->w_sum, 0, sizeof(t->w_sum));
    memset(t->w_fsum, 0, sizeof(t->w_fsum));
    for (size_t c = 0; c < n; c++) {
        int used[2][2];
        for (size_t i = 0; i < k; i++) {
            int v = weight(fill, w_max, i);
            if (chain)
                v = chained(v, i, chain, used);
            w[(c / 16 * (k / 4) + i / 4) * 64 + c % 16 * 4 + i % 4] = (int8_t)v;
            t->w_sum[c] += v;
            if (group)
                t->w_fsum[c] += (float)v * f[(c / 16 * groups + i / group) * 16 + c % 16];
        }
    }
    g->w_sum = t->w_sum;
    t->g.w_fsum = t->w_fsum;

    for (size_t m = 0; m < rows; m++) {
        t->a_scale[m] = fabsf(rng_f32(&rng)) * 0.05f;
        t->a_zero[m] = (int32_t)rng_below(&rng, 256);
    }
    if (rows > 2) {
        t->a_zero[0] = 0;
        t->a_zero[1] = 255;
    }
    g->a_scale = t->a_scale;
    g->a_zero = t->a_zero;

    g->bias = f = aligned_tail(&t->bias, n * sizeof(float));
    for (size_t c = 0; c < n; c++)
        f[c] = rng_f32(&rng);
    g->x_outlier = f =
        aligned_tail(&t->x_outlier, rows * RLV_KERNEL_OUTLIER_STRIDE * sizeof(float));
    for (size_t i = 0; i < rows * RLV_KERNEL_OUTLIER_STRIDE; i++)
        f[i] = 20 * rng_f32(&rng);
    g->w_outlier = f = aligned_tail(&t->w_outlier, outlier_n * g->outlier_stride * sizeof(float));
    for (size_t i = 0; i < outlier_n * g->outlier_stride; i++)
        f[i] = rng_f32(&rng);
}

static size_t y_len(const struct gemm *t)
{
    return (t->g.base.rows - 1) * t->g.base.y_stride + t->panels * 16;
}

static float *fresh_y(struct gemm *t)
{
    size_t len = y_len(t);
    float *y = aligned_tail(&t->y, len * sizeof(float));

    for (size_t i = 0; i < len; i++)
        y[i] = SENTINEL;
    t->g.base.y = y;
    return y;
}

static int64_t dot(const struct rlv_gemm_q8 *g, size_t m, size_t c, size_t from, size_t to)
{
    int64_t s = 0;

    for (size_t i = from; i < to; i++)
        s += (int64_t)g->a[m * g->a_stride + i] *
             g->w[(c / 16 * (g->k / 4) + i / 4) * 64 + c % 16 * 4 + i % 4];
    return s;
}

static void run(const struct rlv_kernels *kernels, struct gemm *t, size_t first, size_t n)
{
    if (t->g.group)
        kernels->gemm_q8g(&t->g, first, n);
    else
        kernels->gemm_q8(&t->g.base, first, n);
}

/* The scalar result against plain arithmetic. */
static void check_scalar(struct gemm *t)
{
    const struct rlv_gemm_q8 *g = &t->g.base;
    const size_t group = t->g.group, groups = group ? (g->k + group - 1) / group : 1;
    float *y = fresh_y(t);

    run(rlv_kernels_get(RLV_ISA_SCALAR), t, 0, t->panels);
    for (size_t m = 0; m < g->rows; m++)
        for (size_t c = 0; c < t->panels * 16; c++) {
            double sum = 0, mass = fabs((double)g->bias[c]);
            double a_scale = g->a_scale[m];

            if (!group) {
                int64_t acc = dot(g, m, c, 0, g->k) - (int64_t)g->a_zero[m] * g->w_sum[c];
                sum = (double)acc * a_scale * g->w_scale[c];
                mass += fabs(sum);
            } else {
                double zero = (double)g->a_zero[m] * t->g.w_fsum[c] * a_scale;
                for (size_t i = 0; i < groups; i++) {
                    size_t end = (i + 1) * group < g->k ? (i + 1) * group : g->k;
                    double part = (double)dot(g, m, c, i * group, end) * a_scale *
                                  g->w_scale[(c / 16 * groups + i) * 16 + c % 16];
                    sum += part;
                    mass += fabs(part);
                }
                sum -= zero;
                mass += fabs(zero);
            }
            sum += g->bias[c];
            for (size_t o = 0; o < g->outlier_n; o++) {
                double part = (double)g->x_outlier[m * RLV_KERNEL_OUTLIER_STRIDE + o] *
                              g->w_outlier[o * g->outlier_stride + c];
                sum += part;
                mass += fabs(part);
            }
            /* Each of the groups + outliers + 4 roundings is at most 2^-24 of what is summed. */
            if (fabs(y[m * g->y_stride + c] - sum) >
                mass * 0x1p-24 * (double)(groups + g->outlier_n + 4))
                fail_msg("scalar: row %zu column %zu is %.9g, not %.9g", m, c,
                         (double)y[m * g->y_stride + c], sum);
        }
    memcpy(t->expect, y, y_len(t) * sizeof(float));
}

static void check_isas(struct gemm *t, const char *what)
{
    const struct rlv_gemm_q8 *g = &t->g.base;
    const size_t len = y_len(t);

    check_scalar(t);
    for (int isa = 1; isa <= ISA_MAX; isa++) {
        const struct rlv_kernels *kernels = rlv_kernels_get(isa);
        size_t cut;
        float *y;

        if (!kernels)
            continue;
        y = fresh_y(t);
        run(kernels, t, 0, t->panels);
        for (size_t i = 0; i < len; i++)
            if (memcmp(&y[i], &t->expect[i], sizeof(float)))
                fail_msg("%s, %s: rows %zu panels %zu k %zu w_max %u group %zu outliers %zu: "
                         "row %zu column %zu is %.9g, not %.9g",
                         kernels->name, what, g->rows, t->panels, g->k, (unsigned)g->w_max,
                         t->g.group, g->outlier_n, i / g->y_stride, i % g->y_stride, (double)y[i],
                         (double)t->expect[i]);
        /* A range of the panels writes these and no others. */
        cut = rng_below(&rng, t->panels + 1);
        y = fresh_y(t);
        run(kernels, t, cut, t->panels - cut);
        for (size_t i = 0; i < len; i++) {
            float want = i % g->y_stride < cut * 16 ? SENTINEL : t->expect[i];
            if (memcmp(&y[i], &want, sizeof(float)))
                fail_msg("%s, %s: panels from %zu of %zu: row %zu column %zu", kernels->name, what,
                         cut, t->panels, i / g->y_stride, i % g->y_stride);
        }
    }
}

static const size_t row_list[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 32, 33, 67};
static const size_t k_list[] = {32, 64, 96, 768};
static const int w_max_list[] = {128, 127, 100, 65, 64, 63, 33, 32, 31, 20, 17, 16, 15, 8, 3};
static const size_t outlier_list[] = {0, 1, 8, 32};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void test_q8_shapes(void **state)
{
    struct gemm *t = *state;

    for (size_t r = 0; r < COUNT(row_list); r++)
        for (size_t panels = 1; panels <= PANEL_CAP; panels++)
            for (size_t k = 0; k < COUNT(k_list); k++) {
                int w_max = w_max_list[rng_below(&rng, COUNT(w_max_list))];
                make_case(t, row_list[r], panels, k_list[k], w_max, 0, FILL_RANDOM,
                          outlier_list[rng_below(&rng, COUNT(outlier_list))], 0);
                check_isas(t, "random");
            }
    for (size_t outliers = 0; outliers <= RLV_KERNEL_OUTLIER_STRIDE; outliers++) {
        make_case(t, 5, 3, 64, 64, 0, FILL_RANDOM, outliers, 0);
        check_isas(t, "outliers");
    }
}

/* The largest sums that each bound allows: a saturating step would show here. */
static void test_q8_extremes(void **state)
{
    struct gemm *t = *state;

    for (size_t w = 0; w < COUNT(w_max_list); w++)
        for (int fill = FILL_MAX; fill < FILL_N; fill++)
            for (size_t k = 0; k < COUNT(k_list) + 1; k++)
                for (size_t rows = 1; rows <= 9; rows += 4) {
                    make_case(t, rows, 3, k < COUNT(k_list) ? k_list[k] : K_CAP, w_max_list[w], 0,
                              (enum fill)fill, 0, 0);
                    check_isas(t, "extremes");
                }
}

/* Wide weights whose sums are small enough, up to the last unit. */
static void test_q8_chains(void **state)
{
    static const int bounds[] = {128, 127, 100, 64, 48};
    struct gemm *t = *state;

    for (size_t w = 0; w < COUNT(bounds); w++)
        for (size_t chain = 1; chain <= 4; chain *= 2)
            for (int fill = 0; fill < FILL_N; fill++)
                for (size_t k = 0; k < COUNT(k_list); k++)
                    for (size_t group = 0; group <= 64; group += 32) {
                        make_case(t, 1 + rng_below(&rng, 13), 3, k_list[k], bounds[w], chain,
                                  (enum fill)fill, rng_below(&rng, 3), group);
                        check_isas(t, "chains");
                    }
}

static void test_q8g_shapes(void **state)
{
    static const size_t group_list[] = {32, 64, 96, 128, 160, 1024};
    struct gemm *t = *state;

    for (size_t r = 0; r < COUNT(row_list); r++)
        for (size_t panels = 1; panels <= PANEL_CAP; panels += 2)
            for (size_t k = 0; k < COUNT(k_list); k++)
                for (size_t i = 0; i < COUNT(group_list); i++) {
                    make_case(t, row_list[r], panels, k_list[k],
                              w_max_list[rng_below(&rng, COUNT(w_max_list))], 0, FILL_RANDOM,
                              outlier_list[rng_below(&rng, COUNT(outlier_list))], group_list[i]);
                    check_isas(t, "groups");
                }
    for (size_t w = 0; w < COUNT(w_max_list); w++)
        for (int fill = FILL_MAX; fill < FILL_N; fill++)
            for (size_t i = 0; i < COUNT(group_list); i++) {
                make_case(t, 7, 2, 768, w_max_list[w], 0, (enum fill)fill, 0, group_list[i]);
                check_isas(t, "groups, extremes");
            }
}

/* Row m gives the same bits alone as among others. */
static void test_q8_rows_are_independent(void **state)
{
    struct gemm *t = *state;

    for (size_t group = 0; group <= 64; group += 64) {
        make_case(t, 13, 3, 96, 64, 0, FILL_RANDOM, 8, group);
        check_scalar(t);
        for (int isa = 1; isa <= ISA_MAX; isa++) {
            const struct rlv_kernels *kernels = rlv_kernels_get(isa);
            for (size_t m = 0; kernels && m < 13; m++) {
                struct rlv_gemm_q8g one = t->g;
                one.base.rows = 1;
                one.base.a += m * one.base.a_stride;
                one.base.a_scale += m;
                one.base.a_zero += m;
                one.base.x_outlier += m * RLV_KERNEL_OUTLIER_STRIDE;
                one.base.y = aligned_tail(&t->y, 48 * sizeof(float));
                if (group)
                    kernels->gemm_q8g(&one, 0, 3);
                else
                    kernels->gemm_q8(&one.base, 0, 3);
                assert_memory_equal(one.base.y, t->expect + m * one.base.y_stride,
                                    48 * sizeof(float));
            }
        }
    }
}

static void run_f32(struct gemm *t, size_t rows, size_t panels, size_t k, int special)
{
    const size_t n = panels * 16;
    struct rlv_gemm_f32 g = {.rows = rows, .k = k};
    float *f, *y;
    size_t len;

    g.a_stride = k + rng_below(&rng, 20);
    g.w_stride = (k + rng_below(&rng, 4)) * 16;
    g.y_stride = n + 16 * rng_below(&rng, 3);
    len = (rows - 1) * g.y_stride + n;
    g.a = f = guard_tail(&t->a, ((rows - 1) * g.a_stride + k) * sizeof(float));
    for (size_t i = 0; i < (rows - 1) * g.a_stride + k; i++)
        f[i] = rng_activation(&rng);
    if (special) {
        f[0] = NAN;
        f[k - 1] = -INFINITY;
    }
    g.w = f = aligned_tail(&t->w, ((panels - 1) * g.w_stride + k * 16) * sizeof(float));
    for (size_t i = 0; i < (panels - 1) * g.w_stride + k * 16; i++)
        f[i] = rng_f32(&rng) * (rng_below(&rng, 16) ? 1.0f : 0x1p-140f);
    g.bias = f = aligned_tail(&t->bias, n * sizeof(float));
    for (size_t i = 0; i < n; i++)
        f[i] = rng_f32(&rng);
    y = aligned_tail(&t->y, len * sizeof(float));
    g.y = y;

    for (int isa = 1; isa <= ISA_MAX; isa++) {
        const struct rlv_kernels *kernels = rlv_kernels_get(isa);
        if (!kernels)
            continue;
        for (size_t i = 0; i < len; i++)
            y[i] = SENTINEL;
        kernels->gemm_f32(&g, 0, panels);
        if (special)
            continue;
        if (isa == RLV_ISA_SCALAR) {
            for (size_t m = 0; m < rows; m++)
                for (size_t c = 0; c < n; c++) {
                    double sum = g.bias[c], mass = fabs(sum);
                    for (size_t i = 0; i < k; i++) {
                        double part = (double)g.a[m * g.a_stride + i] *
                                      g.w[c / 16 * g.w_stride + i * 16 + c % 16];
                        sum += part;
                        mass += fabs(part);
                    }
                    if (fabs(y[m * g.y_stride + c] - sum) > mass * 0x1p-24 * (double)(k + 1))
                        fail_msg("gemm_f32 scalar: row %zu column %zu", m, c);
                }
            memcpy(t->expect, y, len * sizeof(float));
        }
        for (size_t i = 0; i < len; i++)
            if (memcmp(&y[i], &t->expect[i], sizeof(float)))
                fail_msg("%s, gemm_f32: rows %zu panels %zu k %zu: row %zu column %zu is %.9g, "
                         "not %.9g",
                         kernels->name, rows, panels, k, i / g.y_stride, i % g.y_stride,
                         (double)y[i], (double)t->expect[i]);
    }
}

static void test_f32_shapes(void **state)
{
    static const size_t k_any[] = {1, 2, 3, 7, 31, 32, 33, 768};
    struct gemm *t = *state;

    for (size_t r = 0; r < COUNT(row_list); r++)
        for (size_t panels = 1; panels <= PANEL_CAP; panels++)
            for (size_t k = 0; k < COUNT(k_any); k++)
                run_f32(t, row_list[r], panels, k_any[k], 0);
    run_f32(t, 7, 3, 33, 1);
}

/* Inf and NaN in scales and outliers: any result, no trap. */
static void test_q8_special(void **state)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 0x1p-149f, -0.0f, 3e38f};
    struct gemm *t = *state;

    for (size_t i = 0; i < COUNT(special); i++)
        for (size_t group = 0; group <= 32; group += 32) {
            make_case(t, 7, 2, 64, 128, 0, FILL_RANDOM, 3, group);
            t->a_scale[3] = special[i];
            ((float *)(uintptr_t)t->g.base.x_outlier)[5] = special[i];
            ((float *)(uintptr_t)t->g.base.w_scale)[7] = special[i];
            for (int isa = 1; isa <= ISA_MAX; isa++)
                if (rlv_kernels_get(isa)) {
                    fresh_y(t);
                    run(rlv_kernels_get(isa), t, 0, t->panels);
                }
        }
}

static int setup(void **state)
{
    static struct gemm t;

    rng_seed(&rng, "test_kernels_gemm");
    open_gemm(&t);
    *state = &t;
    return 0;
}

static int teardown(void **state)
{
    close_gemm(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_q8_shapes),  cmocka_unit_test(test_q8_extremes),
        cmocka_unit_test(test_q8_chains),
        cmocka_unit_test(test_q8g_shapes), cmocka_unit_test(test_q8_rows_are_independent),
        cmocka_unit_test(test_f32_shapes), cmocka_unit_test(test_q8_special),
    };
    return cmocka_run_group_tests_name("kernels_gemm", tests, setup, teardown);
}
