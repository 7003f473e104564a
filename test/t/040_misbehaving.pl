# Mail servers that misbehave: each way of refusing, hanging up or being slow
# leaves the right state in the ledger, and nobody else's mail waits for it.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use MailHost;
use Sink;

my $node = ArInbox::new_node('misbehaving', conf => <<'END');
ar_inbox.connect_timeout = 3s
ar_inbox.reply_timeout = 4s
ar_inbox.poll_interval = 1s
END
$node->safe_psql('postgres', 'SELECT ar_inbox.arm()');

# company: one of its own, with a mail account at that URL; gives its id.
sub company
{
	my ($name, $url, $more) = @_;

	my $id = $node->safe_psql('postgres', "SELECT ar_inbox.create_company('$name')");
	$node->safe_psql('postgres',
		"SELECT ar_inbox.set_mail_account($id, 'billing\@$name.test', '$url'" . ($more ? ", $more" : '') . ')');
	return $id;
}

# send: a message of the company to these addresses.
sub send_from
{
	my ($company, @to) = @_;

	@to = ('pay@client.test') if !@to;
	return $node->safe_psql('postgres',
		"SELECT ar_inbox.send_email($company, array[" . join(', ', map { "'$_'" } @to) . "]::ar_inbox.email_address[], 'Hello', 'Hello')");
}

sub clock_offset
{
	my ($seconds) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET ar_inbox.clock_offset = $seconds");
	$node->reload;
}

my $state = 'SELECT concat_ws(\' \', state, code, attempts, CASE WHEN next_attempt_at IS NULL THEN \'done\' ELSE \'again\' END)'
  . ' FROM ar_inbox.deliveries WHERE company_id = ';

# What each kind of server does, and what has to be in the ledger then: the
# delivery's state, code, attempts, whether it is tried again; the attempt.
my @case = (
	[ 'mail soft', [ '-r', 'MAIL' ], 'deferred 450 1 again', 'deferred' ],
	[ 'mail hard', [ '-f', 'MAIL' ], 'rejected 500 1 done', 'rejected' ],
	[ 'rcpt soft', [ '-r', 'RCPT' ], 'deferred 450 1 again', 'deferred' ],
	[ 'rcpt hard', [ '-f', 'RCPT' ], 'rejected 500 1 done', 'rejected' ],
	[ 'data soft', [ '-r', 'DATA' ], 'deferred 450 1 again', 'deferred' ],
	[ 'data hard', [ '-f', 'DATA' ], 'rejected 500 1 done', 'rejected' ],
	[ 'end soft', [ '-r', '.' ], 'deferred 450 1 again', 'deferred' ],
	[ 'end hard', [ '-f', '.' ], 'rejected 500 1 done', 'rejected' ],
	[ 'full', [ '-r', 'RCPT', '-b', '452 4.2.2 Mailbox full' ], 'deferred 452 1 again', 'deferred' ],
	[ 'unknown person', [ '-f', 'RCPT', '-B', '550 5.1.1 No such person' ], 'rejected 550 1 done', 'rejected' ],
	[ 'hang up at mail', [ '-p', '-q', 'MAIL' ], 'deferred 1 again', 'deferred' ],
	[ 'hang up at rcpt', [ '-p', '-q', 'RCPT' ], 'deferred 1 again', 'deferred' ],
	[ 'hang up at end', [ '-q', '.' ], 'unknown 1 again', 'unknown' ],
	[ 'closing at mail', [ '-Q', 'MAIL' ], 'deferred 421 1 again', 'deferred' ],
	[ 'silent at end', [ '-W', '.:60' ], 'unknown 1 again', 'unknown' ],
	[ 'slow', [ '-w', '2' ], 'accepted 250 1 done', 'accepted' ]);

my %sink;
my %company;
for my $case (@case)
{
	my ($name, $option) = @$case;
	$sink{$name} = Sink->new(@$option);
	(my $word = $name) =~ tr/ /-/;
	$company{$name} = company($word, $sink{$name}->url);
}
my $good = Sink->new;
my $other = company('other', $good->url);

# Only a real server tells recipients apart.
my $host = MailHost->new;
$host->add_user('pay@client.test', 'pay');
$host->add_user('billing@real.test', 'open sesame');
$host->add_user('billing@login.test', 'open sesame');
$host->refuse('gone@client.test', '550 5.1.1 No such person here');
$host->refuse('busy@client.test', '450 4.2.0 Mailbox busy');
$host->start;
my $plain = sprintf 'smtp://127.0.0.1:%d', $host->smtp_port;

# All of them at once; then the other company, whose mail has to go at once.
$node->safe_psql('postgres', join ';', map {
	"SELECT ar_inbox.send_email($_, '{pay\@client.test}', 'Hello', 'Hello')" } values %company);
my $began = time;
send_from($other);
ok(ArInbox::wait_until($node, $state . $other, 'accepted 250 1 done', timeout => 10), 'another company\'s mail goes out');
my $took = time - $began;
cmp_ok($took, '<', 1.9, 'before the slow server has answered');

# Put off for one of two.  While the other cases run, the worker's connection
# to this server ends, and with it what Postfix remembers of its answers.
my $half = company('half', $plain);
send_from($half, 'pay@client.test', 'busy@client.test');
ok(ArInbox::wait_until($node, $state . $half, qr/^deferred .*again/), 'put off for one of two: tried again');
$host->accept('busy@client.test');
$host->add_user('busy@client.test', 'busy');

for my $case (@case)
{
	my ($name, $option, $expected, $outcome) = @$case;
	my $id = $company{$name};
	ok(ArInbox::wait_until($node, $state . $id, $expected, timeout => 20), "$name: $expected");
	is($node->safe_psql('postgres', "SELECT string_agg(outcome, ',' ORDER BY attempt_number) FROM ar_inbox.delivery_attempts WHERE company_id = $id"),
		$outcome, "$name: the attempt's outcome is $outcome");
}
like($node->safe_psql('postgres', "SELECT reason FROM ar_inbox.deliveries WHERE company_id = $company{'unknown person'}"),
	qr/pay\@client\.test.*No such person/, 'a refusal names the address and what the server said');
# Only who was refused by name, and does not exist, is written to no more.
is($node->safe_psql('postgres', "SELECT string_agg(concat_ws(' ', company_id, address, reason, detail), ', ') FROM ar_inbox.suppressions"),
	"$company{'unknown person'} pay\@client.test bounce 550 5.1.1 No such person", 'whom the server does not know is suppressed, and nobody else');
is($node->safe_psql('postgres', "SELECT string_agg(t.status::text, ' ') FROM ar_inbox.threads t WHERE t.company_id IN ($company{'unknown person'}, $company{'mail hard'}, $company{'end hard'})"),
	'open open open', 'what was refused is in Open');
is($node->safe_psql('postgres', "SELECT t.status FROM ar_inbox.threads t WHERE t.company_id = $other"), 'closed', 'what was not is not');
like($node->safe_psql('postgres', "SELECT reason FROM ar_inbox.deliveries WHERE company_id = $company{'hang up at end'}"),
	qr/in doubt/, 'a message whose end was not answered is in doubt');
is($node->safe_psql('postgres', "SELECT count(*) FROM ar_inbox.mail_accounts WHERE company_id IN ($other, $company{slow}) AND send_error IS NOT NULL"),
	0, 'accounts that work have no error');

# Refused for one of two: through for the other, with the reason kept.
my $real = company('real', $plain);
send_from($real, 'pay@client.test', 'gone@client.test');
ok(ArInbox::wait_until($node, $state . $real, 'accepted 250 1 done'), 'refused for one of two: accepted');
is($node->safe_psql('postgres', "SELECT string_agg(address || ' ' || state, ', ' ORDER BY position) FROM ar_inbox.email_recipients WHERE company_id = $real"),
	'pay@client.test accepted, gone@client.test rejected', 'each recipient has its own state');
like($node->safe_psql('postgres', "SELECT reason FROM ar_inbox.deliveries WHERE company_id = $real"),
	qr/gone\@client\.test.*No such person here/, 'and the reason names who was refused');
my ($mail) = $host->wait_for('pay@client.test', 1);
like($mail, qr/^Subject: Hello$/m, 'the message is in the mailbox of the one who was not');

my $before = scalar $host->messages('pay@client.test');

# Two minutes later by the worker's clock, everything that was put off is tried
# again; the servers that now behave take it.
for my $name (grep { $_ !~ /hard|unknown|slow/ } keys %sink)
{
	$sink{$name}->stop->start;
}
clock_offset(120);
for my $case (grep { $_->[2] =~ /again/ } @case)
{
	my ($name) = @$case;
	ok(ArInbox::wait_until($node, $state . $company{$name}, 'accepted 250 2 done', timeout => 20), "$name: accepted the second time");
}
ok(ArInbox::wait_until($node, $state . $half, 'accepted 250 2 done'), 'put off for one of two: through in the end');
is(scalar(() = $host->wait_for('busy@client.test', 1)), 1, 'it reached the one who was busy');
is(scalar(() = $host->messages('pay@client.test')), $before, 'and not again the one who had it');
my %seen = map { /^Message-ID:\s*<([^>]*)>/mi ? ($1 => 1) : () } $sink{'hang up at end'}->messages;
is(join(' ', keys %seen), $node->safe_psql('postgres', "SELECT message_id FROM ar_inbox.emails WHERE company_id = $company{'hang up at end'}"),
	'a message in doubt went out again under its own Message-ID');

# A server that is down: the mail waits, the account says why; then it goes.
my $down = Sink->reserve;
my $waiting = company('down', $down->url);
send_from($waiting) for 1 .. 3;
ok( ArInbox::wait_until($node, "SELECT send_failures > 0 AND send_retry_at IS NOT NULL AND send_error <> '' FROM ar_inbox.mail_accounts WHERE company_id = $waiting", 't'),
	'a server that is down is written down in mail_accounts');
is($node->safe_psql('postgres', "SELECT count(*) FROM ar_inbox.deliveries WHERE company_id = $waiting AND state IN ('queued', 'deferred')"),
	3, 'and its mail waits');
is($node->safe_psql('postgres', "SELECT count(*) FROM ar_inbox.delivery_attempts WHERE company_id = $waiting AND outcome <> 'not_sent'"),
	0, 'as not sent');
$down->start;
clock_offset(600);
ok( ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE company_id = $waiting AND state = 'accepted'", 3, timeout => 20),
	'when it is up again, its mail goes out');
is(scalar(() = $down->messages), 3, 'each message once');
is($node->safe_psql('postgres', "SELECT send_failures, send_error IS NULL, send_retry_at IS NULL FROM ar_inbox.mail_accounts WHERE company_id = $waiting"),
	'0|t|t', 'and the account has no error any more');

# A login that is refused, for sending and for reading; then the right one.
$node->append_conf('postgresql.conf', sprintf "ar_inbox.tls_ca_file = '%s'\n", $host->ca_file);
$node->reload;
my $login = $node->safe_psql('postgres', "SELECT ar_inbox.create_company('login')");
my $account = sub {
	my ($password) = @_;
	$node->safe_psql('postgres', sprintf(
			"SELECT ar_inbox.set_mail_account($login, 'billing\@login.test', 'smtp://localhost:%d?starttls=always', 'billing\@login.test', '%s', imap_url => 'imaps://localhost:%d')",
			$host->submission_port, $password, $host->imaps_port));
};
$account->('wrong');
send_from($login);
ok( ArInbox::wait_until($node, "SELECT send_error FROM ar_inbox.mail_accounts WHERE company_id = $login", qr/login|auth|535/i),
	'a refused login is in send_error');
ok( ArInbox::wait_until($node, "SELECT poll_error FROM ar_inbox.mail_accounts WHERE company_id = $login", qr/login|auth/i),
	'and in poll_error');
unlike($node->safe_psql('postgres', "SELECT send_error || poll_error FROM ar_inbox.mail_accounts WHERE company_id = $login"),
	qr/wrong/, 'without the password');
$account->('open sesame');
ok(ArInbox::wait_until($node, $state . $login, qr/^accepted/), 'with the right password the mail goes out');
ok( ArInbox::wait_until($node, "SELECT send_error IS NULL AND poll_error IS NULL AND last_polled_at IS NOT NULL FROM ar_inbox.mail_accounts WHERE company_id = $login", 't'),
	'and the errors are gone');

# One that never takes it is given up when the company's limit is over.
my $never = Sink->new('-r', 'RCPT');
my $patient = company('patient', $never->url);
send_from($patient);
ok(ArInbox::wait_until($node, $state . $patient, qr/^deferred 450 1/), 'put off');
clock_offset(90000);
ok(ArInbox::wait_until($node, $state . $patient, qr/^rejected 450 2 done/), 'given up after its day');
like($node->safe_psql('postgres', "SELECT reason FROM ar_inbox.deliveries WHERE company_id = $patient"),
	qr/given up after 2 attempts/, 'with the reason');

unlike(ArInbox::log_since($node, 0), qr/(?:PANIC|terminated by signal|server process .* exited)/, 'nothing crashed');
$host->stop;
$node->stop;
done_testing();
