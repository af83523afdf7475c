/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernels.h - the contracts of every kernel: the one interface between lib/ and kernels/.
 *
 * A kernel is a pure function over plain arrays.  kernels.def lists them all; the suffix of a file
 * name (scalar, avx2, avx512, avx512vnni, amx, neon, neondot, neoni8mm) picks its compiler flags and
 * nothing else.  kernels/README.md says how to add one.
 *
 * Numerics.  The scalar kernels are the specification: every other kernel gives the same bits for
 * finite input.  Integer sums are exact.  f32 arithmetic is IEEE single precision, round to
 * nearest, with the explicit operations named in each contract: fma(a,b,c) rounds once, everything
 * else rounds at each operation.  Where a sum runs over one row it uses 16 virtual lanes: lane j
 * adds the elements i = j (mod 16) in ascending order, then the lanes are added as the tree 8+, 4+,
 * 2+, 1+ (lane j += lane j + 8, then j + 4, then j + 2, then j + 1).  min(a,b) is a < b ? a : b and
 * max(a,b) is a > b ? a : b, as the x86 instructions have it.  Denormals are kept.  NaN and Inf
 * give some result, never a trap or an access out of bounds; their bits are not specified.
 *
 * Memory.  Pointers to f32 and integer matrices are 64-byte aligned at row starts where a stride is
 * given as "padded"; kernels may read and write the padding named in the contract, never beyond.
 * Threads: kernels keep no state.
 */
#ifndef RLV_KERNELS_H
#define RLV_KERNELS_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RLV_KERNEL_PANEL 16   /* output channels in a panel */
#define RLV_KERNEL_K_BLOCK 32 /* input channels are padded to a multiple of this */
#define RLV_KERNEL_OUTLIER_STRIDE 32

/*
 * gemm_q8: y = dequantised (a - zero) * w^T + bias + outliers, for the panels [first, first + n).
 *
 * Source: integer GEMM with per-row activation and per-column weight scales, as in FBGEMM and
 * gemmlowp; f32 outlier columns as in LLM.int8() (Dettmers et al. 2022).
 *
 * For row m and column c, exactly:
 *   acc  = sum_k a[m][k] * w[c][k]                   int32, exact (K <= 65536)
 *   t    = (float)(acc - a_zero[m] * w_sum[c])       int32 modulo 2^32; the conversion rounds
 *   y    = fma(t, a_scale[m] * w_scale[c], bias[c])
 *   for o in 0 .. outlier_n - 1:  y = fma(x_outlier[m][o], w_outlier[o][c], y)
 */
struct rlv_gemm_q8 {
    const uint8_t *a;      /* [rows, k] with a_stride; padding up to k may hold anything */
    size_t a_stride;       /* bytes, a multiple of 64 */
    const float *a_scale;  /* [rows] */
    const int32_t *a_zero; /* [rows], each in 0..255 */
    const int8_t *w;       /* [panels][k/4][16][4] */
    const void *w_next;    /* weights that will be read next, to prefetch; NULL: not known */
    uint32_t w_max;        /* bound of |w|, 1..128; NEON sums in 16 bits as far as it allows */
    uint32_t chain;        /* likewise of AVX2, see rlv_chain(): 0, 1, 2, 4 or 8.  Weights that break
                              either promise give a wrong sum, nothing worse */
    const float *w_scale;  /* [panels * 16] */
    const int32_t *w_sum;  /* [panels * 16]: sum_k w[c][k] */
    const float *bias;     /* [panels * 16] */
    const float *x_outlier; /* [rows][RLV_KERNEL_OUTLIER_STRIDE] */
    const float *w_outlier; /* [outlier_n][outlier_stride] */
    size_t outlier_n;
    size_t outlier_stride; /* floats: panels of the whole matrix * 16 */
    float *y;              /* [rows, panels * 16] with y_stride: full panels are written */
    size_t y_stride;       /* floats, a multiple of 16 */
    size_t rows;           /* >= 1 */
    size_t k;              /* padded, a multiple of 32 */
};

/*
 * How many sums of two products, u8 x s8, always fit together into 16 bits: what 'chain' may be for
 * weights of which only the bound is known (255 * 2 * n * w_max < 2^15).  Other weights allow a
 * chain of n where in each block of 4 n input channels (from 0 on) the positive ones of the
 * channels k with k / 2 even have a sum of at most 128, the negative ones of at least -128, and
 * those with k / 2 odd likewise.  All partial sums are then within 255 * 128 too.
 */
static inline uint32_t rlv_chain(uint32_t w_max)
{
    return w_max > 64 ? 0 : w_max > 32 ? 1 : w_max > 16 ? 2 : w_max > 8 ? 4 : 8;
}

/*
 * gemm_q8g: the same with a weight scale per group of input channels.
 *   acc_g = sum_{k in g} a[m][k] * w[c][k]           int32, exact
 *   s     = 0;  for each group g in order:  s = fma((float)acc_g, w_scale[panel][g][c], s)
 *   t     = fma(-(float)a_zero[m], w_fsum[c], s)
 *   y     = fma(t, a_scale[m], bias[c]);  then the outliers as above
 * 'group' need not divide k: the last group may be shorter (both are multiples of 32).
 */
struct rlv_gemm_q8g {
    struct rlv_gemm_q8 base; /* w_scale: [panels][group_n][16]; w_sum unused */
    const float *w_fsum;     /* [panels * 16] */
    size_t group;            /* input channels, a multiple of 32 */
};

/*
 * gemm_f32: y[m][c] = fold over k ascending of  s = fma(a[m][k], w[k][c], s), from bias[c].
 * One accumulator per element, so the result does not depend on the width of the registers.
 */
struct rlv_gemm_f32 {
    const float *a;    /* [rows, k] with a_stride */
    size_t a_stride;   /* floats */
    const float *w;    /* [panels][k][16]; panel p starts at w + p * w_stride */
    size_t w_stride;   /* floats from one panel to the next */
    const void *w_next; /* weights that will be read next, to prefetch; NULL: not known */
    const float *bias; /* [panels * 16] */
    float *y;          /* [rows, panels * 16] with y_stride */
    size_t y_stride;
    size_t rows; /* >= 1 */
    size_t k;    /* any, >= 1 (not padded) */
};

/*
 * attention_f32: one head of one sequence; rows [0, row_n) of queries over key_n keys.
 *   score[i][j] = fold over d ascending of fma(q[i][d] * scale, k[j][d], s), from 0
 *   m = max_j score;  e[j] = exp(score[j] - m) as rlv_expf();  z = sum over 16 virtual lanes of e
 *   out[i][d]   = (fold over j ascending of fma(e[j], v[j][d], s), from 0) * (1 / z)
 */
struct rlv_attention_f32 {
    const float *q; /* [row_n, head_dim] with q_stride */
    size_t q_stride;
    const float *k; /* [key_n, head_dim] with kv_stride */
    const float *v; /* [key_n, head_dim] with kv_stride */
    size_t kv_stride;
    float *out; /* [row_n, head_dim] with out_stride; may not overlap the inputs */
    size_t out_stride;
    size_t row_n, key_n; /* >= 1 */
    size_t head_dim;     /* a multiple of 8, at most 256 */
    float scale;
    float *scratch; /* rlv_attention_scratch(key_n, head_dim) floats, 64-byte aligned */
};

/* Floats of scratch that attention_f32 may use, on any ISA: packed K, packed V, 16 rows of scores
 * and of scaled queries. */
static inline size_t rlv_attention_scratch(size_t key_n, size_t head_dim)
{
    size_t keys = (key_n + 15) / 16 * 16, dims = (head_dim + 15) / 16 * 16;
    return keys * dims * 2 + keys * 16 + dims * 16;
}

/* Smallest and largest input of a row, 0 included. */
struct rlv_range {
    float lo, hi; /* lo <= 0 <= hi */
};

/*
 * The table that the library calls through: one for each instruction set.
 *
 * gelu_f32: x[i] = 0.5 * x * (1 + erf(x / sqrt 2)) for i < n, in place (Hendrycks & Gimpel 2016,
 *   erf form), within 1.9e-7 * max(1, |x|); kernels/math.inc has its steps.
 * tanh_f32: in place, by exp, within 1e-7.
 * layernorm_f32: y = gamma * ((x + r) - mean) / sqrt(var + eps) + beta over n elements.  'r' may be
 *   NULL; y may be x or r.  Two passes: mean = lanesum(x + r) * (1/n); d = (x + r) - mean;
 *   var = lanesum(d * d by fma) * (1/n), both with 64 lanes in place of 16 (tree 32+, 16+, 8+ ...),
 *   as a sum is bound by its latency.  inv = 1 / sqrt(var + eps);  y = fma(d * inv, gamma, beta).
 * range_f32: t[k] = x[k] * input_scale[k] (input_scale NULL: t = x) for k < n;
 *   range->lo = min(range->lo, all t);  range->hi = max(range->hi, all t).
 * quantize_u8: with the same t and  inv = 1 / scale,
 *   a[k] = clamp(round_even(t[k] * inv) + zero, 0, 255), computed without overflow: the value is
 *   clamped before it is rounded, NaN (0 times an infinite inv) as the lower bound.
 *   rlv_quantize_row() below puts both together for a row.
 * add_f32: y[i] += x[i].
 * unpack_*: one panel of a low-bit matrix to the layout that the GEMM reads (docs/format.md).
 *   'k' is the padded K.
 * unpack_row: one row of an embedding table: y[i] = (float)w[i] * scale[i / group]; 'bits' is 8, 6,
 *   5, 4 or 3.  n is a multiple of 32 (padded).
 * row_f16: f16 -> f32 of n elements (exact), n a multiple of 16.
 */
struct rlv_kernels {
    const char *name;
    void (*gemm_q8)(const struct rlv_gemm_q8 *g, size_t panel_first, size_t panel_n);
    void (*gemm_q8g)(const struct rlv_gemm_q8g *g, size_t panel_first, size_t panel_n);
    void (*gemm_f32)(const struct rlv_gemm_f32 *g, size_t panel_first, size_t panel_n);
    void (*attention_f32)(const struct rlv_attention_f32 *a);
    void (*gelu_f32)(float *x, size_t n);
    void (*tanh_f32)(float *x, size_t n);
    void (*layernorm_f32)(const float *x, const float *r, const float *gamma, const float *beta,
                          float eps, size_t n, float *y);
    void (*range_f32)(const float *x, const float *input_scale, size_t n, struct rlv_range *range);
    void (*quantize_u8)(const float *x, const float *input_scale, size_t n, float scale,
                        int32_t zero, uint8_t *a);
    void (*add_f32)(const float *x, float *y, size_t n);
    void (*unpack_q6)(const uint8_t *src, size_t k, int8_t *dst);
    void (*unpack_q5)(const uint8_t *src, size_t k, int8_t *dst);
    void (*unpack_q4)(const uint8_t *src, size_t k, int8_t *dst);
    void (*unpack_q3)(const uint8_t *src, size_t k, int8_t *dst);
    void (*unpack_row)(const uint8_t *src, unsigned bits, const float *scale, size_t group,
                       size_t n, float *y);
    void (*row_f16)(const uint16_t *src, size_t n, float *y);
};

/*
 * Scale and zero point of a row of activations:
 *   scale = (hi - lo) * (1 / 255), 1 where that is 0 or not finite;  inv = 1 / scale;
 *   zero = clamp(round_even(-lo * inv), 0, 255).
 */
static inline void rlv_range_step(const struct rlv_range *range, float *scale, int32_t *zero)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds |x| < 2^22 to an integer */
    float s = (range->hi - range->lo) * (1.0f / 255.0f), z;
    if (!(s > 0.0f && s <= FLT_MAX))
        s = 1.0f;
    z = -range->lo * (1.0f / s);
    z = z > 0.0f ? z : 0.0f;
    z = z < 255.0f ? z : 255.0f;
    *scale = s;
    *zero = (int32_t)((z + magic) - magic);
}

/* One row of activations [n] to a [n_pad]; the padding gets the zero point. */
static inline void rlv_quantize_row(const struct rlv_kernels *kernels, const float *x,
                                    const float *input_scale, size_t n, size_t n_pad, uint8_t *a,
                                    float *scale, int32_t *zero)
{
    struct rlv_range range = {0.0f, 0.0f};
    kernels->range_f32(x, input_scale, n, &range);
    rlv_range_step(&range, scale, zero);
    kernels->quantize_u8(x, input_scale, n, *scale, *zero, a);
    memset(a + n, *zero, n_pad - n);
}

/* Values of enum relevance_isa, repeated here because kernels/ includes nothing of the library. */
enum rlv_isa {
    RLV_ISA_SCALAR = 1,
    RLV_ISA_AVX2 = 2,
    RLV_ISA_AVX512 = 3,
    RLV_ISA_AVX512VNNI = 4,
    RLV_ISA_NEON = 5,
    RLV_ISA_NEONDOT = 6,
    RLV_ISA_NEONI8MM = 7,
    RLV_ISA_AMX = 8
};

/* The kernels for 'isa', or NULL where this build or this CPU lacks it.  Thread-safe, no state. */
const struct rlv_kernels *rlv_kernels_get(int isa);

/* The best isa of this CPU that this build has (at least RLV_ISA_SCALAR). */
int rlv_kernels_best(void);

/*
 * exp of the specification, for the few places in lib/ that need one value: within 0.9 ulp on
 * [-87, 88], monotone but for the last bit, 1 at 0; 0 below -87; above 88 as at 88.
 * kernels/math.inc has its steps.
 */
float rlv_expf(float x);

#endif /* RLV_KERNELS_H */
