"""What is measured: each entry has ours and its reference, in one unit.

An entry is set up once; ours() and reference() then run in turn, each from the
same state, and return how much they did in a second.
"""

import base64
import glob
import os
import random
import select
import subprocess
import sys
import time

import mails
from server import Failure, Sink, mail_program, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

# mails that came in before
EARLIER = 400

# A company with customers, each with one contact and one issued invoice that is
# ten days past due.  A third of the invoices have been chased before, and mail
# has come in; each of the others has one step, due now.  There is a history in
# every table, since the plans made for empty ones are another subject.
STEPS = """
create extension ar_inbox;
select ar_inbox.install();
select ar_inbox.create_company('Seller & Co') as company \\gset
select ar_inbox.set_mail_account(:company, 'sales@seller.test', 'smtp://127.0.0.1:25',
    inbox_address => 'ar@seller.test');
select ar_inbox.change_settings(:company, '{{"catch_up_window": "1000 days"}}');
select set_config('bench.company', :'company', false);
create procedure public.fill(first integer, last integer)
language plpgsql
as $$
declare
    customer bigint;
    invoice  bigint;
begin
    for i in first .. last loop
        customer := ar_inbox.create_customer(current_setting('bench.company')::bigint,
            'Customer ' || i, 'C-' || i);
        perform ar_inbox.create_contact(customer, 'Ann', ('ann' || i || '@customers.test')::ar_inbox.email_address);
        invoice := ar_inbox.create_invoice(customer,
            '[{{"description": "Consulting", "quantity": 3, "unit_price": 150.00}},
              {{"description": "Travel", "unit_price": 80.00}}]',
            current_date - 40, current_date - 10, 'INV-' || lpad(i::text, 5, '0'));
        perform ar_inbox.issue_invoice(invoice);
        perform ar_inbox.chase_invoice(invoice,
            '[{{"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"]}}]',
            at => now() - interval '30 days');
        if i % 200 = 0 then
            commit;
        end if;
    end loop;
end
$$;
call public.fill(1, {count} / 2);
select count(*) from ar_inbox.fire_due_steps();
update ar_inbox.deliveries set state = 'accepted', next_attempt_at = null, finished_at = now();
insert into ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at, finished_at, outcome)
select d.company_id, d.id, 1, now(), now(), 'accepted' from ar_inbox.deliveries d;
update ar_inbox.deliveries set attempts = 1;
update ar_inbox.email_recipients set state = 'accepted';
create temporary table earlier (message bytea not null);
copy earlier from stdin;
{mails}\\.
select count(ar_inbox.receive_email(message)) from earlier;
update ar_inbox.chasing_steps set state = 'sent';
vacuum full;
vacuum analyze;
call public.fill({count} / 2 + 1, {count} / 2 + {count});
vacuum analyze;
"""

class Entry:
    name = None
    unit = "messages/s"
    # what was promised of the medians; None: nothing
    least = None
    most = None
    most_ratio = None

    def __init__(self, cluster, scale):
        self.cluster = cluster
        self.scale = scale

    def set_up(self):
        pass

    def ours(self):
        raise NotImplementedError

    def reference(self):
        raise NotImplementedError

    def tear_down(self):
        pass

    @classmethod
    def missed(cls, ours, reference):
        """Which of its bounds the medians miss, in words; "": none."""
        return "; ".join(said for failed, said in (
            (cls.least is not None and ours < cls.least, "under %s %s" % (cls.least, cls.unit)),
            (cls.most is not None and ours > cls.most, "over %s %s" % (cls.most, cls.unit)),
            (cls.most_ratio is not None and ours > cls.most_ratio * reference, "over %s times" % cls.most_ratio)) if failed)

    def steps_template(self):
        """The database that others copy, made once however many want it."""
        self.count = 2000 * self.scale
        self.template("steps", STEPS.format(count=self.count, mails="".join(
            "\\\\x%s\n" % data.hex() for data, _ in mails.answers(EARLIER, first=1000000))))

    def template(self, name, *scripts):
        made = self.cluster.sql("postgres", "select count(*) from pg_database where datname = '%s';" % name)
        if made == "0":
            self.cluster.sql("postgres", "create database %s;" % name)
            for script in scripts:
                self.cluster.sql(name, script)

    def expect(self, database, query, expected):
        answer = self.cluster.sql(database, query + ";")
        if answer != str(expected):
            raise Failure("%s: %s\ngave %s, not %s" % (self.name, query, answer, expected))


class HandOff(Entry):
    """Reminders of about 10 kB, which the worker judges a last time each."""

    name = "hand off mail"
    connections = 8
    sink_options = ()

    def messages(self):
        return 2000 * self.scale

    def set_up(self):
        self.steps_template()
        self.count = self.messages()
        self.database = "queued_%d" % self.count
        self.sink = Sink(*self.sink_options)
        # text, and the same again in HTML
        body = mails.text(mails.random.Random(7), 4300)
        self.cluster.create(self.database, "steps")
        self.cluster.sql(self.database, """
            select ar_inbox.set_mail_account(a.company_id, a.from_address, 'smtp://127.0.0.1:%d',
                inbox_address => a.inbox_address) from ar_inbox.mail_accounts a;
            select ar_inbox.set_template(c.id, 'past_due_invoice', 'Past due: {{invoice.number}}',
                E'Dear {{customer.name}},\\n\\n%s') from ar_inbox.companies c;
            update ar_inbox.chasing_steps set state = 'cancelled', reason = 'not in this benchmark'
            where id in (select id from ar_inbox.chasing_steps where state = 'scheduled' order by id offset %d);
            select ar_inbox.fire_due_steps();
            vacuum analyze;
            """ % (self.sink.port, body.replace("\n", "\\n"), self.count))
        self.expect(self.database, "select count(*) from ar_inbox.deliveries where state = 'queued'", self.count)
        self.size = int(self.cluster.sql(
            self.database, "select round(avg(octet_length(message))) from ar_inbox.emails "
                           "where id in (select email_id from ar_inbox.deliveries where state = 'queued');"))
        self.cluster.set("ar_inbox.smtp_connections", self.connections)

    def ours(self):
        self.cluster.create("handoff", self.database)
        # the worker is there before the clock starts, and may not send yet
        self.cluster.sql("handoff", "select ar_inbox_internal.wake_worker();")
        wait_for(lambda: self.cluster.sql("postgres", "select count(*) from pg_stat_activity "
                                          "where datname = 'handoff' and state = 'idle';") == "1",
                 "there is no worker:\n%s", self.cluster.log_end)
        began = float(self.cluster.sql("handoff", "select extract(epoch from clock_timestamp());\n"
                                       "select ar_inbox.arm();"))
        wait_for(lambda: self.cluster.sql("handoff", "select count(*) from ar_inbox.deliveries "
                                          "where state in ('queued', 'handing_off');") == "0",
                 "not all is handed off:\n%s", self.cluster.log_end,
                 timeout=120 + 120 * self.scale, pause=0.25)
        self.expect("handoff", "select count(*) from ar_inbox.delivery_attempts "
                    "where outcome = 'accepted' and started_at >= to_timestamp(%f)" % began, self.count)
        ended = float(self.cluster.sql("handoff", "select extract(epoch from max(finished_at)) "
                                       "from ar_inbox.deliveries;"))
        self.cluster.drop("handoff")
        return self.count / (ended - began)

    def reference(self):
        # as ours, it keeps its connections (-d)
        began = time.monotonic()
        subprocess.run([mail_program("smtp-source"), "-d", "-s", str(self.connections),
                        "-m", str(self.count), "-l", str(self.size), "-f", "sales@seller.test",
                        "-t", "ann@customers.test", "127.0.0.1:%d" % self.sink.port],
                       check=True, stdin=subprocess.DEVNULL)
        return self.count / (time.monotonic() - began)

    def tear_down(self):
        if hasattr(self, "sink"):
            self.sink.stop()


class HandOffSlowly(HandOff):
    """The server waits a second before each message: connections must overlap."""

    name = "hand off mail, slow server"
    connections = 30
    sink_options = ("-w", "1")

    def messages(self):
        return 300 * self.scale


class ReadMail(Entry):
    name = "read mail"

    def set_up(self):
        folder = os.path.join(self.cluster.folder, "mails")
        os.mkdir(folder)
        for number, data in enumerate(mails.assortment(500)):
            with open(os.path.join(folder, "%03d.eml" % number), "wb") as file:
                file.write(data)
        self.files = [folder] + sorted(glob.glob(os.path.join(TOP, "test", "corpus", "*.eml")))

    def read(self, command, times):
        done = subprocess.run([*command, str(times * self.scale), *self.files], check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        return float(done.stdout)

    def ours(self):
        return self.read([os.path.join(TOP, "build", "bench", "mime_read")], 20)

    def reference(self):
        return self.read([sys.executable, os.path.join(HERE, "mime_read.py")], 1)


class ReceiveMail(Entry):
    """One connection, a hundred mails to a transaction; its first two hundred fill its caches and are not counted."""

    name = "receive mail"
    least = 1500
    WARM_UP = 200

    def set_up(self):
        self.steps_template()
        self.count = 1000 * self.scale
        self.cluster.create("incoming", "steps")
        rows = "".join("\\\\x%s\t%s\n" % (data.hex(), text.replace("\\", "\\\\").replace("\n", "\\n"))
                       for data, text in mails.answers(self.WARM_UP + self.count))
        self.cluster.sql("incoming", """
            create table public.incoming (id integer generated always as identity primary key,
                message bytea not null, body text not null);
            create table public.messages (id bigint generated always as identity primary key,
                message bytea not null, body text not null);
            create index on public.messages using gin (to_tsvector('english', body));
            copy public.incoming (message, body) from stdin;
%s\\.
            vacuum analyze;
            """ % rows)

    def run(self, statement, check, expected):
        self.cluster.create("run", "incoming")
        every = self.WARM_UP + self.count
        hundreds = ["%s where id between %d and %d;\n" % (statement, first, first + 99) for first in range(1, every + 1, 100)]
        before = self.WARM_UP // 100
        seconds = self.cluster.seconds("run", "".join(hundreds[before:]), "".join(hundreds[:before]))
        self.expect("run", check, expected + self.WARM_UP)
        self.cluster.drop("run")
        return self.count / seconds

    def ours(self):
        return self.run("select ar_inbox.receive_email(message) from public.incoming",
                        "select count(*) from ar_inbox.inbound_messages where state = 'filed'", self.count + EARLIER)

    def reference(self):
        return self.run("insert into public.messages (message, body) select message, body from public.incoming",
                        "select count(*) from public.messages", self.count)


class ReceiveLarge(Entry):
    """What taking a message of 25 MB needs besides its bytes: the ratio is the peak in times its size."""

    name = "receive 25 MB, memory"
    unit = "MB"
    most_ratio = 6
    kinds = ("file", "text", "HTML")

    def set_up(self):
        filling = {
            "file": ("multipart/mixed; boundary=b", "--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: application/pdf\r\n"
                     "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n"
                     + base64.encodebytes(random.Random(1).randbytes(18 * 1024 * 1024)).decode("ascii").replace("\n", "\r\n")
                     + "--b--\r\n"),
            "text": ("text/plain", "Some words of a long text.\r\n" * 900000),
            "HTML": ("text/html", "<p>Some words of a <b>long</b> text.</p>\r\n" * 620000)}
        self.turn = 0
        self.size = max(len(body) for _, body in filling.values()) / 1e6
        rows = "".join("%s\t\\\\x%s\n" % (kind, (
            "From: ann@customers.test\r\nTo: ar@seller.test\r\nSubject: Large\r\nMIME-Version: 1.0\r\n"
            "Content-Type: %s\r\n\r\n%s" % (kind_of, body)).encode("ascii").hex())
            for kind, (kind_of, body) in filling.items())
        self.template("large", """
            create extension ar_inbox;
            select ar_inbox.install();
            select ar_inbox.create_company('Seller');
            select ar_inbox.change_settings(1, '{"max_message_size": 30000000}');
            select ar_inbox.set_mail_account(1, 'ar@seller.test', 'smtp://127.0.0.1:25');
            create table public.large (kind text, message bytea not null);
            alter table public.large alter column message set storage external;
            copy public.large from stdin;
%s\\.
            """ % rows)

    def ours(self):
        """The worst of the kinds."""
        self.cluster.create("run", "large")
        peak = max(self.peak(kind) for kind in self.kinds)
        self.expect("run", "select count(*) from ar_inbox.inbound_messages where state = 'filed' and size > 1000000", 3)
        self.cluster.drop("run")
        return peak / 1e6

    def reference(self):
        return self.size

    def peak(self, kind):
        """How far the memory of a session grows, shared memory aside, while it takes one."""
        with subprocess.Popen(self.cluster.psql_command("run"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as session:
            def ask(statement):
                session.stdin.write(statement + ";\n")
                session.stdin.flush()

            # what a session's first message leaves in its caches is there before
            ask("select ar_inbox.receive_email(convert_to('To: ar@seller.test' || chr(10) || 'Subject: warm %s', 'UTF8')) > 0"
                % kind)
            session.stdout.readline()
            ask("select pg_backend_pid()")
            status = "/proc/%d/status" % int(session.stdout.readline())

            def own():
                with open(status, encoding="ascii") as lines:
                    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))

            before = highest = own()
            ask("select ar_inbox.receive_email(message) > 0 from public.large where kind = '%s'" % kind)
            while not select.select([session.stdout], [], [], 0.001)[0]:
                highest = max(highest, own())
            if session.stdout.readline() != "t\n":
                raise Failure("%s: the message was not filed" % self.name)
            session.stdin.close()
            return highest - before


ENTRIES = (HandOff, HandOffSlowly, ReadMail, ReceiveMail, ReceiveLarge)
