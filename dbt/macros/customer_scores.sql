{#
  The query that scores every customer of a table of orders: a row each, plain columns. Without ordered_at the
  relation holds histories (purchase_histories), a row per customer. Arguments are those of customer_scores_query().
#}
{% macro customer_scores(orders, customer_id='customer_id', ordered_at=none, amount=none, horizon_days=365,
    annual_discount=0.1, margin=1.0, as_of=none, model='auto', order_id=none, group_by=none, columns=none,
    season=none, workers=1) %}
  {%- set query -%}
    select {{ customer_centric.fn('customer_scores_query') }}({{ customer_centric.literal(orders | string) }}::regclass,
      {{ customer_centric.literal(customer_id) }}, {{ customer_centric.literal(ordered_at) }}, {{ customer_centric.literal(amount) }},
      horizon_days => {{ horizon_days }}, annual_discount => {{ annual_discount }}, margin => {{ margin }},
      as_of => {{ customer_centric.literal(as_of) }}::text, model => {{ customer_centric.literal(model) }}::text,
      order_id => {{ customer_centric.literal(order_id) }}, group_by => {{ customer_centric.literal(group_by) }},
      columns => {{ customer_centric.literal(columns) }}, season => {{ customer_centric.literal(season) }}, workers => {{ workers }})
  {%- endset -%}
  {{ return(customer_centric.one_value(query)) }}
{% endmacro %}
