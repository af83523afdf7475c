/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.c - rows of a TSV, CSV or JSON-lines file.
 *
 * One buffer holds the unread bytes; it grows to the longest row and shrinks again, so memory does
 * not grow with the file.  read() rather than stdio, because the caller must be able to ask whether
 * a whole line is there already (reader_ready): a program that feeds rows through a pipe and waits
 * for each answer would otherwise wait for ever.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define BUFFER_START (64u << 10) /* bytes: a usual pipe's capacity */
#define BUFFER_KEPT (1u << 20)   /* a buffer above this shrinks once the long row is gone */
#define LINE_MAX_DEFAULT                                                                           \
    (256u << 20) /* far above any product text; a bound against runaway input */

struct reader {
    int fd; /* -1: memory */
    bool own_fd;
    const char *memory;
    size_t memory_len;
    size_t chunk;
    char *name;
    enum reader_format format;
    unsigned required;
    size_t line_max;

    char *buffer;
    size_t cap, start, end; /* buffer[start..end) is unread */
    size_t scanned;         /* bytes from 'start' known to hold no line end */
    bool eof;
    uint64_t line;           /* number of the line at 'start' */
    uint64_t position, size; /* bytes */

    /* Empty lines not yet known to stand in the middle of the file. */
    uint64_t empty_first, empty_n;

    struct relevance_text *names; /* [name_n]: the header */
    size_t name_n;
    char *name_bytes;
    int role[READER_ROLE_N]; /* columns of the header */

    struct reader_field *fields; /* of the row at hand */
    size_t field_n, field_cap;
    json_t *root;  /* owns the strings of the row at hand */
    char *scratch; /* JSON text of its other values */
    size_t scratch_n, scratch_cap;
    char message[320];
};

static const char *const role_name[READER_ROLE_N] = {"query", "product", "label"};
static const char *const role_quoted[READER_ROLE_N] = {"'query'", "'title' or 'product'",
                                                       "'label'"};

/* ---- bytes ---- */

static bool failed(struct reader *r, const char *what, int code)
{
    snprintf(r->message, sizeof r->message, "%.200s: %s: %s", r->name, what, strerror(code));
    return false;
}

/* Keep the buffer's size in step with what it holds, and make room at its end. */
static void make_room(struct reader *r)
{
    size_t held = r->end - r->start;
    if (r->end < r->cap && !(r->cap > BUFFER_KEPT && held < BUFFER_START / 2))
        return;
    if (r->start > 0) {
        memmove(r->buffer, r->buffer + r->start, held);
        r->start = 0;
        r->end = held;
    }
    if (r->cap > BUFFER_KEPT && held < BUFFER_START / 2)
        r->cap = BUFFER_START;
    else if (r->end == r->cap)
        r->cap = grown(r->cap, BUFFER_START);
    else
        return;
    r->buffer = must_realloc(r->buffer, r->cap, 1);
}

/* Read more.  Returns 1, 0 at the end of the input, -1 on an error. */
static int fill(struct reader *r)
{
    size_t room;
    ssize_t n;
    if (r->eof)
        return 0;
    make_room(r);
    room = r->cap - r->end;
    if (r->chunk > 0 && room > r->chunk)
        room = r->chunk;
    if (r->fd < 0) {
        n = (ssize_t)(room < r->memory_len ? room : r->memory_len);
        if (n > 0) {
            memcpy(r->buffer + r->end, r->memory, (size_t)n);
            r->memory += n;
            r->memory_len -= (size_t)n;
        }
    } else {
        do
            n = read(r->fd, r->buffer + r->end, room);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
            failed(r, "cannot read", errno);
            return -1;
        }
    }
    if (n == 0)
        r->eof = true;
    r->end += (size_t)n;
    return n > 0;
}

static void consume(struct reader *r, size_t n)
{
    r->start += n;
    r->position += n;
    r->scanned = 0;
}

enum peek { PEEK_LINE, PEEK_TOO_LONG, PEEK_END, PEEK_FAILED };

/* Find the line at 'start' without taking it.  *len counts its text, *whole its line end too. */
static enum peek peek_line(struct reader *r, size_t *len, size_t *whole)
{
    for (;;) {
        const char *line = r->buffer + r->start;
        size_t held = r->end - r->start;
        const char *end =
            held > r->scanned ? memchr(line + r->scanned, '\n', held - r->scanned) : NULL;
        int more;
        if (end != NULL) {
            *len = (size_t)(end - line);
            *whole = *len + 1;
            break;
        }
        r->scanned = held;
        if (held > r->line_max)
            return PEEK_TOO_LONG;
        more = fill(r);
        if (more < 0)
            return PEEK_FAILED;
        if (more == 0) {
            *len = *whole = r->end - r->start;
            if (*len == 0)
                return PEEK_END;
            break;
        }
    }
    if (*len > r->line_max)
        return PEEK_TOO_LONG;
    if (*len > 0 && r->buffer[r->start + *len - 1] == '\r')
        --*len;
    return PEEK_LINE;
}

/* Drop bytes up to and with the next line end.  False where reading failed. */
static bool skip_line(struct reader *r)
{
    for (;;) {
        size_t held = r->end - r->start;
        const char *end = held > 0 ? memchr(r->buffer + r->start, '\n', held) : NULL;
        int more;
        if (end != NULL) {
            consume(r, (size_t)(end - (r->buffer + r->start)) + 1);
            r->line++;
            return true;
        }
        consume(r, held);
        more = fill(r);
        if (more <= 0)
            return more == 0;
    }
}

bool reader_ready(struct reader *r)
{
    for (;;) {
        size_t held = r->end - r->start;
        struct pollfd p = {.fd = r->fd, .events = POLLIN};
        if (r->eof || r->fd < 0 || held > r->line_max ||
            (held > r->scanned &&
             memchr(r->buffer + r->start + r->scanned, '\n', held - r->scanned) != NULL))
            return true;
        r->scanned = held;
        if (poll(&p, 1, 0) <= 0)
            return false;
        if (fill(r) < 0)
            return true; /* the next read reports it */
    }
}

/* ---- rows ---- */

static struct reader_field *add_field(struct reader *r, const char *data, size_t len)
{
    struct reader_field *f;
    if (r->field_n == r->field_cap) {
        r->field_cap = grown(r->field_cap, r->field_n + 1);
        r->fields = must_realloc(r->fields, r->field_cap, sizeof *r->fields);
    }
    f = &r->fields[r->field_n++];
    memset(f, 0, sizeof *f);
    f->text.data = data;
    f->text.len = len;
    return f;
}

/* Make 'row' one with an error.  The text may quote the input, so it is made printable. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static int
bad_row(struct reader *r, struct reader_row *row, const char *format, ...)
{
    va_list args;
    char *p;
    int i;
    va_start(args, format);
    vsnprintf(r->message, sizeof r->message, format, args);
    va_end(args);
    for (p = r->message; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
    row->error = r->message;
    for (i = 0; i < READER_ROLE_N; i++)
        row->role[i] = -1;
    return 1;
}

/* Whether a column name is 'want', whatever its case and the spaces around it. */
static bool name_is(struct relevance_text name, const char *want)
{
    size_t len = strlen(want);
    while (name.len > 0 && name.data[0] == ' ') {
        name.data++;
        name.len--;
    }
    while (name.len > 0 && name.data[name.len - 1] == ' ')
        name.len--;
    return name.len == len && strncasecmp(name.data, want, len) == 0;
}

/* Where 'name' stands: the first match.  The product's text is a "title", or else a "product". */
static int find_role(const struct reader_field *fields, size_t field_n, enum reader_role role)
{
    size_t i;
    for (i = 0; i < field_n && role == READER_PRODUCT; i++)
        if (name_is(fields[i].name, "title"))
            return (int)i;
    for (i = 0; i < field_n; i++)
        if (name_is(fields[i].name, role_name[role]))
            return (int)i;
    return -1;
}

static void split_tabs(struct reader *r, const char *line, size_t len)
{
    for (;;) {
        const char *tab = len > 0 ? memchr(line, '\t', len) : NULL;
        size_t n = tab != NULL ? (size_t)(tab - line) : len;
        add_field(r, line, n);
        if (tab == NULL)
            return;
        line += n + 1;
        len -= n + 1;
    }
}

/* Split a CSV record that scan_record() found to be well formed, removing the quotes in place. */
static void split_commas(struct reader *r, char *record, size_t len)
{
    size_t i = 0;
    for (;;) {
        size_t first, to;
        if (i < len && record[i] == '"') {
            first = to = ++i;
            for (; record[i] != '"' || (i + 1 < len && record[i + 1] == '"'); i++) {
                if (record[i] == '"')
                    i++;
                record[to++] = record[i];
            }
            i++;
        } else {
            first = i;
            while (i < len && record[i] != ',')
                i++;
            to = i;
        }
        add_field(r, record + first, to - first);
        if (i >= len)
            return;
        i++; /* the comma */
    }
}

/*
 * Take the CSV record at 'start', over as many lines as its quotes make it, and split it.  A record
 * that is not well formed ends at the end of the line that holds the fault, so that one stray quote
 * costs one line and not the rest of the file.  Returns 1, or -1 where reading failed.
 */
static int take_record(struct reader *r, struct reader_row *row)
{
    enum { FIELD, PLAIN, QUOTED, QUOTE, QUOTE_CR, BAD } state = FIELD;
    const char *fault = NULL;
    size_t n = 0, len;
    uint64_t lines = 0;
    char *record;
    for (;;) {
        char c;
        if (n > r->line_max) {
            r->line += lines;
            consume(r, n);
            if (r->buffer[r->start - 1] != '\n' && !skip_line(r))
                return -1;
            return bad_row(r, row, "a record longer than %llu bytes",
                           (unsigned long long)r->line_max);
        }
        if (r->start + n == r->end) {
            int more = fill(r);
            if (more < 0)
                return -1;
            if (more == 0)
                break;
        }
        c = r->buffer[r->start + n++];
        lines += c == '\n';
        switch (state) {
        case FIELD:
            if (c == '"') {
                state = QUOTED;
                continue;
            }
            state = PLAIN;
            /* fall through */
        case PLAIN:
            if (c == ',') {
                state = FIELD;
            } else if (c == '"') {
                fault = "a quote inside a field that does not begin with one";
                state = BAD;
            }
            break;
        case QUOTED:
            if (c == '"')
                state = QUOTE;
            continue; /* a line end here belongs to the field */
        case QUOTE:
            if (c == '"') {
                state = QUOTED;
            } else if (c == ',') {
                state = FIELD;
            } else if (c == '\r') {
                state = QUOTE_CR;
            } else if (c != '\n') {
                fault = "text after a closing quote";
                state = BAD;
            }
            break;
        case QUOTE_CR:
            if (c != '\n') {
                fault = "text after a closing quote";
                state = BAD;
            }
            break;
        case BAD: break;
        }
        if (c == '\n')
            break;
    }
    if (state == QUOTED)
        fault = "a quote that is never closed: the rest of the file was taken as one field";
    r->line += lines;
    record = r->buffer + r->start;
    len = n;
    if (fault != NULL) {
        consume(r, n);
        return bad_row(r, row, "%s", fault);
    }
    if (len > 0 && record[len - 1] == '\n')
        len--;
    if (len > 0 && record[len - 1] == '\r')
        len--;
    split_commas(r, record, len);
    consume(r, n);
    return 1;
}

/* Give the fields their names; a row of the wrong width keeps what fits and gets an error. */
static int name_fields(struct reader *r, struct reader_row *row)
{
    size_t i, n = r->field_n < r->name_n ? r->field_n : r->name_n;
    for (i = 0; i < n; i++)
        r->fields[i].name = r->names[i];
    row->fields = r->fields;
    row->field_n = n;
    if (r->field_n != r->name_n)
        return bad_row(r, row, "%llu column%s, expected %llu", (unsigned long long)r->field_n,
                       r->field_n == 1 ? "" : "s", (unsigned long long)r->name_n);
    memcpy(row->role, r->role, sizeof row->role);
    return 1;
}

static int parse_object(struct reader *r, struct reader_row *row, const char *line, size_t len)
{
    json_error_t error;
    json_t *value;
    const char *key;
    size_t i, offset = 0;
    int role;
    r->scratch_n = 0;
    r->root = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (r->root == NULL)
        return bad_row(r, row, "invalid JSON at column %d: %s", error.column, error.text);
    if (!json_is_object(r->root))
        return bad_row(r, row, "a JSON object is expected");
    json_object_foreach(r->root, key, value)
    {
        struct reader_field *f = add_field(r, NULL, 0);
        f->name.data = key;
        f->name.len = strlen(key);
        if (json_is_string(value)) {
            f->text.data = json_string_value(value);
            f->text.len = json_string_length(value);
        } else {
            size_t n = json_dumpb(value, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
            if (r->scratch_cap - r->scratch_n < n) {
                r->scratch_cap = grown(r->scratch_cap, r->scratch_n + n);
                r->scratch = must_realloc(r->scratch, r->scratch_cap, 1);
            }
            json_dumpb(value, r->scratch + r->scratch_n, n, JSON_ENCODE_ANY | JSON_COMPACT);
            r->scratch_n += n;
            f->raw = true;
            f->text.len = n;
        }
    }
    for (i = 0; i < r->field_n; i++) /* only now does 'scratch' stay where it is */
        if (r->fields[i].raw) {
            r->fields[i].text.data = r->scratch + offset;
            offset += r->fields[i].text.len;
        }
    row->fields = r->fields;
    row->field_n = r->field_n;
    for (role = 0; role < READER_ROLE_N; role++) {
        int at = find_role(r->fields, r->field_n, (enum reader_role)role);
        if (at >= 0 && r->fields[at].raw && (r->required >> role & 1) != 0)
            return bad_row(r, row, "the field '%s' is not a string", r->fields[at].name.data);
        if (at < 0 && (r->required >> role & 1) != 0)
            return bad_row(r, row, "no field %s", role_quoted[role]);
        row->role[role] = at >= 0 && !r->fields[at].raw ? at : -1;
    }
    return 1;
}

static bool is_empty(const struct reader *r, size_t len)
{
    const char *line = r->buffer + r->start;
    if (r->format == READER_JSONL) /* spaces are no text there */
        while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
            len--;
    return len == 0;
}

/* Count the empty lines at 'start' and find the first other one. */
static enum peek skip_empty(struct reader *r, size_t *len, size_t *whole)
{
    enum peek found;
    while ((found = peek_line(r, len, whole)) == PEEK_LINE && is_empty(r, *len)) {
        if (r->empty_n++ == 0)
            r->empty_first = r->line;
        consume(r, *whole);
        r->line++;
    }
    return found;
}

/* The next row, its fields not named yet: 1, 0 or -1 as reader_next(). */
static int take_row(struct reader *r, struct reader_row *row)
{
    size_t len = 0, whole = 0;
    const char *line;
    enum peek found;
    int i;
    r->field_n = 0;
    json_decref(r->root);
    r->root = NULL;
    memset(row, 0, sizeof *row);
    for (i = 0; i < READER_ROLE_N; i++)
        row->role[i] = -1;
    found = skip_empty(r, &len, &whole);
    if (found == PEEK_FAILED)
        return -1;
    if (found == PEEK_END) /* empty lines at the end mean nothing */
        return 0;
    if (r->empty_n > 0) {
        r->empty_n--;
        row->line = r->empty_first++;
        return bad_row(r, row, "an empty line");
    }
    row->line = r->line;
    if (r->format == READER_CSV)
        return take_record(r, row);
    if (found == PEEK_TOO_LONG)
        return skip_line(r) ? bad_row(r, row, "a line longer than %llu bytes",
                                      (unsigned long long)r->line_max)
                            : -1;
    line = r->buffer + r->start;
    consume(r, whole);
    r->line++;
    if (r->format == READER_TSV)
        split_tabs(r, line, len);
    else if (r->format == READER_LINES)
        add_field(r, line, len);
    else
        return parse_object(r, row, line, len);
    return 1;
}

int reader_next(struct reader *r, struct reader_row *row)
{
    int got = take_row(r, row);
    if (got != 1 || row->error != NULL || r->format == READER_JSONL)
        return got;
    return name_fields(r, row);
}

/* ---- opening ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* By the name, else by the first bytes: an object's brace; a header with the columns wanted. */
static enum reader_format guess_format(struct reader *r, bool lines)
{
    size_t i, len, whole;
    if (ends_with(r->name, ".tsv"))
        return READER_TSV;
    if (ends_with(r->name, ".csv"))
        return READER_CSV;
    if (ends_with(r->name, ".jsonl") || ends_with(r->name, ".ndjson") ||
        ends_with(r->name, ".json"))
        return READER_JSONL;
    if (peek_line(r, &len, &whole) != PEEK_LINE)
        return lines ? READER_LINES : READER_TSV;
    for (i = 0; i < len && r->buffer[r->start + i] == ' '; i++)
        ;
    if (i < len && r->buffer[r->start + i] == '{')
        return READER_JSONL;
    if (lines) {
        bool header = false;
        r->field_n = 0;
        split_tabs(r, r->buffer + r->start, len);
        for (i = 0; i < r->field_n; i++) {
            r->fields[i].name = r->fields[i].text;
            header |= name_is(r->fields[i].name, "title") || name_is(r->fields[i].name, "product");
        }
        return header ? READER_TSV : READER_LINES;
    }
    return READER_TSV;
}

/* Skip a byte order mark.  False where the text is UTF-16, which a mark gives away. */
static bool skip_mark(struct reader *r)
{
    const unsigned char *p;
    while (r->end - r->start < 3 && fill(r) > 0)
        ;
    p = (const unsigned char *)r->buffer + r->start;
    if (r->end - r->start >= 3 && p[0] == 0xEF && p[1] == 0xBB && p[2] == 0xBF)
        consume(r, 3);
    return !(r->end - r->start >= 2 &&
             ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF)));
}

/* Keep the header's names, which lie in the buffer as the fields of the first row. */
static void keep_names(struct reader *r)
{
    size_t i, total = 0;
    char *to;
    for (i = 0; i < r->field_n; i++)
        total += r->fields[i].text.len;
    r->name_n = r->field_n;
    r->names = must_alloc(r->name_n, sizeof *r->names);
    r->name_bytes = to = must_alloc(total, 1);
    for (i = 0; i < r->name_n; i++) {
        struct relevance_text text = r->fields[i].text;
        if (text.len > 0)
            memcpy(to, text.data, text.len);
        r->names[i].data = to;
        r->names[i].len = text.len;
        r->fields[i].name = r->names[i];
        to += text.len;
    }
    for (i = 0; i < READER_ROLE_N; i++)
        r->role[i] = find_role(r->fields, r->name_n, (enum reader_role)i);
}

static bool read_header(struct reader *r)
{
    struct reader_row row;
    size_t role, i, len, whole;
    int got;
    if (r->format == READER_JSONL)
        return true;
    if (r->format == READER_LINES) {
        static const char name[] = "product";
        add_field(r, name, sizeof name - 1);
        keep_names(r);
        return true;
    }
    skip_empty(r, &len, &whole);
    r->empty_n = 0; /* above the header they mean nothing */
    got = take_row(r, &row);
    if (got < 0)
        return false;
    if (got == 0) {
        snprintf(r->message, sizeof r->message, "%.200s is empty: a header line is expected",
                 r->name);
        return false;
    }
    if (row.error != NULL) {
        char why[120];
        snprintf(why, sizeof why, "%.119s", row.error); /* it lies in r->message */
        snprintf(r->message, sizeof r->message, "%.150s:%llu: %s", r->name,
                 (unsigned long long)row.line, why);
        return false;
    }
    keep_names(r);
    for (role = 0; role < READER_ROLE_N; role++) {
        size_t n;
        if ((r->required >> role & 1) == 0 || r->role[role] >= 0)
            continue;
        n = (size_t)snprintf(r->message, sizeof r->message,
                             "%.120s:%llu: no column %s; the header has:", r->name,
                             (unsigned long long)row.line, role_quoted[role]);
        for (i = 0; i < r->name_n && n < sizeof r->message; i++)
            n += (size_t)snprintf(
                r->message + n, sizeof r->message - n, "%s '%.*s'", i > 0 ? "," : "",
                (int)(r->names[i].len < 40 ? r->names[i].len : 40), r->names[i].data);
        return false;
    }
    return true;
}

static struct reader *start(struct reader *r, const struct reader_options *options, char *error,
                            size_t error_cap)
{
    bool ok;
    r->format = options->format;
    r->required = options->required;
    r->line_max = options->line_max > 0 ? options->line_max : LINE_MAX_DEFAULT;
    r->chunk = options->chunk;
    r->line = 1;
    make_room(r);
    if (!skip_mark(r)) {
        snprintf(r->message, sizeof r->message,
                 "%.200s is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)", r->name);
        ok = false;
    } else {
        if (r->format == READER_AUTO)
            r->format = guess_format(r, options->lines);
        r->field_n = 0;
        ok = r->message[0] == '\0' && read_header(r);
    }
    if (!ok) {
        snprintf(error, error_cap, "%s", r->message);
        reader_close(r);
        return NULL;
    }
    return r;
}

static struct reader *create(const char *name)
{
    struct reader *r = must_alloc(1, sizeof *r);
    memset(r, 0, sizeof *r);
    r->fd = -1;
    r->name = must_alloc(strlen(name) + 1, 1);
    strcpy(r->name, name);
    return r;
}

struct reader *reader_open(const char *path, const struct reader_options *options, char *error,
                           size_t error_cap)
{
    bool standard = strcmp(path, "-") == 0;
    struct reader *r = create(standard ? "standard input" : path);
    struct stat st;
    r->own_fd = !standard;
    r->fd = standard ? STDIN_FILENO : open(path, O_RDONLY);
    if (r->fd < 0 || fstat(r->fd, &st) != 0) {
        snprintf(error, error_cap, "cannot open '%.200s': %s", path, strerror(errno));
        reader_close(r);
        return NULL;
    }
    if (S_ISREG(st.st_mode))
        r->size = (uint64_t)st.st_size;
    return start(r, options, error, error_cap);
}

struct reader *reader_open_memory(const char *name, const void *data, size_t len,
                                  const struct reader_options *options, char *error,
                                  size_t error_cap)
{
    struct reader *r = create(name);
    r->memory = data;
    r->memory_len = len;
    r->size = len;
    return start(r, options, error, error_cap);
}

void reader_close(struct reader *r)
{
    if (r == NULL)
        return;
    if (r->own_fd && r->fd >= 0)
        close(r->fd);
    json_decref(r->root);
    free(r->scratch);
    free(r->fields);
    free(r->name_bytes);
    free(r->names);
    free(r->buffer);
    free(r->name);
    free(r);
}

const char *reader_error(const struct reader *r) { return r->message; }

enum reader_format reader_format(const struct reader *r) { return r->format; }

const char *reader_name(const struct reader *r) { return r->name; }

size_t reader_header(const struct reader *r, const struct relevance_text **names)
{
    *names = r->names;
    return r->name_n;
}

uint64_t reader_position(const struct reader *r, uint64_t *total)
{
    *total = r->size;
    return r->position;
}
