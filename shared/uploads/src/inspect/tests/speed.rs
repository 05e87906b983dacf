//! What an inspection costs, in times of the hash that the file is read for anyway.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::material::{stored, word};
use crate::{inspect::inspect, kind::Kind};

/// The best of several runs: the machine does other things too.
fn best(mut run: impl FnMut()) -> Duration {
    let timed = |_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    (0..5).map(timed).min().unwrap_or_default()
}

/// A document of ten megabytes, most of it pictures that no compression makes smaller.
fn document() -> Vec<u8> {
    let mut chance = fastrand::Rng::with_seed(1);
    let media: Vec<_> = (0..10)
        .map(|number| {
            let mut picture = vec![0; 1024 * 1024];
            chance.fill(&mut picture);
            picture[..2].copy_from_slice(&[0xff, 0xd8]);
            stored(&format!("word/media/image{number}.jpeg"), &picture)
        })
        .collect();
    word("", &media)
}

#[test]
fn a_document_of_ten_megabytes_is_accepted() {
    assert_eq!(inspect(&document(), Kind::Docx), Ok(()));
}

/// The goal is a ratio of 1.5. Times are no test: they depend on what else the machine does.
#[test]
#[ignore = "a measurement: cargo test --release -p nova-auth-uploads speed -- --ignored --nocapture"]
fn how_much_longer_than_its_hash_the_inspection_of_a_document_takes() {
    let file = document();
    let hashed = best(|| {
        std::hint::black_box(Sha256::digest(&file));
    });
    let both = best(|| {
        std::hint::black_box(Sha256::digest(&file));
        inspect(&file, Kind::Docx).unwrap();
    });
    println!(
        "hashed in {hashed:?}, hashed and inspected in {both:?}: {:.2} times",
        both.as_secs_f64() / hashed.as_secs_f64()
    );
}
