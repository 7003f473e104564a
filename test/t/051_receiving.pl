# Receiving from real mail servers: Postfix's own bounce comes back to its
# return address and is acted on; files arrive whole; a pipe(8) entry feeds
# examples/receive-mail, which keeps nothing from the mail server while the
# database is down; and the README's call over HTTP, as it comes and as a front
# end makes it.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use Cwd qw(getcwd);
use Digest::SHA ();
use File::Basename qw(dirname);
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use MailHost;

my $node = ArInbox::new_node('receiving', start => 0);
my ($other) = grep { defined getpwnam $_ && getpwnam($_) != $> } qw(nobody daemon mail);
my $top = ArInbox::top();
my $mail = MailHost->new(
	undef,
	settings => {
		transport_maps => 'inline:{ { push.test = ar_inbox: } }',
		ar_inbox_destination_recipient_limit => 1,
		message_size_limit => 40_000_000,
	},
	services => "ar_inbox unix - n n - 10 pipe flags=DOR user=$other argv=/usr/bin/env PATH=$ENV{PATH} PGHOST="
	  . $node->host . ' PGPORT=' . $node->port . " PGDATABASE=postgres PGUSER=mail_in $top/examples/receive-mail \${recipient}");
$mail->add_user($_, 'secret') for qw(billing@acme.test inbox@acme.test ann@globex.test);
$mail->start;

$node->append_conf('postgresql.conf', "ar_inbox.tls_ca_file = '@{[$mail->ca_file]}'\nar_inbox.poll_interval = 1s\n");
$node->start;
ArInbox::add_extension($node, 'postgres');
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(sprintf <<'SQL', $mail->submission_port, $mail->imaps_port);
DO $$
DECLARE
	company bigint := ar_inbox.create_company('Acme');
BEGIN
	PERFORM ar_inbox.set_mail_account(company, 'billing@acme.test', 'smtp://localhost:%d?starttls=always', 'inbox@acme.test', 'secret', 'inbox@acme.test',
		imap_url => 'imaps://localhost:%d', plus_addressing => true);
	PERFORM ar_inbox.add_company_address(company, 'acme@push.test');
	PERFORM ar_inbox.create_customer(company, 'Globex', email => 'ann@globex.test');
	PERFORM ar_inbox.arm();
END
$$;
CREATE ROLE mail_in LOGIN;
GRANT USAGE ON SCHEMA ar_inbox TO mail_in;
GRANT EXECUTE ON FUNCTION ar_inbox.receive_email(bytea, ar_inbox.email_address) TO mail_in;
SQL

# --- a bounce ------------------------------------------------------------------

my $lost = sql(q(SELECT ar_inbox.send_email(1, '{nobody@globex.test,ann@globex.test}', 'To nobody', 'Hello')));
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.emails e JOIN ar_inbox.emails o USING (thread_id) WHERE o.id = $lost AND e.kind = 'bounce'", 1, timeout => 30),
	'what Postfix sends back is in the thread of the mail that it could not deliver')
  or diag $mail->log;
is(sql("SELECT string_agg(split_part(address::text, '\@', 1) || ' ' || state, ', ' ORDER BY id) FROM ar_inbox.email_recipients WHERE email_id = $lost AND field = 'to'"),
	'nobody bounced, ann accepted', 'one recipient has bounced, the other has it');
my $alone = sql(q(SELECT ar_inbox.send_email(1, '{gone@globex.test}', 'To nobody else', 'Hello')));
ok(ArInbox::wait_until($node, "SELECT state FROM ar_inbox.deliveries WHERE email_id = $alone", 'bounced', timeout => 30), 'where it is the only one, the delivery has bounced');
like(sql("SELECT concat_ws('|', code, enhanced_code, reason) FROM ar_inbox.deliveries WHERE email_id = $alone"),
	qr/^550\|5\.1\.1\|bounced for gone\@globex\.test: .*5\.1\.1/, 'with the code and the words of the server that refused it');
is(sql("SELECT status FROM ar_inbox.threads t JOIN ar_inbox.emails e ON e.thread_id = t.id WHERE e.id = $alone"), 'open', 'its thread is open');
is(sql("SELECT string_agg(address || ' ' || reason, ', ' ORDER BY address) FROM ar_inbox.suppressions"), 'gone@globex.test bounce, nobody@globex.test bounce', 'both addresses are suppressed');
my ($code, undef, $error) = $node->psql('postgres', q(\set VERBOSITY verbose
SELECT ar_inbox.send_email(1, '{gone@globex.test}', 'Again', 'Hello')));
like($error, qr/IB007: the address gone\@globex\.test takes no mail from us: suppressed since \S+: mail to it came back/, 'the next message there is refused at once');

# --- files ---------------------------------------------------------------------

# Made up: a PNG and a PDF by their first bytes, then bytes of every kind.
my $bytes = join '', map { Digest::SHA::sha256($_) } 1 .. 2000;
my %content = ('scan.png' => "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0$bytes", 'Rechnung 4711.pdf' => "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n$bytes");
my @argument;
for my $name (sort keys %content)
{
	open my $file, '>:raw', "$ENV{TESTDIR}/$name" or die $!;
	print $file $content{$name};
	close $file;
	push @argument, '--attach-type', 'application/octet-stream', '--attach-name', $name, '--attach', "\@$ENV{TESTDIR}/$name";
}
($code, my $said) = $mail->swaks('smtp', '--from', 'ann@globex.test', '--to', 'inbox@acme.test', '--header', 'Subject: Two files', '--body', 'See there.', @argument);
is($code, 0, 'a message with two files') or diag $said;
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM ar_inbox.emails WHERE subject = 'Two files'), 1, timeout => 30), 'is fetched');
is(sql(q(SELECT string_agg(concat_ws('|', f.name, f.type, encode(sha256(c.content), 'hex')), E'\n' ORDER BY a.position)
		FROM ar_inbox.emails e JOIN ar_inbox.attachments a ON a.email_id = e.id JOIN ar_inbox.files f ON f.id = a.file_id
		JOIN ar_inbox.file_contents c ON c.content_hash = f.content_hash AND c.company_id = f.company_id WHERE e.subject = 'Two files')),
	join("\n", map { join '|', $_, /png/ ? 'image/png' : 'application/pdf', Digest::SHA::sha256_hex($content{$_}) } sort keys %content),
	'they have their names, the types of their contents, and each byte');

# --- pushed by a pipe ------------------------------------------------------------

my %reply = $mail->deliver(from => 'ann@globex.test', to => [ 'acme+x@push.test', 'acme@push.test' ], data => "From: ann\@globex.test\nTo: list\@globex.test\nSubject: Pushed\nMessage-ID: <p1\@globex.test>\n\nHello \\x27 ' :name \xff\xfe\n");
like($reply{data}, qr/^250/, 'Postfix takes a message for the pipe');
ok(ArInbox::wait_until($node, q(SELECT string_agg(state, ' ' ORDER BY state DESC) FROM ar_inbox.inbound_messages WHERE recipient::text LIKE '%push.test'), 'filed duplicate', timeout => 30),
	'the script files it, and knows the second copy') or diag $mail->log;
is(sql(q(SELECT count(*) FROM ar_inbox.emails e JOIN ar_inbox.threads t ON t.id = e.thread_id JOIN ar_inbox.customers c ON c.id = t.customer_id WHERE e.message_id = 'p1@globex.test' AND c.name = 'Globex')), 1, 'in the customer\'s thread');
is(sql(q(SELECT count(*) FROM ar_inbox.inbound_messages WHERE position('\x48656c6c6f205c7832372027203a6e616d6520'::bytea IN message) > 0 AND position('\xfffe'::bytea IN message) > 0 AND recipient IS NOT NULL)), 2, 'with each byte');
is($mail->queued, 0, 'and Postfix has nothing left');

my $large = "From: ann\@globex.test\nTo: acme\@push.test\nSubject: Large\nMessage-ID: <p2\@globex.test>\n\n" . ('x' x 76 . "\n") x 200_000;
%reply = $mail->deliver(from => 'ann@globex.test', to => 'acme@push.test', data => $large);
like($reply{data}, qr/^250/, 'one of 15 MB');
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM ar_inbox.inbound_messages WHERE size > 15000000 AND state = 'filed'), 1, timeout => 60), 'passes too') or diag $mail->log;

$node->stop('fast');
%reply = $mail->deliver(from => 'ann@globex.test', to => 'acme@push.test', data => "From: ann\@globex.test\nTo: acme\@push.test\nSubject: Meanwhile\nMessage-ID: <p3\@globex.test>\n\nHello\n");
like($reply{data}, qr/^250/, 'while the database is down, Postfix takes mail');
my $deadline = time + 20;
sleep 0.1 until $mail->log =~ m{to=<acme\@push\.test>, relay=ar_inbox, .*status=deferred} || time > $deadline;
like($mail->log, qr{to=<acme\@push\.test>, relay=ar_inbox, .*status=deferred}, 'cannot hand it on');
is($mail->queued, 1, 'and keeps it');
$node->start;
ok(ArInbox::wait_until($node, q(SELECT count(*) FROM ar_inbox.emails WHERE message_id = 'p3@globex.test'), 1, timeout => 40), 'once the database is up again, it arrives') or diag $mail->log;
is(sql(q(SELECT count(*) FROM ar_inbox.inbound_messages m WHERE m.state = 'quarantine')), 0, 'nothing went astray');

%reply = $mail->deliver(from => 'ann@globex.test', to => [ 'a..b@push.test', '"a b"@push.test', 'x' x 80 . '@push.test' ], data => "From: ann\@globex.test\nTo: acme\@push.test\nSubject: Odd\nMessage-ID: <p4\@globex.test>\n\nHello\n");
is(scalar(grep { /^2/ } @{ $reply{rcpt} }), 3, 'Postfix takes mail for recipients that are no addresses');
ok(ArInbox::wait_until($node, q(SELECT string_agg(state, ' ' ORDER BY state DESC) FROM ar_inbox.inbound_messages WHERE position('Subject: Odd'::bytea IN message) > 0), 'filed duplicate duplicate', timeout => 30),
	'the script hands it on all the same, by its header') or diag $mail->log;
is($mail->queued, 0, 'and Postfix does not try for ever');

# --- called over HTTP ----------------------------------------------------------------

# What a front end such as PostgREST does with POST /rpc/receive_email: the
# role of the request for one transaction, the argument out of its JSON.
sql(<<'SQL');
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE webhook NOLOGIN;
GRANT webhook TO authenticator;
GRANT USAGE ON SCHEMA ar_inbox TO webhook;
GRANT EXECUTE ON FUNCTION ar_inbox.receive_email(bytea, ar_inbox.email_address) TO webhook;
SQL
sub call
{
	my ($json) = @_;

	my $body = JSON::PP->new->utf8->decode($json);
	my @names = grep { exists $body->{$_} } qw(message recipient);
	my %type = (message => 'bytea', recipient => 'ar_inbox.email_address');
	my $columns = join ', ', map { "$_ $type{$_}" } @names;
	my $arguments = join ', ', map { qq("$_" := body."$_") } @names;
	my ($status, $answer, $stderr) = $node->psql('postgres', <<"SQL", extra_params => [ '-U', 'authenticator' ]);
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
\\o /dev/null
SELECT set_config('search_path', '"ar_inbox", "public"', true), set_config('role', 'webhook', true),
	set_config('request.jwt.claims', '{"role":"webhook"}', true), set_config('request.method', 'POST', true), set_config('request.path', '/rpc/receive_email', true);
\\o
WITH source AS (SELECT \$json\$$json\$json\$::json AS json_data),
	body AS (SELECT * FROM source, LATERAL json_to_record(source.json_data) AS _($columns) LIMIT 1),
	called AS (SELECT called.scalar FROM body, LATERAL (SELECT ar_inbox.receive_email($arguments) AS scalar) called)
SELECT coalesce(json_agg(called.scalar) -> 0, 'null') FROM called;
COMMIT;
SQL
	return $status == 0 ? $answer : $stderr;
}
sub post { return call(JSON::PP->new->ascii->encode($_[0])) }
my $posted = "From: ann\@globex.test\r\nTo: inbox\@acme.test\r\nSubject: Posted\r\nMessage-ID: <h1\@globex.test>\r\n\r\nHello \xff\0\r\n";
my $id = post({ message => '\x' . unpack('H*', $posted) });
like($id, qr/^\d+$/, 'the call answers with the message\'s id');
is(sql(sprintf q(SELECT count(*) FROM ar_inbox.emails e JOIN ar_inbox.inbound_messages m ON m.id = e.inbound_message_id WHERE e.id = %s AND m.message = '\x%s'), $id =~ /^\d+$/ ? $id : 0, unpack 'H*', $posted),
	1, 'which has each byte');
is(post({ message => '\x' . unpack('H*', $posted) }), $id, 'called again, with the same');
is(post({ message => '\x' . unpack('H*', "From: x\@y.test\r\n\r\nx"), recipient => 'nobody@nowhere.test' }), 'null', 'with null for what went to quarantine');
like(post({ message => undef }), qr/message is NULL/, 'a call without a message is refused');

# The README's own line: what curl sends is what is called.
sub request
{
	my ($listener) = @_;

	my $client = IO::Select->new($listener)->can_read(20) ? $listener->accept : undef;
	return if !$client;
	my ($head, $body) = ('', '');
	while ($head !~ /\r\n\r\n/)
	{
		return if !IO::Select->new($client)->can_read(20) || !sysread $client, $head, 65536, length $head;
	}
	($head, $body) = split /\r\n\r\n/, $head, 2;
	my ($size) = $head =~ /^Content-Length: *(\d+)/mi;
	while (length $body < ($size // 0))
	{
		return if !IO::Select->new($client)->can_read(20) || !sysread $client, $body, 65536, length $body;
	}
	return ($client, $head, $body);
}
open my $manual, '<', ArInbox::top() . '/README.md' or die "README.md: $!";
my ($line) = do { local $/; <$manual> } =~ /^```sh\n(curl [^`]*?receive_email.*?)^```/ms or die 'README.md has no line for HTTP';
my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "listen: $!";
is($line =~ s{https://api\.example/}{'http://127.0.0.1:' . $listener->sockport . '/'}e, 1, 'the README has a line for HTTP');
sql(q(SELECT ar_inbox.add_company_address(1, 'billing@inbox.example')));
my $odd = "From: ann\@globex.test\r\nTo: list\@globex.test\r\nSubject: By curl\r\nMessage-ID: <h2\@globex.test>\r\n\r\nHello \\x27 \"\$HOME\" `id` \xff\0\r\n" . join '', map { chr } 0 .. 255;
open my $message, '>:raw', "$ENV{TESTDIR}/message.eml" or die $!;
print $message $odd;
close $message;
my $here = getcwd();
chdir $ENV{TESTDIR} or die $!;
open my $sender, '-|', 'env', 'TOKEN=t0ken', 'no_proxy=127.0.0.1', 'sh', '-c', $line or die "sh: $!";
chdir $here or die $!;
my ($client, $head, $body) = request($listener);
like($head // '', qr{^POST /rpc/receive_email HTTP/1\.1\r\n}, 'is sent to the function');
like($head // '', qr{^Authorization: Bearer t0ken\r?$}m, 'with the token');
like($head // '', qr{^Content-Type: application/json\r?$}m, 'as JSON');
is_deeply(eval { JSON::PP->new->utf8->decode($body) }, { message => '\x' . unpack('H*', $odd), recipient => 'billing@inbox.example' }, 'of the message in hexadecimal digits, and its recipient')
  or diag $body // 'nothing came';
my $filed = call($body);
printf $client "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", length $filed, $filed;
close $client;
is(join('', <$sender>), $filed, 'curl tells the answer');
ok(close $sender, 'and that all is well');
is(sql(sprintf q(SELECT count(*) FROM ar_inbox.emails e JOIN ar_inbox.inbound_messages m ON m.id = e.inbound_message_id WHERE e.id = %s AND m.message = '\x%s' AND m.recipient = 'billing@inbox.example'), $filed =~ /^\d+$/ ? $filed : 0, unpack 'H*', $odd),
	1, 'the message is filed, with each byte');

my (undef, undef, $denied) = $node->psql('postgres', q(SET ROLE webhook; SELECT count(*) FROM ar_inbox.emails), extra_params => [ '-U', 'authenticator' ]);
like($denied, qr/permission denied/, 'the role reads nothing');

# --- the index of phrases ------------------------------------------------------

sql(q(DO $$ BEGIN
	FOR n IN 1 .. 200 LOOP
		PERFORM ar_inbox.receive_email(convert_to(format(E'From: ann@globex.test\nTo: inbox@acme.test\nSubject: Number %s\nMessage-ID: <p%s@globex.test>\n\nA late fee is on the account %s.\n', n, n, md5(n::text)), 'UTF8'));
	END LOOP;
END $$));
my $late = q(SELECT count(*) || ' ' || max(email_id) FROM ar_inbox.search_threads('"late fee"', max_rows => 1000));
my $before = sql($late);
ok(ArInbox::wait_until($node, 'SELECT count(*) < 64 FROM ar_inbox.phrase_queue', 't'), 'the worker writes the phrases of what came');
cmp_ok(sql('SELECT coalesce(sum(octet_length(messages) / 16), 0) FROM ar_inbox.phrase_blocks'), '>', 136, 'as blocks');
is(sql($late), $before, 'and a search finds the same');

$node->stop('fast');
$mail->stop;
done_testing();
