# Text messages and letters, through a peer that holds each request against
# what the providers document: each way of refusing, stalling or hanging up
# leaves the right state in the ledger, nothing is lost and nothing sent twice.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use Digest::SHA qw(hmac_sha1 hmac_sha256_hex);
use File::Basename qw(dirname);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use PostgreSQL::Test::Utils;
use ProviderPeer;
use Sink;

my $node = ArInbox::new_node('channels', conf => <<'END');
ar_inbox.connect_timeout = 3s
ar_inbox.reply_timeout = 2s
ar_inbox.restart_time = 1s
END
my $peer = ProviderPeer->new;
my $account = 'AC' . '0' x 32;
my $callback = 'https://billing.example.com/status?of=acme';
my (%company, %thread, %phones);

sub sql { return $node->safe_psql('postgres', $_[0]) }

# company: one of its own, whose providers are the peer by that name, or at a URL.
sub company
{
	my ($name, %option) = @_;

	my $url = $option{url} // $peer->url($name);
	my $id = sql("SELECT ar_inbox.create_company('$name')");
	sql(<<"END");
SELECT ar_inbox.change_settings($id, '{"sms_from_hour": 0, "sms_to_hour": 24, "postal_address":
	{"line1": "99 Return Road", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}}');
SELECT ar_inbox.set_sms_provider($id, '$account', 'token_of_$name', '+15550100000', '$callback', '$url');
SELECT ar_inbox.set_letter_provider($id, 'key_of_$name', 'hook_of_$name', base_url => '$url');
END
	my $customer = sql("SELECT ar_inbox.create_customer($id, 'Customer of $name')");
	$thread{$name} = sql(<<"END");
SELECT ar_inbox_internal.invoice_thread($id, ar_inbox.create_invoice($customer, '[{"description": "Work", "unit_price": 100}]', '2026-01-10', '2026-02-09'))
END
	return $company{$name} = $id;
}

# text, letter: one of them from the company; gives its delivery.
sub text
{
	my ($name, $body) = @_;

	my $phone = sprintf '+1555%07d', ++$phones{$name};
	my $email = sql("SELECT ar_inbox_internal.queue_text_message($company{$name}, $thread{$name}, '$phone', '" . ($body // 'Please pay.') . "', NULL, NULL, NULL, now())");
	return sql("SELECT id FROM ar_inbox.deliveries WHERE email_id = $email");
}

sub letter
{
	my ($name) = @_;

	my $email = sql(<<"END");
SELECT ar_inbox_internal.queue_letter($company{$name}, $thread{$name},
	'{"name": "Jörg Müller-Lüdenscheidt & Söhne", "line1": "Straße 1", "city": "Köln", "postal_code": "50667", "country": "DE"}',
	'Überfällig', 'Please pay', '<p>Bitte zahlen: 100&nbsp;€</p>', NULL, NULL, NULL, now())
END
	return sql("SELECT id FROM ar_inbox.deliveries WHERE email_id = $email");
}

sub state
{
	my ($delivery) = @_;

	return "SELECT concat_ws(' ', state, code, attempts, CASE WHEN next_attempt_at IS NULL THEN 'done' ELSE 'again' END) FROM ar_inbox.deliveries WHERE id = $delivery";
}

sub reaches
{
	my ($delivery, $expected, $name, %option) = @_;
	return ok(ArInbox::wait_until($node, state($delivery), $expected, timeout => 20, %option), "$name: $expected");
}

sub clock_offset
{
	my ($seconds) = @_;

	sql("ALTER SYSTEM SET ar_inbox.clock_offset = $seconds");
	$node->reload;
}

# report: what the provider says of a text message, signed by it.
sub report
{
	my ($name, $sid, $status, $number, $token) = @_;

	my %field = (MessageSid => $sid, MessageStatus => $status, To => $number, From => '+15550100000', AccountSid => $account);
	my $signature = encode_base64(hmac_sha1($callback . join('', map { $_ . $field{$_} } sort keys %field), $token // "token_of_$name"), '');
	my $payload = JSON::PP->new->encode(\%field);
	return ($node->psql('postgres', "SELECT ar_inbox.record_provider_status($company{$name}, 'twilio', '$payload', '$signature')"))[2];
}

# ---- not armed ----

company('acme');
my @first = (text('acme', 'Größe & Preis: 100 € = "fällig" + 1% 😀'), letter('acme'));
sleep 1.5;
is(scalar(() = $peer->requests('acme')), 0, 'nothing leaves a database that is not armed');
sql('SELECT ar_inbox.arm()');

# ---- the requests ----

reaches($first[0], 'accepted 201 1 done', 'a text message');
reaches($first[1], 'accepted 200 1 done', 'a letter');
my ($text) = grep { $_->{path} !~ /letters/ } $peer->requests('acme');
is_deeply($text->{fields}, { To => '+15550000001', From => '+15550100000', Body => "Gr\xf6\xdfe & Preis: 100 \x{20ac} = \"f\xe4llig\" + 1% \x{1f600}", StatusCallback => $callback },
	'the text message has arrived as it was written');
is("$text->{user} $text->{password}", "$account token_of_acme", 'as whom');
my ($printed) = grep { $_->{path} =~ /letters/ } $peer->requests('acme');
is($printed->{fields}{'to[name]'}, "J\xf6rg M\xfcller-L\xfcdenscheidt & S\xf6hne", 'the letter too');
like($printed->{fields}{file}, qr/Bitte zahlen: 100&nbsp;\x{20ac}/, 'with its HTML');
is($printed->{user}, 'key_of_acme', 'as whom');
is($printed->{headers}{'idempotency-key'}, sql("SELECT message_id FROM ar_inbox.emails e JOIN ar_inbox.deliveries d ON d.email_id = e.id WHERE d.id = $first[1]"), 'under the name of its message');
is(sql("SELECT provider_message_id FROM ar_inbox.deliveries WHERE id = $first[0]"), $text->{made}, 'what the provider calls it is known');
is(sql("SELECT provider_message_id FROM ar_inbox.deliveries WHERE id = $first[1]"), $printed->{made}, 'for both');

# ---- each way to behave, all at once ----

# What it does with a text message and with a letter: the delivery's state,
# code, attempts, whether it is tried again, and the attempt.
my @case = (
	[ 'refuse', '400 Bad Request||{"code": 21211, "message": "Invalid number", "status": 400}', 'rejected 400 1 done', 'rejected', undef ],
	[ 'patience', "429 Too Many Requests|Retry-After: 100|{\"code\": 20429, \"message\": \"Too many\"}", 'deferred 429 1 again', 'deferred', 'deferred 429 1 again' ],
	[ 'later', '503 Service Unavailable|Retry-After: ' . http_date(time + 200) . '|', 'deferred 503 1 again', 'deferred', 'deferred 503 1 again' ],
	[ 'error', '500 Internal Server Error||oops', 'deferred 500 1 again', 'deferred', 'deferred 500 1 again' ],
	[ 'slow', '408 Request Timeout||', 'deferred 408 1 again', 'deferred', 'deferred 408 1 again' ],
	[ 'key', '401 Unauthorized||{"code": 20003, "message": "Authenticate"}', 'deferred 401 1 again', 'deferred', 'deferred 401 1 again' ],
	[ 'forbidden', '403 Forbidden||{"code": 20006, "message": "Suspended"}', 'deferred 403 1 again', 'deferred', 'deferred 403 1 again' ],
	[ 'elsewhere', '302 Found|Location: https://evil.example/|', 'deferred 302 1 again', 'deferred', 'deferred 302 1 again' ],
	[ 'drop', 'drop', 'unknown 1 again', 'unknown', 'unknown 1 again' ],
	[ 'taken', 'taken and drop', 'unknown 1 again', 'unknown', 'unknown 1 again' ],
	[ 'stall', 'stall', 'unknown 1 again', 'unknown', 'unknown 1 again' ],
	[ 'cut', 'cut', 'unknown 201 1 done', 'unknown', 'unknown 201 1 again' ],
	[ 'long', 'long', 'unknown 201 1 done', 'unknown', 'unknown 201 1 again' ],
	[ 'nonsense', 'nonsense', 'unknown 201 1 done', 'unknown', 'unknown 201 1 again' ],
	[ 'garbage', 'garbage', 'unknown 1 again', 'unknown', 'unknown 1 again' ]);
my (%text, %letter);
for my $case (@case)
{
	company($case->[0]);
	$peer->behave(@$case[ 0, 1 ]);
}
company('down', url => Sink->reserve->url =~ s/^smtp/http/r);
company('plain', url => $peer->url('plain') =~ s/^http/https/r);
for my $name ((map { $_->[0] } @case), 'down', 'plain')
{
	$text{$name} = text($name);
	$letter{$name} = letter($name);
}
# servers that stall keep nobody waiting
my $began = time;
my $prompt = text('acme');
reaches($prompt, 'accepted 201 1 done', 'meanwhile another company\'s');
cmp_ok(time - $began, '<', 3, 'at once') or diag time - $began;
for my $case (@case)
{
	my ($name, $how, $expected, $outcome, $of_letter) = @$case;
	reaches($text{$name}, $expected, "$name, a text message");
	is(sql("SELECT string_agg(outcome, ',' ORDER BY attempt_number) FROM ar_inbox.delivery_attempts WHERE delivery_id = $text{$name}"), $outcome, "$name: the attempt's outcome is $outcome");
	reaches($letter{$name}, $of_letter, "$name, a letter") if $of_letter;
}
reaches($_->[0], 'deferred 1 again', $_->[1]) for [ $text{down}, 'not reached' ], [ $text{plain}, 'TLS to one that speaks none' ];
is(sql("SELECT string_agg(DISTINCT outcome, ',') FROM ar_inbox.delivery_attempts WHERE delivery_id IN ($text{down}, $text{plain}, $letter{down}, $letter{plain})"), 'not_sent', 'as not sent');
is(sql("SELECT reason FROM ar_inbox.deliveries WHERE id = $text{refuse}"), 'HTTP 400, code 21211: Invalid number', 'a refusal has the provider\'s code and words');
like(sql("SELECT reason FROM ar_inbox.deliveries WHERE id = $text{nonsense}"), qr/in doubt: the answer \(HTTP 201\) names no message: <html>Welcome/, 'what is nonsense is told');
my $failing = sub { return sql("SELECT string_agg(DISTINCT c.name, ' ' ORDER BY c.name) FROM ar_inbox.providers p JOIN ar_inbox.companies c ON c.id = p.company_id WHERE p.channel = 'sms' AND p.send_error IS NOT NULL AND p.send_retry_at > now() - interval '1 minute'") };
is($failing->(), 'down elsewhere forbidden key later patience plain', 'which providers fail is told');
is(sql("SELECT extract(epoch FROM d.next_attempt_at - a.finished_at) > 90 FROM ar_inbox.deliveries d JOIN ar_inbox.delivery_attempts a ON a.delivery_id = d.id WHERE d.id = $_"), 't', 'Retry-After is respected')
  for @text{qw(patience later)};
is(scalar(() = $peer->requests($_)), 2, "$_: one request each") for qw(patience stall taken nonsense drop);

# ---- a report tells that a message in doubt was taken ----

my ($taken) = grep { /^SM/ } $peer->made('taken');
like(report('taken', $taken, 'delivered', '+15550000001', 'wrong'), qr/the signature is not that of a provider twilio/, 'a report with a wrong signature');
reaches($text{taken}, 'unknown 1 again', 'changes nothing');
is(report('taken', $taken, 'sent', '+15550000001'), '', 'one with the right one');
reaches($text{taken}, 'accepted 1 done', 'tells that it was taken');

# ---- later, and well again ----

$peer->behave($_->[0], 'well') for @case;
clock_offset(400);
for my $case (grep { $_->[2] =~ /again/ && $_->[0] ne 'taken' } @case)
{
	reaches($text{ $case->[0] }, 'accepted 201 2 done', "$case->[0], a text message, tried again");
}
for my $case (grep { defined $_->[4] } @case)
{
	reaches($letter{ $case->[0] }, 'accepted 200 2 done', "$case->[0], a letter, tried again");
	is(scalar(grep { /^ltr/ } $peer->made($case->[0])), 1, "$case->[0]: one letter was made");
}
is(scalar(grep { /^SM/ } $peer->made('taken')), 1, 'the text message that was reported was not sent again');
is($failing->(), 'down plain', 'those that work have no error any more');
is(sql(state($text{$_})), 'unknown 201 1 done', "$_: no second text message by itself") for qw(cut long nonsense);
sql("SELECT ar_inbox.resolve_delivery($text{nonsense}, true), ar_inbox.resolve_delivery($text{cut}, false)");
reaches($text{nonsense}, 'accepted 201 2 done', 'a member has it sent again');
reaches($text{cut}, 'accepted 201 1 done', 'or takes it as delivered');

# ---- a company that decides by itself ----

company('careful');
sql("SELECT ar_inbox.change_settings($company{careful}, '{\"resend_in_doubt\": false}')");
$peer->behave(careful => 'taken and drop');
my ($doubt, $same) = (text('careful'), letter('careful'));
reaches($doubt, 'unknown 1 done', 'a text message in doubt waits for a member');
reaches($same, 'unknown 1 again', 'a letter is repeated');
$peer->behave(careful => 'well');
clock_offset(800);
reaches($same, 'accepted 200 2 done', 'under the same key');
is(scalar(() = $peer->made('careful')), 2, 'one text message, one letter');

# ---- paid ----

my ($invoice) = sql("SELECT invoice_id FROM ar_inbox.threads WHERE id = $thread{acme}");
sql(<<"END");
SELECT ar_inbox.issue_invoice($invoice);
SELECT ar_inbox.chase_invoice($invoice, '[{"trigger": "after_due", "days": 3000, "hour": 9, "channels": ["email"]}]');
UPDATE ar_inbox.chasing_steps SET state = 'sending', fired_at = now() WHERE invoice_id = $invoice;
UPDATE ar_inbox.providers SET send_retry_at = now() + interval '20 minutes', send_error = 'wait', send_failures = 1 WHERE company_id = $company{acme} AND channel = 'sms';
END
$peer->behave(acme => 'stall');
my $before = () = $peer->requests('acme');
sql("SELECT ar_inbox_internal.queue_text_message($company{acme}, $thread{acme}, '+15559999999', 'Pay', NULL, $invoice, (SELECT id FROM ar_inbox.chasing_steps WHERE invoice_id = $invoice), now())");
sql("SELECT ar_inbox_internal.queue_letter($company{acme}, $thread{acme}, '{\"name\": \"N\", \"line1\": \"x\", \"city\": \"y\", \"country\": \"DE\"}', 's', 'b', NULL, NULL, $invoice, (SELECT id FROM ar_inbox.chasing_steps WHERE invoice_id = $invoice), now())");
ok($peer->wait_for(acme => $before + 1), 'a letter is under way');
sql("SELECT ar_inbox.record_payment($invoice, 100)");
is(sql("SELECT string_agg(channel || ' ' || state || ' ' || crossed_with_payment, ', ' ORDER BY channel) FROM ar_inbox.deliveries WHERE invoice_id = $invoice AND chasing_step_id IS NOT NULL"),
	'letter handing_off true, sms cancelled false', 'paid: the text message is cancelled, the letter crossed with the payment');
ok(ArInbox::wait_until($node, "SELECT state FROM ar_inbox.deliveries WHERE invoice_id = $invoice AND channel = 'letter' AND chasing_step_id IS NOT NULL", 'unknown', timeout => 20), 'of which no answer comes');
$peer->behave(acme => 'well');
sql("UPDATE ar_inbox.providers SET send_retry_at = NULL, send_error = NULL, send_failures = 0 WHERE company_id = $company{acme}");
clock_offset(1200);
my $next = text('acme');
reaches($next, 'accepted 201 1 done', 'what comes next goes out');
is(scalar(() = $peer->requests('acme')), $before + 2, 'and neither of them again');

# ---- many, of two companies, one of which stalls ----

company('crowd');
$peer->behave(crowd => 'stall');
text('crowd') for 1 .. 30;
ok($peer->wait_for(crowd => 4), 'some of a crowd are under way');
my $last = sql('SELECT max(id) FROM ar_inbox.deliveries');
$began = time;
# (at once: twenty psql take longer than they on a busy machine)
sql("SELECT count(ar_inbox_internal.queue_text_message($company{acme}, $thread{acme}, '+1555' || 2000000 + n, 'Please pay.', NULL, NULL, NULL, now())) FROM generate_series(1, 20) n");
ok(ArInbox::wait_until($node, "SELECT count(*) FROM ar_inbox.deliveries WHERE state = 'accepted' AND company_id = $company{acme} AND id > $last", 20, timeout => 20), 'the other company\'s all go out');
my $took = time - $began;
cmp_ok($took, '<', 4, sprintf 'in %.1f s', $took);
sql("SELECT ar_inbox.remove_provider($company{crowd}, 'sms')");
# (what was under way may end just now, and is ended when it comes due again)
is(sql("SELECT count(*) FROM ar_inbox.deliveries WHERE company_id = $company{crowd} AND state = 'queued'"), 0, 'nothing waits for a provider that is gone');

# ---- the server is killed in the middle ----

company('killed');
$peer->behave(killed => 'taken and stall');
my ($lost, $printing) = (text('killed'), letter('killed'));
ok($peer->wait_for(killed => 2), 'two requests are under way');
$node->stop('immediate');
$node->start;
reaches($lost, 'unknown 1 again', 'a text message is in doubt', timeout => 30);
reaches($printing, 'unknown 1 again', 'so is a letter');
$peer->behave(killed => 'well');
is(report('killed', (grep { /^SM/ } $peer->made('killed'))[0], 'delivered', '+15550000001'), '', 'the provider reports');
reaches($lost, 'accepted 1 done', 'that it has the text message');
clock_offset(2000);
reaches($printing, 'accepted 200 2 done', 'the letter is asked for again');
is(scalar(() = $peer->made('killed')), 2, 'and nothing was made twice');

# ---- a copy ----

clock_offset(0);
sql("UPDATE ar_inbox.providers SET send_retry_at = now() + interval '1 hour', send_error = 'wait', send_failures = 1 WHERE company_id = $company{acme}");
text('acme');
my $folder = $ENV{TESTDIR};
run_log([ 'pg_dump', '--host', $node->host, '--port', $node->port, '--format=custom', "--file=$folder/channels.dump", 'postgres' ]) or die;
sql('CREATE DATABASE copy TEMPLATE template0');
ok(run_log([ 'pg_restore', '--host', $node->host, '--port', $node->port, '--exit-on-error', '--dbname=copy', "$folder/channels.dump" ]), 'dumped and restored');
$node->safe_psql('copy', 'UPDATE ar_inbox.providers SET send_retry_at = NULL, send_error = NULL, send_failures = 0');
$before = () = $peer->requests('acme');
$node->reload;    # the launcher looks for new databases
ok(ArInbox::wait_until($node, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ar_inbox worker' AND datname = 'copy'", 1), 'the copy has a worker');
sleep 1.5;
is(scalar(() = $peer->requests('acme')), $before, 'and sends nothing');
is($node->safe_psql('copy', "SELECT count(*) > 0 FROM ar_inbox.deliveries WHERE next_attempt_at <= now() AND provider_id IS NOT NULL"), 't', 'though something waits in it');

is_deeply([ $peer->faults ], [], 'no request had a fault');
unlike(ArInbox::log_since($node, 0), qr/(?:PANIC|terminated by signal|server process .* exited)/, 'nothing crashed');
is(scalar(grep { /token_of_|key_of_/ && !/LOG:  00000: statement: / } split /\n/, ArInbox::log_since($node, 0)), 0, 'the worker writes no secret into the log');
$node->stop;
done_testing();

sub http_date
{
	my @t = gmtime shift;
	return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT', (qw(Sun Mon Tue Wed Thu Fri Sat))[ $t[6] ], $t[3], (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[ $t[4] ], $t[5] + 1900, @t[ 2, 1, 0 ];
}
