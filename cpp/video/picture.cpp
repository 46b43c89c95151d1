#include "picture.hpp"

#include <algorithm>

namespace video {

void Plane::extend() {
    for (int y = 0; y < height_; ++y) {
        Sample* line = row(y);
        std::fill(line - kBorder, line, line[0]);
        std::fill(line + width_, line + width_ + kBorder, line[width_ - 1]);
    }
    for (int y = 1; y <= kBorder; ++y) {
        std::copy_n(row(0) - kBorder, stride_, row(-y) - kBorder);
        std::copy_n(row(height_ - 1) - kBorder, stride_, row(height_ - 1 + y) - kBorder);
    }
}

}  // namespace video
