// What an inter frame consists of: blocks in trees of 64x64, with their motion, and squares of coefficients.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "picture.hpp"
#include "transform.hpp"

namespace video {

enum class Kind : std::uint8_t { none, merge, inter, intra };  // none: not coded yet

// What is known of each 8x8 block; a larger block fills all of its cells alike.
struct Cell {
    Kind kind = Kind::none;
    std::uint8_t log2 = 0;        // of the block: 3..6
    std::uint8_t merge = 0;       // number in the list of candidates
    std::uint8_t intra_mode = 0;
    bool coded = false;           // has a residual
    bool fine = false;            // in squares of half the largest size
    Motion motion;
};

// One coded square.
struct Square {
    std::uint8_t plane, log2;
    std::int8_t columns, rows;  // of the corner that may differ from zero
    std::int16_t x, y;          // in samples of the plane
};

// What a square with so many coefficients counts for in the contexts of those beside it.
inline std::uint8_t density_of(int count) {
    return static_cast<std::uint8_t>(count > 2 ? 2 : count > 0 ? 1 : 0);
}

// How an inter frame is coded, beside its blocks.
struct FrameHead {
    int level = 0;     // 0..63: the step is 2^((59 - level) / 6) of 255
    int layer = 0;     // 0..3: whose contexts it goes on with
    int number = 0;    // in the order of showing, since the key frame
    bool fresh = false;      // contexts start anew
    bool overlapped = true;  // predictions of neighbours overlap
    bool filtered = false;   // the network runs
};

class FrameData {
public:
    FrameData(const Format& format, int references);

    const Format& format() const { return format_; }
    int columns() const { return columns_; }
    int rows() const { return rows_; }
    bool inside(int column, int row) const {
        return column >= 0 && row >= 0 && column < columns_ && row < rows_;
    }
    Cell& cell(int column, int row) { return cells_[static_cast<std::size_t>(row) * columns_ + column]; }
    const Cell& cell(int column, int row) const {
        return cells_[static_cast<std::size_t>(row) * columns_ + column];
    }
    void fill(int column, int row, int count, const Cell& cell);

    // Coefficients of a plane, squares where their samples are; rows of plane_width.
    Coefficient* coefficients(int plane, int x, int y) {
        return coefficients_[plane].data() + static_cast<std::size_t>(y) * format_.plane_width(plane) + x;
    }
    const Coefficient* coefficients(int plane, int x, int y) const {
        return coefficients_[plane].data() + static_cast<std::size_t>(y) * format_.plane_width(plane) + x;
    }

    // Takes over the coefficients of another frame of the same format.
    void take_coefficients(FrameData& other) {
        for (int n = 0; n < kPlanes; ++n) coefficients_[n].swap(other.coefficients_[n]);
    }

    // Of each 4x4 samples of a plane (see density_of): 0: nothing coded, 1: few, 2: more coefficients in its square.
    std::uint8_t density(int plane, int x, int y) const {
        if (x < 0 || y < 0) return 0;
        return density_[plane][static_cast<std::size_t>(y >> 2) * density_columns(plane) + (x >> 2)];
    }
    void set_density(int plane, int x, int y, int size, std::uint8_t value);

    int references = 0;
    int distance[kReferences]{};           // frames from the reference to this one
    std::span<const PastMotion> past;      // of the first reference, by cell; may be empty
    std::vector<std::uint8_t> filter[2];   // by tree: whether luma, chroma are filtered

private:
    int density_columns(int plane) const { return (format_.plane_width(plane) + 3) >> 2; }

    Format format_;
    int columns_, rows_;
    std::vector<Cell> cells_;
    std::vector<Coefficient> coefficients_[kPlanes];
    std::vector<std::uint8_t> density_[kPlanes];
};

// Candidates of a block of `count` cells at (column, row), no two alike; how many there are.
int merge_list(const FrameData& frame, int column, int row, int count, Motion (&list)[6]);

// The two vectors from which a vector to `reference` is predicted.
void predictors(const FrameData& frame, int column, int row, int count, int reference, Vector (&list)[2]);

// The squares of a plane of a block with a residual; fn(x, y, log2) in the order of the file.
template <typename Function>
void each_square(const Format& format, int plane, int x, int y, const Cell& cell, Function&& fn) {
    const int shift = format.shift(plane);
    const int size = (1 << cell.log2) >> shift;
    int log2 = (cell.log2 > 5 ? 5 : cell.log2) - (cell.fine ? 1 : 0) - shift;
    if (log2 < 2) log2 = 2;
    const int step = 1 << log2;
    for (int v = 0; v < size; v += step) {
        for (int u = 0; u < size; u += step) fn((x >> shift) + u, (y >> shift) + v, log2);
    }
}

}  // namespace video
