#include "chain.hpp"

#include <algorithm>
#include <cstring>

namespace networks::detail {
namespace {

constexpr std::size_t kPositions = 1024;  // that an operation computes before the next one goes on

// What one operation has given so far: rows held.first .. done - 1 are at hand.
struct Stage {
    RowsOf held;
    std::size_t height = 0;    // of the whole
    std::size_t capacity = 0;  // rows
    std::size_t done = 0;

    std::size_t rows() const { return done - held.first; }

    // Rows before `row` are not needed any more; those that are move to the front.
    void drop_before(std::size_t row) {
        row = std::min(row, done);
        if (row <= held.first) return;
        auto* const data = held.array.as<std::uint8_t>();
        const std::size_t value = size_of(held.array.type);
        const std::size_t from = held.offset(row) * value, end = held.offset(done) * value;
        std::memmove(data, data + from, end - from);
        held.first = row;
    }
};

// Rows of its output that an operation can compute from what the stage before has.
std::size_t reachable(const ByRows& op, const Stage& before) {
    if (before.done == before.height) return before.height / op.fold * op.unfold;
    const std::size_t inside = before.done > op.reach ? before.done - op.reach : 0;
    return inside / op.fold * op.unfold;
}

}  // namespace

Array run_chain(const std::vector<const ByRows*>& chain, const Array& x, const Run& run) {
    std::vector<Stage> stages(chain.size() + 1);
    stages[0] = {{x, 0}, x.height, x.height, x.height};
    std::vector<std::size_t> limits;  // rows that an operation computes at a time
    for (std::size_t k = 0; k < chain.size(); ++k) {
        const ByRows& op = *chain[k];
        const Array& input = stages[k].held.array;
        const std::size_t width = std::max<std::size_t>(1, input.width / op.fold);
        limits.push_back(std::max<std::size_t>(1, kPositions / width) * op.unfold);
        Stage& next = stages[k + 1];
        next.height = stages[k].height / op.fold * op.unfold;
        const bool last = k + 1 == chain.size();
        // Room for what is computed at a time, and for what the next operation waits for.
        const std::size_t waits = last ? 0 : chain[k + 1]->fold + 2 * chain[k + 1]->reach;
        next.capacity = last ? next.height : std::min(next.height, 2 * limits[k] + waits);
        next.held.array = op.room(stages[k].height, input.width, next.capacity);
        next.held.array.height = next.height;
    }
    while (stages.back().done < stages.back().height) {
        for (std::size_t k = 0; k < chain.size(); ++k) {
            const ByRows& op = *chain[k];
            Stage &before = stages[k], &after = stages[k + 1];
            const std::size_t room = after.capacity - after.rows();
            std::size_t count = std::min({reachable(op, before) - after.done, limits[k], room});
            count = count / op.unfold * op.unfold;
            if (count == 0) continue;
            op.run_rows(before.held, after.held, after.done, after.done + count, run);
            after.done += count;
            if (k == 0) continue;  // the input is somebody else's
            const std::size_t next = after.done / op.unfold * op.fold;  // row that is needed next
            before.drop_before(next > op.reach ? next - op.reach : 0);
        }
    }
    return stages.back().held.array;
}

}  // namespace networks::detail
