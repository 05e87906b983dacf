//! What was found: a line for people, an object for programs.

use std::error::Error;

use serde::Serialize;

use crate::output::shown;
use crate::place::call::Failed;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is as it should be.
    Pass,
    /// It is not.
    Fail,
    /// Nobody can tell from here.
    NotChecked,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    pub(super) outcome: Outcome,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    pub(super) fn pass(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, subject: None, outcome: Outcome::Pass, detail: detail.into(), remedy: None }
    }

    pub(super) fn fail(check: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, subject: None, outcome: Outcome::Fail, detail: detail.into(), remedy }
    }

    /// Not checked, and what would have to be otherwise.
    pub(super) fn unknown(check: &'static str, why: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, subject: None, outcome: Outcome::NotChecked, detail: why.into(), remedy }
    }

    /// Not checked, since a call of AWS gave nothing.
    pub(super) fn unseen(check: &'static str, failed: &Failed, right: &str) -> Self {
        let remedy = match failed {
            Failed::Denied => format!("allow {right} to these credentials"),
            _ => "look again".to_owned(),
        };
        Self::unknown(check, failed.to_string(), remedy)
    }

    /// Not checked, since a machine of one's own has nothing of the kind.
    pub(super) fn not_here(check: &'static str, what: &str) -> Self {
        let detail = format!("not checked here: {what}");
        Self { check, subject: None, outcome: Outcome::NotChecked, detail, remedy: None }
    }

    /// What it is about, where a check is made of several things.
    pub(super) fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    fn line(&self) -> String {
        let outcome = match self.outcome {
            Outcome::Pass => "pass",
            Outcome::Fail => "FAIL",
            Outcome::NotChecked => "not checked",
        };
        let name = match &self.subject {
            Some(subject) => format!("{} {subject}", self.check),
            None => self.check.to_owned(),
        };
        let mut line = format!("{outcome:<11}  {name:<38}  {}\n", self.detail);
        if let Some(remedy) = &self.remedy {
            line.push_str(&format!("{:13}-> {remedy}\n", ""));
        }
        // Names of APIs and of what AWS answered are other people's texts.
        line.lines().map(|line| format!("{}\n", shown(line))).collect()
    }
}

/// Findings as they are made: people see each at once, programs get one document.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    pass: usize,
    fail: usize,
    not_checked: usize,
    checks: &'a [Finding],
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json, findings: Vec::new() }
    }

    pub(super) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) -> Result<(), Box<dyn Error>> {
        for finding in findings {
            if !self.json {
                print(&finding.line())?;
            }
            self.findings.push(finding);
        }
        Ok(())
    }

    /// Ends the report, and says how many checks failed.
    pub(super) fn end(self) -> Result<usize, Box<dyn Error>> {
        let count = |outcome| self.findings.iter().filter(|finding| finding.outcome == outcome).count();
        let (pass, fail, not_checked) =
            (count(Outcome::Pass), count(Outcome::Fail), count(Outcome::NotChecked));
        if self.json {
            let document = Document { ok: fail == 0, pass, fail, not_checked, checks: &self.findings };
            print(&format!("{}\n", serde_json::to_string(&document)?))?;
        } else {
            print(&format!("{pass} pass, {fail} fail, {not_checked} not checked\n"))?;
        }
        Ok(fail)
    }
}

fn print(text: &str) -> Result<(), Box<dyn Error>> {
    use std::io::Write as _;
    let mut out = crate::output::stdout();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
