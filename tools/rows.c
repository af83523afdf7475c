/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.c - rows kept beyond the reader's next call.
 */
#include "rows.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define BLOCK_LEN (256u << 10) /* bytes: a usual batch of product titles takes a tenth of it */

struct rows_block {
    struct rows_block *next;
    size_t cap, used;
    alignas(max_align_t) char data[];
};

static void *take(struct rows *rows, size_t len)
{
    struct rows_block *b = rows->blocks;
    void *p;
    len = (len + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (b == NULL || b->cap - b->used < len) {
        size_t cap = len > BLOCK_LEN ? len : BLOCK_LEN;
        b = must_alloc(sizeof *b + cap, 1);
        b->next = rows->blocks;
        b->cap = cap;
        b->used = 0;
        rows->blocks = b;
    }
    p = b->data + b->used;
    b->used += len;
    return p;
}

static struct relevance_text copy(char **to, struct relevance_text text)
{
    struct relevance_text result = {*to, text.len};
    if (text.len > 0)
        memcpy(*to, text.data, text.len);
    *to += text.len;
    return result;
}

void rows_add(struct rows *rows, const struct reader_row *row)
{
    size_t i, total = row->error != NULL ? strlen(row->error) + 1 : 0;
    struct reader_row *kept;
    struct reader_field *fields;
    char *to;
    for (i = 0; i < row->field_n; i++)
        total += row->fields[i].name.len + row->fields[i].text.len;
    if (rows->n == rows->cap) {
        rows->cap = grown(rows->cap, rows->n + 1);
        rows->rows = must_realloc(rows->rows, rows->cap, sizeof *rows->rows);
    }
    fields = take(rows, row->field_n * sizeof *fields);
    to = take(rows, total);
    kept = &rows->rows[rows->n++];
    *kept = *row;
    kept->fields = fields;
    for (i = 0; i < row->field_n; i++) {
        fields[i] = row->fields[i];
        fields[i].name = copy(&to, row->fields[i].name);
        fields[i].text = copy(&to, row->fields[i].text);
    }
    if (row->error != NULL) {
        kept->error = to;
        strcpy(to, row->error);
    }
    rows->bytes += total;
}

void rows_reset(struct rows *rows)
{
    struct rows_block *b = rows->blocks, *keep = NULL;
    while (b != NULL) {
        struct rows_block *next = b->next;
        if (keep == NULL && b->cap == BLOCK_LEN)
            keep = b;
        else
            free(b);
        b = next;
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    rows->blocks = keep;
    rows->n = rows->bytes = 0;
}

void rows_free(struct rows *rows)
{
    rows_reset(rows);
    free(rows->blocks);
    free(rows->rows);
    memset(rows, 0, sizeof *rows);
}

struct relevance_text rows_text(const struct reader_row *row, enum reader_role role)
{
    struct relevance_text none = {NULL, 0};
    return row->role[role] < 0 ? none : row->fields[row->role[role]].text;
}

/* ---- names ---- */

static bool same(struct relevance_text a, struct relevance_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool is_used(const struct names *names, const struct relevance_text *columns,
                    size_t column_n, struct relevance_text name, bool changed,
                    const char *const *own)
{
    size_t k;
    for (; *own != NULL; own++)
        if (strlen(*own) == name.len && memcmp(*own, name.data, name.len) == 0)
            return true;
    for (k = 0; k < names->n; k++)
        if (same(names->names[k], name))
            return true;
    for (k = 0; k < column_n && changed; k++) /* nor may it take the name of one to come */
        if (same(columns[k], name))
            return true;
    return false;
}

void names_make(struct names *names, const struct relevance_text *columns, size_t column_n,
                const char *const *own)
{
    static const char prefix[] = "input_";
    const size_t prefix_len = sizeof prefix - 1;
    size_t i, total = 0;
    char *to;
    for (i = 0; i < column_n; i++)
        total += columns[i].len;
    names_free(names);
    names->names = must_alloc(column_n, sizeof *names->names);
    names->bytes = to = must_alloc(total, 1);
    for (i = 0; i < column_n; i++) {
        struct relevance_text name = {to, columns[i].len};
        bool changed = false;
        if (name.len > 0)
            memcpy(to, columns[i].data, name.len);
        while (is_used(names, columns, column_n, name, changed, own)) {
            char *bytes;
            size_t k;
            total += prefix_len;
            bytes = must_realloc(names->bytes, total, 1);
            names->bytes = bytes;
            for (k = 0; k < names->n; k++) { /* the names lie one after another */
                names->names[k].data = bytes;
                bytes += names->names[k].len;
            }
            to = bytes;
            memmove(to + prefix_len, to, name.len);
            memcpy(to, prefix, prefix_len);
            name.data = to;
            name.len += prefix_len;
            changed = true;
        }
        names->names[names->n++] = name;
        to += name.len;
    }
}

void names_make_row(struct names *names, const struct reader_row *row, const char *const *own)
{
    struct relevance_text *columns = must_alloc(row->field_n, sizeof *columns);
    size_t i;
    for (i = 0; i < row->field_n; i++)
        columns[i] = row->fields[i].name;
    names_make(names, columns, row->field_n, own);
    free(columns);
}

void names_free(struct names *names)
{
    free(names->names);
    free(names->bytes);
    memset(names, 0, sizeof *names);
}
