// Work on trees in rows, each of which waits for what it needs of the row above.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "team.hpp"

namespace video {

// Calls begin(row), and then its result with every column of the row, in order; a tree comes after the one
// above it and the next one there. Nothing may throw.
template <typename Begin>
void wavefront(threads::Team& team, int rows, int columns, Begin&& begin) {
    if (team.threads() == 1) {
        for (int row = 0; row < rows; ++row) {
            auto&& work = begin(row);
            for (int column = 0; column < columns; ++column) work(column);
        }
        return;
    }
    std::vector<std::atomic<int>> ready(static_cast<std::size_t>(rows));
    team.run(static_cast<std::size_t>(rows), [&](std::size_t piece) {
        // Pieces are taken from the last one down: so the rows above are under way already.
        const auto row = static_cast<std::size_t>(rows) - 1 - piece;
        auto&& work = begin(static_cast<int>(row));
        for (int column = 0; column < columns; ++column) {
            if (row > 0) {
                const int needed = std::min(column + 2, columns);
                while (ready[row - 1].load(std::memory_order_acquire) < needed) std::this_thread::yield();
            }
            work(column);
            ready[row].store(column + 1, std::memory_order_release);
        }
    });
}

}  // namespace video
