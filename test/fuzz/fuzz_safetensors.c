/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_safetensors.c - the converter's reader of weights: model.safetensors, or, where the input
 * begins with '{', its index of shards beside two good shards.
 *
 * The mutator changes the header and repairs the length before it, so that the JSON is reached.
 */
#include "fuzz.h"

#include <string.h>

#include "safetensors.h"
#include "support/random.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static const uint8_t shard[] =
    "\x40\0\0\0\0\0\0\0"
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}       \0\0\x80\x3f\0\0\0\x40";

static const uint8_t other_shard[] =
    "\x40\0\0\0\0\0\0\0"
    "{\"b\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]}}       \0\x3c\0\x40\0\0\0\xbc";

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
    fuzz_put("t.safetensors", other_shard, sizeof other_shard - 1);
    if (st_open(&set, fuzz_folder(), &failure) == 0)
        read_all(&set);
    else
        FUZZ_CHECK(failure.message[0] != '\0', "no message");
    st_close(&set);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct rng rng = {seed};
    uint64_t header_len = 0;
    uint8_t *tail;
    size_t tail_len;
    if (size < 9 || data[0] == '{' || rng_below(&rng, 8) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (unsigned i = 0; i < 8; i++)
        header_len |= (uint64_t)data[i] << 8 * i;
    header_len = header_len < size - 8 ? header_len : size - 8;
    tail_len = size - 8 - (size_t)header_len;
    if (rng_below(&rng, 4) == 0 && tail_len != 0)
        return size - tail_len +
               LLVMFuzzerMutate(data + size - tail_len, tail_len, max_size - size + tail_len);
    tail = malloc(tail_len + 1);
    FUZZ_CHECK(tail != NULL, "no memory");
    memcpy(tail, data + 8 + header_len, tail_len);
    header_len = LLVMFuzzerMutate(data + 8, (size_t)header_len, max_size - 8 - tail_len);
    memcpy(data + 8 + header_len, tail, tail_len);
    free(tail);
    for (unsigned i = 0; i < 8; i++)
        data[i] = (uint8_t)(header_len >> 8 * i);
    return 8 + (size_t)header_len + tail_len;
}
