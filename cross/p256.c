/* A multiple of P-256's base point, without the table of its multiples.

   On x86-64 and AArch64 ring looks them up: 148 KiB in every program that checks a certificate. Here the base point is
   multiplied like any other point, by the very function that ring uses for those, in constant time as well; a key or a
   check of a signature takes a fraction of a millisecond longer. On all other processors ring has no such table.
   p256.ld puts this in the place of ring's two functions. The names have ring's version in them: with another one the
   program does not link, and who updates ring is told to look here. */

#include <stdint.h>

enum { LIMBS = 4 };

void ring_core_0_17_14__p256_point_mul(uint64_t r[3][LIMBS], const uint64_t scalar[LIMBS],
                                       const uint64_t x[LIMBS], const uint64_t y[LIMBS]);
void websms_p256_point_mul_base(uint64_t r[3][LIMBS], const uint64_t scalar[LIMBS]);

/* The base point of FIPS 186-5 / SEC 2, each coordinate times 2^256 modulo the field's prime, as ring keeps them. */
static const uint64_t X[LIMBS] = {0x79e730d418a9143c, 0x75ba95fc5fedb601, 0x79fb732b77622510, 0x18905f76a53755c6};
static const uint64_t Y[LIMBS] = {0xddf25357ce95560a, 0x8b4ab8e4ba19e45c, 0xd2e88688dd21f325, 0x8571ff1825885d85};

void websms_p256_point_mul_base(uint64_t r[3][LIMBS], const uint64_t scalar[LIMBS]) {
    ring_core_0_17_14__p256_point_mul(r, scalar, X, Y);
}
