/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity.c - the number that a few words mean, in digits, English, Croatian or Spanish.
 *
 * The words of a span that the token head named QUANTITY are read from the left: what is no part of a
 * number ("x", "kom", "about", a size such as "160x200") is passed over until one begins, and the first
 * one counts.  All three languages share one grammar - units, tens, hundreds and thousands that add up
 * or multiply, dozens and halves of them - and one table, since a word that two of them share means
 * the same in both (or nearly: "once" is the Spanish 11).  Words are compared folded, so that missing
 * diacritics do not matter; where nothing fits exactly, one edit is allowed in words of four letters
 * and more.
 */
#include <string.h>

#include "internal.h"

#define MAX_TOKENS 48 /* of a span; what follows is not read */
#define MAX_WORD_LEN 24
#define MAX_RUN 64 /* characters of a run of letters */

enum kind {
    UNKNOWN,
    NUMBER,   /* digits */
    VALUE,    /* a word for 0 to 19, or for tens */
    HUNDREDS, /* a word for 100, 200 ...: adds up */
    HUNDRED,  /* "hundred", "stotina": multiplies */
    THOUSAND,
    DOZEN,
    HALF,
    ARTICLE, /* "a": 1 where no number follows */
    PAIR,    /* "pair": 1 where no number comes before it */
    AND,
    MINUS,
    MARK /* any other punctuation; 'value' is the character */
};

struct token {
    enum kind kind;
    int joined; /* no space before it */
    uint64_t value;
    unsigned digit_n;             /* of a NUMBER */
    char word[MAX_WORD_LEN];      /* ASCII, ended by 0; empty for one with other letters */
};

static const struct {
    const char *words; /* separated by spaces */
    enum kind kind;
    uint16_t value;
} table[] = {
    {"zero nula cero", VALUE, 0},
    {"one single jedan jedna jedno jednog jednoga jednom jednome jednomu jednu jednim jednoj jedne "
     "jedni jednih uno un una",
     VALUE, 1},
    {"two couple both dva dvije dve dvaju dviju dvama dvjema dvoje dvoja dvojih dvojica dvojicu oba "
     "obje dos ambos ambas",
     VALUE, 2},
    {"three tri triju trima troje troja trojica trojicu tres", VALUE, 3},
    {"four cetiri cetri cetiriju cetirima cetvero cetvoro cetvere cetvera cetvorica cuatro", VALUE,
     4},
    {"five pet petero petoro petere petorica cinco", VALUE, 5},
    {"six sest sestero sestoro sestere sestorica seis", VALUE, 6},
    {"seven sedam sedmero sedmoro sedmere sedmorica siete", VALUE, 7},
    {"eight osam osmero osmoro osmere osmorica ocho", VALUE, 8},
    {"nine devet devetero devetoro devetere devetorica nueve", VALUE, 9},
    {"ten deset desetero desetoro desetere desetak diez", VALUE, 10},
    {"eleven jedanaest jedanest once", VALUE, 11},
    {"twelve dvanaest dvanest doce", VALUE, 12},
    {"thirteen trinaest trinest trece", VALUE, 13},
    {"fourteen cetrnaest cetrnest catorce", VALUE, 14},
    {"fifteen petnaest petnest quince", VALUE, 15},
    {"sixteen sesnaest sesnest dieciseis", VALUE, 16},
    {"seventeen sedamnaest sedamnest diecisiete", VALUE, 17},
    {"eighteen osamnaest osamnest dieciocho", VALUE, 18},
    {"nineteen devetnaest devetnest diecinueve", VALUE, 19},
    {"twenty dvadeset dvadest dvaest veinte", VALUE, 20},
    {"veintiuno veintiun veintiuna", VALUE, 21},
    {"veintidos", VALUE, 22},
    {"veintitres", VALUE, 23},
    {"veinticuatro", VALUE, 24},
    {"veinticinco", VALUE, 25},
    {"veintiseis", VALUE, 26},
    {"veintisiete", VALUE, 27},
    {"veintiocho", VALUE, 28},
    {"veintinueve", VALUE, 29},
    {"thirty trideset treinta", VALUE, 30},
    {"forty fourty cetrdeset cuarenta", VALUE, 40},
    {"fifty pedeset cincuenta", VALUE, 50},
    {"sixty sezdeset sesdeset sesenta", VALUE, 60},
    {"seventy sedamdeset setenta", VALUE, 70},
    {"eighty osamdeset ochenta", VALUE, 80},
    {"ninety devedeset noventa", VALUE, 90},
    {"sto cien ciento", HUNDREDS, 100},
    {"dvjesto dvjesta dvesto dvesta doscientos doscientas", HUNDREDS, 200},
    {"tristo trista trescientos trescientas", HUNDREDS, 300},
    {"cetiristo cetristo cuatrocientos cuatrocientas", HUNDREDS, 400},
    {"petsto quinientos quinientas", HUNDREDS, 500},
    {"seststo sesto seiscientos seiscientas", HUNDREDS, 600},
    {"sedamsto setecientos setecientas", HUNDREDS, 700},
    {"osamsto ochocientos ochocientas", HUNDREDS, 800},
    {"devetsto novecientos novecientas", HUNDREDS, 900},
    {"hundred hundreds stotinu stotina stotine centenar centenares", HUNDRED, 100},
    {"thousand thousands tisucu tisuca tisuce hiljadu hiljada hiljade mil", THOUSAND, 1000},
    {"dozen dozens tucet tuceta tucetom tuceti duzina docena docenas", DOZEN, 12},
    {"half pola pol medio media", HALF, 0},
    {"a an", ARTICLE, 1},
    {"pair par", PAIR, 1},
    {"and i y e", AND, 0},
    {"minus menos", MINUS, 0},
};
#define TABLE_N (sizeof table / sizeof table[0])

/* ---- words ---- */

/* At most one character differs, is missing, added, or swapped with its neighbour. */
static int nearly_equal(const char *a, size_t a_n, const char *b, size_t b_n)
{
    size_t i = 0, left_a, left_b;

    while (i < a_n && i < b_n && a[i] == b[i])
        i++;
    left_a = a_n - i;
    left_b = b_n - i;
    if (left_a == left_b)
        return left_a < 2 || memcmp(a + i + 1, b + i + 1, left_a - 1) == 0 ||
               (a[i] == b[i + 1] && a[i + 1] == b[i] &&
                memcmp(a + i + 2, b + i + 2, left_a - 2) == 0);
    if (left_a + 1 == left_b)
        return memcmp(a + i, b + i + 1, left_a) == 0;
    return left_b + 1 == left_a && memcmp(a + i + 1, b + i, left_b) == 0;
}

/* 'edits' 0 or 1: how far the word may be from one in the table.  Returns an index or TABLE_N. */
static size_t look_up(const char *word, size_t len, int edits)
{
    for (size_t i = 0; len > 0 && i < TABLE_N; i++) {
        for (const char *p = table[i].words; *p != '\0';) {
            size_t n = 0;
            while (p[n] != '\0' && p[n] != ' ')
                n++;
            if (n == len && memcmp(p, word, n) == 0)
                return i;
            if (edits != 0 && n >= 4 && len >= 4 && nearly_equal(p, n, word, len))
                return i;
            p += n + (p[n] == ' ');
        }
    }
    return TABLE_N;
}

static void set_kind(struct token *t, enum kind kind, uint64_t value)
{
    t->kind = kind;
    t->value = value;
}

/* "dvadesetpet", "treintaycinco", "twentyfive": tens, perhaps a connecting letter, a unit. */
static int read_compound(struct token *t)
{
    size_t len = strlen(t->word);

    for (size_t cut = 4; cut + 2 <= len; cut++) {
        size_t tens = look_up(t->word, cut, 0), unit, skip;
        if (tens == TABLE_N || table[tens].kind != VALUE || table[tens].value < 20)
            continue;
        for (skip = 0; skip < 2; skip++) {
            if (skip == 1 && t->word[cut] != 'i' && t->word[cut] != 'y')
                break;
            unit = look_up(t->word + cut + skip, len - cut - skip, 0);
            if (unit < TABLE_N && table[unit].kind == VALUE && table[unit].value > 0 &&
                table[unit].value < 10) {
                set_kind(t, VALUE, (uint64_t)table[tens].value + table[unit].value);
                return 1;
            }
        }
    }
    return 0;
}

static void read_word(struct token *t, int edits)
{
    size_t i = look_up(t->word, strlen(t->word), edits);

    if (i < TABLE_N)
        set_kind(t, table[i].kind, table[i].value);
    else
        read_compound(t);
}

/* ---- text to tokens ---- */

struct lexer {
    struct token tokens[MAX_TOKENS];
    size_t n;
    int joined; /* for the next token */
};

static struct token *add(struct lexer *l, enum kind kind)
{
    struct token *t;

    if (l->n == MAX_TOKENS)
        return NULL;
    t = &l->tokens[l->n++];
    memset(t, 0, sizeof *t);
    t->kind = kind;
    t->joined = l->joined;
    l->joined = 1;
    return t;
}

static int is_digit(uint32_t c) { return c >= '0' && c <= '9'; }

static int is_dash(uint32_t c) { return c == '-' || c == 0x2212 || (c >= 0x2010 && c <= 0x2014); }

static int is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0x80 && c != 0xd7 && !is_dash(c));
}

/* Folded characters: runs of digits, runs of letters, and single marks. */
static void lex_folded(struct lexer *l, const uint32_t *c, size_t n)
{
    for (size_t i = 0; i < n;) {
        struct token *t = NULL;
        size_t start = i;
        if (c[i] == ' ') {
            l->joined = 0;
            i++;
        } else if (is_digit(c[i])) {
            t = add(l, NUMBER);
            for (; i < n && is_digit(c[i]); i++)
                if (t != NULL && t->value <= RELEVANCE_MAX_QUANTITY)
                    t->value = 10 * t->value + (c[i] - '0');
            if (t != NULL)
                t->digit_n = (unsigned)(i - start);
        } else if (is_letter(c[i])) {
            t = add(l, UNKNOWN);
            for (; i < n && is_letter(c[i]); i++)
                if (t != NULL && i - start < MAX_WORD_LEN - 1)
                    t->word[i - start] = (char)(c[i] < 0x80 ? c[i] : '?');
            if (t != NULL && i - start >= MAX_WORD_LEN)
                t->word[0] = '\0';
            if (t != NULL)
                read_word(t, 0);
        } else {
            t = add(l, is_dash(c[i]) ? MINUS : MARK);
            if (t != NULL)
                t->value = c[i];
            i++;
        }
    }
}

static int is_ascii_letter(unsigned char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

/* Folding parts marks from what they touch, and whether "-5" and "1.5" are joined matters: so ASCII
 * digits, marks and spaces are taken as they are, and only what lies between is folded. */
static void lex(struct lexer *l, const char *text, size_t len)
{
    uint32_t folded[MAX_RUN];

    for (size_t i = 0; i < len && l->n < MAX_TOKENS;) {
        unsigned char c = (unsigned char)text[i];
        size_t start = i, n;
        if (c >= 0x80 || is_ascii_letter(c)) {
            while (i < len && ((unsigned char)text[i] >= 0x80 ||
                               is_ascii_letter((unsigned char)text[i])))
                i++;
            n = rlv_fold(text + start, i - start, 1, folded, MAX_RUN);
            lex_folded(l, folded, n < MAX_RUN ? n : MAX_RUN);
        } else if (is_digit(c)) {
            for (n = 0; i < len && is_digit((unsigned char)text[i]); i++)
                if (n < MAX_RUN)
                    folded[n++] = (unsigned char)text[i];
            lex_folded(l, folded, n);
        } else {
            folded[0] = c <= ' ' ? ' ' : c;
            lex_folded(l, folded, 1);
            i++;
        }
    }
}

/* ---- tokens to a number ---- */

struct number {
    uint64_t value;
    size_t next; /* token after it */
    int found, fraction;
};

/* "1,000", "1.000.000": groups of three digits; any other joined "." or "," makes a fraction. */
static struct number read_digits(const struct lexer *l, size_t i)
{
    struct number r = {.value = l->tokens[i].value, .next = i + 1, .found = 1};

    while (r.next + 1 < l->n && l->tokens[r.next].kind == MARK && l->tokens[r.next].joined &&
           (l->tokens[r.next].value == '.' || l->tokens[r.next].value == ',') &&
           l->tokens[r.next + 1].kind == NUMBER && l->tokens[r.next + 1].joined) {
        const struct token *t = &l->tokens[r.next + 1];
        r.next += 2;
        if (!r.fraction && t->digit_n == 3 && l->tokens[i].digit_n <= 3 && l->tokens[i].value != 0)
            r.value = r.value > RELEVANCE_MAX_QUANTITY ? r.value : 1000 * r.value + t->value;
        else if (t->value != 0)
            r.fraction = 1;
    }
    return r;
}

/* Whether a word for 'value' may follow words for 'current': "twenty" "five", not "five" "twenty". */
static int adds_up(uint64_t current, uint64_t value)
{
    if (value < 10)
        return current % 10 == 0 && current % 100 != 10;
    return value < 100 ? current % 100 == 0 : current % 1000 == 0;
}

/* Past connecting words and joined dashes that a further part of the number follows; else 'i'. */
static size_t after_and(const struct lexer *l, size_t i, int halves)
{
    size_t next = i;

    while (next < l->n && (l->tokens[next].kind == AND || l->tokens[next].kind == ARTICLE ||
                           (l->tokens[next].kind == MINUS && l->tokens[next].joined)))
        next++;
    if (next == l->n)
        return i;
    switch (l->tokens[next].kind) {
    case VALUE:
    case HUNDREDS:
    case HUNDRED:
    case THOUSAND:
    case DOZEN: return next;
    case HALF: return halves ? next : i;
    default: return i;
    }
}

/* What follows a dozen: "and a half". */
static struct number end_dozens(const struct lexer *l, struct number r)
{
    size_t next = after_and(l, r.next, 1);

    if (next > r.next && l->tokens[next].kind == HALF) {
        r.value += 6;
        r.next = next + 1;
    }
    return r;
}

/* A number in words, or digits and "dozen" or "hundred" after them, from token i on. */
static struct number read_words(const struct lexer *l, size_t i)
{
    struct number r = {.next = i};
    uint64_t total = 0, current = 0;

    if (l->tokens[i].kind == NUMBER) {
        r = read_digits(l, i);
        current = r.value;
        if (r.fraction || current > RELEVANCE_MAX_QUANTITY)
            return r;
    }
    for (size_t at = r.next; at < l->n; at = after_and(l, r.next, 0)) {
        const struct token *t = &l->tokens[at];
        uint64_t once = r.found ? current : 1;
        if ((t->kind == VALUE || t->kind == HUNDREDS) && (!r.found || t->value != 0) &&
            l->tokens[i].kind != NUMBER && (!r.found || adds_up(current, t->value)))
            current += t->value;
        else if (t->kind == HUNDRED && once < 100)
            current = once * 100;
        else if (t->kind == THOUSAND && once < 1000 && total == 0) {
            total = once * 1000;
            current = 0;
        } else if (t->kind == DOZEN) {
            r = (struct number){.value = (total + once) * 12, .next = at + 1, .found = 1};
            return end_dozens(l, r);
        } else {
            break;
        }
        r.found = 1;
        r.next = at + 1;
        if (r.next == l->n)
            break;
    }
    r.value = total + current;
    return r;
}

/* "half a dozen"; any other half is a fraction. */
static struct number read_half(const struct lexer *l, size_t i)
{
    struct number r = {.next = i + 1, .found = 1, .fraction = 1};

    while (r.next < l->n && (l->tokens[r.next].kind == ARTICLE || l->tokens[r.next].kind == MINUS))
        r.next++;
    if (r.next < l->n && l->tokens[r.next].kind == DOZEN)
        r = (struct number){.value = 6, .next = r.next + 1, .found = 1};
    return r;
}

/* A dash or "minus" that belongs to the number at token i. */
static int is_negative(const struct lexer *l, size_t i)
{
    const struct token *before = i > 0 ? &l->tokens[i - 1] : NULL;

    if (before == NULL || before->kind != MINUS)
        return 0;
    if (before->word[0] != '\0')
        return 1;
    return l->tokens[i].joined && (i == 1 || !before->joined);
}

/* "160x200" or "40x60x20" is a size.  Returns the token after it, or i. */
static size_t after_size(const struct lexer *l, size_t i)
{
    size_t start = i;

    for (; i + 2 < l->n && l->tokens[i].kind == NUMBER && l->tokens[i + 1].joined &&
           l->tokens[i + 2].joined && l->tokens[i + 2].kind == NUMBER;
         i += 2) {
        const struct token *x = &l->tokens[i + 1];
        if ((x->kind != UNKNOWN || strcmp(x->word, "x") != 0) &&
            (x->kind != MARK || x->value != 0xd7))
            break;
    }
    return i == start ? start : i + 1;
}

static struct number find_number(const struct lexer *l, int *negative)
{
    struct number r = {0};

    for (size_t i = 0; i < l->n && !r.found; i++) {
        size_t next = after_size(l, i);
        if (next != i) {
            i = next - 1;
            continue;
        }
        switch (l->tokens[i].kind) {
        case NUMBER:
        case VALUE:
        case HUNDREDS:
        case HUNDRED:
        case THOUSAND:
        case DOZEN: r = read_words(l, i); break;
        case HALF: r = read_half(l, i); break;
        default: continue;
        }
        *negative = is_negative(l, i);
    }
    for (size_t i = 0; i < l->n && !r.found; i++)
        if (l->tokens[i].kind == ARTICLE || l->tokens[i].kind == PAIR)
            r = (struct number){.value = 1, .found = 1};
    return r;
}

enum relevance_quantity_kind rlv_parse_quantity(const char *text, size_t len, uint32_t *quantity)
{
    struct lexer l;
    struct number r;
    int negative = 0;

    *quantity = 1;
    l.n = 0;
    l.joined = 0;
    lex(&l, text, len);
    r = find_number(&l, &negative);
    if (!r.found) {
        for (size_t i = 0; i < l.n; i++)
            if (l.tokens[i].kind == UNKNOWN)
                read_word(&l.tokens[i], 1);
        r = find_number(&l, &negative);
    }
    if (!r.found)
        return RELEVANCE_QUANTITY_UNREADABLE;
    if (negative || r.fraction || r.value == 0 || r.value > RELEVANCE_MAX_QUANTITY)
        return RELEVANCE_QUANTITY_OUT_OF_RANGE;
    *quantity = (uint32_t)r.value;
    return RELEVANCE_QUANTITY_STATED;
}
