#!/usr/bin/env python3
"""Compares mime_read() with Python's email package, and prints TAP.

usage: mime_judge.py MIME_DUMP

Two readers who know nothing of each other: where both read the same, neither
misunderstood the RFC alone.  The mails are the corpus beside this file, and
some hundreds that Python's own writer makes, the same ones each time.  Where
Python is known to read a mail of the corpus otherwise, the reason stands
below, and the unit test says what is right.
"""

import email
import email.policy
import email.utils
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from email.header import Header
from email.message import EmailMessage

GENERATED = 400

# file: {key: why Python's answer is not asked for}
DIFFERENT = {
    "addresses-broken": {"from": "no quotes around a comma",
                         "to": "brackets and commas are missing"},
    "addresses": {"to": "a source route"},
    "attached-message": {"attachments": "Python names only what has a name"},
    "base64-pieces": {"text": "Python stops at the first padding"},
    "bounce": {"from": "a name in a comment"},
    "date-odd": {"date": "not RFC 5322", "message_id": "no brackets"},
    "flowed": {"text": "Python leaves the lines broken"},
    "gb2312": {"text": "characters of GB18030"},
    "iso-2022-jp-ms": {"subject": "characters of Microsoft's", "text": "likewise"},
    "lone-cr": {},
    "junk-header-line": {"text": "Python ends the header there"},
    "latin1-is-1252": {"text": "characters of windows-1252"},
    "html-around-file": {"html": "Python gives the first"},
    "html-meta-charset": {"html": "Python does not look into the HTML"},
    "mbox-from-line": {},
    "name-2231": {"attachments": "Python takes the first form, not the best"},
    "name-path": {"attachments": "Python keeps the path"},
    "name-raw": {"attachments": "Python leaves raw bytes"},
    "name-shift-jis": {"attachments": "Python leaves raw bytes"},
    "name-unquoted": {"attachments": "Python takes one word"},
    "no-boundary": {"text": "Python finds no text", "attachments": "but a file",
                   "sizes": "likewise"},
    "boundary-not-named": {"attachments": "Python does not look for it", "sizes": "likewise"},
    "boundary-never-comes": {"text": "Python finds no text", "attachments": "but a file",
                            "sizes": "likewise"},
    "not-closed": {"sizes": "the file is cut within a group"},
    "nul-bytes": {"text": "PostgreSQL has no NUL"},
    "raw-8bit-header": {"text": "no charset is named"},
    "shift-jis": {"text": "characters of CP932"},
    "tnef": {"attachments": "Python does not open winmail.dat",
             "sizes": "likewise"},
    "two-texts": {"text": "Python gives the first"},
    "unknown-charset": {"text": "no such charset"},
    "utf8-that-is-not": {"text": "bytes of windows-1252"},
    "uuencode": {"sizes": "Python counts the padding"},
    "words-split-character": {"subject": "a character in two words"},
}

SCRIPTS = [
    "Invoice overdue reminder payment received thank you statement account",
    "Überfällige Rechnung Zahlungserinnerung größer Straße Ärger äöüß",
    "Relevé facture échéance réglée déjà reçu où être Noël",
    "Счёт оплата задолженность напоминание пожалуйста",
    "請求書 お支払い 期限 確認 株式会社",
    "发票 付款 逾期 公司 提醒",
    "فاتورة دفع تذكير شركة",
    "חשבונית תשלום תזכורת",
    "τιμολόγιο πληρωμή υπενθύμιση",
    "청구서 지불 연체 알림",
    "🙂 📎 ✅ € £ – “quoted” ‘words’",
    "a,b \"c\" (d) <e> f;g:h [i] j@k =?l?= m_n %41 'o'",
]

# For names of mailboxes, which Header encodes but does not quote.
NAMES = SCRIPTS[:-1]


def words(rng, most, scripts=SCRIPTS):
    """Some words of one or two scripts."""
    chosen = " ".join(rng.sample(scripts, rng.choice((1, 1, 2)))).split()
    return " ".join(rng.choice(chosen) for _ in range(rng.randint(1, most)))


def part_of(rng, mail):
    """Adds an attachment of a random kind."""
    name = words(rng, rng.choice((1, 4, 14))).replace("/", "-")
    kind = rng.randrange(4)
    if kind == 0:
        mail.add_attachment(rng.randbytes(rng.randrange(2000)), maintype="application",
                            subtype="pdf", filename=name + ".pdf")
    elif kind == 1:
        mail.add_attachment(words(rng, 40) + "\n", filename=name + ".txt",
                            cte=rng.choice(("base64", "quoted-printable")))
    elif kind == 2:
        inner = EmailMessage()
        inner["Subject"] = words(rng, 8)
        inner.set_content("inner\n")
        mail.add_attachment(inner, filename=name + ".eml")
    else:
        mail.add_attachment(rng.randbytes(rng.randrange(50)), maintype="image",
                            subtype="png", filename=name + ".png")


def mailbox(name, address):
    """A mailbox by Python's older writer: the newer one, when it folds a list
    of mailboxes, encodes names twice and loses the ends of others."""
    if not name:
        return address
    return "%s <%s>" % (Header(name, "utf-8").encode(), address)


def generated(rng, number):
    """A mail as Python writes it."""
    mail = EmailMessage(policy=email.policy.default.clone(
        linesep=rng.choice(("\n", "\r\n")), cte_type=rng.choice(("7bit", "8bit"))))
    mail["Subject"] = words(rng, 25)
    sender = mailbox(words(rng, 4, NAMES), "sender%d@example.com" % number)
    to = [mailbox(words(rng, 5, NAMES) if rng.random() < .7 else "", "to%d@example.org" % i)
          for i in range(rng.randint(1, 12))]
    mail["Message-ID"] = "<%d.%d@mail.example.com>" % (number, rng.randrange(10 ** 9))
    mail["Date"] = email.utils.formatdate(rng.randrange(2 ** 31), localtime=False)
    text = "\n".join(words(rng, 30) for _ in range(rng.randint(1, 12))) + "\n"
    mail.set_content(text, cte=rng.choice((None, "base64", "quoted-printable")))
    if rng.random() < .5:
        mail.add_alternative("<p>%s</p>\n" % words(rng, 30), subtype="html")
        if rng.random() < .4:
            html = mail.get_payload()[1]
            html.add_related(rng.randbytes(60), "image", "png", cid="<logo@example.com>",
                             filename=words(rng, 2) + ".png")
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        part_of(rng, mail)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        outer = EmailMessage(policy=mail.policy)
        for field, value in mail.items():
            if not field.lower().startswith(("content-", "mime-")):
                outer[field] = value
                del mail[field]
        outer["MIME-Version"] = "1.0"
        outer["Content-Type"] = "multipart/mixed"
        del mail["MIME-Version"]
        outer.set_payload([mail])
        mail = outer
    return ("From: %s\nTo: %s\n" % (sender, ",\n ".join(to))).replace(
        "\n", mail.policy.linesep).encode("ascii") + mail.as_bytes()


def leaves(part):
    """The parts that hold content; a mail attached is one."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for child in part.iter_parts():
            yield from leaves(child)
    else:
        yield part


def clean(name):
    """What a name may hold, said again in other words."""
    if name is None:
        return None
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", "", name)
    return name.strip()


def unify(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def judged(data):
    """What Python reads."""
    mail = email.message_from_bytes(data, policy=email.policy.default)
    seen = {"subject": mail["subject"]}
    for field in ("from", "to"):
        seen[field] = [[a.display_name or None, a.addr_spec]
                       for value in mail.get_all(field, [])
                       for a in value.addresses]
    ident = mail["message-id"]
    seen["message_id"] = ident and str(ident).strip().strip("<>")
    if mail["date"] is not None and mail["date"].datetime is not None:
        seen["date"] = int(mail["date"].datetime.timestamp())
    seen["attachments"] = []
    seen["sizes"] = []
    texts = {}
    for part in leaves(mail):
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and not part.is_attachment() \
                and not part.get_filename():
            texts.setdefault(kind, unify(part.get_content()))
            continue
        seen["attachments"].append(clean(part.get_filename()))
        content = part.get_payload(decode=True)
        seen["sizes"].append(None if content is None else len(content))
    seen["text"] = texts.get("text/plain")
    seen["html"] = texts.get("text/html")
    if seen["subject"] is not None:
        seen["subject"] = str(seen["subject"]).strip()
    return seen


def without_spaces(mailboxes):
    """Python loses or adds spaces between the encoded words of a name."""
    return [[name and "".join(name.split()), address] for name, address in mailboxes]


def differences(ours, data, excused):
    try:
        theirs = judged(data)
    except Exception as error:
        # Python's reader raises on some mails; ours must not.
        return ["Python: %r" % error] if excused is None else []
    found = []
    for key, value in theirs.items():
        if excused and key in excused:
            continue
        got = ours.get(key)
        if key == "sizes" and len(got) == len(value):
            got = [None if v is None else g for g, v in zip(got, value)]
        if key in ("text", "html") and value is None:
            continue
        if key in ("from", "to"):
            got, value = without_spaces(got), without_spaces(value)
        if got != value:
            found.append("%s: ours %r, Python's %r" % (key, got, value))
    return found


def dump(program, paths):
    out = subprocess.run([program] + paths, capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.decode("utf-8").splitlines()]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: mime_judge.py MIME_DUMP")
    count = failed = 0
    here = os.path.dirname(os.path.abspath(__file__))
    paths = sorted(glob.glob(os.path.join(here, "corpus", "*.eml")))
    for path, ours in zip(paths, dump(sys.argv[1], paths)):
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, "rb") as file:
            found = differences(ours, file.read(), DIFFERENT.get(name, {}))
        count += 1
        failed += bool(found)
        print("%sok %d - corpus: %s" % ("not " if found else "", count, name))
        for line in found:
            print("# " + line.replace("\n", "\n# "))

    rng = random.Random(4711)
    mails = [generated(rng, number) for number in range(GENERATED)]
    agreed = 0
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for number, data in enumerate(mails):
            paths.append(os.path.join(directory, "%d.eml" % number))
            with open(paths[-1], "wb") as file:
                file.write(data)
        for number, (data, ours) in enumerate(zip(mails, dump(sys.argv[1], paths))):
            found = differences(ours, data, None)
            if ours["defects"]:
                found.append("defects: " + ours["defects"])
            agreed += not found
            for line in found:
                print("# mail %d: %s" % (number, line.replace("\n", "\n# ")))
    count += 1
    failed += agreed != GENERATED
    print("%sok %d - %d of %d mails that Python wrote are read as Python reads them"
          % ("" if agreed == GENERATED else "not ", count, agreed, GENERATED))
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


main()
