//! What the command says of itself.

use super::fresh;
use crate::support::program::{command, run};

#[tokio::test]
async fn every_verb_has_help_with_an_example_and_the_exit_codes_are_written_down() {
    for noun in ["user", "session"] {
        let help = run(command("nova", &[noun, "--help"]), "").await;
        assert!(help.stdout.contains("Exit codes:"), "{help:?}");
    }
    let verbs = [
        "create", "list", "show", "edit", "disable", "enable", "role", "grant", "revoke", "password",
        "unlock", "delete", "import", "export",
    ];
    let nouns =
        verbs.map(|verb| ["user", verb]).into_iter().chain([["session", "list"], ["session", "revoke"]]);
    for [noun, verb] in nouns {
        let help = run(command("nova", &[noun, verb, "--help"]), "").await;
        assert!(help.stdout.contains("Example"), "nova {noun} {verb}: {}", help.stdout);
        assert!(help.stdout.contains("--json"), "nova {noun} {verb}: {}", help.stdout);
        for option in ["--local", "--stack", "--profile", "--region"] {
            assert!(help.stdout.contains(option), "{option} of nova {noun} {verb}: {}", help.stdout);
        }
    }
}

#[tokio::test]
async fn shells_complete_the_verbs_and_the_manual_has_a_page_for_each() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(command("nova", &["completions", shell]), "").await;
        assert!(script.success && script.stdout.contains("unlock"), "{shell}");
    }
    let page = run(command("nova", &["man"]), "").await;
    assert!(page.stdout.contains(".TH nova 1") && page.stdout.contains("Exit codes"), "{}", page.stdout);
    let dir = fresh("man");
    let written = run(command("nova", &["man", "--dir", dir.to_str().unwrap()]), "").await;
    assert!(written.success, "{written:?}");
    let import = std::fs::read_to_string(dir.join("nova-user-import.1")).unwrap();
    assert!(import.contains("passwordHash"), "{import}");
}
