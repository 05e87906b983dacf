"""Every event of events.json, which the Rust and the JavaScript code read too."""

import json
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent))

from nova_caller import NoCaller, caller_of  # noqa: E402


class Events(unittest.TestCase):
    def test_every_event_names_the_caller_nobody_or_the_part_that_is_wrong(self):
        rows = json.loads((HERE / "events.json").read_text(encoding="utf-8"))
        self.assertGreater(len(rows), 60)
        for row in rows:
            with self.subTest(row["name"]):
                if "invalid" in row:
                    with self.assertRaises(NoCaller) as refused:
                        caller_of(row["event"])
                    self.assertEqual(str(refused.exception), f"the authorizer's context has no valid {row['invalid']}")
                else:
                    self.assertEqual(caller_of(row["event"]), row.get("caller"))


if __name__ == "__main__":
    unittest.main()
