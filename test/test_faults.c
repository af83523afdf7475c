/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_faults.c - the system says no: memory, mapping, reading, threads; and the process forks.
 *
 * The linker (-Wl,--wrap, see TEST_LDFLAGS_faults in the Makefile) routes the library's calls of
 * mmap, read and pthread_create through the functions below.  tools/ calls some of them too, but no
 * tool runs here.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <relevance.h>

#include "support/counting.h"
#include "support/exercise.h"
#include "support/micro.h"
#include "support/tiny.h"

/* ---- what fails ---- */

static struct {
    int mmap_errno; /* 0: works */
    unsigned long mmap_calls, read_calls, create_calls;
    size_t read_most;         /* bytes that one read gives; 0: any */
    unsigned long read_fail;  /* the read, from 1, that fails ... */
    int read_errno;           /* ... with this; 0: it says that the file ends */
    unsigned long create_fail; /* the pthread_create, from 1, that fails */
} fault;

void *__real_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
ssize_t __real_read(int fd, void *to, size_t len);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);
ssize_t __wrap_read(int fd, void *to, size_t len);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg);

void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
    fault.mmap_calls++;
    if (fault.mmap_errno != 0) {
        errno = fault.mmap_errno;
        return MAP_FAILED;
    }
    return __real_mmap(address, len, protection, flags, fd, offset);
}

ssize_t __wrap_read(int fd, void *to, size_t len)
{
    if (++fault.read_calls == fault.read_fail) {
        errno = fault.read_errno;
        return fault.read_errno != 0 ? -1 : 0;
    }
    if (fault.read_most != 0 && len > fault.read_most)
        len = fault.read_most;
    return __real_read(fd, to, len);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *arg)
{
    if (++fault.create_calls == fault.create_fail)
        return EAGAIN;
    return __real_pthread_create(thread, attributes, start, arg);
}

/* ---- a file ---- */

static char folder[256], path[300];
static uint8_t *file;
static size_t file_len;

static int write_model(void **state)
{
    const char *tmp = getenv("TMPDIR");
    FILE *f;
    (void)state;
    file = micro_build(micro_find("distilbert-q8"), &file_len);
    snprintf(folder, sizeof folder, "%s/rlv-test-XXXXXX", tmp ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/m.rlv", folder);
    f = fopen(path, "wb");
    return f == NULL || fwrite(file, 1, file_len, f) != file_len || fclose(f) != 0 ? -1 : 0;
}

static int remove_model(void **state)
{
    (void)state;
    unlink(path);
    rmdir(folder);
    free(file);
    return 0;
}

static int no_faults(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof fault);
    return 0;
}

static struct relevance_result classify(const relevance_model *model, uint32_t threads)
{
    struct relevance_context_options o = {.size = sizeof o, .threads = threads};
    relevance_context *ctx = tiny_context(model, &o);
    struct relevance_result r;
    assert_int_equal(relevance_classify(ctx, "red running shoes", 17, "a red shoe", 10, &r),
                     RELEVANCE_OK);
    relevance_context_destroy(ctx);
    return r;
}

static struct relevance_result expected_result(void)
{
    relevance_model *model = NULL;
    struct relevance_result r;
    assert_int_equal(relevance_open_memory(file, file_len, NULL, &model, NULL), RELEVANCE_OK);
    r = classify(model, 1);
    relevance_close(model);
    return r;
}

/* ---- memory ---- */

enum source { FROM_FILE, FROM_MEMORY };

static enum relevance_status open_from(enum source source, struct counting *memory, uint32_t flags,
                                       relevance_model **model, struct relevance_error *error)
{
    struct relevance_open_options o = {
        .size = sizeof o, .flags = flags, .allocator = &memory->allocator};
    return source == FROM_FILE ? relevance_open(path, &o, model, error)
                               : relevance_open_memory(file, file_len, &o, model, error);
}

static void open_without_memory(void **state)
{
    (void)state;
    for (int source = FROM_FILE; source <= FROM_MEMORY; source++)
        for (uint32_t flags = 0; flags < 4; flags++) {
            unsigned long fail_at = 1;
            for (;; fail_at++) {
                struct counting memory;
                struct relevance_error error = {.message = ""};
                relevance_model *model = NULL;
                enum relevance_status status;
                counting_init(&memory);
                memory.fail_at = fail_at;
                status = open_from((enum source)source, &memory, flags, &model, &error);
                if (status == RELEVANCE_OK) {
                    assert_true(memory.calls < fail_at);
                    assert_null(exercise(model, "shoes", 5));
                    relevance_close(model);
                } else {
                    assert_int_equal(status, RELEVANCE_NO_MEMORY);
                    assert_int_equal(error.status, RELEVANCE_NO_MEMORY);
                    assert_true(error.message[0] != '\0');
                    assert_null(model);
                }
                assert_int_equal(memory.live, 0);
                assert_int_equal(memory.live_len, 0);
                assert_false(memory.wrong);
                if (status == RELEVANCE_OK)
                    break;
            }
            /* The object, its layers, and the copy where there is one. */
            assert_int_equal(fail_at, flags & RELEVANCE_OPEN_COPY ? 4 : 3);
        }
}

static void create_without_memory(void **state)
{
    struct relevance_result expected = expected_result();
    relevance_model *model = NULL;
    (void)state;
    assert_int_equal(relevance_open(path, NULL, &model, NULL), RELEVANCE_OK);
    for (uint32_t threads = 1; threads <= 3; threads++) {
        unsigned long fail_at = 1;
        for (;; fail_at++) {
            struct counting memory;
            struct relevance_error error = {.message = ""};
            struct relevance_context_options o = {
                .size = sizeof o, .threads = threads, .allocator = &memory.allocator};
            relevance_context *ctx = NULL;
            enum relevance_status status;
            counting_init(&memory);
            memory.fail_at = fail_at;
            status = relevance_context_create(model, &o, &ctx, &error);
            if (status != RELEVANCE_OK) {
                struct relevance_result r = classify(model, threads);
                assert_int_equal(status, RELEVANCE_NO_MEMORY);
                assert_int_equal(error.status, RELEVANCE_NO_MEMORY);
                assert_true(error.message[0] != '\0');
                assert_null(ctx);
                assert_memory_equal(&r, &expected, sizeof r); /* the model is as good as before */
            }
            relevance_context_destroy(ctx);
            assert_int_equal(memory.live, 0);
            assert_int_equal(memory.live_len, 0);
            assert_false(memory.wrong);
            if (status == RELEVANCE_OK)
                break;
        }
        assert_true(fail_at >= 4); /* the context, its arena, the pool */
    }
    relevance_close(model);
}

/* ---- files ---- */

static void mapping_refused(void **state)
{
    static const int reasons[] = {ENOMEM, ENODEV, EACCES, EPERM, EAGAIN};
    struct relevance_result expected = expected_result();
    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct counting memory;
        struct relevance_result r;
        relevance_model *model = NULL;
        counting_init(&memory);
        fault.mmap_errno = reasons[i];
        fault.mmap_calls = fault.read_calls = 0;
        assert_int_equal(open_from(FROM_FILE, &memory, 0, &model, NULL), RELEVANCE_OK);
        assert_true(fault.mmap_calls == 1 && fault.read_calls > 0);
        assert_true(memory.live_len >= file_len);
        fault.mmap_errno = 0;
        r = classify(model, 1);
        assert_memory_equal(&r, &expected, sizeof r);
        relevance_close(model);
        assert_int_equal(memory.live, 0);
    }
}

/* Copied, a file may be changed and cut afterwards. */
static void copied_file_may_go(void **state)
{
    struct relevance_result expected = expected_result(), r;
    struct relevance_open_options o = {.size = sizeof o, .flags = RELEVANCE_OPEN_COPY};
    relevance_model *model = NULL;
    FILE *f;
    (void)state;
    assert_int_equal(relevance_open(path, &o, &model, NULL), RELEVANCE_OK);
    assert_int_equal(fault.mmap_calls, 0);
    assert_int_equal(truncate(path, 0), 0);
    r = classify(model, 1);
    assert_memory_equal(&r, &expected, sizeof r);
    relevance_close(model);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file, 1, file_len, f), file_len);
    assert_int_equal(fclose(f), 0);
}

static void short_and_failing_reads(void **state)
{
    static const size_t most[] = {0, 1, 7, 4096};
    struct relevance_result expected = expected_result();
    (void)state;
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        struct counting memory;
        struct relevance_error error;
        struct relevance_result r;
        relevance_model *model = NULL;
        unsigned long reads;
        counting_init(&memory);
        memset(&fault, 0, sizeof fault);
        fault.read_most = most[i];
        assert_int_equal(open_from(FROM_FILE, &memory, RELEVANCE_OPEN_COPY, &model, NULL),
                         RELEVANCE_OK);
        reads = fault.read_calls;
        assert_true(most[i] == 0 || reads == (file_len + most[i] - 1) / most[i]);
        r = classify(model, 1);
        assert_memory_equal(&r, &expected, sizeof r);
        relevance_close(model);
        model = NULL;
        /* The first, one in the middle, the last: an error, an interruption, an early end. */
        for (int k = 0; k < 9; k++) {
            enum relevance_status status;
            fault.read_calls = 0;
            fault.read_fail = (const unsigned long[]){1, reads / 2 + 1, reads}[k % 3];
            fault.read_errno = (const int[]){EIO, EINTR, 0}[k / 3];
            error.message[0] = '\0';
            status = open_from(FROM_FILE, &memory, RELEVANCE_OPEN_COPY, &model, &error);
            assert_int_equal(status, fault.read_errno == EINTR ? RELEVANCE_OK : RELEVANCE_IO);
            if (status == RELEVANCE_OK) {
                r = classify(model, 1);
                assert_memory_equal(&r, &expected, sizeof r);
                relevance_close(model);
                model = NULL;
            } else {
                assert_non_null(strstr(error.message, path));
                assert_int_equal(error.position,
                                 most[i] ? (fault.read_fail - 1) * most[i] : 0);
            }
            assert_null(model);
            assert_int_equal(memory.live, 0);
        }
    }
}

/* ---- threads ---- */

static void threads_that_do_not_start(void **state)
{
    struct relevance_result expected = expected_result();
    relevance_model *model = NULL;
    (void)state;
    assert_int_equal(relevance_open(path, NULL, &model, NULL), RELEVANCE_OK);
    for (unsigned long fail = 1; fail <= 4; fail++) {
        struct counting memory;
        struct relevance_error error = {.message = ""};
        struct relevance_context_options o = {
            .size = sizeof o, .threads = 4, .allocator = &memory.allocator};
        relevance_context *ctx = NULL;
        struct relevance_result r;
        counting_init(&memory);
        fault.create_calls = 0;
        fault.create_fail = fail;
        assert_int_equal(relevance_context_create(model, &o, &ctx, &error),
                         fail <= 3 ? RELEVANCE_NO_THREAD : RELEVANCE_OK);
        if (fail <= 3) {
            assert_null(ctx);
            assert_int_equal(error.status, RELEVANCE_NO_THREAD);
            assert_true(error.message[0] != '\0');
        }
        relevance_context_destroy(ctx);
        assert_int_equal(memory.live, 0);
        fault.create_fail = 0;
        r = classify(model, 4);
        assert_memory_equal(&r, &expected, sizeof r);
    }
    relevance_close(model);
}

/* ---- processes ---- */

/* A server that opens the model and then forks: both sides go on with the same bits, with contexts
 * made after the fork and, where it has one thread, before it. */
static void fork_after_open(void **state)
{
    struct relevance_result expected = expected_result(), r;
    relevance_model *model = NULL;
    relevance_context *before;
    (void)state;
    assert_int_equal(relevance_open(path, NULL, &model, NULL), RELEVANCE_OK);
    before = tiny_context(model, NULL);
    for (int child_n = 0; child_n < 3; child_n++) {
        int ends[2], status = -1;
        pid_t child;
        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct relevance_result mine[2];
            memset(mine, 0, sizeof mine);
            relevance_classify(before, "red running shoes", 17, "a red shoe", 10, &mine[0]);
            mine[1] = classify(model, 2);
            relevance_context_destroy(before);
            relevance_close(model);
            _exit(write(ends[1], mine, sizeof mine) == (ssize_t)sizeof mine ? 0 : 1);
        }
        close(ends[1]);
        r = classify(model, 2);
        assert_memory_equal(&r, &expected, sizeof r);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(__real_read(ends[0], &r, sizeof r), sizeof r);
            assert_memory_equal(&r, &expected, sizeof r);
        }
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    relevance_context_destroy(before);
    relevance_close(model);
}

/* Closing a model that still has a context: a debug build says so and stops. */
static void close_under_a_context(void **state)
{
    (void)state;
#if defined(RLV_DEBUG)
    for (int contexts = 0; contexts < 3; contexts++) {
        char said[200] = "";
        int ends[2], status = -1;
        pid_t child;
        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            relevance_model *model = NULL;
            relevance_context *ctx[2] = {NULL, NULL};
            dup2(ends[1], STDERR_FILENO);
            relevance_open(path, NULL, &model, NULL);
            for (int i = 0; i < 2; i++)
                relevance_context_create(model, NULL, &ctx[i], NULL);
            for (int i = contexts; i < 2; i++)
                relevance_context_destroy(ctx[i]);
            relevance_close(model);
            _exit(0);
        }
        close(ends[1]);
        assert_true(__real_read(ends[0], said, sizeof said - 1) >= 0);
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WIFSIGNALED(status), contexts > 0);
        if (contexts > 0) {
            assert_int_equal(WTERMSIG(status), SIGABRT);
            assert_non_null(strstr(said, "a context of this model still exists"));
        }
    }
#else
    skip(); /* make DEBUG=1; 'make check-asan' and its like do */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(open_without_memory, no_faults),
        cmocka_unit_test_setup(create_without_memory, no_faults),
        cmocka_unit_test_setup(mapping_refused, no_faults),
        cmocka_unit_test_setup(copied_file_may_go, no_faults),
        cmocka_unit_test_setup(short_and_failing_reads, no_faults),
        cmocka_unit_test_setup(threads_that_do_not_start, no_faults),
        cmocka_unit_test_setup(fork_after_open, no_faults),
        cmocka_unit_test_setup(close_under_a_context, no_faults),
    };
    alarm(1200);
    return cmocka_run_group_tests_name("faults", tests, write_model, remove_model);
}
