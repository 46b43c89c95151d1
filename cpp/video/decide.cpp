#include "decide.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "block_syntax.hpp"
#include "intra.hpp"
#include "targets.hpp"
#include "wavefront.hpp"

namespace video {

namespace {

struct Block8 {
    const std::uint8_t* samples;
    std::size_t stride;
};

VIDEO_TARGETS std::uint32_t squared(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b,
                                    std::size_t b_stride, int w, int h) {
    std::uint32_t sum = 0;
    for (int y = 0; y < h; ++y, a += a_stride, b += b_stride) {
        std::int32_t line = 0;
        for (int x = 0; x < w; ++x) {
            const int d = a[x] - b[x];
            line += d * d;
        }
        sum += static_cast<std::uint32_t>(line);
    }
    return sum;
}

VIDEO_TARGETS void differ(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b, std::size_t b_stride,
                          int w, int h, std::int16_t* out, int stride) {
    for (int y = 0; y < h; ++y, a += a_stride, b += b_stride, out += stride) {
        for (int x = 0; x < w; ++x) out[x] = static_cast<std::int16_t>((a[x] - b[x]) * (1 << kShift));
    }
}

VIDEO_TARGETS void mean(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b, std::size_t b_stride,
                        int w, int h, std::uint8_t* out, std::size_t stride) {
    for (int y = 0; y < h; ++y, a += a_stride, b += b_stride, out += stride) {
        for (int x = 0; x < w; ++x) out[x] = static_cast<std::uint8_t>((a[x] + b[x] + 1) >> 1);
    }
}

// Bits, in units of 2^-8, that a coefficient of so many steps is guessed to cost.
constexpr int kGuess[16] = {0,    1400, 1800, 2050, 2250, 2400, 2530, 2640,
                            2740, 2820, 2900, 2970, 3030, 3090, 3140, 3190};

VIDEO_TARGETS Cost guessed(const std::int32_t* fine, int count, std::int32_t step, std::int64_t lambda) {
    // Errors of 2^-4 of a sample of 10 bits: squared, in units of 2^-8.
    Cost cost = 0;
    const float inverse = 4.0f / static_cast<float>(step);  // of 2^-4 sample
    for (int n = 0; n < count; ++n) {
        const std::int32_t size = std::abs(fine[n]);
        const std::int64_t zero = std::int64_t{size} * size << 8;
        const int level = std::min(static_cast<int>(static_cast<float>(size) * inverse + 0.42f), 15);
        if (level == 0) {
            cost += zero;
            continue;
        }
        const std::int64_t error = size - (level * step >> 2);
        cost += std::min(zero, (error * error << 8) + lambda * kGuess[level]);
    }
    return cost;
}

// Efforts from which on pairs of vectors are refined, and both cuts of a residual are looked at.
constexpr int kRefinedPairs = 6, kBothCuts = 8;
constexpr int kFarthest = 8192;  // quarter samples that the encoder lets a vector be long

class Chooser {
public:
    Chooser(FrameData& frame, const Luma& source, std::span<const SearchReference* const> references,
            std::span<const Field> fields, const Contexts& contexts, const Decisions& how)
        : frame_(frame), source_(source), references_(references), fields_(fields),
          contexts_(const_cast<Contexts&>(contexts)), how_(how), lambda_(how.weights.lambda) {}

    Cost tree(int column, int row, int log2) {
        const int count = 1 << (log2 - 3);
        if (!frame_.inside(column, row)) return 0;
        const bool whole = column + count <= frame_.columns() && row + count <= frame_.rows();
        Cost unsplit = 0;
        Choice best;
        if (whole) {
            best = choose(column, row, log2);
            unsplit = best.cost;
            if (log2 == 3) {
                frame_.fill(column, row, 1, best.cell);
                return unsplit;
            }
            unsplit += price([&](auto& syntax) { syntax.split(column, row, log2, false); });
            if (best.still) {
                frame_.fill(column, row, count, best.cell);
                return unsplit;
            }
        }
        Cost split = whole ? price([&](auto& syntax) { syntax.split(column, row, log2, true); }) : 0;
        const int half = count / 2;
        clear(column, row, count);
        for (int part = 0; part < 4; ++part) {
            split += tree(column + (part & 1) * half, row + (part >> 1) * half, log2 - 1);
            if (whole && split >= unsplit) break;
        }
        if (whole && unsplit <= split) {
            frame_.fill(column, row, count, best.cell);
            return unsplit;
        }
        return split;
    }

private:
    struct Choice {
        Cell cell;
        Cost cost = 0;
        bool still = false;  // nothing to be coded, and nothing to be won
    };

    void clear(int column, int row, int count) { frame_.fill(column, row, count, Cell{}); }

    template <typename Function>
    Cost price(Function&& fn) {
        Pricer pricer;
        BlockSyntax<Pricer> syntax(pricer, contexts_, frame_);
        fn(syntax);
        return lambda_ * pricer.bits;
    }

    Block8 predicted(const Motion& motion, int x, int y, int size, std::uint8_t* room) const {
        const SearchReference& a = *references_[static_cast<std::size_t>(motion.reference[0])];
        const std::uint8_t* first = a.at(x, y, motion.vector[0]);
        if (!motion.both()) return {first, a.stride()};
        const SearchReference& b = *references_[static_cast<std::size_t>(motion.reference[1])];
        mean(first, a.stride(), b.at(x, y, motion.vector[1]), b.stride(), size, size, room, kTree);
        return {room, kTree};
    }

    struct Fit {
        Cost skipped = 0, coded = 0;
    };
    Fit fit(int x, int y, int size, const Block8& block) {
        Fit result;
        const std::uint8_t* own = source_.samples + static_cast<std::size_t>(y) * source_.stride + x;
        result.skipped = Cost{squared(own, source_.stride, block.samples, block.stride, size, size)} << (16 + 2 * kShift);
        const int step = std::min(size, kMostTransform), log2 = step == 8 ? 3 : step == 16 ? 4 : 5;
        alignas(64) std::int16_t differences[kTree * kTree];
        differ(own, source_.stride, block.samples, block.stride, size, size, differences, size);
        result.coded = transformed(differences, size, log2);
        if (how_.effort >= kBothCuts) result.coded = std::min(result.coded, transformed(differences, size, log2 - 1));
        return result;
    }

    // What a residual of squares of 2^log2 is guessed to cost.
    Cost transformed(const std::int16_t* differences, int size, int log2) const {
        alignas(64) std::int32_t fine[kMostTransform * kMostTransform];
        const int step = 1 << log2;
        Cost cost = 0;
        for (int v = 0; v < size; v += step) {
            for (int u = 0; u < size; u += step) {
                forward(differences + v * size + u, size, log2, fine);
                cost += guessed(fine, step * step, how_.weights.step, lambda_);
            }
        }
        return cost;
    }

    // Moves the vectors of a pair, one and then the other, to where their mean fits best.
    void refine(Cell& cell, int column, int row, std::uint8_t* room) {
        const int x = column * kCell, y = row * kCell, size = 1 << cell.log2;
        const std::uint8_t* own = source_.samples + static_cast<std::size_t>(y) * source_.stride + x;
        const auto lambda = static_cast<std::int64_t>(how_.satd_lambda * 256.0);
        const auto cost_of = [&](const Motion& motion) {
            const Block8 block = predicted(motion, x, y, size, room);
            cell.motion = motion;
            Pricer pricer;
            BlockSyntax<Pricer>(pricer, contexts_, frame_).block(column, row, cell);
            return (std::int64_t{satd(own, source_.stride, block.samples, block.stride, size, size)} << 16) +
                   lambda * pricer.bits;
        };
        Motion best = cell.motion;
        std::int64_t least = cost_of(best);
        static constexpr int kAround[8][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}};
        for (int turn = 0; turn < 4; ++turn) {
            const int which = turn & 1;
            bool moved = false;
            for (int step : {4, 2, 1}) {
                if (turn >= 2 && step == 4) continue;
                const Motion centre = best;
                for (const auto& d : kAround) {
                    Motion motion = centre;
                    motion.vector[which].dx = static_cast<std::int16_t>(motion.vector[which].dx + d[0] * step);
                    motion.vector[which].dy = static_cast<std::int16_t>(motion.vector[which].dy + d[1] * step);
                    if (std::abs(motion.vector[which].dx) > kFarthest || std::abs(motion.vector[which].dy) > kFarthest) continue;
                    const std::int64_t cost = cost_of(motion);
                    if (cost < least) least = cost, best = motion, moved = true;
                }
            }
            if (!moved && turn > 0) break;
        }
        cell.motion = best;
    }

    Choice choose(int column, int row, int log2) {
        const int x = column * kCell, y = row * kCell, size = 1 << log2, count = 1 << (log2 - 3);
        alignas(64) std::uint8_t room[kTree * kTree];
        Choice best;
        best.cost = INT64_MAX;
        const auto consider = [&](Cell& cell, const Fit& fitted) {
            const Cost motion = price([&](auto& syntax) { syntax.block(column, row, cell); });
            const int merge = cell.kind == Kind::merge ? 1 : 0;
            const Estimate& flag = contexts_.coded_count[merge][coded_around(column, row)][log2 - 3];
            const Cost skipped = fitted.skipped + motion + lambda_ * kPrices(flag.p, false);
            const Cost coded = fitted.coded + motion + lambda_ * (kPrices(flag.p, true) + 400);
            const bool residual = coded < skipped;
            const Cost cost = residual ? coded : skipped;
            if (cost < best.cost) {
                best.cost = cost;
                best.cell = cell;
                best.cell.coded = residual;
                best.still = !residual && merge;
            }
        };
        Cell cell;
        cell.log2 = static_cast<std::uint8_t>(log2);

        // 1. candidates of the list
        Motion list[kMergeList];
        const int most = merge_list(frame_, column, row, count, list);
        for (int n = 0; n < most; ++n) {
            cell.kind = Kind::merge;
            cell.merge = static_cast<std::uint8_t>(n);
            cell.motion = list[n];
            consider(cell, fit(x, y, size, predicted(list[n], x, y, size, room)));
        }
        const bool easy = best.still && best.cost < lambda_ * (3 << 8);
        if (easy) return best;
        best.still = false;

        // 2. what the search found, and pairs of it
        std::array<Motion, kReferences> found{};
        const int number = 6 - log2;
        for (int n = 0; n < frame_.references; ++n) {
            Motion& motion = found[static_cast<std::size_t>(n)];
            motion.reference[0] = static_cast<std::int8_t>(n);
            motion.vector[0] = fields_[static_cast<std::size_t>(n)].at(number, column / count, row / count).vector;
            cell.kind = Kind::inter;
            cell.merge = 0;
            cell.motion = motion;
            consider(cell, fit(x, y, size, predicted(motion, x, y, size, room)));
        }
        Motion best_pair;
        Cost least_pair = INT64_MAX;
        for (int a = 0; a < frame_.references; ++a) {
            for (int b = a + 1; b < frame_.references; ++b) {
                if (how_.effort < 5 && a > 0) continue;
                Motion motion = found[static_cast<std::size_t>(a)];
                motion.reference[1] = static_cast<std::int8_t>(b);
                motion.vector[1] = found[static_cast<std::size_t>(b)].vector[0];
                cell.kind = Kind::inter;
                cell.motion = motion;
                const Fit fitted = fit(x, y, size, predicted(motion, x, y, size, room));
                if (const Cost cost = std::min(fitted.skipped, fitted.coded); cost < least_pair) {
                    least_pair = cost;
                    best_pair = motion;
                }
                consider(cell, fitted);
            }
        }
        if (how_.effort >= kRefinedPairs && best_pair.both() && best.cell.coded) {
            cell.kind = Kind::inter;
            cell.motion = best_pair;
            refine(cell, column, row, room);
            if (cell.motion != best_pair) {
                consider(cell, fit(x, y, size, predicted(cell.motion, x, y, size, room)));
            }
        }

        // 3. from the samples around, where nothing else does
        if (log2 <= 5 && best.cell.coded) intra(column, row, log2, consider);
        const Cost nothing = lambda_ * (2 << 8);
        best.still = !best.cell.coded && best.cell.kind == Kind::merge && best.cost < nothing;
        return best;
    }

    int coded_around(int column, int row) const {
        const auto at = [&](int c, int r) {
            return frame_.inside(c, r) && frame_.cell(c, r).kind != Kind::none && frame_.cell(c, r).coded;
        };
        return at(column - 1, row) + at(column, row - 1);
    }

    // Planar, mean and four directions, predicted from the source itself.
    template <typename Function>
    void intra(int column, int row, int log2, Function&& consider);

    FrameData& frame_;
    const Luma& source_;
    std::span<const SearchReference* const> references_;
    std::span<const Field> fields_;
    Contexts& contexts_;
    const Decisions& how_;
    std::int64_t lambda_;
};

template <typename Function>
void Chooser::intra(int column, int row, int log2, Function&& consider) {
    const int x = column * kCell, y = row * kCell, size = 1 << log2;
    Edges edges;
    const auto sample = [&](int px, int py) {
        px = clamp_int(px, 0, source_.width - 1);
        py = clamp_int(py, 0, source_.height - 1);
        return static_cast<Sample>(source_.samples[static_cast<std::size_t>(py) * source_.stride + px]);
    };
    for (int n = 0; n <= 2 * size; ++n) {
        const int reach = std::min(n, size);
        edges.left[n] = sample(x - 1, y - 1 + reach);
        edges.above[n] = sample(x - 1 + (y > 0 ? n : reach), y - 1);
    }
    if (x == 0) std::fill_n(edges.left, 2 * size + 1, edges.above[1]);
    if (y == 0) std::fill_n(edges.above, 2 * size + 1, edges.left[1]);
    alignas(64) Sample predicted[kMostTransform * kMostTransform];
    alignas(64) std::uint8_t narrow[kMostTransform * kMostTransform];
    const std::uint8_t* own = source_.samples + static_cast<std::size_t>(y) * source_.stride + x;
    std::uint32_t least = ~0u;
    int mode = 0;
    const auto narrowed = [&](int m) {
        predict_intra(edges, m, log2, predicted, size);
        for (int n = 0; n < size * size; ++n) narrow[n] = static_cast<std::uint8_t>(predicted[n]);
    };
    static constexpr int kModes[] = {0, 1, 10, 26, 2, 18, 34, 6, 14, 22, 30};
    for (int m : kModes) {
        narrowed(m);
        const std::uint32_t cost = satd(own, source_.stride, narrow, static_cast<std::size_t>(size), size, size);
        if (cost < least) least = cost, mode = m;
    }
    narrowed(mode);
    Cell cell;
    cell.log2 = static_cast<std::uint8_t>(log2);
    cell.kind = Kind::intra;
    cell.intra_mode = static_cast<std::uint8_t>(mode);
    Fit fitted = fit(x, y, size, {narrow, static_cast<std::size_t>(size)});
    fitted.coded += fitted.coded >> 4;  // what is predicted from decoded samples is predicted worse
    fitted.skipped += fitted.skipped >> 3;
    consider(cell, fitted);
}

}  // namespace

void decide(FrameData& frame, const Luma& source, std::span<const SearchReference* const> references,
            std::span<const Field> fields, const Contexts& contexts, const Decisions& how, threads::Team& team) {
    constexpr int kCells = kTree / kCell;
    wavefront(team, frame.format().tree_rows(), frame.format().tree_columns(), [&](int row) {
        return [chooser = Chooser(frame, source, references, fields, contexts, how), row](int column) mutable {
            chooser.tree(column * kCells, row * kCells, 6);
        };
    });
}

}  // namespace video
