# Mailboxes on a real mail server: what is fetched is left, flagged or moved;
# news is taken at once; a mailbox that fails, stalls or is huge is nobody
# else's trouble; and whenever the worker is killed, each message is in the
# inbox once and what was stored is flagged or moved in the end.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use ImapClient;
use ImapPeer;
use MailHost;

my $host = MailHost->new;
my @user = qw(leave flag move idle other killed huge wrong recreated large dated);
$host->add_user("$_\@acme.test", 'secret') for @user;
$host->start;

my $node = ArInbox::new_node('mailboxes', conf => <<'END' . "ar_inbox.tls_ca_file = '@{[ $host->ca_file ]}'\n");
ar_inbox.poll_interval = 1s
ar_inbox.connect_timeout = 5s
ar_inbox.reply_timeout = 5s
ar_inbox.restart_time = 1s
ar_inbox.max_idle_connections = 0
log_error_verbosity = default
END

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub setting
{
	my ($name, $value) = @_;

	sql("ALTER SYSTEM SET ar_inbox.$name = '$value'");
	$node->reload;
}

sql('SELECT ar_inbox.arm()');
my $acme = sql(q(SELECT ar_inbox.create_company('acme')));
my $plain = 'imap://127.0.0.1:' . $host->imap_port;

# account: sets how a user's mailbox is read; more are further arguments.
sub account
{
	my ($user, $more, $url, $password) = @_;

	return sql(sprintf "SELECT ar_inbox.set_mail_account($acme, '%s\@acme.test', NULL, '%s\@acme.test', '%s', imap_url => '%s'%s)",
		$user, $user =~ s/-.*//r, $password // 'secret', $url // $plain, $more ? ", $more" : '');
}

# forget: nobody reads this one any more.
sub forget
{
	my ($like) = @_;

	sql("SELECT ar_inbox.remove_mail_account(company_id, from_address) FROM ar_inbox.mail_accounts WHERE from_address LIKE '$like\@acme.test' AND removed_at IS NULL");
	return;
}

my $number = 0;

# mail: a message nobody has seen yet.
sub mail
{
	my ($subject) = @_;

	$number++;
	return "From: Jo <jo\@client.test>\nTo: acme\@acme.test\nSubject: $subject\nMessage-ID: <$number.$subject\@client.test>\n"
	  . "Date: Mon, 2 Nov 2026 10:00:00 +0000\n\nThis is number $number.\n";
}

sub client { return ImapClient->new($host->imap_port, "$_[0]\@acme.test", 'secret') }

# filed: how many messages of a subject are in the inbox.
sub filed { return "SELECT count(*) FROM ar_inbox.emails WHERE subject = '$_[0]'" }

# state: columns of an account.
sub state_of
{
	my ($user, $columns) = @_;

	return "SELECT $columns FROM ar_inbox.mail_accounts WHERE from_address = '$user\@acme.test'";
}

# median: of some numbers.
sub median { return (sort { $a <=> $b } @_)[ @_ / 2 ] }

sub kill_worker
{
	my ($pid) = ArInbox::workers($node, 'ar_inbox worker');
	kill 'KILL', $pid if $pid;
	return $pid;
}

# --- left, flagged, moved --------------------------------------------------

my %imap = map { $_ => client($_) } @user;
for my $user (qw(leave flag move))
{
	$imap{$user}->append('INBOX', mail($user)) for 1 .. 3;
}
account('leave', undef, 'imaps://localhost:' . $host->imaps_port);
account('flag', "after_fetch => 'flag'");
account('move', "after_fetch => 'move', archive_mailbox => 'Erledigt & \xc3\xa4'");
for my $user (qw(leave flag move))
{
	ok(ArInbox::wait_until($node, filed($user), 3, timeout => 20), "$user: three messages are taken");
	ok(ArInbox::wait_until($node, state_of($user, 'last_uid, unsettled_uids, poll_error, poll_warning, poll_state'), '3|{}|||waiting', timeout => 10),
		"$user: nothing is left to do");
}
is_deeply({ $imap{leave}->flags('INBOX') }, { 1 => '', 2 => '', 3 => '' }, 'left: nothing has changed on the server');
is_deeply({ $imap{flag}->flags('INBOX') }, { 1 => '\Seen', 2 => '\Seen', 3 => '\Seen' }, 'flagged: marked as read there');
is_deeply({ $imap{move}->flags('INBOX') }, {}, 'moved: gone from the mailbox');
is(scalar(() = $imap{move}->message_ids('Erledigt &- &AOQ-')), 3, 'and in the other one, which was made');
is(sql("SELECT count(DISTINCT mail_account_id) FROM ar_inbox.inbound_messages WHERE company_id = $acme"), 3, 'three accounts of one company, each with its own');

# What cannot be moved is a warning, and reading goes on.
account('move', "after_fetch => 'move', archive_mailbox => 'INBOX/.bad/../name'");
$imap{move}->append('INBOX', mail('move'));
ok(ArInbox::wait_until($node, state_of('move', 'poll_warning'), qr/refused/, timeout => 20), 'a folder that cannot be: the account says so');
is(sql(filed('move')), 4, 'the message is taken');
is(sql(state_of('move', 'poll_error')), '', 'reading it is no failure');
account('move', "after_fetch => 'move', archive_mailbox => 'Done'");
is(sql(state_of('move', 'poll_warning')), '', 'set again, the warning is gone');
$imap{move}->append('INBOX', mail('move'));
ok(ArInbox::wait_until($node, filed('move'), 5, timeout => 20), 'the next one is taken');
ok(ArInbox::wait_until($node, state_of('move', 'unsettled_uids'), '{}', timeout => 10), 'and moved');
is(scalar(() = $imap{move}->message_ids('Done')), 1, 'it alone');

# --- UIDVALIDITY -----------------------------------------------------------

my @same = map { mail('recreated') } 1 .. 3;
$imap{recreated}->command('CREATE "Bills"');
$imap{recreated}->append('Bills', $_) for @same;
account('recreated', "mailbox => 'Bills', after_fetch => 'flag'");
ok(ArInbox::wait_until($node, filed('recreated'), 3, timeout => 20), 'a folder is read');
my $validity = sql(state_of('recreated', 'uid_validity'));
sleep 1.1;    # it is made of the time
$imap{recreated}->command('DELETE "Bills"');
$imap{recreated}->command('CREATE "Bills"');
$imap{recreated}->append('Bills', $_) for @same[ 1, 2 ], mail('recreated');
ok(ArInbox::wait_until($node, filed('recreated'), 4, timeout => 20), 'made anew with two of them and one more: that one is taken');
ok( ArInbox::wait_until($node, state_of('recreated', "uid_validity <> $validity, last_uid, unsettled_uids, poll_error IS NULL"), 't|3|{}|t', timeout => 20),
	'it was read from its beginning');
is_deeply([ map { /Seen/ ? 1 : 0 } values %{ { $imap{recreated}->flags('Bills') } } ], [ 1, 1, 1 ], 'those that were known are flagged like the others');
is(sql(filed('recreated')), 4, 'and not filed twice');

# --- what lay in a folder --------------------------------------------------

# dated: when a user's messages came; now: within this test.
sub dated { return "SELECT string_agg(CASE WHEN occurred_at > now() - interval '5 minutes' AND occurred_at <= now() THEN 'now' ELSE (date_trunc('second', occurred_at) AT TIME ZONE 'UTC')::text END, ', ' ORDER BY id) FROM ar_inbox.emails WHERE subject = '$_[0]'" }

$imap{dated}->append('INBOX', mail('dated'), $_) for '03-Feb-2020 04:05:06 +0100', undef, ' 1-Jan-2099 00:00:00 +0000';
account('dated');
ok(ArInbox::wait_until($node, dated('dated'), '2020-02-03 03:05:06, now, now', timeout => 20), 'a message came when the mail server says, but not in the future');
sql("SELECT ar_inbox.set_mail_account($acme, 'sends\@acme.test', 'smtp://127.0.0.1:9')");
my $waiting = sql("SELECT ar_inbox.send_email($acme, '{jo\@client.test}', 'Waiting', 'x', send_at => now() + interval '1 day', cancel_on_answer => true)");
my $identifier = sql("SELECT message_id FROM ar_inbox.emails WHERE id = $waiting");
my $answered = "SELECT d.state, t.status, t.message_count FROM ar_inbox.deliveries d JOIN ar_inbox.emails e ON e.id = d.email_id JOIN ar_inbox.threads t ON t.id = e.thread_id WHERE e.id = $waiting";
is(sql($answered), 'queued|closed|1', 'a message for tomorrow');
$imap{dated}->append('INBOX', mail('dated') =~ s/^Subject/In-Reply-To: <$identifier>\nSubject/mr, '03-Feb-2020 04:05:06 +0000');
ok(ArInbox::wait_until($node, $answered, 'queued|open|2', timeout => 20), 'is not answered by what is older, though its thread is open');
$imap{dated}->append('INBOX', mail('dated') =~ s/^Subject/In-Reply-To: <$identifier>\nSubject/mr);
ok(ArInbox::wait_until($node, $answered, 'cancelled|open|3', timeout => 20), 'but by what comes now');
forget('dated');

# --- more than the company takes -------------------------------------------

# held: what is in the inbox of a mailbox's messages.
sub held
{
	my ($user) = @_;

	return "SELECT string_agg(concat_ws(' ', m.uid, m.state, coalesce(length(m.message) = m.size, false), m.reason), ', ' ORDER BY m.uid)
		FROM ar_inbox.inbound_messages m JOIN ar_inbox.mail_accounts a ON a.id = m.mail_account_id WHERE a.from_address = '$user\@acme.test'";
}

sql(qq(SELECT ar_inbox.change_settings($acme, '{"max_message_size": 3000}')));
my $big = mail('large') . ('0123456789' x 7 . "\n") x 120;
my $bytes = length $big =~ s/\n/\r\n/gr;
my $reason = "$bytes bytes are more than the limit of 3000 (max_message_size)";
$imap{large}->append('INBOX', $_) for mail('large'), $big;
account('large', "after_fetch => 'move', archive_mailbox => 'Done'");
ok(ArInbox::wait_until($node, held('large'), "1 filed t, 2 quarantine t $reason", timeout => 20), 'larger than the company takes: kept whole, and why');
ok(ArInbox::wait_until($node, state_of('large', 'unsettled_uids, poll_error'), '{}|', timeout => 10), 'it is stored');
is(scalar(() = $imap{large}->message_ids('Done')), 2, 'and so is moved like the other');
is(sql('SELECT ar_inbox.reprocess()'), 0, 'run again, it stays');
sql(qq(SELECT ar_inbox.change_settings($acme, '{"max_message_size": 30000}')));
is(sql('SELECT ar_inbox.reprocess()'), 1, 'under a higher limit it is run again');
is(sql(held('large')), '1 filed t, 2 filed t', 'and filed');
is(sql(filed('large')), 2, 'both are in the inbox');

# One that no server should hold: it lies on the disk of the mail server alone.
my $most = 128 * 1024 * 1024;
my $folder = $host->folder . '/mail/large@acme.test/Maildir';
open my $file, '>', "$folder/tmp/huge" or die "$folder: $!";
print $file mail('large') =~ s/\n/\r\n/gr;
print $file ("0123456789abcdef" x 4096 . "\r\n") x 16 for 1 .. 128;
close $file or die "$folder: $!";
my $size = -s "$folder/tmp/huge";
cmp_ok($size, '>', $most, "a message of $size bytes");
rename "$folder/tmp/huge", "$folder/new/1700000000.M1P1.test" or die "$folder: $!";
$imap{large}->flags('INBOX');    # it has its number now
$imap{large}->append('INBOX', mail('large'));
$reason = "it is still in its mailbox (INBOX, UID 3): $size bytes are more than the $most up to which one is fetched";
ok(ArInbox::wait_until($node, held('large'), "1 filed t, 2 filed t, 3 quarantine f $reason, 4 filed t", timeout => 30), 'is not fetched, and the account says why; the next one is');
ok(ArInbox::wait_until($node, state_of('large', 'unsettled_uids, poll_error'), '{}|', timeout => 10), 'the mailbox is read to its end');
is_deeply([ keys %{ { $imap{large}->flags('INBOX') } } ], [3], 'it stays where it is');
my (undef, undef, $refusal) = $node->psql('postgres', "SELECT ar_inbox.reprocess(id) FROM ar_inbox.inbound_messages WHERE message IS NULL");
like($refusal, qr/was not fetched: it is still in its mailbox .*$size bytes are more than the $most/, 'who runs it again hears it too');
forget('large');
unlink glob "$folder/*/1700000000.M1P1.test*";
sql(qq(SELECT ar_inbox.change_settings($acme, '{"max_message_size": 26214400}')));

# --- a mailbox that fails --------------------------------------------------

account('wrong', undef, undef, 'not the password');
ok(ArInbox::wait_until($node, state_of('wrong', 'poll_error'), qr/login|auth/i, timeout => 20), 'a wrong password is in poll_error');
ok(ArInbox::wait_until($node, state_of('wrong', 'poll_failures >= 3 AND next_poll_at - last_polled_at >= interval \'4 seconds\''), 't', timeout => 30),
	'it is tried less and less often');
unlike(sql(state_of('wrong', 'poll_error')), qr/not the password/, 'the password is not in it');

# Servers that say nothing, or stop in the middle of a message: 20 of each.
my $silent = ImapPeer->silent;
my $stopping = ImapPeer->stopping;
for my $n (1 .. 20)
{
	account("leave-silent$n", undef, $silent->url);
	account("leave-stopping$n", "after_fetch => 'flag'", $stopping->url);
}
my @took;
for my $n (1 .. 6)
{
	$imap{leave}->append('INBOX', mail('leave'));
	my $began = time;
	ok(ArInbox::wait_until($node, filed('leave'), 3 + $n, timeout => 20), "beside 40 servers that stall, message $n is taken");
	push @took, time - $began;
}
cmp_ok(median(@took), '<', 3, sprintf 'at its time: polled each second, it takes %.2f s', median(@took));
ok( ArInbox::wait_until($node, q(SELECT count(*) FROM ar_inbox.mail_accounts WHERE from_address LIKE 'leave-s%' AND poll_failures > 0 AND poll_error <> ''), 40, timeout => 30),
	'each of the 40 says so itself');
like(sql(state_of('leave-stopping7', 'poll_error')), qr/did not answer in time/, 'in words');
is(sql(q(SELECT count(*) FROM ar_inbox.emails WHERE subject LIKE 'half%')), 0, 'half a message is none');
is(sql(state_of('leave-stopping7', 'last_uid')), 0, 'and is not counted as read');

# More of them than there are places.
sql(qq(SELECT ar_inbox.set_mail_account($acme, ('leave-silent' || n || '\@acme.test')::ar_inbox.email_address, NULL, 'leave', 'x', imap_url => '@{[ $silent->url ]}')
	FROM generate_series(1, 300) n));
sleep 1;
my $began = time;
$imap{leave}->append('INBOX', mail('leave'));
ok(ArInbox::wait_until($node, filed('leave'), 10, timeout => 30), sprintf 'with 300 that are tried for the first time, one is taken');
cmp_ok(time - $began, '<', 12, sprintf 'after %.1f s', time - $began);
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM ar_inbox.mail_accounts WHERE from_address LIKE 'leave-silent%' AND poll_failures > 0), 300, timeout => 60),
	'each of these had its turn');
forget('leave-%');
$_->stop for $silent, $stopping;

# --- a huge folder ---------------------------------------------------------

my $huge = 3000;
$imap{huge}->command('EXAMINE INBOX');    # makes the folder
my $maildir = $host->folder . '/mail/huge@acme.test/Maildir';
for my $n (1 .. $huge)
{
	open my $file, '>', sprintf('%s/new/%d.M%06dP1.test', $maildir, 1700000000 + $n, $n) or die "$maildir: $!";
	print $file mail('huge');
	close $file;
}
account('huge', "after_fetch => 'move', archive_mailbox => 'Done'");
ok(ArInbox::wait_until($node, filed('huge') . ' HAVING count(*) > 0', qr/\d/, timeout => 30), 'a huge folder is being read');
$began = time;
$imap{leave}->append('INBOX', mail('leave'));
ok(ArInbox::wait_until($node, filed('leave'), 11, timeout => 60), 'meanwhile a message in another one is taken');
my $waited = time - $began;
my $left = $huge - sql(filed('huge'));
cmp_ok($left, '>', 0, sprintf 'after %.1f s, with %d of %d still to come', $waited, $left, $huge);
ok(ArInbox::wait_until($node, filed('huge'), $huge, timeout => 120), 'all of it is taken');
ok(ArInbox::wait_until($node, state_of('huge', 'unsettled_uids, poll_error'), '{}|', timeout => 30), 'and moved');
is(scalar(() = $imap{huge}->message_ids('Done')), $huge, 'every message');
is(scalar(() = $imap{huge}->message_ids('INBOX')), 0, 'none is left');
forget('huge');

# --- IDLE ------------------------------------------------------------------

# From here on, only the server's word brings anything soon.
setting('poll_interval', '1h');
setting('max_idle_connections', 100);
forget($_) for qw(leave flag move recreated wrong);
my $door = ImapPeer->before($host->imap_port);
account('idle', undef, $door->url);
ok( ArInbox::wait_until($node, state_of('idle', q(poll_state, next_poll_at - last_polled_at)), 'idle|00:29:00', timeout => 20),
	'a server that offers IDLE: the mailbox waits for news, and is read anew in half an hour');
@took = ();
for my $n (1 .. 5)
{
	$began = time;
	$imap{idle}->append('INBOX', mail('idle'));
	ok(ArInbox::wait_until($node, filed('idle'), $n, timeout => 20), "message $n comes by itself");
	push @took, time - $began;
	ok(ArInbox::wait_until($node, state_of('idle', 'last_uid, poll_state'), "$n|idle", timeout => 10), 'and it waits again');
}
cmp_ok(median(@took), '<', 2, sprintf 'it takes %.2f s (%s)', median(@took), join ' ', map { sprintf '%.2f', $_ } @took);
my $idle_count = 5;

# comes: one more message to that user is in the inbox soon.
sub comes
{
	my ($what, %option) = @_;

	$imap{idle}->append($option{mailbox} // 'INBOX', mail('idle'));
	return ok(ArInbox::wait_until($node, filed('idle'), ++$idle_count, timeout => $option{timeout} // 10), $what);
}

# The line is cut: no failure, it is drawn anew.
setting('poll_interval', '1s');
sleep 1.5;
$door->cut;
sleep 1.5;
setting('poll_interval', '1h');
comes('a connection that is cut while it waits is made again');
is(sql(state_of('idle', 'poll_failures, poll_error')), '0|', 'that is no failure');

# Other settings, while it waits.
$imap{idle}->command('CREATE "Bills"');
account('idle', "mailbox => 'Bills', after_fetch => 'flag'", $door->url);
ok(ArInbox::wait_until($node, state_of('idle', 'poll_state, mailbox'), 'idle|Bills', timeout => 10), 'another folder is waited for as soon as it is set');
comes('what comes into it is taken', mailbox => 'Bills');
ok(ArInbox::wait_until($node, state_of('idle', 'unsettled_uids, poll_state'), '{}|idle', timeout => 10), 'done with it');
is_deeply([ grep { !/Seen/ } values %{ { $imap{idle}->flags('Bills') } } ], [], 'and flagged');
account('idle', undef, $door->url, 'wrong');
ok(ArInbox::wait_until($node, state_of('idle', 'poll_state, poll_failures'), 'waiting|1', timeout => 10), 'another password: the connection under the old one is over');
account('idle', undef, $door->url);
ok(ArInbox::wait_until($node, state_of('idle', 'poll_state'), 'idle', timeout => 10), 'the right one again');
ok(ArInbox::wait_until($node, filed('idle'), $idle_count, timeout => 1), 'what was read before is not filed again');

# Removed while it waits, and back again.
forget('idle');
sleep 1;
$imap{idle}->append('INBOX', mail('idle'));
sleep 2;
is(sql(filed('idle')), $idle_count, 'removed, it takes nothing');
account('idle', undef, $door->url);
ok(ArInbox::wait_until($node, filed('idle'), ++$idle_count, timeout => 10), 'set again, it takes what has come since');
ok(ArInbox::wait_until($node, state_of('idle', 'poll_state, removed_at'), 'idle|', timeout => 10), 'and waits for more');

# Disarmed, nothing is read, and nobody is connected.
sql('SELECT ar_inbox.disarm()');
sleep 1;
$imap{idle}->append('INBOX', mail('idle'));
sleep 2;
is(sql(filed('idle')), $idle_count, 'disarmed, it takes nothing');
sql('SELECT ar_inbox.arm()');
ok(ArInbox::wait_until($node, filed('idle'), ++$idle_count, timeout => 10), 'armed, it does at once');
ok(ArInbox::wait_until($node, state_of('idle', 'poll_state'), 'idle', timeout => 10), 'and waits for more');

# After half an hour the mailbox is opened anew, whatever was heard of it.
my ($reader) = ArInbox::workers($node, 'ar_inbox worker');
setting('clock_offset', 1800);
ok(ArInbox::wait_until($node, state_of('idle', "poll_state = 'idle' AND next_poll_at > now() + interval '50 minutes'"), 't', timeout => 10), 'half an hour later it is looked at anew');
comes('and waits again');
setting('clock_offset', 0);
is((ArInbox::workers($node, 'ar_inbox worker'))[0], $reader, 'by the same worker');

# The worker is killed while it waits.
kill_worker();
comes('killed while it waits: its successor reads at once', timeout => 60);
ok(ArInbox::wait_until($node, state_of('idle', 'poll_state'), 'idle', timeout => 10), 'and waits');

# More accounts than may wait.
account('other', undef, $plain);
my $idling = q(SELECT string_agg(split_part(from_address::text, '@', 1), ' ' ORDER BY from_address::text) FROM ar_inbox.mail_accounts WHERE poll_state = 'idle');
ok(ArInbox::wait_until($node, $idling, 'idle other', timeout => 40), 'two wait');
setting('poll_interval', '1s');
setting('max_idle_connections', 1);
ok(ArInbox::wait_until($node, $idling, 'idle', timeout => 40), 'max_idle_connections = 1: one of them');
$imap{other}->append('INBOX', mail('other'));
ok(ArInbox::wait_until($node, filed('other'), 1, timeout => 30), 'the other is polled');
comes('the one comes by itself as before');
forget($_) for qw(idle other);
setting('max_idle_connections', 100);

# --- killed between storing and moving -------------------------------------

# First at just that moment: the command to move has left, and never arrives.
my $killed = 0;
$imap{killed}->command("CREATE $_") for qw(Done Elsewhere);
account('killed', "after_fetch => 'move', archive_mailbox => 'Done'", $door->url);
for my $round (1 .. 4)
{
	$door->hold('UID MOVE');
	for (1 .. 3)
	{
		$imap{killed}->append('INBOX', mail('killed'));
		$killed++;
	}
	ok($door->wait_held, "round $round: a batch is stored, and about to be moved");
	my $stored = sql(filed('killed'));
	if ($round < 4)
	{
		kill_worker();
	}
	$door->release;
	is(scalar(() = $imap{killed}->message_ids('INBOX')) + scalar(() = $imap{killed}->message_ids('Done')), $killed, 'nothing is lost on the server');
	ok(ArInbox::wait_until($node, filed('killed'), $killed, timeout => 60), $round < 4 ? 'the worker is killed: each is in the inbox once' : 'the connection is cut: the same');
	ok(ArInbox::wait_until($node, state_of('killed', 'unsettled_uids, poll_error IS NULL'), '{}|t', timeout => 30), 'and nothing is left to be moved');
	is(scalar(() = $imap{killed}->message_ids('INBOX')), 0, 'all are moved');
}

# Another program takes one of them away meanwhile.
$door->hold('UID MOVE');
for (1 .. 3)
{
	$imap{killed}->append('INBOX', mail('killed'));
	$killed++;
}
ok($door->wait_held, 'once more');
my ($taken) = sql(state_of('killed', 'unsettled_uids[1]'));
$imap{killed}->command($_) for 'SELECT INBOX', "UID MOVE $taken \"Elsewhere\"", 'CLOSE';
$door->release;
ok(ArInbox::wait_until($node, state_of('killed', 'unsettled_uids, poll_error, poll_warning'), '{}||', timeout => 30),
	'another program moves one of them first: no error, not even a warning');
ok(ArInbox::wait_until($node, filed('killed'), $killed, timeout => 30), 'all are in the inbox');
is(scalar(() = $imap{killed}->message_ids('Elsewhere')), 1, 'that one stays where it is');
$imap{killed}->command($_) for 'SELECT Elsewhere', 'UID MOVE 1:* "Done"', 'CLOSE';

# Then at any moment.
my $kills = 0;
my $strange = 0;
for my $round (1 .. 10)
{
	for (1 .. 40)
	{
		$imap{killed}->append('INBOX', mail('killed'));
		$killed++;
	}
	sleep rand 0.4;
	$kills++ if kill_worker();

	# What is moved was stored: the server's folder is looked at first.
	my @moved = $imap{killed}->message_ids('Done');
	ArInbox::wait_until($node, 'SELECT 1', 1, timeout => 60);
	my %stored = map { $_ => 1 } split /\n/, sql(q(SELECT message_id FROM ar_inbox.emails WHERE subject = 'killed'));
	$strange += grep { !$stored{$_} } @moved;
}
is($strange, 0, "killed $kills times at any moment: never was a message moved that was not stored");
cmp_ok($kills, '>=', 5, 'it was killed indeed');
ok(ArInbox::wait_until($node, filed('killed'), $killed, timeout => 60), "each of $killed messages is in the inbox once");
ok(ArInbox::wait_until($node, state_of('killed', "unsettled_uids, poll_error IS NULL, poll_state"), '{}|t|idle', timeout => 30), 'the mailbox is read to its end');
is(scalar(() = $imap{killed}->message_ids('INBOX')), 0, 'nothing is left in the folder');
is_deeply(
	[ $imap{killed}->message_ids('Done') ],
	[ sort split /\n/, sql(q(SELECT message_id FROM ar_inbox.emails WHERE subject = 'killed')) ],
	'all of it is in the other one, once');

unlike(ArInbox::log_since($node, 0), qr/PANIC|TRAP|terminated by signal (?!9\b)/, 'nothing crashed but what was killed');

$door->stop;
$host->stop;
$node->stop;
done_testing();
