// The pixels of a rectangle in rows, and runs of one colour (entropy/SCREEN.md, Walk).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "screen.hpp"
#include "screen_candidates.hpp"
#include "screen_literals.hpp"

namespace predictive {

inline constexpr unsigned kMostPixelBits = 21;  // of a tile of 1024 x 1024: tables grow no further

// T: const std::uint16_t to encode, std::uint16_t to decode.
template <class Coder, typename T, class Colour>
class ScreenWalk {
public:
    ScreenWalk(Coder& coder, const View<T>& view, unsigned bits, Cells cells)
        : coder_(coder),
          view_(view),
          format_{bits, view.channels},
          cells_(cells),
          columns_(cells_along(view.width)),
          rows_(cells_along(view.height)),
          candidates_(pixel_bits()),
          literals_(format_, pixel_bits()) {
        for (auto& line : lines_) line.assign(view.width + 2 * kPad, 0);
    }

    // Stops after the row in which more than `most` bits are spent.
    void run(std::vector<float>* spent, double most) {
        if (spent) spent->assign(columns_ * rows_, 0.0f);
        for (std::size_t y = 0; y < view_.height; ++y) {
            if constexpr (!Coder::kDecodes) {
                if (coder_.bits() > most) return;
            }
            std::rotate(lines_.begin(), lines_.begin() + 2, lines_.end());
            std::fill(lines_[0].begin(), lines_[0].end(), Colour{0});
            for (std::size_t column = 0; column < columns_; ++column) {
                const std::size_t cell = y / kCellSide * columns_ + column;
                if (!is_coded(cell)) continue;
                const std::size_t left = column * kCellSide;
                double before = 0;
                if constexpr (!Coder::kDecodes) before = coder_.bits();
                line(y, left, std::min(left + kCellSide, view_.width));
                if constexpr (!Coder::kDecodes) {
                    if (spent) (*spent)[cell] += static_cast<float>(coder_.bits() - before);
                }
            }
        }
    }

private:
    static constexpr std::size_t kPad = 2;  // unknown pixels left and right of a line
    static constexpr unsigned kRunWidths = 7;

    bool is_coded(std::size_t cell) const { return cells_.empty() || cells_[cell] != 0; }

    // Number of bits of the number of coded pixels, bounded: it sizes the tables.
    unsigned pixel_bits() const {
        std::size_t pixels = 0;
        for (std::size_t cell = 0; cell < columns_ * rows_; ++cell) {
            if (!is_coded(cell)) continue;
            const std::size_t x = cell % columns_ * kCellSide, y = cell / columns_ * kCellSide;
            pixels += std::min(kCellSide, view_.width - x) * std::min(kCellSide, view_.height - y);
        }
        return std::min(static_cast<unsigned>(std::bit_width(pixels)), kMostPixelBits);
    }

    // Pixels [left, right) of row y, which are of one cell.
    void line(std::size_t y, std::size_t left, std::size_t right) {
        T* pixels = view_.row(y);
        for (std::size_t x = left; x < right;) {
            Neighbours<Colour> at = neighbours(x);
            Colour excluded = 0;
            if (at.flat()) {
                const Colour colour = at.w;
                const auto [end, whole] = same(pixels, x, right, colour);
                for (; x < end; ++x) put(pixels, x, colour);
                if (whole) continue;
                at = neighbours(x);
                excluded = colour;
            }
            put(pixels, x, one(pixels, x, at, excluded));
            ++x;
        }
    }

    Neighbours<Colour> neighbours(std::size_t x) const {
        const Colour* here = lines_[0].data() + x;  // two columns to the left
        const Colour* above = lines_[1].data() + x;
        const Colour* over = lines_[2].data() + x;
        return {here[1], above[2], above[1], above[3], here[0], over[2], over[3], above[4]};
    }

    // Where pixels of the colour that is all around end, and whether that is as far as one could hope.
    std::pair<std::size_t, bool> same([[maybe_unused]] const T* pixels, std::size_t x,
                                      std::size_t right, Colour colour) {
        const Colour* above = lines_[1].data() + kPad;
        const Colour* over = lines_[2].data() + kPad;
        std::size_t end = x + 1;
        while (end < right && above[end + 2] == colour && over[end + 1] == colour) ++end;
        const auto width = static_cast<unsigned>(std::bit_width(end - x)) - 1;
        const std::size_t most = std::size_t{1} << width;
        std::size_t length = 0;
        if constexpr (!Coder::kDecodes) {
            while (length < most && number(pixels, x + length) == colour) ++length;
        }
        if (code_bit(coder_, whole_run_[width], length == most)) return {x + most, true};
        length = code_tree(coder_, run_length_[width].data(), width, static_cast<std::uint32_t>(length));
        return {x + length, false};
    }

    Colour one([[maybe_unused]] const T* pixels, std::size_t x, const Neighbours<Colour>& at,
               Colour excluded) {
        Colour colour = 0;
        if constexpr (!Coder::kDecodes) colour = number(pixels, x);
        Colour coded = candidates_.code(coder_, at, excluded, colour);
        if (coded == 0) coded = literals_.code(coder_, at, colour);
        candidates_.update(coded);
        return coded;
    }

    Colour number(const T* pixels, std::size_t x) const {
        return format_.number(pixels + x * format_.channels);
    }

    void put([[maybe_unused]] T* pixels, std::size_t x, Colour colour) {
        lines_[0][x + kPad] = colour;
        if constexpr (Coder::kDecodes) {
            for (std::size_t c = 0; c < format_.channels; ++c) {
                pixels[x * format_.channels + c] = static_cast<std::uint16_t>(format_.sample(colour, c));
            }
        }
    }

    Coder& coder_;
    View<T> view_;
    ColourFormat<Colour> format_;
    Cells cells_;
    std::size_t columns_, rows_;  // of cells
    Candidates<Colour> candidates_;
    Literals<Colour> literals_;
    std::array<std::vector<Colour>, 3> lines_;  // this row, the one above, the one above that
    std::array<AdaptiveBit, kRunWidths> whole_run_;
    std::array<std::array<AdaptiveBit, kCellSide>, kRunWidths> run_length_;
};

}  // namespace predictive
