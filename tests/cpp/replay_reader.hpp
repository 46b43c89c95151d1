// Numbers of a file that a test wrote for a replay program, one after another, all little-endian.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

inline void require(bool holds, const std::string& file, const std::string& what) {
    if (holds) return;
    std::printf("%s: %s\n", file.c_str(), what.c_str());
    std::exit(1);
}

class ReplayReader {
public:
    explicit ReplayReader(const std::string& path) {
        std::FILE* file = std::fopen(path.c_str(), "rb");
        require(file != nullptr, path, "cannot be opened");
        std::uint8_t part[4096];
        std::size_t count = 0;
        while ((count = std::fread(part, 1, sizeof part, file)) > 0) {
            content_.insert(content_.end(), part, part + count);
        }
        std::fclose(file);
    }

    std::uint32_t number(unsigned bytes = 4) {
        std::uint32_t value = 0;
        for (unsigned n = 0; n < bytes; ++n) value |= std::uint32_t{content_.at(at_++)} << (8 * n);
        return value;
    }

    // Numbers of sizeof(T) bytes.
    template <typename T>
    std::vector<T> numbers(std::size_t count) {
        std::vector<T> values(count);
        for (T& value : values) value = static_cast<T>(number(sizeof(T)));
        return values;
    }

private:
    std::vector<std::uint8_t> content_;
    std::size_t at_ = 0;
};
