// Classes that are shared by several circuits: weights, and what may not be shared.
#include <algorithm>

#include "tests/unit/config_text.hpp"

using namespace config_text;
using namespace linekeeper;

namespace {

/// A class for data beside the one that the trunk goes by.
std::string data(const std::string& more, const std::string& text = kSound) {
  return with("name = \"voice\"", "name = \"data\"\n" + more + "\nmatch = { mark = 0x20 }\n[[class]]\nname = \"voice\"",
              with("name = \"outbound\"", "name = \"outbound\"\nclass = \"voice\"", text));
}
std::string weighted(const std::string& fiber, const std::string& coax) { return after("name = \"fiber\"", fiber, after("name = \"coax\"", coax)); }
std::vector<int> weights(const std::string& fiber, const std::string& coax) {
  return site_of(data("share = true", weighted(fiber, coax))).classes[0].weights;
}
bool says(const std::string& text, std::string_view part) {
  const std::string all = told(text);
  INFO(all);
  return all.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("share: weights as they are said, by what circuits carry, or all alike") {
  CHECK(site_of(data("")).classes[0].weights.empty());
  CHECK(site_of(data("share = false")).classes[0].weights.empty());
  CHECK(weights("", "") == std::vector<int>{1, 1});
  CHECK(weights("weight = 3", "") == std::vector<int>{3, 1});
  CHECK(weights("weight = 3\nbandwidth_kbps = 1000", "bandwidth_kbps = 9000") == std::vector<int>{3, 1});
  CHECK(weights("bandwidth_kbps = 100000", "bandwidth_kbps = 40000") == std::vector<int>{5, 2});
  CHECK(weights("bandwidth_kbps = 1000000", "bandwidth_kbps = 1000") == std::vector<int>{100, 1});  // who has a part has one in a hundred
  CHECK(weights("bandwidth_kbps = 1000000", "") == std::vector<int>{1, 1});
  CHECK(site_of(data("share = true")).classes[1].weights.empty());
}

TEST_CASE("share: weights follow the order of the class's circuits") {
  const auto site = site_of(data("share = true\ncircuits = [\"coax\", \"fiber\"]", weighted("weight = 3", "weight = 2")));
  CHECK(site.classes[0].weights == std::vector<int>{2, 3});
  CHECK(config::summary(site).find("coax (2), fiber (3), shared") != std::string::npos);
}

TEST_CASE("share: calls are never shared, and neither is what cannot be") {
  CHECK(says(data("share = true\ncodec = \"g711\""), "class \"data\" is shared and has the codec g711"));
  CHECK(says(after("name = \"voice\"", "share = true"), "class \"voice\" is shared and carries trunk \"outbound\""));
  CHECK(says(data("share = true\ncircuits = [\"fiber\"]"), "class \"data\" is shared, and has one circuit only"));
  CHECK(says(data("share = true", std::string(kSound) + "\n[connections]\nkeep = false\n"), "[connections] keep is false"));
  CHECK(says(data("share = true\ncodec = \"g711\""), "share = false; a class of its own for the data"));
  site_of(data("share = false\ncodec = \"g711\""));
}

TEST_CASE("share: of both families each is shared by its own circuits, where there are two") {
  std::string text = weighted("families = [\"ipv4\", \"ipv6\"]\nweight = 3", "");
  for (int i = 1; i <= 3; ++i)
    text += "[[target]]\nname = \"s" + std::to_string(i) + "\"\naddress = \"2001:db8:" + std::to_string(i) + "::1\"\nnetwork = \"s" +
            std::to_string(i) + "\"\n";
  const auto one = site_of(data("share = true", text));
  const auto six = std::ranges::find(one.classes, "data-ipv6", &model::TrafficClass::name);
  REQUIRE(six != one.classes.end());
  CHECK(six->weights.empty());  // one circuit carries it
  CHECK(one.classes[0].weights == std::vector<int>{3, 1});
  const auto both = site_of(data("share = true", after("name = \"coax\"", "families = [\"ipv4\", \"ipv6\"]", text)));
  CHECK(std::ranges::find(both.classes, "data-ipv6", &model::TrafficClass::name)->weights == std::vector<int>{3, 1});
}
