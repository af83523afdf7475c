/* SPDX-License-Identifier: Apache-2.0 */
/* attention_f32_avx512.c - attention; see attention_f32.inc. */
#include "v16_avx512.h"

#include "attention_f32.inc"
