# The demo's story, asserted: what `make demo` prints on real servers is so.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp ();
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use MailHost;
use Story;
use Test::More;

my $mail = MailHost->new;
my %mailbox = Story::mailboxes();
$mail->add_user($_, $mailbox{$_}) for sort keys %mailbox;
$mail->start;

my $node = ArInbox::new_node('story', conf => <<"END");
ar_inbox.poll_interval = '1s'
ar_inbox.tls_ca_file = '@{[$mail->ca_file]}'
END
my $story = Story->new(mail => $mail, sql => sub { $node->safe_psql('postgres', $_[0]) });

is($story->company, '1|Acme Corporation|America/New_York|USD', 'a company');
is($story->customer, 'CUST-00001|Globex Ltd|Ann Archer|ann@globex.test', 'a customer with a contact');
my @steps = split /\n/, $story->invoice;
is(scalar @steps, 6, 'an issued invoice has the steps of the default cadence');

my $invoice = $story->sent;
like($invoice, qr/^Delivered-To: ann\@globex\.test$/m, 'the worker has sent it to the contact');
like($invoice, qr/with ESMTPSA/, 'over TLS and with a login');
like($invoice, qr/^From: Acme Corporation <billing\@acme\.test>$/m, 'in the name of the company');
like($invoice, qr/^Subject: Invoice INV-00001 from Acme Corporation$/m, 'as a new invoice');
like($invoice, qr/^Auto-Submitted: auto-generated$/m, 'marked as a machine\'s');
like($invoice, qr/^Return-Path: <billing\+b[a-z2-7]{29}\@acme\.test>$/m, 'with an envelope sender that names the delivery');
like($invoice, qr/^Reply-To: billing\+r[a-z2-7]{29}\@acme\.test$/m, 'and a signed address for answers');
# lines of quoted-printable as they were before
(my $whole = $invoice) =~ s/=\r?\n//g;
like($whole, qr/\*\*USD 2,715\.50\*\*/, 'with its total as text');
like($whole, qr/<strong>USD 2,715\.50</, 'and as HTML');

like($story->answer, qr/^<-  250 2\.0\.0 Ok: queued/m, 'the customer\'s answer is taken by the mail host');
is($story->inbox, '1|Invoice INV-00001|Globex Ltd|INV-00001|open|incoming|2',
	'the worker has fetched it: the invoice\'s thread is open and has both messages');
is($node->safe_psql('postgres', q{select e.from_name, e.from_address, e.in_reply_to = array[(
		select o.message_id from ar_inbox.emails o where o.direction = 'outgoing' order by o.id limit 1)]
	from ar_inbox.emails e where e.direction = 'incoming'}),
	'Ann Archer|ann@globex.test|t', 'it is filed by what it answers, whatever its subject says');

is($story->second_thoughts, 'cancelled|taken back by Clara Clerk', 'a member takes back what she has just written');
my $reply = $story->reply;
like($reply, qr/^Subject: Re: your letter of today$/m, 'she answers');
like($reply, qr/^From: "Acme Corporation \(Clara Clerk\)" <billing\@acme\.test>$/m, 'in the company\'s name and her own');
like($reply, qr/^In-Reply-To: <answer-1\@globex\.test>$/m, 'the message that the customer wrote');
like($reply, qr/^Content-Disposition: attachment;\s+filename="?account\.csv/m, 'with a file');
like($story->bounce, qr/^bob\@globex\.test\|bounce\|.*5\.1\.1/, 'what comes back from an address that does not exist suppresses it');
is($node->safe_psql('postgres', q{select kind, status from ar_inbox.emails e join ar_inbox.threads t on t.id = e.thread_id
	where kind <> 'message'}), 'bounce|open', 'and is in the thread of what was written to it, which is open');
is($story->before_its_hour, 'scheduled', 'seconds before its hour the past-due reminder has not left');
my $reminder = $story->reminder;
like($reminder, qr/^Subject: Past due: invoice INV-00001 from Acme Corporation$/m, 'at its hour it goes out');
like($reminder, qr/^References: .*<answer-1\@globex\.test>/ms, 'in the same conversation');
like($reminder, qr/is now 3 days\s+past due/, 'saying how late it is');
my ($seconds) = $reminder =~ /^Date: .* (\d\d:\d\d:\d\d) \+0000$/m;
like($seconds, qr/^14:00:/, 'dated at 9 in New York');

$story->payment;
is($node->safe_psql('postgres', "select string_agg(distinct state || ' ' || coalesce(reason, ''), ',')
		from ar_inbox.chasing_schedule(1) where step_number = 4"),
	'cancelled invoice paid', 'after the payment the remaining steps read cancelled');
is($node->safe_psql('postgres', 'select status, balance from ar_inbox.invoices'), 'paid|0.00', 'and the invoice is paid');
is($story->peace, 4, 'ninety days later nothing more has come');
is($node->safe_psql('postgres', q{select string_agg(state || ' ' || attempts, ', ' order by id) from ar_inbox.deliveries}),
	'accepted 1, cancelled 0, accepted 1, bounced 1, accepted 1, accepted 1',
	'the ledger has every delivery with its end, in one attempt each');

$node->stop('fast');
$mail->stop;

# And the demo itself, from its start to its end.
{
	my $folder = File::Temp->newdir(TMPDIR => 1);
	local $ENV{TMPDIR} = "$folder";
	delete local $ENV{KEEP};
	chmod 0755, $folder;
	my $said = `$^X @{[ArInbox::top()]}/test/demo/play 2>&1 </dev/null`;
	is($?, 0, 'the demo runs to its end') or diag $said;
	like($said, qr/^4 messages in all/m, 'through all of its stages');
	is_deeply([ glob "$folder/*" ], [], 'it leaves no file');
	my @left = grep { $_ != $$ } split /\n/, `pgrep -f '$folder'`;
	is(scalar(grep { !/^\s*$/ && -d "/proc/$_" } @left), 0, 'and no process');
}

done_testing();
