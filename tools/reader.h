/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - rows of a TSV, CSV or JSON-lines file, one at a time, in constant memory.
 *
 * TSV    a header line, then one row a line; fields separated by tabs, no quoting.
 * CSV    RFC 4180: a header line; quoted fields may hold commas, line ends and doubled quotes.
 * JSONL  one JSON object a line.
 * LINES  one product a line, no header.
 *
 * A byte order mark and CR LF line ends are accepted, the last line needs no line end, and lines
 * may have any length up to a limit.  Text is passed on as it is: NUL bytes and invalid UTF-8 too
 * (JSON must be valid UTF-8 by its own rules).  A row that cannot be used is reported as a row with
 * an error, and reading goes on with the next line.
 */
#ifndef TOOL_READER_H
#define TOOL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <relevance.h>

enum reader_format {
    READER_AUTO, /* by the file name, else by the first bytes */
    READER_TSV,
    READER_CSV,
    READER_JSONL,
    READER_LINES
};

enum reader_role { READER_QUERY, READER_PRODUCT, READER_LABEL, READER_ROLE_N };

struct reader_options {
    enum reader_format format;
    bool lines;        /* READER_AUTO may choose READER_LINES: for files with no header */
    unsigned required; /* bits 1u << role: a header, or an object, without them is an error */
    size_t line_max;   /* bytes of a row; 0: 256 MiB */
    size_t chunk;      /* bytes read at a time, for tests; 0: what fits the buffer */
};

struct reader_field {
    struct relevance_text name, text;
    bool raw; /* 'text' is JSON (a number, an object ...), not a string */
};

/* Valid until the next call on the reader. */
struct reader_row {
    uint64_t line;     /* where the row begins, from 1 */
    const char *error; /* NULL, or why the row cannot be used: one sentence */
    size_t field_n;    /* of a row with an error: the fields that could be read */
    const struct reader_field *fields;
    int role[READER_ROLE_N]; /* index of a field, or -1: always so in a row with an error */
};

struct reader;

/*
 * Open 'path' ("-": standard input) and read the header.  Returns NULL, and a message that names
 * the file in error[0..error_cap), where there is nothing usable.
 */
struct reader *reader_open(const char *path, const struct reader_options *options, char *error,
                           size_t error_cap);

/* The same on memory, which must stay; 'name' is for messages. */
struct reader *reader_open_memory(const char *name, const void *data, size_t len,
                                  const struct reader_options *options, char *error,
                                  size_t error_cap);

void reader_close(struct reader *r);

/* Returns 1 and a row (perhaps with an error), 0 at the end, -1 where reading failed. */
int reader_next(struct reader *r, struct reader_row *row);

/* After -1: why. */
const char *reader_error(const struct reader *r);

/* Whether reader_next() would return without waiting for whoever writes the other end of a pipe. */
bool reader_ready(struct reader *r);

enum reader_format reader_format(const struct reader *r);

/* The name for messages: the path, or "standard input". */
const char *reader_name(const struct reader *r);

/* The header's names: none in JSONL.  They stay valid until reader_close(). */
size_t reader_header(const struct reader *r, const struct relevance_text **names);

/* Bytes consumed so far, and bytes in all (0: unknown), for a progress bar. */
uint64_t reader_position(const struct reader *r, uint64_t *total);

#endif /* TOOL_READER_H */
