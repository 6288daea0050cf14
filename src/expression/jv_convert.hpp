// jv_convert: JSON values to and from libjq's. Everything libjq-like in this room includes libjq through this file.
#pragma once

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "common/error.hpp"

extern "C" {
#include <jq.h>
#include <jv.h>
}

namespace chatrelay::expression {

// Owns one reference to a jv.
class Jv {
 public:
  Jv() : value_(jv_invalid()) {}
  explicit Jv(jv value) : value_(value) {}
  Jv(Jv&& other) noexcept : value_(other.release()) {}
  Jv& operator=(Jv&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  Jv(const Jv&) = delete;
  Jv& operator=(const Jv&) = delete;
  ~Jv() { jv_free(value_); }

  jv get() const { return value_; }            // borrowed
  jv copy() const { return jv_copy(value_); }  // for a function that consumes
  jv release() {
    const jv value = value_;
    value_ = jv_invalid();
    return value;
  }

 private:
  jv value_;
};

// A number of libjq's: whole ones under 2^53 as int64.
boost::json::value number_as_jq(double number);
// Limit: 100,000 lists and maps. Each costs libjq some 400 bytes, so that a body of {},{},… grows to 140 times its
// size, and libjq ends the process when there is no memory. A transcript of 20,000 messages fits. Errors: too_large.
Result<Jv> to_jv(const boost::json::value& value);
// Only these members of an object; everything of anything else.
Result<Jv> to_jv(const boost::json::value& value, const std::vector<std::string>& keys);
// Whole numbers under 2^53 become int64, nan becomes null, infinity the largest double, as jq prints them. `bytes_left`
// is reduced by the size. Errors: too_large if it is used up or the nesting is deeper than 512.
Result<boost::json::value> from_jv(jv borrowed, std::size_t& bytes_left);

}  // namespace chatrelay::expression
