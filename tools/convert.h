/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.h - 'relevance convert' and 'relevance quantize': a Hugging Face folder, or a model file of
 * floats, to a model file.
 */
#ifndef RLV_TOOLS_CONVERT_H
#define RLV_TOOLS_CONVERT_H

/* The subcommand; argv[0] is "convert" or "quantize".  Returns the exit status: 0, or 2 after a message on stderr. */
int convert_main(int argc, char **argv);

#endif /* RLV_TOOLS_CONVERT_H */
