"""IMAP against private peers that answer as servers should not."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from peer import Peer, certificate, client, done, equal, ok

CAPS = "IMAP4rev1 IDLE ESEARCH MOVE UIDPLUS"
TLS, CA = certificate()
FORGERY = (b"Subject: A3 OK done\r\n\r\n* 1 FETCH (UID 99 BODY[] {3}\r\nabc)\r\n)\r\n"
           b"A1 OK\r\nA2 OK\r\nA3 OK\r\nA4 OK\r\nA5 OK\r\nA6 OK\r\n* BYE\r\n* 2 EXPUNGE\r\n\"{5}\r\n\x00)")


class Mailbox:
    """A server with one mailbox; the arguments are where it differs from a good one."""

    def __init__(self, messages=None, caps=CAPS, validity=7, tls=None, **how):
        self.messages = dict(messages or {})
        self.caps = caps
        self.validity = validity
        self.how = how
        self.flags = {}
        self.moved = {}
        self.folders = how.get("folders", ["INBOX", "Done"])
        self.peer = Peer(self.talk, tls)
        self.url = "%s://localhost:%d" % ("imaps" if tls else "imap", self.peer.port)

    def uids(self, sequence):
        high = max(self.messages, default=0)
        wanted = []
        for part in sequence.split(","):
            low, _, end = part.partition(":")
            low = int(low)
            end = high if end == "*" else int(end or low)
            low, end = min(low, end), max(low, end)
            wanted += [u for u in self.messages if low <= u <= end]
        return sorted(set(wanted))

    def talk(self, line):
        how = self.how
        line.say("* OK peer ready")
        while True:
            text = line.line()
            tag, _, command = text.partition(" ")
            verb = command.upper()
            key = "uid_" + verb.split(" ")[1].lower() if verb.startswith("UID ") else \
                verb.split(" ")[0].lower()
            answer = how.get(key)
            if callable(answer):
                answer = answer(self, line, tag, command)
                if answer is None:
                    continue
            if answer:
                line.say(answer.replace("%t", tag) if isinstance(answer, str)
                         else answer.replace(b"%t", tag.encode()))
                continue
            if verb == "CAPABILITY":
                line.say("* CAPABILITY " + self.caps)
            elif verb.startswith(("SELECT", "EXAMINE")):
                line.say("* FLAGS (\\Seen)\r\n* %d EXISTS\r\n* 0 RECENT\r\n"
                         "* OK [UIDVALIDITY %d] valid\r\n* OK [UIDNEXT 1] hm {5}"
                         % (len(self.messages), self.validity))
            elif verb.startswith("UID SEARCH"):
                found = self.uids(command.split(" ")[-1])
                if "RETURN" in verb:
                    line.say('* ESEARCH (TAG "%s") UID%s'
                             % (tag, " ALL " + ",".join(map(str, found)) if found else ""))
                else:
                    line.say("* SEARCH" + "".join(" %d" % u for u in found))
            elif verb.startswith("UID FETCH"):
                self.fetch(line, command)
            elif verb.startswith("UID STORE"):
                for uid in self.uids(command.split(" ")[2]):
                    self.flags[uid] = command.split(" ", 4)[-1]
            elif verb.startswith(("UID MOVE", "UID COPY")):
                folder = command.split(" ", 3)[3].strip('"')
                if folder not in self.folders:
                    line.say(tag + " NO [TRYCREATE] no such mailbox")
                    continue
                for uid in self.uids(command.split(" ")[2]):
                    self.moved[uid] = folder
                    if "MOVE" in verb:
                        number = sorted(self.messages).index(uid) + 1
                        del self.messages[uid]
                        line.say("* %d EXPUNGE" % number)
            elif verb.startswith("CREATE"):
                self.folders.append(command.split(" ", 1)[1].strip('"'))
            elif verb.startswith("UID EXPUNGE"):
                for uid in self.uids(command.split(" ")[2]):
                    del self.messages[uid]
            elif verb == "IDLE":
                line.say("+ idling")
                if how.get("news"):
                    time.sleep(0.2)
                    how["news"].pop(0)(self, line)
                if line.line() != "DONE":
                    line.say(tag + " BAD expected DONE")
                    continue
            elif verb == "LOGOUT":
                line.say("* BYE\r\n%s OK bye" % tag)
                return
            line.say(tag + " OK done")

    def fetch(self, line, command):
        out = []
        for uid in self.uids(command.split(" ")[2]):
            body = self.messages[uid]
            number = sorted(self.messages).index(uid) + 1
            if "RFC822.SIZE" in command:
                size = self.how.get("sizes", {}).get(uid, len(body))
                out.append(b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (number, uid, size))
            else:
                out.append(b'* %d FETCH (UID %d FLAGS (\\Seen $x) INTERNALDATE "17-Jul-2024 02:44:25'
                           b' +0000" MODSEQ (12) BODY[] {%d}\r\n%s)\r\n'
                           % (number, uid, len(body), body))
        data = b"".join(out)
        step = self.how.get("chunk", len(data) or 1)
        for at in range(0, len(data), step):
            line.say(data[at:at + step])

    def heard(self, start=""):
        return [h.split(" ", 1)[1] for h in self.peer.lines[0].heard
                if " " in h and h.split(" ", 1)[1].startswith(start)]


def fetch(server, **arguments):
    folder = tempfile.mkdtemp(prefix="net_test.")
    output = client("imap_client", url=server.url, dir=folder, user="u", password="p", **arguments)
    output.got = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            output.got[int(name)] = file.read()
    shutil.rmtree(folder)
    server.peer.join()
    return output


def mails(n, size=200, first=1):
    return {first + i: (b"Subject: %d\r\n\r\n" % i).ljust(size, b"x") for i in range(n)}


def test_fetch(caps, name, chunk):
    messages = mails(120)
    messages[77] = FORGERY
    messages[78] = b""
    messages[79] = bytes(range(256)) * 40
    server = Mailbox(messages, caps=caps, chunk=chunk)
    out = fetch(server)
    equal(out.got == messages, True, name + ": every message byte for byte", out.text[-800:])
    equal([b["n"] for b in out.all("batch")], ["50", "50", "20"], name + ": in batches")
    equal(out.get("job", "state", "failure", "validity", "changed"),
          ("finished", "ok", "7", "0"), name + ": finished")
    row = out.one("message")
    equal((row["flags"], row["text"]), ("\\Seen,$x", "17-Jul-2024 02:44:25 +0000;"),
          name + ": flags and date")
    ok(all("BODY.PEEK[]" in c for c in server.heard("UID FETCH") if "FLAGS" in c),
       name + ": nothing is marked as seen")
    equal(server.heard()[-1], "LOGOUT", name + ": ends in LOGOUT")
    equal(out.get("left", "timeout"), ("-1",), name + ": the loop is empty after it")


def test_since():
    for caps in (CAPS, "IMAP4rev1"):
        server = Mailbox(mails(10), caps=caps)
        out = fetch(server, last=7, validity=7)
        equal(sorted(out.got), [8, 9, 10], "only what is new", out.text)
        out = fetch(Mailbox(mails(10), caps=caps), last=10, validity=7)
        equal((sorted(out.got), out.get("job", "state")), ([], ("finished",)),
              "n:* finds the last message, which is not new")
        out = fetch(Mailbox(mails(10), caps=caps), last=7, validity=6)
        equal((len(out.got), out.get("job", "changed")), (10, ("1",)),
              "all again when UIDVALIDITY has changed")
        out = fetch(Mailbox({}, caps=caps))
        equal(out.get("job", "state"), ("finished",), "an empty mailbox")
    out = fetch(Mailbox({4294967295: b"last"}), last=4294967294)
    equal(out.got, {4294967295: b"last"}, "the highest UID there can be")
    out = fetch(Mailbox({4294967295: b"last"}), last=4294967295)
    equal(out.get("job", "state"), ("finished",), "and nothing after it")


def test_bounds():
    messages = mails(10, size=1000)
    messages[5] = b"y" * 50000
    server = Mailbox(messages)
    out = fetch(server, max=10000, bytes=2500, action="seen")
    del messages[5]
    equal(out.got == messages, True, "all but the one that is too large", out.text)
    row = [m for m in out.all("message") if m["uid"] == "5"][0]
    equal((row["size"], row["len"]), ("50000", "-1"), "which comes with its size alone")
    ok("50000 bytes are more than the 10000 up to which one is fetched" in row["text"],
       "and a note that says why", row["text"])
    ok(all(int(b["bytes"]) <= 2500 for b in out.all("batch")), "batches keep to their bytes")
    equal(sorted(server.flags), [1, 2, 3, 4, 6, 7, 8, 9, 10], "and is not flagged")
    out = fetch(Mailbox(mails(5, size=5000)), bytes=100)
    equal(len(out.got), 5, "a message may be larger than a batch")
    lies = {u: 10 for u in range(1, 41)}
    out = fetch(Mailbox(mails(40, size=100000), sizes=lies), bytes=200000, max=150000)
    equal(len(out.got), 40, "sizes that lie low: all arrive", out.text[-400:])
    ok(all(int(b["bytes"]) <= 350000 for b in out.all("batch")), "and no batch outgrows its bounds",
       [b["bytes"] for b in out.all("batch")])
    out = fetch(Mailbox(mails(3, size=100000), sizes={2: 10}), max=50000)
    equal(sorted(m["uid"] + ":" + m["len"] for m in out.all("message")), ["1:-1", "2:-1", "3:-1"],
          "a size that lies does not get a large message in", out.text)

    # In quotes nothing says how long a body will be.
    def quotes(server, line, tag, command):
        if "BODY" not in command:
            server.fetch(line, command)
        else:
            for uid in server.uids(command.split(" ")[2]):
                line.say(b'* 1 FETCH (UID %d BODY[] "%s")\r\n' % (uid, b"q" * 60000))
        return tag + " OK"

    out = fetch(Mailbox(mails(2, size=10), uid_fetch=quotes), max=50000)
    equal(sorted(m["uid"] + ":" + m["len"] for m in out.all("message")), ["1:-1", "2:-1"],
          "nor does one in quotes", out.text)
    out = fetch(Mailbox(mails(5, size=10), uid_fetch=quotes), max=70000, bytes=1000)
    equal(sorted(len(data) for data in out.got.values()), [60000] * 5, "five that may come, come")
    ok(all(int(b["bytes"]) <= 71000 for b in out.all("batch")), "in batches that keep to their bounds",
       [b["bytes"] for b in out.all("batch")])


def test_large():
    messages = mails(10, size=1000)
    messages[5] = messages[7] = b"y" * 50000
    out = fetch(Mailbox(messages), large=20000, most_large=1)
    equal(out.got == messages, True, "two large ones, one after the other", out.text[-400:])
    out = fetch(Mailbox(messages, caps=CAPS + " IDLE"), large=20000, most_large=0, idle=1)
    equal((sorted(out.got), out.get("job", "state")), ([1, 2, 3, 4], ("finished",)),
          "no place for one: it ends before it, and waits for no news", out.text[-400:])
    out = fetch(Mailbox(messages, sizes={5: 10, 7: 30000}), large=30000, most_large=0)
    equal(sorted(out.got), list(range(1, 11)), "a size may be a little wrong", out.text[-400:])
    out = fetch(Mailbox(messages, sizes={5: 10, 7: 10}), large=20000, most_large=0)
    equal(sorted(m["uid"] for m in out.all("message") if m["len"] == "-1"), ["5", "7"],
          "one that lies gets no place by that", out.text[-400:])
    equal(len(out.got), 8, "nor keeps it the others from theirs")


def test_many():
    messages = {u: b"x" for u in range(1, 40001, 2)}
    for caps in (CAPS, "IMAP4rev1"):
        server = Mailbox(messages, caps=caps, uid_fetch=many_sizes)
        out = fetch(server, quiet=1, messages=500)
        total = sum(int(b["n"]) for b in out.all("batch"))
        equal(total, 20000, "20,000 UIDs that are no ranges: " + caps, out.text[-300:])
        ok(int(out.get("job", "rss_kb")[0]) < (400000 if "NET_VALGRIND" in os.environ else 40000),
           "in little memory", out.get("job", "rss_kb"))


def many_sizes(server, line, tag, command):
    low = int(re.match(r"UID FETCH (\d+)", command).group(1))
    high = int(re.search(r"(\d+) \(", command).group(1))
    out = []
    for uid in range(low, high + 1, 2):
        out.append(b"* 1 FETCH (UID %d RFC822.SIZE 1)\r\n" % uid if b"SIZE" in command.encode()
                   else b"* 1 FETCH (UID %d BODY[] {1}\r\nx)\r\n" % uid)
    line.say(b"".join(out))
    line.say(tag + " OK")


def test_actions():
    for caps, name in ((CAPS, "MOVE"), ("IMAP4rev1 UIDPLUS", "COPY and EXPUNGE"),
                       ("IMAP4rev1", "COPY")):
        messages = mails(7)
        server = Mailbox(messages, caps=caps)
        out = fetch(server, messages=3, action="move", target="Done")
        equal((out.got == messages, len(server.moved)), (True, 7), name + ": all are moved",
              out.text, server.heard())
        equal(len(server.messages), 0 if caps != "IMAP4rev1" else 7, name + ": and gone")
        equal(out.one("warning")["text"], "", name + ": without a warning")
        ok("EXPUNGE" not in server.heard(), name + ": never a plain EXPUNGE")
    server = Mailbox(mails(3))
    out = fetch(server, action="move", target="Erl\u00e4digt & \u65e5\u672c \U0001f600")
    equal(set(server.moved.values()), {"Erl&AOQ-digt &- &ZeVnLA- &2D3eAA-"},
          "a name in modified UTF-7, created when it is missing", out.text)
    server = Mailbox(mails(3), uid_move="%t NO [OVERQUOTA] full")
    out = fetch(server, messages=1, action="move", target="Done")
    equal((len(out.got), out.get("job", "state")), (3, ("finished",)), "a move that is refused")
    ok("full" in out.one("warning")["text"], "is a warning", out.text)
    server = Mailbox(mails(3))
    out = fetch(server, action="seen", read_only=1)
    ok(server.heard("EXAMINE") and not server.heard("UID STORE"), "read-only stays so", out.text)
    server = Mailbox(mails(3))
    out = fetch(server, mailbox='In"box\\x')
    equal(server.heard("SELECT"), ['SELECT "In\\"box\\\\x"'], "a name in quotes")
    out = fetch(Mailbox(mails(3)), mailbox="IN\r\nBOX")
    equal(out.get("job", "failure"), ("config",), "a name with a line end")


def test_settle():
    """What an earlier job stored and did not see flagged or moved."""
    for caps, name in ((CAPS, "MOVE"), ("IMAP4rev1 UIDPLUS", "COPY and EXPUNGE"),
                       ("IMAP4rev1", "COPY")):
        messages = mails(6)
        del messages[2]
        server = Mailbox(messages, caps=caps, folders=["INBOX"])
        out = fetch(server, last=4, validity=7, action="move", target="Done", settle="1,2,3")
        equal((sorted(server.moved), sorted(out.got)), ([1, 3, 5, 6], [5, 6]),
              name + ": what is left of them is moved, then the new ones", out.text, server.heard())
        first = [c for c in server.heard() if c.startswith(("UID MOVE", "UID COPY", "UID SEARCH"))]
        ok("1:3" in first[0], name + ": before anything is fetched", server.heard())
        equal(out.one("warning")["text"], "", name + ": that one is gone is no warning")
    server = Mailbox(mails(4))
    out = fetch(server, last=4, validity=7, action="seen", settle="2,4")
    equal((sorted(server.flags), out.get("job", "state"), out.got), ([2, 4], ("finished",), {}),
          "flagged, and nothing new", out.text)
    server = Mailbox(mails(4))
    out = fetch(server, last=4, validity=6, action="seen", settle="2,4", idle=0)
    equal((sorted(server.flags), len(out.got)), ([1, 2, 3, 4], 4),
          "another UIDVALIDITY: those UIDs are other messages", server.heard())
    ok(not [c for c in server.heard("UID STORE") if "2,4" in c], "and are not taken for them")
    server = Mailbox(mails(4))
    out = fetch(server, last=4, action="seen", settle="2,4")
    equal(server.heard("UID STORE"), [], "without a known UIDVALIDITY nothing is touched")
    server = Mailbox(mails(4), uid_store="%t NO not allowed")
    out = fetch(server, last=3, validity=7, action="seen", settle="2")
    equal((sorted(out.got), out.get("job", "state")), ([4], ("finished",)),
          "refused: fetching goes on", out.text)
    ok("not allowed" in out.one("warning")["text"], "with a warning")
    server = Mailbox(mails(4))
    out = fetch(server, last=4, validity=7, action="move", target="a\r\nb", settle="2")
    equal((server.heard("UID MOVE"), out.get("job", "state")), ([], ("finished",)),
          "to where nothing can be moved", out.text)
    server = Mailbox(mails(4))
    out = fetch(server, last=4, validity=7, read_only=1, action="seen", settle="2")
    equal(server.heard("UID STORE"), [], "read-only stays so")
    many = {u: b"x" for u in range(4294965000, 4294966000, 2)}
    server = Mailbox(many)
    out = fetch(server, last=4294967294, validity=7, action="seen",
                settle=",".join(map(str, sorted(many))))
    equal((len(server.flags), out.get("job", "state")), (500, ("finished",)),
          "500 of the longest UIDs", out.text)
    server = Mailbox(mails(4), uid_store=lambda s, l, t, c: l.connection.shutdown(socket.SHUT_RDWR))
    out = fetch(server, last=3, validity=7, action="seen", settle="2")
    equal((out.get("job", "state", "failure"), out.got), (("failed", "temporary"), {}),
          "cut off while flagging: nothing is fetched", out.text)


def test_one_by_one():
    words = " I cannot read this one"

    def picky(server, line, tag, command):
        if "BODY" in command and 3 in server.uids(command.split(" ")[2]):
            return tag + " NO" + words
        server.fetch(line, command)
        return tag + " OK"

    out = fetch(Mailbox(mails(8), uid_fetch=picky))
    equal(sorted(out.got), [1, 2, 4, 5, 6, 7, 8], "one bad message does not hold up the others",
          out.text)
    row = [m for m in out.all("message") if m["uid"] == "3"][0]
    ok("cannot read" in row["text"], "and is delivered with a note")
    words = ""
    out = fetch(Mailbox(mails(3), uid_fetch=picky))
    row = [m for m in out.all("message") if m["uid"] == "3"][0]
    ok("did not give" in row["text"], "also where the server has no words for it", row)

    gone = Mailbox(mails(8))
    gone.how["uid_fetch"] = lambda s, l, t, c: (s.messages.pop(5, None), s.fetch(l, c), t + " OK")[2] \
        if "BODY" in c else (s.fetch(l, c), t + " OK")[1]
    out = fetch(gone)
    equal(sorted(out.got), [1, 2, 3, 4, 6, 7, 8], "a message that vanishes in between", out.text)
    equal([m["uid"] for m in out.all("message")], ["1", "2", "3", "4", "6", "7", "8"],
          "leaves no trace and no gap")
    out = fetch(Mailbox(mails(20), uid_fetch=lambda s, l, t, c: t + " NO broken" if "BODY" in c
                        else (s.fetch(l, c), t + " OK")[1]))
    equal(out.get("job", "state", "failure"), ("failed", "temporary"),
          "a server that refuses them all is not believed", out.text)
    out = fetch(Mailbox(mails(20), uid_fetch="%t NO [UNAVAILABLE] backend"))
    equal(out.get("job", "failure"), ("temporary",), "nor one that says it will pass")


def test_bad_answers():
    def body(data):
        return lambda s, l, t, c: data.replace(b"%t", t.encode()) if "BODY" in c else \
            (s.fetch(l, c), t + " OK")[1]

    for data, name in (
            (b"* 1 FETCH (UID 1 BODY[] {10}\r\n0123456789extra)\r\n%t OK\r\n", "longer than it says"),
            (b"* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n", "of an absurd size"),
            (b"* 1 FETCH (UID 1 BODY[] {5}\r\nhello\r\n%t OK\r\n", "without its bracket"),
            (b"* 1 FETCH (UID 1 BODY[] {5}\r\nhello) x\r\n%t OK\r\n", "with more behind it"),
            (b"* 1 FETCH (UID 1 BODY[] {5}\r\nhello BODY[] {5}\r\nworld)\r\n%t OK\r\n", "twice"),
            (b"* 1 FETCH (UID 99999999999 BODY[] {1}\r\nx)\r\n%t OK\r\n", "of no UID"),
            (b"* 1 FETCH UID 1\r\n%t OK\r\n", "with no list"),
            (b"* 1 FETCH (X " + b"(" * 100000 + b")\r\n%t OK\r\n", "of brackets"),
            (b"* 1 FETCH (UID 1 \x00)\r\n%t OK\r\n", "with a NUL"),
            (b"* 1 FETCH (UID 1)\n%t OK\r\n", "with a bare line feed"),
            (b"A99 OK done\r\n", "under another tag"),
            (b"+ go on\r\n", "that waits for more"),
            (b"what?\r\n", "that is none")):
        out = fetch(Mailbox(mails(1), uid_fetch=body(data)))
        equal(out.get("job", "state", "failure"), ("failed", "protocol"), "an answer " + name,
              out.text)
        equal(out.got, {}, "gives no message")
    out = fetch(Mailbox(mails(1), uid_fetch=body(
        b"* 1 FETCH (X " + b"(" * 5000 + b"a" + b")" * 5000 +
        b" BODY[HEADER.FIELDS (A B)] {3}\r\n)))  UID 1)\r\n%t OK\r\n")), reply_ms=3000)
    equal(out.get("job", "state", "failure"), ("failed", "protocol"), "two spaces", out.text)
    out = fetch(Mailbox(mails(1), uid_fetch=body(
        b"* 1 FETCH (X " + b"(" * 5000 + b"a" + b")" * 5000 +
        b' BODY[HEADER.FIELDS (A "B")] {3}\r\n))) UID 1 FLAGS () BODY[] "quo\\"ted")\r\n%t OK\r\n')))
    equal(out.got, {1: b'quo"ted'}, "items nobody asked for are skipped", out.text)

    def cut(server, line, tag, command):
        if "BODY" not in command:
            server.fetch(line, command)
            return tag + " OK"
        line.say(b"* 1 FETCH (UID 1 BODY[] {1000}\r\nabc")
        line.connection.shutdown(socket.SHUT_RDWR)
        return None

    out = fetch(Mailbox(mails(1), uid_fetch=cut))
    equal((out.get("job", "state", "failure"), out.got), (("failed", "temporary"), {}),
          "a literal cut short", out.text)
    def stop(server, line, tag, command):
        if "BODY" not in command:
            server.fetch(line, command)
            return tag + " OK"
        line.say(b"* 1 FETCH (UID 1 BODY[] {1000}\r\nabc")
        line.stall()

    started = time.time()
    out = fetch(Mailbox(mails(1), uid_fetch=stop), reply_ms=600)
    equal((out.get("job", "state", "failure"), out.got), (("failed", "temporary"), {}),
          "a literal that stops", out.text)
    ok(time.time() - started < 5, "is waited for no longer than for an answer")

    def short(server, line, tag, command):
        if "BODY" not in command:
            server.fetch(line, command)
            return tag + " OK"
        line.say(b"* 1 FETCH (UID 1 BODY[] {1000}\r\nabc)\r\n" + tag.encode() + b" OK\r\n")
        line.stall()

    out = fetch(Mailbox(mails(1), uid_fetch=short), reply_ms=600)
    equal((out.get("job", "failure"), out.got), (("temporary",), {}),
          "a literal shorter than it says swallows the answer: no message", out.text)
    huge = b"* 1 FETCH (UID 1 BODY[] {4294967295}\r\n" + b"x" * 3000000
    out = fetch(Mailbox(mails(1), uid_fetch=lambda s, l, t, c: (l.say(huge), l.stall())
                        if "BODY" in c else (s.fetch(l, c), t + " OK")[1]), reply_ms=600)
    equal((out.get("job", "failure"), out.got), (("temporary",), {}), "four gigabytes announced",
          out.text)
    ok(int(out.get("job", "rss_kb")[0]) < (400000 if "NET_VALGRIND" in os.environ else 40000),
       "are not kept", out.get("job", "rss_kb"))
    out = fetch(Mailbox(mails(1), uid_fetch=body(b"* BYE out of here {5}\r\n")))
    equal(out.get("job", "failure"), ("temporary",), "BYE in the middle", out.text)
    ok("out of here {5}" in out.one("job")["text"], "whose text is text")
    out = fetch(Mailbox(mails(1), uid_search="%t BAD what"))
    equal(out.get("job", "failure"), ("protocol",), "BAD to SEARCH")
    out = fetch(Mailbox(mails(1), caps="IMAP4rev1", uid_search="* SEARCH 1 2 x\r\n%t OK"))
    equal(out.get("job", "failure"), ("protocol",), "a SEARCH of no numbers")
    out = fetch(Mailbox(mails(1), uid_search="* ESEARCH UID ALL 1:4294967295\r\n%t OK"))
    equal(out.get("job", "failure"), ("protocol",), "four thousand million messages", out.text)
    out = fetch(Mailbox(mails(1), select="%t NO no such mailbox"))
    equal(out.get("job", "failure"), ("config",), "NO to SELECT")
    out = fetch(Mailbox(mails(1), select="%t NO [UNAVAILABLE] wait"))
    equal(out.get("job", "failure"), ("temporary",), "NO to SELECT that will pass")
    out = fetch(Mailbox(mails(1), uid_fetch=lambda s, l, t, c:
                        "* OK [UIDVALIDITY 8] new\r\n%t OK"))
    equal((out.get("job", "failure"), out.got), (("temporary",), {}),
          "UIDVALIDITY that changes in between")
    started = time.time()
    out = fetch(Mailbox(mails(1), uid_fetch=lambda s, l, t, c: l.stall()), reply_ms=600)
    equal(out.get("job", "failure"), ("temporary",), "silence")
    ok(time.time() - started < 5, "ends in time")
    ok(int(out.get("job", "turn_ms")[0]) < 250, "and no turn took long")


def test_idle():
    def arrive(server, line):
        server.messages[max(server.messages) + 1] = b"news"
        line.say("* %d EXISTS" % len(server.messages))

    server = Mailbox(mails(2), news=[arrive, arrive, lambda s, l: l.say("* 1 FETCH (FLAGS ())")])
    out = fetch(server, idle=2)
    equal(sorted(out.got), [1, 2, 3, 4], "IDLE brings two more", out.text, server.heard())
    equal([r["state"] for r in out.all("idle")], ["news", "news", "idling"], "and then waits")
    nothing = lambda s, l: None
    server = Mailbox(mails(2), news=[nothing, nothing, arrive, nothing])
    out = fetch(server, idle=1, again_ms=400)
    equal((sorted(out.got), server.heard("IDLE")), ([1, 2, 3], ["IDLE"] * 4),
          "IDLE is said again before the server tires of it", out.text, server.heard())

    def dead(server, line):
        line.stall()

    server = Mailbox(mails(2), news=[dead])
    started = time.time()
    out = fetch(server, idle=1, again_ms=300, reply_ms=600)
    equal((out.get("job", "state", "failure"), sorted(out.got)),
          (("failed", "temporary"), [1, 2]), "a line that is dead is noticed", out.text)
    ok(time.time() - started < 5, "when IDLE is said again")

    def wolf(claim):
        return lambda server, line: line.say("* %d EXISTS" % claim)

    nothing = lambda s, l: None
    server = Mailbox(mails(2), news=[wolf(9), wolf(12), nothing, nothing])
    out = fetch(server, idle=2)
    equal((sorted(out.got), [r["state"] for r in out.all("idle")]), ([1, 2], ["news", "news", "idling"]),
          "news that is none brings nothing", out.text)

    def many(server, line):
        for _ in range(20):
            server.messages[max(server.messages, default=2) + 1] = b"more"
            line.say("* %d EXISTS" % len(server.messages))

    server = Mailbox(mails(2), news=[many, nothing])
    out = fetch(server, idle=2, idle_ms=1500, action="move", target="Done")
    equal((len(out.got), len(server.messages)), (22, 0), "twenty at once, all moved", out.text,
          server.heard())

    def bye(server, line):
        line.say("* BYE going down")
        line.stall()

    out = fetch(Mailbox(mails(2), news=[bye]), idle=1)
    equal(out.get("job", "state", "failure"), ("failed", "temporary"), "BYE while idle", out.text)
    server = Mailbox(mails(2), caps="IMAP4rev1")
    out = fetch(server, idle=2)
    equal(out.get("job", "state"), ("finished",), "where IDLE is not offered, finished")
    out = fetch(Mailbox(mails(2), idle="%t NO not today"), idle=1)
    equal(out.get("job", "state"), ("finished",), "where IDLE is refused, finished", out.text)


def test_login():
    def no(text):
        server = Mailbox(mails(1), authenticate=text, login=text)
        return fetch(server)

    out = no("%t NO [AUTHENTICATIONFAILED] wrong password")
    equal(out.get("job", "state", "failure"), ("failed", "login_refused"), "login refused", out.text)
    ok("wrong password" in out.one("job")["text"], "with the server's words")
    out = no("%t NO [UNAVAILABLE] later")
    equal(out.get("job", "failure"), ("temporary",), "a temporary refusal of a login")


def test_tls():
    messages = mails(60, size=20000)
    out = fetch(Mailbox(messages, tls=TLS), ca=CA)
    equal(out.got == messages, True, "imaps", out.text[-300:])
    out = fetch(Mailbox(messages, tls=TLS))
    equal(out.get("job", "failure"), ("tls_failed",), "a certificate nobody vouches for")


DOVECOT = """
protocols = imap
base_dir = %(d)s/run
state_dir = %(d)s/run
log_path = %(d)s/log
listen = 127.0.0.1
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
default_login_user = nobody
default_internal_user = nobody
default_internal_group = nogroup
ssl = required
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = %(port)d
  }
}
"""

DOVECOT_2_3 = """
mail_location = maildir:%(d)s/mail
ssl_cert = <%(crt)s
ssl_key = <%(key)s
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%(d)s/home
}
"""

# Its first lines have to be the first of the file.
DOVECOT_2_4 = """dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
mail_driver = maildir
mail_path = %(d)s/mail
ssl_server_cert_file = %(crt)s
ssl_server_key_file = %(key)s
passdb static {
  password = secret
}
userdb static {
  fields {
    uid = nobody
    gid = nogroup
    home = %(d)s/home
  }
}
"""


def dovecot_dialect():
    """Half of the names changed in 2.4."""
    version = subprocess.run(["dovecot", "--version"], stdout=subprocess.PIPE, check=True).stdout
    number = tuple(int(part) for part in version.split()[0].split(b".")[:2])
    return DOVECOT_2_4 if number >= (2, 4) else DOVECOT_2_3


def test_dovecot():
    """A real server, where there is one and we may start it."""
    if shutil.which("dovecot") is None or os.getuid() != 0:
        print("# Dovecot is not here, or this is not root: not tried")
        return
    d = tempfile.mkdtemp(prefix="net_dovecot.")
    os.chmod(d, 0o755)
    for name in ("mail/cur", "mail/new", "mail/tmp", "home"):
        os.makedirs(os.path.join(d, name))
    messages = []
    for i in range(300):
        data = b"Subject: %d\r\n\r\n" % i + FORGERY.replace(b"\x00", b"0") + b"y" * (i * 37) + b"\r\n"
        messages.append(data)
        with open(os.path.join(d, "mail/new/%d.M%dP1.host" % (1700000000 + i, i)), "wb") as file:
            file.write(data)
    subprocess.run(["chown", "-R", "nobody:nogroup", d + "/mail", d + "/home"], check=True)
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with open(d + "/conf", "w") as file:
        file.write((dovecot_dialect() + DOVECOT) %
                   dict(d=d, port=port, crt=CA, key=CA.replace("crt.pem", "key.pem")))
    server = subprocess.Popen(["dovecot", "-F", "-c", d + "/conf"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    url = "imaps://localhost:%d" % port
    folder = os.path.join(d, "out")
    os.mkdir(folder)
    login = dict(url=url, user="me", password="secret", ca=CA)
    out = client("imap_client", dir=folder, action="move", target="Erledigt \u00e4", **login)
    got = [open(os.path.join(folder, n), "rb").read() for n in os.listdir(folder)]
    equal(sorted(got) == sorted(messages), True, "Dovecot: 300 messages byte for byte",
          out.text[-600:])
    equal(out.one("warning")["text"], "", "Dovecot: moved to a mailbox that was not there")
    out = client("imap_client", mailbox="Erledigt \u00e4", action="seen", quiet=1, **login)
    equal(sum(int(b["n"]) for b in out.all("batch")), 300, "Dovecot: they are there", out.text)
    out = client("imap_client", idle=0, **login)
    equal((out.all("message"), out.get("job", "state")), ([], ("idling",)),
          "Dovecot: and gone from here; it idles", out.text)
    out = client("imap_client", url=url, user="me", password="wrong", ca=CA)
    equal(out.get("job", "failure"), ("login_refused",), "Dovecot: a wrong password", out.text)
    server.terminate()
    server.wait()
    shutil.rmtree(d)


os.environ["LC_ALL"] = "C.UTF-8"
test_fetch(CAPS, "all at once", 1 << 20)
test_fetch("IMAP4rev1", "in crumbs", 7)
test_since()
test_bounds()
test_large()
test_many()
test_actions()
test_settle()
test_one_by_one()
test_bad_answers()
test_idle()
test_login()
test_tls()
test_dovecot()
done()
