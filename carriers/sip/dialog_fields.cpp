#include "carriers/sip/dialog_fields.hpp"

#include <algorithm>
#include <charconv>

#include "carriers/sip/message_head.hpp"

namespace linekeeper::sip {
namespace {

constexpr std::size_t kMostOfAKind = 32;  // Record-Routes and Contacts
constexpr model::Duration kLongest = std::chrono::hours(24 * 365);

std::optional<model::Duration> seconds(std::string_view value) {
  std::uint32_t n = 0;
  const auto digits = value.substr(0, value.find_first_not_of("0123456789"));
  if (digits.empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return error == std::errc() ? std::min<model::Duration>(std::chrono::seconds(n), kLongest) : kLongest;
}

/// Where the URI of a name-addr ends: everything behind belongs to the header field.
std::size_t after_address(std::string_view value) {
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\') {
      ++i;
    } else if (value[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && value[i] == '<') {
      const auto close = value.find('>', i);
      return close == std::string_view::npos ? value.size() : close + 1;
    }
  }
  return std::min(value.find(';'), value.size());  // without brackets, parameters are the field's (RFC 3261 20.10)
}

}  // namespace

std::optional<std::string> address_parameter(std::string_view value, std::string_view name) {
  std::string_view rest = value.substr(after_address(value));
  while (!rest.empty()) {
    const auto begin = rest.find(';');
    if (begin == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(begin + 1);
    const auto one = rest.substr(0, rest.find(';'));
    const auto equals = one.find('=');
    if (lower(trimmed(one.substr(0, equals))) != name) continue;
    return equals == std::string_view::npos ? std::string() : std::string(trimmed(one.substr(equals + 1)));
  }
  return std::nullopt;
}

std::string address_uri(std::string_view value) {
  const auto end = after_address(value);
  const auto address = value.substr(0, end);
  if (!address.ends_with('>')) return std::string(trimmed(address));
  const auto open = address.rfind('<');
  return open == std::string_view::npos ? std::string() : std::string(address.substr(open + 1, address.size() - open - 2));
}

DialogFields read_dialog_fields(std::string_view datagram) {
  DialogFields out;
  const auto head = split_message(datagram);
  if (!head) return out;
  out.body = head->body;
  out.contacts = head->list("contact");
  out.record_routes = head->list("record-route");
  for (auto* list : {&out.contacts, &out.record_routes})
    if (list->size() > kMostOfAKind) list->resize(kMostOfAKind);
  if (!out.contacts.empty()) out.contact_uri = address_uri(out.contacts.front());
  if (const std::string* to = head->only("to")) {
    out.to = *to;
    out.to_tag = address_parameter(*to, "tag").value_or("");
  }
  if (const std::string* value = head->only("expires")) out.expires = seconds(*value);
  if (const std::string* value = head->only("min-expires")) out.min_expires = seconds(*value);
  if (const std::string* value = head->only("content-type")) out.content_type = lower(trimmed(std::string_view(*value).substr(0, value->find(';'))));
  return out;
}

}  // namespace linekeeper::sip
