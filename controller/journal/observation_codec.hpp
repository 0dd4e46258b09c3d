#pragma once
// What the judge was told, written down so that it can be judged again. A block holds a few seconds of one judge's inputs, each with the
// instant the judge was given with it, exactly: the same inputs at the same instants give the same decisions.
//
// A block stands for itself: it names the circuits, targets, carriers, classes and trunks whose positions its records use, so it
// can be read beside a configuration that has them in another order, and the loss of one block spoils no other. Numbers are
// LEB128 varints, mostly differences to what is expected (the instant before, the sequence before): about ten bytes a probe.
//
//   version (1) | CRC-32 of what follows (4, little endian) | head | record, record, ...
//
// Pure.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/model/error.hpp"
#include "controller/model/observation.hpp"
#include "controller/model/override.hpp"
#include "controller/model/site.hpp"

namespace linekeeper::journal {

inline constexpr std::uint8_t kBlockVersion = 1;
inline constexpr std::size_t kLongestBlock = std::size_t{8} << 20;  ///< bytes; a longer one is refused unread

/// Whose positions the ids of a block's records are.
struct BlockNames {
  std::vector<std::string> circuits, targets, carriers, classes, trunks;
  friend bool operator==(const BlockNames&, const BlockNames&) = default;
};
[[nodiscard]] BlockNames names_of(const model::Site& site);

// --- what a judge is told beside observations; each is one call of decision::Decider ---

/// A new judge begins: at the start of the daemon, and when a configuration is taken into use.
struct DeciderStarted {};
/// What was learned of a circuit before, given to the judge.
struct Recalled {
  model::CircuitId circuit;
  std::string text;
  model::Duration age{};
};
/// How a class has moved before, given to the judge.
struct MovesRecalled {
  model::ClassId traffic_class;
  std::string text;
  model::Duration age{};
};
struct RoutesAdopted {
  std::uint64_t generation = 0;
  std::vector<std::optional<model::CircuitId>> classes;
};
/// By which circuits a class was found to be shared; before RoutesAdopted.
struct ShareFound {
  model::ClassId traffic_class;
  std::vector<model::CircuitId> circuits;
};
struct TrunkAdopted {
  model::TrunkId trunk;
  std::vector<int> sets;
};
struct OrdersGiven {
  std::vector<model::Override> overrides;
};
/// Moves of a plan that linekeeper-switch held back.
struct MovesHeld {
  struct Move {
    model::ClassId traffic_class;
    std::optional<model::CircuitId> stands;
    bool escape = false;
    model::Duration again_after{};
  };
  std::vector<Move> moves;
};
/// Probes sent as a class's traffic goes were answered by that circuit, or were not.
struct WayProbed {
  model::ClassId traffic_class;
  model::CircuitId by;
  bool proven = false;
};
struct Reissued {};
struct Woken {};

/// Not told to the judge: how things stand, written now and then, so that a recording whose beginning is gone can be begun in its middle.
struct Standing {
  RoutesAdopted routes;
  std::vector<TrunkAdopted> trunks;
  OrdersGiven orders;
  std::vector<model::LinkState> links;
  std::vector<model::GatewayState> gateways;
  std::vector<model::ResolverState> resolvers;
  std::vector<Recalled> learned;
};

using Input = std::variant<model::Observation, DeciderStarted, Recalled, MovesRecalled, RoutesAdopted, TrunkAdopted, OrdersGiven, MovesHeld,
                           WayProbed, ShareFound, Reissued, Woken, Standing>;

struct Record {
  model::Instant now{};  ///< as the judge was given it
  Input input;
};

struct BlockHead {
  model::Instant run{};     ///< when the judge began: with the boot, the name of its recording
  std::uint64_t index = 0;  ///< of this block in it; one that is missing in between was lost
  BlockNames names;
};

struct Block {
  BlockHead head;
  std::vector<Record> records;
};

/// Writes blocks one after the other into a buffer that is kept: a record allocates nothing while it fits.
class BlockWriter {
 public:
  /// @param capacity  bytes kept ready for the records of a block
  BlockWriter(const model::Site& site, model::Instant run, std::size_t capacity);

  void add(const model::Observation& observation, model::Instant now);
  void add(const Input& input, model::Instant now);

  [[nodiscard]] bool empty() const { return records_ == 0; }
  [[nodiscard]] std::size_t size() const { return bytes_.size() - head_size_; }  ///< bytes of the records
  [[nodiscard]] model::Instant first() const { return first_; }                  ///< of the records
  [[nodiscard]] model::Instant last() const { return last_; }
  [[nodiscard]] model::Instant run() const { return head_.run; }

  /// The block, complete; the next one is begun.
  [[nodiscard]] std::string take();

 private:
  void begin();
  void noted(model::Instant now);

  BlockHead head_;
  std::string bytes_;
  std::size_t head_size_ = 0;
  std::size_t records_ = 0;
  model::Instant first_{}, last_{};
  std::vector<std::uint64_t> sequences_;  // the newest of each circuit
};

/// Any bytes. @return the block, or what is wrong with it (cut short, changed, of a newer version): never half of it
[[nodiscard]] model::Result<Block> decode_block(std::string_view bytes);

/// CRC-32 (ISO-HDLC, as in zlib) of the bytes.
[[nodiscard]] std::uint32_t crc32(std::string_view bytes);

}  // namespace linekeeper::journal
