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
  {%- else -%}
    {%- set customer, day, value = adapter.quote(customer_id), adapter.quote(ordered_at), adapter.quote(amount) -%}
    {%- if order_id is none -%}
    select o.{{ customer }}, {{ customer_centric.fn('purchase_history') }}(o.{{ day }}, o.{{ value }}) as history
    from {{ orders }} as o
    where o.{{ customer }} is not null
    group by o.{{ customer }}
    {%- else -%}
    {%- set number = adapter.quote(order_id) -%}
    select l.{{ customer }}, {{ customer_centric.fn('purchase_history') }}(l.ordered, l.sum) as history
    from (
      select o.{{ customer }}, min(o.{{ day }}) as ordered, sum(o.{{ value }}) as sum
      from (select o.*, case when o.{{ number }} is null then row_number() over () end as alone_ from {{ orders }} as o) as o
      where o.{{ customer }} is not null and o.{{ day }} is not null
      group by o.{{ customer }}, o.{{ number }}, o.alone_
      having count(o.{{ value }}) > 0
    ) as l
    group by l.{{ customer }}
    {%- endif -%}
  {%- endif -%}
{% endmacro %}
