#!/bin/sh
# Packages: intl_pluralrules 7.0.2, fluent-bundle 0.16.0 (not run), icu_plurals 2.4.0.
# intl_pluralrules 7.0.2, on which fluent-bundle 0.16.0 stands, drops the modulus of CLDR's rules for Arabic: 103 to 199, 203 to
# 299 and so on are `other`, where CLDR has `few` (103 to 110) and `many` (111 to 199). CLDR's rules are `few: n % 100 = 3..10` and `many: n % 100 = 11..99`
# (https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html#ar). ICU4X gives CLDR's.
#
# Needs cargo and crates.io. Exits with 0 while the behaviour is as described, and with 1 when it is another one.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat > "$folder/Cargo.toml" <<'TOML'
[package]
name = "arabic-plurals"
version = "0.0.0"
edition = "2021"

[dependencies]
icu_locale_core = "=2.4.0"
icu_plurals = "=2.4.0"
intl_pluralrules = "=7.0.2"
unic-langid = { version = "=0.9.6", features = ["macros"] }

[workspace]
TOML
cat > "$folder/src/main.rs" <<'RUST'
use icu_locale_core::locale;
use intl_pluralrules::{PluralRuleType, PluralRules};
use unic_langid::langid;

fn cldr(n: usize) -> &'static str {
    match (n, n % 100) {
        (0, _) => "zero",
        (1, _) => "one",
        (2, _) => "two",
        (_, 3..=10) => "few",
        (_, 11..=99) => "many",
        _ => "other",
    }
}

fn main() {
    let crate_rules = PluralRules::create(langid!("ar"), PluralRuleType::CARDINAL).unwrap();
    let icu4x = icu_plurals::PluralRules::try_new_cardinal(locale!("ar").into()).unwrap();
    let mut different = Vec::new();
    for n in 0..=1000 {
        let form = |debug: String| debug.to_lowercase();
        assert_eq!(form(format!("{:?}", icu4x.category_for(n))), cldr(n), "ICU4X at {n}");
        let said = form(format!("{:?}", crate_rules.select(n).unwrap()));
        if said != cldr(n) {
            different.push(n);
            if n < 111 {
                println!("{n}: intl_pluralrules 7.0.2 says {said}, CLDR {}", cldr(n));
            }
        }
    }
    println!("of 0 to 1000, {} differ from CLDR; ICU4X: none", different.len());
    let is_as_described = different.iter().copied().eq((100..=1000).filter(|n| n % 100 > 2));
    std::process::exit(if is_as_described { 0 } else { 1 });
}
RUST
cargo run --quiet --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target"

# Seen on 2026-11-28 (intl_pluralrules 7.0.2, icu_plurals 2.4.0):
# 103: intl_pluralrules 7.0.2 says other, CLDR few
# … the same for 104 to 109 …
# 110: intl_pluralrules 7.0.2 says other, CLDR few
# of 0 to 1000, 873 differ from CLDR; ICU4X: none
