/* Multiples of the base points of P-256 and X25519, without tables of them.

   ring looks them up, in 148 KiB for P-256 and 24 KiB for X25519 on processors of 64 bits, in 2 KiB and 1 KiB on others:
   numbers that no packer makes smaller. Here the base point is multiplied like any other point, by the very functions that
   ring uses for those, in constant time as well. X25519 defines a public key like this (RFC 7748, 6.1). It takes up to three
   times as long, which is a few hundredths of the whole run of an SMS by HTTPS. static.ld puts this in the place of ring's
   functions. The names have ring's version in them: with another one the program does not link, and who updates ring is told
   to look here. verify.py looks for the tables in each binary. */

#include <stdint.h>

#if UINTPTR_MAX > 0xffffffff
typedef uint64_t limb;
#define LIMBS_OF(number) number
#else
typedef uint32_t limb;
#define LIMBS_OF(number) (limb)(number), (limb)((number) >> 32)
#endif
enum { LIMBS = 32 / sizeof(limb) };

void ring_core_0_17_14__p256_point_mul(limb r[3][LIMBS], const limb scalar[LIMBS], const limb x[LIMBS], const limb y[LIMBS]);
void websms_p256_point_mul_base(limb r[3][LIMBS], const limb scalar[LIMBS]);

void websms_p256_point_mul_base(limb r[3][LIMBS], const limb scalar[LIMBS]) {
    /* The base point of FIPS 186-5 / SEC 2, each coordinate times 2^256 modulo the field's prime, as ring keeps them. */
    static const limb X[LIMBS] = {LIMBS_OF(0x79e730d418a9143c), LIMBS_OF(0x75ba95fc5fedb601),
                                  LIMBS_OF(0x79fb732b77622510), LIMBS_OF(0x18905f76a53755c6)};
    static const limb Y[LIMBS] = {LIMBS_OF(0xddf25357ce95560a), LIMBS_OF(0x8b4ab8e4ba19e45c),
                                  LIMBS_OF(0xd2e88688dd21f325), LIMBS_OF(0x8571ff1825885d85)};
    ring_core_0_17_14__p256_point_mul(r, scalar, X, Y);
}

void ring_core_0_17_14__x25519_scalar_mult_generic_masked(uint8_t out[32], const uint8_t scalar[32], const uint8_t u[32]);
void websms_x25519_public_from_private(uint8_t out[32], const uint8_t scalar[32], int use_adx);

void websms_x25519_public_from_private(uint8_t out[32], const uint8_t scalar[32], int use_adx) {
    static const uint8_t BASE_POINT[32] = {9};
    (void)use_adx;
    ring_core_0_17_14__x25519_scalar_mult_generic_masked(out, scalar, BASE_POINT);
}
