/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - decode one code point of text that may hold anything.
 */
#ifndef TOOL_UTF8_H
#define TOOL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decode the code point at s[0..len), len >= 1.  Returns the bytes it takes.  Invalid bytes give
 * U+FFFD and *valid = false; the bytes taken are then the "maximal subpart" of the Unicode
 * Standard, chapter 3.9, which is what browsers and Python replace as well.
 */
static inline size_t utf8_next(const char *s, size_t len, uint32_t *code, bool *valid)
{
    const unsigned char *p = (const unsigned char *)s;
    unsigned char low = 0x80, high = 0xBF; /* range of the second byte */
    size_t more, i;
    uint32_t c = p[0];
    *valid = true;
    if (c < 0x80) {
        *code = c;
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        more = 1;
        c &= 0x1F;
    } else if (c >= 0xE0 && c <= 0xEF) {
        more = 2;
        if (c == 0xE0)
            low = 0xA0; /* no overlong form */
        else if (c == 0xED)
            high = 0x9F; /* no surrogate */
        c &= 0x0F;
    } else if (c >= 0xF0 && c <= 0xF4) {
        more = 3;
        if (c == 0xF0)
            low = 0x90; /* no overlong form */
        else if (c == 0xF4)
            high = 0x8F; /* not beyond U+10FFFF */
        c &= 0x07;
    } else {
        more = 0;
        *valid = false;
    }
    for (i = 1; i <= more; i++) {
        if (i >= len || p[i] < low || p[i] > high) {
            *valid = false;
            break;
        }
        c = c << 6 | (p[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *code = *valid ? c : 0xFFFD;
    return i;
}

#endif /* TOOL_UTF8_H */
