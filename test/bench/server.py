"""The private PostgreSQL and mail sinks that the benchmarks run against.

Everything is on loopback or on a socket in a temporary folder, is a child of
this process, and is ended by its process id.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

SETTINGS = """
listen_addresses = ''
shared_preload_libraries = 'ar_inbox'
ar_inbox.databases = 'handoff'
ar_inbox.messages_per_connection = 0
timezone = 'UTC'
datestyle = 'ISO, YMD'
shared_buffers = '256MB'
# its indexes are built of a million messages
maintenance_work_mem = '1GB'
# Nothing but the benchmark itself works while the clock runs.
autovacuum = off
checkpoint_timeout = '1h'
max_wal_size = '8GB'
"""

# Debian keeps Postfix's programs where only root's PATH looks.
MAIL_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Failure(Exception):
    """A benchmark could not be run; the text says why."""


def end(process, how=signal.SIGTERM, patience=20):
    """Ends a child: as asked, else by force."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def mail_program(name):
    path = shutil.which(name, path=MAIL_PATH)
    if path is None:
        raise Failure("%s is missing: it is in Debian's package postfix" % name)
    return path


class Cluster:
    """A PostgreSQL server of its own, with the extension preloaded."""

    def __init__(self):
        pg_config = os.environ.get("PG_CONFIG") or "pg_config"
        self.bindir = subprocess.run([pg_config, "--bindir"], check=True, text=True,
                                     stdout=subprocess.PIPE).stdout.strip()
        self.folder = tempfile.mkdtemp(prefix="ar_inbox-bench.")
        self.data = os.path.join(self.folder, "data")
        self.server = None

    def program(self, name):
        return os.path.join(self.bindir, name)

    def start(self):
        subprocess.run([self.program("initdb"), "-D", self.data, "-A", "trust", "-U", "postgres",
                        "-E", "UTF8", "--locale=C.UTF-8"],
                       check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as conf:
            conf.write(SETTINGS)
            conf.write("unix_socket_directories = '%s'\n" % self.folder)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.server = subprocess.Popen([self.program("postgres"), "-D", self.data],
                                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self.answers(), "PostgreSQL does not start:\n%s", self.log_end)

    def answers(self):
        if self.server.poll() is not None:
            raise Failure("PostgreSQL does not start:\n%s" % self.log_end())
        return subprocess.run(self.psql_command("postgres") + ["-c", "select 1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def log_end(self):
        with open(os.path.join(self.folder, "log"), "rb") as log:
            return log.read()[-3000:].decode("utf-8", "replace")

    def psql_command(self, database):
        return [self.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                "-h", self.folder, "-U", "postgres", "-d", database]

    def sql(self, database, script):
        """What a script answers; one psql, so one connection."""
        done = subprocess.run(self.psql_command(database), input=script.encode("utf-8"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, "PGOPTIONS": "-c client_min_messages=warning"})
        if done.returncode != 0:
            raise Failure("in database %s:\n%s" % (database, done.stderr.decode("utf-8", "replace")))
        return done.stdout.decode("utf-8").strip()

    def seconds(self, database, script, before=""):
        """How long a script takes, its commits included, its connecting not, nor what its session did before."""
        answer = self.sql(database, "\\o %s\n"
                          "%s\n"
                          "select extract(epoch from clock_timestamp()) as began \\gset\n"
                          "%s\n"
                          "\\o\nselect extract(epoch from clock_timestamp()) - :began;\n"
                          % (os.devnull, before, script))
        return float(answer.splitlines()[-1])

    def milliseconds(self, database, statements):
        """How long each of the statements takes, in one session."""
        answer = self.sql(database, "\\timing on\n" + "\n".join(statements) + "\n")
        return [float(line.split()[1]) for line in answer.splitlines() if line.startswith("Time: ")]

    def create(self, database, template):
        """A database as its template is; nothing of it waits to be written."""
        self.drop(database)
        self.sql("postgres", "create database %s template %s;\ncheckpoint;" % (database, template))

    def read_in(self):
        """Every database is in the operating system's cache: some machines drop from it what lay idle for minutes."""
        for folder, _, names in os.walk(os.path.join(self.data, "base")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    while file.read(1 << 20):
                        pass

    def drop(self, database):
        self.sql("postgres", "drop database if exists %s;" % database)

    def set(self, name, value):
        self.sql("postgres", "alter system set %s = %s;\nselect pg_reload_conf();" % (name, value))

    def stop(self):
        end(self.server, signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)


class Sink:
    """Debian's smtp-sink on a free port: it takes every message, and drops it."""

    def __init__(self, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [mail_program("smtp-sink"), *options, "127.0.0.1:%d" % self.port, "128"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_for(self.listens, "smtp-sink does not listen")
        except BaseException:
            self.stop()
            raise

    def listens(self):
        if self.process.poll() is not None:
            raise Failure("smtp-sink does not start: %s"
                          % self.process.stderr.read().decode("utf-8", "replace"))
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        end(self.process)


def wait_for(condition, complaint, detail=None, timeout=60, pause=0.05):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(complaint % detail() if detail else complaint)
        time.sleep(pause)
