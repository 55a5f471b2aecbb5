{#
  A history for each customer. In an incremental model (unique_key: the customer) only the customers whose orders
  changed since so many days before the last order known, or before today if that is to come. Rows of one order_id are one
  order: one without an amount still says when it was.
#}
{% macro purchase_histories(orders, customer_id='customer_id', ordered_at='ordered_at', amount='amount', order_id=none, lookback_days=8) %}
  {%- if is_incremental() -%}
    {%- set last = 'max(' ~ customer_centric.fn('last_order_on') ~ '(history))' -%}
    {%- set since = customer_centric.one_value('select coalesce(case when ' ~ last ~ ' > current_date then current_date else ' ~ last ~ ' end - '
        ~ lookback_days ~ ", '-infinity')::text from " ~ this) -%}
    {{ return(customer_centric.one_value('select ' ~ customer_centric.fn('load_orders_query') ~ '(' ~ customer_centric.literal(this | string) ~ '::regclass, '
        ~ customer_centric.literal(orders | string) ~ '::regclass, ' ~ customer_centric.literal(customer_id) ~ ', ' ~ customer_centric.literal(ordered_at) ~ ', '
        ~ customer_centric.literal(amount) ~ ', order_id => ' ~ customer_centric.literal(order_id) ~ ', since => ' ~ customer_centric.literal(since) ~ ')')) }}
  {%- elif order_id is none -%}
    select {{ customer_id }}, {{ customer_centric.fn('purchase_history') }}({{ ordered_at }}, {{ amount }}) as history
    from {{ orders }}
    where {{ customer_id }} is not null
    group by {{ customer_id }}
  {%- else -%}
    select {{ customer_id }}, {{ customer_centric.fn('purchase_history') }}(ordered_at, amount) as history
    from (
      select {{ customer_id }}, min({{ ordered_at }}) as ordered_at, sum({{ amount }}) as amount
      from (select o.*, case when {{ order_id }} is null then row_number() over () end as alone from {{ orders }} as o) as numbered
      where {{ customer_id }} is not null and {{ ordered_at }} is not null
      group by {{ customer_id }}, {{ order_id }}, alone
      having count({{ amount }}) > 0
    ) as per_order
    group by {{ customer_id }}
  {%- endif -%}
{% endmacro %}
