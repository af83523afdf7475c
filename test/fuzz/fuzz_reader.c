/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_reader.c - the command line's rows: TSV, CSV, JSON lines and plain lines.
 *
 * The first byte is the format and how much is read at a time; the rest is the file.
 */
#include "fuzz.h"

#include <string.h>

#include "reader.h"

static void check_row(const struct reader_row *row, uint64_t last_line)
{
    FUZZ_CHECK(row->line > last_line || last_line == 0, "lines do not ascend");
    for (size_t i = 0; i < row->field_n; i++) {
        fuzz_read(row->fields[i].name.data, row->fields[i].name.len);
        fuzz_read(row->fields[i].text.data, row->fields[i].text.len);
    }
    for (int k = 0; k < READER_ROLE_N; k++) {
        FUZZ_CHECK(row->role[k] >= -1 && row->role[k] < (int)row->field_n, "a role out of range");
        FUZZ_CHECK(row->error == NULL || row->role[k] == -1, "a role in a row with an error");
    }
    if (row->error != NULL)
        FUZZ_CHECK(strlen(row->error) > 0, "an error without a sentence");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader_options o = {.line_max = 4096};
    struct reader_row row;
    struct reader *r;
    char error[256] = "";
    uint64_t rows = 0, line = 0;
    if (size == 0)
        return 0;
    o.format = (enum reader_format)(data[0] % 5);
    o.chunk = (data[0] >> 3) % 4;
    o.lines = data[0] >> 5 & 1;
    o.required = data[0] >> 6 & 1 ? 1u << READER_PRODUCT : 0;
    r = reader_open_memory("fuzz", data + 1, size - 1, &o, error, sizeof error);
    if (r == NULL) {
        FUZZ_CHECK(error[0] != '\0', "no message");
        return 0;
    }
    while (reader_next(r, &row) == 1) {
        check_row(&row, line);
        line = row.line;
        FUZZ_CHECK(++rows <= size, "more rows than bytes");
    }
    reader_close(r);
    return 0;
}
