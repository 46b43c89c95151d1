// Copies of a function for several instruction sets, chosen when the program is loaded, where the
// compiler and the system know how. What is computed is the same.
#pragma once

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__)
#define VIDEO_TARGETS __attribute__((target_clones("avx2", "default")))
#else
#define VIDEO_TARGETS
#endif

// Part of the functions that are copied so.
#if defined(__GNUC__)
#define VIDEO_INLINE inline __attribute__((always_inline))
#else
#define VIDEO_INLINE inline
#endif
