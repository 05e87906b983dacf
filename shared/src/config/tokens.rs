//! Names and lives of tokens.

use jiff::SignedDuration;

use super::{Config, ConfigError};
use crate::{
    domain::session::Lifetimes,
    keys::{Issuers, TokenNames},
    patience::Patience,
};

impl Config {
    /// The names in tokens.
    ///
    /// # Errors
    /// One has something in it that no name has.
    pub fn token_names(&self) -> Result<TokenNames, ConfigError> {
        let audience = self.name("TOKEN_AUDIENCE", "nova-api")?;
        let Issuers { own, also } = self.issuers()?;
        Ok(TokenNames { issuer: own, also, audience })
    }

    /// The issuers alone, for tokens that are for nobody else.
    ///
    /// # Errors
    /// One has something in it that no name has.
    pub fn issuers(&self) -> Result<Issuers, ConfigError> {
        let also = match self.text("TOKEN_ISSUER_ALSO") {
            Some(_) => Some(self.name("TOKEN_ISSUER_ALSO", "")?),
            None => None,
        };
        Ok(Issuers { own: self.issuer()?, also })
    }

    /// `iss` of every token.
    ///
    /// # Errors
    /// It has something in it that no name has.
    pub fn issuer(&self) -> Result<String, ConfigError> {
        self.name("TOKEN_ISSUER", "nova-crm")
    }

    /// How long tokens and sessions live. A part lives no longer than the whole, whatever is set: an access token ends
    /// with the idle time, and that with the session.
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let session = self.seconds("SESSION_MAX_SECONDS", 2_592_000, 60..=31_536_000)?;
        let refresh = self.seconds("REFRESH_TOKEN_SECONDS", 604_800, 60..=31_536_000)?.min(session);
        let access = self.seconds("ACCESS_TOKEN_SECONDS", 900, 60..=3600)?.min(refresh);
        Ok(Lifetimes { access, refresh, session, grace: self.grace()? })
    }

    /// How long the previous refresh token still gets the current one.
    ///
    /// # Errors
    /// It is out of its range.
    pub fn grace(&self) -> Result<SignedDuration, ConfigError> {
        let grace = self.seconds("REFRESH_GRACE_SECONDS", 30, 0..=300)?;
        // A refresh may take its whole time and end as a 503 though its write took. The client's retry comes after
        // that, and must still find the window open.
        if !grace.is_zero() && grace.unsigned_abs() < Patience::DEPLOYED.call * 3 {
            let least = (Patience::DEPLOYED.call * 3).as_secs();
            let problem = format!("must be 0, or at least {least}: three request time-outs");
            return Err(ConfigError::new("REFRESH_GRACE_SECONDS", problem));
        }
        Ok(grace)
    }

    /// Printable ASCII without blanks, quotes and backslashes: what every JSON library writes in the same way.
    fn name(&self, variable: &'static str, default: &str) -> Result<String, ConfigError> {
        let name = self.text(variable).unwrap_or_else(|| default.to_owned());
        if name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte)) {
            return Ok(name);
        }
        Err(ConfigError::new(variable, "must be printable ASCII without blanks, quotes and backslashes"))
    }
}
