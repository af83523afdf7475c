// SPDX-License-Identifier: Apache-2.0
//
// test_hpp.cpp - relevance.hpp against the C interface below it.  usage: test_hpp MODEL BOTH
//
// MODEL has a sequence head, BOTH a token head too.  Built by test/hpp.sh in each of its modes: C++17 and 20, with and
// without exceptions.  Every wrapper's answer is compared with the C call's, byte for byte.
#include <relevance.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <type_traits>

static int checks = 0;
#define CHECK(x)                                                                                   \
    do {                                                                                           \
        checks++;                                                                                  \
        if (!(x)) {                                                                                \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);                           \
            std::exit(1);                                                                          \
        }                                                                                          \
    } while (0)

static bool same(const relevance_result &a, const relevance_result &b)
{
    return a.label == b.label && a.tokens == b.tokens && a.truncated == b.truncated &&
           a.label_n == b.label_n && a.label_n > 0 &&
           std::memcmp(a.logits, b.logits, a.label_n * sizeof(float)) == 0 &&
           std::memcmp(a.probabilities, b.probabilities, a.label_n * sizeof(float)) == 0;
}

static const std::array<std::pair<std::string_view, std::string_view>, 3> texts = {{
    {"dog leash", "Reflective nylon dog leash"},
    {"", ""},
    {std::string_view("usb c\0 cable", 12), "USB-C charging cable"},
}};

static void test_errors(const char *path)
{
    auto none = relevance::model::open("no/such/file.rlv");
    CHECK(!none && !none.has_value());
    CHECK(none.error().status() == RELEVANCE_IO);
    CHECK(std::strstr(none.error().message(), "no/such/file.rlv") != nullptr);

    std::ifstream file(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    bytes[bytes.size() / 2] = char(~bytes[bytes.size() / 2]);
    auto damaged = relevance::model::open_memory(bytes.data(), bytes.size());
    CHECK(!damaged && damaged.error().status() == RELEVANCE_BAD_MODEL);
    CHECK(damaged.error().position() > 0);

    auto m = relevance::model::open(std::string(path));
    CHECK(m);
    relevance::context_options options;
    options.threads = 1000;
    auto ctx = relevance::context::create(*m, options);
    CHECK(!ctx && ctx.error().status() == RELEVANCE_BAD_ARGUMENT);

    relevance::context empty; // a NULL handle is refused by every call, never followed
    CHECK(!empty && !empty.classify("a", "b"));
    CHECK(empty.classify("a", "b").error().status() == RELEVANCE_BAD_ARGUMENT);
    CHECK(std::strcmp(empty.classify("a", "b").error().message(),
                      relevance_status_name(RELEVANCE_BAD_ARGUMENT)) == 0);
#if RELEVANCE_EXCEPTIONS
    try {
        (void)none.value();
        CHECK(false && "value() must throw");
    } catch (const relevance::failure &f) {
        CHECK(f.error().status() == RELEVANCE_IO);
        CHECK(std::string(f.what()) == none.error().message());
    }
    try {
        empty
            .classify_batch(relevance::span<const relevance_pair>(),
                            relevance::span<relevance_result>())
            .value();
        CHECK(false && "value() must throw");
    } catch (const std::runtime_error &) {
        checks++;
    }
    CHECK(m.value().get() != nullptr);
#endif
}

static void test_owning(const char *path)
{
    using relevance::context;
    using relevance::model;
    static_assert(!std::is_copy_constructible_v<model> && !std::is_copy_constructible_v<context>);
    static_assert(std::is_nothrow_move_constructible_v<model>);
    static_assert(std::is_nothrow_move_assignable_v<context>);
    auto opened = model::open(path);
    CHECK(opened);
    model m = std::move(*opened);
    CHECK(m && !*opened);
    context a = *context::create(m), b;
    const relevance_context *handle = a.get();
    b = std::move(a);
    CHECK(!a && b && b.get() == handle);
    b = *context::create(m); // the first one is released here
    CHECK(b && b.classify("x", "y"));
    relevance_context *released = b.release();
    CHECK(!b);
    relevance_context_destroy(released);
}

static void test_calls(relevance::model &m, const char *path)
{
    relevance::context_options options;
    options.threads = 2;
    auto made = relevance::context::create(m, options);
    CHECK(made);
    relevance::context &ctx = *made;
    relevance_context *c = ctx.get();
    CHECK(std::string(ctx.isa_name()) == relevance_isa_name(relevance_context_isa(c)));
    CHECK(relevance::isa_supported(RELEVANCE_ISA_SCALAR));
    CHECK(std::string(relevance::version()) == relevance_version());

    std::vector<relevance_result> want(texts.size());
    std::vector<relevance_pair> pairs;
    for (std::size_t i = 0; i < texts.size(); i++) {
        auto [q, p] = texts[i];
        CHECK(relevance_classify(c, q.data(), q.size(), p.data(), p.size(), &want[i]) == 0);
        auto r = ctx.classify(q, p);
        CHECK(r && same(*r, want[i]));
        CHECK(same(r.value_or(relevance_result{}), want[i]));
        auto probabilities = relevance::probabilities(*r);
        auto logits = relevance::logits(*r);
        CHECK(probabilities.size() == m.info().label_n && logits.size() == m.info().label_n);
        CHECK(double(probabilities[r->label]) == relevance::probability(*r));
        pairs.push_back(relevance::pair(q, p));
    }
    CHECK(!same(want[0], want[1]) && !same(want[1], want[2]));

    std::vector<relevance_result> batch(texts.size());
    CHECK(ctx.classify_batch(pairs, batch));
    auto all = ctx.classify_batch(texts);
    std::multimap<std::string, std::string> own = {{"dog leash", "Reflective nylon dog leash"}};
    auto one = ctx.classify_batch(own);
    CHECK(all && all->size() == texts.size() && one && one->size() == 1);
    for (std::size_t i = 0; i < texts.size(); i++)
        CHECK(same(batch[i], want[i]) && same((*all)[i], want[i]));
    CHECK(same((*one)[0], want[0]));
    CHECK(!ctx.classify_batch(pairs, relevance::span<relevance_result>(batch.data(), 2)));

    const std::vector<std::string> products = {"red shoe", "dog leash", "cat food", "red shoe"};
    std::vector<relevance_text> list;
    for (const auto &p : products)
        list.push_back(relevance::text(p));
    std::vector<relevance_ranked> ranked(products.size()), expected(products.size());
    CHECK(relevance_rank(c, "shoe", 4, list.data(), list.size(), expected.data()) == 0);
    CHECK(ctx.rank("shoe", relevance::span<const relevance_text>(list),
                   relevance::span<relevance_ranked>(ranked)));
    auto ranking = ctx.rank("shoe", products);
    CHECK(ranking && ranking->size() == products.size());
    for (std::size_t i = 0; i < products.size(); i++) {
        CHECK(ranked[i].index == expected[i].index && ranked[i].score == expected[i].score);
        CHECK((*ranking)[i].index == expected[i].index &&
              same((*ranking)[i].result, expected[i].result));
    }
    CHECK(!ctx.rank("shoe", relevance::span<const relevance_text>(list),
                    relevance::span<relevance_ranked>(ranked.data(), 1)));

    auto pair_ids = ctx.tokenize("dog leash", "Reflective nylon dog leash");
    auto empty_pair = ctx.tokenize("dog leash", std::string_view());
    auto single = ctx.tokenize("dog leash");
    CHECK(pair_ids && single && empty_pair);
    CHECK(pair_ids->ids.size() == want[0].tokens && pair_ids->truncated == 0);
    CHECK(single->ids.size() + 1 == empty_pair->ids.size()); // the second [SEP]
    CHECK(m.token(single->ids.front()) == "[CLS]" && m.token(-1).empty());
    auto again = ctx.classify_tokens(pair_ids->ids);
    CHECK(again && same(*again, want[0]));
    CHECK(!ctx.classify_tokens(relevance::span<const std::int32_t>()));

    std::string flood;
    for (int i = 0; i < 5000; i++)
        flood += "word ";
    auto cut = ctx.tokenize("dog leash", flood);
    CHECK(cut && cut->ids.size() == m.info().max_tokens && cut->truncated > 1000);

    auto hidden = ctx.encode("dog leash", "Reflective nylon dog leash");
    CHECK(hidden && hidden->token_n == want[0].tokens && hidden->width == m.info().hidden_size);
    std::vector<float> values(hidden->token_n * hidden->width);
    std::size_t token_n = 0;
    CHECK(relevance_encode(c, "dog leash", 9, "Reflective nylon dog leash", 26, values.data(),
                           values.size(), &token_n) == 0);
    CHECK(values == hidden->values &&
          hidden->row(1).data() == hidden->values.data() + hidden->width);
    CHECK(ctx.encode("dog leash")->token_n == single->ids.size());

    CHECK(m.label(0) && std::string(m.label(0)) == relevance_label(m.get(), 0));
    CHECK(m.label(m.info().label_n) == nullptr && m.token_label(0) == nullptr);

    // The tiny models are not calibrated: no shares, and none can be asked for.
    CHECK(m.label_prior(0) == relevance_label_prior(m.get(), 0));
    std::vector<float> shares(m.info().label_n, 1.0f);
    relevance::context_options even;
    even.set_priors(shares);
    CHECK(even.priors == shares.data() && even.prior_n == shares.size());
    auto corrected = relevance::context::create(m, even);
    CHECK(bool(corrected) == (m.label_prior(0) > 0.0f));
    CHECK(corrected || corrected.error().status() == RELEVANCE_BAD_ARGUMENT);

    // From memory, and through the options.
    std::ifstream file(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    relevance::open_options opening;
    opening.flags = RELEVANCE_OPEN_COPY;
    auto copy = relevance::model::open_memory(
        relevance::span<const std::byte>(reinterpret_cast<const std::byte *>(bytes.data()),
                                         bytes.size()),
        opening);
    CHECK(copy);
    bytes.assign(bytes.size(), '\0'); // copied: this changes nothing
    auto other = relevance::context::create(*copy);
    CHECK(other && same(*other->classify(texts[0].first, texts[0].second), want[0]));
}

// 'path' is a model with both heads; its labels are the tiny models' own.
static void test_intents(const char *path)
{
    auto m = relevance::model::open(path);
    CHECK(m && m->info().token_label_n > 0);
    auto made = relevance::context::create(*m);
    CHECK(made);
    relevance::context &ctx = *made;
    const std::string_view words = "add two black running shoes to my phone case";

    relevance_labelled_token tokens[64];
    relevance_labelled_tokens list{};
    list.tokens = tokens;
    list.cap = 64;
    CHECK(relevance_label_tokens(ctx.get(), words.data(), words.size(), &list) == RELEVANCE_OK);
    auto labelled = ctx.label_tokens(words);
    CHECK(labelled && labelled->size() == list.n && list.n > 5);
    for (std::size_t i = 0; i < list.n; i++)
        CHECK((*labelled)[i].label == tokens[i].label && (*labelled)[i].begin == tokens[i].begin &&
              (*labelled)[i].probability == tokens[i].probability);
    CHECK(ctx.label_tokens("") && ctx.label_tokens("")->empty());

    relevance_span spans[64];
    relevance_spans span_list{};
    span_list.spans = spans;
    span_list.cap = 64;
    CHECK(relevance_find_spans(ctx.get(), words.data(), words.size(), &span_list) == RELEVANCE_OK);
    auto found = ctx.find_spans(words);
    CHECK(found && found->size() == span_list.n);
    for (std::size_t i = 0; i < span_list.n; i++)
        CHECK((*found)[i].begin == spans[i].begin && (*found)[i].end == spans[i].end);

    auto bad = relevance::catalog::parse("shoe\nSHOE\n");
    CHECK(!bad && bad.error().status() == RELEVANCE_BAD_CATALOG);
    auto names = relevance::catalog::parse("running shoes\tsneakers|trainers\nphone case\n");
    CHECK(names && names->size() == 2 && std::string(names->name(1)) == "phone case");
    CHECK(names->name(2) == nullptr);
    auto match = names->match("Sneakers");
    CHECK(match && match->product == 0 && std::string(match->name) == "running shoes");
    CHECK(names->match("a thing that is not there")->name == nullptr);
    CHECK(!relevance::catalog::open("no/such/catalogue"));

    relevance_intent want{};
    want.size = sizeof(want);
    auto status = relevance_extract(ctx.get(), words.data(), words.size(), names->get(), &want);
    auto got = ctx.extract(words, *names);
    CHECK(bool(got) == (status == RELEVANCE_OK));
    if (!got) { // no labels for products and quantities: refused by both
        CHECK(got.error().status() == status && !ctx.extract(words));
        return;
    }
    CHECK(got->action == want.action && got->action_confidence == want.action_confidence &&
          got->product_begin == want.product_begin && got->quantity == want.quantity &&
          got->product.name == want.product.name);
    std::vector<std::string> many = {std::string(words), "", "three cases"};
    auto all = ctx.extract_batch(many, &*names);
    CHECK(all && all->size() == 3);
    CHECK((*all)[0].action_confidence == want.action_confidence &&
          (*all)[0].product.name == want.product.name);
    CHECK(ctx.extract_batch(many)->size() == 3 && ctx.extract("three cases")->tokens > 2);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    test_intents(argv[2]);
    test_errors(argv[1]);
    test_owning(argv[1]);
    auto m = relevance::model::open(argv[1]);
    CHECK(m);
    test_calls(*m, argv[1]);
    std::printf("test_hpp: C++ %ld, %s: %d checks\n", long(__cplusplus / 100),
                RELEVANCE_EXCEPTIONS ? "exceptions" : "no exceptions", checks);
}
