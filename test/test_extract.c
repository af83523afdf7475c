/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_extract.c - token labels, spans and shopping intents: where tokens come from on random text,
 * labels against transformers, quantities against data/intent/quantities.tsv, and what whole texts
 * give with the checkpoint intent-rule, whose labels follow from a list of words
 * (tools/gen_golden.py).  Run in the repository's root.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "internal.h"
#include "support/random_text.h"
#include "support/tiny.h"

/* ---- where tokens come from ---- */

#define ID_CAP 4096

static int32_t ids[ID_CAP], plain[ID_CAP], again[ID_CAP];
static struct rlv_origin origins[ID_CAP];

/*
 * Each word's bytes alone give the same tokens; they lie within the text, between characters, and
 * ascend.  Returns the number of words.
 */
static size_t check_origins(const struct rlv_vocab *v, const char *text, size_t len, int parse)
{
    size_t n = rlv_wordpiece_origins(v, text, len, parse, ids, origins, ID_CAP), word_n = 0;
    size_t last = 0;

    assert_int_equal(rlv_wordpiece(v, text, len, parse, plain, ID_CAP), n);
    assert_true(n <= ID_CAP);
    if (n > 0)
        assert_memory_equal(ids, plain, n * sizeof *ids);
    for (size_t i = 0; i < n; word_n++) {
        size_t first = i, begin = origins[i].begin, end = origins[i].end, got;
        assert_int_equal(origins[i].inside, 0);
        for (i++; i < n && origins[i].inside; i++) {
            assert_true(origins[i].begin < origins[i].end);
            begin = origins[i].begin < begin ? origins[i].begin : begin;
            end = origins[i].end > end ? origins[i].end : end;
        }
        assert_true(begin < end && end <= len);
        assert_true(begin >= last); /* equal where one character is two words */
        last = begin;
        got = rlv_wordpiece(v, text + begin, end - begin, parse, again, ID_CAP);
        /* one character may decompose into several words, all of which have its bytes */
        if (got != i - first && i < n && origins[i].begin == begin)
            continue;
        if (got != i - first && first > 0 && origins[first - 1].end == end)
            continue;
        if (got != i - first || memcmp(again, ids + first, got * sizeof *ids) != 0) {
            for (size_t k = 0; k < len; k++)
                printf("%02x%s", (unsigned char)text[k], k + 1 == begin || k + 1 == end ? "|" : " ");
            fail_msg("bytes [%zu, %zu) give %zu tokens, there were %zu", begin, end, got, i - first);
        }
    }
    return word_n;
}

static void origins_slice_back(void **state)
{
    relevance_model *model = tiny_open("bert-both", "f32");
    struct rlv_vocab vocab = model->vocab;
    char text[1024];
    size_t word_n = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, "test_extract");
    for (int i = 0; i < 20000; i++) {
        size_t len = random_text(&rng, text, sizeof text, 40);
        vocab.flags = (uint32_t)rng_below(&rng, RLV_CONFIG_ALL + 1);
        word_n += check_origins(&vocab, text, len, (int)rng_below(&rng, 2));
    }
    assert_true(word_n > 100000);
    relevance_close(model);
}

/* Exact places, by hand: accents of one and of two characters, a word that is too long, CJK. */
static void origins_by_hand(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        size_t at[8][2];
    } cases[] = {
        {"dog cat", 2, {{0, 3}, {4, 7}}},
        {"  Dog,CAT ", 3, {{2, 5}, {5, 6}, {6, 9}}},
        {"\xc3\xa9", 1, {{0, 2}}},
        {"a\xcc\x81\xcc\xa7 b", 2, {{0, 5}, {6, 7}}},
        {"\xe4\xb8\xad\xe9\x9e\x8b", 2, {{0, 3}, {3, 6}}},
        {"a\xe2\x98\x83 b", 2, {{0, 4}, {5, 6}}}, /* [UNK]: the whole word */
        {"a\xe2\x98\x83\xcc\x81 b", 2, {{0, 6}, {7, 8}}}, /* with the accent after it */
        {"shoes", 1, {{0, 5}}},
        {"dogs", 2, {{0, 3}, {3, 4}}},
        {"\x01 a", 1, {{2, 3}}},
    };
    relevance_model *model = tiny_open("bert-both", "f32");
    char word[400];

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t n = rlv_wordpiece_origins(&model->vocab, cases[c].text, strlen(cases[c].text), 0,
                                         ids, origins, ID_CAP);
        assert_int_equal(n, cases[c].n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(origins[i].begin, cases[c].at[i][0]);
            assert_int_equal(origins[i].end, cases[c].at[i][1]);
        }
    }
    memset(word, 'a', sizeof word);
    assert_int_equal(rlv_wordpiece_origins(&model->vocab, word, 400, 0, ids, origins, ID_CAP), 1);
    assert_int_equal(origins[0].begin, 0);
    assert_int_equal(origins[0].end, 400);
    memset(origins, 0xee, sizeof origins); /* a small buffer stays within itself */
    assert_int_equal(rlv_wordpiece_origins(&model->vocab, "a b c d", 7, 0, ids, origins, 2), 4);
    assert_int_equal(origins[1].begin, 2);
    assert_int_equal(origins[2].inside, 0xeeeeeeeeu);
    relevance_close(model);
}

/* ---- labels ---- */

static json_t *golden(const char *name)
{
    char path[300];
    json_error_t error;
    json_t *root;

    snprintf(path, sizeof path, "test/golden/tiny/%s/golden.json", name);
    root = json_load_file(path, 0, &error);
    if (root == NULL)
        fail_msg("%s: %s", path, error.text);
    return root;
}

static double softmax(const json_t *row, size_t i)
{
    double sum = 0.0, x = json_number_value(json_array_get(row, i));

    for (size_t k = 0; k < json_array_size(row); k++)
        sum += exp(json_number_value(json_array_get(row, k)) - x);
    return 1.0 / sum;
}

static size_t argmax(const json_t *row)
{
    size_t best = 0;

    for (size_t k = 1; k < json_array_size(row); k++)
        if (json_number_value(json_array_get(row, k)) >
            json_number_value(json_array_get(row, best)))
            best = k;
    return best;
}

/* The texts of a model, one by one, against the logits that transformers computed. */
static void labels_match_transformers(void **state)
{
    static const char *const models[] = {"bert-token", "distilbert-token", "bert-both",
                                         "distilbert-both"};

    (void)state;
    for (size_t m = 0; m < 4; m++) {
        json_t *root = golden(models[m]), *cases = json_object_get(root, "cases");
        relevance_model *model = tiny_open(models[m], "f32");
        relevance_context *ctx = tiny_context(model, NULL);
        int seen = 0;
        for (size_t c = 0; c < json_array_size(cases); c++) {
            json_t *one = json_array_get(cases, c);
            const char *query = json_string_value(json_object_get(one, "query"));
            json_t *rows = json_object_get(one, "token_logits");
            struct relevance_labelled_token t[64];
            struct relevance_labelled_tokens tokens = {.tokens = t, .cap = 64};
            if (query == NULL || json_string_value(json_object_get(one, "product")) != NULL)
                continue;
            assert_int_equal(relevance_label_tokens(ctx, query, strlen(query), &tokens),
                             RELEVANCE_OK);
            assert_int_equal(tokens.n + 2, json_array_size(rows));
            for (size_t i = 0; i < tokens.n; i++) {
                json_t *row = json_array_get(rows, i + 1);
                assert_int_equal(t[i].id, json_integer_value(json_array_get(
                                              json_object_get(one, "ids"), i + 1)));
                assert_int_equal(t[i].label, argmax(row));
                assert_true(fabs((double)t[i].probability - softmax(row, t[i].label)) < 1e-4);
            }
            seen++;
        }
        assert_true(seen > 0);
        relevance_context_destroy(ctx);
        relevance_close(model);
        json_decref(root);
    }
}

/* Spans rebuilt from the tokens' labels in another way, for random texts on random models. */
static void spans_follow_from_labels(void **state)
{
    static const char *const words[] = {"red", "dog", "shoes", "12", "x3", "caf\xc3\xa9", "usb-c",
                                        "\xe4\xb8\xad", "waterproofing", "a", ".", "\xe2\x98\x83"};
    relevance_model *model = tiny_open("bert-both", "f32");
    relevance_context *ctx = tiny_context(model, NULL);
    static struct relevance_labelled_token t[64];
    static struct relevance_span s[64];
    size_t total = 0, cut = 0;
    struct rng rng;

    (void)state;
    rng_seed(&rng, "test_extract spans");
    for (int round = 0; round < 300; round++) {
        char text[400] = "";
        struct relevance_labelled_tokens tokens = {.tokens = t, .cap = 64};
        struct relevance_spans spans = {.spans = s, .cap = 64};
        size_t found = 0;
        const char *open = "";
        for (size_t n = rng_below(&rng, 25); n > 0; n--) {
            strcat(text, words[rng_below(&rng, sizeof words / sizeof words[0])]);
            strcat(text, n % 3 != 0 ? " " : "");
        }
        assert_int_equal(relevance_label_tokens(ctx, text, strlen(text), &tokens), RELEVANCE_OK);
        assert_int_equal(relevance_find_spans(ctx, text, strlen(text), &spans), RELEVANCE_OK);
        assert_int_equal(spans.truncated, tokens.truncated);
        cut += spans.truncated;
        for (size_t i = 0; i < tokens.n; i++) {
            const char *label = relevance_token_label(model, t[i].label);
            if (t[i].inside)
                continue;
            if (label[0] == 'O') {
                open = "";
            } else if (label[0] == 'B' || strcmp(open, label + 2) != 0) {
                assert_true(found < spans.n);
                assert_int_equal(s[found].begin, t[i].begin);
                assert_int_equal(s[found].label, t[i].label);
                assert_string_equal(s[found].name, label + 2);
                open = s[found++].name;
            }
        }
        assert_int_equal(found, spans.n);
        for (size_t i = 0; i < spans.n; i++) {
            assert_true(s[i].begin < s[i].end && s[i].end <= strlen(text));
            assert_true(i == 0 || s[i].begin >= s[i - 1].end);
            assert_true(s[i].probability > 0.0f && s[i].probability <= 1.0f);
        }
        total += spans.n;
        if (spans.n > 0) { /* too small a buffer: the number, and nothing else */
            struct relevance_spans small = {.spans = s, .cap = spans.n - 1, .truncated = 77};
            assert_int_equal(relevance_find_spans(ctx, text, strlen(text), &small),
                             RELEVANCE_NO_SPACE);
            assert_int_equal(small.n, spans.n);
            assert_int_equal(small.truncated, 77);
        }
    }
    assert_true(total > 500 && cut > 0);
    relevance_context_destroy(ctx);
    relevance_close(model);
}

/* ---- quantities ---- */

static void quantities_of_the_data(void **state)
{
    FILE *f = fopen("data/intent/quantities.tsv", "r");
    char line[300];
    int n = 0;

    (void)state;
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    while (fgets(line, sizeof line, f) != NULL) {
        char *tab = strchr(line, '\t'), *value = strrchr(line, '\t') + 1;
        uint32_t got = 0;
        enum relevance_quantity_kind kind = rlv_parse_quantity(line, (size_t)(tab - line), &got);
        *tab = '\0';
        if (kind != RELEVANCE_QUANTITY_STATED || got != (uint32_t)atol(value))
            fail_msg("'%s': %u (kind %d), expected %s", line, got, (int)kind, value);
        n++;
    }
    fclose(f);
    assert_true(n > 1000);
}

static void quantities_by_hand(void **state)
{
    enum { STATED = RELEVANCE_QUANTITY_STATED, UNREADABLE = RELEVANCE_QUANTITY_UNREADABLE,
           OUT = RELEVANCE_QUANTITY_OUT_OF_RANGE };
    static const struct {
        const char *text;
        int kind;
        uint32_t value;
    } cases[] = {
        {"12", STATED, 12}, {"x3", STATED, 3}, {"3X", STATED, 3}, {"\xc3\x97 4", STATED, 4},
        {"12 kom", STATED, 12}, {"12kom.", STATED, 12}, {"about 7 pieces", STATED, 7},
        {"1,000", STATED, 1000}, {"1.000.000", STATED, 1000000}, {"2.0", STATED, 2},
        {"\xef\xbc\x93", STATED, 3}, {"3\xef\xb8\x8f\xe2\x83\xa3", STATED, 3}, {"007", STATED, 7},
        {"two hundred and fifty-three", STATED, 253}, {"a hundred", STATED, 100},
        {"one thousand two hundred", STATED, 1200}, {"TWENTY  FIVE", STATED, 25},
        {"dvije tisu\xc4\x87" "e petsto", STATED, 2500}, {"dvadesetpet", STATED, 25},
        {"\xc4\x8d" "etrdeset i dvije", STATED, 42}, {"cetiri", STATED, 4}, {"cetri", STATED, 4},
        {"dos mil quinientos", STATED, 2500}, {"treintaycinco", STATED, 35},
        {"treinta y cinco", STATED, 35}, {"tweleve", STATED, 12}, {"a couple of", STATED, 2},
        {"a couple dozen", STATED, 24}, {"half a dozen", STATED, 6}, {"media docena", STATED, 6},
        {"two and a half dozen", STATED, 2}, {"two dozen and a half", STATED, 30},
        {"3 pairs of", STATED, 3}, {"a pair of", STATED, 1}, {"an", STATED, 1}, {"5-6", STATED, 5},
        {"2 x 6", STATED, 2}, {"3 160x200", STATED, 3}, {"160x200 4", STATED, 4},
        {"160x200", UNREADABLE, 1}, {"40\xc3\x97" "60x20", UNREADABLE, 1}, {"2x", STATED, 2},
        {"five twenty", STATED, 5}, {"- 5", STATED, 5},
        {"", UNREADABLE, 1}, {"some", UNREADABLE, 1}, {"-", UNREADABLE, 1},
        {"\xff\xfe", UNREADABLE, 1}, {"nekoliko", UNREADABLE, 1},
        {"0", OUT, 1}, {"zero", OUT, 1}, {"-5", OUT, 1}, {"\xe2\x88\x92" "5", OUT, 1},
        {"minus two", OUT, 1}, {"1.5", OUT, 1}, {"0,75", OUT, 1}, {"half", OUT, 1},
        {"1.000.001", OUT, 1}, {"99999999999999999999999999", OUT, 1},
        {"nine hundred thousand thousand", STATED, 900000}, {"1000001", OUT, 1},
        {"dva milijuna", STATED, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t got = 0;
        int kind = (int)rlv_parse_quantity(cases[i].text, strlen(cases[i].text), &got);
        if (kind != cases[i].kind || got != cases[i].value)
            fail_msg("'%s': %u (kind %d), expected %u (%d)", cases[i].text, got, kind,
                     cases[i].value, cases[i].kind);
    }
}

/* Any bytes: in range, and the same for the same text. */
static void quantities_of_anything(void **state)
{
    static const char *const words[] = {"two", "hundred", "thousand", "dozen", "half", "a", "and", "-",
                                        ".", ",", "0", "9", "99999", " ", "\xff", "sto", "mil", "i"};
    struct rng rng;
    char text[2000];

    (void)state;
    rng_seed(&rng, "test_extract quantities");
    for (int i = 0; i < 20000; i++) {
        uint32_t got = 0;
        enum relevance_quantity_kind kind;
        text[0] = '\0';
        for (size_t n = rng_below(&rng, 80); n > 0; n--) {
            strcat(text, words[rng_below(&rng, sizeof words / sizeof words[0])]);
            strcat(text, rng_below(&rng, 2) ? " " : "");
        }
        kind = rlv_parse_quantity(text, strlen(text), &got);
        if (got < 1 || got > RELEVANCE_MAX_QUANTITY ||
            (kind != RELEVANCE_QUANTITY_STATED && got != 1))
            fail_msg("'%s': %u, kind %d", text, got, (int)kind);
    }
}

/* ---- intents ---- */

static struct relevance_intent extract(relevance_context *ctx, const char *text,
                                       const relevance_catalog *catalog)
{
    struct relevance_intent intent = {.size = sizeof intent};

    assert_int_equal(relevance_extract(ctx, text, strlen(text), catalog, &intent), RELEVANCE_OK);
    return intent;
}

static const char catalog_text[] = "Lip Balm\tbalzam za usne|b\xc3\xa1lsamo labial\nSoap\tsapun\n";

static relevance_catalog *open_catalog(void)
{
    relevance_catalog *catalog = NULL;
    struct relevance_error error = {.message = ""};

    if (relevance_catalog_open_memory(catalog_text, sizeof catalog_text - 1, NULL, &catalog,
                                      &error) != RELEVANCE_OK)
        fail_msg("%s", error.message);
    return catalog;
}

static void extracts_intents(void **state)
{
    static const struct {
        const char *text, *action, *product, *name;
        uint32_t product_n, quantity;
        int kind;
    } cases[] = {
        {"Makni 12 balzama za usne, hvala!", "remove", "balzama za usne", "Lip Balm", 1, 12, 1},
        {"add two lip balm", "add", "lip balm", "Lip Balm", 1, 2, 1},
        {"Quita media docena de b\xc3\xa1lsamo labial", "remove", "b\xc3\xa1lsamo labial",
         "Lip Balm", 1, 6, 1},
        {"soap", "add", "soap", "Soap", 1, 1, 0},
        {"remove soap x3", "remove", "soap", "Soap", 1, 3, 1},
        {"please", "add", "", NULL, 0, 1, 0},
        {"", "add", "", NULL, 0, 1, 0},
        {" \t\n ", "add", "", NULL, 0, 1, 0},
        {"socks 3", "add", "socks", NULL, 1, 3, 1},
        /* two products: the first, and the quantity that is its own */
        {"2 lip balm and 3 soap", "add", "lip balm", "Lip Balm", 2, 2, 1},
        {"soap and 3 lip balm", "add", "soap", "Soap", 2, 1, 0},
        {"soap 3, lip balm 2", "add", "soap", "Soap", 2, 3, 1},
        {"soap soap soap", "add", "soap", "Soap", 3, 1, 0},
        /* quantities that are none */
        {"remove -3 soap", "remove", "soap", "Soap", 1, 1, RELEVANCE_QUANTITY_OUT_OF_RANGE},
        {"add \xe2\x88\x92" "3 soap", "add", "soap", "Soap", 1, 1, RELEVANCE_QUANTITY_ABSENT},
        {"add - 3 soap", "add", "soap", "Soap", 1, 3, 1},
        {"add 0 soap", "add", "soap", "Soap", 1, 1, RELEVANCE_QUANTITY_OUT_OF_RANGE},
        {"add 99999999 soap", "add", "soap", "Soap", 1, 1, RELEVANCE_QUANTITY_OUT_OF_RANGE},
        {"add many soap", "add", "soap", "Soap", 1, 1, RELEVANCE_QUANTITY_UNREADABLE},
    };
    relevance_model *model = tiny_open("intent-rule", "f32");
    relevance_context *ctx = tiny_context(model, NULL);
    relevance_catalog *catalog = open_catalog();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct relevance_intent r = extract(ctx, cases[i].text, catalog);
        size_t len = r.product_end - r.product_begin;
        if (strcmp(relevance_label(model, r.action), cases[i].action) != 0 ||
            len != strlen(cases[i].product) ||
            memcmp(cases[i].text + r.product_begin, cases[i].product, len) != 0 ||
            (r.product.name == NULL) != (cases[i].name == NULL) ||
            (r.product.name != NULL && strcmp(r.product.name, cases[i].name) != 0) ||
            r.product_n != cases[i].product_n || r.quantity != cases[i].quantity ||
            (int)r.quantity_kind != cases[i].kind)
            fail_msg("'%s': %s, [%zu, %zu) '%s' of %u, %u (kind %d)", cases[i].text,
                     relevance_label(model, r.action), r.product_begin, r.product_end,
                     r.product.name != NULL ? r.product.name : "-", r.product_n, r.quantity,
                     (int)r.quantity_kind);
        assert_true(r.action_confidence > 0.5f && r.action_confidence <= 1.0f);
        assert_true(len == 0 ? r.product_confidence == 0.0f : r.product_confidence > 0.9f);
        assert_true(r.quantity_confidence >= 0.0f && r.quantity_confidence <= 1.0f);
        r = extract(ctx, cases[i].text, NULL);
        assert_null(r.product.name);
        assert_int_equal(r.product_end - r.product_begin, len);
    }
    relevance_catalog_close(catalog);
    relevance_context_destroy(ctx);
    relevance_close(model);
}

/* Socks are a product to the model, but not in the catalogue. */
static void a_product_of_the_catalogue_goes_before(void **state)
{
    static const struct {
        const char *text, *product;
        uint32_t product_n, quantity;
    } cases[] = {
        {"2 socks and 3 soap", "soap", 2, 3},     {"2 socks and soap", "soap", 2, 1},
        {"socks 2 and soap", "soap", 2, 1},       {"socks and soap 4", "soap", 2, 4},
        {"socks , socks and 3 soap", "soap", 3, 3}, {"2 socks and 3 socks", "socks", 2, 2},
        {"3 socks soap", "soap", 2, 3},           {"3 socks x3 soap", "soap", 2, 3},
        {"4 socks", "socks", 1, 4},               {"2 soap and 3 socks", "soap", 2, 2},
    };
    relevance_model *model = tiny_open("intent-rule", "f32");
    relevance_context *ctx = tiny_context(model, NULL);
    relevance_catalog *catalog = open_catalog();
    static char many[8 * 6 + 16];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct relevance_intent r = extract(ctx, cases[i].text, catalog);
        size_t len = r.product_end - r.product_begin;
        if (len != strlen(cases[i].product) ||
            memcmp(cases[i].text + r.product_begin, cases[i].product, len) != 0 ||
            r.product_n != cases[i].product_n || r.quantity != cases[i].quantity ||
            (r.product.name != NULL) != (cases[i].product[2] == 'a'))
            fail_msg("'%s': [%zu, %zu) '%s' of %u, %u", cases[i].text, r.product_begin,
                     r.product_end, r.product.name != NULL ? r.product.name : "-", r.product_n,
                     r.quantity);
    }
    /* what is near a name is not looked up any more as the ninth product */
    for (size_t socks = 7; socks <= 8; socks++) {
        struct relevance_intent r;
        many[0] = '\0';
        for (size_t i = 0; i < socks; i++)
            strcat(many, "socks ");
        strcat(many, "balzama za usne");
        r = extract(ctx, many, catalog);
        assert_int_equal(r.product_n, socks + 1);
        assert_int_equal(r.product.name != NULL, socks == 7);
        assert_int_equal(r.product_begin, socks == 7 ? 6 * socks : 0);
    }
    relevance_catalog_close(catalog);
    relevance_context_destroy(ctx);
    relevance_close(model);
}

/* Where no span is in the catalogue, names of it that the model held possible. */
static void names_that_no_span_has(void **state)
{
    static const char names[] = "Gift\tsocks soap|lip soap socks\nPlease\nAnd\n";
    static const struct {
        const char *text;
        size_t begin, end;
        uint32_t product_n, quantity;
        const char *name;
    } cases[] = {
        {"2 socks soap", 2, 12, 2, 2, "Gift"},        /* two spans, one name */
        {"3 lip soap socks soap", 2, 16, 4, 3, "Gift"}, /* two names: the first */
        {"please socks", 7, 12, 1, 1, NULL},          /* the model is sure that it is none */
        {"and", 0, 0, 0, 1, NULL},
    };
    relevance_model *model = tiny_open("intent-rule", "f32");
    relevance_context *ctx = tiny_context(model, NULL);
    relevance_catalog *catalog = NULL;

    (void)state;
    assert_int_equal(relevance_catalog_open_memory(names, sizeof names - 1, NULL, &catalog, NULL),
                     RELEVANCE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct relevance_intent r = extract(ctx, cases[i].text, catalog);
        if (r.product_begin != cases[i].begin || r.product_end != cases[i].end ||
            r.product_n != cases[i].product_n || r.quantity != cases[i].quantity ||
            (r.product.name == NULL) != (cases[i].name == NULL) ||
            (r.product.name != NULL && strcmp(r.product.name, cases[i].name) != 0))
            fail_msg("'%s': [%zu, %zu) '%s' of %u, %u", cases[i].text, r.product_begin,
                     r.product_end, r.product.name != NULL ? r.product.name : "-", r.product_n,
                     r.quantity);
        assert_true(r.product_end == 0 || r.product_confidence > 0.9f);
    }
    relevance_catalog_close(catalog);
    relevance_context_destroy(ctx);
    relevance_close(model);
}

/* Both heads see the same pass: what each gives alone; and a batch what single calls give. */
static void heads_and_batches_agree(void **state)
{
    static const char *const models[] = {"bert-both", "distilbert-both", "intent-rule"};
    static const char *const weights[] = {"f32", "f16", "q8", "q4"};
    static const char *const texts[] = {"red dog shoes", "", "add 3 phone case", "remove x3 lip balm",
                                        "water-proof caf\xc3\xa9 12", "a", "usb usb usb usb usb usb"};
    enum { TEXT_N = sizeof texts / sizeof texts[0], MANY = 5 * TEXT_N };

    (void)state;
    for (size_t m = 0; m < 12; m++) {
        struct relevance_context_options o = {.size = sizeof o, .max_batch_tokens = 64};
        relevance_model *model = tiny_open(models[m / 4], weights[m % 4]);
        relevance_context *ctx = tiny_context(model, &o);
        struct relevance_intent many[MANY];
        struct relevance_text list[MANY];
        memset(many, 0, sizeof many);
        many[0].size = sizeof many[0];
        for (size_t i = 0; i < MANY; i++)
            list[i] = (struct relevance_text){texts[i % TEXT_N], strlen(texts[i % TEXT_N])};
        assert_int_equal(relevance_extract_batch(ctx, list, MANY, NULL, many), RELEVANCE_OK);
        for (size_t i = 0; i < TEXT_N; i++) {
            struct relevance_intent one;
            struct relevance_result r;
            struct relevance_span s[64];
            struct relevance_spans spans = {.spans = s, .cap = 64};
            int32_t tokens[64];
            struct relevance_tokens t = {.ids = tokens, .cap = 64};
            memset(&one, 0, sizeof one);
            one.size = sizeof one;
            assert_int_equal(relevance_extract(ctx, list[i].data, list[i].len, NULL, &one),
                             RELEVANCE_OK);
            for (size_t k = i; k < MANY; k += TEXT_N) {
                assert_int_equal(many[k].action, one.action);
                assert_true(many[k].action_confidence == one.action_confidence);
                assert_int_equal(many[k].product_begin, one.product_begin);
                assert_int_equal(many[k].product_end, one.product_end);
                assert_true(many[k].product_confidence == one.product_confidence);
                assert_int_equal(many[k].quantity, one.quantity);
                assert_int_equal(many[k].quantity_kind, one.quantity_kind);
                assert_true(many[k].quantity_confidence == one.quantity_confidence);
                assert_int_equal(many[k].size, sizeof one);
            }
            assert_int_equal(relevance_tokenize(ctx, list[i].data, list[i].len, NULL, 0, &t),
                             RELEVANCE_OK);
            assert_int_equal(relevance_classify_tokens(ctx, tokens, t.n, &r), RELEVANCE_OK);
            assert_int_equal(r.label, one.action);
            assert_true(r.probabilities[r.label] == one.action_confidence);
            assert_int_equal(r.tokens, one.tokens);
            assert_int_equal(relevance_find_spans(ctx, list[i].data, list[i].len, &spans),
                             RELEVANCE_OK);
            for (size_t k = 0, first = 1; k < spans.n; k++) {
                if (strcmp(s[k].name, "PRODUCT") != 0 || !first)
                    continue;
                first = 0;
                assert_int_equal(s[k].begin, one.product_begin);
                assert_int_equal(s[k].end, one.product_end);
                assert_true(s[k].probability == one.product_confidence);
            }
        }
        relevance_context_destroy(ctx);
        relevance_close(model);
    }
}

/* A megabyte: cut, and said so; the end does not matter. */
static void long_texts_are_cut(void **state)
{
    relevance_model *model = tiny_open("intent-rule", "f32");
    relevance_context *ctx = tiny_context(model, NULL);
    size_t len = 1 << 20, used = 0;
    char *text = malloc(len);
    struct relevance_intent r = {.size = sizeof r};

    (void)state;
    assert_non_null(text);
    memcpy(text, "remove 3 soap ", 14);
    for (used = 14; used + 6 <= len; used += 6)
        memcpy(text + used, "and a ", 6);
    assert_int_equal(relevance_extract(ctx, text, used, NULL, &r), RELEVANCE_OK);
    assert_int_equal(r.tokens, 64);
    assert_int_equal(r.truncated, 3 + (used - 14) / 3 - 62);
    assert_int_equal(r.product_begin, 9);
    assert_int_equal(r.product_end, 13);
    assert_int_equal(r.quantity, 3);
    memset(text, 'a', len); /* one word, and one run of it */
    assert_int_equal(relevance_extract(ctx, text, len, NULL, &r), RELEVANCE_OK);
    assert_int_equal(r.tokens, 3);
    memset(text, 0xff, len);
    assert_int_equal(relevance_extract(ctx, text, len, NULL, &r), RELEVANCE_OK);
    free(text);
    relevance_context_destroy(ctx);
    relevance_close(model);
}

static void refuses_what_it_must(void **state)
{
    relevance_model *both = tiny_open("bert-both", "f32"), *seq = tiny_open("bert-seq", "f32");
    relevance_model *token = tiny_open("bert-token", "f32");
    relevance_context *ctx = tiny_context(both, NULL), *seq_ctx = tiny_context(seq, NULL);
    relevance_context *token_ctx = tiny_context(token, NULL);
    struct relevance_intent r = {.size = sizeof r, .quantity = 77}, small = {.size = 8};
    struct relevance_spans spans = {.n = 77};
    struct relevance_labelled_tokens tokens = {.n = 77};

    (void)state;
    assert_int_equal(relevance_extract(NULL, "a", 1, NULL, &r), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_extract(ctx, NULL, 1, NULL, &r), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_extract(ctx, "a", 1, NULL, NULL), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_extract(ctx, "a", 1, NULL, &small), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_extract(seq_ctx, "a", 1, NULL, &r), RELEVANCE_NO_HEAD);
    assert_int_equal(relevance_extract(token_ctx, "a", 1, NULL, &r), RELEVANCE_NO_HEAD);
    assert_int_equal(relevance_extract_batch(ctx, NULL, 0, NULL, NULL), RELEVANCE_OK);
    assert_int_equal(r.quantity, 77);
    assert_int_equal(relevance_find_spans(seq_ctx, "a", 1, &spans), RELEVANCE_NO_HEAD);
    assert_int_equal(relevance_find_spans(ctx, "a", 1, NULL), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_label_tokens(seq_ctx, "a", 1, &tokens), RELEVANCE_NO_HEAD);
    assert_int_equal(relevance_label_tokens(ctx, NULL, 1, &tokens), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(tokens.n, 77);
    assert_int_equal(relevance_label_tokens(ctx, "red dog", 7, &tokens), RELEVANCE_NO_SPACE);
    assert_int_equal(tokens.n, 2);
    assert_int_equal(relevance_label_tokens(ctx, NULL, 0, &tokens), RELEVANCE_OK);
    assert_int_equal(tokens.n, 0);
    relevance_context_destroy(ctx);
    relevance_context_destroy(seq_ctx);
    relevance_context_destroy(token_ctx);
    relevance_close(both);
    relevance_close(seq);
    relevance_close(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_slice_back),
        cmocka_unit_test(origins_by_hand),
        cmocka_unit_test(labels_match_transformers),
        cmocka_unit_test(spans_follow_from_labels),
        cmocka_unit_test(quantities_of_the_data),
        cmocka_unit_test(quantities_by_hand),
        cmocka_unit_test(quantities_of_anything),
        cmocka_unit_test(extracts_intents),
        cmocka_unit_test(a_product_of_the_catalogue_goes_before),
        cmocka_unit_test(names_that_no_span_has),
        cmocka_unit_test(heads_and_batches_agree),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(refuses_what_it_must),
    };
    return cmocka_run_group_tests_name("extract", tests, NULL, NULL);
}
