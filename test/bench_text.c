/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_text.c - how long a text takes by its length: the curve that docs/testing.md shows.
 *
 *     make build/bench_text && build/bench_text data/default.rlv [LONGEST_LENGTH]
 *
 * One line a length, one column a kind of text; each cell is the tokenizer's nanoseconds a byte, the
 * best of several runs.  A column that grows downwards is a text whose time is not linear.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <relevance.h>

static const struct {
    const char *name, *unit;
} kinds[] = {{"words", "red running shoes, size 10 "},
             {"one word", "a"},
             {"one word, accents", "\xc3\x89"},
             {"marks dropped", "\xcc\x81"},
             {"marks kept", "\xe3\x80\xaf\xe3\x80\xae"}, /* U+302F U+302E: out of order */
             {"CJK", "\xe9\x9d\xb4"},
             {"invalid", "\xff"},
             {"[SEP]", "[SEP]"},
             {"spaces", " "}};
#define KIND_N (sizeof kinds / sizeof kinds[0])

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double best_ns_a_byte(relevance_context *ctx, const char *text, size_t len)
{
    static int32_t ids[1 << 15];
    double best = 1e9, start = seconds(), from;
    for (int runs = 0; runs < 3 || (runs < 1000 && seconds() - start < 0.05); runs++) {
        struct relevance_tokens t = {.ids = ids, .cap = sizeof ids / sizeof ids[0]};
        from = seconds();
        if (relevance_tokenize(ctx, text, len, NULL, 0, &t) != RELEVANCE_OK)
            exit(2);
        from = (seconds() - from) * 1e9 / (double)len;
        best = from < best ? from : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    size_t longest = argc > 2 ? strtoul(argv[2], NULL, 10) : 1 << 24;
    struct relevance_error error;
    relevance_model *model = NULL;
    relevance_context *ctx = NULL;
    char *text = malloc(longest);
    if (argc < 2 || text == NULL) {
        fprintf(stderr, "usage: bench_text MODEL.rlv [LONGEST_LENGTH]\n");
        return 2;
    }
    if (relevance_open(argv[1], NULL, &model, &error) != RELEVANCE_OK ||
        relevance_context_create(model, NULL, &ctx, &error) != RELEVANCE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    printf("%10s", "bytes");
    for (size_t k = 0; k < KIND_N; k++)
        printf(" | %s", kinds[k].name);
    printf("\n");
    for (size_t len = 1 << 10; len <= longest; len *= 4) {
        printf("%10zu", len);
        for (size_t k = 0; k < KIND_N; k++) {
            size_t unit = strlen(kinds[k].unit);
            for (size_t i = 0; i < len; i++)
                text[i] = kinds[k].unit[i % unit];
            printf(" | %*.2f", (int)strlen(kinds[k].name), best_ns_a_byte(ctx, text, len));
        }
        printf("\n");
    }
    free(text);
    relevance_context_destroy(ctx);
    relevance_close(model);
    return 0;
}
