# The whole server is killed, again and again, while it hands 500 messages to
# Postfix: in the end each has arrived, and one that arrived twice is the same
# message, of which the ledger says that it was in doubt.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use MailHost;

my $messages = 500;
my $kills = 5;

my $host = MailHost->new;
$host->add_user('pay@client.test', 'pay');
$host->start;

my $node = ArInbox::new_node('crash', conf => "ar_inbox.restart_time = 1s\n");
my $url = sprintf 'smtp://127.0.0.1:%d', $host->smtp_port;
$node->safe_psql('postgres', <<"END");
SELECT ar_inbox.create_company('Acme');
SELECT ar_inbox.set_mail_account(id, 'billing\@acme.test', '$url') FROM ar_inbox.companies;
SELECT count(ar_inbox.send_email(id, '{pay\@client.test}', 'Number ' || n, 'This is number ' || n))
FROM ar_inbox.companies, generate_series(1, $messages) n;
END

# kill_everything: SIGKILL for the postmaster and all of its processes.
sub kill_everything
{
	my ($postmaster) = split /\n/, PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid');
	# stopped, they start nothing new while they are looked for
	kill 'STOP', $postmaster;
	my @process = ($postmaster);
	for my $path (glob '/proc/[0-9]*/stat')
	{
		open my $file, '<', $path or next;
		my ($pid, $parent) = (<$file> // '') =~ /^(\d+) \(.*\) \S (\d+) /s or next;
		push @process, $pid if $parent == $postmaster;
	}
	kill 'KILL', @process;
	$node->kill9;

	# The next server does not start while one of them is left.
	my $deadline = time + 20;
	sleep 0.02 while time < $deadline && grep { kill 0, $_ } @process;
	return scalar @process;
}

my $accepted = q(SELECT count(*) FROM ar_inbox.deliveries WHERE state = 'accepted');
$node->safe_psql('postgres', 'SELECT ar_inbox.arm()');
for my $kill (1 .. $kills)
{
	# Each time a little further: then the hand-off is in full swing.
	my $goal = $kill * $messages / ($kills + 4);
	my $deadline = time + 30;
	my $done = 0;
	while ($done < $goal && time < $deadline)
	{
		sleep 0.01;
		$done = $node->safe_psql('postgres', $accepted);
	}
	cmp_ok(kill_everything(), '>', 3, "kill $kill: the whole server, after $done messages");
	cmp_ok($done, '>=', $goal, 'the work had gone on');
	$node->start;
	cmp_ok($node->safe_psql('postgres', $accepted), '<', $messages, 'and was not done');
}
ok(ArInbox::wait_until($node, $accepted, $messages, timeout => 60), 'all deliveries are accepted in the end')
  or diag $node->safe_psql('postgres', 'SELECT state, count(*), min(reason) FROM ar_inbox.deliveries GROUP BY state');

# Postfix is behind with what it accepted, and some of that comes twice: what is
# waited for is that each number has come and nothing is on its way any more, not
# that there are so many messages.
my (%copies, %id);
my $deadline = time + 60;
while (1)
{
	my $under_way = $host->queued;
	%copies = %id = ();
	for ($host->messages('pay@client.test'))
	{
		my ($number) = /^Subject: Number (\d+)$/m or next;
		my ($id) = /^Message-ID: <(.*)>$/mi or next;
		$copies{$number}++;
		$id{$number}{$id} = 1;
	}
	last if !$under_way && keys %copies >= $messages || time > $deadline;
	sleep 0.2;
}
is(scalar(keys %copies), $messages, 'each message has arrived');
is(scalar(grep { keys %{ $id{$_} } != 1 } keys %id), 0, 'under one Message-ID, however often it came');

my %held = map { split /\|/ } split /\n/, $node->safe_psql('postgres', "SELECT substr(subject, 8), message_id FROM ar_inbox.emails");
is(scalar(grep { !$id{$_}{ $held{$_} // '' } } keys %held), 0, 'which is the one the ledger has');

my %doubt = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', <<'END');
SELECT DISTINCT substr(e.subject, 8)
FROM ar_inbox.delivery_attempts a
JOIN ar_inbox.deliveries d ON d.company_id = a.company_id AND d.id = a.delivery_id
JOIN ar_inbox.emails e ON e.company_id = d.company_id AND e.id = d.email_id
WHERE a.outcome = 'unknown'
END
my @doubled = grep { $copies{$_} > 1 } keys %copies;
is(scalar(grep { !$doubt{$_} } @doubled), 0, 'what came twice had been in doubt');
cmp_ok(scalar(keys %doubt), '>=', 1, 'something was in flight when the server was killed');
cmp_ok(scalar(keys %doubt), '<=', 4 * $kills, 'and no more than there were connections');
is($node->safe_psql('postgres', 'SELECT count(*) FROM ar_inbox.delivery_attempts WHERE outcome IS NULL'), 0, 'every attempt has its outcome');
is($node->safe_psql('postgres', <<'END'), 0, 'and every delivery as many attempts as the ledger counts');
SELECT count(*) FROM ar_inbox.deliveries d
WHERE attempts <> (SELECT count(*) FROM ar_inbox.delivery_attempts a WHERE a.company_id = d.company_id AND a.delivery_id = d.id)
END
note sprintf '%d in doubt, %d came more than once', scalar(keys %doubt), scalar @doubled;

$host->stop;
$node->stop;
done_testing();
