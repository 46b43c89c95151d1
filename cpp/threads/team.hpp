// Threads that share one short job after another. Between jobs they look out for the next one for a
// while before they sleep: a layer takes some tenths of a millisecond, and waking a thread takes as
// long.
#pragma once

#include <cstddef>

#ifndef __wasm__
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>
#endif

namespace threads {

inline constexpr std::size_t kMostThreads = 64;

#ifdef __wasm__

// WebAssembly has no threads: whoever calls `run` does it all.
class Team {
public:
    explicit Team(std::size_t) {}

    std::size_t threads() const { return 1; }

    template <typename Work>
    void run(std::size_t pieces, Work&& work) {
        for (std::size_t piece = 0; piece < pieces; ++piece) work(piece);
    }

    template <typename Work>
    void share(std::size_t count, std::size_t, Work&& work) {
        work(std::size_t{0}, count);
    }
};

#else

class Team {
public:
    // `threads` counts the one that calls `run`, and is at least 1. Where the system has no more to
    // give, the team is smaller: what it computes is the same.
    explicit Team(std::size_t threads) {
        workers_.reserve(threads);
        try {
            while (workers_.size() + 1 < threads) workers_.emplace_back([this] { wait_for_jobs(); });
        } catch (const std::system_error&) {
        }
    }

    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;

    ~Team() {
        {
            const std::lock_guard lock(mutex_);
            stop_.store(true, std::memory_order_relaxed);
        }
        wake_.notify_all();
        for (auto& worker : workers_) worker.join();
    }

    std::size_t threads() const { return workers_.size() + 1; }

    // Calls work(piece) once for every piece < pieces, on all threads, and returns when all are done.
    // One thread may call it at a time. `work` must not throw.
    template <typename Work>
    void run(std::size_t pieces, Work&& work) {
        if (workers_.empty() || pieces < 2) {
            for (std::size_t piece = 0; piece < pieces; ++piece) work(piece);
            return;
        }
        call_ = [](void* work, std::size_t piece) { (*static_cast<Work*>(work))(piece); };
        work_ = &work;
        left_.store(pieces, std::memory_order_relaxed);
        offer(pieces);
        take_pieces();
        for (int look = 0; left_.load(std::memory_order_acquire) > 0; ++look) {
            if (look < kLooks) pause();
            else std::this_thread::yield();  // whoever has the last piece may wait for a processor
        }
    }

    // Calls work(first, last) for `pieces` parts of about the same size of 0 .. count - 1.
    template <typename Work>
    void share(std::size_t count, std::size_t pieces, Work&& work) {
        const auto start = [&](std::size_t piece) { return piece * count / pieces; };
        run(pieces, [&](std::size_t piece) { work(start(piece), start(piece + 1)); });
    }

private:
    // The number of a job above the number of its pieces that nobody has taken.
    static constexpr std::uint64_t kJob = std::uint64_t{1} << 32, kPieces = kJob - 1;
    static constexpr int kLooks = 4000;  // some 0.1 ms

    static void pause() {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        std::this_thread::yield();
#endif
    }

    void offer(std::size_t pieces) {
        const std::uint64_t job = offered_.load(std::memory_order_relaxed) / kJob + 1;
        {
            const std::lock_guard lock(mutex_);  // or a worker on its way to sleep would miss it
            offered_.store(job * kJob + pieces, std::memory_order_release);
        }
        wake_.notify_all();
    }

    // A piece that was taken keeps its job, and so call_ and work_, until it is done.
    void take_pieces() {
        std::uint64_t offered = offered_.load(std::memory_order_acquire);
        while ((offered & kPieces) > 0) {
            if (!offered_.compare_exchange_weak(offered, offered - 1, std::memory_order_acquire)) {
                continue;
            }
            call_(work_, (offered & kPieces) - 1);
            left_.fetch_sub(1, std::memory_order_release);
            offered = offered_.load(std::memory_order_acquire);
        }
    }

    bool called() const {
        return (offered_.load(std::memory_order_acquire) & kPieces) > 0 ||
               stop_.load(std::memory_order_relaxed);
    }

    void wait_for_jobs() {
        while (!stop_.load(std::memory_order_relaxed)) {
            take_pieces();
            for (int look = 0; look < kLooks && !called(); ++look) pause();
            if (called()) continue;
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return called(); });
        }
    }

    std::vector<std::thread> workers_;
    std::atomic<std::uint64_t> offered_{0};
    std::atomic<std::size_t> left_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;  // of offered_ and stop_ as far as sleeping workers are told of them
    std::condition_variable wake_;
    void (*call_)(void*, std::size_t) = nullptr;
    void* work_ = nullptr;
};

#endif

}  // namespace threads
