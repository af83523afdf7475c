/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.c - a C service that answers on N threads.
 *
 * usage: service MODEL PORT [THREADS]        (port 0: any free one; it is printed)
 *
 * One model is shared by all threads; each thread has a context of its own and waits in accept() on
 * the one listening socket, so there is no queue and no lock.  A client sends lines,
 * "query<TAB>product", and gets a line for each: "label<TAB>probability", or "error<TAB>why".
 * SIGINT and SIGTERM end the service when the requests under way are answered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <relevance.h>

#define LINE_MAX_LEN 8192
#define THREADS_MAX 64

struct worker {
    pthread_t thread;
    relevance_context *ctx;
    const relevance_model *model;
    int listener;
    unsigned long answered;
};

static atomic_int ending;

static void answer(struct worker *w, FILE *out, const char *line)
{
    struct relevance_result r;
    const char *tab = strchr(line, '\t');
    enum relevance_status status;
    if (tab == NULL) {
        fprintf(out, "error\tno tab between query and product\n");
        return;
    }
    status = relevance_classify(w->ctx, line, (size_t)(tab - line), tab + 1, strlen(tab + 1), &r);
    if (status != RELEVANCE_OK)
        fprintf(out, "error\t%s\n", relevance_status_name(status));
    else
        fprintf(out, "%s\t%.3f\n", relevance_label(w->model, r.label),
                (double)r.probabilities[r.label]);
    w->answered++;
}

static void serve(struct worker *w, int client)
{
    /* A client that says nothing must not hold a thread for ever. */
    struct timeval limit = {.tv_sec = 10};
    char line[LINE_MAX_LEN];
    FILE *in, *out;
    int copy = dup(client);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    in = fdopen(client, "r");
    out = copy < 0 ? NULL : fdopen(copy, "w");
    if (in == NULL || out == NULL) {
        in == NULL ? close(client) : fclose(in);
        out != NULL ? fclose(out) : copy >= 0 ? close(copy) : 0;
        return;
    }
    while (fgets(line, sizeof line, in) != NULL) {
        size_t len = strlen(line);
        if (len > 0 && line[len - 1] != '\n' && !feof(in)) {
            fprintf(out, "error\ta line longer than %d bytes\n", LINE_MAX_LEN - 2);
            break;
        }
        line[strcspn(line, "\r\n")] = '\0';
        answer(w, out, line);
        if (fflush(out) != 0)
            break;
    }
    fclose(in);
    fclose(out);
}

static void *work(void *argument)
{
    struct worker *w = argument;
    while (!atomic_load(&ending)) {
        int client = accept(w->listener, NULL, NULL);
        if (client >= 0)
            serve(w, client);
        else if (errno != EINTR && errno != ECONNABORTED)
            break; /* shut down, below */
    }
    return NULL;
}

static int listen_on(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof address;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 128) != 0 || getsockname(listener, (struct sockaddr *)&address, &len) != 0) {
        perror("service: cannot listen");
        exit(2);
    }
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS_MAX];
    struct relevance_error error;
    relevance_model *model = NULL;
    unsigned long thread_n = argc > 3 ? strtoul(argv[3], NULL, 10) : 2, port, answered = 0;
    int listener, got;
    sigset_t signals;
    if (argc < 3 || argc > 4 || thread_n < 1 || thread_n > THREADS_MAX ||
        (port = strtoul(argv[2], NULL, 10)) > 65535)
        return fprintf(stderr, "usage: service MODEL PORT [THREADS]\n"), 2;
    if (relevance_open(argv[1], NULL, &model, &error) != RELEVANCE_OK)
        return fprintf(stderr, "service: %s\n", error.message), 2;

    /* Blocked here, and so in every thread: only sigwait() below sees them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN); /* a client that left is an error of one fflush() */

    listener = listen_on((unsigned)port);
    for (unsigned long i = 0; i < thread_n; i++) {
        workers[i].model = model;
        workers[i].listener = listener;
        if (relevance_context_create(model, NULL, &workers[i].ctx, &error) != RELEVANCE_OK)
            return fprintf(stderr, "service: %s\n", error.message), 2;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return fprintf(stderr, "service: cannot start a thread\n"), 2;
    }
    sigwait(&signals, &got);
    atomic_store(&ending, 1);
    shutdown(listener, SHUT_RDWR); /* wakes every accept() */
    for (unsigned long i = 0; i < thread_n; i++) {
        pthread_join(workers[i].thread, NULL);
        answered += workers[i].answered;
        relevance_context_destroy(workers[i].ctx);
    }
    close(listener);
    relevance_close(model);
    printf("%lu requests answered\n", answered);
    return 0;
}
