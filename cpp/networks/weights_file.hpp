// Weights files: named tensors, programs and bytes; networks/SPEC.md, Weights file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network_error.hpp"

namespace networks {

enum class Type : std::uint8_t { u8 = 1, i16 = 2, i32 = 3, i8 = 4, f32 = 5 };

std::size_t size_of(Type type);

// A tensor of the file: a view, little-endian.
struct Tensor {
    Type type{};
    std::vector<std::uint32_t> shape;
    std::span<const std::uint8_t> data;

    std::size_t count() const { return data.size() / size_of(type); }
    // Element n, of an integer type.
    std::int32_t at(std::size_t n) const;
    // Elements from n on, as many as there is room for.
    void read(std::size_t n, std::span<std::int32_t> values) const;
};

enum class EntryKind : std::uint8_t { bytes = 0, program = 1, tensor = 2 };

struct Entry {
    EntryKind kind;
    std::string name;
    Tensor tensor;  // of bytes and programs, data alone
};

// The entries of a file, which must outlive this.
class WeightsFile {
public:
    // Throws InvalidWeightsFile.
    explicit WeightsFile(std::span<const std::uint8_t> data);

    const std::vector<Entry>& entries() const { return entries_; }
    // The entry of that name and kind; throws InvalidWeightsFile if there is none.
    const Entry& find(std::string_view name, EntryKind kind) const;
    bool has(std::string_view name) const { return names_.contains(std::string(name)); }

private:
    std::vector<Entry> entries_;
    std::map<std::string, std::size_t, std::less<>> names_;
};

// Reads little-endian numbers from front to back; throws InvalidWeightsFile at the end.
class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> data) : data_(data) {}

    template <typename T>
    T take() {
        const auto bytes = take_bytes(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{bytes[i]} << (8 * i);
        return static_cast<T>(value);
    }

    std::span<const std::uint8_t> take_bytes(std::size_t count) {
        if (count > data_.size() - at_) throw InvalidWeightsFile("it ends too early");
        at_ += count;
        return data_.subspan(at_ - count, count);
    }

    std::size_t at() const { return at_; }
    bool done() const { return at_ == data_.size(); }

private:
    std::span<const std::uint8_t> data_;
    std::size_t at_ = 0;
};

}  // namespace networks
