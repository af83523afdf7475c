/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_vocab.c - the converter's reader of vocabularies, and the vocabulary section made of them.
 *
 * The byte 0x1e divides the input into vocab.txt (tokenizer.json where it begins with '{'),
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json and the other one of the first
 * two; the last ones may be absent.
 */
#include "fuzz.h"

#include <string.h>

#include "format.h"
#include "hf_vocab.h"
#include "tokenizer.h"

#define DIVIDER 0x1e

static void check_section(const struct hf_vocab *vocab)
{
    static const char text[] = "a shoe [SEP] \xc3\xa9t\xc3\xa9 running-shoes 5kg";
    uint8_t *section = NULL;
    uint64_t len = 0, position;
    struct rlv_vocab v = {0};
    int32_t ids[64];
    size_t n;
    if (vocab_write(vocab->tokens, vocab->token_n, &section, &len) != NULL)
        return;
    FUZZ_CHECK(rlv_vocab_open(&v, section, len, &position) == NULL,
               "the library refuses the converter's vocabulary");
    v.flags = vocab->flags;
    v.pad_id = vocab->pad_id;
    v.unk_id = vocab->unk_id;
    v.cls_id = vocab->cls_id;
    v.sep_id = vocab->sep_id;
    v.mask_id = vocab->mask_id;
    n = rlv_wordpiece(&v, text, sizeof text - 1, 1, ids, 64);
    for (size_t i = 0; i < n && i < 64; i++)
        FUZZ_CHECK((uint32_t)ids[i] < v.token_n, "an id is out of range");
    free(section);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int json_first = size != 0 && data[0] == '{';
    const char *const names[] = {json_first ? "tokenizer.json" : "vocab.txt",
                                 "tokenizer_config.json", "special_tokens_map.json",
                                 "added_tokens.json", json_first ? "vocab.txt" : "tokenizer.json"};
    struct hf_vocab vocab = {0};
    struct failure failure = {""};
    int more = 1;
    for (size_t i = 0; i < 5; i++) {
        const uint8_t *end = more && size != 0 ? memchr(data, DIVIDER, size) : NULL;
        size_t len = end != NULL ? (size_t)(end - data) : size;
        fuzz_put(names[i], more ? data : NULL, len);
        more = end != NULL;
        if (more) {
            data += len + 1;
            size -= len + 1;
        }
    }
    if (hf_vocab_load(&vocab, fuzz_folder(), &failure) == 0)
        check_section(&vocab);
    else
        FUZZ_CHECK(failure.message[0] != '\0', "no message");
    hf_vocab_free(&vocab);
    return 0;
}
