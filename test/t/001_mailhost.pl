# Proves the private mail host that the other tests and the demo lean on: mail
# gets in with TLS and login and out by IMAP, what should be refused is, and
# nothing of it is left when it stops or when its owner dies.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use MailHost;

my $folder = File::Temp->newdir(TMPDIR => 1);
chmod 0755, $folder;
my $host = MailHost->new("$folder/host");
$host->add_user('billing@acme.test', 'open sesame');
$host->add_user('pay@client.test', 'pay');
$host->refuse('gone@client.test', '550 5.1.1 No such person here');
$host->refuse('busy@client.test', '450 4.2.0 Mailbox busy, come back');
$host->start;

my @login = ('--auth', 'PLAIN', '--auth-user', 'billing@acme.test', '--auth-password', 'open sesame');
my @verify = ('--tls-verify', '--tls-ca-path', $host->ca_file);
my @envelope = ('--from', 'billing@acme.test', '--helo', 'client.example');

# curl: reads by IMAP; verified TLS, as a mail program would.
sub curl
{
	my @argument = @_;

	open my $output, '-|', 'curl', '--silent', '--show-error', '--stderr', '-', '--max-time', 20, '--cacert', $host->ca_file,
	  @argument or die "curl: $!";
	my $said = do { local $/; <$output> } // '';
	close $output;
	return ($? >> 8, $said);
}

my ($code, $said);

# Submission, and what became of it
($code, $said) = $host->swaks('submission', @login, @verify, @envelope,
	'--to', 'pay@client.test', '--header', 'Subject: Invoice 7', '--body', "First line\n.\n.dotted");
is($code, 0, 'submission with STARTTLS and login is taken') or diag $said;
like($said, qr/^ ?<~[* ] +235 /m, 'the login was asked for and accepted');
my ($mail) = $host->wait_for('pay@client.test', 1);
like($mail, qr/^Subject: Invoice 7$/m, 'the message arrives by LMTP');
like($mail, qr/^First line\n\.\n\.dotted$/m, 'its leading dots are those it had');
like($mail, qr/with LMTP/, 'and it says that it came by LMTP');

($code, $said) = $host->swaks('smtps', @login, @envelope, '--to', 'pay@client.test', '--header', 'Subject: Invoice 8');
is($code, 0, 'submission over TLS from the start is taken') or diag $said;
is(scalar($host->wait_for('pay@client.test', 2)), 2, 'and arrives');

# Reading it
($code, $said) = curl('--user', 'pay@client.test:pay', sprintf 'imaps://localhost:%d/INBOX;UID=1', $host->imaps_port);
is($code, 0, 'IMAP over TLS opens the mailbox') or diag $said;
like($said, qr/^Subject: Invoice 7\r$/m, 'and shows the message');
($code, $said) = curl('--ssl-reqd', '--user', 'pay@client.test:pay', sprintf 'imap://localhost:%d/INBOX;UID=2', $host->imap_port);
is($code, 0, 'IMAP with STARTTLS opens the mailbox') or diag $said;
like($said, qr/^Subject: Invoice 8\r$/m, 'and shows the other message');
($code, $said) = curl('--user', 'pay@client.test:wrong', sprintf 'imaps://localhost:%d/INBOX;UID=1', $host->imaps_port);
is($code, 67, 'IMAP refuses a wrong password');
unlike($said, qr/Invoice/, 'and shows nothing');

# What is refused on the way in
($code, $said) = $host->swaks('submission', @login[ 0 .. 4 ], 'wrong', @envelope, '--to', 'pay@client.test');
is($code, 28, 'submission refuses a wrong password') or diag $said;
like($said, qr/\b535 5\.7\.8 /, 'with 535');
($code, $said) = $host->swaks('submission', @envelope, '--to', 'pay@client.test');
like($said, qr/\b554 5\.7\.1 .*Client host rejected/, 'submission without a login is refused');
($code, $said) = $host->swaks('submission', @login, @envelope, '--to', 'somebody@elsewhere.example');
like($said, qr/\b554 5\.7\.1 .*Relay access denied/, 'mail for outside is refused with a login');
my %reply = $host->deliver(from => 'a@stranger.example', to => 'somebody@elsewhere.example', data => "Subject: x\n\nx\n");
like($reply{rcpt}[0], qr/^554 5\.7\.1 .*Relay access denied/, 'and without one');
ok(!defined $reply{data}, 'so that no message is handed over');

%reply = $host->deliver(
	from => 'a@stranger.example',
	to => [qw(gone@client.test busy@client.test pay+order-7@client.test)],
	data => "Subject: From outside\n\n.\n\xc3\xa9t\xc3\xa9 10 %FROM_ADDRESS%\n");
is($reply{rcpt}[0], '550 5.1.1 <gone@client.test>: Recipient address rejected: No such person here', 'an address that is refused for good');
is($reply{rcpt}[1], '450 4.2.0 <busy@client.test>: Recipient address rejected: Mailbox busy, come back', 'one that is put off');
like($reply{rcpt}[2], qr/^250 /, 'the third recipient of the same message is taken');
like($reply{data}, qr/^250 .*queued as/, 'and the message');
my @mail = $host->wait_for('pay@client.test', 3);
like($mail[2], qr/^Delivered-To: pay\+order-7\@client\.test$/m, 'mail to address+detail comes to the address, oldest first');
like($mail[2], qr/\n\n\.\n\xc3\xa9t\xc3\xa9 10 %FROM_ADDRESS%\n\z/, 'byte for byte');

# Refusals are taken back, and made, while it runs
$host->accept('busy@client.test')->add_user('busy@client.test', 'busy');
$host->refuse_data('pay@client.test', '554 5.6.0 Not this');
%reply = $host->deliver(from => 'a@stranger.example', to => 'busy@client.test', data => "Subject: again\n\nx\n");
like($reply{data}, qr/^250 /, 'an address put off before is accepted when told so');
is(scalar($host->wait_for('busy@client.test', 1)), 1, 'and its new mailbox gets the message');
%reply = $host->deliver(from => 'a@stranger.example', to => 'pay@client.test', data => "Subject: again\n\nx\n");
like($reply{rcpt}[0], qr/^250 /, 'a refusal of the message comes after the recipient was taken');
like($reply{data}, qr/^554 5\.6\.0 .*Not this/, 'at the end of the data');

# A mailbox that is not there is found out late: the sender gets a bounce
%reply = $host->deliver(from => 'billing+b7@acme.test', to => 'nobody@client.test', data => "Subject: lost\n\nx\n");
like($reply{data}, qr/^250 /, 'mail for an unknown user is taken at first');
($mail) = $host->wait_for('billing@acme.test', 1);
like($mail, qr/^Delivered-To: billing\+b7\@acme\.test$/m, 'then bounces to the envelope sender');
like($mail, qr/^Content-Type: message\/delivery-status$/m, 'as a delivery status report');
like($mail, qr/^Final-Recipient: rfc822; nobody\@client\.test$/m, 'that names the recipient');

# Two side by side, and the script
my $script = dirname(__FILE__) . '/../demo/mailhost';
my $settings = `$^X $script start $folder/second fay\@other.test=fay`;
is($?, 0, 'a second mail host starts beside the first');
my %setting = $settings =~ /^export (\w+)='([^']*)'$/mg;
isnt($setting{SMTP_PORT}, $host->smtp_port, 'on ports of its own');
open my $deliver, '|-', "$^X $script deliver $folder/second a\@b.example fay\@other.test >$folder/said" or die $!;
print $deliver "Subject: by script\n\nFrom here\n";
ok(close $deliver, 'the script delivers');
like(`$^X $script wait $folder/second fay\@other.test 1`, qr/^Subject: by script\n(?:.*\n)*\n>From here$/m, 'and shows what arrived');
my $second = MailHost->attach("$folder/second");
my @second = $second->processes;
cmp_ok(scalar @second, '>', 5, 'whoever attaches sees its processes');
is(system("$^X $script stop $folder/second"), 0, 'the script stops it');
is_deeply([ alive(@second) ], [], 'and none of its processes is left');

# Stop and start again: same ports, same mail
my @port = map { $host->$_ } qw(smtp_port submission_port smtps_port imap_port imaps_port);
my @process = $host->processes;
$host->stop;
is_deeply([ alive(@process) ], [], 'after a stop none of the processes is left');
is_deeply([ processes_below($folder) ], [], 'and none that works in the folder');
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port[0]), 'nobody answers any more');
$host->start;
is_deeply([ map { $host->$_ } qw(smtp_port submission_port smtps_port imap_port imaps_port) ], \@port, 'started again, it has its ports');
is(scalar($host->messages('pay@client.test')), 3, 'and its mail');

# An owner that is killed takes its mail host along
my $program = 'my $host = MailHost->new($ARGV[0])->start; $| = 1; print join(" ", $host->processes), "\n"; sleep 60';
my $owner = open my $from_owner, '-|', $^X, '-I' . dirname(__FILE__) . '/../lib', '-MMailHost', '-e', $program, "$folder/third"
  or die $!;
@process = split ' ', scalar <$from_owner>;
cmp_ok(scalar(alive(@process)), '>', 5, 'a mail host of another process runs');
kill 'KILL', $owner;
close $from_owner;
my $deadline = time + 15;
sleep 0.05 while time < $deadline && alive(@process);
is_deeply([ alive(@process) ], [], 'and is gone once that process was killed');

$host->stop;
is_deeply([ processes_below($folder) ], [], 'nothing is left running');
done_testing();

# alive: those of some processes that have not ended.
sub alive
{
	return grep {
		my $stat = '';
		if (open my $file, '<', "/proc/$_/stat")
		{
			$stat = <$file> // '';
		}
		$stat =~ /\) [^ZX] /;
	} @_;
}

# processes_below: those whose working folder or program arguments are there.
sub processes_below
{
	my ($below) = @_;

	return grep {
		my $cwd = readlink("/proc/$_/cwd") // '';
		my $line = '';
		if (open my $file, '<', "/proc/$_/cmdline")
		{
			$line = <$file> // '';
		}
		$_ != $$ && ("$cwd/" =~ m{^\Q$below\E/} || $line =~ m{\Q$below\E/});
	} map { m{(\d+)$} } glob '/proc/[0-9]*';
}
