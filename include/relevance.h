/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relevance.h - does a product fit a shopping query?
 *
 * librelevance reads a query and a product text and answers, in one call, with a label (Exact,
 * Substitute, Complement or Irrelevant for the default model) and its probabilities.  Inside are a
 * WordPiece tokenizer, a DistilBERT / BERT encoder and a classifier head, in C11 alone.
 *
 *     #include <relevance.h>
 *     #include <stdio.h>
 *     #include <string.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         struct relevance_error error;
 *         relevance_model *model = NULL;
 *         relevance_context *ctx = NULL;
 *         struct relevance_result r;
 *         const char *query = "running shoes", *product = "Trailblazer men's running shoe, size 10";
 *         if (relevance_open(argc > 1 ? argv[1] : "data/default.rlv", NULL, &model, &error) ||
 *             relevance_context_create(model, NULL, &ctx, &error))
 *             return fprintf(stderr, "%s\n", error.message), 2;
 *         relevance_classify(ctx, query, strlen(query), product, strlen(product), &r);
 *         printf("%s %.3f\n", relevance_label(model, r.label), (double)r.probabilities[r.label]);
 *         relevance_context_destroy(ctx);
 *         relevance_close(model);
 *     }
 *
 * Threads.  A relevance_model is immutable and may be shared by any number of threads.  A
 * relevance_context is used by one thread at a time; make one per thread.  After fork() the child may
 * go on with models, and with contexts that have no worker threads.
 *
 * Errors.  Every call that can fail returns a status; RELEVANCE_OK is 0.  Outputs are untouched on
 * error.  The library never prints, exits or aborts, reads no environment variable, and sets no
 * global state of the process.
 *
 * Text is (pointer, length in bytes), UTF-8, and need not end in NUL.  Invalid bytes are read as
 * U+FFFD.  A NULL pointer is allowed where the length is 0.
 */
#ifndef RELEVANCE_H
#define RELEVANCE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RELEVANCE_VERSION_MAJOR 0
#define RELEVANCE_VERSION_MINOR 1
#define RELEVANCE_VERSION_PATCH 0

#if defined(_WIN32)
#define RELEVANCE_API
#else
#define RELEVANCE_API __attribute__((visibility("default")))
#endif

/* Most labels that a sequence head may have; a model with more is refused when it is opened. */
#define RELEVANCE_MAX_LABELS 32

enum relevance_status {
    RELEVANCE_OK = 0,           /* done */
    RELEVANCE_BAD_ARGUMENT = 1, /* a NULL where none is allowed, an option out of range */
    RELEVANCE_NO_MEMORY = 2,    /* the allocator returned NULL, or a size overflows */
    RELEVANCE_IO = 3,           /* the file cannot be opened, read or mapped */
    RELEVANCE_BAD_MODEL = 4,    /* not a model file, or a damaged one: error->position says where */
    RELEVANCE_BAD_VERSION = 5,  /* a model file of a format version that this library cannot read */
    RELEVANCE_NO_HEAD = 6,      /* the model has no head for this call */
    RELEVANCE_NO_ISA = 7,       /* the wanted instruction set is not in this CPU or this build */
    RELEVANCE_NO_SPACE = 8,     /* an output buffer is too small; the needed size is reported */
    RELEVANCE_NO_THREAD = 9,    /* a worker thread could not be started */
    RELEVANCE_BAD_CATALOG = 10  /* a catalogue has a wrong line: the message says which and why */
};

struct relevance_error {
    enum relevance_status status;
    uint64_t position; /* byte offset in the model file, where that makes sense; else 0 */
    char message[240]; /* one English sentence, NUL-terminated: what, where and what to do */
};

typedef struct relevance_model relevance_model;
typedef struct relevance_context relevance_context;

struct relevance_text {
    const char *data; /* UTF-8 */
    size_t len;       /* bytes */
};

struct relevance_pair {
    struct relevance_text query;
    struct relevance_text product;
};

/*
 * A user allocator.  'alloc' returns 'size' bytes aligned to 'align' (a power of two, at most 4096)
 * or NULL; 'free' gets the same size back.  Both may be called from any thread that calls the
 * library, never from worker threads.
 */
struct relevance_allocator {
    void *(*alloc)(void *user, size_t size, size_t align);
    void (*free)(void *user, void *memory, size_t size);
    void *user;
};

enum relevance_open_flags {
    RELEVANCE_OPEN_COPY = 1,         /* read the file into memory instead of mapping it */
    RELEVANCE_OPEN_SKIP_CHECKSUM = 2 /* do not check the tensor data's checksum (the structure,
                                        the vocabulary and the configuration are always checked) */
};

struct relevance_open_options {
    size_t size;                                 /* sizeof(struct relevance_open_options) */
    uint32_t flags;                              /* of enum relevance_open_flags */
    const struct relevance_allocator *allocator; /* copied; NULL: the C library's */
};

/*
 * relevance_open() - open a model file (.rlv) for use by any number of contexts.
 *
 * 'path'     a file; it is mapped, read-only and shared, and must not be truncated while open
 *            (use RELEVANCE_OPEN_COPY where that may happen).  Where mapping is refused, it is read.
 * 'options'  NULL: defaults.
 * 'model'    receives the model; untouched on error.
 * 'error'    receives status, byte position and message on failure; may be NULL.
 *
 * Everything in the file is validated here, so that no later call reads out of bounds.
 * Returns RELEVANCE_OK, _BAD_ARGUMENT, _NO_MEMORY, _IO, _BAD_MODEL or _BAD_VERSION.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_open(const char *path,
                                                   const struct relevance_open_options *options,
                                                   relevance_model **model,
                                                   struct relevance_error *error);

/*
 * relevance_open_memory() - open a model that lies in memory.
 *
 * 'data'  'data_len' bytes, which must stay unchanged until relevance_close().  Where they are
 *         aligned to 64 bytes they are used in place; otherwise, or with RELEVANCE_OPEN_COPY, copied.
 *
 * Returns as relevance_open().  Since 0.1.
 */
RELEVANCE_API enum relevance_status
relevance_open_memory(const void *data, size_t data_len,
                      const struct relevance_open_options *options, relevance_model **model,
                      struct relevance_error *error);

/*
 * relevance_close() - release a model.  Every context made from it must have been destroyed (a
 * library built with DEBUG=1 checks this, and aborts).  NULL is allowed.  Since 0.1.
 */
RELEVANCE_API void relevance_close(relevance_model *model);

enum relevance_isa {
    RELEVANCE_ISA_AUTO = 0,       /* the best that this CPU has */
    RELEVANCE_ISA_SCALAR = 1,     /* portable C: the specification of every other one */
    RELEVANCE_ISA_AVX2 = 2,       /* AVX2, FMA and F16C */
    RELEVANCE_ISA_AVX512 = 3,     /* AVX-512 F, BW, DQ, VL */
    RELEVANCE_ISA_AVX512VNNI = 4, /* AVX-512 and VNNI */
    RELEVANCE_ISA_NEON = 5,       /* Armv8-A Advanced SIMD */
    RELEVANCE_ISA_NEONDOT = 6,    /* NEON and the dot product instructions */
    RELEVANCE_ISA_NEONI8MM = 7,   /* NEON, dot product and int8 matrix multiply */
    RELEVANCE_ISA_AMX = 8         /* AVX-512, VNNI and AMX tiles of int8 */
};

enum relevance_special_tokens {
    RELEVANCE_SPECIAL_AS_TEXT = 0, /* "[SEP]" typed in a text is ordinary text (safe; default) */
    RELEVANCE_SPECIAL_PARSE = 1    /* it becomes the control token, as the reference tokenizer does */
};

enum relevance_f32_gemm {
    RELEVANCE_F32_GEMM_AUTO = 0, /* whichever was measured to be faster for the shape */
    RELEVANCE_F32_GEMM_OWN = 1,  /* always the library's own kernels (bit-identical on every CPU) */
    RELEVANCE_F32_GEMM_BLAS = 2  /* always OpenBLAS; an error where it was not built in */
};

/*
 * A host's own thread pool: must call task(arg, i) for every i in [0, task_n), in any order and on
 * any threads, and return when all calls have returned.
 */
typedef void (*relevance_parallel_for)(void *user, size_t task_n,
                                       void (*task)(void *arg, size_t i), void *arg);

struct relevance_context_options {
    size_t size;               /* sizeof(struct relevance_context_options) */
    uint32_t threads;          /* 1..64 threads for one call, the caller's included; 0: 1 */
    uint32_t max_tokens;       /* longest sequence, special tokens included; 0: the model's limit */
    uint32_t max_batch_tokens; /* tokens of a batch computed at a time; 0: what suits the caches */
    enum relevance_isa isa;
    enum relevance_special_tokens special_tokens;
    enum relevance_f32_gemm f32_gemm;            /* only matters for f32 and f16 models */
    const struct relevance_allocator *allocator; /* copied; NULL: the C library's */
    relevance_parallel_for parallel_for;         /* NULL: 'threads' - 1 workers of the context's own */
    void *parallel_user;                         /* first argument of parallel_for */
    uint64_t (*clock)(void);                     /* any monotonic counter: turns the profile on; NULL: off */
    const float *priors; /* [prior_n]: how often each label is expected, see below; NULL: the model's */
    size_t prior_n;      /* the model's label_n; only read where priors is not NULL */
};

/*
 * relevance_context_create() - the working memory (and worker threads) for calls on a model.
 *
 * 'options'  NULL: defaults (one thread, the model's own limits).
 *
 * options.priors: a model's probabilities hold where labels are as frequent as among the pairs that it
 * was calibrated for (relevance_label_prior()).  Where they are not - a search engine's first page has
 * more exact matches than its fifth - give the shares that are true there: numbers >= 0, not all 0, in
 * the order of the labels, of any sum; each logit is then corrected by ln(share / model's share).  A
 * label of share 0 is never given.  Copied.  RELEVANCE_BAD_ARGUMENT where the model does not know its
 * own shares.
 *
 * Where the CPU has AMX, Linux is asked for the process's permission to use it (arch_prctl), once and
 * for all; where it is refused, because a thread's alternate signal stack is too small, AUTO does
 * without.
 *
 * All memory that later calls need is allocated here; they allocate nothing.
 * Returns RELEVANCE_OK, _BAD_ARGUMENT, _NO_MEMORY, _NO_ISA or _NO_THREAD.  Since 0.1.
 */
RELEVANCE_API enum relevance_status
relevance_context_create(const relevance_model *model,
                         const struct relevance_context_options *options, relevance_context **ctx,
                         struct relevance_error *error);

/* relevance_context_destroy() - stop the workers, free the memory.  NULL is allowed.  Since 0.1. */
RELEVANCE_API void relevance_context_destroy(relevance_context *ctx);

struct relevance_result {
    uint32_t label;     /* index of the most probable label; the lowest one on a tie */
    uint32_t tokens;    /* tokens computed, special tokens included */
    uint32_t truncated; /* tokens cut from the two texts to fit; 0: nothing was lost */
    uint32_t label_n;   /* labels of the model: entries used below */
    float probabilities[RELEVANCE_MAX_LABELS]; /* each in [0,1], summing to 1 within rounding */
    float logits[RELEVANCE_MAX_LABELS];        /* of the head, before calibration and softmax */
};

/*
 * relevance_classify() - label one query-product pair.
 *
 * 'ctx'      one per thread; not safe to share.
 * 'query'    UTF-8, 'query_len' bytes, need not end in NUL; may be empty.
 * 'product'  likewise.
 * 'result'   untouched on error.
 *
 * Text beyond the model's limit is cut "longest first" (see result->truncated).  Allocates nothing.
 * Returns RELEVANCE_OK, _BAD_ARGUMENT or _NO_HEAD.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_classify(relevance_context *ctx, const char *query,
                                                       size_t query_len, const char *product,
                                                       size_t product_len,
                                                       struct relevance_result *result);

/*
 * relevance_classify_batch() - label many pairs, of any lengths, without padding.
 *
 * 'pairs'    [pair_n].
 * 'results'  [pair_n], in the order of 'pairs'.  Each is bit for bit what relevance_classify() gives
 *            for that pair alone (f32 through OpenBLAS excepted).
 *
 * Allocates nothing.  Returns as relevance_classify().  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_classify_batch(relevance_context *ctx,
                                                             const struct relevance_pair *pairs,
                                                             size_t pair_n,
                                                             struct relevance_result *results);

struct relevance_ranked {
    uint32_t index; /* of the product in the caller's list */
    float score;    /* sum over labels of probability x gain (ESCI: 1, 0.1, 0.01, 0); in [0,1] */
    struct relevance_result result;
};

/*
 * relevance_rank() - order products by how well they fit one query, best first.
 *
 * 'products'  [product_n], at most 2^32 - 1.
 * 'ranked'    [product_n]; equal scores keep the caller's order.
 *
 * The query is tokenized once.  Allocates nothing.  Returns as relevance_classify().  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_rank(relevance_context *ctx, const char *query,
                                                   size_t query_len,
                                                   const struct relevance_text *products,
                                                   size_t product_n,
                                                   struct relevance_ranked *ranked);

/*
 * relevance_classify_tokens() - label one sequence of token ids made elsewhere.
 *
 * 'ids'  [id_n], special tokens included, each below info.vocab_n; 1 <= id_n <= the context's
 *        max_tokens.  Token types (BERT) are 0 up to and including the first [SEP], 1 after it.
 *
 * Returns RELEVANCE_OK, _BAD_ARGUMENT or _NO_HEAD.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_classify_tokens(relevance_context *ctx,
                                                              const int32_t *ids, size_t id_n,
                                                              struct relevance_result *result);

struct relevance_tokens {
    int32_t *ids;       /* [cap], caller's */
    size_t cap;         /* elements; the context's max_tokens is always enough */
    size_t n;           /* out: tokens written, or needed on RELEVANCE_NO_SPACE */
    uint32_t truncated; /* out: tokens cut */
};

/*
 * relevance_tokenize() - the token ids that the model would read.
 *
 * 'product'  NULL: a single text, "[CLS] query [SEP]"; else a pair, "[CLS] query [SEP] product [SEP]".
 * 'tokens'   on RELEVANCE_NO_SPACE only 'n' is written.
 *
 * Returns RELEVANCE_OK, _BAD_ARGUMENT or _NO_SPACE.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_tokenize(relevance_context *ctx, const char *query,
                                                       size_t query_len, const char *product,
                                                       size_t product_len,
                                                       struct relevance_tokens *tokens);

/*
 * relevance_encode() - the encoder's last hidden states.
 *
 * 'product'  NULL: a single text; else a pair, as in relevance_tokenize().
 * 'hidden'   [tokens, info.hidden_size] f32, row-major, 'hidden_cap' floats.
 * 'token_n'  receives the number of rows; also set, alone, on RELEVANCE_NO_SPACE.
 *
 * Returns RELEVANCE_OK, _BAD_ARGUMENT or _NO_SPACE.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_encode(relevance_context *ctx, const char *query,
                                                     size_t query_len, const char *product,
                                                     size_t product_len, float *hidden,
                                                     size_t hidden_cap, size_t *token_n);

/* ---- token labels and shopping intents ---- */

struct relevance_labelled_token {
    size_t begin;      /* first byte of the text that the token was made from */
    size_t end;        /* ... and the byte after the last one */
    int32_t id;
    uint32_t label;    /* most probable one; see relevance_token_label() */
    float probability; /* of that label */
    uint32_t inside;   /* 1: not the first token of its word ("##" in the vocabulary), else 0 */
};

struct relevance_labelled_tokens {
    struct relevance_labelled_token *tokens; /* [cap], caller's */
    size_t cap;         /* elements; the context's max_tokens is always enough */
    size_t n;           /* out: tokens written, or needed on RELEVANCE_NO_SPACE */
    uint32_t truncated; /* out: tokens of the text that were cut */
};

/*
 * relevance_label_tokens() - the label of every token of a text, by the model's token head.
 *
 * 'text'    UTF-8, 'text_len' bytes; may be empty.  The model reads "[CLS] text [SEP]"; the two
 *           control tokens are not in the result.
 * 'tokens'  in the order of the text; on RELEVANCE_NO_SPACE only 'n' is written.
 *
 * Text beyond the model's limit is cut at its end (see 'truncated').  Allocates nothing.
 * Returns RELEVANCE_OK, _BAD_ARGUMENT, _NO_HEAD or _NO_SPACE.  Since 0.1.
 */
RELEVANCE_API enum relevance_status
relevance_label_tokens(relevance_context *ctx, const char *text, size_t text_len,
                       struct relevance_labelled_tokens *tokens);

struct relevance_span {
    size_t begin;      /* first byte of it in the text */
    size_t end;        /* the byte after the last one: above 'begin', and between characters */
    const char *name;  /* "PRODUCT" for the labels B-PRODUCT and I-PRODUCT; as long as the model */
    uint32_t label;    /* token label of its first word */
    uint32_t word_n;   /* words in it, a punctuation mark counting as one */
    float probability; /* mean over its words of the probability of all labels of this name */
};

struct relevance_spans {
    struct relevance_span *spans; /* [cap], caller's */
    size_t cap;         /* elements; the context's max_tokens is always enough */
    size_t n;           /* out: spans written, or needed on RELEVANCE_NO_SPACE */
    uint32_t truncated; /* out: tokens of the text that were cut */
};

/*
 * relevance_find_spans() - the stretches of a text that the token head names.
 *
 * Labels are read as BIO: "B-X" begins a span named X, "I-X" continues it (and begins one where
 * nothing named X comes before it), "O" is outside; another label "X" counts as "I-X".  Prefixes
 * and "O" in either case.  A word has the label of its first token.  Spans do not overlap and come
 * in the order of the text.
 *
 * Otherwise as relevance_label_tokens().  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_find_spans(relevance_context *ctx, const char *text,
                                                         size_t text_len,
                                                         struct relevance_spans *spans);

/*
 * A catalogue: product names and other words for them, in any languages.  Immutable once open; may
 * be shared by any number of threads.
 */
typedef struct relevance_catalog relevance_catalog;

struct relevance_catalog_options {
    size_t size;                                 /* sizeof(struct relevance_catalog_options) */
    const struct relevance_allocator *allocator; /* copied; NULL: the C library's */
};

/*
 * relevance_catalog_open() - read a catalogue.
 *
 * 'path'     a text file in UTF-8, one product a line: its name, and after a TAB, where there are any,
 *            aliases separated by '|'.  Blank lines are skipped, a byte order mark and CR before LF
 *            are allowed, and so is space around names.  At most 2^20 names and aliases of 1 to 120
 *            characters, no word longer than 100, and 64 MiB.  A name or alias may not stand for two products, after folding
 *            as relevance_catalog_match() does it.
 * 'options'  NULL: defaults.
 * 'error'    the message of RELEVANCE_BAD_CATALOG says which line is wrong, and why; 'position' is the
 *            line's first byte.  May be NULL.
 *
 * The file is not needed afterwards.
 * Returns RELEVANCE_OK, _BAD_ARGUMENT, _NO_MEMORY, _IO or _BAD_CATALOG.  Since 0.1.
 */
RELEVANCE_API enum relevance_status
relevance_catalog_open(const char *path, const struct relevance_catalog_options *options,
                       relevance_catalog **catalog, struct relevance_error *error);

/* relevance_catalog_open_memory() - the same from 'data_len' bytes, which are copied.  Since 0.1. */
RELEVANCE_API enum relevance_status
relevance_catalog_open_memory(const void *data, size_t data_len,
                              const struct relevance_catalog_options *options,
                              relevance_catalog **catalog, struct relevance_error *error);

/* relevance_catalog_close() - release it; NULL is allowed.  Since 0.1. */
RELEVANCE_API void relevance_catalog_close(relevance_catalog *catalog);

/* relevance_catalog_size() - products in it; 0 for NULL.  Since 0.1. */
RELEVANCE_API uint32_t relevance_catalog_size(const relevance_catalog *catalog);

/* relevance_catalog_name() - name of product 'i', or NULL where out of range.  Since 0.1. */
RELEVANCE_API const char *relevance_catalog_name(const relevance_catalog *catalog, uint32_t i);

struct relevance_match {
    const char *name;  /* the product's name, or NULL: nothing is near enough; as long as the catalogue */
    const char *alias; /* what matched: that name or one of the aliases, as the file spells it; or NULL */
    uint32_t product;  /* index for relevance_catalog_name(); 0 where there is none */
    uint32_t distance; /* edits between the folded texts: characters that differ, are missing, added
                          or swapped, words left out not counted; 0 where there is none */
    float score;       /* 1: equal after folding; lower with edits and words left out; 0: no match */
};

/*
 * relevance_catalog_match() - the product that a few words mean.
 *
 * 'text'   UTF-8, 'text_len' bytes.
 * 'match'  name NULL where nothing is near enough.
 *
 * Texts are compared folded: in lower case, without diacritics and punctuation.  A few edits are
 * allowed, by length: none up to 2 characters, 1 up to 5, up to 5 for long names; those at the end of
 * a word, where languages inflect, count half.  Where the whole text fits nothing, up to three words
 * at its ends may be left out, but not more than half of it, or two thirds where the rest equals a
 * name.  The least distance wins, and the first line on a tie.  Texts of more than 120 characters
 * match nothing.
 *
 * Takes microseconds for thousands of products, at worst time linear in their number.  Allocates
 * nothing.  Returns RELEVANCE_OK or _BAD_ARGUMENT.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_catalog_match(const relevance_catalog *catalog,
                                                            const char *text, size_t text_len,
                                                            struct relevance_match *match);

/* Where a quantity comes from. */
enum relevance_quantity_kind {
    RELEVANCE_QUANTITY_ABSENT = 0,      /* none in the text: 1 */
    RELEVANCE_QUANTITY_STATED = 1,      /* read from the text */
    RELEVANCE_QUANTITY_UNREADABLE = 2,  /* the model found one, but it is no number known here: 1 */
    RELEVANCE_QUANTITY_OUT_OF_RANGE = 3 /* negative, 0, a fraction, or above
                                           RELEVANCE_MAX_QUANTITY: 1 */
};
#define RELEVANCE_MAX_QUANTITY 1000000

struct relevance_intent {
    size_t size;             /* set by the caller: sizeof(struct relevance_intent) */
    uint32_t action;         /* most probable label of the sequence head; see relevance_label() */
    float action_confidence; /* its probability */
    size_t product_begin;    /* bytes of the text, [begin, end); both 0: no product */
    size_t product_end;
    float product_confidence;       /* of the span, as in relevance_span; 0: no product */
    uint32_t product_n;             /* products in the text; the fields describe one of them */
    struct relevance_match product; /* in the catalogue; name NULL without one, or without match */
    uint32_t quantity;                 /* 1 .. RELEVANCE_MAX_QUANTITY */
    enum relevance_quantity_kind quantity_kind;
    size_t quantity_begin; /* likewise; both 0: no quantity */
    size_t quantity_end;
    float quantity_confidence; /* of the span; absent: of there being none, 1 - the largest
                                  probability that any word is one */
    uint32_t tokens;           /* tokens computed, special tokens included */
    uint32_t truncated;        /* tokens of the text that were cut */
};

/*
 * relevance_extract() - what a shopper asks for: an action, a product and a quantity.
 *
 * Needs a model with a sequence head, which names the action, and a token head with labels B-PRODUCT,
 * I-PRODUCT, B-QUANTITY and I-QUANTITY (in either case).
 *
 * 'text'     UTF-8, 'text_len' bytes; may be empty: then there is neither product nor quantity, and
 *            the action is what the model says of nothing.
 * 'catalog'  the product's name is looked up in it; NULL: it is not.
 * 'intent'   its 'size' must be set; untouched on error.
 *
 * A quantity is an integer in digits ("12", "x3", "3 kom"), or in words in English, Croatian or
 * Spanish ("twenty-five", "dvadeset i pet", "half a dozen", "tucet", "media docena", "a couple");
 * diacritics may be missing.  Pairs are counted as pairs.  Of several products the first counts - with
 * a catalogue, the first that is in it, if one of the first eight is - with the quantity before it, or
 * else one that follows and is nearer to it than to the next product.  Where the catalogue has none of
 * them, words that equal one of its names are the product, if the model held that possible (a
 * probability of 0.05).
 *
 * Text beyond the model's limit is cut at its end.  Allocates nothing.
 * Returns RELEVANCE_OK, _BAD_ARGUMENT or _NO_HEAD.  Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_extract(relevance_context *ctx, const char *text,
                                                      size_t text_len,
                                                      const relevance_catalog *catalog,
                                                      struct relevance_intent *intent);

/*
 * relevance_extract_batch() - the same for many texts, without padding.
 *
 * 'texts'    [text_n].
 * 'intents'  [text_n], in the order of 'texts'; the 'size' of the first one holds for all, and they lie
 *            that many bytes apart.  Each is what relevance_extract() gives for that text alone.
 *
 * Returns as relevance_extract().  Since 0.1.
 */
RELEVANCE_API enum relevance_status
relevance_extract_batch(relevance_context *ctx, const struct relevance_text *texts, size_t text_n,
                        const relevance_catalog *catalog, struct relevance_intent *intents);

struct relevance_info {
    size_t size;                  /* set by the caller: sizeof(struct relevance_info) */
    const char *architecture;     /* "distilbert" or "bert" */
    const char *weights;          /* "f32", "f16", "q8" ... : the linear layers' format */
    const char *embeddings;       /* likewise, of the word embedding table */
    uint32_t hidden_size;         /* width of a hidden state */
    uint32_t layer_n;             /* transformer layers */
    uint32_t head_n;              /* attention heads */
    uint32_t intermediate_size;   /* width of the feed-forward layer */
    uint32_t vocab_n;             /* tokens in the vocabulary */
    uint32_t max_tokens;          /* longest sequence that the model can read */
    uint32_t label_n;             /* labels of the sequence head; 0: no such head */
    uint32_t token_label_n;       /* labels of the token head; 0: no such head */
    uint64_t file_len;            /* bytes of the model file */
    uint64_t parameter_n;         /* weights and biases of the network */
    const char *metadata;         /* "key=value" lines: origin, licence, settings of the converter */
};

/* relevance_model_info() - what a model is.  Strings live as long as the model.  Since 0.1. */
RELEVANCE_API enum relevance_status relevance_model_info(const relevance_model *model,
                                                         struct relevance_info *info);

/* relevance_label() - name of a sequence label, or NULL where 'label' is out of range.  Since 0.1. */
RELEVANCE_API const char *relevance_label(const relevance_model *model, uint32_t label);

/*
 * relevance_label_prior() - the share of a sequence label, in (0,1], among the pairs that the model's
 * probabilities are calibrated for.
 *
 * 0 where the model does not say, or 'label' is out of range.  See options.priors.  Since 0.1.
 */
RELEVANCE_API float relevance_label_prior(const relevance_model *model, uint32_t label);

/* relevance_token_label() - name of a token label ("O", "B-product" ...).  Since 0.1. */
RELEVANCE_API const char *relevance_token_label(const relevance_model *model, uint32_t label);

/* relevance_token() - text of a vocabulary entry (not NUL-terminated), or {NULL, 0}.  Since 0.1. */
RELEVANCE_API struct relevance_text relevance_token(const relevance_model *model, int32_t id);

/* relevance_context_isa() - the kernels in use.  Since 0.1. */
RELEVANCE_API enum relevance_isa relevance_context_isa(const relevance_context *ctx);

/* relevance_isa_supported() - 1 where this CPU and this build can run 'isa', else 0.  Since 0.1. */
RELEVANCE_API int relevance_isa_supported(enum relevance_isa isa);

/* relevance_isa_name() - "scalar", "avx2" ...; NULL for an unknown value.  Since 0.1. */
RELEVANCE_API const char *relevance_isa_name(enum relevance_isa isa);

/* relevance_status_name() - a short English phrase for a status.  Since 0.1. */
RELEVANCE_API const char *relevance_status_name(enum relevance_status status);

/* relevance_version() - version of the library in use, "MAJOR.MINOR.PATCH".  Since 0.1. */
RELEVANCE_API const char *relevance_version(void);

/* Parts of a call, for relevance_context_profile(). */
enum relevance_part {
    RELEVANCE_PART_TOKENIZER = 0,
    RELEVANCE_PART_EMBEDDINGS = 1,
    RELEVANCE_PART_QKV = 2,       /* fused query, key and value projection */
    RELEVANCE_PART_ATTENTION = 3, /* scores, softmax, context */
    RELEVANCE_PART_ATTENTION_OUT = 4,
    RELEVANCE_PART_FFN1 = 5,     /* with GELU */
    RELEVANCE_PART_QUANTIZE = 6, /* of what attention and GELU gave */
    RELEVANCE_PART_FFN2 = 7,
    RELEVANCE_PART_LAYERNORM = 8, /* with residual and quantisation */
    RELEVANCE_PART_HEAD = 9,
    RELEVANCE_PART_N = 10
};

/*
 * relevance_context_profile() - clock ticks spent in each part since the last reset.
 *
 * 'ticks'  [RELEVANCE_PART_N], of options.clock; all 0 where that was NULL.
 * 'reset'  nonzero: start again from 0.
 *
 * Since 0.1.
 */
RELEVANCE_API enum relevance_status relevance_context_profile(relevance_context *ctx,
                                                              uint64_t *ticks, int reset);

#ifdef __cplusplus
}
#endif

#endif /* RELEVANCE_H */
