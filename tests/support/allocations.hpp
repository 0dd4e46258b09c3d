#pragma once
// How often this program has asked for memory so far. Include in one source of a program only: it replaces the global operator new.
#include <cstdint>
#include <cstdlib>
#include <new>

namespace linekeeper::tests {
inline std::uint64_t allocations = 0;
}

// NOLINTBEGIN(cppcoreguidelines-no-malloc): this is the allocator
void* operator new(std::size_t size) {
  ++linekeeper::tests::allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc)
