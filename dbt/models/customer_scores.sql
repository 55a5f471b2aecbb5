{{ config(indexes=[{'columns': ['customer_id'], 'unique': true}]) }}
{{ customer_centric.customer_scores(ref('purchase_histories'), var('customer_id')) }}
