{#
  A history for each customer. In an incremental model (unique_key: the customer) only the customers whose orders
  changed since so many days before the last order known. Rows of one order_id are one order.
#}
{% macro purchase_histories(orders, customer_id='customer_id', ordered_at='ordered_at', amount='amount', order_id=none, lookback_days=8) %}
  {%- if is_incremental() -%}
    {%- set since = customer_centric.one_value('select max(' ~ customer_centric.fn('last_order_on') ~ '(history)) - ' ~ lookback_days ~ ' from ' ~ this) -%}
    {{ return(customer_centric.one_value('select ' ~ customer_centric.fn('load_orders_query') ~ '(' ~ customer_centric.literal(this | string) ~ '::regclass, '
        ~ customer_centric.literal(orders | string) ~ '::regclass, ' ~ customer_centric.literal(customer_id) ~ ', ' ~ customer_centric.literal(ordered_at) ~ ', '
        ~ customer_centric.literal(amount) ~ ', order_id => ' ~ customer_centric.literal(order_id) ~ ', since => ' ~ customer_centric.literal(since | string) ~ ')')) }}
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
      where {{ customer_id }} is not null and {{ ordered_at }} is not null and {{ amount }} is not null
      group by {{ customer_id }}, {{ order_id }}, alone
    ) as per_order
    group by {{ customer_id }}
  {%- endif -%}
{% endmacro %}
