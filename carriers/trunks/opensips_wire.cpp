// An order is written in one request, and read by another:
//   cache_store [local, lk_order, order|end, lease]    in force at once; cachedb_local forgets it when the lease is over
//   cache_fetch [local, lk_order]                      read back; an error 400 when there is none
// cache_fetch does not tell when an entry ends. That is why the end stands in the text too, by our own clock: an entry that is still there
// behind its end was stored without a lease.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "carriers/trunks/rpc_client.hpp"
#include "carriers/trunks/stores.hpp"
#include "carriers/trunks/text_store.hpp"
#include "carriers/trunks/told_text.hpp"
#include "carriers/trunks/unguessable.hpp"
#include "controller/runtime/clock.hpp"

namespace linekeeper::trunks {
namespace {

using model::Error;
using model::Result;

constexpr std::string_view kPrefix = "lk_";

class CacheDb final : public TextStore {
 public:
  CacheDb(const boost::asio::any_io_executor& executor, const model::Pbx& pbx, const std::string& directory)
      : executor_(executor),
        pbx_(pbx),
        client_(std::make_shared<RpcClient>(executor, pbx.rpc_socket, own_socket(directory, pbx.name), pbx.reply_timeout, unguessable_id(),
                                            RpcPeer{.name = "OpenSIPS",
                                                    .remedy = "Is OpenSIPS running, with mi_datagram and socket_name set to this path? See "
                                                              "carriers/trunks/opensips/linekeeper.cfg",
                                                    .group = "opensips"})) {}

  void time(OnTime on_time) override {
    boost::asio::post(executor_, [alive = std::weak_ptr(alive_), on_time = std::move(on_time)] {
      if (!alive.expired()) on_time(std::chrono::duration_cast<std::chrono::seconds>(runtime::wall_now().time_since_epoch()).count());
    });
  }

  void put(const std::string& key, const std::string& text, OnStored on_stored) override {
    const auto seconds = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(pbx_.lease).count());
    client_->call("cache_store", {pbx_.store, attribute(key), text, seconds}, [this, on_stored = std::move(on_stored)](const Result<Reply>& reply) {
      if (!reply) return on_stored(std::unexpected(reply.error()));
      if (reply->error) return on_stored(std::unexpected(refused(*reply->error)));
      on_stored({});
    });
  }

  void get(const std::string& key, OnText on_text) override {
    client_->call("cache_fetch", {pbx_.store, attribute(key)},
                  [this, name = attribute(key), on_text = std::move(on_text)](const Result<Reply>& reply) {
                    if (!reply) return on_text(std::unexpected(reply.error()));
                    if (reply->error && reply->error->message.contains("not found") && reply->error->code == 400)
                      return on_text(std::optional<std::string>());
                    if (reply->error) return on_text(std::unexpected(refused(*reply->error)));
                    if (!reply->item || reply->item->name != name)
                      return on_text(std::unexpected(
                          Error{"OpenSIPS at " + pbx_.rpc_socket + " answers for another key than " + name, "See who else uses its socket", EPROTO}));
                    on_text(std::optional(reply->item->value));
                  });
  }

  void stop() override {
    alive_.reset();
    client_->stop();
  }
  [[nodiscard]] std::string where(const std::string& key) const override {
    return "cache " + pbx_.store + "/" + attribute(key) + " of PBX " + pbx_.name;
  }
  [[nodiscard]] std::string rival_remedy() const override { return "look for cache_store in opensips.cfg"; }

 private:
  static std::string attribute(const std::string& key) { return std::string(kPrefix) + key; }

  [[nodiscard]] Error refused(const RpcError& error) const {
    return {"OpenSIPS at " + pbx_.rpc_socket + " refuses: " + told(error.message) + " (" + std::to_string(error.code) + ")",
            "Load the snippet linekeeper.cfg: loadmodule \"cachedb_local.so\"", EPROTO};
  }

  boost::asio::any_io_executor executor_;
  const model::Pbx pbx_;
  std::shared_ptr<RpcClient> client_;                           // shared with its pending handlers
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with pending handlers
};

}  // namespace

std::unique_ptr<Wire> make_opensips_wire(const boost::asio::any_io_executor& executor, const model::Pbx& pbx, const std::string& client_directory) {
  return make_text_wire(std::make_unique<CacheDb>(executor, pbx, client_directory), pbx.lease);
}

}  // namespace linekeeper::trunks
