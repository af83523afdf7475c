/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_f32_neon.c - the row kernels; see elementwise_f32.inc. */
#include "v16_neon.h"

#include "elementwise_f32.inc"
