/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.c - see fuzz.h.
 *
 * The linker (-Wl,--wrap, see FUZZ_WRAPPED in test/hardening.mk) routes every call that opens, maps
 * or closes a file through the functions below.  They know the files of fuzz_put() alone; for any
 * other path, descriptor or address they call the system.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define FOLDER "/fuzz"
#define FILE_N 8
#define FIRST_FD (1 << 28) /* no process has so many */

static struct file {
    const char *name; /* NULL: free */
    const uint8_t *data;
    size_t len, at; /* 'at': how far it is read */
} files[FILE_N];

static struct {
    void *memory; /* NULL: free */
    size_t len;
} maps[FILE_N];

const char *fuzz_folder(void) { return FOLDER; }

void fuzz_put(const char *name, const uint8_t *data, size_t size)
{
    size_t i = 0;
    while (i < FILE_N && files[i].name != NULL && strcmp(files[i].name, name) != 0)
        i++;
    FUZZ_CHECK(i < FILE_N, "too many files");
    files[i] = (struct file){name, data, size, 0};
}

/* The index of a path's file, -1 where there is none, -2 where the path is outside of the folder. */
static int find(const char *path)
{
    size_t len = strlen(FOLDER "/");
    if (strncmp(path, FOLDER "/", len) != 0)
        return -2;
    for (int i = 0; i < FILE_N; i++)
        if (files[i].name != NULL && files[i].data != NULL && strcmp(files[i].name, path + len) == 0)
            return i;
    errno = ENOENT;
    return -1;
}

static struct file *file_of(int fd)
{
    return fd >= FIRST_FD && fd < FIRST_FD + FILE_N ? &files[fd - FIRST_FD] : NULL;
}

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *to, size_t len);
int __real_access(const char *path, int mode);
int __real_fstat(int fd, struct stat *info);
FILE *__real_fopen(const char *path, const char *mode);
void *__real_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *address, size_t len);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *to, size_t len);
int __wrap_access(const char *path, int mode);
int __wrap_fstat(int fd, struct stat *info);
FILE *__wrap_fopen(const char *path, const char *mode);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t len);

int __wrap_open(const char *path, int flags, ...)
{
    int i = find(path);
    if (i == -2) {
        va_list list;
        int mode = 0;
        va_start(list, flags);
        if (flags & O_CREAT)
            mode = va_arg(list, int);
        va_end(list);
        return __real_open(path, flags, mode);
    }
    if (i < 0)
        return -1;
    files[i].at = 0;
    return FIRST_FD + i;
}

ssize_t __wrap_read(int fd, void *to, size_t len)
{
    struct file *f = file_of(fd);
    if (f == NULL)
        return __real_read(fd, to, len);
    len = len < f->len - f->at ? len : f->len - f->at;
    memcpy(to, f->data + f->at, len);
    f->at += len;
    return (ssize_t)len;
}

int __wrap_close(int fd) { return file_of(fd) != NULL ? 0 : __real_close(fd); }

int __wrap_access(const char *path, int mode)
{
    int i = find(path);
    return i == -2 ? __real_access(path, mode) : i < 0 ? -1 : 0;
}

int __wrap_fstat(int fd, struct stat *info)
{
    const struct file *f = file_of(fd);
    if (f == NULL)
        return __real_fstat(fd, info);
    memset(info, 0, sizeof *info);
    info->st_mode = S_IFREG | 0600;
    info->st_size = (off_t)f->len;
    return 0;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    int i = find(path);
    if (i < 0)
        return i == -2 ? __real_fopen(path, mode) : NULL;
    return fmemopen((void *)(uintptr_t)files[i].data, files[i].len, "rb");
}

/* A copy of exactly the file's length, so that a read beyond it is seen: a page would hide it. */
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
    const struct file *f = file_of(fd);
    size_t i = 0;
    if (f == NULL)
        return __real_mmap(address, len, protection, flags, fd, offset);
    while (i < FILE_N && maps[i].memory != NULL)
        i++;
    FUZZ_CHECK(i < FILE_N && offset == 0 && len == f->len, "mmap: not of a whole file");
    maps[i].len = len;
    maps[i].memory = malloc(len);
    FUZZ_CHECK(maps[i].memory != NULL, "no memory");
    memcpy(maps[i].memory, f->data, len);
    return maps[i].memory;
}

int __wrap_munmap(void *address, size_t len)
{
    for (size_t i = 0; i < FILE_N; i++)
        if (maps[i].memory != NULL && maps[i].memory == address) {
            FUZZ_CHECK(maps[i].len == len, "munmap: another length than mmap's");
            free(address);
            maps[i].memory = NULL;
            return 0;
        }
    return __real_munmap(address, len);
}
