/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_source.h - a model file of floats, f32 or f16, read back as the checkpoint it was made from:
 * what 'relevance quantize' works on.
 */
#ifndef RLV_TOOLS_SOURCE_H
#define RLV_TOOLS_SOURCE_H

#include <relevance.h>

#include "failure.h"
#include "hf_model.h"
#include "rlv_write.h"

struct rlv_source { /* zeroed at birth */
    relevance_model *file;
    struct hf_model model; /* for convert_model() */
};

/*
 * rlv_source_open() - read the model file 'path'.  Returns 0, or -1 and a message: also for a file
 * with quantised weights, which are not what the checkpoint had.
 */
int rlv_source_open(struct rlv_source *source, const char *path, struct failure *failure);

/* What a checkpoint does not have goes from the file to the writer: gains, calibration, priors. */
void rlv_source_finish(const struct rlv_source *source, struct rlv_writer *writer);

/* The value of a line "key=value" of the file's metadata, for free(), or NULL. */
char *rlv_source_metadata(const struct rlv_source *source, const char *key);

void rlv_source_close(struct rlv_source *source);

#endif /* RLV_TOOLS_SOURCE_H */
