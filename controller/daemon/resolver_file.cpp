#include "controller/daemon/resolver_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "controller/runtime/clock.hpp"
#include "controller/runtime/unique_fd.hpp"

namespace linekeeper::daemon {
namespace asio = boost::asio;

namespace {

using model::EventId;
using model::IpAddress;

constexpr std::chrono::seconds kPatience{1};      // of one query
constexpr std::chrono::milliseconds kAgain{200};  // until a resolver that was silent once is asked again
constexpr std::chrono::seconds kTroubled{5};      // between two rounds while something is wrong
constexpr mode_t kReadable = 0644;                // the daemon's umask is 077, and everybody looks up names
constexpr std::size_t kLongest = 4096;

std::string failed(const char* what, const std::string& path) { return fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)); }

std::string text_of(const std::string& path) {
  const runtime::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<char, kLongest> block{};
  const auto got = fd ? ::read(fd.get(), block.data(), block.size()) : -1;
  return got > 0 ? std::string(block.data(), static_cast<std::size_t>(got)) : std::string();
}

/// Whoever reads meanwhile sees the old file or the new one, whole. @return what is wrong; empty: done
std::string replace(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const runtime::UniqueFd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kReadable));
  if (!fd) return failed("open", fresh);
  if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return failed("write", fresh);
  if (::fchmod(fd.get(), kReadable) != 0 || ::fsync(fd.get()) != 0) return failed("write", fresh);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("put in place", path);
  return {};
}

std::string listed(std::span<const IpAddress> addresses) {
  std::string all;
  for (const IpAddress& a : addresses) all += (all.empty() ? "" : ", ") + a.to_string();
  return all;
}

}  // namespace

ResolverFile::ResolverFile(asio::any_io_executor executor, model::SitePtr site, Tell tell, std::uint16_t port)
    : executor_(std::move(executor)), site_(std::move(site)), tell_(std::move(tell)), port_(port), timer_(executor_) {}

ResolverFile::~ResolverFile() { stop(); }

void ResolverFile::start() {
  *alive_ = true;
  const auto standing = read_text(text_of(site_->resolvers.file));
  const auto& circuits = (*site_)[*followed_class(*site_)].circuits;
  if (standing)
    for (const model::CircuitId c : circuits)
      if ((*site_)[c].name == standing->circuit) circuit_ = c;
  const auto all = candidates(*site_, circuit_);
  const bool ours =
      standing && circuit_ && std::ranges::all_of(standing->servers, [&](const IpAddress& a) { return std::ranges::find(all, a) != all.end(); });
  // What stands was found out by asking: kept, order and all, until it is asked again.
  servers_ = ours ? standing->servers : in_order(*site_, circuit_, answers_);
  settle();
  begin_round();
}

void ResolverFile::stop() {
  *alive_ = false;
  timer_.cancel();
  queries_.clear();
}

void ResolverFile::follow(model::CircuitId circuit) {
  if (circuit_ == circuit) return;
  circuit_ = circuit;
  answers_.forget();
  told_silent_ = false;
  servers_ = in_order(*site_, circuit_, answers_);
  settle();
  if (problem_.empty())
    tell(EventId::ResolversMoved,
         fmt::format("Names are looked up at {} now: {} goes by {}.", listed(servers_), (*site_)[*followed_class(*site_)].name, name()));
  begin_round();
}

std::string ResolverFile::name() const { return circuit_ ? (*site_)[*circuit_].name : "no circuit yet"; }

void ResolverFile::tell(EventId id, std::string text) const {
  model::Event event{.id = id, .at = runtime::boot_now(), .subject = "resolvers", .text = std::move(text), .fields = {}};
  event.fields = {{"circuit", circuit_ ? (*site_)[*circuit_].name : ""}, {"servers", listed(servers_)}};
  tell_(std::move(event));
}

void ResolverFile::settle() {
  const std::string& path = site_->resolvers.file;
  const std::string text = file_text(*site_, circuit_, servers_);
  const std::string before = std::exchange(problem_, text_of(path) == text ? "" : replace(path, text));
  if (!problem_.empty() && problem_ != before)
    tell(EventId::ResolversUnwritten, "The file of this host's resolvers stays as it was: " + problem_ + ".");
}

void ResolverFile::begin_round() {
  timer_.cancel();
  queries_.clear();  // of a round that the move has overtaken
  asked_ = candidates(*site_, circuit_);
  waiting_ = asked_.size();
  for (std::size_t i = 0; i < asked_.size(); ++i)
    queries_.push_back(
        std::make_unique<probes::DnsQuery>(executor_, "", asked_[i], port_, site_->resolvers.query, kPatience, [this, i](const probes::DnsAnswer& a) {
          // A name that does not exist is an answer; a server that refuses is of no use.
          heard(i, a.what == probes::DnsAnswer::What::Answered && (a.rcode == 0 || a.rcode == 3));
        }));
}

void ResolverFile::heard(std::size_t query, bool answered) {
  answers_.heard(asked_[query], answered);
  if (--waiting_ > 0) return;
  // By a turn of the loop: the next round destroys the query that we are inside of.
  asio::post(executor_, [this, alive = alive_] {
    if (*alive && waiting_ == 0) end_round();
  });
}

void ResolverFile::end_round() {
  const auto best = preferred(*site_, circuit_);
  const bool all_silent = !best.empty() && std::ranges::all_of(best, [&](const IpAddress& a) { return answers_.silent(a); });
  const bool doubt = std::ranges::any_of(asked_, [&](const IpAddress& a) { return !answers_.answers(a) && !answers_.silent(a); });
  if (!doubt) servers_ = in_order(*site_, circuit_, answers_);
  settle();
  if (!doubt && std::exchange(told_silent_, all_silent) != all_silent) {
    if (!all_silent)
      tell(EventId::ResolversAnswering, fmt::format("The resolvers for {} answer again: names are looked up at {}.", name(), listed(servers_)));
    else if (answers_.answers(servers_.front()))
      tell(EventId::ResolversSilent, fmt::format("The resolvers for {} ({}) do not answer: names are looked up at {} first.", name(), listed(best),
                                                 servers_.front().to_string()));
    else
      tell(EventId::ResolversSilent, fmt::format("The resolvers for {} ({}) do not answer, nor does any other that is known.", name(), listed(best)));
  }
  if (doubt)
    wait(kAgain);
  else
    wait(all_silent || !problem_.empty() ? std::min<model::Duration>(kTroubled, site_->resolvers.interval) : site_->resolvers.interval);
}

void ResolverFile::wait(model::Duration pause) {
  timer_.expires_after(pause);
  timer_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) begin_round();
  });
}

void ResolverFile::fill(model::Status& status) const {
  std::optional<bool> answering;
  if (!servers_.empty() && answers_.asked(servers_.front())) answering = !answers_.silent(servers_.front());
  status.resolvers = {.circuit = circuit_, .servers = servers_, .answering = answering, .problem = problem_};
}

}  // namespace linekeeper::daemon
