#include "predict.hpp"

#include <algorithm>

namespace video {

void predict_block(References references, const Format& format, int plane, int x, int y, int w, int h,
                   const Motion& motion, Sample* out, int stride) {
    const int bits = 2 + format.shift(plane);
    alignas(64) Middle first[kBlockStride * kBlockStride];
    const auto& a = *references[static_cast<std::size_t>(motion.reference[0])];
    interpolate(a.planes[plane], x, y, w, h, motion.vector[0], bits, first);
    if (!motion.both()) return round_one(first, w, h, out, stride);
    alignas(64) Middle second[kBlockStride * kBlockStride];
    const auto& b = *references[static_cast<std::size_t>(motion.reference[1])];
    interpolate(b.planes[plane], x, y, w, h, motion.vector[1], bits, second);
    round_mean(first, second, w, h, out, stride);
}

namespace {

constexpr int kParts = 32;                       // a prediction counts so many parts
constexpr int kWhole[4] = {8, 4, 2, 1};          // of a neighbour's, by the distance from its edge
constexpr int kHalved[2] = {6, 2};               // in a plane of half the size
constexpr int kStrip = 4;                        // samples that it reaches over the edge

// Blends the predictions of the neighbours that move otherwise into one cell.
void overlap_cell(const FrameData& frame, References references, int column, int row, Picture& out) {
    static constexpr int kSides[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    const Cell& own = frame.cell(column, row);
    if (!own.motion.inter()) return;
    const Motion* others[4] = {};
    bool any = false;
    for (int side = 0; side < 4; ++side) {
        const int c = column + kSides[side][0], r = row + kSides[side][1];
        if (!frame.inside(c, r)) continue;
        const Motion& motion = frame.cell(c, r).motion;
        if (motion.inter() && motion != own.motion) others[side] = &motion, any = true;
    }
    if (!any) return;
    const Format& format = frame.format();
    for (int plane = 0; plane < kPlanes; ++plane) {
        const int shift = format.shift(plane);
        const int size = kCell >> shift, reach = kStrip >> shift;
        const int* weights = shift ? kHalved : kWhole;
        const int x0 = column * size, y0 = row * size;
        int sums[kCell][kCell] = {};
        for (int side = 0; side < 4; ++side) {
            if (!others[side]) continue;
            const bool along = kSides[side][1] == 0;  // the neighbour is to the left or right
            const bool after = kSides[side][0] + kSides[side][1] > 0;
            const int x = along && after ? size - reach : 0, y = !along && after ? size - reach : 0;
            const int w = along ? reach : size, h = along ? size : reach;
            Sample strip[kCell * kCell];
            predict_block(references, format, plane, x0 + x, y0 + y, w, h, *others[side], strip, kCell);
            for (int v = 0; v < h; ++v) {
                const Sample* p = out.planes[plane].row(y0 + y + v) + x0 + x;
                for (int u = 0; u < w; ++u) {
                    const int at = along ? u : v;
                    const int weight = weights[after ? reach - 1 - at : at];
                    sums[y + v][x + u] += weight * (int{strip[v * kCell + u]} - int{p[u]});
                }
            }
        }
        for (int v = 0; v < size; ++v) {
            Sample* p = out.planes[plane].row(y0 + v) + x0;
            for (int u = 0; u < size; ++u) {
                if (sums[v][u] != 0) p[u] = clamp_sample(p[u] + ((sums[v][u] + kParts / 2) >> 5));
            }
        }
    }
}

}  // namespace

void predict_frame(const FrameData& frame, References references, bool overlapped, Picture& out,
                   threads::Team& team) {
    const Format& format = frame.format();
    const auto rows = static_cast<std::size_t>(format.tree_rows());
    constexpr int kCells = kTree / kCell;
    team.run(rows, [&](std::size_t tree_row) {
        const int first = static_cast<int>(tree_row) * kCells;
        for (int row = first; row < std::min(first + kCells, frame.rows()); ++row) {
            for (int column = 0; column < frame.columns(); ++column) {
                const Cell& cell = frame.cell(column, row);
                const int count = 1 << (cell.log2 - 3);
                // The upper left cell of a block stands at a multiple of its size.
                if (!cell.motion.inter() || column % count || row % count) continue;
                const int size = 1 << cell.log2;
                for (int plane = 0; plane < kPlanes; ++plane) {
                    const int s = format.shift(plane);
                    Plane& target = out.planes[plane];
                    const int x = column * kCell >> s, y = row * kCell >> s;
                    predict_block(references, format, plane, x, y, size >> s, size >> s, cell.motion,
                                  target.row(y) + x, target.stride());
                }
            }
        }
    });
    if (!overlapped) return;
    team.run(rows, [&](std::size_t tree_row) {
        const int first = static_cast<int>(tree_row) * kCells;
        for (int row = first; row < std::min(first + kCells, frame.rows()); ++row) {
            for (int column = 0; column < frame.columns(); ++column) {
                overlap_cell(frame, references, column, row, out);
            }
        }
    });
}

}  // namespace video
