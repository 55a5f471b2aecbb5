# The report: its document, its page, and what a browser makes of it.
#
# The document is one query that changes nothing. The page needs Node.js (and the registry of npm, once), and the layout
# Chromium; what is not there is skipped. Nothing may overlap or be cut, at the widths of a desktop and of a phone; every mark
# has a title; and who does not see the pictures is told what they say, which axe-core (of npm) and Chromium's tree for screen readers show.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = abs_path(dirname(abs_path($0)) . '/../..');
my $directory = PostgreSQL::Test::Utils::tempdir;
my $node = PostgreSQL::Test::Cluster->new('report');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->start;

my $model = q('{"model": "mbg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6.25, "q": 3.74, "gamma": 22}}');
my $simulated = 'CREATE TABLE orders AS SELECT customer_id, ordered_at, round(amount::numeric, 2) AS amount FROM simulate_orders';
my %shops = (
	alone => q{CREATE TABLE orders AS SELECT 1 AS customer_id, timestamp '2025-01-01' AS ordered_at, 10.5 AS amount},
	twenty => "$simulated(20, $model, '2025-01-01', '2026-01-01', 1)",
	one_order => q{CREATE TABLE orders AS SELECT i AS customer_id, timestamp '2025-01-01' + i * interval '3 hours' AS ordered_at, (10 + i % 37)::numeric AS amount FROM generate_series(1, 900) AS i},
	losses => "$simulated(2000, $model, '2020-01-01', '2026-01-01', 3);
		INSERT INTO orders SELECT customer_id, ordered_at + interval '9 days', round(-amount * CASE WHEN customer_id % 5 = 0 THEN 1.7 ELSE 0.5 END, 2)
		FROM orders WHERE (customer_id * 7 + extract(day FROM ordered_at)::int) % 4 = 0",
	many => "$simulated(30000, $model, '2023-01-01', '2026-01-01', 1)");
foreach my $shop (sort keys %shops)
{
	$node->safe_psql('postgres', "CREATE DATABASE $shop");
	$node->safe_psql($shop, qq{
		CREATE EXTENSION customer_centric;
		$shops{$shop};
		SELECT create_customer_scores('customer_scores', 'orders', 'customer_id', 'ordered_at', 'amount')});
}

# ---------------------------------------------------------------- the document

sub document
{
	my ($shop, @variables) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=on';
	ok(IPC::Run::run([ 'psql', '-XqAt', '-d', $node->connstr($shop), @variables, '-f', "$root/script/report.sql" ], '>', \$out, '2>', \$err), "the document of $shop, of a session that may not write")
		or diag $err;
	append_to_file("$directory/$shop.json", $out);
	return $out;
}

sub ask { my ($document, $query) = @_; $document =~ s/'/''/g; return $node->safe_psql('postgres', "WITH d AS (SELECT '$document'::json AS d) $query"); }

my $alone = document('alone');
is(ask($alone, q{SELECT count(*) FROM d, json_array_elements(d -> 'pictures') AS p}), '9', 'a shop with one customer has a report');

my $losses = document('losses');
is(ask($losses, q{SELECT string_agg(p ->> 'name', ' ') FROM d, json_array_elements(d -> 'pictures') AS p}),
	'segments churn_value c3 deciles lorenz tracking second_order moves moments', 'all pictures are there');
is(ask($losses, q{SELECT count(*) FROM d, json_array_elements(d -> 'pictures') AS p WHERE length(p ->> 'sentence') < 20 OR json_typeof(p -> 'rows') <> 'array'}), '0',
	'each has a sentence and rows');
my $due = $node->safe_psql('losses', q{SELECT to_char(count(*), 'FM999,999,990') FROM customer_scores WHERE order_count > 1 AND churn_prob < 0.5 AND clv_365d > 0 AND days_overdue BETWEEN -7 AND 60});
is(ask($losses, q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'moments' AND json_array_length(p -> 'rows') = 20}),
	"Customers of more than one order who are probably still there, and whose next order is due within 7 days, or was in the last 60: $due, of whom these are the 20 most valuable.",
	'those who are due are counted, and some of them shown');
is(ask($losses, q{SELECT count(*) FROM d, json_array_elements(d -> 'pictures') AS p, json_array_elements(p -> 'rows') AS r, json_array_elements(p -> 'columns') AS c
	WHERE (r -> (c ->> 0)) IS NULL}), '0', 'each column is in each row');

# The numbers are those of the scores.
my $revenue = $node->safe_psql('losses', 'SELECT round(sum(total_spend), 2) FROM customer_scores');
my $value = $node->safe_psql('losses', 'SELECT round(sum(clv_365d)::numeric, 2) FROM customer_scores WHERE segment IS NOT NULL');
my $sum = sub { my ($picture, $column) = @_;
	return ask($losses, qq{SELECT round(sum((r ->> '$column')::numeric), 2) FROM d, json_array_elements(d -> 'pictures') AS p, json_array_elements(p -> 'rows') AS r WHERE p ->> 'name' = '$picture'}) };
is($sum->('segments', 'revenue'), $revenue, 'the segments have all of the revenue');
is($sum->('segments', 'value'), $value, 'and of the value');
is($sum->('churn_value', 'value'), $value, 'so have the cells of churn and value');
is($sum->('c3', 'revenue'), $revenue, 'and the cohorts of the revenue');
is($sum->('moves', 'customers'), $node->safe_psql('losses', 'SELECT count(*) || \'.00\' FROM customer_scores'), 'every customer has come from somewhere');
is($sum->('second_order', 'again'), $node->safe_psql('losses', q{SELECT count(*) || '.00' FROM (SELECT purchase_history(ordered_at, amount) AS h FROM orders GROUP BY customer_id) AS h
	WHERE days_to_nth_order(h, 2) <= 728}), 'all second orders of two years');

# Scores of 90 days, with rules of the shop's own: what their segments were is not known; with the extension's it is.
$node->safe_psql('losses', q{SELECT create_customer_scores('ninety', 'orders', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', horizon_days => 90,
	rules => (SELECT segment_rules(s, r, NULL, NULL) FROM (VALUES ('Sleeping', '[1,3]'::int4range), ('Awake', '[4,5]')) AS v(s, r)))});
my $ninety = document('losses', '-v', 'scores=ninety');
like(ask($ninety, q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'moves'}), qr/rules or cut points of their own/, 'segments of own rules have no past');
like(ask($losses, q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'moves'}), qr/^Since .* have moved to another segment/, 'those of the built-in rules do');
like(ask($ninety, q{SELECT string_agg(f ->> 'label', ';') FROM d, json_array_elements(d -> 'figures') AS f}), qr/Value of the next 90 days/, 'the horizon is that of the scores');
is(ask($ninety, q{SELECT c ->> 1 FROM d, json_array_elements(d -> 'pictures') AS p, json_array_elements(p -> 'columns') AS c WHERE p ->> 'name' = 'segments' AND c ->> 0 = 'value'}), 'Next 90 days', 'also in the headings');

# Who the customers are, and where what is reported stands, is not guessed: the document is of what is named, or there is none.
sub refusal
{
	my ($shop, @variables) = @_;
	my $err = '';
	ok(!IPC::Run::run([ 'psql', '-XqAt', '-d', $node->connstr($shop), @variables, '-f', "$root/script/report.sql" ], '>', \my $out, '2>', \$err), "no document of $variables[1]");
	is($out, '', 'nor a part of one');
	return $err;
}
$node->safe_psql('postgres', 'CREATE DATABASE shops');
$node->safe_psql('shops', qq{CREATE EXTENSION customer_centric; CREATE SCHEMA "North East";
	CREATE TABLE orders AS SELECT v.shop, o.customer_id, o.ordered_at, round(o.amount::numeric, 2) AS amount
	FROM (VALUES ('oslo', 1), ('rome', 2)) AS v(shop, seed), simulate_orders(600, $model, '2024-01-01', '2026-01-01', seed) AS o;
	SELECT create_customer_scores('shop_scores', 'orders', ARRAY['shop', 'customer_id'], 'ordered_at', 'amount', model => 'mbg/nbd');
	CREATE VIEW told_apart AS SELECT concat_ws('/', shop, customer_id) AS customer_id, segment, lifecycle, order_count, total_spend, recency_days, first_order_on, last_order_on,
		churn_prob, clv_365d, next_order_on, days_overdue, as_of FROM shop_scores AS s;
	CREATE VIEW orders_told_apart AS SELECT concat_ws('/', shop, customer_id) AS customer, ordered_at, amount FROM orders;
	SELECT create_customer_scores('"North East"."One column"', 'orders_told_apart', 'customer', 'ordered_at', 'amount', model => 'mbg/nbd');
	CREATE VIEW by_shop AS SELECT concat_ws('/', shop, customer_id) AS customer, shop, ordered_at, amount FROM orders WHERE shop = 'oslo' OR customer_id <= 5;
	SELECT create_customer_scores('group_scores', 'by_shop', 'customer', 'ordered_at', 'amount', group_by => ARRAY['shop'], model => 'mbg/nbd');
	SELECT create_customer_scores('given', 'orders_told_apart', 'customer', 'ordered_at', 'amount', model => $model, columns => ARRAY['segment', 'clv_365d']);
	SELECT create_customer_scores('given_whole', 'orders_told_apart', 'customer', 'ordered_at', 'amount', model => $model)});
like(refusal('shops', '-v', 'scores=shop_scores'), qr/customer "1" has several rows in the scores, shop_scores\n.*HINT: .*concat_ws\('\/', shop, customer_id\)/s, 'customers of two shops are not taken for one');
like(refusal('shops', '-v', 'scores=nobody'), qr/nothing called "nobody", which was said to be the scores/, 'scores that are not there are named');
like(refusal('shops', '-v', 'scores=shop_scores', '-v', 'amount=total'), qr/the orders, orders, have no column total/, 'so are columns of orders');
like(refusal('shops', '-v', 'scores=given', '-v', 'customer_id=customer', '-v', 'orders=orders_told_apart'), qr/the scores, given, have no column .*lifecycle/, 'and of scores');
like(refusal('shops', '-v', 'scores=told_apart', '-v', 'customer_id=customer', '-v', 'orders=orders_told_apart'), qr/no told_apart_model with what was fitted\n.*--model/s, 'a view has no model beside it');
my @of_shops = ('-v', 'customer_id=customer', '-v', 'orders=orders_told_apart');
my $told_apart = document('shops', '-v', 'scores=told_apart', '-v', 'model=shop_scores_model', @of_shops);
unlink "$directory/shops.json";
my $one_column = document('shops', '-v', 'scores="North East"."One column"', @of_shops);
my $sentences = q{SELECT string_agg(p ->> 'sentence', ' ') FROM d, json_array_elements(d -> 'pictures') AS p};
is(ask($told_apart, $sentences), ask($one_column, $sentences), 'customers told apart by a view are reported like those of one column, in a schema of their own');
unlink "$directory/shops.json";
ok(IPC::Run::run([ "$root/script/report", $node->connstr('shops'), '--scores', 'told_apart', '--model', 'shop_scores_model', '--orders', 'orders_told_apart', '--columns', 'customer,ordered_at,amount', '--json' ],
	'>', \my $by_options), 'script/report takes these names as options');
is(ask($by_options, $sentences), ask($told_apart, $sentences), 'and says the same');
my $groups = document('shops', '-v', 'scores=group_scores', '-v', 'customer_id=customer', '-v', 'orders=by_shop');
is(ask($groups, q{SELECT string_agg(f ->> 'note', ';') FROM d, json_array_elements(d -> 'figures') AS f WHERE f ->> 'label' IN ('Customers', 'Model')}) =~ /in 2 groups;model of all \(the worst of 2 groups\)/, 1, 'groups are said to be there, with the worst fit');
like(ask($groups, q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'moves'}), qr/rules or cut points of their own, by group,/, 'and that each has cut points of its own');
unlink "$directory/shops.json";
is(ask(document('shops', '-v', 'scores=given_whole', @of_shops), q{SELECT f ->> 'note' FROM d, json_array_elements(d -> 'figures') AS f WHERE f ->> 'label' = 'Model'}) =~ /^given, not fitted; back-test/, 1, 'a model by hand is one');
unlink "$directory/shops.json";

# No amounts, no customers, and an order of the next century but one: each picture is there, or a sentence that says why not.
$node->safe_psql('postgres', 'CREATE DATABASE odd');
$node->safe_psql('odd', q{CREATE EXTENSION customer_centric;
	CREATE TABLE orders AS SELECT customer_id, ordered_at, round(amount::numeric, 2) AS amount FROM simulate_orders(500, '{"model": "bg/nbd", "timing": {"r": 0.8, "alpha": 8, "a": 0.8, "b": 3.2}, "spend": {"p": 6, "q": 4, "gamma": 22}}', '2023-01-01', '2025-01-01', 4);
	SELECT create_customer_scores('no_amounts', 'orders', 'customer_id', 'ordered_at', model => 'bg/nbd');
	CREATE TABLE far AS SELECT * FROM orders UNION ALL SELECT 1, '2205-01-01', 5;
	SELECT create_customer_scores('far_scores', 'far', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', as_of => NULL);
	CREATE TABLE gone AS SELECT * FROM orders;
	SELECT create_customer_scores('gone_scores', 'gone', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', storage => 'table');
	TRUNCATE gone; CALL refresh_customer_scores('gone_scores')});
my $no_amounts = document('odd', '-v', 'scores=no_amounts');
like(ask($no_amounts, q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'churn_value'}), qr/^There are no amounts/, 'without amounts there is no value, but a model');
unlike(ask($no_amounts, q{SELECT string_agg(p ->> 'sentence', ' ') FROM d, json_array_elements(d -> 'pictures') AS p}), qr/,  of|  /, 'no sentence has a gap');
my $far = document('odd', '-v', 'scores=far_scores', '-v', 'orders=far');
like(ask($far, q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'tracking'}), qr/more than a century: a day is wrong/, 'a wrong day costs one picture');
my $gone = document('odd', '-v', 'scores=gone_scores', '-v', 'orders=gone');
unlike(ask($gone, q{SELECT string_agg(p ->> 'sentence', ' ') FROM d, json_array_elements(d -> 'pictures') AS p}), qr/ 0 of 0 |  /, 'where nobody is left, nothing is said of them');

# No customers, customers with refunds only, and fewer than ten: no sentence has a gap, and each says why where there is nothing to show.
$node->safe_psql('odd', q{CREATE TABLE none AS SELECT * FROM orders WHERE false; CREATE TABLE refunds AS SELECT customer_id, ordered_at, -amount AS amount FROM orders;
	CREATE TABLE few AS SELECT * FROM orders WHERE customer_id < 4; CREATE TABLE lost AS SELECT customer_id, ordered_at, amount FROM orders WHERE customer_id < 300;
	SELECT create_customer_scores(name || '_scores', name::regclass, 'customer_id', 'ordered_at', 'amount') FROM unnest('{none,refunds,few}'::text[]) AS name;
	SELECT create_customer_scores('lost_scores', 'lost', 'customer_id', 'ordered_at', 'amount', model => 'bg/nbd', as_of => '2040-01-01')});
foreach my $name (qw(none refunds few lost))
{
	my $document = document('odd', '-v', "scores=${name}_scores", '-v', "orders=$name");
	is(ask($document, q{SELECT string_agg(p ->> 'name' || ': ' || (p ->> 'sentence'), ' | ') FROM d, json_array_elements(d -> 'pictures') AS p
		WHERE p ->> 'sentence' ~ '  |, ,|^ | [.]|nothing to show[.]' OR json_typeof(p -> 'rows') <> 'null' AND p ->> 'sentence' ~ 'nothing to show'}), '', "$name: sentences are whole");
	IPC::Run::run([ "$root/script/report", $node->connstr('odd'), '--scores', "${name}_scores", '--orders', $name, '-o', "$directory/odd.html" ], '>', \my $said, '2>', \my $problems);
	unlike(slurp_file("$directory/odd.html"), qr/as of (?:null|<)/, "$name: a page has a day, or says that there is none");
}

my $one_order = document('one_order');
is(ask($one_order, q{SELECT count(*) FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' IN ('churn_value', 'tracking', 'moments') AND json_typeof(p -> 'rows') = 'null'
	AND p ->> 'sentence' ~ 'no model|Nothing to show|No customer'}), '3', 'what needs a model says that there is none');
document($_) foreach qw(twenty many);

# Snapshots, where there are some, in the place of what the histories say.
$node->safe_psql('losses', q{SELECT create_snapshots('snapshots', 'customer_scores'); SELECT take_snapshot('snapshots', (SELECT max(as_of) - 30 FROM customer_scores));
	SELECT take_snapshot('snapshots')});
like(ask(document('losses', '-v', 'snapshots=snapshots'), q{SELECT p ->> 'sentence' FROM d, json_array_elements(d -> 'pictures') AS p WHERE p ->> 'name' = 'moves'}),
	qr/^Since \d{4}-\d\d-\d\d 0 of [\d,]+ customers have moved/, 'nobody moved between snapshots of the same scores');
unlink "$directory/losses.json";
document('losses');

# ---------------------------------------------------------------- the page

sub has { my ($program) = @_; return grep { -x "$_/$program" } split /:/, $ENV{PATH}; }

# Tables alone, which take no more than a server.
my $tables = '';
ok(IPC::Run::run([ 'psql', '-XqAt', '-d', $node->connstr('losses'), '-v', 'title=Ann & <Bob>', '-v', "report_file=$directory/losses.json", '-f', "$root/script/report_tables.sql" ],
	'>', \$tables), 'without Node.js the tables come out');
is(() = $tables =~ /<table>/g, 9, 'all of them');
is(() = $tables =~ /<caption>[^<]{4,}: the numbers<\/caption><thead><tr><th scope="col">/g, 9, 'each has a caption, and headings of columns');
cmp_ok(scalar(() = $tables =~ /<tr><th scope="row"/g), '>', 100, 'and of rows');
like($tables, qr/<h1>Ann &amp; &lt;Bob&gt;<\/h1>/, 'text is text');

# Colours: of each scheme of the page, texts against what is behind them, and marks against the page (WCAG 2.2, 1.4.3 and 1.4.11).
sub luminance
{
	my ($colour) = @_;
	$colour =~ s/([0-9a-f])/$1$1/gi if length $colour == 3;
	my @light = map { my $v = hex($_) / 255; $v <= 0.04045 ? $v / 12.92 : (($v + 0.055) / 1.055) ** 2.4 } $colour =~ /../g;
	return 0.2126 * $light[0] + 0.7152 * $light[1] + 0.0722 * $light[2];
}
sub contrast { my ($dark, $light) = sort { $a <=> $b } map { luminance($_) } @_; return ($light + 0.05) / ($dark + 0.05); }
cmp_ok(abs(contrast('777', 'ffffff') - 4.478), '<', 0.001, 'a contrast that is known');
my @schemes = map { +{ /--([\w-]+): #(\w+);/g } } slurp_file("$root/script/pictures/style.css") =~ /:root \{(.*?)\}/gs;
is(scalar(@schemes), 3, 'light, dark and print');
foreach my $scheme (@schemes)
{
	my @texts = ((map { [ $_, 'page' ] } qw(text quiet)), map { [ "on-shade-$_", "shade-$_" ] } 1 .. 5);
	my @low = ((grep { contrast(@$scheme{@$_}) < 4.5 } @texts), grep { contrast(@$scheme{@$_}) < 3 } map { [ $_, 'page' ] } qw(grey blue orange));
	is(join(' ', map { "$_->[0] on $_->[1]: " . contrast(@$scheme{@$_}) } @low), '', "texts and marks are seen on #$scheme->{page}");
}

my $chromium = (grep { has($_) } qw(chromium chromium-browser google-chrome))[0];
SKIP: {
	skip 'no Node.js', 1 if !has('node') || !has('npm');
	local $ENV{HOME} = $directory;
	local $ENV{XDG_CACHE_HOME} = "$directory/cache";
	my %pages;
	foreach my $shop (grep { $_ ne q{alone} } sort keys %shops)
	{
		my ($out, $err) = ('', '');
		my $ran = IPC::Run::run([ "$root/script/report", $node->connstr($shop), '--title', "Customers of <$shop>", '-o', "$directory/$shop.html" ], '>', \$out, '2>', \$err);
		ok($ran, "the page of $shop") or diag "$out$err";
		skip 'what draws cannot be had', 1 if $err =~ /cannot be installed|no pictures without/;
		my $page = $pages{$shop} = slurp_file("$directory/$shop.html");
		unlike($page, qr/<script|javascript:|\bsrc=|<link|\@import|url\(/i, 'it runs no script and loads nothing');
		cmp_ok(length($page), '<', 700_000, 'it is small enough for a mail');
		my $pictures = $shop eq 'one_order' ? 6 : 8;
		is(() = $page =~ /<svg[^>]*role="img"/g, 2 * $pictures, "$pictures pictures, each for a desktop and a phone");
		my @named = grep { my ($title) = /aria-labelledby="(\w+)-title"/; my ($says) = /aria-describedby="(\w+)-says"/;
			$title && $says && $title eq $says && $page =~ /<h2 id="$title-title">[^<]{4,}<\/h2>\s*<p id="$title-says">[^<]{4,}/ } $page =~ /<svg[^>]*role="img"[^>]*>/g;
		is(scalar(@named), 2 * $pictures, 'which a heading names, and a sentence describes');
		my ($tables, $rows) = (scalar(() = $page =~ /<table>/g), scalar(() = $page =~ /<tr>/g));
		is(() = $page =~ /<table><caption id="\w+-numbers">[^<]{4,}: the numbers<\/caption><thead><tr>(?:<th scope="col"[^>]*>[^<]*<\/th>)+<\/tr>/g, $tables, 'tables have captions and headings of columns');
		is(() = $page =~ /<tr><th scope="row"/g, $rows - $tables, 'and of rows');
		like($page, qr/\A<!doctype html>\s*<html lang="en">/, 'its language is known');
		is(() = $page =~ /<details>/g, $pictures, 'the numbers behind each');
		cmp_ok(scalar(() = $page =~ /<title>/g), '>', 100, 'marks have titles');
		unlike($page, qr/NaN|Infinity|undefined|\[object/, 'every number is one');
	}

	skip 'no Chromium', 1 if !$chromium;

	# What a screen reader is given, with all numbers unfolded; and one that is wrong in each way shows that it is found.
	my $profile = File::Temp::tempdir(CLEANUP => 1);
	my $axe = "$directory/node_modules/axe-core/axe.min.js";
	IPC::Run::run([ qw(timeout 120 npm install --silent --no-audit --no-fund --ignore-scripts --fetch-retries=1 --prefix), $directory, 'axe-core@4.14.1' ], '>', \my $ignored, '2>&1');
	$axe = 'none' if !-e $axe;
	diag 'axe-core cannot be had: its rules are not tried' if $axe eq 'none';
	append_to_file("$directory/seen.html", '<!doctype html><html><head><meta charset="utf-8"></head><body><p style="color: #999; background: #fff">pale</p><section id="lost"><svg role="img" width="10" height="10">'
		. '<g aria-label="line"><path d="M0,0L9,9" stroke="black"></path></g></svg></section></body></html>');
	my ($read, $trouble) = ('', '');
	my $was_read = IPC::Run::run([ 'node', "$root/test/tap/reader.js", $chromium, $profile, $axe, map { "$directory/$_.html" } qw(losses one_order seen) ], '>', \$read, '2>', \$trouble);
	skip 'Chromium does not start here', 1 if !$was_read && $trouble =~ /^Chromium ended/;
	ok($was_read, 'pages are read as by a screen reader') or diag $trouble;
	foreach my $shop (qw(losses one_order))
	{
		like($read, qr/^$shop \Q$_\E: nothing wrong$/m, "$shop, $_: every mark has a title, and axe-core finds nothing") foreach 'light 1280', 'dark 360';
	}
	like($read, qr/^seen light 1280: wrong: lost: a line has no title/m, 'a mark without one is found');
	like($read, qr/^seen light 1280: wrong: .*color-contrast.*html-has-lang.*svg-img-alt/m, 'and what axe-core knows') if $axe ne 'none';
	my @lines = map { /^losses: (.*)/ ? $1 : () } split /\n/, $read;
	is((grep { /^heading/ } @lines)[0], 'heading 1 "Customers of <losses>"', 'the title comes first');
	my $told = join "\n", @lines;
	foreach my $picture (@{ JSON::PP->new->decode(slurp_file("$directory/losses.json"))->{pictures} })
	{
		my ($title, $says) = ($picture->{title}, $picture->{sentence} =~ /\A(\S+)/);
		my $drawn = $picture->{name} eq 'moments' ? '' : qr/(?:figure ""\n)?image "\Q$title\E" \(\Q$says\E[^\n]*\)\ngroup ""\nDisclosureTriangle "The numbers of: \Q$title\E"\n/;
		my ($part) = $told =~ /^(region "\Q$title\E"\n(?:.*\n){0,40})/m;
		like($part // '', qr/^region "\Q$title\E"\nheading 2 "\Q$title\E"\nparagraph ""\n${drawn}region "\Q$title\E: the numbers"\ntable "\Q$title\E: the numbers"\ncaption ""\n(?:row[^\n]*\n)*columnheader "\Q$picture->{columns}[0][1]\E"\n(?:[^\n]*\n)*?rowheader "/m,
			"$title: heading, sentence, picture and numbers are read in this order");
	}

	# One that is wrong in each way shows that the measure finds it.
	$pages{wrong} = '<h2 id="wide" style="white-space: nowrap">' . ('wide ' x 400) . '</h2><svg role="img" width="200" height="50" style="overflow: visible">'
		. '<text x="10" y="20">one</text><text x="12" y="22">two</text><text x="190" y="45">is cut</text></svg>';
	my $frames = join "\n", map {
		my ($shop, $width) = @$_;
		my $page = $pages{$shop};
		$page =~ s/&/&amp;/g;
		$page =~ s/"/&quot;/g;
		qq(<iframe id="$shop $width" style="width:${width}px;height:6000px;border:0" srcdoc="$page"></iframe>)
	} map { my $shop = $_; map { [ $shop, $_ ] } 1280, 360 } sort keys %pages;
	append_to_file("$directory/measure.html", "<!doctype html><meta charset=\"utf-8\">$frames<script>\n" . slurp_file("$root/test/tap/layout.js") . "</script>");
	my ($out, $err) = ('', '');
	IPC::Run::run([ $chromium, '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', "--user-data-dir=$profile", '--virtual-time-budget=10000', '--dump-dom', "file://$directory/measure.html" ],
		'>', \$out, '2>', \$err, IPC::Run::timeout(120));
	my ($measured) = $out =~ /<pre id="measured">(.*?)<\/pre>/s;
	skip "Chromium measured nothing: $err", 1 if !defined $measured && $err =~ /sandbox|namespace|crashpad/i && $out eq '';
	ok(defined $measured, 'the pages were measured') or diag $err;
	my %found = map { /^(\S+ \d+): (.*)/ ? ($1 => $2) : () } split /\n/, $measured // '';
	like($found{"wrong $_"}, qr/one overlaps two.*is cut is cut.*page is wider/, "at $_ px what is wrong is found") foreach 1280, 360;
	foreach my $shop (grep { $_ ne q{alone} } sort keys %shops)
	{
		like($found{"$shop $_"}, qr/^\d{2,} texts, nothing wrong$/, "$shop at $_ px: nothing overlaps, nothing is cut") foreach 1280, 360;
	}
}

done_testing();
