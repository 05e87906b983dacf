//! What a service may have, and the traits by which a flow asks for it.

/// Declares each thing that a service may have: its name, the trait of who has it, and its type.
///
/// From this table come the traits; [`Source`], who gives the things to who is built of them; and two macros that [`service`] is made of:
/// `type_of!(name)`, and `has!(Service name)`, which says that a service has it. (`$d` is a `$` for those.)
macro_rules! capabilities {
    ($d:tt $($(#[$doc:meta])+ $name:ident: $trait:ident => $type:ty;)+) => {
        $(
            $(#[$doc])+
            pub trait $trait {
                $(#[$doc])+
                fn $name(&self) -> &$type;
            }
        )+

        /// Who gives these things.
        pub trait Source {
            /// Why one can't be given.
            type Error;
            $(
                $(#[$doc])+
                ///
                /// # Errors
                /// It can't be given.
                fn $name(&self) -> Result<$type, Self::Error>;
            )+
        }

        macro_rules! type_of { $(($name) => { $type };)+ }

        macro_rules! has {
            $(($d service:ident $name) => {
                impl $trait for $d service {
                    fn $name(&self) -> &$type {
                        &self.$name
                    }
                }
            };)+
        }
    };
}

capabilities! { $
    /// The tables.
    store: HasStore => crate::store::Store;
    /// The security log.
    journal: HasJournal => crate::journal::Journal;
    /// How requests are read and answered.
    edge: HasEdge => crate::settings::EdgeConfig;
    /// How often the endpoints may be called.
    rate_limit: HasRateLimit => crate::gate::RateLimit;
    /// Access tokens.
    access: HasAccess => crate::keys::AccessTokens;
    /// Refresh tokens.
    refresh: HasRefresh => crate::keys::RefreshTokens;
    /// How long tokens and sessions live.
    lifetimes: HasLifetimes => crate::domain::session::Lifetimes;
    /// What is made of devices that logged in before.
    devices: HasDevices => crate::settings::Devices;
    /// How many sessions a user may have at once, if there is a limit.
    max_sessions: HasMaxSessions => Option<std::num::NonZeroUsize>;
    /// Passwords, verified and hashed.
    hasher: HasHasher => crate::passwords::Hasher;
    /// Which passwords may be set.
    password_policy: HasPasswordPolicy => crate::password_policy::PasswordPolicy;
    /// Passwords that were breached elsewhere, where the stack has a list.
    breached: HasBreached => Option<crate::password_policy::Breached>;
    /// How many passwords and second factors may be tried.
    attempts: HasAttempts => crate::domain::attempts::Limits;
    /// What happens after a long run of failures.
    run_action: HasRunAction => crate::settings::RunAction;
    /// Whether strangers may register, and how.
    registration: HasRegistration => crate::settings::SelfRegistration;
    /// Whether the stack sends mail.
    mail: HasMail => bool;
    /// Who has to have a second factor.
    mfa: HasMfa => crate::domain::mfa::MfaPolicy;
}

/// Declares a service that has these things, and no others.
macro_rules! service {
    ($(#[$doc:meta])+ $service:ident: $($name:ident),+;) => {
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $service {
            $(#[doc = concat!("See [`Source::", stringify!($name), "`].")] pub $name: type_of!($name),)+
        }

        $(has!($service $name);)+

        impl $service {
            /// One of what this source gives.
            ///
            /// # Errors
            /// The first thing that it can't give.
            pub fn of<S: Source>(source: &S) -> Result<Self, S::Error> {
                Ok(Self { $($name: source.$name()?,)+ })
            }
        }
    };
}

/// Declares what several things together are good for: whoever has them is good for it.
macro_rules! together {
    ($($(#[$doc:meta])+ $name:ident: $first:ident $(, $more:ident)*;)+) => { $(
        $(#[$doc])+
        pub trait $name: $first $(+ $more)* {}

        impl<S: $first $(+ $more)*> $name for S {}
    )+ };
}
