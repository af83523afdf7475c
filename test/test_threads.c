/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker pool: every piece of every stage is done exactly once, whoever does it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "internal.h"

#define MAX_TASKS 300

struct counts {
    _Atomic uint32_t done[MAX_TASKS];
    _Atomic uint32_t in_use[64]; /* a worker's scratch must have one user at a time */
    _Atomic uint32_t clashes;
};

static void count_task(void *arg, size_t i, unsigned worker)
{
    struct counts *counts = arg;
    if (atomic_fetch_add(&counts->in_use[worker], 1) != 0)
        atomic_fetch_add(&counts->clashes, 1);
    atomic_fetch_add(&counts->done[i], 1);
    atomic_fetch_sub(&counts->in_use[worker], 1);
}

static void check_stages(struct rlv_pool *pool, unsigned stage_n)
{
    static struct counts counts;
    for (unsigned s = 0; s < stage_n; s++) {
        size_t task_n = s * 7919u % MAX_TASKS;
        memset(&counts, 0, sizeof counts);
        rlv_pool_run(pool, task_n, count_task, &counts);
        assert_int_equal(counts.clashes, 0);
        for (size_t i = 0; i < MAX_TASKS; i++)
            assert_int_equal(counts.done[i], i < task_n ? 1 : 0);
    }
}

static void every_piece_once(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 5; threads++) {
        struct rlv_pool *pool = NULL;
        assert_int_equal(rlv_pool_create(&pool, threads, NULL, NULL, &rlv_libc_allocator),
                         RELEVANCE_OK);
        assert_int_equal(rlv_pool_threads(pool), threads);
        check_stages(pool, 3000);
        rlv_pool_destroy(pool, &rlv_libc_allocator);
    }
}

/* Workers that have gone to sleep between two calls must wake up again. */
static void wakes_after_a_pause(void **state)
{
    struct rlv_pool *pool = NULL;
    struct timespec pause = {0, 2000000};
    (void)state;
    assert_int_equal(rlv_pool_create(&pool, 3, NULL, NULL, &rlv_libc_allocator), RELEVANCE_OK);
    for (unsigned i = 0; i < 30; i++) {
        nanosleep(&pause, NULL);
        check_stages(pool, 5);
    }
    rlv_pool_destroy(pool, &rlv_libc_allocator);
}

static void sequential_host(void *user, size_t task_n, void (*task)(void *arg, size_t i), void *arg)
{
    unsigned *calls = user;
    (*calls)++;
    for (size_t i = task_n; i-- > 0;)
        task(arg, i);
}

static void host_runs_the_pieces(void **state)
{
    struct rlv_pool *pool = NULL;
    unsigned calls = 0;
    (void)state;
    assert_int_equal(rlv_pool_create(&pool, 4, sequential_host, &calls, &rlv_libc_allocator),
                     RELEVANCE_OK);
    check_stages(pool, 100);
    assert_true(calls > 90);
    rlv_pool_destroy(pool, &rlv_libc_allocator);
}

static void slow_task(void *arg, size_t i, unsigned worker)
{
    struct timespec pause = {0, 3000000};
    if (i != 0 || worker != 0) /* so that the caller is done first, and sleeps */
        nanosleep(&pause, NULL);
    count_task(arg, i, worker);
}

/* The caller comes back when the last piece is done, not before. */
static void waits_for_slow_pieces(void **state)
{
    static struct counts counts;
    struct rlv_pool *pool = NULL;
    (void)state;
    assert_int_equal(rlv_pool_create(&pool, 4, NULL, NULL, &rlv_libc_allocator), RELEVANCE_OK);
    for (unsigned s = 0; s < 20; s++) {
        memset(&counts, 0, sizeof counts);
        rlv_pool_run(pool, 4, slow_task, &counts);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(counts.done[i], 1);
    }
    rlv_pool_destroy(pool, &rlv_libc_allocator);
}

static void mark_task(void *arg, size_t i, unsigned worker)
{
    _Atomic uint8_t *marks = arg;
    (void)worker;
    atomic_fetch_add(&marks[i], 1);
}

/* More pieces than a claim has room for: some 12 heads of 2^18 / 3 sequences of three tokens. */
static void a_million_pieces(void **state)
{
    static _Atomic uint8_t marks[(1 << 20) + 50000];
    size_t n = sizeof marks / sizeof marks[0];
    struct rlv_pool *pool = NULL;
    (void)state;
    assert_int_equal(rlv_pool_create(&pool, 3, NULL, NULL, &rlv_libc_allocator), RELEVANCE_OK);
    rlv_pool_run(pool, n, mark_task, marks);
    rlv_pool_destroy(pool, &rlv_libc_allocator);
    for (size_t i = 0; i < n; i++)
        if (marks[i] != 1)
            fail_msg("piece %zu is done %d times", i, marks[i]);
}

static void *no_memory(void *user, size_t size, size_t align)
{
    (void)user, (void)size, (void)align;
    return NULL;
}

static void no_free(void *user, void *memory, size_t size)
{
    (void)user, (void)memory, (void)size;
}

static void reports_no_memory(void **state)
{
    const struct relevance_allocator none = {no_memory, no_free, NULL};
    struct rlv_pool *pool = NULL;
    (void)state;
    assert_int_equal(rlv_pool_create(&pool, 2, NULL, NULL, &none), RELEVANCE_NO_MEMORY);
    assert_null(pool);
    rlv_pool_destroy(NULL, &none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_once),
        cmocka_unit_test(wakes_after_a_pause),
        cmocka_unit_test(waits_for_slow_pieces),
        cmocka_unit_test(host_runs_the_pieces),
        cmocka_unit_test(a_million_pieces),
        cmocka_unit_test(reports_no_memory),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
