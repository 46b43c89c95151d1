// An inter frame as decisions: trees, blocks, residuals, filter (entropy/INTER.md, Frame).
#pragma once

#include <algorithm>
#include <vector>

#include "block_syntax.hpp"
#include "residual_syntax.hpp"

namespace video {

struct CodedBlock {
    std::int16_t column, row;
    std::uint8_t log2;
    std::uint32_t first, count;  // of its squares
};

// Blocks and squares in the order of the file.
struct CodedOrder {
    std::vector<CodedBlock> blocks;
    std::vector<Square> squares;
};

template <class Coder>
class FrameSyntax {
public:
    // `frame` is filled as it is coded. An encoder gives what is wanted in `planned`, whose coefficients
    // are in `frame` already.
    FrameSyntax(Coder& coder, Contexts& contexts, FrameData& frame, const FrameData* planned)
        : coder_(coder), contexts_(contexts), frame_(frame), planned_(planned),
          blocks_(coder, contexts, frame) {}

    void trees(CodedOrder& order) {
        constexpr int kCells = kTree / kCell;
        for (int row = 0; row < frame_.rows(); row += kCells) {
            for (int column = 0; column < frame_.columns(); column += kCells) tree(column, row, 6, order);
        }
    }

    void filter() {
        const int columns = frame_.format().tree_columns(), rows = frame_.format().tree_rows();
        for (int row = 0; row < rows; ++row) {
            for (int column = 0; column < columns; ++column) {
                for (int kind = 0; kind < 2; ++kind) {
                    auto& marks = frame_.filter[kind];
                    const std::size_t at = static_cast<std::size_t>(row) * columns + column;
                    const int around = (column > 0 ? marks[at - 1] : 1) +
                                       (row > 0 ? marks[at - static_cast<std::size_t>(columns)] : 1);
                    const bool wanted = planned_ && planned_->filter[kind][at] != 0;
                    marks[at] = code_bit(coder_, contexts_.filtered[kind][around], wanted);
                }
            }
        }
    }

private:
    void tree(int column, int row, int log2, CodedOrder& order) {
        if (!frame_.inside(column, row)) return;
        const bool wanted = planned_ && planned_->cell(column, row).log2 < log2;
        if (blocks_.split(column, row, log2, wanted)) {
            const int half = 1 << (log2 - 4);
            tree(column, row, log2 - 1, order);
            tree(column + half, row, log2 - 1, order);
            tree(column, row + half, log2 - 1, order);
            tree(column + half, row + half, log2 - 1, order);
            return;
        }
        Cell cell;
        if (planned_) cell = planned_->cell(column, row);
        cell.log2 = static_cast<std::uint8_t>(log2);
        blocks_.block(column, row, cell);
        const auto first = static_cast<std::uint32_t>(order.squares.size());
        code_residual(coder_, contexts_, frame_, column, row, cell,
                      [&](const Square& square) { order.squares.push_back(square); });
        frame_.fill(column, row, 1 << (log2 - 3), cell);
        order.blocks.push_back({static_cast<std::int16_t>(column), static_cast<std::int16_t>(row), cell.log2,
                                first, static_cast<std::uint32_t>(order.squares.size()) - first});
    }

    Coder& coder_;
    Contexts& contexts_;
    FrameData& frame_;
    const FrameData* planned_;
    BlockSyntax<Coder> blocks_;
};

}  // namespace video
