//! What callgrind wrote of a process: the instructions that each function of it executed itself.

use std::collections::BTreeMap;
use std::path::Path;

/// Instructions by function. Those of functions that it calls are theirs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Profile(pub(super) BTreeMap<String, u64>);

impl Profile {
    /// Reads a file of callgrind's.
    ///
    /// # Errors
    /// It can't be read.
    pub(super) fn read(file: &Path) -> std::io::Result<Profile> {
        std::fs::read_to_string(file).map(|text| Profile::parse(&text))
    }

    /// A function is named in full once and by its number afterwards (`fn=(7) main`, `fn=(7)`); so are those that it calls
    /// (`cfn=`). The lines below are `position cost`, and the one after `calls=` is what the function that was called took.
    fn parse(text: &str) -> Profile {
        let (mut names, mut costs) = (BTreeMap::new(), BTreeMap::new());
        let mut current = "";
        let mut is_call = false;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("cfn=") {
                named(&mut names, name);
            } else if let Some(name) = line.strip_prefix("fn=") {
                current = named(&mut names, name);
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
                let cost: u64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or_default();
                if !std::mem::take(&mut is_call) {
                    *costs.entry(current.to_owned()).or_default() += cost;
                }
            }
        }
        Profile(costs)
    }

    /// All instructions.
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// What this process executed more than the other, by function, divided by so many calls; the dearest first.
    pub(super) fn beyond(&self, other: &Profile, calls: u64) -> Vec<(String, u64)> {
        let more = |(name, cost): (&String, &u64)| {
            let other = other.0.get(name).copied().unwrap_or_default();
            (name.clone(), cost.saturating_sub(other) / calls.max(1))
        };
        let mut functions: Vec<_> = self.0.iter().map(more).filter(|(_, cost)| *cost > 0).collect();
        functions.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        functions
    }
}

fn named<'a>(names: &mut BTreeMap<&'a str, &'a str>, text: &'a str) -> &'a str {
    match text.split_once(' ') {
        Some((number, name)) => names.entry(number).or_insert(name),
        None => names.get(text).copied().unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
events: Ir
fl=(1) a.rs
fn=(1) main
10 5
calls=2 20
+1 700
cfn=(2) sha2::compress
calls=1 30
* 300
-3 4
fn=(2)
30 290
fi=(2) inlined.rs
+2 10
totals: 309
";

    #[test]
    fn a_function_has_its_own_instructions_and_not_those_of_what_it_calls() {
        let profile = Profile::parse(FILE);
        let of = |name: &str| profile.0.get(name).copied();
        assert_eq!((of("main"), of("sha2::compress")), (Some(9), Some(300)));
        assert_eq!(profile.total(), 309);
    }

    #[test]
    fn what_a_longer_run_has_more_is_shared_out_among_its_calls() {
        let longer = Profile::parse(&FILE.replace("30 290", "30 1290").replace("10 5", "10 6"));
        let beyond = longer.beyond(&Profile::parse(FILE), 10);
        assert_eq!(beyond, [("sha2::compress".to_owned(), 100)]);
    }
}
