//! What can be wrong with what somebody sends.

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The body is not a JSON object.
    NotJson,
    /// The member is missing, null or empty.
    Required,
    /// The member has another JSON type.
    WrongType,
    /// The member has the right type and a value that is not accepted.
    Invalid,
    /// The member is longer than anything that is accepted.
    TooLong,
    /// Fewer characters than the password profile asks for, which is this many.
    PasswordTooShort(u8),
    /// Not both upper and lower case letters.
    PasswordNeedsMixedCase,
    /// No digit.
    PasswordNeedsDigit,
    /// No special character.
    PasswordNeedsSymbol,
    /// More than 72 bytes, which bcrypt would cut.
    PasswordTooLong,
    /// Easily guessed: on the list of common passwords, a word that guessers use with little around it, or the address itself.
    PasswordTooCommon,
    /// It was breached elsewhere.
    PasswordBreached,
}
