//! Text as a SAM template: read, or refused with a line for a person.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_template::Template;

fuzz_target!(|text: &str| {
    if let Err(refused) = Template::from_text("fuzz.yaml".as_ref(), text) {
        assert!(!refused.to_string().is_empty());
    }
});
