// The encoder of inter frames (not normative).
#pragma once

#include <memory>

#include "blocks.hpp"
#include "contexts.hpp"
#include "filter.hpp"
#include "predict.hpp"
#include "quantise.hpp"

namespace video {

// A picture to be coded: planes of 8 bits, as shown.
struct Source {
    const std::uint8_t* planes[kPlanes]{};
};

struct EncodeOptions {
    double lambda = 0.12;         // squared error that a bit is worth, in squared steps
    double chroma = 1.0;          // weight of a squared error of chroma
    int effort = 7;
};

struct Encoded {
    std::vector<std::uint8_t> payload;   // of the decisions
    std::shared_ptr<Picture> picture;
    // For those who look at the encoder, where they ask: the picture before the filter, its prediction.
    std::shared_ptr<Picture> unfiltered, predicted;
};

// `contexts` learn. head.filtered says whether the filter may be used.
Encoded encode_frame(const Format& format, const Source& source, References references, FrameHead& head,
                     const EncodeOptions& options, Contexts& contexts, const Filter* filter, bool keep,
                     threads::Team& team);

// Mean of the absolute transformed differences of a picture and what a fast motion search finds of it in
// another: luma of 8 bits, as shown. For choosing the structure of a GOP.
double motion_cost(const std::uint8_t* luma, const std::uint8_t* reference, int width, int height, threads::Team& team);

// 8-bit luma of a picture and what is made of it for the search, if it is not there yet.
void make_searchable(Picture& picture, threads::Team& team);

// Frames from a reference to a frame, by their numbers.
inline int distance_of(int number, int reference) { return clamp_int(number - reference, -127, 127); }

// Distances and motion of the references, in a frame.
void set_references(FrameData& frame, References references, int number);

}  // namespace video
