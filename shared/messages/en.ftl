# What people read, in English. Each id is a code of the contract in lower case, with hyphens.

validation-failed = The request is not valid.
current-password-invalid = The current password is wrong.
refresh-token-required = A refresh token is required.
unauthorized = Not authorized.
auth-token-missing = No authentication token was provided.
token-expired = The authentication token has expired.
token-revoked = The authentication token was revoked.
token-invalid = The authentication token is not valid.
user-inactive = The user does not exist or is not active.
invalid-credentials = The email or the password is wrong.
refresh-token-invalid = The refresh token is not valid.
account-inactive = The account is not active. Contact support.
registration-closed = Registration is closed.
forbidden = You are not allowed to use this resource.
csrf-invalid = The request could not be verified. Reload the page and try again.
forbidden-role = Your role is not allowed to use this resource.
forbidden-permission = You are not allowed to { $action } in { $feature }.
forbidden-address = Access from this address is not allowed.
not-found = There is no such resource.
session-not-found = There is no such session.
method-not-allowed = This method is not allowed here.
mail-token-invalid = The link or the code is not valid any more. Ask for a new one.
email-taken = The email is in use already.
payload-too-large = The request is too large.
unsupported-media-type = The request must be application/json.
login-locked =
    Too many attempts. Try again in { PLURAL($minutes) ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.
auth-rate-limited =
    Too many attempts. Try again in { PLURAL($minutes) ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.
mail-rate-limited =
    Too many messages were requested for this address. Try again in { PLURAL($minutes) ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.
api-rate-limited = Too many requests. Try again in a moment.
login-failed = Something went wrong while logging in.
logout-failed = Something went wrong while logging out.
internal-error = Something went wrong.
service-unavailable = The service is not available right now. Try again in a moment.
logged-out = You are logged out.
password-changed = The password was changed.
recovery-sent = If there is an account with this address, we have sent it a message.
verification-sent = We have sent a message to this address. Open the link in it to confirm the address.
change-sent = We have sent a message to the new address. Open the link in it to confirm the change.
email-changed = The email was changed.
email-reverted = The change of the email was taken back. All sessions were ended; set a new password with the message that we have sent.
session-revoked = The session was ended.
sessions-revoked = All sessions were ended.

# What is wrong with a field.
not-json = The request must be a JSON object.
required = This field is required.
wrong-type = The value has the wrong type.
invalid = The value is not valid.
too-long = The value is too long.
password-too-short = The password must have at least { $minimum } characters.
password-needs-mixed-case = The password must have upper and lower case letters.
password-needs-digit = The password must have a digit.
password-needs-symbol = The password must have a special character: one that is neither a letter nor a digit.
password-too-long = The password must not be longer than 72 bytes.
password-too-common = The password is too easy to guess.
