/* SPDX-License-Identifier: Apache-2.0 */
/* attention_f32_avx2.c - attention; see attention_f32.inc. */
#include "v16_avx2.h"

#include "attention_f32.inc"
