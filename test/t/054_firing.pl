# Firing, whatever happens: four sessions share 2,000 due steps while invoices
# are paid and held, sessions are ended and the server crashes; and the worker
# with much to do: fair between companies, catching up after it was away, with
# holds that end, texts that are broken, and what somebody locks.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use Sink;

# What must not wait gets so many seconds, on a machine that has other work;
# and a state that has to come in the end, so many.
my $prompt = 6;
my $patient = 60;

my $node = ArInbox::new_node('firing', conf => <<'END');
ar_inbox.restart_time = 1s
ar_inbox.databases = 'nowhere'
log_error_verbosity = default
END
my $sink = Sink->new;

sub sql { return $node->safe_psql(@_ == 2 ? @_ : ('postgres', @_)) }

sub setting
{
	my ($name, $value) = @_;

	sql("ALTER SYSTEM SET ar_inbox.$name = '$value'");
	$node->reload;
	return;
}

# background: psql with that statement; its process.
my %process;
my $owner = $$;
sub background
{
	my ($name, $statement) = @_;

	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		$ENV{PGAPPNAME} = $name;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>>', $node->basedir . "/$name.err";
		{ no warnings 'exec'; exec 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-v', 'ON_ERROR_STOP=1', '-c', $statement; }
		POSIX::_exit(127);
	}
	$process{$pid} = $name;
	return $pid;
}

# ended: the names of those that have come to an end since, with how.
sub ended
{
	my @name;
	for my $pid (keys %process)
	{
		next if waitpid($pid, POSIX::WNOHANG()) != $pid;
		push @name, [ delete $process{$pid}, $? ];
	}
	return @name;
}

# Many invoices at once: of an existing customer each, in turn, numbered by a
# prefix, chased by these steps as seen at that moment.
sql(<<'SQL');
CREATE FUNCTION public.invoices(company bigint, prefix text, number integer, issued date, due date, steps jsonb, at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	customers bigint[] := array(SELECT id FROM ar_inbox.customers WHERE company_id = company ORDER BY id);
	cadence bigint := ar_inbox.create_cadence(company, prefix, steps);
BEGIN
	INSERT INTO ar_inbox.invoices (company_id, customer_id, number, issue_date, due_date, currency, status, issued_at, total)
	SELECT company, customers[1 + n % cardinality(customers)], prefix || '-' || n, issued, due, 'USD', 'issued', now(), 100
	FROM generate_series(1, number) n;
	RETURN ar_inbox.chase_invoices(array(SELECT id FROM ar_inbox.invoices i WHERE i.company_id = company AND i.number LIKE prefix || '-%'), cadence, at);
END
$$;
CREATE FUNCTION public.company(name text, url text, zone text = 'UTC', customers integer = 1) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	id bigint := ar_inbox.create_company(name, zone);
BEGIN
	PERFORM ar_inbox.set_mail_account(id, ('billing@' || name || '.test')::ar_inbox.email_address, url);
	PERFORM ar_inbox.set_sms_provider(id, 'AC00000000000000000000000000000000', 'token', '+15550100000');
	PERFORM ar_inbox.create_customer(id, 'Client ' || n, email => (name || n || '@client.test')::ar_inbox.email_address, phone => '+1555' || (id * 10000 + n)::text)
	FROM generate_series(1, customers) n;
	RETURN id;
END
$$;
SQL

sub company
{
	my ($name, %option) = @_;
	return sql(sprintf "SELECT public.company('%s', '%s', '%s', %d)", $name, $option{url} // $sink->url, $option{zone} // 'UTC', $option{customers} // 1);
}

# --- four sessions, payments, holds, ends and crashes ------------------------

my @several = (company('one', customers => 50), company('two', customers => 900, zone => 'Asia/Kolkata'), company('three', customers => 300));
my $at = "'2030-02-01 12:00Z'";    # when all of it is due
sql(<<"SQL");
SELECT public.invoices($several[0], 'A', 1000, '2030-01-01', '2030-01-31', '[{"trigger": "after_due", "days": 1, "hour": 9, "channels": ["email"]}]', '2030-01-01Z');
SELECT public.invoices($several[1], 'B', 700, '2030-01-01', '2030-01-31', '[{"trigger": "after_due", "days": 1, "hour": 10, "channels": ["email", "sms"]}]', '2030-01-01Z');
SELECT public.invoices($several[2], 'C', 300, '2030-01-01', '2030-01-31', '[{"trigger": "after_due", "days": 1, "hour": 8, "channels": ["sms"]}]', '2030-01-01Z');
-- some that come to nothing
UPDATE ar_inbox.customers SET email = NULL WHERE company_id IN ($several[0], $several[1]) AND id % 25 = 0;
SELECT count(ar_inbox.hold(customer_id => id, reason => 'before')) FROM ar_inbox.customers WHERE company_id = $several[2] AND id % 50 = 0;
CREATE TABLE public.foretold AS
SELECT c.id AS company_id, p.* FROM ar_inbox.companies c CROSS JOIN ar_inbox.preview(c.id, '2030-01-01Z', timestamptz $at + interval '1 minute', $at) p;
ANALYZE;
SQL
my $due = "SELECT count(*) FROM ar_inbox.chasing_steps WHERE state = 'scheduled'";
is(sql($due), 2000, '2,000 steps are due');
is(sql("SELECT count(*), string_agg(DISTINCT outcome, ' ' ORDER BY outcome) FROM public.foretold"), '2700|fail send withhold',
	'the preview knows each, by each channel, and some of each kind');

# A transaction for each batch, until nothing is due that nobody holds.
my $firing = <<"SQL";
DO \$\$
DECLARE
	company bigint;
BEGIN
	WHILE EXISTS (SELECT FROM ar_inbox.chasing_steps WHERE state = 'scheduled') LOOP
		FOR company IN SELECT id FROM ar_inbox.companies ORDER BY random() LOOP
			PERFORM ar_inbox_internal.fire_due(company, $at, 7);
			COMMIT;
			PERFORM pg_sleep(0.002);
		END LOOP;
	END LOOP;
END
\$\$
SQL
# The first and the last of those that are due, and some between, in turn.
my $paying = <<"SQL";
DO \$\$
DECLARE
	invoice bigint;
BEGIN
	FOR invoice IN SELECT id FROM ar_inbox.invoices WHERE status = 'issued' AND id % 10 = 3 ORDER BY random() LOOP
		PERFORM ar_inbox.record_payment(invoice, 100);
		COMMIT;
		PERFORM pg_sleep(0.003);
	END LOOP;
END
\$\$
SQL
my $holding = <<"SQL";
DO \$\$
DECLARE
	invoice bigint;
BEGIN
	FOR invoice IN SELECT i.id FROM ar_inbox.invoices i WHERE status = 'issued' AND i.id % 10 = 7
		AND NOT EXISTS (SELECT FROM ar_inbox.holds h WHERE h.invoice_id = i.id) ORDER BY random() LOOP
		PERFORM ar_inbox.hold(invoice, kind => 'dispute', reason => 'price');
		COMMIT;
		PERFORM pg_sleep(0.003);
	END LOOP;
END
\$\$
SQL
my %work = ((map { ("firing$_" => $firing) } 1 .. 4), paying => $paying, holding => $holding);
background($_, $work{$_}) for sort keys %work;

# left: how many are due; the server may be away.
sub left
{
	my ($code, $out) = $node->psql('postgres', $due);
	return $code == 0 ? $out : undef;
}

my @turn = qw(firing1 firing2 paying holding firing3);
my ($ends, $crashes) = (0, 0);
my @crash = (1500, 1000);    # when so many are left
my $deadline = time + $patient;
while (time < $deadline)
{
	my $left = left();
	if (defined $left)
	{
		if (@crash && $left <= $crash[0])
		{
			shift @crash;
			$crashes++;
			if (@crash)
			{
				$node->stop('immediate');
				$node->start;
			}
			else
			{
				# one process that dies takes all the others with it
				my ($pid) = split /\n/, sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'firing%'");
				kill 'QUIT', $pid if $pid;
				ok($pid && ArInbox::wait_until($node, "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", 0), 'a process of the server dies');
			}
		}
		elsif ($ends < 12 && $left <= 1900 - 130 * $ends)
		{
			# of one that has done its work there is none to end: the next look is at another
			$ends += () = split /\n/, sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '$turn[0]'");
			push @turn, shift @turn;
		}
	}
	# who was ended begins again
	for (ended())
	{
		my ($name, $status) = @$_;
		background($name, $work{$name}) if $status != 0;
	}
	last if !%process;
	sleep 0.01;
}
is(join(' ', sort values %process), '', 'everybody comes to an end');
cmp_ok($ends, '>=', 5, "$ends sessions were ended");
is($crashes, 2, 'and the server crashed twice');
my %said;
for my $name (keys %work)
{
	open my $file, '<', $node->basedir . "/$name.err" or next;
	/(?:ERROR|FATAL|PANIC): +(.*)/ and $said{$1}++ while <$file>;
}
is(join('; ', grep { !/terminating connection|the database system is|connection to server|server closed/ } sort keys %said), '', 'no session had another error');

is(sql($due), 0, 'no step is left that is due');
is(sql("SELECT string_agg(DISTINCT state::text, ' ' ORDER BY state::text) FROM ar_inbox.chasing_steps"), 'cancelled failed sending withheld', 'each has an end, or goes out');
is(sql(<<'SQL'), 0, 'through no channel, to nobody, does a step go out twice');
SELECT count(*) FROM (SELECT FROM ar_inbox.deliveries d LEFT JOIN ar_inbox.email_recipients r ON r.company_id = d.company_id AND r.email_id = d.email_id
	GROUP BY d.chasing_step_id, d.channel, coalesce(d.recipient, r.address::text) HAVING count(*) > 1) twice
SQL
is(sql(<<'SQL'), 0, 'a step that goes out has something on its way, and no other has');
SELECT count(*) FROM ar_inbox.chasing_steps s
WHERE (s.state = 'sending') <> EXISTS (SELECT FROM ar_inbox.deliveries d WHERE d.company_id = s.company_id AND d.chasing_step_id = s.id AND d.state = 'queued')
SQL
is(sql(<<'SQL'), '200|0|200', 'the invoices that are paid: no reminder is on its way');
SELECT count(DISTINCT i.id), count(*) FILTER (WHERE d.state = 'queued'), count(*) FILTER (WHERE s.state IN ('cancelled', 'withheld', 'failed'))
FROM ar_inbox.invoices i JOIN ar_inbox.chasing_steps s ON s.company_id = i.company_id AND s.invoice_id = i.id
LEFT JOIN LATERAL (SELECT min(d.state) AS state FROM ar_inbox.deliveries d WHERE d.company_id = s.company_id AND d.chasing_step_id = s.id) d ON true
WHERE i.status = 'paid'
SQL
is(sql(<<'SQL'), '200|0', 'those that are held: neither');
SELECT count(DISTINCT i.id), count(*) FILTER (WHERE d.state = 'queued')
FROM ar_inbox.invoices i JOIN ar_inbox.holds h ON h.company_id = i.company_id AND h.invoice_id = i.id AND h.kind = 'dispute'
LEFT JOIN ar_inbox.deliveries d ON d.company_id = i.company_id AND d.invoice_id = i.id
SQL
my ($before, $after) = split /\|/, sql(<<'SQL');
SELECT count(*) FILTER (WHERE d.id IS NULL), count(*) FILTER (WHERE d.state = 'cancelled')
FROM ar_inbox.invoices i LEFT JOIN ar_inbox.deliveries d ON d.company_id = i.company_id AND d.invoice_id = i.id
WHERE i.status = 'paid'
SQL
cmp_ok($before, '>', 0, "$before were paid before they fired");
cmp_ok($after, '>', 0, "$after afterwards, before the hand-off");
is(sql(<<'SQL'), 0, 'every thread counts its messages');
SELECT count(*) FROM ar_inbox.threads t
WHERE message_count <> (SELECT count(*) FROM ar_inbox.emails e WHERE e.company_id = t.company_id AND e.thread_id = t.id)
SQL
is(sql(<<'SQL'), sql('SELECT count(*) FROM ar_inbox.emails'), 'and every message has its delivery');
SELECT count(DISTINCT email_id) FROM ar_inbox.deliveries
SQL
# What nobody touched came as foretold.
my $compared = <<'SQL';
WITH untouched AS (
	SELECT s.* FROM ar_inbox.chasing_steps s JOIN ar_inbox.invoices i ON i.company_id = s.company_id AND i.id = s.invoice_id
	WHERE i.id % 10 NOT IN (3, 7)
), foretold AS (
	SELECT f.step_id, f.channel, f.recipient, f.template, f.outcome, f.reason FROM public.foretold f JOIN untouched s ON s.id = f.step_id
), happened AS (
	SELECT s.id, d.channel, coalesce(d.recipient, r.address::text), e.template, 'send', NULL
	FROM untouched s
	JOIN ar_inbox.deliveries d ON d.company_id = s.company_id AND d.chasing_step_id = s.id
	JOIN ar_inbox.emails e ON e.company_id = d.company_id AND e.id = d.email_id
	LEFT JOIN ar_inbox.email_recipients r ON r.company_id = e.company_id AND r.email_id = e.id
	UNION ALL
	SELECT s.id, f.key::ar_inbox.channel, NULL, NULL, 'fail', f.value FROM untouched s CROSS JOIN jsonb_each_text(s.failures) f
	UNION ALL
	SELECT s.id, c, NULL, NULL, CASE s.state WHEN 'failed' THEN 'fail' ELSE 'withhold' END, s.reason FROM untouched s CROSS JOIN unnest(s.channels) c
	WHERE s.state IN ('failed', 'withheld')
)
SELECT (SELECT count(*) FROM foretold), (SELECT count(*) FROM (TABLE foretold EXCEPT ALL TABLE happened) d), (SELECT count(*) FROM (TABLE happened EXCEPT ALL TABLE foretold) d)
SQL
is(sql($compared), '2160|0|0', 'what nobody disturbed came as the preview had said, each row of it');

# --- the worker takes over: what waits goes out, each once -------------------

sql(q(UPDATE ar_inbox.deliveries SET next_attempt_at = now() + interval '1 year', give_up_at = now() + interval '2 years' WHERE channel = 'sms' AND state = 'queued'));
my $mails = sql(q(SELECT count(*) FROM ar_inbox.deliveries WHERE channel = 'email' AND state = 'queued'));
cmp_ok($mails, '>', 1000, "$mails reminders wait in the outbox");

# Much that is due: one company has 6,000 steps, one has five, one a broken text,
# one whose messages cannot be written, one was not looked after for days, holds.
my $today = q(((now() AT TIME ZONE 'UTC')::date));
my %id = map { $_ => company($_, customers => 5) } qw(big small broken unwritable late away held locked);
my $daily = q('[{"trigger": "after_due", "days": 1, "hour": 0, "channels": ["email"]}]');
my $long_ago = q(now() - interval '9 days');
sql(<<"SQL");
SELECT public.invoices($id{big}, 'Big', 6000, $today - 31, $today - 1, $daily, $long_ago);
SELECT public.invoices($id{small}, 'Small', 5, $today - 31, $today - 1, $daily, $long_ago);
SELECT public.invoices($id{broken}, 'Broken', 3, $today - 31, $today - 1, $daily, $long_ago);
SELECT public.invoices($id{unwritable}, 'Unwritable', 3, $today - 31, $today - 1, $daily, $long_ago);
-- what was saved before this version looked at it
INSERT INTO ar_inbox.templates (company_id, name, language, subject, body) VALUES ($id{broken}, 'past_due_invoice', 'en', 'Due', 'Dear {{#customer}}');
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'not here'; END \$\$;
CREATE TRIGGER refuse BEFORE INSERT ON ar_inbox.emails FOR EACH ROW WHEN (new.company_id = $id{unwritable}) EXECUTE FUNCTION public.refuse();
SQL

# A copy of the database, with all of this due, is not armed.
sql('SELECT ar_inbox.arm()');
sql('CREATE DATABASE copy TEMPLATE postgres');
my $offset = ArInbox::log_offset($node);

sub states_of
{
	my ($name) = @_;
	return "SELECT coalesce(string_agg(state || ' ' || n, ', ' ORDER BY state), 'nothing') FROM (SELECT state::text, count(*) AS n FROM ar_inbox.chasing_steps WHERE company_id = $id{$name} GROUP BY state) s";
}
my $big_left = "SELECT count(*) FROM ar_inbox.chasing_steps WHERE company_id = $id{big} AND state = 'scheduled'";
setting('databases', '');
ok(ArInbox::wait_until($node, states_of('small'), qr/^(?:sending|sent)[^e]*$|^sending \d, sent \d$/, timeout => $patient), 'five steps of a small company fire');
my $left = sql($big_left);
cmp_ok($left, '>', 0, "while $left of a large one's 6,000 still wait");
# Some that come due in the meantime: by the order in which they fired.
$left = sql("SELECT public.invoices($id{late}, 'Late', 5, $today - 31, $today - 1, $daily, $long_ago); $big_left");
$left =~ s/.*\n//s;
cmp_ok($left, '>', 500, "five come due while $left still wait");
ok(ArInbox::wait_until($node, states_of('late'), qr/^(?:sending|sent)[^e]*$|^sending \d, sent \d$/, timeout => $patient), 'they fire');
ok(ArInbox::wait_until($node, states_of('big'), 'sent 6000', timeout => 5 * $patient), 'all 6,000 go out');
ok(ArInbox::wait_until($node, states_of('broken'), qr/^failed 3$/, timeout => $patient), 'a text that is broken fails its steps');
like(sql("SELECT DISTINCT reason FROM ar_inbox.chasing_steps WHERE company_id = $id{broken}"), qr/^email: .* is never closed/, 'which say so');
ok(ArInbox::wait_until($node, states_of('unwritable'), 'failed 3', timeout => $patient), 'so does what cannot be written');
is(sql("SELECT DISTINCT reason FROM ar_inbox.chasing_steps WHERE company_id = $id{unwritable}"), 'it could not be made into a message: not here', 'with the reason');
# what was fired in advance, above, leaves at its moment, which is brought here
cmp_ok(sql("SELECT count(*) FROM ar_inbox.deliveries WHERE channel = 'email' AND state = 'queued' AND next_attempt_at > now() + interval '1 day'"), '>', 0, 'what was fired in advance waits for its moment');
sql("UPDATE ar_inbox.deliveries SET next_attempt_at = now() WHERE next_attempt_at > now() + interval '1 day'");
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE channel = 'email' AND state NOT IN ('accepted', 'cancelled')", 0, timeout => $patient), 'all that waited goes out');
my $expected = $mails + 6000 + 5 + 5;
is(sql("SELECT count(*), sum(attempts) FROM ar_inbox.deliveries WHERE channel = 'email' AND state = 'accepted'"), "$expected|$expected", 'each at its first attempt');
my %ids;
for my $message ($sink->messages)
{
	my ($id) = $message =~ /^Message-ID: <(.*)>/mi or next;
	$ids{$id}++;
}
is(scalar(keys %ids), $expected, 'the mail server has as many messages');
is(scalar(grep { $_ != 1 } values %ids), 0, 'each once');

ok(ArInbox::wait_for_log($node, qr/database "copy" was armed elsewhere; nothing is sent/, $offset, $patient), 'the copy has its worker');
is(sql('copy', "SELECT count(*) FROM ar_inbox.chasing_steps WHERE state = 'scheduled'"), 6011, 'which fires nothing');
is(sql('copy', 'SELECT count(*) FROM ar_inbox.delivery_attempts'), 0, 'and sends nothing');
sql('DROP DATABASE copy');

# --- locked by somebody ------------------------------------------------------

# Somebody has a company's mail account, and thinks about it.
sql(<<"SQL");
SELECT public.invoices($id{locked}, 'Locked', 300, $today - 31, $today - 2, '[{"trigger": "after_due", "days": 20, "hour": 0, "channels": ["email"]}]', $long_ago);
SELECT public.invoices($id{held}, 'Free', 1, $today - 31, $today - 2, '[{"trigger": "after_due", "days": 20, "hour": 0, "channels": ["email"]}]', $long_ago);
SQL
my $member = background('thinking', "SELECT a.id, pg_sleep(10) FROM (SELECT id FROM ar_inbox.mail_accounts WHERE company_id = $id{locked} FOR UPDATE) a");
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM pg_stat_activity WHERE application_name = 'thinking' AND wait_event = 'PgSleep'), 1, timeout => $patient), 'a mail account is locked');
my $began = time;
setting('clock_offset', 19 * 86400);
ok(ArInbox::wait_until($node, states_of('held'), 'sent 1', timeout => $prompt), "a company's reminders that nobody can write hold up no other's");
is(sql(states_of('locked')), 'scheduled 300', 'they are not lost');
cmp_ok(time - $began, '<', 9, 'all of that while it is locked');
ok(ArInbox::wait_until($node, states_of('locked'), 'sent 300', timeout => $patient), 'and go out when it is not');
waitpid $member, 0;
delete $process{$member};

# --- away for a while; holds that end by themselves --------------------------

setting('clock_offset', 0);
sql(<<"SQL");
SELECT public.invoices($id{away}, 'Away', 4, $today - 31, $today - 1, (SELECT jsonb_agg(jsonb_build_object('trigger', 'on_date', 'date', $today + 28 + n / 24, 'hour', n % 24, 'channels', '["email"]'::jsonb)) FROM unnest('{0,3,5,20,50,52}'::integer[]) n), now());
SELECT public.invoices($id{held}, 'Held', 3, $today - 31, $today - 1, '[{"trigger": "after_due", "days": 31, "hour": 1, "channels": ["email"]}]', now());
UPDATE ar_inbox.companies SET promise_grace_days = 1, max_sends_per_day = 100 WHERE id IN ($id{held}, $id{away});
SELECT ar_inbox.hold(id, kind => 'promise', until => $today + 20) FROM ar_inbox.invoices WHERE number = 'Held-1';
SELECT ar_inbox.hold(id, kind => 'dispute', reason => 'price', until => $today + 29) FROM ar_inbox.invoices WHERE number = 'Held-2';
SELECT ar_inbox.hold(id, kind => 'dispute', reason => 'price', until => $today + 30) FROM ar_inbox.invoices WHERE number = 'Held-3';
SQL
$node->stop('fast');
# it was away since before the first, and comes back on the 31st day at half past four
$node->append_conf('postgresql.auto.conf', sprintf "ar_inbox.clock_offset = '%d'\n", 30 * 86400 + 4.5 * 3600 - time % 86400);
$node->start;
ok(ArInbox::wait_until($node, states_of('away'), 'sent 16, skipped 8', timeout => $patient), 'after two days it catches up with what is at most 48 hours late');
is(sql("SELECT DISTINCT to_char(due_at, 'HH24'), s.reason FROM ar_inbox.chasing_steps s WHERE company_id = $id{away} AND state = 'skipped' ORDER BY 1"),
	"00|more than 48:00:00 late (catch_up_window)\n03|more than 48:00:00 late (catch_up_window)", 'the rest is skipped, with the reason');
is(sql("SELECT count(*) FROM (SELECT s.due_at < lag(s.due_at) OVER (ORDER BY d.id) AS wrong FROM ar_inbox.deliveries d JOIN ar_inbox.chasing_steps s ON s.id = d.chasing_step_id WHERE d.company_id = $id{away}) o WHERE wrong"), 0, 'the oldest first');
is(sql("SELECT count(*), count(DISTINCT chasing_step_id) FROM ar_inbox.deliveries WHERE company_id = $id{away}"), '16|16', 'each once');
is(sql("SELECT i.number, s.state, h.outcome FROM ar_inbox.holds h JOIN ar_inbox.invoices i ON i.id = h.invoice_id JOIN ar_inbox.chasing_steps s ON s.invoice_id = i.id WHERE h.company_id = $id{held} ORDER BY i.number"),
	"Held-1|sent|broken\nHeld-2|sent|over\nHeld-3|withheld|", 'holds end by themselves, the promise as broken; one that lasts until today withholds');

unlike(ArInbox::log_since($node, 0), qr/PANIC|terminated by signal/, 'nothing crashed by itself');
$node->stop;
done_testing();

END
{
	local ($?, $!);
	if ($$ == $owner)
	{
		kill 'KILL', keys %process;
		waitpid $_, 0 for keys %process;
	}
}
