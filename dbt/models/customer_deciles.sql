{{ customer_centric.customer_deciles(ref('purchase_histories')) }}
