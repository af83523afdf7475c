/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.h - buffered standard output, and the JSON, TSV and CSV written to it.
 *
 * Not stdio: the first error has to be remembered with its errno ("No space left on device"), and
 * the text is (pointer, length) and may hold any byte.
 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output {
    int fd;
    int error; /* errno of the first write that failed; nothing is written after it */
    size_t n;  /* bytes that wait in 'buffer' */
    char buffer[65536];
};

extern struct output out; /* standard output */

void out_bytes(struct output *o, const void *data, size_t len);
void out_text(struct output *o, const char *text);
void out_char(struct output *o, char c);
void out_uint(struct output *o, uint64_t value);
void out_format(struct output *o, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
void out_flush(struct output *o);

/* Whether 'fd' is a terminal on which colours are welcome (see https://no-color.org). */
bool out_colour(int fd);

/* Columns of the terminal 'fd', or 0 where it is none. */
unsigned out_width(int fd);

/* Its rows, or 0. */
unsigned out_height(int fd);

/* A TSV field: tabs and line ends, which the format cannot hold, become spaces. */
void out_tsv_field(struct output *o, const char *data, size_t len);

/* A CSV field, quoted where it has to be. */
void out_csv_field(struct output *o, const char *data, size_t len);

/*
 * A streaming JSON writer.  The caller keeps the order begin, key, value, end; the writer puts the
 * commas.  Strings may hold any bytes: what is not valid UTF-8 is written as U+FFFD, so that the
 * output is always valid JSON.
 */
struct json_out {
    struct output *out;
    bool comma; /* a value stands before the one to come */
};

void jw_begin(struct json_out *j, char bracket); /* '{' or '[' */
void jw_end(struct json_out *j, char bracket);   /* '}' or ']' */
void jw_key(struct json_out *j, const char *name);
void jw_key_text(struct json_out *j, const char *data, size_t len);
void jw_text(struct json_out *j, const char *data, size_t len);
void jw_string(struct json_out *j, const char *text); /* NULL: null */
void jw_uint(struct json_out *j, uint64_t value);
void jw_real(struct json_out *j, double value, int decimals); /* not finite: null */
void jw_raw(struct json_out *j, const char *json, size_t len);
void jw_newline(struct json_out *j); /* ends a line of JSON lines */

/* Key and value in one call. */
void jw_put_string(struct json_out *j, const char *name, const char *text);
void jw_put_uint(struct json_out *j, const char *name, uint64_t value);
void jw_put_real(struct json_out *j, const char *name, double value, int decimals);

#endif /* TOOL_OUTPUT_H */
