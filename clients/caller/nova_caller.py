"""Who is calling a function behind the authorizer of Nova Auth: copy this file beside your handler. It needs nothing but Python 3.9."""

import re

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EMAIL = re.compile(r"(?=.{3,254}\Z)[^\s@]+@[^\s@]+")
_NUMBER = re.compile(r"[0-9]{1,15}")
# All of the first four, or another authorizer wrote them. An older authorizer leaves out the others.
_NEEDED = {"userId": _ID, "email": _EMAIL, "role": re.compile(r"[a-z0-9_-]{1,32}"), "sessionId": _ID}
_MORE = {"acr": re.compile(r"[!-~]{1,64}"), "authTime": _NUMBER, "epoch": _NUMBER}


class NoCaller(Exception):
    """The authorizer's context is not Nova Auth's, or not all of it. Answer 500, and do nothing else."""


def caller_of(event):
    """The caller, from the event of a REST, an HTTP (payload 1.0 or 2.0) or a WebSocket API; None where nobody said who they are.

    Raises NoCaller for anything in between. Its text names the part that is wrong, and no value.
    """
    said = _within(_within(event, "requestContext"), "authorizer")
    if isinstance(event, dict) and event.get("version") == "2.0":
        said = _within(said, "lambda")
    if not isinstance(said, dict) or not any(name in said for name in _NEEDED):
        return None
    caller = {}
    for name, form in {**_NEEDED, **_MORE}.items():
        value = said.get(name)
        if name in _MORE and name not in said:
            caller[name] = None
        elif not isinstance(value, str) or not form.fullmatch(value):
            raise NoCaller(f"the authorizer's context has no valid {name}")
        else:
            caller[name] = int(value) if form is _NUMBER else value
    return caller


def _within(value, name):
    return value.get(name) if isinstance(value, dict) else None
