/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.c - see fuzz.h.
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static char folder[256];

static void remove_folder(void)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            fuzz_put(entry->d_name, NULL, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(folder);
}

const char *fuzz_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/rlv-fuzz-XXXXXX", tmp ? tmp : "/tmp");
        FUZZ_CHECK(mkdtemp(folder) != NULL, "no temporary folder");
        atexit(remove_folder);
    }
    return folder;
}

void fuzz_put(const char *name, const uint8_t *data, size_t size)
{
    char path[600];
    FILE *f;
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    if (data == NULL) {
        remove(path);
        return;
    }
    f = fopen(path, "wb");
    FUZZ_CHECK(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0, "cannot write");
}
