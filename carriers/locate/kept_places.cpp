#include "carriers/locate/kept_places.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace linekeeper::locate {
namespace {

constexpr std::string_view kHeader = "places 1";
constexpr std::size_t kLongestName = 255;  // RFC 1035 2.3.4

/// The words of a line, each once.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool over() const { return rest_.empty(); }
  std::string_view next() {
    if (!rest_.starts_with(' ')) return spoil();
    rest_.remove_prefix(1);
    const std::string_view word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word.empty() ? spoil() : word;
  }
  template <class T>
  T number() {
    const std::string_view word = next();
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size()) spoil();
    return value;
  }
  std::string_view spoil() {
    spoilt_ = true;
    rest_ = {};
    return {};
  }
  [[nodiscard]] bool spoilt() const { return spoilt_; }

 private:
  std::string_view rest_;
  bool spoilt_ = false;
};

model::LocatedEndpoint read_endpoint(Words& words) {
  model::LocatedEndpoint e;
  const std::string_view transport = words.next();
  const auto known = std::ranges::find(model::kEverySipTransport, transport, [](model::SipTransport t) { return model::to_string(t); });
  const auto address = model::IpAddress::parse(words.next());
  if (known == std::end(model::kEverySipTransport) || !address) {
    words.spoil();
    return e;
  }
  e.at = {.address = *address, .port = words.number<std::uint16_t>(), .transport = *known};
  e.priority = words.number<std::uint16_t>();
  e.weight = words.number<std::uint16_t>();
  e.name = words.next();
  if (e.at.port == 0 || e.name.size() > kLongestName) words.spoil();
  return e;
}

}  // namespace

std::string to_text(const KeptPlaces& places) {
  std::string text = std::string(kHeader) + ' ' + std::to_string(places.answered.time_since_epoch().count());
  for (const model::LocatedEndpoint& e : places.endpoints)
    text += ' ' + std::string(model::to_string(e.at.transport)) + ' ' + e.at.address.to_string() + ' ' + std::to_string(e.at.port) + ' ' +
            std::to_string(e.priority) + ' ' + std::to_string(e.weight) + ' ' + e.name;
  return text;
}

std::optional<KeptPlaces> places_from_text(std::string_view text) {
  if (!text.starts_with(kHeader)) return std::nullopt;
  Words words(text.substr(kHeader.size()));
  KeptPlaces places;
  places.answered = model::WallTime(std::chrono::milliseconds(words.number<std::int64_t>()));
  while (!words.over() && places.endpoints.size() <= model::kMostEndpoints) places.endpoints.push_back(read_endpoint(words));
  if (words.spoilt() || places.endpoints.empty() || places.endpoints.size() > model::kMostEndpoints) return std::nullopt;
  return places;
}

std::vector<model::LocatedEndpoint> allowed(std::vector<model::LocatedEndpoint> endpoints, const model::Carrier& carrier, model::Family family) {
  std::erase_if(endpoints, [&](const model::LocatedEndpoint& e) {
    const auto holds = [&](const model::Prefix& p) { return p.contains(e.at.address); };
    const bool pinned = carrier.pinned.empty() || std::ranges::any_of(carrier.pinned, holds);
    return e.at.address.family != family || !pinned || (carrier.transport_given && e.at.transport != carrier.transport);
  });
  return endpoints;
}

}  // namespace linekeeper::locate
