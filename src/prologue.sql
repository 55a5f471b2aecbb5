-- customer_centric: customer scoring inside PostgreSQL
--
-- Rows become a history, histories a base, a base a model, and a model scores.
\echo Use "CREATE EXTENSION customer_centric" to load this file. \quit

