// SPDX-License-Identifier: Apache-2.0
//
// relevance.hpp - relevance.h for C++17 and later, in this header alone.
//
//     #include <relevance.hpp>
//     #include <cstdio>
//
//     int main()
//     {
//         auto model = relevance::model::open("data/default.rlv");
//         if (!model)
//             return std::fprintf(stderr, "%s\n", model.error().message()), 2;
//         auto ctx = relevance::context::create(*model);
//         if (!ctx)
//             return std::fprintf(stderr, "%s\n", ctx.error().message()), 2;
//         auto r = ctx->classify("dog leash", "Reflective nylon dog leash, 6 ft");
//         if (r)
//             std::printf("%s %.3f\n", model->label(r->label), relevance::probability(*r));
//     }
//
// Owners.  model and context own what they hold and can be moved, not copied.  A model must outlive
// its contexts.  Threads as in relevance.h: a model is shared by any number of threads, a context is
// used by one at a time.
//
// Errors.  Nothing here throws: a call that can fail returns a result<T>, which holds a T or an
// error.  With RELEVANCE_EXCEPTIONS defined to 1 before this header is included, result<T> also has
// value(), which throws relevance::failure.  What allocates (the overloads that return a vector)
// says so; where the allocator of the standard library throws, they do.
//
// Texts are std::string_view, arrays are relevance::span: std::span in C++20, and in C++17 a small
// class like it.  Structures of the C interface (relevance_result ...) are used as they are.
//
// Translation units of different settings (C++17 or 20, exceptions or not) may be linked together:
// an inline namespace keeps them apart.
#ifndef RELEVANCE_HPP
#define RELEVANCE_HPP

#include <relevance.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#ifndef RELEVANCE_EXCEPTIONS
#define RELEVANCE_EXCEPTIONS 0
#endif
#if RELEVANCE_EXCEPTIONS
#include <stdexcept>
#endif

#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif

#if defined(__cpp_lib_span) && RELEVANCE_EXCEPTIONS
#define RELEVANCE_HPP_MODE cxx20_throwing
#elif defined(__cpp_lib_span)
#define RELEVANCE_HPP_MODE cxx20
#elif RELEVANCE_EXCEPTIONS
#define RELEVANCE_HPP_MODE cxx17_throwing
#else
#define RELEVANCE_HPP_MODE cxx17
#endif

namespace relevance
{
inline namespace RELEVANCE_HPP_MODE
{

#if defined(__cpp_lib_span)
using std::span;
#else
// The part of std::span that this header needs: a pointer and a number of elements.
template <class T> class span
{
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using iterator = T *;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t n) noexcept : data_(data), n_(n) {}
    template <std::size_t N> constexpr span(T (&array)[N]) noexcept : data_(array), n_(N) {}
    // From anything that has data() and size() of the element type: vector, array, string, span.
    template <class Container, class Pointer = decltype(std::data(std::declval<Container &>())),
              class = std::enable_if_t<
                  std::is_convertible_v<std::remove_pointer_t<Pointer> (*)[], T (*)[]>>>
    constexpr span(Container &&container) noexcept
        : data_(std::data(container)), n_(std::size(container))
    {
    }

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return n_; }
    constexpr bool empty() const noexcept { return n_ == 0; }
    constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + n_; }
    constexpr span subspan(std::size_t first, std::size_t n) const noexcept
    {
        return span(data_ + first, n);
    }

  private:
    T *data_ = nullptr;
    std::size_t n_ = 0;
};
#endif

// What failed: a status, an English sentence and, for model files, a position.
class error
{
  public:
    error() noexcept : c_() {}
    explicit error(const relevance_error &c) noexcept : c_(c) {}
    // For calls that report a status alone; the message is its phrase.
    explicit error(relevance_status status) noexcept : c_()
    {
        const char *phrase = relevance_status_name(status);
        c_.status = status;
        if (phrase)
            std::strncpy(c_.message, phrase, sizeof(c_.message) - 1);
    }

    relevance_status status() const noexcept { return c_.status; }
    std::uint64_t position() const noexcept { return c_.position; }
    const char *message() const noexcept { return c_.message; }

  private:
    relevance_error c_;
};

#if RELEVANCE_EXCEPTIONS
// What result<T>::value() throws.
class failure : public std::runtime_error
{
  public:
    explicit failure(const relevance::error &e) : std::runtime_error(e.message()), error_(e) {}
    const relevance::error &error() const noexcept { return error_; }

  private:
    relevance::error error_;
};
#endif

// A T, or why there is none.  *r and r-> need a T: ask first (if (r) ...).
template <class T> class [[nodiscard]] result
{
  public:
    result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : value_(std::move(value)) {}
    result(const relevance::error &e) noexcept : error_(e) {}

    explicit operator bool() const noexcept { return value_.has_value(); }
    bool has_value() const noexcept { return value_.has_value(); }
    const relevance::error &error() const noexcept
    {
        return error_;
    } // status OK where there is a T

    T &operator*() &noexcept { return assert(value_), *value_; }
    const T &operator*() const &noexcept { return assert(value_), *value_; }
    T &&operator*() &&noexcept { return assert(value_), std::move(*value_); }
    T *operator->() noexcept { return assert(value_), &*value_; }
    const T *operator->() const noexcept { return assert(value_), &*value_; }
    template <class U> T value_or(U &&other) const &
    {
        return value_ ? *value_ : static_cast<T>(std::forward<U>(other));
    }
    template <class U> T value_or(U &&other) &&
    {
        return value_ ? std::move(*value_) : static_cast<T>(std::forward<U>(other));
    }
#if RELEVANCE_EXCEPTIONS
    T &value() & { return check(), *value_; }
    const T &value() const & { return check(), *value_; }
    T &&value() && { return check(), std::move(*value_); }

  private:
    void check() const
    {
        if (!value_)
            throw failure(error_);
    }
#endif

  private:
    std::optional<T> value_;
    relevance::error error_;
};

template <> class [[nodiscard]] result<void>
{
  public:
    result() noexcept = default;
    result(const relevance::error &e) noexcept : error_(e) {}
    explicit result(relevance_status status) noexcept
        : error_(status == RELEVANCE_OK ? relevance::error() : relevance::error(status))
    {
    }

    explicit operator bool() const noexcept { return error_.status() == RELEVANCE_OK; }
    bool has_value() const noexcept { return error_.status() == RELEVANCE_OK; }
    const relevance::error &error() const noexcept { return error_; }
#if RELEVANCE_EXCEPTIONS
    void value() const
    {
        if (!*this)
            throw failure(error_);
    }
#endif

  private:
    relevance::error error_;
};

// ---- between C++ and C ----

inline relevance_text text(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline relevance_pair pair(std::string_view query, std::string_view product) noexcept
{
    return {text(query), text(product)};
}
inline std::string_view view(relevance_text t) noexcept
{
    return t.data ? std::string_view(t.data, t.len) : std::string_view();
}

// [label_n]; they live as long as the result.
inline span<const float> probabilities(const relevance_result &r) noexcept
{
    return span<const float>(r.probabilities, r.label_n);
}
inline span<const float> logits(const relevance_result &r) noexcept
{
    return span<const float>(r.logits, r.label_n);
}
// Of the label that was chosen.
inline double probability(const relevance_result &r) noexcept
{
    return r.label < RELEVANCE_MAX_LABELS ? double(r.probabilities[r.label]) : 0.0;
}

// The C options, with 'size' set and the rest 0: the defaults.
struct open_options : relevance_open_options {
    open_options() noexcept : relevance_open_options() { size = sizeof(relevance_open_options); }
};
struct context_options : relevance_context_options {
    context_options() noexcept : relevance_context_options()
    {
        size = sizeof(relevance_context_options);
    }
    // How often each label is expected: [label_n], read when the context is made.
    context_options &set_priors(span<const float> shares) noexcept
    {
        priors = shares.data();
        prior_n = shares.size();
        return *this;
    }
};

inline const char *version() noexcept { return relevance_version(); }
inline bool isa_supported(relevance_isa isa) noexcept { return relevance_isa_supported(isa) != 0; }

// ---- model ----

class model
{
  public:
    model() noexcept = default; // empty: good for assigning to, and for nothing else
    explicit model(relevance_model *owned) noexcept : handle_(owned) {}

    // As relevance_open(); 'path' is NUL-terminated.
    static result<model> open(const char *path, const open_options &options = {}) noexcept
    {
        relevance_model *handle = nullptr;
        relevance_error e{};
        if (relevance_open(path, &options, &handle, &e) != RELEVANCE_OK)
            return error(e);
        return model(handle);
    }
    static result<model> open(const std::string &path, const open_options &options = {}) noexcept
    {
        return open(path.c_str(), options);
    }
    // As relevance_open_memory(): the bytes must stay as they are until the model is gone.
    static result<model> open_memory(const void *data, std::size_t len,
                                     const open_options &options = {}) noexcept
    {
        relevance_model *handle = nullptr;
        relevance_error e{};
        if (relevance_open_memory(data, len, &options, &handle, &e) != RELEVANCE_OK)
            return error(e);
        return model(handle);
    }
    static result<model> open_memory(span<const std::byte> data,
                                     const open_options &options = {}) noexcept
    {
        return open_memory(data.data(), data.size(), options);
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    const relevance_model *get() const noexcept { return handle_.get(); }
    relevance_model *release() noexcept { return handle_.release(); }

    relevance_info info() const noexcept
    {
        relevance_info info{};
        info.size = sizeof(info);
        relevance_model_info(get(), &info);
        return info;
    }
    // NULL where the number is out of range.
    const char *label(std::uint32_t i) const noexcept { return relevance_label(get(), i); }
    // The share of a label that the probabilities are calibrated for; 0 where it is not known.
    float label_prior(std::uint32_t i) const noexcept { return relevance_label_prior(get(), i); }
    const char *token_label(std::uint32_t i) const noexcept
    {
        return relevance_token_label(get(), i);
    }
    std::string_view token(std::int32_t id) const noexcept
    {
        return view(relevance_token(get(), id));
    }

  private:
    struct closer {
        void operator()(relevance_model *m) const noexcept { relevance_close(m); }
    };
    std::unique_ptr<relevance_model, closer> handle_;
};

// ---- catalogue ----

// Product names and other words for them; shared by any number of threads.
class catalog
{
  public:
    catalog() noexcept = default;
    explicit catalog(relevance_catalog *owned) noexcept : handle_(owned) {}

    // As relevance_catalog_open(); 'path' is NUL-terminated.
    static result<catalog> open(const char *path) noexcept
    {
        relevance_catalog *handle = nullptr;
        relevance_error e{};
        if (relevance_catalog_open(path, nullptr, &handle, &e) != RELEVANCE_OK)
            return error(e);
        return catalog(handle);
    }
    static result<catalog> open(const std::string &path) noexcept { return open(path.c_str()); }
    // From text that lies in memory; it is copied.
    static result<catalog> parse(std::string_view text) noexcept
    {
        relevance_catalog *handle = nullptr;
        relevance_error e{};
        if (relevance_catalog_open_memory(text.data(), text.size(), nullptr, &handle, &e) !=
            RELEVANCE_OK)
            return error(e);
        return catalog(handle);
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    const relevance_catalog *get() const noexcept { return handle_.get(); }
    relevance_catalog *release() noexcept { return handle_.release(); }

    std::uint32_t size() const noexcept { return relevance_catalog_size(get()); }
    const char *name(std::uint32_t i) const noexcept { return relevance_catalog_name(get(), i); }
    // The product that a few words mean; name NULL where nothing is near enough.
    result<relevance_match> match(std::string_view words) const noexcept
    {
        relevance_match m{};
        auto status = relevance_catalog_match(get(), words.data(), words.size(), &m);
        if (status != RELEVANCE_OK)
            return error(status);
        return m;
    }

  private:
    struct closer {
        void operator()(relevance_catalog *c) const noexcept { relevance_catalog_close(c); }
    };
    std::unique_ptr<relevance_catalog, closer> handle_;
};

// ---- context ----

// Hidden states, [token_n, width], row-major.
struct encoding {
    std::vector<float> values;
    std::size_t token_n = 0;
    std::size_t width = 0;
    span<const float> row(std::size_t i) const noexcept
    {
        return span<const float>(values.data() + i * width, width);
    }
};

struct token_list {
    std::vector<std::int32_t> ids;
    std::uint32_t truncated = 0; // tokens cut
};

class context
{
  public:
    context() noexcept = default;
    explicit context(relevance_context *owned) noexcept : handle_(owned) {}

    // As relevance_context_create(); 'm' must outlive the context.
    static result<context> create(const model &m, const context_options &options = {}) noexcept
    {
        return create(m.get(), options);
    }
    static result<context> create(const relevance_model *m,
                                  const context_options &options = {}) noexcept
    {
        relevance_context *handle = nullptr;
        relevance_error e{};
        if (relevance_context_create(m, &options, &handle, &e) != RELEVANCE_OK)
            return error(e);
        context made(handle);
        relevance_info info{};
        info.size = sizeof(info);
        relevance_model_info(m, &info);
        made.width_ = info.hidden_size;
        return made;
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    relevance_context *get() const noexcept { return handle_.get(); }
    relevance_context *release() noexcept { return handle_.release(); }
    relevance_isa isa() const noexcept { return relevance_context_isa(get()); }
    const char *isa_name() const noexcept { return relevance_isa_name(isa()); }

    // Label one pair.  Allocates nothing.
    result<relevance_result> classify(std::string_view query, std::string_view product) noexcept
    {
        relevance_result r{};
        auto status = relevance_classify(get(), query.data(), query.size(), product.data(),
                                         product.size(), &r);
        if (status != RELEVANCE_OK)
            return error(status);
        return r;
    }

    // Label pairs made with relevance::pair(), into 'results' of the same size.  Allocates nothing.
    result<void> classify_batch(span<const relevance_pair> pairs,
                                span<relevance_result> results) noexcept
    {
        if (pairs.size() != results.size())
            return error(RELEVANCE_BAD_ARGUMENT);
        return result<void>(
            relevance_classify_batch(get(), pairs.data(), pairs.size(), results.data()));
    }
    // The same for any range of things with .first and .second (std::pair ...) that turn into
    // std::string_view.  Allocates two vectors.
    template <class Pairs> result<std::vector<relevance_result>> classify_batch(const Pairs &pairs)
    {
        std::vector<relevance_pair> c;
        for (const auto &p : pairs)
            c.push_back(pair(p.first, p.second));
        std::vector<relevance_result> results(c.size());
        auto status = relevance_classify_batch(get(), c.data(), c.size(), results.data());
        if (status != RELEVANCE_OK)
            return error(status);
        return results;
    }

    // Order products by how well they fit, best first, into 'ranked' of the same size.  Allocates
    // nothing.
    result<void> rank(std::string_view query, span<const relevance_text> products,
                      span<relevance_ranked> ranked) noexcept
    {
        if (products.size() != ranked.size())
            return error(RELEVANCE_BAD_ARGUMENT);
        return result<void>(relevance_rank(get(), query.data(), query.size(), products.data(),
                                           products.size(), ranked.data()));
    }
    // The same for any range of what turns into std::string_view.  Allocates two vectors.
    template <class Products>
    result<std::vector<relevance_ranked>> rank(std::string_view query, const Products &products)
    {
        std::vector<relevance_text> c;
        for (const auto &p : products)
            c.push_back(text(p));
        std::vector<relevance_ranked> ranked(c.size());
        auto status =
            relevance_rank(get(), query.data(), query.size(), c.data(), c.size(), ranked.data());
        if (status != RELEVANCE_OK)
            return error(status);
        return ranked;
    }

    // Label token ids made elsewhere.  Allocates nothing.
    result<relevance_result> classify_tokens(span<const std::int32_t> ids) noexcept
    {
        relevance_result r{};
        auto status = relevance_classify_tokens(get(), ids.data(), ids.size(), &r);
        if (status != RELEVANCE_OK)
            return error(status);
        return r;
    }

    // The token ids that the model would read of a text, or of a pair.  Allocates a vector.
    result<token_list> tokenize(std::string_view query,
                                std::optional<std::string_view> product = std::nullopt)
    {
        token_list list;
        relevance_tokens t{};
        auto status = tokenize(query, product, &t); // no room yet: it says how much is needed
        if (status == RELEVANCE_NO_SPACE) {
            list.ids.resize(t.n);
            t.ids = list.ids.data();
            t.cap = list.ids.size();
            status = tokenize(query, product, &t);
        }
        if (status != RELEVANCE_OK)
            return error(status);
        list.ids.resize(t.n);
        list.truncated = t.truncated;
        return list;
    }

    // The label of every token, by the model's token head.  Allocates a vector.
    result<std::vector<relevance_labelled_token>> label_tokens(std::string_view words)
    {
        std::vector<relevance_labelled_token> found;
        relevance_labelled_tokens t{};
        return fill(found, t, t.tokens,
                    [&] { return relevance_label_tokens(get(), words.data(), words.size(), &t); });
    }

    // The stretches of a text that the token head names.  Allocates a vector.
    result<std::vector<relevance_span>> find_spans(std::string_view words)
    {
        std::vector<relevance_span> found;
        relevance_spans s{};
        return fill(found, s, s.spans,
                    [&] { return relevance_find_spans(get(), words.data(), words.size(), &s); });
    }

    // What a shopper asks for: an action, a product and a quantity.  Allocates nothing.
    result<relevance_intent> extract(std::string_view words) noexcept
    {
        return extract_with(words, nullptr);
    }
    // The same, with the product's name looked up.
    result<relevance_intent> extract(std::string_view words, const catalog &names) noexcept
    {
        return extract_with(words, names.get());
    }
    // The same for any range of what turns into std::string_view; 'names' may be NULL.  Allocates two
    // vectors.
    template <class Texts>
    result<std::vector<relevance_intent>> extract_batch(const Texts &texts,
                                                        const catalog *names = nullptr)
    {
        std::vector<relevance_text> c;
        for (const auto &t : texts)
            c.push_back(text(t));
        relevance_intent empty{};
        empty.size = sizeof(relevance_intent);
        std::vector<relevance_intent> intents(c.size(), empty);
        auto status = relevance_extract_batch(get(), c.data(), c.size(),
                                              names ? names->get() : nullptr, intents.data());
        if (status != RELEVANCE_OK)
            return error(status);
        return intents;
    }

    // The encoder's last hidden states of a text, or of a pair.  Allocates a vector.
    result<encoding> encode(std::string_view query,
                            std::optional<std::string_view> product = std::nullopt)
    {
        encoding e;
        e.width = width_;
        auto status = encode(query, product, nullptr, 0, &e.token_n);
        if (status == RELEVANCE_NO_SPACE) {
            e.values.resize(e.token_n * e.width);
            status = encode(query, product, e.values.data(), e.values.size(), &e.token_n);
        }
        if (status != RELEVANCE_OK)
            return error(status);
        return e;
    }

  private:
    // Call once to learn the size, and again with room for it.
    template <class Element, class Buffer, class Call>
    static result<std::vector<Element>> fill(std::vector<Element> &found, Buffer &buffer,
                                             Element *&pointer, Call call)
    {
        auto status = call();
        if (status == RELEVANCE_NO_SPACE) {
            found.resize(buffer.n);
            pointer = found.data();
            buffer.cap = found.size();
            status = call();
        }
        if (status != RELEVANCE_OK)
            return error(status);
        found.resize(buffer.n);
        return std::move(found);
    }
    result<relevance_intent> extract_with(std::string_view words,
                                          const relevance_catalog *names) noexcept
    {
        relevance_intent intent{};
        intent.size = sizeof(intent);
        auto status = relevance_extract(get(), words.data(), words.size(), names, &intent);
        if (status != RELEVANCE_OK)
            return error(status);
        return intent;
    }
    // An empty product is not the same as none: the pointer tells them apart.
    static const char *pointer(const std::optional<std::string_view> &s) noexcept
    {
        return !s ? nullptr : s->data() ? s->data() : "";
    }
    relevance_status tokenize(std::string_view query,
                              const std::optional<std::string_view> &product,
                              relevance_tokens *t) noexcept
    {
        return relevance_tokenize(get(), query.data(), query.size(), pointer(product),
                                  product ? product->size() : 0, t);
    }
    relevance_status encode(std::string_view query, const std::optional<std::string_view> &product,
                            float *hidden, std::size_t cap, std::size_t *token_n) noexcept
    {
        return relevance_encode(get(), query.data(), query.size(), pointer(product),
                                product ? product->size() : 0, hidden, cap, token_n);
    }

    struct closer {
        void operator()(relevance_context *c) const noexcept { relevance_context_destroy(c); }
    };
    std::unique_ptr<relevance_context, closer> handle_;
    std::size_t width_ = 0; // of a hidden state
};

} // namespace RELEVANCE_HPP_MODE
} // namespace relevance

#endif // RELEVANCE_HPP
