# SPDX-License-Identifier: Apache-2.0
#
# hardening.mk - sanitizers, valgrind, fuzzers, coverage, soak, mutants; part of the Makefile.
# docs/testing.md says what each is for and how long it takes.
#
# The kernels are one function for each tile, unrolled: at -O3 a sanitizer makes them take minutes to
# compile, so here they are built with -O1.

.PHONY: check-sanitized check-asan check-ubsan check-tsan check-valgrind check-mutants check-all coverage fuzz \
        fuzz-all fuzz-coverage soak
SANITIZED = $(MAKE) TINY_DIR=$(TINY_DIR) CFLAGS="-O1 -g -fno-omit-frame-pointer" HARDENING=no \
            DEBUG=1 SKIP_BINARY_CHECKS=1

# Without the shared library, which a sanitizer's runtime cannot be linked into.
check-sanitized: tests $(BUILD)/relevance
	test/cli.sh $(BUILD)/relevance $(TINY_DIR)/distilbert-seq-q8.rlv

# All code, kernels too, by gcc: clang takes ten minutes for one kernel with both.
ASAN := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=undefined
check-asan: $(TINY)
	$(SANITIZED) BUILD=build/asan KERNEL_OPT=-O1 EXTRA_CFLAGS="$(ASAN)" EXTRA_LDFLAGS="$(ASAN)" check-sanitized

# What gcc lacks, integers that a conversion changes, and only clang's way to do the rest; without
# the kernels.  Unsigned sums wrap on purpose in hashes, checksums and random numbers.
UBSAN := -fsanitize=undefined,float-cast-overflow,implicit-conversion,local-bounds \
         -fno-sanitize-recover=all
check-ubsan: $(TINY)
	$(SANITIZED) CC=clang BUILD=build/ubsan KERNEL_OPT="-O1 -fno-sanitize=all" \
	  EXTRA_CFLAGS="$(UBSAN)" EXTRA_LDFLAGS="$(UBSAN)" check-sanitized

TSAN := -fsanitize=thread
check-tsan: $(TINY)
	$(SANITIZED) CC=clang BUILD=build/tsan KERNEL_OPT=-O1 EXTRA_CFLAGS="$(TSAN)" \
	  EXTRA_LDFLAGS="$(TSAN)" TESTS="threads threads_soak faults bits api" tests

# Valgrind has no AVX-512: the AVX2 and scalar kernels run.  Left out: what would take hours there
# (each byte of many files, each value of a function).
check-valgrind: $(TINY) all
	$(MAKE) TINY_DIR=$(TINY_DIR) RLV_TEST_CALLS=20 \
	  RUN="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite" \
	  TESTS="api faults threads forward reader safetensors convert" tests

# ---- fuzzers: libFuzzer, so clang ----

FUZZ_TARGETS := model tokenizer safetensors hf_json vocab reader
TARGET  ?= model
SECONDS ?= 60
FUZZ_WRAPPED := open fopen access fstat mmap munmap close
# Kernels without UBSan and coverage marks: they are not what is searched, and compile for minutes with.
FUZZ_CFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(BUILD)/fuzz_%: test/fuzz/fuzz_%.c test/fuzz/fuzz.c test/fuzz/fuzz.h $(SUPPORT_OBJ) \
                 $(BUILD)/tools.a $(STATIC)
	$(CC) $(ALL_CFLAGS) -Ilib -Ikernels -Itools -Itest $< test/fuzz/fuzz.c $(SUPPORT_OBJ) \
	  $(BUILD)/tools.a $(STATIC) $(EXTRA_LDFLAGS) $(FUZZ_WRAPPED:%=-Wl,--wrap=%) \
	  -lcmocka -ljansson $(LIBS) -o $@

FUZZ_FLAGS = -timeout=20 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
             -max_len=$(if $(filter model,$(TARGET)),40000,4096) \
             $(addprefix -dict=,$(wildcard test/fuzz/$(TARGET).dict)) \
             -artifact_prefix=build/fuzz/found/$(TARGET)-
fuzz:
	@test -f test/fuzz/fuzz_$(TARGET).c || { echo "TARGET is one of: $(FUZZ_TARGETS)"; exit 2; }
	$(SANITIZED) CC=clang BUILD=build/fuzz EXTRA_CFLAGS="$(FUZZ_CFLAGS)" \
	  KERNEL_OPT="-O1 -fno-sanitize=all -fsanitize=address" \
	  EXTRA_LDFLAGS="-fsanitize=fuzzer,address,undefined" build/fuzz/fuzz_$(TARGET)
	@mkdir -p build/fuzz/corpus/$(TARGET) build/fuzz/found test/fuzz/corpus/$(TARGET)
	build/fuzz/fuzz_$(TARGET) $(FUZZ_FLAGS) -max_total_time=$(SECONDS) build/fuzz/corpus/$(TARGET) \
	  test/fuzz/corpus/$(TARGET)

fuzz-all:
	@for t in $(FUZZ_TARGETS); do $(MAKE) fuzz TARGET=$$t SECONDS=$(SECONDS) || exit 1; done

# What the corpora reach, seeds and finds together: lines and branches of the code under test, by
# clang's own counters.
fuzz-coverage:
	$(SANITIZED) CC=clang BUILD=build/fuzzcov EXTRA_CFLAGS="$(FUZZCOV_CFLAGS)" \
	  KERNEL_OPT="-O1 -fno-profile-instr-generate -fno-coverage-mapping -DRLV_SMALL_TILES=1" \
	  EXTRA_LDFLAGS="-fsanitize=fuzzer -fprofile-instr-generate" \
	  $(FUZZ_TARGETS:%=build/fuzzcov/fuzz_%)
	test/fuzz/coverage.sh $(FUZZ_TARGETS)
FUZZCOV_CFLAGS := -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping

# ---- coverage, soak, mutants ----

coverage: $(TINY)
	find build/coverage -name '*.gcda' -delete 2>/dev/null || :
	$(MAKE) TINY_DIR=$(TINY_DIR) BUILD=build/coverage CFLAGS="-O0 -g" KERNEL_OPT=-O0 \
	  EXTRA_CFLAGS=--coverage EXTRA_LDFLAGS=--coverage SKIP_BINARY_CHECKS=1 check
	python3 test/coverage.py build/coverage

soak: $(BUILD)/test_threads_soak $(TINY)
	RLV_TEST_SOAK=1 RLV_TEST_CALLS=1000000 $(BUILD)/test_threads_soak

check-mutants:
	python3 test/mutants.py

# Everything, one after the other: hours on two cores.
check-all:
	$(MAKE) check
	RLV_TEST_CALLS=10000 $(BUILD)/test_threads_soak
	$(MAKE) check-clang
	$(MAKE) check-simde
	$(MAKE) check-neon
	$(MAKE) check-musl
	$(MAKE) check-blas
	$(MAKE) check-amalgamation
	$(MAKE) check-dist
	$(MAKE) check-asan
	$(MAKE) check-ubsan
	$(MAKE) check-tsan
	$(MAKE) check-valgrind
	$(MAKE) fuzz-all
	$(MAKE) soak
	$(MAKE) coverage
	$(MAKE) check-mutants
