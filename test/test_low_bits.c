/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_low_bits.c - weights of 6, 5, 4 and 3 bits give the bits that the same weights give as 8 bits.
 *
 * Integer sums are exact and the float steps the same, so two files that hold the same integers in
 * different formats must agree in every bit: which checks unpacking, tiles and groups of scales,
 * with sizes that are no multiples of anything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <relevance.h>

#include "support/damage.h"
#include "support/micro.h"
#include "support/rlv_peek.h"
#include "support/tiny.h"

#define HIDDEN 136 /* 3 * 136 = 25.5 panels: tiles of 4 panels, the last one short */

/* The sections of a file made by micro_build(). */
static struct peek view(uint8_t *file, size_t len)
{
    const struct rlv_section *s = (const void *)(file + sizeof(struct rlv_file_header));
    struct peek p = {.bytes = file, .len = len};
    for (; s->kind != RLV_SECTION_META; s++) {
        if (s->kind == RLV_SECTION_TENSORS) {
            p.tensors = (const void *)(file + s->offset);
            p.tensor_n = s->len / sizeof(struct rlv_tensor);
        } else if (s->kind == RLV_SECTION_DATA) {
            p.data = file + s->offset;
        }
    }
    return p;
}

/* The weights of 'from' in the layout of an 8-bit panel (docs/format.md, section 6). */
static void put_q8(const struct peek *from, const struct rlv_tensor *f, uint8_t *to)
{
    uint32_t k32 = (f->cols + 31) / 32 * 32, n16 = (f->rows + 15) / 16 * 16;
    for (uint32_t n = 0; n < n16; n++)
        for (uint32_t k = 0; k < k32; k++)
            to[(((size_t)(n / 16) * (k32 / 4) + k / 4) * 16 + n % 16) * 4 + k % 4] =
                (uint8_t)peek_int(from, f, n, k);
}

/* micro_build() invents the sums of weights, but the Arm kernels compute with a - 128 and need true ones. */
static void put_sums(uint8_t *file, size_t len)
{
    struct peek p = view(file, len);
    for (size_t i = 0; i + 1 < p.tensor_n; i++) {
        const struct rlv_tensor *w = &p.tensors[i], *t = w;
        if (w->slot != RLV_SLOT_WEIGHT || w->layout != RLV_LAYOUT_PANEL || w->group != 0 ||
            rlv_dtype_bits(w->dtype) == 0)
            continue;
        while (t->slot != RLV_SLOT_SUM || t->part != w->part || t->layer != w->layer)
            t++;
        int32_t *sum = (int32_t *)(void *)(file + (p.data - p.bytes) + t->offset);
        for (uint32_t n = 0; n < w->rows; n++) {
            sum[n] = 0;
            for (uint32_t k = 0; k < (w->cols + 31) / 32 * 32; k++)
                sum[n] += peek_int(&p, w, n, k);
        }
    }
    damage_repair(file, len);
}

static void copy_weights(uint8_t *low_file, size_t low_len, uint8_t *q8_file, size_t q8_len)
{
    struct peek low = view(low_file, low_len), q8 = view(q8_file, q8_len);
    assert_int_equal(low.tensor_n, q8.tensor_n);
    for (size_t i = 0; i < low.tensor_n; i++) {
        const struct rlv_tensor *f = &low.tensors[i], *t = &q8.tensors[i];
        uint8_t *to = q8_file + (q8.data - q8.bytes) + t->offset;
        assert_true(f->part == t->part && f->slot == t->slot && f->rows == t->rows &&
                    f->cols == t->cols && f->group == t->group);
        if (f->dtype == t->dtype)
            memcpy(to, low.data + f->offset, (size_t)f->len);
        else
            put_q8(&low, f, to);
    }
    damage_repair(q8_file, q8_len);
}

#define WIDTH (16 * HIDDEN)

static size_t encode(const uint8_t *file, size_t len, enum relevance_isa isa, uint32_t threads,
                     float *hidden)
{
    struct relevance_context_options o = {.size = sizeof o, .isa = isa, .threads = threads};
    relevance_model *model = NULL;
    relevance_context *ctx;
    struct relevance_error error;
    size_t rows = 0;
    if (relevance_open_memory(file, len, NULL, &model, &error) != RELEVANCE_OK)
        fail_msg("%s", error.message);
    ctx = tiny_context(model, &o);
    assert_int_equal(
        relevance_encode(ctx, "red running shoes", 17, "a shoe", 6, hidden, WIDTH, &rows),
        RELEVANCE_OK);
    relevance_context_destroy(ctx);
    relevance_close(model);
    return rows;
}

static void check_pair(unsigned dtype, uint32_t group)
{
    struct micro low = {.name = "low", .arch = RLV_ARCH_DISTILBERT, .dtype = dtype,
                        .table_dtype = RLV_DTYPE_F32, .group = group, .outlier_n = 2,
                        .input_scale = 1, .hidden = HIDDEN, .heads = 17, .layers = 1,
                        .inner = 200, .positions = 16};
    struct micro q8 = low;
    size_t low_len, q8_len, rows;
    uint8_t *low_file, *q8_file;
    static float expected[WIDTH], got[WIDTH];
    q8.dtype = RLV_DTYPE_Q8;
    low_file = micro_build(&low, &low_len);
    q8_file = micro_build(&q8, &q8_len);
    put_sums(low_file, low_len);
    copy_weights(low_file, low_len, q8_file, q8_len);
    rows = encode(q8_file, q8_len, RELEVANCE_ISA_SCALAR, 1, expected);
    assert_true(rows > 4);
    for (int isa = RELEVANCE_ISA_SCALAR; isa <= RELEVANCE_ISA_AMX; isa++)
        for (uint32_t threads = 1; threads <= 3; threads++) {
            if (!relevance_isa_supported((enum relevance_isa)isa))
                continue;
            memset(got, 0, sizeof got);
            assert_int_equal(
                encode(low_file, low_len, (enum relevance_isa)isa, threads, got), rows);
            if (memcmp(got, expected, rows * HIDDEN * sizeof *got) != 0)
                fail_msg("dtype %u, groups of %u, %s, %u threads: other bits than 8 bits",
                         dtype, group, relevance_isa_name((enum relevance_isa)isa), threads);
        }
    free(low_file);
    free(q8_file);
}

static void same_bits_as_8_bits(void **state)
{
    static const unsigned dtypes[] = {RLV_DTYPE_Q6, RLV_DTYPE_Q5, RLV_DTYPE_Q4, RLV_DTYPE_Q3};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (uint32_t group = 0; group <= 96; group += 32)
            check_pair(dtypes[i], group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bits_as_8_bits)};
    return cmocka_run_group_tests_name("low_bits", tests, NULL, NULL);
}
