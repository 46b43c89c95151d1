// Every part of every job is done once, and done when `run` returns; also after all have slept.
#include "team.hpp"

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

void check(bool holds, const char* what) {
    if (holds) return;
    std::printf("test_team: %s\n", what);
    std::exit(1);
}

// Parts write to plain memory: a thread sanitizer sees whether `run` puts an order between them and
// what comes after it.
void jobs(std::size_t threads, std::size_t count) {
    threads::Team team(threads);
    check(team.threads() == threads, "threads");
    std::vector<std::size_t> done(17);
    std::vector<std::size_t> expected(17);
    for (std::size_t job = 0; job < count; ++job) {
        const std::size_t pieces = job % 18;
        team.run(pieces, [&](std::size_t piece) { done[piece] += job; });
        for (std::size_t piece = 0; piece < pieces; ++piece) expected[piece] += job;
        check(done == expected, "a part was left out or done twice");
        if (job % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

}  // namespace

int main() {
    for (const std::size_t threads : {1, 2, 3, 8}) jobs(threads, 3000);
    for (int n = 0; n < 200; ++n) threads::Team team(4);  // threads that end before their first job
    std::puts("test_team: ok");
}
