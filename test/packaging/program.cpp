// SPDX-License-Identifier: Apache-2.0
//
// program.cpp - program.c again, through relevance.hpp.
#include <cstdio>
#include <relevance.hpp>

int main(int argc, char **argv)
{
    auto model = relevance::model::open(argc == 2 ? argv[1] : "");
    if (!model)
        return std::fprintf(stderr, "%s\n", model.error().message()), 2;
    auto ctx = relevance::context::create(*model);
    if (!ctx)
        return std::fprintf(stderr, "%s\n", ctx.error().message()), 2;
    auto r = ctx->classify("dog leash", "Reflective nylon dog leash");
    if (!r)
        return 1;
    std::printf("%s %.6f\n", model->label(r->label), relevance::probability(*r));
}
