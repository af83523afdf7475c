/* SPDX-License-Identifier: Apache-2.0 */
/* attention_f32_scalar.c - the specification of attention. */
#include "v16_scalar.h"

#include "attention_f32.inc"
