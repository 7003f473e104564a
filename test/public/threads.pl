# Threads of public mail: whatever the order in which the messages come, the
# same ones are in a thread together; and they are those that Dovecot, which
# reads the same ids by RFC 5256, has in one, but for what is listed with its
# reason.  Dovecot's REFS looks at ids alone; its REFERENCES also joins what has
# an equal subject, which for us is no evidence.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);    # END stops the servers

use File::Basename qw(dirname);
use File::Path qw(make_path);
use Test::More;
use lib dirname(__FILE__), dirname(__FILE__) . '/../lib';
use ArInbox;
use ImapClient;
use MailHost;
use PublicMail;

my @mail = PublicMail::messages();
my %order = (forward => 'position', backward => '-position', shuffled => "md5(position || ' 4711')");

my $node = ArInbox::new_node('public');
sub sql { return $node->safe_psql('postgres', $_[0]) }

PublicMail::load($node, @mail);
sql(<<'END');
CREATE TABLE outcome (run text, position integer, email bigint, milliseconds double precision);
CREATE PROCEDURE receive_all(run text, sorted_by text) LANGUAGE plpgsql AS $$
DECLARE
	place integer;
	places integer[];
	start timestamptz;
	email bigint;
BEGIN
	EXECUTE format('SELECT array_agg(position ORDER BY %s) FROM mail', sorted_by) INTO places;
	FOR i IN 1 .. cardinality(places) LOOP
		place := places[i];
		start := clock_timestamp();
		email := ar_inbox.receive_email((SELECT m.message FROM mail m WHERE m.position = place),
			(run || '@inbox.test')::ar_inbox.email_address);
		INSERT INTO outcome VALUES (run, place, email, 1000 * extract(epoch FROM clock_timestamp() - start));
		IF i % 100 = 0 THEN
			COMMIT;
		END IF;
	END LOOP;
END $$;
END

# A company for each order, all of them at once.
my %psql;
for my $run (sort keys %order)
{
	sql("SELECT ar_inbox.add_company_address(ar_inbox.create_company('$run'), '$run\@inbox.test')");
	open $psql{$run}, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
	  '-c', "CALL receive_all('$run', \$\$$order{$run}\$\$)"
	  or die "psql: $!";
}

# The same messages in a mailbox, meanwhile: each a file, as a delivery would
# leave it, whose name says which one it is.
my $host = MailHost->new;
$host->add_user('all@acme.test', 'secret');
$host->start;
my $box = $host->folder . '/mail/all@acme.test/Maildir';
make_path("$box/cur", "$box/new", "$box/tmp");
for my $i (1 .. @mail)
{
	my $message = PublicMail::contents($mail[ $i - 1 ][1]);
	$message =~ s/\AFrom .*\n//;
	my $path = sprintf '%s/cur/%d.M%dP1.public:2,S', $box, 1_000_000_000 + $i, $i;
	open my $file, '>:raw', $path or die "$path: $!";
	print $file $message;
	close $file or die "$path: $!";
}
my $imap = ImapClient->new($host->imap_port, 'all@acme.test', 'secret');
$imap->command('EXAMINE INBOX');
my %position = map { /UID (\d+) X-GUID \d+\.M(\d+)P1/ ? ($1 => $2) : () } $imap->command('UID FETCH 1:* (X-GUID)');
is(scalar keys %position, scalar @mail, 'Dovecot has all messages');

# dovecot: the first message of the thread that each message is in.
sub dovecot
{
	my ($algorithm) = @_;

	my ($answer) = grep { /^\* THREAD/ } $imap->command("UID THREAD $algorithm UTF-8 ALL");
	my ($depth, @one, %first) = (0);
	for ($answer =~ /[()]|\d+/g)
	{
		if (/\d/)
		{
			push @one, $position{$_};
			next;
		}
		$depth += $_ eq '(' ? 1 : -1;
		if ($depth == 0)
		{
			my ($first) = sort { $a <=> $b } @one;
			$first{$_} = $first for splice @one;
		}
	}
	is(scalar keys %first, scalar @mail, "UID THREAD $algorithm has all of them");
	return \%first;
}

my %dovecot = map { $_ => dovecot($_) } qw(REFS REFERENCES);
$host->stop;

for my $run (sort keys %psql)
{
	my $handle = $psql{$run};
	my $said = join '', <$handle>;
	ok((close $handle) && $said eq '', "all received, $run");
}

is(sql("SELECT string_agg(state || ' ' || count, ', ' ORDER BY state) FROM
	(SELECT state, count(*) FROM ar_inbox.inbound_messages WHERE state <> 'filed' GROUP BY 1) s"),
	'duplicate 15', 'filed or recognised as a copy, none in quarantine');
is(sql('SELECT count(*) FROM outcome WHERE email IS NOT NULL'), 3 * @mail, 'each is an email');

# What took a second may have waited for the other sessions: it is received
# once more, alone, by a company that has nothing yet.
my @slow = split /\n/, sql('SELECT DISTINCT position FROM outcome WHERE milliseconds >= 1000');
if (@slow)
{
	sql("SELECT ar_inbox.add_company_address(ar_inbox.create_company('again'), 'again\@inbox.test')");
	sql("CREATE TABLE again AS SELECT * FROM mail WHERE position IN (@{[ join ', ', @slow ]})");
	sql("DO \$\$
DECLARE
	one record;
	start timestamptz;
BEGIN
	FOR one IN SELECT * FROM again LOOP
		start := clock_timestamp();
		PERFORM ar_inbox.receive_email(one.message, 'again\@inbox.test');
		UPDATE outcome SET milliseconds = least(milliseconds, 1000 * extract(epoch FROM clock_timestamp() - start))
		WHERE position = one.position;
	END LOOP;
END \$\$");
}
my ($slowest, $median) = split /\|/, sql('SELECT max(milliseconds),
	percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) FROM outcome');
cmp_ok($slowest, '<', 1000, sprintf 'none takes a second: the slowest %.0f ms, the median %.1f ms', $slowest, $median);

is(sql('SELECT count(*) FROM ar_inbox.deliveries'), 0, 'nothing is to be sent to anybody');

# ours: of each run the same.
my %ours;
for my $run (sort keys %order)
{
	$ours{$run} = { map { split /\|/ } split /\n/, sql(<<"END") };
SELECT o.position, min(o.position) OVER (PARTITION BY ar_inbox_internal.current_thread(e.company_id, e.thread_id))
FROM outcome o JOIN ar_inbox.emails e ON e.id = o.email WHERE o.run = '$run'
END
}
my $ours = $ours{forward};
for my $run (qw(backward shuffled))
{
	my @other = grep { $ours{$run}{$_} != $ours->{$_} } sort { $a <=> $b } keys %$ours;
	is("@other", '', "the same threads whether they come forward or $run");
}
my %subject = map { split /\|/, $_, 2 } split /\n/, sql(<<'END');
SELECT o.position, e.subject FROM outcome o JOIN ar_inbox.emails e ON e.id = o.email WHERE o.run = 'forward'
END
$node->stop;

# blocks: the least sets of messages that neither of two partitions divides.
sub blocks
{
	my %above;
	my $top = sub {
		my ($one) = @_;
		$one = $above{$one} while $above{$one} // $one != $one;
		return $one;
	};
	my @messages = sort { $a <=> $b } keys %{ $_[0] };
	for my $partition (@_)
	{
		for (@messages)
		{
			my ($one, $other) = map { $top->($_) } $_, $partition->{$_};
			$above{$one} = $other if $one != $other;
		}
	}
	my %block;
	push @{ $block{ $top->($_) } }, $_ for @messages;
	return sort { $a->[0] <=> $b->[0] } values %block;
}

# parts: how a partition divides a block.
sub parts
{
	my ($partition, $block) = @_;

	my %part;
	push @{ $part{ $partition->{$_} } }, $_ for @$block;
	return sort { $a->[0] <=> $b->[0] } values %part;
}

sub spelt
{
	return join ' | ', map { join ' ', map { $mail[ $_ - 1 ][0] } @$_ } @_;
}

my (@differ, %known);
for my $block (blocks($ours, $dovecot{REFS}))
{
	my ($we, $they) = map { spelt(parts($_, $block)) } $ours, $dovecot{REFS};
	next if $we eq $they;
	push @differ, [ $mail[ $block->[0] - 1 ][0], $we, $they ];
	$known{$_} = 1 for @$block;
}
PublicMail::is_expected('threads', @differ);

# base: a subject without what replies, forwards and lists put before it, and
# what forwards put behind it (RFC 5256, 2.1).
sub base
{
	my ($text) = @_;

	$text = lc $text;
	$text =~ s/\s+/ /g;
	while ($text =~ s/\(fwd\)\s*$|\s+$//
		|| $text =~ s/^\s+//
		|| $text =~ s/^(?:\[[^][]*\]\s*)*(?:re|fwd?)\s*(?:\[[^][]*\]\s*)?://
		|| $text =~ s/^\[[^][]*\]\s*(?=\S)//
		|| $text =~ s/^\[fwd:(.*)\]$/$1/)
	{
	}
	return $text;
}

# What REFERENCES has together and we have apart has to hang together by equal
# subjects, or by what is listed above; what it has apart and we have together
# has to be listed there, too.
my ($joined, @unexplained) = (0);
for my $block (blocks($ours, $dovecot{REFERENCES}))
{
	push @unexplained, 'apart: ' . spelt($block)
	  if parts($dovecot{REFERENCES}, $block) > 1 && grep { !$known{$_} } @$block;
	my @apart = parts($ours, $block);
	next if @apart == 1;
	$joined++;
	my (%by_subject, %with_subject);
	for my $message (@$block)
	{
		my $base = base($subject{$message});
		next if $base eq '';
		$by_subject{$message} = $by_subject{$base} //= $message;
	}
	delete @by_subject{ grep { !/^\d+$/ || !exists $ours->{$_} } keys %by_subject };
	$with_subject{$_} = $by_subject{$_} // $_ for @$block;
	my @left = blocks(\%with_subject, map { my $whole = $_; +{ map { $_ => $whole->{$_} } @$block } } $ours, $dovecot{REFS});
	push @unexplained, 'together: ' . spelt(@left) if @left > 1;
}
is(join("\n", @unexplained), '', "$joined joins by Dovecot's REFERENCES are by an equal subject alone");
is($joined, 366, 'as many as there are in this mail');

done_testing;
