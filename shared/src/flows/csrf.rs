//! Cookies are sent by browsers, whoever asks for the request; a proof shows that a page of ours did.
//!
//! 1. Where the page is from: `Origin`, or `Sec-Fetch-Site` where a browser sends no `Origin` (judged at the edge).
//! 2. A token that the page was given and no other site can read: of the session in the cookie, or, before a login, of the
//!    cookie that we minted.
//!
//! Both have to be right. Requests whose credential is a token that they carry themselves need neither.

use jiff::SignedDuration;

use super::FlowError;
use crate::{
    domain::{
        ids::{SessionId, UserId},
        moment::Moment,
        refusal::Refusal,
        security_event::SecurityEvent,
        session::{Delivery, Session},
    },
    keys::{KeysError, RefreshTokens, Rejected, Token, VerifiedRefresh},
    telemetry,
};

/// How a refresh token travels, and what goes with that.
#[derive(Debug)]
pub enum Carrier {
    /// In JSON bodies.
    Body,
    Cookie(Proof),
}

impl Carrier {
    /// What the session's row calls it.
    #[must_use]
    pub const fn delivery(&self) -> Delivery {
        match self {
            Self::Body => Delivery::Body,
            Self::Cookie(_) => Delivery::Cookie,
        }
    }
}

/// What a browser sent along with a request that is made by cookie.
#[derive(Debug)]
pub struct Proof {
    /// Whether the page that asked for it is one that may.
    pub from_our_pages: bool,
    /// `X-CSRF-Token`.
    pub token: Option<Token>,
    /// The cookie of a session, if there is one.
    pub session: Option<Token>,
    /// The cookie that we mint for browsers without a session.
    pub anonymous: Option<Token>,
}

/// A refresh token on its way to its client.
#[derive(Debug)]
pub enum Delivered {
    Body(Token),
    Cookie {
        /// The refresh token.
        token: Token,
        /// How long the browser keeps it.
        lives: SignedDuration,
        /// What the next request that is made by it must carry.
        csrf: Token,
    },
}

impl Delivered {
    /// The refresh token, however it travels.
    #[must_use]
    pub const fn token(&self) -> &Token {
        match self {
            Self::Body(token) | Self::Cookie { token, .. } => token,
        }
    }
}

/// What a page needs before it can ask for anything by cookie.
#[derive(Debug)]
pub struct Offer {
    pub token: Token,
    /// The cookie for a browser without a session.
    pub anonymous: Token,
}

/// The token for a page: of the session that its cookie names, or of the browser.
///
/// Whether that session still counts is not looked at: the token is good for nothing without the cookie. A cookie of ours
/// is kept, so that two tabs do not take each other's away.
///
/// # Errors
/// [`FlowError::Keys`].
pub async fn offer(
    tokens: &RefreshTokens,
    moment: &Moment,
    session: Option<&Token>,
    anonymous: Option<&Token>,
) -> Result<Offer, FlowError> {
    let (csrf, now) = (tokens.csrf(), moment.now);
    let kept = match anonymous {
        Some(cookie) => {
            csrf.of_cookie(cookie, now).await?.map(|token| Offer { token, anonymous: cookie.clone() })
        }
        None => None,
    };
    let offer = match kept {
        Some(kept) => kept,
        None => {
            let fresh = csrf.mint(now).await?;
            Offer { token: fresh.token, anonymous: fresh.cookie }
        }
    };
    match held(tokens, moment, session).await? {
        Some((user, session)) => Ok(Offer { token: csrf.of_session(user, session, now).await?, ..offer }),
        None => Ok(offer),
    }
}

/// Insists on the proof for a request that is made by the cookie of this session.
///
/// # Errors
/// `CsrfInvalid`.
pub(super) async fn check_session(
    tokens: &RefreshTokens,
    moment: &Moment,
    proof: &Proof,
    session: &VerifiedRefresh,
) -> Result<(), FlowError> {
    let (user, session) = (session.user, session.session);
    let proven = match &proof.token {
        Some(token) if proof.from_our_pages => {
            tokens.csrf().is_of_session(token, user, session, moment.now).await?
        }
        _ => false,
    };
    if proven { Ok(()) } else { Err(refuse(moment, Some((user, session)))) }
}

/// Insists on the proof for a login that asks for a cookie: nobody is to be logged in, into whatever account, by another
/// site. The browser may still hold the cookie of a session; then that session's token serves as well.
///
/// # Errors
/// `CsrfInvalid`.
pub(super) async fn check_login(
    tokens: &RefreshTokens,
    moment: &Moment,
    proof: &Proof,
) -> Result<(), FlowError> {
    let Some(token) = proof.token.as_ref().filter(|_| proof.from_our_pages) else {
        return Err(refuse(moment, None));
    };
    if let Some(cookie) = &proof.anonymous
        && tokens.csrf().is_of_cookie(token, cookie, moment.now).await?
    {
        return Ok(());
    }
    if let Some((user, session)) = held(tokens, moment, proof.session.as_ref()).await?
        && tokens.csrf().is_of_session(token, user, session, moment.now).await?
    {
        return Ok(());
    }
    Err(refuse(moment, None))
}

/// Hands a session's refresh token to its client, the way that the session delivers.
pub(super) async fn deliver(
    tokens: &RefreshTokens,
    moment: &Moment,
    session: &Session,
    token: Token,
) -> Result<Delivered, KeysError> {
    Ok(match session.delivery {
        Delivery::Body => Delivered::Body(token),
        Delivery::Cookie => Delivered::Cookie {
            token,
            lives: session.refresh_expires().duration_since(moment.now),
            csrf: tokens.csrf().of_session(session.user_id, session.session_id, moment.now).await?,
        },
    })
}

/// The session that a cookie is of, in time or not.
async fn held(
    tokens: &RefreshTokens,
    moment: &Moment,
    cookie: Option<&Token>,
) -> Result<Option<(UserId, SessionId)>, KeysError> {
    let Some(cookie) = cookie else { return Ok(None) };
    match tokens.verify(cookie, moment.now).await {
        Ok(verified) => Ok(Some((verified.user, verified.session))),
        Err(Rejected::Invalid) => Ok(None),
        Err(Rejected::Undecided(error)) => Err(error),
    }
}

fn refuse(moment: &Moment, of: Option<(UserId, SessionId)>) -> FlowError {
    let (user, session) = of.unzip();
    telemetry::security_event(SecurityEvent::MaliciousCsrf, moment.request.as_str(), user, session);
    Refusal::CsrfInvalid.into()
}
