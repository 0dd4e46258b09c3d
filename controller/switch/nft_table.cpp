#include "controller/switch/nft_table.hpp"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <memory>

#include "controller/switch/protocol.hpp"

namespace linekeeper::route {
namespace {

struct Free {
  void operator()(nft_ctx* c) const { nft_ctx_free(c); }
};
using Context = std::unique_ptr<nft_ctx, Free>;

struct Said {
  bool done = false;
  std::string output, error;
};

/// A context for each call: what it remembers of the ruleset would be out of date by the next.
Said run(const std::string& text) {
  const Context context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (!context) return {.done = false, .output = {}, .error = "libnftables cannot be started"};
  nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_NUMERIC_ALL | NFT_CTX_OUTPUT_STATELESS);
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  const bool done = nft_run_cmd_from_buffer(context.get(), text.c_str()) == 0;
  return {.done = done, .output = nft_ctx_get_output_buffer(context.get()), .error = nft_ctx_get_error_buffer(context.get())};
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

model::Result<void> nft_apply(const std::string& text) {
  const Said said = run(text);
  if (said.done) return {};
  return std::unexpected(model::Error{.what = "nftables: " + first_line(said.error),
                                      .remedy = "the kernel needs nf_tables, nf_conntrack, nft_ct and, to translate addresses, nft_masq and nft_nat: "
                                                "modprobe them, and see nft list tables",
                                      .code = 0});
}

model::Result<std::string> nft_show() {
  // Tables are listed by their names first: asking for one that is not there is an error like any other to libnftables.
  const Said tables = run("list tables ip");
  if (!tables.done) return std::unexpected(model::Error{.what = "nftables: " + first_line(tables.error), .remedy = "nft list tables", .code = 0});
  if (("\n" + tables.output).find(fmt::format("\ntable ip {}\n", kFlowTable)) == std::string::npos) return std::string();
  const Said table = run(fmt::format("list table ip {}", kFlowTable));
  if (!table.done) return std::unexpected(model::Error{.what = "nftables: " + first_line(table.error), .remedy = "nft list tables", .code = 0});
  return table.output;
}

}  // namespace linekeeper::route
