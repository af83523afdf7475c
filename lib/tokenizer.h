/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokenizer.h - WordPiece over a vocabulary that lies in a model file; see tokenizer.c.
 */
#ifndef RLV_TOKENIZER_H
#define RLV_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "format.h"

/* Most slots of the hash table in use side by side: bounds one look-up, and so the time per byte of
 * text, whatever the file holds.  Real vocabularies stay below 100 at the load that format.h asks.
 * */
#define RLV_MAX_PROBES 1024u

/* A view of a validated vocabulary section; immutable, any number of threads. */
struct rlv_vocab {
    const struct rlv_vocab_slot *slots;
    uint32_t slot_n;         /* a power of two */
    const uint32_t *offsets; /* [token_n + 1] */
    uint32_t token_n;
    uint32_t max_token_len;
    const uint8_t *blob;
    uint32_t flags; /* of enum rlv_config_flags */
    uint32_t pad_id, unk_id, cls_id, sep_id, mask_id;
};

/*
 * rlv_vocab_open() - check a vocabulary section and make a view of it.
 *
 * 'section'  'len' bytes, 8-byte aligned.  Nothing in it is trusted: offsets ascend and end at the
 *            blob's end, every slot's id is in range or empty, no more than RLV_MAX_PROBES slots in
 *            a row are used, and so at least one is empty.
 * Sets everything but flags and the special ids.
 * Returns NULL, or what is wrong (a static string) and in *position the byte offset in the section.
 */
const char *rlv_vocab_open(struct rlv_vocab *vocab, const void *section, uint64_t len,
                           uint64_t *position);

/* Id of the token with these bytes, or -1. */
int32_t rlv_vocab_find(const struct rlv_vocab *vocab, const uint8_t *bytes, size_t len);

/*
 * rlv_wordpiece() - the token ids of one text, without [CLS] and [SEP].
 *
 * 'text'      UTF-8, 'len' bytes; invalid sequences count as U+FFFD, one for each maximal subpart
 *             (Unicode 15, section 3.9), as the reference does when it decodes leniently.
 * 'parse_special'  0: "[SEP]" and the like are ordinary text; 1: they become the control token.
 * 'ids'       [cap]; receives the first 'cap' ids.
 *
 * Returns the number of tokens of the whole text, which may exceed 'cap'.  Time is linear in 'len',
 * memory is a small fixed buffer on the stack.
 */
size_t rlv_wordpiece(const struct rlv_vocab *vocab, const char *text, size_t len, int parse_special,
                     int32_t *ids, size_t cap);

/* Where a token comes from. */
struct rlv_origin {
    size_t begin, end; /* bytes [begin, end) of the text */
    uint32_t inside;   /* 1: not the first token of its word */
};

/*
 * rlv_wordpiece_origins() - the same, with where each token comes from.
 *
 * 'origins'  [cap].  A token's bytes are those of the scalar values whose normalised characters it
 *            holds, and of the accents dropped after them; an [UNK]'s are its whole word's.
 */
size_t rlv_wordpiece_origins(const struct rlv_vocab *vocab, const char *text, size_t len,
                             int parse_special, int32_t *ids, struct rlv_origin *origins,
                             size_t cap);

/*
 * rlv_fold() - a text in lower case and without accents, as comparisons want it.
 *
 * 'marks'  1: each punctuation mark is a word of its own, as in tokens; 0: it only separates words.
 * 'out'    [cap] scalar values; words are separated by one space.  Words of more than 100 characters,
 *          which mean nothing, become one U+FFFD.
 *
 * Further than the tokenizer goes, letters with a stroke and ligatures are spelt out (d for U+0111, ss for
 * U+00DF) and the wide forms of ASCII made narrow.
 * Returns the number of scalars of the whole text, which may exceed 'cap'.
 */
size_t rlv_fold(const char *text, size_t len, int marks, uint32_t *out, size_t cap);

/* 1 where the bytes are well-formed UTF-8 without surrogates (Unicode 15, table 3-7), else 0. */
int rlv_utf8_valid(const char *text, size_t len);

/*
 * rlv_truncate_pair() - "longest first" in closed form: how many tokens of each text are kept so
 * that kept_a + kept_b <= budget.  See docs/tokenizer.md for the derivation.
 */
void rlv_truncate_pair(size_t a_n, size_t b_n, size_t budget, size_t *kept_a, size_t *kept_b);

#endif /* RLV_TOKENIZER_H */
