/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rlv_edit.h - a copy of a model file with another calibration.
 */
#ifndef RLV_TOOLS_EDIT_H
#define RLV_TOOLS_EDIT_H

#include <stdint.h>

#include "failure.h"

struct rlv_calibration {
    float logit_scale;
    const float *logit_bias; /* [label_n] */
    const float *prior;      /* [label_n], each above 0, together 1 */
    const char *note; /* the metadata's line "probabilities=...", which replaces an older one */
};

/*
 * rlv_edit_calibration() - write 'in' to 'out' (which may be the same) with 'c'; all other sections are
 * copied byte for byte.  The file is checked before and after, and put in place by a rename.
 *
 * Returns 0, or -1 and a message.
 */
int rlv_edit_calibration(const char *in, const char *out, const struct rlv_calibration *c,
                         struct failure *failure);

#endif /* RLV_TOOLS_EDIT_H */
