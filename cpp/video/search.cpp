// Motion search: large motion first in a coarse picture, then blocks from 64 down to 8 samples,
// each from what its parent and its neighbours found, and back up from 8 to 64.
//
// Rows of blocks of 64 are a wavefront: a row is always a block behind the row above, so that what
// a block starts from depends on nothing but the pictures.
#include "search.hpp"

#include <memory>
#include <utility>

#include "difference.hpp"
#include "searcher.hpp"
#include "wavefront.hpp"

namespace video {

Effort effort_of(int effort) {
    if (effort <= 2) return {1, {0, 0, 0, 0}, 1, 1, false};
    if (effort <= 4) return {2, {1, 1, 1, 1}, 1, 2, true};
    if (effort <= 6) return {3, {2, 3, 4, 4}, 1, 3, true};
    return {5, {2, 3, 5, 8}, 2, 4, true};
}

namespace {

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

int median(int a, int b, int c) { return std::max(std::min(a, b), std::min(std::max(a, b), c)); }

Vector moved(Vector v, int dx, int dy) {
    return {static_cast<std::int16_t>(v.dx + dx), static_cast<std::int16_t>(v.dy + dy)};
}

}  // namespace

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
void Searcher::retry(const Block& b) {
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
    if (b.n + 1 < kSizes) {
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
    for (int n = kSizes - 1; n >= 0; --n) each(n, [&](const Block& b) { retry(b); });
}

// Hands out what is private of references.
class MotionSearch {
public:
    static const ReferenceParts& parts(const SearchReference& reference) {
        return *reference.parts_;
    }
};

std::vector<Field> search(const Luma& source, std::span<const SearchReference* const> references,
                          const SearchOptions& options, threads::Team& team) {
    Bordered coarse;
    coarse.allocate(source.width / kCoarse, source.height / kCoarse, 0, 1);
    coarsen(source, coarse, 0, source.height / kCoarse);

    std::vector<std::unique_ptr<Searcher>> searchers;
    for (const SearchReference* reference : references) {
        searchers.push_back(std::make_unique<Searcher>(source, coarse, MotionSearch::parts(*reference), options));
    }
    std::vector<Field> fields;
    if (searchers.empty()) return fields;

    const int rows = searchers[0]->field.rows[0], columns = searchers[0]->field.columns[0];
    team.run(searchers.size() * static_cast<std::size_t>(rows), [&](std::size_t job) {
        searchers[job % searchers.size()]->search_coarse(static_cast<int>(job / searchers.size()));
    });
    wavefronts(team, searchers.size(), rows, columns, [&](std::size_t n, int row) {
        return [&searcher = *searchers[n], row](int column) { searcher.search_block64(column, row); };
    });
    for (auto& searcher : searchers) fields.push_back(std::move(searcher->field));
    return fields;
}

}  // namespace video
