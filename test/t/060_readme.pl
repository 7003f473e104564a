# The README is true: its SQL runs as shown, in one database and in its order,
# and its reference names everything that there is and nothing that there is not.
#
# A block marked ```sql is run by psql.  If a block marked ```text comes next,
# it is what psql prints; blanks at the ends of lines do not count, "…" stands
# for anything within a line, and a line of "…" alone for any lines.  A block
# without one must run without an error.  A block marked ```sql no-run begins
# with a comment that says why it is not run.

use strict;
use warnings;
use utf8;

use File::Basename qw(dirname);
use JSON::PP ();
use lib dirname(__FILE__) . '/../lib';
use ArInbox;
use Test::More;

sub slurp
{
	my ($path) = @_;
	open my $file, '<:encoding(UTF-8)', ArInbox::top() . "/$path" or die "$path: $!";
	local $/;
	return scalar <$file>;
}

# ---- reading the README ----

my @lines = split /\n/, slurp('README.md');
my (@blocks, %section, %anchor, @links);
my ($block, $title) = (undef, '');
foreach my $number (1 .. @lines)
{
	my $line = $lines[ $number - 1 ];
	if (!$block && $line =~ /^\s*```(.*)$/)
	{
		$block = { kind => $1, line => $number, text => '' };
		push @blocks, $block;
	}
	elsif ($block && $line =~ /^\s*```$/)
	{
		$block->{end} = $number;
		$block = undef;
	}
	elsif ($block)
	{
		$block->{text} .= "$line\n";
	}
	else
	{
		if ($line =~ /^#+ (.*)/)
		{
			$title = $1;
			(my $name = lc $title) =~ s/[^\w -]//g;
			$name =~ tr/ /-/;
			$anchor{$name} = 1;
		}
		$section{$title} .= "$line\n";
		push @links, $line =~ /\]\(#([^)]*)\)/g;
	}
}
ok(!$block, 'every block of the README is closed');
is_deeply([ grep { !$anchor{$_} } @links ], [], 'every link within the README leads somewhere');

# rows: the cells of the tables in a section, without their headings.
sub rows
{
	my ($name) = @_;
	my @rows = map { [ map { s/^\s+|\s+$//gr } split /\|/, s/^\||\|$//gr ] } grep { /^\|/ } split /\n/, $section{$name};
	return grep { $_->[0] =~ /^`/ } @rows;
}

# quoted: the `quoted` words of a text.
sub quoted { return $_[0] =~ /`([^`]+)`/g }

# ---- running it ----

my $node = ArInbox::new_node('readme', extension => 0);
$node->safe_psql('postgres', 'CREATE DATABASE receivables');

my @run = grep { $_->{kind} eq 'sql' } @blocks;
foreach my $at (0 .. $#blocks)
{
	my ($this, $next) = @blocks[ $at, $at + 1 ];
	next if $this->{kind} ne 'sql' || !$next || $next->{kind} ne 'text';
	$this->{shown} = $next->{text} if !grep { /\S/ } @lines[ $this->{end} .. $next->{line} - 2 ];
	$next->{used} = 1;
}
is_deeply([ map { $_->{line} } grep { $_->{kind} eq 'text' && !$_->{used} } @blocks ],
	[], 'every output shown stands below the statements that gave it');
foreach my $left (grep { $_->{kind} =~ /^sql./ } @blocks)
{
	is($left->{kind}, 'sql no-run', "line $left->{line}: a block is run, or marked no-run");
	like($left->{text}, qr/^-- not run by the tests: \S/, "line $left->{line}: it says why it is not run");
}
cmp_ok(scalar @run, '>', 20, 'there is something to run');

# One psql for all, as its reader would sit in one; a line between the blocks
# tells whose output is whose.
my $folder = $ENV{TESTDIR};
open my $script, '>:encoding(UTF-8)', "$folder/readme.sql" or die $!;
print $script "\\echo == block $_\n$run[$_]{text}" for 0 .. $#run;
close $script;
$ENV{PGCLIENTENCODING} = 'UTF8';
my $connection = $node->connstr('receivables');
system(qq(psql -X -d "$connection" <"$folder/readme.sql" >"$folder/readme.out" 2>&1));
is($?, 0, 'psql has come to the end of the README');

open my $output, '<:encoding(UTF-8)', "$folder/readme.out" or die $!;
my @printed;
while (my $line = <$output>)
{
	if ($line =~ /^== block (\d+)$/)
	{
		$printed[$1] = '';
		next;
	}
	$printed[-1] .= $line if @printed;
}
close $output;

# pattern: what a shown output stands for.
sub pattern
{
	my $pattern = '';
	foreach my $line (split /\n/, shift =~ s/\s+\z//r)
	{
		$line =~ s/\s+$//;
		$pattern .= $line eq '…' ? '(?:.*\n)*?' : join('.*', map { quotemeta } split /…/, $line, -1) . '\n';
	}
	return qr/\A$pattern\z/;
}

foreach my $at (0 .. $#run)
{
	my $name = "line $run[$at]{line}";
	my $printed = ($printed[$at] // '') =~ s/[ \t]+$//gmr =~ s/\s*\z/\n/r;
	if (!defined $printed[$at])
	{
		fail("$name: it is run");
	}
	elsif (!defined $run[$at]{shown})
	{
		unlike($printed, qr/^(?:ERROR|FATAL|PANIC|WARNING|psql|invalid command)\b/m, "$name: it runs");
	}
	elsif ($run[$at]{shown} =~ /…/)
	{
		like($printed, pattern($run[$at]{shown}), "$name: it prints what is shown");
	}
	else
	{
		is($printed, $run[$at]{shown} =~ s/[ \t]+$//gmr =~ s/\s*\z/\n/r, "$name: it prints what is shown");
	}
}

# ---- the reference: all there is, and nothing else ----

sub query
{
	my ($query) = @_;
	my $answer = $node->safe_psql('receivables', $query);
	utf8::decode($answer);
	return split /\n/, $answer;
}

sub same
{
	my ($documented, $present, $name) = @_;
	cmp_ok(scalar @$present, '>', 0, "$name: there are some");
	return is_deeply([ sort @$documented ], [ sort @$present ], $name);
}

# Signatures as a reader wants them.
sub signature
{
	my ($text) = @_;
	$text =~ s/timestamp with time zone/timestamptz/g;
	$text =~ s/ DEFAULT / = /g;
	$text =~ s/\bar_inbox\.//g;
	$text =~ s/::[a-z_]+(?:\[\])?//g;
	$text =~ s/"trigger"/trigger/g;
	return $text;
}

my @functions = map { signature($_) } query(q{
	select case p.pronamespace when 'ar_portal'::regnamespace then 'ar_portal.' else '' end
		|| p.proname || '(' || pg_get_function_arguments(p.oid) || ') → ' || pg_get_function_result(p.oid)
	from pg_proc p
	where p.pronamespace in ('ar_inbox'::regnamespace, 'ar_portal'::regnamespace) and p.proname !~ 'email_address'});
same([ $section{Functions} =~ /^\* `([^`]+)`$/mg ], \@functions, 'functions, with their parameters');
same([ $section{Functions} =~ /`(\w*email_address\w*)\([^`]*`/g ],
	[ query(q{select distinct proname from pg_proc where pronamespace = 'ar_inbox'::regnamespace and proname ~ 'email_address'}) ],
	'functions of the type of addresses');
my %known = map { /^(?:ar_portal\.)?(\w+)/; $1 => 1 } @functions,
  query(q{select distinct proname from pg_proc where pronamespace in ('ar_inbox'::regnamespace, 'pg_catalog'::regnamespace)});
is_deeply([ grep { !$known{$_} } map { /`(?:ar_inbox\.)?(\w+)\(/g } values %section ],
	[], 'every function that the text speaks of exists');

same([ map { join ' ', (quoted($_->[0]))[0], (quoted($_->[1]))[0], $_->[2] } rows('Settings') ],
	[
		query(q{
		select name || ' ' || case vartype when 'string' then quote_literal(boot_val) else boot_val || coalesce(unit, '') end
			|| ' ' || case context when 'postmaster' then 'restart' when 'sighup' then 'reload' else context end
		from pg_settings where name like 'ar\_inbox.%'})
	],
	'settings, with their defaults');

same([ map { (quoted($_->[0]))[0] . ' ' . ((quoted($_->[1]))[0] // '') } rows('Company settings') ],
	[
		query(q{
		select a.attname || ' ' || coalesce(regexp_replace(trim(both '''' from
			regexp_replace(pg_get_expr(d.adbin, d.adrelid), '::.*$', '')), '''$', ''), '')
		from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		where a.attrelid = 'ar_inbox.companies'::regclass and a.attnum > 0 and not a.attisdropped
			and a.attname not in ('id', 'created_at', 'handle')})
	],
	'settings of a company, with their defaults');

same([ map { (quoted($_->[0]))[0] } rows('Tables and views') ],
	[ query(q{select relname from pg_class where relnamespace = 'ar_inbox'::regnamespace and relkind in ('r', 'p', 'v', 'm')}) ],
	'tables and views');

same([ map { (quoted($_->[0]))[0] } rows('Roles') ],
	[ query(q{select rolname from pg_roles where rolname like 'ar\_inbox\_%'}) ], 'roles');

same([ map { join ' ', quoted($_->[0]), quoted($_->[1]) } rows('Types') ],
	[
		query(q{
		select t.typname || ' ' || string_agg(e.enumlabel, ' ' order by e.enumsortorder)
		from pg_type t join pg_enum e on e.enumtypid = t.oid
		where t.typnamespace = 'ar_inbox'::regnamespace group by t.typname})
	],
	'enumerations, with their labels');
same([ quoted($section{Types} =~ /^(`\w+`):/m ? $1 : '') ],
	[ query(q{select typname from pg_type where typnamespace = 'ar_inbox'::regnamespace and typtype = 'b' and typcategory <> 'A'}) ],
	'base types');

my @steps = rows('Steps in JSON');
same([ grep { /_|^repeat$/ } map { quoted($_->[0]) } @steps ],
	[ query('select unnest(enum_range(null::ar_inbox.step_trigger))') ], 'triggers of steps');
foreach my $row (grep { @$_ > 2 } @steps)
{
	my ($trigger) = quoted($row->[0]);
	my $step = JSON::PP::decode_json((quoted($row->[2]))[0]);
	is($step->{trigger}, $trigger, "an example of $trigger");
	is(join('', query(q{select count(*) from ar_inbox_internal.parse_steps(1, '[} . (quoted($row->[2]))[0] . q{]')})),
		'1', "the example of $trigger is taken");
}

# What becomes of a step: every outcome and reason of the one decision.
my @decided = map { /"([^"]+)"/ ? $1 : () }
  map { /^const char \*\ndecision_outcome_name(.*?)\n}/ms ? $1 =~ /"[^"]+"/g : () } slurp('src/core/decision.c');
same([ grep { $section{'What becomes of a step'} !~ /^\| `$_` \|/m } @decided ], ['done'], 'outcomes of a step that is to come');
my @reasons = grep { / / && $_ ne 'invoice %s' && $_ !~ /^%s/ } slurp('src/core/decision.c') =~ /"([^"\n]+)"/g;
push @reasons, map { "invoice $_" } qw(paid closed voided);
push @reasons, slurp('sql/decision.sql') =~ /'((?:the customer|the company|no contact) [^']+)'/g;
push @reasons, slurp('src/core/schedule.c') =~ /^\t\t\treturn "([^"]+)";/mg;
cmp_ok(scalar @reasons, '>', 25, 'reasons are found');
my %reason = map { s/^(?:email|letter|sms): //r => 1 } quoted($section{'What becomes of a step'});
is_deeply([ grep { !$reason{$_} } map { s/%02d:(?:%02d|00)|%[sd]/…/gr =~ s/^sms: //r } @reasons ], [], 'reasons of what becomes of a step');

# Templates: every name, and every value that they know.
my ($names) = query(q{select string_agg(m[1], ' ') from pg_constraint,
	lateral regexp_matches(pg_get_constraintdef(oid), '''(\w+)''', 'g') m where conname = 'templates_name_known'});
my $variables = 0;
my (@templates, @values);
foreach my $row (map { [ map { s/^\s+|\s+$//gr } split /\|/, s/^\||\|$//gr ] } grep { /^\|/ } split /\n/, $section{Templates})
{
	$variables = 1 if $row->[0] eq 'variable';
	push @{ $variables ? \@values : \@templates }, $row if $row->[0] =~ /^`/;
}
same([ map { quoted($_->[0]) } @templates ], [ split / /, $names ], 'names of templates');
same([ map { quoted($_->[0]) } @values ],
	[
		query(q{
		with recursive known (name, value) as (
			select k, v
			from ar_inbox_internal.invoice_contexts(1, '{1}', now()) c,
				jsonb_each(c.context || jsonb_build_object('payment', ar_inbox_internal.payment_values(1, 1, 'en'))) e (k, v)
			union all
			select name || '.' || k, v
			from known, jsonb_each(case jsonb_typeof(value) when 'object' then value end) e (k, v))
		select name from known where jsonb_typeof(value) <> 'object'})
	],
	'values of templates');
same([ map { $_->[0] eq '`lines`' ? quoted($_->[1]) : () } @values ],
	[ query(q{select jsonb_object_keys(c.context #> '{lines,0}') from ar_inbox_internal.invoice_contexts(1, '{1}', now()) c}) ],
	'values of an invoice\'s lines in templates');

# Errors: whatever the sources raise, but what only a broken installation would.
chomp(my $sharedir = `@{[ $ENV{PG_CONFIG} // 'pg_config' ]} --sharedir`);
my %code;
open my $errcodes, '<', "$sharedir/errcodes.txt" or die "$sharedir/errcodes.txt: $!";
while (<$errcodes>)
{
	next if !/^(\w{5})\s+E\s+(ERRCODE_\w+)(?:\s+(\w+))?/;
	$code{$2} = $1;
	$code{$3} //= $1 if defined $3;
}
close $errcodes;
my %raised;
foreach my $path (glob(ArInbox::top() . '/sql/*.sql'), glob(ArInbox::top() . '/sql/tables/*.sql'), glob(ArInbox::top() . '/src/functions/*.c'))
{
	my $text = slurp(substr $path, length(ArInbox::top()) + 1);
	foreach my $name ($text =~ /(?:\brefuse\(|\berrcode\s*=\s*)'(\w+)'/g, $text =~ /\berrcode\((ERRCODE_\w+)\)/g)
	{
		next if $name =~ /^ERRCODE_(?:E_R_I_E_|UNDEFINED_COLUMN)/;
		my $state = $name =~ /^IB\d{3}$/ ? $name : $code{$name};
		$raised{ $state // $name } = 1;
	}
}
# and what a function says of itself, as constraints raise for it
my %said;
foreach (query(q{select proname || ' ' || obj_description(oid, 'pg_proc') from pg_proc
	where pronamespace = 'ar_inbox'::regnamespace and obj_description(oid, 'pg_proc') is not null}))
{
	my ($name, $errors) = /^(\w+) .*\bErrors: (.*)/ or next;
	$raised{$_} = $said{$name}{$_} = 1 for $errors =~ /\b(IB\d{3}|\d\d[0-9A-Z]\d\d)\b/g;
}
$raised{"IB00$_"} = 1 for slurp('src/errors.h') =~ /MAKE_SQLSTATE\('I', 'B', '0', '0', '(\d)'\)/g;
same([ map { quoted($_->[0]) } rows('Errors') ], [ keys %raised ], 'SQLSTATEs');
my %entry = map { /^\* `(\w+)\(/ ? ($1 => $_) : () } split /^(?=\* `)/m, $section{Functions};
foreach my $name (sort keys %said)
{
	my @missing = grep { ($entry{$name} // '') !~ /`$_`/ } sort keys %{ $said{$name} };
	is_deeply(\@missing, [], "the errors of $name()");
}
my %documented = map { $_ => 1 } map { quoted($_->[0]) } rows('Errors');
is_deeply([ grep { !$documented{$_} } $section{Functions} =~ /`(IB\d{3}|\d\d[0-9A-Z]\d\d)`/g ],
	['42P01'], 'every SQLSTATE of a function is in the table (but the one of a missing install)');

# ---- what PGXN reads ----

my $meta = JSON::PP->new->decode(slurp('META.json'));
my ($version) = slurp('ar_inbox.control') =~ /^default_version\s*=\s*'([^']+)'/m;
is($meta->{version}, $version, 'META.json has the version of the control file');
is($meta->{provides}{ar_inbox}{version}, $version, 'for the extension too');
ok(-e ArInbox::top() . "/$meta->{provides}{ar_inbox}{$_}", "META.json: the $_ exists") for qw(file docfile);
like(slurp('CHANGELOG.md'), qr/^## \Q$version\E\b/m, 'CHANGELOG.md has this version');

$node->stop;
done_testing();
