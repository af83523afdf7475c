/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.c - what test/install.sh builds against an installed library: labels a pair, and checks
 * that header and library are of one version.  usage: program MODEL
 */
#include <relevance.h>
#include <stdio.h>
#include <string.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define HEADER_VERSION                                                                             \
    TEXT(RELEVANCE_VERSION_MAJOR)                                                                  \
    "." TEXT(RELEVANCE_VERSION_MINOR) "." TEXT(RELEVANCE_VERSION_PATCH)

int main(int argc, char **argv)
{
    struct relevance_error error;
    relevance_model *model = NULL;
    relevance_context *ctx = NULL;
    struct relevance_result r;
    if (argc != 2 || strcmp(relevance_version(), HEADER_VERSION) != 0)
        return 2;
    if (relevance_open(argv[1], NULL, &model, &error) ||
        relevance_context_create(model, NULL, &ctx, &error))
        return fprintf(stderr, "%s\n", error.message), 2;
    if (relevance_classify(ctx, "dog leash", 9, "Reflective nylon dog leash", 26, &r))
        return 1;
    printf("%s %.6f\n", relevance_label(model, r.label), (double)r.probabilities[r.label]);
    relevance_context_destroy(ctx);
    relevance_close(model);
    return 0;
}
