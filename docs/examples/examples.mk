# SPDX-License-Identifier: Apache-2.0
#
# examples.mk - 'make examples': those of docs/examples whose libraries are there; part of the
# Makefile.  Against an installed library it would be
#     cc -O2 service.c $(pkg-config --cflags --libs relevance) -pthread -o service

EXAMPLES := $(BUILD)/examples
has_header = $(shell echo '\#include <$(1)>' | $(CC) -E - >/dev/null 2>&1 && echo yes)
EXAMPLE_LIST = service service_cpp $(if $(call has_header,microhttpd.h),http) \
               $(if $(call has_header,sqlite3ext.h),sqlite_relevance.so)
EXAMPLE_CC = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L $(CFLAGS) $(WARNINGS) -Iinclude $(EXTRA_CFLAGS)
EXAMPLE_LIBS = $(STATIC) $(EXTRA_LDFLAGS) $(BLAS_LIBS) $(LIBS)
CXX ?= c++

.PHONY: examples
examples: $(BUILD)/relevance
	$(MAKE) --no-print-directory $(addprefix $(EXAMPLES)/,$(EXAMPLE_LIST))

$(EXAMPLES)/service: docs/examples/service.c $(STATIC)
	@mkdir -p $(@D)
	$(EXAMPLE_CC) $< $(EXAMPLE_LIBS) -o $@

$(EXAMPLES)/service_cpp: docs/examples/service.cpp include/relevance.hpp $(STATIC)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(CFLAGS) -Wall -Wextra -Wshadow -Iinclude $< $(EXAMPLE_LIBS) -o $@

$(EXAMPLES)/http: docs/examples/http.c $(STATIC)
	@mkdir -p $(@D)
	$(EXAMPLE_CC) $< -lmicrohttpd $(EXAMPLE_LIBS) -o $@

# The library's symbols stay inside: another extension may carry another version of it.
$(EXAMPLES)/sqlite_relevance.so: docs/examples/sqlite_relevance.c $(STATIC)
	@mkdir -p $(@D)
	$(EXAMPLE_CC) -fPIC -shared -Wl,--exclude-libs,ALL $< $(EXAMPLE_LIBS) -o $@
