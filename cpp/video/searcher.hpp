// The search in one reference (private to this folder).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "search_parts.hpp"

namespace video {

inline constexpr int kCoarseSizes = 3;  // blocks of 64, 32 and 16 have coarse vectors

// Bits of a component that is d from the one expected, in sixteenths: 1 + 2 log2(1 + |d|).
inline int bits16(int d) {
    const unsigned n = 1 + static_cast<unsigned>(std::abs(d));
    const int whole = std::bit_width(n) - 1;
    const int part = static_cast<int>((n << 4) >> whole) - 16;
    return 16 + 2 * (16 * whole + part);
}

// What vectors cost, in SATD.
class VectorCosts {
public:
    VectorCosts(double lambda, int range) {
        const double bounded = std::clamp(lambda, 0.0, 4096.0);
        const auto lambda16 = static_cast<std::uint64_t>(bounded * 16 + 0.5);
        costs_.resize(static_cast<std::size_t>(8 * range + 64));
        for (std::size_t d = 0; d < costs_.size(); ++d) {
            const auto bits = static_cast<std::uint64_t>(bits16(static_cast<int>(d)));
            costs_[d] = static_cast<std::uint32_t>((lambda16 * bits + 128) >> 8);
        }
    }
    std::uint32_t operator()(Vector a, Vector b) const {
        return of(a.dx - b.dx) + of(a.dy - b.dy);
    }
    std::uint32_t of(int d) const { return costs_[static_cast<std::size_t>(std::abs(d))]; }

private:
    std::vector<std::uint32_t> costs_;
};

inline constexpr int kMostStarts = 5;

// How much is tried.
struct Effort {
    int starts;          // whole-sample places that are searched around, at most kMostStarts
    int square[kSizes];  // reach of the exhaustive search around the best, for every size
    int fractions;       // starts of the search for fractions, at most 2
    int turns;           // steps that it may take
    bool upwards;        // whether large blocks try what small ones found
};

Effort effort_of(int effort);

struct Tried {
    Vector vector;
    std::uint32_t cost = UINT32_MAX;  // with the vector's
};

// One reference and what is found in it.
class Searcher {
public:
    Searcher(const Luma& source, const Bordered& coarse, const ReferenceParts& reference,
             const SearchOptions& options)
        : source_(source),
          coarse_(coarse),
          reference_(reference),
          stride_(reference.phases.stride),
          range_(std::clamp(options.range, 1, 4096)),
          effort_(effort_of(options.effort)),
          costs_(options.lambda, 4 * range_) {
        for (int n = 0; n < kSizes; ++n) {
            field.columns[n] = (source.width + size_of(n) - 1) / size_of(n);
            field.rows[n] = (source.height + size_of(n) - 1) / size_of(n);
            field.blocks[n].resize(static_cast<std::size_t>(field.columns[n]) * field.rows[n]);
            if (n < kCoarseSizes) coarse_vectors_[n].resize(field.blocks[n].size());
        }
    }

    Field field;

    void search_coarse(int row);
    void search_block64(int column, int row);

private:
    struct Block {
        int n, column, row, x, y, width, height;
        Vector expected;
    };

    Block block_of(int n, int column, int row) const {
        const int x = column * size_of(n), y = row * size_of(n);
        return {n, column, row, x, y, std::min(size_of(n), source_.width - x),
                std::min(size_of(n), source_.height - y), expected(n, column, row)};
    }
    Found& found(const Block& b) {
        return field.blocks[b.n][static_cast<std::size_t>(b.row) * field.columns[b.n] + b.column];
    }
    Vector coarse_vector(int n, int column, int row) const {
        return coarse_vectors_[n][static_cast<std::size_t>(row) * field.columns[n] + column];
    }
    Vector within(Vector v) const {
        const int most = 4 * range_;
        return {static_cast<std::int16_t>(std::clamp<int>(v.dx, -most, most)),
                static_cast<std::int16_t>(std::clamp<int>(v.dy, -most, most))};
    }
    bool inside(Vector v) const {
        return std::abs(v.dx) <= 4 * range_ && std::abs(v.dy) <= 4 * range_;
    }
    bool known(int n, int column, int row) const;
    Vector expected(int n, int column, int row) const;
    template <typename List>
    void collect(const Block& b, List& list) const;
    void search(const Block& b);
    void retry(const Block& b);
    void try_whole(const Block& b, Vector vector, Tried& best) const;
    void try_satd(const Block& b, Vector vector, Tried& best) const;
    void descend(const Block& b, Tried& best) const;
    void square(const Block& b, int reach, Tried& best) const;
    void refine(const Block& b, int step, int turns, Tried& best) const;
    const std::uint8_t* samples(const Block& b) const {
        return source_.samples + static_cast<std::size_t>(b.y) * source_.stride + b.x;
    }

    const Luma& source_;
    const Bordered& coarse_;
    const ReferenceParts& reference_;
    const std::size_t stride_;
    const int range_;
    const Effort effort_;
    const VectorCosts costs_;
    std::vector<Vector> coarse_vectors_[kCoarseSizes];
};

}  // namespace video
