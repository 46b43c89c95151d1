// Blocks and their motion as decisions (entropy/INTER.md, Blocks). One code for encoder, decoder and prices.
#pragma once

#include "blocks.hpp"
#include "contexts.hpp"
#include "error.hpp"

namespace video {

inline constexpr int kIntraModes = 35;  // planar, mean, 33 directions

template <class Coder>
class BlockSyntax {
public:
    BlockSyntax(Coder& coder, Contexts& contexts, FrameData& frame)
        : coder_(coder), contexts_(contexts), frame_(frame) {}

    // Whether the block of 2^log2 samples at the cell is split. `deeper`: what the encoder wants.
    bool split(int column, int row, int log2, bool wanted = false) {
        const int depth = log2 - 3;
        if (depth == 0) return false;
        const int count = 1 << depth;
        if (column + count > frame_.columns() || row + count > frame_.rows()) return true;
        const int left = size_at(column - 1, row), above = size_at(column, row - 1);
        const int deeper = (left > 0 && left < log2 ? 1 : 0) + (above > 0 && above < log2 ? 1 : 0);
        return code_mixed<Coder, 2>(coder_, contexts_.split_mixer[depth],
                                    {&contexts_.split_count[depth][deeper],
                                     &contexts_.split_sizes[depth][left ? left - 2 : 0][above ? above - 2 : 0]},
                                    wanted);
    }

    // Kind, motion and intra mode of a block; `cell` has what is coded, or gets what is decoded.
    void block(int column, int row, Cell& cell) {
        const int depth = cell.log2 - 3, count = 1 << depth;
        const Kind left = kind_at(column - 1, row), above = kind_at(column, row - 1);
        const int merges = (left == Kind::merge) + (above == Kind::merge);
        const bool merge = code_mixed<Coder, 2>(
            coder_, contexts_.merge_mixer[depth],
            {&contexts_.merge_count[depth][merges],
             &contexts_.merge_kinds[depth][static_cast<int>(left)][static_cast<int>(above)]},
            cell.kind == Kind::merge);
        if (merge) {
            cell.kind = Kind::merge;
            Motion list[kMergeList];
            const int most = merge_list(frame_, column, row, count, list);
            int index = 0;
            while (index + 1 < most &&
                   code_bit(coder_, contexts_.merge_index[index][depth], cell.merge > index)) {
                ++index;
            }
            cell.merge = static_cast<std::uint8_t>(index);
            cell.motion = list[index];
            return;
        }
        const int intras = (left == Kind::intra) + (above == Kind::intra);
        if (code_bit(coder_, contexts_.intra[intras], cell.kind == Kind::intra)) {
            cell.kind = Kind::intra;
            cell.motion = {};
            intra_mode(column, row, cell);
            return;
        }
        cell.kind = Kind::inter;
        inter(column, row, count, cell);
    }

private:
    int size_at(int column, int row) const {
        if (!frame_.inside(column, row)) return 0;
        const Cell& cell = frame_.cell(column, row);
        return cell.kind == Kind::none ? 0 : cell.log2;
    }
    Kind kind_at(int column, int row) const {
        return frame_.inside(column, row) ? frame_.cell(column, row).kind : Kind::none;
    }

    void inter(int column, int row, int count, Cell& cell) {
        const auto at = [&](int x, int y) { return frame_.inside(x, y) ? &frame_.cell(x, y) : nullptr; };
        const Cell* beside[2] = {at(column - 1, row), at(column, row - 1)};
        int boths = 0, later[2] = {0, 0};
        for (const Cell* other : beside) {
            if (!other || !other->motion.inter()) continue;
            boths += other->motion.both();
            for (int n = 0; n < 2; ++n) later[n] += other->motion.reference[n] > 0;
        }
        Motion& motion = cell.motion;
        const bool both = code_mixed<Coder, 2>(
            coder_, contexts_.both_mixer,
            {&contexts_.both_count[boths], &contexts_.both_size[cell.log2 - 3]}, motion.both());
        for (int n = 0; n < (both ? 2 : 1); ++n) {
            int reference = 0;
            while (reference + 1 < frame_.references &&
                   code_bit(coder_, contexts_.reference[n][reference > 1 ? 2 : reference][later[n]],
                            motion.reference[n] > reference)) {
                ++reference;
            }
            motion.reference[n] = static_cast<std::int8_t>(reference);
            Vector list[2];
            predictors(frame_, column, row, count, reference, list);
            int which = 0;
            if (!Coder::kDecodes) which = cheaper(list, motion.vector[n]);
            if (list[0] != list[1]) {
                which = code_bit(coder_, contexts_.predictor, which == 1);
            } else {
                which = 0;
            }
            const Vector from = list[which];
            int longer = 0;
            const int dx = component(0, cell.log2 - 3, 0, motion.vector[n].dx - from.dx);
            longer = dx == 0 ? 0 : dx > -8 && dx < 8 ? 1 : 2;
            const int dy = component(1, cell.log2 - 3, longer, motion.vector[n].dy - from.dy);
            motion.vector[n] = {checked(from.dx + dx), checked(from.dy + dy)};
        }
        if (!both) {
            motion.reference[1] = -1;
            motion.vector[1] = {};
        }
    }

    static int length(int d) {
        int n = 0;
        for (unsigned v = static_cast<unsigned>(d < 0 ? -d : d); v != 0; v >>= 1) ++n;
        return n;
    }

    static int cheaper(const Vector (&list)[2], Vector vector) {
        const auto cost = [&](Vector from) { return length(vector.dx - from.dx) + length(vector.dy - from.dy); };
        return cost(list[1]) < cost(list[0]) ? 1 : 0;
    }

    static std::int16_t checked(int value) {
        if (value < -16384 || value > 16383) throw rans::CorruptStream("a vector is longer than vectors may be");
        return static_cast<std::int16_t>(value);
    }

    // One component of a vector's difference: the number of its bits, its bits below the first, its sign.
    int component(int axis, int depth, int longer, int value) {
        const int bits = length(value);
        int n = 0;
        while (n < kVectorClasses - 1 &&
               code_mixed<Coder, 2>(coder_, contexts_.vector_mixer[axis],
                                    {&contexts_.vector_class[axis][n], &contexts_.vector_other[axis][longer][depth][n]},
                                    bits > n)) {
            ++n;
        }
        if (n == 0) return 0;
        const unsigned size = static_cast<unsigned>(value < 0 ? -value : value);
        unsigned coded = 1;
        for (int b = n - 2; b >= 0; --b) {
            const bool wanted = (size >> b & 1) != 0;
            const bool bit = b == n - 2 ? code_bit(coder_, contexts_.vector_top[axis][n], wanted)
                                        : code_even(coder_, wanted);
            coded = coded << 1 | (bit ? 1u : 0u);
        }
        const bool negative = code_even(coder_, value < 0);
        return negative ? -static_cast<int>(coded) : static_cast<int>(coded);
    }

    void intra_mode(int column, int row, Cell& cell) {
        int likely[2];
        const auto mode_at = [&](int x, int y) {
            return kind_at(x, y) == Kind::intra ? int{frame_.cell(x, y).intra_mode} : 1;
        };
        likely[0] = mode_at(column - 1, row);
        likely[1] = mode_at(column, row - 1);
        if (likely[0] == likely[1]) likely[1] = likely[0] == 0 ? 1 : 0;
        const int mode = cell.intra_mode;
        if (code_bit(coder_, contexts_.intra_likely, mode == likely[0] || mode == likely[1])) {
            const bool second = code_bit(coder_, contexts_.intra_which, mode == likely[1]);
            cell.intra_mode = static_cast<std::uint8_t>(likely[second ? 1 : 0]);
            return;
        }
        unsigned node = 1;
        for (int n = 5; n >= 0; --n) {
            node = node << 1 | (code_bit(coder_, contexts_.intra_tree[node], (mode >> n & 1) != 0) ? 1u : 0u);
        }
        node -= 64;
        if (node >= kIntraModes) throw rans::CorruptStream("there is no such direction");
        cell.intra_mode = static_cast<std::uint8_t>(node);
    }

    Coder& coder_;
    Contexts& contexts_;
    FrameData& frame_;
};

}  // namespace video
