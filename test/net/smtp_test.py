"""SMTP against private peers that do what mail servers do on a bad day."""

import atexit
import os
import signal
import socket
import subprocess
import tempfile
import time

from peer import Peer, certificate, client, done, equal, ok

ALL = ["PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"]
TLS, CA = certificate()


class Server:
    """A mail server; the arguments are where it differs from a good one."""

    def __init__(self, caps=ALL, tls=None, **how):
        self.caps = caps
        self.how = how
        self.bodies = []
        self.peer = Peer(self.talk, tls)
        self.url = "%s://localhost:%d" % ("smtps" if tls else "smtp", self.peer.port)

    def say(self, line, text):
        if self.how.get("bytewise"):
            for byte in text.encode() + b"\r\n":
                line.say(bytes([byte]))
                time.sleep(0.0005)
        else:
            line.say(text)

    def talk(self, line):
        how, say = self.how, lambda text: self.say(line, text)
        messages = 0
        say(how.get("greeting", "220 peer ESMTP"))
        while True:
            command = line.line()
            verb = command.split(" ")[0].split(":")[0].upper()
            reply = how.get(verb.lower())
            if callable(reply):
                reply = reply(command)
            if reply == "drop":
                return
            if reply == "stall":
                line.stall()
            if verb == "EHLO":
                caps = list(self.caps)
                if how.get("offer_tls") and not line.peer_tls:
                    caps.append("STARTTLS")
                say(reply or "\r\n".join(
                    ["250-peer"] + ["250-" + cap for cap in caps[:-1]] + ["250 " + caps[-1]]
                    if caps else ["250 peer"]))
            elif verb == "STARTTLS":
                say(reply or "220 go")
                if not reply:
                    line.start_tls(TLS)
                    line.peer_tls = True
            elif verb == "DATA" and reply and not reply.startswith("354"):
                say(reply)
            elif verb == "DATA":
                say(reply or "354 go ahead")
                if how.get("early"):
                    line.until(b"\r\n")
                    say(how["early"])
                    return
                if how.get("slow_reader"):
                    time.sleep(how["slow_reader"])
                start = line.buffer[:3] if len(line.buffer) >= 3 else b""
                while len(start) < 3:
                    line.fill()
                    start = line.buffer[:3]
                body = line.until(b".\r\n") if start == b".\r\n" else line.until(b"\r\n.\r\n")
                self.bodies.append(body)
                messages += 1
                final = how.get("final", "250 2.0.0 Ok: queued as Q%d" % messages)
                if final == "drop":
                    return
                if final == "stall":
                    line.stall()
                say(final)
                if how.get("cut_after") == messages:
                    line.line()
                    say("421 4.7.0 too many messages")
                    return
            elif verb == "QUIT":
                say(reply or "221 bye")
                return
            else:
                say(reply or "250 2.1.0 Ok")

    def heard(self, connection=0):
        return self.peer.lines[connection].heard

    def end(self):
        self.peer.join()


def send(server, **arguments):
    arguments.setdefault("from", "sender@example.org")
    arguments.setdefault("to", "one@example.org")
    output = client("smtp_client", url=arguments.pop("url", server.url), **arguments)
    server.end()
    return output


def message_file(data):
    file = tempfile.NamedTemporaryFile(delete=False)
    file.write(data)
    file.close()
    atexit.register(os.unlink, file.name)
    return file.name


def test_plain():
    server = Server()
    out = send(server, to=["one@example.org", "two@example.org"], envid="a+b=c d", helo="us.example")
    equal(out.get("message", "outcome", "code", "enhanced", "queue"),
          ("accepted", "250", "2.0.0", "Q1"), "a message is accepted", out.text)
    equal([r["outcome"] for r in out.all("recipient")], ["accepted"] * 2, "by both recipients")
    equal(out.get("session", "state", "failure"), ("idle", "ok"), "the session is idle after it")
    equal(server.heard(),
          ["EHLO us.example", "EHLO us.example",
           "MAIL FROM:<sender@example.org> SIZE=24 ENVID=a+2Bb+3Dc+20d",
           "RCPT TO:<one@example.org> NOTIFY=FAILURE,DELAY",
           "RCPT TO:<two@example.org> NOTIFY=FAILURE,DELAY", "DATA", "QUIT"], "the dialogue is as it should be")
    equal(out.get("left", "timeout"), ("-1",), "the loop is empty after QUIT")


def test_without_extensions():
    server = Server(caps=[])
    out = send(server, to=["a@example.org", "b@example.org"], envid="x", count=3)
    equal([m["outcome"] for m in out.all("message")], ["accepted"] * 3,
          "three messages without any extension")
    ok("MAIL FROM:<sender@example.org>" in server.heard(), "MAIL has no parameter not offered")
    ok("RCPT TO:<a@example.org>" in server.heard(), "nor has RCPT")


def test_no_pipelining_order():
    """Without PIPELINING nothing may be sent before the reply to what came before."""
    early = []

    class Careful(Server):
        def say(self, line, text):
            time.sleep(0.02)
            line.connection.setblocking(False)
            try:
                if line.connection.recv(1, socket.MSG_PEEK):
                    early.append(text)
            except (BlockingIOError, OSError):
                pass
            line.connection.settimeout(30)
            super().say(line, text)

    out = send(Careful(caps=["SIZE"]), to=["a@example.org", "b@example.org"])
    equal(out.get("message", "outcome"), ("accepted",), "a careful server takes the message")
    equal(early, [], "nothing was sent ahead of a reply")


def rcpt(command):
    if "bad" in command:
        return "550 5.1.1 no such user"
    if "busy" in command:
        return "450 4.2.0 come again"
    return None


def test_refused_recipients(caps, name):
    server = Server(caps=caps, rcpt=rcpt)
    out = send(server, to=["bad@x.example", "good@x.example", "busy@x.example"])
    equal(out.get("message", "outcome", "code"), ("partial", "250"), name + ": partial", out.text)
    equal([(r["outcome"], r["code"], r["enhanced"]) for r in out.all("recipient")],
          [("rejected", "550", "5.1.1"), ("accepted", "250", "2.0.0"),
           ("deferred", "450", "4.2.0")], name + ": each recipient has its own reply")
    equal([r["by_name"] for r in out.all("recipient")], ["1", "0", "0"], name + ": one is refused by name")
    server = Server(caps=caps, rcpt=rcpt, data=lambda c: "554 5.5.1 no valid recipients")
    out = send(server, to=["bad@x.example", "bad2@x.example"], count=2)
    equal([m["outcome"] for m in out.all("message")], ["rejected"] * 2, name + ": all refused",
          out.text)
    equal(server.heard().count("RSET"), 2, name + ": RSET after each refusal")
    equal("DATA" in server.heard(), "PIPELINING" in caps, name + ": DATA only if pipelined")
    out = send(Server(caps=caps, rcpt=rcpt, data=lambda c: "554 5.5.1 no valid recipients"),
               to=["bad@x.example", "busy@x.example"])
    equal(out.get("message", "outcome", "code"), ("deferred", "450"),
          name + ": one may come again, so all is deferred")


def test_lone_dot():
    server = Server(rcpt=rcpt, final="554 5.5.1 no valid recipients")
    out = send(server, to="bad@x.example", count=2)
    equal(server.bodies, [b".\r\n"] * 2, "354 for nobody is answered with a lone dot", out.text)
    equal([(m["outcome"], m["code"]) for m in out.all("message")], [("rejected", "550")] * 2,
          "and the recipient's refusal stands")
    server = Server(rcpt=rcpt)
    out = send(server, to="bad@x.example")
    equal(out.get("session", "state"), ("closed",), "250 to a lone dot ends the session")


def test_mail_refused(caps, name):
    server = Server(caps=caps, mail=lambda c: "550 5.7.1 not you",
                    rcpt=lambda c: "503 5.5.1 MAIL first", data=lambda c: "503 5.5.1 RCPT first")
    out = send(server, to=["a@x.example", "b@x.example"], count=2)
    equal([(r["outcome"], r["code"]) for r in out.all("recipient")], [("rejected", "550")] * 4,
          name + ": MAIL's refusal counts, not the 503s after it", out.text)
    equal([r["by_name"] for r in out.all("recipient")], ["0"] * 4, name + ": and nobody is refused by name")
    equal(out.get("session", "state"), ("idle",), name + ": the session goes on")


def test_data_refused():
    out = send(Server(data=lambda c: "451 4.3.0 not now"), count=2)
    equal([(m["outcome"], m["code"]) for m in out.all("message")], [("deferred", "451")] * 2,
          "DATA refused is deferred", out.text)
    out = send(Server(final="552 5.3.4 too big"))
    equal(out.get("message", "outcome", "code", "enhanced"), ("rejected", "552", "5.3.4"),
          "a refusal after the final dot", out.text)
    equal(out.get("recipient", "by_name"), ("0",), "which is the message's")
    out = send(Server(caps=["PIPELINING", "8BITMIME"], early="552 5.3.4 stop"), file=message_file(b"x" * 70 + b"\r\n" * 10000000))
    equal(out.get("message", "outcome", "code"), ("rejected", "552"),
          "a refusal before the final dot", out.text)
    equal(out.get("session", "state"), ("closed",), "after which the line is closed")


def test_lost():
    for step in ("mail", "rcpt", "data"):
        out = send(Server(**{step: lambda c: "drop"}))
        equal(out.get("message", "outcome", "code"), ("deferred", "0"),
              "cut off at %s: deferred" % step.upper(), out.text)
        equal(out.get("session", "state", "failure"), ("failed", "temporary"), "as temporary")
    out = send(Server(final="drop"))
    equal(out.get("message", "outcome", "code"), ("in_doubt", "0"),
          "cut off after the final dot: in doubt", out.text)
    started = time.time()
    out = send(Server(final="stall"), data_ms=700, reply_ms=60000)
    equal(out.get("message", "outcome"), ("in_doubt",), "no answer to the final dot: in doubt")
    ok(time.time() - started < 5, "after its own time limit")
    out = send(Server(mail=lambda c: "stall"), reply_ms=700)
    equal(out.get("message", "outcome"), ("deferred",), "no answer to MAIL: deferred")
    out = send(Server(final="banana"))
    equal(out.get("message", "outcome"), ("in_doubt",), "an answer that is none: in doubt")
    out = send(Server(rcpt=lambda c: "999 what"))
    equal(out.get("message", "outcome"), ("deferred",), "an RCPT reply that is none: deferred")
    equal(out.get("session", "failure"), ("protocol",), "as a fault of the protocol")


def test_421():
    server = Server(cut_after=3)
    out = send(server, count=10)
    equal([(m["outcome"], m["code"]) for m in out.all("message")],
          [("accepted", "250")] * 3 + [("deferred", "421")], "421 after three messages", out.text)
    equal(out.get("session", "state"), ("closed",), "the session is closed, not failed")
    out = send(Server(rcpt=lambda c: "421 4.3.2 closing"), to=["a@x.example", "b@x.example"])
    equal([(r["outcome"], r["code"]) for r in out.all("recipient")], [("deferred", "421")] * 2,
          "421 at RCPT defers everyone")
    out = send(Server(final="421 4.3.2 closing"))
    equal(out.get("message", "outcome", "code"), ("deferred", "421"), "421 to the final dot")
    server = Server()
    out = send(server, count=5, max=2)
    equal([m["outcome"] for m in out.all("message")], ["accepted"] * 2, "our own limit of messages")
    equal((out.get("session", "state"), server.heard()[-1]), (("closed",), "QUIT"), "ends in QUIT")


def test_replies():
    out = send(Server(bytewise=True), count=2)
    equal([m["outcome"] for m in out.all("message")], ["accepted"] * 2, "replies byte by byte",
          out.text)
    out = send(Server(final="250-2.0.0 first\r\n250-2.0.0 second\r\n250 2.0.0 last"))
    equal(out.one("message")["text"], "first|second|last", "a reply of three lines")
    out = send(Server(final="250"))
    equal(out.get("message", "outcome", "code"), ("accepted", "250"), "a reply without text")
    huge = "\r\n".join("550-" + "x" * 900 for _ in range(500)) + "\r\n550 5.0.0 end"
    out = send(Server(rcpt=lambda c: huge, data=lambda c: "503 5.5.1 no"), count=2)
    equal([m["outcome"] for m in out.all("message")], ["rejected"] * 2, "a reply of 450 kB")
    ok(len(out.one("message")["text"]) < 9000, "of which the beginning is kept")
    endless = "\r\n".join("250-" + "x" * 900 for _ in range(2000)) + "\r\n250 end"
    out = send(Server(rcpt=lambda c: endless))
    equal(out.get("message", "outcome"), ("deferred",), "a reply of 1.8 MB is none")
    out = send(Server(final="250 2.0.0 Gr\u00fc\u00dfe \x01\x02"))
    equal(out.one("message")["text"], "Gr\u00fc\u00dfe   ", "text is UTF-8 without controls")


def test_queue_ids():
    for final, queue in (
            ("250 2.0.0 Ok: queued as 4Wx9Zk2pQcz1", "4Wx9Zk2pQcz1"),
            ("250 OK id=1rX2ab-000Abc-1d", "1rX2ab-000Abc-1d"),
            ("250 2.0.0 41AbCdEf012345 Message accepted for delivery", "41AbCdEf012345"),
            ("250 Ok 0102018abcd-000000", "0102018abcd-000000"),
            ("250 2.0.0 OK  1700000000 ab12-34cd - gsmtp", "ab12-34cd"),
            ("250 2.6.0 <m@x> [InternalId=123, Hostname=h] Queued mail for delivery", "123"),
            ("250 ok 1700000000 qp 4711", "4711"),
            ("250 2.0.0 Ok", "-"), ("250 Ok thank you", "-")):
        out = send(Server(final=final))
        equal(out.get("message", "queue"), (queue,), "queue id of: " + final)


def test_hostile_addresses():
    for bad in ("a@b.example\r\nRCPT TO:<evil@x.example>", "a@b.example\nRSET", "a<b@c.example",
                "a>b@c.example", "a b@c.example", "", "@b.example", "a@", '"a@b.example',
                "a@b.example> SIZE=1", b"\xff\xfe@b.example", "x" * 600 + "@b.example"):
        server = Server()
        out = send(server, to=[bad, "fine@x.example"])
        equal([r["outcome"] for r in out.all("recipient")], ["rejected", "accepted"],
              "refused: %r" % (bad[:40],), out.text)
        rcpts = [h for h in server.heard() if h.startswith("RCPT")]
        equal(rcpts, ["RCPT TO:<fine@x.example>"], "and never sent")
    server = Server()
    out = send(server, **{"from": "a@b\r\nDATA"})
    equal(out.get("message", "outcome", "code"), ("rejected", "0"), "a bad sender refuses all")
    equal([h for h in server.heard() if h.startswith("MAIL")], [], "before MAIL")
    server = Server()
    send(server, **{"from": ""})
    ok("MAIL FROM:<> SIZE=24" in server.heard(), "the null sender")


def test_utf8():
    server = Server()
    out = send(server, to="post@b\u00fccher.example")
    ok("RCPT TO:<post@xn--bcher-kva.example>" in server.heard(), "a domain goes as A-labels")
    ok(not any("SMTPUTF8" in h for h in server.heard()), "and needs no SMTPUTF8")
    server = Server()
    send(server, to="post@b\u00fccher.ab--c.example")
    ok("RCPT TO:<post@xn--bcher-kva.ab--c.example>" in server.heard(),
       "also one that a mapping would refuse")
    server = Server()
    out = send(server, to="j\u00f6rg@example.org")
    ok("MAIL FROM:<sender@example.org> SIZE=24 SMTPUTF8" in server.heard(),
       "an address that needs SMTPUTF8 asks for it", out.text)
    server = Server(caps=["PIPELINING"])
    out = send(server, to=["j\u00f6rg@example.org", "plain@example.org"])
    equal([(r["outcome"], r["enhanced"]) for r in out.all("recipient")],
          [("rejected", "5.6.7"), ("accepted", "2.0.0")],
          "where it is not offered, that recipient alone is refused")
    equal([r["by_name"] for r in out.all("recipient")], ["0"] * 2, "by us, not by the server")
    ok("SMTPUTF8" in out.one("recipient")["text"], "with words that say so")


def test_body():
    smuggle = (b"Subject: x\n\n.one dot\n..two\n.\nMAIL FROM:<evil@x.example>\r.\r\n"
               b"lone\rcr\n\r.\r\n.\r\nlast")
    server = Server()
    out = send(server, file=message_file(smuggle))
    want = (b"Subject: x\r\n\r\n..one dot\r\n...two\r\n..\r\nMAIL FROM:<evil@x.example>\r\n..\r\n"
            b"lone\r\ncr\r\n\r\n..\r\n..\r\nlast\r\n.\r\n")
    equal(server.bodies, [want], "dots are stuffed and every line end is CRLF", out.text)
    equal(out.get("message", "outcome"), ("accepted",), "as one message")
    size = [h for h in server.heard() if h.startswith("MAIL")][0].partition("SIZE=")[2]
    sent = want[:-3].replace(b"\r\n..", b"\r\n.")
    equal(int(size), len(sent) - 2, "SIZE is the size with CRLF")
    for data in (b"", b".", b"\n", b"\r", b"a\r\n", b".\r\n"):
        server = Server()
        send(server, file=message_file(data))
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = lines if lines.endswith(b"\n") or not lines else lines + b"\n"
        want = b"".join((b"." if l.startswith(b".") else b"") + l + b"\r\n"
                        for l in lines.split(b"\n")[:-1]) + b".\r\n"
        equal(server.bodies, [want], "a body of %r" % data)
    server = Server()
    send(server, file=message_file("Gr\u00fc\u00dfe\r\n".encode()))
    ok(any("BODY=8BITMIME" in h for h in server.heard()), "8 bits are announced")


def test_large():
    line = b".2345678901234567890123456789012345678901234567890123456789012345678901234\n"
    data = line * 200000
    server = Server(caps=["PIPELINING", "SIZE"], slow_reader=0.5)
    out = send(server, file=message_file(data))
    want = (b"." + line.replace(b"\n", b"\r\n")) * 200000 + b".\r\n"
    ok(server.bodies == [want], "15 MB to a slow reader arrive whole", out.text)
    turn = int(out.get("session", "turn_ms")[0])
    ok(turn < 250, "no turn of the loop took long", "%d ms" % turn)
    server = Server()
    out = send(server, file=message_file(b"x" * 70 + b"\r\n" * 1000000))
    equal(out.get("message", "outcome", "code", "enhanced"), ("rejected", "0", "5.3.4"),
          "over the announced size: refused here", out.text)
    ok(not any(h.startswith("MAIL") for h in server.heard()), "without MAIL")
    equal(out.get("session", "state"), ("idle",), "and the session goes on")


def test_many_recipients():
    server = Server()
    out = send(server, to=["r%d@%s.example" % (i, "x" * 60) for i in range(3000)])
    equal(len([r for r in out.all("recipient") if r["outcome"] == "accepted"]), 3000,
          "3,000 recipients, pipelined")


def test_login():
    class Login(Server):
        def talk(self, line):
            line.say("220 peer")
            while True:
                command = line.line()
                if command.startswith("EHLO"):
                    line.say("250-peer\r\n250 " + self.how.get("mech", "AUTH PLAIN"))
                elif command.startswith("AUTH"):
                    line.say("334 ")
                    line.line()
                    line.say(self.how["verdict"])
                elif command == "QUIT":
                    if self.how.get("mute"):
                        line.stall()
                    line.say("221 bye")
                    return
                elif command == "DATA":
                    line.say("354 go")
                    line.until(b"\r\n.\r\n")
                    line.say("250 2.0.0 ok")
                else:
                    line.say("250 ok")

    out = send(Login(verdict="235 2.7.0 welcome"), user="u", password="p")
    equal(out.get("message", "outcome"), ("accepted",), "login with PLAIN", out.text)
    out = send(Login(verdict="535 5.7.8 wrong", mute=True), user="u", password="p")
    equal(out.get("session", "state", "failure"), ("failed", "login_refused"), "login refused")
    ok("535 5.7.8 wrong" in out.one("session")["text"], "with the server's words")
    ok(int(out.get("session", "turn_ms")[0]) < 250, "and no turn waits for an answer to QUIT")
    out = send(Login(verdict="454 4.7.0 later"), user="u", password="p")
    equal(out.get("session", "failure"), ("temporary",), "a temporary refusal of a login")
    out = send(Login(verdict="235 ok", mech="SIZE"), user="u", password="p")
    equal(out.get("session", "state", "failure"), ("failed", "login_refused"),
          "a login that is not offered is not skipped")
    out = send(Login(verdict="235 ok"), user="u\r\nQUIT", password="p")
    equal(out.get("session", "failure"), ("config",), "a line end in a user name")


def test_tls():
    server = Server(tls=TLS)
    out = send(server, ca=CA, count=3)
    equal([m["outcome"] for m in out.all("message")], ["accepted"] * 3, "smtps", out.text)
    out = send(Server(tls=TLS))
    equal(out.get("session", "state", "failure"), ("failed", "tls_failed"),
          "a certificate nobody vouches for", out.text)
    server = Server(offer_tls=True)
    out = send(server, url=server.url + "/?starttls=always", ca=CA, count=2)
    equal([m["outcome"] for m in out.all("message")], ["accepted"] * 2, "STARTTLS", out.text)
    ok("STARTTLS" in server.heard(), "was asked for")
    server = Server()
    out = send(server, url=server.url + "?starttls=always", ca=CA)
    equal(out.get("session", "failure"), ("tls_failed",), "STARTTLS demanded and not offered")
    ok(not any(h.startswith("MAIL") for h in server.heard()), "nothing is sent in the clear")
    line = b".2345678901234567890123456789012345678901234567890123456789012345678901234\r\n"
    server = Server(caps=["PIPELINING"], tls=TLS, slow_reader=0.3)
    out = send(server, ca=CA, file=message_file(line * 100000))
    ok(server.bodies == [(b"." + line) * 100000 + b".\r\n"], "7.5 MB over TLS to a slow reader",
       out.text)
    out = send(Server(tls=TLS, final="drop"), ca=CA)
    equal(out.get("message", "outcome"), ("in_doubt",), "cut off after the dot over TLS")
    out = send(Server(caps=["PIPELINING"], tls=TLS, early="552 5.3.4 stop"), ca=CA,
               file=message_file(line * 100000))
    ok(out.get("message", "outcome")[0] in ("rejected", "deferred"),
       "a server that hangs up in the middle of a message over TLS kills nobody", out.text)


def test_urls():
    for url in ("http://localhost/", "smtp://user:pw@localhost", "smtp://localhost/path",
                "smtp://localhost:0", "smtp://localhost:99999", "smtp://local host", "smtp://",
                "smtp://localhost?starttls=maybe", "smtp://mail.example?starttls=never",
                "smtps://localhost?starttls=never", "smtp://localhost#x", "imap://localhost",
                "smtp://[::1", "smtp://a\r\nb", "file:///etc/passwd", "smtp://127.0.0.1.example"
                "?starttls=never"):
        out = client("smtp_client", url=url, to="a@b.example")
        equal(out.get("session", "state", "failure"), ("failed", "config"), "refused: %r" % url,
              out.text)
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    out = client("smtp_client", url="smtp://127.0.0.1:%d" % free.getsockname()[1], to="a@b.example")
    equal(out.get("session", "failure"), ("temporary",), "nobody listens", out.text)
    free.listen(1)
    started = time.time()
    out = client("smtp_client", url="smtp://127.0.0.1:%d" % free.getsockname()[1], to="a@b.example",
                 connect_ms=800)
    equal(out.get("session", "failure"), ("temporary",), "nobody greets", out.text)
    ok(time.time() - started < 4, "in time")
    out = send(Server(greeting="554 5.7.1 go away"))
    equal(out.get("session", "failure"), ("config",), "an unfriendly greeting", out.text)
    out = send(Server(greeting="421 busy"))
    equal(out.get("session", "failure"), ("temporary",), "a busy greeting", out.text)


def test_sink():
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    sink = subprocess.Popen(["smtp-sink", "-u", "nobody", "127.0.0.1:%d" % port, "50"]
                            if os.getuid() == 0 else ["smtp-sink", "127.0.0.1:%d" % port, "50"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    out = client("smtp_client", url="smtp://127.0.0.1:%d" % port, to="a@b.example", count=200,
                 **{"from": "s@b.example"})
    equal(len([m for m in out.all("message") if m["outcome"] == "accepted"]), 200,
          "200 messages to smtp-sink", out.text[-300:])
    sink.send_signal(signal.SIGTERM)
    sink.wait()


os.environ["LC_ALL"] = "C.UTF-8"
test_plain()
test_without_extensions()
test_no_pipelining_order()
test_refused_recipients(ALL, "pipelined")
test_refused_recipients(["SIZE"], "not pipelined")
test_lone_dot()
test_mail_refused(ALL, "pipelined")
test_mail_refused(["SIZE"], "not pipelined")
test_data_refused()
test_lost()
test_421()
test_replies()
test_queue_ids()
test_hostile_addresses()
test_utf8()
test_body()
test_large()
test_many_recipients()
test_login()
test_tls()
test_urls()
test_sink()
done()
