#include "CSealing.h"

#include <CCryptoBoringSSL_aead.h>
#include <CCryptoBoringSSL_err.h>
#include <CCryptoBoringSSL_evp.h>

// swift-crypto promises nothing about these functions. The compiler checks each call against its declaration.
#pragma clang diagnostic error "-Wincompatible-pointer-types"

struct csealing_cipher *csealing_cipher_create(const uint8_t *key) {
  return (struct csealing_cipher *)CCryptoBoringSSL_EVP_AEAD_CTX_new(
      CCryptoBoringSSL_EVP_aead_aes_256_gcm(), key, CSEALING_KEY_BYTES, CSEALING_TAG_BYTES);
}

void csealing_cipher_free(struct csealing_cipher *cipher) {
  CCryptoBoringSSL_EVP_AEAD_CTX_free((EVP_AEAD_CTX *)cipher);
}

int csealing_seal(
    const struct csealing_cipher *cipher, const uint8_t *nonce, const uint8_t *header, size_t header_length,
    uint8_t *message, size_t length) {
  size_t written = 0;
  return CCryptoBoringSSL_EVP_AEAD_CTX_seal(
      (const EVP_AEAD_CTX *)cipher, message, &written, length + CSEALING_TAG_BYTES, nonce, CSEALING_NONCE_BYTES,
      message, length, header, header_length);
}

int csealing_open(
    const struct csealing_cipher *cipher, const uint8_t *nonce, const uint8_t *header, size_t header_length,
    const uint8_t *sealed, size_t length, uint8_t *message) {
  size_t written = 0;
  int is_open = CCryptoBoringSSL_EVP_AEAD_CTX_open(
      (const EVP_AEAD_CTX *)cipher, message, &written, length - CSEALING_TAG_BYTES, nonce, CSEALING_NONCE_BYTES,
      sealed, length, header, header_length);
  // Each failure is added to an error queue of this thread that nobody reads.
  if (!is_open) CCryptoBoringSSL_ERR_clear_error();
  return is_open;
}

int csealing_scrypt(
    const uint8_t *password, size_t password_length, const uint8_t *salt, size_t salt_length, uint64_t rounds,
    uint64_t block_size, uint64_t parallelism, uint8_t *key, size_t key_length) {
  int is_derived = CCryptoBoringSSL_EVP_PBE_scrypt(
      (const char *)password, password_length, salt, salt_length, rounds, block_size, parallelism, SIZE_MAX, key,
      key_length);
  if (!is_derived) CCryptoBoringSSL_ERR_clear_error();
  return is_derived;
}
