/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_demo.c - 'relevance demo': type a query, see a small catalogue ranked at every key.
 *
 * On a terminal the program reads single keys and draws the best products below the query.  Ranking
 * goes product by product and is given up as soon as another key waits, so that typing never lags;
 * each score is a call of relevance_rank() on one product, which by the library's contract is what a
 * call on all of them gives.  Elsewhere (a pipe, TERM=dumb) it reads lines and prints a table for
 * each.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "table.h"
#include "tool.h"

static const char help[] =
    "relevance demo - rank a small catalogue as you type\n"
    "\n"
    "usage: relevance demo [OPTIONS]\n"
    "\n"
    "On a terminal: type a query; after every key the products are ranked anew, best\n"
    "first.  Ctrl-U clears the query, Ctrl-W deletes a word; Escape, Ctrl-C or\n"
    "Ctrl-D ends.  Where input or output is no terminal, each line of the input is a\n"
    "query, and a table of the best products is printed for it.\n"
    "\n"
    "Options:\n"
    "      --catalog FILE          a file of products, as 'relevance rank' reads it\n"
    "                              (default: 65 invented ones)\n"
    "  -k, --top K                 show the best K (default: as many as fit, at most 15)\n"
    "      --lines                 read lines even on a terminal\n" COMMON_HELP "\n"
    "Examples:\n"
    "  relevance demo\n"
    "  relevance demo --catalog products.tsv --threads 2\n"
    "  echo \"dog leash\" | relevance demo --top 3\n";

#define QUERY_CAP 256 /* bytes that can be typed */
#define TOP_MAX 15

struct demo {
    struct session session;
    struct rows rows;
    struct relevance_ranked *ranked; /* [rows.n] */
    size_t ranked_n;                 /* products with a score so far */
    char query[QUERY_CAP];
    size_t query_len;
    uint32_t top; /* 0: as many as fit */
    double ms;    /* that the last whole ranking took */
};

/* Set by signal handlers only. */
static volatile sig_atomic_t ended, resized;

static void on_end(int number)
{
    (void)number;
    ended = 1;
}

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int best_first(const void *a, const void *b)
{
    const struct relevance_ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

/* Rank all products, or stop where 'interrupted' says so; true: done. */
static bool rank_all(struct demo *d, bool (*interrupted)(void))
{
    double start = now_ms();
    for (d->ranked_n = 0; d->ranked_n < d->rows.n; d->ranked_n++) {
        struct relevance_text product = rows_text(&d->rows.rows[d->ranked_n], READER_PRODUCT);
        if (interrupted != NULL && interrupted())
            return false;
        if (relevance_rank(d->session.ctx, d->query, d->query_len, &product, 1,
                           &d->ranked[d->ranked_n]) != RELEVANCE_OK)
            return false;
        d->ranked[d->ranked_n].index = (uint32_t)d->ranked_n;
    }
    qsort(d->ranked, d->rows.n, sizeof *d->ranked, best_first);
    d->ms = now_ms() - start;
    return true;
}

/* The best 'n' products, fitted to 'width' columns (0: any). */
static void put_products(const struct demo *d, size_t n, unsigned width)
{
    struct table t = {.align = "rrll", .header = true};
    /* rank, score and label take up to 30 columns; the last one stays free. */
    unsigned title = width == 0 ? 0 : width > 46 ? width - 31 : 15;
    size_t i;
    table_cell(&t, "rank");
    table_cell(&t, "score");
    table_cell(&t, "label");
    table_cell(&t, "product");
    for (i = 0; i < n; i++) {
        const struct relevance_ranked *r = &d->ranked[i];
        struct relevance_text text = rows_text(&d->rows.rows[r->index], READER_PRODUCT);
        table_cell(&t, "%lu", (unsigned long)i + 1);
        table_cell(&t, "%.3f", (double)r->score);
        table_cell(&t, "%s", relevance_label(d->session.model, r->result.label));
        if (r->result.label == 0)
            table_bold(&t);
        table_text(&t, text.data, text.len, title);
    }
    table_print(&t, &out, 0);
}

/* ---- lines ---- */

static int run_lines(struct demo *d)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while (!ended && (len = getline(&line, &cap, stdin)) >= 0) {
        size_t n = d->top != 0 && d->top < d->rows.n ? d->top : d->top == 0 ? 5 : d->rows.n;
        if (n > d->rows.n)
            n = d->rows.n;
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (len == 0)
            continue;
        if (len > QUERY_CAP)
            tool_warn("a query of %ld bytes: the first %d are used", (long)len, QUERY_CAP);
        d->query_len = len > QUERY_CAP ? QUERY_CAP : (size_t)len;
        memcpy(d->query, line, d->query_len);
        if (!rank_all(d, NULL))
            break;
        out_text(&out, "> ");
        out_tsv_field(&out, d->query, d->query_len);
        out_char(&out, '\n');
        put_products(d, n, out_width(out.fd));
        out_char(&out, '\n');
        out_flush(&out); /* whoever types the next line waits for it */
        if (out.error != 0)
            break;
    }
    free(line);
    return tool_finish(TOOL_OK);
}

/* ---- keys ---- */

static struct termios cooked;
static bool raw_mode;

static void restore_terminal(void)
{
    static const char leave[] = "\033[?25h\033[?1049l";
    if (!raw_mode)
        return;
    raw_mode = false;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &cooked);
    if (write(STDOUT_FILENO, leave, sizeof leave - 1) < 0)
        return; /* the terminal is gone: nothing is left to restore */
}

static bool enter_raw_mode(void)
{
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &cooked) != 0)
        return false;
    raw = cooked;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0)
        return false;
    raw_mode = true;
    atexit(restore_terminal);
    out_text(&out, "\033[?1049h"); /* the alternate screen: what was there comes back at the end */
    return true;
}

/* Whether a key waits, for at most 'timeout' ms (-1: for ever). */
static bool key_waits(int timeout)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, timeout) > 0;
}

static bool interrupted(void) { return ended || resized || key_waits(0); }

/* Take the last character, or the last word, off the query. */
static void erase(struct demo *d, bool word)
{
    size_t n = d->query_len;
    if (word) {
        while (n > 0 && d->query[n - 1] == ' ')
            n--;
        while (n > 0 && d->query[n - 1] != ' ')
            n--;
    } else if (n > 0) {
        n--;
        while (n > 0 && ((unsigned char)d->query[n] & 0xc0) == 0x80)
            n--;
    }
    d->query_len = n;
}

/* Apply the keys that wait.  False: the user wants to leave. */
static bool read_keys(struct demo *d)
{
    unsigned char keys[512];
    ssize_t n = read(STDIN_FILENO, keys, sizeof keys), i;
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    if (n == 0)
        return false; /* hung up: poll() said that something was there */
    for (i = 0; i < n; i++) {
        unsigned char c = keys[i];
        if (c == 3 || c == 4)
            return false;
        if (c == 27) {
            /* Alone it is the Escape key; with more behind it, an arrow or the like: skipped. */
            if (i + 1 == n)
                return false;
            i++;
            if (keys[i] == '[' || keys[i] == 'O')
                while (++i < n && !(keys[i] >= 0x40 && keys[i] <= 0x7e))
                    ;
        } else if (c == 127 || c == 8) {
            erase(d, false);
        } else if (c == 23) {
            erase(d, true);
        } else if (c == 21) {
            d->query_len = 0;
        } else if (c >= 32 && d->query_len < QUERY_CAP) {
            d->query[d->query_len++] = (char)c;
        }
    }
    return true;
}

/* The query in the first line of the screen; the cursor stays behind it. */
static void put_prompt(const struct demo *d, unsigned width)
{
    struct table line = {.align = "l"};
    char prompt[QUERY_CAP + 64];
    unsigned column = 8;
    size_t i;
    snprintf(prompt, sizeof prompt, "Query: %.*s", (int)d->query_len, d->query);
    out_text(&out, "\033[H\033[K");
    table_text(&line, prompt, strlen(prompt), width - 1);
    table_print(&line, &out, 0);
    for (i = 0; i < d->query_len; i++)
        column += ((unsigned char)d->query[i] & 0xc0) != 0x80;
    out_format(&out, "\033[1;%uH", column < width ? column : width);
}

static unsigned screen_width(void)
{
    unsigned width = out_width(out.fd);
    return width == 0 ? 80 : width < 20 ? 20 : width;
}

/* The whole screen: the query, and the products as they were ranked for it. */
static void draw(const struct demo *d)
{
    unsigned width = screen_width(), height = out_height(out.fd);
    size_t fits = height == 0 ? 18 : height > 6 ? height - 6 : 1, n = d->top != 0 ? d->top : TOP_MAX;
    struct table status = {.align = "l"};
    char text[160];
    if (n > fits)
        n = fits;
    if (n > d->rows.n)
        n = d->rows.n;
    out_text(&out, "\033[2;1H\033[J\n"); /* clear from the second line on */
    if (d->query_len == 0) {
        snprintf(text, sizeof text, "%lu products; type what you would search for; Escape ends",
                 (unsigned long)d->rows.n);
    } else {
        put_products(d, n, width);
        out_char(&out, '\n');
        snprintf(text, sizeof text, "%lu products in %.0f ms, %s, %u thread%s; Escape ends",
                 (unsigned long)d->rows.n, d->ms,
                 relevance_isa_name(relevance_context_isa(d->session.ctx)),
                 common.threads == 0 ? 1 : common.threads, common.threads > 1 ? "s" : "");
    }
    table_text(&status, text, strlen(text), width - 1);
    table_print(&status, &out, 0);
    put_prompt(d, width);
    out_flush(&out);
}

static int run_keys(struct demo *d)
{
    struct sigaction end = {.sa_handler = on_end}, resize = {.sa_handler = on_resize};
    bool leave = false;
    sigemptyset(&end.sa_mask);
    sigemptyset(&resize.sa_mask);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGWINCH, &resize, NULL); /* without SA_RESTART: poll() returns */
    if (!enter_raw_mode())
        return run_lines(d);
    draw(d);
    while (!leave && !ended && out.error == 0) {
        if (!key_waits(1000) && !resized)
            continue;
        if (resized)
            resized = 0;
        else
            leave = !read_keys(d);
        if (leave)
            break;
        /* The letter appears at once; the list when it is ready, unless another key came first. */
        put_prompt(d, screen_width());
        out_flush(&out);
        if (d->query_len == 0 || rank_all(d, interrupted))
            draw(d);
    }
    restore_terminal();
    return tool_finish(TOOL_OK);
}

/* ---- the command ---- */

static bool read_catalogue(struct demo *d, const char *path)
{
    struct reader_options reading = {.required = 1u << READER_PRODUCT, .lines = true};
    struct reader *reader = tool_reader(path, &reading);
    struct reader_row row;
    int got;
    if (reader == NULL)
        return false;
    while ((got = reader_next(reader, &row)) == 1) {
        if (row.error != NULL)
            tool_report_row(reader, &row);
        else
            rows_add(&d->rows, &row);
    }
    if (got < 0)
        tool_warn("%s", reader_error(reader));
    else if (d->rows.n == 0)
        tool_warn("%s: no products", path);
    reader_close(reader);
    return got == 0 && d->rows.n > 0;
}

static int demo_main(int argc, char **argv)
{
    static char found[TOOL_PATH_CAP];
    const char *catalogue = NULL, *term = getenv("TERM");
    bool lines = false, terminal;
    int status = TOOL_ERROR, n;
    struct demo demo = {0};
    const struct option options[] = {
        {"catalog", 0, OPTION_TEXT, &catalogue, 0, 0, NULL},
        {"top", 'k', OPTION_UINT, &demo.top, 1, 1000, NULL},
        {"lines", 0, OPTION_FLAG, &lines, 0, 0, NULL},
        {NULL, 0, OPTION_FLAG, NULL, 0, 0, NULL},
    };
    n = options_parse(&cmd_demo, options, common_options, argc, argv);
    if (n != 0)
        tool_usage_error(&cmd_demo, "no arguments expected; got %d", n);
    if (common.json)
        tool_usage_error(&cmd_demo, "--json: 'relevance rank --json' prints JSON");
    if (catalogue == NULL) {
        if (!tool_find_data(found, "demo_catalog.tsv", "no catalogue: --catalog is not given"))
            return TOOL_ERROR;
        catalogue = found;
    }
    if (!session_open_classifier(&demo.session))
        return TOOL_ERROR;
    if (read_catalogue(&demo, catalogue)) {
        demo.ranked = must_alloc(demo.rows.n, sizeof *demo.ranked);
        terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL &&
                   *term != '\0' && strcmp(term, "dumb") != 0;
        status = terminal && !lines ? run_keys(&demo) : run_lines(&demo);
    }
    free(demo.ranked);
    rows_free(&demo.rows);
    session_close(&demo.session);
    return status;
}

const struct command cmd_demo = {
    .name = "demo",
    .main = demo_main,
    .summary = "rank a small catalogue as you type",
    .help = help,
};
