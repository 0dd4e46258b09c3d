#pragma once
// A PBX that keeps texts under keys and can tell its clock, and the wire over it: an order and its end are one text (leased_order.hpp), whose
// end is told on the PBX's own clock, so that nobody's clock needs to be right.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "carriers/trunks/wire.hpp"

namespace linekeeper::trunks {

class TextStore {
 public:
  using OnTime = std::function<void(model::Result<std::int64_t>)>;
  using OnStored = std::function<void(model::Result<void>)>;
  using OnText = std::function<void(model::Result<std::optional<std::string>>)>;

  TextStore() = default;
  TextStore(const TextStore&) = delete;
  TextStore& operator=(const TextStore&) = delete;
  virtual ~TextStore() = default;

  // One request at a time; each is answered later, never from within, and not after stop(). Errors as for Wire.
  virtual void time(OnTime on_time) = 0;  ///< the PBX's clock, seconds since 1970
  virtual void put(const std::string& key, const std::string& text, OnStored on_stored) = 0;
  virtual void get(const std::string& key, OnText on_text) = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual std::string where(const std::string& key) const = 0;
  [[nodiscard]] virtual std::string rival_remedy() const = 0;
};

/// @param lease  of the PBX: what ends later than this from now is not of our doing, or its clock was set back
[[nodiscard]] std::unique_ptr<Wire> make_text_wire(std::unique_ptr<TextStore> store, model::Duration lease);

}  // namespace linekeeper::trunks
