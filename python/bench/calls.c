/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls.c - the C side of calls.py: times the same calls on the same texts.
 *
 * usage: calls MODEL PAIRS.tsv SINGLE BATCH     (lines "query TAB product", no header)
 *
 * Prints the seconds of each of SINGLE rounds of relevance_classify() pair by pair, then those of
 * BATCH rounds of relevance_classify_batch() of all pairs in one call.
 */
#include <relevance.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_PAIRS 100000

static struct relevance_pair pairs[MAX_PAIRS];
static struct relevance_result results[MAX_PAIRS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t read_pairs(const char *path)
{
    static char line[65536];
    FILE *f = fopen(path, "rb");
    size_t n = 0;
    while (f != NULL && n < MAX_PAIRS && fgets(line, sizeof line, f) != NULL) {
        char *text = strdup(line), *tab = text != NULL ? strchr(text, '\t') : NULL;
        if (tab == NULL)
            continue;
        pairs[n].query = (struct relevance_text){text, (size_t)(tab - text)};
        pairs[n].product = (struct relevance_text){tab + 1, strcspn(tab + 1, "\n")};
        n++;
    }
    if (f != NULL)
        fclose(f);
    return n;
}

int main(int argc, char **argv)
{
    struct relevance_error error;
    relevance_model *model = NULL;
    relevance_context *ctx = NULL;
    size_t n, single, batch;
    if (argc != 5)
        return fprintf(stderr, "usage: calls MODEL PAIRS.tsv SINGLE BATCH\n"), 2;
    n = read_pairs(argv[2]);
    single = strtoul(argv[3], NULL, 10);
    batch = strtoul(argv[4], NULL, 10);
    if (relevance_open(argv[1], NULL, &model, &error) != RELEVANCE_OK ||
        relevance_context_create(model, NULL, &ctx, &error) != RELEVANCE_OK)
        return fprintf(stderr, "%s\n", error.message), 2;
    relevance_classify_batch(ctx, pairs, n < 50 ? n : 50, results);
    for (size_t k = 0; k < single; k++) {
        double start = now();
        for (size_t i = 0; i < n; i++)
            relevance_classify(ctx, pairs[i].query.data, pairs[i].query.len, pairs[i].product.data,
                               pairs[i].product.len, &results[i]);
        printf("%.9f ", now() - start);
    }
    for (size_t k = 0; k < batch; k++) {
        double start = now();
        relevance_classify_batch(ctx, pairs, n, results);
        printf("%.9f ", now() - start);
    }
    puts("");
    relevance_context_destroy(ctx);
    relevance_close(model);
    return 0;
}
