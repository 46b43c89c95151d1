#include "weights_file.hpp"

#include <algorithm>
#include <array>

namespace networks {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'L', 'I', 'C', 'N', 'E', 'T', 0, 1};
constexpr std::size_t kAlignment = 64, kMaxEntries = 4096, kMaxAxes = 4;

}  // namespace

std::size_t size_of(Type type) {
    switch (type) {
        case Type::u8:
        case Type::i8: return 1;
        case Type::i16: return 2;
        case Type::i32:
        case Type::f32: return 4;
    }
    throw InvalidWeightsFile("type " + std::to_string(static_cast<int>(type)) + " is not known");
}

std::int32_t Tensor::at(std::size_t n) const {
    const std::uint8_t* p = data.data() + n * size_of(type);
    switch (type) {
        case Type::u8: return p[0];
        case Type::i8: return static_cast<std::int8_t>(p[0]);
        case Type::i16: return static_cast<std::int16_t>(p[0] | p[1] << 8);
        case Type::i32:
            return static_cast<std::int32_t>(p[0] | std::uint32_t{p[1]} << 8 |
                                             std::uint32_t{p[2]} << 16 | std::uint32_t{p[3]} << 24);
        case Type::f32: break;
    }
    throw InvalidNetwork("a tensor of floats where integers are needed");
}

void Tensor::read(std::size_t n, std::span<std::int32_t> values) const {
    if (type != Type::i16) {
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = at(n + i);
        return;
    }
    const std::uint8_t* p = data.data() + 2 * n;
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<std::int16_t>(p[2 * i] | p[2 * i + 1] << 8);
    }
}

WeightsFile::WeightsFile(std::span<const std::uint8_t> data) {
    Reader reader(data);
    if (data.size() < kMagic.size() || !std::ranges::equal(reader.take_bytes(kMagic.size()), kMagic)) {
        throw InvalidWeightsFile("the first bytes are not those of a weights file");
    }
    const auto count = reader.take<std::uint32_t>();
    if (count > kMaxEntries) throw InvalidWeightsFile("too many entries");
    std::size_t end = 0;
    for (std::uint32_t n = 0; n < count; ++n) {
        const auto kind = reader.take<std::uint8_t>();
        const auto code = reader.take<std::uint8_t>();
        const auto axes = reader.take<std::uint8_t>();
        const auto length = reader.take<std::uint8_t>();
        if (kind > 2 || axes > kMaxAxes || length == 0) throw InvalidWeightsFile("a broken entry");
        Entry entry{static_cast<EntryKind>(kind), {}, {}};
        for (unsigned axis = 0; axis < axes; ++axis) {
            entry.tensor.shape.push_back(reader.take<std::uint32_t>());
        }
        const auto offset = reader.take<std::uint64_t>(), size = reader.take<std::uint64_t>();
        const auto name = reader.take_bytes(length);
        entry.name.assign(name.begin(), name.end());
        if (offset % kAlignment != 0 || offset < std::max(end, reader.at()) || offset > data.size() ||
            size > data.size() - offset) {
            throw InvalidWeightsFile(entry.name + " lies outside the file or in another entry");
        }
        entry.tensor.data = data.subspan(offset, size);
        if (entry.kind == EntryKind::tensor) {
            entry.tensor.type = static_cast<Type>(code);
            std::uint64_t wanted = size_of(entry.tensor.type);
            for (const std::uint64_t side : entry.tensor.shape) {
                wanted = side != 0 && wanted > data.size() / side ? data.size() + 1 : wanted * side;
            }
            if (wanted != size) throw InvalidWeightsFile(entry.name + " has another size");
        }
        end = offset + size;
        if (!names_.emplace(entry.name, entries_.size()).second) {
            throw InvalidWeightsFile(entry.name + " is there twice");
        }
        entries_.push_back(std::move(entry));
    }
    if (end != data.size()) throw InvalidWeightsFile("bytes follow the last entry");
}

const Entry& WeightsFile::find(std::string_view name, EntryKind kind) const {
    const auto found = names_.find(name);
    if (found == names_.end() || entries_[found->second].kind != kind) {
        throw InvalidWeightsFile("there is no entry " + std::string(name) + " of the right kind");
    }
    return entries_[found->second];
}

}  // namespace networks
