// Residuals as decisions (entropy/INTER.md, Residual). One code for encoder, decoder and prices.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "blocks.hpp"
#include "contexts.hpp"
#include "error.hpp"
#include "scan.hpp"

namespace video {

// Coefficients of a square while it is coded: magnitudes with a margin of zeros to the right and below.
struct Magnitudes {
    static constexpr int kStride = kMostTransform + 2;
    std::int16_t at[kStride * kStride] = {};

    std::int16_t& operator()(int x, int y) { return at[y * kStride + x]; }
    // The five that are coded before (x, y), as in VVC.
    struct Around {
        int sum, above, count;  // of magnitudes, of magnitudes less one, of those that are not zero
    };
    Around around(int x, int y) const {
        const std::int16_t* c = at + y * kStride + x;
        const int v[5] = {c[1], c[2], c[kStride], c[kStride + 1], c[2 * kStride]};
        Around found{0, 0, 0};
        for (int value : v) {
            found.sum += value;
            found.above += value > 1 ? value - 1 : 0;
            found.count += value > 0;
        }
        return found;
    }
};

// The context of a square that its surroundings give.
struct Surroundings {
    int plane = 0, log2 = 0;
    int density = 0;  // 0..2
    bool chroma() const { return plane > 0; }
};

template <class Coder>
class SquareSyntax {
public:
    SquareSyntax(Coder& coder, Contexts& contexts, const Surroundings& where)
        : coder_(coder), c_(contexts), where_(where), k_(where.chroma() ? 1 : 0), size_(where.log2 - 2) {}

    // Frequency of the last coefficient.
    void last(int& x, int& y) {
        x = coordinate(0, x);
        y = coordinate(1, y);
    }

    // Whether a 4x4 corner of frequencies, not the last one's nor the first, has coefficients.
    bool square(int around, bool any = false) {
        return code_bit(coder_, c_.square[k_][around][size_ == 3], any);
    }

    // Magnitude at frequency (x, y); `known`: that it is not zero.
    int magnitude(const Magnitudes& m, int x, int y, bool known, int corners, int value = 0) {
        const Magnitudes::Around around = m.around(x, y);
        const int diagonal = x + y;
        const int px = position(x), py = position(y);
        if (!known) {
            const int zone = diagonal == 0 ? 0 : diagonal < 2 ? 1 : diagonal < 5 ? 2 : diagonal < 10 ? 3 : 4;
            const bool any = code_mixed<Coder, 3>(
                coder_, c_.nonzero_mixer[k_][size_],
                {&c_.nonzero_sum[k_][std::min(around.sum, 7)][zone], &c_.nonzero_place[k_][size_][px][py],
                 &c_.nonzero_square[k_][corners][std::min(around.count, 3)][(x & 3) + (y & 3)]},
                value > 0);
            if (!any) return 0;
        }
        const int zone = diagonal == 0 ? 0 : diagonal < 3 ? 1 : diagonal < 8 ? 2 : 3;
        const bool more = code_mixed<Coder, 3>(
            coder_, c_.above_mixer[k_],
            {&c_.above_sum[k_][std::min(around.above, 5)][zone],
             &c_.above_place[k_][size_][std::min(px, 5)][std::min(py, 5)],
             &c_.above_size[k_][std::min(around.sum, 9)][where_.density]},
            value > 1);
        if (!more) return 1;
        int level = 2;
        const int sum = std::min((around.above + 1) >> 1, 7);
        while (level < kUnaryLevels &&
               code_mixed<Coder, 2>(coder_, c_.level_mixer[k_],
                                    {&c_.level_sum[k_][sum][level], &c_.level_place[k_][zone][level]},
                                    value > level)) {
            ++level;
        }
        return level < kUnaryLevels ? level : level + rest(value - level);
    }

    bool sign(bool negative = false) { return code_even(coder_, negative); }

private:
    int coordinate(int axis, int value) {
        const int most = position((4 << size_) - 1), wanted = position(value);
        int n = 0;
        while (n < most &&
               code_mixed<Coder, 2>(coder_, c_.last_mixer[k_],
                                    {&c_.last_size[k_][size_][axis][n],
                                     &c_.last_density[k_][size_][axis][where_.density][n]},
                                    wanted > n)) {
            ++n;
        }
        int coded = 0;
        for (int b = kPositionBits[n] - 1; b >= 0; --b) {
            coded = coded << 1 | (code_even(coder_, ((value - kPositionStart[n]) >> b & 1) != 0) ? 1 : 0);
        }
        return kPositionStart[n] + coded;
    }

    // Exponential Golomb code of a magnitude's rest. A coefficient has less than 2^14 steps.
    static constexpr int kMostRestBits = 14;
    int rest(int value) {
        int bits = 0;
        for (int v = value + 1; v > 1; v >>= 1) ++bits;
        int n = 0;
        while (n < kMostRestBits && code_even(coder_, bits > n)) ++n;
        if (n == kMostRestBits) throw rans::CorruptStream("a coefficient is larger than coefficients may be");
        int coded = 1;
        for (int b = n - 1; b >= 0; --b) coded = coded << 1 | (code_even(coder_, ((value + 1) >> b & 1) != 0) ? 1 : 0);
        return coded - 1;
    }

    Coder& coder_;
    Contexts& c_;
    Surroundings where_;
    int k_, size_;
};

// Codes the coefficients of a square, rows of `stride`, at least one of which is not zero. columns and rows:
// the corner of those that are not. Returns how many are not zero.
template <class Coder>
int code_square(Coder& coder, Contexts& contexts, const Surroundings& where, Coefficient* c, int stride,
                int& columns, int& rows) {
    SquareSyntax<Coder> syntax(coder, contexts, where);
    const Scan& scan = scan_of(where.log2);
    const int total = 1 << (2 * where.log2);
    int last = total - 1;
    if (!Coder::kDecodes) {
        while (last > 0 && c[scan.y[last] * stride + scan.x[last]] == 0) --last;
    }
    int x = scan.x[last], y = scan.y[last];
    syntax.last(x, y);
    if (Coder::kDecodes) last = scan.number(x, y);
    Magnitudes m;
    std::uint8_t coded[9 * 9] = {};  // corners of 4x4, with a margin
    int found = 0;
    columns = rows = 0;
    for (int corner = last >> 4; corner >= 0; --corner) {
        const int cx = scan.x[corner << 4] >> 2, cy = scan.y[corner << 4] >> 2;
        const int around = coded[cy * 9 + cx + 1] + 2 * coded[(cy + 1) * 9 + cx];
        const int first = corner == last >> 4 ? last & 15 : 15;
        bool any = true;
        if (corner != last >> 4 && corner != 0) {
            if (!Coder::kDecodes) {
                any = false;
                for (int n = 0; n < 16; ++n) {
                    any |= c[scan.y[corner * 16 + n] * stride + scan.x[corner * 16 + n]] != 0;
                }
            }
            any = syntax.square(around == 3 ? 2 : around > 0 ? 1 : 0, any);
        }
        coded[cy * 9 + cx] = any;
        if (!any) {
            if (Coder::kDecodes) {
                for (int n = 0; n < 16; ++n) c[scan.y[corner * 16 + n] * stride + scan.x[corner * 16 + n]] = 0;
            }
            continue;
        }
        for (int n = first; n >= 0; --n) {
            const int at = corner * 16 + n;
            const int px = scan.x[at], py = scan.y[at];
            Coefficient& value = c[py * stride + px];
            const int size = syntax.magnitude(m, px, py, at == last, around, Coder::kDecodes ? 0 : std::abs(value));
            m(px, py) = static_cast<std::int16_t>(size);
            if (Coder::kDecodes) value = 0;
            if (size == 0) continue;
            const bool negative = syntax.sign(value < 0);
            if (Coder::kDecodes) value = static_cast<Coefficient>(negative ? -size : size);
            ++found;
            columns = std::max(columns, px + 1);
            rows = std::max(rows, py + 1);
        }
    }
    return found;
}

// Whether a block has a residual.
template <class Coder>
bool code_coded(Coder& coder, Contexts& contexts, const FrameData& frame, int column, int row, const Cell& cell,
                bool coded) {
    const auto coded_at = [&](int cx, int cy) {
        if (!frame.inside(cx, cy)) return 0;
        const Cell& other = frame.cell(cx, cy);
        return other.kind == Kind::none ? 0 : other.coded ? 2 : 1;
    };
    const int left = coded_at(column - 1, row), above = coded_at(column, row - 1);
    const int merge = cell.kind == Kind::merge ? 1 : 0;
    return code_mixed<Coder, 2>(coder, contexts.coded_mixer[merge],
                                {&contexts.coded_count[merge][(left == 2) + (above == 2)][cell.log2 - 3],
                                 &contexts.coded_kinds[merge][merge ? cell.merge : kMergeList][left][above]},
                                coded);
}

// Whether its squares are of half the largest size.
template <class Coder>
bool code_fine(Coder& coder, Contexts& contexts, const Cell& cell, bool fine) {
    return code_bit(coder, contexts.fine[cell.log2 - 3][static_cast<int>(cell.kind) - 1], fine);
}

// A square's surroundings: densities to the left and above, and whether chroma was coded before it.
struct SquareAround {
    int density;  // 0..4
    bool chroma;
};

inline SquareAround around_square(const FrameData& frame, int plane, int x, int y, bool chroma_coded) {
    return {frame.density(plane, x - 1, y) + frame.density(plane, x, y - 1),
            plane == 2 ? frame.density(1, x, y) > 0 : chroma_coded};
}

// Whether a square has coefficients.
template <class Coder>
bool code_any(Coder& coder, Contexts& contexts, int plane, int log2, bool fine, const SquareAround& around, bool any) {
    return code_mixed<Coder, 2>(
        coder, contexts.flag_mixer[plane > 0 ? 1 : 0],
        {&contexts.flag_around[plane][around.density], &contexts.flag_size[plane][log2 - 2][fine][around.chroma]}, any);
}

// The residual of a block: whether it has one, how it is cut, which squares are coded, their coefficients.
// on_square(Square) is called for each coded square, in order.
template <class Coder, typename Function>
void code_residual(Coder& coder, Contexts& contexts, FrameData& frame, int column, int row, Cell& cell,
                   Function&& on_square) {
    const Format& format = frame.format();
    const int x = column * kCell, y = row * kCell;
    cell.coded = code_coded(coder, contexts, frame, column, row, cell, cell.coded);
    if (!cell.coded) {
        cell.fine = false;
        const int size = 1 << cell.log2;
        for (int plane = 0; plane < kPlanes; ++plane) {
            const int s = format.shift(plane);
            frame.set_density(plane, x >> s, y >> s, size >> s, 0);
        }
        return;
    }
    cell.fine = code_fine(coder, contexts, cell, cell.fine);
    bool chroma_coded = false;
    for (int plane : {1, 2, 0}) {
        each_square(format, plane, x, y, cell, [&](int px, int py, int log2) {
            const int stride = format.plane_width(plane);
            Coefficient* c = frame.coefficients(plane, px, py);
            bool any = false;
            if (!Coder::kDecodes) {
                for (int v = 0; v < 1 << log2 && !any; ++v) {
                    any = std::any_of(c + v * stride, c + v * stride + (1 << log2), [](auto k) { return k != 0; });
                }
            }
            const SquareAround around = around_square(frame, plane, px, py, chroma_coded);
            any = code_any(coder, contexts, plane, log2, cell.fine, around, any);
            int found = 0;
            if (any) {
                chroma_coded |= plane > 0;
                const Surroundings where{plane, log2, std::min(around.density, 2)};
                int columns = 0, rows = 0;
                found = code_square(coder, contexts, where, c, stride, columns, rows);
                on_square(Square{static_cast<std::uint8_t>(plane), static_cast<std::uint8_t>(log2),
                                 static_cast<std::int8_t>(columns), static_cast<std::int8_t>(rows),
                                 static_cast<std::int16_t>(px), static_cast<std::int16_t>(py)});
            }
            frame.set_density(plane, px, py, 1 << log2, density_of(found));
        });
    }
}

}  // namespace video
