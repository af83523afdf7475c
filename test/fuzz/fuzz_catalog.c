/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_catalog.c - catalogues, and texts that are looked up in them or read as quantities.
 *
 * The byte 0x1e divides the input into the catalogue's file and the text.
 */
#include "fuzz.h"

#include <string.h>

#include "internal.h"
#include "support/counting.h"

#define DIVIDER 0x1e

static void check_match(const relevance_catalog *catalog, const char *text, size_t len)
{
    struct relevance_match m, again;
    FUZZ_CHECK(relevance_catalog_match(catalog, text, len, &m) == RELEVANCE_OK &&
                   relevance_catalog_match(catalog, text, len, &again) == RELEVANCE_OK,
               "match: status");
    FUZZ_CHECK(m.name == again.name && m.alias == again.alias && m.score == again.score &&
                   m.distance == again.distance,
               "the same text matches another product the second time");
    FUZZ_CHECK(m.score >= 0.0f && m.score <= 1.0f, "a score out of range");
    if (m.name == NULL) {
        FUZZ_CHECK(m.alias == NULL && m.product == 0 && m.distance == 0 && m.score == 0.0f,
                   "no match, but parts of one");
        return;
    }
    FUZZ_CHECK(m.product < relevance_catalog_size(catalog) && m.alias != NULL && m.score > 0.0f &&
                   m.name == relevance_catalog_name(catalog, m.product),
               "a match that is none");
    fuzz_read(m.alias, strlen(m.alias));
}

/* Each name means its own product, and nothing but that. */
static void check_names(const relevance_catalog *catalog)
{
    uint32_t n = relevance_catalog_size(catalog);
    FUZZ_CHECK(n > 0 && relevance_catalog_name(catalog, n) == NULL, "size");
    for (uint32_t i = 0; i < n; i++) {
        const char *name = relevance_catalog_name(catalog, i);
        struct relevance_match m;
        FUZZ_CHECK(relevance_catalog_match(catalog, name, strlen(name), &m) == RELEVANCE_OK,
                   "match: status");
        FUZZ_CHECK(m.product == i && m.name == name && m.score == 1.0f && m.distance == 0,
                   "a name does not match its own product");
    }
}

static void check_quantity(const char *text, size_t len)
{
    uint32_t quantity = 0;
    enum relevance_quantity_kind kind = rlv_parse_quantity(text, len, &quantity);
    FUZZ_CHECK(quantity >= 1 && quantity <= RELEVANCE_MAX_QUANTITY &&
                   (unsigned)kind <= RELEVANCE_QUANTITY_OUT_OF_RANGE,
               "a quantity out of range");
    FUZZ_CHECK(kind == RELEVANCE_QUANTITY_STATED || quantity == 1, "a quantity from nowhere");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size != 0 ? memchr(data, DIVIDER, size) : NULL;
    size_t len = end != NULL ? (size_t)(end - data) : size;
    struct relevance_catalog_options o = {.size = sizeof o};
    struct relevance_error error = {.message = ""};
    relevance_catalog *catalog = NULL, *mapped = NULL;
    struct counting memory;
    enum relevance_status status;
    char path[64], *exact = malloc(len != 0 ? len : 1);
    FUZZ_CHECK(exact != NULL, "no memory");
    if (len != 0)
        memcpy(exact, data, len);
    counting_init(&memory);
    o.allocator = &memory.allocator;
    status = relevance_catalog_open_memory(exact, len, &o, &catalog, &error);
    memset(exact, 0xff, len); /* it is copied */
    free(exact);
    if (end != NULL)
        check_quantity((const char *)end + 1, size - len - 1);
    if (status == RELEVANCE_OK) {
        check_names(catalog);
        if (end != NULL)
            check_match(catalog, (const char *)end + 1, size - len - 1);
        FUZZ_CHECK(memory.peak_len <= 4096 + 64 * len, "more memory than the file's size explains");
    } else {
        FUZZ_CHECK(status == RELEVANCE_BAD_CATALOG && error.message[0] != '\0' &&
                       error.position <= len,
                   "no message or position");
    }
    relevance_catalog_close(catalog);
    FUZZ_CHECK(memory.live == 0 && !memory.wrong, "memory is not given back");
    snprintf(path, sizeof path, "%s/c.tsv", fuzz_folder());
    fuzz_put("c.tsv", len != 0 ? data : NULL, len);
    FUZZ_CHECK(relevance_catalog_open(path, NULL, &mapped, NULL) ==
                   (len != 0 ? status : RELEVANCE_IO),
               "from a file another status than from memory");
    relevance_catalog_close(mapped);
    return 0;
}
