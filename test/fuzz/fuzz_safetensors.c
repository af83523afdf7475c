/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_safetensors.c - the converter's reader of weights: model.safetensors, or, where the input
 * begins with '{', its index of shards beside one good shard.
 */
#include "fuzz.h"

#include "safetensors.h"

static const uint8_t shard[] =
    "\x40\0\0\0\0\0\0\0"
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}       \0\0\x80\x3f\0\0\0\x40";

static void read_all(const struct st_set *set)
{
    static float out[256];
    struct failure failure;
    char text[200];
    for (size_t i = 0; i < set->tensor_n; i++) {
        const struct st_tensor *t = &set->tensors[i];
        FUZZ_CHECK(st_find(set, t->name) != NULL, "a tensor is not found by its name");
        fuzz_read(st_shape_text(t->dims, t->dim_n, text), 1);
        fuzz_read(t->data, (size_t)t->element_n * t->element_len);
        for (uint64_t first = 0; first < t->element_n; first += 256) {
            uint64_t n = t->element_n - first < 256 ? t->element_n - first : 256;
            if (st_read_f32(t, first, n, out, &failure) != 0)
                break;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct st_set set = {0};
    struct failure failure = {""};
    int is_index = size != 0 && data[0] == '{';
    fuzz_put("model.safetensors", is_index ? NULL : data, size);
    fuzz_put("model.safetensors.index.json", is_index ? data : NULL, size);
    fuzz_put("s.safetensors", shard, sizeof shard - 1);
    if (st_open(&set, fuzz_folder(), &failure) == 0)
        read_all(&set);
    else
        FUZZ_CHECK(failure.message[0] != '\0', "no message");
    st_close(&set);
    return 0;
}
