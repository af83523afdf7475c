/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool.h - what the subcommands of the 'relevance' program share: exit codes, messages, options,
 * and the opened model.
 *
 * The program uses the library through <relevance.h> alone.  It never calls setlocale(), so numbers
 * are printed and read the same way everywhere.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <relevance.h>

#include "output.h"
#include "rows.h"

#if defined(__GNUC__)
#define TOOL_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define TOOL_PRINTF(text, first)
#endif

enum tool_exit {
    TOOL_OK = 0,          /* everything was done */
    TOOL_ROWS_FAILED = 1, /* some rows of the input could not be used; the others were done */
    TOOL_ERROR = 2        /* wrong usage, an unusable model or input file, output that failed */
};

struct command {
    const char *name;
    int (*main)(int argc, char **argv); /* argv[0] is the subcommand; returns an enum tool_exit */
    const char *summary;                /* one line for the list of commands */
    const char *help;                   /* the whole help text; NULL: main answers --help itself */
};

extern const struct command cmd_classify, cmd_rank, cmd_eval, cmd_tokenize, cmd_info, cmd_bench,
    cmd_calibrate, cmd_demo, cmd_extract;

/* ---- messages, on standard error ---- */

/* "relevance: <message>".  Control characters that came with the data are shown as '?'. */
void tool_warn(const char *format, ...) TOOL_PRINTF(1, 2);

/* The message, a pointer to the command's help, and exit(TOOL_ERROR). */
_Noreturn void tool_usage_error(const struct command *command, const char *format, ...)
    TOOL_PRINTF(2, 3);

/* The candidate that 'word' was probably meant to be, or NULL.  'candidates' ends in NULL. */
const char *tool_suggest(const char *word, const char *const *candidates);

/* ---- options ---- */

enum option_kind {
    OPTION_FLAG,   /* bool: set to true */
    OPTION_TEXT,   /* const char * */
    OPTION_UINT,   /* uint32_t between min and max */
    OPTION_REAL,   /* double between min and max */
    OPTION_LIST,   /* struct option_list: numbers between min and max, separated by commas */
    OPTION_CHOICE, /* int: the index in 'choices' */
    OPTION_HELP    /* prints the command's help, exit(0) */
};

struct option_list {
    uint32_t n;
    uint32_t values[16];
};

struct option {
    const char *name; /* without the dashes; NULL ends an array */
    char letter;      /* for "-x"; 0: none */
    enum option_kind kind;
    void *value;
    double min, max;
    const char *const *choices; /* ends in NULL */
};

/*
 * Parse argv[1..argc), write the values, and move the other arguments to argv[0..n).  Options and
 * arguments may be mixed; "--" ends the options; "-" is an argument.  'more' may be NULL.  Returns
 * n; exits with a message where an option is wrong.
 */
int options_parse(const struct command *command, const struct option *options,
                  const struct option *more, int argc, char **argv);

/* Options that every command which reads a model takes. */
struct common {
    const char *model;
    uint32_t threads;
    uint32_t max_tokens; /* --max-length; 0: the model's limit */
    int isa;             /* enum relevance_isa */
    int special_tokens;  /* enum relevance_special_tokens */
    int f32_gemm;        /* enum relevance_f32_gemm */
    bool json;
    const char *prior; /* --prior, of the commands that have it; NULL: the model's */
};

extern struct common common;
extern const struct option common_options[];

/* "--prior", for the options of the commands that label pairs, and its help text. */
#define PRIOR_OPTION {"prior", 'p', OPTION_TEXT, &common.prior, 0, 0, NULL}
#define PRIOR_HELP                                                                                 \
    "  -p, --prior LABEL=SHARE,...  how often each label is expected, of any sum, or\n"          \
    "                              'even' (default: as when the model was calibrated)\n"

/* Their help text, for the end of each command's own. */
#define COMMON_HELP                                                                                \
    "\nOptions of every command:\n"                                                                \
    "  -m, --model FILE            the model (default: see 'relevance help')\n"                    \
    "  -t, --threads N             threads for one call (default 1)\n"                             \
    "      --max-length N          cut pairs to N tokens (default: the model's limit)\n"           \
    "      --special-tokens text   '[SEP]' typed in a text is plain text (default)\n"              \
    "      --special-tokens parse  it is the control token, as the reference reads it\n"           \
    "      --isa NAME              auto, scalar, avx2, avx512, avx512vnni, amx,\n"                 \
    "                              neon, neondot or neoni8mm\n"                                    \
    "      --f32-gemm NAME         auto, own or blas; for f32 and f16 models\n"                    \
    "      --json                  print JSON\n"                                                   \
    "  -h, --help                  this text\n"                                                    \
    "\nExit status: 0 done, 1 some rows failed, 2 wrong usage or no usable model or\n"             \
    "file.\n"

/* ---- the model ---- */

struct session {
    const char *path;
    relevance_model *model;
    relevance_context *ctx;
    struct relevance_info info;
};

#define TOOL_PATH_CAP 4300

/*
 * Find a file that is installed with the program, or lies in data/ of its source: into 'path'.
 * False after a message, 'otherwise' and where it was looked for.
 */
bool tool_find_data(char path[TOOL_PATH_CAP], const char *name, const char *otherwise);

/* The model file that the options or the search order give, or NULL after a message. */
const char *tool_model_path(const char *wanted);

/* The same for 'extract': RELEVANCE_INTENT_MODEL, and files named intent.rlv. */
const char *tool_intent_model_path(const char *wanted);

/* The context options that 'common' asks for. */
struct relevance_context_options tool_context_options(void);

/* Print why 'path' could not be opened or used. */
void tool_report(const char *path, const struct relevance_error *error);

/* Open the model and a context.  Returns false after a message. */
bool session_open(struct session *session);

/* As session_open(), and refuse a model that has no head for labels. */
bool session_open_classifier(struct session *session);

void session_close(struct session *session);

/* The label that 'text' names, in any case, or by a first letter that only one label has; or -1. */
int tool_label(const relevance_model *model, uint32_t label_n, struct relevance_text text);

/* "Exact=.6,Substitute=.3,..." or "even" as shares [label_n] with the sum 1.  Each label must be there.
 * Returns false after a message. */
bool tool_priors(const relevance_model *model, uint32_t label_n, const char *text, float *priors);

/* ---- input ---- */

/* "--format": the order of enum reader_format; the second list has READER_LINES too. */
extern const char *const format_names[];
extern const char *const format_names_lines[];

/* reader_open(), with the message printed where it returns NULL. */
struct reader *tool_reader(const char *path, const struct reader_options *options);

/* Say that a row of the input cannot be used. */
void tool_report_row(const struct reader *reader, const struct reader_row *row);

/* The true label of a row of 'eval' or 'calibrate'; -1 after a message where the row cannot be used. */
int tool_reader_label(const struct session *session, const struct reader *reader,
                      const struct reader_row *row);

/* "error" and "line" of a row that cannot be used. */
void tool_json_error(struct json_out *json, const struct reader_row *row);

/* The row's fields under 'names'. */
void tool_json_fields(struct json_out *json, const struct reader_row *row,
                      const struct names *names);

/* ---- the end ---- */

/* Write what is left of the output; the exit status, which is TOOL_ERROR where writing failed. */
int tool_finish(int status);

/* "--json" objects share this: "label", "probs", "tokens", "truncated". */
void tool_json_result(struct json_out *json, const relevance_model *model,
                      const struct relevance_result *result);

#endif /* TOOL_H */
