#include "intra.hpp"

#include <algorithm>

namespace video {

void Done::mark(int column, int row, int count) {
    const int right = std::min(column + count, columns_);
    for (int y = row; y < std::min(row + count, rows_); ++y) {
        std::fill_n(marks_.begin() + static_cast<std::ptrdiff_t>(y) * columns_ + column, right - column, 1);
    }
}

Edges edges_of(const Plane& plane, const Done& done, int shift, int x, int y, int size, int block_x,
               int block_y, int block_size) {
    const auto there = [&](int px, int py) {
        // In the block: only what is straight to the left of or above the square.
        if (px >= block_x && py >= block_y && px < block_x + block_size && py < block_y + block_size) {
            return (px < x && py < y + size) || (py < y && px < x + size);
        }
        return done.at(px << shift >> 3, py << shift >> 3) && px < plane.width() && py < plane.height();
    };
    // From the lower end of the left edge over the corner to the right end of the upper one.
    constexpr int kMost = 4 * kMostTransform + 1;
    Sample line[kMost];
    bool known[kMost];
    const int count = 4 * size + 1;
    int first = -1;
    for (int n = 0; n < count; ++n) {
        const int px = n < 2 * size ? x - 1 : x - 1 + (n - 2 * size);
        const int py = n < 2 * size ? y + 2 * size - 1 - n : y - 1;
        known[n] = px >= 0 && py >= 0 && there(px, py);
        if (known[n]) {
            line[n] = plane.row(py)[px];
            if (first < 0) first = n;
        }
    }
    if (first < 0) {
        std::fill_n(line, count, static_cast<Sample>(1 << (kDepth - 1)));
    } else {
        std::fill_n(line, first, line[first]);
        for (int n = first + 1; n < count; ++n) {
            if (!known[n]) line[n] = line[n - 1];
        }
    }
    Edges edges;
    for (int n = 0; n <= 2 * size; ++n) {
        edges.left[n] = line[2 * size - n];
        edges.above[n] = line[2 * size + n];
    }
    return edges;
}

namespace {

constexpr int kAngles[17] = {32, 26, 21, 17, 13, 9, 5, 2, 0, -2, -5, -9, -13, -17, -21, -26, -32};
constexpr int kInverse[17] = {0, 0, 0, 0, 0, 0, 0, 0, 0, -4096, -1638, -910, -630, -482, -390, -315, -256};

}  // namespace

void predict_intra(const Edges& edges, int mode, int log2, Sample* out, int stride) {
    const int size = 1 << log2;
    if (mode == 0) {
        for (int y = 0; y < size; ++y) {
            for (int x = 0; x < size; ++x) {
                out[y * stride + x] = static_cast<Sample>(
                    ((size - 1 - x) * edges.left[y + 1] + (x + 1) * edges.above[size + 1] +
                     (size - 1 - y) * edges.above[x + 1] + (y + 1) * edges.left[size + 1] + size) >> (log2 + 1));
            }
        }
        return;
    }
    if (mode == 1) {
        int sum = size;
        for (int n = 1; n <= size; ++n) sum += edges.left[n] + edges.above[n];
        for (int y = 0; y < size; ++y) std::fill_n(out + y * stride, size, static_cast<Sample>(sum >> (log2 + 1)));
        return;
    }
    // 2..17 look to the left, 18..34 up.
    const bool up = mode >= 18;
    const int n = up ? 34 - mode : mode - 2;
    const int angle = kAngles[n];
    const Sample* main = up ? edges.above : edges.left;
    const Sample* side = up ? edges.left : edges.above;
    Sample line[3 * kMostTransform + 1];
    Sample* reference = line + kMostTransform;
    std::copy_n(main, 2 * size + 1, reference);
    if (angle < 0) {
        const int last = size * angle >> 5;
        for (int k = -1; last < -1 && k >= last; --k) reference[k] = side[(k * kInverse[n] + 128) >> 8];
    }
    for (int y = 0; y < size; ++y) {
        const int at = (y + 1) * angle;
        const int whole = at >> 5, part = at & 31;
        for (int x = 0; x < size; ++x) {
            const int value = part == 0 ? reference[x + whole + 1]
                                        : ((32 - part) * reference[x + whole + 1] +
                                           part * reference[x + whole + 2] + 16) >> 5;
            (up ? out[y * stride + x] : out[x * stride + y]) = static_cast<Sample>(value);
        }
    }
}

}  // namespace video
