{#
  Keeps what changed in the scores since the snapshot before: a post-hook of customer_scores,
  post_hook: "{{ customer_centric.take_snapshot(this, 'score_snapshots') }}". The first one makes the tables. Each run is of
  a new table, which has taken the name of the one before: what snapshots look at is made anew.
#}
{% macro take_snapshot(scores, name) %}
  {%- if execute -%}
    {%- set full_name = adapter.quote(scores.schema) ~ '.' ~ adapter.quote(name) -%}
    {%- if customer_centric.one_value("select to_regclass(" ~ customer_centric.literal(full_name) ~ ") is not null") -%}
      {%- do run_query('drop view if exists ' ~ adapter.quote(scores.schema) ~ '.' ~ adapter.quote(name ~ '_source')) -%}
    {%- endif -%}
    {%- do run_query('select ' ~ customer_centric.fn('create_snapshots') ~ '(' ~ customer_centric.literal(full_name) ~ ', ' ~ customer_centric.literal(scores | string) ~ '::regclass)') -%}
    select {{ customer_centric.fn('take_snapshot') }}({{ customer_centric.literal(full_name) }}::regclass)
  {%- endif -%}
{% endmacro %}
