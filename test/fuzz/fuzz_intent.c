/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_intent.c - catalogues, look-ups in them, and quantities.
 *
 * The byte 0x1e divides the input into the catalogue and the text.
 */
#include "fuzz.h"

#include <string.h>

#include "internal.h"

#define DIVIDER 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *divider = size > 0 ? memchr(data, DIVIDER, size) : NULL;
    size_t len = divider != NULL ? (size_t)(divider - data) : size;
    const char *text = divider != NULL ? (const char *)divider + 1 : "";
    size_t text_len = divider != NULL ? size - len - 1 : 0;
    relevance_catalog *catalog = NULL;
    struct relevance_error error;
    struct relevance_match m;
    uint32_t quantity = 0;

    enum relevance_quantity_kind kind = rlv_parse_quantity(text, text_len, &quantity);
    FUZZ_CHECK(quantity >= 1 && quantity <= RELEVANCE_MAX_QUANTITY, "quantity out of range");
    FUZZ_CHECK(kind == RELEVANCE_QUANTITY_STATED || quantity == 1, "a quantity without a number");
    if (relevance_catalog_open_memory(data, len, NULL, &catalog, &error) != RELEVANCE_OK) {
        FUZZ_CHECK(error.status == RELEVANCE_BAD_CATALOG && error.position <= len && catalog == NULL,
                   "the error of a catalogue");
        return 0;
    }
    relevance_catalog_match(catalog, text, text_len, &m);
    FUZZ_CHECK(m.name != NULL ? m.score > 0.0f && m.score <= 1.0f &&
                                    m.product < relevance_catalog_size(catalog)
                              : m.score == 0.0f,
               "a match out of range");
    for (uint32_t i = 0; i < relevance_catalog_size(catalog) && i < 8; i++) {
        const char *name = relevance_catalog_name(catalog, i);
        relevance_catalog_match(catalog, name, strlen(name), &m);
        FUZZ_CHECK(m.name == name && m.distance == 0 && m.score == 1.0f, "a name is not found");
    }
    relevance_catalog_close(catalog);
    return 0;
}
