//! The tables of `docs/guessing.md`.

use std::{fmt::Write as _, sync::LazyLock};

use jiff::SignedDuration;
use nova_auth_domain::{attempts::Limit, password::PasswordProfile, refusal::Fault};

use crate::{
    attack::{Attack, Outcome, Passwords, play},
    nova::{DAY, DEFAULTS, Settings},
    office, others,
    policy::{NEXT, SPRAYED, faults},
};

/// Where chance begins.
const SEED: u64 = 1;
/// Accounts of the service.
const ACCOUNTS: usize = 100_000;
/// The /64s of an IPv6 /48.
const SUBNETS: usize = 65_536;
/// Mornings that an office is watched.
const MORNINGS: usize = 200;

const ONE: Attack = Attack {
    addresses: 1,
    accounts: ACCOUNTS,
    stolen_tokens: 0,
    passwords: Passwords::Leaked,
    at_once: 1,
    below: usize::MAX,
    silent: false,
};
const SPRAY: Attack = Attack { addresses: 1000, passwords: Passwords::Sprayed, ..ONE };
const BOTNET: Attack = Attack { addresses: 10_000, ..SPRAY };
const AT_ONE: Attack =
    Attack { addresses: 10_000, accounts: 1, passwords: Passwords::Wrong, at_once: usize::MAX, ..ONE };
/// No faster than the alarm on failures lets pass.
const SILENT: Attack = Attack { passwords: Passwords::Leaked, silent: true, ..BOTNET };
/// Five wrong passwords for everybody, in turn.
const LOCKING: Attack = Attack { passwords: Passwords::Wrong, at_once: usize::MAX, ..BOTNET };

/// All of them, in the order of the document.
pub(crate) const ALL: [fn() -> String; 5] = [attacks, settings, sprayed, offices, products];

/// The attacks that more than one table looks at.
const USUAL: [Attack; 4] = [ONE, SPRAY, BOTNET, AT_ONE];

static PLAYED: LazyLock<[Outcome; 4]> = LazyLock::new(|| USUAL.map(|attack| play(DEFAULTS, attack, SEED)));

fn outcome(attack: Attack) -> Outcome {
    let usual = USUAL.iter().position(|one| *one == attack);
    usual.map_or_else(|| play(DEFAULTS, attack, SEED), |index| PLAYED[index])
}

pub(crate) fn attacks() -> String {
    let attacks = [
        ("leaked pairs, one address", ONE),
        ("leaked pairs, 1,000 addresses", Attack { addresses: 1000, ..ONE }),
        ("leaked pairs, 10,000 addresses", Attack { addresses: 10_000, ..ONE }),
        ("the same, slow enough for no alarm", SILENT),
        ("spraying, 1,000 addresses", SPRAY),
        ("the same, four guesses from each in a window", Attack { below: 4, ..SPRAY }),
        ("the same, one guess from each in a window", Attack { below: 1, ..SPRAY }),
        ("spraying, 10,000 addresses", BOTNET),
        ("the same, slow enough for no alarm", Attack { silent: true, ..BOTNET }),
        ("spraying, an IPv6 /48 (65,536 /64s)", Attack { addresses: SUBNETS, ..SPRAY }),
        ("one account, 10,000 addresses", AT_ONE),
        ("the same, with a stolen device token", Attack { stolen_tokens: 1, ..AT_ONE }),
        ("locking accounts, 10,000 addresses", LOCKING),
    ];
    let mut table = String::from(
        "| attack | guesses | for each account | accounts opened | … if `crm` chose the passwords | owner locked out | \
         … with `DeviceCookies` | `authn_login_fail` in 5 min | alarms |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (name, attack) in attacks {
        writeln!(table, "| {name} | {} |", row(attack, &outcome(attack))).expect("text");
    }
    table
}

fn row(attack: Attack, outcome: &Outcome) -> String {
    let opened = |count: u32| match attack.passwords {
        Passwords::Wrong => "–".to_owned(),
        _ => thousands(count.into()),
    };
    let guesses = thousands(outcome.guesses.into());
    // A list that is through before the day is.
    let is_through = outcome.last < DAY - 3_600_000;
    let cells = [
        if is_through { format!("{guesses} in {}", clock(outcome.last / 1000)) } else { guesses },
        share(f64::from(outcome.guesses) / attack.accounts as f64),
        opened(outcome.opened),
        opened(outcome.opened_with_policy),
        clock(outcome.locked / 1000),
        clock(outcome.locked_device / 1000),
        thousands(outcome.most_failures as u64),
        alarms(outcome),
    ];
    cells.join(" | ")
}

fn alarms(outcome: &Outcome) -> String {
    let mut ringing = Vec::new();
    if outcome.most_locks >= DEFAULTS.locks_threshold {
        ringing.push("LoginLocks");
    }
    if outcome.most_failures >= DEFAULTS.failures_threshold {
        ringing.push("LoginFailures");
    }
    if outcome.runs > 0 {
        ringing.push("FailureRun");
    }
    if ringing.is_empty() { "none".to_owned() } else { ringing.join(", ") }
}

/// Another setting, and attacks that it makes a difference to.
struct Change {
    name: &'static str,
    make: fn(&mut Settings),
    attacks: &'static [(&'static str, Attack)],
}

const CHANGES: [Change; 6] = [
    Change {
        name: "`LoginMaxAttemptsPerAddress` 2",
        make: |it| it.limits.address.max = 2,
        attacks: &[("leaked pairs, one address", ONE), ("spraying, 1,000 addresses", SPRAY)],
    },
    Change {
        name: "`LoginMaxAttemptsPerAddress` 20",
        make: |it| it.limits.address.max = 20,
        attacks: &[("leaked pairs, one address", ONE), ("spraying, 1,000 addresses", SPRAY)],
    },
    Change {
        name: "`LoginMaxAttempts` 3",
        make: |it| it.limits.account.max = 3,
        attacks: &[("one account, 10,000 addresses", AT_ONE)],
    },
    Change {
        name: "`LoginWindowSeconds` 3600",
        make: |it| {
            it.limits.account.window = SignedDuration::from_hours(1);
            it.limits.address.window = SignedDuration::from_hours(1);
        },
        attacks: &[("spraying, 1,000 addresses", SPRAY), ("one account, 10,000 addresses", AT_ONE)],
    },
    Change {
        name: "`HashingCallsPerSecond` 5",
        make: |it| it.calls_per_second = 5,
        attacks: &[("spraying, 1,000 addresses", SPRAY), ("spraying, 10,000 addresses", BOTNET)],
    },
    Change {
        name: "`LoginFailuresThreshold` 30",
        make: |it| it.failures_threshold = 30,
        attacks: &[("leaked pairs, slow enough for no alarm", SILENT)],
    },
];

pub(crate) fn settings() -> String {
    let mut table = String::from("| setting | attack | guesses by default | with it |\n|---|---|---|---|\n");
    for Change { name, make, attacks } in CHANGES {
        let mut settings = DEFAULTS;
        make(&mut settings);
        for (attack_name, attack) in attacks {
            let [before, after] = [outcome(*attack), play(settings, *attack, SEED)]
                .map(|outcome| thousands(outcome.guesses.into()));
            writeln!(table, "| {name} | {attack_name} | {before} | {after} |").expect("text");
        }
    }
    table
}

pub(crate) fn sprayed() -> String {
    let mut table = String::from("| sprayed | `crm` | `nist` |\n|---|---|---|\n");
    for typed in SPRAYED.into_iter().chain(NEXT) {
        let [crm, nist] =
            [PasswordProfile::Crm, PasswordProfile::Nist].map(|profile| verdict(&faults(profile, typed)));
        writeln!(table, "| `{typed}` | {crm} | {nist} |").expect("text");
    }
    table
}

fn verdict(faults: &[Fault]) -> String {
    let why = |fault: &Fault| match fault {
        Fault::PasswordTooCommon => "common",
        Fault::PasswordTooShort(_) => "too short",
        _ => "in another way",
    };
    match faults {
        [] => "**allowed**".to_owned(),
        faults => faults.iter().map(why).collect::<Vec<_>>().join(", "),
    }
}

pub(crate) fn offices() -> String {
    let mut table = String::from(
        "| 200 people log in within | `LoginMaxAttemptsPerAddress` | mornings with a refusal | refused in a morning | \
         these are in after, on average | at the latest |\n|---|---|---|---|---|---|\n",
    );
    for (within, name) in [(3_600_000, "an hour"), (900_000, "a quarter of an hour")] {
        for (max, known, setting) in
            [(5, false, "5"), (5, true, "5, with `DeviceCookies`"), (20, false, "20"), (50, false, "50")]
        {
            let limit = Limit { max, ..DEFAULTS.limits.address };
            let played = office::play(limit, known, within, MORNINGS, SEED);
            let refused = played.refused as f64 / played.many as f64;
            let waited = played.waited / i64::try_from(played.refused.max(1)).expect("a count");
            let share = 100 * played.with_refusals / played.many;
            let (waited, longest) = (clock(waited / 1000), clock(played.longest / 1000));
            writeln!(table, "| {name} | {setting} | {share} % | {refused:.1} | {waited} | {longest} |")
                .expect("text");
        }
    }
    table
}

pub(crate) fn products() -> String {
    let mut table = String::from(
        "| product, as it comes | one address, 100,000 accounts | 1,000 addresses | 10,000 addresses | \
         10,000 addresses at one account | its owner can be locked out for |\n|---|---|---|---|---|---|\n",
    );
    let ours = PLAYED.map(|outcome| thousands(outcome.guesses.into())).join(" | ");
    writeln!(table, "| Nova Auth | {ours} | {} |", clock(PLAYED[3].locked / 1000)).expect("text");
    for product in others::products() {
        let many = ACCOUNTS as u64;
        let guesses = [(1, many), (1000, many), (10_000, many), (10_000, 1)]
            .map(|(addresses, accounts)| product.guesses(addresses, accounts))
            .map(|guesses| guesses.map_or("none".to_owned(), thousands));
        let locked = clock(i64::try_from(product.locked).expect("a day"));
        writeln!(table, "| {} | {} | {locked} |", product.name, guesses.join(" | ")).expect("text");
    }
    table
}

/// Of a few with a digit behind the point, so that a fifth is not none.
fn share(number: f64) -> String {
    match number {
        few if few < 0.05 => "< 0.1".to_owned(),
        few if few < 10.0 => format!("{few:.1}"),
        many => format!("{many:.0}"),
    }
}

/// `1,728,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Of seconds: `4 h 45 min`.
fn clock(seconds: i64) -> String {
    match (seconds / 3600, seconds % 3600 / 60) {
        (0, 0) if seconds > 0 => format!("{seconds} s"),
        (0, 0) => "–".to_owned(),
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
