//! Bytes as rules of uploads: refused with lines that exist, or read, within limits, and stored as they were read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_auth_uploads::rules::{LARGEST_BYTES, MOST_A_DAY, Rules, file};

fuzz_target!(|text: &str| {
    match file::read(text) {
        Ok(rules) => {
            let stored = serde_json::to_string(&rules).unwrap();
            assert_eq!(serde_json::from_str::<Rules>(&stored).unwrap(), rules);
            for rule in &rules.0 {
                assert!(!rule.types.is_empty() && (1..=LARGEST_BYTES).contains(&rule.max_bytes));
                assert!((1..=MOST_A_DAY).contains(&rule.files_a_day) && rule.bytes_a_day >= rule.max_bytes);
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused, and nobody knows why");
            let lines = text.replace("\r\n", "\n").split(['\n', '\r']).count();
            assert!(faults.iter().all(|fault| fault.line <= lines + 1));
        }
    }
});
