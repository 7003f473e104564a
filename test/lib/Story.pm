# Story: the main job, stage by stage, on real servers: an invoice is issued and
# chased by mail, the customer answers, a member writes back, a message comes
# back, the customer pays, and is left in peace.
#
# `make demo` prints the stages; test/t/050_story.pl asserts them.  Each stage
# is a method that does one thing, waits for what it brings about, and returns
# what a reader would look at.
#
#   my $story = Story->new(mail => $mailhost, sql => sub { psql's answer to a query });
#   $story->$_ for Story::stages();

package Story;

use strict;
use warnings;

use Carp qw(croak);
use Time::HiRes qw(sleep time);

sub stages
{
	return qw(company customer invoice sent answer inbox second_thoughts reply bounce before_its_hour reminder payment peace);
}

# new: mail is a started MailHost with the two mailboxes below; sql runs a
# statement and returns its rows, columns separated by "|"; reload makes the
# server read its configuration again.
sub new
{
	my ($class, %option) = @_;
	return bless {%option}, $class;
}

sub mailboxes
{
	return ('billing@acme.test' => 'billing-secret', 'ann@globex.test' => 'ann-secret');
}

sub sql { $_[0]{sql}->($_[1]) }

# until: waits for a query to answer what is wanted.
sub until
{
	my ($self, $query, $wanted, $seconds) = @_;
	my $deadline = time + ($seconds // 30);
	while (1)
	{
		my $answer = $self->sql($query);
		return $answer if $answer eq $wanted;
		croak "after waiting, \"$query\" answers \"$answer\" and not \"$wanted\"" if time > $deadline;
		sleep 0.1;
	}
}

# A company, the account its mail goes through, and how it chases.
sub company
{
	my ($self) = @_;
	my $mail = $self->{mail};
	my %password = mailboxes();

	$self->{company} = $self->sql(q{select ar_inbox.create_company('Acme Corporation', time_zone => 'America/New_York')});
	$self->sql(sprintf q{select ar_inbox.set_mail_account(%d, 'billing@acme.test', 'smtp://localhost:%d?starttls=always',
		username => 'billing@acme.test', password => '%s', imap_url => 'imaps://localhost:%d', plus_addressing => true)},
		$self->{company}, $mail->submission_port, $password{'billing@acme.test'}, $mail->imaps_port);
	$self->sql(sprintf q{select ar_inbox.create_cadence(%d, 'Standard', '[
		{"trigger": "on_issue",              "hour": 0, "channels": ["email"]},
		{"trigger": "before_due", "days": 5, "hour": 9, "channels": ["email"]},
		{"trigger": "after_due",  "days": 3, "hour": 9, "channels": ["email"]},
		{"trigger": "repeat",     "days": 7, "hour": 9, "channels": ["email"], "repeats": 3}]', is_default => true)},
		$self->{company});
	$self->sql('create role clara');
	$self->sql(sprintf q{select ar_inbox.create_member(%d, 'Clara Clerk', 'clara@acme.test', role => 'clara',
		permissions => '{view,send}')}, $self->{company});
	$self->sql('select ar_inbox.arm()');
	return $self->sql('select id, name, time_zone, currency from ar_inbox.companies');
}

# A customer with a person to write to.
sub customer
{
	my ($self) = @_;
	$self->{customer} = $self->sql("select ar_inbox.create_customer($self->{company}, 'Globex Ltd')");
	$self->sql(sprintf q{select ar_inbox.create_contact(%d, 'Ann Archer', 'ann@globex.test', is_primary => true)},
		$self->{customer});
	return $self->sql('select c.number, c.name, k.name, k.email from ar_inbox.customers c '
		  . 'join ar_inbox.contacts k on k.customer_id = c.id');
}

# An invoice, issued: it takes the default cadence, whose moments are then known.
sub invoice
{
	my ($self) = @_;
	$self->{invoice} = $self->sql(sprintf q{select ar_inbox.create_invoice(%d, '[
		{"description": "Consulting, November", "quantity": 2, "unit_price": 1200.00},
		{"description": "Travel", "unit_price": 315.50}]')}, $self->{customer});
	$self->sql("select ar_inbox.issue_invoice($self->{invoice})");
	return $self->sql("select * from ar_inbox.chasing_schedule($self->{invoice})");
}

# The worker sends it.  Returns the mail as it lies in the customer's mailbox.
sub sent
{
	my ($self) = @_;
	($self->{mail_received}) = $self->{mail}->wait_for('ann@globex.test', 1, 30);
	$self->until("select state from ar_inbox.chasing_steps where invoice_id = $self->{invoice} and step_number = 1", 'sent');
	return $self->{mail_received};
}

# The customer answers from its own mail program.
sub answer
{
	my ($self) = @_;
	my ($id) = $self->{mail_received} =~ /^Message-ID:\s*(<[^>]+>)/mi or croak 'the mail has no Message-ID';
	my ($reply_to) = $self->{mail_received} =~ /^Reply-To:\s*(\S+)/mi;
	($reply_to) = $self->{mail_received} =~ /^From:.*<([^>]+)>/mi if !$reply_to;
	my ($code, $said) = $self->{mail}->swaks('smtp', '--helo', 'mail.globex.test',
		'--from', 'ann@globex.test', '--to', $reply_to,
		'--header', 'From: Ann Archer <ann@globex.test>',
		'--header', 'Subject: AW: your letter of today',
		'--header', "In-Reply-To: $id",
		'--header', 'Message-Id: <answer-1@globex.test>',
		'--body', "Thank you. We will pay next month.\n\nAnn");
	croak "swaks: $said" if $code != 0;
	return $said;
}

# The worker fetches the answer; its thread is open.
sub inbox
{
	my ($self) = @_;
	$self->until("select status from ar_inbox.inbox where company_id = $self->{company} and document is not null", 'open');
	return $self->sql('select thread_id, subject, customer, document, status, last_direction, message_count from ar_inbox.inbox');
}

# as_clara: a statement in the name of a member, and its answer.
sub as_clara { return $_[0]->sql("set role clara; $_[1]") }

# A member takes back what it has just written.
sub second_thoughts
{
	my ($self) = @_;
	$self->sql(sprintf q{select ar_inbox.change_settings(%d, '{"undo_grace": "10 seconds"}')}, $self->{company});
	my $slip = $self->as_clara(q{select ar_inbox.reply(1, 'Dear Anna, thank you.')});
	$self->as_clara("select ar_inbox.undo_send($slip)");
	return $self->sql("select state, reason from ar_inbox.sent where email_id = $slip");
}

# It answers with a file (the story does not wait for the time to take it back), and writes to somebody who is not there any more.
# Returns the answer as it lies in the customer's mailbox.
sub reply
{
	my ($self) = @_;
	$self->sql(sprintf q{select ar_inbox.change_settings(%d, '{"undo_grace": "0 seconds"}')}, $self->{company});
	my $file = $self->as_clara(sprintf q{select ar_inbox.add_file(%d, 'account.csv', convert_to('INV-00001,2715.50', 'UTF8'))},
		$self->{company});
	$self->as_clara(sprintf q{select ar_inbox.reply(1, 'Dear Ann, thank you. Here is your **account**.', attachments => '{%d}')}, $file);
	$self->{lost} = $self->as_clara(sprintf q{select ar_inbox.send_email(%d, '{bob@globex.test}', 'Your account',
		'Dear Bob, is it you who pays now?', customer_id => %d)}, $self->{company}, $self->{customer});
	my @mails = $self->{mail}->wait_for('ann@globex.test', 2, 30);
	return $mails[1];
}

# What the mail host returns is filed with the message, and the address is not
# written to again.
sub bounce
{
	my ($self) = @_;
	$self->until("select state from ar_inbox.sent where email_id = $self->{lost}", 'bounced');
	return $self->sql('select address, reason, detail from ar_inbox.suppressions');
}

# The clock is moved to seconds before the reminder's hour: nothing has left.
sub before_its_hour
{
	my ($self) = @_;

	# what comes before it is done with, so that one thing happens at a time
	$self->set_clock("(select due_at from ar_inbox.chasing_steps where invoice_id = $self->{invoice} and step_number = 2)", 1);
	$self->until("select state from ar_inbox.chasing_steps where invoice_id = $self->{invoice} and step_number = 2", 'sent');
	$self->set_clock("(select due_at from ar_inbox.chasing_steps where invoice_id = $self->{invoice} and step_number = 3)", -4);
	sleep 1.5;
	return $self->sql("select state from ar_inbox.chasing_steps where invoice_id = $self->{invoice} and step_number = 3");
}

# set_clock: the worker's clock then shows a moment, plus so many seconds.
sub set_clock
{
	my ($self, $moment, $seconds) = @_;
	my $offset = $self->sql("select ceil(extract(epoch from $moment - clock_timestamp()))::integer + ($seconds)");
	$self->sql("alter system set ar_inbox.clock_offset = $offset");
	$self->sql('select pg_reload_conf()');
	return;
}

# At its hour the past-due reminder goes out.
sub reminder
{
	my ($self) = @_;
	$self->until("select state from ar_inbox.chasing_steps where invoice_id = $self->{invoice} and step_number = 3", 'sent');
	my @mails = $self->{mail}->wait_for('ann@globex.test', 4, 30);
	return $mails[3];
}

# The customer pays: the remaining steps read cancelled.
sub payment
{
	my ($self) = @_;
	$self->sql("select ar_inbox.record_payment($self->{invoice}, 2715.50, method => 'bank transfer')");
	return $self->sql("select * from ar_inbox.chasing_schedule($self->{invoice})");
}

# Long after, nothing more has come.
sub peace
{
	my ($self) = @_;
	$self->set_clock("clock_timestamp() + interval '90 days'", 0);
	sleep 2;
	my @mails = $self->{mail}->messages('ann@globex.test');
	return scalar @mails;
}

1;
