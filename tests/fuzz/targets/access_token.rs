//! Strings as access tokens: of all there are, only those that we signed are accepted, each in its one spelling.
//!
//! The first byte says what the input is: a string by itself, or a list of edits of a good token of that algorithm.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use nova_auth::keys::{AccessTokens, Token};
use nova_auth_fuzz::{ALGORITHMS, Tokens, now, run};

static TOKENS: LazyLock<Tokens> = LazyLock::new(Tokens::new);
static VERIFIER: LazyLock<AccessTokens> = LazyLock::new(|| {
    let verifier = TOKENS.verifier();
    assert!(TOKENS.good().iter().all(|token| accepts(&verifier, token)), "a good token is refused");
    verifier
});

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let text = match TOKENS.good().get(usize::from(*kind) % (ALGORITHMS + 1)) {
        Some(token) => edited(token, rest),
        None => rest.to_vec(),
    };
    let Ok(text) = String::from_utf8(text) else { return };
    if accepts(&VERIFIER, &text) {
        assert!(TOKENS.good().contains(&text), "accepted, though nobody signed it");
    }
});

/// Each edit is three bytes: where (of 256 parts of the token), what is done there, and with which byte.
fn edited(token: &str, edits: &[u8]) -> Vec<u8> {
    let mut bytes = token.as_bytes().to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(edit[0]) * bytes.len() / 256;
        match edit[1] % 6 {
            0 if at < bytes.len() => bytes[at] = edit[2],
            1 => bytes.insert(at, edit[2]),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            // Near the end, where the last character of a base64url text has bits to spare.
            4 => {
                let last = bytes.len().saturating_sub(1 + usize::from(edit[0] % 4));
                if let Some(byte) = bytes.get_mut(last) {
                    *byte = edit[2];
                }
            }
            // The parts in another order, or twice.
            _ => {
                let parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'.').collect();
                let count = parts.len();
                let order = (0..3).map(|part| parts[usize::from(edit[2] >> (2 * part) & 3) % count]);
                bytes = order.collect::<Vec<_>>().join(&b'.');
            }
        }
    }
    bytes
}

fn accepts(verifier: &AccessTokens, token: &str) -> bool {
    run(verifier.verify(&Token::new(token), now())).is_ok()
}
