# R with RPostgres or RPostgreSQL, whichever is there: Rscript r.R HOST DATABASE USER PORT
arguments <- commandArgs(trailingOnly = TRUE)
package <- if (requireNamespace("RPostgres", quietly = TRUE)) "RPostgres" else "RPostgreSQL"
driver <- if (package == "RPostgres") RPostgres::Postgres() else RPostgreSQL::PostgreSQL()
db <- DBI::dbConnect(driver, host = arguments[1], dbname = arguments[2], user = arguments[3], port = as.integer(arguments[4]))
cat("# ", R.version.string, ", ", package, " ", as.character(packageVersion(package)), "\n", sep = "")

done <- 0
check <- function(what, ...) {
	if (!all(...)) stop(what)
	done <<- done + 1
	cat(sprintf("ok %d - %s\n", done, what))
}
ask <- function(...) DBI::dbGetQuery(db, ...)

scores <- ask("SELECT customer_id, segment, order_count, churn_prob, clv_365d, last_order_on FROM customer_scores_bi")
check("a data frame of scores", nrow(scores) == ask("SELECT count(*)::int AS n FROM customer_scores")$n, nrow(scores) > 100)
check("of numbers, texts and days", is.numeric(scores$churn_prob), is.numeric(scores$clv_365d), is.character(scores$segment), inherits(scores$last_order_on, "Date"))
check("to compute with", abs(sum(scores$clv_365d) - ask("SELECT sum(clv_365d) AS v FROM customer_scores")$v) < 1e-6)
likely <- ask("SELECT customer_id FROM customer_scores_bi WHERE churn_prob < $1 AND segment = $2", list(0.5, "Champions"))
check("parameters", setequal(likely$customer_id, scores$customer_id[scores$churn_prob < 0.5 & scores$segment == "Champions"]), nrow(likely) > 0)

document <- '{"orders": [["2025-01-05", 12.5], ["2025-03-01", 30]]}'
check("a history as text", ask("SELECT history::text AS h FROM histories WHERE customer_id = 1001")$h == document)
untouched <- suppressWarnings(ask("SELECT history FROM histories WHERE customer_id = 1001"))
check("and without a cast", as.character(untouched$history) == document)
check("a score of a history that R sends", ask("SELECT order_count($1::purchase_history)::int AS n", list(document))$n == 2)
model <- ask("SELECT model::text AS m FROM models")$m
check("and of a model", ask("SELECT churn_prob($1::purchase_history, $2::clv_model) AS p", list(document, model))$p < 1)
orders <- data.frame(customer_id = c(2001, 2001, 2002), ordered_on = as.Date(c("2025-01-01", "2025-02-01", "2025-03-01")), amount = c(10, 20.5, 5))
invisible(DBI::dbWriteTable(db, "orders_of_r", orders, row.names = FALSE))
made <- ask("SELECT customer_id, order_count(h)::int AS orders, total_spend(h) AS spend FROM (SELECT customer_id, purchase_history(ordered_on, amount) AS h FROM orders_of_r GROUP BY 1) AS x ORDER BY 1")
check("histories of a data frame that R wrote", made$orders == c(2, 1), made$spend == c(30.5, 5))
invisible(DBI::dbDisconnect(db))
cat(done, "passed\n")
