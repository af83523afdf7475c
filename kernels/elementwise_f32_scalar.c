/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_f32_scalar.c - the specification of the row kernels, and exp of one value. */
#include "v16_scalar.h"

#include "elementwise_f32.inc"

float rlv_expf(float x) { return v16_exp(v16_set1(x)).f[0]; }
