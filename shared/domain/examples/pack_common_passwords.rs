//! Makes `src/common_passwords/packed.txt` of a list of passwords, a line each, on standard input:
//!
//! ```sh
//! sed -n 's/^const PASSWORDS: &str = "\(.*\)";$/\1/p' zxcvbn/src/frequency_lists.rs | tr ',' '\n' |
//!     cargo run -p nova-auth-domain --example pack_common_passwords > shared/domain/src/common_passwords/packed.txt
//! ```

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

fn main() -> io::Result<()> {
    let words = io::read_to_string(io::stdin())?;
    let words: BTreeSet<_> = words.lines().filter(|word| word.len() >= 8).map(str::to_lowercase).collect();
    let mut before = String::new();
    for word in words {
        let shared =
            word.bytes().zip(before.bytes()).take(25).take_while(|(one, other)| one == other).count();
        let letter = char::from(b'A' + u8::try_from(shared).unwrap_or(0));
        writeln!(io::stdout(), "{letter}{}", word.get(shared..).unwrap_or_default())?;
        before = word;
    }
    Ok(())
}
