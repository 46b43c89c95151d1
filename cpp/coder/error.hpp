// Errors of the coder; bindings.cpp maps each one to the Python class of the same name.
#pragma once

#include <stdexcept>
#include <string>

namespace rans {

class EntropyCodingError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class InvalidTable : public EntropyCodingError {
    using EntropyCodingError::EntropyCodingError;
};

class StreamExhausted : public EntropyCodingError {
    using EntropyCodingError::EntropyCodingError;
};

class CorruptStream : public EntropyCodingError {
    using EntropyCodingError::EntropyCodingError;
};

class SymbolOutOfRange : public EntropyCodingError {
    using EntropyCodingError::EntropyCodingError;
};

[[noreturn]] inline void throw_bad_index(unsigned index, std::size_t count) {
    throw InvalidTable("index " + std::to_string(index) + " names no table; there are " +
                       std::to_string(count));
}

}  // namespace rans
