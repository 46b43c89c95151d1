// Motion search: where blocks of a picture are found in its references (encoder only; not normative).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "team.hpp"

namespace video {

// A vector in quarter samples of luma: the block at (x, y) is predicted from (x + dx / 4, y + dy / 4).
struct Vector {
    std::int16_t dx = 0, dy = 0;
    bool operator==(const Vector&) const = default;
};

// Luma of 8 bits, in rows of `stride`.
struct Luma {
    const std::uint8_t* samples = nullptr;
    std::size_t stride = 0;
    int width = 0, height = 0;  // multiples of 8
};

// A reference made ready to be searched: its sixteen quarter-sample phases with borders, and what is
// coarser. Made once for a picture, searched for several.
class SearchReference {
public:
    SearchReference(const Luma& luma, threads::Team& team);
    ~SearchReference();
    SearchReference(SearchReference&&) noexcept;

    // The samples of the block at (x, y) moved by `vector`, in rows of stride(): a pointer into the phase
    // of the vector's fraction. Vectors are clamped so that nothing outside the border is read.
    const std::uint8_t* at(int x, int y, Vector vector) const;
    std::size_t stride() const;

private:
    friend class MotionSearch;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

inline constexpr int kSizes = 4;  // blocks of 64, 32, 16 and 8 samples, in this order
inline constexpr int size_of(int n) { return 64 >> n; }

struct Found {
    Vector vector;
    std::uint32_t satd = 0;  // sum of absolute Hadamard-transformed differences (8x8 blocks, normalised
                             // as x265 does: about the SAD of a smooth residual), without the vector's cost
};

// What was found in one reference: for every size a grid of ceil(width / size) x ceil(height / size) blocks
// in rows. A block that goes over the edge is searched with the part that lies inside.
struct Field {
    int columns[kSizes]{}, rows[kSizes]{};
    std::vector<Found> blocks[kSizes];
    const Found& at(int size, int column, int row) const {
        return blocks[size][static_cast<std::size_t>(row) * columns[size] + column];
    }
};

struct SearchOptions {
    double lambda = 4.0;  // SATD that a bit of a vector is worth: about sqrt of the lambda of squared errors
    int range = 64;       // samples that a vector may be long, each way
    int effort = 7;       // 1 fast .. 7 thorough
};

// Searches `source` in each of the references. Same result for any number of threads.
std::vector<Field> search(const Luma& source, std::span<const SearchReference* const> references,
                          const SearchOptions& options, threads::Team& team);

// Sum of absolute transformed differences of a block, as Found::satd counts it.
std::uint32_t satd(const std::uint8_t* a, std::size_t a_stride, const std::uint8_t* b, std::size_t b_stride,
                   int width, int height);  // multiples of 4

}  // namespace video
