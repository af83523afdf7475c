/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads.c - the workers of one context.
 *
 * A call is a sequence of stages; a stage is a number of independent pieces.  The caller publishes
 * a stage, everybody (the caller too) claims pieces by an atomic increment until none is left, and
 * the caller waits for the pieces still under way.
 *
 * Each thread has a share of the pieces, a range of neighbours, which it works off before it helps
 * with the others'.  So the same thread mostly gets the same columns in one stage after the other
 * and finds them in its own cache: between cores a cache line takes longer than from memory.  That
 * everybody may claim everything, rather than his share alone, is what lets the pool degrade
 * gently: a worker that the system does not schedule just claims nothing.  No result depends on
 * who computes what.
 *
 * A claim holds the stage's number, the end of the share and the next piece in one 64-bit word, so
 * that a worker which was away for some stages cannot mistake one stage's end for another's: what it
 * increments is what it reads, and while it holds a valid piece its stage cannot end.
 *
 * Between the stages of a call a worker spins for a short, bounded time; then it sleeps.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "internal.h"

/* Rounds of waiting before sleeping: some 30 us, the length of a serial gap between two stages. */
#define SPIN_ROUNDS 1500

#define NEXT_BITS 20
#define END_BITS 20
#define NEXT_MASK ((UINT64_C(1) << NEXT_BITS) - 1)
#define END_MASK ((UINT64_C(1) << END_BITS) - 1)
/* Pieces that are published at once; half of what a claim can hold, as 'next' runs past the end. */
#define MAX_PIECES ((size_t)1 << (END_BITS - 1))

/* One thread's share of a stage: all that a worker needs to begin with is this one cache line, as each
 * that another core has written takes 0.1 us. */
struct share {
    _Alignas(64) _Atomic uint64_t claim; /* stage << 40 | end << 20 | next */
    rlv_task task;                       /* this and what follows: read after claiming a piece */
    void *arg;
    size_t first;
    uint32_t done_at; /* 'done' when the stage ends */
};

struct rlv_worker {
    struct rlv_pool *pool;
    unsigned index;
    pthread_t thread;
};

struct rlv_pool {
    unsigned threads;
    unsigned started; /* workers that run: to be joined */
    relevance_parallel_for host;
    void *host_user;

    uint64_t stage;
    uint32_t done_at;     /* 'done' when this stage ends */
    struct share *shares; /* [threads], behind the workers */
    _Alignas(64) _Atomic uint32_t done; /* pieces finished, of all stages */
    _Alignas(64) _Atomic uint32_t sleepers;
    _Atomic int caller_sleeps;
    _Atomic int stop;
    pthread_mutex_t mutex;
    pthread_cond_t work, finished;
    struct rlv_worker workers[]; /* [threads - 1] */
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static inline size_t claim_next(uint64_t claim) { return (size_t)(claim & NEXT_MASK); }
static inline size_t claim_end(uint64_t claim) { return (size_t)(claim >> NEXT_BITS & END_MASK); }
static inline int claim_open(uint64_t claim) { return claim_next(claim) < claim_end(claim); }
static inline uint64_t claim_stage(uint64_t claim) { return claim >> (NEXT_BITS + END_BITS); }

/* Work on pieces of one share until it has none left to claim. */
static void work_off_share(struct rlv_pool *pool, struct share *share, unsigned worker)
{
    while (claim_open(atomic_load_explicit(&share->claim, memory_order_acquire))) {
        uint64_t claim = atomic_fetch_add_explicit(&share->claim, 1, memory_order_acq_rel);
        if (!claim_open(claim))
            return;
        uint32_t done_at = share->done_at; /* read before 'done' counts: then the stage may end */
        share->task(share->arg, share->first + claim_next(claim), worker);
        /* Sequentially consistent against 'caller_sleeps': one of the two sees the other. */
        if (atomic_fetch_add(&pool->done, 1) + 1 == done_at && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

/* The worker's own share, then the others'. */
static void work_off(struct rlv_pool *pool, unsigned worker)
{
    for (unsigned i = 0; i < pool->threads; i++)
        work_off_share(pool, &pool->shares[(worker + i) % pool->threads], worker);
}

/* Waits for its own claim to name another stage than the last. */
static void *worker_main(void *arg)
{
    struct rlv_worker *self = (struct rlv_worker *)arg;
    struct rlv_pool *pool = self->pool;
    _Atomic uint64_t *claim = &pool->shares[self->index].claim;
    uint64_t stage = 0, now = 0;
    while (!atomic_load(&pool->stop)) {
        for (unsigned i = 0; i < SPIN_ROUNDS && now == stage; i++) {
            now = claim_stage(atomic_load_explicit(claim, memory_order_relaxed));
            if (now == stage)
                relax();
        }
        if (now == stage) {
            pthread_mutex_lock(&pool->mutex);
            atomic_fetch_add(&pool->sleepers, 1);
            while ((now = claim_stage(atomic_load(claim))) == stage && !atomic_load(&pool->stop))
                pthread_cond_wait(&pool->work, &pool->mutex);
            atomic_fetch_sub(&pool->sleepers, 1);
            pthread_mutex_unlock(&pool->mutex);
        }
        stage = now;
        work_off(pool, self->index);
    }
    return NULL;
}

static void host_task(void *arg, size_t i) { work_off((struct rlv_pool *)arg, (unsigned)i); }

static void publish(struct rlv_pool *pool, size_t first, size_t task_n, rlv_task task, void *arg)
{
    pool->stage++;
    pool->done_at += (uint32_t)task_n;
    for (unsigned i = pool->threads; i-- != 0;) {
        struct share *share = &pool->shares[i];
        share->task = task;
        share->arg = arg;
        share->first = first;
        share->done_at = pool->done_at;
        atomic_store(&share->claim, pool->stage << (NEXT_BITS + END_BITS) |
                                        (uint64_t)((i + 1) * task_n / pool->threads) << NEXT_BITS |
                                        (uint64_t)(i * task_n / pool->threads));
    }
}

static void wait_until_done(struct rlv_pool *pool)
{
    for (unsigned i = 0; i < SPIN_ROUNDS; i++) {
        if (atomic_load_explicit(&pool->done, memory_order_acquire) == pool->done_at)
            return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->caller_sleeps, 1);
    while (atomic_load(&pool->done) != pool->done_at)
        pthread_cond_wait(&pool->finished, &pool->mutex);
    atomic_store(&pool->caller_sleeps, 0);
    pthread_mutex_unlock(&pool->mutex);
}

/* Pieces 'first' .. first + task_n - 1, at most MAX_PIECES. */
static void run_stage(struct rlv_pool *pool, size_t first, size_t task_n, rlv_task task, void *arg)
{
    publish(pool, first, task_n, task, arg);
    if (pool->host != NULL) {
        pool->host(pool->host_user, pool->threads, host_task, pool);
        return;
    }
    if (atomic_load(&pool->sleepers) != 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->work);
        pthread_mutex_unlock(&pool->mutex);
    }
    work_off(pool, 0);
    wait_until_done(pool);
}

void rlv_pool_run(struct rlv_pool *pool, size_t task_n, rlv_task task, void *arg)
{
    if (pool == NULL || pool->threads == 1 || task_n == 1) {
        for (size_t i = 0; i < task_n; i++)
            task(arg, i, 0);
        return;
    }
    for (size_t first = 0; first < task_n; first += MAX_PIECES)
        run_stage(pool, first, task_n - first < MAX_PIECES ? task_n - first : MAX_PIECES, task, arg);
}

unsigned rlv_pool_threads(const struct rlv_pool *pool) { return pool->threads; }

static size_t shares_offset(unsigned threads)
{
    return rlv_round_up(sizeof(struct rlv_pool) + (threads - 1) * sizeof(struct rlv_worker),
                        sizeof(struct share));
}

static size_t pool_size(unsigned threads)
{
    return shares_offset(threads) + threads * sizeof(struct share);
}

void rlv_pool_destroy(struct rlv_pool *pool, const struct relevance_allocator *allocator)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stop, 1);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    allocator->free(allocator->user, pool, pool_size(pool->threads));
}

enum relevance_status rlv_pool_create(struct rlv_pool **out, unsigned threads,
                                      relevance_parallel_for host, void *host_user,
                                      const struct relevance_allocator *allocator)
{
    struct rlv_pool *pool =
        (struct rlv_pool *)allocator->alloc(allocator->user, pool_size(threads), 64);
    if (pool == NULL)
        return RELEVANCE_NO_MEMORY;
    memset(pool, 0, pool_size(threads));
    pool->threads = threads;
    pool->shares = (struct share *)(void *)((char *)pool + shares_offset(threads));
    pool->host = host;
    pool->host_user = host_user;
    if (pthread_mutex_init(&pool->mutex, NULL) != 0)
        goto fail_mutex;
    if (pthread_cond_init(&pool->work, NULL) != 0)
        goto fail_work;
    if (pthread_cond_init(&pool->finished, NULL) != 0)
        goto fail_finished;
    for (unsigned i = 0; host == NULL && i + 1 < threads; i++) {
        struct rlv_worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->index = i + 1;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            rlv_pool_destroy(pool, allocator);
            return RELEVANCE_NO_THREAD;
        }
        pool->started++;
    }
    *out = pool;
    return RELEVANCE_OK;

fail_finished:
    pthread_cond_destroy(&pool->work);
fail_work:
    pthread_mutex_destroy(&pool->mutex);
fail_mutex:
    allocator->free(allocator->user, pool, pool_size(threads));
    return RELEVANCE_NO_THREAD;
}
