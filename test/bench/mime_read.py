#!/usr/bin/env python3
"""How many mails a second Python's email package reads, for comparison.

Arguments as of mime_read.c: how often, then files or directories of files.
It does what mime_read() does: decoded headers, the text, the attachments.
"""

import email
import email.policy
import os
import sys
import time


def read(data):
    mail = email.message_from_bytes(data, policy=email.policy.default)
    seen = 0
    for field in ("subject", "from", "to", "date"):
        try:
            seen += len(str(mail[field]))
        except Exception:
            pass
    try:
        body = mail.get_body(("plain", "html"))
        if body is not None:
            seen += len(body.get_content())
        for part in mail.iter_attachments():
            seen += len(part.get_filename() or "")
            seen += len(part.get_payload(decode=True) or b"")
    except Exception:
        pass
    return seen


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: mime_read.py TIMES FILE|DIRECTORY...")
    times = int(sys.argv[1])
    mails = []
    for path in sys.argv[2:]:
        names = [path]
        if os.path.isdir(path):
            names = [os.path.join(path, name) for name in os.listdir(path)
                     if not name.startswith(".")]
        for name in names:
            with open(name, "rb") as file:
                mails.append(file.read())
    start = time.monotonic()
    for _ in range(times):
        for data in mails:
            read(data)
    print("%.0f" % (times * len(mails) / (time.monotonic() - start)))


main()
