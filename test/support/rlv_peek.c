/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_peek.c - see rlv_peek.h.
 */
#include "rlv_peek.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void peek_open(struct peek *p, const char *path)
{
    const struct rlv_file_header *h;
    FILE *f = fopen(path, "rb");

    memset(p, 0, sizeof *p);
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        abort();
    }
    p->len = (size_t)ftell(f);
    rewind(f);
    p->bytes = malloc(p->len + 64);
    if (p->bytes == NULL || fread(p->bytes, 1, p->len, f) != p->len)
        abort();
    fclose(f);
    h = (const void *)p->bytes;
    for (uint32_t i = 0; i < h->section_n; i++) {
        const struct rlv_section *s = (const void *)(p->bytes + h->table_offset);
        p->sections[s[i].kind] = &s[i];
    }
    p->config = (const void *)(p->bytes + p->sections[RLV_SECTION_CONFIG]->offset);
    p->tensors = (const void *)(p->bytes + p->sections[RLV_SECTION_TENSORS]->offset);
    p->tensor_n = p->sections[RLV_SECTION_TENSORS]->len / 64;
    p->data = p->bytes + p->sections[RLV_SECTION_DATA]->offset;
}

void peek_close(struct peek *p) { free(p->bytes); }

const struct rlv_tensor *peek_find(const struct peek *p, unsigned layer, unsigned part,
                                   unsigned slot)
{
    for (size_t i = 0; i < p->tensor_n; i++)
        if (p->tensors[i].layer == layer && p->tensors[i].part == part &&
            p->tensors[i].slot == slot)
            return &p->tensors[i];
    return NULL;
}

static float half_value(uint16_t h)
{
    float m = (float)(h & 1023), sign = h & 0x8000 ? -1.0f : 1.0f;
    int e = h >> 10 & 31;

    return e == 0 ? sign * ldexpf(m, -24) : sign * ldexpf(m + 1024.0f, e - 25);
}

static uint32_t up(uint32_t n, uint32_t to) { return (n + to - 1) / to * to; }

float peek_float(const struct peek *p, const struct rlv_tensor *t, uint32_t i, uint32_t j)
{
    uint32_t k32 = up(t->cols, 32), len = t->dtype == RLV_DTYPE_F16 ? 2 : 4;
    size_t at;
    uint16_t h;
    float x;

    if (t->layout == RLV_LAYOUT_VECTOR)
        at = i;
    else if (t->layout == RLV_LAYOUT_PANEL)
        at = ((size_t)(i / 16) * k32 + j) * 16 + i % 16;
    else
        at = (size_t)i * (up(k32 * len, 64) / len) + j;
    if (len == 2) {
        memcpy(&h, p->data + t->offset + at * 2, 2);
        return half_value(h);
    }
    memcpy(&x, p->data + t->offset + at * 4, 4);
    return x;
}

/* Bits [shift, shift + n) of the byte. */
static int field(const uint8_t *byte, unsigned shift, unsigned n)
{
    return *byte >> shift & ((1 << n) - 1);
}

/* Group g (0..7) and element e (0..63) of a panel block. */
static int panel_unsigned(const uint8_t *block, unsigned bits, unsigned g, unsigned e)
{
    int low;

    switch (bits) {
    case 6:
        low = field(block + 64 * (g / 2) + e, g % 2 * 4, 4);
        return low | field(block + 256 + 64 * (g / 4) + e, g % 4 * 2, 2) << 4;
    case 5:
        low = field(block + 64 * (g / 2) + e, g % 2 * 4, 4);
        return low | field(block + 256 + e, g, 1) << 4;
    case 4: return field(block + 64 * (g / 2) + e, g % 2 * 4, 4);
    default:
        low = field(block + 64 * (g / 4) + e, g % 4 * 2, 2);
        return low | field(block + 128 + e, g, 1) << 2;
    }
}

/* Element e (0..31) of a row block. */
static int row_unsigned(const uint8_t *block, unsigned bits, unsigned e)
{
    switch (bits) {
    case 6:
        return field(block + e % 16, e / 16 * 4, 4) |
               field(block + 16 + e % 8, e / 8 * 2, 2) << 4;
    case 5: return field(block + e % 16, e / 16 * 4, 4) | field(block + 16 + e / 8, e % 8, 1) << 4;
    case 4: return field(block + e % 16, e / 16 * 4, 4);
    default: return field(block + e % 8, e / 8 * 2, 2) | field(block + 8 + e / 8, e % 8, 1) << 2;
    }
}

int32_t peek_int(const struct peek *p, const struct rlv_tensor *t, uint32_t i, uint32_t j)
{
    const uint8_t *base = p->data + t->offset;
    unsigned bits = t->dtype == RLV_DTYPE_Q8 ? 8 : t->dtype - 16u;
    uint32_t k32 = up(t->cols, 32);
    int32_t x;

    if (t->layout == RLV_LAYOUT_VECTOR) {
        memcpy(&x, base + (size_t)i * 4, 4);
        return x;
    }
    if (t->layout == RLV_LAYOUT_ROWS) {
        base += (size_t)i * up(k32 * bits / 8, 64);
        if (bits == 8)
            return (int8_t)base[j];
        return row_unsigned(base + j / 32 * (bits * 4), bits, j % 32) - (1 << (bits - 1));
    }
    if (bits == 8)
        return (int8_t)base[(((size_t)(i / 16) * (k32 / 4) + j / 4) * 16 + i % 16) * 4 + j % 4];
    base += ((size_t)(i / 16) * (k32 / 32) + j / 32) * (64 * bits);
    return panel_unsigned(base, bits, j % 32 / 4, i % 16 * 4 + j % 4) - (1 << (bits - 1));
}

float peek_scale(const struct peek *p, unsigned layer, unsigned part, uint32_t i, uint32_t j)
{
    const struct rlv_tensor *w = peek_find(p, layer, part, RLV_SLOT_WEIGHT);
    const struct rlv_tensor *s = peek_find(p, layer, part, RLV_SLOT_SCALE);
    uint32_t group_n;

    if (w->group == 0)
        return peek_float(p, s, i, 0);
    group_n = (up(w->cols, 32) + w->group - 1) / w->group;
    if (w->layout == RLV_LAYOUT_ROWS)
        return peek_float(p, s, i * group_n + j / w->group, 0);
    return peek_float(p, s, (i / 16 * group_n + j / w->group) * 16 + i % 16, 0);
}

float peek_weight(const struct peek *p, unsigned layer, unsigned part, uint32_t i, uint32_t j)
{
    const struct rlv_tensor *w = peek_find(p, layer, part, RLV_SLOT_WEIGHT);
    const struct rlv_tensor *in = peek_find(p, layer, part, RLV_SLOT_INPUT_SCALE);
    const struct rlv_tensor *index = peek_find(p, layer, part, RLV_SLOT_OUTLIER_INDEX);
    const struct rlv_tensor *outlier = peek_find(p, layer, part, RLV_SLOT_OUTLIER_WEIGHT);

    if (w->dtype == RLV_DTYPE_F32 || w->dtype == RLV_DTYPE_F16)
        return peek_float(p, w, i, j);
    for (uint32_t o = 0; index != NULL && o < index->rows; o++)
        if ((uint32_t)peek_int(p, index, o, 0) == j)
            return peek_float(p, outlier, o, i);
    return (float)peek_int(p, w, i, j) * peek_scale(p, layer, part, i, j) *
           (in != NULL ? peek_float(p, in, j, 0) : 1.0f);
}
