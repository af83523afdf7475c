/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intent_tool.h - what 'relevance extract' and 'relevance eval --task intent' share.
 */
#ifndef TOOL_INTENT_H
#define TOOL_INTENT_H

#include "tool.h"

struct intent_session {
    struct session session;
    relevance_catalog *catalog; /* NULL: none was asked for */
};

/*
 * Open the model - common.model, or the intent model of the search order - and the catalogue (NULL:
 * none).  Returns false after a message: also for a model that cannot extract.
 */
bool intent_session_open(struct intent_session *s, const char *catalog_path);
void intent_session_close(struct intent_session *s);

/* The intent of one text.  Returns false after a message. */
bool intent_extract(struct intent_session *s, struct relevance_text text,
                    struct relevance_intent *intent);

/* What is printed as the product: its name in the catalogue, else its text; NULL data: none. */
struct relevance_text intent_product(struct relevance_text text,
                                     const struct relevance_intent *intent);

/*
 * Whether the words of 'eval' ask for "--task intent".  "--task relevance" is taken out of argv: it
 * is what eval does without.  Exits with a message where the task is unknown.
 */
bool eval_is_intent(int *argc, char **argv);

int eval_intent_main(int argc, char **argv);

#endif /* TOOL_INTENT_H */
