#include <doctest/doctest.h>

#include <random>

#include "carriers/trunks/jsonrpc.hpp"

using namespace linekeeper::trunks;

namespace {

// As Kamailio 5.6.3 writes them.
constexpr std::string_view kItem =
    "{\n\t\"jsonrpc\":\t\"2.0\",\n\t\"result\":\t{\n\t\t\"item\":\t{\n\t\t\t\"name\":\t\"order\",\n\t\t\t\"value\":\t\"22=8;11=8\",\n\t\t\t\"flags\":"
    "\t2,\n"
    "\t\t\t\"expire\":\t\"2026-11-22 11:13:29\"\n\t\t}\n\t},\n\t\"id\":\t7\n}";
constexpr std::string_view kMissing =
    "{\n\t\"jsonrpc\":\t\"2.0\",\n\t\"error\":\t{\n\t\t\"code\":\t500,\n\t\t\"message\":\t\"Key name doesn't exist in "
    "htable.\"\n\t},\n\t\"id\":\t1\n}";

std::string why_not(std::string_view text) {
  const auto reply = parse_reply(text);
  REQUIRE_FALSE(reply);
  return reply.error();
}

}  // namespace

TEST_CASE("jsonrpc: a request is one object with its parameters in order") {
  const std::vector<Parameter> parameters = {std::string_view("lk"), std::string_view("a\"\n"), std::int64_t{90}};
  CHECK(request(7, "htable.setex", parameters) == R"({"jsonrpc":"2.0","method":"htable.setex","params":["lk","a\"\n",90],"id":7})");
  CHECK(request(kLargestId, "core.uptime", {}) == R"({"jsonrpc":"2.0","method":"core.uptime","params":[],"id":9007199254740991})");
}

TEST_CASE("jsonrpc: an htable entry is read with its end, a number as its digits") {
  const auto reply = parse_reply(kItem);
  REQUIRE(reply);
  CHECK(reply->id == 7);
  CHECK_FALSE(reply->error);
  REQUIRE(reply->item);
  CHECK(reply->item->name == "order");
  CHECK(reply->item->value == "22=8;11=8");
  CHECK(reply->item->leased());
  const auto endless = parse_reply(R"({"jsonrpc":"2.0","result":{"item":{"name":"n","value":12,"expire":"NEVER"}},"id":1})");
  CHECK(endless->item->value == "12");
  CHECK_FALSE(endless->item->leased());
  CHECK_FALSE(parse_reply(R"({"jsonrpc":"2.0","result":{"item":{"name":"n","value":"12"}},"id":1})")->item->leased());
}

TEST_CASE("jsonrpc: other results are answers without an entry") {
  for (const auto* result : {"\"Ok. Key set to new value.\"", "{}", "[]", "null", "7", R"({"item":7})", R"({"item":{"name":"n"}})",
                             R"({"item":{"name":"n","value":[]}})"}) {
    CAPTURE(result);
    const auto reply = parse_reply(std::string(R"({"jsonrpc":"2.0","id":3,"result":)") + result + "}");
    REQUIRE(reply);
    CHECK_FALSE(reply->item);
  }
}

TEST_CASE("jsonrpc: an error has its code and message") {
  const auto reply = parse_reply(kMissing);
  REQUIRE(reply);
  REQUIRE(reply->error);
  CHECK(reply->error->code == 500);
  CHECK(reply->error->message == "Key name doesn't exist in htable.");
  CHECK(parse_reply(R"({"jsonrpc":"2.0","error":{"code":-32601},"id":1})")->error->message.empty());
}

TEST_CASE("jsonrpc: what is no reply is refused with the reason") {
  CHECK(why_not("").starts_with("it is no JSON"));
  CHECK(why_not("garbage").starts_with("it is no JSON"));
  CHECK(why_not(std::string(kItem) + "x").starts_with("it is no JSON"));
  CHECK(why_not(kItem.substr(0, kItem.size() - 1)).starts_with("it is no JSON"));
  CHECK(why_not("[]") == "it is no object");
  CHECK(why_not("{}") == "it is not of JSON-RPC 2.0");
  CHECK(why_not(R"({"jsonrpc":"1.0","result":1,"id":1})") == "it is not of JSON-RPC 2.0");
  CHECK(why_not(R"({"jsonrpc":2.0,"result":1,"id":1})") == "it is not of JSON-RPC 2.0");
  for (const auto* id : {"-1", "\"1\"", "1.0", "null", "[]", "18446744073709551615"})
    CHECK(why_not(std::string(R"({"jsonrpc":"2.0","result":1,"id":)") + id + "}") == "it has no id");
  CHECK(why_not(R"({"jsonrpc":"2.0","result":1})") == "it has no id");
  CHECK(why_not(R"({"jsonrpc":"2.0","id":1})") == "it has not one of result and error");
  CHECK(why_not(R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1}})") == "it has not one of result and error");
  for (const auto* error : {"1", "{}", R"({"code":"1"})", "null"})
    CHECK(why_not(std::string(R"({"jsonrpc":"2.0","id":1,"error":)") + error + "}") == "its error has no code");
}

TEST_CASE("jsonrpc: size and depth are bounded, at the limit and one above") {
  const std::string head = R"({"jsonrpc":"2.0","id":1,"result":")";
  const std::string tail = "\"}";
  const auto sized = [&](std::size_t size) { return head + std::string(size - head.size() - tail.size(), 'x') + tail; };
  CHECK(parse_reply(sized(kLargestReply)));
  CHECK(why_not(sized(kLargestReply + 1)).starts_with("it is longer"));
  const auto deep = [](std::size_t depth) {
    return R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(parse_reply(deep(15)));
  CHECK(why_not(deep(16)).starts_with("it is no JSON"));
  CHECK(why_not(deep(30'000)).starts_with("it is no JSON"));
  const auto long_message = parse_reply(R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":")" + std::string(5000, 'x') + "\"}}");
  CHECK(long_message->error->message.size() == 1024);
}

TEST_CASE("jsonrpc: 200,000 mutilated replies are survived, and what is accepted is bounded") {
  std::mt19937 random(20261122);
  const auto up_to = [&](std::size_t n) { return random() % n; };
  std::size_t accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text(round % 2 == 0 ? kItem : kMissing);
    for (auto edits = 1 + up_to(4); edits > 0 && !text.empty(); --edits) {
      const auto at = up_to(text.size());
      switch (up_to(5)) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, 1 + up_to(8)); break;
        case 2: text.insert(at, 1 + up_to(8), "{}[]\",:\\0\xFFtnu"[up_to(13)]); break;
        case 3: text.insert(at, text.substr(up_to(text.size()), up_to(40))); break;
        default: text.resize(at); break;
      }
    }
    const auto reply = parse_reply(text);
    if (!reply) continue;
    ++accepted;
    CHECK(reply->id <= static_cast<std::uint64_t>(INT64_MAX));
    if (reply->item) CHECK(reply->item->value.size() <= 1024);
    if (reply->error) CHECK(reply->error->message.size() <= 1024);
  }
  CHECK(accepted > 1000);  // the edits are small enough to reach behind the first check
}
