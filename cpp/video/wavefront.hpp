// Work on trees in rows, each of which waits for what it needs of the row above.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "team.hpp"

namespace video {

// For each of `fields` of the same size: calls begin(field, row), and then its result with every column of
// the row, in order; a tree comes after the one above it and the next one there. Nothing may throw.
template <typename Begin>
void wavefronts(threads::Team& team, std::size_t fields, int rows, int columns, Begin&& begin) {
    const std::size_t jobs = fields * static_cast<std::size_t>(rows);
    std::vector<std::atomic<int>> ready(jobs);
    // Whoever is free takes the next row from above: the rows that it waits for have been taken.
    std::atomic<std::size_t> next{0};
    team.run(std::min(team.threads(), jobs), [&](std::size_t) {
        for (std::size_t job; (job = next.fetch_add(1)) < jobs;) {
            auto&& work = begin(job % fields, static_cast<int>(job / fields));
            for (int column = 0; column < columns; ++column) {
                const int needed = std::min(column + 2, columns);
                while (job >= fields && ready[job - fields].load(std::memory_order_acquire) < needed) {
                    std::this_thread::yield();
                }
                work(column);
                ready[job].store(column + 1, std::memory_order_release);
            }
        }
    });
}

template <typename Begin>
void wavefront(threads::Team& team, int rows, int columns, Begin&& begin) {
    wavefronts(team, 1, rows, columns, [&](std::size_t, int row) { return begin(row); });
}

}  // namespace video
