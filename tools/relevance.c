/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relevance.c - the command line: finds the subcommand and explains itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert.h"
#include "tool.h"

static int help_main(int argc, char **argv);

static const struct command cmd_convert = {
    .name = "convert",
    .main = convert_main,
    .summary = "make a model file from a Hugging Face folder",
};

static const struct command cmd_quantize = {
    .name = "quantize",
    .main = convert_main,
    .summary = "store a model in fewer bits",
};

static const struct command cmd_help = {
    .name = "help",
    .main = help_main,
    .summary = "explain a command",
    .help = "usage: relevance help [COMMAND]\n",
};

static const struct command *const commands[] = {
    &cmd_classify, &cmd_rank,  &cmd_extract, &cmd_eval,     &cmd_tokenize,  &cmd_info,
    &cmd_bench,    &cmd_demo,  &cmd_convert, &cmd_quantize, &cmd_calibrate, &cmd_help, NULL,
};

static void print_overview(struct output *o)
{
    const struct command *const *c;
    out_text(o, "relevance - does a product fit a shopping query?\n"
                "\n"
                "usage: relevance COMMAND [OPTIONS] [ARGUMENTS]\n"
                "\n");
    for (c = commands; *c != NULL; c++)
        out_format(o, "  %-10s %s\n", (*c)->name, (*c)->summary);
    out_text(o, "\n"
                "Examples:\n"
                "  relevance classify \"running shoes\" \"Trailblazer running shoe, size 10\"\n"
                "  relevance classify pairs.tsv > labelled.tsv\n"
                "  relevance classify --json pairs.jsonl | jq .label\n"
                "  relevance extract \"add two dozen eggs, please\"\n"
                "  relevance rank \"usb c cable\" products.txt --top 5\n"
                "  relevance eval labelled.tsv\n"
                "  relevance demo\n"
                "  relevance help classify\n"
                "\n"
                "The model is, in this order: --model FILE; the variable RELEVANCE_MODEL;\n"
                "../data/default.rlv and ../share/librelevance/default.rlv, seen from the\n"
                "program; data/default.rlv in the current folder.\n"
                "\n"
                "Exit status: 0 done, 1 some rows failed, 2 wrong usage or no usable model or\n"
                "file.\n");
}

static const struct command *find_command(const char *name)
{
    const char *names[sizeof commands / sizeof commands[0]], *best;
    size_t i;
    for (i = 0; commands[i] != NULL; i++) {
        names[i] = commands[i]->name;
        if (strcmp(names[i], name) == 0)
            return commands[i];
    }
    names[i] = NULL;
    best = tool_suggest(name, names);
    if (best != NULL)
        tool_usage_error(NULL, "unknown command '%s': did you mean '%s'?", name, best);
    tool_usage_error(NULL, "unknown command '%s'", name);
}

static int help_main(int argc, char **argv)
{
    const struct command *command;
    static char help[] = "--help";
    if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
        print_overview(&out);
        return tool_finish(TOOL_OK);
    }
    command = find_command(argv[1]);
    if (command->help == NULL) {
        char *arguments[3] = {argv[1], help, NULL};
        return command->main(2, arguments);
    }
    out_text(&out, command->help);
    return tool_finish(TOOL_OK);
}

int main(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : NULL;
    if (first == NULL) {
        out.fd = 2;
        print_overview(&out);
        out_flush(&out);
        return TOOL_ERROR;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        out_format(&out, "relevance %s\n", relevance_version());
        return tool_finish(TOOL_OK);
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0)
        return help_main(1, argv);
    if (first[0] == '-') {
        static const char *const names[] = {"help", "version", NULL};
        const char *best = first[1] == '-' ? tool_suggest(first + 2, names) : NULL;
        if (best != NULL)
            tool_usage_error(NULL, "unknown option '%s': did you mean '--%s'?", first, best);
        tool_usage_error(NULL, "unknown option '%s': options come after the command", first);
    }
    return find_command(first)->main(argc - 1, argv + 1);
}
