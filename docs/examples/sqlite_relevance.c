/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_relevance.c - relevance() in SQL: a loadable extension of SQLite.
 *
 *     .load ./sqlite_relevance
 *     SELECT relevance_open('data/default.rlv');
 *     SELECT title FROM product ORDER BY relevance('dog leash', title) DESC LIMIT 3;
 *
 *   relevance_open(path)           open a model for this connection; gives its labels
 *   relevance(query, title)        the score by which relevance_rank() orders, 0 to 1
 *   relevance_label(query, title)  the most probable label
 *
 * NULL in, NULL out.  The functions are deterministic, so SQLite may use them in an index on an
 * expression.  SQLite calls the functions of a connection from one thread at a time, which is what a
 * context asks for.
 */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include <stdlib.h>
#include <string.h>

#include <relevance.h>

/* Of a connection. */
struct state {
    relevance_model *model;
    relevance_context *ctx;
};

static void release(void *pointer)
{
    struct state *state = pointer;
    relevance_context_destroy(state->ctx);
    relevance_close(state->model);
    free(state);
}

static void sql_open(sqlite3_context *sql, int n, sqlite3_value **values)
{
    struct state *state = sqlite3_user_data(sql);
    const char *path = (const char *)sqlite3_value_text(values[0]);
    struct relevance_error error = {0};
    relevance_model *model = NULL;
    relevance_context *ctx = NULL;
    char labels[1024] = "";
    (void)n;
    if (path == NULL) {
        sqlite3_result_error(sql, "relevance_open: no path", -1);
        return;
    }
    if (relevance_open(path, NULL, &model, &error) != RELEVANCE_OK ||
        relevance_context_create(model, NULL, &ctx, &error) != RELEVANCE_OK) {
        relevance_close(model);
        sqlite3_result_error(sql, error.message, -1);
        return;
    }
    relevance_context_destroy(state->ctx);
    relevance_close(state->model);
    state->model = model;
    state->ctx = ctx;
    for (uint32_t i = 0; relevance_label(model, i) != NULL; i++) {
        size_t used = strlen(labels);
        sqlite3_snprintf((int)(sizeof labels - used), labels + used, "%s%s", i > 0 ? ", " : "",
                         relevance_label(model, i));
    }
    sqlite3_result_text(sql, labels, -1, SQLITE_TRANSIENT);
}

/* Both functions: 'ranked' of the one product.  Returns 0 where the answer is NULL or an error. */
static int judge(sqlite3_context *sql, sqlite3_value **values, struct relevance_ranked *ranked)
{
    struct state *state = sqlite3_user_data(sql);
    struct relevance_text query, title;
    enum relevance_status status;
    if (state->ctx == NULL) {
        sqlite3_result_error(sql, "no model: SELECT relevance_open('default.rlv') first", -1);
        return 0;
    }
    if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL)
        return 0; /* the result is NULL unless one is set */
    query.data = (const char *)sqlite3_value_text(values[0]);
    query.len = (size_t)sqlite3_value_bytes(values[0]);
    title.data = (const char *)sqlite3_value_text(values[1]);
    title.len = (size_t)sqlite3_value_bytes(values[1]);
    if (query.data == NULL || title.data == NULL) {
        sqlite3_result_error_nomem(sql);
        return 0;
    }
    status = relevance_rank(state->ctx, query.data, query.len, &title, 1, ranked);
    if (status != RELEVANCE_OK) {
        sqlite3_result_error(sql, relevance_status_name(status), -1);
        return 0;
    }
    return 1;
}

static void sql_score(sqlite3_context *sql, int n, sqlite3_value **values)
{
    struct relevance_ranked ranked;
    (void)n;
    if (judge(sql, values, &ranked))
        sqlite3_result_double(sql, (double)ranked.score);
}

static void sql_label(sqlite3_context *sql, int n, sqlite3_value **values)
{
    struct state *state = sqlite3_user_data(sql);
    struct relevance_ranked ranked;
    (void)n;
    if (judge(sql, values, &ranked))
        sqlite3_result_text(sql, relevance_label(state->model, ranked.result.label), -1,
                            SQLITE_TRANSIENT);
}

int sqlite3_sqliterelevance_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

/* The name that SQLite makes of the file's, letters only. */
int sqlite3_sqliterelevance_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    struct state *state;
    int code;
    SQLITE_EXTENSION_INIT2(api);
    (void)message;
    state = calloc(1, sizeof *state);
    if (state == NULL)
        return SQLITE_NOMEM;
    /* The first one owns the state; where it cannot be made, SQLite calls release() itself. */
    code = sqlite3_create_function_v2(db, "relevance_open", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, state,
                                      sql_open, NULL, NULL, release);
    if (code == SQLITE_OK)
        code = sqlite3_create_function(db, "relevance", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, state,
                                       sql_score, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function(db, "relevance_label", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                       state, sql_label, NULL, NULL);
    return code;
}
