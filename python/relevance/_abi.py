# SPDX-License-Identifier: Apache-2.0
"""Constants, structures and signatures of include/relevance.h.

Written by tools/gen_python.py: do not edit.
"""
from __future__ import annotations

from ctypes import CDLL, Structure
from ctypes import c_char, c_char_p, c_float, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from enum import IntEnum

VERSION_MAJOR = 0
VERSION_MINOR = 1
VERSION_PATCH = 0
MAX_LABELS = 32
MAX_QUANTITY = 1000000


class Status(IntEnum):
    OK = 0
    BAD_ARGUMENT = 1
    NO_MEMORY = 2
    IO = 3
    BAD_MODEL = 4
    BAD_VERSION = 5
    NO_HEAD = 6
    NO_ISA = 7
    NO_SPACE = 8
    NO_THREAD = 9
    BAD_CATALOG = 10


class OpenFlags(IntEnum):
    COPY = 1
    SKIP_CHECKSUM = 2


class Isa(IntEnum):
    AUTO = 0
    SCALAR = 1
    AVX2 = 2
    AVX512 = 3
    AVX512VNNI = 4
    NEON = 5
    NEONDOT = 6
    NEONI8MM = 7
    AMX = 8


class SpecialTokens(IntEnum):
    AS_TEXT = 0
    PARSE = 1


class F32Gemm(IntEnum):
    AUTO = 0
    OWN = 1
    BLAS = 2


class QuantityKind(IntEnum):
    ABSENT = 0
    STATED = 1
    UNREADABLE = 2
    OUT_OF_RANGE = 3


class Part(IntEnum):
    TOKENIZER = 0
    EMBEDDINGS = 1
    QKV = 2
    ATTENTION = 3
    ATTENTION_OUT = 4
    FFN1 = 5
    QUANTIZE = 6
    FFN2 = 7
    LAYERNORM = 8
    HEAD = 9
    N = 10


class relevance_error(Structure):
    _fields_ = [("status", c_int),
                ("position", c_uint64),
                ("message", c_char * 240)]


class relevance_text(Structure):
    _fields_ = [("data", c_void_p),
                ("len", c_size_t)]


class relevance_pair(Structure):
    _fields_ = [("query", relevance_text),
                ("product", relevance_text)]


class relevance_allocator(Structure):
    _fields_ = [("alloc", c_void_p),
                ("free", c_void_p),
                ("user", c_void_p)]


class relevance_open_options(Structure):
    _fields_ = [("size", c_size_t),
                ("flags", c_uint32),
                ("allocator", c_void_p)]


class relevance_context_options(Structure):
    _fields_ = [("size", c_size_t),
                ("threads", c_uint32),
                ("max_tokens", c_uint32),
                ("max_batch_tokens", c_uint32),
                ("isa", c_int),
                ("special_tokens", c_int),
                ("f32_gemm", c_int),
                ("allocator", c_void_p),
                ("parallel_for", c_void_p),
                ("parallel_user", c_void_p),
                ("clock", c_void_p),
                ("priors", c_void_p),
                ("prior_n", c_size_t)]


class relevance_result(Structure):
    _fields_ = [("label", c_uint32),
                ("tokens", c_uint32),
                ("truncated", c_uint32),
                ("label_n", c_uint32),
                ("probabilities", c_float * 32),
                ("logits", c_float * 32)]


class relevance_ranked(Structure):
    _fields_ = [("index", c_uint32),
                ("score", c_float),
                ("result", relevance_result)]


class relevance_tokens(Structure):
    _fields_ = [("ids", c_void_p),
                ("cap", c_size_t),
                ("n", c_size_t),
                ("truncated", c_uint32)]


class relevance_labelled_token(Structure):
    _fields_ = [("begin", c_size_t),
                ("end", c_size_t),
                ("id", c_int32),
                ("label", c_uint32),
                ("probability", c_float),
                ("inside", c_uint32)]


class relevance_labelled_tokens(Structure):
    _fields_ = [("tokens", c_void_p),
                ("cap", c_size_t),
                ("n", c_size_t),
                ("truncated", c_uint32)]


class relevance_span(Structure):
    _fields_ = [("begin", c_size_t),
                ("end", c_size_t),
                ("name", c_char_p),
                ("label", c_uint32),
                ("word_n", c_uint32),
                ("probability", c_float)]


class relevance_spans(Structure):
    _fields_ = [("spans", c_void_p),
                ("cap", c_size_t),
                ("n", c_size_t),
                ("truncated", c_uint32)]


class relevance_catalog_options(Structure):
    _fields_ = [("size", c_size_t),
                ("allocator", c_void_p)]


class relevance_match(Structure):
    _fields_ = [("name", c_char_p),
                ("alias", c_char_p),
                ("product", c_uint32),
                ("distance", c_uint32),
                ("score", c_float)]


class relevance_intent(Structure):
    _fields_ = [("size", c_size_t),
                ("action", c_uint32),
                ("action_confidence", c_float),
                ("product_begin", c_size_t),
                ("product_end", c_size_t),
                ("product_confidence", c_float),
                ("product_n", c_uint32),
                ("product", relevance_match),
                ("quantity", c_uint32),
                ("quantity_kind", c_int),
                ("quantity_begin", c_size_t),
                ("quantity_end", c_size_t),
                ("quantity_confidence", c_float),
                ("tokens", c_uint32),
                ("truncated", c_uint32)]


class relevance_info(Structure):
    _fields_ = [("size", c_size_t),
                ("architecture", c_char_p),
                ("weights", c_char_p),
                ("embeddings", c_char_p),
                ("hidden_size", c_uint32),
                ("layer_n", c_uint32),
                ("head_n", c_uint32),
                ("intermediate_size", c_uint32),
                ("vocab_n", c_uint32),
                ("max_tokens", c_uint32),
                ("label_n", c_uint32),
                ("token_label_n", c_uint32),
                ("file_len", c_uint64),
                ("parameter_n", c_uint64),
                ("metadata", c_char_p)]


# For the test that compares all of this with the header.
ENUMS = {
    "relevance_status": (Status, "RELEVANCE_"),
    "relevance_open_flags": (OpenFlags, "RELEVANCE_OPEN_"),
    "relevance_isa": (Isa, "RELEVANCE_ISA_"),
    "relevance_special_tokens": (SpecialTokens, "RELEVANCE_SPECIAL_"),
    "relevance_f32_gemm": (F32Gemm, "RELEVANCE_F32_GEMM_"),
    "relevance_quantity_kind": (QuantityKind, "RELEVANCE_QUANTITY_"),
    "relevance_part": (Part, "RELEVANCE_PART_"),
}
STRUCTS = (
    relevance_error,
    relevance_text,
    relevance_pair,
    relevance_allocator,
    relevance_open_options,
    relevance_context_options,
    relevance_result,
    relevance_ranked,
    relevance_tokens,
    relevance_labelled_token,
    relevance_labelled_tokens,
    relevance_span,
    relevance_spans,
    relevance_catalog_options,
    relevance_match,
    relevance_intent,
    relevance_info,
)
CONSTANTS = (
    "RELEVANCE_VERSION_MAJOR",
    "RELEVANCE_VERSION_MINOR",
    "RELEVANCE_VERSION_PATCH",
    "RELEVANCE_MAX_LABELS",
    "RELEVANCE_MAX_QUANTITY",
)

# name: (result, arguments).  Pointers are c_void_p, so that an address, byref() or an array
# may be given; text is c_char_p.
FUNCTIONS = {
    "relevance_open": (c_int, [c_char_p, c_void_p, c_void_p, c_void_p]),
    "relevance_open_memory": (c_int, [c_void_p, c_size_t, c_void_p, c_void_p, c_void_p]),
    "relevance_close": (None, [c_void_p]),
    "relevance_context_create": (c_int, [c_void_p, c_void_p, c_void_p, c_void_p]),
    "relevance_context_destroy": (None, [c_void_p]),
    "relevance_classify": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, c_void_p]),
    "relevance_classify_batch": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "relevance_rank": (c_int, [c_void_p, c_char_p, c_size_t, c_void_p, c_size_t, c_void_p]),
    "relevance_classify_tokens": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p]),
    "relevance_tokenize": (c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, c_void_p]),
    "relevance_encode": (
        c_int, [c_void_p, c_char_p, c_size_t, c_char_p, c_size_t, c_void_p, c_size_t, c_void_p]),
    "relevance_label_tokens": (c_int, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "relevance_find_spans": (c_int, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "relevance_catalog_open": (c_int, [c_char_p, c_void_p, c_void_p, c_void_p]),
    "relevance_catalog_open_memory": (c_int, [c_void_p, c_size_t, c_void_p, c_void_p, c_void_p]),
    "relevance_catalog_close": (None, [c_void_p]),
    "relevance_catalog_size": (c_uint32, [c_void_p]),
    "relevance_catalog_name": (c_char_p, [c_void_p, c_uint32]),
    "relevance_catalog_match": (c_int, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "relevance_extract": (c_int, [c_void_p, c_char_p, c_size_t, c_void_p, c_void_p]),
    "relevance_extract_batch": (c_int, [c_void_p, c_void_p, c_size_t, c_void_p, c_void_p]),
    "relevance_model_info": (c_int, [c_void_p, c_void_p]),
    "relevance_label": (c_char_p, [c_void_p, c_uint32]),
    "relevance_label_prior": (c_float, [c_void_p, c_uint32]),
    "relevance_token_label": (c_char_p, [c_void_p, c_uint32]),
    "relevance_token": (relevance_text, [c_void_p, c_int32]),
    "relevance_context_isa": (c_int, [c_void_p]),
    "relevance_isa_supported": (c_int, [c_int]),
    "relevance_isa_name": (c_char_p, [c_int]),
    "relevance_status_name": (c_char_p, [c_int]),
    "relevance_version": (c_char_p, []),
    "relevance_context_profile": (c_int, [c_void_p, c_void_p, c_int]),
}


def declare(library: CDLL) -> None:
    """Give each function of the library its types.  AttributeError where one is missing."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
