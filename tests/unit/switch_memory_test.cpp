#include "controller/switch/switch_memory.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/switch_fixture.hpp"

namespace linekeeper::route {
namespace {

using namespace fixture;
using namespace std::chrono_literals;

struct Folder : tests::TempDir {
  [[nodiscard]] std::string file() const { return *this / "state"; }
};

}  // namespace

TEST_CASE("switch memory: what drains, old addresses and the table survive a restart; a file without them is of an earlier release") {
  const Folder folder;
  Memory m = told("fiber", "coax", 7);
  m.desired->flow_mask = 0x00ff0000;
  m.desired->circuits[0].flow = 3;
  m.flows = {.behind = {{.family = model::Family::V6,
                         .circuit = 3,
                         .traffic_class = 1,
                         .circuit_name = "fiber",
                         .state = Behind::Deadline,
                         .deadline = at(7s),
                         .next = at(8s),
                         .looks = 1,
                         .flows = 12}},
             .old_addresses = {{.circuit = 3, .address = ip("10.0.1.2"), .next = at(9s), .looks = 2}},
             .wanted_table = "table ip linekeeper {\n}\n",
             .shown_table = "table x\n"};
  REQUIRE(MemoryFile(folder.file()).save(m));
  const auto got = MemoryFile(folder.file()).load();
  REQUIRE(got);
  CHECK(got->flows == m.flows);
  CHECK(got->desired == m.desired);
  std::ofstream(folder.file()) << "\n{\"accepted\":9,\"history\":[]}\n";
  CHECK(MemoryFile(folder.file()).load().value().flows == FlowMemory{});
}

TEST_CASE("switch memory: generation, plan and moves survive a restart (I3, I21)") {
  const Folder folder;
  Memory m = told("fiber", "coax", 7);
  m.accepted = 9;
  m.history[7201] = {.moves = {at(5s), at(6s)}, .escapes = {at(7s)}};
  REQUIRE(MemoryFile(folder.file()).save(m));
  const auto got = MemoryFile(folder.file()).load();
  REQUIRE(got);
  CHECK(got->accepted == 9);
  CHECK(got->applied == 7);
  REQUIRE(got->desired);
  CHECK(*got->desired == *m.desired);
  CHECK(got->history.at(7201).moves == m.history.at(7201).moves);
  CHECK(got->history.at(7201).escapes == m.history.at(7201).escapes);
}

TEST_CASE("switch memory: a generation accepted before any plan was applied is kept") {
  const Folder folder;
  REQUIRE(MemoryFile(folder.file()).save(Memory{.accepted = 3, .applied = 0, .desired = {}, .history = {}}));
  const auto got = MemoryFile(folder.file()).load();
  REQUIRE(got);
  CHECK(got->accepted == 3);
  CHECK_FALSE(got->desired);
}

TEST_CASE("switch memory: a missing file is an empty memory, a damaged one an error") {
  const Folder folder;
  REQUIRE(MemoryFile(folder.file()).load());
  CHECK(MemoryFile(folder.file()).load()->accepted == 0);
  for (const char* text : {"", "\n", "rubbish", "\n{}", "\n{\"accepted\":-1,\"history\":[]}", "\n{\"accepted\":1,\"history\":7}",
                           "\n{\"accepted\":1,\"history\":[{\"table\":\"x\"}]}"}) {
    std::ofstream(folder.file(), std::ios::trunc) << text;
    CHECK_FALSE(MemoryFile(folder.file()).load());
  }
  CHECK_FALSE(MemoryFile("/nonexistent/linekeeper/state").save(Memory{}));
}

}  // namespace linekeeper::route
