/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The progress bar's text: count, rate and time left, in windows of every width.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "progress.h"

static char text[256];

static const char *format(struct progress_state p, unsigned width)
{
    progress_format(text, sizeof text, &p, width);
    return text;
}

static void the_text(void **state)
{
    (void)state;
    struct progress_state half = {"classify", 500, 1000, 200, "pairs", 4.0};
    assert_string_equal(format(half, 100), "classify [###############               ]  50 % 200 pairs, "
                                           "50/s, 4 s left");
    half.seconds = 0.1; /* too early to say */
    assert_string_equal(format(half, 100), "classify [###############               ]  50 % 200 pairs");
    struct progress_state slow = {"rank", 1, 1000, 1, "products", 8.0};
    assert_string_equal(format(slow, 120), "rank [                              ]   0 % 1 products, "
                                           "0.1/s, 2 h 13 min left");
    struct progress_state minutes = {"rank", 25, 100, 25, "products", 40.5};
    assert_non_null(strstr(format(minutes, 120), ", 0.6/s, 2 min 02 s left"));
    struct progress_state bytes = {"converting", 3, 4, 0, NULL, 3.0};
    assert_non_null(strstr(format(bytes, 80), "]  75 %, 1 s left"));
    struct progress_state unknown = {"classify", 77, 0, 5, "pairs", 1.0};
    assert_string_equal(format(unknown, 80), "classify 5 pairs, 5.0/s");
    struct progress_state nothing = {"tokenize", 77, 0, 0, NULL, 1.0};
    assert_string_equal(format(nothing, 80), "tokenize 77");
    struct progress_state over = {"eval", 11, 10, 0, NULL, 1.0}; /* a file that grew */
    assert_non_null(strstr(format(over, 80), "100 %, 0 s left"));
}

static void fits_every_window(void **state)
{
    (void)state;
    struct progress_state p = {"classify", 0, 1000000000, 0, "pairs", 100.0};
    for (unsigned width = 1; width <= 200; width++)
        for (p.done = 0; p.done <= p.total; p.done += p.total / 7) {
            p.count = p.done / 60;
            format(p, width);
            assert_true(strlen(text) < width);
            if (width >= 60) /* what matters most is there, and nothing is cut in its middle */
                assert_true(p.done == 0 || strcmp(text + strlen(text) - 5, " left") == 0);
            assert_int_equal(strncmp(text, "classify", strlen(text) < 8 ? strlen(text) : 8), 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text),
        cmocka_unit_test(fits_every_window),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
