/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wordpiece.c - the tokenizer against the slow one of support/slow_wordpiece.c, on random texts
 * that are made to reach every rule; test/fuzz/fuzz_tokenizer.c does the same with texts that libFuzzer
 * finds.  Run in the repository's root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/compare_wordpiece.h"
#include "support/random.h"

/* Pieces that the rules treat in different ways. */
static const char *const pieces[] = {
    "shoe", "running", "A", "z", "9", " ", " ", "\t", ".", "-", "'", "[SEP]", "[MASK]", "[CLS", "]",
    "\xc3\xa9", "\xc3\x89", "\xc4\xb0" /* I with dot: two characters in lower case */,
    "\xcc\x81", "\xcc\xa7", "\xcd\x8f" /* U+034F: a mark of class 0 */, "\xe3\x80\xae", "\xe3\x80\xad",
    "\xf0\x9d\x85\xa5", "\xed\x95\x9c" /* Hangul */, "\xea\xb0\x80", "\xe4\xb8\xad", "\xe5\x9b\xbd",
    "\xe3\x82\xab", "\xe3\x83\x9d", "\xf0\xab\xa4\xa0" /* U+2B920 */, "\xe2\x80\x8b", "\xc2\xa0",
    "\xe2\x80\xa8", "\xe2\x80\x94", "\xef\xbf\xbd", "\xf0\x9f\x91\x9f", "\xef\xac\x81", "\xef\xb7\xba",
    "\xe1\xbe\x82", "\xce\xa3", "\xd0\xab", "\x80", "\xff", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90",
    "\xc0\x80", "\xf0\x9f", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "\xe3\x80\xae\xe3\x80\xae\xe3\x80\xae"};

static size_t random_text(struct rng *rng, char *text, size_t cap)
{
    size_t used = 0, piece_n = rng_below(rng, 60);
    while (piece_n-- > 0) {
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof pieces[0])];
        size_t len = strlen(piece);
        char random[4];
        if (rng_below(rng, 8) == 0) { /* any scalar, or any bytes */
            uint32_t r = (uint32_t)rng_u64(rng);
            memcpy(random, &r, 4);
            piece = random;
            len = 1 + rng_below(rng, 4);
        }
        if (used + len > cap)
            break;
        memcpy(text + used, piece, len);
        used += len;
    }
    return used;
}

static void same_as_the_slow_one(void **state)
{
    struct compare_wordpiece c;
    struct rng rng;
    char text[2048];
    (void)state;
    rng_seed(&rng, "test_wordpiece");
    compare_open(&c);
    for (int i = 0; i < 20000; i++) {
        size_t len = random_text(&rng, text, sizeof text);
        const char *wrong = compare_wordpiece(&c, (const uint8_t *)text, len,
                                              (unsigned)rng_below(&rng, 32), rng_below(&rng, 40));
        if (wrong != NULL)
            fail_msg("text %d: %s", i, wrong);
    }
    compare_close(&c);
}

/* Runs of marks about as long as the buffers, in and out of order. */
static void long_runs_of_marks(void **state)
{
    struct compare_wordpiece c;
    (void)state;
    compare_open(&c);
    for (size_t n = 90; n < 110; n++)
        for (unsigned mode = 0; mode < 32; mode++)
            for (int kind = 0; kind < 3; kind++) {
                char text[512] = "a";
                size_t len = 1;
                for (size_t i = 0; i < n; i++) {
                    memcpy(text + len, kind == 0 ? "\xe3\x80\xae" : &"\xe3\x80\xae\xe3\x80\xad"[3 * (i % 2)],
                           3);
                    len += 3;
                }
                if (kind == 2)
                    text[len++] = 'b';
                const char *wrong =
                    compare_wordpiece(&c, (const uint8_t *)text, len, mode, 1 + n % 7);
                if (wrong != NULL)
                    fail_msg("%zu marks: %s", n, wrong);
            }
    compare_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_the_slow_one),
        cmocka_unit_test(long_runs_of_marks),
    };
    return cmocka_run_group_tests_name("wordpiece", tests, NULL, NULL);
}
