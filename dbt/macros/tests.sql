{# Generic tests, which give the rows that are wrong. NaN is above every number. #}
{% test probability(model, column_name) %}
  select * from {{ model }} where {{ column_name }} < 0 or {{ column_name }} > 1
{% endtest %}

{% test not_negative(model, column_name) %}
  select * from {{ model }} where {{ column_name }} < 0 or {{ column_name }}::text = 'NaN'
{% endtest %}
