"""What the private peers of the network tests share: TAP, sockets, clients."""

import atexit
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("NET_BUILD", os.path.join(HERE, "..", "..", "build", "net"))

count = 0
failed = 0


def ok(passed, name, *detail):
    global count, failed
    count += 1
    print("%sok %d - %s" % ("" if passed else "not ", count, name))
    if not passed:
        failed += 1
        for line in detail:
            for part in str(line).split("\n"):
                print("# " + part[:600])
    sys.stdout.flush()
    return passed


def equal(got, want, name, *detail):
    return ok(got == want, name, "     got: %r" % (got,), "expected: %r" % (want,), *detail)


def done():
    print("1..%d" % count)
    sys.exit(1 if failed else 0)


class Peer:
    """A server on a free loopback port; one thread for each connection.

    talk(line) is given a Line; what it returns ends the connection.
    """

    def __init__(self, talk, tls=None):
        self.talk = talk
        self.tls = tls
        self.lines = []
        self.errors = []
        self.threads = []
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(50)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def serve(self, connection):
        connection.settimeout(30)
        line = Line(connection, self)
        self.lines.append(line)
        try:
            if self.tls:
                line.start_tls(self.tls)
            self.talk(line)
        except (OSError, EOFError) as error:
            line.ended = error
        except Exception as error:  # a fault of the test itself
            self.errors.append(error)
        finally:
            line.close()

    def join(self):
        for thread in self.threads:
            thread.join(10)
        self.socket.close()
        if self.errors:
            ok(False, "the peer itself went wrong", *self.errors)


class Line:
    """One connection: lines in, bytes out, and a record of what came."""

    def __init__(self, connection, peer):
        self.connection = connection
        self.peer = peer
        self.buffer = b""
        self.heard = []
        self.ended = None
        self.peer_tls = False

    def start_tls(self, context):
        self.connection = context.wrap_socket(self.connection, server_side=True)

    def fill(self):
        more = self.connection.recv(65536)
        if not more:
            raise EOFError("closed by the client")
        self.buffer += more

    def line(self):
        while b"\n" not in self.buffer:
            self.fill()
        text, self.buffer = self.buffer.split(b"\n", 1)
        text = text.rstrip(b"\r").decode("utf-8", "surrogateescape")
        self.heard.append(text)
        return text

    def until(self, end):
        while end not in self.buffer:
            self.fill()
        at = self.buffer.index(end) + len(end)
        taken, self.buffer = self.buffer[:at], self.buffer[at:]
        return taken

    def stall(self):
        """Says nothing more until the client has gone."""
        while True:
            self.fill()

    def say(self, text):
        self.connection.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def close(self):
        try:
            self.connection.close()
        except OSError:
            pass


def client(name, **arguments):
    """Runs a client of ours; its output as lines of words."""
    command = [os.path.join(BUILD, name)]
    if os.environ.get("NET_VALGRIND"):
        command = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=99"] + command
    for key, value in arguments.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            one = one if isinstance(one, bytes) else str(one).encode()
            command.append(key.encode() + b"=" + one)
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    output = run.stdout.decode("utf-8", "replace")
    if run.returncode != 0:
        ok(False, "%s ended with %d" % (name, run.returncode),
           run.stderr.decode("utf-8", "replace"))
    return Output(output)


class Output:
    """Lines of "kind name=value name=value ... text=the rest"."""

    def __init__(self, text):
        self.text = text
        self.rows = []
        for line in text.split("\n"):
            kind, _, rest = line.partition(" ")
            row = {"kind": kind}
            rest, found, row["text"] = (" " + rest).partition(" text=")
            for word in rest.split():
                name, _, value = word.partition("=")
                row[name] = value
            self.rows.append(row)

    def all(self, kind):
        return [row for row in self.rows if row["kind"] == kind]

    def one(self, kind):
        rows = self.all(kind)
        return rows[0] if rows else {"text": ""}

    def get(self, kind, *names):
        row = self.one(kind)
        return tuple(row.get(name) for name in names)


def certificate():
    """A throw-away authority for localhost: a server context and its file."""
    folder = tempfile.mkdtemp(prefix="net_test.")
    atexit.register(shutil.rmtree, folder, True)
    key, crt = os.path.join(folder, "key.pem"), os.path.join(folder, "crt.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
         "-out", crt, "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    return context, crt
