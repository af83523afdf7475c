/* SPDX-License-Identifier: Apache-2.0 */
/* elementwise_f32_avx512.c - the row kernels; see elementwise_f32.inc. */
#include "v16_avx512.h"

#include "elementwise_f32.inc"
