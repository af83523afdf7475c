/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_edit.c - see rlv_edit.h.
 */
#include "rlv_edit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/relevance.h"
#include "../lib/format.h"
#include "rlv_write.h"

#define NOTE_KEY "probabilities="

struct bytes {
    uint8_t *data;
    uint64_t len;
};

static int read_file(const char *path, struct bytes *file, struct failure *failure)
{
    FILE *f = fopen(path, "rb");
    long len = -1;

    if (f != NULL && fseek(f, 0, SEEK_END) == 0)
        len = ftell(f);
    if (len < 0 || fseek(f, 0, SEEK_SET) != 0) {
        failure_set(failure, "%s: %s", path, strerror(errno));
        goto fail;
    }
    file->len = (uint64_t)len;
    file->data = aligned_alloc(RLV_ALIGN, (size_t)rlv_round_up(file->len + 1, RLV_ALIGN));
    if (file->data == NULL) {
        failure_set(failure, "out of memory");
        goto fail;
    }
    if (fread(file->data, 1, (size_t)file->len, f) != file->len) {
        failure_set(failure, "%s: cannot read it", path);
        goto fail;
    }
    fclose(f);
    return 0;

fail:
    if (f != NULL)
        fclose(f);
    return -1;
}

/* The labels of a checked section, with the new calibration; names point into it. */
static struct rlv_writer_label *new_labels(const uint8_t *section, const struct rlv_calibration *c,
                                           uint32_t *n)
{
    const struct rlv_labels_header *h = (const void *)section;
    const struct rlv_label *old = (const void *)(section + sizeof *h);
    struct rlv_writer_label *labels = calloc(h->label_n, sizeof *labels);

    *n = h->label_n;
    for (uint32_t i = 0; labels != NULL && i < h->label_n; i++) {
        labels[i].name = (char *)(uintptr_t)(section + old[i].name_offset);
        labels[i].gain = old[i].gain;
        labels[i].logit_bias = c->logit_bias[i];
        labels[i].prior = c->prior[i];
    }
    return labels;
}

/* The old lines but the note, then the new note, and the zero byte at the end. */
static struct bytes new_metadata(const char *old, const char *note)
{
    struct bytes made = {malloc(strlen(old) + strlen(NOTE_KEY) + strlen(note) + 3), 0};

    if (made.data == NULL)
        return made;
    while (*old != '\0') {
        size_t len = strcspn(old, "\n");
        len += old[len] == '\n';
        if (strncmp(old, NOTE_KEY, strlen(NOTE_KEY)) != 0) {
            memcpy(made.data + made.len, old, len);
            made.len += len;
        }
        old += len;
    }
    if (made.len > 0 && made.data[made.len - 1] != '\n')
        made.data[made.len++] = '\n';
    made.len += (uint64_t)sprintf((char *)made.data + made.len, NOTE_KEY "%s\n", note) + 1;
    return made;
}

/* The sections of the new file, by kind; those without data are copied from the old one. */
static struct bytes make_file(const struct bytes *old, const struct bytes *changed)
{
    const struct rlv_file_header *h = (const void *)old->data;
    const struct rlv_section *table = (const void *)(old->data + h->table_offset);
    struct rlv_section made[RLV_SECTION_META + 1] = {{0}};
    struct rlv_file_header header = *h;
    struct bytes file = {NULL, 0};
    uint32_t n = 0;

    file.len = sizeof header + RLV_SECTION_META * sizeof made[0];
    for (uint32_t kind = 1; kind <= RLV_SECTION_META; kind++) {
        uint64_t len = changed[kind].len;
        for (uint32_t i = 0; i < h->section_n && len == 0; i++)
            if (table[i].kind == kind)
                len = table[i].len;
        if (len == 0)
            continue;
        made[n].kind = kind;
        made[n].offset = rlv_round_up(file.len, RLV_ALIGN);
        made[n].len = len;
        file.len = made[n++].offset + len;
    }
    file.data = aligned_alloc(RLV_ALIGN, (size_t)rlv_round_up(file.len, RLV_ALIGN));
    if (file.data == NULL)
        return file;
    memset(file.data, 0, (size_t)file.len);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *from = changed[made[i].kind].data;
        for (uint32_t k = 0; from == NULL; k++)
            if (table[k].kind == made[i].kind)
                from = old->data + table[k].offset;
        memcpy(file.data + made[i].offset, from, (size_t)made[i].len);
        made[i].checksum = rlv_checksum(from, made[i].len);
    }
    header.file_len = file.len;
    header.table_offset = sizeof header;
    header.section_n = n;
    header.table_checksum = rlv_checksum(made, n * sizeof made[0]);
    header.header_checksum =
        rlv_checksum(&header, offsetof(struct rlv_file_header, header_checksum));
    memcpy(file.data, &header, sizeof header);
    memcpy(file.data + sizeof header, made, n * sizeof made[0]);
    return file;
}

static const uint8_t *find_section(const struct bytes *file, uint32_t kind)
{
    const struct rlv_file_header *h = (const void *)file->data;
    const struct rlv_section *table = (const void *)(file->data + h->table_offset);

    for (uint32_t i = 0; i < h->section_n; i++)
        if (table[i].kind == kind)
            return file->data + table[i].offset;
    return NULL;
}

static int check_bytes(const char *path, const struct bytes *file, struct failure *failure)
{
    struct relevance_error error;
    relevance_model *model = NULL;

    if (relevance_open_memory(file->data, (size_t)file->len, NULL, &model, &error) != RELEVANCE_OK)
        return failure_set(failure, "%s: %s", path, error.message);
    relevance_close(model);
    return 0;
}

int rlv_edit_calibration(const char *in, const char *out, const struct rlv_calibration *c,
                         struct failure *failure)
{
    struct bytes old = {NULL, 0}, new_file = {NULL, 0};
    struct bytes changed[RLV_SECTION_META + 1] = {{NULL, 0}};
    struct rlv_writer_label *labels = NULL;
    struct rlv_config config;
    const uint8_t *section;
    uint32_t label_n;
    int status = -1;

    if (read_file(in, &old, failure) != 0 || check_bytes(in, &old, failure) != 0)
        goto done;
    section = find_section(&old, RLV_SECTION_LABELS);
    if (section == NULL) {
        failure_set(failure, "%s has no head that labels pairs", in);
        goto done;
    }
    memcpy(&config, find_section(&old, RLV_SECTION_CONFIG), sizeof config);
    config.logit_scale = c->logit_scale;
    changed[RLV_SECTION_CONFIG] = (struct bytes){(uint8_t *)&config, sizeof config};
    labels = new_labels(section, c, &label_n);
    if (labels != NULL) {
        changed[RLV_SECTION_LABELS].len = rlv_labels_len(labels, label_n);
        changed[RLV_SECTION_LABELS].data = calloc(1, (size_t)changed[RLV_SECTION_LABELS].len);
    }
    section = find_section(&old, RLV_SECTION_META);
    changed[RLV_SECTION_META] = new_metadata(section != NULL ? (const char *)section : "", c->note);
    if (labels == NULL || changed[RLV_SECTION_LABELS].data == NULL ||
        changed[RLV_SECTION_META].data == NULL) {
        failure_set(failure, "out of memory");
        goto done;
    }
    rlv_labels_put(labels, label_n, changed[RLV_SECTION_LABELS].data);
    new_file = make_file(&old, changed);
    if (new_file.data == NULL)
        failure_set(failure, "out of memory");
    else
        status = rlv_write_file(new_file.data, new_file.len, out, failure);

done:
    free(labels);
    free(changed[RLV_SECTION_LABELS].data);
    free(changed[RLV_SECTION_META].data);
    free(new_file.data);
    free(old.data);
    return status;
}
