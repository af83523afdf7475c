/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_peak.c - what one core can multiply at most, from registers alone: the measure that
 * 'make bench' holds the integer and float GEMM to.  Prints one JSON object: 10^9 multiply-adds a
 * second for each instruction set that the CPU has.
 */
#include <relevance.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Sums enough to hide the latency of 4 or 5 cycles at two instructions a cycle. */
#define SUMS 12
#define EACH(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11)
#define ROUNDS 4000000

#define DECLARE(i) s##i = zero,
#define KEEP(i) __asm__ volatile("" : "+v"(s##i)); /* can be neither dropped nor folded */

/* 10^9 steps a second. */
#define PEAK(name, isa, type, set_zero, STEP)                                                      \
    __attribute__((target(isa))) static double name(void)                                          \
    {                                                                                              \
        const type zero = set_zero;                                                                \
        type EACH(DECLARE) a = zero, b = zero;                                                     \
        double start, end;                                                                         \
        __asm__ volatile("" : "+v"(a), "+v"(b));                                                   \
        start = now();                                                                             \
        for (int r = 0; r < ROUNDS; r++) {                                                         \
            EACH(STEP)                                                                             \
            EACH(KEEP)                                                                             \
        }                                                                                          \
        end = now();                                                                               \
        return (double)ROUNDS * SUMS / (end - start) * 1e-9;                                       \
    }

#define VNNI(i) s##i = _mm512_dpbusd_epi32(s##i, a, b);
#define FMA512(i) s##i = _mm512_fmadd_ps(a, b, s##i);
#define FMA256(i) s##i = _mm256_fmadd_ps(a, b, s##i);
/* A chain of 2, as for q7: two vpmaddubsw added, widened, added. */
#define CHAIN2(i)                                                                                  \
    {                                                                                              \
        __m256i x, y;                                                                              \
        __asm__ volatile("" : "+x"(a), "+x"(b)); /* or the products would be made once */          \
        x = _mm256_maddubs_epi16(a, b);                                                            \
        y = _mm256_maddubs_epi16(b, a);                                                            \
        s##i = _mm256_add_epi32(s##i, _mm256_madd_epi16(_mm256_add_epi16(x, y), b));               \
    }

PEAK(vnni, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(), VNNI)
PEAK(fma512, "avx512f", __m512, _mm512_setzero_ps(), FMA512)
PEAK(fma256, "avx2,fma", __m256, _mm256_setzero_ps(), FMA256)
PEAK(chain2, "avx2", __m256i, _mm256_setzero_si256(), CHAIN2)

#if !defined(RLV_HAS_AMX) || RLV_HAS_AMX
#include "amx_tiles.h"
#define TILE_ROUNDS (ROUNDS / 16)
/* Four sums, for a latency of 52 cycles at one instruction in 16. */
__attribute__((target("amx-tile,amx-int8"))) static double amx(void)
{
    struct tile_config config = {.palette = 1};
    double start, end;
    for (int t = 0; t < TILE_N; t++) {
        config.row_bytes[t] = TILE_BYTES;
        config.rows[t] = 16;
    }
    tile_configure(&config);
    start = now();
    for (int r = 0; r < TILE_ROUNDS; r++) {
        tile_dpbusd(0, 4, 6);
        tile_dpbusd(1, 4, 7);
        tile_dpbusd(2, 5, 6);
        tile_dpbusd(3, 5, 7);
    }
    end = now();
    tile_release();
    return TILE_ROUNDS * 4.0 / (end - start) * 1e-9;
}
#else
static double amx(void) { return 0; }
#endif

int main(void)
{
    const char *comma = "";
    printf("{");
    if (relevance_isa_supported(RELEVANCE_ISA_AMX)) {
        amx();
        printf("\"amx\": %.1f, ", amx() * 16 * 16 * TILE_BYTES);
    }
    if (__builtin_cpu_supports("avx512vnni")) {
        vnni();
        printf("\"avx512vnni\": %.1f, \"avx512_f32\": %.1f", vnni() * 64, fma512() * 16);
        comma = ", ";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        chain2();
        printf("%s\"avx2\": %.1f, \"avx2_f32\": %.1f", comma, chain2() * 64, fma256() * 8);
    }
    printf("}\n");
    return 0;
}
#else
int main(void)
{
    (void)now;
    printf("{}\n");
    return 0;
}
#endif
