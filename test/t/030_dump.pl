# pg_dump is the whole backup: a database with rows in every table, dumped,
# restored (serially and by four at once) and dumped again is the same, its
# triggers said nothing on the way, and the copy sends nothing.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use Test::More;
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use Sink;

my $node = ArInbox::new_node('dump', databases => ['first'], conf => "ar_inbox.restart_time = 1s\nlog_min_messages = warning\n");
my $sink = Sink->new;
my $folder = $node->basedir;
$node->safe_psql('postgres', 'CREATE ROLE pat LOGIN');

# A row in every table, by the API.
my $url = $sink->url;
$node->safe_psql('first', <<"SQL");
DO \$\$
DECLARE
	company  bigint := ar_inbox.create_company('Äcme', 'Europe/Berlin', 'EUR', 'de');
	member   bigint := ar_inbox.create_member(company, 'Pat', 'pat\@acme.test', 'pat');
	customer bigint;
	invoice  bigint;
	mail     bigint;
BEGIN
	PERFORM ar_inbox.arm();
	PERFORM ar_inbox.set_mail_account(company, 'old\@acme.test', '$url', 'old', 'secret');
	PERFORM ar_inbox.set_mail_account(company, 'billing\@acme.test', '$url') FROM pg_sleep(0.01);
	PERFORM ar_inbox.set_template(company, 'past_due_invoice', 'Fällig: {{invoice.number}}', 'Bitte **zahlen**: {{invoice.balance}}');
	PERFORM ar_inbox.create_contact_role(company, 'Buchhaltung');
	PERFORM ar_inbox.create_cadence(company, 'Standard',
		'[{"trigger": "after_due", "days": 3, "hour": 9, "channels": ["email"], "role": "Buchhaltung"},
		  {"trigger": "repeat", "days": 30, "repeats": 3, "hour": 9, "channels": ["email"]}]', is_default => true);
	customer := ar_inbox.create_customer(company, 'Müller & Söhne', email => 'kontakt\@mueller.test');
	PERFORM ar_inbox.create_contact(customer, 'Jo', 'jo\@mueller.test', '+49 30 123', true, 'Buchhaltung');
	FOR i IN 1 .. 30 LOOP
		invoice := ar_inbox.create_invoice(customer, '[{"description": "Arbeit", "quantity": 1.5, "unit_price": 66.67},
			{"description": "Rabatt", "quantity": 1, "unit_price": -0.01}]', '2030-01-01', '2030-01-31');
		PERFORM ar_inbox.issue_invoice(invoice) WHERE i <> 30;
		PERFORM ar_inbox.record_payment(invoice, 10, '2030-01-05', 'bank') WHERE i % 3 = 0 AND i <> 30;
		PERFORM ar_inbox.record_payment(invoice, (SELECT balance FROM ar_inbox.invoices WHERE id = invoice), '2030-01-06') WHERE i = 7;
		PERFORM ar_inbox.void_invoice(invoice) WHERE i = 8;
		PERFORM ar_inbox.close_invoice(invoice) WHERE i = 9;
		PERFORM ar_inbox.stop_chasing(invoice) WHERE i = 10;
	END LOOP;
	mail := ar_inbox.send_email(company, '{jo\@mueller.test}', 'Hallo', 'Guten **Tag**', cc => '{cc\@mueller.test}', bcc => '{bcc\@mueller.test}');
	PERFORM ar_inbox.receive_email(convert_to(replace('From: Jo <jo\@mueller.test>
To: billing\@acme.test
Subject: Frage
Message-ID: <frage\@mueller.test>
References: <nie-gekommen\@mueller.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Grüße
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=a.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--b--
', E'\\n', E'\\r\\n'), 'UTF8'));
	PERFORM ar_inbox.receive_email(convert_to(replace(E'From: a\@spam.test
To: billing\@acme.test
Subject: Spam
Message-ID: <' || n || '\@spam.test>
Content-Type: text/html

<p>Kauf!</p>
', E'\n', E'\r\n'), 'UTF8')) FROM generate_series(1, 3) n;
	PERFORM ar_inbox.merge_threads((SELECT min(id) FROM ar_inbox.threads WHERE subject = 'Spam'), (SELECT max(id) FROM ar_inbox.threads WHERE subject = 'Spam'));
	PERFORM ar_inbox.mark_spam((SELECT min(id) FROM ar_inbox.threads WHERE subject = 'Spam'));
	PERFORM ar_inbox.set_working_days(company, '{1,2,3,4,5,6}', NULL);
	PERFORM ar_inbox.add_holiday(company, '2030-10-03', 'Tag der Deutschen Einheit');
	PERFORM ar_inbox.set_automatic_mail(company, 'unpaid_reminder');
	PERFORM ar_inbox.hold(customer_id => k.id, kind => 'promise', until => '2030-01-31', amount => 10) FROM ar_inbox.customers k LIMIT 1;
	PERFORM ar_inbox.set_saved_reply(company, 'Danke', 'Danke, {{company.name}}.');
	PERFORM ar_inbox.suppress('weg\@mueller.test', company, detail => 'zieht um');
	PERFORM ar_inbox.set_sms_provider(company, 'AC0123456789', 'token', 'Mueller', 'https://acme.test/status', 'http://127.0.0.1:9');
	INSERT INTO ar_inbox.provider_statuses (company_id, provider_id, provider_message_id, status) SELECT p.company_id, p.id, 'SM1', 'sent' FROM ar_inbox.providers p;
	INSERT INTO ar_inbox.email_opens (company_id, email_id, source) SELECT e.company_id, e.id, 'image' FROM ar_inbox.emails e LIMIT 1;
	PERFORM ar_inbox.receive_email('Subject: for nobody');
	PERFORM ar_inbox.receive_email('');
	PERFORM ar_inbox.add_note(t.id, 'Achtung'), ar_inbox.assign_thread(t.id, member), ar_inbox.set_thread_status(t.id, 'pending')
	FROM ar_inbox.threads t WHERE t.subject = 'Frage' OR t.topic = 'customer';
END
\$\$;
SQL
ok( ArInbox::wait_until($node, "SELECT string_agg(DISTINCT state::text, ',') FROM ar_inbox.deliveries", 'accepted', database => 'first'),
	'the original sends');
is(scalar(() = $sink->messages), 1, 'one message');

# What is left undone: reminders that are due, one that fired and waits, mail
# by hand that waits.  Without a worker, so that the data stand still.
$node->safe_psql('postgres', q(ALTER SYSTEM SET ar_inbox.databases = 'nowhere'));
$node->reload;
ok(ArInbox::wait_until($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker'", 0), 'no worker now');
cmp_ok($node->safe_psql('first', 'SELECT done FROM ar_inbox_internal.index_phrases(1000, 1)'), '>', 3, 'the phrases of what came are in their index');
$node->safe_psql('first', q(SELECT ar_inbox.fire_due_steps('2030-02-03 12:00Z')));
$node->safe_psql('first', q(SELECT ar_inbox.send_email(id, '{jo@mueller.test}', 'Noch etwas', 'Wartet') FROM ar_inbox.companies));
$node->safe_psql('first', q(SELECT ar_inbox_internal.queue_text_message(t.company_id, t.id, '+491700000000', 'Wartet', NULL, NULL, NULL, now()) FROM ar_inbox.threads t WHERE t.subject = 'Frage'));

my $tables = q(SELECT string_agg(relname::text, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'ar_inbox'::regnamespace AND relkind IN ('r', 'p'));
my @table = split / /, $node->safe_psql('first', $tables);
cmp_ok(scalar @table, '>=', 26, 'the tables are there');
is( $node->safe_psql('first', join ' UNION ALL ', map { "SELECT '$_' WHERE NOT EXISTS (SELECT FROM ar_inbox.$_)" } @table),
	'', 'each has rows');

# dump: the text of a database, without what differs from run to run.
sub dump_text
{
	my ($database, @option) = @_;

	open my $pipe, '-|', 'pg_dump', '--host', $node->host, '--port', $node->port, @option, $database or die "pg_dump: $!";
	my @line = grep { !/^\\(?:un)?restrict / } <$pipe>;
	close $pipe or die "pg_dump $database: $?";

	# Rows are dumped in the order in which they lie, so those of one COPY are put in order.
	my @text;
	my @row;
	my $copying;
	for (@line)
	{
		if ($copying && $_ eq "\\.\n")
		{
			push @text, sort @row;
			@row = ();
			$copying = 0;
		}
		if ($copying) { push @row, $_ }
		else { push @text, $_ }
		$copying = 1 if /^COPY /;
	}
	return join '', @text;
}

sub run_ok
{
	my ($name, @command) = @_;

	open my $pipe, '-|', "@{[ map { qq('$_') } @command ]} 2>&1" or die "$command[0]: $!";
	my $said = do { local $/; <$pipe> } // '';
	close $pipe;
	ok($? == 0 && $said eq '', "$name: without a word") or diag $said;
}

my $original = dump_text('first');
like($original, qr/^COPY ar_inbox\.$_ /m, "$_ is in the dump") for @table;
unlike($original, qr/^CREATE FUNCTION ar_inbox/m, 'the functions are not: they are code');
my $counts = join ' UNION ALL ', map { "SELECT '$_', count(*) FROM ar_inbox.$_" } @table;
my $statuses = q(SELECT 't', id, status::text, message_count FROM ar_inbox.threads UNION ALL SELECT 's', id, state::text, 0 FROM ar_inbox.chasing_steps
	UNION ALL SELECT 'd', id, state::text, attempts FROM ar_inbox.deliveries UNION ALL SELECT 'i', id, status::text, paid FROM ar_inbox.invoices ORDER BY 1, 2);
my $phrases = q(SELECT string_agg(q || ': ' || f.thread_id || ' ' || coalesce(f.email_id, f.note_id), ', ' ORDER BY q, f.thread_id)
	FROM unnest(ARRAY['"mueller test"', '"spam test"', '"etwas wartet"']) q, ar_inbox.search_threads(q) f);
my $found = $node->safe_psql('first', $phrases);
like($found, qr/etwas wartet.*mueller test.*spam test/, 'phrases are found') or diag $found;
my $counted = $node->safe_psql('first', $counts);
my $stood = $node->safe_psql('first', $statuses);

run_ok('pg_dump', 'pg_dump', '--host', $node->host, '--port', $node->port, '--format=custom', "--file=$folder/first.dump", 'first');
my $offset = ArInbox::log_offset($node);
for my $copy ([ serial => 1 ], [ parallel => 4 ])
{
	my ($name, $jobs) = @$copy;
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE template0");
	run_ok("pg_restore -j$jobs", 'pg_restore', '--host', $node->host, '--port', $node->port, "--jobs=$jobs", '--exit-on-error', "--dbname=$name", "$folder/first.dump");
	is($node->safe_psql($name, $counts), $counted, "$name: as many rows in each table");
	is($node->safe_psql($name, $statuses), $stood, "$name: every status and state as it was");
	is($node->safe_psql($name, $phrases), $found, "$name: phrases are found as they were, by the index and in what waits for it");
	ok(dump_text($name) eq $original, "$name: dumped again it is the same");
	is($node->safe_psql($name, 'SELECT ar_inbox.install()'), 'up to date', "$name: install() finds nothing to do");
}

# Ids go on where they stood: nothing made in the copy meets an old row.
is($node->safe_psql('serial', "SELECT ar_inbox.create_customer(min(id), 'New') > (SELECT max(id) FROM ar_inbox.customers) FROM ar_inbox.companies"),
	't', 'ids go on in the copy');

# The copies get their workers.  What waits in them, and what is due by the
# worker's clock, stays; the log says so once for each.
my @waits = ("SELECT count(*) FROM ar_inbox.deliveries WHERE next_attempt_at <= now()",
	"SELECT count(*) FROM ar_inbox.chasing_steps WHERE state = 'scheduled' AND due_at < '2030-02-03 12:00Z'");
# (what was fired in advance has its moment now)
$node->safe_psql('parallel', 'UPDATE ar_inbox.deliveries SET next_attempt_at = now() WHERE next_attempt_at > now()');
cmp_ok($node->safe_psql('parallel', $waits[0]), '>', 1, 'mail waits in the copy');
$node->safe_psql('parallel', "UPDATE ar_inbox.chasing_steps SET due_at = now() - interval '1 minute' WHERE state = 'scheduled'");
my $due = $node->safe_psql('parallel', "SELECT count(*) FROM ar_inbox.chasing_steps WHERE state = 'scheduled' AND due_at < now()");
cmp_ok($due, '>', 1, 'and reminders are due');
$node->safe_psql('postgres', q(ALTER SYSTEM SET ar_inbox.databases = 'serial, parallel'));
$node->reload;
for my $name (qw(serial parallel))
{
	ok( ArInbox::wait_until($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = '$name'", 1),
		"$name has a worker");
	ok(ArInbox::wait_for_log($node, qr/database "$name" was armed elsewhere/, $offset), "$name: the log says that nothing is sent from here");
}
# Each of these wakes the worker, which looks again.
for (1 .. 5)
{
	$node->safe_psql($_, q(SELECT ar_inbox.send_email(min(id), '{jo@mueller.test}', 'Copy', 'Copy') FROM ar_inbox.companies)) for qw(serial parallel);
	$node->reload;
	select undef, undef, undef, 0.3;
}
is(scalar(() = ArInbox::log_since($node, $offset) =~ /database "$_" was armed elsewhere/g), 1, "$_: once") for qw(serial parallel);
is(scalar(() = $sink->messages), 1, 'nothing was sent from the copies');
is($node->safe_psql($_, 'SELECT count(*) FROM ar_inbox.delivery_attempts'), 1, "$_: nothing was tried") for qw(serial parallel);
is($node->safe_psql('parallel', "SELECT count(*) FROM ar_inbox.chasing_steps WHERE state = 'scheduled' AND due_at < now()"), $due, 'no reminder was fired');

# The same where the tables were there, with a worker, before the rows came.
$node->safe_psql('postgres', q(CREATE DATABASE rows_only));
$node->safe_psql('rows_only', 'CREATE EXTENSION ar_inbox; SELECT ar_inbox.install()');
$node->safe_psql('postgres', q(ALTER SYSTEM SET ar_inbox.databases = 'serial, parallel, rows_only'));
$node->reload;
ok( ArInbox::wait_until($node, "SELECT state FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = 'rows_only'", 'idle'),
	'a database without rows has a worker');
$node->safe_psql('rows_only', 'DELETE FROM ar_inbox.schema_migrations');
run_ok('pg_restore --data-only', 'pg_restore', '--host', $node->host, '--port', $node->port, '--data-only', '--disable-triggers', '--single-transaction', '--dbname=rows_only', "$folder/first.dump");
is($node->safe_psql('rows_only', $counts), $counted, 'as many rows in each table');
$node->reload;
ok(ArInbox::wait_for_log($node, qr/database "rows_only" was armed elsewhere/, $offset, 10), 'the log says that nothing is sent from there');

# Armed, the copy is a database like any other.
$node->safe_psql('serial', 'SELECT ar_inbox.arm()');
ok( ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE next_attempt_at <= now()", 0, database => 'serial'),
	'armed, the copy sends');

# The tables hold the extension: it does not go without them by accident.
my ($code, $out, $error) = $node->psql('parallel', 'DROP EXTENSION ar_inbox');
isnt($code, 0, 'DROP EXTENSION refuses while there are tables');
like($error, qr/cannot drop extension ar_inbox because other objects depend on it/, 'and says why');
is($node->safe_psql('parallel', $tables), join(' ', @table), 'they are all there');
is($node->safe_psql('parallel', <<'END'), 0, 'none of them belongs to the extension');
SELECT count(*) FROM pg_depend d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE d.deptype = 'e' AND c.relnamespace = 'ar_inbox'::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v', 'i')
END

$node->stop;
done_testing();
