/* SPDX-License-Identifier: Apache-2.0 */
/* attention_f32_neon.c - attention; see attention_f32.inc. */
#include "v16_neon.h"

#include "attention_f32.inc"
