/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_text.c - see random_text.h.
 */
#include "random_text.h"

#include <stdint.h>
#include <string.h>

/* Pieces that the rules treat in different ways. */
static const char *const pieces[] = {
    "shoe", "lip", "balm", "running", "Red", "A", "z", "9", "12", " ", " ", "\t", ".", "-", "'",
    "[SEP]", "[MASK]", "[CLS", "]", "caf\xc3\xa9", "cafe\xcc\x81", "\xc3\xa9", "\xc3\x89",
    "\xc4\xb0" /* I with dot: two characters in lower case */, "\xcc\x81", "\xcc\xa7",
    "\xcd\x8f" /* U+034F: a mark of class 0 */, "\xcd\xbe", "\xe2\x89\xa0", "\xe3\x80\xae", "\xe3\x80\xad",
    "\xf0\x9d\x85\xa5", "\xed\x95\x9c" /* Hangul */, "\xea\xb0\x80", "\xe4\xb8\xad", "\xe5\x9b\xbd",
    "\xe3\x82\xab", "\xe3\x83\x9d", "\xf0\xab\xa4\xa0" /* U+2B920 */, "\xe2\x80\x8b", "\xc2\xa0",
    "\xe2\x80\xa8", "\xe2\x80\x94", "\xef\xbf\xbd", "\xf0\x9f\x91\x9f", "\xef\xac\x81", "\xef\xb7\xba",
    "\xe1\xbe\x82", "\xce\xa3", "\xd0\xab", "\x80", "\xff", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90",
    "\xc0\x80", "\xf0\x9f", "" /* a NUL */, "\x01", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\xe3\x80\xae\xe3\x80\xae\xe3\x80\xae"};

size_t random_text(struct rng *rng, char *text, size_t cap, size_t piece_max)
{
    size_t used = 0;

    for (size_t n = rng_below(rng, piece_max); n > 0; n--) {
        const char *piece = pieces[rng_below(rng, sizeof pieces / sizeof pieces[0])];
        size_t len = piece[0] == '\0' ? 1 : strlen(piece);
        char random[4];
        if (rng_below(rng, 6) == 0) { /* any scalar, or any bytes */
            uint32_t r = (uint32_t)rng_u64(rng);
            memcpy(random, &r, sizeof random);
            piece = random;
            len = 1 + rng_below(rng, sizeof random);
        }
        if (used + len > cap)
            break;
        memcpy(text + used, piece, len);
        used += len;
    }
    return used;
}
