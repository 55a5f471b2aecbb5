{# A function of the extension, with its schema if that is said. #}
{% macro fn(name) -%}
  {%- set schema = var('extension_schema', none) -%}
  {{ adapter.quote(schema) ~ '.' if schema else '' }}{{ name }}
{%- endmacro %}

{# A value as an SQL literal; NULL for none. #}
{% macro literal(value) -%}
  {%- if value is none -%}null
  {%- elif value is string -%}'{{ value | replace("'", "''") }}'
  {%- elif value is iterable -%}
    array[{% for item in value %}{{ customer_centric.literal(item) }}{{ ', ' if not loop.last }}{% endfor %}]::name[]
  {%- else -%}{{ value }}
  {%- endif -%}
{%- endmacro %}

{# The one value that a query gives; nothing while dbt only reads the project. #}
{% macro one_value(query) %}
  {%- if execute -%}
    {{ return(run_query(query).columns[0].values()[0]) }}
  {%- else -%}
    {{ return('') }}
  {%- endif -%}
{% endmacro %}
