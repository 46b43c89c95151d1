// The class Team of a Python module. Modules that have it are nanobind domains of their own: within
// one, a type can be registered once.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <new>

#include "team.hpp"

inline void bind_team(nanobind::module_& m) {
    m.attr("MOST_THREADS") = threads::kMostThreads;
    nanobind::class_<threads::Team>(m, "Team")
        .def("__init__",
             [](threads::Team* self, std::size_t count) {
                 if (count < 1 || count > threads::kMostThreads) {
                     throw nanobind::value_error("threads: expected 1 to 64");
                 }
                 new (self) threads::Team(count);
             },
             nanobind::arg("threads"))
        .def_prop_ro("threads", &threads::Team::threads);
}
