// Work that may throw, shared among threads.
#pragma once

#include <exception>
#include <vector>

#include "team.hpp"

namespace threads {

// work(n) once for every n < count on all threads of a team; returns when all are done, and throws the
// first failure in order.
template <typename Work>
void each(Team& team, std::size_t count, Work&& work) {
    std::vector<std::exception_ptr> failed(count);
    team.run(count, [&](std::size_t n) {
        try {
            work(n);
        } catch (...) {
            failed[n] = std::current_exception();
        }
    });
    for (const auto& failure : failed) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace threads
