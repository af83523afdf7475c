/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.h - 'relevance convert': a Hugging Face folder to a model file.
 */
#ifndef RLV_TOOLS_CONVERT_H
#define RLV_TOOLS_CONVERT_H

/* The subcommand; argv[0] is "convert".  Returns the exit status: 0, or 2 after a message on stderr. */
int convert_main(int argc, char **argv);

#endif /* RLV_TOOLS_CONVERT_H */
