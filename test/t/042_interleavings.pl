# What happens between two steps of a hand-off: a payment, a disarming, a lock,
# the worker's end, while a mail server of ours is silent at the one moment that
# counts.  And what else changes under a worker: its database restored in place,
# its mailbox replaced, its settings, a cancelled query.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use File::Temp ();
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use Sink;

# What must not wait gets so many seconds, on a machine that has other work;
# and a state that has to come in the end, so many.
my $prompt = 6;
my $patient = 40;

# --- a mail server that speaks when it may -----------------------------------

my %process;    # what END ends
my $owner = $$;

# hesitant: starts one.  It greets while the file "greet" is there, answers the
# end of data while "answer" is, and takes everything.  It writes a line for
# each thing it hears: connection, word, rest.  It ends with this process.
sub hesitant
{
	my (@file) = @_;

	my $folder = File::Temp->newdir('hesitant.XXXXXX', TMPDIR => 1);
	my $listener = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "socket: $!";
	my $self = { folder => $folder, url => 'smtp://127.0.0.1:' . $listener->sockport };
	allow($self, $_) for @file;
	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid} == 0)
	{
		$SIG{$_} = 'DEFAULT' for qw(HUP INT TERM);
		$SIG{PIPE} = 'IGNORE';
		eval { serve($listener, "$folder"); 1 } or warn $@;
		POSIX::_exit(0);
	}
	$process{ $self->{pid} } = 1;
	$listener->close;
	return $self;
}

sub allow
{
	my ($server, $what) = @_;

	open my $file, '>', "$server->{folder}/$what" or die "$what: $!";
	close $file;
	return;
}

sub forbid
{
	my ($server, $what) = @_;

	unlink "$server->{folder}/$what" or die "$what: $!";
	return;
}

sub serve
{
	my ($listener, $folder) = @_;

	open my $log, '>>', "$folder/heard" or die "heard: $!";
	$log->autoflush;
	my $select = IO::Select->new($listener);
	my %peer;
	my $count = 0;
	while (getppid == $owner)
	{
		for my $socket ($select->can_read(0.02))
		{
			if ($socket == $listener)
			{
				my $new = $listener->accept or next;
				$new->autoflush;
				$select->add($new);
				$peer{$new} = { socket => $new, number => ++$count, in => '' };
				print $log "$count connected\n";
				next;
			}
			my $peer = $peer{$socket};
			if (!sysread $socket, $peer->{in}, 65536, length $peer->{in})
			{
				print $log "$peer->{number} gone\n";
				$select->remove($socket);
				delete $peer{$socket};
				next;
			}
			while ($peer->{in} =~ s/^(.*?)\r?\n//)
			{
				my $line = $1;
				if ($peer->{data})
				{
					print $log "$peer->{number} line $line\n" if $line ne '.';
					next if $line ne '.';
					$peer->{data} = 0;
					$peer->{asked} = 1;
					print $log "$peer->{number} END\n";
					next;
				}
				my ($word, $rest) = $line =~ /^(\S+)\s*(.*)/ or next;
				$word = uc $word;
				print $log "$peer->{number} $word $rest\n";
				$peer->{data} = 1 if $word eq 'DATA';
				print $socket $word eq 'DATA' ? "354 go on\r\n" : $word eq 'QUIT' ? "221 bye\r\n" : "250 yes\r\n";
			}
		}
		for my $peer (values %peer)
		{
			if (!$peer->{greeted} && -e "$folder/greet")
			{
				$peer->{greeted} = 1;
				print { $peer->{socket} } "220 hesitant.test ESMTP\r\n";
			}
			if ($peer->{asked} && -e "$folder/answer")
			{
				$peer->{asked} = 0;
				print { $peer->{socket} } "250 2.0.0 taken as Q$peer->{number}\r\n";
			}
		}
	}
	return;
}

# heard: how many lines of what a server heard are like this; all, as a list.
sub heard
{
	my ($server, $pattern) = @_;

	open my $file, '<', "$server->{folder}/heard" or return;
	return grep { $_ =~ $pattern } <$file>;
}

sub wait_heard
{
	my ($server, $pattern, $count) = @_;

	my $deadline = time + $patient;
	while (1)
	{
		my $found = () = heard($server, $pattern);
		return 1 if $found >= $count;
		last if time > $deadline;
		sleep 0.02;
	}
	diag "not heard $count times: $pattern\n", heard($server, qr/./);
	return 0;
}

# What of a message would be on its way.
my $mail_words = qr/^\d+ (?:MAIL|RCPT|DATA|END|line)\b/;

# --- the database server -----------------------------------------------------

my $node = ArInbox::new_node('interleavings', databases => [qw(postgres restored mailbox)], conf => <<'END');
ar_inbox.restart_time = 1s
ar_inbox.connect_timeout = 300s
ar_inbox.reply_timeout = 300s
END

sub sql { return $node->safe_psql(@_ == 2 ? @_ : ('postgres', @_)) }

sub setting
{
	my ($name, $value) = @_;

	sql("ALTER SYSTEM SET ar_inbox.$name = '$value'");
	$node->reload;
	return;
}

# session: psql with a transaction of its own, which ends with us at the latest.
sub session
{
	my ($database, $name, @statement) = @_;

	local $ENV{PGAPPNAME} = $name;
	my $output = $node->basedir . "/$name.out";
	my $pid = open(my $psql, '|-') // die "fork: $!";
	if ($pid == 0)
	{
		open STDOUT, '>', $output;
		open STDERR, '>&', \*STDOUT;
		{ no warnings 'exec'; exec 'psql', '-X', '-q', '-v', 'VERBOSITY=verbose', '-h', $node->host, '-p', $node->port, '-d', $database; }
		POSIX::_exit(127);
	}
	$psql->autoflush;
	print $psql "$_;\n" for @statement;
	return { psql => $psql, name => $name, output => $output };
}

# is_open: whether it has come to the end of its statements, in a transaction.
sub is_open
{
	my ($session, $last) = @_;

	return ArInbox::wait_until($node, "SELECT state FROM pg_stat_activity WHERE application_name = '$session->{name}' AND query = \$last\$$last;\$last\$",
		'idle in transaction', timeout => $patient);
}

# end_session: with these statements; what it had to say.
sub end_session
{
	my ($session, @statement) = @_;

	my $psql = $session->{psql};
	print $psql "$_;\n" for @statement;
	close $psql;
	return PostgreSQL::Test::Utils::slurp_file($session->{output});
}

# company: one with a mail account at that URL, whose invoices are sent when
# they are issued.
sub company
{
	my ($database, $name, $url) = @_;

	sql($database, <<"SQL");
DO \$\$
DECLARE
	company bigint := ar_inbox.create_company('$name');
BEGIN
	PERFORM ar_inbox.set_mail_account(company, 'billing\@$name.test', '$url');
	PERFORM ar_inbox.create_cadence(company, 'Standard', '[{"trigger": "on_issue", "hour": 0, "channels": ["email"]}]', is_default => true);
	PERFORM ar_inbox.create_customer(company, 'Client', email => 'pay\@client.test');
END
\$\$
SQL
	return sql($database, "SELECT id FROM ar_inbox.companies WHERE name = '$name'");
}

# reminder: issues an invoice over 100, which is chased at once; its id.
sub reminder
{
	my ($company) = @_;

	my $invoice = sql("SELECT ar_inbox.create_invoice(id, '[{\"description\": \"Work\", \"unit_price\": 100}]') FROM ar_inbox.customers WHERE company_id = $company");
	sql("SELECT ar_inbox.issue_invoice($invoice)");
	return $invoice;
}

sub send_from
{
	my ($database, $company, $subject) = @_;

	return sql($database, "SELECT ar_inbox.send_email($company, '{pay\@client.test}', '$subject', 'Hello')");
}

# What there is to say of an invoice's reminder, and of a message.
sub of_invoice
{
	my ($invoice) = @_;
	return "SELECT d.state, d.attempts, d.crossed_with_payment, s.state FROM ar_inbox.deliveries d
		JOIN ar_inbox.chasing_steps s ON s.id = d.chasing_step_id WHERE d.invoice_id = $invoice";
}

sub of_email
{
	my ($email) = @_;
	return "SELECT state, attempts FROM ar_inbox.deliveries WHERE email_id = $email";
}

sub outcomes_of
{
	my ($invoice) = @_;
	return sql("SELECT string_agg(a.outcome, ',' ORDER BY a.attempt_number) FROM ar_inbox.delivery_attempts a
		JOIN ar_inbox.deliveries d ON d.company_id = a.company_id AND d.id = a.delivery_id WHERE d.invoice_id = $invoice");
}

my $worker = q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = 'postgres');

# new_worker: ends the worker; the process id of the next one.
sub new_worker
{
	my $old = sql($worker);
	sql("SELECT pg_terminate_backend($old)");
	ArInbox::wait_until($node, "$worker AND pid <> $old", qr/^\d+$/, timeout => $patient) or die 'no worker comes';
	return sql($worker);
}

# leaves: whether a message of the company goes out without delay.
sub leaves
{
	my ($company, $subject) = @_;

	return ArInbox::wait_until($node, of_email(send_from('postgres', $company, $subject)), 'accepted|1', timeout => $prompt);
}

my $sink = Sink->new;
my $other = company('postgres', 'other', $sink->url);
sql('SELECT ar_inbox.arm()');
ok(ArInbox::wait_until($node, $worker, qr/^\d+$/, timeout => $patient), 'there is a worker');
ok(leaves($other, 'First'), 'which sends');

# --- paid, or disarmed, while the server has not greeted ---------------------

my $late = hesitant('answer');
my $acme = company('postgres', 'acme', $late->{url});
my $paid = reminder($acme);
ok(ArInbox::wait_until($node, of_invoice($paid), 'handing_off|1|f|sending', timeout => $patient), 'a reminder is claimed');
ok(wait_heard($late, qr/ connected$/, 1), 'its connection is open');
sql("SELECT ar_inbox.record_payment($paid, 100)");
is(sql("SELECT status FROM ar_inbox.invoices WHERE id = $paid"), 'paid', 'the invoice is paid before the server has greeted');
allow($late, 'greet');
ok(ArInbox::wait_until($node, of_invoice($paid), 'cancelled|1|f|cancelled', timeout => $patient),
	'then it greets: delivery and step are cancelled, and nothing has crossed');
is(outcomes_of($paid), 'not_sent', 'the attempt says that nothing was sent');
is(sql("SELECT r.state FROM ar_inbox.email_recipients r JOIN ar_inbox.deliveries d ON d.company_id = r.company_id AND d.email_id = r.email_id WHERE d.invoice_id = $paid"),
	'cancelled', 'so does the recipient');
ok(wait_heard($late, qr/^1 gone$/, 1), 'the connection is given back');
cmp_ok(scalar(() = heard($late, qr/^1 EHLO/)), '>=', 1, 'it had come as far as EHLO');
is(join('', heard($late, $mail_words)), '', 'and no word of the reminder went over it');

forbid($late, 'greet');
my $before = () = heard($late, qr/ connected$/);
my $waits = reminder($acme);
my $letter = send_from('postgres', $acme, 'By hand');
ok(ArInbox::wait_until($node, of_invoice($waits), 'handing_off|1|f|sending', timeout => $patient), 'another reminder is claimed');
ok(ArInbox::wait_until($node, of_email($letter), 'handing_off|1', timeout => $patient), 'and a letter');
ok(wait_heard($late, qr/ connected$/, $before + 2), 'their connections are open');
sql('SELECT ar_inbox.disarm()');
allow($late, 'greet');
ok(ArInbox::wait_until($node, of_invoice($waits), qr/^(?:deferred|queued)\|1\|f\|sending$/, timeout => $patient),
	'disarmed before the server greets: the reminder waits');
ok(ArInbox::wait_until($node, of_email($letter), qr/^(?:deferred|queued)\|1$/, timeout => $patient), 'the letter, too');
ok(wait_heard($late, qr/ gone$/, $before + 2), 'the connections are given back');
is(join('', heard($late, $mail_words)), '', 'and no word of them went over these');
sql('SELECT ar_inbox.arm()');
setting('clock_offset', 120);    # past the pause before a second attempt
ok(ArInbox::wait_until($node, of_invoice($waits), 'accepted|2|f|sent', timeout => $patient), 'armed again, the reminder goes out');
ok(ArInbox::wait_until($node, of_email($letter), 'accepted|2', timeout => $patient), 'and the letter');
setting('clock_offset', 0);
is(scalar(() = heard($late, qr/ END$/)), 2, 'each once');
is(outcomes_of($waits), 'not_sent,accepted', 'the ledger says so');

# --- a payment, not yet committed, while the reminder is in flight -----------

my $mute = hesitant('greet');
my $slow = company('postgres', 'slow', $mute->{url});
my $crossing = reminder($slow);
ok(wait_heard($mute, qr/ END$/, 1), 'a reminder is with a server that does not answer the end of data');
my $payment = "SELECT ar_inbox.record_payment($crossing, 100)";
my $payer = session('postgres', 'payer', 'BEGIN', $payment);
ok(is_open($payer, $payment), 'its invoice is being paid');
allow($mute, 'answer');
ok( ArInbox::wait_until($node, q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = 'postgres' AND wait_event_type = 'Lock'), 1, timeout => $patient),
	'the server answers, which cannot be recorded yet');
ok(leaves($other, "Beside a payment, $_"), "another company's mail leaves meanwhile ($_)") for 1 .. 3;
is(sql(of_invoice($crossing)), 'handing_off|1|f|sending', 'the payment still holds the reminder');
end_session($payer, 'COMMIT');
ok(ArInbox::wait_until($node, of_invoice($crossing), 'accepted|1|t|sent', timeout => $patient),
	'after its commit the reminder is recorded: accepted, and crossed with the payment');
is(sql("SELECT status FROM ar_inbox.invoices WHERE id = $crossing"), 'paid', 'the payment was not the one to give way');
is(scalar(() = heard($mute, qr/ END$/)), 1, 'it went out once');

# --- what a worker left in flight is held when the next one starts -----------

forbid($mute, 'answer');
my $interrupted = reminder($slow);
ok(wait_heard($mute, qr/ END$/, 2), 'a reminder is with the server that does not answer');
is(sql(of_invoice($interrupted)), 'handing_off|1|f|sending', 'it is being handed off');
my $lock = "SELECT state FROM ar_inbox.chasing_steps WHERE invoice_id = $interrupted FOR UPDATE";
my $holder = session('postgres', 'holder', 'BEGIN', $lock);
ok(is_open($holder, $lock), 'somebody holds its step');
new_worker();
ok(leaves($other, "Beside a lock, $_"), "the next worker sends another company's mail all the same ($_)") for 1 .. 3;
is(sql(of_invoice($interrupted)), 'handing_off|1|f|sending', 'what is held is as it was');
is(scalar(() = heard($mute, qr/ END$/)), 2, 'and was not handed off again');
end_session($holder, 'ROLLBACK');
ok(wait_heard($mute, qr/ END$/, 3), 'when the lock is gone it is handed off again');
like(outcomes_of($interrupted), qr/^unknown\b/, 'its first attempt is in doubt');
allow($mute, 'answer');
ok(ArInbox::wait_until($node, of_invoice($interrupted), 'accepted|2|f|sent', timeout => $patient), 'it is accepted in the end');
is(outcomes_of($interrupted), 'unknown,accepted', 'by its second attempt');
my @id = map { /<(.*)>/ ? $1 : () } heard($mute, qr/^\d+ line Message-ID:/i);
is(scalar @id, 3, 'three messages have come to that server');
is($id[2], $id[1], 'the last two under one Message-ID');
is($id[1], sql("SELECT message_id FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.company_id = e.company_id AND d.email_id = e.id WHERE d.invoice_id = $interrupted"),
	'the one that the ledger has');

# --- a database restored in place --------------------------------------------

setting('databases', 'postgres');
my $there = q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = 'restored');
ok(ArInbox::wait_until($node, $there, 0, timeout => $patient), 'a database has no worker');
my $kept = Sink->new;
my $copied = company('restored', 'copied', $kept->url);
sql('restored', 'SELECT ar_inbox.arm()');
my $queued = send_from('restored', $copied, 'Waits');
is(sql('restored', 'SELECT ar_inbox_internal.is_armed()'), 't', 'it is armed');
is(sql('restored', of_email($queued)), 'queued|0', 'and mail waits in it');
my $dump = $node->basedir . '/restored.dump';
my @where = ('--host', $node->host, '--port', $node->port);
is(system('pg_dump', @where, '-Fc', "--file=$dump", 'restored'), 0, 'it is dumped');
is(system('pg_restore', @where, '--clean', '--if-exists', '--exit-on-error', '--dbname=restored', $dump), 0, 'and restored in place');
is(sql('restored', of_email($queued)), 'queued|0', 'what waited waits');
is(sql('restored', 'SELECT count(*) FROM ar_inbox.armed'), 1, 'the row that armed it is there');
is(sql('restored', 'SELECT ar_inbox_internal.is_armed()'), 'f', 'but it is not armed');
my $offset = ArInbox::log_offset($node);
setting('databases', '');
ok(ArInbox::wait_until($node, $there, 1, timeout => $patient), 'it has a worker');
ok(ArInbox::wait_for_log($node, qr/database "restored" was armed elsewhere/, $offset, $patient), 'which says that it sends nothing');
my $woken = send_from('restored', $copied, 'Wakes it');
is(sql('restored', 'SELECT count(*) FROM ar_inbox.delivery_attempts'), 0, 'nothing was tried');
is(scalar(() = $kept->messages), 0, 'and nothing has come');
sql('restored', 'SELECT ar_inbox.arm()');
ok(ArInbox::wait_until($node, of_email($_), 'accepted|1', timeout => $patient, database => 'restored'), 'armed here, it sends') for $queued, $woken;
is(scalar(() = $kept->messages), 2, 'each message once');

# --- another mailbox under the same address ----------------------------------

# No worker reads it, as this database is not armed.
sql('mailbox', q(SELECT ar_inbox.create_company('reader')));
my $reader = sql('mailbox', 'SELECT id FROM ar_inbox.companies');

# reads: the account that is read there; what the worker knows of it.
sub reads
{
	my ($host, $username, $folder, $password) = @_;

	sql('mailbox', "SELECT ar_inbox.set_mail_account($reader, 'billing\@reader.test', 'smtp://localhost:25', '$username', '$password',
		imap_url => 'imap://$host', mailbox => '$folder')");
	return sql('mailbox', 'SET SESSION AUTHORIZATION ar_inbox_worker; SELECT uid_validity, last_uid FROM ar_inbox_internal.accounts_to_poll(now())');
}

# fetched: a message as the worker stores it; how many there are then.
sub fetched
{
	my ($folder, $uid, $subject) = @_;

	my $message = defined $subject
	  ? "convert_to(replace('From: Jo <jo\@client.test>\nTo: billing\@reader.test\nSubject: $subject\nMessage-ID: <$subject\@client.test>\n\nHello\n', E'\\n', E'\\r\\n'), 'UTF8')"
	  : 'NULL';
	my $note = defined $subject ? 'NULL' : "'too large'";
	sql('mailbox', "SET SESSION AUTHORIZATION ar_inbox_worker;
		SELECT ar_inbox_internal.store_fetched(a.id, a.company_id, '$folder', 7, $uid, 100, $message, $note) FROM ar_inbox.mail_accounts a");
	return sql('mailbox', q(SELECT (SELECT count(*) FROM ar_inbox.emails), (SELECT count(*) FROM ar_inbox.inbound_messages), (SELECT last_uid FROM ar_inbox.mail_accounts)));
}

is(reads('localhost:1143', 'one', 'INBOX', 'a'), '0|0', 'a new mailbox is read from its beginning');
is(fetched('INBOX', 4, 'first'), '1|1|4', 'a message is taken');
is(fetched('INBOX', 5), '1|2|5', 'and one that is too large noted');
is(reads('localhost:1143', 'one', 'INBOX', 'b'), '7|5', 'another password: the mailbox is read on from there');
my $seen = 1;
for my $case ([ 'another server', 'localhost:2143', 'one', 'INBOX' ], [ 'another user', 'localhost:2143', 'two', 'INBOX' ],
	[ 'another folder', 'localhost:2143', 'two', 'Other' ])
{
	my ($name, $host, $username, $folder) = @$case;
	is(reads($host, $username, $folder, 'a'), '0|0', "$name: read from the beginning");
	$seen++;
	is(fetched($folder, 4, "number$seen"), join('|', $seen, 2 * $seen - 1, 4), "$name: the same UID under the same UIDVALIDITY is a message of its own");
	is(fetched($folder, 5), join('|', $seen, 2 * $seen, 5), "$name: so is one that is too large");
}
is(sql('mailbox', q(SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) AS n FROM ar_inbox.inbound_messages GROUP BY state) s)),
	'filed 4, quarantine 4', 'all of them are in the inbox, but those too large');

# --- an address belongs to one company ---------------------------------------

sub refused
{
	my ($database, $statement, $code) = @_;

	my ($status, $out, $error) = $node->psql($database, "\\set VERBOSITY verbose\n$statement");
	return ok($status != 0 && $error =~ /ERROR:  $code:/, $statement) || diag "$status, $error";
}

my $rival = sql('mailbox', q(SELECT ar_inbox.create_company('rival')));
sql('mailbox', "SELECT ar_inbox.set_mail_account($reader, 'billing\@reader.test', 'smtp://localhost:25', inbox_address => 'inbox\@reader.test')");
refused('mailbox', "SELECT ar_inbox.set_mail_account($rival, '$_', 'smtp://localhost:25')", 23505)
  for 'billing@reader.test', 'inbox@reader.test', 'billing@READER.test', 'billing+more@reader.test';
refused('mailbox', "SELECT ar_inbox.set_mail_account($rival, 'billing\@rival.test', 'smtp://localhost:25', inbox_address => '$_')", 23505)
  for 'billing@reader.test', 'inbox@reader.test';
is(sql('mailbox', "SELECT count(*) FROM ar_inbox.mail_accounts WHERE company_id = $rival"), 0, 'it has none of them');
sql('mailbox', "SELECT ar_inbox.set_mail_account($rival, 'billing\@rival.test', 'smtp://localhost:25')");
is(sql('mailbox', "SELECT from_address FROM ar_inbox.mail_accounts WHERE company_id = $rival"), 'billing@rival.test', 'but one of its own');

# Both at once: the second waits for the first, and is refused.
my $take = "SELECT ar_inbox.set_mail_account(%d, 'both\@reader.test', 'smtp://localhost:25')";
my $first = session('mailbox', 'first', 'BEGIN', sprintf $take, $reader);
ok(is_open($first, sprintf $take, $reader), 'one company takes an address');
my $second = session('mailbox', 'second', sprintf $take, $rival);
ok(ArInbox::wait_until($node, q(SELECT wait_event_type FROM pg_stat_activity WHERE application_name = 'second'), 'Lock', timeout => $patient),
	'another one, which wants it too, waits');
end_session($first, 'COMMIT');
like(end_session($second), qr/ERROR:  23505:/, 'and is refused');
is(sql('mailbox', q(SELECT string_agg(company_id::text, ',') FROM ar_inbox.mail_accounts WHERE from_address = 'both@reader.test')), $reader,
	'the address is the first one\'s');

# --- a cancelled query, a setting of the database ----------------------------

ok(ArInbox::wait_until($node, "$worker AND state = 'idle'", qr/^\d+$/, timeout => $patient), 'the worker is idle');
my $pid = sql($worker);
$offset = ArInbox::log_offset($node);
for my $time (1 .. 3)
{
	is(sql("SELECT pg_cancel_backend($pid)"), 't', "pg_cancel_backend ($time)");
	ok(leaves($other, "Not cancelled, $time"), 'mail leaves after it');
}
is(sql($worker), $pid, 'by the same process');
unlike(ArInbox::log_since($node, $offset), qr/FATAL|ar_inbox worker.*exit/, 'which has not ended');

sql('ALTER DATABASE postgres SET row_security = off');
$offset = ArInbox::log_offset($node);
isnt(new_worker(), $pid, 'a new worker, where row_security is off');
ok(leaves($other, 'Row security'), 'sends as before');
my $fired = reminder($other);
ok(ArInbox::wait_until($node, of_invoice($fired), 'accepted|1|f|sent', timeout => $patient), 'and fires');
unlike(ArInbox::log_since($node, $offset), qr/ERROR:  .*row-level security/, 'no policy was in its way');

unlike(ArInbox::log_since($node, 0), qr/(?:PANIC|terminated by signal|server process .* exited)/, 'nothing crashed');
$node->stop;
done_testing();

END
{
	local ($?, $!);
	if ($$ == $owner)
	{
		for my $server (keys %process)
		{
			kill 'KILL', $server;
			waitpid $server, 0;
		}
	}
}
