/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - a small HTTP endpoint on libmicrohttpd, with no web server in front.
 *
 * usage: http MODEL PORT [THREADS]        (port 0: any free one; it is printed)
 *
 *     GET /classify?query=dog+leash&product=Reflective+nylon+dog+leash
 *     {"label":"Exact","probabilities":{"Exact":0.955,...},"tokens":9}
 *
 * libmicrohttpd runs THREADS threads; as many contexts lie on a stack, and a request takes one.  There
 * are never more requests under way than threads, so the stack is never empty.  It listens on
 * 127.0.0.1; SIGINT or SIGTERM ends it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <relevance.h>

#define THREADS_MAX 64

struct server {
    relevance_model *model;
    pthread_mutex_t mutex;
    relevance_context *contexts[THREADS_MAX]; /* those not in use, [context_n] */
    unsigned long context_n;
};

static relevance_context *take_context(struct server *s)
{
    relevance_context *ctx;
    pthread_mutex_lock(&s->mutex);
    ctx = s->contexts[--s->context_n];
    pthread_mutex_unlock(&s->mutex);
    return ctx;
}

static void give_context(struct server *s, relevance_context *ctx)
{
    pthread_mutex_lock(&s->mutex);
    s->contexts[s->context_n++] = ctx;
    pthread_mutex_unlock(&s->mutex);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *json)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(json), (void *)json, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* A label as a JSON string. */
static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 32)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    fputc('"', out);
}

static enum MHD_Result classify(struct server *s, struct MHD_Connection *connection)
{
    const char *query = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "query");
    const char *product = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "product");
    struct relevance_result r;
    relevance_context *ctx;
    enum relevance_status status;
    enum MHD_Result result;
    char *json = NULL;
    size_t len = 0;
    FILE *out;
    if (query == NULL || product == NULL)
        return reply(connection, MHD_HTTP_BAD_REQUEST,
                     "{\"error\":\"the arguments query and product are needed\"}\n");
    ctx = take_context(s);
    status = relevance_classify(ctx, query, strlen(query), product, strlen(product), &r);
    give_context(s, ctx);
    if (status != RELEVANCE_OK || (out = open_memstream(&json, &len)) == NULL)
        return reply(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "{\"error\":\"no answer\"}\n");
    fprintf(out, "{\"label\":");
    put_string(out, relevance_label(s->model, r.label));
    fprintf(out, ",\"probabilities\":{");
    for (uint32_t i = 0; i < r.label_n; i++) {
        fprintf(out, i > 0 ? "," : "");
        put_string(out, relevance_label(s->model, i));
        fprintf(out, ":%.3f", (double)r.probabilities[i]);
    }
    fprintf(out, "},\"tokens\":%u}\n", r.tokens);
    result = fclose(out) == 0 ? reply(connection, MHD_HTTP_OK, json) : MHD_NO;
    free(json);
    return result;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **request)
{
    (void)version;
    (void)upload;
    (void)upload_len;
    (void)request;
    if (strcmp(method, "GET") != 0)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "{\"error\":\"GET only\"}\n");
    if (strcmp(url, "/classify") == 0)
        return classify(user, connection);
    return reply(connection, MHD_HTTP_NOT_FOUND, "{\"error\":\"there is /classify\"}\n");
}

int main(int argc, char **argv)
{
    static struct server server = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct relevance_error error;
    unsigned long thread_n = argc > 3 ? strtoul(argv[3], NULL, 10) : 2, port;
    struct MHD_Daemon *daemon;
    sigset_t signals;
    int got;
    if (argc < 3 || argc > 4 || thread_n < 2 || thread_n > THREADS_MAX ||
        (port = strtoul(argv[2], NULL, 10)) > 65535)
        return fprintf(stderr, "usage: http MODEL PORT [THREADS]        (2 to 64 threads)\n"), 2;
    if (relevance_open(argv[1], NULL, &server.model, &error) != RELEVANCE_OK)
        return fprintf(stderr, "http: %s\n", error.message), 2;
    for (unsigned long i = 0; i < thread_n; i++)
        if (relevance_context_create(server.model, NULL, &server.contexts[server.context_n++],
                                     &error) != RELEVANCE_OK)
            return fprintf(stderr, "http: %s\n", error.message), 2;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG, (uint16_t)port, NULL,
                              NULL, handle, &server, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)thread_n,
                              MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
                              MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (daemon == NULL)
        return fprintf(stderr, "http: cannot listen on port %lu\n", port), 2;
    printf("listening on 127.0.0.1:%u\n",
           MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&signals, &got);
    MHD_stop_daemon(daemon);
    while (server.context_n > 0)
        relevance_context_destroy(server.contexts[--server.context_n]);
    relevance_close(server.model);
    return 0;
}
