/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kernels.c - every kernel but the matrix products (test_kernels_gemm.c): each instruction set
 * against the scalar bits, the scalar kernels against double precision, all between guard pages.
 *
 * Where a kernel works element by element, the expected bits come from one call over the longest
 * array, so that every shorter call also shows that element i does not depend on n.
 */
#include <float.h>
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

#define ISA_MAX RLV_ISA_AMX
#define N_MAX (4 * 16 + 3) /* four vectors and a rest, for the vectors of 16 lanes */
#define SENTINEL 12345.0f
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct rng rng;

static const struct rlv_kernels *scalar(void) { return rlv_kernels_get(RLV_ISA_SCALAR); }

/* Values at which code goes wrong: signed zeros, denormals, limits, what is not a number. */
static const float special_list[] = {
    0.0f,      -0.0f,    0x1p-149f, -0x1p-149f, 0x1p-127f, -0x1.8p-130f, FLT_MIN, -FLT_MIN, 1.0f,
    -1.0f,     FLT_MAX,  -FLT_MAX,  5.59375f,   -5.59375f, 1e-20f,       -1e20f,  88.0f,    -87.0f,
    -87.0001f, 0.33333f, 1e9f,      -1e9f,      255.0f,    -0.5f,        0.5f,    2.5f};
static const float infinite_list[] = {NAN, INFINITY, -INFINITY, -NAN};

static const float scale_list[] = {1.0f, 8.0f, 1e-3f, 1e-30f, 1e-41f, 1e30f};

static void fill(float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] = rng_activation(&rng) * scale;
}

/* The special values, finite and not, in a random order among ordinary ones. */
static void fill_special(float *x, size_t n, int infinite)
{
    for (size_t i = 0; i < n; i++) {
        size_t pick = rng_below(&rng, 4);
        x[i] = rng_activation(&rng);
        if (pick < 2)
            x[i] = special_list[rng_below(&rng, COUNT(special_list))];
        else if (pick == 2 && infinite)
            x[i] = infinite_list[rng_below(&rng, COUNT(infinite_list))];
    }
}

/* Valgrind's fnmadd makes -0 of -(0 * x) + 0, which is 0: 'make check-valgrind' sets this. */
static int same_zero(float a, float b)
{
    return a == 0.0f && b == 0.0f && getenv("RLV_TEST_ANY_ZERO") != NULL;
}

static void same_bits(const char *isa, const char *what, const float *got, const float *want,
                      size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(got + i, want + i, sizeof(float)) && !same_zero(got[i], want[i]))
            fail_msg("%s, %s: element %zu of %zu is %.9g, not %.9g", isa, what, i, n,
                     (double)got[i], (double)want[i]);
}

/* ---- dispatch ---- */

static void test_dispatch(void **state)
{
    int found = 0;

    (void)state;
    assert_null(rlv_kernels_get(0));
    assert_null(rlv_kernels_get(-1));
    assert_null(rlv_kernels_get(ISA_MAX + 1));
    assert_non_null(scalar());
    assert_string_equal(scalar()->name, "scalar");
    assert_non_null(rlv_kernels_get(rlv_kernels_best()));
    printf("instruction sets:");
    for (int isa = 1; isa <= ISA_MAX; isa++) {
        const struct rlv_kernels *k = rlv_kernels_get(isa);
        if (!k)
            continue;
        found++;
        printf(" %s%s", k->name, isa == rlv_kernels_best() ? " (best)" : "");
        assert_ptr_equal(k, rlv_kernels_get(isa));
#define RLV_KERNEL(field, sc, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm)              \
    assert_true(k->field != NULL);
#include "kernels.def"
#undef RLV_KERNEL
    }
    printf("\n");
    assert_true(found >= 1);
}

/* ---- exp, gelu, tanh, add ---- */

static double double_gelu(double x) { return 0.5 * x * erfc(-x * 0.70710678118654752440); }

static void test_expf(void **state)
{
    double worst = 0;
    float last = 0;

    (void)state;
    assert_true(rlv_expf(0.0f) == 1.0f && rlv_expf(-0.0f) == 1.0f);
    assert_true(rlv_expf(-87.5f) == 0.0f && rlv_expf(-INFINITY) == 0.0f);
    assert_true(rlv_expf(-FLT_MAX) == 0.0f);
    (void)rlv_expf(NAN);
    assert_true(rlv_expf(-87.0f) > 0.0f && rlv_expf(INFINITY) < INFINITY);
    for (float x = -87.0f; x <= 88.0f; x += 0x1p-12f) {
        float y = rlv_expf(x);
        double want = exp((double)x), ulp = ldexp(1.0, ilogb(want) - 23);
        double error = fabs(y - want) / ulp;
        worst = error > worst ? error : worst;
        assert_true(y >= last);
        last = y;
    }
    printf("exp: %.3f ulp\n", worst);
    assert_true(worst < 0.9);
}

typedef void map_fn(float *x, size_t n);

static void check_map(const char *name, size_t field_offset)
{
    float input[N_MAX], expect[N_MAX], finite[N_MAX];
    struct guard g;
    map_fn *spec, *f;

    memcpy(&spec, (const char *)scalar() + field_offset, sizeof(spec));
    guard_open(&g, 4096);
    for (size_t round = 0; round < COUNT(scale_list) + 4; round++) {
        if (round < COUNT(scale_list))
            fill(input, N_MAX, scale_list[round]);
        else
            fill_special(input, N_MAX, round % 2);
        memcpy(expect, input, sizeof(input));
        spec(expect, N_MAX);
        for (int isa = 1; isa <= ISA_MAX; isa++) {
            const struct rlv_kernels *k = rlv_kernels_get(isa);
            if (!k)
                continue;
            memcpy(&f, (const char *)k + field_offset, sizeof(f));
            for (size_t n = 0; n <= N_MAX; n++)
                for (int head = 0; head < 2; head++) {
                    float *x = head ? guard_head(&g, n * 4) : guard_tail(&g, n * 4);
                    memcpy(x, input, n * sizeof(float));
                    f(x, n);
                    memcpy(finite, x, n * sizeof(float));
                    for (size_t i = 0; i < n; i++)
                        if (!isfinite(input[i]))
                            finite[i] = expect[i];
                    same_bits(k->name, name, finite, expect, n);
                }
        }
    }
    guard_close(&g);
}

/* Every 'step'-th float of |x| <= top: scalar error against double, and the other bits. */
static double sweep(size_t field_offset, double (*exact)(double), float top, uint32_t step,
                    int relative)
{
    enum { N = 4096 };
    static float input[N], expect[N], x[N];
    double worst = 0;
    uint32_t bits = (uint32_t)rng_below(&rng, step), end;
    map_fn *f;

    memcpy(&end, &top, sizeof(end));
    while (bits < end) {
        for (size_t i = 0; i < N; i += 2, bits += step) {
            uint32_t b = bits < end ? bits : end;
            memcpy(&input[i], &b, sizeof(b));
            input[i + 1] = -input[i];
        }
        memcpy(expect, input, sizeof(input));
        memcpy(&f, (const char *)scalar() + field_offset, sizeof(f));
        f(expect, N);
        for (size_t i = 0; i < N; i++) {
            double size = relative && fabsf(input[i]) > 1 ? fabs((double)input[i]) : 1;
            double error = fabs(expect[i] - exact(input[i])) / size;
            worst = error > worst ? error : worst;
        }
        for (int isa = 2; isa <= ISA_MAX; isa++) {
            const struct rlv_kernels *k = rlv_kernels_get(isa);
            if (!k)
                continue;
            memcpy(&f, (const char *)k + field_offset, sizeof(f));
            memcpy(x, input, sizeof(x));
            f(x, N);
            same_bits(k->name, "sweep", x, expect, N);
        }
    }
    return worst;
}

static void test_gelu(void **state)
{
    float saturated[] = {-6.0f, -100.0f, -FLT_MAX, 6.0f, 100.0f, FLT_MAX, -0.0f, 0.0f};
    const float want[] = {0, 0, 0, 6.0f, 100.0f, FLT_MAX, 0, 0};
    double worst;

    (void)state;
    check_map("gelu", offsetof(struct rlv_kernels, gelu_f32));
    worst = sweep(offsetof(struct rlv_kernels, gelu_f32), double_gelu, 100.0f, 509, 1);
    printf("gelu: %.3g * max(1, |x|)\n", worst);
    assert_true(worst < 1.9e-7);
    scalar()->gelu_f32(saturated, COUNT(saturated));
    for (size_t i = 0; i < COUNT(want); i++)
        assert_true(saturated[i] == want[i]);
}

static void test_tanh(void **state)
{
    double worst;

    (void)state;
    check_map("tanh", offsetof(struct rlv_kernels, tanh_f32));
    worst = sweep(offsetof(struct rlv_kernels, tanh_f32), tanh, 100.0f, 1021, 0);
    printf("tanh: %.3g\n", worst);
    assert_true(worst < 1e-7);
}

static void test_add(void **state)
{
    float x[N_MAX], y[N_MAX], expect[N_MAX];
    struct guard gx, gy;

    (void)state;
    guard_open(&gx, 4096);
    guard_open(&gy, 4096);
    for (int round = 0; round < 4; round++) {
        if (round) {
            fill(x, N_MAX, 1.0f);
            fill(y, N_MAX, scale_list[rng_below(&rng, COUNT(scale_list))]);
        } else {
            fill_special(x, N_MAX, 0);
            fill(y, N_MAX, 1.0f);
        }
        for (size_t i = 0; i < N_MAX; i++)
            expect[i] = y[i] + x[i];
        for (int isa = 1; isa <= ISA_MAX; isa++) {
            const struct rlv_kernels *k = rlv_kernels_get(isa);
            for (size_t n = 0; k && n <= N_MAX; n++) {
                float *px = guard_tail(&gx, n * 4), *py = guard_tail(&gy, n * 4);
                memcpy(px, x, n * 4);
                memcpy(py, y, n * 4);
                k->add_f32(px, py, n);
                same_bits(k->name, "add", py, expect, n);
            }
        }
    }
    guard_close(&gx);
    guard_close(&gy);
}

/* ---- layer norm ---- */

struct norm {
    struct guard x, r, gamma, beta, y;
};

static void check_norm(struct norm *t, size_t n, float scale, int special)
{
    enum { CAP = 3100 };
    static float x[CAP], r[CAP], expect[CAP];
    float *gamma = guard_tail(&t->gamma, n * 4), *beta = guard_tail(&t->beta, n * 4);
    const float eps = rng_below(&rng, 2) ? 1e-12f : 1e-5f;

    fill(gamma, n, 1.0f);
    fill(beta, n, 1.0f);
    for (int with_r = 0; with_r < 2; with_r++) {
        if (special)
            fill_special(x, n, special > 1);
        else
            fill(x, n, scale);
        fill(r, n, scale);
        scalar()->layernorm_f32(x, with_r ? r : NULL, gamma, beta, eps, n, expect);
        if (!special && n) {
            double mean = 0, var = 0, size = 0;
            for (size_t i = 0; i < n; i++)
                mean += (double)x[i] + (with_r ? r[i] : 0.0f);
            mean /= (double)n;
            for (size_t i = 0; i < n; i++) {
                double d = (double)x[i] + (with_r ? r[i] : 0.0f) - mean;
                var += d * d;
                size = fmax(size, fabs(d) + fabs(mean));
            }
            var /= (double)n;
            for (size_t i = 0; i < n; i++) {
                double d = (double)x[i] + (with_r ? r[i] : 0.0f) - mean;
                double want = gamma[i] * d / sqrt(var + eps) + beta[i];
                /* Roundings of the sum, of the mean and of the variance: a few units in 2^24 of
                 * the largest term, and of the result. */
                double bound = (fabs((double)gamma[i]) * size / sqrt(var + eps) + fabs(want) +
                                fabs((double)beta[i])) *
                               8 * 0x1p-24;
                if (fabs(expect[i] - want) > bound)
                    fail_msg("layernorm: n %zu scale %g element %zu is %.9g, not %.9g", n,
                             (double)scale, i, (double)expect[i], want);
            }
        }
        for (int isa = 1; isa <= ISA_MAX; isa++) {
            const struct rlv_kernels *k = rlv_kernels_get(isa);
            if (!k)
                continue;
            for (int alias = 0; alias < 2 + with_r; alias++) { /* y apart, y = x, y = r */
                float *px = guard_tail(&t->x, n * 4), *pr = guard_tail(&t->r, n * 4);
                float *py = alias == 0 ? guard_tail(&t->y, n * 4) : alias == 1 ? px : pr;
                memcpy(px, x, n * 4);
                memcpy(pr, r, n * 4);
                k->layernorm_f32(px, with_r ? pr : NULL, gamma, beta, eps, n, py);
                if (special < 2)
                    same_bits(k->name, "layernorm", py, expect, n);
            }
        }
    }
}

static void test_layernorm(void **state)
{
    static const size_t long_list[] = {128, 192, 200, 768, 1000, 1024, 3072};
    struct norm t;

    (void)state;
    guard_open(&t.x, 3100 * 4);
    guard_open(&t.r, 3100 * 4);
    guard_open(&t.gamma, 3100 * 4);
    guard_open(&t.beta, 3100 * 4);
    guard_open(&t.y, 3100 * 4);
    for (size_t n = 0; n <= 4 * 64 + 3; n++) { /* four vectors of its 64 lanes */
        check_norm(&t, n, 1.0f, 0);
        check_norm(&t, n, scale_list[rng_below(&rng, 4)], 0);
    }
    for (size_t i = 0; i < COUNT(long_list); i++)
        for (size_t j = 0; j < 4; j++)
            check_norm(&t, long_list[i], scale_list[j], 0);
    for (size_t n = 1; n <= N_MAX; n++) {
        check_norm(&t, n, 1.0f, 2);
        check_norm(&t, n, 1e16f, 0); /* the squares stay finite */
    }
    guard_close(&t.x);
    guard_close(&t.r);
    guard_close(&t.gamma);
    guard_close(&t.beta);
    guard_close(&t.y);
}

/* ---- quantize ---- */

static void check_quantize(const struct guard *gx, const struct guard *gs, const struct guard *ga,
                           const float *x, const float *input_scale, size_t n, size_t n_pad,
                           int infinite)
{
    uint8_t expect[3200];
    float expect_scale;
    int32_t expect_zero;

    rlv_quantize_row(scalar(), x, input_scale, n, n_pad, expect, &expect_scale, &expect_zero);
    assert_true(expect_zero >= 0 && expect_zero <= 255);
    if (!infinite) {
        double lo = 0, hi = 0, s;
        for (size_t i = 0; i < n; i++) {
            float t = input_scale ? x[i] * input_scale[i] : x[i];
            lo = fmin(lo, t);
            hi = fmax(hi, t);
        }
        s = (hi - lo) / 255;
        if (s > 0x1p-120 && hi - lo < FLT_MAX) {
            assert_true(fabs(expect_scale / s - 1) < 3 * 0x1p-24);
            for (size_t i = 0; i < n; i++) {
                double t = input_scale ? x[i] * input_scale[i] : x[i];
                double back = (expect[i] - expect_zero) * (double)expect_scale;
                float inv = 1.0f / expect_scale;
                float z = rintf(fminf(fmaxf(-(float)lo * inv, 0.0f), 255.0f));
                float a = rintf((float)t * inv) + z;
                /* Half a step, and another half where the zero point was rounded at an end. */
                if (fabs(back - t) > 1.001 * s)
                    fail_msg("quantize: n %zu element %zu: %g became %g, step %g", n, i, t, back,
                             s);
                /* The contract to the letter. */
                if (expect_zero != (int)z || expect[i] != fminf(fmaxf(a, 0.0f), 255.0f))
                    fail_msg("quantize: n %zu element %zu: %d, zero %d; the contract says %g, %g", n,
                             i, expect[i], (int)expect_zero, (double)a, (double)z);
            }
        }
    }
    for (size_t i = n; i < n_pad; i++)
        assert_int_equal(expect[i], expect_zero);
    for (int isa = 1; isa <= ISA_MAX; isa++) {
        const struct rlv_kernels *k = rlv_kernels_get(isa);
        float *px = guard_tail(gx, n * 4), *ps = guard_tail(gs, n * 4), scale = -1;
        uint8_t *a = guard_tail(ga, n_pad);
        int32_t zero = -1;
        if (!k)
            continue;
        memcpy(px, x, n * 4);
        if (input_scale)
            memcpy(ps, input_scale, n * 4);
        memset(a, 0xa5, n_pad);
        rlv_quantize_row(k, px, input_scale ? ps : NULL, n, n_pad, a, &scale, &zero);
        assert_true(zero >= 0 && zero <= 255);
        if (infinite)
            continue;
        if (memcmp(&scale, &expect_scale, 4) || zero != expect_zero || memcmp(a, expect, n_pad))
            fail_msg("%s, quantize: n %zu: scale %.9g, not %.9g; zero %d, not %d", k->name, n,
                     (double)scale, (double)expect_scale, (int)zero, (int)expect_zero);
    }
}

static void test_quantize(void **state)
{
    static float x[3072], s[3072];
    static const size_t long_list[] = {768, 1000, 3072};
    struct guard gx, gs, ga;

    (void)state;
    guard_open(&gx, sizeof(x));
    guard_open(&gs, sizeof(s));
    guard_open(&ga, 3200);
    for (size_t n = 0; n <= N_MAX; n++)
        for (int round = 0; round < 14; round++) {
            size_t n_pad = n + (round % 3 ? (64 - n % 64) % 64 : 0);
            int infinite = round == 13;
            if (round < (int)COUNT(scale_list))
                fill(x, n, scale_list[round]);
            else if (round >= 12)
                fill_special(x, n, infinite);
            else
                fill(x, n, 1.0f);
            for (size_t i = 0; i < n; i++) {
                if (round == 6)
                    x[i] = fabsf(x[i]) + 3;
                if (round == 7)
                    x[i] = -fabsf(x[i]) - 3;
                if (round == 8)
                    x[i] = rng_below(&rng, 2) ? 0.0f : -0.0f;
                if (round == 9)
                    x[i] = (float)(int)rng_below(&rng, 256) - 0.5f * (float)rng_below(&rng, 2);
                s[i] = fabsf(rng_f32(&rng)) * 2;
            }
            if (round == 10 && n)
                x[rng_below(&rng, n)] = 1e37f;
            check_quantize(&gx, &gs, &ga, x, NULL, n, n_pad, infinite);
            check_quantize(&gx, &gs, &ga, x, s, n, n_pad, infinite);
        }
    for (size_t i = 0; i < COUNT(long_list); i++)
        for (int round = 0; round < 10; round++) {
            fill(x, long_list[i], 1.0f);
            fill(s, long_list[i], 1.0f);
            check_quantize(&gx, &gs, &ga, x, round % 2 ? s : NULL, long_list[i], long_list[i], 0);
        }
    guard_close(&gx);
    guard_close(&gs);
    guard_close(&ga);
}

/* ---- attention ---- */

struct attention {
    struct guard q, k, v, out, scratch;
    float expect[33 * 300];
};

static void check_attention(struct attention *t, size_t row_n, size_t key_n, size_t head_dim,
                            float size, int special)
{
    struct rlv_attention_f32 a = {.row_n = row_n, .key_n = key_n, .head_dim = head_dim};
    size_t q_len, kv_len, out_len;
    float *q, *k, *v, *out;

    a.q_stride = head_dim + rng_below(&rng, 20);
    a.kv_stride = head_dim + rng_below(&rng, 20);
    a.out_stride = head_dim + rng_below(&rng, 20);
    a.scale = 1 / sqrtf((float)head_dim);
    q_len = (row_n - 1) * a.q_stride + head_dim;
    kv_len = (key_n - 1) * a.kv_stride + head_dim;
    out_len = (row_n - 1) * a.out_stride + head_dim;
    a.q = q = guard_tail(&t->q, q_len * 4);
    a.k = k = guard_tail(&t->k, kv_len * 4);
    a.v = v = guard_tail(&t->v, kv_len * 4);
    a.out = out = guard_tail(&t->out, out_len * 4);
    a.scratch = guard_tail(&t->scratch, rlv_attention_scratch(key_n, head_dim) * 4);
    fill(q, q_len, size);
    fill(k, kv_len, size);
    fill(v, kv_len, 1.0f);
    if (special) {
        fill_special(q, q_len, special > 1);
        fill_special(v, kv_len, special > 1);
    }
    for (int isa = 1; isa <= ISA_MAX; isa++) {
        const struct rlv_kernels *kernels = rlv_kernels_get(isa);
        if (!kernels)
            continue;
        /* NaN in the scratch: nothing may be read that was not written. */
        memset(a.scratch, 0xff, rlv_attention_scratch(key_n, head_dim) * 4);
        for (size_t i = 0; i < out_len; i++)
            out[i] = SENTINEL;
        kernels->attention_f32(&a);
        if (special > 1)
            continue;
        if (isa == RLV_ISA_SCALAR) {
            memcpy(t->expect, out, out_len * sizeof(float));
            for (size_t i = 0; !special && i < row_n; i++) {
                double score[160], top = -INFINITY, z = 0, slack = 0;
                for (size_t j = 0; j < key_n; j++) {
                    double mass = 0;
                    score[j] = 0;
                    for (size_t d = 0; d < head_dim; d++) {
                        double part =
                            (double)q[i * a.q_stride + d] * a.scale * k[j * a.kv_stride + d];
                        score[j] += part;
                        mass += fabs(part);
                    }
                    top = fmax(top, score[j]);
                    /* Rounding moves a score by so much, and exp by this part of itself. */
                    slack = fmax(slack, mass * (double)(head_dim + 2) * 0x1p-24);
                }
                for (size_t j = 0; j < key_n; j++)
                    z += exp(score[j] - top);
                for (size_t d = 0; d < head_dim; d++) {
                    double want = 0, mass = 0;
                    for (size_t j = 0; j < key_n; j++) {
                        double part = exp(score[j] - top) / z * v[j * a.kv_stride + d];
                        want += part;
                        mass += fabs(part);
                    }
                    if (fabs(out[i * a.out_stride + d] - want) >
                        mass * (4 * slack + (double)(key_n + 8) * 0x1p-24) + 1e-30)
                        fail_msg("attention: rows %zu keys %zu dim %zu: %zu %zu is %.9g, not %.9g",
                                 row_n, key_n, head_dim, i, d, (double)out[i * a.out_stride + d],
                                 want);
                }
            }
        }
        for (size_t i = 0; i < out_len; i++)
            if (memcmp(&out[i], &t->expect[i], 4))
                fail_msg("%s, attention: rows %zu keys %zu dim %zu: %zu %zu is %.9g, not %.9g",
                         kernels->name, row_n, key_n, head_dim, i / a.out_stride, i % a.out_stride,
                         (double)out[i], (double)t->expect[i]);
        /* A row alone. */
        {
            struct rlv_attention_f32 one = a;
            size_t i = rng_below(&rng, row_n);
            one.q += i * a.q_stride;
            one.row_n = 1;
            one.out = guard_tail(&t->out, head_dim * 4);
            kernels->attention_f32(&one);
            same_bits(kernels->name, "attention of one row", one.out, t->expect + i * a.out_stride,
                      head_dim);
        }
    }
}

static void test_attention(void **state)
{
    static const size_t dim_list[] = {8, 16, 24, 32, 40, 64, 72, 128, 256};
    static const size_t key_list[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 50, 64, 128, 131};
    static const float size_list[] = {1.0f, 0.01f, 4.0f, 1e-25f};
    static struct attention t;

    (void)state;
    guard_open(&t.q, 33 * 300 * 4);
    guard_open(&t.k, 140 * 300 * 4);
    guard_open(&t.v, 140 * 300 * 4);
    guard_open(&t.out, 33 * 300 * 4);
    guard_open(&t.scratch, rlv_attention_scratch(140, 256) * 4);
    for (size_t d = 0; d < COUNT(dim_list); d++)
        for (size_t k = 0; k < COUNT(key_list); k++) {
            check_attention(&t, 1 + rng_below(&rng, 17), key_list[k], dim_list[d],
                            size_list[rng_below(&rng, COUNT(size_list))], 0);
            check_attention(&t, 1 + rng_below(&rng, 17), key_list[k], dim_list[d], 1.0f, 2);
        }
    for (size_t rows = 1; rows <= 33; rows++) {
        check_attention(&t, rows, 16 + rng_below(&rng, 48), 32, 1.0f, 0);
        check_attention(&t, rows, 128, 64, 1.0f, 0);
    }
    for (size_t keys = 1; keys <= N_MAX; keys++)
        check_attention(&t, 9, keys, 32, 2.0f, 0);
    guard_close(&t.q);
    guard_close(&t.k);
    guard_close(&t.v);
    guard_close(&t.out);
    guard_close(&t.scratch);
}

/* ---- low-bit weights ---- */

/* Puts 'bits' bits of each of 'n' fields where the planes of docs/format.md have them: field
 * g * stripe + j at bit bits * (g % (8 / bits)) of byte stripe * (g / (8 / bits)) + j. */
static void put_plane(uint8_t *plane, const unsigned *u, size_t n, unsigned bits, unsigned shift,
                      size_t stripe)
{
    const size_t each = 8 / bits;

    memset(plane, 0, n * bits / 8);
    for (size_t i = 0; i < n; i++) {
        size_t g = i / stripe, j = i % stripe;
        unsigned field = u[i] >> shift & ((1u << bits) - 1);
        plane[stripe * (g / each) + j] |= (uint8_t)(field << bits * (g % each));
    }
}

/* One bit plane of a row: bit b of byte j = element 8 j + b. */
static void put_row_bits(uint8_t *plane, const unsigned *u, unsigned shift)
{
    memset(plane, 0, 4);
    for (size_t i = 0; i < 32; i++)
        plane[i / 8] |= (uint8_t)((u[i] >> shift & 1) << i % 8);
}

static void test_unpack_panel(void **state)
{
    static const size_t k_list[] = {32, 64, 96, 160, 768, 3072};
    static int8_t want[3072 * 16];
    struct guard gs, gd;

    (void)state;
    guard_open(&gs, 3072 * 16);
    guard_open(&gd, 3072 * 16);
    for (unsigned bits = 3; bits <= 6; bits++)
        for (size_t l = 0; l < COUNT(k_list); l++) {
            size_t k = k_list[l], blocks = k / 32;
            uint8_t *src = guard_tail(&gs, blocks * 64 * bits);
            for (size_t b = 0; b < blocks; b++) {
                uint8_t *to = src + b * 64 * bits;
                unsigned u[512], low = bits == 3 ? 2 : 4;
                for (size_t i = 0; i < 512; i++) {
                    u[i] = (unsigned)rng_below(&rng, 1u << bits);
                    want[b * 512 + i] = (int8_t)((int)u[i] - (1 << (bits - 1)));
                }
                put_plane(to, u, 512, low, 0, 64);
                if (bits > low)
                    put_plane(to + 64 * low, u, 512, bits - low, low, 64);
            }
            for (int isa = 1; isa <= ISA_MAX; isa++) {
                const struct rlv_kernels *f = rlv_kernels_get(isa);
                int8_t *dst = guard_tail(&gd, k * 16);
                if (!f)
                    continue;
                memset(dst, 0x55, k * 16);
                (bits == 6   ? f->unpack_q6
                 : bits == 5 ? f->unpack_q5
                 : bits == 4 ? f->unpack_q4
                             : f->unpack_q3)(src, k, dst);
                if (memcmp(dst, want, k * 16))
                    fail_msg("%s, unpack_q%u: k %zu", f->name, bits, k);
            }
        }
    guard_close(&gs);
    guard_close(&gd);
}

static void test_unpack_row(void **state)
{
    static const unsigned bits_list[] = {8, 6, 5, 4, 3};
    static const size_t n_list[] = {32, 64, 96, 768};
    struct guard gs, gd, gf;

    (void)state;
    guard_open(&gs, 768);
    guard_open(&gd, 768 * 4);
    guard_open(&gf, 24 * 4);
    for (size_t b = 0; b < COUNT(bits_list); b++)
        for (size_t l = 0; l < COUNT(n_list); l++)
            for (size_t group = 32; group <= n_list[l]; group += 32) {
                const unsigned bits = bits_list[b];
                const size_t n = n_list[l], groups = (n + group - 1) / group;
                uint8_t *src = guard_tail(&gs, n / 8 * bits);
                float *scale = guard_tail(&gf, groups * 4), want[768];
                fill(scale, groups, 0.01f);
                for (size_t i = 0; i < n; i += 32) {
                    uint8_t *to = src + i / 8 * bits;
                    unsigned u[32];
                    for (size_t j = 0; j < 32; j++) {
                        u[j] = (unsigned)rng_below(&rng, 1u << bits);
                        want[i + j] =
                            (float)((int)u[j] - (1 << (bits - 1))) * scale[(i + j) / group];
                        if (bits == 8) /* two's complement */
                            to[j] = (uint8_t)(u[j] - 128u);
                    }
                    if (bits >= 4 && bits < 8)
                        put_plane(to, u, 32, 4, 0, 16);
                    if (bits == 3)
                        put_plane(to, u, 32, 2, 0, 8);
                    if (bits == 6)
                        put_plane(to + 16, u, 32, 2, 4, 8);
                    if (bits == 5)
                        put_row_bits(to + 16, u, 4);
                    if (bits == 3)
                        put_row_bits(to + 8, u, 2);
                }
                for (int isa = 1; isa <= ISA_MAX; isa++) {
                    const struct rlv_kernels *k = rlv_kernels_get(isa);
                    float *y = guard_tail(&gd, n * 4);
                    if (!k)
                        continue;
                    k->unpack_row(src, bits, scale, group, n, y);
                    same_bits(k->name, "unpack_row", y, want, n);
                }
            }
    guard_close(&gs);
    guard_close(&gd);
    guard_close(&gf);
}

static void test_row_f16(void **state)
{
    static float want[65536];
    struct guard gs, gd;

    (void)state;
    guard_open(&gs, sizeof(want) / 2);
    guard_open(&gd, sizeof(want));
    for (unsigned h = 0; h < 65536; h++) {
        int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
        double x = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                  : ldexp(fraction, -24);
        want[h] = (float)(h >> 15 ? -x : x);
    }
    for (int isa = 1; isa <= ISA_MAX; isa++) {
        const struct rlv_kernels *k = rlv_kernels_get(isa);
        for (size_t n = 0; k && n <= 65536; n += n < 80 ? 16 : 65536 - 80) {
            uint16_t *src = guard_tail(&gs, n * 2);
            float *y = guard_tail(&gd, n * 4);
            for (size_t i = 0; i < n; i++)
                src[i] = (uint16_t)i;
            k->row_f16(src, n, y);
            for (size_t i = 0; i < n; i++)
                if (isnan(want[i]) ? !isnan(y[i]) : memcmp(&y[i], &want[i], 4) != 0)
                    fail_msg("%s, row_f16: %zx is %.9g", k->name, i, (double)y[i]);
        }
    }
    guard_close(&gs);
    guard_close(&gd);
}

static int setup(void **state)
{
    (void)state;
    rng_seed(&rng, "test_kernels");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatch),     cmocka_unit_test(test_expf),
        cmocka_unit_test(test_gelu),         cmocka_unit_test(test_tanh),
        cmocka_unit_test(test_add),          cmocka_unit_test(test_layernorm),
        cmocka_unit_test(test_quantize),     cmocka_unit_test(test_attention),
        cmocka_unit_test(test_unpack_panel), cmocka_unit_test(test_unpack_row),
        cmocka_unit_test(test_row_f16),
    };
    return cmocka_run_group_tests_name("kernels", tests, setup, NULL);
}
