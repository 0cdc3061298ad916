/* A number of 512 bits modulo the order of Ed25519's base point, bit by bit.

   ring's function for this is unrolled to 7 KB on MIPS, to save a fraction of a millisecond of each signature. This one
   has a loop. Numbers can be secret (a signature's nonce), so it takes the same steps for every number. static.ld puts it in
   the place of ring's function. The name has ring's version in it: with another one the program does not link, and who
   updates ring is told to look here. ed25519.py compares it with Python's integers, and verify.sh signs and verifies with it
   on every processor. */

#include <stdint.h>

enum { LIMBS = 8 };

/* 2^252 + 27742317777372353535851937790883648493 (RFC 8032, 5.1), the lowest 32 bits first. */
static const uint32_t ORDER[LIMBS] = {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000};

/* number: 64 bytes, the lowest first. Its first 32 bytes become the result, which is less than the order. */
void websms_x25519_sc_reduce(uint8_t number[64]) {
    uint32_t rest[LIMBS] = {0};
    for (int bit = 511; bit >= 0; bit--) {
        /* Less than the order before, so less than twice the order now: one subtraction is enough. */
        uint32_t carry = (uint32_t)number[bit / 8] >> (bit % 8) & 1;
        uint32_t less[LIMBS];
        uint32_t borrow = 0;
        for (int i = 0; i < LIMBS; i++) {
            uint32_t doubled = rest[i] << 1 | carry;
            carry = rest[i] >> 31;
            rest[i] = doubled;
            uint64_t difference = (uint64_t)doubled - ORDER[i] - borrow;
            less[i] = (uint32_t)difference;
            borrow = (uint32_t)(difference >> 32) & 1;
        }
        uint32_t keep = 0 - borrow;
        /* The compiler must not see that this is all ones or zero, and make a jump of it. */
        __asm__("" : "+r"(keep));
        for (int i = 0; i < LIMBS; i++) {
            rest[i] = (rest[i] & keep) | (less[i] & ~keep);
        }
    }
    for (int i = 0; i < 32; i++) {
        number[i] = (uint8_t)(rest[i / 4] >> (i % 4 * 8));
    }
}
