"""What chasing costs: scheduling, firing, paying.

Scheduling and firing stand beside the plainest SQL that writes the same rows
into copies of the tables: no decisions, no rendering, no triggers.  The copies
have all indexes and checks of the tables, and their foreign keys; the entries
"bare" measure against copies without foreign keys.
"""

import statistics

from entries import Entry

# A company with customers, each with one contact and one issued invoice of two
# lines that is ten days past due.
INVOICES = """
create extension ar_inbox;
select ar_inbox.install();
select ar_inbox.create_company('Seller & Co');
select ar_inbox.set_mail_account(1, 'sales@seller.test', 'smtp://127.0.0.1:25', inbox_address => 'ar@seller.test');
select ar_inbox.change_settings(1, '{{"catch_up_window": "1000 days"}}');
insert into ar_inbox.customers (company_id, number, name)
select 1, 'C-' || n, 'Customer ' || n from generate_series(1, {count}) n;
insert into ar_inbox.contacts (company_id, customer_id, name, email)
select 1, c.id, 'Ann', ('ann' || c.id || '@customers.test')::ar_inbox.email_address from ar_inbox.customers c;
insert into ar_inbox.invoices (company_id, customer_id, number, status, issue_date, due_date, currency, total, issued_at)
select 1, c.id, 'INV-' || lpad(c.id::text, 7, '0'), 'issued', current_date - 40, current_date - 10, 'USD', 530, now() - interval '40 days'
from ar_inbox.customers c;
insert into ar_inbox.invoice_lines (company_id, invoice_id, line_number, description, quantity, unit_price, amount)
select 1, i.id, l.number, l.description, l.quantity, l.price, l.quantity * l.price
from ar_inbox.invoices i, (values (1, 'Consulting', 3, 150.00), (2, 'Travel', 1, 80.00)) l (number, description, quantity, price);
vacuum analyze;
"""

# Some were chased before, so that there is a history in every table: the plans
# made for empty ones are another subject.  Of the others {due} have a step that
# is due now.
STEPS = INVOICES + """
select ar_inbox.chase_invoices(array(select id from ar_inbox.invoices order by id limit 2000 + {due}),
    ar_inbox.create_cadence(1, 'One', '[{{"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"]}}]'),
    now() - interval '30 days') > 0;
select count(*) from ar_inbox_internal.fire_due(1, now(), 2000);
update ar_inbox.deliveries set state = 'accepted', next_attempt_at = null, finished_at = now(), attempts = 1;
insert into ar_inbox.delivery_attempts (company_id, delivery_id, attempt_number, started_at, finished_at, outcome)
select d.company_id, d.id, 1, now(), now(), 'accepted' from ar_inbox.deliveries d;
update ar_inbox.email_recipients set state = 'accepted';
update ar_inbox.chasing_steps set state = 'sent' where state = 'sending';
vacuum full;
vacuum analyze;
"""

# The foreign keys of the tables, for their copies: to the tables themselves,
# where what they refer to is not copied.
FOREIGN_KEYS = """
do $$
declare
    key record;
begin
    for key in
        select c.conname, t.relname, pg_get_constraintdef(c.oid) as definition, f.relname as target
        from pg_constraint c
        join pg_class t on t.oid = c.conrelid
        join pg_class f on f.oid = c.confrelid
        where c.contype = 'f' and t.relnamespace = 'ar_inbox'::regnamespace
            and exists (select from pg_class r where r.relnamespace = 'reference'::regnamespace and r.relname = t.relname)
    loop
        execute format('alter table reference.%I add constraint %I %s', key.relname, key.conname,
            case when to_regclass('reference.' || key.target) is null then key.definition
                else replace(key.definition, 'ar_inbox.' || key.target, 'reference.' || key.target) end);
    end loop;
end
$$;
"""

FIRED = ("threads", "emails", "email_recipients", "deliveries")

# What ours writes is kept as the source of the reference, and taken back.
FIRED_BY_HAND = """
create schema reference;
create schema source;
create table reference.chasing_steps (like ar_inbox.chasing_steps including all);
insert into reference.chasing_steps select * from ar_inbox.chasing_steps;
""" + "".join("""
create table reference.{0} (like ar_inbox.{0} including all);
insert into reference.{0} select * from ar_inbox.{0};
""".format(table) for table in FIRED) + """
select count(*) from ar_inbox.fire_due_steps();
""" + "".join("""
create table source.{0} as select * from ar_inbox.{0} n where not exists (select from reference.{0} r where r.id = n.id);
set session_replication_role = replica;
delete from ar_inbox.{0} n where not exists (select from reference.{0} r where r.id = n.id);
set session_replication_role = origin;
""".format(table) for table in FIRED) + """
update ar_inbox.chasing_steps set state = 'scheduled', fired_at = null where state = 'sending';
vacuum full;
vacuum analyze;
"""

FIRES_BY_HAND = "begin;\n" + "".join(
    "insert into reference.{0} select * from source.{0};\n".format(table) for table in FIRED) + """
update reference.chasing_steps set state = 'sending', fired_at = now() where state = 'scheduled' and due_at <= now();
commit;
"""


class FireDueSteps(Entry):
    """From due to queued: judged, rendered, built as MIME, stored."""

    name = "fire due steps"
    unit = "steps/s"
    database = "firing"
    more = (FOREIGN_KEYS,)

    def set_up(self):
        self.count = 100000 * self.scale
        self.template(self.database, STEPS.format(count=self.count + 2000, due=self.count), FIRED_BY_HAND, *self.more)

    def run(self, script, schema):
        self.cluster.create("run", self.database)
        seconds = self.cluster.seconds("run", script)
        self.expect("run", "select count(*) from %s.deliveries where state = 'queued'" % schema, self.count)
        self.expect("run", "select count(*) from %s.emails e join %s.threads t on t.last_email_id = e.id "
                    "join %s.email_recipients r on r.email_id = e.id where r.state = 'queued'"
                    % (schema, schema, schema), self.count)
        self.expect("run", "select count(*) from %s.chasing_steps where state = 'sending'" % schema, self.count)
        self.cluster.drop("run")
        return self.count / seconds

    def ours(self):
        return self.run("select count(*) from ar_inbox.fire_due_steps();", "ar_inbox")

    def reference(self):
        return self.run(FIRES_BY_HAND, "reference")


class FireBare(FireDueSteps):
    name = "fire due steps, bare"
    database = "firing_bare"
    more = ()


class FireAmongMany(Entry):
    """The same steps among 500,000 invoices, and among 10,000: within 1.3."""

    name = "fire among 500,000 invoices"
    unit = "steps/s"
    due = 5000

    def set_up(self):
        for name, count in (("few", 10000), ("many", 500000 * self.scale)):
            self.template(name, STEPS.format(count=count, due=self.due))

    def run(self, name):
        self.cluster.create("run", name)
        seconds = self.cluster.seconds("run", "select count(*) from ar_inbox.fire_due_steps();")
        self.expect("run", "select count(*) from ar_inbox.deliveries where state = 'queued'", self.due)
        self.cluster.drop("run")
        return self.due / seconds

    def ours(self):
        return self.run("many")

    def reference(self):
        return self.run("few")


SCHEDULED_BY_HAND = """
select ar_inbox.create_cadence(1, 'Standard', '[{"trigger": "on_issue", "hour": 9, "channels": ["email"]},
    {"trigger": "before_due", "days": 7, "hour": 9, "channels": ["email"]}, {"trigger": "before_due", "days": 1, "hour": 9, "channels": ["email"]},
    {"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"]}, {"trigger": "after_due", "days": 20, "hour": 9, "channels": ["email", "sms"]},
    {"trigger": "after_due", "days": 45, "hour": 15, "channels": ["email", "letter"]}]', true);
create schema reference;
create schema source;
create table reference.invoices (like ar_inbox.invoices including all) with (fillfactor = 85);
create table reference.chasing_steps (like ar_inbox.chasing_steps including all);
create table reference.events (like ar_inbox.events including all);
begin;
select ar_inbox.chase_invoices(array(select id from ar_inbox.invoices));
create table source.chasing_steps as select * from ar_inbox.chasing_steps;
create table source.events as select * from ar_inbox.events where action = 'chasing set';
commit;
set session_replication_role = replica;
delete from ar_inbox.chasing_steps;
delete from ar_inbox.events where action = 'chasing set';
update ar_inbox.invoices set schedule_number = 0, chasing_enabled = null;
insert into reference.invoices (id, company_id, customer_id, number, status, issue_date, due_date, currency, total, paid, schedule_number, issued_at)
select id, company_id, customer_id, number, status, issue_date, due_date, currency, total, paid, schedule_number, issued_at from ar_inbox.invoices;
insert into reference.events select * from ar_inbox.events;
vacuum full;
vacuum analyze;
"""

SCHEDULES_BY_HAND = """
begin;
update reference.invoices set schedule_number = 1, chasing_enabled = true;
insert into reference.chasing_steps select * from source.chasing_steps;
insert into reference.events select * from source.events;
commit;
"""


class ScheduleInvoices(Entry):
    """A cadence of six steps, for all invoices at once."""

    name = "schedule invoices"
    unit = "invoices/s"
    database = "scheduling"
    more = (FOREIGN_KEYS,)

    def set_up(self):
        self.count = 200000 * self.scale
        self.template(self.database, INVOICES.format(count=self.count), SCHEDULED_BY_HAND, *self.more)

    def run(self, script, schema):
        self.cluster.create("run", self.database)
        seconds = self.cluster.seconds("run", script)
        self.expect("run", "select count(*) from %s.chasing_steps" % schema, 6 * self.count)
        self.cluster.drop("run")
        return self.count / seconds

    def ours(self):
        return self.run("select ar_inbox.chase_invoices(array(select id from ar_inbox.invoices));", "ar_inbox")

    def reference(self):
        return self.run(SCHEDULES_BY_HAND, "reference")


class ScheduleBare(ScheduleInvoices):
    name = "schedule invoices, bare"
    database = "scheduling_bare"
    more = ()


class RecordPayment(Entry):
    """A payment in full of an invoice with twenty steps to come: at most 2 ms more than the bare insert."""

    name = "record a payment"
    unit = "ms"
    calls = 200

    def set_up(self):
        self.template("paying", INVOICES.format(count=20000 * self.scale), """
            select ar_inbox.chase_invoices(array(select id from ar_inbox.invoices), ar_inbox.create_cadence(1, 'Twenty', (
                select jsonb_agg(jsonb_build_object('trigger', 'after_due', 'days', 20 + n, 'hour', 9, 'channels', '["email"]'::jsonb))
                from generate_series(1, 20) n)));
            create table public.payments (like ar_inbox.payments including all);
            vacuum analyze;
            """)

    def run(self, statement):
        self.cluster.create("run", "paying")
        # what a session's first calls leave in its caches is there before
        times = self.cluster.milliseconds("run", [statement % number for number in range(1, self.calls + 21)])
        self.expect("run", "select (select count(*) from ar_inbox.payments) + (select count(*) from public.payments)", self.calls + 20)
        self.cluster.drop("run")
        return statistics.median(times[20:])

    def ours(self):
        return self.run("select ar_inbox.record_payment(%d, 530);")

    def reference(self):
        return self.run("insert into public.payments (company_id, invoice_id, amount, received_on) values (1, %d, 530, current_date);")


ENTRIES = (ScheduleInvoices, ScheduleBare, FireDueSteps, FireBare, FireAmongMany, RecordPayment)
