{# Extracts that several departments deliver under one contract (connectors/contracts/shared). #}

{# What operand_row calls needs, for such an extract: {contract id: Chinese title (department)}.
   departments: {department id: Chinese name}. #}
{% macro needs_of_each(extract, title, departments) -%}
    {% set needs = {} %}
    {% for department, name in departments.items() %}
        {% do needs.update({department ~ "__" ~ extract: title ~ "（" ~ name ~ "）"}) %}
    {% endfor %}
    {{ return(needs) }}
{%- endmacro %}


{# The operators that deliver broadband users, speed samples and 5G coverage. #}
{% macro operators() -%}
    {{ return({
        "china_mobile": "威海移动公司",
        "china_unicom": "威海联通公司",
        "china_telecom": "威海电信公司",
        "broadcast_network": "威海广电网络公司",
    }) }}
{%- endmacro %}


{# The departments that deliver the projects with special support. #}
{% macro supporting_departments() -%}
    {{ return({
        "development_reform": "市发展改革委",
        "finance": "市财政局",
        "industry_it": "市工业和信息化局",
        "commerce": "市商务局",
        "science_technology": "市科技局",
    }) }}
{%- endmacro %}
