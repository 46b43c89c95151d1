// Exceptions inside the library, statuses outside of it.
#pragma once

#include <stdexcept>
#include <string>

#include "lic.h"

namespace capi {

// An error that no part below has an exception for.
class Failure : public std::runtime_error {
public:
    Failure(lic_status status, const std::string& what) : std::runtime_error(what), status_(status) {}
    lic_status status() const { return status_; }

private:
    lic_status status_;
};

// Throws LIC_BAD_ARGUMENT.
inline void require(bool holds, const char* what) {
    if (!holds) throw Failure(LIC_BAD_ARGUMENT, what);
}

// Status of the exception that is being handled, told to `error` where it is not null.
lic_status caught(lic_error* error) noexcept;

// Runs the body of a function of the library: no exception leaves it.
template <typename Body>
lic_status guarded(lic_error* error, Body&& body) noexcept {
    try {
        body();
    } catch (...) {
        return caught(error);
    }
    if (error != nullptr) *error = lic_error{LIC_OK, {}};
    return LIC_OK;
}

}  // namespace capi
