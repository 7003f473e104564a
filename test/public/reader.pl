# The reader on public mail: parse_email() takes every message, without an error
# and in no time, finds something to show in it, and reads the same subject, names
# of files, senders and date as Python's email package, but for what is listed
# with its reason.

use strict;
use warnings;
use sigtrap qw(die HUP INT TERM);

use File::Basename qw(dirname);
use JSON::PP;
use Test::More;
use lib dirname(__FILE__), dirname(__FILE__) . '/../lib';
use ArInbox;
use PublicMail;

my @mail = PublicMail::messages();

# Python takes its time, beside ours.
open my $list, '>', "$ENV{TESTDIR}/paths" or die $!;
print $list "$_->[1]\n" for @mail;
close $list;
open my $python, '-|', "exec /usr/bin/python3.11 @{[ dirname(__FILE__) ]}/python.py <$ENV{TESTDIR}/paths"
  or die "python3.11: $!";

my $node = ArInbox::new_node('public');
sub sql { return $node->safe_psql('postgres', $_[0]) }

PublicMail::load($node, @mail);
sql(<<'END');
CREATE TABLE parsed (position integer, j jsonb, milliseconds double precision);
DO $$
DECLARE
	one record;
	start timestamptz;
	took interval;
	result jsonb;
BEGIN
	FOR one IN SELECT * FROM mail ORDER BY position LOOP
		-- another program may have had the processor: once more, then
		FOR attempt IN 1 .. 3 LOOP
			start := clock_timestamp();
			result := ar_inbox.parse_email(one.message);
			took := clock_timestamp() - start;
			EXIT WHEN took < '1 s';
		END LOOP;
		INSERT INTO parsed VALUES (one.position, result, 1000 * extract(epoch FROM took));
	END LOOP;
END $$;
END
is(sql('SELECT count(j) FROM parsed'), scalar @mail, 'every message is parsed without an error');
my ($slowest, $all, $key) = split /\|/, sql('SELECT max(milliseconds), sum(milliseconds) / 1000,
	(array_agg(key ORDER BY milliseconds DESC))[1] FROM parsed JOIN mail USING (position)');
cmp_ok($slowest, '<', 1000, sprintf 'none takes a second: all %.1f s, the slowest (%s) %.0f ms', $all, $key, $slowest);

is(sql(<<'END'), '', 'each has the members that are promised');
WITH member (name, types) AS (VALUES
	('message_id', '{string,"null"}'::text[]), ('in_reply_to', '{string,"null"}'), ('references', '{array}'),
	('subject', '{string,"null"}'), ('from', '{array}'), ('to', '{array}'), ('cc', '{array}'),
	('reply_to', '{array}'), ('date', '{string,"null"}'), ('text', '{string,"null"}'),
	('new_text', '{string,"null"}'), ('html', '{string,"null"}'), ('attachments', '{array}'),
	('automatic', '{boolean}'), ('bounce', '{object,"null"}'), ('defects', '{array}'))
SELECT key, name FROM parsed JOIN mail USING (position), member
WHERE coalesce(jsonb_typeof(j -> name) <> ALL (types), true)
END
is(sql(<<'END'), '', 'the moments can be read, the texts are texts, what is new is in the text');
SELECT key FROM parsed JOIN mail USING (position)
WHERE (j ->> 'date')::timestamptz < '1971-01-01'
	OR convert_from(convert_to(j::text, 'UTF8'), 'UTF8') <> j::text
	OR strpos(j ->> 'text', j ->> 'new_text') = 0
END
my @empty = split /\n/, sql(<<'END');
SELECT key FROM parsed JOIN mail USING (position)
WHERE coalesce(btrim(j ->> 'text'), '') = '' AND j -> 'attachments' = '[]' ORDER BY position
END
PublicMail::is_expected('empty', map { [ $_, '-', '-' ] } @empty);

my @ours = split /\n/, sql(<<'END');
SELECT jsonb_build_object('subject', btrim(j ->> 'subject', E' \t'),
	'names', (SELECT coalesce(jsonb_agg(a -> 'name' ORDER BY n) FILTER (WHERE a ->> 'name' IS NOT NULL), '[]')
		FROM jsonb_array_elements(j -> 'attachments') WITH ORDINALITY x (a, n)),
	'from', (SELECT coalesce(jsonb_agg(a -> 'address' ORDER BY n), '[]')
		FROM jsonb_array_elements(j -> 'from') WITH ORDINALITY x (a, n)),
	'date', extract(epoch FROM (j ->> 'date')::timestamptz)::bigint)
FROM parsed ORDER BY position
END
my @theirs = <$python>;
ok(close $python, 'Python reads to the end');
is(scalar @theirs, scalar @mail, 'all of them');
$node->stop;

my %list = (subject => 'subjects', names => 'names', from => 'senders', date => 'dates');
my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my %differ = map { $_ => [] } values %list;
for my $i (0 .. $#mail)
{
	my ($ours, $theirs) = map { $json->decode($_) } $ours[$i], $theirs[$i];
	for (keys %list)
	{
		my @both = map { $json->encode($_) } $ours->{$_}, $theirs->{$_};
		push @{ $differ{ $list{$_} } }, [ $mail[$i][0], @both ] if $both[0] ne $both[1];
	}
}
PublicMail::is_expected($_, @{ $differ{$_} }) for sort keys %differ;

done_testing;
