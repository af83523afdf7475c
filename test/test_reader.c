/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_reader.c - the row reader of the command line, on text in memory, files and pipes.
 *
 * Each case is written as the rows expected: "LINE[name=text|name=text]" for a row, and
 * "LINE!error" for one that cannot be used.  Every case runs with reads of 1, 2, 3, 7 and all bytes
 * at a time, since a reader's faults lie at the edges of its buffer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "reader.h"

struct text {
    char *data;
    size_t len, cap;
};

static void put(struct text *t, const char *data, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->data = realloc(t->data, t->cap);
        assert_non_null(t->data);
    }
    if (len > 0)
        memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = '\0';
}

static void put_string(struct text *t, const char *s) { put(t, s, strlen(s)); }

/* All rows of the reader in the notation above. */
static void dump(struct reader *r, struct text *t)
{
    struct reader_row row;
    char number[40];
    size_t i;
    int got, k;
    put(t, "", 0);
    while ((got = reader_next(r, &row)) == 1) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)row.line);
        put_string(t, number);
        if (row.error != NULL) {
            put_string(t, "!");
            put_string(t, row.error);
            put_string(t, "\n");
            for (k = 0; k < READER_ROLE_N; k++)
                assert_int_equal(row.role[k], -1);
            continue;
        }
        put_string(t, "[");
        for (i = 0; i < row.field_n; i++) {
            if (i > 0)
                put_string(t, "|");
            for (k = 0; k < READER_ROLE_N; k++)
                if (row.role[k] == (int)i)
                    put(t, &"QPL"[k], 1);
            put(t, row.fields[i].name.data, row.fields[i].name.len);
            put_string(t, row.fields[i].raw ? ":" : "=");
            put(t, row.fields[i].text.data, row.fields[i].text.len);
        }
        put_string(t, "]\n");
    }
    assert_int_equal(got, 0);
}

#define PAIR (1u << READER_QUERY | 1u << READER_PRODUCT)

/* Rows of data[0..len) read 'chunk' bytes at a time; or "FAILED message" where it does not open. */
static struct text rows_of(struct reader_options options, const char *data, size_t len,
                           size_t chunk)
{
    struct text t = {0};
    char error[400] = "";
    struct reader *r;
    options.chunk = chunk;
    r = reader_open_memory("mem", data, len, &options, error, sizeof error);
    if (r == NULL) {
        put_string(&t, "FAILED ");
        put_string(&t, error);
    } else {
        dump(r, &t);
        reader_close(r);
    }
    return t;
}

static void check_bytes(struct reader_options options, const char *data, size_t len,
                        const char *expected, size_t expected_len)
{
    static const size_t chunks[] = {0, 1, 2, 3, 7};
    size_t i;
    for (i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        struct text t = rows_of(options, data, len, chunks[i]);
        if (t.len != expected_len || memcmp(t.data, expected, t.len) != 0)
            fail_msg("chunk %u of\n<%.*s>\ngave\n<%s>\ninstead of\n<%s>", (unsigned)chunks[i],
                     (int)len, data, t.data, expected);
        free(t.data);
    }
}

static void check(enum reader_format format, unsigned required, const char *data,
                  const char *expected)
{
    struct reader_options options = {.format = format, .required = required};
    check_bytes(options, data, strlen(data), expected, strlen(expected));
}

static void tsv(const char *data, const char *expected) { check(READER_TSV, PAIR, data, expected); }

static void csv(const char *data, const char *expected) { check(READER_CSV, PAIR, data, expected); }

static void jsonl(const char *data, const char *expected)
{
    check(READER_JSONL, PAIR, data, expected);
}

static void test_tsv(void **state)
{
    (void)state;
    tsv("query\ttitle\na\tb\nc\td\n", "2[Qquery=a|Ptitle=b]\n3[Qquery=c|Ptitle=d]\n");
    tsv("query\ttitle\na\tb", "2[Qquery=a|Ptitle=b]\n");               /* no last line end */
    tsv("query\ttitle\r\na\tb\r\n", "2[Qquery=a|Ptitle=b]\n");         /* CR LF */
    tsv("query\ttitle\na\tb\r", "2[Qquery=a|Ptitle=b]\n");             /* CR at the end */
    tsv("query\ttitle\na\tb\rc\n", "2[Qquery=a|Ptitle=b\rc]\n");       /* CR in the text */
    tsv("\xEF\xBB\xBFquery\ttitle\na\tb\n", "2[Qquery=a|Ptitle=b]\n"); /* byte order mark */
    tsv("title\tid\tquery\nb\t1\ta\n", "2[Ptitle=b|id=1|Qquery=a]\n"); /* any order */
    tsv("QUERY\t Title \na\tb\n", "2[QQUERY=a|P Title =b]\n");         /* case, spaces */
    tsv("query\tproduct\na\tb\n", "2[Qquery=a|Pproduct=b]\n");
    tsv("query\tproduct\ttitle\na\tb\tc\n", "2[Qquery=a|product=b|Ptitle=c]\n");
    tsv("query\ttitle\tlabel\na\tb\tE\n", "2[Qquery=a|Ptitle=b|Llabel=E]\n");
    tsv("query\ttitle\n\t\n", "2[Qquery=|Ptitle=]\n");             /* empty texts */
    tsv("query\ttitle\n\"a\tb\"\n", "2[Qquery=\"a|Ptitle=b\"]\n"); /* no quoting */
    tsv("query\ttitle\n", "");
    tsv("query\ttitle", "");
}

static void test_tsv_bad_rows(void **state)
{
    (void)state;
    tsv("query\ttitle\na\nb\tc\n", "2!1 column, expected 2\n3[Qquery=b|Ptitle=c]\n");
    tsv("query\ttitle\na\tb\tc\n", "2!3 columns, expected 2\n");
    tsv("query\ttitle\n\na\tb\n", "2!an empty line\n3[Qquery=a|Ptitle=b]\n");
    tsv("query\ttitle\na\tb\n\r\n\nc\td\n",
        "2[Qquery=a|Ptitle=b]\n3!an empty line\n4!an empty line\n5[Qquery=c|Ptitle=d]\n");
    tsv("query\ttitle\na\tb\n\n\n\r\n", "2[Qquery=a|Ptitle=b]\n"); /* empty lines at the end */
    tsv("\n\nquery\ttitle\na\tb\n", "4[Qquery=a|Ptitle=b]\n");     /* and above the header */
}

static void test_header(void **state)
{
    (void)state;
    tsv("", "FAILED mem is empty: a header line is expected");
    tsv("\n\n", "FAILED mem is empty: a header line is expected");
    tsv("a\tb\n1\t2\n", "FAILED mem:1: no column 'query'; the header has: 'a', 'b'");
    tsv("query\tb\n1\t2\n",
        "FAILED mem:1: no column 'title' or 'product'; the header has: 'query', 'b'");
    check(READER_TSV, PAIR | 1u << READER_LABEL, "query\ttitle\n",
          "FAILED mem:1: no column 'label'; the header has: 'query', 'title'");
    csv("query,ti\"tle\n", "FAILED mem:1: a quote inside a field that does not begin with one");
    tsv("\xFF\xFEq", "FAILED mem is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)");
    check(READER_TSV, 0, "a\tb\n1\t2\n", "2[a=1|b=2]\n");
}

static void test_bytes_pass(void **state)
{
    static const char data[] = "query\ttitle\n\x00\xFF\tb\x00\xC3\n";
    static const char rows[] = "2[Qquery=\x00\xFF|Ptitle=b\x00\xC3]\n";
    static const char quoted[] = "query,title\n\"\x00\xFF\",b\x00\xC3\n";
    struct reader_options options = {.format = READER_TSV, .required = PAIR};
    (void)state;
    check_bytes(options, data, sizeof data - 1, rows, sizeof rows - 1);
    options.format = READER_CSV;
    check_bytes(options, quoted, sizeof quoted - 1, rows, sizeof rows - 1);
}

static void test_csv(void **state)
{
    (void)state;
    csv("query,title\na,b\n", "2[Qquery=a|Ptitle=b]\n");
    csv("query,title\r\na,\"b\"\r\n", "2[Qquery=a|Ptitle=b]\n");
    csv("\"query\",\"title\"\n\"a, b\",\"c \"\"d\"\"\"\n", "2[Qquery=a, b|Ptitle=c \"d\"]\n");
    csv("query,title\n\"a\nb\r\nc\",d\ne,f\n",
        "2[Qquery=a\nb\r\nc|Ptitle=d]\n5[Qquery=e|Ptitle=f]\n");
    csv("query,title\n\"\",\"\"\"\"\n", "2[Qquery=|Ptitle=\"]\n");
    csv("query,title\n,\n", "2[Qquery=|Ptitle=]\n");
    csv("query,title\na,b", "2[Qquery=a|Ptitle=b]\n");
    csv("query,title\na,\"b\"", "2[Qquery=a|Ptitle=b]\n");
    csv("query,title\na,", "2[Qquery=a|Ptitle=]\n");
    csv("query,title\na,\"b\"\r", "2[Qquery=a|Ptitle=b]\n");
    csv("query,title\na\rb,c\n", "2[Qquery=a\rb|Ptitle=c]\n");
    csv("query,title\n\"\n\n\",b\n", "2[Qquery=\n\n|Ptitle=b]\n"); /* empty lines in quotes */
}

static void test_csv_bad_rows(void **state)
{
    (void)state;
    csv("query,title\na\n\"b\",c\n", "2!1 column, expected 2\n3[Qquery=b|Ptitle=c]\n");
    csv("query,title\na,5\" screen\nb,c\n",
        "2!a quote inside a field that does not begin with one\n3[Qquery=b|Ptitle=c]\n");
    csv("query,title\n\"a\"x,b\nc,d\n", "2!text after a closing quote\n3[Qquery=c|Ptitle=d]\n");
    csv("query,title\n\"a\"\rx,b\nc,d\n", "2!text after a closing quote\n3[Qquery=c|Ptitle=d]\n");
    csv("query,title\n\"a\nb\"x,\"b\nc,d\n",
        "2!text after a closing quote\n4[Qquery=c|Ptitle=d]\n");
    csv("query,title\na,\"b\nc,d\n",
        "2!a quote that is never closed: the rest of the file was taken as one field\n");
    csv("query,title\n\na,b\n", "2!an empty line\n3[Qquery=a|Ptitle=b]\n");
}

static void test_jsonl(void **state)
{
    (void)state;
    jsonl("{\"query\":\"a\",\"title\":\"b\"}\n", "1[Qquery=a|Ptitle=b]\n");
    jsonl("{\"id\":12,\"query\":\"a\",\"product\":\"b\",\"x\":[1,{\"y\":null}],\"z\":true}",
          "1[id:12|Qquery=a|Pproduct=b|x:[1,{\"y\":null}]|z:true]\n");
    jsonl(" { \"query\" : \"\\u00e9\\n\\\"\" , \"title\" : \"\" } \r\n",
          "1[Qquery=\xC3\xA9\n\"|Ptitle=]\n");
    jsonl("{\"query\":\"a\",\"title\":\"b\"}\n\n  \n{\"query\":\"c\",\"title\":\"d\"}\n  \n",
          "1[Qquery=a|Ptitle=b]\n2!an empty line\n3!an empty line\n4[Qquery=c|Ptitle=d]\n");
    jsonl("", "");
    jsonl("{\"query\":\"a\"}\n", "1!no field 'title' or 'product'\n");
    jsonl("{\"title\":\"a\"}\n", "1!no field 'query'\n");
    jsonl("{\"query\":1,\"title\":\"a\"}\n", "1!the field 'query' is not a string\n");
    jsonl("[1]\n", "1!a JSON object is expected\n");
    jsonl("{\"query\":\"a\",\"query\":\"b\",\"title\":\"c\"}\n{\"query\":\"a\",\"title\":\"b\"}\n",
          "1!invalid JSON at column 20: duplicate object key near '\"query\"'\n"
          "2[Qquery=a|Ptitle=b]\n");
    check(READER_JSONL, 0, "{\"label\":3}\n", "1[label:3]\n");
}

static void test_jsonl_bad_json(void **state)
{
    static const char *const lines[] = {"{\"query\":\"a\"", "{\"query\":\"\xFF\"}", "hello", "{}x",
                                        "{\"a\":1,}",       "{\"a\":\"\t\"}"};
    size_t i;
    (void)state;
    for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char data[200];
        struct reader_options options = {.format = READER_JSONL, .required = PAIR};
        struct text t;
        snprintf(data, sizeof data, "%s\n{\"query\":\"a\",\"title\":\"b\"}\n", lines[i]);
        t = rows_of(options, data, strlen(data), 0);
        assert_int_equal(strncmp(t.data, "1!invalid JSON at column ", 25), 0);
        assert_non_null(strstr(t.data, "\n2[Qquery=a|Ptitle=b]\n"));
        free(t.data);
    }
}

static void test_json_nul(void **state)
{
    static const char rows[] = "1[Qquery=a\x00z|Ptitle=b]\n";
    const char *data = "{\"query\":\"a\\u0000z\",\"title\":\"b\"}\n";
    struct reader_options options = {.format = READER_JSONL, .required = PAIR};
    (void)state;
    check_bytes(options, data, strlen(data), rows, sizeof rows - 1);
}

static void test_lines(void **state)
{
    (void)state;
    check(READER_LINES, 1u << READER_PRODUCT, "a\tb\r\n\n\"c\n",
          "1[Pproduct=a\tb]\n2!an empty line\n3[Pproduct=\"c]\n");
    check(READER_LINES, 1u << READER_PRODUCT, "", "");
}

static enum reader_format guessed(const char *name, const char *data, bool lines)
{
    struct reader_options options = {.lines = lines};
    char error[400];
    struct reader *r = reader_open_memory(name, data, strlen(data), &options, error, sizeof error);
    enum reader_format format;
    assert_non_null(r);
    format = reader_format(r);
    reader_close(r);
    return format;
}

static void test_guess(void **state)
{
    (void)state;
    assert_int_equal(guessed("a.tsv", "x\n", true), READER_TSV);
    assert_int_equal(guessed("a.CSV", "x\n", true), READER_CSV);
    assert_int_equal(guessed("a.jsonl", "x\n", true), READER_JSONL);
    assert_int_equal(guessed("a.ndjson", "x\n", false), READER_JSONL);
    assert_int_equal(guessed("standard input", " {\"a\":1}\n", false), READER_JSONL);
    assert_int_equal(guessed("standard input", "x\n", false), READER_TSV);
    assert_int_equal(guessed("a.txt", "red shoe\n", true), READER_LINES);
    assert_int_equal(guessed("a.txt", "id\tTitle\n", true), READER_TSV);
    assert_int_equal(guessed("a.txt", "{\"title\":1}\n", true), READER_JSONL);
    assert_int_equal(guessed("a.txt", "", true), READER_LINES);
}

static void test_long_rows(void **state)
{
    struct reader_options options = {.format = READER_TSV, .required = PAIR, .line_max = 20};
    const char *data = "query\ttitle\na\tb\nthis line is much longer than that\tb\nc\td\n"
                       "123456789\t0123456789\n123456789\t01234567890\n"
                       "and the last one has no line end";
    const char *rows = "2[Qquery=a|Ptitle=b]\n3!a line longer than 20 bytes\n4[Qquery=c|Ptitle=d]\n"
                       "5[Qquery=123456789|Ptitle=0123456789]\n6!a line longer than 20 bytes\n"
                       "7!a line longer than 20 bytes\n";
    const char *quoted = "query,title\n\"a\n2345678901234567890,\",b\nc,d\n";
    struct text t = {0};
    enum { SHORT_ROWS = 30000 };
    char *big, *to, error[400];
    struct reader *r;
    struct reader_row row;
    size_t len = 3u << 20, i;
    (void)state;
    check_bytes(options, data, strlen(data), rows, strlen(rows));
    options.format = READER_CSV;
    t = rows_of(options, quoted, strlen(quoted), 0);
    assert_string_equal(t.data, "2!a record longer than 20 bytes\n4[Qquery=c|Ptitle=d]\n");
    free(t.data);

    /* Longer than the buffer is at first, and than what it keeps; then enough for it to shrink. */
    to = big = malloc(len + 64 + SHORT_ROWS * 16);
    assert_non_null(big);
    to += sprintf(to, "query\ttitle\nq\t");
    memset(to, 'x', len);
    to += len;
    for (i = 0; i < SHORT_ROWS; i++)
        to += sprintf(to, "\na\t%u", (unsigned)i);
    options = (struct reader_options){.format = READER_TSV, .required = PAIR, .chunk = 50000};
    r = reader_open_memory("mem", big, (size_t)(to - big), &options, error, sizeof error);
    assert_non_null(r);
    assert_int_equal(reader_next(r, &row), 1);
    assert_int_equal(row.fields[1].text.len, len);
    for (i = 0; i < len; i++)
        if (row.fields[1].text.data[i] != 'x')
            fail_msg("byte %u of the long row", (unsigned)i);
    for (i = 0; i < SHORT_ROWS; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", (unsigned)i);
        assert_int_equal(reader_next(r, &row), 1);
        assert_int_equal(row.line, i + 3);
        assert_int_equal(row.field_n, 2);
        assert_int_equal(row.fields[0].text.len, 1);
        assert_int_equal(row.fields[0].text.data[0], 'a');
        assert_int_equal(row.fields[1].text.len, strlen(number));
        assert_memory_equal(row.fields[1].text.data, number, strlen(number));
    }
    assert_int_equal(reader_next(r, &row), 0);
    reader_close(r);
    free(big);
}

static void test_files(void **state)
{
    char path[] = "/tmp/test_reader_XXXXXX", error[400] = "";
    struct reader_options options = {.format = READER_TSV, .required = PAIR};
    int fd = mkstemp(path);
    struct reader *r;
    struct text t = {0};
    uint64_t total;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "query\ttitle\na\tb\n", 16), 16);
    close(fd);
    r = reader_open(path, &options, error, sizeof error);
    assert_non_null(r);
    assert_string_equal(reader_name(r), path);
    dump(r, &t);
    assert_string_equal(t.data, "2[Qquery=a|Ptitle=b]\n");
    assert_int_equal(reader_position(r, &total), 16);
    assert_int_equal(total, 16);
    reader_close(r);
    free(t.data);
    unlink(path);
    assert_null(reader_open(path, &options, error, sizeof error));
    assert_non_null(strstr(error, path));
    assert_non_null(strstr(error, "No such file"));
    assert_null(reader_open("/", &options, error, sizeof error));
    assert_non_null(strstr(error, "Is a directory"));
}

/* reader_ready() must say no while a line is being written, and yes as soon as it is whole. */
static void test_ready(void **state)
{
    struct reader_options options = {.format = READER_TSV, .required = PAIR};
    char error[400];
    struct reader *r;
    struct reader_row row;
    int ends[2], kept = dup(STDIN_FILENO);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(write(ends[1], "query\ttitle\n", 12), 12);
    r = reader_open("-", &options, error, sizeof error);
    assert_non_null(r);
    assert_false(reader_ready(r));
    assert_int_equal(write(ends[1], "a\t", 2), 2);
    assert_false(reader_ready(r));
    assert_int_equal(write(ends[1], "b\nc", 3), 3);
    assert_true(reader_ready(r));
    assert_int_equal(reader_next(r, &row), 1);
    assert_int_equal(row.fields[1].text.len, 1);
    assert_false(reader_ready(r));
    close(ends[1]);
    assert_true(reader_ready(r));
    assert_int_equal(reader_next(r, &row), 1);
    assert_string_equal(row.error, "1 column, expected 2");
    assert_int_equal(reader_next(r, &row), 0);
    reader_close(r);
    close(ends[0]);
    if (kept >= 0) {
        dup2(kept, STDIN_FILENO);
        close(kept);
    }
}

/* Whatever the bytes are, the rows do not depend on how many are read at a time. */
static void test_chance(void **state)
{
    static const char alphabet[] = "\t\n\r\n,\"\"{}:a\\ q";
    unsigned seed = (unsigned)time(NULL) ^ (unsigned)getpid();
    int round;
    (void)state;
    if (getenv("SEED") != NULL)
        seed = (unsigned)strtoul(getenv("SEED"), NULL, 10);
    print_message("test_reader: seed %u\n", seed);
    srand(seed);
    for (round = 0; round < 4000; round++) {
        struct reader_options options = {.line_max = 40};
        char data[120] = "q,a\n";
        size_t len = 4 + (size_t)(rand() % 100), i;
        struct text all, some;
        for (i = 4; i < len; i++)
            data[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
        options.format = (enum reader_format)(READER_TSV + rand() % 4);
        all = rows_of(options, data, len, 0);
        some = rows_of(options, data, len, 1 + (size_t)(rand() % 9));
        if (all.len != some.len || memcmp(all.data, some.data, all.len) != 0)
            fail_msg("seed %u: format %d of <%.*s>:\n%s\nand\n%s", seed, (int)options.format,
                     (int)len, data, all.data, some.data);
        free(all.data);
        free(some.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tsv),      cmocka_unit_test(test_tsv_bad_rows),
        cmocka_unit_test(test_header),   cmocka_unit_test(test_bytes_pass),
        cmocka_unit_test(test_csv),      cmocka_unit_test(test_csv_bad_rows),
        cmocka_unit_test(test_jsonl),    cmocka_unit_test(test_jsonl_bad_json),
        cmocka_unit_test(test_json_nul), cmocka_unit_test(test_lines),
        cmocka_unit_test(test_guess),    cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_files),    cmocka_unit_test(test_ready),
        cmocka_unit_test(test_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
