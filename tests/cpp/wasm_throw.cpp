// What a throw becomes in WebAssembly built without exceptions: the end of the program.
#include <cstddef>
#include <cstdio>
#include <cstdlib>

extern "C" void* __cxa_allocate_exception(std::size_t) {
    std::puts("an exception was thrown");
    std::exit(1);
}

extern "C" void __cxa_throw(void*, void*, void (*)(void*)) { std::abort(); }
