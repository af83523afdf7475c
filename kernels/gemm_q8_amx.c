/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gemm_q8_amx.c - integer GEMM by tdpbusd of Intel AMX: 16 rows x 16 columns x 64 input channels,
 * u8 x s8, in one instruction, exact in int32.
 *
 * A panel of the weights is a column of tiles as it lies: 16 registers of 4 channels x 16 columns.
 * Tiles 0 to 3 hold sums, so that four chains hide the latency (52 cycles, one every 16): of 2
 * tiles of rows x 2 panels, or, up to 16 rows, of 1 x 4.  Blocks of up to 32 rows go one after the
 * other over as many panels as L2 holds: 1,950 GMAC/s from there, 840 from L3.  Weights side by side
 * the CPU prefetches itself (25 GB/s from L3, as much as by hand); only what follows after the call
 * is fetched here.
 *
 * All tiles of one call are alike.  Where they do not divide the rows they overlap, and what lies
 * in two of them is computed twice.
 */
#include "gemm_vec_avx512.h"

#include "amx_tiles.h"

#define TILE_ROWS 8 /* taken at a time from the sums in memory */
#define TILE_PANELS 1
#define ACTIVATION_BIAS 0
#include "gemm_q8_tail.inc"

/* Fewer rows, or groups too short to pay for storing the sums, go to vpdpbusd. */
#define AMX_ROWS 8
#define AMX_GROUP 128
/* Bytes of weights that stay in L2, which has 2 MB where there is AMX; few for tests. */
#if defined(RLV_SMALL_TILES) && RLV_SMALL_TILES
#define AMX_WEIGHTS (1u << 12)
#else
#define AMX_WEIGHTS (1u << 20)
#endif

#define ROWS 16 /* of a tile, at most */
#define SUMS (ROWS * RLV_KERNEL_PANEL)

/* How the rows of a call are cut into blocks of one or two tiles. */
struct blocks {
    size_t n, tile_n; /* blocks, tiles of each */
    size_t rows, tile_rows;
    size_t apart; /* rows from the first tile of a block to the second; 0 with one */
    size_t step;  /* input channels of a tile */
};

/* 'group' 0: none. */
static struct blocks cut(size_t rows, size_t k, size_t group)
{
    struct blocks b;

    b.tile_n = rows > ROWS ? 2 : 1;
    b.n = gemm_tile_n(rows, ROWS * b.tile_n);
    b.rows = gemm_tile_n(rows, b.n);
    b.tile_rows = gemm_tile_n(b.rows, b.tile_n);
    b.apart = b.rows - b.tile_rows;
    b.step = k % TILE_BYTES == 0 && group % TILE_BYTES == 0 ? TILE_BYTES : TILE_BYTES / 2;
    return b;
}

/* Tiles 0 to 3 are sums.  With two tiles of rows, 4 and 5 are activations, 6 and 7 weights; with
 * one, 4 and 5, 6, 7. */
static void configure(const struct blocks *b)
{
    struct tile_config config;

    memset(&config, 0, sizeof(config));
    config.palette = 1;
    for (size_t t = 0; t < TILE_N; t++) {
        int weights = t > 3 + b->tile_n;
        config.row_bytes[t] = (uint16_t)(t > 3 && !weights ? b->step : TILE_BYTES);
        config.rows[t] = (uint8_t)(weights ? b->step / 4 : b->tile_rows);
    }
    tile_configure(&config);
}

/* A step's share of the weights that come next. */
GEMM_INLINE void fetch(struct gemm_step *next)
{
    GEMM_ROLLED
    for (size_t i = 0; i < next->fetch_n; i++, next->fetch += 64) {
        gemm_prefetch(next->fetch);
    }
}

GEMM_INLINE void zero_sums(void)
{
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
}

GEMM_INLINE void store_sums(int32_t sums[4][SUMS])
{
    tile_store(0, sums[0], TILE_BYTES);
    tile_store(1, sums[1], TILE_BYTES);
    tile_store(2, sums[2], TILE_BYTES);
    tile_store(3, sums[3], TILE_BYTES);
}

/* The sums over channels [0, k) of one tile of rows and 4 panels. */
GEMM_INLINE void dot_1x4(const struct rlv_gemm_q8 *g, const uint8_t *a, const int8_t *w, size_t k,
                         size_t step, struct gemm_step next, int32_t sums[4][SUMS])
{
    size_t panel = g->k * RLV_KERNEL_PANEL;

    zero_sums();
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += step, w += step * RLV_KERNEL_PANEL) {
        fetch(&next);
        tile_load(4, a + i, g->a_stride);
        tile_load(5, w, TILE_BYTES);
        tile_dpbusd(0, 4, 5);
        tile_load(6, w + panel, TILE_BYTES);
        tile_dpbusd(1, 4, 6);
        tile_load(7, w + 2 * panel, TILE_BYTES);
        tile_dpbusd(2, 4, 7);
        tile_load(5, w + 3 * panel, TILE_BYTES);
        tile_dpbusd(3, 4, 5);
    }
    store_sums(sums);
}

/* One step of a tile of rows and 2 panels, 'panel' bytes apart, to sums 0 and 1; leaves the weights
 * in tiles 6 and 7. */
GEMM_INLINE void dot_step(const uint8_t *a, size_t a_stride, const int8_t *w, size_t panel)
{
    tile_load(4, a, a_stride);
    tile_load(6, w, TILE_BYTES);
    tile_dpbusd(0, 4, 6);
    tile_load(7, w + panel, TILE_BYTES);
    tile_dpbusd(1, 4, 7);
}

/* Of one tile of rows and 2 panels, every second step apart, for there to be four chains. */
GEMM_INLINE void dot_1x2(const struct rlv_gemm_q8 *g, const uint8_t *a, const int8_t *w, size_t k,
                         size_t step, struct gemm_step next, int32_t sums[4][SUMS])
{
    size_t panel = g->k * RLV_KERNEL_PANEL, i = 0;

    zero_sums();
    GEMM_ROLLED
    for (; i + step < k; i += 2 * step) {
        fetch(&next);
        fetch(&next);
        dot_step(a + i, g->a_stride, w + i * RLV_KERNEL_PANEL, panel);
        tile_load(4, a + i + step, g->a_stride);
        tile_load(6, w + (i + step) * RLV_KERNEL_PANEL, TILE_BYTES);
        tile_dpbusd(2, 4, 6);
        tile_load(7, w + panel + (i + step) * RLV_KERNEL_PANEL, TILE_BYTES);
        tile_dpbusd(3, 4, 7);
    }
    if (i < k) {
        dot_step(a + i, g->a_stride, w + i * RLV_KERNEL_PANEL, panel);
    }
    store_sums(sums);
    for (size_t n = 0; n < SUMS; n += LANES) {
        vi first = vi_add(vi_load(sums[0] + n), vi_load(sums[2] + n));
        vi second = vi_add(vi_load(sums[1] + n), vi_load(sums[3] + n));
        _mm512_store_si512(sums[0] + n, first);
        _mm512_store_si512(sums[1] + n, second);
    }
}

/* Of two tiles of rows, the second 'apart' bytes after the first, and 2 panels; sums of the first
 * tile first. */
GEMM_INLINE void dot_2x2(const struct rlv_gemm_q8 *g, const uint8_t *a, size_t apart,
                         const int8_t *w, size_t k, size_t step, struct gemm_step next,
                         int32_t sums[4][SUMS])
{
    size_t panel = g->k * RLV_KERNEL_PANEL;

    zero_sums();
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += step, w += step * RLV_KERNEL_PANEL) {
        fetch(&next);
        dot_step(a + i, g->a_stride, w, panel);
        tile_load(5, a + apart + i, g->a_stride);
        tile_dpbusd(2, 5, 6);
        tile_dpbusd(3, 5, 7);
    }
    store_sums(sums);
}

/* Of two tiles of rows, or the same one twice, and one panel: what is left of the panels. */
GEMM_INLINE void dot_2x1(const struct rlv_gemm_q8 *g, const uint8_t *a, size_t apart,
                         const int8_t *w, size_t k, size_t step, struct gemm_step next,
                         int32_t sums[4][SUMS])
{
    tile_zero(0);
    tile_zero(1);
    GEMM_ROLLED
    for (size_t i = 0; i < k; i += step, w += step * RLV_KERNEL_PANEL) {
        fetch(&next);
        tile_load(4, a + i, g->a_stride);
        tile_load(7, w, TILE_BYTES);
        tile_dpbusd(0, 4, 7);
        tile_load(4, a + apart + i, g->a_stride);
        tile_dpbusd(1, 4, 7);
    }
    tile_store(0, sums[0], TILE_BYTES);
    tile_store(1, sums[1], TILE_BYTES);
}

static void dot(const struct rlv_gemm_q8 *g, const struct blocks *b, size_t row, size_t panel,
                size_t panel_n, size_t k, size_t len, struct gemm_step next,
                int32_t sums[4][SUMS])
{
    const uint8_t *a = g->a + row * g->a_stride + k;
    const int8_t *w = g->w + (panel * g->k + k) * RLV_KERNEL_PANEL;

    if (panel_n == 4) {
        dot_1x4(g, a, w, len, b->step, next, sums);
    } else if (panel_n == 2 && b->tile_n == 1) {
        dot_1x2(g, a, w, len, b->step, next, sums);
    } else if (panel_n == 2) {
        dot_2x2(g, a, b->apart * g->a_stride, w, len, b->step, next, sums);
    } else {
        dot_2x1(g, a, b->apart * g->a_stride, w, len, b->step, next, sums);
    }
}

GEMM_INLINE void load_sums(const int32_t *sums, int R, vi acc[TILE_ROWS][MAX_VECS])
{
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        acc[r][0] = vi_load(sums + r * RLV_KERNEL_PANEL);
    }
}

GEMM_INLINE void load_y(const float *from, int R, vf y[TILE_ROWS][MAX_VECS])
{
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        y[r][0] = vf_load(from + r * RLV_KERNEL_PANEL);
    }
}

/* What becomes of R rows of a tile's sums: of gemm_q8, of a group of gemm_q8g, and in the end. */
GEMM_INLINE void rows_q8(const struct rlv_gemm_q8 *g, size_t row, size_t panel, int R,
                         const int32_t *sums)
{
    vi acc[TILE_ROWS][MAX_VECS];

    load_sums(sums, R, acc);
    tail_q8(g, row, panel, R, 1, acc);
}

GEMM_INLINE void rows_group(const struct rlv_gemm_q8g *gg, const float *scale, int R,
                            const int32_t *sums, float *out)
{
    vi acc[TILE_ROWS][MAX_VECS];
    vf y[TILE_ROWS][MAX_VECS];

    load_sums(sums, R, acc);
    load_y(out, R, y);
    add_group(gg, scale, R, 1, acc, y);
    GEMM_UNROLL
    for (int r = 0; r < R; r++) {
        vf_store(out + r * RLV_KERNEL_PANEL, y[r][0]);
    }
}

GEMM_INLINE void rows_q8g(const struct rlv_gemm_q8g *gg, size_t row, size_t panel, int R,
                          const float *from)
{
    vf y[TILE_ROWS][MAX_VECS];

    load_y(from, R, y);
    tail_q8g(gg, row, panel, R, 1, y);
}

/* CALL for 'row_n' rows from row 0 on: r is the first of R. */
#define EACH_ROWS(row_n, CALL)                                                                     \
    do {                                                                                           \
        size_t r = 0;                                                                              \
        for (; r + TILE_ROWS <= (row_n); r += TILE_ROWS) {                                         \
            enum { R = TILE_ROWS };                                                                \
            CALL;                                                                                  \
        }                                                                                          \
        for (; r + 4 <= (row_n); r += 4) {                                                         \
            enum { R = 4 };                                                                        \
            CALL;                                                                                  \
        }                                                                                          \
        for (; r < (row_n); r++) {                                                                 \
            enum { R = 1 };                                                                        \
            CALL;                                                                                  \
        }                                                                                          \
    } while (0)

/* The block from row 'first' on x 'panel_n' panels, 4, 2 or 1; gg is NULL for gemm_q8.  Meanwhile as
 * much is fetched from 'w_next' on as these panels take in 4 bits: low-bit weights come a few panels a
 * call. */
GEMM_INLINE void block_panels(const struct rlv_gemm_q8 *g, const struct rlv_gemm_q8g *gg,
                              const struct blocks *b, size_t first, size_t panel,
                              size_t panel_n, const void *w_next)
{
    _Alignas(64) int32_t sums[4][SUMS];
    _Alignas(64) float y[4][SUMS];
    size_t len = g->k, group = 0, tile_n = b->tile_n * panel_n;
    size_t next_row = panel_n * RLV_KERNEL_PANEL / 2; /* bytes of an input channel */
    struct gemm_step next = {.fetch_n = w_next != NULL ? b->step * next_row / 64 : 0};

    if (gg != NULL) {
        memset(y, 0, tile_n * sizeof(y[0]));
    }
    for (size_t k = 0; k < g->k; k += len, group++) {
        if (gg != NULL) {
            len = gemm_min(gg->group, g->k - k);
        }
        next.fetch = (uintptr_t)w_next + k * next_row;
        dot(g, b, first, panel, panel_n, k, len, next, sums);
        for (size_t i = 0; i < tile_n; i++) {
            size_t row = first + i / panel_n * b->apart, p = panel + i % panel_n;

            if (gg == NULL) {
                EACH_ROWS(b->tile_rows, rows_q8(g, row + r, p, R, &sums[i][r * RLV_KERNEL_PANEL]));
            } else {
                const float *scale = g->w_scale + p * group_stride(gg) + group * RLV_KERNEL_PANEL;
                EACH_ROWS(b->tile_rows, rows_group(gg, scale, R, &sums[i][r * RLV_KERNEL_PANEL],
                                                   &y[i][r * RLV_KERNEL_PANEL]));
            }
        }
    }
    for (size_t i = 0; gg != NULL && i < tile_n; i++) {
        size_t row = first + i / panel_n * b->apart, p = panel + i % panel_n;

        EACH_ROWS(b->tile_rows, rows_q8g(gg, row + r, p, R, &y[i][r * RLV_KERNEL_PANEL]));
    }
}

GEMM_INLINE void run(const struct rlv_gemm_q8 *g, const struct rlv_gemm_q8g *gg, size_t first,
                     size_t panel_n)
{
    struct blocks b = cut(g->rows, g->k, gg != NULL ? gg->group : 0);
    size_t part = AMX_WEIGHTS / (g->k * RLV_KERNEL_PANEL) / 4 * 4 + 4; /* panels at a time */

    configure(&b);
    for (size_t done = 0; done < panel_n; done += part) {
        size_t end = first + gemm_min(done + part, panel_n);

        for (size_t i = 0; i < b.n; i++) {
            size_t row = gemm_min(i * b.rows, g->rows - b.rows), panel = first + done;

            while (panel < end) {
                size_t n = b.tile_n == 1 && end - panel >= 4 ? 4 : end - panel >= 2 ? 2 : 1;
                int last = i == 0 && panel + n == first + panel_n;
                block_panels(g, gg, &b, row, panel, n, last ? g->w_next : NULL);
                panel += n;
            }
        }
    }
    tile_release();
}

void rlv_gemm_q8_amx(const struct rlv_gemm_q8 *g, size_t panel_first, size_t panel_n)
{
    if (g->rows < AMX_ROWS) {
        rlv_gemm_q8_avx512vnni(g, panel_first, panel_n);
    } else {
        run(g, NULL, panel_first, panel_n);
    }
}

void rlv_gemm_q8g_amx(const struct rlv_gemm_q8g *gg, size_t panel_first, size_t panel_n)
{
    if (gg->base.rows < AMX_ROWS || gg->group < AMX_GROUP) {
        rlv_gemm_q8g_avx512vnni(gg, panel_first, panel_n);
    } else {
        run(&gg->base, gg, panel_first, panel_n);
    }
}
