#include "blocks.hpp"

#include <algorithm>
#include <cstdlib>

namespace video {

FrameData::FrameData(const Format& format, int count)
    : references(count), format_(format), columns_(format.columns()), rows_(format.rows()),
      cells_(static_cast<std::size_t>(columns_) * static_cast<std::size_t>(rows_)) {
    for (int plane = 0; plane < kPlanes; ++plane) {
        const std::size_t size = static_cast<std::size_t>(format.plane_width(plane)) *
                                 static_cast<std::size_t>(format.plane_height(plane));
        coefficients_[plane].resize(size);
        density_[plane].resize(static_cast<std::size_t>(density_columns(plane)) *
                               static_cast<std::size_t>((format.plane_height(plane) + 3) >> 2));
    }
    const auto trees = static_cast<std::size_t>(format.tree_columns() * format.tree_rows());
    for (auto& marks : filter) marks.assign(trees, 0);
}

void FrameData::fill(int column, int row, int count, const Cell& value) {
    const int right = std::min(column + count, columns_);
    for (int y = row; y < std::min(row + count, rows_); ++y) {
        std::fill(&cell(column, y), &cell(column, y) + (right - column), value);
    }
}

void FrameData::set_density(int plane, int x, int y, int size, std::uint8_t value) {
    const int columns = density_columns(plane);
    for (int v = y >> 2; v < (y + size) >> 2; ++v) {
        std::fill_n(density_[plane].begin() + static_cast<std::ptrdiff_t>(v) * columns + (x >> 2), size >> 2,
                    value);
    }
}

namespace {

// v * to / from, rounded to the nearest, halves away from zero.
int scaled(int v, int to, int from) {
    const int product = v * to;
    const int size = (2 * std::abs(product) + std::abs(from)) / (2 * std::abs(from));
    return (product < 0) != (from < 0) ? -size : size;
}

Vector scaled(Vector v, int to, int from) {
    if (to == 0 || from == 0 || to == from) return v;
    const auto bounded = [&](int d) {
        return static_cast<std::int16_t>(clamp_int(scaled(d, to, from), -16384, 16383));
    };
    return {bounded(v.dx), bounded(v.dy)};
}

// The motion of a cell that is coded already and predicted from references, or none.
const Motion* motion_at(const FrameData& frame, int column, int row) {
    if (!frame.inside(column, row)) return nullptr;
    const Cell& cell = frame.cell(column, row);
    return cell.kind == Kind::merge || cell.kind == Kind::inter ? &cell.motion : nullptr;
}

// Where the first reference's picture came from at this place, as a vector to `reference`.
bool past_vector(const FrameData& frame, int column, int row, int count, int reference, Vector& out) {
    if (frame.past.empty()) return false;
    const auto at = [&](int x, int y) -> const PastMotion* {
        if (!frame.inside(x, y)) return nullptr;
        const PastMotion& past = frame.past[static_cast<std::size_t>(y) * frame.columns() + x];
        return past.distance != 0 ? &past : nullptr;
    };
    const PastMotion* past = at(column + count, row + count);
    if (!past) past = at(column + count / 2, row + count / 2);
    if (!past) return false;
    out = scaled(past->vector, frame.distance[reference], past->distance);
    return true;
}

struct Place {
    int column, row;
};

void neighbours(int column, int row, int count, Place (&out)[5]) {
    out[0] = {column - 1, row + count - 1};
    out[1] = {column + count - 1, row - 1};
    out[2] = {column + count, row - 1};
    out[3] = {column - 1, row + count};
    out[4] = {column - 1, row - 1};
}

}  // namespace

int merge_list(const FrameData& frame, int column, int row, int count, Motion (&list)[6]) {
    int found = 0;
    const auto add = [&](const Motion& motion) {
        if (found == 6) return;
        for (int n = 0; n < found; ++n) {
            if (list[n] == motion) return;
        }
        list[found++] = motion;
    };
    const auto single = [](int reference, Vector vector) {
        Motion motion;
        motion.reference[0] = static_cast<std::int8_t>(reference);
        motion.vector[0] = vector;
        return motion;
    };
    Place places[5];
    neighbours(column, row, count, places);
    for (const Place& place : places) {
        if (const Motion* motion = motion_at(frame, place.column, place.row)) add(*motion);
        if (found == 4) break;
    }
    Vector past;
    if (past_vector(frame, column, row, count, 0, past)) add(single(0, past));
    if (found >= 2) {
        Motion pair = list[0];
        pair.reference[1] = list[1].reference[0];
        pair.vector[1] = list[1].vector[0];
        if (pair.reference[0] != pair.reference[1] || pair.vector[0] != pair.vector[1]) add(pair);
    }
    for (int n = 0; n < frame.references; ++n) add(single(n, {}));
    if (frame.references > 1) {
        Motion zero = single(0, {});
        zero.reference[1] = 1;
        add(zero);
    }
    return found;
}

void predictors(const FrameData& frame, int column, int row, int count, int reference, Vector (&list)[2]) {
    int found = 0;
    const auto add = [&](Vector vector) {
        if (found < 2 && (found == 0 || vector != list[0])) list[found++] = vector;
    };
    Place places[5];
    neighbours(column, row, count, places);
    for (const Place& place : places) {  // those with the same reference first
        if (const Motion* motion = motion_at(frame, place.column, place.row)) {
            for (int n = 0; n < 2; ++n) {
                if (motion->reference[n] == reference) add(motion->vector[n]);
            }
        }
    }
    for (const Place& place : places) {
        if (const Motion* motion = motion_at(frame, place.column, place.row)) {
            if (motion->reference[0] == reference) continue;
            add(scaled(motion->vector[0], frame.distance[reference], frame.distance[motion->reference[0]]));
        }
    }
    Vector past;
    if (past_vector(frame, column, row, count, reference, past)) add(past);
    add({});
    while (found < 2) list[found++] = {};
}

}  // namespace video
