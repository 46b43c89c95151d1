#include "reconstruct.hpp"

#include <algorithm>

#include "targets.hpp"

namespace video {

int step_of(int level) {
    // 2^(n / 6) in units of 2^-8: the step of level 59 is 4 samples of 10 bits.
    static constexpr int kSixths[6] = {256, 287, 323, 362, 406, 456};
    const int n = 63 - level;  // from the finest on, 4 sixths below level 59
    const int base = n + 2;    // in sixths above 2^-1
    return (kSixths[base % 6] << (base / 6)) >> 1;
}

namespace {

VIDEO_TARGETS void add_square(const std::int16_t* residual, int size, Sample* out, int stride) {
    for (int y = 0; y < size; ++y, residual += size, out += stride) {
        for (int x = 0; x < size; ++x) out[x] = clamp_sample(int{out[x]} + residual[x]);
    }
}

}  // namespace

void add_residual(const FrameData& frame, const Square& square, int step, Plane& plane) {
    const int size = 1 << square.log2, stride = frame.format().plane_width(square.plane);
    alignas(64) Coefficient values[kMostTransform * kMostTransform];
    alignas(64) std::int16_t residual[kMostTransform * kMostTransform];
    const Coefficient* c = frame.coefficients(square.plane, square.x, square.y);
    for (int v = 0; v < square.rows; ++v) {
        for (int u = 0; u < size; ++u) values[v * size + u] = dequantised(c[v * stride + u], step);
    }
    std::fill(values + square.rows * size, values + size * size, Coefficient{0});
    inverse(values, square.log2, square.columns, square.rows, residual);
    add_square(residual, size, plane.row(square.y) + square.x, plane.stride());
}

void reconstruct(const FrameData& frame, const FrameHead& head, const CodedOrder& order, References references,
                 Picture& out, Picture* predicted, threads::Team& team) {
    const Format& format = frame.format();
    const int step = step_of(head.level);
    predict_frame(frame, references, head.overlapped, out, team);
    if (predicted) *predicted = out;
    constexpr std::size_t kParts = 32;
    const std::size_t count = order.blocks.size();
    bool intra = false;
    team.share(count, std::min(count, kParts), [&](std::size_t first, std::size_t last) {
        for (std::size_t n = first; n < last; ++n) {
            const CodedBlock& block = order.blocks[n];
            if (frame.cell(block.column, block.row).kind == Kind::intra) continue;
            for (std::uint32_t k = 0; k < block.count; ++k) {
                const Square& square = order.squares[block.first + k];
                add_residual(frame, square, step, out.planes[square.plane]);
            }
        }
    });
    for (const CodedBlock& block : order.blocks) {
        intra = intra || frame.cell(block.column, block.row).kind == Kind::intra;
    }
    if (!intra) return;
    Done done(frame);
    for (const CodedBlock& block : order.blocks) {
        const Cell& cell = frame.cell(block.column, block.row);
        if (cell.kind == Kind::intra) {
            std::uint32_t next = block.first;
            const std::uint32_t end = block.first + block.count;
            for (int plane : {1, 2, 0}) {
                const int s = format.shift(plane);
                Plane& target = out.planes[plane];
                const int bx = block.column * kCell >> s, by = block.row * kCell >> s;
                const int size = (1 << cell.log2) >> s;
                each_square(format, plane, block.column * kCell, block.row * kCell, cell,
                            [&](int x, int y, int log2) {
                                const Edges edges = edges_of(target, done, s, x, y, 1 << log2, bx, by, size);
                                predict_intra(edges, cell.intra_mode, log2, target.row(y) + x, target.stride());
                                if (next == end) return;
                                const Square& square = order.squares[next];
                                if (square.plane != plane || square.x != x || square.y != y) return;
                                add_residual(frame, square, step, target);
                                ++next;
                            });
            }
        }
        done.mark(block.column, block.row, 1 << (cell.log2 - 3));
    }
}

void forget_intra(const FrameData& frame, const Picture& decoded, Picture& predicted) {
    for (int row = 0; row < frame.rows(); ++row) {
        for (int column = 0; column < frame.columns(); ++column) {
            if (frame.cell(column, row).motion.inter()) continue;
            for (int plane = 0; plane < kPlanes; ++plane) {
                const int size = kCell >> frame.format().shift(plane);
                for (int y = row * size; y < (row + 1) * size; ++y) {
                    std::copy_n(decoded.planes[plane].row(y) + column * size, size,
                                predicted.planes[plane].row(y) + column * size);
                }
            }
        }
    }
}

std::vector<PastMotion> past_of(const FrameData& frame) {
    std::vector<PastMotion> past;
    past.reserve(static_cast<std::size_t>(frame.columns()) * static_cast<std::size_t>(frame.rows()));
    for (int row = 0; row < frame.rows(); ++row) {
        for (int column = 0; column < frame.columns(); ++column) {
            const Motion& motion = frame.cell(column, row).motion;
            PastMotion one;
            if (motion.inter()) {
                one.vector = motion.vector[0];
                one.distance = static_cast<std::int16_t>(frame.distance[motion.reference[0]]);
            }
            past.push_back(one);
        }
    }
    return past;
}

}  // namespace video
