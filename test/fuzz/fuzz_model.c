/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_model.c - open a model from memory, and put whatever is accepted through every call.
 *
 * The mutator knows the format: it changes fields, exchanges and moves tensors, and repairs the
 * checksums afterwards, so that what lies behind them is reached.  An input that is no model at all is
 * replaced by one of support/micro.c: these are the seeds, and they cannot grow stale.
 */
#include "fuzz.h"

#include <string.h>

#include "internal.h"
#include "support/counting.h"
#include "support/damage.h"
#include "support/exercise.h"
#include "support/micro.h"
#include "support/random.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counting memory;
    struct relevance_open_options o = {.size = sizeof o};
    struct relevance_error error = {.message = ""};
    relevance_model *model = NULL;
    enum relevance_status status;
    void *exact = NULL;
    size_t text_len = size < 40 ? size : 40;
    if (posix_memalign(&exact, RLV_ALIGN, size ? size : 1) != 0)
        return 0;
    if (size != 0)
        memcpy(exact, data, size);
    o.flags = size != 0 ? data[size - 1] & 3u : 0; /* every combination of them */
    counting_init(&memory);
    o.allocator = &memory.allocator;
    status = relevance_open_memory(exact, size, &o, &model, &error);
    if (status == RELEVANCE_OK) {
        const char *wrong = exercise(model, (const char *)exact + size - text_len, text_len);
        FUZZ_CHECK(wrong == NULL, wrong);
        relevance_close(model);
    } else {
        FUZZ_CHECK(error.message[0] != '\0' && error.position <= size, "no message or position");
    }
    FUZZ_CHECK(memory.live == 0 && !memory.wrong, "memory is not given back");
    FUZZ_CHECK(memory.peak_len <= sizeof *model + RLV_MAX_LAYERS * sizeof *model->layers +
                                      (o.flags & RELEVANCE_OPEN_COPY ? size : 0),
               "open needs more memory than its views");
    free(exact);
    return 0;
}

static void change_field(uint8_t *file, size_t len, struct rng *rng)
{
    struct damage_field *fields;
    size_t n = damage_fields(file, len, &fields);
    if (n != 0) {
        const struct damage_field *f = &fields[rng_below(rng, n)], *other = &fields[rng_below(rng, n)];
        uint64_t was = damage_get(file, f), value;
        switch (rng_below(rng, 9)) {
        case 0: value = 0; break;
        case 1: value = UINT64_MAX >> rng_below(rng, 64); break;
        case 2: value = was + 1; break;
        case 3: value = was - 1; break;
        case 4: value = was ^ UINT64_C(1) << rng_below(rng, 64); break;
        case 5: value = damage_get(file, other); break;
        case 6: value = was * 2; break;
        case 7: value = rng_below(rng, 256); break;
        default: value = was + 64 * rng_below(rng, 16) - 512; break;
        }
        damage_set(file, f, value);
    }
    free(fields);
}

/* Some bytes take the place of others: rows of a table, panels, slots. */
static void copy_bytes(uint8_t *file, size_t len, struct rng *rng)
{
    static const size_t units[] = {1, 4, 8, 32, 64};
    size_t unit = units[rng_below(rng, 5)], from, to;
    if (len < unit)
        return;
    from = rng_below(rng, len / unit) * unit;
    to = rng_below(rng, len / unit) * unit;
    memmove(file + to, file + from, unit);
}

static size_t new_model(uint8_t *data, size_t max_size, struct rng *rng)
{
    size_t n = 0, len;
    uint8_t *file;
    while (micro_list[n].name != NULL)
        n++;
    file = micro_build(&micro_list[rng_below(rng, n)], &len);
    len = len < max_size ? len : max_size;
    memcpy(data, file, len);
    free(file);
    return len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct rng rng = {seed};
    void *aligned = NULL;
    if (size < sizeof(struct rlv_file_header) || rng_below(&rng, 1000) == 0)
        size = new_model(data, max_size, &rng);
    if (posix_memalign(&aligned, RLV_ALIGN, max_size) != 0)
        return size;
    if (rng_below(&rng, 8) == 0)
        size = LLVMFuzzerMutate(data, size, max_size);
    memcpy(aligned, data, size);
    for (size_t n = rng_below(&rng, 4); n > 0 && size != 0; n--) {
        if (rng_below(&rng, 4) == 0)
            copy_bytes(aligned, size, &rng);
        else
            change_field(aligned, size, &rng);
    }
    if (size >= sizeof(struct rlv_file_header)) {
        struct rlv_file_header *h = aligned;
        if (rng_below(&rng, 16) != 0) { /* else the fuzzer never gets behind the header */
            memcpy(h->magic, RLV_MAGIC, sizeof h->magic);
            h->file_len = size;
        }
        if (rng_below(&rng, 16) != 0)
            damage_repair(aligned, size);
    }
    memcpy(data, aligned, size);
    free(aligned);
    return size;
}
