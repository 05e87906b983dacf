"""What the inspection says of files that others made: `honest.py UPLOAD_INSPECT DIRECTORY [--list]`, by hand.

Each different file below the directory is inspected once as the type that its name ends with, by the function's binary as it inspects:
in a process of its own, with its limits. Prints how many of each type are refused, and why; --list names them.
"""

import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

OFFICE = "application/vnd.openxmlformats-officedocument"
TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".pdf": "application/pdf",
    ".docx": f"{OFFICE}.wordprocessingml.document",
    ".xlsx": f"{OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{OFFICE}.presentationml.presentation",
    ".zip": "application/zip",
    ".whl": "application/zip",
}
LARGEST = 32 * 1024 * 1024


def files(directory):
    seen = set()
    for path in sorted(Path(directory).rglob("*")):
        if path.suffix.lower() not in TYPES or not path.is_file() or not 0 < path.stat().st_size <= LARGEST:
            continue
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest not in seen:
            seen.add(digest)
            yield path


def judged(program, path):
    with path.open("rb") as file:
        command = [program, "inspect-standard-input", TYPES[path.suffix.lower()], "keep"]
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, env={}, check=False)
    # What ended badly came to no verdict, and is refused.
    return done.stdout if done.returncode == 0 else f"UNREADABLE (ended with {done.returncode})"


def main():
    program, directory = sys.argv[1:3]
    verdicts = defaultdict(Counter)
    for path in files(directory):
        verdict = judged(program, path)
        verdicts[TYPES[path.suffix.lower()]][verdict] += 1
        if verdict != "OK" and "--list" in sys.argv:
            print(f"{verdict} {path}")
    for kind, counts in sorted(verdicts.items()):
        refused = {verdict: count for verdict, count in counts.most_common() if verdict != "OK"}
        print(f"{kind}: {counts.total()} files, {sum(refused.values())} refused", refused or "")


main()
