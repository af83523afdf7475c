/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_catalog.c - catalogues: what a file may hold and how a wrong one is refused, which product a
 * few words mean, and that the index never hides what comparing with every key would find.
 *
 * Includes lib/catalog.c, to reach the comparison itself.  Run in the repository's root.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "../lib/catalog.c"
#include "support/counting.h"
#include "support/random.h"

static relevance_catalog *open_text(const char *text)
{
    relevance_catalog *catalog = NULL;
    struct relevance_error error = {.message = ""};

    if (relevance_catalog_open_memory(text, strlen(text), NULL, &catalog, &error) != RELEVANCE_OK)
        fail_msg("%s", error.message);
    return catalog;
}

static struct relevance_match match(const relevance_catalog *catalog, const char *text)
{
    struct relevance_match m;

    memset(&m, 0xee, sizeof m);
    assert_int_equal(relevance_catalog_match(catalog, text, strlen(text), &m), RELEVANCE_OK);
    return m;
}

/* ---- files ---- */

static void reads_catalogues(void **state)
{
    relevance_catalog *c = open_text("\xef\xbb\xbfLip Balm\tbalzam za usne | b\xc3\xa1lsamo labial\r\n"
                                     "\n   \n"
                                     "  Soap  \n"
                                     "USB-C Cable\t\n"
                                     "\xe9\x9e\x8b\xe5\xad\x90\tshoe|Shoe|SHOE");

    (void)state;
    assert_int_equal(relevance_catalog_size(c), 4);
    assert_string_equal(relevance_catalog_name(c, 0), "Lip Balm");
    assert_string_equal(relevance_catalog_name(c, 1), "Soap");
    assert_string_equal(relevance_catalog_name(c, 3), "\xe9\x9e\x8b\xe5\xad\x90");
    assert_null(relevance_catalog_name(c, 4));
    assert_null(relevance_catalog_name(NULL, 0));
    assert_int_equal(relevance_catalog_size(NULL), 0);
    assert_string_equal(match(c, "balzam za usne").name, "Lip Balm");
    assert_string_equal(match(c, "balzam za usne").alias, "balzam za usne");
    assert_string_equal(match(c, "usb c cable").name, "USB-C Cable");
    assert_int_equal(match(c, "shoe").product, 3);
    assert_string_equal(match(c, "\xe9\x9e\x8b\xe5\xad\x90").name, "\xe9\x9e\x8b\xe5\xad\x90");
    relevance_catalog_close(c);
    relevance_catalog_close(NULL);
}

static void refuses_catalogues(void **state)
{
    static const struct {
        const char *text, *message;
        uint64_t position;
    } cases[] = {
        {"", "there is no product in it", 0},
        {"\n\r\n \t\n", "there is no product in it", 0},
        {"\xef\xbb\xbf", "there is no product in it", 0},
        {"Soap\n\talias\n", "line 2: the product has no name", 5},
        {"Soap\n\nBalm\ta||b\n", "line 3: an alias is empty", 6},
        {"Balm\ta|\n", "line 1: an alias is empty", 0},
        {"Balm\t|a\n", "line 1: an alias is empty", 0},
        {"Soap\tsapun\tjab\xc3\xb3n\n", "line 1: more than one TAB", 0},
        {"Soap\nB\xff\n", "line 2: it is not UTF-8", 5},
        {"Soap\tb\xed\xa0\x80\n", "line 1: it is not UTF-8", 0},
        {"Soap\x01\n", "line 1: it holds a control character", 0},
        {"Soap\n...\n", "line 2: the name has no letter or digit", 5},
        {"Soap\t--\n", "line 1: an alias has no letter or digit", 0},
        {"Lip Balm\nlip-balm\n", "line 2: 'Lip Balm' already stands for 'Lip Balm'", 9},
        {"Soap\tbar\nChocolate\tB\xc3\x81R\n", "line 2: 'bar' already stands for 'Soap'", 9},
    };
    char text[500];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        relevance_catalog *c = NULL;
        struct relevance_error error = {.message = ""};
        assert_int_equal(relevance_catalog_open_memory(cases[i].text, strlen(cases[i].text), NULL, &c,
                                                       &error),
                         RELEVANCE_BAD_CATALOG);
        assert_null(c);
        if (strstr(error.message, cases[i].message) == NULL || error.position != cases[i].position)
            fail_msg("case %zu: '%s' at %llu", i, error.message, (unsigned long long)error.position);
        assert_int_equal(relevance_catalog_open_memory(cases[i].text, strlen(cases[i].text), NULL, &c,
                                                       NULL),
                         RELEVANCE_BAD_CATALOG);
    }
    memset(text, 'a', 122);
    text[121] = '\0';
    text[101] = '\0';
    {
        relevance_catalog *c = NULL;
        struct relevance_error error;
        assert_int_equal(relevance_catalog_open_memory(text, 101, NULL, &c, &error),
                         RELEVANCE_BAD_CATALOG);
        assert_non_null(strstr(error.message, "a word of more than 100 characters"));
        text[101] = 'a';
    }
    for (int over = 1; over >= 0; over--) { /* 121 characters, and 120 */
        relevance_catalog *c = NULL;
        text[120 + over] = '\0';
        /* words of more than 100 characters mean nothing, so make two of them */
        text[60] = ' ';
        assert_int_equal(relevance_catalog_open_memory(text, strlen(text), NULL, &c, NULL),
                         over ? RELEVANCE_BAD_CATALOG : RELEVANCE_OK);
        relevance_catalog_close(c);
    }
}

static void refuses_files(void **state)
{
    relevance_catalog *c = NULL;
    struct relevance_error error;
    struct relevance_catalog_options none = {0};
    struct relevance_match m;

    (void)state;
    assert_int_equal(relevance_catalog_open("/nonexistent/file", NULL, &c, &error), RELEVANCE_IO);
    assert_non_null(strstr(error.message, "'/nonexistent/file'"));
    assert_int_equal(relevance_catalog_open("test", NULL, &c, &error), RELEVANCE_IO);
    assert_int_equal(relevance_catalog_open("/dev/null", NULL, &c, &error), RELEVANCE_IO);
    assert_int_equal(relevance_catalog_open(NULL, NULL, &c, &error), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_catalog_open("test", NULL, NULL, &error), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_catalog_open("test", &none, &c, &error), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_catalog_open_memory(NULL, 1, NULL, &c, NULL), RELEVANCE_BAD_ARGUMENT);
    assert_int_equal(relevance_catalog_match(NULL, "a", 1, &m), RELEVANCE_BAD_ARGUMENT);
    assert_null(c);
}

/* Random bytes, and a good file with bytes changed: refused or usable, never a bad access. */
static void survives_hostile_files(void **state)
{
    static const char good[] = "Lip Balm\tbalzam za usne|b\xc3\xa1lsamo labial\nSoap\tsapun|jab\xc3\xb3n\n"
                               "Socks\t\xc4\x8d" "arape|calcetines\n";
    struct rng rng;
    int opened = 0;

    (void)state;
    rng_seed(&rng, "test_catalog hostile");
    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        size_t len = sizeof good - 1;
        relevance_catalog *c = NULL;
        memcpy(text, good, sizeof good);
        if (i % 4 == 0)
            for (size_t k = len = rng_below(&rng, len); k > 0; k--)
                text[k - 1] = "\t\n|a\xc3\xa9 \xff"[rng_below(&rng, 8)];
        for (size_t n = rng_below(&rng, 4); n > 0 && len > 0; n--)
            text[rng_below(&rng, len)] = (char)rng_u64(&rng);
        if (relevance_catalog_open_memory(text, len, NULL, &c, NULL) != RELEVANCE_OK)
            continue;
        opened++;
        assert_true(relevance_catalog_size(c) > 0);
        for (uint32_t k = 0; k < relevance_catalog_size(c); k++)
            assert_int_equal(match(c, relevance_catalog_name(c, k)).product, k);
        match(c, text);
        relevance_catalog_close(c);
    }
    assert_true(opened > 1000 && opened < 19000);
}

static void gives_memory_back(void **state)
{
    static const char text[] = "Lip Balm\tbalzam za usne\nSoap\n";
    struct counting counting;
    struct relevance_catalog_options o = {.size = sizeof o};
    relevance_catalog *c = NULL;
    unsigned long calls;

    (void)state;
    counting_init(&counting);
    o.allocator = &counting.allocator;
    assert_int_equal(relevance_catalog_open_memory(text, sizeof text - 1, &o, &c, NULL), RELEVANCE_OK);
    calls = counting.calls;
    match(c, "balzama za usne");
    match(c, "nothing like it at all");
    assert_int_equal(counting.calls, calls); /* a lookup allocates nothing */
    relevance_catalog_close(c);
    assert_int_equal(counting.live, 0);
    for (unsigned long fail = 1; fail <= calls; fail++) {
        counting_init(&counting);
        counting.fail_at = fail;
        c = NULL;
        assert_int_equal(relevance_catalog_open_memory(text, sizeof text - 1, &o, &c, NULL),
                         RELEVANCE_NO_MEMORY);
        assert_null(c);
        assert_int_equal(counting.live, 0);
    }
    assert_false(counting.wrong);
}

/* ---- what words mean ---- */

static const char shop[] =
    "Lip Balm\tbalzam za usne|b\xc3\xa1lsamo labial|lip balms\n"
    "Soap\tsapun|jab\xc3\xb3n\n"
    "Socks\t\xc4\x8d" "arape|calcetines\n"
    "Wireless Headphones\tbe\xc5\xbei\xc4\x8dne slu\xc5\xa1" "alice|auriculares inal\xc3\xa1mbricos\n"
    "Reusable Bag\tvi\xc5\xa1" "ekratna vre\xc4\x87ica|bolsa reutilizable\n"
    "Green Tea\tzeleni \xc4\x8d" "aj|t\xc3\xa9 verde\n"
    "Dog\tpas|perro\n"
    "Milk\tmlijeko|leche\n"
    "Silk Scarf\tsvileni \xc5\xa1" "al\n"
    "Phone Case\tmaskica za mobitel|funda de m\xc3\xb3vil\n"
    "Toothbrush\t\xc4\x8d" "etkica za zube|cepillo de dientes\n"
    "\xd0\x9c\xd1\x8b\xd0\xbb\xd0\xbe\n";

static void finds_what_is_meant(void **state)
{
    static const struct {
        const char *text, *name;
        uint32_t distance;
    } cases[] = {
        {"lip balm", "Lip Balm", 0},
        {"LIP  BALM!", "Lip Balm", 0},
        {"lip-balm", "Lip Balm", 0},
        {"lipbalm", "Lip Balm", 1},
        {"lip blam", "Lip Balm", 1},
        {"balsamo labial", "Lip Balm", 0},
        {"b\xc3\xa1lsamos labiales", "Lip Balm", 3},
        {"balzama za usne", "Lip Balm", 1},
        {"balzamima za usne", "Lip Balm", 3},
        {"\xc4\x8d" "arapa", "Socks", 1},
        {"carape", "Socks", 0},
        {"sapuna", "Soap", 1},
        {"jabones", "Soap", 2},
        {"bezicnih slusalica", "Wireless Headphones", 3},
        {"wireles headphone", "Wireless Headphones", 2},
        {"bolsas reutilizables", "Reusable Bag", 2},
        {"vrecicu visekratnu", NULL, 0}, /* another order of the words */
        {"zelenog caja", "Green Tea", 3},
        {"pasa", "Dog", 1},
        {"organic green tea", "Green Tea", 0},
        {"the lip balms now", "Lip Balm", 0},
        {"the lip balms please", "Lip Balm", 0}, /* more than half left out: the rest must be equal */
        {"the lip blams please", NULL, 0},
        {"some really nice soap", NULL, 0}, /* more than two thirds would be left out */
        {"milks", "Milk", 1},
        {"silk", NULL, 0},
        {"sock", "Socks", 1},
        {"rocks", NULL, 0},
        {"phone base", NULL, 0},
        {"phone", NULL, 0},
        {"cat", NULL, 0},
        {"", NULL, 0},
        {"!!!", NULL, 0},
        {"\xff\xfe", NULL, 0},
        {"\xd0\xbc\xd1\x8b\xd0\xbb\xd0\xb0", "\xd0\x9c\xd1\x8b\xd0\xbb\xd0\xbe", 1},
    };
    relevance_catalog *c = open_text(shop);
    char text[10000];
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct relevance_match m = match(c, cases[i].text);
        if ((m.name == NULL) != (cases[i].name == NULL) || m.distance != cases[i].distance ||
            (m.name != NULL && strcmp(m.name, cases[i].name) != 0)) {
            printf("'%s': %s, distance %u, score %.2f\n", cases[i].text,
                   m.name != NULL ? m.name : "none", m.distance, (double)m.score);
            bad++;
        }
        assert_true(m.score >= 0.0f && m.score <= 1.0f && (m.score > 0.0f) == (m.name != NULL));
    }
    assert_int_equal(bad, 0);
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_null(match(c, text).name);
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        text[i] = ' ';
    assert_null(match(c, text).name);
    relevance_catalog_close(c);
}

/* Every product of the hand-written examples, by the words that they mark as the product. */
static void finds_the_products_of_the_data(void **state)
{
    relevance_catalog *c = NULL;
    FILE *f = fopen("data/intent/hard.jsonl", "r");
    char line[4000];
    int n = 0;

    (void)state;
    assert_non_null(f);
    assert_int_equal(relevance_catalog_open("data/intent/hard_catalog.tsv", NULL, &c, NULL),
                     RELEVANCE_OK);
    while (fgets(line, sizeof line, f) != NULL) {
        json_t *row = json_loads(line, 0, NULL), *span;
        const char *text = json_string_value(json_object_get(row, "text"));
        const char *product = json_string_value(json_object_get(row, "product"));
        struct relevance_match m;
        size_t begin, end;
        span = json_object_get(json_object_get(row, "byte_spans"), "product");
        begin = (size_t)json_integer_value(json_array_get(span, 0));
        end = (size_t)json_integer_value(json_array_get(span, 1));
        assert_true(text != NULL && product != NULL && begin < end && end <= strlen(text));
        assert_int_equal(relevance_catalog_match(c, text + begin, end - begin, &m), RELEVANCE_OK);
        if (m.name == NULL || strcmp(m.name, product) != 0)
            fail_msg("'%.*s': %s, expected %s", (int)(end - begin), text + begin,
                     m.name != NULL ? m.name : "none", product);
        json_decref(row);
        n++;
    }
    assert_true(n >= 480);
    fclose(f);
    relevance_catalog_close(c);
}

/* ---- a large one ---- */

static const char *const syllables[] = {"ba", "lo", "mir", "ste", "ka", "ron", "tu", "vel", "ni", "sa",
                                        "gor", "pe", "lin", "do", "fra", "xi", "ven", "qua", "ri", "mo"};

static void random_name(struct rng *rng, char *name)
{
    name[0] = '\0';
    for (size_t words = 1 + rng_below(rng, 3); words > 0; words--) {
        for (size_t n = 2 + rng_below(rng, 3); n > 0; n--)
            strcat(name, syllables[rng_below(rng, sizeof syllables / sizeof syllables[0])]);
        strcat(name, words > 1 ? " " : "");
    }
}

#define LARGE 5000

static char names[LARGE][64];

static relevance_catalog *large_catalog(struct rng *rng)
{
    struct relevance_catalog *c = NULL;
    char *text = malloc(LARGE * 64);
    size_t len = 0;

    assert_non_null(text);
    for (size_t i = 0; i < LARGE; i++) {
        random_name(rng, names[i]);
        sprintf(names[i] + strlen(names[i]), " %zu", i % 7 == 0 ? i : i + LARGE); /* no two alike */
        len += (size_t)sprintf(text + len, "%s\n", names[i]);
    }
    assert_int_equal(relevance_catalog_open_memory(text, len, NULL, &c, NULL), RELEVANCE_OK);
    free(text);
    return c;
}

static void edit(struct rng *rng, char *text)
{
    size_t len = strlen(text), at = rng_below(rng, len);

    switch (rng_below(rng, 4)) {
    case 0: text[at] = (char)('a' + rng_below(rng, 26)); break;
    case 1: memmove(text + at, text + at + 1, len - at); break;
    case 2:
        memmove(text + at + 1, text + at, len - at + 1);
        text[at] = (char)('a' + rng_below(rng, 26));
        break;
    default:
        if (at + 1 < len) {
            char c = text[at];
            text[at] = text[at + 1];
            text[at + 1] = c;
        }
    }
}

/* The index finds what comparing with every key finds, but where several swaps hide too many trigrams. */
static void index_hides_nothing(void **state)
{
    struct rng rng;
    relevance_catalog *c;
    int found = 0, hidden = 0;

    (void)state;
    rng_seed(&rng, "test_catalog index");
    c = large_catalog(&rng);
    for (int i = 0; i < 300; i++) {
        char text[80];
        uint32_t folded[MAX_LEN];
        size_t n;
        struct found best = {NO_KEY, 0, 0}, indexed;
        struct priced priced;
        strcpy(text, names[rng_below(&rng, LARGE)]);
        for (size_t edits = rng_below(&rng, 5); edits > 0; edits--)
            edit(&rng, text);
        n = rlv_fold(text, strlen(text), 0, folded, MAX_LEN);
        if (n == 0)
            continue;
        price(&priced, folded, (uint32_t)n);
        for (uint32_t k = 0; k < c->key_n; k++)
            compare(c, &priced, k, &best);
        indexed = search(c, folded, (uint32_t)n);
        found += best.key != NO_KEY;
        if (indexed.key == best.key)
            continue;
        assert_true(best.key != NO_KEY);
        hidden++;
    }
    print_message("%d of 300 found, %d not through the index\n", found, hidden);
    assert_true(found > 150 && hidden <= 2);
    relevance_catalog_close(c);
}

static void *match_all(void *arg)
{
    const relevance_catalog *c = arg;
    size_t wrong = 0;

    for (size_t i = 0; i < LARGE; i++) {
        struct relevance_match m;
        relevance_catalog_match(c, names[i], strlen(names[i]), &m);
        wrong += m.name == NULL || m.product != i || m.distance != 0;
    }
    return (void *)(uintptr_t)wrong;
}

static void threads_share_it(void **state)
{
    struct rng rng;
    relevance_catalog *c;
    pthread_t threads[4];
    struct relevance_match m;
    clock_t start;
    char text[80];

    (void)state;
    rng_seed(&rng, "test_catalog threads");
    c = large_catalog(&rng);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, match_all, c), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    start = clock();
    for (int i = 0; i < 1000; i++) {
        strcpy(text, names[i]);
        edit(&rng, text);
        relevance_catalog_match(c, text, strlen(text), &m);
    }
    print_message("%d products: %.1f us for a text with an edit\n", LARGE,
                  (double)(clock() - start) * 1e3 / CLOCKS_PER_SEC);
    relevance_catalog_close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_catalogues),
        cmocka_unit_test(refuses_catalogues),
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(survives_hostile_files),
        cmocka_unit_test(gives_memory_back),
        cmocka_unit_test(finds_what_is_meant),
        cmocka_unit_test(finds_the_products_of_the_data),
        cmocka_unit_test(index_hides_nothing),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
