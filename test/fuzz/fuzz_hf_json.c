/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_hf_json.c - the converter's reader of config.json.
 */
#include "fuzz.h"

#include <string.h>

#include "hf_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hf_config config = {0};
    struct failure failure = {""};
    fuzz_put("config.json", data, size);
    if (hf_config_load(&config, fuzz_folder(), &failure) == 0) {
        fuzz_read(config.architecture, strlen(config.architecture));
        for (uint32_t i = 0; i < config.label_n; i++)
            fuzz_read(config.labels[i], strlen(config.labels[i]));
        FUZZ_CHECK(config.hidden_size != 0 && config.layer_n != 0 && config.head_n != 0,
                   "a size of 0 was accepted");
    } else {
        FUZZ_CHECK(failure.message[0] != '\0', "no message");
    }
    hf_config_free(&config);
    return 0;
}
