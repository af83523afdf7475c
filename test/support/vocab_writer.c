/* SPDX-License-Identifier: Apache-2.0 */
/* The tools' vocabulary writer, for tests: objects of tools/ are not linked into them. */
#include "../../tools/vocab_writer.c"
