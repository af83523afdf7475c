# SPDX-License-Identifier: Apache-2.0
#
# librelevance: 'make help' lists the targets.  Variables: CC, AR, PREFIX, DESTDIR, BUILD (output
# folder), BLAS=openblas|none, CROSS=aarch64-linux-gnu (a build for such boards, static), SIMDE=1
# (AVX-512 kernels through SIMDe, to test them on any x86), TARGET_TOOLS=no (library only: no JSON
# library needed), HARDENING=no, DEBUG=1 (the library checks what a caller promised, and stops where
# it is broken), EXTRA_CFLAGS, EXTRA_LDFLAGS; those of an installation stand in packaging/install.mk.

# The header says which version this is.
VERSION  := $(shell awk '/define RELEVANCE_VERSION_/ { printf s "%s", $$3; s = "." }' include/relevance.h)
SOVERSION := 0
# CROSS=aarch64-linux-gnu: that compiler, a folder of its own, and a command without shared libraries.
CROSS    ?=
ifneq ($(CROSS),)
CC       := $(CROSS)-gcc
AR       := $(CROSS)-ar
CXX      := $(CROSS)-g++
BUILD    ?= build/$(CROSS)
TOOL_LINK := -static
endif
CC       ?= cc
AR       ?= ar
PREFIX   ?= /usr/local
BUILD    ?= build
BLAS     ?= none
SIMDE    ?= 0
SKIP_BINARY_CHECKS ?=
CHECK_ISAS ?= yes
TARGET_TOOLS ?= yes
HARDENING ?= yes
DEBUG    ?= 0
MODEL    ?= data/default.rlv

ARCH     := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

WARNINGS := -Wall -Wextra -Wshadow -Wundef -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith
CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=c11 $(CFLAGS) -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno \
              $(WARNINGS) -Iinclude -D_POSIX_C_SOURCE=200809L -ffile-prefix-map=$(CURDIR)=. \
              $(if $(filter 1,$(DEBUG)),-DRLV_DEBUG=1) $(EXTRA_CFLAGS)
# Against what a mistake in lib/ or tools/ could be used for.  Not in kernels/, the loops of known
# sizes: they have no buffer that a text or a file could overrun.  test/hardened.sh looks for the result.
ifeq ($(HARDENING),yes)
HARDEN_CFLAGS := -fstack-protector-strong \
                 $(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN_LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack
endif
LIBS     := -lm -pthread

# ---- kernels: the suffix of a file name alone picks its flags ----
# gcc before 11 and clang before 12 do not know AMX.
HAS_AMX  := $(shell echo | $(CC) -mamx-int8 -E - >/dev/null 2>&1 && echo yes)
X86_ISAS := avx2 avx512 avx512vnni $(if $(HAS_AMX),amx)
ARM_ISAS := neon neondot neoni8mm
FLAGS_scalar     :=
KERNEL_OPT ?= -O3
FLAGS_avx2       := -mavx2 -mfma -mf16c
FLAGS_avx512     := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c
FLAGS_avx512vnni := $(FLAGS_avx512) -mavx512vnni
FLAGS_amx        := $(FLAGS_avx512vnni) -mamx-tile -mamx-int8
FLAGS_neon       :=
FLAGS_neondot    := -march=armv8.2-a+dotprod
FLAGS_neoni8mm   := -march=armv8.2-a+dotprod+i8mm
ifeq ($(SIMDE),1)
FLAGS_avx512     := -DRLV_SIMDE=1 -mavx2 -mfma -mf16c -Wno-undef -Wno-shadow -Wno-psabi
FLAGS_avx512vnni := $(FLAGS_avx512)
FLAGS_amx        := $(FLAGS_avx512)
ALL_CFLAGS       += -DRLV_SIMDE_BUILD=1 -DRLV_SMALL_TILES=1
endif
ifeq ($(ARCH),x86_64)
ISAS := scalar $(X86_ISAS)
ALL_CFLAGS += $(if $(HAS_AMX),,-DRLV_HAS_AMX=0)
else ifeq ($(ARCH),aarch64)
ISAS := scalar $(ARM_ISAS)
else
ISAS := scalar
endif

comma := ,
ifeq ($(BLAS),openblas)
# The serial variant, so that OpenBLAS's threads never multiply ours.
OPENBLAS_DIR := $(wildcard /usr/lib/$(shell $(CC) -print-multiarch 2>/dev/null || echo none)/openblas-serial)
BLAS_CFLAGS := -DRLV_OPENBLAS=1 $(addprefix -I,$(wildcard /usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)/openblas-serial))
BLAS_LIBS := $(if $(OPENBLAS_DIR),-L$(OPENBLAS_DIR) -Wl$(comma)-rpath$(comma)$(OPENBLAS_DIR)) -lopenblas
else ifneq ($(BLAS),none)
$(error BLAS must be openblas or none, not '$(BLAS)')
endif
LIB_SRC    := $(sort $(wildcard lib/*.c))
KERNEL_SRC := kernels/dispatch.c $(sort $(foreach isa,$(ISAS),$(wildcard kernels/*_$(isa).c)))
TOOL_SRC   := $(sort $(wildcard tools/*.c))
TEST_SRC   := $(sort $(wildcard test/test_*.c))
SUPPORT_SRC := $(sort $(wildcard test/support/*.c))

LIB_OBJ    := $(LIB_SRC:%.c=$(BUILD)/%.o)
KERNEL_OBJ := $(KERNEL_SRC:%.c=$(BUILD)/%.o)
TOOL_OBJ   := $(TOOL_SRC:%.c=$(BUILD)/%.o)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/%.o)
TEST_LDFLAGS_faults := $(foreach f,mmap read pthread_create,-Wl,--wrap=$(f))
# Tests of the library alone, which also run on other machines' builds; the rest needs the tools.
LIB_TESTS  := threads tokenizer wordpiece kernels kernels_gemm bits low_bits api faults
ifeq ($(TARGET_TOOLS),yes)
TEST_BIN   := $(TEST_SRC:test/%.c=$(BUILD)/%)
TEST_TOOLS := $(BUILD)/tools.a
JANSSON    := -ljansson
else
TEST_BIN   := $(LIB_TESTS:%=$(BUILD)/test_%)
endif
ifneq ($(TESTS),)
TEST_BIN   := $(TESTS:%=$(BUILD)/test_%)
endif
TEST_LDFLAGS_disk := $(foreach f,mkstemp fchmod write fsync rename,-Wl,--wrap=$(f))
TINY_DIR   ?= $(BUILD)/tiny
TEST_LDFLAGS_alloc := $(foreach f,malloc calloc realloc free posix_memalign aligned_alloc mmap,-Wl,--wrap=$(f))

STATIC := $(BUILD)/librelevance.a
SHARED := $(BUILD)/librelevance.so.$(VERSION)

.PHONY: all lib demo check check-native check-one-file tests bench bench-peers clean install dist help \
        check-python check-wheels check-abi
.SECONDARY:
all: lib $(if $(filter yes,$(TARGET_TOOLS)),$(BUILD)/relevance)

lib: $(STATIC) $(SHARED)

-include $(LIB_OBJ:.o=.d) $(KERNEL_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(SUPPORT_OBJ:.o=.d) $(TEST_BIN:=.d)

# Rewritten where the flags are others than the last time, so that lib/ and tools/ are compiled anew.
COMPILER := $(CC) $(ALL_CFLAGS) $(HARDEN_CFLAGS) $(BLAS_CFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILER)' | cmp -s - $@ || echo '$(COMPILER)' >$@
FORCE:

$(BUILD)/lib/%.o: lib/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(HARDEN_CFLAGS) $(BLAS_CFLAGS) -MMD -MP -c $< -o $@

# kernels/<op>_<dtype>_<isa>.c -> FLAGS_<isa>
isa_of = $(lastword $(subst _, ,$(basename $(notdir $(1)))))
$(BUILD)/kernels/%.o: kernels/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(KERNEL_OPT) $(FLAGS_$(call isa_of,$<)) -MMD -MP -c $< -o $@

$(BUILD)/tools/%.o: tools/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(HARDEN_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/test/support/%.o: test/support/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Ilib -Ikernels -DRLV_TINY_DIR='"$(TINY_DIR)"' -MMD -MP -c $< -o $@

$(STATIC): $(LIB_OBJ) $(KERNEL_OBJ)
	rm -f $@
	$(AR) rcsD $@ $^

$(BUILD)/librelevance.map: include/relevance.h packaging/version_script.awk
	@mkdir -p $(@D)
	awk -f packaging/version_script.awk $< > $@.tmp
	mv $@.tmp $@

$(SHARED): $(LIB_OBJ) $(KERNEL_OBJ) $(BUILD)/librelevance.map
	$(CC) -shared -Wl,-soname,librelevance.so.$(SOVERSION) -Wl,--version-script=$(BUILD)/librelevance.map -Wl,-z,relro,-z,now,-z,noexecstack,--no-undefined,--strip-debug \
	      $(EXTRA_LDFLAGS) $(LIB_OBJ) $(KERNEL_OBJ) $(BLAS_LIBS) $(LIBS) -o $@
	ln -sf $(notdir $@) $(BUILD)/librelevance.so.$(SOVERSION)
	ln -sf librelevance.so.$(SOVERSION) $(BUILD)/librelevance.so

$(BUILD)/tools.a: $(filter-out $(BUILD)/tools/relevance.o,$(TOOL_OBJ))
	rm -f $@
	$(AR) rcsD $@ $^

$(BUILD)/relevance: $(BUILD)/tools/relevance.o $(BUILD)/tools.a $(STATIC)
	$(CC) $(or $(TOOL_LINK),$(HARDEN_LDFLAGS)) $(EXTRA_LDFLAGS) $^ $(JANSSON) $(BLAS_LIBS) $(LIBS) -o $@

$(BUILD)/test_%: test/test_%.c $(SUPPORT_OBJ) $(TEST_TOOLS) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Ilib -Ikernels -Itools -Itest -DRLV_TINY_DIR='"$(TINY_DIR)"' -MMD -MP -MF $@.d $< $(SUPPORT_OBJ) \
	      $(TEST_TOOLS) $(STATIC) $(EXTRA_LDFLAGS) $(TEST_LDFLAGS_$*) -lcmocka $(JANSSON) \
	      $(BLAS_LIBS) $(LIBS) -o $@

BENCH_FLAGS_host_pool := -fopenmp
$(BUILD)/bench_%: test/bench_%.c $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(BENCH_FLAGS_$*) -Ikernels -Itest -MMD -MP -MF $@.d $< $(STATIC) \
	      $(EXTRA_LDFLAGS) $(BLAS_LIBS) $(LIBS) -o $@

# The tiny checkpoints, converted to every format: what test_forward and test_bits read.
TINY_MODELS := distilbert-seq distilbert-token bert-seq bert-token bert-bare bert-both \
               distilbert-both intent-rule
TINY_WEIGHTS := f32 f16 q8 q7 q6 q5 q4 q3
TINY := $(foreach m,$(TINY_MODELS),$(foreach w,$(TINY_WEIGHTS),$(TINY_DIR)/$(m)-$(w).rlv))

TINY_FLAGS_q8 := --embeddings q8
define TINY_RULE
$(TINY_DIR)/%-$(1).rlv: test/golden/tiny/%/config.json $(BUILD)/relevance
	@mkdir -p $$(@D)
	@$(BUILD)/relevance convert $$(<D) $$@ --weights $(1) $(TINY_FLAGS_$(1)) > $$@.log || { cat $$@.log; exit 1; }
endef
ifeq ($(TARGET_TOOLS),yes)
$(foreach w,$(TINY_WEIGHTS),$(eval $(call TINY_RULE,$(w))))
endif

# ---- running things ----

demo: $(BUILD)/relevance
	$(BUILD)/relevance classify --output table data/samples.tsv
	@echo
	$(BUILD)/relevance eval data/samples.tsv

RUN ?=# a program that runs the tests' binaries: qemu, valgrind ...
# The test programs alone; TESTS="api model" for some of them.
tests: $(TEST_BIN) $(if $(filter yes,$(TARGET_TOOLS)),$(TINY))
	@failed=; for t in $(TEST_BIN); do $(RUN) $$t || failed="$$failed $$t"; done; \
	if [ -n "$$failed" ]; then echo "check: failed:$$failed"; exit 1; fi
check: check-native check-one-file check-abi
ifeq ($(CHECK_ISAS),yes)
check: check-simde check-neon
endif
check-native: all tests
ifeq ($(TARGET_TOOLS),yes)
ifeq ($(SKIP_BINARY_CHECKS),)
	test/symbols.sh $(SHARED) $(STATIC)
ifeq ($(HARDENING),yes)
	CC="$(CC)" test/hardened.sh $(SHARED) $(BUILD)/relevance
endif
	$(if $(filter none,$(BLAS)),test/ldd.sh $(SHARED))
	MAKE="$(MAKE)" CC="$(CC)" test/install.sh BUILD=$(BUILD) BLAS=$(BLAS) CFLAGS="$(CFLAGS)"
	LDLIBS="$(BLAS_LIBS) $(LIBS)" test/hpp.sh $(STATIC) $(TINY_DIR)/distilbert-seq-q8.rlv \
	  $(TINY_DIR)/bert-both-q8.rlv
endif
	CC="$(CC)" test/amalgamation.sh $(TINY_DIR)
	test/data_sums.sh
	python3 -B tools/data/check_labelled.py --quiet --shared $(SHARED_DIR) data/labelled.tsv
	python3 -B test/test_synth_relevance.py
	python3 -B test/test_intent_data.py
	python3 -B test/test_data_tools.py
	CC="$(CC)" CFLAGS="$(EXTRA_CFLAGS)" LDLIBS="$(EXTRA_LDFLAGS) $(BLAS_LIBS) $(LIBS)" \
	  test/readme_example.sh $(STATIC) $(MODEL)
	test/cli.sh $(BUILD)/relevance $(TINY_DIR)/distilbert-seq-q8.rlv
	test/completion.sh $(BUILD)/relevance
	test/docs.py $(BUILD)/relevance
ifeq ($(SKIP_BINARY_CHECKS),)
	test/demo_pty.py $(BUILD)/relevance
	$(MAKE) --no-print-directory examples
	test/examples.py --build $(EXAMPLES)
endif
	CC="$(CC)" CFLAGS="$(EXTRA_CFLAGS)" LDLIBS="$(EXTRA_LDFLAGS) $(BLAS_LIBS) $(LIBS)" \
	  test/intent_cli.sh $(BUILD)/relevance $(TINY_DIR)/intent-rule-f32.rlv $(STATIC)
	python3 -B test/intent_model.py $(BUILD)/relevance
	test/format.sh $(BUILD)/relevance
ifeq ($(SKIP_BINARY_CHECKS),)
	test/python.sh $(BUILD)
endif
endif

# The header in Python's terms, python/relevance/_abi.py, against the header and the compiler.
check-abi: lib
ifeq ($(SKIP_BINARY_CHECKS),)
	CC="$(CC)" test/python.sh $(BUILD) tests.check_abi
endif

# The Python package with all that it works with (tools/bootstrap --python), and its wheel, built,
# installed and run; 'make check' runs the part that needs NumPy alone.
check-python: all check-abi
	$(PYTHON) -c 'import numpy, pandas, pyarrow, sklearn, torch, transformers, matplotlib'
	PYTHON="$(PYTHON)" RELEVANCE_TEST_PACKAGE=1 test/python.sh $(BUILD)

# One wheel, built by PYTHON, and its tests on each of PYTHONS.
PYTHONS ?= python3.9 python3.10 python3.11 python3.12 python3.13
check-wheels:
	rm -rf $(BUILD)/wheel
	$(PYTHON) -m pip wheel -q --no-deps -w $(BUILD)/wheel ./python
	test/wheels.sh $(BUILD)/wheel/*.whl $(BUILD)/wheels $(PYTHONS)

# Every instruction set on every machine: AVX-512 through SIMDe and AMX emulated where the CPU lacks
# them, NEON under emulation.  The tiny models of the native build are read by all.
ISA_TESTS := kernels kernels_gemm bits low_bits
CPU_AMX    = $(shell grep -m1 -o amx_int8 /proc/cpuinfo)
check-one-file: check-native
	$(if $(SKIP_BINARY_CHECKS),,test/amalgamation.sh --bits $(TINY_DIR))
check-simde: check-native
	@if [ -n "$(CPU_AMX)" ] && [ "$(FORCE)" != yes ]; then \
	  echo "check-simde: this CPU has AVX-512, VNNI and AMX, tested above (FORCE=yes for SIMDe too)"; \
	elif [ "$(ARCH)" != x86_64 ]; then echo "SKIP: check-simde: not an x86"; \
	else $(MAKE) SIMDE=1 TARGET_TOOLS=no BUILD=build/simde TINY_DIR=$(TINY_DIR) \
	  TESTS="$(ISA_TESTS)" tests; fi
check-neon: check-native
	@if [ "$(ARCH)" = aarch64 ]; then echo "check-neon: tested above"; \
	elif ! command -v aarch64-linux-gnu-gcc qemu-aarch64-static >/dev/null; then \
	  echo "SKIP: check-neon: no aarch64-linux-gnu-gcc or qemu-aarch64-static (tools/bootstrap)"; \
	else $(MAKE) CROSS=aarch64-linux-gnu TARGET_TOOLS=no \
	  BUILD=build/aarch64 TINY_DIR=$(TINY_DIR) RUN="qemu-aarch64-static -cpu max" \
	  TESTS="$(ISA_TESTS)" tests && \
	$(MAKE) CROSS=aarch64-linux-gnu BUILD=build/aarch64 build/aarch64/relevance && \
	test/board.sh build/aarch64/relevance $(BUILD)/relevance $(TINY_DIR)/distilbert-seq-q8.rlv; fi
check-clang:
	$(MAKE) CC=clang BUILD=build/clang check-native
check-musl:
	$(MAKE) CC=musl-gcc TARGET_TOOLS=no BUILD=build/musl build/musl/librelevance.a
	CC=musl-gcc LDLIBS="-static -lm -pthread" test/readme_example.sh build/musl/librelevance.a $(MODEL)
check-blas:
	$(MAKE) BLAS=openblas BUILD=build/openblas check-native

# Against transformers and tokenizers: needs the packages of 'tools/bootstrap --python', and the
# checkpoint and pairs that are not part of the repository (SHARED_DIR).
PYTHON ?= .venv/bin/python
SHARED_DIR ?= ../shared
check-data:
	$(PYTHON) -B test/test_from_esci.py
# The checkpoint of the race and of the parity checks: a Hugging Face folder.
RACED ?= $(SHARED_DIR)/models/esci-distilbert
RACE  := $(BUILD)/peers/$(notdir $(RACED))
RACERS := f32 q7 q4
$(RACERS:%=$(RACE)/%.rlv): $(RACE)/%.rlv: $(BUILD)/relevance
	@mkdir -p $(@D)
	$(BUILD)/relevance convert $(RACED) $@ --weights $*
check-parity: $(RACE)/f32.rlv $(RACE)/q7.rlv all
	$(PYTHON) tools/parity/tokenizer_parity.py
	$(PYTHON) tools/parity/logits.py $(RACE)/f32.rlv --f32
	$(PYTHON) tools/parity/logits.py $(RACE)/q7.rlv --q8
	$(PYTHON) tools/parity/hidden.py
	$(PYTHON) tools/parity/bits.py

# ---- speed: tables, never a verdict ----

# This machine, for the default model and those of BENCH_MODELS.
BENCH_MODELS ?=
bench: $(BUILD)/relevance $(BUILD)/bench_peak
	python3 tools/bench/table.py --relevance $(BUILD)/relevance --peak $(BUILD)/bench_peak \
	  $(MODEL) $(BENCH_MODELS)

# RACED against other engines: needs tools/bootstrap --python.  HIDE=avx512: with AVX2 for all.
HIDE ?=
bench-peers: all $(RACERS:%=$(RACE)/%.rlv) $(RACE)/int8_7bit.onnx $(HIDE:%=$(BUILD)/hide_%.so)
	LD_PRELOAD=$(HIDE:%=$(BUILD)/hide_%.so) $(PYTHON) tools/bench/peers.py --onnx $(RACE) \
	  --relevance $(BUILD)/relevance --library $(BUILD)/librelevance.so --reference $(RACED).dev.jsonl \
	  $(PEERS_OPTIONS)
$(RACE)/int8_7bit.onnx:
	$(PYTHON) tools/bench/ort_graphs.py $(RACED) $(@D)
$(BUILD)/hide_avx512.so: tools/bench/hide_avx512.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -shared -fPIC $< -o $@

# The tables of docs/accuracy.md, for MODEL; CHECKPOINT=folder compares the bit widths too.
.PHONY: accuracy
accuracy: $(BUILD)/relevance
	$(if $(wildcard $(PYTHON)),$(PYTHON),python3) tools/accuracy.py --model $(MODEL) --exe $(BUILD)/relevance \
	  --shared $(SHARED_DIR) $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT)) $(ACCURACY_FLAGS) --write

include test/hardening.mk
include tools/train/train.mk
include packaging/install.mk
include docs/examples/examples.mk

clean:
	rm -rf build

help:
	@echo "all (default)   $(BUILD)/relevance, the static and the shared library"
	@echo "lib             the libraries alone"
	@echo "demo            classify the pairs of data/samples.tsv"
	@echo "check           all tests: this build, then AVX-512 by SIMDe and NEON by qemu"
	@echo "check-native    this build's tests alone;  check-clang, check-blas: other builds'"
	@echo "check-musl      a static build with musl"
	@echo "check-python    the Python package, its wheel and its examples (tools/bootstrap --python)"
	@echo "check-wheels    its wheel on several Pythons: PYTHONS=\"$(PYTHONS)\""
	@echo "check-parity    against transformers and tokenizers (tools/bootstrap --python)"
	@echo "tradeoff        accuracy, size and speed by bit width: docs/performance.md, pictures"
	@echo "check-train     the trainer, on tiny networks (tools/bootstrap --python)"
	@echo "check-data      the ESCI converter (needs pandas: tools/bootstrap --python)"
	@echo "check-asan check-ubsan check-tsan check-valgrind check-mutants coverage fuzz soak check-all"
	@echo "                see docs/testing.md"
	@echo "install uninstall   PREFIX=$(PREFIX), DESTDIR, LIBDIR ...: docs/packaging.md"
	@echo "examples        the programs of docs/examples"
	@echo "amalgamation    $(BUILD)/dist/relevance.c: the library in one file;  check-amalgamation"
	@echo "check-bare      pip install, make install and programs on them, on a Debian that has nothing"
	@echo "dist            the release, the same bytes whoever packs it;  check-dist"
	@echo "bench           time, share of the peak, and how cost grows, on this machine"
	@echo "bench-peers     RACED, a checkpoint, in turn with ONNX Runtime and others (tools/bootstrap --python)"
	@echo "accuracy        measure MODEL on the test sets, into docs/accuracy.md (CHECKPOINT: bit widths)"
	@echo "clean           remove build/"
