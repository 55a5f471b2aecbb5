# Three nights of a shop, for script/demo --night: what load_orders does with late orders, a
# cancellation and a crash. To be sourced.

# The private cluster is set up for speed; here a commit is a commit.
make_durable() {
	run_psql -c 'ALTER SYSTEM SET synchronous_commit = on' -c 'ALTER SYSTEM SET fsync = on' \
		-c 'ALTER SYSTEM SET full_page_writes = on' -c 'SELECT pg_reload_conf()' > /dev/null
}

prepare_nights() {
	run_psql <<-'END'
		ALTER TABLE orders ADD order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
		CREATE INDEX ON orders (ordered_at);
		CREATE TABLE histories (customer_id text PRIMARY KEY, history purchase_history NOT NULL);
		CREATE TABLE loads (night text, customers bigint, orders_added bigint, orders_removed bigint);

		-- What the histories must be: made from all orders, with nothing kept.
		CREATE VIEW from_scratch AS
		SELECT customer_id, purchase_history(ordered_at, amount) AS history FROM orders GROUP BY customer_id;

		CREATE VIEW proof AS
		SELECT (SELECT count(*) FROM orders) AS "Orders in the log",
			(SELECT sum(jsonb_array_length(history::jsonb -> 'orders')) FROM histories) AS "in the histories",
			(SELECT sum(amount) FROM orders) AS "Revenue in the log",
			(SELECT sum(total_spend(history)::numeric(18, 2)) FROM histories) AS "of the histories",
			(SELECT count(*) FROM histories AS h FULL JOIN from_scratch AS s USING (customer_id)
				WHERE coalesce(h.history, '{"orders": []}') <> coalesce(s.history, '{"orders": []}')) AS "Histories that are wrong";
	END
}

# load NIGHT SINCE: what a scheduler would run.
load() {
	run_psql -c "INSERT INTO loads
		SELECT '$1', customers, orders_added, orders_removed
		FROM load_orders('histories', 'orders', 'customer_id', 'ordered_at', 'amount', since => '$2')"
}

show_loads() {
	run_psql -P linestyle="$LINESTYLE" -P border=2 -P footer=off -P numericlocale=on -P null=- <<-END
		SELECT night AS "Load", customers AS "Customers changed", orders_added AS "Orders added", orders_removed AS "Orders removed"
		FROM loads WHERE night LIKE '$1%';
		TABLE proof;
	END
	[ "$(run_psql -At -c 'SELECT "Histories that are wrong" = 0 AND "Orders in the log" = "in the histories"
		AND "Revenue in the log" = "of the histories" FROM proof')" = t ] ||
		die "the histories are not those of the orders"
}

first_night() {
	say "Night 1: the orders of 1 January, and twenty late ones from the week before"
	run_psql <<-'END'
		INSERT INTO orders (customer_id, ordered_at, amount)
		SELECT to_char(i * 7919 % 21000, 'FM"C"00000'), timestamp '2026-01-01' + i * interval '7 minutes', 20 + i % 50 FROM generate_series(1, 200) AS i
		UNION ALL
		SELECT to_char(i * 104729 % 20000, 'FM"C"00000'), timestamp '2025-12-25' + i * interval '8 hours', 35 FROM generate_series(1, 20) AS i;
	END
	load '1' 2025-12-25
	load '1, once more by mistake' 2025-12-25
	show_loads 1
}

second_night() {
	say "Night 2: a cancellation, a price corrected, a refund booked to another day"
	run_psql <<-'END'
		INSERT INTO orders (customer_id, ordered_at, amount)
		SELECT to_char(i * 7919 % 21000, 'FM"C"00000'), timestamp '2026-01-02' + i * interval '7 minutes', 20 + i % 50 FROM generate_series(1, 200) AS i;
		DELETE FROM orders WHERE order_id = (SELECT min(order_id) FROM orders WHERE ordered_at >= '2026-01-01');
		UPDATE orders SET amount = amount - 5 WHERE order_id = (SELECT max(order_id) FROM orders WHERE ordered_at < '2026-01-02' AND ordered_at >= '2026-01-01');
		INSERT INTO orders (customer_id, ordered_at, amount)
		SELECT customer_id, '2025-12-30 12:00', -amount FROM orders WHERE ordered_at >= '2025-12-29' ORDER BY order_id LIMIT 1;
	END
	load '2' 2025-12-26
	show_loads 2
}

# The load is held up in the middle of its writing by a lock on one of the rows, and the server
# stopped as if its plug had been pulled.
crash_in_the_load() {
	local patience=300 state=''
	run_psql -c "BEGIN" -c "SELECT FROM histories WHERE customer_id = (SELECT customer_id FROM orders WHERE ordered_at >= '2026-01-03'
		GROUP BY 1 ORDER BY 1 OFFSET 100 LIMIT 1) FOR UPDATE" -c "SELECT pg_sleep(60)" > /dev/null 2>&1 &
	until [ "$(run_psql -At -c "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")" = 1 ] || [ $((patience--)) -eq 0 ]; do sleep 0.1; done
	load '3, interrupted' 2025-12-27 > /dev/null 2>&1 &
	until [ "$state" = Lock ] || [ $((patience--)) -le 0 ]; do
		sleep 0.1
		state=$(run_psql -At -c "SELECT wait_event_type FROM pg_stat_activity WHERE query LIKE 'INSERT INTO loads%' AND pid <> pg_backend_pid()")
	done
	[ "$state" = Lock ] || die "the load could not be caught in the middle"
	say "It has written some of the customers. Stopping the server at once (pg_ctl stop -m immediate)"
	stop_cluster
	wait || true
	say "Starting it again"
	start_server
}

third_night() {
	local before after
	say "Night 3: the orders of 3 January, and the server dies in the middle of the load"
	run_psql <<-'END'
		INSERT INTO orders (customer_id, ordered_at, amount)
		SELECT to_char(i * 7919 % 20000, 'FM"C"00000'), timestamp '2026-01-03' + i * interval '7 minutes', 20 + i % 50 FROM generate_series(1, 200) AS i;
	END
	before=$(run_psql -At -c "SELECT md5(string_agg(customer_id || history::text, ' ' ORDER BY customer_id)) FROM histories")
	crash_in_the_load
	after=$(run_psql -At -c "SELECT md5(string_agg(customer_id || history::text, ' ' ORDER BY customer_id)) FROM histories")
	[ "$before" = "$after" ] || die "something of the interrupted load is there"
	say "Nothing of the interrupted load is there: the histories are those of the evening before. Loading again"
	load '3, again' 2025-12-27
	show_loads 3
}

play_nights() {
	make_durable
	say "Loading all orders into histories"
	prepare_nights
	load 'at first' -infinity
	show_loads 'at first'
	first_night
	second_night
	third_night
	say "Three nights: nothing was lost, and nothing counted twice"
}
