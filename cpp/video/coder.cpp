#include "coder.hpp"

#include <cstring>
#include <stdexcept>

#include "byte_stream.hpp"
#include "program.hpp"
#include "reconstruct.hpp"
#include "weights_file.hpp"

namespace video {

namespace {

// Estimates are all there is in contexts beside weights of mixers, which may be anything.
void check(const Contexts& contexts) {
    const auto check_all = [](const auto& estimates) {
        static_assert(sizeof(estimates) % sizeof(Estimate) == 0);
        const auto* first = reinterpret_cast<const Estimate*>(&estimates);
        for (std::size_t n = 0; n < sizeof(estimates) / sizeof(Estimate); ++n) {
            if (first[n].seen > kMemory) throw networks::InvalidWeightsFile("contexts: an estimate has seen too much");
        }
    };
    each_estimates(contexts, check_all);
}

}  // namespace

InterModel::InterModel(std::span<const std::uint8_t> weights, const networks::Kernels& kernels)
    : start_(kBands) {
    if (weights.empty()) return;
    const networks::WeightsFile file(weights);
    if (file.has("filter")) filter_ = std::make_unique<Filter>(weights, kernels);
    if (file.has("contexts")) {
        const auto data = file.find("contexts", networks::EntryKind::bytes).tensor.data;
        if (data.size() != kBands * sizeof(Contexts)) {
            throw networks::InvalidWeightsFile("contexts: another number of them than this coder has");
        }
        std::memcpy(start_.data(), data.data(), data.size());
        for (const Contexts& contexts : start_) check(contexts);
    }
}

namespace {

enum : unsigned { kLayerBits = 3, kFresh = 4, kOverlapped = 8, kFiltered = 16, kKnown = 31 };

std::vector<std::uint8_t> head_bytes(const FrameHead& head) {
    const unsigned flags = static_cast<unsigned>(head.layer) | (head.fresh ? kFresh : 0u) |
                           (head.overlapped ? kOverlapped : 0u) | (head.filtered ? kFiltered : 0u);
    std::vector<std::uint8_t> out;
    out.reserve(2 + predictive::kMostVarintBytes);
    out.push_back(static_cast<std::uint8_t>(head.level));
    out.push_back(static_cast<std::uint8_t>(flags));
    predictive::put_varint(out, static_cast<std::uint32_t>(head.number));
    return out;
}

FrameHead read_head(predictive::ByteStream& stream) {
    FrameHead head;
    head.level = stream.u8();
    if (head.level > 63) throw rans::CorruptStream("a frame has no such level");
    const unsigned flags = stream.u8();
    if (flags & ~kKnown) throw rans::CorruptStream("a frame has flags that nobody knows");
    head.layer = static_cast<int>(flags & kLayerBits);
    head.fresh = (flags & kFresh) != 0;
    head.overlapped = (flags & kOverlapped) != 0;
    head.filtered = (flags & kFiltered) != 0;
    const std::uint32_t number = stream.varint();
    if (number >> 24 != 0) throw rans::CorruptStream("a frame's number is too large");
    head.number = static_cast<int>(number);
    return head;
}

}  // namespace

Coder::Coder(const Format& format, std::shared_ptr<const InterModel> model)
    : format_(format), model_(std::move(model)) {}

void Coder::put_still(const std::array<const Sample*, kPlanes>& planes, int number) {
    auto picture = std::make_shared<Picture>(format_);
    for (int n = 0; n < kPlanes; ++n) {
        Plane& plane = picture->planes[n];
        const int w = format_.shown_width(n), h = format_.shown_height(n);
        for (int y = 0; y < plane.height(); ++y) {
            const Sample* from = planes[static_cast<std::size_t>(n)] + static_cast<std::ptrdiff_t>(y < h ? y : h - 1) * w;
            Sample* to = plane.row(y);
            for (int x = 0; x < plane.width(); ++x) to[x] = clamp_sample(from[x < w ? x : w - 1]);
        }
    }
    picture->number = number;
    picture->extend();
    still_ = std::move(picture);
}

std::vector<PicturePointer> Coder::pictures_of(std::span<const int> references) const {
    std::vector<PicturePointer> pictures;
    if (references.empty()) pictures.push_back(still_);
    for (int slot : references) pictures.push_back(slots_[static_cast<std::size_t>(slot)]);
    for (const PicturePointer& picture : pictures) {
        if (!picture) throw rans::CorruptStream("a frame refers to a picture that is not there");
    }
    return pictures;
}

Contexts Coder::contexts_of(const FrameHead& head) const {
    if (head.fresh) return model_->start(head.level);
    const auto& own = contexts_[static_cast<std::size_t>(head.layer)];
    return own ? *own : newest_ ? *newest_ : model_->start(head.level);
}

void Coder::learnt(const FrameHead& head, const Contexts& contexts) {
    if (head.fresh) {
        for (auto& others : contexts_) others.reset();
    }
    contexts_[static_cast<std::size_t>(head.layer)] = contexts;
    newest_ = contexts;
}

std::vector<std::uint8_t> Coder::encode(const Source& source, std::span<const int> references, int slot, FrameHead head,
                                        const EncodeOptions& options, bool keep, threads::Team& team) {
    const std::vector<PicturePointer> pictures = pictures_of(references);
    for (const PicturePointer& picture : pictures) make_searchable(const_cast<Picture&>(*picture), team);
    Contexts contexts = contexts_of(head);
    head.filtered = head.filtered && model_->filter() != nullptr;
    details_ = encode_frame(format_, source, pictures, head, options, contexts, model_->filter(), keep, team);
    learnt(head, contexts);
    std::vector<std::uint8_t> payload = head_bytes(head);
    payload.insert(payload.end(), details_.payload.begin(), details_.payload.end());
    last_ = details_.picture;
    if (slot >= 0) slots_[static_cast<std::size_t>(slot)] = last_;
    if (references.empty()) still_.reset();
    return payload;
}

std::unique_ptr<Parsed> Coder::parse(std::span<const std::uint8_t> payload, std::span<const int> references,
                                     int slot) {
    predictive::ByteStream stream(payload);
    const FrameHead head = read_head(stream);
    if (references.empty() && !head.fresh) throw rans::CorruptStream("a key frame needs what earlier frames learned");
    if (head.filtered && !model_->filter()) throw rans::CorruptStream("a frame needs a filter that the model has not");
    std::vector<std::shared_ptr<const Facts>> facts;
    for (int reference : references) facts.push_back(facts_[static_cast<std::size_t>(reference)]);
    if (references.empty()) facts.push_back(std::make_shared<Facts>());
    auto parsed = std::make_unique<Parsed>(Parsed{head, FrameData(format_, static_cast<int>(facts.size())), {},
                                                  {references.begin(), references.end()}, slot, facts[0]});
    FrameData& frame = parsed->frame;
    for (std::size_t n = 0; n < facts.size(); ++n) {
        if (!facts[n]) throw rans::CorruptStream("a frame refers to a picture that is not there");
        frame.distance[n] = distance_of(head.number, facts[n]->number);
    }
    frame.past = facts[0]->motion;
    Contexts contexts = contexts_of(head);
    Decoder coder(stream.rest());
    FrameSyntax<Decoder> syntax(coder, contexts, frame, nullptr);
    syntax.trees(parsed->order);
    if (head.filtered) syntax.filter();
    coder.finish();
    learnt(head, contexts);
    if (slot >= 0) {
        facts_[static_cast<std::size_t>(slot)] = std::make_shared<Facts>(Facts{head.number, past_of(frame)});
    }
    return parsed;
}

void Coder::reconstruct(const Parsed& parsed, threads::Team& team) {
    const std::vector<PicturePointer> pictures = pictures_of(parsed.references);
    const FrameHead& head = parsed.head;
    auto picture = std::make_shared<Picture>(format_);
    if (head.filtered) {
        auto predicted = std::make_shared<Picture>(format_);
        video::reconstruct(parsed.frame, head, parsed.order, pictures, *picture, predicted.get(), team);
        forget_intra(parsed.frame, *picture, *predicted);
        apply_filter(model_->filter()->run(*picture, *predicted, head.level, team), parsed.frame, *picture);
    } else {
        video::reconstruct(parsed.frame, head, parsed.order, pictures, *picture, nullptr, team);
    }
    picture->extend();
    last_ = std::move(picture);
    if (parsed.slot >= 0) slots_[static_cast<std::size_t>(parsed.slot)] = last_;
    if (parsed.references.empty()) still_.reset();
}

}  // namespace video
