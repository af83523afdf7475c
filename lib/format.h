/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - the model file (.rlv) as C structures.  docs/format.md is its prose.
 *
 * One flat little-endian file: header, section table, sections at 64-byte alignment.  Tensor data
 * lie in the layouts that the kernels read, so opening a model is mapping it and validating it.
 * Used by the reader (lib/model.c) and by the writers in tools/.
 */
#ifndef RLV_FORMAT_H
#define RLV_FORMAT_H

/* Model files are used as they lie in memory; files for such machines do not exist either. */
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "librelevance needs a little-endian machine: it maps model files, which are (docs/boards.md)"
#endif

#include <stdint.h>

/* "RLV", then bytes that a text-mode transfer or a 7-bit channel would change (as PNG does). */
#define RLV_MAGIC "RLV\x8d\r\n\x1a\n"
#define RLV_FORMAT_VERSION 1u
#define RLV_ENDIAN_TAG 0x01020304u
#define RLV_ALIGN 64u /* of each section and each tensor: a cache line, and an AVX-512 register */

#define RLV_PANEL 16u   /* output channels side by side in a panel: 16 int32 fill one zmm register */
#define RLV_K_BLOCK 32u /* input channels are padded to a multiple: 8 groups of 4, see bit planes */

/* Limits that keep every product of sizes within 64 bits and every int32 accumulator exact. */
#define RLV_MAX_HIDDEN 8192u        /* hidden_size */
#define RLV_MAX_INTERMEDIATE 65536u /* 255 * 128 * 65536 < 2^31: an int32 accumulator cannot wrap */
#define RLV_MAX_LAYERS 64u
#define RLV_MAX_POSITIONS 8192u
#define RLV_MAX_VOCAB (1u << 24)
#define RLV_MAX_TYPES 16u
#define RLV_MAX_TOKEN_LABELS 256u
#define RLV_MAX_OUTLIERS 32u /* input channels of one linear layer that stay in f32 */
#define RLV_MAX_HEAD_DIM 256u
#define RLV_MAX_TOKEN_LEN 256u /* bytes of one vocabulary entry */

struct rlv_file_header { /* 64 bytes */
    uint8_t magic[8];
    uint32_t version;    /* RLV_FORMAT_VERSION */
    uint32_t endian_tag; /* RLV_ENDIAN_TAG as written by a little-endian machine */
    uint64_t file_len;   /* bytes of the whole file */
    uint64_t table_offset;
    uint32_t section_n;
    uint32_t reserved0;       /* 0 */
    uint64_t table_checksum;  /* of the section table */
    uint64_t header_checksum; /* of the 48 bytes before it */
    uint64_t reserved1;       /* 0 */
};

enum rlv_section_kind {
    RLV_SECTION_CONFIG = 1,       /* one struct rlv_config */
    RLV_SECTION_LABELS = 2,       /* labels of the sequence head; absent without one */
    RLV_SECTION_TOKEN_LABELS = 3, /* labels of the token head; absent without one */
    RLV_SECTION_VOCAB = 4,
    RLV_SECTION_TENSORS = 5, /* array of struct rlv_tensor */
    RLV_SECTION_DATA = 6,    /* the tensors' bytes; offsets in rlv_tensor count from its start */
    RLV_SECTION_META = 7     /* UTF-8 "key=value\n" lines, NUL-terminated; may be absent */
};

struct rlv_section { /* 32 bytes; each kind at most once, in the order of the enum */
    uint32_t kind;
    uint32_t reserved; /* 0 */
    uint64_t offset;   /* from the start of the file, a multiple of RLV_ALIGN */
    uint64_t len;      /* bytes; padding to the next section is zero and not counted */
    uint64_t checksum; /* rlv_checksum() of the section's bytes */
};

enum rlv_arch { RLV_ARCH_DISTILBERT = 1, RLV_ARCH_BERT = 2 };

enum rlv_head_kind {
    RLV_HEAD_NONE = 0,
    RLV_HEAD_RELU = 1,  /* DistilBERT: linear, ReLU, linear, on the [CLS] row */
    RLV_HEAD_TANH = 2,  /* BERT: pooler (linear, tanh), linear, on the [CLS] row */
    RLV_HEAD_DIRECT = 3 /* one linear on the [CLS] row */
};

enum rlv_config_flags {
    RLV_CONFIG_LOWERCASE = 1,
    RLV_CONFIG_STRIP_ACCENTS = 2,
    RLV_CONFIG_SPLIT_CJK = 4,
    RLV_CONFIG_ALL = 7
};

struct rlv_config { /* 128 bytes */
    uint32_t arch;
    uint32_t hidden_size;
    uint32_t layer_n;
    uint32_t head_n;
    uint32_t intermediate_size;
    uint32_t max_tokens; /* rows of the position table that may be used */
    uint32_t vocab_n;
    uint32_t type_n;        /* token types; 0: the architecture has none */
    uint32_t label_n;       /* 0 where head_kind is RLV_HEAD_NONE */
    uint32_t token_label_n; /* 0: no token head */
    uint32_t head_kind;
    uint32_t flags; /* of enum rlv_config_flags */
    uint32_t pad_id, unk_id, cls_id, sep_id, mask_id;
    float layer_norm_epsilon; /* in (0, 1e-3] */
    float logit_scale;        /* calibration: probabilities = softmax(logit_scale * logits + label bias) */
    uint32_t reserved[13];    /* 0 */
};

/*
 * RLV_SECTION_LABELS and _TOKEN_LABELS: this header, then label_n of rlv_label, then the names' bytes,
 * each ended by NUL, and the priors, where there are any.
 */
struct rlv_labels_header { /* 8 bytes */
    uint32_t label_n;
    /* From the start of the section to f32 prior[label_n]: the share of each label among the pairs that
     * the calibration is for; each above 0, together 1.  0: not known.  Always 0 for token labels. */
    uint32_t prior_offset;
};

struct rlv_label { /* 16 bytes */
    uint32_t name_offset; /* from the start of the section */
    uint32_t name_len;    /* bytes, without the NUL that follows; at least 1 */
    float gain;           /* worth of the label when products are ranked; in [0,1] */
    float logit_bias;     /* calibration: log of a prior correction; 0: none */
};

/*
 * RLV_SECTION_VOCAB: this header, u32 offset[token_n + 1] (into the blob, ascending from 0 to
 * blob_len), struct rlv_vocab_slot slot[slot_n], the blob.  The hash table is open addressing with
 * linear probing: a token with hash h (rlv_token_hash of its bytes) is in the first slot of
 * h & (slot_n - 1), +1, +2 ... that holds it, before any empty one.  At least half is empty.
 */
struct rlv_vocab_header { /* 16 bytes */
    uint32_t token_n;
    uint32_t max_token_len; /* bytes of the longest token */
    uint32_t slot_n;        /* a power of two, >= 2 * token_n */
    uint32_t blob_len;
};

struct rlv_vocab_slot {
    uint32_t hash;
    uint32_t id; /* RLV_EMPTY_SLOT: empty */
};
#define RLV_EMPTY_SLOT 0xffffffffu

/* 32-bit FNV-1a (Fowler, Noll, Vo): can be extended byte by byte, which longest-match needs. */
#define RLV_HASH_START 2166136261u
static inline uint32_t rlv_hash_byte(uint32_t h, uint8_t byte) { return (h ^ byte) * 16777619u; }

/* Which matrix or vector of the network a tensor belongs to ... */
enum rlv_part {
    RLV_PART_WORD_EMBEDDING = 1,     /* [vocab_n, hidden] */
    RLV_PART_POSITION_EMBEDDING = 2, /* [max_tokens, hidden] */
    RLV_PART_TYPE_EMBEDDING = 3,     /* [type_n, hidden], f32 */
    RLV_PART_EMBEDDING_NORM = 4,     /* layer norm: WEIGHT, BIAS [hidden] */
    RLV_PART_QKV = 5,                /* linear hidden -> 3 hidden: all of Q, all of K, all of V */
    RLV_PART_ATTENTION_OUT = 6,      /* linear hidden -> hidden */
    RLV_PART_ATTENTION_NORM = 7,
    RLV_PART_FFN1 = 8, /* linear hidden -> intermediate */
    RLV_PART_FFN2 = 9, /* linear intermediate -> hidden */
    RLV_PART_FFN_NORM = 10,
    RLV_PART_POOLER = 11,          /* linear hidden -> hidden: pre_classifier or pooler */
    RLV_PART_CLASSIFIER = 12,      /* linear hidden -> label_n, f32 */
    RLV_PART_TOKEN_CLASSIFIER = 13 /* linear hidden -> token_label_n, f32 */
};

/* ... and what of it.  A quantised linear layer computes, for one row x [K] and output channel n,
 *   y[n] = a_scale * scale[n] * sum_k (a[k] - a_zero) * w[n][k] + bias[n]
 *          + sum_o x[outlier_index[o]] * outlier_weight[o][n]
 * where a = u8 quantisation of x[k] * input_scale[k], per row.  See docs/numerics.md. */
enum rlv_slot {
    RLV_SLOT_WEIGHT = 1, /* linear: PANEL [N, K]; embedding table: ROWS [N, K]; norm: VECTOR [N] */
    RLV_SLOT_BIAS = 2,   /* f32 VECTOR [N] */
    RLV_SLOT_SCALE = 3,  /* f32 VECTOR.  linear: [N], or with a group [N16 * group_n] in the order
                            [N16/16][group_n][16]; table: [N * group_n] in the order [N][group_n] */
    RLV_SLOT_SUM = 4,    /* linear, quantised: VECTOR [N].  Without a group i32 sum_k w[n][k]; with one
                            f32 sum_g scale[n][g] * sum_{k in g} w[n][k] */
    RLV_SLOT_INPUT_SCALE = 5,   /* f32 VECTOR [K]; absent: all 1.  0 for an outlier channel */
    RLV_SLOT_OUTLIER_INDEX = 6, /* u32 VECTOR [outlier_n], ascending, each < K; absent: none */
    RLV_SLOT_OUTLIER_WEIGHT = 7 /* f32 ROWS [outlier_n, N] */
};
/* group_n = ceil(K32 / group); 1 where group is 0. */

enum rlv_dtype {
    RLV_DTYPE_F32 = 1,
    RLV_DTYPE_F16 = 2, /* IEEE binary16 */
    RLV_DTYPE_U32 = 3,
    RLV_DTYPE_I32 = 4,
    RLV_DTYPE_Q8 = 8, /* two's complement; the low-bit ones are stored as unsigned w + 2^(bits-1) */
    RLV_DTYPE_Q6 = 6 + 16,
    RLV_DTYPE_Q5 = 5 + 16,
    RLV_DTYPE_Q4 = 4 + 16,
    RLV_DTYPE_Q3 = 3 + 16
};

/*
 * Layouts.  N = rows of the tensor = output channels; K = cols = input channels; N16 and K32 are
 * padded to multiples of 16 and 32; padding is weight 0.
 *  VECTOR  N elements in order (cols = 1), then zeros up to a multiple of 16 elements.
 *  PANEL   f32, f16: [N16/16][K32][16].
 *          q8:       [N16/16][K32/4][16][4].
 *          q6..q3:   per panel and block of 32 input channels (8 groups of 64 weights in q8 order,
 *                    g0..g7) the bit planes of u = w + 2^(bits-1), low plane first:
 *            4-bit plane, 256 bytes: byte 64*i + j = nibble of g(2i)[j] | nibble of g(2i+1)[j] << 4
 *            2-bit plane, 128 bytes: byte 64*i + j = g(4i)[j] | g(4i+1)[j] << 2 | g(4i+2)[j] << 4 | g(4i+3)[j] << 6
 *            1-bit plane,  64 bytes: bit b of byte j = g(b)[j]
 *            q6 = 4 + 2, q5 = 4 + 1, q4 = 4, q3 = 2 + 1 (the first plane holds the low bits).
 *  ROWS    (embedding tables) [N][K32], each row padded to a multiple of 64 bytes:
 *          f32, f16, q8 plain; q6..q3 per block of 32 elements e0..e31 the same planes in small:
 *            4-bit plane, 16 bytes: byte j = e(j) | e(16+j) << 4
 *            2-bit plane,  8 bytes: byte j = e(j) | e(8+j) << 2 | e(16+j) << 4 | e(24+j) << 6
 *            1-bit plane,  4 bytes: bit b of byte j = e(8j+b)
 *          scales: f32 [N][K/group], group = K32 where there is one a row.
 */
enum rlv_layout { RLV_LAYOUT_VECTOR = 1, RLV_LAYOUT_PANEL = 2, RLV_LAYOUT_ROWS = 3 };

struct rlv_tensor { /* 64 bytes; sorted by (layer, part, slot), no two alike */
    uint16_t part;  /* enum rlv_part */
    uint16_t slot;  /* enum rlv_slot */
    uint16_t layer; /* 0.. for the parts of a transformer layer; 0 else */
    uint16_t dtype;
    uint16_t layout;
    uint16_t w_max;    /* quantised PANEL: every |w| <= w_max; else 0 */
    uint32_t rows;     /* N */
    uint32_t cols;     /* K; 1 for a vector */
    uint32_t group;    /* quantised: input channels that share a scale, a multiple of 32; 0: all of K */
    uint64_t offset;   /* bytes from the start of the DATA section, a multiple of RLV_ALIGN */
    uint64_t len;      /* bytes, padding included: follows from dtype, layout, rows, cols */
    uint32_t chain;       /* quantised PANEL: 0; or 1, 2, 4: see rlv_chain() in kernels/kernels.h */
    uint32_t reserved0;   /* 0 */
    uint64_t reserved[2]; /* 0 */
};

_Static_assert(sizeof(struct rlv_file_header) == 64, "header size");
_Static_assert(sizeof(struct rlv_section) == 32, "section size");
_Static_assert(sizeof(struct rlv_config) == 128, "config size");
_Static_assert(sizeof(struct rlv_labels_header) == 8, "labels header size");
_Static_assert(sizeof(struct rlv_label) == 16, "label size");
_Static_assert(sizeof(struct rlv_tensor) == 64, "tensor size");

/* Bits of a quantised dtype (8, 6, 5, 4, 3), or 0. */
static inline unsigned rlv_dtype_bits(unsigned dtype)
{
    switch (dtype) {
    case RLV_DTYPE_Q8: return 8;
    case RLV_DTYPE_Q6: return 6;
    case RLV_DTYPE_Q5: return 5;
    case RLV_DTYPE_Q4: return 4;
    case RLV_DTYPE_Q3: return 3;
    default: return 0;
    }
}

static inline uint64_t rlv_round_up(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }

/* Bytes of a tensor of this shape, or 0 for a combination that the format does not have, no rows, no
 * columns or more than RLV_MAX_INTERMEDIATE of them.  Cannot overflow, whatever the arguments. */
uint64_t rlv_tensor_len(unsigned dtype, unsigned layout, uint32_t rows, uint32_t cols);

/* Bytes from one row to the next of a ROWS tensor. */
uint64_t rlv_row_stride(unsigned dtype, uint32_t cols);

/*
 * rlv_checksum() - 64-bit checksum of 'len' bytes.  Not cryptographic: it finds damage, not malice.
 *
 * The bytes, padded with zeros to a multiple of 128, are read as little-endian 32-bit words and dealt
 * to 32 lanes in turn; for each word w its lane does a += w, then b += a (Fletcher's checksum, modulo
 * 2^32, from 0).  Then h = 14695981039346656037; for each lane in order h = (h ^ a) * p, h = (h ^ b) * p;
 * at last h = (h ^ len) * p: FNV-1a over 64-bit units, p = 1099511628211, modulo 2^64.
 */
uint64_t rlv_checksum(const void *data, uint64_t len);

#endif /* RLV_FORMAT_H */
