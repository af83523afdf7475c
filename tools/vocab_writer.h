/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vocab_writer.h - builds the vocabulary section of a model file (lib/format.h) from a token list.
 */
#ifndef VOCAB_WRITER_H
#define VOCAB_WRITER_H

#include <stdint.h>

struct vocab_entry {
    const uint8_t *bytes; /* UTF-8, borrowed, need not end in NUL */
    uint32_t len;
};

/*
 * vocab_split() - cut the text of a vocab.txt into its tokens, one a line; the line is the id.
 *
 * 'text'    'len' bytes; the entries point into it.  Lines end in LF or CR LF; white space at a
 *           line's end is cut, an empty line is an empty token, the last line needs no line end.
 * 'tokens'  receives an array that the caller frees with free().
 *
 * Returns NULL, or what is wrong (a static string); outputs are then untouched.
 */
const char *vocab_split(const void *text, uint64_t len, struct vocab_entry **tokens, uint32_t *n);

/*
 * vocab_write() - the vocabulary section of 'n' tokens; the index of a token is its id.
 *
 * Of tokens with equal bytes the last one is found, as in the reference; each keeps its id.
 * 'section'  receives '*len' bytes that the caller frees with free().  The same tokens give the
 *            same bytes on any machine.
 *
 * Returns NULL, or what is wrong (a static string); outputs are then untouched.
 */
const char *vocab_write(const struct vocab_entry *tokens, uint32_t n, uint8_t **section,
                        uint64_t *len);

#endif /* VOCAB_WRITER_H */
