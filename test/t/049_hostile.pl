# Hostile mail through receive_email(): made to overflow, to quote without end,
# to nest without end, to lie about itself.  None of it raises an error, each
# takes its time within bounds and its memory too, and the bytes are kept.
#
# The second that a message may take is one of computing, as machines that test
# have other things to do; what the kernel takes to write 25 MB is not counted.
# Those other things make such seconds longer too, by half and more where
# processors share a core: one that takes too long is measured beside a piece of
# work whose time on a quiet machine is known, and has two more tries.  Memory may
# be 200 MB, and for a message of 25 MB six times its size.  Times and memory are
# printed.  To show what was read is another matter: up to 32 MB of JSON.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the server

use File::Basename qw(dirname);
use MIME::Base64 ();
use Test::More;
use lib dirname(__FILE__) . '/../lib';
use ArInbox;

my $most_seconds = 1;
my $most_seconds_shown = 5;
my $yardstick = 0.1;    # seconds of public.yardstick() on two quiet cores of 2.5 GHz
my $most_megabytes = 200;
my $most_times_its_size = 6;
my $large = 24_000_000;

# Little of it is shared memory, which counts with a process that has touched it.
my $node = ArInbox::new_node('hostile', conf => "shared_buffers = 8MB\nar_inbox.databases = 'none'\nautovacuum = off\nlog_error_verbosity = default\n");
sub sql { return $node->safe_psql('postgres', $_[0]) }

sql(<<'SQL');
DO $$
DECLARE
	company bigint := ar_inbox.create_company('Acme');
BEGIN
	PERFORM ar_inbox.set_mail_account(company, 'billing@acme.test', 'smtp://127.0.0.1:9', inbox_address => 'inbox@acme.test');
	PERFORM ar_inbox.create_customer(company, 'Client', email => 'pay@client.test');
END
$$;
-- What this process has computed so far, in seconds of the processor.
CREATE FUNCTION public.cpu() RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT field[12]::numeric / 100
	FROM string_to_array(substring(pg_read_file('/proc/self/stat') FROM '.*\) (.*)'), ' ') field
$$;
-- A piece of work of the kind that a large message makes: memory to fill, and to hash.
CREATE FUNCTION public.yardstick() RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
	used numeric := public.cpu();
BEGIN
	FOR i IN 1 .. 4 LOOP
		PERFORM sha256(convert_to(repeat('x' || i, 8000000), 'UTF8'));
	END LOOP;
	RETURN public.cpu() - used;
END
$$;
-- Takes the message in a file; what came of it, and what that took.
CREATE FUNCTION public.measure(path text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	bytes bytea;
	began timestamptz;
	used numeric;
	mail bigint;
	seconds numeric;
	shown numeric;
	took interval;
	thread bigint;
	before bigint;
	peak bigint;
	kept record;
BEGIN
	-- what a backend learns with its first message is no message's fault
	PERFORM ar_inbox.receive_email(convert_to(E'From: pay@client.test\r\nTo: inbox@acme.test\r\n\r\nWarm ' || clock_timestamp(), 'UTF8'));
	bytes := pg_read_binary_file(path);
	COPY (SELECT 5) TO '/proc/self/clear_refs';	-- the peak begins anew
	before := substring(pg_read_file('/proc/self/status') FROM 'VmRSS:\s*(\d+)');
	began := clock_timestamp();
	used := public.cpu();
	mail := ar_inbox.receive_email(bytes);
	seconds := public.cpu() - used;
	peak := substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)');
	-- and what a member then looks at
	SELECT thread_id INTO thread FROM ar_inbox.emails WHERE id = mail;
	used := public.cpu();
	PERFORM ar_inbox.email_html(mail) FROM ar_inbox.emails WHERE id = mail;
	PERFORM length(ar_inbox.thread(thread)::text) WHERE thread IS NOT NULL;
	shown := public.cpu() - used;
	took := clock_timestamp() - began;
	SELECT m.state, m.defects, m.reason INTO kept FROM ar_inbox.inbound_messages m
	WHERE m.content_hash = sha256(bytes) AND m.message = bytes;
	RETURN concat_ws('|', round(seconds, 2), round(shown, 2), round(extract(epoch FROM took), 2), (peak - before) / 1024, octet_length(bytes), coalesce(kept.state, 'lost'),
		(SELECT count(*) FROM ar_inbox.attachments WHERE email_id = mail), array_to_string(kept.defects, ' '), kept.reason);
END
$$;
SQL

# mail: a message of a header (lines ended by LF) and a body.
my $number = 0;
sub mail
{
	my ($fields, $body) = @_;

	$number++;
	my $head = "Received: from a by b; Mon, 2 Nov 2026 10:00:00 +0000\n";
	$head .= "From: pay$number\@client.test\n" if $fields !~ /^From:/im;
	$head .= "To: inbox\@acme.test\n" if $fields !~ /^To:/im;
	$head .= "Message-ID: <$number\@client.test>\n" if $fields !~ /^Message-ID:/im;
	$head .= $fields;
	$head .= "\n" if $head !~ /\n\z/;
	$head =~ s/\n/\r\n/g;
	return "$head\r\n" . ($body // "Hello.\r\n");
}

# nested: parts within parts.
sub nested
{
	my ($depth) = @_;

	return join('', map { qq(--b$_\r\nContent-Type: multipart/mixed; boundary="b@{[ $_ + 1 ]}"\r\n\r\n) } 1 .. $depth)
	  . "--b@{[ $depth + 1 ]}\r\n\r\ndeep\r\n" . join '', map { "--b$_--\r\n" } reverse 1 .. $depth + 1;
}

sub html { return mail("MIME-Version: 1.0\nContent-Type: text/html; charset=utf-8", $_[0]) }

sub part { return "--b\r\n$_[0]\r\n\r\n$_[1]\r\n" }

sub mixed { return mail("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b", join('', @_) . "--b--\r\n") }

sub base64 { return MIME::Base64::encode_base64($_[0], "\r\n") }

# noise: what does not compress, the same each time.
sub noise
{
	my ($length) = @_;

	srand 1;
	return substr join('', map { pack 'N', int rand 2**32 } 1 .. $length / 4 + 1), 0, $length;
}

my $mega = 1024 * 1024;
my @words = map { sprintf '%x', $_ * 2654435761 % 4294967296 } 1 .. 100_000;

# What it is, the message, and what has to come of it (filed unless told).
my @case = (
	[ '100,000 nested parts', sub { mail('Content-Type: multipart/mixed; boundary="b1"', nested(100_000)) } ],
	[ '100,000 nested messages', sub { mail('Content-Type: message/rfc822', "Content-Type: message/rfc822\r\n\r\n" x 100_000 . "deep\r\n") } ],
	[ '100,000 nested messages that are encoded', sub { mail('Content-Type: message/rfc822', "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" x 100_000) } ],
	[ 'a boundary that all parts share', sub { mail('Content-Type: multipart/mixed; boundary=b', "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" x 100_000) } ],
	[ '100,000 addresses in To', sub { mail('To: inbox@acme.test, ' . join ', ', map { "u$_\@x.test" } 1 .. 100_000) } ],
	[ '100,000 addresses in To, folded', sub { mail("To: inbox\@acme.test,\n " . join ",\n ", map { "U $_ <u$_\@x.test>" } 1 .. 100_000) } ],
	[ '100,000 addresses of ours', sub { mail('To: ' . join ', ', map { "inbox+$_\@acme.test" } 1 .. 100_000) } ],
	[ '5,000 addresses in each of To, Cc and Reply-To', sub { mail(join '', map { my $f = $_; "$f: inbox\@acme.test, " . join(', ', map { "$f$_\@x.test" } 1 .. 4990) . "\n" } qw(To Cc Reply-To)) } ],
	[ '500 addresses of 30 tags each', sub { mail('To: inbox@acme.test, ' . join ', ', map { my $u = $_; "u$u" . '+t' x 27 . '@x.test' } 1 .. 500) } ],
	[ '380 attached messages of quoted HTML, 24 MB', sub { mixed(map { part('Content-Type: message/rfc822', "Subject: s\r\nContent-Type: text/html\r\n\r\n" . '<blockquote>' x 20 . 'x<br>' x 12_900) } 1 .. 380) } ],
	[ '2,000 Delivered-To', sub { mail(join '', map { "Delivered-To: d$_\@x.test\n" } 1 .. 2000) }, 'quarantine' ],
	[ 'a header line of 100 kB', sub { mail('X-Long: ' . 'x' x 100_000) } ],
	[ 'a From of 100 kB of groups', sub { mail('From: ' . 'g:' x 50_000) } ],
	[ 'a From of 100 kB of parentheses', sub { mail('From: ' . '(' x 100_000) } ],
	[ 'a From of 100 kB of quotation marks', sub { mail('From: ' . '"\\' x 50_000) } ],
	[ 'a From of 100 kB of angle brackets', sub { mail('From: ' . '<' x 50_000 . '@' x 50_000) } ],
	[ 'a To of 900 kB of encoded words', sub { mail('To: inbox@acme.test, ' . '=?utf-8?q?=61?= ' x 50_000) } ],
	[ '100,000 header fields', sub { mail(join '', map { "X-$_: y\n" } 1 .. 100_000) } ],
	[ '100,000 fields without names', sub { mail(": x\n" x 100_000) } ],
	[ '101 Received', sub { mail("Received: from a by b; Mon, 2 Nov 2026 10:00:00 +0000\n" x 100) }, 'quarantine' ],
	[ 'a subject of 1 MB', sub { mail('Subject: ' . 'x' x (1000 * 1024)) } ],
	[ 'a subject of 900 kB of words', sub { mail('Subject: ' . join ' ', @words[ 0 .. 99_999 ]) } ],
	[ 'a subject of 900 kB of encoded words', sub { mail("Subject: " . join "\n ", ('=?utf-8?b?SU5WLTAwMDAx?=') x 33_000) } ],
	[ 'a subject of parentheses and numbers', sub { mail('Subject: ' . 'INV-00001(' x 90_000) } ],
	[ 'a Message-ID of 1 MB', sub { mail('Message-ID: <' . 'm' x (1000 * 1024) . '@x.test>') } ],
	[ 'a Message-ID of 900 kB that does not compress', sub { mail('Message-ID: <' . join('', @words) . '@x.test>') } ],
	[ 'a Message-ID of 3,000 that does not compress', sub { mail('Message-ID: <' . substr(join('', @words), 0, 3000) . '@x.test>') } ],
	[ '100,000 references', sub { mail('References: ' . join "\n ", map { "<$_\@r.test>" } 1 .. 100_000) } ],
	[ '40 references of 20 kB each', sub { mail('References: ' . join "\n ", map { "<$_" . join('', @words[ $_ * 2000 .. $_ * 2000 + 2300 ]) . '@r.test>' } 1 .. 40) } ],
	[ '100,000 references to itself', sub { mail("References: " . join "\n ", ("<$number\@client.test>") x 100_000) } ],
	[ 'an In-Reply-To of 1 MB', sub { mail('In-Reply-To: ' . '<a@b> ' x 160_000) } ],
	[ 'a Thread-Index of 1 MB', sub { mail('Thread-Index: ' . 'A' x (1000 * 1024)) } ],
	[ 'an Authentication-Results of 900 kB', sub { mail('Authentication-Results: mx.acme.test; ' . 'dkim=pass (a(b)c) header.d=x; ' x 28_000) } ],
	[ 'a header of 10 MB', sub { mail(join '', map { 'X: ' . 'y' x 1000 . "\n" } 1 .. 10_000) } ],
	[ 'a million attributes on one tag', sub { html('<p ' . join(' ', map { "a$_=1" } 1 .. 1_000_000) . '>x</p>') } ],
	[ 'a million attributes of one name', sub { html('<p ' . 'a=1 ' x 1_000_000 . '>x</p>') } ],
	[ '500,000 tags', sub { html('<b>' x 500_000 . 'x') } ],
	[ '2 MB of blockquotes', sub { html('<blockquote type=cite>' x 90_000 . 'x') } ],
	[ '10 MB of HTML', sub { html('<p>Hello <b>there</b></p>' x 400_000) } ],
	[ '20 MB of <', sub { html('<' x (20 * $mega)) } ],
	[ '5 MB of entities', sub { html('&amp;&#x41;&bogus;' x 280_000) } ],
	[ 'entities that multiply', sub { html('<!DOCTYPE x [' . join('', map { "<!ENTITY e$_ \"" . ('&e' . ($_ - 1) . ';') x 10 . '">' } 1 .. 20) . ']>&e20;') } ],
	[ '100,000 tables, one in the other', sub { html('<table><tr><td>' x 100_000) } ],
	[ '100,000 comments that do not end', sub { html('<!--' x 100_000) } ],
	[ '1 MB of a style sheet', sub { html('<style>' . 'a{b:c}' x 170_000 . '</style>x') } ],
	[ '10 MB in one image', sub { html('<img src="data:image/png;base64,' . base64('x' x (7 * $mega)) =~ s/\s//gr . '">') } ],
	[ '100,000 images', sub { html(join '', map { "<img src=\"cid:$_\">" } 1 .. 100_000) } ],
	[ '900 images that are there', sub { mixed(part('Content-Type: text/html', join '', map { "<img src=\"cid:$_\@x\">" } 1 .. 900), map { part("Content-Type: image/gif\r\nContent-ID: <$_\@x>", "GIF89a$_") } 1 .. 900) } ],
	[ '15 MB of zeros in base64', sub { mixed(part("Content-Type: application/zip; name=x.zip\r\nContent-Transfer-Encoding: base64", base64("PK\3\4" . "\0" x (11 * $mega)))) } ],
	[ '15 MB of base64 without a line end', sub { mixed(part("Content-Type: application/zip\r\nContent-Transfer-Encoding: base64", MIME::Base64::encode_base64("PK\3\4" . "\0" x (11 * $mega), ''))) } ],
	[ '20 MB of base64 that is none', sub { mixed(part("Content-Type: application/zip\r\nContent-Transfer-Encoding: base64", '=-*' x (7 * $mega))) } ],
	[ '20 MB of text in base64', sub { mail("Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8", base64("\xc3\xa4\n" x (5 * $mega))) } ],
	[ '20 MB of quoted-printable', sub { mail("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain", '=3D' x (7 * $mega)) } ],
	[ '20 MB of soft line breaks', sub { mail("Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain", "=\r\n" x (7 * $mega)) } ],
	[ '20 MB of uuencoded', sub { mail('Subject: uu', "begin 644 x\r\n" . "M$(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\$\"(\r\n" x 330_000) } ],
	[ '100,000 uuencoded files', sub { mail('Subject: uu', "begin 644 x\r\n`\r\nend\r\n" x 100_000) } ],
	[ 'a Content-Length that lies', sub { mail("Content-Length: 99999999999999999999\nLines: -1", "Hello.\r\n") } ],
	[ 'NUL bytes', sub { mail("Subject: a\0b\nX-\0: \0", "a\0b" x 300_000) } ],
	[ 'all of it NUL', sub { "\0" x (5 * $mega) }, 'quarantine' ],
	[ 'lone CR', sub { mail("Subject: a\rb\rFrom: c", "a\rb\r" x 500_000) } ],
	[ 'CR alone everywhere', sub { my $m = mail('Subject: x', "a\rb\r" x 1000); $m =~ s/\r\n/\r/g; $m } ],
	[ 'an 8-bit header', sub { mail("Subject: \xfcber\xff\xfe\nTo: \"\xe4\" <inbox\@acme.test>\nX-\xff: \x80") } ],
	[ 'every byte in From', sub { mail("From: " . join('', map { chr } grep { $_ != 10 && $_ != 13 } 0 .. 255) . " <pay\@client.test>") } ],
	[ 'an unknown charset', sub { mail('Content-Type: text/plain; charset=x-klingon//TRANSLIT', "\xe4\xf6\xfc") } ],
	[ 'a charset of 100 kB', sub { mail('Content-Type: text/plain; charset="' . 'u' x 100_000 . '"', "\xe4\xf6\xfc") } ],
	[ 'UTF-8 that is none', sub { mail('Content-Type: text/plain; charset=utf-8', "\xff\xfe\x80\xc0\x80" x 200_000) } ],
	[ '10 MB of umlauts that claim to be UTF-8', sub { mail('Content-Type: text/plain; charset=utf-8', "a\xe4" x (5 * $mega)) } ],
	[ 'the same in ISO-2022-JP', sub { mail('Content-Type: text/plain; charset=iso-2022-jp', "a\xe4" x (5 * $mega)) } ],
	[ 'UTF-16 that is text', sub { mail('Content-Type: text/plain; charset=utf-16', 'Hello ' x 200_000) } ],
	[ 'ISO-2022-JP that never returns', sub { mail('Content-Type: text/plain; charset=iso-2022-jp', "\e\$B" . "\e(B\e\$B" x 300_000) } ],
	[ 'UTF-7', sub { mail('Content-Type: text/plain; charset=utf-7', '+AGEA' x 200_000) } ],
	[ '2,000 attachments', sub { mixed(map { part("Content-Type: application/octet-stream; name=f$_", "file $_") } 1 .. 2000) } ],
	[ '900 attachments of one name', sub { mixed(map { part('Content-Type: application/octet-stream; name=same', "file $_") } 1 .. 900) } ],
	[ '900 attachments of 20 kB each that are looked into', sub { mixed(map { part('Content-Type: application/octet-stream', $_ . "\n " x 10_000) } 1 .. 900) } ],
	[ '900 attachments of 20 kB each like a script', sub { mixed(map { part('Content-Type: application/octet-stream', "$_ <script from class def import\t{\"" x 600) } 1 .. 900) } ],
	[ '100,000 parameters', sub { mail('Content-Type: multipart/mixed; ' . join '; ', map { "p$_=v" } 1 .. 90_000) } ],
	[ 'a file name of 100,000 segments', sub { mixed(part("Content-Type: application/x" . join('', map { ";\r\n name*$_*=%41" } 0 .. 99_999), 'x')) } ],
	[ 'a file name of 900 kB', sub { mixed(part('Content-Disposition: attachment; filename="' . '../' x 300_000 . '"', 'x')) } ],
	[ '10 MB of lines of one word', sub { mail('Subject: words', join("\r\n", map { @words } 1 .. 11) ) } ],
	[ '10 MB of different words', sub { mail('Subject: words', join "\r\n", map { my $n = $_; map { "$n$_" } @words } 1 .. 10) } ],
	[ '10 MB in one word', sub { mail('Subject: word', 'w' x (10 * $mega)) } ],
	[ '10 MB of line ends', sub { mail('Subject: lines', "\r\n" x (5 * $mega)) } ],
	[ '10 MB of >', sub { mail('Subject: quoted', "> " x (5 * $mega)) } ],
	[ '10 MB of quoted lines', sub { mail('Subject: quoted', "x\r\n> x\r\n" x ($mega)) } ],
	[ '10 MB of "On ... wrote:"', sub { mail('Subject: quoted', "On Monday somebody wrote:\r\n" x 380_000) } ],
	[ '10 MB of "From:"', sub { mail('Subject: quoted', "From: x\r\nSent: y\r\nTo: z\r\nSubject: u\r\n" x 280_000) } ],
	[ '10 MB of format=flowed', sub { mail('Content-Type: text/plain; format=flowed', ">a \r\n" x (2 * $mega)) } ],
	[ '10 MB of e-mail addresses', sub { mail('Subject: addresses', join ' ', map { "user$_\@host$_.example" } 1 .. 330_000) } ],
	[ '10 MB of parentheses', sub { mail('Subject: p', '(' x (10 * $mega)) } ],
	[ '10 MB of tags that are text', sub { mail('Subject: p', '<a ' x (3 * $mega)) } ],
	[ '10 MB of Chinese', sub { mail('Content-Type: text/plain; charset=utf-8', "\xe4\xb8\xad\xe6\x96\x87" x (1_700_000)) } ],
	[ 'a bounce of 100,000 recipients', sub {
		mail('Content-Type: multipart/report; report-type=delivery-status; boundary=b', part('Content-Type: text/plain', 'failed')
			. part('Content-Type: message/delivery-status', "Reporting-MTA: dns; x\r\n\r\n" . join '', map { "Final-Recipient: rfc822; u$_\@x.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" } 1 .. 100_000) . "--b--\r\n") } ],
	[ 'a bounce in words of 10 MB', sub { mail('From: MAILER-DAEMON@x.test', "The following address failed:\r\n  <a\@x.test>: 550 5.1.1 unknown user\r\n" x 140_000) } ],
	[ 'a receipt of 1 MB', sub {
		mail('Content-Type: multipart/report; report-type=disposition-notification; boundary=b', part('Content-Type: text/plain', 'read')
			. part('Content-Type: message/disposition-notification', "Final-Recipient: rfc822; pay\@client.test\r\nOriginal-Message-ID: <" . 'x' x $mega . ">\r\nDisposition: manual-action/MDN-sent-manually; displayed") . "--b--\r\n") }, 'event' ],
	[ 'a winmail.dat that loops', sub { mixed(part("Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64", base64("\x78\x9f\x3e\x22\0\0" . "\2\x0f\x80\6\0\0\0\0\0\0\0" x 100_000))) } ],
	[ 'a calendar of 5 MB', sub { mail('Content-Type: text/calendar', "BEGIN:VCALENDAR\r\n" x 300_000) } ],
	[ 'no header at all', sub { "\r\n" . 'x' x $mega }, 'quarantine' ],
	[ '5 MB in one line', sub { 'x' x (5 * $mega) }, 'quarantine' ],
	[ '25 MB in a file', sub { mixed(part('Content-Type: text/plain', 'See there.'), part("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=a.pdf", base64(noise(18 * $mega)))) } ],
	[ '25 MB of text', sub { mail('Content-Type: text/plain', "Some words of a long text.\r\n" x 930_000) } ],
	[ '25 MB of bytes of which three are made each', sub { mail('Content-Type: text/html; charset=windows-1252', "\x80" x (25 * $mega - 1000)) } ],
	[ '25 MB of HTML', sub { html("<p>Some words of a <b>long</b> text.</p>\r\n" x 620_000) } ],
	[ '25 MB of HTML with links in quotations', sub { html('<blockquote>' x 20 . "<p><a href='https://a.example/'>b</a><br>c\r\n" x 560_000) } ],
	[ '25 MB of HTML in base64', sub { mail("Content-Type: text/html\nContent-Transfer-Encoding: base64", base64("<p>Some words of a <b>long</b> text.</p>\r\n" x 450_000)) } ],
	[ '30 MB', sub { mail('Subject: large', "line\r\n" x (5 * $mega)) }, 'quarantine' ],
);

my @wanted = @ARGV ? map { $case[$_] } @ARGV : @case;
my $path = "$ENV{TESTDIR}/mail";
my ($slowest, $largest) = ([0], [0]);
for my $case (@wanted)
{
	my ($what, $make, $wanted) = @$case;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $make->();
	close $file or die "$path: $!";

	# A fresh connection, whose memory nothing else has used.  One that took too
	# long is as if it had not been, and comes again; the third time counts.  (The
	# yardstick's least: its first runs find no memory yet.)
	my ($code, $answer, $error);
	for my $try (1 .. 3)
	{
		($code, $answer, $error) = $node->psql('postgres', <<"SQL", timeout => 120);
BEGIN;
SELECT public.measure('$path') AS measured \\gset
SELECT split_part(:'measured', '|', 1)::numeric AS seconds \\gset
\\set slower 1
SELECT :seconds >= $most_seconds AS over \\gset
\\if :over
SELECT greatest(1, round(min(public.yardstick()) / $yardstick, 2)) AS slower FROM generate_series(1, 4) \\gset
\\endif
SELECT $try < 3 AND :seconds >= $most_seconds * :slower AS again \\gset
\\if :again
ROLLBACK;
\\echo again
\\else
COMMIT;
\\echo :slower|:measured
\\endif
SQL
		last if $code != 0 || $answer ne 'again';
	}
	my ($slower, $seconds, $shown, $took, $megabytes, $size, $state, $attachments, $defects, $reason) = split /\|/, $answer // '';
	is($code == 0 ? $state : $error, $wanted // 'filed', $what) or diag $reason // '';
	next if $code != 0;
	cmp_ok($seconds, '<', $most_seconds * $slower, "$what: $seconds s of a processor $slower times as slow (shown in $shown s; by the clock both $took s), $megabytes MB, of $size bytes; $attachments attachments; $defects");
	cmp_ok($shown, '<', $most_seconds_shown * $slower, "$what: shown");
	cmp_ok($megabytes, '<', $most_megabytes, "$what: memory");
	cmp_ok($megabytes, '<', $most_times_its_size * $size / 1024 / 1024, "$what: times its size") if $size > $large;
	$slowest = [ sprintf('%.2f', $seconds / $slower), $what ] if $seconds / $slower > $slowest->[0];
	$largest = [ $megabytes, $what ] if $megabytes > $largest->[0];
}
diag sprintf 'slowest: %s s (%s); largest: %s MB (%s)', @$slowest, @$largest;
is(sql(q(SELECT count(*) FROM ar_inbox.emails e WHERE NOT EXISTS (SELECT FROM ar_inbox.threads t WHERE t.id = e.thread_id AND t.message_count > 0))), '0', 'each is in a thread');

$node->stop('fast');
done_testing();
