#pragma once
// Values to bytes and back, with one description for both directions: a function `fields(archive, value)` names the fields of a value, and an
// archive writes them (Writer) or reads them (Reader). Reading never leaves the bytes and never fails loudly: `bad` is set and what is
// read then is nothing. Pure.
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "controller/model/time.hpp"

namespace linekeeper::journal {

inline constexpr std::size_t kLongestName = 1024;
inline constexpr std::size_t kLongestMemory = std::size_t{4} << 20;

/// Small for numbers near zero, negative ones too (zigzag, as in protocol buffers).
constexpr std::uint64_t zigzag(std::int64_t v) { return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63); }
constexpr std::int64_t unzigzag(std::uint64_t v) { return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

class Writer {
 public:
  static constexpr bool kReads = false;
  explicit Writer(std::string& out) : out_(out) {}

  void number(std::uint64_t& v) { put(v); }
  void count(std::uint64_t& v, std::uint64_t /*most*/) { put(v); }
  void fixed(std::uint64_t& v) {
    for (int i = 0; i < 8; ++i) out_.push_back(static_cast<char>(v >> (8 * i)));
  }
  void byte(std::uint8_t& v) { out_.push_back(static_cast<char>(v)); }
  void text(std::string& v, std::size_t /*longest*/) {
    put(v.size());
    out_ += v;
  }

 private:
  void put(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_.push_back(static_cast<char>(v | 0x80));
    out_.push_back(static_cast<char>(v));
  }
  std::string& out_;
};

class Reader {
 public:
  static constexpr bool kReads = true;
  explicit Reader(std::string_view in) : in_(in) {}

  [[nodiscard]] bool bad() const { return bad_; }
  [[nodiscard]] std::size_t left() const { return in_.size(); }
  void fail() {
    bad_ = true;
    in_ = {};
  }

  void number(std::uint64_t& v) {
    v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::uint8_t b = 0;
      byte(b);
      if (shift == 63 && b > 1) fail();
      if (bad_) return;
      v |= std::uint64_t{b & 0x7fU} << shift;
      if (b < 0x80) return;
    }
    fail();
  }
  /// A number that is no more than `most`.
  void count(std::uint64_t& v, std::uint64_t most) {
    number(v);
    if (v > most) fail();
    if (bad_) v = 0;
  }
  void fixed(std::uint64_t& v) {
    v = 0;
    for (int i = 0; i < 8; ++i) {
      std::uint8_t b = 0;
      byte(b);
      v |= std::uint64_t{b} << (8 * i);
    }
  }
  void byte(std::uint8_t& v) {
    v = 0;
    if (in_.empty()) return fail();
    v = static_cast<std::uint8_t>(in_.front());
    in_.remove_prefix(1);
  }
  void text(std::string& v, std::size_t longest) {
    std::uint64_t size = 0;
    count(size, longest);
    if (size > in_.size()) fail();
    if (bad_) return v.clear();
    v.assign(in_.substr(0, size));
    in_.remove_prefix(size);
  }

 private:
  std::string_view in_;
  bool bad_ = false;
};

// --- what both can do, made of the above ---

/// Near `expected`, above or below it.
template <class A, class T>
void near(A& a, T& v, std::type_identity_t<T> expected) {
  // Unsigned, so that it wraps: any two values have a difference.
  std::uint64_t difference = zigzag(static_cast<std::int64_t>(static_cast<std::uint64_t>(v) - static_cast<std::uint64_t>(expected)));
  a.number(difference);
  if constexpr (A::kReads) v = static_cast<T>(static_cast<std::uint64_t>(expected) + static_cast<std::uint64_t>(unzigzag(difference)));
}

template <class A>
void instant(A& a, model::Instant& v, model::Instant expected) {
  std::int64_t count = v.time_since_epoch().count();
  near(a, count, expected.time_since_epoch().count());
  if constexpr (A::kReads) v = model::Instant(model::Duration(count));
}

template <class A>
void duration(A& a, model::Duration& v) {
  std::int64_t count = v.count();
  near(a, count, 0);
  if constexpr (A::kReads) v = model::Duration(count);
}

/// An int: beyond its range is bad.
template <class A>
void whole(A& a, int& v) {
  std::int64_t wide = v;
  near(a, wide, 0);
  if constexpr (A::kReads) {
    if (wide < INT32_MIN || wide > INT32_MAX) return a.fail();
    v = static_cast<int>(wide);
  }
}

template <class A>
void flag(A& a, bool& v) {
  std::uint64_t bit = v ? 1 : 0;
  a.count(bit, 1);
  if constexpr (A::kReads) v = bit == 1;
}

template <class A>
void real(A& a, double& v) {
  auto bits = std::bit_cast<std::uint64_t>(v);
  a.fixed(bits);
  if constexpr (A::kReads) v = std::bit_cast<double>(bits);
}

/// One of an enumeration whose last is `last`.
template <class A, class E>
void choice(A& a, E& v, E last) {
  auto n = static_cast<std::uint64_t>(v);
  a.count(n, static_cast<std::uint64_t>(last));
  if constexpr (A::kReads) v = static_cast<E>(n);
}

template <class A, class T, class Each>
void maybe(A& a, std::optional<T>& v, Each each) {
  bool there = v.has_value();
  flag(a, there);
  if constexpr (A::kReads) v = there ? std::optional<T>(T{}) : std::nullopt;
  if (v) each(*v);
}

/// Each element takes a byte at least, so a count beyond the bytes that are left is a lie.
template <class A, class T, class Each>
void list(A& a, std::vector<T>& v, Each each) {
  std::uint64_t size = v.size();
  if constexpr (A::kReads) {
    a.count(size, a.left());
    v.clear();
    for (std::uint64_t i = 0; i < size && !a.bad(); ++i) each(v.emplace_back());
  } else {
    a.number(size);
    for (T& element : v) each(element);
  }
}

}  // namespace linekeeper::journal
