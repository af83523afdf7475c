# SPDX-License-Identifier: Apache-2.0
#
# install.mk - install, uninstall, amalgamation and dist; part of the Makefile.
#
# DESTDIR stands before every path that is written, and in none that is written into a file.

BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
MODELDIR    = $(DATADIR)/librelevance
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CMAKEDIR    = $(LIBDIR)/cmake/relevance
BASH_COMPLETIONDIR ?= $(DATADIR)/bash-completion/completions
ZSH_COMPLETIONDIR ?= $(DATADIR)/zsh/site-functions
FISH_COMPLETIONDIR ?= $(DATADIR)/fish/vendor_completions.d
INSTALL    ?= install
# So that programs find the library at once; where it may not be run, the installer does it later.
LDCONFIG   ?= ldconfig
INTENT_MODEL ?= data/intent.rlv

.PHONY: uninstall install-lib install-tools amalgamation check-amalgamation check-dist check-bare

# What the library's own objects need: of a static link, and so of a program that embeds it.
LIBS_PRIVATE = $(strip $(BLAS_LIBS) $(LIBS))
semicolon := ;
empty :=
space := $(empty) $(empty)
# Only these names may stand between two @ in packaging/*.in.
FILLED = VERSION VERSION_MAJOR VERSION_MINOR SOVERSION PREFIX LIBDIR INCLUDEDIR MODELDIR \
         LIBS_PRIVATE LIBS_PRIVATE_LIST INCLUDE_FROM_LIB MODEL_FROM_LIB POINTER_SIZE
VERSION_MAJOR = $(word 1,$(subst ., ,$(VERSION)))
VERSION_MINOR = $(word 2,$(subst ., ,$(VERSION)))
LIBS_PRIVATE_LIST = $(subst $(space),$(semicolon),$(LIBS_PRIVATE))
INCLUDE_FROM_LIB = $(shell realpath -m --relative-to="$(LIBDIR)" "$(INCLUDEDIR)")
MODEL_FROM_LIB = $(shell realpath -m --relative-to="$(LIBDIR)" "$(MODELDIR)")
POINTER_SIZE = $(shell echo __SIZEOF_POINTER__ | $(CC) -E -P -)

# Not a file of the build folder: its text depends on PREFIX and friends.
fill = sed $(foreach v,$(FILLED),-e 's|@$(v)@|$($(v))|g') packaging/$(1).in > "$(2)/$(1)" && \
       chmod 644 "$(2)/$(1)"
to = "$(DESTDIR)$(1)"

install: install-lib $(if $(filter yes,$(TARGET_TOOLS)),install-tools)

install-lib: lib
	$(INSTALL) -d $(call to,$(LIBDIR)) $(call to,$(INCLUDEDIR)) $(call to,$(PKGCONFIGDIR)) \
	  $(call to,$(CMAKEDIR)) $(call to,$(MODELDIR)) $(call to,$(MANDIR)/man3)
	$(INSTALL) -m 644 include/relevance.h include/relevance.hpp $(call to,$(INCLUDEDIR))
	$(INSTALL) -m 644 $(STATIC) $(call to,$(LIBDIR))
	$(INSTALL) -m 644 docs/man/librelevance.3 $(call to,$(MANDIR)/man3)
	$(INSTALL) -m 755 $(SHARED) $(call to,$(LIBDIR))
	ln -sf $(notdir $(SHARED)) $(call to,$(LIBDIR)/librelevance.so.$(SOVERSION))
	ln -sf librelevance.so.$(SOVERSION) $(call to,$(LIBDIR)/librelevance.so)
	$(call fill,relevance.pc,$(DESTDIR)$(PKGCONFIGDIR))
	$(call fill,relevance-config.cmake,$(DESTDIR)$(CMAKEDIR))
	$(call fill,relevance-config-version.cmake,$(DESTDIR)$(CMAKEDIR))
	$(INSTALL) -m 644 $(MODEL) $(call to,$(MODELDIR)/default.rlv)
	$(if $(wildcard $(INTENT_MODEL)),$(INSTALL) -m 644 $(INTENT_MODEL) $(call to,$(MODELDIR)/intent.rlv))
	$(if $(DESTDIR),,@$(LDCONFIG) >/dev/null 2>&1 || true)

install-tools: $(BUILD)/relevance
	$(INSTALL) -d $(call to,$(BINDIR)) $(call to,$(MANDIR)/man1) $(call to,$(MODELDIR)) \
	  $(call to,$(BASH_COMPLETIONDIR)) $(call to,$(ZSH_COMPLETIONDIR)) $(call to,$(FISH_COMPLETIONDIR))
	$(INSTALL) -m 755 $(BUILD)/relevance $(call to,$(BINDIR))
	$(INSTALL) -m 644 docs/man/relevance.1 $(call to,$(MANDIR)/man1)
ifeq ($(CROSS),)
	python3 tools/gen_man.py $(BUILD)/relevance $(BUILD)/man && \
	  $(INSTALL) -m 644 $(BUILD)/man/relevance-*.1 $(call to,$(MANDIR)/man1) || \
	  echo "no python3: without the pages of the single commands"
endif
	$(INSTALL) -m 644 tools/completion/relevance.bash $(call to,$(BASH_COMPLETIONDIR)/relevance)
	$(INSTALL) -m 644 tools/completion/_relevance $(call to,$(ZSH_COMPLETIONDIR))
	$(INSTALL) -m 644 tools/completion/relevance.fish $(call to,$(FISH_COMPLETIONDIR))
	$(INSTALL) -m 644 data/demo_catalog.tsv $(call to,$(MODELDIR))

# The files above, and the two folders that are the library's own where nothing else lies in them.
uninstall:
	rm -f "$(DESTDIR)$(MANDIR)"/man1/relevance-*.1 $(call to,$(MANDIR)/man3/librelevance.3)
	rm -f $(foreach f,librelevance.a librelevance.so librelevance.so.$(SOVERSION) \
	  librelevance.so.$(VERSION),$(call to,$(LIBDIR)/$(f))) \
	  $(call to,$(INCLUDEDIR)/relevance.h) $(call to,$(INCLUDEDIR)/relevance.hpp) \
	  $(call to,$(PKGCONFIGDIR)/relevance.pc) $(call to,$(BINDIR)/relevance) \
	  $(call to,$(MANDIR)/man1/relevance.1) $(call to,$(BASH_COMPLETIONDIR)/relevance) \
	  $(call to,$(ZSH_COMPLETIONDIR)/_relevance) $(call to,$(FISH_COMPLETIONDIR)/relevance.fish) \
	  $(call to,$(MODELDIR)/demo_catalog.tsv) \
	  $(call to,$(CMAKEDIR)/relevance-config.cmake) \
	  $(call to,$(CMAKEDIR)/relevance-config-version.cmake) $(call to,$(MODELDIR)/default.rlv) \
	  $(call to,$(MODELDIR)/intent.rlv)
	-rmdir $(call to,$(CMAKEDIR)) $(call to,$(MODELDIR))

# ---- one file, and the release ----

amalgamation: $(BUILD)/dist/relevance.c
$(BUILD)/dist/relevance.c: tools/amalgamate.py include/relevance.h $(LIB_SRC) $(wildcard lib/*.h) \
                           $(wildcard kernels/*)
	python3 tools/amalgamate.py $(@D)

# What make check does without: each language and compiler to the end, and the same bits of each.
check-amalgamation: $(TINY)
	test/amalgamation.sh --full $(TINY_DIR)

# The committed tree and the amalgamation; names, owners, order and times of the files do not depend
# on who packs them.
DIST = librelevance-$(VERSION)
dist:
	@git diff --quiet HEAD || echo "dist: changes that are not committed are left out"
	rm -rf $(BUILD)/release
	mkdir -p $(BUILD)/release
	git archive --prefix=$(DIST)/ HEAD | tar -x -C $(BUILD)/release
	python3 $(BUILD)/release/$(DIST)/tools/amalgamate.py $(BUILD)/release/$(DIST)/dist
	tar -c -C $(BUILD)/release --sort=name --format=ustar --owner=0 --group=0 --numeric-owner \
	  --mode=go=rX,u+rw,a-s --mtime="@$$(git log -1 --format=%ct)" $(DIST) | \
	  gzip -n -6 > $(BUILD)/$(DIST).tar.gz.tmp
	mv $(BUILD)/$(DIST).tar.gz.tmp $(BUILD)/$(DIST).tar.gz
	rm -rf $(BUILD)/release

check-dist:
	test/dist.sh

# On a Debian that has nothing: needs root, debootstrap and a network.  BARE: where its folders go.
BARE ?= $(BUILD)/bare
check-bare:
	test/packaging/bare.sh $(BARE)
