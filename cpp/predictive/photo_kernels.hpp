// What the kernels of coder P compute, and how samples lie in memory meanwhile. entropy/PREDICTIVE.md,
// section P, is normative for the integers; every instruction set gives the same.
//
// Rows are dealt to 16 lanes: row r belongs to lane r mod 16. At a step, every lane is 4 columns
// behind the lane of the row above it, so that all that it may look at was decoded before. A *record*
// holds what is known of one step: three channels of three planes (values, errors of the first
// prediction, errors of the linear one) of 4 + 16 numbers, where the first four belong to the rows
// above lane 0. The value that is `down` rows lower and `right` columns further than lane l's is then
// that of lane l + down in the record right + 4 down steps away: one load for all lanes.
//
// Files for one instruction set include this: it may not bring in inline functions that are not always
// inlined, since one compiled there could be linked into what runs elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>

namespace predictive {

inline constexpr int kLanes = 16;
inline constexpr int kPads = 4;              // lanes of rows above lane 0's
inline constexpr int kLag = 4;               // columns from one lane to the next
inline constexpr int kPlane = kPads + kLanes;
inline constexpr int kKinds = 3;             // planes of a channel: value, error, linear error
inline constexpr int kPlanes = 3 * kKinds;
inline constexpr int kRecord = kPlanes * kPlane;

inline constexpr int kLimit = 2047;          // of all inputs: nearly 8 scales, or 8 octaves
inline constexpr int kInputDrop = 4;         // bits of an input that the networks do not see
inline constexpr int kHiddenLimit1 = 255, kHiddenLimit2 = 4095;
inline constexpr int kHidden1 = 48, kHidden2 = 24;
inline constexpr int kWeightBits = 10;
inline constexpr int kMostPairs = 32;        // of features
inline constexpr int kMostLinear = 26;       // inputs of the linear predictor
inline constexpr int kLinear[3] = {16, 21, 26};
inline constexpr int kFeatures[3] = {44, 56, 64};  // with zeros that make them multiples of 4

inline constexpr int kStates = 4;            // of the range coder, at most
inline constexpr int kScales = 21, kPhases = 3, kTokens = 63, kTokenStride = 64;
inline constexpr int kMostScale = 59;        // with bits that are sent as they are
inline constexpr int kDirect = 32;           // tokens that are one value
inline constexpr int kChunk = 4096;          // samples whose products are summed at once

// Bits that follow a token after the direct ones, by its class, and the smallest magnitude of the class.
inline constexpr int kClasses = 15;
inline constexpr std::uint8_t kClassBits[kClasses] = {3, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
inline constexpr std::int32_t kClassStart[kClasses] = {17,  25,   33,   49,   65,   97,    161,  289,
                                                       545, 1057, 2081, 4129, 8225, 16417, 32801};

// A pair is two int16 of neighbouring inputs in one int32, the first in the low half. A quad is four bytes:
// inputs 0, 2, 1, 3 of four neighbours from the lowest on. Activations of quads are unsigned, with 128
// added to those of the first layer; weights are signed.
struct Layer {
    int inputs;                   // a multiple of 4
    const std::int32_t* pairs;    // [inputs / 2][outputs]
    const std::int32_t* quads;    // [inputs / 4][outputs]
    const std::int32_t* bias;     // for pairs, with the half that rounds
    const std::int32_t* quad_bias;
    const std::int32_t* shift;    // of each output's sum
};

struct Net {
    Layer first, second;
    const std::int32_t* third;    // pairs [kHidden2 / 2][2]
    const std::int32_t* third_bias;
};

struct Tables {
    // [kScales * kPhases][kTokenStride]: cumulative ones, and 65535 after the last.
    const std::uint16_t* starts;
    const std::uint16_t* frequencies;
};

// What is the same for all samples of a payload.
struct Setting {
    const std::int32_t* reciprocals;  // by bin of the activity
    const std::int32_t* logarithms;
    const Net* nets;                  // of the three channels
    Tables tables;
    std::int32_t linear[3][kMostLinear / 2];  // pairs of coefficients
    std::int32_t step;                // 2 error + 1
    std::int32_t log_step;
    std::int32_t highest;             // value of a sample
};

// What is predicted for one channel of all lanes.
struct alignas(64) Predicted {
    std::int32_t start[kLanes];   // first prediction
    std::int32_t linear[kLanes];  // linear one in 1/8 level
    std::int32_t centre[kLanes];  // of the distribution, whole levels
    std::int32_t table[kLanes];
    std::int32_t shift[kLanes];   // low bits that are sent as they are
    std::int32_t flip[kLanes];    // 0, or -1 where signs are exchanged
};

// A symbol that is yet to be coded: its entry of the tables in 12 bits, a one and the bits that follow
// it as they are in 16, and its lane in 4, from the lowest on.
using Symbol = std::uint32_t;
inline constexpr int kRawAt = 12, kLaneAt = 28;
inline constexpr int kMostRawBits = 15;

// The range coder of a payload that is decoded.
struct Source {
    const std::uint8_t* at;
    const std::uint8_t* end;
    std::uint64_t states[kStates];
    unsigned state_mask;
};

enum class Fault { none, exhausted, corrupt };

struct PhotoKernels {
    const char* name;
    bool (*supported)();
    // `record` is at lane 0 of the first plane of a step.
    void (*predict[3])(const Setting&, const std::int32_t* record, Predicted&);
    // Decodes the lanes of `mask`; their values go into the record.
    Fault (*decode)(const Setting&, Source&, const Predicted&, int channel, unsigned mask,
                    std::int32_t* record);
    // Symbols of all lanes whose samples are `source`; what they decode to goes into the record.
    void (*encode)(const Setting&, const Predicted&, int channel, const std::int32_t* source,
                   std::int32_t* record, Symbol* out);
    // Errors of a channel whose values are in the record.
    void (*commit)(const Predicted&, int channel, std::int32_t* record);
    // First prediction alone, and, unless `out` is null, inputs of the linear predictor followed by what
    // it should give: for lane l, row i of `out` at i * kChunk + l.
    void (*inputs[3])(const Setting&, const std::int32_t* record, Predicted&, std::int16_t* out);
    // sums[i][j] += sum over n of f[i][n] * g[j][n] for j <= i < rows.
    void (*products)(const std::int16_t* f, const std::int16_t* g, int rows, int count,
                     std::int64_t* sums);
};

}  // namespace predictive
