// SPDX-License-Identifier: Apache-2.0
//
// service.cpp - a C++ service: a queue of requests, N threads, answers in the order of the requests.
//
// usage: service_cpp MODEL [THREADS]
//
// Requests are lines on standard input, "query<TAB>product"; the answers are lines on standard output.
// The model is opened once; each thread has a context of its own, made from relevance.hpp.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <relevance.hpp>

class Service {
public:
    Service(const relevance::model &model, unsigned thread_n) : model_(model)
    {
        for (unsigned i = 0; i < thread_n; i++) {
            auto ctx = relevance::context::create(model);
            if (!ctx) {
                std::fprintf(stderr, "service: %s\n", ctx.error().message());
                std::exit(2);
            }
            threads_.emplace_back([this, c = std::move(*ctx)]() mutable { work(c); });
        }
    }
    ~Service()
    {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            ending_ = true;
        }
        waiting_.notify_all();
        for (auto &thread : threads_)
            thread.join();
    }

    std::future<std::string> submit(std::string line)
    {
        std::packaged_task<std::string(relevance::context &)> task(
            [this, line = std::move(line)](relevance::context &ctx) { return answer(ctx, line); });
        auto future = task.get_future();
        {
            std::lock_guard<std::mutex> lock(mutex_);
            queue_.push_back(std::move(task));
        }
        waiting_.notify_one();
        return future;
    }

private:
    std::string answer(relevance::context &ctx, std::string_view line) const
    {
        auto tab = line.find('\t');
        if (tab == line.npos)
            return "error: no tab between query and product";
        auto r = ctx.classify(line.substr(0, tab), line.substr(tab + 1));
        if (!r)
            return std::string("error: ") + r.error().message();
        char text[160];
        std::snprintf(text, sizeof text, "%s %.3f", model_.label(r->label), relevance::probability(*r));
        return text;
    }

    void work(relevance::context &ctx)
    {
        for (;;) {
            std::packaged_task<std::string(relevance::context &)> task;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                waiting_.wait(lock, [this] { return ending_ || !queue_.empty(); });
                if (queue_.empty())
                    return;
                task = std::move(queue_.front());
                queue_.pop_front();
            }
            task(ctx);
        }
    }

    const relevance::model &model_;
    std::mutex mutex_;
    std::condition_variable waiting_;
    std::deque<std::packaged_task<std::string(relevance::context &)>> queue_;
    std::vector<std::thread> threads_;
    bool ending_ = false;
};

int main(int argc, char **argv)
{
    auto model = relevance::model::open(argc > 1 ? argv[1] : "data/default.rlv");
    if (!model) {
        std::fprintf(stderr, "service: %s\n", model.error().message());
        return 2;
    }
    Service service(*model, argc > 2 ? unsigned(std::atoi(argv[2])) : 2);
    std::deque<std::future<std::string>> answers;
    std::string line;
    while (std::getline(std::cin, line)) {
        answers.push_back(service.submit(line));
        while (answers.size() > 256) { // enough to keep every thread busy, and no more memory
            std::cout << answers.front().get() << '\n';
            answers.pop_front();
        }
    }
    for (auto &a : answers)
        std::cout << a.get() << '\n';
}
