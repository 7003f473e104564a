#!/usr/bin/python3.11
"""Prints what Python's email package reads in messages, one JSON object a line.

usage: python.py < LIST

LIST names a file on each line.  The members: subject, names (of the files that
have one), from (addresses), date (seconds since 1970); null where Python finds
none, {"error": class} where its reader raises.
"""

import email
import email.policy
import json
import re
import sys

# What the name of a file may not hold, and halves of characters, which Python
# makes of raw bytes.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
HALVES = re.compile("[\ud800-\udfff]")


def leaves(mail):
    """The parts that hold content; a message that is attached is one."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting.extend(reversed(part.get_payload()))
        else:
            yield part


def subject(mail):
    value = mail["subject"]
    return None if value is None else str(value).strip()


def names(mail):
    found = (part.get_filename() for part in leaves(mail))
    return [UNSAFE.sub("", re.split(r"[/\\]", name)[-1]).strip() for name in found if name]


def senders(mail):
    """<> is how Python writes an address that is none."""
    field = mail["from"]
    found = [] if field is None else [address.addr_spec for address in field.addresses]
    return [address for address in found if address != "<>"]


def date(mail):
    field = mail["date"]
    if field is None or field.datetime is None:
        return None
    return int(field.datetime.timestamp())


def tried(read, mail):
    try:
        return read(mail)
    except Exception as error:
        return {"error": type(error).__name__}


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    for line in sys.stdin:
        with open(line.rstrip("\n"), "rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        seen = {"subject": tried(subject, mail), "names": tried(names, mail),
                "from": tried(senders, mail), "date": tried(date, mail)}
        print(HALVES.sub("\ufffd", json.dumps(seen, ensure_ascii=False)))


main()
