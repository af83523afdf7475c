/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - aligned columns for people.
 *
 * Cells may hold a shopper's or a seller's text: control characters, which could drive a terminal,
 * are shown as '?', and the width counts wide (CJK, emoji) and combining characters.
 */
#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "output.h"

struct table {
    const char *align; /* one character a column: 'l' or 'r' */
    bool header;       /* the first row is one */
    size_t cell_n, cell_cap;
    struct table_cell *cells;
};

void table_cell(struct table *t, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* A cell of at most 'width' terminal columns (0: any), "..." where it was cut. */
void table_text(struct table *t, const char *data, size_t len, unsigned width);

/* The last cell added is shown bold, where there are colours. */
void table_bold(struct table *t);

/* Print with 'indent' spaces before each row, and release the cells. */
void table_print(struct table *t, struct output *o, unsigned indent);

#endif /* TOOL_TABLE_H */
