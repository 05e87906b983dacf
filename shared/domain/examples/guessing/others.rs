//! What the documented defaults of other products let through. Nothing of theirs was run: these are their rules, as `docs/guessing.md`
//! cites them, and an attacker who makes the most of them.

/// A day, in seconds.
const DAY: u64 = 86_400;

/// The rules of a product. `None`: none is documented.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Product {
    pub(crate) name: &'static str,
    /// Guesses from one address in a day.
    pub(crate) of_an_address: Option<u64>,
    /// Guesses at one account in a day, from wherever.
    pub(crate) at_an_account: Option<u64>,
    /// Guesses altogether in a day.
    pub(crate) altogether: Option<u64>,
    /// For how long an attacker can keep the owner of an account out, in seconds.
    pub(crate) locked: u64,
}

pub(crate) fn products() -> [Product; 6] {
    let none = Product { name: "", of_an_address: None, at_an_account: None, altogether: None, locked: 0 };
    let keycloak = keycloak();
    [
        Product { name: "SuperTokens", ..none },
        Product { name: "Keycloak", ..none },
        Product {
            name: "Keycloak, brute force detection on",
            at_an_account: Some(keycloak.guesses),
            locked: keycloak.locked,
            ..none
        },
        // Three calls in ten seconds.
        Product { name: "better-auth", of_an_address: Some(3 * DAY / 10), ..none },
        Product {
            name: "Amazon Cognito",
            at_an_account: Some(cognito_guesses()),
            // 120 calls in a second.
            altogether: Some(120 * DAY),
            locked: cognito_locked(),
            ..none
        },
        // A bucket of 30, and 1,800 in an hour.
        Product { name: "Supabase Auth", of_an_address: Some(30 + 1800 * DAY / 3600), ..none },
    ]
}

impl Product {
    /// How many guesses so many addresses get at so many accounts.
    pub(crate) fn guesses(&self, addresses: u64, accounts: u64) -> Option<u64> {
        let of_addresses = self.of_an_address.map(|one| one * addresses);
        let at_accounts = self.at_an_account.map(|one| one * accounts);
        [of_addresses, at_accounts, self.altogether].into_iter().flatten().min()
    }
}

struct Account {
    guesses: u64,
    locked: u64,
}

/// Keycloak's temporary lockout: from the 30th failure on each failure locks for a minute times the failures over 30, fifteen minutes
/// at most; two within a second lock for a minute, so the attacker waits that second. Refused attempts don't count.
fn keycloak() -> Account {
    let mut account = Account { guesses: 0, locked: 0 };
    let mut now = 0;
    while now < DAY {
        account.guesses += 1;
        let wait = (60 * (account.guesses / 30)).min(900);
        account.locked += wait.min(DAY - now);
        now += wait.max(1);
    }
    account
}

/// Cognito: after n failures, 2^(n-5) seconds from the fifth on, fifteen minutes at most; fifteen minutes without an attempt forget them
/// all. So the most guesses are rounds of that many, with that pause between, for which the rounds are the best.
fn cognito_guesses() -> u64 {
    let round = |most: u32| {
        let mut guesses = 0;
        let mut now = 0;
        while now < DAY {
            for failures in 1..=most {
                guesses += u64::from(now < DAY);
                let wait = if failures == most { 900 } else { cognito_wait(failures) };
                now += wait;
            }
        }
        guesses
    };
    (5..=20).map(round).max().unwrap_or(0)
}

fn cognito_wait(failures: u32) -> u64 {
    failures.checked_sub(5).map_or(0, |more| 1 << more.min(20)).min(900)
}

/// Who wants a lock and not guesses tries again as soon as it is over.
fn cognito_locked() -> u64 {
    let (mut now, mut failures, mut locked) = (0, 0, 0);
    while now < DAY {
        failures += 1;
        let wait = cognito_wait(failures);
        locked += wait.min(DAY - now);
        now += wait;
    }
    locked
}
