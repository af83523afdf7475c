# SPDX-License-Identifier: Apache-2.0
#
# hardening.mk - sanitizers, valgrind, fuzzers, coverage, soak, mutants; part of the Makefile.
# docs/testing.md says what each is for and how long it takes.
#
# The kernels are one function for each tile, unrolled: at -O3 a sanitizer makes them take minutes to
# compile, so here they are built with -O1.

.PHONY: check-hard check-all check-sanitized check-asan check-asan-clang check-ubsan check-tsan \
        check-valgrind check-mutants check-reproducible fuzz fuzz-all fuzz-coverage coverage soak

# TILES=small: the matrix kernels with tiles of at most two rows, a quarter of the time to compile.
TILES ?= all
SANITIZED = $(NO_ASLR) $(MAKE) CFLAGS="-O1 -g -fno-omit-frame-pointer$(if $(filter small,$(TILES)), \
            -DRLV_SMALL_TILES=1)" HARDENING=no DEBUG=1 SKIP_BINARY_CHECKS=1 $(SAME_TINY)
# The tiny models of the plain build: a slow build need not convert them all again.
SAME_TINY = TINY= TINY_DIR=$(TINY_DIR)

# A sanitizer's memory lies at fixed places, which kernels that shuffle addresses by more than 28 bits
# may have given away: clang 14's programs then end at their start.
NO_ASLR := $(shell setarch -R true 2>/dev/null && echo setarch -R)

# Without the shared library, which a sanitizer's runtime cannot be linked into.
check-sanitized: tests $(BUILD)/relevance
	test/cli.sh $(BUILD)/relevance $(TINY_DIR)/distilbert-seq-q8.rlv

# All code, kernels too, by gcc: clang takes ten minutes for one kernel with both, and gcc as long for
# one with all tiles (TILES=all).
ASAN := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=undefined \
        -Wno-maybe-uninitialized
check-asan: TILES := small
check-asan: $(TINY)
	+$(SANITIZED) BUILD=build/asan KERNEL_OPT=-O1 EXTRA_CFLAGS="$(ASAN)" EXTRA_LDFLAGS="$(ASAN)" \
	  check-sanitized

# What gcc lacks, integers that a conversion changes, and only clang's way to do the rest; without
# the kernels.  Unsigned sums wrap on purpose in hashes, checksums and random numbers.
UBSAN := -fsanitize=undefined,float-cast-overflow,implicit-conversion,local-bounds \
         -fno-sanitize-recover=all
check-ubsan: $(TINY)
	+$(SANITIZED) CC=clang BUILD=build/ubsan KERNEL_OPT="-O1 -fno-sanitize=all" \
	  EXTRA_CFLAGS="$(UBSAN)" EXTRA_LDFLAGS="$(UBSAN)" check-sanitized

TSAN := -fsanitize=thread
TSAN_TESTS := threads threads_soak faults bits api
check-tsan: $(TINY)
	+$(SANITIZED) CC=clang BUILD=build/tsan KERNEL_OPT=-O1 EXTRA_CFLAGS="$(TSAN)" \
	  EXTRA_LDFLAGS="$(TSAN)" TESTS="$(TSAN_TESTS)" tests

# The whole suite.  Valgrind has no AVX-512: the AVX2 and scalar kernels run.  Of the exhaustive tests
# one case in a hundred: each byte of many files would take hours there.
VALGRIND := valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite
VALGRIND_STEP ?= 101
check-valgrind: $(TINY) all
	RLV_TEST_STEP=$(VALGRIND_STEP) RLV_TEST_CALLS=20 RLV_TEST_HUGE_MB=1 RLV_TEST_ANY_ZERO=1 \
	  $(MAKE) RUN="$(VALGRIND)" $(if $(VALGRIND_TESTS),TESTS="$(VALGRIND_TESTS)") tests

# The suite by clang, with addresses, leaks and undefined behaviour (the kernels with addresses), from
# the objects that the fuzzers are made of.
check-asan-clang: $(TINY)
	+$(FUZZ_BUILD) EXTRA_LDFLAGS="-fsanitize=address,undefined" check-sanitized

# What CI runs after 'make check': sanitizers (gcc's takes longer to compile than all of this), some of
# the suite in valgrind, 30 seconds of each fuzzer.  Two at a time, each one's output in one piece.
HARD_TSAN_TESTS := threads threads_soak faults api
HARD_VALGRIND_TESTS := alloc faults forward reader safetensors disk threads
check-hard: $(TINY) all
	+RLV_TEST_STEP=11 $(MAKE) -j$(HARD_JOBS) -Orecurse TILES=small VALGRIND_STEP=1001 \
	  VALGRIND_TESTS="$(HARD_VALGRIND_TESTS)" TSAN_TESTS="$(HARD_TSAN_TESTS)" \
	  check-asan-clang check-ubsan check-tsan check-valgrind
	+$(MAKE) TILES=small SECONDS=30 fuzz-all
HARD_JOBS := $(shell nproc 2>/dev/null || echo 2)

check-reproducible:
	test/reproducible.sh

# ---- fuzzers: libFuzzer, so clang ----

FUZZ_TARGETS := model tokenizer safetensors hf_json vocab reader catalog
TARGET  ?= model
SECONDS ?= 60
FUZZ_WRAPPED := open fopen access fstat mmap munmap read close
# Kernels without UBSan and coverage marks: they are not what is searched, and compile for minutes with.
FUZZ_CFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
$(BUILD)/fuzz_%: test/fuzz/fuzz_%.c test/fuzz/fuzz.c test/fuzz/fuzz.h $(SUPPORT_OBJ) \
                 $(BUILD)/tools.a $(STATIC)
	$(CC) $(ALL_CFLAGS) -Ilib -Ikernels -Itools -Itest $< test/fuzz/fuzz.c $(SUPPORT_OBJ) \
	  $(BUILD)/tools.a $(STATIC) $(EXTRA_LDFLAGS) $(FUZZ_WRAPPED:%=-Wl,--wrap=%) \
	  -lcmocka -ljansson $(LIBS) -o $@

FUZZ_BUILD = $(SANITIZED) CC=clang BUILD=build/fuzz EXTRA_CFLAGS="$(FUZZ_CFLAGS)" \
             KERNEL_OPT="-O1 -fno-sanitize=all -fsanitize=address"
FUZZ_LINK := EXTRA_LDFLAGS="-fsanitize=fuzzer,address,undefined"
# Finds go to build/fuzz/corpus, where the next run begins; what breaks a target to build/fuzz/found.
fuzz_run = mkdir -p build/fuzz/corpus/$(1) build/fuzz/found test/fuzz/corpus/$(1) && \
           $(NO_ASLR) build/fuzz/fuzz_$(1) -max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=2048 \
             -verbosity=0 -print_final_stats=1 -max_len=$(if $(filter model,$(1)),40000,4096) \
             $(addprefix -dict=,$(wildcard test/fuzz/$(1).dict)) \
             -artifact_prefix=build/fuzz/found/$(1)- build/fuzz/corpus/$(1) test/fuzz/corpus/$(1)
fuzz:
	@test -f test/fuzz/fuzz_$(TARGET).c || { echo "TARGET is one of: $(FUZZ_TARGETS)"; exit 2; }
	+$(FUZZ_BUILD) $(FUZZ_LINK) build/fuzz/fuzz_$(TARGET)
	$(call fuzz_run,$(TARGET))

# As many at a time as there are processors.
fuzz-all:
	+$(FUZZ_BUILD) $(FUZZ_LINK) $(FUZZ_TARGETS:%=build/fuzz/fuzz_%)
	+$(MAKE) -j$(HARD_JOBS) -Oline $(FUZZ_TARGETS:%=fuzz-run-%)
fuzz-run-%:
	$(call fuzz_run,$*)

# What the corpora reach, seeds and finds together: lines and branches of the code under test, by
# clang's own counters.
fuzz-coverage:
	+$(SANITIZED) CC=clang BUILD=build/fuzzcov EXTRA_CFLAGS="$(FUZZCOV_CFLAGS)" \
	  KERNEL_OPT="-O1 -fno-profile-instr-generate -fno-coverage-mapping -DRLV_SMALL_TILES=1" \
	  EXTRA_LDFLAGS="-fsanitize=fuzzer -fprofile-instr-generate" \
	  $(FUZZ_TARGETS:%=build/fuzzcov/fuzz_%)
	test/fuzz/coverage.sh $(FUZZ_TARGETS)
FUZZCOV_CFLAGS := -fsanitize=fuzzer-no-link -fprofile-instr-generate -fcoverage-mapping

# ---- coverage, soak, mutants ----

# The native build runs every instruction set that this CPU has; the kernels of AArch64 come from their
# tests under qemu, where there is a cross compiler, those of AVX-512 and AMX by SIMDe where the CPU
# lacks them.
# Counters that threads may lose increments of: atomic ones make the suite ten times as slow.
COVERED := --coverage -fprofile-update=single
COVER_FLAGS := CFLAGS="-O1 -g -DRLV_SMALL_TILES=1" KERNEL_OPT=-O1 SKIP_BINARY_CHECKS=1 HARDENING=no \
               $(SAME_TINY) EXTRA_CFLAGS="$(COVERED)" EXTRA_LDFLAGS=--coverage
COVER_STEP ?= 51
# Not "bits", which takes long and reaches no other lines of kernels.
COVER_ISA_TESTS := $(filter-out bits,$(ISA_TESTS))
COVER_ARM = $(if $(shell command -v aarch64-linux-gnu-gcov),$(shell command -v qemu-aarch64-static))
COVER_SIMDE = $(if $(filter x86_64,$(ARCH)),$(if $(CPU_AMX),,yes))
coverage: $(TINY)
	find build/coverage build/coverage-arm build/coverage-simde -name '*.gcda' -delete 2>/dev/null || :
	+RLV_TEST_STEP=$(COVER_STEP) $(MAKE) BUILD=build/coverage $(COVER_FLAGS) check-sanitized
	$(if $(COVER_ARM),$(MAKE) CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar TARGET_TOOLS=no \
	  BUILD=build/coverage-arm RUN="$(COVER_ARM) -cpu max" \
	  $(COVER_FLAGS) TESTS="$(COVER_ISA_TESTS)" tests)
	$(if $(COVER_SIMDE),$(MAKE) SIMDE=1 TARGET_TOOLS=no BUILD=build/coverage-simde \
	  $(COVER_FLAGS) TESTS="$(COVER_ISA_TESTS)" tests)
	python3 test/coverage.py build/coverage $(if $(COVER_ARM),build/coverage-arm:aarch64-linux-gnu-gcov) \
	  $(if $(COVER_SIMDE),build/coverage-simde) --lines --min 95

soak: $(BUILD)/test_threads_soak $(TINY)
	RLV_TEST_SOAK=1 RLV_TEST_CALLS=1000000 $(BUILD)/test_threads_soak

check-mutants:
	python3 test/mutants.py

# Everything: what shares a folder with others alone, the rest two at a time, longest first, each one's
# output in one piece; there a failure keeps none of the others from running.
ALL_ASIDE := check-valgrind check-mutants check-amalgamation check-asan coverage check-asan-clang \
             check-ubsan check-tsan soak
check-all:
	$(MAKE) FORCE=yes check
	RLV_TEST_CALLS=10000 $(BUILD)/test_threads_soak
	$(MAKE) check-clang
	$(MAKE) check-musl
	$(MAKE) check-blas
	$(MAKE) check-dist
	$(MAKE) check-reproducible
	$(MAKE) -k -j$(HARD_JOBS) -Orecurse $(ALL_ASIDE)
	$(MAKE) fuzz-all
	$(MAKE) fuzz-coverage
