/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amx_tiles.h - the tile instructions of Intel AMX, or their emulation (make SIMDE=1, since SIMDe
 * has none), by which gemm_q8_amx.c can be tested on any x86.
 *
 * A thread has eight tiles of up to 16 rows of 64 bytes.  Source: Intel SDM volume 1, chapter
 * "Programming with Intel AMX", and volume 2, TDPBUSD.
 */
#ifndef RLV_AMX_TILES_H
#define RLV_AMX_TILES_H

#include "x86_intrinsics.h"

#include <stddef.h>
#include <stdint.h>

#define TILE_N 8
#define TILE_BYTES 64 /* of a row */

/* What LDTILECFG reads, palette 1. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16]; /* of tiles 0 to 7 */
    uint8_t rows[16];
};

#if defined(RLV_SIMDE) && RLV_SIMDE

struct tile_state {
    struct tile_config config;
    uint8_t data[TILE_N][16][TILE_BYTES];
};
static _Thread_local struct tile_state tiles;

static inline void tile_configure(const struct tile_config *config)
{
    memset(&tiles, 0, sizeof tiles);
    tiles.config = *config;
}
static inline void tile_release(void) { memset(&tiles, 0, sizeof tiles); }
static inline void tile_zero(int t) { memset(tiles.data[t], 0, sizeof tiles.data[t]); }

static inline void tile_load(int t, const void *p, size_t stride)
{
    memset(tiles.data[t], 0, sizeof tiles.data[t]);
    for (size_t r = 0; r < tiles.config.rows[t]; r++)
        memcpy(tiles.data[t][r], (const uint8_t *)p + r * stride, tiles.config.row_bytes[t]);
}

static inline void tile_store(int t, void *p, size_t stride)
{
    for (size_t r = 0; r < tiles.config.rows[t]; r++)
        memcpy((uint8_t *)p + r * stride, tiles.data[t][r], tiles.config.row_bytes[t]);
}

static inline void tile_dpbusd(int sum, int a, int b)
{
    for (size_t r = 0; r < tiles.config.rows[sum]; r++) {
        int32_t row[TILE_BYTES / 4];
        memcpy(row, tiles.data[sum][r], sizeof row);
        for (size_t i = 0; i < tiles.config.row_bytes[a]; i++) {
            for (size_t c = 0; c < tiles.config.row_bytes[sum] / 4u; c++)
                row[c] += tiles.data[a][r][i] * (int8_t)tiles.data[b][i / 4][4 * c + i % 4];
        }
        memcpy(tiles.data[sum][r], row, sizeof row);
    }
}

#else

#define tile_configure(config) _tile_loadconfig(config)
#define tile_release() _tile_release()
#define tile_zero(t) _tile_zero(t)
#define tile_load(t, p, stride) _tile_loadd(t, p, stride)
#define tile_store(t, p, stride) _tile_stored(t, p, stride)
/* sum[r][c] += the sum over i of a[r][i] (u8) * b[i / 4][4 c + i % 4] (s8), modulo 2^32 */
#define tile_dpbusd(sum, a, b) _tile_dpbusd(sum, a, b)

#endif

#endif /* RLV_AMX_TILES_H */
