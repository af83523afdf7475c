/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - aligned columns for people.
 */
#include "table.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "utf8.h"

struct table_cell {
    char *text;
    size_t len;
    unsigned width; /* terminal columns */
    bool bold;
};

/*
 * Terminal columns of a code point.  The ranges are those of East Asian Width W and F and of the
 * common combining blocks, rounded to whole blocks: a table may be a column off for rare scripts,
 * which is not worth the tables that exactness would take.
 */
static unsigned width_of(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36F) || (c >= 0x483 && c <= 0x489) || (c >= 0x591 && c <= 0x5BD) ||
        (c >= 0x610 && c <= 0x61A) || (c >= 0x64B && c <= 0x65F) || (c >= 0x200B && c <= 0x200F) ||
        (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF)
        return 0;
    if ((c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
        (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
        (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
        (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
        (c >= 0x20000 && c <= 0x3FFFD))
        return 2;
    return 1;
}

void table_text(struct table *t, const char *data, size_t len, unsigned width)
{
    struct table_cell *cell;
    size_t i = 0, kept = 0; /* kept: bytes that leave room for "..." */
    unsigned kept_width = 0;
    if (t->cell_n == t->cell_cap) {
        t->cell_cap = grown(t->cell_cap, t->cell_n + 1);
        t->cells = must_realloc(t->cells, t->cell_cap, sizeof *t->cells);
    }
    cell = &t->cells[t->cell_n++];
    memset(cell, 0, sizeof *cell);
    cell->text = must_alloc(len * 3 + 4, 1); /* an invalid byte becomes three */
    while (i < len) {
        uint32_t code;
        bool valid;
        size_t n = utf8_next(data + i, len - i, &code, &valid);
        unsigned w;
        if (code < 0x20 || (code >= 0x7F && code < 0xA0)) { /* C0, DEL and C1 */
            cell->text[cell->len++] = '?';
            w = 1;
        } else if (!valid) {
            memcpy(cell->text + cell->len, "\xEF\xBF\xBD", 3);
            cell->len += 3;
            w = 1;
        } else {
            memcpy(cell->text + cell->len, data + i, n);
            cell->len += n;
            w = width_of(code);
        }
        cell->width += w;
        i += n;
        if (width == 0)
            continue;
        if (cell->width + 3 <= width) {
            kept = cell->len;
            kept_width = cell->width;
        } else if (cell->width > width) {
            memcpy(cell->text + kept, "...", 3);
            cell->len = kept + 3;
            cell->width = kept_width + 3;
            break;
        }
    }
}

void table_cell(struct table *t, const char *format, ...)
{
    char text[1024];
    va_list args;
    int n;
    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_text(t, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1, 0);
}

void table_bold(struct table *t) { t->cells[t->cell_n - 1].bold = true; }

static void spaces(struct output *o, unsigned n)
{
    while (n-- > 0)
        out_char(o, ' ');
}

void table_print(struct table *t, struct output *o, unsigned indent)
{
    size_t column_n = strlen(t->align), i, c;
    unsigned *width = must_alloc(column_n, sizeof *width);
    bool colour = out_colour(o->fd);
    memset(width, 0, column_n * sizeof *width);
    for (i = 0; i < t->cell_n; i++)
        if (t->cells[i].width > width[i % column_n])
            width[i % column_n] = t->cells[i].width;
    for (i = 0; i < t->cell_n; i += column_n) {
        bool dim = colour && t->header && i == 0;
        unsigned due = indent; /* spaces to print before the next text: none end a line */
        if (dim)
            out_text(o, "\033[2m");
        for (c = 0; c < column_n && i + c < t->cell_n; c++) {
            struct table_cell *cell = &t->cells[i + c];
            unsigned pad = width[c] - cell->width;
            bool right = t->align[c] == 'r', bold = colour && cell->bold;
            if (cell->len > 0) {
                spaces(o, due + (right ? pad : 0));
                due = 0;
                if (bold)
                    out_text(o, "\033[1m");
                out_bytes(o, cell->text, cell->len);
                if (bold)
                    out_text(o, "\033[0m");
                due = right ? 0 : pad;
            } else {
                due += width[c];
            }
            due += 2;
            free(cell->text);
        }
        if (dim)
            out_text(o, "\033[0m");
        out_char(o, '\n');
    }
    free(width);
    free(t->cells);
    t->cells = NULL;
    t->cell_n = t->cell_cap = 0;
}
