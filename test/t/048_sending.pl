# What members write, through a real mail host: an attachment read back by
# another program, where answers and bounces go, taking a message back, sending
# it later, and an address that is not written to.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use MailHost;

my $mail = MailHost->new;
$mail->add_user($_, 'secret') for qw(billing@acme.test inbox@acme.test ann@globex.test);
$mail->start;

my $node = ArInbox::new_node('sending', conf => <<"END");
ar_inbox.tls_ca_file = '@{[$mail->ca_file]}'
END
sub sql { return $node->safe_psql('postgres', $_[0]) }

# as_clara: a statement in the name of a member; its answer, or the error.
sub as_clara
{
	my ($statement) = @_;
	my ($code, $answer, $error) = $node->psql('postgres', "SET ROLE clara; $statement");
	return $code == 0 ? $answer : $error;
}

# received: what the receiver has under a subject, as Python's email reads it.
sub received
{
	my ($message) = @_;

	my $reader = <<'END';
import email, email.policy, hashlib, json, sys
mail = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.default)
json.dump({"fields": {name.lower(): str(value) for name, value in mail.items()},
    "text": mail.get_body(("plain",)).get_content(), "html": mail.get_body(("html",)).get_content(),
    "files": [[part.get_filename(), part.get_content_type(), hashlib.sha256(part.get_payload(decode=True)).hexdigest()]
        for part in mail.iter_attachments()]}, sys.stdout)
END
	my $path = "$ENV{TESTDIR}/message";
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $message;
	close $file;
	open my $script, '>', "$path.py" or die $!;
	print $script $reader;
	close $script;
	return JSON::PP::decode_json(scalar `python3 $path.py <$path`);
}

sub about
{
	my ($address, $subject) = @_;
	return grep { /^Subject: \Q$subject\E$/m } $mail->messages($address);
}

sub wait_about
{
	my ($address, $subject) = @_;
	my $deadline = time + 30;
	my @found;
	sleep 0.1 until (@found = about($address, $subject)) || time > $deadline;
	return $found[0] // '';
}

sql(sprintf <<'SQL', $mail->submission_port);
CREATE ROLE clara LOGIN;
DO $$
DECLARE
	company bigint := ar_inbox.create_company('Acme Größe');
BEGIN
	PERFORM ar_inbox.set_mail_account(company, 'billing@acme.test', 'smtp://localhost:%d?starttls=always', 'billing@acme.test', 'secret', 'inbox@acme.test');
	PERFORM ar_inbox.create_member(company, 'Clara', 'clara@acme.test', 'clara', '{view,send}');
	UPDATE ar_inbox.members SET signature = 'Clara, Acme';
	UPDATE ar_inbox.mail_accounts SET plus_addressing = true;
	PERFORM ar_inbox.arm();
END
$$;
SQL
my $first = sql(<<'SQL');
SELECT ar_inbox.receive_email(convert_to(E'From: Ann <ann@globex.test>\r\nTo: inbox@acme.test\r\nSubject: A question\r\nMessage-ID: <q1@globex.test>\r\n\r\nWhat do we owe?\r\n', 'UTF8'))
SQL

# --- a reply with attachments ------------------------------------------------

# 300 kB that no transfer encoding but base64 leaves as they are
sql(q(CREATE TABLE public.bytes AS SELECT 'Aufstellung für März.bin' AS name, string_agg(sha256(n::text::bytea), '\x0d0a2e0d0a00' ORDER BY n) AS content FROM generate_series(1, 8000) n));
sql('GRANT SELECT ON public.bytes TO clara');
my $file = as_clara('SELECT ar_inbox.add_file(1, name, content) FROM public.bytes');
like($file, qr/^\d+$/, 'a member adds a file');
my $terms = as_clara(q(SELECT ar_inbox.add_file(1, 'terms.csv', E'days,percent\n14,2\n')));
my $email = as_clara("SELECT ar_inbox.reply((SELECT thread_id FROM ar_inbox.emails WHERE id = $first), 'All of **this**.', attachments => '{$file,$terms}')");
my $read = received(wait_about('ann@globex.test', 'Re: A question'));
is_deeply($read->{files}, [
		[ "Aufstellung f\xfcr M\xe4rz.bin", 'application/octet-stream', sql(q(SELECT encode(sha256(content), 'hex') FROM public.bytes)) ],
		[ 'terms.csv', 'text/csv', sql(q(SELECT encode(sha256(E'days,percent\n14,2\n'), 'hex'))) ]],
	'the receiver has the files, byte by byte, under their names')
  or diag explain $read->{files};
is($read->{fields}{from}, "\"Acme Gr\xf6\xdfe (Clara)\" <billing\@acme.test>", 'from the company, with the member\'s name');
is($read->{fields}{'in-reply-to'}, '<q1@globex.test>', 'answering what was asked');
is($read->{text}, "All of **this**.\n\n-- \nClara, Acme\n", 'as text, signed');
like($read->{html}, qr{^<p>All of <strong>this</strong>\.</p>\s*<p>-- </p>\s*<p>Clara, Acme</p>\s*$}, 'and as HTML');
my $delivery = sql("SELECT id FROM ar_inbox.deliveries WHERE email_id = $email");
my ($bounce_token) = ($read->{fields}{'return-path'} // '') =~ /^<inbox\+(b[a-z2-7]{29})\@acme\.test>$/;
is(sql(sprintf q(SELECT ar_inbox_internal.read_token(ar_inbox_internal.signing_key(1), 'b', '%s')), $bounce_token // ''),
	$delivery, 'a bounce would come back to an address that names the delivery');
my ($answer_to) = ($read->{fields}{'reply-to'} // '') =~ /(\S+)/;
like($answer_to, qr/^inbox\+r[a-z2-7]{29}\@acme\.test$/, 'an answer to one that names the thread');
my ($code, $said) = $mail->swaks('smtp', '--from', 'ann@globex.test', '--to', uc($answer_to) =~ s/\@.*/\@acme.test/r,
	'--header', 'Subject: The answer', '--body', 'Thanks.');
is($code, 0, 'the mail host takes it, in capitals too') or diag $said;
like(wait_about('inbox@acme.test', 'The answer'), qr/^Thanks\.$/m, 'and puts it into the inbox');

# --- a bounce names the delivery --------------------------------------------

my $lost = as_clara(q(SELECT ar_inbox.send_email(1, '{nobody@globex.test}', 'To nobody', 'Hello')));
my $deadline = time + 30;
my $bounce;
sleep 0.1 until ($bounce) = grep { m{message/delivery-status} } $mail->messages('inbox@acme.test') or time > $deadline;
my $lost_token = sql(<<"SQL");
SELECT ar_inbox_internal.sign_token(ar_inbox_internal.signing_key(1), 'b', id) FROM ar_inbox.deliveries WHERE email_id = $lost
SQL
like($bounce // '', qr/^(?:X-Original-To|Delivered-To|To): <?inbox\+$lost_token\@acme\.test/mi, 'what cannot be delivered comes back to its address');
like($bounce // '', qr/^Original-Envelope-Id: $lost_token$/m, 'and carries its envelope id');

# --- undo ---------------------------------------------------------------------

sql(q(SELECT ar_inbox.change_settings(1, '{"undo_grace": "3 seconds"}')));
my $taken = as_clara(q(SELECT ar_inbox.send_email(1, '{ann@globex.test}', 'Taken back', 'Hello')));
my $began = time;
my $kept = as_clara(q(SELECT ar_inbox.send_email(1, '{ann@globex.test}', 'Kept', 'Hello')));
is(as_clara("SELECT ar_inbox.undo_send($taken)"), '', 'a message is taken back');
like(wait_about('ann@globex.test', 'Kept'), qr/^Subject: Kept$/m, 'another one is not');
cmp_ok(time - $began, '>=', 2.5, 'it leaves after the grace');
is(sql("SELECT state, reason FROM ar_inbox.deliveries WHERE email_id = $taken"), 'cancelled|taken back by Clara', 'the first is cancelled');
sleep 1;
is(scalar(about('ann@globex.test', 'Taken back')), 0, 'and never arrives');
ok(ArInbox::wait_until($node, "SELECT state FROM ar_inbox.deliveries WHERE email_id = $kept", 'accepted'), 'the other one is handed off');
like(as_clara("SELECT ar_inbox.undo_send($kept)"), qr/email $kept is already handed off/, 'then it is too late');

# --- later ----------------------------------------------------------------------

my $moment = sql(q(SELECT date_trunc('second', clock_timestamp()) + interval '5 seconds'));
my $later = as_clara("SELECT ar_inbox.send_email(1, '{ann\@globex.test}', 'Later', 'Hello', send_at => '$moment')");
sleep 1;
is(scalar(about('ann@globex.test', 'Later')), 0, 'a message for later waits');
my ($arrived) = wait_about('ann@globex.test', 'Later');
is(sql("SELECT clock_timestamp() >= '$moment'"), 't', 'until then');
is(sql(sprintf q(SELECT '%s'::timestamptz = '%s'), ($arrived =~ /^Date: (.*)$/m)[0] // 'epoch', $moment), 't', 'and is dated then');
is(sql("SELECT occurred_at >= '$moment' AND occurred_at < '$moment'::timestamptz + interval '20 seconds' FROM ar_inbox.emails WHERE id = $later"), 't', 'it happened when it left');

# --- an address that is not written to ---------------------------------------

sql(q(SELECT ar_inbox.change_settings(1, '{"undo_grace": "2 seconds"}')));
my $waiting = as_clara(q(SELECT ar_inbox.send_email(1, '{ann@globex.test,billing@acme.test}', 'Suppressed meanwhile', 'Hello')));
like(as_clara(q(SELECT ar_inbox.suppress('ann@globex.test', detail => 'asked for it'))), qr/^\d+$/, 'an address is suppressed');
like(as_clara(q(SELECT ar_inbox.send_email(1, '{ann@globex.test}', 'Suppressed', 'Hello'))),
	qr/the address ann\@globex\.test takes no mail from us: suppressed since \S+: by hand \(asked for it\)/, 'what is written to it then is refused');
like(wait_about('billing@acme.test', 'Suppressed meanwhile'), qr/^Subject: /m, 'what waited goes to the others');
ok(ArInbox::wait_until($node, "SELECT string_agg(split_part(r.address::text, '\@', 1) || ' ' || r.state, ', ' ORDER BY r.id) FROM ar_inbox.email_recipients r WHERE r.email_id = $waiting",
	'ann rejected, billing accepted'), 'and not to it');
is(scalar(grep { /^Subject: Suppressed/m } $mail->messages('ann@globex.test')), 0, 'it gets nothing');

$node->stop('fast');
$mail->stop;
done_testing();
