{{ customer_centric.customer_cohorts(ref('purchase_histories'), var('grain')) }}
