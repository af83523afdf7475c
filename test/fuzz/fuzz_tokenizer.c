/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tokenizer.c - any bytes as text: the invariants of support/compare_wordpiece.h.
 *
 * The first byte is the mode, the second says where the text is split; the rest is the text.
 */
#include "fuzz.h"

#include "support/compare_wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct compare_wordpiece c;
    static int opened;
    const char *wrong;
    if (!opened)
        compare_open(&c);
    opened = 1;
    if (size < 2)
        return 0;
    wrong = compare_wordpiece(&c, data + 2, size - 2, data[0], data[1]);
    FUZZ_CHECK(wrong == NULL, wrong);
    return 0;
}
