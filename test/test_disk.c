/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_disk.c - writing a model file while the disk is full, read-only or failing, or the process is
 * killed: under the target's name stands the old file or the whole new one, nothing else.
 *
 * The linker (-Wl,--wrap, see TEST_LDFLAGS_disk in the Makefile) routes the writer's calls through
 * the functions below.  Each conversion is a process of its own.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <relevance.h>

#include "convert.h"
#include "support/tiny_hf.h"

/* ---- what fails ---- */

enum call { NONE, MKSTEMP, FCHMOD, WRITE, FSYNC, RENAME };
enum fate { FAILS, DIES_BEFORE, DIES_AFTER };

static struct {
    enum call call;
    enum fate fate;
    int error;          /* errno; 0, for write: nothing is written */
    unsigned long at;   /* the call, from 1 */
    size_t write_most;  /* bytes that one write takes; 0: any */
    unsigned long seen; /* calls of this kind so far */
} fault;

int __real_mkstemp(char *path);
int __real_fchmod(int fd, mode_t mode);
ssize_t __real_write(int fd, const void *from, size_t len);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_mkstemp(char *path);
int __wrap_fchmod(int fd, mode_t mode);
ssize_t __wrap_write(int fd, const void *from, size_t len);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);

/* 1 where this call is the one that fails. */
static int fails(enum call call)
{
    if (fault.call != call || ++fault.seen != fault.at)
        return 0;
    if (fault.fate == DIES_BEFORE)
        raise(SIGKILL);
    errno = fault.error;
    return fault.fate == FAILS;
}

static int done(enum call call, int result)
{
    if (fault.call == call && fault.seen == fault.at && fault.fate == DIES_AFTER)
        raise(SIGKILL);
    return result;
}

int __wrap_mkstemp(char *path)
{
    return fails(MKSTEMP) ? -1 : done(MKSTEMP, __real_mkstemp(path));
}

int __wrap_fchmod(int fd, mode_t mode)
{
    return fails(FCHMOD) ? -1 : done(FCHMOD, __real_fchmod(fd, mode));
}

int __wrap_fsync(int fd) { return fails(FSYNC) ? -1 : done(FSYNC, __real_fsync(fd)); }

int __wrap_rename(const char *from, const char *to)
{
    return fails(RENAME) ? -1 : done(RENAME, __real_rename(from, to));
}

ssize_t __wrap_write(int fd, const void *from, size_t len)
{
    if (fault.write_most != 0 && len > fault.write_most)
        len = fault.write_most;
    if (fails(WRITE))
        return fault.error != 0 ? -1 : 0;
    return (ssize_t)done(WRITE, (int)__real_write(fd, from, len));
}

/* ---- a conversion ---- */

static char dir[256], out_dir[256], out[300], log_file[300];
static char message[4000]; /* what the last conversion said on stderr */

static int make_folders(void **state)
{
    struct tiny_hf o = TINY_HF_DEFAULT;
    (void)state;
    memset(&fault, 0, sizeof fault);
    tiny_hf_folder(dir);
    tiny_hf_folder(out_dir);
    tiny_hf_write(dir, &o);
    snprintf(out, sizeof out, "%s/out.rlv", out_dir);
    snprintf(log_file, sizeof log_file, "%s/.log", out_dir); /* hidden: not counted */
    return 0;
}

static int drop_folders(void **state)
{
    (void)state;
    remove(log_file);
    tiny_hf_remove(dir);
    tiny_hf_remove(out_dir);
    return 0;
}

static pid_t start(void)
{
    pid_t child;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *argv[] = {(char *)"convert", dir,          out, (char *)"--weights",
                        (char *)"f32",     (char *)"--quiet", NULL};
        if (freopen(log_file, "wb", stderr) == NULL)
            _exit(99);
        exit(convert_main(6, argv));
    }
    return child;
}

/* The wait status of a conversion. */
static int convert(void)
{
    pid_t child = start();
    int status = -1;
    FILE *f;
    assert_int_equal(waitpid(child, &status, 0), child);
    f = fopen(log_file, "rb");
    assert_non_null(f);
    message[fread(message, 1, sizeof message - 1, f)] = '\0';
    fclose(f);
    return status;
}

static void assert_whole_model(void)
{
    struct relevance_error error;
    relevance_model *model = NULL;
    if (relevance_open(out, NULL, &model, &error) != RELEVANCE_OK)
        fail_msg("%s", error.message);
    relevance_close(model);
}

/* 1 where the target is as it was before ("old", or absent), 0 where it is the new model. */
static int target_is_old(int was_there)
{
    struct stat info;
    if (stat(out, &info) != 0) {
        assert_false(was_there);
        return 1;
    }
    if (was_there && info.st_size == 3)
        return 1;
    assert_whole_model();
    return 0;
}

static void prepare(int was_there)
{
    unlink(out);
    if (was_there)
        tiny_hf_put(out_dir, "out.rlv", "old");
}

/* ---- tests ---- */

static void every_failing_call(void **state)
{
    static const struct {
        enum call call;
        int error;
    } cases[] = {{MKSTEMP, EROFS}, {MKSTEMP, EACCES}, {MKSTEMP, ENOSPC}, {FCHMOD, EPERM},
                 {WRITE, ENOSPC},  {WRITE, EDQUOT},   {WRITE, EIO},      {WRITE, 0},
                 {FSYNC, EIO},     {FSYNC, ENOSPC},   {RENAME, EROFS},   {RENAME, EACCES},
                 {RENAME, ENOSPC}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        /* write: the first three, of the many that the file takes */
        for (unsigned long at = 1; at <= (cases[i].call == WRITE ? 3 : 1); at++)
            for (int was_there = 0; was_there < 2; was_there++) {
                int status;
                memset(&fault, 0, sizeof fault);
                fault.call = cases[i].call;
                fault.error = cases[i].error;
                fault.at = at;
                fault.write_most = 20000;
                prepare(was_there);
                status = convert();
                if (!WIFEXITED(status) || WEXITSTATUS(status) != 2 ||
                    (cases[i].error != 0 && strstr(message, strerror(cases[i].error)) == NULL) ||
                    strncmp(message, "convert: ", 9) != 0)
                    fail_msg("call %d, errno %d: wait status %x, message '%s'", (int)cases[i].call,
                             cases[i].error, (unsigned)status, message);
                assert_true(target_is_old(was_there));
                assert_int_equal(tiny_hf_count(out_dir), was_there);
            }
}

/* Interrupted and short writes are no failures. */
static void writes_in_pieces(void **state)
{
    (void)state;
    fault.call = WRITE;
    fault.error = EINTR;
    fault.at = 2;
    fault.write_most = 1000;
    assert_int_equal(convert(), 0);
    assert_string_equal(message, "");
    assert_whole_model();
    assert_int_equal(tiny_hf_count(out_dir), 1);
}

/* kill -9, or the power fails, before and after each call.  What remains beside the target is the
 * temporary file: nothing can remove it, and it is in nobody's way. */
static void killed_at_every_call(void **state)
{
    (void)state;
    for (enum call call = MKSTEMP; call <= RENAME; call++)
        for (unsigned long at = 1; at <= (call == WRITE ? 3 : 1); at++)
            for (enum fate fate = DIES_BEFORE; fate <= DIES_AFTER; fate++)
                for (int was_there = 0; was_there < 2; was_there++) {
                    int status, old, renamed = call == RENAME && fate == DIES_AFTER;
                    memset(&fault, 0, sizeof fault);
                    fault.call = call;
                    fault.fate = fate;
                    fault.at = at;
                    fault.write_most = 20000;
                    prepare(was_there);
                    status = convert();
                    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
                        fail_msg("call %d: wait status %x", (int)call, (unsigned)status);
                    old = target_is_old(was_there);
                    assert_int_equal(old, !renamed);
                    fault.call = NONE;
                    assert_int_equal(convert(), 0);
                    assert_whole_model();
                }
}

/* Likewise, at any moment. */
static void killed_at_any_moment(void **state)
{
    struct timespec from, to, wait = {0, 0};
    long time_ns;
    int killed = 0;
    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(convert(), 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    time_ns = (to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
    for (int i = 0; i < 40; i++) {
        int status = -1, was_there = i % 2;
        pid_t child;
        prepare(was_there);
        child = start();
        wait.tv_nsec = (time_ns / 40 * i) % 1000000000;
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        killed += WIFSIGNALED(status);
        (void)target_is_old(was_there);
    }
    assert_true(killed > 0);
    assert_int_equal(convert(), 0);
    assert_whole_model();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folders, drop_folders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_failing_call),
        TEST(writes_in_pieces),
        TEST(killed_at_every_call),
        TEST(killed_at_any_moment),
    };
    alarm(1200);
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
