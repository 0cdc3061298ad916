//! Signs and verifies by Ed25519 and P-256 with ring, and prints a digest of all signatures of the former. `verify.sh`
//! runs it built for this machine, where ring is as it comes, and for each target, where `ed25519.c` and `basepoints.c`
//! stand in parts of it: both print the same. X25519 takes its keys from nobody, so the handshakes of `verify.py` with
//! OpenSSL show that its base point is right.

#![allow(clippy::print_stdout, clippy::expect_used)]

use ring::digest::{Context, SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, UnparsedPublicKey,
};

/// Each signature needs three numbers modulo the order: its nonce, its digest, and the digest again when it is verified.
const SIGNATURES: u32 = 300;

/// Private keys of P-256 with the two coordinates of their public keys: the base point itself, its double, the negatives of
/// both, which are the largest keys, and the key of RFC 6979, A.2.5.
const P256_KEYS: [(&str, &str, &str); 5] = [
    (
        "0000000000000000000000000000000000000000000000000000000000000001",
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000002",
        "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978",
        "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1",
    ),
    (
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550",
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
        "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a",
    ),
    (
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f",
        "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978",
        "f888aaee24712fc0d6c26539608bcf244582521ac3167dd661fb4862dd878c2e",
    ),
    (
        "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
    ),
];

fn main() {
    ed25519();
    p256();
}

/// ring computes the public key of each private one and refuses a pair that does not belong together.
fn p256() {
    let random = SystemRandom::new();
    let (mut verified, mut refused) = (0_u32, 0_u32);
    for (private, x, y) in P256_KEYS {
        let public = [vec![4], bytes(x), bytes(y)].concat();
        let pair = |private: &[u8]| {
            EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                private,
                &public,
                &random,
            )
        };
        let signature = pair(&bytes(private))
            .expect("they are a pair")
            .sign(&random, b"text")
            .expect("random numbers");
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
        verified =
            verified.saturating_add(u32::from(key.verify(b"text", signature.as_ref()).is_ok()));
        refused =
            refused.saturating_add(u32::from(key.verify(b"next", signature.as_ref()).is_err()));
        refused = refused.saturating_add(u32::from(pair(&[3; 32]).is_err()));
    }
    println!(
        "P-256: {verified} pairs sign what they verify, {refused} other texts and keys refused"
    );
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |pair| str::from_utf8(pair).expect("ASCII");
    let byte = |pair| u8::from_str_radix(digits(pair), 16).expect("hexadecimal");
    hex.as_bytes().chunks(2).map(byte).collect()
}

fn ed25519() {
    let mut all = Context::new(&SHA256);
    let (mut verified, mut refused) = (0_u32, 0_u32);
    for number in 0..SIGNATURES {
        let seed = digest(&SHA256, &number.to_be_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("a seed has 32 bytes");
        // The texts are of all lengths from nothing on.
        let text: Vec<u8> = seed
            .as_ref()
            .iter()
            .copied()
            .cycle()
            .take(usize::try_from(number).expect("small"))
            .collect();
        let signature = pair.sign(&text);
        all.update(signature.as_ref());

        let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
        verified =
            verified.saturating_add(u32::from(key.verify(&text, signature.as_ref()).is_ok()));
        let longer = [&text[..], b"."].concat();
        refused =
            refused.saturating_add(u32::from(key.verify(&longer, signature.as_ref()).is_err()));
    }
    let sum: String = all
        .finish()
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    println!(
        "Ed25519: {SIGNATURES} signatures, {verified} verified, {refused} of other texts refused, {sum}"
    );
}
