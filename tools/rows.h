/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - rows kept beyond the reader's next call: a batch to classify, a list to rank.
 *
 * Copies lie in blocks that never move, so a row's pointers stay valid until rows_reset().
 */
#ifndef TOOL_ROWS_H
#define TOOL_ROWS_H

#include <stddef.h>

#include "reader.h"

struct rows {
    size_t n;
    size_t bytes; /* of text held */
    struct reader_row *rows;
    size_t cap;
    struct rows_block *blocks; /* the newest first */
};

/* Copy a row, its fields, their names and its error. */
void rows_add(struct rows *rows, const struct reader_row *row);

/* Forget the rows.  Memory of a usual size is kept for the next ones. */
void rows_reset(struct rows *rows);

void rows_free(struct rows *rows);

/* The text of a role, or an empty one. */
struct relevance_text rows_text(const struct reader_row *row, enum reader_role role);

/*
 * The names of input columns in the output.  One that the output's own columns use ("label" ...),
 * or that stood there already, gets "input_" in front, as often as it takes, so that no object has
 * a name twice.
 */
struct names {
    size_t n;
    struct relevance_text *names;
    char *bytes;
};

/* 'own' ends in NULL. */
void names_make(struct names *names, const struct relevance_text *columns, size_t column_n,
                const char *const *own);
void names_make_row(struct names *names, const struct reader_row *row, const char *const *own);
void names_free(struct names *names);

#endif /* TOOL_ROWS_H */
