#include <doctest/doctest.h>

#include "probes/sequence_window.hpp"

using namespace linekeeper;
using probes::SequenceWindow;

namespace {
void send(SequenceWindow& w, std::uint64_t first, std::uint64_t last) {
  for (auto s = first; s <= last; ++s) w.add({.sequence = s, .target = s % 3, .sent = {}});
}
}  // namespace

TEST_CASE("sequence window: a probe is answered once, whatever comes again") {
  SequenceWindow w;
  send(w, 1, 3);
  const auto probe = w.answer(2);
  REQUIRE(probe);
  CHECK(probe->sequence == 2);
  CHECK(probe->target == 2);
  CHECK_FALSE(w.answer(2));
  CHECK(w.answer(3));
  CHECK(w.answer(1));
}

TEST_CASE("sequence window: what was never sent is inert") {
  SequenceWindow w;
  CHECK_FALSE(w.answer(0));
  CHECK_FALSE(w.answer(1));
  CHECK_FALSE(w.waiting(0));
  send(w, 1, 3);
  CHECK_FALSE(w.answer(0));
  CHECK_FALSE(w.answer(4));
  CHECK_FALSE(w.answer(2 + SequenceWindow::kSize));
  CHECK_FALSE(w.answer(~std::uint64_t{0}));
  CHECK_FALSE(w.reject(4));
}

TEST_CASE("sequence window: the last 256 are waited for, the 257th is forgotten") {
  SequenceWindow w;
  send(w, 1, 1000);
  CHECK_FALSE(w.answer(744));
  CHECK(w.answer(745));
  CHECK(w.answer(1000));
}

TEST_CASE("sequence window: numbers left out by local errors are inert, not those of an earlier round") {
  SequenceWindow w;
  send(w, 1, 10);
  send(w, 10 + SequenceWindow::kSize, 10 + SequenceWindow::kSize);
  CHECK_FALSE(w.answer(10));
  CHECK_FALSE(w.answer(11));
  CHECK_FALSE(w.answer(9 + SequenceWindow::kSize));
  CHECK(w.answer(10 + SequenceWindow::kSize));
}

TEST_CASE("sequence window: an answer counts after a rejection, a rejection after an answer does not, nor a second one") {
  SequenceWindow w;
  send(w, 1, 2);
  CHECK(w.reject(1));
  CHECK_FALSE(w.reject(1));
  CHECK(w.answer(1));
  CHECK(w.answer(2));
  CHECK_FALSE(w.reject(2));
}

TEST_CASE("sequence window: a probe is found by its low 16 bits while it is waited for, across the 16-bit boundary too") {
  SequenceWindow w;
  send(w, 65'500, 65'600);
  REQUIRE(w.waiting(0));
  CHECK(w.waiting(0)->sequence == 65'536);
  REQUIRE(w.waiting(65'535));
  CHECK(w.waiting(65'535)->sequence == 65'535);
  CHECK(w.waiting(64)->sequence == 65'600);
  CHECK_FALSE(w.waiting(65));      // not sent yet
  CHECK_FALSE(w.waiting(65'499));  // before the first
  CHECK(w.answer(65'536));
  CHECK_FALSE(w.waiting(0));
  send(w, 65'601, 65'800);
  CHECK_FALSE(w.waiting(8));  // 65,544: 257 back
  CHECK(w.waiting(9));        // 65,545: 256 back
}
