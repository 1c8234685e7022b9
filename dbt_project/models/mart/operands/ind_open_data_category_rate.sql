-- one row per operand
{{ config(materialized="view") }}

{% set needs = {"big_data_center__open_dataset": "公共数据开放数据集"} %}

with

categories as (
    select * from {{ ref("int_category__opening") }}
)

-- 22 is fixed by the plan: the categories that indicator 18 lists
{{ fixed_operand_row("open_categories_required", 22) }}
union all
{{
    operand_row(
        "opened_categories",
        "select count(*) from categories where categories.is_open",
        needs,
    )
}}
