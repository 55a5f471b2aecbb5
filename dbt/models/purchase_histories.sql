{{ config(materialized='incremental', unique_key=adapter.quote(var('customer_id')), indexes=[{'columns': [adapter.quote(var('customer_id'))], 'unique': true}]) }}
{{ customer_centric.purchase_histories(ref(var('orders')), var('customer_id'), var('ordered_at'), var('amount'), var('order_id'), var('lookback_days')) }}
