#include "common/password_hash.hpp"

#include <array>
#include <charconv>
#include <memory>

#include <crypt.h>
#include <openssl/crypto.h>

#include "common/secret.hpp"

namespace chatrelay {

namespace {

static_assert(hashed_bytes_max < CRYPT_MAX_PASSPHRASE_SIZE);

// Limit: bcrypt's cost doubles the time with each step; 14 takes about a second.
constexpr int bcrypt_cost_max = 14;
constexpr std::size_t bcrypt_hash_bytes = 60;
// Limit: sha256crypt and sha512crypt take about a second for so many.
constexpr std::string_view rounds_word = "rounds=";
constexpr std::uint64_t sha_rounds_max = 1'000'000;
// The shortest of the others (sha256crypt: "$5$", a salt of one, 43 characters).
constexpr std::size_t hash_bytes_min = 48;
constexpr std::string_view crypt_alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Holds what was typed: wiped before it is given back.
struct Wiped {
  void operator()(crypt_data* data) const {
    OPENSSL_cleanse(data, sizeof *data);
    delete data;
  }
};

// Empty: crypt(3) did not take the setting.
std::string crypt_with(std::string_view password, const std::string& setting) {
  std::string phrase(password);
  const std::unique_ptr<crypt_data, Wiped> data(new crypt_data{});
  const char* made = ::crypt_rn(phrase.c_str(), setting.c_str(), data.get(), sizeof *data);
  std::string hash = made ? made : "";
  OPENSSL_cleanse(phrase.data(), phrase.size());
  return hash;
}

bool is_hashable(std::string_view password) {
  return !password.empty() && password.size() <= hashed_bytes_max && password.find('\0') == password.npos;
}

int leading_number(std::string_view text) {
  int number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_bcrypt(std::string_view hash) {
  return hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$");
}

// "$6$rounds=50000$salt$…"
bool has_too_many_rounds(std::string_view hash) {
  const std::string_view after = hash.substr(3);
  if (!after.starts_with(rounds_word)) return false;
  const std::string_view digits = after.substr(rounds_word.size());
  std::uint64_t rounds = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), rounds);
  return read.ec != std::errc() || rounds > sha_rounds_max;
}

// scrypt and yescrypt say N as a power of two in one character (yescrypt behind its flavour). Debian's default is 4096
// blocks of 4 KiB; what is let through here takes a quarter of a gigabyte, and a second at most.
bool costs_too_much(std::string_view parameters, std::size_t at, std::size_t most) {
  if (at >= parameters.size()) return true;
  const std::size_t value = crypt_alphabet.find(parameters[at]);
  return value == crypt_alphabet.npos || value > most;
}

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  if (password.empty()) return invalid("there is nothing to hash");
  if (!is_hashable(password))
    return invalid("what is hashed may have " + std::to_string(hashed_bytes_max) + " bytes, none of them zero");
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (!::crypt_gensalt_rn("$y$", 0, nullptr, 0, setting.data(), static_cast<int>(setting.size())))
    return Error(ErrorKind::internal, "crypt(3) of this system makes no yescrypt hashes");
  std::string hash = crypt_with(password, setting.data());
  if (hash.empty() || hash.front() == '*') return Error(ErrorKind::internal, "crypt(3) made no hash");
  return hash;
}

bool verify_password(const std::string& hash, std::string_view password) {
  if (!is_hashable(password) || hash.empty() || hash.front() != '$') return false;
  const std::string made = crypt_with(password, hash);
  return !made.empty() && made.front() != '*' && equal_constant_time(hash, made);
}

std::string password_hash_problem(std::string_view hash) {
  if (hash.starts_with("$argon2"))
    return "is an argon2 hash, which crypt(3) cannot verify; make one with `chatrelay hash`, or PHP's PASSWORD_BCRYPT";
  const bool is_sha = hash.starts_with("$5$") || hash.starts_with("$6$");
  const bool is_yescrypt = hash.starts_with("$y$") || hash.starts_with("$gy$");
  const bool is_scrypt = hash.starts_with("$7$");
  if (!is_bcrypt(hash) && !is_sha && !is_yescrypt && !is_scrypt)
    return "is no hash that can be verified; make one with `chatrelay hash`";
  if (hash.size() < hash_bytes_min || (is_bcrypt(hash) && hash.size() != bcrypt_hash_bytes))
    return "is not a whole hash: some of it is missing";
  const std::string text(hash);
  const int salt = ::crypt_checksalt(text.c_str());
  if (salt != CRYPT_SALT_OK && salt != CRYPT_SALT_TOO_CHEAP) return "is a hash that crypt(3) of this system refuses";
  const bool slow = is_bcrypt(hash) ? leading_number(hash.substr(4)) > bcrypt_cost_max
                    : is_sha        ? has_too_many_rounds(hash)
                    : is_scrypt     ? costs_too_much(hash, 3, 16)
                                    : costs_too_much(hash, hash.find('$', 1) + 2, crypt_alphabet.find('D'));
  return slow ? "takes too long to verify; make one with `chatrelay hash`" : "";
}

}  // namespace chatrelay
