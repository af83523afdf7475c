/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_kernels.c - time of each kernel on each instruction set of this machine.
 *
 *   bench_kernels [text]     only the lines that contain 'text'
 *
 * Rounds alternate between the instruction sets, so that a change of the clock or a busy neighbour
 * strikes all of them; the best round counts.  'rate' is GMAC/s (integer products), GFLOP/s
 * (two for a multiply and add; attention: its two products only) or GB/s (read and written).
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels.h"
#include "support/random.h"

#define ISA_MAX RLV_ISA_AMX
#define ROUNDS 9
#define ROUND_NS 3e6

static struct rng rng;

struct bench {
    struct rlv_gemm_q8g q8;
    struct rlv_gemm_f32 f32;
    struct rlv_attention_f32 attention;
    size_t panels, n;
    float *x, *y, *z, *keep;
    uint8_t *bytes;
    int8_t *int8;
    unsigned bits;
};

static void *get(size_t len)
{
    void *p = aligned_alloc(64, (len + 63) / 64 * 64);
    if (!p)
        abort();
    memset(p, 0, len);
    return p;
}

static float *get_f32(size_t n, float scale)
{
    float *p = get(n * sizeof(float));
    for (size_t i = 0; i < n; i++)
        p[i] = rng_f32(&rng) * scale;
    return p;
}

static uint8_t *get_u8(size_t n, unsigned mask)
{
    uint8_t *p = get(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(rng_u64(&rng) & mask);
    return p;
}

typedef void call_fn(const struct rlv_kernels *k, struct bench *b);

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const char *filter = "";

static int wanted(const char *name, const char *shape)
{
    char line[128];
    snprintf(line, sizeof(line), "%s %s", name, shape);
    return strstr(line, filter) != NULL;
}

/* 'own' tells whether this table has another kernel than the ones before it. */
static void measure(const char *name, const char *shape, call_fn *call, struct bench *b,
                    double work, const char *unit, size_t field_offset)
{
    double best[ISA_MAX + 1], base = 0;
    size_t calls[ISA_MAX + 1];
    const struct rlv_kernels *k[ISA_MAX + 1] = {0};

    if (!wanted(name, shape))
        return;
    for (int isa = 1; isa <= ISA_MAX; isa++) {
        double t;
        k[isa] = rlv_kernels_get(isa);
        for (int other = 1; k[isa] && other < isa; other++)
            if (k[other] && !memcmp((const char *)k[isa] + field_offset,
                                    (const char *)k[other] + field_offset, sizeof(call_fn *)))
                k[isa] = NULL; /* shown already */
        if (!k[isa])
            continue;
        best[isa] = INFINITY;
        calls[isa] = 1;
        call(k[isa], b);
        t = now_ns();
        call(k[isa], b);
        t = now_ns() - t;
        if (t < ROUND_NS)
            calls[isa] = (size_t)(ROUND_NS / (t > 1 ? t : 1)) + 1;
        if (calls[isa] > 200000)
            calls[isa] = 200000;
    }
    for (int round = 0; round < ROUNDS; round++)
        for (int isa = 1; isa <= ISA_MAX; isa++)
            if (k[isa] && !(isa == RLV_ISA_SCALAR && round > 1)) {
                double t = now_ns();
                for (size_t i = 0; i < calls[isa]; i++)
                    call(k[isa], b);
                t = (now_ns() - t) / (double)calls[isa];
                if (t < best[isa])
                    best[isa] = t;
            }
    for (int isa = 1; isa <= ISA_MAX; isa++)
        if (k[isa]) {
            if (base == 0)
                base = best[isa];
            printf("%-14s %-22s %-10s %12.1f %10.2f %-8s %7.1f\n", name, shape, k[isa]->name,
                   best[isa], work / best[isa], unit, base / best[isa]);
        }
    fflush(stdout);
}
#define MEASURE(field, shape, b, work, unit)                                                       \
    measure(#field, shape, call_##field, b, work, unit, offsetof(struct rlv_kernels, field))

static void call_gemm_q8(const struct rlv_kernels *k, struct bench *b)
{
    k->gemm_q8(&b->q8.base, 0, b->panels);
}

static void call_gemm_q8g(const struct rlv_kernels *k, struct bench *b)
{
    k->gemm_q8g(&b->q8, 0, b->panels);
}

static void call_gemm_f32(const struct rlv_kernels *k, struct bench *b)
{
    k->gemm_f32(&b->f32, 0, b->panels);
}

static void call_attention_f32(const struct rlv_kernels *k, struct bench *b)
{
    k->attention_f32(&b->attention);
}

/* In place: the copy back is in the time, a small part of it. */
static void call_gelu_f32(const struct rlv_kernels *k, struct bench *b)
{
    k->gelu_f32(b->x, b->n);
    b->x[rng_u64(&rng) % b->n] = 1.0f;
}

static void call_tanh_f32(const struct rlv_kernels *k, struct bench *b)
{
    k->tanh_f32(b->x, b->n);
    b->x[rng_u64(&rng) % b->n] = 1.0f;
}

static void call_layernorm_f32(const struct rlv_kernels *k, struct bench *b)
{
    k->layernorm_f32(b->x, b->y, b->z, b->z, 1e-12f, b->n, b->keep);
}

static void call_range_f32(const struct rlv_kernels *k, struct bench *b)
{
    struct rlv_range range = {0.0f, 0.0f};
    k->range_f32(b->x, b->y, b->n, &range);
    b->keep[0] = range.hi;
}

static void call_quantize_u8(const struct rlv_kernels *k, struct bench *b)
{
    k->quantize_u8(b->x, b->y, b->n, 0.01f, 128, b->bytes);
}

static void call_add_f32(const struct rlv_kernels *k, struct bench *b)
{
    k->add_f32(b->x, b->y, b->n);
}

static void call_unpack_q6(const struct rlv_kernels *k, struct bench *b)
{
    k->unpack_q6(b->bytes, b->n, b->int8);
}

static void call_unpack_q5(const struct rlv_kernels *k, struct bench *b)
{
    k->unpack_q5(b->bytes, b->n, b->int8);
}

static void call_unpack_q4(const struct rlv_kernels *k, struct bench *b)
{
    k->unpack_q4(b->bytes, b->n, b->int8);
}

static void call_unpack_q3(const struct rlv_kernels *k, struct bench *b)
{
    k->unpack_q3(b->bytes, b->n, b->int8);
}

static void call_unpack_row(const struct rlv_kernels *k, struct bench *b)
{
    k->unpack_row(b->bytes, b->bits, b->z, b->n, b->n, b->y);
}

static void call_row_f16(const struct rlv_kernels *k, struct bench *b)
{
    k->row_f16((const uint16_t *)(const void *)b->bytes, b->n, b->y);
}

static void bench_gemm(size_t rows, size_t k, size_t n)
{
    struct bench b = {.panels = n / 16};
    struct rlv_gemm_q8 *g = &b.q8.base;
    const double macs = (double)rows * (double)k * (double)n;
    char shape[64];

    g->rows = rows;
    g->k = g->a_stride = k;
    g->y_stride = g->outlier_stride = n;
    g->outlier_n = 8;
    b.q8.group = 64;
    g->a = get_u8(rows * k, 255);
    g->a_scale = get_f32(rows, 1);
    g->a_zero = get(rows * 4);
    g->w_sum = get(n * 4);
    g->w_scale = get_f32(n * k / 32, 1);
    b.q8.w_fsum = get_f32(n, 1);
    g->bias = get_f32(n, 1);
    g->x_outlier = get_f32(rows * RLV_KERNEL_OUTLIER_STRIDE, 1);
    g->w_outlier = get_f32(RLV_KERNEL_OUTLIER_STRIDE * n, 1);
    g->y = get(rows * n * 4);
    g->w = (int8_t *)get_u8(n * k, 31);
    for (g->w_max = 128; g->w_max >= 8; g->w_max /= 2) {
        g->chain = rlv_chain(g->w_max);
        snprintf(shape, sizeof(shape), "%zux%zux%zu w%u", rows, k, n, (unsigned)g->w_max);
        MEASURE(gemm_q8, shape, &b, macs, "GMAC/s");
    }
    for (g->w_max = 128; g->w_max >= 8; g->w_max /= 4) {
        g->chain = rlv_chain(g->w_max);
        snprintf(shape, sizeof(shape), "%zux%zux%zu g64 w%u", rows, k, n, (unsigned)g->w_max);
        MEASURE(gemm_q8g, shape, &b, macs, "GMAC/s");
    }

    b.f32.rows = rows;
    b.f32.k = b.f32.a_stride = k;
    b.f32.w_stride = k * 16;
    b.f32.y_stride = n;
    b.f32.a = get_f32(rows * k, 1);
    b.f32.w = get_f32(n * k, 1);
    b.f32.bias = g->bias;
    b.f32.y = g->y;
    snprintf(shape, sizeof(shape), "%zux%zux%zu", rows, k, n);
    MEASURE(gemm_f32, shape, &b, 2 * macs, "GFLOP/s");
    free((void *)(uintptr_t)g->a);
    free((void *)(uintptr_t)g->w);
    free((void *)(uintptr_t)g->w_outlier);
    free((void *)(uintptr_t)b.f32.a);
    free((void *)(uintptr_t)b.f32.w);
    free(g->y);
}

static void bench_attention(size_t rows, size_t keys, size_t dim)
{
    /* As in the model: heads of a fused QKV matrix of 12 heads. */
    const size_t stride = 3 * 12 * dim;
    struct bench b = {0};
    float *qkv = get_f32(keys * stride, 1);
    char shape[64];

    b.attention = (struct rlv_attention_f32){.q = qkv,
                                             .q_stride = stride,
                                             .k = qkv + 12 * dim,
                                             .v = qkv + 24 * dim,
                                             .kv_stride = stride,
                                             .out = get(rows * 12 * dim * 4),
                                             .out_stride = 12 * dim,
                                             .row_n = rows,
                                             .key_n = keys,
                                             .head_dim = dim,
                                             .scale = 0.125f,
                                             .scratch = get(rlv_attention_scratch(keys, dim) * 4)};
    snprintf(shape, sizeof(shape), "%zu of %zu keys, %zu", rows, keys, dim);
    MEASURE(attention_f32, shape, &b, 4.0 * (double)(rows * keys * dim), "GFLOP/s");
    free(qkv);
    free(b.attention.out);
    free(b.attention.scratch);
}

static void bench_rows(size_t n)
{
    struct bench b = {.n = n};
    const double len = (double)n;
    char shape[64];

    b.x = get_f32(n, 3);
    b.y = get_f32(n, 1);
    b.z = get_f32(n, 1);
    b.keep = get(n * 4);
    b.bytes = get_u8(n * 16, 63);
    b.int8 = get(n * 16);
    snprintf(shape, sizeof(shape), "%zu", n);
    MEASURE(gelu_f32, shape, &b, 8 * len, "GB/s");
    MEASURE(tanh_f32, shape, &b, 8 * len, "GB/s");
    MEASURE(layernorm_f32, shape, &b, 20 * len, "GB/s");
    MEASURE(range_f32, shape, &b, 8 * len, "GB/s");
    MEASURE(quantize_u8, shape, &b, 9 * len, "GB/s");
    memset(b.x, 0, n * 4);
    MEASURE(add_f32, shape, &b, 12 * len, "GB/s");
    MEASURE(row_f16, shape, &b, 6 * len, "GB/s");
    MEASURE(unpack_q6, shape, &b, 28 * len, "GB/s");
    MEASURE(unpack_q5, shape, &b, 26 * len, "GB/s");
    MEASURE(unpack_q4, shape, &b, 24 * len, "GB/s");
    MEASURE(unpack_q3, shape, &b, 22 * len, "GB/s");
    for (b.bits = 8; b.bits >= 3; b.bits--)
        if (b.bits != 7) {
            snprintf(shape, sizeof(shape), "%zu, %u bits", n, b.bits);
            MEASURE(unpack_row, shape, &b, len * (4 + b.bits / 8.0), "GB/s");
        }
    free(b.x);
    free(b.y);
    free(b.z);
    free(b.keep);
    free(b.bytes);
    free(b.int8);
}

static void print_cpu(void)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");

    while (f && fgets(line, sizeof(line), f))
        if (!strncmp(line, "model name", 10)) {
            printf("%s", line);
            break;
        }
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        filter = argv[1];
    rng.state = 1;
    print_cpu();
    printf("%-14s %-22s %-10s %12s %10s %-8s %7s\n", "kernel", "shape", "isa", "ns", "rate", "",
           "speedup");
    bench_rows(768);
    bench_rows(3072);
    bench_attention(128, 128, 64);
    bench_attention(32, 32, 64);
    bench_attention(20, 20, 64);
    bench_attention(128, 128, 32);
    bench_attention(1, 128, 64);
    bench_attention(512, 512, 64);
    bench_gemm(16, 768, 768);
    bench_gemm(128, 768, 3072);
    bench_gemm(1, 768, 768);
    return 0;
}
