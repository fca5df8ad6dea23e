#ifndef CSEALING_H
#define CSEALING_H

#include <stddef.h>
#include <stdint.h>

/// AES-256-GCM with a key that is kept ready, in place and without an allocation: what swift-crypto's own
/// interface has no way to say. It makes the cipher anew for each message (a key schedule, and the tables
/// of GHASH), and puts what it seals together from three pieces of memory: 9 allocations and 1.2 µs to
/// seal, 3 and 0.8 µs to open, a third of all that a node does for a datagram, against 0.2 µs here.
///
/// These functions call BoringSSL, the library inside swift-crypto, by the names that swift-crypto gives its
/// functions. swift-crypto does not promise to keep them, so Package.swift accepts no other minor version, and
/// CSealing.c includes BoringSSL's own headers: a function with another name or other parameters fails the build.
/// Declarations of our own would link with it, and corrupt memory.

enum { CSEALING_KEY_BYTES = 32, CSEALING_NONCE_BYTES = 12, CSEALING_TAG_BYTES = 16 };

/// A key, ready to seal and to open.
struct csealing_cipher;

/// Makes a key of its bytes ready; a null pointer where there is no memory.
struct csealing_cipher *csealing_cipher_create(const uint8_t *key);
void csealing_cipher_free(struct csealing_cipher *cipher);

/// Seals a message in place. Behind it there must be room for the tag.
///
/// Returns 1; 0 if the library fails, which for lengths like ours it does not.
int csealing_seal(
    const struct csealing_cipher *cipher, const uint8_t *nonce, const uint8_t *header, size_t header_length,
    uint8_t *message, size_t length);

/// Opens a message with its tag.
///
/// length: of both together, no less than that of the tag.
/// message: gets `length` bytes less those of the tag; zeros if the message is not authentic. It must not
/// overlap what is opened.
/// Returns 1; 0 if the message or the header is not what was sealed.
int csealing_open(
    const struct csealing_cipher *cipher, const uint8_t *nonce, const uint8_t *header, size_t header_length,
    const uint8_t *sealed, size_t length, uint8_t *message);

/// Derives keys from a password with scrypt (RFC 7914). CryptoExtras has it too, and makes a program 1.3 MB larger.
///
/// rounds: N of the RFC, a power of two.
/// Returns 1; 0 if there is no memory for it, or a parameter is invalid.
int csealing_scrypt(
    const uint8_t *password, size_t password_length, const uint8_t *salt, size_t salt_length, uint64_t rounds,
    uint64_t block_size, uint64_t parallelism, uint8_t *key, size_t key_length);

#endif
