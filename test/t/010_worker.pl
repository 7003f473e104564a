# The worker as a process: it shows itself, wakes when something is committed,
# comes back when it was ended, hears of changed settings, stops when it is
# told to, and never keeps a database or the extension from being changed.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use IO::Socket::INET;
use Sink;

# What must not wait gets so many seconds, on a machine that has other work.
my $prompt = 5;

my $node = ArInbox::new_node('worker', conf => <<'END');
ar_inbox.restart_time = 2s
log_error_verbosity = default
log_min_messages = warning
END

sub sql { return $node->safe_psql(@_ == 2 ? @_ : ('postgres', @_)) }

# timed: runs something; gives how long it took.
sub timed
{
	my ($work) = @_;

	my $began = time;
	$work->();
	return time - $began;
}

# workers_of: which processes the workers of a database are.
sub workers_of
{
	my ($database) = @_;

	return "SELECT coalesce(string_agg(pid::text, ','), 'none') FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = '$database'";
}

sub setting
{
	my ($name, $value) = @_;

	sql("ALTER SYSTEM SET ar_inbox.$name = '$value'");
	$node->reload;
}

# company: one with a mail account at that URL, in a database.
sub company
{
	my ($database, $name, $url) = @_;

	sql($database, <<"SQL");
DO \$\$
DECLARE
	company bigint := ar_inbox.create_company('$name');
BEGIN
	PERFORM ar_inbox.set_mail_account(company, 'billing\@$name.test', '$url');
END
\$\$
SQL
	return sql($database, "SELECT id FROM ar_inbox.companies WHERE name = '$name'");
}

sub send_from
{
	my ($database, $company, $number) = @_;

	sql($database, "SELECT count(ar_inbox.send_email($company, '{pay\@client.test}', 'Number ' || n, 'Hello')) FROM generate_series(1, @{[ $number // 1 ]}) n");
}

# background: a session that runs these statements meanwhile; its process.
sub background
{
	my ($database, @statement) = @_;

	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', '/dev/null';
	exec 'psql', '-X', '-h', $node->host, '-p', $node->port, '-d', $database, map { ('-c', $_) } @statement;
}

my $states = q(SELECT coalesce(string_agg(state || ' ' || n, ', ' ORDER BY state), 'nothing') FROM (SELECT state::text, count(*) AS n FROM ar_inbox.deliveries GROUP BY state) s);

# --- it shows itself -------------------------------------------------------

ok( ArInbox::wait_until($node, <<'SQL', 'ar_inbox worker|ar_inbox_worker|postgres'),
SELECT concat_ws('|', application_name, usename, datname) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker'
SQL
	'the worker is in pg_stat_activity, by its name');
is(sql(q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox launcher')), 1, 'so is the launcher');
is(sql(q(SELECT rolsuper FROM pg_roles WHERE rolname = 'ar_inbox_worker')), 'f', 'the worker is no superuser');

my $sink = Sink->new;
my $acme = company('postgres', 'acme', $sink->url);
send_from('postgres', $acme);
sleep 1;
is(sql($states), 'queued 1', 'what is not armed sends nothing');
unlike(ArInbox::log_since($node, 0), qr/armed elsewhere/, 'and says nothing of elsewhere');
sql(q(SELECT ar_inbox.snooze_thread(id, now() + interval '2 seconds') FROM ar_inbox.threads));
ok(ArInbox::wait_until($node, q(SELECT string_agg(status::text, ' ') FROM ar_inbox.threads), 'open', timeout => 2 + $prompt), 'but a snoozed thread wakes at its moment');
is(sql($states), 'queued 1', 'and nothing else happens');
sql('SELECT ar_inbox.arm()');
ok(ArInbox::wait_until($node, $states, 'accepted 1', timeout => $prompt), 'arm() sets it going');

# --- it is woken by a commit -----------------------------------------------

sleep 1;
cmp_ok(timed(sub {
	send_from('postgres', $acme);
	ArInbox::wait_until($node, $states, 'accepted 2');
}), '<', $prompt, 'a commit wakes it');

# What it says of itself, sampled while it works, names nobody.
send_from('postgres', $acme, 60);
my %said;
my $deadline = time + 30;
while (time < $deadline)
{
	$said{$_} = 1 for split /\n/, sql("SELECT query FROM pg_stat_activity WHERE backend_type LIKE 'ar_inbox%'");
	last if sql($states) eq 'accepted 62';
}
is(sql($states), 'accepted 62', 'a batch goes out');
is(scalar(grep { /\@|client|acme|Number/ } keys %said), 0, 'its activity names no address, company or subject') or diag explain \%said;
cmp_ok(scalar(grep { /[a-z]/ } keys %said), '>', 0, 'but says what it does');

# A due reminder, by a clock that SIGHUP moves.
sql(<<"SQL");
DO \$\$
DECLARE
	invoice bigint := ar_inbox.create_invoice(ar_inbox.create_customer($acme, 'Client', email => 'pay\@client.test'),
		'[{"description": "Work", "unit_price": 100}]');
BEGIN
	PERFORM ar_inbox.issue_invoice(invoice);
	PERFORM ar_inbox.chase_invoice(invoice, '[{"trigger": "after_issue", "days": 10, "hour": 9, "channels": ["email"]}]');
END
\$\$
SQL
my $step = 'SELECT state FROM ar_inbox.chasing_steps';
sleep 1;
is(sql($step), 'scheduled', 'a step of the future waits');
setting('clock_offset', 11 * 86400);
ok(ArInbox::wait_until($node, $step, 'sent', timeout => $prompt), 'SIGHUP moves its clock (ar_inbox.clock_offset)');
setting('clock_offset', 0);

# A member who keeps one thread locked holds up the reminder of that invoice,
# and no other.
sql(<<"SQL");
DO \$\$
DECLARE
	customer bigint := ar_inbox.create_customer($acme, 'Other client', email => 'pay\@client.test');
	invoice  bigint;
BEGIN
	FOR i IN 1 .. 3 LOOP
		invoice := ar_inbox.create_invoice(customer, '[{"description": "Work", "unit_price": 100}]', number => 'T-' || i);
		PERFORM ar_inbox.issue_invoice(invoice);
		PERFORM ar_inbox.send_email($acme, '{pay\@client.test}', 'Here it is', 'Hello', invoice_id => invoice);
		PERFORM ar_inbox.chase_invoice(invoice, '[{"trigger": "after_issue", "days": 10, "hour": 9, "channels": ["email"]}]');
	END LOOP;
END
\$\$;
SQL
my $threads = "SELECT string_agg(i.number || ' ' || s.state, ', ' ORDER BY i.number) FROM ar_inbox.chasing_steps s JOIN ar_inbox.invoices i ON i.id = s.invoice_id WHERE i.number LIKE 'T-%'";
my $member = background('postgres', 'BEGIN', "SELECT ar_inbox.set_thread_status(t.id, 'pending') FROM ar_inbox.threads t JOIN ar_inbox.invoices i ON i.id = t.invoice_id WHERE i.number = 'T-2'",
	'SELECT pg_sleep(8)', 'COMMIT');
ArInbox::wait_until($node, q(SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(8)%'), 1);
setting('clock_offset', 11 * 86400);
ok(ArInbox::wait_until($node, $threads, 'T-1 sent, T-2 scheduled, T-3 sent', timeout => 7), 'a thread that a member keeps locked holds up no other reminder');
waitpid $member, 0;
ok(ArInbox::wait_until($node, $threads, 'T-1 sent, T-2 sent, T-3 sent', timeout => $prompt), 'its own goes out afterwards');
setting('clock_offset', 0);
my $so_far = sql(q(SELECT count(*) FROM ar_inbox.deliveries WHERE state = 'accepted'));

# --- it comes back ---------------------------------------------------------

my $pid = sql(workers_of('postgres'));
my $back = timed(sub {
	sql("SELECT pg_terminate_backend($pid)");
	ArInbox::wait_until($node, workers_of('postgres') . " HAVING min(pid) <> $pid", qr/^\d+$/);
});
cmp_ok($back, '>', 1.5, 'ended by pg_terminate_backend, it is not back before ar_inbox.restart_time');
cmp_ok($back, '<', 2 + $prompt, 'but soon after it');
send_from('postgres', $acme);
ok(ArInbox::wait_until($node, $states, 'accepted ' . ($so_far + 1), timeout => $prompt), 'and goes on');

# --- a server that stalls --------------------------------------------------

my $stalling = Sink->new('-w', '600');
my $slow = company('postgres', 'slow', $stalling->url);
my $held = "SELECT count(*) FROM ar_inbox.deliveries WHERE company_id = $slow AND state = 'handing_off'";
setting('smtp_connections', 1);
send_from('postgres', $slow, 8);
ok(ArInbox::wait_until($node, $held, 1, timeout => $prompt), 'one connection: one message is being handed off');
sleep 1;
is(sql($held), 1, 'and no more');
setting('smtp_connections', 3);
ok(ArInbox::wait_until($node, $held, 3, timeout => $prompt), 'SIGHUP gives it three (ar_inbox.smtp_connections)');

# While it waits for that server it holds nothing.
cmp_ok(timed(sub { sql('ALTER EXTENSION ar_inbox UPDATE') }), '<', $prompt, 'ALTER EXTENSION UPDATE does not wait for a hand-off');
cmp_ok(timed(sub { sql('BEGIN; LOCK TABLE ar_inbox.deliveries, ar_inbox.emails, ar_inbox.mail_accounts IN ACCESS EXCLUSIVE MODE; ALTER TABLE ar_inbox.deliveries ADD COLUMN later integer; ALTER TABLE ar_inbox.deliveries DROP COLUMN later; COMMIT') }),
	'<', $prompt, 'nor does what its script may do to the tables');
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND xact_start IS NOT NULL"), 0, 'no transaction is open');
send_from('postgres', $acme);
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE company_id = $acme AND state = 'accepted'", $so_far + 2, timeout => $prompt),
	'another company\'s mail goes out meanwhile');

# It stops at once, though that server, and one that says nothing at all, has
# connections open.
my $silent = IO::Socket::INET->new(Listen => 20, LocalAddr => '127.0.0.1', Proto => 'tcp') or die;
my $mute = company('postgres', 'mute', 'smtp://127.0.0.1:' . $silent->sockport);
send_from('postgres', $mute);
ok(ArInbox::wait_until($node, "SELECT state FROM ar_inbox.deliveries WHERE company_id = $mute", 'handing_off', timeout => $prompt),
	'a server that never answers has a connection');
$pid = sql(workers_of('postgres'));
cmp_ok(timed(sub {
	sql("SELECT pg_terminate_backend($pid)");
	ArInbox::wait_until($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", 0);
}), '<', $prompt, 'SIGTERM ends it at once');
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.delivery_attempts WHERE outcome = 'unknown'", 4, timeout => 10),
	'its successor finds what it had in flight in doubt');
ok(ArInbox::wait_until($node, "SELECT state, attempts FROM ar_inbox.deliveries WHERE company_id = $mute", 'handing_off|2', timeout => $prompt),
	'and hands it off again');
cmp_ok(timed(sub { $node->stop('fast') }), '<', $prompt, 'a fast shutdown is fast');
$silent->close;
$stalling->stop;
$node->start;
$stalling->start;
sql("SELECT ar_inbox.set_mail_account($mute, 'billing\@mute.test', '@{[ $sink->url ]}')");
setting('clock_offset', 3600);
ok(ArInbox::wait_until($node, $states, 'accepted ' . ($so_far + 11), timeout => 20), 'all of it is through in the end');
setting('clock_offset', 0);

# --- databases -------------------------------------------------------------

my $offset = ArInbox::log_offset($node);
sql("CREATE DATABASE $_") for qw(plain second);
sql('CREATE DATABASE pattern IS_TEMPLATE true');
ArInbox::add_extension($node, $_) for qw(second pattern);
ok(ArInbox::wait_until($node, workers_of('second'), qr/^\d+$/, timeout => $prompt), 'a second database has a worker of its own');
like(sql(workers_of('postgres')), qr/^\d+$/, 'beside the first');
sql('second', 'SELECT ar_inbox.arm()');
my $beta = company('second', 'beta', $sink->url);
send_from('second', $beta);
ok(ArInbox::wait_until($node, $states, 'accepted 1', timeout => $prompt, database => 'second'), 'which sends its mail');

setting('databases', 'second');
ok(ArInbox::wait_until($node, workers_of('postgres'), 'none', timeout => $prompt), 'ar_inbox.databases: what it does not name has no worker');
like(sql(workers_of('second')), qr/^\d+$/, 'what it names keeps its own');
setting('databases', 'second, postgres');
ok(ArInbox::wait_until($node, workers_of('postgres'), qr/^\d+$/, timeout => 2 + $prompt), 'named, it has one again');
setting('databases', '');
sleep 3;
for my $database (qw(plain pattern template1))
{
	is(sql(workers_of($database)), 'none', "$database has none");
}
is(sql('SELECT count(*) FROM pg_stat_activity WHERE backend_type = \'ar_inbox worker\''), 2, 'two in all');
my @noise = grep { /plain|pattern|template|WARNING|FATAL|PANIC|ERROR/ && !/statement:|terminating background worker "ar_inbox worker" due to administrator command/ }
  split /\n/, ArInbox::log_since($node, $offset);
is(scalar @noise, 0, 'and the log has nothing to say about the others') or diag join "\n", @noise[ 0 .. ($#noise > 9 ? 9 : $#noise) ];

# A launcher that was ended finds the workers of its predecessor.
my $workers = sql(workers_of('second')) . ' ' . sql(workers_of('postgres'));
sql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ar_inbox launcher'));
sleep 1;
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox launcher'), 1, timeout => 20), 'the launcher comes back, too');
sleep 3;
is(sql(workers_of('second')) . ' ' . sql(workers_of('postgres')), $workers, 'the workers go on meanwhile');
setting('databases', 'second');
ok(ArInbox::wait_until($node, workers_of('postgres'), 'none', timeout => $prompt), 'and it rules them as the one before did');
setting('databases', '');
ok(ArInbox::wait_until($node, workers_of('postgres'), qr/^\d+$/, timeout => 2 + $prompt), 'all databases have theirs again');

# Commands that want a database for themselves, each beside a running worker.
cmp_ok(timed(sub { sql('CREATE DATABASE copy TEMPLATE second') }), '<', $prompt, 'CREATE DATABASE … TEMPLATE does not wait for it');
ok(ArInbox::wait_until($node, workers_of('second'), qr/^\d+$/, timeout => 2 + $prompt), 'it is back afterwards');
$node->reload;    # or within a minute
ok(ArInbox::wait_until($node, workers_of('copy'), qr/^\d+$/, timeout => 2 + $prompt), 'the copy has one');
ok(ArInbox::wait_for_log($node, qr/database "copy" was armed elsewhere; nothing is sent/, $offset, $prompt), 'which says that it sends nothing');
cmp_ok(timed(sub { sql('ALTER DATABASE copy RENAME TO renamed') }), '<', $prompt, 'ALTER DATABASE … RENAME does not wait for it');
ok(ArInbox::wait_until($node, workers_of('renamed'), qr/^\d+$/, timeout => 2 + $prompt), 'it is back under the new name');
cmp_ok(timed(sub { sql('DROP DATABASE renamed') }), '<', $prompt, 'DROP DATABASE without FORCE does not wait for it');
is(sql(q(SELECT count(*) FROM pg_database WHERE datname = 'renamed')), 0, 'the database is gone');
my ($code, $out, $error) = $node->psql('second', 'DROP DATABASE second');
isnt($code, 0, 'a database with a session in it is not dropped');
ok(ArInbox::wait_until($node, workers_of('second'), qr/^\d+$/, timeout => 2 + $prompt), 'and keeps its worker');

# The same while it is handing off.
send_from('second', company('second', 'gamma', $stalling->stop->start('-w', '600')->url));
ok(ArInbox::wait_until($node, $states, 'accepted 1, handing_off 1', timeout => $prompt, database => 'second'), 'a hand-off is under way');
cmp_ok(timed(sub { sql('ALTER DATABASE second RENAME TO third') }), '<', $prompt, 'ALTER DATABASE … RENAME does not wait for a hand-off');
ok(ArInbox::wait_until($node, workers_of('third'), qr/^\d+$/, timeout => 2 + $prompt), 'it is back');

# --- the extension goes ----------------------------------------------------

# In a transaction that is rolled back in the end: the worker waits outside.
my $child = background('third', 'BEGIN', 'DROP EXTENSION ar_inbox CASCADE', 'SELECT pg_sleep(4)', 'ROLLBACK');
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(4)%'), 1, timeout => $prompt),
	'DROP EXTENSION in an open transaction does not wait for it');
send_from('postgres', $acme);
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE state <> 'accepted'", 0, timeout => $prompt), 'other databases go on');
is(sql(q(SELECT count(*) FROM pg_locks WHERE NOT granted)), 0, 'nobody waits for a lock');
waitpid $child, 0;
send_from('third', $beta);
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE company_id = $beta AND state = 'accepted'", 2, timeout => 2 + $prompt, database => 'third'),
	'rolled back, mail goes out as before');
cmp_ok(timed(sub { sql('third', 'SET client_min_messages = error; DROP EXTENSION ar_inbox CASCADE') }), '<', $prompt, 'DROP EXTENSION does not wait for it');
$node->reload;    # or within a minute
ok(ArInbox::wait_until($node, workers_of('third'), 'none', timeout => $prompt), 'and the worker leaves');
sleep 3;
is(sql(workers_of('third')), 'none', 'for good');
like(sql(workers_of('postgres')), qr/^\d+$/, 'its neighbour stays');
is(sql('third', q(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'ar\\_%')), 0,
	'CASCADE leaves no part of a table behind');
sql('third', 'CREATE EXTENSION ar_inbox');
like(sql('third', 'SELECT ar_inbox.install()'), qr/^ran [0-9]+ migrations: 1 company/, 'the extension can be made anew');
ok(ArInbox::wait_until($node, workers_of('third'), qr/^\d+$/, timeout => 2 + $prompt), 'and has its worker');
cmp_ok(timed(sub { sql('DROP DATABASE third') }), '<', $prompt, 'the database can be dropped');

unlike(ArInbox::log_since($node, 0), qr/PANIC|terminated by signal|server process .* exited/, 'nothing crashed');

# --- fewer slots than databases ---------------------------------------------

# Two are left beside the launcher and PostgreSQL's own; databases without the
# extension are looked at first, and need none for long.
my $full = ArInbox::new_node('full', conf => <<'END');
max_worker_processes = 4
ar_inbox.restart_time = 1s
ar_inbox.databases = 'none'
END
$full->safe_psql('postgres', "CREATE DATABASE plain$_") for 1 .. 4;
$full->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE postgres") for qw(served last);
$full->safe_psql('postgres', "ALTER SYSTEM SET ar_inbox.databases = ''");
$full->safe_psql('postgres', 'SELECT pg_reload_conf()');
ok(ArInbox::wait_until($full, "SELECT count(DISTINCT datname) >= 2 FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname IN ('postgres', 'served', 'last')", 't'),
	'each slot that is free has a worker');
$full->safe_psql('postgres', 'DROP DATABASE served');
$full->safe_psql('postgres', "ALTER SYSTEM SET ar_inbox.databases = 'plain1,plain2,plain3,plain4,last'");
$full->safe_psql('postgres', 'SELECT pg_reload_conf()');
ok(ArInbox::wait_until($full, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = 'last'", 't'),
	'the last of many databases, too');
my (undef, undef, $said) = $full->psql('postgres', "ALTER SYSTEM SET ar_inbox.databases = 'plain1 last'");
like($said, qr/invalid value for parameter "ar_inbox.databases".*DETAIL:  It is no list of names separated by commas/s, 'what is no list of names is refused');
(undef, undef, $said) = $full->psql('postgres', q(ALTER SYSTEM SET ar_inbox.databases = '"Mixed-1",last'));
is($said, '', 'but not a name in quotation marks');
$full->stop('fast');

# --- without the line in postgresql.conf ------------------------------------

# The functions are there, the worker is not.
my $bare = ArInbox::new_node('bare', preload => 0, conf => "ar_inbox.server_name = 'bare'\n");
is($bare->safe_psql('postgres', q(SELECT ar_inbox.create_company('Acme'); SELECT current_setting('ar_inbox.server_name'))),
	"1\nbare", 'a session that loads the library by itself has its functions and its settings');
$bare->stop('fast');
$node->stop('fast');
done_testing();
