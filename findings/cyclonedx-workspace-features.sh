#!/bin/sh
# cargo-cyclonedx lists crates for a binary that are not in its build, because another member of the workspace asks for a feature.
#
# Its README says that it describes one crate or one binary where other tools describe the workspace, and that it follows the
# features of the build. But it takes the graph from `cargo metadata`, which resolves features once for all members; `cargo build
# -p` and `cargo tree -p` resolve them for the one member. So a binary is searched for vulnerabilities of crates, and held to
# licences, that it does not have. The crates are listed with the scope `required`. Neither running it on the member's manifest,
# as here, nor `--no-default-features` changes it.
#
# Needs cargo (1.84 or later, for resolver 3), python3 and crates.io; builds the tool in a temporary folder, which takes minutes.
# Exits with 1 if the tool behaves otherwise than written here.
#
# Seen on 2026-11-29, cargo-cyclonedx 0.5.9, cargo 1.95.0, in a workspace of `asks`, which depends on semver 1.0.27 with its
# feature `serde`, and `plain`, which depends on semver 1.0.27 alone:
#   crates of the binary `plain`                      resolver 2           resolver 3
#   cargo build -p plain                              semver               semver
#   cargo tree -p plain                               semver               semver
#   cargo cyclonedx --describe binaries               semver serde_core    semver serde_core
#   the same when `asks` is not in the workspace      semver               semver
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET
# Not optimized, for the time that it takes.
CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root tool cargo-cyclonedx@0.5.9
PATH="$folder/tool/bin:$PATH"
cargo cyclonedx --version

cat >names.py <<'END'
"""The crates but `plain` that a build or a bill of materials names, in order."""
import json, sys

if sys.argv[1] == "build":
    messages = map(json.loads, sys.stdin)
    found = {each["target"]["name"] for each in messages
             if each["reason"] == "compiler-artifact" and each["target"]["kind"] != ["custom-build"]}
else:
    found = {each["name"] for each in json.load(open(sys.argv[1]))["components"]}
print(*sorted(found - {"plain"}))
END

member() {
    mkdir -p "$1/src"
    cat >"$1/Cargo.toml" <<END
[package]
name = "$1"
version = "0.0.0"
edition = "2021"

[dependencies]
semver = { version = "=1.0.27", features = [$2] }
END
    echo 'fn main() { println!("{}", semver::Version::new(1, 2, 3)); }' >"$1/src/main.rs"
}

describe() {
    cargo cyclonedx --quiet --format json --describe binaries --manifest-path plain/Cargo.toml
    python3 ../names.py plain/plain_bin.cdx.json
}

for resolver in 2 3; do
    mkdir "$folder/$resolver"
    cd "$folder/$resolver"
    member plain ''
    member asks '"serde"'
    printf '[workspace]\nresolver = "%s"\nmembers = ["asks", "plain"]\n' "$resolver" >Cargo.toml
    cargo generate-lockfile --quiet
    echo "resolver $resolver, build: $(cargo build --quiet -p plain --message-format json \
        | grep '^{.*"compiler-artifact"' | python3 ../names.py build)"
    echo "resolver $resolver, tree: $(cargo tree --quiet -p plain -e normal --prefix none --format '{lib}' | grep -v plain | xargs)"
    echo "resolver $resolver, cyclonedx: $(describe)"
    sed -i 's/"asks", //' Cargo.toml
    rm -r asks
    echo "resolver $resolver, cyclonedx without the other member: $(describe)"
    cd ..
done | tee seen

for resolver in 2 3; do
    sed "s/^/resolver $resolver, /" <<'END'
build: semver
tree: semver
cyclonedx: semver serde_core
cyclonedx without the other member: semver
END
done >expected
diff expected seen
