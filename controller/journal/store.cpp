#include "controller/journal/store.hpp"

#include <algorithm>
#include <optional>

#include "controller/journal/event_row.hpp"
#include "controller/journal/schema.hpp"
#include "controller/runtime/log.hpp"

namespace linekeeper::journal {
namespace {

using model::Event;
using model::Override;
using model::Result;

constexpr std::size_t kMostRows = 10'000;  // of one query: some 5 MB in memory
constexpr std::size_t kTrimAtLeast = 64;   // deleted with each batch while there are too many

// The least text greater than every text that begins so; ids are ASCII.
std::string after_prefix(const std::string& prefix) { return prefix + "\x7F"; }

}  // namespace

Result<Store> Store::open(const std::string& path, std::string boot_id, Keep keep) {
  auto connection = open_journal_file(path);
  if (!connection) return std::unexpected(connection.error());
  const auto bytes = connection->number("SELECT coalesce(sum(bytes),0) FROM observations INDEXED BY observations_briefly");
  if (!bytes) return std::unexpected(bytes.error());
  return Store(std::move(*connection), std::move(boot_id), keep, *bytes);
}

Result<void> Store::insert(std::vector<Event*>& events, std::vector<std::int64_t>& sequences) {
  auto statement = connection_.prepare("INSERT INTO events(id,severity,wall_ms,boot_ns,boot_id,subject,text,fields) VALUES(?,?,?,?,?,?,?,?)");
  if (!statement) return std::unexpected(statement.error());
  for (const Event* event : events) {
    statement->reset();
    statement->bind(to_string(event->id)).bind(to_string(model::severity(event->id))).bind(ms_of(event->wall));
    statement->bind(std::int64_t{event->at.time_since_epoch().count()}).bind(std::string_view(boot_id_));
    statement->bind(std::string_view(event->subject)).bind(std::string_view(event->text)).bind(std::string_view(json_of(event->fields)));
    if (const auto done = statement->step(); !done) return std::unexpected(done.error());
    sequences.push_back(connection_.last_row());
  }
  return {};
}

// Sequences have no gaps, so what is too old is known without counting. At least as many go as came: it converges, and no
// transaction grows long when the limit was lowered.
Result<void> Store::trim(std::size_t added) {
  auto statement = connection_.prepare(
      "DELETE FROM events WHERE sequence <= (SELECT max(sequence) FROM events) - ?1"
      " AND sequence < (SELECT min(sequence) FROM events) + ?2");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(static_cast<std::int64_t>(keep_.events)).bind(static_cast<std::int64_t>(std::max(2 * added, kTrimAtLeast)));
  if (const auto done = statement->step(); !done) return std::unexpected(done.error());
  return {};
}

Result<void> Store::write(std::vector<Event*> events, const std::map<std::string, std::string>& facts) {
  Transaction transaction(connection_);
  if (auto begun = transaction.begin(); !begun) return begun;
  std::vector<std::int64_t> sequences;
  if (auto inserted = insert(events, sequences); !inserted) return inserted;
  if (!events.empty())
    if (auto trimmed = trim(events.size()); !trimmed) return trimmed;
  auto statement = connection_.prepare("INSERT INTO facts(key,value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value");
  if (!statement) return std::unexpected(statement.error());
  for (const auto& [key, value] : facts) {
    statement->reset();
    statement->bind(std::string_view(key)).bind(std::string_view(value));
    if (const auto done = statement->step(); !done) return std::unexpected(done.error());
  }
  if (auto committed = transaction.commit(); !committed) return committed;
  for (std::size_t i = 0; i < events.size(); ++i) events[i]->sequence = sequences[i];
  return {};
}

Result<void> Store::write_blocks(const std::deque<ObservationBlock>& blocks) {
  if (blocks.empty()) return {};
  Transaction transaction(connection_);
  if (auto begun = transaction.begin(); !begun) return begun;
  auto insertion =
      connection_.prepare("INSERT INTO observations(wall_ms,boot_id,run_ns,first_ns,last_ns,config_sha256,bytes,block) VALUES(?,?,?,?,?,?,?,?)");
  if (!insertion) return std::unexpected(insertion.error());
  std::int64_t total = block_bytes_;
  auto stored = stored_;
  for (const ObservationBlock& b : blocks) {
    if (b.configuration != stored)
      if (auto put = put_configuration(*b.configuration); !put) return put;
    stored = b.configuration;
    const auto size = static_cast<std::int64_t>(b.bytes.size());
    insertion->reset();
    insertion->bind(ms_of(b.wall)).bind(std::string_view(boot_id_)).bind(ns_of(b.run)).bind(ns_of(b.first)).bind(ns_of(b.last));
    insertion->bind(std::string_view(b.configuration->sha256)).bind(size).bind_blob(b.bytes);
    if (const auto done = insertion->step(); !done) return std::unexpected(done.error());
    total += size;
  }
  if (auto trimmed = trim_blocks(total, blocks.size()); !trimmed) return trimmed;
  if (auto committed = transaction.commit(); !committed) return committed;
  block_bytes_ = total;
  stored_ = std::move(stored);
  return {};
}

// The oldest go first. With each batch at most a few more than came, so that no transaction grows long when the limit was lowered.
Result<void> Store::trim_blocks(std::int64_t& total, std::size_t added) {
  const auto limit = static_cast<std::int64_t>(keep_.block_bytes);
  if (total <= limit) return {};
  auto oldest = connection_.prepare("SELECT id, bytes FROM observations INDEXED BY observations_briefly ORDER BY id LIMIT ?");
  if (!oldest) return std::unexpected(oldest.error());
  oldest->bind(static_cast<std::int64_t>(std::max(2 * added, kTrimAtLeast)));
  std::int64_t upto = 0;
  while (total > limit) {
    const auto row = oldest->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    upto = oldest->integer(0);
    total -= oldest->integer(1);
  }
  oldest->reset();
  auto removal = connection_.prepare("DELETE FROM observations WHERE id <= ?");
  if (!removal) return std::unexpected(removal.error());
  if (const auto done = removal->bind(upto).step(); !done) return std::unexpected(done.error());
  return {};
}

Result<void> Store::put_configuration(const Configuration& configuration) {
  if (configuration.text.empty()) return {};
  // What no block speaks of any more goes; this is rare, so the search through the blocks is no matter.
  auto removal = connection_.prepare(
      "DELETE FROM configuration WHERE sha256 <> ?1 AND NOT EXISTS (SELECT 1 FROM observations WHERE config_sha256 = configuration.sha256)");
  if (!removal) return std::unexpected(removal.error());
  if (const auto done = removal->bind(std::string_view(configuration.sha256)).step(); !done) return std::unexpected(done.error());
  auto insertion = connection_.prepare("INSERT INTO configuration(sha256,text) VALUES(?,?) ON CONFLICT(sha256) DO NOTHING");
  if (!insertion) return std::unexpected(insertion.error());
  insertion->bind(std::string_view(configuration.sha256)).bind_blob(configuration.text);
  if (const auto done = insertion->step(); !done) return std::unexpected(done.error());
  return {};
}

Result<std::vector<Event>> Store::events(const EventQuery& query) {
  std::string sql = std::string("SELECT ") + kEventColumns +
                    " FROM events"
                    " WHERE sequence IN (SELECT sequence FROM events INDEXED BY events_briefly WHERE sequence > ?";
  if (query.since) sql += " AND wall_ms >= ?";
  if (query.id_prefix) sql += " AND id >= ? AND id < ?";
  sql += " ORDER BY sequence DESC LIMIT ?) ORDER BY sequence DESC";
  auto statement = connection_.prepare(sql.c_str());
  if (!statement) return std::unexpected(statement.error());
  statement->bind(query.after_sequence.value_or(0));
  if (query.since) statement->bind(ms_of(*query.since));
  if (query.id_prefix) statement->bind(std::string_view(*query.id_prefix)).bind(std::string_view(after_prefix(*query.id_prefix)));
  statement->bind(static_cast<std::int64_t>(std::min(query.limit, kMostRows)));

  std::vector<Event> events;
  while (true) {
    const auto row = statement->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) break;
    auto row_read = event_of(*statement);
    if (!row_read) continue;  // written by a version with more kinds of event
    if (row_read->boot_id != boot_id_) row_read->event.at = {};
    events.push_back(std::move(row_read->event));
  }
  std::ranges::reverse(events);
  return events;
}

Result<Override> Store::put(Override override) {
  Transaction transaction(connection_);
  if (auto begun = transaction.begin(); !begun) return std::unexpected(begun.error());
  auto statement = connection_.prepare(
      "INSERT INTO overrides(id,kind,subject,target,owner,reason,since_ms,until_ms) VALUES(nullif(?1,0),?2,?3,?4,?5,?6,?7,?8)"
      " ON CONFLICT(id) DO UPDATE SET kind=?2,subject=?3,target=?4,owner=?5,reason=?6,since_ms=?7,until_ms=?8");
  if (!statement) return std::unexpected(statement.error());
  statement->bind(override.id).bind(to_string(override.kind)).bind(std::string_view(override.subject)).bind(std::string_view(override.to));
  statement->bind(std::string_view(override.owner)).bind(std::string_view(override.reason)).bind(ms_of(override.since)).bind(ms_of(override.until));
  if (const auto done = statement->step(); !done) return std::unexpected(done.error());
  const auto id = override.id == 0 ? connection_.last_row() : override.id;
  if (auto committed = transaction.commit(); !committed) return std::unexpected(committed.error());
  override.id = id;
  return override;
}

Result<void> Store::remove_override(std::int64_t id) {
  auto statement = connection_.prepare("DELETE FROM overrides WHERE id = ?");
  if (!statement) return std::unexpected(statement.error());
  if (const auto done = statement->bind(id).step(); !done) return std::unexpected(done.error());
  return {};
}

Result<std::vector<Override>> Store::overrides() {
  auto statement = connection_.prepare("SELECT id,kind,subject,target,owner,reason,since_ms,until_ms FROM overrides ORDER BY id");
  if (!statement) return std::unexpected(statement.error());
  std::vector<Override> overrides;
  while (true) {
    const auto row = statement->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return overrides;
    const auto kind = statement->text(1);
    if (kind != "force" && kind != "hold") {
      runtime::log(runtime::Level::Warning,
                   "journal: override " + std::to_string(statement->integer(0)) + " is of an unknown kind, ignored: " + kind);
      continue;
    }
    overrides.push_back({.id = statement->integer(0),
                         .kind = kind == "force"      ? model::OverrideKind::Force
                                 : kind == "failback" ? model::OverrideKind::Failback
                                                      : model::OverrideKind::Hold,
                         .subject = statement->text(2),
                         .to = statement->text(3),
                         .owner = statement->text(4),
                         .reason = statement->text(5),
                         .since = wall_of(statement->integer(6)),
                         .until = wall_of(statement->integer(7))});
  }
}

Result<std::vector<Fact>> Store::facts() {
  auto statement = connection_.prepare("SELECT key,value FROM facts ORDER BY key");
  if (!statement) return std::unexpected(statement.error());
  std::vector<Fact> facts;
  while (true) {
    const auto row = statement->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return facts;
    facts.push_back({statement->text(0), statement->text(1)});
  }
}

}  // namespace linekeeper::journal
