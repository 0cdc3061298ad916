//! Signs and verifies by Ed25519 with ring, and prints a digest of all signatures. `verify.sh` runs it built for this
//! machine, where ring is as it comes, and for each target, where `ed25519.c` stands in a part of it: both print the same.

#![allow(clippy::print_stdout, clippy::expect_used)]

use ring::digest::{Context, SHA256, digest};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

/// Each signature needs three numbers modulo the order: its nonce, its digest, and the digest again when it is verified.
const SIGNATURES: u32 = 300;

fn main() {
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
        "{SIGNATURES} signatures, {verified} verified, {refused} of other texts refused, {sum}"
    );
}
