#include <doctest/doctest.h>

#include "controller/admin/cli/sse_reader.hpp"

using linekeeper::admin::cli::SseReader;

TEST_CASE("sse: messages come out whole, however the bytes are cut") {
  const std::string bytes = ": hello\n\nid: 7\r\nevent: event\r\ndata: {\"a\":1}\r\n\r\ndata:x\ndata: y\n\nevent: nothing\n\nid: 8\ndata: cut";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    CAPTURE(step);
    SseReader reader;
    for (std::size_t i = 0; i < bytes.size(); i += step) CHECK(reader.feed(std::string_view(bytes).substr(i, step)));
    const auto first = reader.take();
    REQUIRE(first);
    CHECK(first->id == "7");
    CHECK(first->event == "event");
    CHECK(first->data == "{\"a\":1}");
    const auto second = reader.take();
    REQUIRE(second);
    CHECK(second->data == "x\ny");
    CHECK(second->event.empty());
    CHECK_FALSE(reader.take());
  }
}

TEST_CASE("sse: a message without end is given up") {
  SseReader reader;
  const std::string megabyte(std::size_t{1} << 20, 'x');
  bool fits = reader.feed("data: ");
  std::size_t fed = 0;
  while (fits && fed < 2 * SseReader::kMessageMax) {
    fits = reader.feed(megabyte);
    fed += megabyte.size();
  }
  CHECK_FALSE(fits);
  CHECK(fed <= SseReader::kMessageMax + megabyte.size());
}
