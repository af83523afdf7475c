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
#include "support/random_text.h"

static void same_as_the_slow_one(void **state)
{
    struct compare_wordpiece c;
    struct rng rng;
    char text[2048];
    (void)state;
    rng_seed(&rng, "test_wordpiece");
    compare_open(&c);
    for (int i = 0; i < 20000; i++) {
        size_t len = random_text(&rng, text, sizeof text, 60);
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
