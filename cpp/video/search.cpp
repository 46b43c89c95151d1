// Motion search: large motion first in a coarse picture, then blocks from 64 down to 8 samples,
// each from what its parent and its neighbours found, and back up from 8 to 64.
//
// Rows of blocks of 64 are a wavefront: a row is always a block behind the row above, so that what
// a block starts from depends on nothing but the pictures.
#include "search.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <thread>
#include <utility>

#include "difference.hpp"
#include "search_parts.hpp"
#include "targets.hpp"

namespace video {

// Sums of absolute differences of a block of up to 4 x 4 coarse samples for `steps` rows of `count`
// (a multiple of 16) displacements.
VIDEO_TARGETS void coarse_sums(const std::uint8_t* source, std::size_t source_stride,
                              const std::uint8_t* reference, std::size_t stride, int width,
                              int height, int steps, int count, std::uint16_t* sums) {
    for (int step = 0; step < steps; ++step, reference += stride, sums += count) {
        for (int i = 0; i < count; ++i) sums[i] = 0;
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
                const int sample = source[y * source_stride + x];
                const std::uint8_t* row = reference + y * stride + x;
                for (int i = 0; i < count; ++i) {
                    const int difference = row[i] - sample;
                    sums[i] = static_cast<std::uint16_t>(
                        sums[i] + (difference < 0 ? -difference : difference));
                }
            }
        }
    }
}

VIDEO_TARGETS void add_sums(std::uint16_t* to, const std::uint16_t* from, int count) {
    for (int i = 0; i < count; ++i) to[i] = static_cast<std::uint16_t>(to[i] + from[i]);
}

namespace {

constexpr int kCoarseSizes = 3;  // blocks of 64, 32 and 16 have coarse vectors

// Bits of a component that is d from the one expected, in sixteenths: 1 + 2 log2(1 + |d|).
int bits16(int d) {
    const unsigned n = 1 + static_cast<unsigned>(std::abs(d));
    const int whole = std::bit_width(n) - 1;
    const int part = static_cast<int>((n << 4) >> whole) - 16;
    return 16 + 2 * (16 * whole + part);
}

// What vectors cost, in SATD.
class VectorCosts {
public:
    VectorCosts(double lambda, int range) {
        const double bounded = std::clamp(lambda, 0.0, 4096.0);
        const auto lambda16 = static_cast<std::uint64_t>(bounded * 16 + 0.5);
        costs_.resize(static_cast<std::size_t>(8 * range + 64));
        for (std::size_t d = 0; d < costs_.size(); ++d) {
            const auto bits = static_cast<std::uint64_t>(bits16(static_cast<int>(d)));
            costs_[d] = static_cast<std::uint32_t>((lambda16 * bits + 128) >> 8);
        }
    }
    std::uint32_t operator()(Vector a, Vector b) const {
        return of(a.dx - b.dx) + of(a.dy - b.dy);
    }
    std::uint32_t of(int d) const { return costs_[static_cast<std::size_t>(std::abs(d))]; }

private:
    std::vector<std::uint32_t> costs_;
};

constexpr int kMostStarts = 5;

// How much is tried.
struct Effort {
    int starts;          // whole-sample places that are searched around, at most kMostStarts
    int square[kSizes];  // reach of the exhaustive search around the best, for every size
    int fractions;       // starts of the search for fractions, at most 2
    int turns;           // steps that it may take
    bool upwards;        // whether large blocks try what small ones found
};

Effort effort_of(int effort) {
    if (effort <= 2) return {1, {0, 0, 0, 0}, 1, 1, false};
    if (effort <= 4) return {2, {1, 1, 1, 1}, 1, 2, true};
    if (effort <= 6) return {3, {2, 3, 4, 4}, 1, 3, true};
    return {5, {2, 3, 5, 8}, 2, 4, true};
}

template <std::size_t kMost>
struct Candidates {
    Vector vectors[kMost];
    std::size_t count = 0;

    bool add(Vector vector) {
        for (std::size_t i = 0; i < count; ++i) {
            if (vectors[i] == vector) return false;
        }
        if (count == kMost) return false;
        vectors[count++] = vector;
        return true;
    }
};

struct Tried {
    Vector vector;
    std::uint32_t cost = UINT32_MAX;  // with the vector's
};

int median(int a, int b, int c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

// One reference and what is found in it.
class Searcher {
public:
    Searcher(const Luma& source, const Bordered& coarse, const ReferenceParts& reference,
             const Field* before, const SearchOptions& options)
        : source_(source),
          coarse_(coarse),
          reference_(reference),
          stride_(reference.phases.stride),
          range_(std::clamp(options.range, 1, 4096)),
          effort_(effort_of(options.effort)),
          costs_(options.lambda, 4 * range_) {
        for (int n = 0; n < kSizes; ++n) {
            field.columns[n] = (source.width + size_of(n) - 1) / size_of(n);
            field.rows[n] = (source.height + size_of(n) - 1) / size_of(n);
            field.blocks[n].resize(static_cast<std::size_t>(field.columns[n]) * field.rows[n]);
            if (n < kCoarseSizes) coarse_vectors_[n].resize(field.blocks[n].size());
        }
        if (before && std::equal(field.columns, field.columns + kSizes, before->columns) &&
            std::equal(field.rows, field.rows + kSizes, before->rows)) {
            before_ = before;  // or it is of a picture of another size
        }
        done = std::make_unique<std::atomic<int>[]>(static_cast<std::size_t>(field.rows[0]));
    }

    Field field;
    std::unique_ptr<std::atomic<int>[]> done;  // blocks of 64 that are found, of every row

    void search_coarse(int row);
    void search_block64(int column, int row);

private:
    struct Block {
        int n, column, row, x, y, width, height;
        Vector expected;
    };

    Block block_of(int n, int column, int row) const {
        const int x = column * size_of(n), y = row * size_of(n);
        return {n, column, row, x, y, std::min(size_of(n), source_.width - x),
                std::min(size_of(n), source_.height - y), expected(n, column, row)};
    }
    Found& found(const Block& b) {
        return field.blocks[b.n][static_cast<std::size_t>(b.row) * field.columns[b.n] + b.column];
    }
    Vector coarse_vector(int n, int column, int row) const {
        return coarse_vectors_[n][static_cast<std::size_t>(row) * field.columns[n] + column];
    }
    Vector within(Vector v) const {
        const int most = 4 * range_;
        return {static_cast<std::int16_t>(std::clamp<int>(v.dx, -most, most)),
                static_cast<std::int16_t>(std::clamp<int>(v.dy, -most, most))};
    }
    bool inside(Vector v) const {
        return std::abs(v.dx) <= 4 * range_ && std::abs(v.dy) <= 4 * range_;
    }
    bool known(int n, int column, int row) const;
    Vector expected(int n, int column, int row) const;
    template <typename List>
    void collect(const Block& b, List& list) const;
    void search(const Block& b);
    void retry(const Block& b, bool upwards);
    void try_whole(const Block& b, Vector vector, Tried& best) const;
    void try_satd(const Block& b, Vector vector, Tried& best) const;
    void descend(const Block& b, Tried& best) const;
    void square(const Block& b, int reach, Tried& best) const;
    void refine(const Block& b, int step, int turns, Tried& best) const;
    const std::uint8_t* samples(const Block& b) const {
        return source_.samples + static_cast<std::size_t>(b.y) * source_.stride + b.x;
    }

    const Luma& source_;
    const Bordered& coarse_;
    const ReferenceParts& reference_;
    const std::size_t stride_;
    const int range_;
    const Effort effort_;
    const VectorCosts costs_;
    const Field* before_ = nullptr;
    std::vector<Vector> coarse_vectors_[kCoarseSizes];
};

// All displacements of the coarse picture, for blocks of 16, 32 and 64 samples in a row of 64.
void Searcher::search_coarse(int row) {
    const int range = std::min((range_ + kCoarse - 1) / kCoarse, kCoarseRange);
    const int steps = 2 * range + 1, count = (steps + 15) / 16 * 16;
    const std::size_t size = static_cast<std::size_t>(steps) * count;
    const int width = source_.width / kCoarse, height = source_.height / kCoarse;
    std::vector<std::uint16_t> sums(size * (1 + 4 + 16));
    std::vector<std::uint32_t> price(static_cast<std::size_t>(steps));
    for (int i = 0; i < steps; ++i) {
        const int d = std::min(std::abs(i - range) * 4 * kCoarse, 8 * range_);
        price[static_cast<std::size_t>(i)] = costs_.of(d);
    }

    const auto lowest = [&](const std::uint16_t* map) {
        std::uint32_t best = UINT32_MAX;
        Vector vector;
        for (int dy = 0; dy < steps; ++dy) {
            for (int dx = 0; dx < steps; ++dx) {
                const std::uint32_t cost = (std::uint32_t{map[dy * count + dx]} << 4) +
                                           price[static_cast<std::size_t>(dx)] +
                                           price[static_cast<std::size_t>(dy)];
                if (cost >= best) continue;
                best = cost;
                vector = {static_cast<std::int16_t>((dx - range) * 4 * kCoarse),
                          static_cast<std::int16_t>((dy - range) * 4 * kCoarse)};
            }
        }
        return within(vector);
    };
    const auto keep = [&](int n, int column, int line, const std::uint16_t* map) {
        if (column >= field.columns[n] || line >= field.rows[n]) return;
        const std::size_t block = static_cast<std::size_t>(line) * field.columns[n] + column;
        coarse_vectors_[n][block] = lowest(map);
    };

    for (int column = 0; column < field.columns[0]; ++column) {
        std::uint16_t* map64 = sums.data();
        std::fill_n(map64, 5 * size, std::uint16_t{0});
        for (int cell = 0; cell < 16; ++cell) {
            const int cx = 4 * column + cell % 4, cy = 4 * row + cell / 4;
            if (4 * cx >= width || 4 * cy >= height) continue;
            std::uint16_t* map16 = map64 + (5 + cell) * size;
            std::uint16_t* map32 = map64 + (1 + cell % 4 / 2 + cell / 8 * 2) * size;
            coarse_sums(coarse_.at(4 * cx, 4 * cy), coarse_.stride,
                        reference_.coarse.at(4 * cx - range, 4 * cy - range),
                        reference_.coarse.stride, std::min(4, width - 4 * cx),
                        std::min(4, height - 4 * cy), steps, count, map16);
            add_sums(map32, map16, static_cast<int>(size));
            keep(2, cx, cy, map16);
        }
        for (int i = 0; i < 4; ++i) {
            add_sums(map64, map64 + (1 + i) * size, static_cast<int>(size));
            keep(1, 2 * column + i % 2, 2 * row + i / 2, map64 + (1 + i) * size);
        }
        keep(0, column, row, map64);
    }
}

// Whether there is such a block. Whether it was found yet is for the caller to know: blocks of 64
// are found in rows, and in one of them each size in rows.
bool Searcher::known(int n, int column, int row) const {
    return column >= 0 && row >= 0 && column < field.columns[n] && row < field.rows[n];
}

Vector Searcher::expected(int n, int column, int row) const {
    Vector near[3];
    int count = 0;
    const auto add = [&](int c, int r) {
        if (known(n, c, r)) near[count++] = field.at(n, c, r).vector;
    };
    add(column - 1, row);
    add(column, row - 1);
    const int across = (1 << n) - 1;  // in a block of 64
    if ((column & across) < across || (row & across) == 0) add(column + 1, row - 1);
    if (count < 3) return count ? near[0] : Vector{};
    return {static_cast<std::int16_t>(median(near[0].dx, near[1].dx, near[2].dx)),
            static_cast<std::int16_t>(median(near[0].dy, near[1].dy, near[2].dy))};
}

template <typename List>
void Searcher::collect(const Block& b, List& list) const {
    const int n = b.n, column = b.column, row = b.row;
    list.add(b.expected);
    list.add({});
    const auto add = [&](int c, int r) {
        if (known(n, c, r)) list.add(field.at(n, c, r).vector);
    };
    add(column - 1, row);
    add(column, row - 1);
    add(column - 1, row - 1);
    const int across = (1 << n) - 1;
    if ((column & across) < across || (row & across) == 0) add(column + 1, row - 1);
    if (n > 0) {
        // The parent, and those of its neighbours that touch this block and are there already.
        const int c = column / 2, r = row / 2;
        list.add(field.at(n - 1, c, r).vector);
        const int beside = column % 2 ? c + 1 : c - 1, below = row % 2 ? r + 1 : r - 1;
        const int first_column = b.x / 64 << (n - 1), first_row = b.y / 64 << (n - 1);
        const int side = 1 << (n - 1);
        const auto touch = [&](int pc, int pr) {
            if (known(n - 1, pc, pr) && pc < first_column + side && pr < first_row + side) {
                list.add(field.at(n - 1, pc, pr).vector);
            }
        };
        touch(beside, r);
        touch(c, below);
    }
    if (before_) {
        const auto earlier = [&](int c, int r) {
            if (known(n, c, r)) list.add(within(before_->at(n, c, r).vector));
        };
        earlier(column, row);
        earlier(column + 1, row);
        earlier(column, row + 1);
    }
    for (int size = std::min(n, kCoarseSizes - 1); size >= 0 && size >= n - 2; --size) {
        list.add(coarse_vector(size, b.x / size_of(size), b.y / size_of(size)));
    }
    if (n >= kCoarseSizes - 1) {
        // Around blocks of 16 or 8: the coarse blocks of 16 beside that which holds them.
        const int m = kCoarseSizes - 1, c = b.x / size_of(m), r = b.y / size_of(m);
        for (const auto& [dx, dy] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
            if (known(m, c + dx, r + dy)) list.add(coarse_vector(m, c + dx, r + dy));
        }
    }
    if (n + 1 < kCoarseSizes) {
        for (int i = 0; i < 4; ++i) {
            const int c = 2 * column + i % 2, r = 2 * row + i / 2;
            if (known(n + 1, c, r)) list.add(coarse_vector(n + 1, c, r));
        }
    }
    if (n < kCoarseSizes) {
        if (known(n, column + 1, row)) list.add(coarse_vector(n, column + 1, row));
        if (known(n, column, row + 1)) list.add(coarse_vector(n, column, row + 1));
    }
}

void Searcher::try_whole(const Block& b, Vector vector, Tried& best) const {
    if (!inside(vector)) return;
    const std::uint32_t price = costs_(vector, b.expected);
    if (price >= best.cost) return;
    const std::uint32_t cost =
        price + sad(samples(b), source_.stride, reference_.at(b.x, b.y, vector), stride_, b.width,
                    b.height);
    if (cost < best.cost) best = {vector, cost};
}

void Searcher::try_satd(const Block& b, Vector vector, Tried& best) const {
    if (!inside(vector)) return;
    const std::uint32_t price = costs_(vector, b.expected);
    if (price >= best.cost) return;
    const std::uint32_t cost =
        price + satd_below(samples(b), source_.stride, reference_.at(b.x, b.y, vector), stride_,
                           b.width, b.height, best.cost - price);
    if (cost < best.cost) best = {vector, cost};
}

Vector moved(Vector v, int dx, int dy) {
    return {static_cast<std::int16_t>(v.dx + dx), static_cast<std::int16_t>(v.dy + dy)};
}

// Along a hexagon, then the eight around its centre.
void Searcher::descend(const Block& b, Tried& best) const {
    constexpr int kHexagon[6][2] = {{-8, 0}, {-4, 8}, {4, 8}, {8, 0}, {4, -8}, {-4, -8}};
    for (int turn = 0; turn < 16; ++turn) {
        const Vector centre = best.vector;
        for (const auto& [dx, dy] : kHexagon) try_whole(b, moved(centre, dx, dy), best);
        if (best.vector == centre) break;
    }
    square(b, 1, best);
}

void Searcher::square(const Block& b, int reach, Tried& best) const {
    const Vector centre = best.vector;
    for (int dy = -reach; dy <= reach; ++dy) {
        for (int dx = -reach; dx <= reach; ++dx) {
            if (dx || dy) try_whole(b, moved(centre, 4 * dx, 4 * dy), best);
        }
    }
}

// The eight places `step` quarters away, and on from the best.
void Searcher::refine(const Block& b, int step, int turns, Tried& best) const {
    Vector from{INT16_MAX, INT16_MAX};  // where the last turn was
    for (int turn = 0; turn < turns; ++turn) {
        const Vector centre = best.vector;
        for (int dy = -step; dy <= step; dy += step) {
            for (int dx = -step; dx <= step; dx += step) {
                const Vector v = moved(centre, dx, dy);
                const bool tried =
                    std::abs(v.dx - from.dx) <= step && std::abs(v.dy - from.dy) <= step;
                if (v != centre && !tried) try_satd(b, v, best);
            }
        }
        if (best.vector == centre) break;
        from = centre;
    }
}

void Searcher::search(const Block& b) {
    Candidates<32> guesses;
    collect(b, guesses);

    // Whole samples: the guesses, then around the best of them.
    Candidates<32> rounded;
    Tried starts[kMostStarts];
    const int most = effort_.starts;
    for (std::size_t i = 0; i < guesses.count; ++i) {
        const Vector v = guesses.vectors[i];
        const Vector whole = within({static_cast<std::int16_t>((v.dx + 2) & ~3),
                                     static_cast<std::int16_t>((v.dy + 2) & ~3)});
        if (!rounded.add(whole)) continue;
        Tried tried;
        try_whole(b, whole, tried);
        for (int s = 0; s < most; ++s) {
            if (tried.cost < starts[s].cost) std::swap(tried, starts[s]);
        }
    }
    Candidates<40> finals;  // places to try with their fractions
    Tried best;
    for (int s = 0; s < most && starts[s].cost < UINT32_MAX; ++s) {
        if (s > 0 && starts[s].cost > best.cost + best.cost / 2) break;
        descend(b, starts[s]);
        finals.add(starts[s].vector);
        if (starts[s].cost < best.cost) best = starts[s];
    }
    if (const int reach = effort_.square[b.n]) {
        square(b, reach, best);
        finals.add(best.vector);
    }
    for (std::size_t i = 0; i < guesses.count; ++i) finals.add(guesses.vectors[i]);

    // Fractions, by transformed differences.
    Tried tops[2];
    for (std::size_t i = 0; i < finals.count; ++i) {
        Tried tried;
        tried.cost = tops[effort_.fractions - 1].cost;
        const std::uint32_t limit = tried.cost;
        try_satd(b, finals.vectors[i], tried);
        if (tried.cost >= limit) continue;
        for (int s = 0; s < effort_.fractions; ++s) {
            if (tried.cost < tops[s].cost) std::swap(tried, tops[s]);
        }
    }
    for (int s = 0; s < effort_.fractions && tops[s].cost < UINT32_MAX; ++s) {
        if (s > 0 && tops[s].cost > tops[0].cost + tops[0].cost / 8) break;
        refine(b, 2, effort_.turns, tops[s]);
        refine(b, 1, effort_.turns, tops[s]);
        if (tops[s].cost < tops[0].cost) tops[0] = tops[s];
    }
    found(b) = {tops[0].vector, tops[0].cost - costs_(tops[0].vector, b.expected)};
}

// Whether what others found is better: the four blocks inside, or those beside and below.
void Searcher::retry(const Block& b, bool upwards) {
    Found& mine = found(b);
    if (mine.satd == 0) return;
    const Tried was{mine.vector, mine.satd + costs_(mine.vector, b.expected)};
    Tried best = was;
    Candidates<8> list;
    list.add(mine.vector);
    const auto attempt = [&](int n, int column, int row) {
        if (!known(n, column, row)) return;
        const Vector v = field.at(n, column, row).vector;
        if (list.add(v)) try_satd(b, v, best);
    };
    if (upwards && b.n + 1 < kSizes) {
        for (int i = 0; i < 4; ++i) attempt(b.n + 1, 2 * b.column + i % 2, 2 * b.row + i / 2);
    }
    const int across = (1 << b.n) - 1;
    if ((b.column & across) < across) attempt(b.n, b.column + 1, b.row);
    if ((b.row & across) < across) attempt(b.n, b.column, b.row + 1);
    if (b.expected != mine.vector && list.add(b.expected)) try_satd(b, b.expected, best);
    if (best.vector == was.vector) return;
    refine(b, 1, effort_.turns, best);
    mine = {best.vector, best.cost - costs_(best.vector, b.expected)};
}

void Searcher::search_block64(int column, int row) {
    const auto each = [&](int n, auto&& work) {
        const int side = 1 << n;
        for (int r = row * side; r < std::min((row + 1) * side, field.rows[n]); ++r) {
            for (int c = column * side; c < std::min((column + 1) * side, field.columns[n]); ++c) {
                work(block_of(n, c, r));
            }
        }
    };
    for (int n = 0; n < kSizes; ++n) each(n, [&](const Block& b) { search(b); });
    if (!effort_.upwards) return;
    for (int n = kSizes - 1; n >= 0; --n) each(n, [&](const Block& b) { retry(b, true); });
}

}  // namespace

// Hands out what is private of references.
class MotionSearch {
public:
    static const ReferenceParts& parts(const SearchReference& reference) {
        return *reference.parts_;
    }
};

std::vector<Field> search(const Luma& source, std::span<const SearchReference* const> references,
                          std::span<const Field* const> before, const SearchOptions& options,
                          threads::Team& team) {
    Bordered coarse;
    coarse.allocate(source.width / kCoarse, source.height / kCoarse, 0, 1);
    coarsen(source, coarse, 0, source.height / kCoarse);

    std::vector<std::unique_ptr<Searcher>> searchers;
    for (std::size_t i = 0; i < references.size(); ++i) {
        const Field* earlier = i < before.size() ? before[i] : nullptr;
        searchers.push_back(std::make_unique<Searcher>(
            source, coarse, MotionSearch::parts(*references[i]), earlier, options));
    }
    std::vector<Field> fields;
    if (searchers.empty()) return fields;

    const std::size_t rows = static_cast<std::size_t>(searchers[0]->field.rows[0]);
    const int columns = searchers[0]->field.columns[0];
    const std::size_t jobs = rows * searchers.size();
    team.run(jobs, [&](std::size_t job) {
        searchers[job % searchers.size()]->search_coarse(static_cast<int>(job / searchers.size()));
    });
    // Whoever is free takes the next row from above: the rows that it waits for have been taken.
    std::atomic<std::size_t> next{0};
    team.run(std::min(team.threads(), jobs), [&](std::size_t) {
        for (std::size_t job; (job = next.fetch_add(1)) < jobs;) {
            Searcher& searcher = *searchers[job % searchers.size()];
            const std::size_t row = job / searchers.size();
            for (int column = 0; column < columns; ++column) {
                const int wanted = std::min(column + 2, columns);
                while (row && searcher.done[row - 1].load(std::memory_order_acquire) < wanted) {
                    std::this_thread::yield();
                }
                searcher.search_block64(column, static_cast<int>(row));
                searcher.done[row].store(column + 1, std::memory_order_release);
            }
        }
    });
    for (auto& searcher : searchers) fields.push_back(std::move(searcher->field));
    return fields;
}

}  // namespace video
