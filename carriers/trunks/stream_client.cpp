#include "carriers/trunks/stream_client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

#include "controller/model/assert.hpp"

namespace linekeeper::trunks {
namespace {

namespace asio = boost::asio;
using model::Error;

asio::ip::address as_asio(const model::IpAddress& address) { return asio::ip::make_address(address.to_string()); }

}  // namespace

StreamClient::StreamClient(asio::any_io_executor executor, model::IpAddress address, std::uint16_t port, model::Duration timeout,
                           std::unique_ptr<Conversation> conversation, std::string peer, std::string remedy)
    : endpoint_(as_asio(address), port),
      timeout_(timeout),
      conversation_(std::move(conversation)),
      peer_(std::move(peer)),
      remedy_(std::move(remedy)),
      socket_(executor),
      timer_(executor) {}

std::string StreamClient::there() const {
  const auto address = endpoint_.address().to_string();
  return peer_ + " at " + (endpoint_.address().is_v6() ? "[" + address + "]" : address) + ":" + std::to_string(endpoint_.port());
}

void StreamClient::call(model::Result<std::string> request, Done done) {
  LK_ASSERT(!busy());
  if (stopped_) return;
  done_ = std::move(done);
  ++calls_;
  if (!request) {
    asio::post(socket_.get_executor(), [self = shared_from_this(), call = calls_, error = request.error()] {
      if (self->busy() && self->calls_ == call) self->finish(std::unexpected(error));
    });
    return;
  }
  request_ = std::move(*request);
  timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(timeout_));
  timer_.async_wait([self = shared_from_this(), call = calls_](const boost::system::error_code& cancelled) {
    if (cancelled || !self->busy() || self->calls_ != call) return;
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(self->timeout_).count();
    self->fail(ETIMEDOUT, "has not answered for " + std::to_string(waited) + " ms", "It hangs, or a packet filter is in the way");
  });
  if (!connected_) return connect();
  if (ready_) send(std::exchange(request_, {}));
}

void StreamClient::connect() {
  close();
  socket_.async_connect(endpoint_, [self = shared_from_this(), life = life_](const boost::system::error_code& wrong) {
    if (self->stopped_ || self->life_ != life) return;
    if (wrong) return self->fail(wrong.value(), "cannot be reached: " + std::string(std::strerror(wrong.value())), self->remedy_);
    boost::system::error_code ignored;
    self->socket_.set_option(Tcp::no_delay(true), ignored);
    self->connected_ = true;
    self->read();
    self->act(self->conversation_->opened());
  });
}

void StreamClient::read() {
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this(), life = life_](const boost::system::error_code& wrong, std::size_t size) {
    if (self->stopped_ || self->life_ != life) return;
    if (!wrong) {
      self->on_bytes({self->buffer_.data(), size});
      if (self->life_ == life && self->connected_) self->read();
      return;
    }
    // Between two requests that is no fault: the next one connects anew.
    if (self->busy()) return self->fail(ECONNRESET, "has closed the connection", self->remedy_);
    self->close();
  });
}

void StreamClient::on_bytes(std::string_view bytes) { act(conversation_->heard(bytes)); }

void StreamClient::act(model::Result<Conversation::Step> step) {
  if (!step) {
    close();
    if (busy()) finish(std::unexpected(Error{there() + ": " + step.error().what, step.error().remedy, step.error().code}));
    return;
  }
  send(std::move(step->send));
  const bool became_ready = !ready_ && step->state != Conversation::State::Opening;
  ready_ = ready_ || became_ready;
  if (became_ready && busy()) send(std::exchange(request_, {}));
  if (step->state != Conversation::State::Answered || !busy()) return;
  if (conversation_->once()) close();
  finish({});
}

void StreamClient::send(std::string text) {
  outgoing_ += text;
  if (writing_.empty() && !outgoing_.empty()) write_out();
}

void StreamClient::write_out() {
  writing_ = std::exchange(outgoing_, {});
  asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this(), life = life_](const boost::system::error_code& wrong, std::size_t) {
    if (self->stopped_ || self->life_ != life) return;
    self->writing_.clear();
    if (wrong) {
      if (self->busy()) return self->fail(wrong.value(), "takes nothing: " + std::string(std::strerror(wrong.value())), "");
      return self->close();
    }
    if (!self->outgoing_.empty()) self->write_out();
  });
}

void StreamClient::fail(int code, std::string what, std::string remedy) {
  close();
  finish(std::unexpected(Error{there() + " " + std::move(what), std::move(remedy), code}));
}

void StreamClient::finish(model::Result<void> result) {
  timer_.cancel();
  request_.clear();
  // `done` may call again at once: what is left of this call must be gone before it.
  const auto done = std::exchange(done_, nullptr);
  done(std::move(result));
}

void StreamClient::close() {
  ++life_;
  connected_ = ready_ = false;
  outgoing_.clear();
  writing_.clear();  // an aborted write does not look at it again
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void StreamClient::stop() {
  stopped_ = true;
  done_ = nullptr;
  timer_.cancel();
  close();
}

}  // namespace linekeeper::trunks
