#include "controller/journal/observation_codec.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/journal/record_fields.hpp"

namespace linekeeper::journal {
namespace {

using model::Instant;
using record::FullReply;
using record::kTag;
using record::NamesEndpoint;
using record::OfEndpoint;

constexpr std::size_t kCheckAt = 1, kHeadAt = 5;

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  return table;
}();

using Writing = record::Archive<Writer>;
using Reading = record::Archive<Reader>;

template <class T>
void write_record(Writing& a, T value, Instant now, Instant before) {
  if constexpr (std::is_same_v<T, model::ProbeReply>)
    if (value.code != 0 || value.reflection) return write_record(a, FullReply{value}, now, before);
  if constexpr (NamesEndpoint<T>)
    if (value.endpoint) return write_record(a, OfEndpoint<T>{value}, now, before);
  if constexpr (std::is_same_v<T, model::SipOutcome>)
    if (value.authorisation != model::SipAuthorisation::Unknown) return write_record(a, record::ChallengedOutcome{value}, now, before);
  static_assert(kTag<T> != 0, "a new kind of record needs a number of its own");
  std::uint8_t tag = kTag<T>;
  a.byte(tag);
  instant(a, now, before);
  a.now = now;
  fields(a, value);
}

/// Reads the alternative of V that has this tag. @return whether there is one
template <class V, std::size_t I = 0>
bool read_alternative(Reading& a, std::uint8_t tag, V& out) {
  if constexpr (I == std::variant_size_v<V>) {
    return false;
  } else {
    using T = std::variant_alternative_t<I, V>;
    if constexpr (std::is_same_v<T, model::Observation>) {
      model::Observation inner;
      if (read_alternative(a, tag, inner)) {
        out = std::move(inner);
        return true;
      }
    } else if (tag == kTag<T>) {
      T value{};
      fields(a, value);
      out = std::move(value);
      return true;
    }
    if constexpr (std::is_same_v<T, model::ProbeReply>) {
      if (tag == kTag<FullReply>) {
        FullReply full;
        fields(a, full);
        out = full.reply;
        return true;
      }
    }
    if constexpr (NamesEndpoint<T>) {
      if (tag == kTag<OfEndpoint<T>>) {
        OfEndpoint<T> told;
        fields(a, told);
        out = std::move(told.of);
        return true;
      }
    }
    if constexpr (std::is_same_v<T, model::SipOutcome>) {
      if (tag == kTag<record::ChallengedOutcome>) {
        record::ChallengedOutcome full;
        fields(a, full);
        out = full.outcome;
        return true;
      }
    }
    return read_alternative<V, I + 1>(a, tag, out);
  }
}

model::Error spoilt(const char* why) { return {std::string("a block of the recording ") + why, "", EBADMSG}; }

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t c = 0xFFFFFFFFU;
  for (const char b : bytes) c = kCrcTable[(c ^ static_cast<std::uint8_t>(b)) & 0xFFU] ^ (c >> 8);
  return c ^ 0xFFFFFFFFU;
}

BlockNames names_of(const model::Site& site) {
  BlockNames names;
  for (const auto& c : site.circuits) names.circuits.push_back(c.name);
  for (const auto& t : site.targets) names.targets.push_back(t.name);
  for (const auto& c : site.carriers) names.carriers.push_back(c.name);
  for (const auto& c : site.classes) names.classes.push_back(c.name);
  for (const auto& t : site.trunks) names.trunks.push_back(t.name);
  return names;
}

BlockWriter::BlockWriter(const model::Site& site, Instant run, std::size_t capacity)
    : head_{.run = run, .index = 0, .names = names_of(site)}, sequences_(site.circuits.size()) {
  begin();
  bytes_.reserve(head_size_ + capacity);
}

void BlockWriter::begin() {
  bytes_.assign(1, static_cast<char>(kBlockVersion));
  bytes_.append(4, '\0');
  Writing a(bytes_);
  fields(a, head_);
  head_size_ = bytes_.size();
  records_ = 0;
  first_ = last_ = head_.run;
  std::ranges::fill(sequences_, 0);
}

void BlockWriter::noted(Instant now) {
  if (records_++ == 0) first_ = now;
  last_ = now;
}

void BlockWriter::add(const model::Observation& observation, Instant now) {
  Writing a(bytes_);
  a.sequences = &sequences_;
  std::visit([&](const auto& o) { write_record(a, o, now, last_); }, observation);
  noted(now);
}

void BlockWriter::add(const Input& input, Instant now) {
  if (const auto* observation = std::get_if<model::Observation>(&input)) return add(*observation, now);
  Writing a(bytes_);
  a.sequences = &sequences_;
  std::visit(
      [&](const auto& i) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(i)>, model::Observation>) write_record(a, i, now, last_);
      },
      input);
  noted(now);
}

std::string BlockWriter::take() {
  const std::uint32_t check = crc32(std::string_view(bytes_).substr(kHeadAt));
  for (std::size_t i = 0; i < 4; ++i) bytes_[kCheckAt + i] = static_cast<char>(check >> (8 * i));
  std::string block = bytes_;
  ++head_.index;
  begin();
  return block;
}

model::Result<Block> decode_block(std::string_view bytes) {
  if (bytes.size() < kHeadAt) return std::unexpected(spoilt("is cut short"));
  if (bytes.size() > kLongestBlock) return std::unexpected(spoilt("is longer than any that is written"));
  if (static_cast<std::uint8_t>(bytes[0]) != kBlockVersion)
    return std::unexpected(spoilt(static_cast<std::uint8_t>(bytes[0]) > kBlockVersion ? "was written by a newer version" : "is damaged"));
  std::uint32_t check = 0;
  for (std::size_t i = 0; i < 4; ++i) check |= std::uint32_t{static_cast<std::uint8_t>(bytes[kCheckAt + i])} << (8 * i);
  if (check != crc32(bytes.substr(kHeadAt))) return std::unexpected(spoilt("is damaged: its checksum does not fit"));

  Block block;
  Reading a(bytes.substr(kHeadAt));
  fields(a, block.head);
  if (a.bad()) return std::unexpected(spoilt("has a head that makes no sense"));
  a.knows(block.head.names);
  std::vector<std::uint64_t> sequences(a.circuits);
  a.sequences = &sequences;
  a.now = block.head.run;
  while (a.left() > 0) {
    Record& record = block.records.emplace_back();
    std::uint8_t tag = 0;
    a.byte(tag);
    instant(a, a.now, a.now);
    record.now = a.now;
    if (!read_alternative(a, tag, record.input)) return std::unexpected(spoilt("has a record of a kind that this version does not know"));
    if (a.bad()) return std::unexpected(spoilt("has a record that makes no sense"));
  }
  return block;
}

}  // namespace linekeeper::journal
