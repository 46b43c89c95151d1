#include "encode_frame.hpp"

#include <algorithm>
#include <cmath>

#include "decide.hpp"
#include "reconstruct.hpp"
#include "targets.hpp"
#include "wavefront.hpp"

namespace video {

namespace {

constexpr int kCells = kTree / kCell;

// Planes of 8 bits, continued to whole cells.
struct Padded {
    std::vector<std::uint8_t> planes[kPlanes];
    int width[kPlanes], height[kPlanes];

    Padded(const Format& format, const Source& source) {
        for (int n = 0; n < kPlanes; ++n) {
            const int w = format.plane_width(n), h = format.plane_height(n);
            const int sw = format.shown_width(n), sh = format.shown_height(n);
            width[n] = w, height[n] = h;
            planes[n].resize(static_cast<std::size_t>(w) * static_cast<std::size_t>(h));
            for (int y = 0; y < h; ++y) {
                const std::uint8_t* from = source.planes[n] + static_cast<std::ptrdiff_t>(std::min(y, sh - 1)) * sw;
                std::uint8_t* to = planes[n].data() + static_cast<std::ptrdiff_t>(y) * w;
                std::copy_n(from, std::min(w, sw), to);
                if (w > sw) std::fill(to + sw, to + w, from[sw - 1]);
            }
        }
    }
    const std::uint8_t* at(int plane, int x, int y) const {
        return planes[plane].data() + static_cast<std::ptrdiff_t>(y) * width[plane] + x;
    }
};

VIDEO_TARGETS void subtract(const std::uint8_t* own, int own_stride, const Sample* predicted, int stride, int size,
                            std::int16_t* out) {
    for (int y = 0; y < size; ++y, own += own_stride, predicted += stride, out += size) {
        for (int x = 0; x < size; ++x) {
            out[x] = static_cast<std::int16_t>((int{own[x]} << kShift) - int{predicted[x]});
        }
    }
}

// Squared error of a plane's rectangle, in samples of 10 bits.
VIDEO_TARGETS std::int64_t squared(const std::uint8_t* own, int own_stride, const Sample* other, int stride, int w,
                                   int h) {
    std::int64_t sum = 0;
    for (int y = 0; y < h; ++y, own += own_stride, other += stride) {
        std::int32_t line = 0;
        for (int x = 0; x < w; ++x) {
            const int d = (int{own[x]} << kShift) - int{other[x]};
            line += d * d;
        }
        sum += line;
    }
    return sum;
}

// Chooses the residuals of the blocks of a frame and reconstructs them.
class Residuals {
public:
    Residuals(FrameData& frame, const Padded& source, Picture& picture, const Contexts& contexts, Done& done,
              const Weights (&weights)[2], int effort)
        : frame_(frame), source_(source), picture_(picture), contexts_(contexts), done_(done), weights_(weights),
          effort_(effort) {}

    void tree(int column, int row, int log2) {
        if (!frame_.inside(column, row)) return;
        if (frame_.cell(column, row).log2 < log2) {
            const int half = 1 << (log2 - 4);
            for (int part = 0; part < 4; ++part) {
                tree(column + (part & 1) * half, row + (part >> 1) * half, log2 - 1);
            }
            return;
        }
        block(column, row);
        done_.mark(column, row, 1 << (log2 - 3));
    }

private:
    struct Kept {
        std::vector<Coefficient> values[kPlanes];
        std::vector<Sample> samples[kPlanes];
    };

    // What a decision would cost: price([&](Pricer& pricer, Contexts& contexts) { code it }).
    template <typename Function>
    int price(Function&& code) const {
        Pricer pricer;
        code(pricer, const_cast<Contexts&>(contexts_));  // prices change nothing
        return pricer.bits;
    }

    struct Extent {
        int columns = 0, rows = 0, count = 0;  // of coefficients that are not zero
    };

    static Extent extent_of(const Coefficient* c, int stride, int side) {
        Extent extent;
        for (int v = 0; v < side; ++v) {
            for (int u = 0; u < side; ++u) {
                if (c[v * stride + u] == 0) continue;
                ++extent.count;
                extent.columns = std::max(extent.columns, u + 1);
                extent.rows = v + 1;
            }
        }
        return extent;
    }

    // Cost of a block's residual cut as `cell` says, without the flag that it has one; its samples and
    // coefficients are left in the picture and the frame.
    Cost attempt(int column, int row, const Cell& cell, bool& any) {
        const Format& format = frame_.format();
        Cost cost = 0;
        bool chroma = false;
        any = false;
        for (int plane : {1, 2, 0}) {
            const int s = format.shift(plane), size = (1 << cell.log2) >> s;
            const int bx = column * kCell >> s, by = row * kCell >> s;
            Plane& target = picture_.planes[plane];
            const Weights& weights = weights_[plane > 0 ? 1 : 0];
            each_square(format, plane, column * kCell, row * kCell, cell, [&](int x, int y, int log2) {
                const int side = 1 << log2;
                if (cell.kind == Kind::intra) {
                    const Edges edges = edges_of(target, done_, s, x, y, side, bx, by, size);
                    predict_intra(edges, cell.intra_mode, log2, target.row(y) + x, target.stride());
                }
                alignas(64) std::int16_t differences[kMostTransform * kMostTransform];
                subtract(source_.at(plane, x, y), source_.width[plane], target.row(y) + x, target.stride(), side,
                         differences);
                const SquareAround around = around_square(frame_, plane, x, y, chroma);
                const auto flag = [&](bool any) {
                    return weights.lambda * price([&](Pricer& pricer, Contexts& contexts) {
                               code_any(pricer, contexts, plane, log2, cell.fine, around, any);
                           });
                };
                const Surroundings where{plane, log2, std::min(around.density, 2)};
                Coefficient* out = frame_.coefficients(plane, x, y);
                const int stride = format.plane_width(plane);
                Quantised found = quantise(contexts_, where, differences, side, weights, out, stride);
                const Cost with = found.cost + flag(true);
                const Cost without = found.nothing + flag(false);
                if (found.any && with >= without) {
                    for (int v = 0; v < side; ++v) std::fill_n(out + v * stride, side, Coefficient{0});
                    found.any = false;
                }
                if (!found.any) {
                    frame_.set_density(plane, x, y, side, 0);
                    cost += scaled(without, plane);
                    return;
                }
                any = true;
                chroma |= plane > 0;
                cost += scaled(with, plane);
                const Extent extent = extent_of(out, stride, side);
                frame_.set_density(plane, x, y, side, density_of(extent.count));
                add_residual(frame_, {static_cast<std::uint8_t>(plane), static_cast<std::uint8_t>(log2),
                                      static_cast<std::int8_t>(extent.columns), static_cast<std::int8_t>(extent.rows),
                                      static_cast<std::int16_t>(x), static_cast<std::int16_t>(y)},
                             weights.step, target);
            });
        }
        return cost;
    }

    // Costs of planes are compared at luma's lambda.
    Cost scaled(Cost cost, int plane) const {
        if (plane == 0 || weights_[1].lambda == weights_[0].lambda) return cost;
        return static_cast<Cost>(static_cast<double>(cost) * static_cast<double>(weights_[0].lambda) /
                                 static_cast<double>(weights_[1].lambda));
    }

    template <typename Function>
    void each_plane(int column, int row, int log2, Function&& fn) {
        const Format& format = frame_.format();
        for (int plane = 0; plane < kPlanes; ++plane) {
            const int s = format.shift(plane);
            fn(plane, column * kCell >> s, row * kCell >> s, (1 << log2) >> s);
        }
    }

    void save(int column, int row, int log2, Kept& kept) {
        each_plane(column, row, log2, [&](int plane, int x, int y, int size) {
            kept.values[plane].resize(static_cast<std::size_t>(size * size));
            kept.samples[plane].resize(static_cast<std::size_t>(size * size));
            for (int v = 0; v < size; ++v) {
                std::copy_n(frame_.coefficients(plane, x, y + v), size, kept.values[plane].data() + v * size);
                std::copy_n(picture_.planes[plane].row(y + v) + x, size, kept.samples[plane].data() + v * size);
            }
        });
    }

    void restore(int column, int row, int log2, const Kept& kept) {
        each_plane(column, row, log2, [&](int plane, int x, int y, int size) {
            for (int v = 0; v < size; ++v) {
                std::copy_n(kept.values[plane].data() + v * size, size, frame_.coefficients(plane, x, y + v));
                std::copy_n(kept.samples[plane].data() + v * size, size, picture_.planes[plane].row(y + v) + x);
            }
        });
    }

    void forget(int column, int row, int log2) {
        each_plane(column, row, log2, [&](int plane, int x, int y, int size) {
            for (int v = 0; v < size; ++v) std::fill_n(frame_.coefficients(plane, x, y + v), size, Coefficient{0});
            frame_.set_density(plane, x, y, size, 0);
        });
    }

    // Density of the squares as the coefficients have it.
    void mark(int column, int row, const Cell& cell) {
        const Format& format = frame_.format();
        for (int plane = 0; plane < kPlanes; ++plane) {
            const int stride = format.plane_width(plane);
            each_square(format, plane, column * kCell, row * kCell, cell, [&](int x, int y, int log2) {
                const Extent extent = extent_of(frame_.coefficients(plane, x, y), stride, 1 << log2);
                frame_.set_density(plane, x, y, 1 << log2, density_of(extent.count));
            });
        }
    }

    int coded_price(int column, int row, const Cell& cell, bool value) const {
        return price([&](Pricer& pricer, Contexts& contexts) {
            code_coded(pricer, contexts, frame_, column, row, cell, value);
        });
    }

    void block(int column, int row) {
        Cell cell = frame_.cell(column, row);
        const std::int64_t lambda = weights_[0].lambda;
        Kept before, best_kept;
        save(column, row, cell.log2, before);
        // 1. nothing coded
        Cost best = lambda * coded_price(column, row, cell, false);
        int best_way = -1;
        if (cell.kind == Kind::intra) {
            best = INT64_MAX;
        } else {
            each_plane(column, row, cell.log2, [&](int plane, int x, int y, int size) {
                const Plane& target = picture_.planes[plane];
                best += scaled(squared(source_.at(plane, x, y), source_.width[plane], target.row(y) + x,
                                       target.stride(), size, size) << 16, plane);
            });
        }
        // 2. squares of both sizes
        const Cost coded = lambda * coded_price(column, row, cell, true);
        for (int fine = 0; fine < 2; ++fine) {
            cell.fine = fine != 0;
            bool any = false;
            if (fine == 1 && best_way < 0 && cell.kind != Kind::intra && effort_ < 6) break;
            const Cost cost = attempt(column, row, cell, any) + coded + lambda * price([&](Pricer& pricer, Contexts& contexts) {
                                  code_fine(pricer, contexts, cell, cell.fine);
                              });
            if (cost < best && (any || cell.kind == Kind::intra)) {
                best = cost;
                best_way = any ? fine : 2 + fine;
                save(column, row, cell.log2, best_kept);
            }
            if (fine == 0) restore(column, row, cell.log2, before);
        }
        if (best_way < 0) {
            restore(column, row, cell.log2, before);
            forget(column, row, cell.log2);
        } else {
            restore(column, row, cell.log2, best_kept);
        }
        cell.coded = best_way == 0 || best_way == 1;
        // An intra block without coefficients is predicted in the largest squares.
        cell.fine = best_way == 1;
        if (best_way >= 2) {
            bool any = false;
            if (best_way == 3) {
                restore(column, row, cell.log2, before);
                attempt(column, row, cell, any);
                cell.coded = any;
            }
            if (!any) forget(column, row, cell.log2);
        }
        if (cell.coded) mark(column, row, cell);
        frame_.fill(column, row, 1 << (cell.log2 - 3), cell);
    }

    FrameData& frame_;
    const Padded& source_;
    Picture& picture_;
    const Contexts& contexts_;
    Done& done_;
    const Weights (&weights_)[2];
    int effort_;
};

}  // namespace

void set_references(FrameData& frame, References references, int number) {
    for (std::size_t n = 0; n < references.size(); ++n) {
        frame.distance[n] = distance_of(number, references[n]->number);
    }
    if (!references.empty()) frame.past = references[0]->motion;
}

void make_searchable(Picture& picture, threads::Team& team) {
    if (picture.search) return;
    const Plane& plane = picture.planes[0];
    auto luma = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(plane.width()) *
                                                            static_cast<std::size_t>(plane.height()));
    for (int y = 0; y < plane.height(); ++y) {
        std::uint8_t* to = luma->data() + static_cast<std::ptrdiff_t>(y) * plane.width();
        for (int x = 0; x < plane.width(); ++x) {
            to[x] = static_cast<std::uint8_t>(std::min((plane.row(y)[x] + (1 << kShift) / 2) >> kShift, 255));
        }
    }
    picture.search = std::make_shared<SearchReference>(
        Luma{luma->data(), static_cast<std::size_t>(plane.width()), plane.width(), plane.height()}, team);
    picture.luma = luma;
}

double motion_cost(const std::uint8_t* luma, const std::uint8_t* reference, int width, int height, threads::Team& team) {
    const int w = width / kCell * kCell, h = height / kCell * kCell;
    if (w == 0 || h == 0) return 0;
    const Luma own{luma, static_cast<std::size_t>(width), w, h};
    const SearchReference other({reference, static_cast<std::size_t>(width), w, h}, team);
    const SearchReference* references[] = {&other};
    SearchOptions options;
    options.effort = 1;
    const std::vector<Field> fields = search(own, references, options, team);
    double sum = 0;
    for (const Found& found : fields[0].blocks[2]) sum += found.satd;
    return sum / (static_cast<double>(w) * h);
}

Encoded encode_frame(const Format& format, const Source& source, References references, FrameHead& head,
                     const EncodeOptions& options, Contexts& contexts, const Filter* filter, bool keep,
                     threads::Team& team) {
    const Padded padded(format, source);
    FrameData planned(format, static_cast<int>(references.size()));
    set_references(planned, references, head.number);
    Weights weights[2];
    const int step = step_of(head.level);
    const double squared_step = static_cast<double>(step) * step / 4096.0;  // of samples of 10 bits
    weights[0] = {step, std::llround(options.lambda * squared_step * 256.0)};
    weights[1] = {step, std::llround(options.lambda * squared_step * 256.0 / options.chroma)};

    // 1. motion and blocks
    std::vector<const SearchReference*> searched;
    for (const PicturePointer& reference : references) searched.push_back(reference->search.get());
    const Luma luma{padded.planes[0].data(), static_cast<std::size_t>(padded.width[0]), padded.width[0], padded.height[0]};
    SearchOptions search_options;
    search_options.lambda = std::sqrt(options.lambda * squared_step / 16.0);
    search_options.effort = options.effort;
    const std::vector<Field> fields = search(luma, searched, search_options, team);
    decide(planned, luma, searched, fields, contexts, {weights[0], search_options.lambda, options.effort}, team);

    // 2. prediction and residuals
    Encoded result;
    auto picture = std::make_shared<Picture>(format);
    predict_frame(planned, references, head.overlapped, *picture, team);
    if (keep) result.predicted = std::make_shared<Picture>(*picture);
    std::shared_ptr<Picture> predicted = result.predicted;
    if (filter && head.filtered && !predicted) predicted = std::make_shared<Picture>(*picture);
    Done done(planned);
    wavefront(team, format.tree_rows(), format.tree_columns(), [&](int row) {
        return [residuals = Residuals(planned, padded, *picture, contexts, done, weights, options.effort),
                row](int column) mutable { residuals.tree(column * kCells, row * kCells, 6); };
    });
    if (keep) result.unfiltered = std::make_shared<Picture>(*picture);

    // 3. filter
    if (predicted) forget_intra(planned, *picture, *predicted);
    if (filter && head.filtered) {
        const Corrections corrections = filter->run(*picture, *predicted, head.level, team);
        auto filtered = std::make_shared<Picture>(*picture);
        for (auto& marks : planned.filter) std::fill(marks.begin(), marks.end(), std::uint8_t{1});
        apply_filter(corrections, planned, *filtered);
        bool any = false;
        for (int row = 0; row < format.tree_rows(); ++row) {
            for (int column = 0; column < format.tree_columns(); ++column) {
                std::int64_t won[2] = {0, 0};
                for (int plane = 0; plane < kPlanes; ++plane) {
                    const int s = format.shift(plane), size = kTree >> s, x = column * size, y = row * size;
                    const int w = std::min(size, format.plane_width(plane) - x), h = std::min(size, format.plane_height(plane) - y);
                    const auto error = [&](const Picture& p) {
                        return squared(padded.at(plane, x, y), padded.width[plane], p.planes[plane].row(y) + x,
                                       p.planes[plane].stride(), w, h);
                    };
                    won[plane > 0 ? 1 : 0] += error(*picture) - error(*filtered);
                }
                const std::size_t at = static_cast<std::size_t>(row) * format.tree_columns() + column;
                for (int kind = 0; kind < 2; ++kind) {
                    planned.filter[kind][at] = won[kind] > 0;
                    any = any || won[kind] > 0;
                }
            }
        }
        head.filtered = any;
        if (any) apply_filter(corrections, planned, *picture);
    } else {
        head.filtered = false;
    }

    // 4. the file
    FrameData coded(format, static_cast<int>(references.size()));
    set_references(coded, references, head.number);
    coded.take_coefficients(planned);
    Encoder coder;
    CodedOrder order;
    FrameSyntax<Encoder> syntax(coder, contexts, coded, &planned);
    syntax.trees(order);
    if (head.filtered) syntax.filter();
    result.payload = coder.finish();
    picture->number = head.number;
    picture->motion = past_of(coded);
    picture->extend();
    result.picture = std::move(picture);
    return result;
}

}  // namespace video
