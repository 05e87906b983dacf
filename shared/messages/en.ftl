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
step-up-required = Confirm your identity to continue.
mfa-enrolment-required = Set up a second factor first.
not-found = There is no such resource.
session-not-found = There is no such session.
method-not-allowed = This method is not allowed here.
mail-token-invalid = This link or code is no longer valid. Request a new one.
mfa-code-invalid = The code is wrong or has already been used.
mfa-token-invalid = The login took too long. Log in again.
mfa-unavailable = This account needs a second factor, but second factors are not available here. Contact support.
factor-not-found = There is no such second factor.
factor-limit = You have reached the limit for second factors. Remove one first.
email-taken = The email is already in use.
payload-too-large = The request is too large.
unsupported-media-type = The request must be application/json.
login-locked =
    Too many attempts. Try again in { PLURAL($minutes) ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }.
mfa-locked =
    Too many wrong codes. Try again in { PLURAL($minutes) ->
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
email-reverted = The email change was undone and all sessions were ended. Set a new password with the message that we have sent you.
login-denied = All sessions were ended, and your password no longer works. Set a new one with the message that we have sent you.
session-revoked = The session was ended.
sessions-revoked = All sessions were ended.
passkey-invalid = The passkey was not accepted. Try again, or log in another way.
passkey-exists = This passkey is already registered.
factor-removed = The second factor was removed.

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
password-breached = This password is on a list of leaked passwords. Choose another one.

# Mails. The service's name, and a user's, stand in marks that keep their direction.
mail-hello = Hello { $name },
mail-code =
    { PLURAL($number) ->
        [one] Or enter this code, within { $number } minute of your request:
       *[other] Or enter this code, within { $number } minutes of your request:
    }
mail-valid-minutes =
    { PLURAL($number) ->
        [one] The link works for { $number } minute, once.
       *[other] The link works for { $number } minutes, once.
    }
mail-valid-hours =
    { PLURAL($number) ->
        [one] The link works for { $number } hour, once.
       *[other] The link works for { $number } hours, once.
    }
mail-valid-days =
    { PLURAL($number) ->
        [one] The link works for { $number } day, once.
       *[other] The link works for { $number } days, once.
    }
mail-footer = This is an automatic message from { $service }. Nobody reads replies to it.

mail-reset-subject = Set a new password for { $service }
mail-reset-title = Set a new password
mail-reset-text = We received a request to set a new password for your account at { $service }.
mail-reset-button = Set a new password
mail-reset-ignore = If that was not you, ignore this message, and your password stays as it is. Never forward this message, and never tell anyone the code.

mail-verify-subject = Confirm your email address for { $service }
mail-verify-title = Confirm your email address
mail-verify-text = This email address was entered at { $service }. Confirm that it is yours.
mail-verify-button = Confirm this address
mail-verify-ignore = If that was not you, ignore this message. Nothing happens without your confirmation.

mail-change-subject = Confirm your new email address for { $service }
mail-change-title = Confirm your new email address
mail-change-text = We received a request to use this email address to log in to { $service }.
mail-change-button = Use this address
mail-change-ignore = If that was not you, ignore this message. Nothing changes without your confirmation.

mail-invite-subject = Your account at { $service }
mail-invite-title = You are invited
mail-invite-text = An account at { $service } was created for you. Set your password to start using it.
mail-invite-button = Set your password
mail-invite-ignore = If you do not know { $service }, ignore this message.

mail-revert-subject = Your email address at { $service } was changed
mail-revert-title = Your email address was changed
mail-revert-text = Your account at { $service } now has another email address. If you changed it, there is nothing to do.
mail-revert-button = It was not me: restore this address
mail-revert-ignore = If you did not change it, restore this address now. All sessions then end, and you set a new password.

mail-deny-subject = A login to { $service } from a new device
mail-deny-title = A login from a new device
mail-deny-text = Somebody logged in to your account at { $service } from a device that we had not seen before. If that was you, there is nothing to do.
mail-login-time = Time: { $value }
mail-login-device = Device: { $value }
mail-login-network = Network: { $value }
mail-deny-button = It was not me: end all sessions
mail-deny-ignore = If that was not you, open the link now. Nothing happens until you confirm. Then all sessions end, your password stops working, and you set a new one. Afterwards, check your second factors and passkeys.

mail-password-changed-subject = Your password for { $service } was changed
mail-password-changed-title = Your password was changed
mail-password-changed-text = The password of your account at { $service } was changed, and all other sessions were ended.
mail-password-changed-ignore = If that was not you, set a new password with “Forgot password?” now, and contact support.

mail-factors-changed-subject = Your second factors at { $service } were changed
mail-factors-changed-title = Your second factors were changed
mail-factors-changed-text = A second factor of your account at { $service } was added, replaced or removed, and all other sessions were ended.
mail-factors-changed-ignore = If that was not you, set a new password with “Forgot password?” now, and contact support.

mail-factors-guessed-subject = Many failed second-factor attempts on your account at { $service }
mail-factors-guessed-title = Somebody may have your password
mail-factors-guessed-text = There were many failed second-factor attempts on your account at { $service }. The person behind them knows your password or is using one of your sessions. These failed attempts let nobody in.
mail-factors-guessed-ignore = If that was not you, change your password now and end your other sessions. If it was you, check the clock of the device with your authenticator app, or use a recovery code.

mail-address-changed-subject = Your email address at { $service } was changed
mail-address-changed-title = Your email address was changed
mail-address-changed-text = The { $service } team gave your account another email address, and all sessions were ended. You can no longer log in with this address.
mail-address-changed-ignore = If you did not ask for that, contact support.

mail-address-taken-subject = You already have an account at { $service }
mail-address-taken-title = You already have an account
mail-address-taken-text = We received a request to use this email address at { $service }, but it already has an account. Log in with it, or set a new password with “Forgot password?”.
mail-address-taken-ignore = If that was not you, ignore this message. Nothing was changed.
