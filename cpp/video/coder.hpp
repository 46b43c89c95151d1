// Coder of a video's inter frames: pictures in slots, contexts by layer (entropy/INTER.md).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "encode_frame.hpp"
#include "frame_syntax.hpp"

namespace video {

inline constexpr int kSlots = 8, kLayers = 4;
inline constexpr int kBandLevels = 16, kBands = 4;  // contexts start alike at so many levels

// The filter and where contexts start, from one weights file.
class InterModel {
public:
    // `weights` must outlive the model.
    InterModel(std::span<const std::uint8_t> weights, const networks::Kernels& kernels);
    const Filter* filter() const { return filter_.get(); }
    // Where contexts start at a level.
    const Contexts& start(int level) const { return start_[static_cast<std::size_t>(level / kBandLevels)]; }

private:
    std::unique_ptr<Filter> filter_;
    std::vector<Contexts> start_;  // by band of levels
};

// What parsing later frames needs to know of a picture.
struct Facts {
    int number = 0;
    std::vector<PastMotion> motion;
};

// A frame whose decisions are read, but whose samples are not made yet.
struct Parsed {
    FrameHead head;
    FrameData frame;
    CodedOrder order;
    std::vector<int> references;
    int slot = -1;
    std::shared_ptr<const Facts> past;  // frame.past is its motion
};

class Coder {
public:
    Coder(const Format& format, std::shared_ptr<const InterModel> model);

    const Format& format() const { return format_; }

    // A picture of 10 bits, as shown, that the next frame may refer to as its only reference: a still.
    void put_still(const std::array<const Sample*, kPlanes>& planes, int number);

    // Codes a frame predicted from the pictures in `references` (slots), or from the still where there are
    // none; the result stays in `slot`, if it is not negative. Returns the payload.
    std::vector<std::uint8_t> encode(const Source& source, std::span<const int> references, int slot, FrameHead head,
                                     const EncodeOptions& options, bool keep, threads::Team& team);

    // Decoding in two steps, each in the order of the file. One thread may parse a frame while another
    // reconstructs the one before it. `parse` throws EntropyCodingError.
    std::unique_ptr<Parsed> parse(std::span<const std::uint8_t> payload, std::span<const int> references, int slot);
    void reconstruct(const Parsed& parsed, threads::Team& team);

    // The picture that was coded last, and what was kept of how it was made.
    const Picture& last() const { return *last_; }
    const Encoded& details() const { return details_; }
    bool any() const { return last_ != nullptr; }
    const Contexts& start(int level) const { return model_->start(level); }
    bool learned(int layer) const { return contexts_[static_cast<std::size_t>(layer)].has_value(); }
    const Contexts& contexts(int layer) const { return *contexts_[static_cast<std::size_t>(layer)]; }

private:
    std::vector<PicturePointer> pictures_of(std::span<const int> references) const;
    Contexts contexts_of(const FrameHead& head) const;
    void learnt(const FrameHead& head, const Contexts& contexts);

    Format format_;
    std::shared_ptr<const InterModel> model_;
    std::array<PicturePointer, kSlots> slots_;
    std::array<std::shared_ptr<const Facts>, kSlots> facts_;  // of what was parsed
    PicturePointer still_, last_;
    std::array<std::optional<Contexts>, kLayers> contexts_;
    std::optional<Contexts> newest_;
    Encoded details_;
};

}  // namespace video
