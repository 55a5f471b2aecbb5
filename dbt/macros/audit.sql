{# The customers of the twelve months before `until` in tiles, the best first; a row without a tile counts those with refunds only. #}
{% macro customer_deciles(histories, until=none, tiles=10) %}
  with audits as materialized (
    select {{ customer_centric.fn('period_audit') }}(h.history, (d.until - interval '1 year')::date, d.until) as audit
    from {{ histories }} as h
    cross join (select {{ customer_centric.audit_until(histories, until) }} as until) as d
  )
  select t.tile, t.customers, t.orders, t.spend, t.share_customers, t.share_orders, t.share_spend, t.aof, t.aov, t.low_value, t.high_value
  from audits as a
  cross join lateral {{ customer_centric.fn('audit_tiles') }}(a.audit, 'spend', {{ tiles }}) as t
  union all
  select null, s.refund_only_customers, 0, s.refund_only_spend, null, null, null, null, null, null, null
  from audits as a
  cross join lateral {{ customer_centric.fn('audit_summary') }}(a.audit) as s
  where s.refund_only_customers > 0
{% endmacro %}

{# What the customers of each cohort did, by age in weeks, months, quarters or years. #}
{% macro customer_cohorts(histories, grain='quarter', until=none) %}
  select t.cohort, t.cohort_start, t.cohort_size, t.period_start, t.age, t.active, t.share_active, t.orders, t.spend, t.second_order_customers
  from (
    select {{ customer_centric.fn('cohort_audit') }}(h.history, '{{ grain }}', d.until) as audit
    from {{ histories }} as h
    cross join (select {{ customer_centric.audit_until(histories, until) }} as until) as d
  ) as a
  cross join lateral {{ customer_centric.fn('cohort_table') }}(a.audit) as t
  where t.complete and t.age is not null
{% endmacro %}

{% macro audit_until(histories, until) -%}
  {%- if until is none -%}
    (select max({{ customer_centric.fn('last_order_on') }}(history)) + 1 from {{ histories }})
  {%- else -%}
    '{{ until }}'::date
  {%- endif -%}
{%- endmacro %}

{# What is wrong with a table of orders; a singular test is: select * from this where severity = 'error'. #}
{% macro check_orders(orders, customer_id='customer_id', ordered_at='ordered_at', amount=none, order_id=none) %}
  select * from {{ customer_centric.fn('check_orders') }}({{ customer_centric.literal(orders | string) }}::regclass, {{ customer_centric.literal(customer_id) }},
    {{ customer_centric.literal(ordered_at) }}, {{ customer_centric.literal(amount) }}, {{ customer_centric.literal(order_id) }})
{% endmacro %}
