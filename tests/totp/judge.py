"""Judges what `totp` writes by pyotp."""
import json
import sys

import pyotp

tries = 0
for line in sys.stdin:
    ours = json.loads(line)
    theirs = pyotp.parse_uri(ours["uri"])
    read = (theirs.issuer, theirs.name, theirs.secret, theirs.digits, theirs.interval, theirs.digest().name)
    assert read == (ours["service"], ours["account"], ours["secret"], 6, 30, "sha1"), (read, ours["uri"])
    for shown in ours["tries"]:
        tries += 1
        assert theirs.at(shown["at"]) == shown["code"], shown
        try:
            step = theirs.verify_and_get_timecode(shown["code"], for_time=ours["now"], valid_window=1)
        except pyotp.OTPVerificationError:
            step = None
        assert step == shown["step"], (step, shown, ours["now"])
assert tries > 0
print(f"pyotp: the same in {tries} tries")
