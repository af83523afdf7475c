/* SPDX-License-Identifier: Apache-2.0 */
/*
 * temp_file.c - see temp_file.h.
 */
#include "temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal handler must know: the name to remove, empty while there is none. */
static char temporary[4096];
static const char *final;
static int descriptor = -1;

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
#define CAUGHT_N (sizeof caught / sizeof caught[0])
static struct sigaction before[CAUGHT_N];

static void remove_and_die(int number)
{
    unlink(temporary); /* async-signal-safe, as signal() and raise() are */
    signal(number, SIG_DFL);
    raise(number);
}

/* Handlers only where the program was not told to ignore the signal (nohup). */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = remove_and_die};

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CAUGHT_N; i++) {
        sigaction(caught[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(caught[i], &action, NULL);
    }
}

/* Forget the file, whatever became of it. */
static void release(void)
{
    temporary[0] = '\0';
    for (size_t i = 0; i < CAUGHT_N; i++)
        sigaction(caught[i], &before[i], NULL);
    if (descriptor >= 0)
        close(descriptor);
    descriptor = -1;
}

/* The folder's entry is synced too; where a file system cannot do that, nothing is lost but time. */
static void sync_folder(const char *path)
{
    char folder[sizeof temporary];
    char *slash;
    int fd;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder] = '\0';
    fd = open(folder, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

int temp_file_open(const char *path, struct failure *failure)
{
    struct stat info;
    mode_t mask;

    if (descriptor >= 0)
        return failure_set(failure, "%s: another file is being written", path);
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return failure_set(failure, "%s: exists and is not a regular file", path);
    if (strlen(path) + sizeof ".tmp.XXXXXX" > sizeof temporary)
        return failure_set(failure, "%.200s...: the name is too long", path);
    snprintf(temporary, sizeof temporary, "%s.tmp.XXXXXX", path);
    final = path;
    catch_signals();
    descriptor = mkstemp(temporary);
    if (descriptor < 0) {
        failure_set(failure, "%s: cannot create it: %s", path, strerror(errno));
        release();
        return -1;
    }
    mask = umask(0);
    umask(mask);
    if (fchmod(descriptor, 0666 & ~mask) != 0) {
        failure_set(failure, "%s: %s", temporary, strerror(errno));
        temp_file_discard();
        return -1;
    }
    return descriptor;
}

const char *temp_file_name(void) { return temporary; }

int temp_file_write(const void *bytes, size_t len, struct failure *failure)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = write(descriptor, at, len < (1u << 30) ? len : 1u << 30);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failure_set(failure, "%s: %s", temporary, strerror(errno));
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int temp_file_sync(struct failure *failure)
{
    return fsync(descriptor) == 0 ? 0 : failure_set(failure, "%s: %s", temporary, strerror(errno));
}

int temp_file_commit(struct failure *failure)
{
    if (rename(temporary, final) != 0) {
        failure_set(failure, "%s: %s", final, strerror(errno));
        temp_file_discard();
        return -1;
    }
    release();
    sync_folder(final);
    return 0;
}

void temp_file_discard(void)
{
    if (descriptor < 0)
        return;
    unlink(temporary);
    release();
}
