# R with RPostgres or RPostgreSQL: Rscript r.R HOST DATABASE USER PORT
arguments <- commandArgs(trailingOnly = TRUE)
driver <- if (requireNamespace("RPostgres", quietly = TRUE)) RPostgres::Postgres() else RPostgreSQL::PostgreSQL()
db <- DBI::dbConnect(driver, host = arguments[1], dbname = arguments[2], user = arguments[3], port = as.integer(arguments[4]))
scores <- DBI::dbGetQuery(db, "SELECT segment, churn_prob, clv_365d, last_order_on FROM customer_scores_bi WHERE churn_prob < 0.5")
stopifnot(nrow(scores) > 0, is.numeric(scores$churn_prob), inherits(scores$last_order_on, "Date"), all(scores$churn_prob < 0.5))
history <- DBI::dbGetQuery(db, "SELECT history::text FROM histories WHERE customer_id = 1001")[1, 1]
stopifnot(history == '{"orders": [["2025-01-05", 12.5], ["2025-03-01", 30]]}')
cat("ok 1 - data frames of scores\nok 2 - a history as text\n2 passed\n")
