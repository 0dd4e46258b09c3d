#include "carriers/trunks/text_store.hpp"

#include <algorithm>
#include <chrono>

#include "carriers/trunks/leased_order.hpp"
#include "carriers/trunks/told_text.hpp"

namespace linekeeper::trunks {
namespace {

using model::Result;

constexpr std::int64_t kSlack = 2;  // two clocks told in whole seconds

std::int64_t whole_seconds(model::Duration d) { return std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(d).count()); }

class TextWire final : public Wire {
 public:
  TextWire(std::unique_ptr<TextStore> store, model::Duration lease) : store_(std::move(store)), lease_s_(whole_seconds(lease)) {}

  [[nodiscard]] std::optional<model::Error> refuses(const Order& order) const override {
    const auto text = encode_leased({order, kLatest});
    return text ? std::nullopt : std::optional(text.error());
  }

  void write(const std::string& key, const Order& order, model::Duration lease, OnWritten on_written) override {
    store_->time([this, key, order, lease, on_written = std::move(on_written)](const Result<std::int64_t>& now) mutable {
      if (!now) return on_written(std::unexpected(now.error()));
      const auto text = encode_leased({order, *now + whole_seconds(lease)});
      if (!text) return on_written(std::unexpected(text.error()));
      store_->put(key, *text, std::move(on_written));
    });
  }

  void read(const std::string& key, OnStanding on_standing) override {
    store_->time([this, key, on_standing = std::move(on_standing)](const Result<std::int64_t>& now) mutable {
      if (!now) return on_standing(std::unexpected(now.error()));
      store_->get(key, [this, now = *now, on_standing = std::move(on_standing)](const Result<std::optional<std::string>>& text) {
        if (!text) return on_standing(std::unexpected(text.error()));
        on_standing(*text ? standing(**text, now) : std::nullopt);
      });
    });
  }

  void stop() override { store_->stop(); }
  [[nodiscard]] std::string where(const std::string& key) const override { return store_->where(key); }
  [[nodiscard]] std::string endless_remedy() const override { return "Its end is further away than our lease: has the PBX's clock been set back?"; }
  [[nodiscard]] std::string rival_remedy() const override { return store_->rival_remedy(); }

 private:
  static constexpr std::int64_t kLatest = 99'999'999'999;  // as many digits as an end will ever have

  [[nodiscard]] std::optional<Standing> standing(const std::string& text, std::int64_t now) const {
    auto order = parse_leased(text);
    if (!order) return Standing{.order = {}, .leased = false, .shown = told(text)};
    if (order->ends <= now) return std::nullopt;
    return Standing{.order = std::move(order->ways), .leased = order->ends - now <= lease_s_ + kSlack, .shown = text};
  }

  std::unique_ptr<TextStore> store_;
  std::int64_t lease_s_;
};

}  // namespace

std::unique_ptr<Wire> make_text_wire(std::unique_ptr<TextStore> store, model::Duration lease) {
  return std::make_unique<TextWire>(std::move(store), lease);
}

}  // namespace linekeeper::trunks
