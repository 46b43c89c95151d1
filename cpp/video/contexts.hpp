// All that an inter frame learns while it is coded (entropy/INTER.md, Contexts).
#pragma once

#include "bits.hpp"

namespace video {

inline constexpr int kDepths = 4;        // blocks of 8, 16, 32, 64 by log2 - 3
inline constexpr int kMergeList = 6;     // candidates
inline constexpr int kVectorClasses = 16;
inline constexpr int kPositions = 10;    // classes of a frequency
inline constexpr int kUnaryLevels = 15;  // magnitudes that are coded by decisions of their own

struct Contexts {
    // Blocks
    Mixer<2> split_mixer[kDepths];
    Estimate split_count[kDepths][3], split_sizes[kDepths][5][5];
    Mixer<2> merge_mixer[kDepths];
    Estimate merge_count[kDepths][3], merge_kinds[kDepths][4][4];
    Estimate merge_index[kMergeList][kDepths];
    Estimate intra[3];
    Mixer<2> both_mixer;
    Estimate both_count[3], both_size[kDepths];
    Estimate reference[2][3][3];
    Estimate predictor;
    Mixer<2> vector_mixer[2];
    Estimate vector_class[2][kVectorClasses], vector_other[2][3][kDepths][kVectorClasses];
    Estimate vector_top[2][kVectorClasses];
    Estimate intra_likely, intra_which, intra_tree[64];

    // Residual
    Mixer<2> coded_mixer[2];
    Estimate coded_count[2][3][kDepths], coded_kinds[2][kMergeList + 1][3][3];
    Estimate fine[kDepths][3];
    Mixer<2> flag_mixer[2];
    Estimate flag_around[3][5], flag_size[3][4][2][2];
    Mixer<2> last_mixer[2];
    Estimate last_size[2][4][2][kPositions], last_density[2][4][2][3][kPositions];
    Estimate square[2][3][2];
    Mixer<3> nonzero_mixer[2][4];
    Estimate nonzero_sum[2][8][5], nonzero_place[2][4][kPositions][kPositions], nonzero_square[2][4][4][7];
    Mixer<3> above_mixer[2];
    Estimate above_sum[2][6][4], above_place[2][4][6][6], above_size[2][10][3];
    Mixer<2> level_mixer[2];
    Estimate level_sum[2][8][kUnaryLevels], level_place[2][4][kUnaryLevels];

    // Filter
    Estimate filtered[2][3];
};

// Calls fn with every array of estimates.
template <typename Function>
void each_estimates(const Contexts& c, Function&& fn) {
    fn(c.split_count);
    fn(c.split_sizes);
    fn(c.merge_count);
    fn(c.merge_kinds);
    fn(c.merge_index);
    fn(c.intra);
    fn(c.both_count);
    fn(c.both_size);
    fn(c.reference);
    fn(c.predictor);
    fn(c.vector_class);
    fn(c.vector_other);
    fn(c.vector_top);
    fn(c.intra_likely);
    fn(c.intra_which);
    fn(c.intra_tree);
    fn(c.coded_count);
    fn(c.coded_kinds);
    fn(c.fine);
    fn(c.flag_around);
    fn(c.flag_size);
    fn(c.last_size);
    fn(c.last_density);
    fn(c.square);
    fn(c.nonzero_sum);
    fn(c.nonzero_place);
    fn(c.nonzero_square);
    fn(c.above_sum);
    fn(c.above_place);
    fn(c.above_size);
    fn(c.level_sum);
    fn(c.level_place);
    fn(c.filtered);
}

}  // namespace video
