#ifndef CSEALING_H
#define CSEALING_H

#include <stddef.h>
#include <stdint.h>

/// AES-256-GCM with a prepared key, in place and without an allocation, which swift-crypto's own interface
/// does not offer. It prepares the cipher for each message (a key schedule, and the tables of GHASH), and
/// joins the sealed message from three buffers: 9 allocations and 1.2 µs to encrypt, 3 and 0.8 µs to
/// decrypt, a third of a node's work for a datagram, against 0.2 µs here.
///
/// These functions call BoringSSL, the library inside swift-crypto, by the names that swift-crypto gives its
/// functions. swift-crypto does not promise to keep them, so Package.swift accepts no other minor version,
/// and CSealing.c includes BoringSSL's own headers: a function with another name or other parameters fails
/// the build. Declarations of dhtd's own would link with a changed function, and corrupt memory.

enum { CSEALING_KEY_BYTES = 32, CSEALING_NONCE_BYTES = 12, CSEALING_TAG_BYTES = 16 };

/// A key that is ready to encrypt and decrypt.
struct csealing_cipher;

/// Prepares a key; a null pointer if memory is short.
struct csealing_cipher *csealing_cipher_create(const uint8_t *key);
void csealing_cipher_free(struct csealing_cipher *cipher);

/// Encrypts a message in place. There must be room for the tag behind it.
///
/// Returns 1; 0 if the library fails, which it does not for the lengths used here.
int csealing_seal(
    const struct csealing_cipher *cipher, const uint8_t *nonce, const uint8_t *header, size_t header_length,
    uint8_t *message, size_t length);

/// Decrypts a message with its tag.
///
/// length: of message and tag together, at least that of the tag.
/// message: receives `length` bytes less those of the tag; zeros if the message is not authentic. It must
/// not overlap the input.
/// Returns 1; 0 if the message or the header is not authentic.
int csealing_open(
    const struct csealing_cipher *cipher, const uint8_t *nonce, const uint8_t *header, size_t header_length,
    const uint8_t *sealed, size_t length, uint8_t *message);

/// Derives keys from a password with scrypt (RFC 7914). CryptoExtras offers it too, and makes a program 1.3
/// MB larger.
///
/// rounds: N of the RFC, a power of two.
/// Returns 1; 0 if memory is short or a parameter is invalid.
int csealing_scrypt(
    const uint8_t *password, size_t password_length, const uint8_t *salt, size_t salt_length, uint64_t rounds,
    uint64_t block_size, uint64_t parallelism, uint8_t *key, size_t key_length);

#endif
