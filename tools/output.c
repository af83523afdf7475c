/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output.c - buffered standard output; JSON, TSV and CSV.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE 1 /* struct winsize */
#endif
#include "output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "utf8.h"

struct output out = {.fd = STDOUT_FILENO};

static void write_all(struct output *o, const char *data, size_t len)
{
    while (len > 0 && o->error == 0) {
        ssize_t n = write(o->fd, data, len);
        if (n < 0) {
            if (errno != EINTR)
                o->error = errno;
            continue;
        }
        data += n;
        len -= (size_t)n;
    }
}

void out_flush(struct output *o)
{
    write_all(o, o->buffer, o->n);
    o->n = 0;
}

void out_bytes(struct output *o, const void *data, size_t len)
{
    if (len > sizeof o->buffer - o->n) {
        out_flush(o);
        if (len >= sizeof o->buffer) {
            write_all(o, data, len);
            return;
        }
    }
    if (len > 0)
        memcpy(o->buffer + o->n, data, len);
    o->n += len;
}

void out_text(struct output *o, const char *text) { out_bytes(o, text, strlen(text)); }

void out_char(struct output *o, char c)
{
    if (o->n == sizeof o->buffer)
        out_flush(o);
    o->buffer[o->n++] = c;
}

void out_uint(struct output *o, uint64_t value)
{
    char digits[20]; /* 2^64 has 20 digits */
    size_t n = sizeof digits;
    do
        digits[--n] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    out_bytes(o, digits + n, sizeof digits - n);
}

void out_format(struct output *o, const char *format, ...)
{
    char text[1024];
    va_list args;
    int n;
    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n > 0)
        out_bytes(o, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

bool out_colour(int fd)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

unsigned out_width(int fd)
{
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

unsigned out_height(int fd)
{
    struct winsize size;
    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_row;
}

void out_tsv_field(struct output *o, const char *data, size_t len)
{
    size_t done = 0, i;
    for (i = 0; i < len; i++) {
        if (data[i] != '\t' && data[i] != '\n' && data[i] != '\r')
            continue;
        out_bytes(o, data + done, i - done);
        out_char(o, ' ');
        done = i + 1;
    }
    if (len > 0)
        out_bytes(o, data + done, len - done);
}

void out_csv_field(struct output *o, const char *data, size_t len)
{
    size_t i, done = 0;
    bool quote = false;
    for (i = 0; i < len && !quote; i++)
        quote = data[i] == ',' || data[i] == '"' || data[i] == '\n' || data[i] == '\r';
    if (quote)
        out_char(o, '"');
    for (i = 0; i < len && quote; i++) {
        if (data[i] != '"')
            continue;
        out_bytes(o, data + done, i + 1 - done); /* the quote itself, and once more below */
        done = i;
    }
    if (len > 0)
        out_bytes(o, data + done, len - done);
    if (quote)
        out_char(o, '"');
}

/* ---- JSON ---- */

static void separate(struct json_out *j)
{
    if (j->comma)
        out_char(j->out, ',');
    j->comma = true;
}

static void escaped(struct output *o, const char *data, size_t len)
{
    size_t done = 0, i = 0;
    out_char(o, '"');
    while (i < len) {
        unsigned char c = (unsigned char)data[i];
        size_t n = 1;
        uint32_t code;
        bool valid = true;
        if (c >= 0x80)
            n = utf8_next(data + i, len - i, &code, &valid);
        else if (c >= 0x20 && c != '"' && c != '\\')
            ; /* as it is */
        else
            valid = false;
        if (valid) {
            i += n;
            continue;
        }
        out_bytes(o, data + done, i - done);
        if (c >= 0x80)
            out_text(o, "\xEF\xBF\xBD");
        else if (c == '"' || c == '\\')
            out_format(o, "\\%c", c);
        else if (c == '\n')
            out_text(o, "\\n");
        else if (c == '\r')
            out_text(o, "\\r");
        else if (c == '\t')
            out_text(o, "\\t");
        else
            out_format(o, "\\u%04x", c);
        i += n;
        done = i;
    }
    if (len > 0)
        out_bytes(o, data + done, len - done);
    out_char(o, '"');
}

void jw_begin(struct json_out *j, char bracket)
{
    separate(j);
    out_char(j->out, bracket);
    j->comma = false;
}

void jw_end(struct json_out *j, char bracket)
{
    out_char(j->out, bracket);
    j->comma = true;
}

void jw_key_text(struct json_out *j, const char *data, size_t len)
{
    separate(j);
    escaped(j->out, data, len);
    out_char(j->out, ':');
    j->comma = false;
}

void jw_key(struct json_out *j, const char *name) { jw_key_text(j, name, strlen(name)); }

void jw_text(struct json_out *j, const char *data, size_t len)
{
    separate(j);
    escaped(j->out, data, len);
}

void jw_raw(struct json_out *j, const char *json, size_t len)
{
    separate(j);
    out_bytes(j->out, json, len);
}

void jw_string(struct json_out *j, const char *text)
{
    if (text == NULL)
        jw_raw(j, "null", 4);
    else
        jw_text(j, text, strlen(text));
}

void jw_uint(struct json_out *j, uint64_t value)
{
    separate(j);
    out_uint(j->out, value);
}

void jw_real(struct json_out *j, double value, int decimals)
{
    if (!isfinite(value)) {
        jw_raw(j, "null", 4);
        return;
    }
    separate(j);
    out_format(j->out, "%.*f", decimals, value);
}

void jw_newline(struct json_out *j)
{
    out_char(j->out, '\n');
    j->comma = false;
}

void jw_put_string(struct json_out *j, const char *name, const char *text)
{
    jw_key(j, name);
    jw_string(j, text);
}

void jw_put_uint(struct json_out *j, const char *name, uint64_t value)
{
    jw_key(j, name);
    jw_uint(j, value);
}

void jw_put_real(struct json_out *j, const char *name, double value, int decimals)
{
    jw_key(j, name);
    jw_real(j, value, decimals);
}
