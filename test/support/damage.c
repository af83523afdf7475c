/* SPDX-License-Identifier: Apache-2.0 */
/*
 * damage.c - see damage.h.
 */
#include "damage.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

static int table_is_inside(const struct rlv_file_header *h, size_t len)
{
    return h->section_n <= 64 && h->table_offset <= len && h->table_offset % 8 == 0 &&
           h->section_n * sizeof(struct rlv_section) <= len - h->table_offset;
}

void damage_repair(uint8_t *file, size_t len)
{
    struct rlv_file_header *h = (void *)file;
    struct rlv_section *table;
    uint32_t n; /* a copy: a table that lies over the header changes it */
    if (len < sizeof *h)
        return;
    if (table_is_inside(h, len)) {
        table = (void *)(file + h->table_offset);
        n = h->section_n;
        for (uint32_t i = 0; i < n; i++)
            if (table[i].offset <= len && table[i].len <= len - table[i].offset)
                table[i].checksum = rlv_checksum(file + table[i].offset, table[i].len);
        h->table_checksum = rlv_checksum(table, n * sizeof *table);
    }
    h->header_checksum = rlv_checksum(h, offsetof(struct rlv_file_header, header_checksum));
}

/* ---- fields ---- */

struct list {
    struct damage_field *fields;
    size_t n, cap;
};

static void add(struct list *list, size_t offset, unsigned len)
{
    if (list->n == list->cap) {
        list->cap = list->cap * 2 + 64;
        list->fields = realloc(list->fields, list->cap * sizeof *list->fields);
        if (list->fields == NULL)
            abort();
    }
    list->fields[list->n++] = (struct damage_field){offset, len};
}

/* Fields of 'len' bytes each that fill [offset, end). */
static void add_all(struct list *list, size_t offset, size_t end, unsigned len)
{
    for (; offset + len <= end; offset += len)
        add(list, offset, len);
}

static void add_header(struct list *list)
{
    add_all(list, 8, 16, 4);
    add_all(list, 16, 32, 8);
    add_all(list, 32, 40, 4);
    add_all(list, 40, 64, 8);
}

/* 'end' - 'at' may be any number: what does not fit is left out. */
static void add_section(struct list *list, const uint8_t *file, const struct rlv_section *s)
{
    size_t at = (size_t)s->offset, end = (size_t)(s->offset + s->len), stop;
    uint32_t n = 0, prior = 0;
    if (s->len >= sizeof n)
        memcpy(&n, file + at, sizeof n);
    n = n < s->len ? n : (uint32_t)s->len;
    switch (s->kind) {
    case RLV_SECTION_CONFIG: add_all(list, at, end, 4); break;
    case RLV_SECTION_LABELS:
    case RLV_SECTION_TOKEN_LABELS:
        stop = at + 8 + n * sizeof(struct rlv_label);
        add_all(list, at, stop < end ? stop : end, 4);
        if (s->len >= sizeof(struct rlv_labels_header))
            memcpy(&prior, file + at + offsetof(struct rlv_labels_header, prior_offset),
                   sizeof prior);
        if (prior != 0 && prior < s->len)
            add_all(list, at + prior, end, 4);
        break;
    case RLV_SECTION_VOCAB:
        stop = at + sizeof(struct rlv_vocab_header) + (n + 1) * sizeof(uint32_t);
        add_all(list, at, stop < end ? stop : end, 4);
        break;
    case RLV_SECTION_TENSORS:
        for (; at + sizeof(struct rlv_tensor) <= end; at += sizeof(struct rlv_tensor)) {
            add_all(list, at, at + 12, 2);
            add_all(list, at + 12, at + 24, 4);
            add_all(list, at + 24, at + sizeof(struct rlv_tensor), 8);
        }
        break;
    default: break;
    }
}

size_t damage_fields(const uint8_t *file, size_t len, struct damage_field **fields)
{
    const struct rlv_file_header *h = (const void *)file;
    const struct rlv_section *table;
    struct list list = {NULL, 0, 0};
    *fields = NULL;
    if (len < sizeof *h)
        return 0;
    add_header(&list);
    if (table_is_inside(h, len)) {
        table = (const void *)(file + h->table_offset);
        for (uint32_t i = 0; i < h->section_n; i++) {
            size_t at = (size_t)h->table_offset + i * sizeof *table;
            add_all(&list, at, at + 8, 4);
            add_all(&list, at + 8, at + sizeof *table, 8);
            if (table[i].offset <= len && table[i].len <= len - table[i].offset)
                add_section(&list, file, &table[i]);
        }
    }
    *fields = list.fields;
    return list.n;
}

uint64_t damage_get(const uint8_t *file, const struct damage_field *f)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < f->len; i++)
        value |= (uint64_t)file[f->offset + i] << (8 * i);
    return value;
}

void damage_set(uint8_t *file, const struct damage_field *f, uint64_t value)
{
    for (unsigned i = 0; i < f->len; i++)
        file[f->offset + i] = (uint8_t)(value >> (8 * i));
}

int damage_is_padding(const uint8_t *file, size_t at)
{
    const struct rlv_file_header *h = (const void *)file;
    const struct rlv_section *table = (const void *)(file + h->table_offset);
    if (at < sizeof *h ||
        (at >= h->table_offset && at < h->table_offset + h->section_n * sizeof *table))
        return 0;
    for (uint32_t i = 0; i < h->section_n; i++)
        if (at >= table[i].offset && at < table[i].offset + table[i].len)
            return 0;
    return 1;
}
